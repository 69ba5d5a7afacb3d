"""The cluster: who is in it and in which role, how nodes get in, and what it brings with it (part 2, sections 4, 5)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise

PORTS = (2377, 7946)
"""Ports that the document names: managers listen on the first, every node on the second."""

INGRESS = "ingress"
BRIDGE = "docker_gwbridge"
"""The two networks that come with a swarm: one over all nodes, and one on each."""

EXERCISE = Exercise(
    __name__,
    title=Words("The cluster", "스웜 클러스터"),
    section="2-4, 2-5",
    order=10,
    prerequisite=True,
    summary=Words(
        "node roles, the swarm's state, ports and networks, rotating join tokens, promote and demote",
        "노드의 역할, 스웜의 상태와 포트, 참가 토큰 확인과 교체, 매니저 승격과 강등, 스웜이 만드는 네트워크",
    ),
)
