"""What every tier shares."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from typing import Any

import pytest
from hypothesis import settings

from labgen.core.console import TRACEBACK
from labgen.core.i18n import LANGUAGE_VARIABLE
from labgen.core.process import Runner
from verify.bundle import ALLOW_RECORDINGS

# How fast a computer is, is not what these tests are about.
settings.register_profile("labgen", deadline=None)
settings.load_profile("labgen")

# What labgen does not expect is a fault of its own: tests see where it is, and do not take it for an answer.
os.environ[TRACEBACK] = "1"
os.environ.pop(LANGUAGE_VARIABLE, None)

# Tests hand in what right labs answered; nobody else may.
os.environ[ALLOW_RECORDINGS] = "1"

REQUIRE_TOOLS = "LABGEN_REQUIRE_TOOLS"


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Gives a program's path. Without it the test is skipped, or fails where ``LABGEN_REQUIRE_TOOLS`` is set."""

    def find(program: str) -> str:
        path = Runner().which(program)
        if path is None:
            missing = f"{program} is not installed"
            if os.environ.get(REQUIRE_TOOLS):
                pytest.fail(f"{missing}, and {REQUIRE_TOOLS} is set")
            pytest.skip(missing)
        return path

    return find


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Escape halves of surrogate pairs, which tests print and processes of pytest cannot send one another."""
    return encodable((yield))


def encodable(data: Any) -> Any:
    """Replace what UTF-8 has no bytes for, in every string of JSON data.

    >>> encodable({"sections": ["\\udcff"]})
    {'sections': ['\\\\udcff']}
    """
    if isinstance(data, str):
        return data.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(data, dict):
        return {encodable(key): encodable(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(map(encodable, data))
    return data
