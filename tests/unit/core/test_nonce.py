"""The nonce: what may be one, and what it chooses."""

from __future__ import annotations

import pytest

from labgen.cli import main
from labgen.core.nonce import choose, nonce


@pytest.mark.parametrize("text", ["", " ", "\t", "a\nb", "a\x1b[2J", "x" * 201])
def test_nonce_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="nonce"):
        nonce(text)


def test_nonce_is_what_was_typed() -> None:
    assert nonce("spring-7f3a 봄") == "spring-7f3a 봄"


@pytest.mark.parametrize("more", [[], ["--from", "evidence.jsonl"]])
def test_grade_refuses_an_empty_nonce(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "--nonce", "", *more]) == 2
    assert "the nonce is empty. Is a variable not set?" in capsys.readouterr().err


def test_choose_depends_on_the_nonce_and_the_purpose() -> None:
    chosen = {(text, purpose): choose(text, purpose, 1000) for text in "abc" for purpose in ("scale", "kill")}
    assert len(set(chosen.values())) == 6
    assert choose("a", "scale", 1000) == chosen["a", "scale"]


def test_choose_reaches_every_number() -> None:
    assert {choose(str(number), "scale", 3) for number in range(50)} == {0, 1, 2}
