"""Placement: what decides on which node a task runs, and what leaves it without one (part 2, section 4)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

_ = Messages.beside(__file__)

LABEL, VALUE = "disk", "ssd"
"""A label for a node, and its value."""

OFF_MANAGERS = ServiceSpec(name="off-manager", image="nginx", replicas=2, constraints=("node.role!=manager",))
LABELLED = ServiceSpec(name="on-ssd", image="nginx", replicas=2, constraints=(f"node.labels.{LABEL}=={VALUE}",))
SPREAD = ServiceSpec(name="spread", image="nginx", replicas=3)
TOO_BIG = ServiceSpec(name="too-big", image="nginx", reserve="1TB", options=("--detach",))

EXERCISE = Exercise(
    __name__,
    title=_("Placement"),
    section="2-4",
    order=120,
    summary=_("constraints, labels, spread, and a reservation that leaves a task pending"),
    services=(OFF_MANAGERS, LABELLED, SPREAD, TOO_BIG),
    labels=(LABEL,),
    workers=1,
)
