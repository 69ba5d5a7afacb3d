"""The rendered Vagrantfile: its text, its quoting, and that nobody's work is lost in writing it.

How to write the goldens anew after a change to a template stands in ``golden/README.md``.
"""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labgen import config
from labgen.core.errors import HostError, RenderConflict
from labgen.machines import render
from labgen.model.lab import EngineSettings
from labgen.model.provider import BUILT_BOX
from labgen.providers import PROVIDERS

GOLDEN = Path(__file__).parents[1] / "golden"
TOPOLOGIES = (
    "box",
    "cloud-image",
    "course",
    "korean-name",
    "managers-and-workers",
    "no-ports",
    "other-network",
    "ports",
)
REWRITE = os.environ.get("LABGEN_GOLDEN") == "write"


@pytest.fixture
def text() -> str:
    return render.render(config.parse(""))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "Vagrantfile"


# --- What is rendered ---------------------------------------------------------------------------


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_golden(topology: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The key of the node image changes with every change to what goes into it.
    monkeypatch.setattr("labgen.images.recipe.key", lambda _suite="": "0123456789ab")
    rendered = render.render(config.load(GOLDEN / f"{topology}.yml"))
    golden = GOLDEN / f"{topology}.Vagrantfile"
    if REWRITE:
        golden.write_text(rendered, encoding="utf-8", newline="\n")
    assert golden.is_file(), f"{golden.name} is missing: see golden/README.md"
    assert rendered == golden.read_text(encoding="utf-8")


def test_render_every_golden_is_compared() -> None:
    files = {path.name for path in GOLDEN.iterdir()} - {"README.md"}
    assert files == {f"{name}{end}" for name in TOPOLOGIES for end in (".yml", ".Vagrantfile")}


def test_same_lab_same_text() -> None:
    source = (GOLDEN / "ports.yml").read_text(encoding="utf-8")
    assert render.render(config.parse(source)) == render.render(config.parse(source))


def test_render_hundred_nodes() -> None:
    lab = config.parse("{managers: 7, workers: 93}")
    rendered = render.render(lab)
    listed = re.findall(
        r"^  \{ name: '([a-z0-9-]+)', address: '([0-9.]+)', mac: '([0-9a-f:]+)'", rendered, re.MULTILINE
    )
    assert listed == [(node.name, str(node.address), node.mac) for node in lab.nodes]
    assert len(set(listed)) == 100


def test_render_text_says_that_it_is_labgens_own(text: str) -> None:
    assert not render.edited(text)


def test_render_no_template_is_left_in_it(text: str) -> None:
    assert "{{" not in text
    assert "{%" not in text
    assert text.endswith("end\n")
    assert not text.endswith("\n\n")


def test_render_name_that_the_lab_lacks_is_an_error() -> None:
    from jinja2 import UndefinedError

    # A lab that lacks what the template prints, as when one of the two was renamed.
    with pytest.raises(UndefinedError, match=r"'slug'|'name'"):
        render.render(dataclasses.make_dataclass("Partial", ["box", "nodes", "engine"])(None, (), EngineSettings()))


# --- Quoting ------------------------------------------------------------------------------------

# Nothing in it that ends the literal, and nothing that Ruby interpolates: proved on Ruby itself in the
# integration tests.
INERT = re.compile(r"'(?:[^'\\\n]|\\['\\])*'" r'|"(?:\\u\{[0-9a-f]+\})*"')


@given(st.text())
@example("'")
@example("\\")
@example("\\'")
@example("a\\")
@example("#{`id`}")
@example("\n#{x}\0")
@example("한글 😀")
def test_any_string_is_inert(value: str) -> None:
    assert INERT.fullmatch(render.ruby(value))


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("it's", r"'it\'s'"),
        ("a\\", r"'a\\'"),
        ("#{x}", "'#{x}'"),
        ("", "''"),
        ("\n", r'"\u{a}"'),
        ("\u2028", r'"\u{2028}"'),
        (None, "nil"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (IPv4Address("10.0.2.1"), "'10.0.2.1'"),
        (IPv4Network("10.0.2.0/24"), "'10.0.2.0/24'"),
        (render.Bare("name"), "name"),
    ],
)
def test_literals(value: object, literal: str) -> None:
    assert render.ruby(value) == literal


@pytest.mark.parametrize("value", [1.5, [], {}, b"", object()])
def test_render_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        render.ruby(value)


def test_half_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="not a character"):
        render.ruby("a\ud800")


@pytest.mark.parametrize("name", ["", "a b", "a;b", "A", "a\n", "#{x}"])
def test_render_only_identifiers_are_printed_bare(name: str) -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        render._bare(name)


# --- Writing ------------------------------------------------------------------------------------


def other(text: str) -> str:
    """Another text that labgen rendered."""
    made = render.render(config.parse("workers: 3"))
    assert made != text
    return made


def test_created_then_unchanged_then_updated(text: str, place: Path) -> None:
    assert str(render.write(text, place)) == f"{place}: created"
    assert place.read_bytes() == text.encode()
    assert str(render.write(text, place)) == f"{place}: unchanged"
    written = render.write(other(text), place)
    # The digest's line is another, and one worker more takes two.
    assert (written.outcome, written.added, written.removed) == ("updated", 3, 1)
    assert str(written) == f"{place}: updated (3 lines added, 1 removed)"
    assert place.read_bytes() == other(text).encode()


def test_unchanged_does_not_touch_the_file(text: str, place: Path) -> None:
    render.write(text, place)
    before = place.stat()
    render.write(text, place)
    assert (place.stat().st_ino, place.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda text: text.replace("memory: 1024", "memory: 4096"), id="a value"),
        pytest.param(lambda text: text + "# mine\n", id="at the end"),
        pytest.param(lambda text: "ENV['X'] = '1'\n" + text, id="at the top"),
        pytest.param(lambda text: text.replace("# vi: set", "# my own: set"), id="in the header"),
        pytest.param(lambda text: re.sub(r"# labgen-sha256: .*\n", "", text), id="without the digest"),
        pytest.param(lambda text: 'Vagrant.configure("2") { |config| }\n', id="a person's own"),
        pytest.param(lambda text: "", id="empty"),
    ],
)
def test_render_edited_file_is_kept(edit, text: str, place: Path) -> None:  # type: ignore[no-untyped-def]
    place.write_text(edit(text), encoding="utf-8")
    with pytest.raises(RenderConflict) as caught:
        render.write(other(text), place)
    assert "--force" in caught.value.hint
    assert place.read_text(encoding="utf-8") == edit(text)
    assert render.write(other(text), place, force=True).outcome == "overwritten"
    assert place.read_text(encoding="utf-8") == other(text)


def test_render_file_that_is_not_utf_8_is_a_persons(text: str, place: Path) -> None:
    theirs = "# 실습\n".encode("cp949")
    place.write_bytes(theirs)
    with pytest.raises(RenderConflict):
        render.write(text, place)
    assert place.read_bytes() == theirs
    assert render.write(text, place, force=True).outcome == "overwritten"


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "byte order mark"])
def test_line_ends_alone_are_no_edit(mark: bytes, text: str, place: Path) -> None:
    """git on Windows checks a file out with CRLF, and Notepad saves it with a mark in front."""
    place.write_bytes(mark + text.replace("\n", "\r\n").encode())
    assert render.write(text, place).outcome == "unchanged"
    assert render.write(other(text), place).outcome == "updated"


def test_edited_knows_line_ends_too(text: str) -> None:
    assert not render.edited(text.replace("\n", "\r\n"))
    assert render.edited(text.replace("\n", "\r\n") + "#\r\n")


def test_render_folder_is_made(text: str, tmp_path: Path) -> None:
    assert render.write(text, tmp_path / "a" / "b" / "Vagrantfile").outcome == "created"


def test_render_directory_in_its_place(text: str, place: Path) -> None:
    place.mkdir()
    with pytest.raises(HostError, match="is not a file"):
        render.write(text, place, force=True)
    assert place.is_dir()
    assert list(place.parent.iterdir()) == [place]


def test_render_file_where_the_folder_should_be(text: str, tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("")
    with pytest.raises(HostError, match="cannot be"):
        render.write(text, tmp_path / "lab" / "Vagrantfile")


def test_render_unwritable_folder(text: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "mkstemp", denied)
    with pytest.raises(HostError, match="cannot be written: Permission denied"):
        render.write(text, place)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_render_old_text_stays_where_the_new_one_cannot_be_written(
    broken: str, text: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render.write(text, place)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*{"fsync": (os, "fsync"), "replace": (Path, "replace")}[broken], full)
    with pytest.raises(HostError, match="No space left on device"):
        render.write(other(text), place)
    assert place.read_text(encoding="utf-8") == text
    assert list(place.parent.iterdir()) == [place]


def test_render_interruption_leaves_nothing_half_done(text: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        render.write(text, place)
    assert list(place.parent.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="symbolic links need rights on Windows")
def test_render_symbolic_link_is_written_through(text: str, tmp_path: Path, place: Path) -> None:
    target = tmp_path / "elsewhere" / "Vagrantfile"
    target.parent.mkdir()
    render.write(text, target)
    place.symlink_to(target)
    assert render.write(other(text), place).outcome == "updated"
    assert place.is_symlink()
    assert target.read_text(encoding="utf-8") == other(text)


# --- Comparing ----------------------------------------------------------------------------------


def test_diff_of_the_same_is_empty(text: str) -> None:
    assert render.diff(text, text) == ""


def test_diff_names_what_changes(text: str) -> None:
    new = text.replace("memory: 1024", "memory: 2048", 1)
    lines = render.diff(text, new).splitlines()
    assert lines[:2] == ["--- Vagrantfile (there)", "+++ Vagrantfile (rendered)"]
    changed = [line for line in lines[2:] if line[0] in "+-"]
    assert len(changed) == 2
    assert "memory: 1024" in changed[0]
    assert "memory: 2048" in changed[1]


def test_diff_of_a_last_line_without_an_end(text: str) -> None:
    """Each line of a diff stands by itself, though the file's last one has no end."""
    assert render.diff("a", "b").splitlines()[-2:] == ["-a", "+b"]


def test_diff_against_nothing_adds_every_line(text: str) -> None:
    added = [line[1:] for line in render.diff("", text).splitlines() if line.startswith("+")][1:]
    assert added == text.splitlines()


REGISTRIES = ("vagrantcloud", "app.vagrantup", "hashicorp.com", "hashicorp.cloud")


def test_render_no_provider_takes_its_box_from_a_registry() -> None:
    for provider in PROVIDERS.values():
        if provider.in_vagrantfile and not provider.from_image:
            assert provider.box.image or provider.box.name == BUILT_BOX, provider.name
    for golden in GOLDEN.glob("*.Vagrantfile"):
        assert not any(registry in golden.read_text(encoding="utf-8") for registry in REGISTRIES), golden.name


def test_vagrantfile_stops_before_it_asks_for_a_box_that_is_not_made(text: str) -> None:
    assert text.count("need_box.call(") == 2
    assert "override.vm.box_url = file" in text
