"""Which of the nodes in --hosts each test is for."""

from __future__ import annotations

import re

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the nodes that a test is not for; testinfra makes each test for every node in --hosts."""
    left = [item for item in items if not _wanted(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]


def _wanted(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("only_on")
    return mark is None or any(re.search(rf"://{name}\b", item.name) for name in mark.args)
