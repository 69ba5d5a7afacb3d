"""Reading files that may be missing, and writing them whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from labgen.errors import HostError


def read(path: Path) -> str | None:
    """A file's text with its line ends made ``\\n``, or ``None`` where there is no such file.

    A byte order mark is dropped. What is not UTF-8 comes as U+FFFD: such a file is a person's, to be told
    from one of labgen's, not to be kept.

    :raises HostError: something is there that cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as why:
        raise HostError(
            f"{path} cannot be read: {why.strerror or why}.", "Move it away, or check its permissions."
        ) from None


def write_whole(path: Path, text: str, mode: int = 0o644) -> None:
    """Put a text in a file's place in one step: a reader, or a crash, finds the old or the new, never half.

    :param path: where; of a symbolic link, the file it leads to.
    :param mode: the file's permissions.
    :raises HostError: the folder cannot be written to.
    """
    try:
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as sink:
                sink.write(text)
                sink.flush()
                os.fsync(sink.fileno())
            Path(temporary).chmod(mode)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as why:
        raise HostError(
            f"{path} cannot be written: {why.strerror or why}.",
            "Check the folder's permissions and the disk.",
        ) from None
