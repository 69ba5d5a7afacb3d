"""Vagrant boxes that are made of a distribution's cloud image, on any computer and without root.

::

    cloud image (downloaded, resumed, verified) ──▶ disk in the provider's format ─┬▶ a box in the cache
    NoCloud seed: user vagrant, its key, no upgrades ──────────────────────────────┘

The boxes of :mod:`labgen.images` bring Docker's engine and the course's images with them; these bring neither, and
bootstrap installs the engine from the distribution's packages.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from labgen.boxes import cloud_images
from labgen.host.computer import Host
from labgen.images import cache
from labgen.model.lab import CloudImageSource

__all__ = ["addresses", "box_path", "file_name", "is_current", "key", "made"]

ARCHITECTURES = ("amd64", "arm64")

FORMAT = 1
"""Of the boxes: grows with every change of what a box is made of beside its image, so that it is made again."""


def key(source: CloudImageSource, arch: str) -> str:
    """Name what a box is made of: the same for the same image and the same way of making a box of it."""
    image = cloud_images.of_source(source, arch)
    return hashlib.sha256(f"{FORMAT} {image.name} {image.arch} {image.checksum}".encode()).hexdigest()[:12]


def file_name(source: CloudImageSource, arch: str, provider: str) -> str:
    """Give the name of a box's file: ``debian-13-1f0c3d5e7a92-amd64-virtualbox.box``."""
    return f"{source.name}-{key(source, arch)}-{arch}-{provider}.box"


def box_path(source: CloudImageSource, arch: str, provider: str, directory: Path | None = None) -> Path:
    """Give the path at which a box stands once it is made.

    :param directory: the cache; the user's if ``None``.
    """
    return (directory or cache.default()) / file_name(source, arch, provider)


def made(source: CloudImageSource, provider: str, directory: Path | None = None) -> Path | None:
    """Give the box of a cloud image for this computer's architecture, ``None`` if it is not made yet."""
    path = box_path(source, Host().machine(), provider, directory)
    return path if path.is_file() else None


def addresses(source: CloudImageSource) -> tuple[str, ...]:
    """Give the addresses from which a cloud image can be downloaded for this computer's architecture."""
    return cloud_images.of_source(source, Host().machine()).addresses


def is_current(name: str) -> bool:
    """Tell whether a file name is that of a box of a pinned cloud image, as today's labgen makes it."""
    for image in cloud_images.names():
        for arch in ARCHITECTURES:
            if name.startswith(f"{image}-{key(CloudImageSource(image), arch)}-{arch}-"):
                return True
    return False
