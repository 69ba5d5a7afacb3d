"""Global mode: one task on every node, also on one that joins later (the document's part 2, section 7)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

SERVICE = ServiceSpec(name="global_nginx", image="nginx", replicas=None)

EXERCISE = Exercise(
    __name__,
    title=Words("A service on every node", "모든 노드에 서비스 배포"),
    section="2-7",
    order=50,
    summary=Words(
        "one task on every node, also on a node that joins later", "노드마다 태스크 하나, 나중에 참가한 노드에도"
    ),
    services=(SERVICE,),
    workers=1,
)
