"""`labgen kit make`: what it gathers, what it does again, and what stops it."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shutil
import time
import zipfile
from pathlib import Path

import pytest
from package_index import LIMITED, NO_NETWORK, Index, make_kit

from labgen import boxes, cli, config
from labgen.boxes import store
from labgen.core.errors import BoxError, HostError, LabFileError, UsageError
from labgen.core.process import Result, Runner
from labgen.core.progress import Progress
from labgen.images import cache, ensure
from labgen.kit import check, files, nodes, own_wheel
from labgen.kit.make import Kit, make
from labgen.kit.page import FILES
from labgen.kit.platforms import platforms
from labgen.model.lab import CloudImageSource
from labgen.model.provider import BUILT_BOX
from tests import needs


class Notes(Progress):
    """Keep the notes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: object) -> None:
        self.lines.append(str(text))


def contents(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def manifest(kit: Path) -> dict[str, object]:
    """Read the manifest of a kit."""
    content = json.loads((kit / "manifest.json").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def test_make_gathers_the_wheels_of_every_platform_and_lists_every_file(kit: Path, index: Index) -> None:
    files_by_path = {entry["path"]: entry for entry in manifest(kit)["files"]}  # type: ignore[attr-defined]
    expected = {f"wheels/{name}" for name in (*index.files, own_wheel.NAME)}
    assert {path for path in files_by_path if path.startswith("wheels/")} == expected
    assert files_by_path.keys() == contents(kit).keys() - {"manifest.json"}
    for path, entry in files_by_path.items():
        content = (kit / path).read_bytes()
        assert (entry["size"], entry["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert files_by_path["wheels/colors-3.0-py3-none-any.whl"]["purpose"] == "windows-amd64/3.12"
    assert files_by_path["wheels/pure-1.0-py3-none-any.whl"]["purpose"] == "all"


def test_make_is_the_same_to_the_byte_in_another_folder_and_order(kit: Path, index: Index, tmp_path: Path) -> None:
    again = make_kit(tmp_path / "again", "linux-amd64,macos-arm64 windows-amd64")
    assert contents(again) == contents(kit)


def test_make_again_asks_no_index_and_changes_nothing(kit: Path, index: Index) -> None:
    before, index.failure = contents(kit), NO_NETWORK
    assert contents(make_kit(kit)) == before


def test_make_after_an_interruption_downloads_what_is_missing_or_half(index: Index, tmp_path: Path) -> None:
    kit = make_kit(tmp_path / "kit", "windows-amd64")
    (kit / "wheels" / LIMITED[0]).write_bytes(b"fas")
    (kit / "wheels" / f"{own_wheel.NAME}.part").write_bytes(b"lab")
    index.requests.clear()
    make_kit(kit)
    assert LIMITED[0] in index.requests
    assert "pure-1.0-py3-none-any.whl" not in index.requests
    assert contents(kit) == contents(make_kit(tmp_path / "straight"))


def test_make_that_fails_leaves_a_kit_that_is_not_complete_and_goes_on(index: Index, tmp_path: Path) -> None:
    del index.files[LIMITED[1]]
    with pytest.raises(HostError, match=r"finds no wheel of fast 2\.0 for linux-amd64 with Python 3\.12"):
        make_kit(tmp_path / "kit", "windows-amd64,linux-amd64")
    assert manifest(tmp_path / "kit")["complete"] is False
    assert manifest(tmp_path / "kit")["targets"] == ["windows-amd64/3.12"]
    index.files[LIMITED[1]] = LIMITED[1].encode()
    index.runs = 0
    make_kit(tmp_path / "kit", "windows-amd64,linux-amd64")
    assert index.runs == 1


def test_make_for_fewer_platforms_removes_what_the_kit_no_longer_holds(kit: Path, index: Index) -> None:
    make_kit(kit, "linux-amd64")
    names = {path.name for path in (kit / "wheels").iterdir()}
    assert names == {"pure-1.0-py3-none-any.whl", "both-4.0-py3-none-any.whl", LIMITED[1], own_wheel.NAME}


def test_make_leaves_alone_what_people_have_put_into_a_kit_and_says_so(index: Index, tmp_path: Path) -> None:
    kit = make_kit(tmp_path / "kit", "windows-amd64")
    stale = ["wheels/old-1.0-py3-none-any.whl", "boxes/debian-13-0123456789ab-amd64-virtualbox.box"]
    stale += ["images/debian-12-0123456789ab-docker-arm64.tar", "boxes/debian-12-0123456789ab-libvirt.box.part"]
    own = ["wheels/thesis.docx", "wheels/folder.whl/x", "boxes/VirtualBox-7.2.exe", "boxes/my.box", "images/a/b.png"]
    for name in (*stale, *own, "boxes/.DS_Store"):
        (kit / name).parent.mkdir(exist_ok=True)
        (kit / name).touch()
    notes = Notes()
    make(Kit(kit, platforms("windows-amd64"), ("3.12",), with_nodes=False), notes)
    assert [name for name in (*stale, *own) if (kit / name).exists()] == own
    assert sorted(line.split(" ")[0] for line in notes.lines if "Removing" not in line) == sorted(
        name.removesuffix("/x").removesuffix("/b.png") for name in own
    )


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (NO_NETWORK, "pip reaches no package index"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n", "is full"),
        ("ERROR: something else\n", "ERROR: something else"),
    ],
)
def test_make_says_why_pip_failed(index: Index, tmp_path: Path, output: str, message: str) -> None:
    index.failure = output
    with pytest.raises(HostError) as caught:
        make_kit(tmp_path / "kit")
    assert message in caught.value.message
    assert "type the command again" in caught.value.hint.lower()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--for windows-amd46", "'windows-amd46' is not a platform"),
        ("--for ,", "no platform is named"),
        ("--for linux-amd64 --python 3.9", "Python 3.9 is too old"),
        ("--for linux-amd64 --python 3.12.4", "'3.12.4' is not a version"),
        ("--for macos-arm64 --provider libvirt", "does not run on macOS, Apple silicon"),
        ("", "missing option '--for'"),
    ],
)
def test_kit_command_refuses_words_that_name_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["kit", "make", "kit", *words.split()]) == UsageError.exit_status
    printed = capsys.readouterr().err
    assert message in printed
    assert "amd46" not in words or "Did you mean windows-amd64?" in printed
    assert not (tmp_path / "kit").exists()


def test_make_leaves_a_folder_alone_that_is_not_a_kit(index: Index, tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "manifest.json").write_text('{"name": "a web page"}', encoding="utf-8")
    before = contents(tmp_path / "thesis")
    with pytest.raises(HostError, match="neither empty nor a kit"):
        make_kit(tmp_path / "thesis")
    assert contents(tmp_path / "thesis") == before
    with pytest.raises(HostError, match="is a file"):
        make_kit(tmp_path / "thesis" / "manifest.json")


def test_make_says_that_the_manifest_of_a_kit_is_damaged(kit: Path, index: Index) -> None:
    (kit / "manifest.json").write_bytes((kit / "manifest.json").read_bytes()[:100])
    before = contents(kit)
    with pytest.raises(HostError, match=r"manifest\.json is damaged") as caught:
        make_kit(kit)
    assert "Name a new folder" in caught.value.hint
    assert contents(kit) == before


def test_make_takes_a_stick_that_a_system_has_touched(index: Index, tmp_path: Path) -> None:
    for name in (".Spotlight-V100", ".fseventsd", "System Volume Information"):
        (tmp_path / "stick" / name).mkdir(parents=True)
    make_kit(tmp_path / "stick", "windows-amd64")
    assert manifest(tmp_path / "stick")["complete"] is True


@pytest.mark.parametrize("name", check.OWN_FOLDERS)
def test_make_leaves_files_alone_to_which_a_linked_folder_of_the_kit_leads(
    kit: Path, index: Index, tmp_path: Path, name: str
) -> None:
    needs.posix("a link")
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.docx").write_bytes(b"years")
    shutil.rmtree(kit / name, ignore_errors=True)
    (kit / name).symlink_to(mine)
    before = contents(tmp_path)
    with pytest.raises(HostError, match=f"{name} is a link to another folder") as caught:
        make_kit(kit)
    assert "Nothing in this one was changed" in caught.value.hint
    assert contents(tmp_path) == before


def test_write_text_does_not_follow_a_link_under_the_name_of_the_unfinished_file(tmp_path: Path) -> None:
    needs.posix("a link")
    (tmp_path / "thesis.docx").write_bytes(b"years")
    (tmp_path / "manifest.json.part").symlink_to(tmp_path / "thesis.docx")
    files.write_text(tmp_path / "manifest.json", "{}")
    assert contents(tmp_path) == {"thesis.docx": b"years", "manifest.json": b"{}"}


def test_make_needs_the_box_before_it_downloads_anything(index: Index, tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="no box for VirtualBox on amd64") as caught:
        make_kit(tmp_path / "kit", "windows-amd64", with_nodes=True)
    assert "labgen box build --provider virtualbox" in caught.value.hint
    with pytest.raises(BoxError, match="no box for VirtualBox on arm64"):
        make_kit(tmp_path / "kit", "macos-arm64", with_nodes=True, providers=("virtualbox",))
    assert index.runs == 0
    assert not (tmp_path / "kit").exists()


def test_make_needs_the_node_image_before_it_downloads_anything(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensure, "architecture", lambda _engine: "amd64")
    with pytest.raises(BoxError, match="no node image for arm64") as caught:
        make_kit(tmp_path / "kit", "macos-arm64", with_nodes=True)
    assert "labgen box build --provider docker" in caught.value.hint
    assert index.runs == 0
    assert not (tmp_path / "kit").exists()


def test_make_leaves_a_kit_as_it_is_if_the_wheel_is_refused(kit: Path, index: Index, tmp_path: Path) -> None:
    before = contents(kit)
    wheel = tmp_path / "jinja2-3.1.6-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w"):
        pass
    with pytest.raises(HostError, match="is not the wheel of labgen"):
        make_kit(kit, wheel=wheel)
    assert contents(kit) == before


def test_make_carries_a_box_and_a_node_image(index: Index, tmp_path: Path) -> None:
    directory = cache.default()
    directory.mkdir(parents=True)
    cache.box("virtualbox").write_bytes(b"a box")
    cache.node("arm64").write_bytes(b"an image")
    kit = make_kit(tmp_path / "kit", "windows-amd64,macos-arm64", with_nodes=True)
    assert (kit / "boxes" / cache.box("virtualbox").name).read_bytes() == b"a box"
    assert (kit / "images" / cache.node("arm64").name).read_bytes() == b"an image"
    assert (kit / "lab.yml").read_text(encoding="utf-8").endswith("\nbox: {name: labgen/debian-12}\n")
    page = (kit / FILES["ko"]).read_text(encoding="utf-8")
    checksum = hashlib.sha256(b"a box").hexdigest()
    assert "vagrant box add --force --name labgen/debian-12 " in page
    assert f"--checksum {checksum} boxes/{cache.box('virtualbox').name}" in page
    assert f"docker load --input images/{cache.node('arm64').name}" in page
    before, age = contents(kit), (kit / "boxes" / cache.box("virtualbox").name).stat().st_mtime_ns
    assert contents(make_kit(kit, "windows-amd64,macos-arm64", with_nodes=True)) == before
    assert (kit / "boxes" / cache.box("virtualbox").name).stat().st_mtime_ns == age


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (
            "workers: 1",
            "workers: 1\n\n# Of the kit: what `vagrant box add` has added.\nbox: {name: labgen/debian-12}\n",
        ),
        ("box: {name: my/box}\n", "box: {name: my/box}\n"),
    ],
)
def test_make_carries_the_lab_file_of_the_teacher(index: Index, tmp_path: Path, text: str, end: str) -> None:
    cache.default().mkdir(parents=True)
    cache.box("virtualbox").touch()
    (tmp_path / "lab.yml").write_text(text, encoding="utf-8")
    kit = make_kit(tmp_path / "kit", "windows-amd64", with_nodes=True, lab=tmp_path / "lab.yml")
    assert (kit / "lab.yml").read_text(encoding="utf-8") == end
    assert config.load(kit / "lab.yml").box


@pytest.mark.parametrize("text", ["box:\n", "workers: 1\n...\n", "{workers: 1}\n"])
def test_make_refuses_a_lab_file_that_takes_no_line_with_the_box(index: Index, tmp_path: Path, text: str) -> None:
    cache.default().mkdir(parents=True)
    cache.box("virtualbox").touch()
    (tmp_path / "lab.yml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="takes no line at its end") as caught:
        make_kit(tmp_path / "kit", "windows-amd64", with_nodes=True, lab=tmp_path / "lab.yml")
    assert "box: {name: labgen/debian-12}" in caught.value.hint
    assert index.runs == 0


@pytest.mark.parametrize(
    ("text", "carried", "is_told"),
    [
        ("box: {image: debian-13}", [BUILT_BOX], True),
        ("box: {image: debian-13}", ["labgen/debian-13-cloud", BUILT_BOX], False),
        ("workers: 1", ["labgen/debian-13-cloud", BUILT_BOX], False),
    ],
)
def test_make_says_that_the_lab_takes_another_box(
    index: Index, tmp_path: Path, text: str, carried: list[str], is_told: bool
) -> None:
    cache.default().mkdir(parents=True)
    cache.box("virtualbox").write_bytes(b"a box")
    if carried[0] != BUILT_BOX:
        cloud = boxes.box_path(CloudImageSource("debian-13"), "amd64", "virtualbox")
        cloud.write_bytes(b"a cloud box")
        store.write_note(cloud, {"provider": "virtualbox", "arch": "amd64"})
    (tmp_path / "lab.yml").write_text(text, encoding="utf-8")
    notes = Notes()
    options = {"pythons": ("3.12",), "lab": tmp_path / "lab.yml"}
    make(Kit(tmp_path / "kit", platforms("windows-amd64"), **options), notes)  # type: ignore[arg-type]
    assert any("no lab takes labgen/debian-12" in line for line in notes.lines) is is_told


def test_make_refuses_a_lab_file_with_mistakes_before_it_downloads(index: Index, tmp_path: Path) -> None:
    (tmp_path / "lab.yml").write_text("wrokers: 1\n", encoding="utf-8")
    with pytest.raises(LabFileError, match="workers"):
        make_kit(tmp_path / "kit", lab=tmp_path / "lab.yml")
    with pytest.raises(LabFileError, match="does not exist"):
        make_kit(tmp_path / "kit", lab=tmp_path / "none.yml")
    assert index.runs == 0


def test_nodes_of_a_cloud_image_need_a_network(tmp_path: Path) -> None:
    box = nodes.NodeFile("virtualbox", "amd64", "boxes/x.box", "labgen/debian-13-cloud")
    assert box.needs_network
    assert box.lab_lines() == ["box: {image: debian-13}"]


def test_copy_of_a_file_that_is_too_large_for_the_file_system_names_fat32(tmp_path: Path) -> None:
    source, target = tmp_path / "source.box", tmp_path / "kit" / "a.box"
    source.write_bytes(bytes(1 << 16))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 12, hard))
    try:
        with pytest.raises(HostError, match="too large for the file system") as caught:
            files.copy(source, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "exFAT" in caught.value.hint
    assert list(target.parent.iterdir()) == []


def test_kit_command_prints_how_each_platform_starts_the_check(
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--for", "windows-amd64,linux-amd64", "--python", "3.12", "--without-nodes"]
    assert cli.main(["kit", "make", str(tmp_path / "kit"), *words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"    py -3.12 -I check.py", "    python3.12 -I check.py"} < set(lines)


def test_copy_of_a_file_that_cannot_be_read_names_that_file(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"source\.box cannot be read: No such file or directory"):
        files.copy(tmp_path / "source.box", tmp_path / "a.box")
    assert contents(tmp_path) == {}


def test_copy_that_is_not_read_as_it_was_written_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "source.box", tmp_path / "kit" / "a.box"
    source.write_bytes(b"a box")
    monkeypatch.setattr(shutil, "copyfile", lambda _source, part: part.write_bytes(b"a bix"))
    with pytest.raises(HostError, match=r"a\.box is not read as it was written") as caught:
        files.copy(source, target)
    assert "take another one" in caught.value.hint
    assert list(target.parent.iterdir()) == []


def test_make_again_writes_a_damaged_image_of_the_engine_again(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_runner: Runner, argv: list[object], **options: object) -> Result:
        words = [str(word) for word in argv]
        if words[0] != "docker":
            return index.run(argv, **options)
        Path(words[words.index("--output") + 1]).write_bytes(b"an image")
        return Result(tuple(words), 0, "", "")

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr(ensure, "architecture", lambda _engine: "arm64")
    monkeypatch.setattr(ensure, "has", lambda _engine, _name: True)
    kit = make_kit(tmp_path / "kit", "macos-arm64", with_nodes=True)
    whole = contents(kit)
    (kit / "images" / cache.node("arm64").name).write_bytes(b"an im")
    assert contents(make_kit(kit, "macos-arm64", with_nodes=True)) == whole


def test_page_has_every_platform_in_both_languages_and_fetches_nothing(kit: Path) -> None:
    for file in FILES.values():
        page = (kit / file).read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img|iframe)|url\(|%\(", page)
        for name in ("windows-amd64", "macos-arm64", "linux-amd64"):
            assert f'<h2 id="{name}-' in page
        assert "py -3.12 -I check.py" in page
        assert "python -I -m pip install --no-index --find-links wheels labgen" in page
    assert "시작하기" in (kit / FILES["ko"]).read_text(encoding="utf-8")


def test_kit_holds_no_date(kit: Path) -> None:
    year = time.strftime("%Y")
    texts = [(kit / name).read_text(encoding="utf-8") for name in ("manifest.json", "lab.yml", *FILES.values())]
    assert [text for text in texts if f"{year}-" in text] == []
