"""Failure of a node: its tasks move, it comes back empty, and who wants them spread again must say so (2-8)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

MONITOR = 1.0
"""Seconds after each task in which its end counts as the update's failure: short, to wait less."""

SERVICE = ServiceSpec(
    name="web-ha",
    image="nginx",
    replicas=4,
    constraints=("node.role==worker",),
    update=Update(parallelism=2, monitor=MONITOR),
)

STOP = "sudo systemctl stop docker docker.socket"
START = "sudo systemctl start docker"
FORCE = f"docker service update --force {SERVICE.name}"
RESTART = "sudo systemctl reboot --force --force"
"""Restarts a machine as if its power had failed for a moment: nothing is stopped, nothing written."""


def drain(node: str) -> str:
    """Compose the command that takes every task off a node, and lets none come."""
    return f"docker node update --availability drain {node}"


def activate(node: str) -> str:
    """Compose the command that lets tasks come to a node again."""
    return f"docker node update --availability active {node}"


EXERCISE = Exercise(
    __name__,
    title=_("Failure of a node"),
    section="2-8",
    order=80,
    restarts=True,
    summary=_("a worker lost and back; why no task moves back by itself; drain and activate"),
    services=(SERVICE,),
    workers=2,
    instead={
        Capability.OWN_MACHINE: _("""\
Leave out step 4. The engine that stops in step 2 shows the same: to the managers a silent engine and a silent
machine are one.
"""),
    },
)
