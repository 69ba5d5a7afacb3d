"""Global mode: one task on every node, also on one that joins later (the document's part 2, section 7)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

_ = Messages.beside(__file__)

SERVICE = ServiceSpec(name="global_nginx", image="nginx", replicas=None)

EXERCISE = Exercise(
    __name__,
    title=_("A service on every node"),
    section="2-7",
    order=50,
    summary=_("one task on every node, also on a node that joins later"),
    services=(SERVICE,),
    workers=1,
)
