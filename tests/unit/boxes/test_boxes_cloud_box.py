"""Making a box: from a download to a file in the cache, and what is left after each kind of failure."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tarfile
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from mirror import Mirror, serve_https
from test_boxes_disk_image import DISK, content, qcow2, vmdk_content

from labgen import boxes
from labgen.boxes import catalogue, cloud_box, cloud_images, download, package, seed, store
from labgen.boxes.disk_image import BLOCK
from labgen.core.errors import BoxError
from labgen.core.i18n import Text
from labgen.core.progress import Progress
from labgen.model.lab import CloudImageSource
from tests import needs

QUIET = Progress()


class Notes(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str | Text) -> None:
        self.lines.append(str(text))


@pytest.fixture
def image(tmp_path: Path) -> bytes:
    return qcow2(tmp_path / "image").read_bytes()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def source_of(mirror: Mirror, image: bytes) -> CloudImageSource:
    """An image of its own at the mirror, with its checksum."""
    mirror.files["image.qcow2"] = image
    return CloudImageSource("debian-13", mirror.url + "image.qcow2", hashlib.sha256(image).hexdigest())


def make(source: CloudImageSource, cache: Path, provider: str = "virtualbox", **options: object) -> Path:
    options.setdefault("progress", QUIET)
    return cloud_box.make(source, provider, "amd64", directory=cache, **options)  # type: ignore[arg-type]


def unpacked(box: Path, place: Path) -> dict[str, Path]:
    with tarfile.open(box) as archive:
        archive.extractall(place, filter="data")
    return {path.name: path for path in place.iterdir()}


def leftovers(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file() and path.name != ".making")


def test_box_for_virtualbox_has_an_ovf_machine_with_two_disks(mirror: Mirror, image: bytes, cache: Path) -> None:
    box = make(source_of(mirror, image), cache)
    files = unpacked(box, cache / "unpacked")
    assert sorted(files) == ["Vagrantfile", "box.ovf", "disk.vmdk", "metadata.json", "seed.vmdk"]
    assert json.loads(files["metadata.json"].read_text()) == {"provider": "virtualbox", "architecture": "amd64"}
    assert vmdk_content(files["disk.vmdk"]) == (package.DISK_GIB << 30, DISK)
    capacity, blocks = vmdk_content(files["seed.vmdk"])
    assert capacity == 1 << 20
    assert seed.user_data().encode() in b"".join(blocks.values())
    machine = ElementTree.parse(files["box.ovf"]).getroot()
    names = {"ovf": "http://schemas.dmtf.org/ovf/envelope/1"}
    key = "{http://schemas.dmtf.org/ovf/envelope/1}"
    sizes = {file.get(f"{key}href"): file.get(f"{key}size") for file in machine.iterfind(".//ovf:File", names)}
    assert sizes == {name: str(files[name].stat().st_size) for name in ("disk.vmdk", "seed.vmdk")}
    assert "$" not in files["box.ovf"].read_text()
    assert 'config.vm.base_mac = "080027C0DE13"' in files["Vagrantfile"].read_text()


def test_box_for_libvirt_has_two_qcow2_disks(mirror: Mirror, image: bytes, cache: Path) -> None:
    files = unpacked(make(source_of(mirror, image), cache, "libvirt"), cache / "unpacked")
    metadata = json.loads(files["metadata.json"].read_text())
    assert metadata["disks"] == [{"path": "disk.qcow2"}, {"path": "seed.qcow2", "name": "seed"}]
    assert content(files["disk.qcow2"]) == DISK
    assert seed.user_data().encode() in b"".join(content(files["seed.qcow2"]).values())
    assert "machine_virtual_size = 10" in files["Vagrantfile"].read_text()


def test_make_leaves_box_and_note_and_is_done_once(mirror: Mirror, image: bytes, cache: Path) -> None:
    source = source_of(mirror, image)
    box = make(source, cache)
    assert box == boxes.box_path(source, "amd64", "virtualbox", cache)
    assert leftovers(cache) == [box.name, f"{box.name}.json"]
    assert store.read_note(box) == {
        "provider": "virtualbox",
        "arch": "amd64",
        "image": "Debian 13 (own image)",
        "checksum": f"sha256:{source.checksum}",
        "own": "yes",
    }
    requests = len(mirror.requests)
    assert make(source, cache) == box
    assert len(mirror.requests) == requests
    make(source, cache, force=True)
    assert len(mirror.requests) == requests + 1


def test_make_removes_the_box_of_an_earlier_release(mirror: Mirror, image: bytes, cache: Path) -> None:
    cache.mkdir()
    earlier = cache / "debian-13-0123456789ab-amd64-virtualbox.box"
    others = [cache / "debian-13-0123456789ab-amd64-libvirt.box", cache / "debian-12-0123456789ab-virtualbox.box"]
    for path in (earlier, store.note_path(earlier), *others):
        path.write_text("{}")
    make(source_of(mirror, image), cache)
    assert not earlier.exists()
    assert not store.note_path(earlier).exists()
    assert all(path.exists() for path in others)


def test_make_leaves_boxes_of_own_images_alone(
    mirror: Mirror, image: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = [make(source_of(mirror, image + bytes(count * BLOCK)), cache) for count in (0, 1)]
    mirror.files["pinned.qcow2"] = image
    checksum = cloud_images.Checksum("sha256", hashlib.sha256(image).hexdigest())
    pinned = replace(
        cloud_images.find("debian-13", "amd64"), addresses=(mirror.url + "pinned.qcow2",), checksum=checksum
    )
    monkeypatch.setattr(cloud_images, "find", lambda *_: pinned)
    monkeypatch.setattr(boxes, "key", lambda *_: "0123456789ab")
    make(CloudImageSource("debian-13"), cache)
    assert all(box.is_file() for box in own)
    listed = {entry.path: entry for entry in store.entries(cache, lambda _name: False)}
    assert store.surplus([listed[box] for box in own], 0) == []
    assert len({catalogue.box_name(entry) for entry in listed.values()}) == 3


def test_make_clears_away_what_a_killed_command_left(mirror: Mirror, image: bytes, cache: Path) -> None:
    (cache / "making-abc").mkdir(parents=True)
    (cache / "making-abc" / "disk.vmdk").write_bytes(b"half")
    box = make(source_of(mirror, image), cache)
    assert leftovers(cache) == [box.name, f"{box.name}.json"]


@pytest.mark.parametrize("provider", ["virtualbox", "libvirt"])
def test_make_refuses_a_damaged_image_and_leaves_nothing(
    mirror: Mirror, image: bytes, cache: Path, provider: str
) -> None:
    # As it was published: its checksum is right.
    source = source_of(mirror, image[:-20000])
    with pytest.raises(BoxError, match="is a damaged qcow2 image"):
        make(source, cache, provider)
    assert leftovers(cache) == [cloud_images.of_source(source, "amd64").cached_name]
    assert list(cache.glob("making-*")) == []


def test_make_says_that_the_disk_is_full_and_the_next_run_carries_on(
    mirror: Mirror, image: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(mirror, image)

    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package.vmdk, "write", fill)
    with pytest.raises(BoxError, match="is full: it was filled while the box was made") as refused:
        make(source, cache)
    assert "labgen box prune" in refused.value.hint
    assert leftovers(cache) == [cloud_images.of_source(source, "amd64").cached_name]
    monkeypatch.undo()
    requests = len(mirror.requests)
    assert make(source, cache).is_file()
    assert len(mirror.requests) == requests  # the image was there


def test_make_asks_for_room_before_it_begins(
    mirror: Mirror, image: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cloud_box.shutil, "disk_usage", lambda _: usage(9, 9, len(image) * 2))
    with pytest.raises(BoxError, match="MiB are needed, and"):
        make(source_of(mirror, image), cache)


def test_make_takes_a_file_of_this_computer(mirror: Mirror, image: bytes, cache: Path, tmp_path: Path) -> None:
    source = replace(source_of(mirror, image), url="")
    stick = tmp_path / "스틱.qcow2"
    stick.write_bytes(image)
    assert make(source, cache, file=stick).is_file()
    assert stick.read_bytes() == image
    assert mirror.requests == []


def test_make_refuses_a_file_that_is_another(mirror: Mirror, image: bytes, cache: Path, tmp_path: Path) -> None:
    stick = tmp_path / "stick.qcow2"
    stick.write_bytes(image[:-1])
    source = replace(source_of(mirror, image), url="")
    with pytest.raises(BoxError, match="another checksum than the one that is given:\nsha256:") as refused:
        make(source, cache, file=stick)
    assert hashlib.sha256(image[:-1]).hexdigest() in refused.value.message
    assert "--checksum" in refused.value.hint
    with pytest.raises(BoxError, match=r"is not debian-13-\S+ of Debian 13 \d+-\d+: its checksum is\nsha512:"):
        make(CloudImageSource("debian-13"), cache, file=stick)
    with pytest.raises(BoxError, match="cannot be read: No such file"):
        make(source, cache, file=tmp_path / "missing")


def test_make_names_a_pinned_image_of_another_kind(
    image: bytes, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stick = tmp_path / "stick.qcow2"
    stick.write_bytes(image)
    arm64 = cloud_images.find("debian-13", "arm64")
    monkeypatch.setattr(cloud_images, "by_checksum", lambda _: arm64)
    with pytest.raises(BoxError, match="is the image debian-13 for arm64; debian-13 for amd64 is needed"):
        make(CloudImageSource("debian-13"), cache, file=stick)


def test_make_refuses_an_image_that_is_a_pipe(cache: Path, tmp_path: Path) -> None:
    needs.posix("a pipe")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(BoxError, match="pipe is not a file"):
        make(CloudImageSource("debian-13"), cache, file=pipe)
    for address in (str(pipe), pipe.as_uri()):
        with pytest.raises(BoxError, match="pipe is not a file"):
            make(CloudImageSource("debian-13", address), cache)


def efi_image(place: Path, program: bytes) -> bytes:
    """An image with a GPT whose first partition is for EFI and holds a boot program of a name."""
    partition = package._EFI_PARTITION + bytes(16) + struct.pack("<QQ", 2048, 4095)
    table = bytearray(BLOCK)
    table[510:512] = b"\x55\xaa"
    table[1024 : 1024 + len(partition)] = partition
    boot = bytearray(BLOCK)
    boot[4096 : 4096 + len(program)] = program
    return qcow2(place / "efi", {0: bytes(table), 17: bytes(boot)}, 64 * BLOCK).read_bytes()


@pytest.mark.parametrize(
    ("program", "arch"), [(b"BOOTX64 EFI", "amd64"), (b"BOOTAA64EFI", "arm64"), (b"SHIMX64 EFI", "")]
)
def test_boot_architecture_goes_by_the_boot_program(tmp_path: Path, program: bytes, arch: str) -> None:
    efi_image(tmp_path, program)
    assert package.boot_architecture(tmp_path / "efi") == arch


def test_make_refuses_an_image_of_another_architecture(mirror: Mirror, cache: Path, tmp_path: Path) -> None:
    source = source_of(mirror, efi_image(tmp_path, b"BOOTAA64EFI"))
    with pytest.raises(BoxError, match="is for arm64, and this computer needs amd64"):
        make(source, cache)
    assert not list(cache.glob("*.box"))


@pytest.mark.parametrize("classroom", ["", "http://127.0.0.1:1/pinned.qcow2"])
def test_make_takes_the_newest_release_when_the_pinned_one_was_removed(
    mirror: Mirror, image: bytes, cache: Path, monkeypatch: pytest.MonkeyPatch, classroom: str
) -> None:
    mirror.files["latest/new.qcow2"] = image
    mirror.files["latest/SUMS"] = f"{hashlib.sha512(image).hexdigest()}  new.qcow2\n".encode()
    pinned = replace(
        cloud_images.find("debian-13", "amd64"),
        addresses=(*filter(None, [classroom]), mirror.url + "gone.qcow2"),
        mirror=classroom,
        newest=mirror.url + "latest/new.qcow2",
        sums=mirror.url.replace("http", "https") + "latest/SUMS",
    )
    monkeypatch.setattr(cloud_images, "of_source", lambda *_: pinned)
    serve_https(monkeypatch)
    notes = Notes()
    box = make(CloudImageSource("debian-13"), cache, progress=notes)
    assert "was removed from its servers" in notes.lines[0]
    assert store.read_note(box)["image"] == "Debian 13 newest"
    assert store.read_note(box)["checksum"] == f"sha512:{hashlib.sha512(image).hexdigest()}"


@pytest.mark.parametrize("has_checksum", [True, False])
def test_make_of_an_address_without_a_file_takes_no_other_image(
    mirror: Mirror, image: bytes, cache: Path, has_checksum: bool
) -> None:
    source = source_of(mirror, image) if has_checksum else CloudImageSource("debian-13", mirror.url + "typo.qcow2")
    mirror.files.clear()
    notes = Notes()
    with pytest.raises(download.Gone, match="answers 404") as refused:
        make(source, cache, progress=notes)
    assert "Check the address." in refused.value.hint
    assert notes.lines == []


def test_make_for_virtualbox_on_arm64_says_what_to_do(mirror: Mirror, image: bytes, cache: Path) -> None:
    with pytest.raises(BoxError, match="for VirtualBox on arm64") as refused:
        cloud_box.make(source_of(mirror, image), "virtualbox", "arm64", progress=QUIET, directory=cache)
    assert "labgen up --provider docker" in refused.value.hint


def test_make_for_containers_says_that_they_need_no_box(cache: Path) -> None:
    with pytest.raises(BoxError, match="start from no box"):
        make(CloudImageSource("debian-13"), cache, "docker")


def test_seed_is_found_by_cloud_init_and_holds_no_secret() -> None:
    from pycdlib import PyCdlib

    image = PyCdlib()
    image.open_fp(io.BytesIO(seed.iso("abc")))
    assert image.pvd.volume_identifier.decode().strip() == "cidata"
    files = {}
    for name in ("user-data", "meta-data"):
        sink = io.BytesIO()
        image.get_file_from_iso_fp(sink, rr_path=f"/{name}")
        files[name] = sink.getvalue().decode()
    assert json.loads(files["meta-data"])["instance-id"] == "labgen-abc"
    first, _, rest = files["user-data"].partition("\n")
    assert first == "#cloud-config"
    config = json.loads(rest)
    (user,) = config["users"]
    assert user["name"] == "vagrant"
    assert user["lock_passwd"] is True
    assert user["ssh_authorized_keys"][0].startswith("ssh-")
    assert not config["package_upgrade"]
    assert not config["ssh_pwauth"]
    assert "PRIVATE" not in rest
    assert "password" not in rest
