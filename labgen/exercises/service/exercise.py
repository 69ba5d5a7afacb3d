"""A service made, looked at, listened to and removed: the exercise ``service`` (the document's part 2, section 6)."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec

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
    title=Words("A service", "서비스 생성과 제거"),
    section="2-6",
    order=20,
    summary=Words(
        "create, list, inspect and remove a service; follow its logs", "서비스 생성, 목록, 상세 정보, 로그, 삭제"
    ),
    services=(SERVICE,),
    later=(SCALED,),
)
