"""A plugin of pytest: has coverage note which test has come to which line. The baseline of a mutation run loads it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

from tests.mutation.baseline import TIMES

_SECONDS: dict[str, float] = {}
_FAILED: set[str] = set()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note the lines of each test as its own."""
    current = coverage.Coverage.current()
    assert current is not None, "coverage does not run"
    current.switch_context(item.nodeid)
    start = time.monotonic()
    result = yield
    _SECONDS[item.nodeid] = time.monotonic() - start
    current.switch_context("")
    return result


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what fails, or is left out, without any mutant."""
    if not report.passed:
        _FAILED.add(report.nodeid)


def pytest_unconfigure() -> None:
    """Write down how long each test took, and which are of no use."""
    Path(os.environ[TIMES]).write_text(json.dumps({"seconds": _SECONDS, "failed": sorted(_FAILED)}), encoding="utf-8")
