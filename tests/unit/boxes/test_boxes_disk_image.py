"""Reading qcow2 and raw images, and writing them as VMDK; QEMU judges the same in tests/integration/box."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import pytest

from labgen.boxes import disk_image, vmdk
from labgen.boxes.disk_image import BLOCK, Block
from labgen.core.errors import BoxError

GENERATOR = random.Random(7)
RANDOM, TEXT = GENERATOR.randbytes(BLOCK), b"a cloud image ".ljust(BLOCK, b"!")
SIZE = 9000 * BLOCK
DISK: Mapping[int, bytes] = {0: RANDOM, 1: TEXT, 511: RANDOM, 512: TEXT, 8192: TEXT, 8999: RANDOM}
"""Blocks by number: in the first and a later table of either format, and the last one."""


def qcow2(
    target: Path, disk: Mapping[int, bytes] = DISK, size: int = SIZE, *, deflate: bool = True, **changed: int
) -> Path:
    """Write a qcow2 image as QEMU does, version 3, every cluster deflated or none."""
    tables = sorted({index // 8192 for index in disk})
    l1 = [0] * (max(tables) + 1)
    clusters = bytearray()
    first = 2 + len(tables)  # header, first table, second tables
    contents = [[0] * 8192 for _ in tables]
    for index, data in disk.items():
        offset = first * BLOCK + len(clusters)
        if deflate:
            packer = zlib.compressobj(9, zlib.DEFLATED, -12)
            packed = packer.compress(data) + packer.flush()
            sectors = (offset % 512 + len(packed) - 1) // 512
            entry = 1 << 62 | sectors << 54 | offset
        else:
            clusters += bytes(-len(clusters) % BLOCK)
            offset = first * BLOCK + len(clusters)
            packed, entry = data, 1 << 63 | offset
        clusters += packed
        contents[tables.index(index // 8192)][index % 8192] = entry
    for number, table in enumerate(tables):
        l1[table] = 1 << 63 | (2 + number) * BLOCK
    header = {"version": 3, "backing": 0, "bits": 16, "size": size, "encryption": 0, "incompatible": 0} | changed
    start = struct.pack(
        ">4sIQIIQIIQ",
        b"QFI\xfb",
        header["version"],
        header["backing"],
        0,
        header["bits"],
        header["size"],
        header["encryption"],
        len(l1),
        BLOCK,
    )
    start = start.ljust(72, b"\0") + struct.pack(">QQQII", header["incompatible"], 0, 0, 4, 112)
    start += bytes([header.get("compression", 0)])
    target.write_bytes(
        start.ljust(BLOCK, b"\0")
        + struct.pack(f">{len(l1)}Q", *l1).ljust(BLOCK, b"\0")
        + b"".join(struct.pack(">8192Q", *table) for table in contents)
        + clusters
    )
    return target


def content(path: Path) -> dict[int, bytes]:
    return {block.index: block.data for block in disk_image.blocks(path)}


def vmdk_content(path: Path) -> tuple[int, dict[int, bytes]]:
    """Read a streamOptimized VMDK back by its footer, directory and tables."""
    data = path.read_bytes()
    footer = struct.unpack_from("<4sIIQQQQIQQQB4sH", data, len(data) - 1024)
    assert data[-512:] == bytes(512)
    assert footer[0] == b"KDMV"
    capacity, grain, directory_at = footer[3] * 512, footer[4] * 512, footer[9] * 512
    blocks = {}
    tables = -(-capacity // (grain * 512))
    for number, table_at in enumerate(struct.unpack_from(f"<{tables}I", data, directory_at)):
        for place, sector in enumerate(struct.unpack_from("<512I", data, table_at * 512) if table_at else ()):
            if sector:
                lba, length = struct.unpack_from("<QI", data, sector * 512)
                index = number * 512 + place
                assert lba * 512 == index * grain
                blocks[index] = zlib.decompress(data[sector * 512 + 12 : sector * 512 + 12 + length])
    return capacity, blocks


@pytest.mark.parametrize("deflate", [True, False])
@pytest.mark.parametrize("version", [2, 3])
def test_blocks_of_qcow2(tmp_path: Path, deflate: bool, version: int) -> None:
    image = qcow2(tmp_path / "image", deflate=deflate, version=version)
    assert disk_image.image_format(image) == "qcow2"
    assert content(image) == DISK
    for block in disk_image.blocks(image):
        assert bool(block.deflated) == deflate
        assert not deflate or zlib.decompress(block.deflated, -15) == block.data


def test_blocks_leaves_out_zeros_and_cuts_the_last(tmp_path: Path) -> None:
    image = qcow2(tmp_path / "image", {0: bytes(BLOCK), 1: TEXT, 2: RANDOM}, 2 * BLOCK + 512)
    assert content(image) == {1: TEXT, 2: RANDOM[:512]}


def test_blocks_of_a_raw_image(tmp_path: Path) -> None:
    image = tmp_path / "image"
    first = TEXT[:510] + b"\x55\xaa" + TEXT[512:]
    image.write_bytes(first + bytes(BLOCK) + RANDOM[:1000])
    assert disk_image.image_format(image) == "raw"
    assert content(image) == {0: first, 2: RANDOM[:1000]}


def test_read_gives_a_part_across_blocks(tmp_path: Path) -> None:
    image = qcow2(tmp_path / "image")
    assert disk_image.read(image, BLOCK - 10, 20) == RANDOM[-10:] + TEXT[:10]
    assert disk_image.read(image, 2 * BLOCK - 10, 20) == TEXT[-10:] + bytes(10)


@pytest.mark.parametrize("kept", [60, 100, BLOCK, BLOCK + 4, 2 * BLOCK + 100, 5 * BLOCK + 30000])
def test_blocks_refuses_what_is_cut_off(tmp_path: Path, kept: int) -> None:
    image = qcow2(tmp_path / "image")
    image.write_bytes(image.read_bytes()[:kept])
    with pytest.raises(BoxError, match="is a damaged qcow2 image"):
        content(image)


@pytest.mark.parametrize("changed", [{"size": 1 << 60}, {"size": 0}, {"version": 9}, {"size": SIZE * 1000}])
def test_blocks_refuses_a_header_that_cannot_be(tmp_path: Path, changed: dict[str, int]) -> None:
    with pytest.raises(BoxError, match="is a damaged qcow2 image"):
        content(qcow2(tmp_path / "image", **changed))


@pytest.mark.parametrize(
    "changed",
    [{"backing": 512}, {"encryption": 1}, {"bits": 12}, {"incompatible": 16}, {"incompatible": 8, "compression": 1}],
)
def test_blocks_refuses_kinds_that_are_not_read(tmp_path: Path, changed: dict[str, int]) -> None:
    with pytest.raises(BoxError, match="of a kind that labgen does not read") as refused:
        content(qcow2(tmp_path / "image", **changed))
    assert "qemu-img convert" in refused.value.hint


def test_blocks_refuses_a_damaged_cluster(tmp_path: Path) -> None:
    image = qcow2(tmp_path / "image", {0: TEXT}, BLOCK)
    data = bytearray(image.read_bytes())
    data[3 * BLOCK] ^= 0xFF
    image.write_bytes(data)
    with pytest.raises(BoxError, match="is a damaged qcow2 image"):
        content(image)


@pytest.mark.parametrize("text", [b"", b"<html>", b"PK" + bytes(2000)])
def test_image_format_refuses_what_is_no_disk(tmp_path: Path, text: bytes) -> None:
    image = tmp_path / "image"
    image.write_bytes(text)
    with pytest.raises(BoxError, match="is no disk image that labgen can read"):
        disk_image.image_format(image)


def test_write_qcow2_can_be_read(tmp_path: Path) -> None:
    disk_image.write_qcow2(RANDOM + TEXT + b"end", tmp_path / "seed")
    assert content(tmp_path / "seed") == {0: RANDOM, 1: TEXT, 2: b"end".ljust(BLOCK, b"\0")}


@pytest.mark.parametrize("deflate", [True, False])
def test_vmdk_holds_the_same_disk_made_larger(tmp_path: Path, deflate: bool) -> None:
    capacity = 10 << 30
    vmdk.write(disk_image.blocks(qcow2(tmp_path / "image", deflate=deflate)), capacity, tmp_path / "disk.vmdk")
    assert vmdk_content(tmp_path / "disk.vmdk") == (capacity, DISK)
    assert f"RDONLY {capacity // 512} SPARSE" in (tmp_path / "disk.vmdk").read_bytes()[512:2048].decode()


def test_vmdk_fills_up_a_short_block(tmp_path: Path) -> None:
    vmdk.write([Block(3, b"short")], 1 << 20, tmp_path / "disk.vmdk")
    assert vmdk_content(tmp_path / "disk.vmdk") == (1 << 20, {3: b"short".ljust(BLOCK, b"\0")})
