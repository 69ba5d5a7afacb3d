"""Rolling update: a database goes from one version to the next, one task at a time (part 2, section 8)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

_ = Messages.beside(__file__)

OLD = "redis:6.0-alpine"
NEW = "redis:6.2.5-alpine"
LEAST = (6, 2)
"""Major and minor version that a server of the new image has at least."""

SERVICE = ServiceSpec(name="my-database", image=OLD, replicas=3)
UPDATED = SERVICE.but(image=NEW)

UPDATE = f"docker service update --image {NEW} {SERVICE.name}"
"""The command of the document that updates it."""

EXERCISE = Exercise(
    __name__,
    title=_("Rolling update"),
    section="2-8",
    order=90,
    summary=_("a rolling update, one task at a time"),
    services=(SERVICE,),
    later=(UPDATED,),
)
