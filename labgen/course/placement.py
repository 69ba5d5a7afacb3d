"""Placement: what decides on which node a task runs, and what leaves it without one (part 2, section 4)."""

from __future__ import annotations

from labgen.course import Exercise, ServiceSpec, Words

LABEL, VALUE = "disk", "ssd"
"""A label for a node, and its value."""

OFF_MANAGERS = ServiceSpec(name="off-manager", image="nginx", replicas=2, constraints=("node.role!=manager",))
LABELLED = ServiceSpec(name="on-ssd", image="nginx", replicas=2, constraints=(f"node.labels.{LABEL}=={VALUE}",))
SPREAD = ServiceSpec(name="spread", image="nginx", replicas=3)
TOO_BIG = ServiceSpec(name="too-big", image="nginx", reserve="1TB", options=("--detach",))

EXERCISE = Exercise(
    name="placement",
    title=Words("Placement", "태스크 배치"),
    section="2-4",
    services=(OFF_MANAGERS, LABELLED, SPREAD, TOO_BIG),
    labels=(LABEL,),
    workers=1,
)
