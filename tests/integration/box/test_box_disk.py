"""Disks and boxes made of a small tree with the real tools."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.images import disk, recipe, vagrant_box
from labgen.images.build_context import Workshop
from labgen.providers import PROVIDERS

GIB = 1024**3


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, require_tool: Callable[[str], str]) -> Workshop:
    require_tool("qemu-img")
    monkeypatch.setattr(recipe, "DISK_GIB", 1)
    place = tmp_path / "place"
    place.mkdir()
    return Workshop(Runner(), Progress(), place, tmp_path / "build.log")


@pytest.fixture
def blank(workshop: Workshop) -> Path:
    raw = workshop.place / "disk.raw"
    with raw.open("wb") as sink:
        sink.truncate(GIB)
    return raw


def test_box_disk_partition_table_is_as_sfdisk_reads_it(tmp_path: Path, require_tool: Callable[[str], str]) -> None:
    raw = tmp_path / "disk.raw"
    with raw.open("wb") as sink:
        sink.write(disk.first_sector(b"\x90" * 440, GIB))
        sink.truncate(GIB)
    said = Runner().run([require_tool("sfdisk"), "--json", raw]).or_raise().out
    table = json.loads(said)["partitiontable"]
    assert table["label"] == "dos"
    (partition,) = table["partitions"]
    assert (partition["start"], partition["size"]) == (2048, GIB // 512 - 2048)
    assert (partition["type"], partition["bootable"]) == ("83", True)


def test_box_disk_holds_the_tree_and_a_boot_loader(
    workshop: Workshop, tmp_path: Path, require_tool: Callable[[str], str]
) -> None:
    require_tool("extlinux")
    if os.geteuid() != 0:
        pytest.skip("mounting takes root")
    root = tmp_path / "root"
    (root / "boot" / "extlinux").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "etc" / "hostname").write_text("small\n")
    mounts = Path("/proc/self/mounts").read_text()
    raw = disk.make(workshop, root)
    partition = f"{raw}?offset={1024**2}"
    run = Runner().run
    assert run(["debugfs", "-R", "cat /etc/hostname", partition]).or_raise().out == "small\n"
    assert "ldlinux.sys" in run(["debugfs", "-R", "ls /boot/extlinux", partition]).or_raise().out
    assert run(["e2label", partition]).or_raise().out.strip() == disk.LABEL
    assert raw.read_bytes()[:440].strip(b"\0") == recipe.MBR.read_bytes()[:440].strip(b"\0")
    assert Path("/proc/self/mounts").read_text() == mounts
    assert str(raw) not in run(["losetup", "--list", "--noheadings"]).or_raise().out


def test_box_disk_libvirt_box(workshop: Workshop, blank: Path) -> None:
    with tarfile.open(vagrant_box.libvirt(workshop, blank)) as box:
        about = json.load(box.extractfile("metadata.json"))  # type: ignore[arg-type]
        assert set(box.getnames()) == {"metadata.json", "Vagrantfile", "box.img"}
    assert (about["provider"], about["format"], about["virtual_size"]) == ("libvirt", "qcow2", 1)


def test_box_disk_virtualbox_box_describes_its_disk(workshop: Workshop, blank: Path) -> None:
    with tarfile.open(vagrant_box.virtualbox(workshop, blank)) as box:
        described = ElementTree.parse(box.extractfile("box.ovf"))  # type: ignore[arg-type]
        size = box.getmember("box-disk001.vmdk").size
        vagrantfile = box.extractfile("Vagrantfile").read().decode()  # type: ignore[union-attr]
    ovf = "{http://schemas.dmtf.org/ovf/envelope/1}"
    file, held = described.find(f".//{ovf}File"), described.find(f".//{ovf}Disk")
    assert file is not None
    assert held is not None
    assert file.get(f"{ovf}href") == "box-disk001.vmdk"
    assert file.get(f"{ovf}size") == str(size)
    assert held.get(f"{ovf}capacity") == str(GIB)
    assert f'config.vm.base_mac = "{vagrant_box.BASE_MAC}"' in vagrantfile


def test_box_disk_taken_out_of_a_box_is_the_same_disk(workshop: Workshop, blank: Path) -> None:
    with blank.open("r+b") as sink:
        sink.seek(12345)
        sink.write(b"here")
    taken = vagrant_box.disk_of(vagrant_box.libvirt(workshop, blank), workshop.place)
    said = Runner().run(["qemu-img", "compare", "-f", "qcow2", "-F", "raw", taken, blank])
    assert said.ok, said.out


@pytest.mark.parametrize("provider", ["libvirt", "virtualbox"])
def test_vagrant_takes_the_box(
    workshop: Workshop, blank: Path, tmp_path: Path, require_tool: Callable[[str], str], provider: str
) -> None:
    box = vagrant_box.PACKERS[PROVIDERS[provider].disk_format](workshop, blank)
    vagrant = [require_tool("vagrant"), "box"]
    env = {"VAGRANT_HOME": str(tmp_path / "vagrant")}
    run = Runner(env=env).run
    run([*vagrant, "add", "--name", "labgen/test", "--provider", provider, box], timeout=120).or_raise()
    assert f"labgen/test ({provider}, 0" in run([*vagrant, "list"], timeout=60).or_raise().out
