"""Writing a disk as a streamOptimized VMDK, the form that an OVF machine is imported from.

The format is VMware's "Virtual Disk Format 5.0". Blocks that the image has compressed already are taken over as they
are: a grain is the same deflate stream with zlib's header and checksum around it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from labgen.boxes.disk_image import BLOCK, Block

_SECTOR = 512
_GRAIN = BLOCK // _SECTOR
_ENTRIES = 512
"""Grains that one table holds."""
_AT_END = 0xFFFFFFFFFFFFFFFF
_TABLE, _DIRECTORY, _FOOTER = 1, 2, 3
_DESCRIPTOR_SECTORS = 20

_DESCRIPTOR = """\
# Disk DescriptorFile
version=1
CID={cid:08x}
parentCID=ffffffff
createType="streamOptimized"

# Extent description
RDONLY {sectors} SPARSE "{name}"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "16"
ddb.geometry.sectors = "63"
ddb.adapterType = "ide"
"""


def write(blocks: Iterable[Block], capacity: int, target: Path) -> None:
    """Write blocks of a disk as a VMDK.

    :param blocks: in order; what they leave out is zeros.
    :param capacity: of the disk, bytes; a multiple of :data:`BLOCK`.
    """
    sectors = capacity // _SECTOR
    table_count = -(-sectors // (_GRAIN * _ENTRIES))
    directory = [0] * table_count
    with target.open("wb") as sink:
        descriptor = _DESCRIPTOR.format(
            cid=zlib.crc32(f"{target.name} {capacity}".encode()) & 0xFFFFFFFE,
            sectors=sectors,
            name=target.name,
            cylinders=min(sectors // (16 * 63), 16383),
        ).encode()
        sink.write(_header(sectors, _AT_END))
        sink.write(descriptor.ljust(_DESCRIPTOR_SECTORS * _SECTOR, b"\0"))
        sink.write(bytes(_GRAIN * _SECTOR - sink.tell()))
        table: list[int] = [0] * _ENTRIES
        table_index = 0
        for block in blocks:
            if block.index // _ENTRIES != table_index:
                directory[table_index] = _write_table(sink, table)
                table, table_index = [0] * _ENTRIES, block.index // _ENTRIES
            table[block.index % _ENTRIES] = sink.tell() // _SECTOR
            _write_grain(sink, block)
        directory[table_index] = _write_table(sink, table)
        content = struct.pack(f"<{table_count}I", *directory)
        directory_at = _write_metadata(sink, _DIRECTORY, content)
        _write_metadata(sink, _FOOTER, _header(sectors, directory_at))
        sink.write(bytes(_SECTOR))  # the end of the stream


def _header(sectors: int, directory_at: int) -> bytes:
    compressed_with_markers = 0x30001
    return struct.pack(
        "<4sIIQQQQIQQQB4sH433x",
        b"KDMV",
        3,
        compressed_with_markers,
        sectors,
        _GRAIN,
        1,
        _DESCRIPTOR_SECTORS,
        _ENTRIES,
        0,
        directory_at,
        _GRAIN,
        0,
        b"\n \r\n",
        1,
    )


def _write_grain(sink: IO[bytes], block: Block) -> None:
    if block.deflated:
        grain = b"\x78\x9c" + block.deflated + struct.pack(">I", zlib.adler32(block.data))
    else:
        grain = zlib.compress(block.data.ljust(BLOCK, b"\0"), 6)
    sink.write(struct.pack("<QI", block.index * _GRAIN, len(grain)) + grain)
    sink.write(bytes(-sink.tell() % _SECTOR))


def _write_table(sink: IO[bytes], table: list[int]) -> int:
    if not any(table):
        return 0
    return _write_metadata(sink, _TABLE, struct.pack(f"<{_ENTRIES}I", *table))


def _write_metadata(sink: IO[bytes], kind: int, content: bytes) -> int:
    """Write a marker and what follows it; gives the sector at which that begins."""
    content = content.ljust(-(-len(content) // _SECTOR) * _SECTOR, b"\0")
    sink.write(struct.pack("<QII496x", len(content) // _SECTOR, 0, kind))
    start = sink.tell() // _SECTOR
    sink.write(content)
    return start
