"""Packing a cloud image and its seed as a Vagrant box: a tar archive that `vagrant box add` takes.

The archives are not compressed: the disks inside already are.
"""

from __future__ import annotations

import io
import json
import string
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from labgen.boxes import disk_image, seed, vmdk
from labgen.boxes.cloud_images import CloudImage
from labgen.core.errors import BoxError
from labgen.core.i18n import _
from labgen.core.process import Runner
from labgen.core.progress import Progress

DISK_GIB = 10
"""Virtual size of a node's disk, GiB; the file on this computer is sparse."""

BASE_MAC = "080027C0DE13"
"""MAC address of adapter 1 as the VirtualBox box says it has it; each machine is behind a NAT of its own."""

_FILES = Path(__file__).with_name("files")
_OVF_SYSTEMS: Mapping[str, tuple[str, str]] = {"debian": ("96", "Debian_64"), "ubuntu": ("94", "Ubuntu_64")}
"""By distribution, the guest's system in OVF: its number (CIM_OperatingSystem), and VirtualBox's name of it."""


def libvirt(image: CloudImage, disk: Path, instance: str, place: Path, progress: Progress) -> Path:
    """Pack the box for vagrant-libvirt: two disks in qcow2, which is what the distributions publish.

    :param disk: the image's file.
    :param instance: names what the box is made of, for cloud-init.
    :param place: an empty folder.
    :raises BoxError: the image is damaged, or raw and there is no qemu-img.
    """
    if disk_image.image_format(disk) == "raw":
        disk = _to_qcow2(disk, place, Runner())
    for _block in disk_image.blocks(disk):  # a damaged image is refused here, not by a machine that does not boot
        pass
    seed_disk = place / "seed.qcow2"
    disk_image.write_qcow2(seed.iso(instance), seed_disk)
    metadata = {
        "provider": "libvirt",
        "architecture": image.arch,
        "disks": [{"path": "disk.qcow2"}, {"path": seed_disk.name, "name": "seed"}],
    }
    texts = {"metadata.json": json.dumps(metadata) + "\n", "Vagrantfile": _text("libvirt.rb", disk_gib=str(DISK_GIB))}
    progress.detail(_("packing"))
    return _pack(place / "libvirt.box", texts, {"disk.qcow2": disk, seed_disk.name: seed_disk})


def virtualbox(image: CloudImage, disk: Path, instance: str, place: Path, progress: Progress) -> Path:
    """Pack the box for VirtualBox: an OVF machine with two streamOptimized VMDK disks.

    :raises BoxError: the image is damaged, or VirtualBox is not known to run its architecture.
    """
    if image.arch != "amd64":
        raise BoxError(
            _("labgen makes no box of a cloud image for VirtualBox on %(arch)s.", arch=image.arch),
            _(
                "Containers need no box: labgen up --provider docker\n"
                "Or name a box in lab.yml: box: {name: ..., url: ...}"
            ),
        )
    capacity = DISK_GIB << 30
    disk_file, seed_file = place / "disk.vmdk", place / "seed.vmdk"
    vmdk.write(_counted(disk_image.blocks(disk), capacity, progress), capacity, disk_file)
    seed_content = seed.iso(instance)
    seed_capacity = -(-len(seed_content) // 2**20) * 2**20  # whole MiB, as every tool takes it
    vmdk.write(disk_image.raw_blocks(io.BytesIO(seed_content)), seed_capacity, seed_file)
    number, system = _OVF_SYSTEMS[image.name.partition("-")[0]]
    machine = _text(
        "box.ovf",
        name=f"labgen-{image.name}",
        title=image.title,
        os_id=number,
        os_type=system,
        disk=disk_file.name,
        disk_bytes=str(disk_file.stat().st_size),
        capacity=str(capacity),
        seed=seed_file.name,
        seed_bytes=str(seed_file.stat().st_size),
        seed_capacity=str(seed_capacity),
    )
    metadata = {"provider": "virtualbox", "architecture": image.arch}
    texts = {
        "metadata.json": json.dumps(metadata) + "\n",
        "box.ovf": machine,
        "Vagrantfile": _text("virtualbox.rb", mac=BASE_MAC),
    }
    return _pack(place / "virtualbox.box", texts, {disk_file.name: disk_file, seed_file.name: seed_file})


Packer = Callable[[CloudImage, Path, str, Path, Progress], Path]

PACKERS: Mapping[str, Packer] = {"qcow2": libvirt, "vmdk": virtualbox}
"""By format of a provider's disks, what packs an image as a box that holds it in that format."""


def _counted(blocks: Iterator[disk_image.Block], capacity: int, progress: Progress) -> Iterator[disk_image.Block]:
    for block in blocks:
        if block.index * disk_image.BLOCK >= capacity:
            raise BoxError(
                _("The disk of the image is larger than %(size)s GiB.", size=capacity >> 30), _("Take a smaller image.")
            )
        if block.index % 1024 == 0:
            progress.detail(f"{block.index * disk_image.BLOCK >> 20} MiB")
        yield block


def _to_qcow2(disk: Path, place: Path, runner: Runner) -> Path:
    if runner.which("qemu-img") is None:
        raise BoxError(
            _("%(path)s is a raw image, and there is no qemu-img to make a qcow2 image of it.", path=disk),
            _("Take the distribution's .qcow2 file, or install qemu-img (package qemu-utils)."),
        )
    target = place / "converted.qcow2"
    runner.run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", disk, target], timeout=1800).or_raise()
    return target


def _pack(box: Path, texts: Mapping[str, str], files: Mapping[str, Path]) -> Path:
    with tarfile.open(box, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, text in texts.items():
            content = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
        for name, path in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = path.stat().st_size, 0o644
            with path.open("rb") as content_of:
                archive.addfile(entry, content_of)
            if path.parent == box.parent:
                path.unlink()  # room for what follows
    return box


def _text(source: str, /, **values: str) -> str:
    return string.Template((_FILES / source).read_text(encoding="utf-8")).substitute(values)


_EFI_PROGRAMS: Mapping[bytes, str] = {b"BOOTX64 EFI": "amd64", b"BOOTAA64EFI": "arm64"}
"""Names of the boot programs as a FAT folder holds them -> the architecture that they are for."""
_EFI_PARTITION = bytes.fromhex("28732ac11ff8d211ba4b00a0c93ec93b")
_SECTOR = 512


def boot_architecture(disk: Path) -> str:
    """Find the architecture that a disk image boots, by the boot program in its EFI partition; empty if unknown."""
    table = disk_image.read(disk, 2 * _SECTOR, 128 * 128)
    for start in range(0, len(table), 128):
        entry = table[start : start + 128]
        if entry[:16] != _EFI_PARTITION:
            continue
        first, last = (int.from_bytes(entry[at : at + 8], "little") * _SECTOR for at in (32, 40))
        for block in disk_image.blocks(disk):
            offset = block.index * disk_image.BLOCK
            if first <= offset + disk_image.BLOCK and offset <= last:
                names = [arch for program, arch in _EFI_PROGRAMS.items() if program in block.data]
                if names:
                    return names[0]
            elif offset > last:
                break
    return ""
