"""A bootable disk from a file system tree, and the same disk in each provider's format."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from labgen.images import recipe
from labgen.images.build_context import Workshop

LABEL = "labgen"
"""Of the root file system; the kernel's command line in ``extlinux.conf`` names it."""

_START = 1024**2
"""Byte at which the only partition begins."""

# ext4 as extlinux 6.04 can read it (no 64bit, no metadata_csum); the inode tables are finished here
# (a sparse file reads as zeroes) so that no machine spends its first minutes on them.
_MKFS = ("mkfs.ext4", "-q", "-F", "-L", LABEL, "-m", "1", "-i", "32768", "-O", "^64bit,^metadata_csum")

_INSTALL_LOADER = """set -e
mount -o loop,offset=$1 "$2" "$3"
extlinux --install "$3/boot/extlinux"
umount "$3"
"""


def make(workshop: Workshop, root: Path) -> Path:
    """Give a raw, bootable disk that holds the tree.

    :raises BoxError: a tool fails, or this computer has no loop devices (some containers).
    """
    disk = workshop.place / "disk.raw"
    size = recipe.DISK_GIB * 1024**3
    with disk.open("wb") as sink:
        sink.write(first_sector(recipe.MBR.read_bytes(), size))
        sink.truncate(size)
    blocks = (size - _START) // 4096
    extended = f"offset={_START},lazy_itable_init=0,lazy_journal_init=0"
    workshop.run(
        [*_MKFS, "-b", "4096", "-E", extended, "-d", root, disk, str(blocks)],
        failed="The root file system cannot be made",
        timeout=300,
    )
    mountpoint = workshop.place / "mnt"
    mountpoint.mkdir()
    workshop.run(
        ["sh", "-c", _INSTALL_LOADER, "sh", str(_START), disk, mountpoint],
        failed="The boot loader cannot be installed",
        hint="Loop devices are needed: in a container they must be handed to it (--privileged).",
    )
    return disk


def first_sector(code: bytes, size: int) -> bytes:
    """Make a master boot record: boot code, and one bootable Linux partition from 1 MiB to the disk's end.

    :param code: boot code; its first 440 bytes are used.
    :param size: of the disk, bytes.
    """
    # Cylinders, heads and sectors are at their limit: the loader goes by the sector numbers after them.
    beyond = b"\xfe\xff\xff"
    partition = struct.pack("<B3sB3sII", 0x80, beyond, 0x83, beyond, _START // 512, (size - _START) // 512)
    signature = struct.pack("<I", zlib.crc32(LABEL.encode()))
    return code[:440].ljust(440, b"\0") + signature + b"\0\0" + partition.ljust(64, b"\0") + b"\x55\xaa"


def convert(workshop: Workshop, disk: Path, target: Path, *options: str) -> Path:
    """Write a disk (of any format) to another file.

    :param options: ``qemu-img convert``'s: format and what belongs to it.
    """
    workshop.run(
        ["qemu-img", "convert", *options, disk, target],
        failed=f"The disk cannot be written as {target.name}",
        timeout=900,
    )
    return target
