"""What is said of an engine's answer that makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labgen.docker import api

FIVE = {str(number): number for number in range(5)}


@pytest.mark.parametrize(
    ("value", "beginning"),
    [
        (FIVE, FIVE),
        ({**FIVE, "more": 1}, FIVE),
        ([1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5]),
        ("text", "text"),
        (None, None),
    ],
)
def test_beginning_of_an_answer_has_five_entries(value: Any, beginning: Any) -> None:
    assert json.loads(api._beginning(value)) == beginning


def test_beginning_of_an_answer_has_400_characters() -> None:
    assert api._beginning("x" * 1000) == '"' + "x" * 399
