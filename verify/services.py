"""What checks of services share: the service of an exercise as a fixture."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from labgen.swarm import Service, Swarm


def service_of(name: str) -> Callable[[Swarm], Service]:
    """The fixture of a module whose checks are about one service; the check that needs it says what it needs first."""

    @pytest.fixture(name="service")
    def service(swarm: Swarm) -> Service:
        found = swarm.services.get(name)
        assert found is not None, f"there is no service {name}"
        return found

    return service
