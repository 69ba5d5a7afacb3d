"""A computer that cannot build a box is told so in one message, with the way out."""

from __future__ import annotations

import os
import platform
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from box_fakes import Told

from labgen.core.errors import BoxError, ProgramMissing
from labgen.images import build_host, recipe

# `apt-config shell AcquirehttpProxy Acquire::http::Proxy …` of apt 2.6.1
APT_CONFIG = "AcquirehttpProxy='http://proxy.example:3142'\nAcquireCheckDate='false'\n"


@pytest.fixture(autouse=True)
def able(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer that can; each test takes one thing away."""
    release, there = tmp_path / "os-release", tmp_path / "there"
    release.write_text('PRETTY_NAME="Ubuntu 24.04"\nID=ubuntu\nID_LIKE=debian\n')
    there.touch()
    monkeypatch.setattr(build_host, "_OS_RELEASE", release)
    monkeypatch.setattr(recipe, "MBR", there)
    monkeypatch.setattr(recipe, "KEYRING", there)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 2 * build_host.DISK_NEEDED))


def test_build_host_one_that_can_is_not_held_up(tmp_path: Path) -> None:
    build_host.check(tmp_path / "not" / "there" / "yet", Told())


def test_another_distribution(tmp_path: Path) -> None:
    (tmp_path / "os-release").write_text("ID=fedora\n")
    with pytest.raises(BoxError, match="neither Debian nor Ubuntu"):
        build_host.check(tmp_path, Told())


def test_another_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(BoxError, match="aarch64"):
        build_host.check(tmp_path, Told())


def test_missing_programs_are_named_together_with_the_line_that_installs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "MBR", tmp_path / "nothing")
    with pytest.raises(ProgramMissing) as caught:
        build_host.check(tmp_path, Told(installed=lambda program: program not in {"qemu-img", "skopeo"}))
    assert caught.value.hint.startswith("sudo apt-get install ")
    assert caught.value.hint.endswith(" qemu-utils skopeo syslinux-common")


def test_build_host_without_root_the_answer_is_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BoxError) as caught:
        build_host.check(tmp_path, Told())
    assert caught.value.hint == "Run `sudo /usr/bin/labgen box build`."


def test_build_host_node_image_needs_no_tools_for_disks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "MBR", tmp_path / "nothing")
    able = Told(installed=lambda program: program not in {"qemu-img", "extlinux"})
    assert build_host.check_node(tmp_path, able) is recipe.AMD64


def test_node_image_is_built_where_its_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert build_host.check_node(tmp_path, Told()) is recipe.ARM64
    emulates = Told(answers={"arch-test amd64": (0, "amd64: ok")})
    assert build_host.check_node(tmp_path, emulates, "amd64") is recipe.AMD64
    cannot = Told(answers={"arch-test amd64": (1, "amd64: not supported on this machine/kernel")})
    without = Told(installed=lambda program: program != "arch-test")
    for runner in (cannot, without):
        with pytest.raises(BoxError, match="runs none of amd64") as caught:
            build_host.check_node(tmp_path, runner, "amd64")
        assert "qemu-user-static" in caught.value.hint


def test_node_image_is_for_known_processors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(BoxError, match="no node image for riscv64, but for amd64 and arm64"):
        build_host.check_node(tmp_path, Told())


def test_node_image_for_another_processor_asks_for_root_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BoxError) as caught:
        build_host.check_node(tmp_path, Told(answers={"arch-test arm64": (0, "arm64: ok")}), "arm64")
    assert caught.value.hint == "Run `sudo /usr/bin/labgen box build --provider docker --arch arm64`."


def test_build_host_node_image_from_packages_needs_debian_and_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(BoxError) as caught:
        build_host.check_node(tmp_path, Told())
    assert caught.value.hint == "Run `sudo /usr/bin/labgen box build --provider docker`."
    (tmp_path / "os-release").write_text("ID=fedora\n")
    with pytest.raises(BoxError, match="neither Debian nor Ubuntu"):
        build_host.check_node(tmp_path, Told())


def test_build_host_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, build_host.DISK_NEEDED - 1))
    with pytest.raises(BoxError, match=r"needs 3\.0 GiB free"):
        build_host.check(tmp_path, Told())


def test_apts_proxy_is_passed_on() -> None:
    apt = build_host.apt(Told(answers={"apt-config shell": (0, APT_CONFIG)}))
    assert set(apt.options) == {
        'Acquire::http::Proxy "http://proxy.example:3142";',
        'Acquire::Check-Date "false";',
    }


class Mirrors(Told):
    """Mirrors that serve some addresses."""

    serving = ("http://archive.debian.org/debian/dists/bullseye/", "http://deb.debian.org/debian-security/")

    def run(self, argv, **options):  # type: ignore[no-untyped-def]
        url = argv[-2]
        self.answers["/usr/lib/apt/apt-helper"] = (0 if url.startswith(self.serving) else 100, "")
        return super().run(argv, **options)


def test_build_host_suite_that_has_moved_is_found_in_the_archive() -> None:
    assert build_host.Apt(()).sources("bullseye", Mirrors()) == (
        "deb [check-valid-until=no] http://archive.debian.org/debian bullseye main",
        "deb [check-valid-until=no] http://deb.debian.org/debian-security bullseye-security main",
    )


def test_build_host_no_mirror_answers() -> None:
    with pytest.raises(BoxError, match="No mirror of Debian gives the suite bookworm"):
        build_host.Apt(()).sources("bookworm", Mirrors())


class Everywhere(Told):
    """A mirror that serves everything."""

    def run(self, argv, **options):  # type: ignore[no-untyped-def]
        self.answers["/usr/lib/apt/apt-helper"] = (0, "")
        return super().run(argv, **options)


def test_build_host_what_is_newest_has_no_updates_of_its_own() -> None:
    assert build_host.Apt(()).sources("sid", Everywhere()) == ("deb http://deb.debian.org/debian sid main",)
    assert len(build_host.Apt(()).sources("trixie", Everywhere())) == 2
