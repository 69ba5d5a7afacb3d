"""The node image as an archive, and its first program."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest
from box_fakes import Told

from labgen import images
from labgen.core.errors import BoxError
from labgen.core.progress import Progress
from labgen.images import build_host, cache, node, recipe
from labgen.images.build_context import Workshop
from tests import needs

LAYER = b"a layer"


class Tar(Told):
    """Writes the layer when it is asked to."""

    def run(self, argv, **options):  # type: ignore[no-untyped-def]
        if "tar" in argv:
            Path(argv[argv.index("--file") + 1]).write_bytes(LAYER)
            self.answers["tar"] = (0, "")
        return super().run(argv, **options)


@pytest.fixture
def members(tmp_path: Path) -> dict[str, Any]:
    workshop = Workshop(Tar(), Progress(), tmp_path, tmp_path / "log", recipe.ARM64)
    with tarfile.open(node.archive(workshop, tmp_path / "root")) as made:
        content = {entry.name: made.extractfile(entry).read() for entry in made}  # type: ignore[union-attr]
    (manifest,) = json.loads(content["manifest.json"])
    return {"manifest": manifest, "config": json.loads(content[manifest["Config"]]), **content}


def test_node_archive_names_its_image_and_its_only_layer(members: dict[str, Any]) -> None:
    assert members["manifest"]["RepoTags"] == [images.node_image()]
    assert members["manifest"]["Layers"] == ["layer.tar"]
    assert members["layer.tar"] == LAYER
    assert members["config"]["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(LAYER).hexdigest()}"]
    digest = members["manifest"]["Config"].removesuffix(".json")
    assert hashlib.sha256(members[members["manifest"]["Config"]]).hexdigest() == digest


def test_node_engine_is_told_how_to_run_and_stop_it(members: dict[str, Any]) -> None:
    assert members["config"]["architecture"] == "arm64"
    config = members["config"]["config"]
    assert config["Cmd"] == ["/usr/local/sbin/labgen-node"]
    assert config["StopSignal"] == "SIGRTMIN+3"
    assert set(config["Volumes"]) == {"/var/lib/docker", "/var/lib/containerd"}


def test_its_command_is_in_the_tree() -> None:
    assert (recipe.FILES / "node" / node.COMMAND[0].lstrip("/")).is_file()


def test_node_container_has_nothing_of_a_disk() -> None:
    assert {"udev", "apparmor", "netplan.io"}.isdisjoint(recipe.NODE.packages)
    assert not any("linux-image" in package for package in recipe.NODE.packages)
    assert set(recipe.NODE.packages) < set(recipe.DISK.packages)


@pytest.mark.parametrize("script", [*recipe.DISK.scripts, *recipe.NODE.scripts, "node/usr/local/sbin/labgen-node"])
def test_scripts_are_read_by_sh(script: str) -> None:
    needs.posix("sh")
    subprocess.run(["sh", "-n", recipe.FILES / script], check=True)


@pytest.mark.parametrize(
    ("tree", "status", "says"),
    [
        (["cgroup.controllers"], 0, ""),
        (["memory/", "systemd/"], 0, ""),
        (["memory/", "unified/"], 1, "wsl --update"),
    ],
)
def test_labgen_node_refuses_control_groups_that_systemd_does_not_start_in(
    tmp_path: Path, tree: list[str], status: int, says: str
) -> None:
    """As WSL before 2.5.1 has them: of version 1, without a hierarchy of systemd's."""
    needs.linux("a shell script of nodes")
    cgroups, mounts, programs = tmp_path / "cgroup", tmp_path / "mountinfo", tmp_path / "bin"
    for folder in (cgroups, programs):
        folder.mkdir()
    for name in tree:
        (cgroups / name).mkdir() if name.endswith("/") else (cgroups / name).touch()
    mounts.write_text(f"1 0 0:1 / {cgroups} rw - tmpfs tmpfs rw\n")
    (programs / "mount").write_text("#!/bin/sh\n")
    (programs / "mount").chmod(0o755)
    script = (recipe.FILES / "node/usr/local/sbin/labgen-node").read_text(encoding="utf-8").partition("# --- Names")[0]
    script = script.replace("/sys/fs/cgroup", str(cgroups)).replace("/proc/self/mountinfo", str(mounts))
    path = f"{programs}:{os.environ['PATH']}"
    started = subprocess.run(["sh", "-c", script], env={"PATH": path}, capture_output=True, text=True, check=False)
    assert (started.returncode, says in started.stderr) == (status, True), started.stderr
    assert not (cgroups / "labgen-probe").exists()


def test_node_interrupted_build_leaves_no_half_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(Told):
        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            if "tar" in argv:
                Path(argv[argv.index("--file") + 1]).write_bytes(LAYER)
            return super().run(argv, **options)

    monkeypatch.setattr(build_host, "check_node", lambda *_: recipe.AMD64)
    monkeypatch.setattr(images, "_tree", lambda workshop, *_: workshop.place / "root")
    with pytest.raises(BoxError, match="The node image cannot be written: `tar` ended with status 2"):
        images.build(
            ["docker"], runner=Full(answers={"tar": (2, "No space left")}), progress=Progress(), cache=tmp_path
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "build.log"]
    assert images.built("docker", tmp_path) is None


def test_node_build_from_packages_asks_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_host, "check_node", lambda *_: recipe.AMD64)
    monkeypatch.setattr(images, "_tree", lambda workshop, *_: workshop.place / "root")
    runner = Tar()
    made = images.build(["docker"], runner=runner, progress=Progress(), cache=tmp_path)
    assert made == {"docker": cache.node("amd64", tmp_path)}
    assert made["docker"].is_file()
    assert [line.split()[0] for line in runner.asked] == ["tar"]
