"""What every tier shares."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from hypothesis import settings

from labgen.core.console import TRACEBACK
from labgen.core.process import Runner

# How fast a computer is, is not what these tests are about.
settings.register_profile("labgen", deadline=None)
settings.load_profile("labgen")

# What labgen does not expect is a fault of its own: tests see where it is, and do not take it for an answer.
os.environ[TRACEBACK] = "1"

REQUIRE_TOOLS = "LABGEN_REQUIRE_TOOLS"


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Gives a program's path. Without it the test is skipped, or fails where ``LABGEN_REQUIRE_TOOLS`` is set."""

    def find(program: str) -> str:
        found = Runner().which(program)
        if found is None:
            missing = f"{program} is not installed"
            if os.environ.get(REQUIRE_TOOLS):
                pytest.fail(f"{missing}, and {REQUIRE_TOOLS} is set")
            pytest.skip(missing)
        return found

    return find
