"""Hints that the checks of several exercises give."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.hint import Hint, on_manager
from labgen.exercise.services import ServiceSpec


def see_tasks(name: str) -> Hint:
    """Make the hint that shows why a service's tasks do not run."""
    return on_manager(
        f"docker service ps --no-trunc {name}",
        look=Words(
            "See what keeps its tasks from running: the column ERROR says it.",
            "태스크가 실행되지 않는 이유를 ERROR 열에서 확인하세요.",
        ),
    )


def create(*specs: ServiceSpec) -> Hint:
    """Make the hint that creates services which are missing."""
    return on_manager(
        *(spec.create for spec in specs),
        look=Words("If the service does not exist yet, create it.", "서비스가 아직 없으면 만드세요."),
    )


def repeat(name: str, *commands: str, why: Words) -> Hint:
    """Make the hint that does an exercise again from a new service; says what is lost with the old one.

    :param why: why nothing less will do.
    """
    return on_manager(
        f"docker service rm {name}",
        *commands,
        words=why,
        look=Words(
            f"This removes {name} with its containers and its history, and nothing else.",
            f"{name} 서비스와 그 컨테이너, 기록만 지워집니다.",
        ),
    )


def asked_often(port: int) -> Hint:
    """Make the hint that asks for a page again and again through the routing mesh."""
    return on_manager(
        f"curl {{manager}}:{port}",
        look=Words(
            "Do all replicas answer, time after time? Do the nodes reach each other on ports 7946/tcp and 7946/udp?",
            "여러 번 실행하세요. 모든 복제본이 응답합니까? 노드끼리 7946/tcp, 7946/udp 포트로 소식을 주고받습니까?",
        ),
    )
