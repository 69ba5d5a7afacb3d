"""Texts from nodes on their way to a terminal."""

from __future__ import annotations

import os

import pytest

from labgen.core.errors import NodeError
from labgen.core.printable import in_line, printable
from labgen.transport.output import Output
from provision import tasks

ESCAPES = "\x1b]0;owned\x07\x1b[2J\r\x9b1m\u202e"


def test_printable_leaves_what_people_write() -> None:
    assert printable("노드 café\n  1\t2") == "노드 café\n  1 2"
    assert printable(printable(ESCAPES)) == printable(ESCAPES)


def test_printable_in_line_is_one_line() -> None:
    assert in_line("a\nb\x1b[2J") == r"a\nb\x1b[2J"
    assert in_line(ESCAPES + "\u2028\udc9b").isprintable()


def test_printable_in_line_leaves_bytes_that_are_no_text() -> None:
    assert os.fsencode(in_line(os.fsdecode(b"/\xff\xb0\n"))) == b"/\xff\xb0\\n"


def test_output_of_a_node_cannot_steer_a_terminal() -> None:
    for output in (Output(1, "", ESCAPES), Output(1, ESCAPES, "")):
        assert output.said.replace("\n", "").isprintable()


def test_error_of_a_node_cannot_steer_a_terminal() -> None:
    def fail() -> None:
        raise NodeError(f"swarm-manager: {ESCAPES}", "look")

    with pytest.raises(tasks.Exit) as ended:
        tasks._report_errors(fail)
    assert all(mark.isprintable() or mark == "\n" for mark in str(ended.value.message))


def test_exercises_print_nothing_of_a_node_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    tasks._say(f"web-alb.1 {ESCAPES}")
    assert capsys.readouterr().out.replace("\n", "").isprintable()
