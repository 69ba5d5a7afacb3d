"""Three managers: one that leads is lost, then a second, and both come back (beyond the document)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec

_ = Messages.beside(__file__)

PORT = 8089

SERVICE = ServiceSpec(
    name="quorum-web",
    image="nginx",
    replicas=None,
    constraints=("node.role==worker",),
    publish=(Publish(PORT, 80, "host"),),
)
"""On the workers only: what becomes of the managers is to be seen apart from what becomes of the services."""

STOP = "sudo systemctl stop docker.socket docker"
"""Its socket too: whoever asks there would start the engine again."""
START = "sudo systemctl start docker"

LIST = "docker node ls"
NO_LEADER = "does not have a leader"
"""What a manager says that cannot reach the majority (swarmkit ``manager/state/raft``)."""

FORCE = "docker swarm init --force-new-cluster --advertise-addr"

EXERCISE = Exercise(
    __name__,
    title=_("Three managers"),
    section="beyond the document",
    order=180,
    summary=_("the leader lost, the quorum lost, and both regained"),
    services=(SERVICE,),
    managers=3,
    workers=1,
)
