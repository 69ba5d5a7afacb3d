"""A box of a cloud image, taken by VirtualBox: both disks arrive, and a node is made of it up to its boot."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labgen.boxes import cloud_box, package
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.model.lab import CloudImageSource

from .asked import VirtualBox
from .conftest import LabInRoom, add_box, clear

BOX = "labgen/debian-13-cloud"
NAME = "imported cloud image"


@pytest.fixture(scope="session")
def image(place: Path) -> Path:
    """A qcow2 image as a distribution publishes it, compressed, around a disk that holds next to nothing."""
    raw, image = place / "cloud.raw", place / "cloud.qcow2"
    with raw.open("wb") as sink:
        sink.write(b"\x90" * 510 + b"\x55\xaa")
        # Across borders of the blocks (64 KiB) that the disk is packed in, with gaps between.
        for start in (5_000_000, 2_000_000_000):
            sink.seek(start)
            sink.write(os.urandom(200_000))
        sink.truncate(3 << 30)
    Runner().run(["qemu-img", "convert", "-c", "-O", "qcow2", raw, image], timeout=120).or_raise()
    raw.unlink()
    return image


@pytest.fixture(scope="session")
def cloud(place: Path, image: Path) -> Path:
    """The box of that image."""
    source = CloudImageSource("debian-13", str(image), hashlib.sha256(image.read_bytes()).hexdigest())
    return cloud_box.make(source, "virtualbox", "amd64", progress=Progress(), directory=place / "cache")


@pytest.fixture
def imported(virtualbox: VirtualBox, cloud: Path) -> Iterator[Path]:
    """The unpacked box, after VirtualBox has made a machine of it."""
    unpacked = virtualbox.place / "unpacked cloud"
    with tarfile.open(cloud) as archive:
        archive.extractall(unpacked, filter="data")
    virtualbox.manage("import", str(unpacked / "box.ovf"), "--vsys", "0", "--vmname", NAME)
    yield unpacked
    clear(virtualbox)


def test_import_takes_both_disks_as_they_are(imported: Path, virtualbox: VirtualBox) -> None:
    settings = virtualbox.settings(NAME)
    for attached, file in (("IDE-0-0", "disk.vmdk"), ("IDE-0-1", "seed.vmdk")):
        compared = Runner().run(["qemu-img", "compare", settings[attached], imported / file])
        assert compared.ok, compared.out + compared.err
    described = Runner().run(["qemu-img", "info", settings["IDE-0-0"]]).or_raise().out
    assert f"virtual size: {package.DISK_GIB} GiB" in described
    assert settings["ostype"] == "Debian (64-bit)"
    assert settings["storagecontrollertype0"] == "PIIX4"


def test_disk_of_the_box_is_that_of_the_image_made_larger(imported: Path, image: Path) -> None:
    # Where the image ends, QEMU reads zeros.
    compared = Runner().run(["qemu-img", "compare", image, imported / "disk.vmdk"], timeout=120)
    assert compared.ok, compared.out + compared.err


def test_node_is_made_of_it_up_to_its_boot(lab: Callable[..., LabInRoom], virtualbox: VirtualBox, cloud: Path) -> None:
    add_box(virtualbox, BOX, cloud)
    made = lab(box=BOX, folder="cloud")
    made.up()
    settings = made.settings()
    assert {settings["IDE-0-0"], settings["IDE-0-1"]} & {"none", ""} == set()
    assert (settings["nictype1"], settings["nictype2"]) == ("virtio", "virtio")
    assert settings["macaddress1"] == package.BASE_MAC
    made.destroy()
