"""A service made, looked at, listened to and removed: the exercise ``service`` (the document's part 2, section 6)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

_ = Messages.beside(__file__)

LINE = "Docker Swarm Mode Start"
"""What its tasks say, again and again."""

PAUSE = 3
"""Seconds from one line to the next."""

SERVICE = ServiceSpec(
    name="swarm-start",
    image="alpine:3",
    command=f"/bin/ash -c \"while true; do echo '{LINE}'; sleep {PAUSE}; done\"",
)

SCALED = SERVICE.but(replicas=3)
"""With more tasks than one, so that a log over all of them can be seen."""

EXERCISE = Exercise(
    __name__,
    title=_("A service"),
    section="2-6",
    order=20,
    summary=_("create, list, inspect and remove a service; follow its logs"),
    services=(SERVICE,),
    later=(SCALED,),
)
