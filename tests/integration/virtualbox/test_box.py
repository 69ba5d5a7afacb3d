"""labgen's box for VirtualBox, taken by VirtualBox."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labgen.core.process import Runner

from .asked import VirtualBox
from .conftest import clear

NAME = "imported"


@pytest.fixture
def imported(virtualbox: VirtualBox, box: Path) -> Iterator[Path]:
    """The unpacked box, after VirtualBox has made a machine of it."""
    unpacked = virtualbox.place / "unpacked"
    with tarfile.open(box) as archive:
        archive.extractall(unpacked, filter="data")
    virtualbox.manage("import", str(unpacked / "box.ovf"), "--vsys", "0", "--vmname", NAME)
    yield unpacked
    clear(virtualbox)


def test_its_disk_arrives_whole(imported: Path, virtualbox: VirtualBox) -> None:
    told = virtualbox.settings(NAME)
    compared = Runner().run(["qemu-img", "compare", told["IDE-0-0"], imported / "box-disk001.vmdk"])
    assert compared.ok, compared.out + compared.err


def test_its_description_is_understood(imported: Path, virtualbox: VirtualBox) -> None:
    told = virtualbox.settings(NAME)
    assert (told["ostype"], told["memory"], told["cpus"]) == ("Debian (64-bit)", "1024", "1")
    assert (told["nic1"], told["nic2"]) == ("nat", "none")
    assert (told["storagecontrollertype0"], told["boot3"]) == ("PIIX4", "disk")
