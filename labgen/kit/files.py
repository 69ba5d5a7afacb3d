"""Files of a kit: their checksums, and copying them so that a half one is never taken for a whole one."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from labgen.core.errors import HostError

FAT32_LIMIT = 1 << 32
"""Bytes: a file on a FAT32 stick is smaller."""

NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded|not enough space on the disk|\[Errno 28\]")
ROOM_HINT = "Make room there, or make the kit on a larger disk. Then type the command again: it carries on."
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Give the path under which a file is written; it gets its own name once it is whole.

    :raises HostError: it cannot be written; what was written of it is removed.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)  # a link there would be written through
        yield part
        with part.open("r+b") as content:
            os.fsync(content.fileno())
        part.replace(path)
    except OSError as why:
        raise write_error(path, why) from None
    finally:
        part.unlink(missing_ok=True)


def write_error(path: Path, why: OSError) -> HostError:
    """Say why a file of the kit cannot be written."""
    if why.errno in _FULL:
        return HostError(f"the disk of {path.parent} is full: {path.name} does not fit.", ROOM_HINT)
    if why.errno == errno.EFBIG:
        return HostError(
            f"{path.name} is too large for the file system of {path.parent}.",
            "FAT32 takes no file of 4 GiB and more: format the stick as exFAT, or make the kit on another disk.",
        )
    return HostError(
        f"{path} cannot be written: {why.strerror or why}.", "Check the folder's permissions and the disk."
    )


def copy(source: Path, target: Path, digests: Callable[[Path], str] = digest) -> None:
    """Copy a file, unless the same is there already.

    :raises HostError: it cannot be read or written, or is not read as it was.
    """
    try:
        checksum = digests(source)
    except OSError as why:
        raise HostError(
            f"{source} cannot be read: {why.strerror or why}.", "Check its permissions and its disk."
        ) from None
    with suppress(OSError):  # a file that is not there, or cannot be read, is written again
        if digests(target) == checksum:
            return
    with writing(target) as part:
        shutil.copyfile(source, part)
        if digest(part) != checksum:
            raise HostError(
                f"{target} is not read as it was written.", "The disk or stick is damaged: take another one."
            )


def write_text(path: Path, text: str) -> None:
    """Write a text with the same bytes on every system.

    :raises HostError: it cannot be written.
    """
    with writing(path) as part:
        part.write_bytes(text.encode())
