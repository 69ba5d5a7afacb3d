"""The Vagrantfile of a lab: rendering it, and writing it without losing anyone's work.

:func:`render` is pure and deterministic. Every value that the template prints is turned into a Ruby
literal by :func:`ruby` (Jinja's ``finalize`` hook), so that no string of a lab file can become code.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, Literal

from labgen import boxes
from labgen.core.atomic_files import read, write_whole
from labgen.core.errors import RenderConflict
from labgen.core.i18n import _
from labgen.model.lab import Lab
from labgen.model.provider import BUILT_BOX
from labgen.providers import PROVIDERS, Provider

TEMPLATE = "Vagrantfile.j2"
FILE_NAME = "Vagrantfile"

_HEADER = """\
# -*- mode: ruby -*-
# vi: set ft=ruby :
#
# Rendered by labgen from lab.yml. Change lab.yml and run `labgen render` rather than this file:
# labgen notices an edit and keeps it, and overwrites it only with --force.
"""
_MARK = re.compile(r"^# labgen-sha256: ([0-9a-f]{64})\n", re.MULTILINE)


class Bare(str):
    """A name that is printed into the Vagrantfile as it is; only for identifiers labgen itself chose."""

    __slots__ = ()


def ruby(value: Any) -> str:
    """Write a value as a Ruby literal.

    In single quotes Ruby knows two escapes, ``\\\\`` and ``\\'``, and no interpolation; a string with
    characters that cannot be printed is written in escapes altogether.

    :raises ValueError: half of a surrogate pair, which is not a character.

    >>> ruby("it's #{x}")
    "'it\\\\'s #{x}'"
    """
    match value:
        case Bare():
            return str(value)
        case None:
            return "nil"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str() if value.isprintable():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case str():
            if any("\ud800" <= char <= "\udfff" for char in value):
                raise ValueError(f"not a character: {value!r}")
            return '"' + "".join(f"\\u{{{ord(char):x}}}" for char in value) + '"'
        case IPv4Address() | IPv4Network():
            return ruby(str(value))
        case _:
            # Printing Jinja's StrictUndefined raises the error that names what is missing.
            raise TypeError(f"no Ruby literal for {type(value).__name__} {value}")


def _bare(name: str) -> Bare:
    if not re.fullmatch(r"[a-z_][a-z_0-9]*", name):
        raise ValueError(f"not an identifier: {name!r}")
    return Bare(name)


def render(lab: Lab) -> str:
    """Write the text of the lab's Vagrantfile, for every provider."""
    # 60 ms, which only rendering pays.
    from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader, StrictUndefined

    here = Path(__file__).parent
    parts = [provider for provider in PROVIDERS.values() if provider.in_vagrantfile]
    folders = {provider.name: FileSystemLoader(provider.folder) for provider in parts}
    environment = Environment(
        # In a checkout the template stands at the top, in an installed package in labgen/.
        loader=ChoiceLoader([FileSystemLoader([here.parents[1], here.parent]), PrefixLoader(folders)]),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Ruby, not HTML; `finalize` quotes every value
        finalize=ruby,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["bare"] = _bare
    body = environment.get_template(TEMPLATE).render(
        lab=lab,
        parts=parts,
        box={provider.name: provider.box_for(lab) for provider in parts},
        local_boxes={provider.name: local for provider in parts if (local := _local_box(lab, provider)) is not None},
    )
    body = "\n" + re.sub(r"\n{3,}", "\n\n", body)
    return f"{_HEADER}# labgen-sha256: {_digest(_HEADER + body)}\n{body}"


@dataclass(frozen=True)
class _LocalBox:
    """A box that labgen makes or builds on this computer.

    :param command: makes it.
    :param files: names of its file in the cache, by architecture; none if Vagrant is given it by `labgen up` only.
    """

    command: str
    files: Mapping[str, str]


def _local_box(lab: Lab, provider: Provider) -> _LocalBox | None:
    box = provider.box_for(lab)
    if box.image:
        files = {arch: boxes.file_name(box.image, arch, provider.name) for arch in boxes.ARCHITECTURES}
        return _LocalBox(f"labgen box make --provider {provider.name}", files)
    if box.name == BUILT_BOX and not box.url:
        return _LocalBox(f"labgen up --provider {provider.name}    (which builds it)", {})
    return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def edited(text: str) -> bool:
    """Tell whether a Vagrantfile is a person's work: not rendered by labgen, or changed since.

    Line ends alone are no change: git and editors on Windows turn them.
    """
    text = text.replace("\r\n", "\n")
    mark = _MARK.search(text)
    # The digest is of everything but the line it stands in.
    return mark is None or _digest(text[: mark.start()] + text[mark.end() :]) != mark[1]


def diff(old: str, new: str, name: str = FILE_NAME) -> str:
    """Compare the Vagrantfile with what would be rendered, as a unified diff; empty if it is the same."""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"{name} (there)", f"{name} (rendered)", lineterm=""
    )
    return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Written:
    """What became of a file.

    :param added: lines that are new.
    :param removed: lines that are gone.
    """

    path: Path
    outcome: Literal["created", "unchanged", "updated", "overwritten"]
    added: int = 0
    removed: int = 0

    def __str__(self) -> str:
        if self.outcome in ("created", "unchanged"):
            return f"{self.path}: {self.outcome}"
        return f"{self.path}: {self.outcome} ({self.added} lines added, {self.removed} removed)"


def write(text: str, path: Path, *, force: bool = False) -> Written:
    """Write a rendered file, whole or not at all.

    :raises RenderConflict: a person has edited the file that is there, and ``force`` is not given.
    """
    old = read(path)
    if old == text:
        return Written(path, "unchanged")
    if old is not None and edited(old) and not force:
        raise RenderConflict(
            _("%(path)s has been edited by hand, or was not made by labgen: it is left as it is.", path=path),
            _(
                "See the difference with `labgen render --diff`. Put your change into lab.yml, or "
                "overwrite the file with `labgen render --force`."
            ),
        )
    write_whole(path, text, follow=True)
    if old is None:
        return Written(path, "created")
    # Past the two lines that name the files.
    marks = [line[0] for line in diff(old, text).splitlines()[2:]]
    outcome: Literal["updated", "overwritten"] = "overwritten" if edited(old) else "updated"
    return Written(path, outcome, marks.count("+"), marks.count("-"))
