"""Three managers: one that leads is lost, then a second, and both come back (beyond the document)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec

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
    title=Words("Three managers", "매니저 세 대"),
    section="beyond the document",
    order=180,
    summary=Words("the leader lost, the quorum lost, and both regained", "리더를 잃고, 쿼럼을 잃고, 둘 다 되찾기"),
    services=(SERVICE,),
    managers=3,
    workers=1,
)
