"""The labels of a stand-in, and whether its program is of the version that the image's name has."""

from __future__ import annotations

import pytest

from labgen.docker.stand_in import StandIn


@pytest.mark.parametrize(
    ("image", "content", "expected"),
    [
        ("redis:6.2.5-alpine", "redis 6.2.5", True),
        ("redis:6.2.5-alpine", "redis 6.2.14", True),
        ("redis:6.2.5-alpine", "redis 7.0.15", False),
        ("redis:6.0-alpine", "redis 6.0.16", True),
        ("example/redis:6.2", "redis 6.20.1", False),
        ("nginx:latest", "nginx 1.22.1", True),
        ("alpine:3", "busybox 1.35.0", True),
        ("127.0.0.1:5000/redis", "redis 7.0.15", True),
    ],
)
def test_stand_in_is_named_for_its_version(image: str, content: str, expected: bool) -> None:
    assert StandIn(image, content).is_named_for_its_version is expected


def test_stand_in_is_read_from_the_labels_that_it_writes() -> None:
    stand_in = StandIn("redis:6.2.5-alpine", "redis 7.0.15")
    assert StandIn.of({**stand_in.labels, "maintainer": "somebody"}) == stand_in


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"io.labgen.stand-in": "redis 7.0.15"},
        {"io.labgen.stands-in-for": "redis:6.2.5-alpine"},
        {"io.labgen.stand-in": "true", "io.labgen.stands-in-for": "redis:6.2.5-alpine"},
        {"io.labgen.stand-in": "redis \x1b[2J", "io.labgen.stands-in-for": "redis:6.2.5-alpine"},
        {"io.labgen.stand-in": 7, "io.labgen.stands-in-for": "redis:6.2.5-alpine"},
    ],
)
def test_stand_in_of_other_labels_is_none(labels: dict[str, object]) -> None:
    assert StandIn.of(labels) is None
