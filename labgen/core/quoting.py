"""Words of a command that a person is to type, quoted for the shell of this computer."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

_PLAIN_ON_WINDOWS = re.compile(r"[\w\\/:.+=-]+")


def typed(word: str | Path, *, windows: bool = os.name == "nt") -> str:
    """Quote a word as it is typed in a shell: sh, or PowerShell on Windows.

    >>> typed("my lab", windows=False), typed("kim's lab", windows=True)
    ("'my lab'", "'kim''s lab'")
    """
    text = str(word)
    if not windows:
        return shlex.quote(text)
    # PowerShell takes typographic quotes for its own, too.
    doubled = re.sub(r"(['\u2018\u2019\u201a\u201b])", r"\1\1", text)
    return text if _PLAIN_ON_WINDOWS.fullmatch(text) else f"'{doubled}'"


def typed_path(path: Path, *, windows: bool = os.name == "nt") -> str:
    """Quote a path as it is typed; one that begins with a hyphen would be taken for an option.

    >>> typed_path(Path("-lab"), windows=False)
    './-lab'
    """
    text = str(path)
    if text.startswith("-"):
        text = f".{os.sep}{text}"
    return typed(text, windows=windows)


def fits_ssh(path: str) -> bool:
    """Tell whether OpenSSH can be told a path: it replaces ``${NAME}``, and knows no escapes for control characters."""
    return "${" not in path and path.isprintable()
