"""Cloud images that a box can be made of: the distributions' own, pinned by release and checksum in cloud_images.json.

The checksums are those that Debian and Ubuntu publish in the SHA512SUMS or SHA256SUMS file of the release. A
distribution removes a dated release after some months; its newest image is taken then, with the checksum that its
sums file gives over https at that moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from labgen.core.errors import BoxError
from labgen.core.i18n import Text, _, untranslated
from labgen.model.lab import CloudImageSource

_RECORDS = Path(__file__).with_name("cloud_images.json")
_OWN = "own"
"""Stands for the release of an image of the user's own."""

_ALGORITHMS: Mapping[int, str] = {64: "sha256", 128: "sha512"}


@dataclass(frozen=True)
class Checksum:
    """A checksum of a file.

    :param algorithm: ``sha256`` or ``sha512``.
    :param digest: hexadecimal digits in lower case.
    """

    algorithm: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> Checksum:
        """Read a checksum, with or without its algorithm in front.

        :raises BoxError: it is neither SHA-256 nor SHA-512.

        >>> Checksum.parse("SHA256:" + "0" * 64).algorithm
        'sha256'
        """
        algorithm_given, _colon, digits = text.strip().lower().rpartition(":")
        algorithm = _ALGORITHMS.get(len(digits), "")
        if not re.fullmatch(r"[0-9a-f]+", digits) or not algorithm or algorithm_given not in ("", algorithm):
            raise BoxError(
                _("%(text)s is not a SHA-256 or SHA-512 checksum.", text=repr(text)),
                _("Write its 64 or 128 hexadecimal digits, as `sha256sum FILE` and `sha512sum FILE` print them."),
            )
        return cls(algorithm, digits)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.digest}"


@dataclass(frozen=True)
class CloudImage:
    """A cloud image for one architecture.

    :param name: as lab.yml names it: ``debian-13``.
    :param title: as people name it.
    :param arch: ``amd64`` or ``arm64``.
    :param release: the distribution's own number of it.
    :param file: name of the file on the distribution's server.
    :param addresses: where the file is, the first to try first.
    :param checksum: of the file.
    :param mirror: the one of them that is a mirror's, not the distribution's; empty for none.
    :param newest: address of the distribution's newest image, which replaces a removed release; empty for none.
    :param sums: address of the file with the checksum of ``newest``.
    """

    name: str
    title: str
    arch: str
    release: str
    file: str
    addresses: tuple[str, ...]
    checksum: Checksum
    mirror: str = ""
    newest: str = ""
    sums: str = ""

    @property
    def full_title(self) -> Text:
        """What people name it, with its release: ``Debian 13 20260712-2537``."""
        if self.is_own:
            return _("%(title)s (own image)", title=self.title)
        return untranslated(f"{self.title} {self.release}")

    @property
    def is_own(self) -> bool:
        """Whether it is the user's, and no release of the distribution."""
        return self.release == _OWN

    @property
    def cached_name(self) -> str:
        """Its file name in the cache: another one for another content."""
        return f"{self.name}-{self.release}-{self.arch}-{self.checksum.digest[:12]}.img"


def names() -> tuple[str, ...]:
    """Give the names of the pinned images, the usual one first."""
    return tuple(record["name"] for record in _records())


def find(name: str, arch: str) -> CloudImage:
    """Find the pinned image of a name for an architecture.

    :raises BoxError: there is none.
    """
    record = next((record for record in _records() if record["name"] == name), None)
    if record is None:
        raise BoxError(
            _("labgen knows no cloud image %(name)s.", name=name),
            _("Take one of: %(names)s.", names=", ".join(names())),
        )
    file = record["files"].get(arch)
    if file is None:
        raise BoxError(
            _("There is no cloud image %(name)s for %(arch)s.", name=name, arch=arch),
            _("It exists for: %(architectures)s.", architectures=", ".join(sorted(record["files"]))),
        )
    return CloudImage(
        name=name,
        title=record["title"],
        arch=arch,
        release=record["release"],
        file=file["name"],
        addresses=tuple(folder + file["name"] for folder in record["addresses"]),
        checksum=Checksum(record["algorithm"], file["checksum"]),
        newest=record["newest"] + file["newest"],
        sums=record["newest"] + record["sums"],
    )


def of_source(source: CloudImageSource, arch: str) -> CloudImage:
    """Find the image that lab.yml or the command line asks for.

    A URL that ends in ``/`` is a mirror's folder, asked before the distribution's own servers for the pinned file. Any
    other URL, or a path, is that of a file: it has no newest release to take in its place. A checksum makes it another
    image than the pinned one.

    :raises BoxError: there is no such image.
    """
    pinned = find(source.name, arch)
    if not source.url and not source.checksum:
        return pinned
    checksum = Checksum.parse(source.checksum) if source.checksum else pinned.checksum
    mirror = ""
    if source.url.endswith("/"):
        mirror = source.url + pinned.file
        addresses = (mirror, *(() if source.checksum else pinned.addresses))
    else:
        addresses = (source.url,) if source.url else pinned.addresses
    own = checksum != pinned.checksum
    replaceable = not own and addresses[-1] in pinned.addresses
    return CloudImage(
        name=pinned.name,
        title=pinned.title,
        arch=arch,
        release=_OWN if own else pinned.release,
        file=pinned.file,
        addresses=addresses,
        checksum=checksum,
        mirror=mirror,
        newest=pinned.newest if replaceable else "",
        sums=pinned.sums if replaceable else "",
    )


def by_checksum(checksum: Checksum) -> CloudImage | None:
    """Find the pinned image with a checksum, ``None`` if it is of none."""
    for record in _records():
        for arch, file in record["files"].items():
            if Checksum(record["algorithm"], file["checksum"]) == checksum:
                return find(record["name"], arch)
    return None


@cache
def _records() -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = json.loads(_RECORDS.read_text(encoding="utf-8"))
    return records
