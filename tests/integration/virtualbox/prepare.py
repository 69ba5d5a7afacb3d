"""A root file system with VirtualBox and Vagrant, from Debian packages, kept in the user's cache.

VirtualBox is in none of Debian's stable releases, so both come from sid, which moves: nothing of it is
pinned. What is kept is named after this recipe and the version of VirtualBox that sid offers; when
either changes, another one is made.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import lzma
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from labgen.core.errors import BoxError
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.images import build_host, cache, recipe
from labgen.images.build_context import Workshop

SUITE = "sid"
PACKAGES = (
    "virtualbox",
    "ca-certificates",
    "iproute2",
    "locales-all",
    # runs the machines where VirtualBox cannot (tests/e2e/virtualbox)
    "qemu-system-x86",
    "qemu-utils",
    "python3-minimal",
)
PROGRAMS = ("mmdebstrap", "unshare", "nsenter", "setpriv", "chroot", "qemu-img")

PRETENDED = "7.0.20r163906"
"""What Vagrant is told of VirtualBox's version: Debian's Vagrant is the last one under a free licence (2.3.8), and
refuses every series after 7.0. The flags that it and labgen use are the same from 6.1 to 7.2."""

MANAGE = f"""#!/bin/sh
# To itself and to VirtualBox everything goes through as it is; only the version is one that this Vagrant knows.
case "$1" in -v|--version) echo {PRETENDED}; exit ;; esac
exec /usr/bin/VBoxManage "$@"
"""

# Vagrant's package conflicts with a VirtualBox it does not know: unpacked past apt, after what it depends on.
ADD_VAGRANT = r"""set -e
cd "$1/var/cache/apt/archives"
chroot "$1" sh -c 'cd /var/cache/apt/archives && apt-get download -o APT::Sandbox::User=root vagrant'
needed=$(dpkg-deb -f vagrant_*.deb Depends | tr , '\n' | sed 's/[(|:].*//; s/ //g')
chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $needed
chroot "$1" sh -c 'dpkg --force-all -i /var/cache/apt/archives/vagrant_*.deb && rm /var/cache/apt/archives/*.deb'
cp "$2" "$1/usr/local/bin/VBoxManage"
chmod 755 "$1/usr/local/bin/VBoxManage"
chroot "$1" vagrant --version
"""

_PREPARING_TAKES = 600.0
"""Seconds after which someone else's preparation is no longer waited for; one takes about 70."""


def root(runner: Runner) -> tuple[Path, str]:
    """The prepared root file system, made first if there is none, and what to tell of it.

    It is only ever read; see :mod:`.room`.

    :raises BoxError: no mirror has it, or a package does not install.
    """
    store = cache.default().parent / "virtualbox"
    try:
        mirror, version = offered(runner)
    except BoxError as why:
        if not (kept := sorted(store.glob(f"{_recipe()}-*"), key=lambda path: path.stat().st_mtime)):
            raise
        return kept[-1], f"{kept[-1].name}, which may be old: {why.message}"
    place = store / f"{_recipe()}-{version}"
    if not place.is_dir():
        with _alone(store) as work:
            if not place.is_dir():
                log = store / "build.log"
                log.write_text("", encoding="utf-8")
                made = _make(Workshop(runner, Progress(), work, log), mirror)
                made.rename(place)
            _tidy(store, place)
    return place, place.name


def offered(runner: Runner) -> tuple[str, str]:
    """The mirror to take it from, and the version of VirtualBox there.

    :raises BoxError: no mirror answers, or none has VirtualBox.
    """
    apt = build_host.apt(runner)
    mirror = apt.mirror(recipe.MIRRORS, SUITE, runner)
    # The index of contrib alone: 65 kB.
    index = Path(f"dists/{SUITE}/contrib/binary-amd64/Packages.xz")
    with tempfile.TemporaryDirectory() as scratch:
        fetched = Path(scratch) / "Packages.xz"
        runner.run(
            ["/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "download-file", f"{mirror}/{index}", fetched],
            timeout=60,
        )
        text = lzma.decompress(fetched.read_bytes()).decode() if fetched.exists() else ""
    found = re.search(r"^Package: virtualbox\n(?:.+\n)*?Version: (\S+)$", text, re.MULTILINE)
    if found is None:
        raise BoxError(
            f"{mirror} has no package virtualbox in {SUITE}/contrib now.",
            "It leaves sid for days now and then: try again later, or see https://tracker.debian.org/pkg/virtualbox.",
        )
    return mirror, found[1].replace(":", "_")


def _recipe() -> str:
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


def _make(workshop: Workshop, mirror: str) -> Path:
    tree, manage = workshop.place / "root", workshop.place / "VBoxManage"
    manage.write_text(MANAGE, encoding="utf-8")
    script = workshop.place / "add-vagrant.sh"
    script.write_text(ADD_VAGRANT, encoding="utf-8")
    apt = build_host.apt(workshop.runner)
    workshop.run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=apt",
            "--format=directory",
            "--architectures=amd64",
            "--components=main,contrib",
            f"--keyring={recipe.KEYRING}",
            f"--include={','.join(PACKAGES)}",
            *(f"--aptopt={option}" for option in apt.options),
            '--aptopt=APT::Install-Recommends "false";',
            "--dpkgopt=path-exclude=/usr/share/doc/*",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=force-unsafe-io",
            f'--customize-hook=sh {script} "$1" {manage}',
            SUITE,
            tree,
            # A mirror that is a copy of some day may be past the date its release file expires on.
            f"deb [check-valid-until=no] {mirror} {SUITE} main contrib",
        ],
        failed="VirtualBox and Vagrant cannot be installed",
        timeout=540,
    )
    return tree


@contextlib.contextmanager
def _alone(store: Path) -> Iterator[Path]:
    """An empty directory in the store, waiting for whoever prepares one at the same time."""
    with contextlib.ExitStack() as stack:

        def enter() -> Path:
            try:
                return stack.enter_context(cache.workplace(store))
            except BoxError as busy:
                raise NotYet(busy.message) from None

        yield wait_until("another test run to prepare VirtualBox", enter, within=_PREPARING_TAKES, error=BoxError)


def _tidy(store: Path, keep: Path) -> None:
    """Remove what earlier recipes and versions have left, unless someone is in it (:func:`hold`)."""
    for old in store.iterdir():
        if old == keep or not old.is_dir() or not re.match(r"[0-9a-f]{12}-", old.name):
            continue
        with contextlib.suppress(BlockingIOError), hold(old, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(old)


@contextlib.contextmanager
def hold(place: Path, how: int = fcntl.LOCK_SH) -> Iterator[None]:
    """Keep a root file system from being tidied away."""
    handle = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
