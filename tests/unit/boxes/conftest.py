"""What the tests of boxes share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mirror import Mirror, serve


@pytest.fixture(name="mirror")
def running_mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A web server with nothing in it; no proxy stands before it."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serve() as mirror:
        yield mirror
