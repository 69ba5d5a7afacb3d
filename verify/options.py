"""Options of a grading run, for pytest."""

from __future__ import annotations

import argparse

import pytest

from labgen.core.hint import Stage
from labgen.core.nonce import nonce


def _nonce(text: str) -> str:
    try:
        return nonce(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _stage(text: str) -> Stage:
    try:
        return Stage.read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a grading."""
    group = parser.getgroup("labgen")
    group.addoption("--lab", metavar="DIR", help="folder of the lab (default: the nearest one upward from here)")
    group.addoption(
        "--exercise",
        action="append",
        metavar="NAME",
        help="grade this exercise, or `all` (default: those that the lab shows something of)",
    )
    group.addoption("--evidence", metavar="FILE", help="keep everything that was seen in FILE")
    group.addoption(
        "--nonce", metavar="TEXT", type=_nonce, help="put TEXT into the evidence; with --from, it must be there"
    )
    group.addoption("--from", metavar="FILE", dest="evidence_from", help="grade what FILE has kept, without the lab")
    group.addoption("--json", metavar="FILE", dest="report_json", help="write the report as JSON to FILE")
    group.addoption(
        "--report",
        metavar="DIR",
        dest="report_dir",
        help="write the report to DIR, as JSON, HTML, Markdown, text, JUnit XML",
    )
    group.addoption(
        "--lang",
        choices=("en", "ko"),
        dest="report_language",
        help="language of the report (default: that of this computer)",
    )
    group.addoption(
        "--hints",
        metavar="STAGE",
        type=_stage,
        help="how much help: 1 what to look at (default), 2 also where, 3 also the commands, 0 none",
    )
