"""Reading a cloud image block by block: qcow2 as the distributions publish it, or raw.

qcow2 is described in QEMU's ``docs/interop/qcow2.txt``. Read are versions 2 and 3, clusters compressed with zlib
included. An image that is encrypted, based on another file, or compressed with zstd is refused.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from labgen.core.errors import BoxError
from labgen.core.i18n import _

BLOCK = 65536
"""Bytes of a block that :func:`blocks` gives: a cluster of qcow2, and a grain of VMDK."""

_MAGIC = b"QFI\xfb"
_LARGEST = 64 << 30
"""Bytes of the largest disk that is read: a damaged header must not fill the disk."""
_OFFSET_MASK = 0x00FFFFFFFFFFFE00
_COMPRESSED = 1 << 62
_READS_AS_ZERO = 1


@dataclass(frozen=True)
class Block:
    """A block of a disk that is not all zeros.

    :param index: its number; it begins at ``index * BLOCK``.
    :param data: its bytes, of the last one perhaps fewer than :data:`BLOCK`.
    :param deflated: the same bytes as a raw deflate stream, if the image has them so; else empty.
    """

    index: int
    data: bytes
    deflated: bytes = b""


@dataclass(frozen=True)
class _Header:
    size: int
    l1_size: int
    l1_offset: int


def image_format(path: Path) -> Literal["qcow2", "raw"]:
    """Tell qcow2 from a raw disk image.

    :raises BoxError: the file is neither.
    """
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith(_MAGIC):
        return "qcow2"
    if start[510:512] == b"\x55\xaa":
        return "raw"
    raise BoxError(
        _("%(path)s is no disk image that labgen can read.", path=path),
        _("Take the distribution's .qcow2, .img or .raw file; unpack an archive (.tar.xz) first."),
    )


def blocks(path: Path) -> Iterator[Block]:
    """Give the blocks of the disk that are not all zeros, in order.

    :raises BoxError: the image is damaged, or of a kind that is not read.
    """
    with path.open("rb") as file:
        if image_format(path) == "raw":
            yield from raw_blocks(file)
        else:
            try:
                yield from _clusters(file, _header(file, path), path)
            except (struct.error, zlib.error):
                raise _damaged(path) from None


def read(path: Path, offset: int, length: int) -> bytes:
    """Read a part of the disk."""
    content = bytearray(length)
    for block in blocks(path):
        start = block.index * BLOCK - offset
        if start >= length:
            break
        if start + BLOCK > 0:
            piece = block.data[max(0, -start) : length - start]
            content[max(0, start) : max(0, start) + len(piece)] = piece
    return bytes(content)


def raw_blocks(file: IO[bytes]) -> Iterator[Block]:
    """Give the blocks of a raw disk that are not all zeros, in order."""
    zeros = bytes(BLOCK)
    index = 0
    while data := file.read(BLOCK):
        if data != zeros[: len(data)]:
            yield Block(index, data)
        index += 1


def _header(file: IO[bytes], path: Path) -> _Header:
    file.seek(0)
    try:
        version, backing, _backing_length, cluster_bits, size, encryption, l1_size, l1_offset = struct.unpack(
            ">4xIQIIQIIQ", file.read(48)
        )
        file.seek(72)
        incompatible, compression = 0, 0
        if version >= 3:
            incompatible, length = struct.unpack(">Q20xI", file.read(32))
            if length > 104:
                compression = file.read(1)[0]
    except (struct.error, IndexError):
        raise _damaged(path) from None
    clusters = -(-size // BLOCK)
    if version not in (2, 3) or not 0 < size <= _LARGEST or l1_size * (BLOCK // 8) < clusters or l1_size > 1 << 16:
        raise _damaged(path)
    # Bit 0: not closed properly, which is no matter to a reader. Bit 3: another compression than zlib.
    if backing or encryption or cluster_bits != 16 or incompatible & ~0b1001 or (incompatible & 8 and compression):
        raise BoxError(
            _(
                "%(path)s is a qcow2 image of a kind that labgen does not read: encrypted, based on another file, "
                "compressed with zstd, or with clusters of another size.",
                path=path,
            ),
            _("Convert it first: qemu-img convert -c -O qcow2 %(path)s converted.qcow2", path=path),
        )
    return _Header(size, l1_size, l1_offset)


def _clusters(file: IO[bytes], header: _Header, path: Path) -> Iterator[Block]:
    file.seek(header.l1_offset)
    l1 = struct.unpack(f">{header.l1_size}Q", file.read(header.l1_size * 8))
    zeros = bytes(BLOCK)
    per_table = BLOCK // 8
    for table_index, table_entry in enumerate(l1):
        if not table_entry & _OFFSET_MASK:
            continue
        file.seek(table_entry & _OFFSET_MASK)
        table = struct.unpack(f">{per_table}Q", file.read(BLOCK))
        for entry_index, entry in enumerate(table):
            index = table_index * per_table + entry_index
            remaining = header.size - index * BLOCK
            if remaining <= 0:
                return
            block = _cluster(file, entry, index, path)
            if block is not None and block.data != zeros:
                short = remaining < BLOCK
                yield Block(index, block.data[:remaining]) if short else block


def _cluster(file: IO[bytes], entry: int, index: int, path: Path) -> Block | None:
    if entry & _COMPRESSED:
        # 54 bits of offset, then the number of further sectors: what remains of 62 bits with clusters of 64 KiB.
        offset = entry & ((1 << 54) - 1)
        sectors = ((entry >> 54) & 0xFF) + 1
        file.seek(offset)
        packed = file.read(sectors * 512 - offset % 512)
        inflate = zlib.decompressobj(-12)
        data = inflate.decompress(packed, BLOCK)
        if len(data) != BLOCK or not (inflate.eof or _ends(inflate)):
            raise _damaged(path)
        return Block(index, data, packed[: len(packed) - len(inflate.unused_data)])
    offset = entry & _OFFSET_MASK
    if not offset or entry & _READS_AS_ZERO:
        return None
    file.seek(offset)
    data = file.read(BLOCK)
    if len(data) != BLOCK:
        raise _damaged(path)
    return Block(index, data)


def _ends(inflate: zlib._Decompress) -> bool:
    """Tell whether nothing but the end of the stream is left of what was unpacked to the last byte."""
    return not inflate.decompress(inflate.unconsumed_tail, 1) and inflate.eof


def _damaged(path: Path) -> BoxError:
    return BoxError(
        _("%(path)s is a damaged qcow2 image: it is cut off, or its tables are wrong.", path=path),
        _("Download or copy the file again."),
    )


def write_qcow2(content: bytes, target: Path) -> None:
    """Write a small disk as qcow2, version 2, uncompressed.

    :param content: bytes of the disk, at most 512 MiB; filled up with zeros to whole clusters.
    """
    data = content.ljust(-(-len(content) // BLOCK) * BLOCK, b"\0")
    count = len(data) // BLOCK
    # Clusters: header, refcount table, refcount block, L1 table, L2 table, data.
    first = 5
    header = struct.pack(">4sIQIIQIIQQIIQ", _MAGIC, 2, 0, 0, 16, len(data), 0, 1, 3 * BLOCK, BLOCK, 1, 0, 0)
    used = 1 << 63  # the cluster is referenced once
    tables = (
        header,
        struct.pack(">Q", 2 * BLOCK),
        struct.pack(">H", 1) * (first + count),
        struct.pack(">Q", 4 * BLOCK | used),
        b"".join(struct.pack(">Q", (first + index) * BLOCK | used) for index in range(count)),
    )
    target.write_bytes(b"".join(table.ljust(BLOCK, b"\0") for table in tables) + data)
