"""What is said of an engine's answer that makes no sense."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import wait_until
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


BUSY = {"message": "rpc error: code = DeadlineExceeded desc = context deadline exceeded"}


def test_wait_until_asks_a_busy_engine_again() -> None:
    answers = iter([api.Answer(500, BUSY), api.Answer(500, BUSY), api.Answer(200, {"ID": "abc"})])
    body = wait_until(
        "the service", lambda: next(answers).value("/services/web"), within=60, pause=lambda _seconds: None
    )
    assert body == {"ID": "abc"}


def test_wait_until_ends_with_what_a_busy_engine_says() -> None:
    with pytest.raises(LabgenError, match=r"last seen: the engine answered 500 to /services/web: rpc error.*exceeded$"):
        wait_until("the service", lambda: api.Answer(500, BUSY).value("/services/web"), within=0)


@pytest.mark.parametrize(("message", "busy"), [(BUSY["message"], True), ("no space left on device", False)])
def test_value_of_an_error_is_busy_only_if_it_may_pass(message: str, busy: bool) -> None:
    with pytest.raises(NodeError) as caught:
        api.Answer(500, {"message": message}).value("/services/web")
    assert isinstance(caught.value, api.EngineBusy) is busy
    assert caught.value.hint == "Look at it there: sudo journalctl -u docker"
