"""The cache of boxes, node images and cloud images: what is in it, and removing what is not needed any more.

It is the folder of :mod:`labgen.images.cache`, shared by all labs of a user. Beside a box that was made of a cloud
image stands a file of its name and ``.json`` that says which image.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout

from labgen.core.atomic_files import give_to_user, read, remove, write_whole
from labgen.core.errors import BoxBusy, HostError
from labgen.core.i18n import Text, _
from labgen.core.polling import NotYet, wait_until
from labgen.images import cache, recipe

Kind = Literal["box", "node image", "cloud image", "partial download"]

_LONGEST_MAKE = 3600.0
"""Seconds for which another command that makes a box is waited for: it may download over a slow line."""

_ABANDONED = 7 * 86400.0
"""Seconds after which a download that stopped is not taken for one that will be continued."""

_BUILT = re.compile(r"(debian-\w+)-[0-9a-f]{12}-([a-z_]+)\.box")
_NODE = re.compile(r"(debian-\w+)-[0-9a-f]{12}-([a-z_]+)-(\w+)\.tar")


@dataclass(frozen=True)
class Entry:
    """A file of the cache.

    :param provider: whose box or image it is; empty for downloads.
    :param arch: its architecture; empty if unknown.
    :param made_of: what it was made of.
    :param current: whether today's labgen would use it.
    :param size: bytes.
    :param age: seconds since it was made.
    :param own_checksum: of the user's own image that a box was made of; empty for all others.
    """

    path: Path
    kind: Kind
    provider: str
    arch: str
    made_of: str
    current: bool
    size: int
    age: float
    own_checksum: str = ""


def images_folder(directory: Path) -> Path:
    """Give the folder of downloaded cloud images."""
    return directory / "images"


def note_path(box: Path) -> Path:
    """Give the path of the file that says what a box was made of."""
    return box.with_name(f"{box.name}.json")


def write_note(box: Path, note: dict[str, str]) -> None:
    """Write down what a box was made of."""
    write_whole(note_path(box), json.dumps(note, indent=1) + "\n")


def read_note(box: Path) -> dict[str, str]:
    """Read what a box was made of; empty if that is not written down."""
    try:
        note = json.loads(read(note_path(box)) or "{}")
    except (ValueError, HostError):
        return {}
    return {str(key): str(value) for key, value in note.items()} if isinstance(note, dict) else {}


def own_checksum(note: Mapping[str, str]) -> str:
    """Read from a box's note the checksum of the user's own image that it was made of; empty if it is of another."""
    return note.get("checksum", "").rpartition(":")[2] if "own" in note else ""


def entries(directory: Path, current: Callable[[str], bool]) -> list[Entry]:
    """List the files of the cache, the newest first.

    :param current: whether a box made of a cloud image, by file name, is one that today's labgen would use.
    """
    paths = [*_files(directory), *_files(images_folder(directory))]
    listed = [entry for path in paths if (entry := _entry(path, current)) is not None]
    return sorted(listed, key=lambda entry: entry.age)


def surplus(listed: list[Entry], keep: int) -> list[Entry]:
    """Choose what can be removed: all that is not current but the newest ``keep`` of each kind and provider."""
    groups: defaultdict[tuple[Kind, str], list[Entry]] = defaultdict(list)
    for entry in listed:
        if not entry.current:
            groups[entry.kind, entry.provider].append(entry)
    return [entry for group in groups.values() for entry in group[keep:]]


def delete(entry: Entry) -> None:
    """Remove a file of the cache, and the note beside it.

    :raises HostError: it cannot be removed.
    """
    remove(entry.path)
    remove(note_path(entry.path))


@contextlib.contextmanager
def making(directory: Path, note: Callable[[Text], None]) -> Iterator[None]:
    """Hold the lock under which boxes are made of cloud images; wait for another command that holds it.

    :param note: is told that it waits.
    :raises BoxBusy: the other command does not end.
    :raises HostError: the cache cannot be written.
    """
    cache.prepare(directory)
    lock_file = directory / ".making"
    try:
        lock_file.touch()
    except OSError as why:
        raise HostError(
            _("%(path)s cannot be written: %(reason)s.", path=lock_file, reason=why.strerror or why),
            _("The cache belongs to another user. Make it yours: sudo chown -R $USER %(path)s", path=directory),
        ) from None
    give_to_user(lock_file)  # who used sudo here types the next command without it
    lock = FileLock(lock_file)

    def acquire() -> None:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise NotYet("it has not ended") from None

    try:
        try:
            acquire()
        except NotYet:
            note(_("Another labgen command makes a box in %(path)s. Waiting for it to end.", path=directory))
            wait_until("the other labgen command to end", acquire, within=_LONGEST_MAKE, every=0.5, error=BoxBusy)
        yield
    finally:
        lock.release()


def _files(directory: Path) -> list[Path]:
    try:
        return [path for path in directory.iterdir() if path.is_file()]
    except OSError:
        return []


def _entry(path: Path, current: Callable[[str], bool]) -> Entry | None:
    try:
        status = path.stat()
    except OSError:
        return None  # removed by another command in the meantime
    size, age = status.st_size, max(0.0, time.time() - status.st_mtime)
    name = path.name
    if name.endswith(".part"):
        return Entry(path, "partial download", "", "", name.removesuffix(".part"), age < _ABANDONED, size, age)
    if path.parent.name == "images":
        return Entry(path, "cloud image", "", "", name.removesuffix(".img"), False, size, age)
    if built := _BUILT.fullmatch(name):
        distribution, provider = built.groups()
        is_current = cache.box(provider, path.parent) == path
        return Entry(path, "box", provider, recipe.AMD64.name, f"{distribution} packages", is_current, size, age)
    if node := _NODE.fullmatch(name):
        distribution, provider, arch = node.groups()
        suite = recipe.SUITE if distribution == "debian-12" else distribution.removeprefix("debian-")
        is_current = suite in recipe.SUITES and cache.node(arch, path.parent, suite) == path
        return Entry(path, "node image", provider, arch, f"{distribution} packages", is_current, size, age)
    if path.suffix != ".box":
        return None
    note = read_note(path)
    provider, arch, made_of = note.get("provider", ""), note.get("arch", ""), note.get("image", "unknown")
    own = own_checksum(note)  # labgen cannot know that no lab asks for it any more
    return Entry(path, "box", provider, arch, made_of, bool(own) or current(name), size, age, own)
