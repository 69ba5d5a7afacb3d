"""Where finished boxes are kept. What stands there under a box's name is finished: it came by one rename."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from labgen.core.atomic_files import give_to_user, home, make_folder
from labgen.core.errors import BoxBusy
from labgen.core.i18n import _
from labgen.images import recipe

_WORK = "building-"


def default() -> Path:
    """Find ``labgen/boxes`` in the user's cache (``XDG_CACHE_HOME``, or ``~/.cache``).

    Under sudo that is the cache of the user who typed it: the box is for them, not for root.
    """
    configured = os.environ.get("XDG_CACHE_HOME")
    base = Path(configured) if configured else _home() / ".cache"
    return base / "labgen" / "boxes"


def box(provider: str, cache: Path | None = None) -> Path:
    """Give the path at which the box of today's recipe stands once it is built."""
    return (cache or default()) / f"debian-12-{recipe.key()}-{provider}.box"


def node(arch: str, cache: Path | None = None, suite: str = recipe.SUITE) -> Path:
    """Give the path at which the node image of today's recipe stands once it is built from packages.

    :param arch: as Docker names it.
    :param suite: the release of Debian that it is made of.
    """
    debian = "debian-12" if suite == recipe.SUITE else f"debian-{suite}"
    return (cache or default()) / f"{debian}-{recipe.key(suite)}-docker-{arch}.tar"


@contextlib.contextmanager
def workplace(cache: Path) -> Iterator[Path]:
    """Make an empty directory inside the cache, and remove it at the end, whatever the end is.

    Only one at a time: a second build of the same cache is refused while the first one runs. What a
    build left behind that was killed on the spot is cleared away here.

    :raises BoxBusy: another build is running.
    """
    import fcntl  # absent on Windows, where no box is built

    prepare(cache)
    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BoxBusy(
                _("Another labgen command is building a box or an image in %(cache)s.", cache=cache),
                _("Wait until it has ended, then type this command again."),
            ) from None
        for leftover in cache.glob(f"{_WORK}*"):
            shutil.rmtree(leftover)
        work = Path(tempfile.mkdtemp(prefix=_WORK, dir=cache))
        # Programs that give up root's rights on the way (apt's downloads) must get through.
        work.chmod(0o755)
        try:
            yield work
        finally:
            shutil.rmtree(work)


def keep(file: Path, place: Path) -> None:
    """Put a finished box in its place, as the user's own."""
    with file.open("r+b") as content:  # Windows flushes only what is open for writing
        os.fsync(content.fileno())
    give_to_user(file)
    file.replace(place)


def prepare(directory: Path) -> None:
    """Make the cache, where it is not there yet, as the user's own."""
    make_folder(directory)


def _home() -> Path:
    user = os.environ.get("SUDO_USER")
    if user and hasattr(os, "geteuid") and os.geteuid() == 0:
        import pwd  # absent on Windows

        with contextlib.suppress(KeyError):
            return Path(pwd.getpwnam(user).pw_dir)
    return home()
