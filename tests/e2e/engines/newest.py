"""A node image of Debian 13 with the engine of Debian's next release.

systemd of that release runs with control groups of version 2 only, which not every computer has; its engine runs with
both. Everything else of the image is that of Debian 13, whose name it bears.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from labgen import images
from labgen.core.process import Result, Runner
from labgen.core.progress import Progress
from labgen.images import cache
from labgen.images.build_context import Workshop
from labgen.images.build_host import Apt

SUITE, NEXT = "trixie", "sid"
_PIN = f"""\
printf '%s\\n' 'Package: docker.io docker-cli containerd runc' 'Pin: release n={NEXT}' 'Pin-Priority: 990' '' \\
  'Package: *' 'Pin: release n={NEXT}' 'Pin-Priority: 100' > "$1/etc/apt/preferences.d/newest-engine"
"""
_sources, _run = Apt.sources, Workshop.run


def image() -> Path:
    """Give the folder for ``XDG_CACHE_HOME`` in which the image is, made if it is not there yet."""
    place = cache.default().parent / "test-images" / "newest-engine"
    with mock.patch.object(Apt, "sources", _of_both), mock.patch.object(Workshop, "run", _pinned):
        images.build(["docker"], runner=Runner(), progress=Progress(), cache=place / "labgen" / "boxes", suite=SUITE)
    return place


def _of_both(apt: Apt, suite: str, runner: Runner) -> tuple[str, ...]:
    lines = _sources(apt, suite, runner)
    return (*lines, *_sources(apt, NEXT, runner)) if suite == SUITE else lines


def _pinned(
    workshop: Workshop, argv: Sequence[str | Path], *, failed: str, timeout: float = 120, hint: str = ""
) -> Result:
    if argv[0] == "mmdebstrap" and any("docker.io" in str(word) for word in argv):
        argv = [argv[0], f"--setup-hook={_PIN}", *argv[1:]]
    return _run(workshop, argv, failed=failed, timeout=timeout, hint=hint)
