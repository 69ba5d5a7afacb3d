"""A service as a fixture, for the checks of the exercise that makes it."""

from __future__ import annotations

from typing import Any

import pytest

from labgen.swarm import Service, Swarm


def service_of(name: str) -> Any:
    """A fixture that gives the service of that name; the check that needs it says what it needs first."""

    def service(swarm: Swarm) -> Service:
        found = swarm.services.get(name)
        assert found is not None, f"there is no service {name}"
        return found

    return pytest.fixture(service)
