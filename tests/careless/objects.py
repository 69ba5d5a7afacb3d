"""What may lie where a file or a folder is meant."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path


def folder(path: Path) -> None:
    """A folder with something in it."""
    path.mkdir(parents=True)
    (path / "x").write_text("x", encoding="utf-8")


def text_file(path: Path) -> None:
    """A file of a person's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine\n", encoding="utf-8")


def empty_file(path: Path) -> None:
    """A file with nothing in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def binary_file(path: Path) -> None:
    """A file of bytes that are no text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(range(256)) * 3)


def pipe(path: Path) -> None:
    """A pipe that nobody writes to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)


def socket_file(path: Path) -> None:
    """A socket that nobody listens at."""
    path.parent.mkdir(parents=True, exist_ok=True)
    here = Path.cwd()
    # A socket's path is short: it is bound from beside it.
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as endpoint:
            endpoint.bind(path.name)
    finally:
        os.chdir(here)


def link_to_nothing(path: Path) -> None:
    """A link whose target is gone."""
    _link(path, "gone/for/good")


def link_to_itself(path: Path) -> None:
    """A link that leads to itself."""
    _link(path, path.name)


def link_to_null(path: Path) -> None:
    """A link to a device that is always empty."""
    _link(path, "/dev/null")


def link_to_full(path: Path) -> None:
    """A link to a device that is always full, and reads without end."""
    _link(path, "/dev/full")


def _link(path: Path, target: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


NO_FILE: Mapping[str, Callable[[Path], None]] = {
    "a folder": folder,
    "a pipe": pipe,
    "a socket": socket_file,
    "a link to nothing": link_to_nothing,
    "a link to itself": link_to_itself,
    "a link to /dev/null": link_to_null,
    "a link to /dev/full": link_to_full,
}
"""In the place of a file."""

NO_FOLDER: Mapping[str, Callable[[Path], None]] = {
    "a file": text_file,
    "an empty file": empty_file,
    **{name: make for name, make in NO_FILE.items() if make is not folder},
}
"""In the place of a folder."""

PATHS: Mapping[str, str] = {
    "missing": "missing/deep",
    "a file": "file",
    "under a file": "file/below",
    "a file with a slash": "file/",
    "300 characters": "x" * 300,
    "5000 characters": "y/" * 2500,
    "with a line end": "a\nb",
    "with a control character": "a\x1b[31mb",
    "not UTF-8": os.fsdecode(b"a\xff\xfeb"),
    "a pipe": "pipe",
    "a socket": "socket",
    "a link to nothing": "dangling",
    "a link to itself": "loop",
    "a device": "/dev/null",
    "a full device": "/dev/full",
    "a process": "/proc/self/nothing",
    "a space": " ",
    "a star": "*",
    "a variable": "$LAB",
    "somebody's home": "~nobody/lab",
    "a Windows path": "C:\\labs\\lab",
}
"""Paths as they are typed, in a folder where :func:`lie_about` was."""


def lie_about(place: Path) -> None:
    """Lay down what :data:`PATHS` leads to."""
    text_file(place / "file")
    pipe(place / "pipe")
    socket_file(place / "socket")
    link_to_nothing(place / "dangling")
    link_to_itself(place / "loop")
