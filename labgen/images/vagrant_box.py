"""A disk packed as a Vagrant box: a tar archive that Vagrant unpacks with ``vagrant box add``.

The archives are not compressed: the disks inside already are.
"""

from __future__ import annotations

import io
import json
import string
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

from labgen.images import disk as disks
from labgen.images import recipe
from labgen.images.build_context import Workshop

BASE_MAC = "080027C0DE12"
"""MAC address of adapter 1 as the VirtualBox box says it has it; each machine is behind a NAT of its own."""

_VMDK = "box-disk001.vmdk"


def libvirt(workshop: Workshop, disk: Path) -> Path:
    """Give the box for vagrant-libvirt: ``metadata.json``, ``Vagrantfile``, ``box.img`` (qcow2)."""
    image = disks.convert(
        workshop, disk, workshop.place / "box.img", "-c", "-W", "-O", "qcow2", "-o", "compression_type=zstd"
    )
    about = {
        "provider": "libvirt",
        "architecture": recipe.AMD64.name,
        "format": "qcow2",
        "virtual_size": recipe.DISK_GIB,
    }
    return _pack(workshop, "libvirt", about, {"Vagrantfile": _file("libvirt.rb")}, image)


def virtualbox(workshop: Workshop, disk: Path) -> Path:
    """Give the box for VirtualBox: ``metadata.json``, ``Vagrantfile``, ``box.ovf``, a streamOptimized VMDK."""
    image = disks.convert(
        workshop, disk, workshop.place / _VMDK, "-O", "vmdk", "-o", "subformat=streamOptimized,adapter_type=ide"
    )
    described = _file(
        "box.ovf",
        name="labgen-debian-12",
        disk=_VMDK,
        disk_bytes=str(image.stat().st_size),
        capacity=str(recipe.DISK_GIB * 1024**3),
    )
    about = {"provider": "virtualbox", "architecture": recipe.AMD64.name}
    texts = {"box.ovf": described, "Vagrantfile": _file("virtualbox.rb", mac=BASE_MAC)}
    return _pack(workshop, "virtualbox", about, texts, image)


PACKERS: Mapping[str, Callable[[Workshop, Path], Path]] = {"qcow2": libvirt, "vmdk": virtualbox}
"""By format of the disk, what packs a disk (raw or qcow2) as a box that holds it in that format."""


def disk_of(box: Path, place: Path) -> Path:
    """Take the disk back out of a libvirt box, so that the other provider gets the same one."""
    target = place / "taken.qcow2"
    with tarfile.open(box) as archive, target.open("wb") as sink:
        member = archive.extractfile("box.img")
        assert member is not None  # noqa: S101 - it is a file: libvirt() put it there
        while block := member.read(1 << 20):
            sink.write(block)
    return target


def _pack(
    workshop: Workshop, provider: str, about: Mapping[str, object], texts: Mapping[str, str], image: Path
) -> Path:
    box = workshop.place / f"{provider}.box"
    with tarfile.open(box, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, text in {"metadata.json": json.dumps(about) + "\n", **texts}.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
        entry = tarfile.TarInfo(image.name)
        entry.size, entry.mode = image.stat().st_size, 0o644
        with image.open("rb") as content_of:
            archive.addfile(entry, content_of)
    image.unlink()
    return box


def _file(source: str, /, **values: str) -> str:
    text = (recipe.FILES / "crate" / source).read_text(encoding="utf-8")
    return string.Template(text).substitute(values) if values else text
