"""A finished box is reused; what is not finished is never taken for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from box_fakes import Told

from labgen import images
from labgen.core.errors import BoxError
from labgen.core.progress import Progress
from labgen.images import build_host, cache, rootfs
from labgen.images.build_context import Workshop


def test_build_finished_box_is_given_without_starting_anything(tmp_path: Path) -> None:
    places = {provider: cache.box(provider, tmp_path) for provider in ("libvirt", "virtualbox")}
    places["docker"] = cache.node("amd64", tmp_path)
    for place in places.values():
        place.write_text("box")
    assert images.build(images.providers(), runner=Told(), progress=Progress(), cache=tmp_path) == places


def test_build_unknown_provider(tmp_path: Path) -> None:
    with pytest.raises(BoxError, match="vmware"):
        images.build(["vmware"], runner=Told(), progress=Progress(), cache=tmp_path)


@pytest.mark.parametrize("force", [False, True])
def test_build_interrupted_build_leaves_nothing_but_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    monkeypatch.setattr(build_host, "check", lambda *_: None)

    def interrupted(workshop: Workshop, *_: object) -> Path:
        (workshop.place / "root").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(rootfs, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        images.build(
            ["libvirt"],
            runner=Told(answers={"apt-config": (0, "")}),
            progress=Progress(),
            cache=tmp_path,
            force=force,
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "build.log"]
    assert images.built("libvirt", tmp_path) is None


def test_build_failure_carries_the_end_of_the_output_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    workshop = Workshop(Told(answers={"mkfs.ext4": (1, "no space left")}), Progress(), tmp_path, log)
    with pytest.raises(BoxError) as caught:
        workshop.run(["mkfs.ext4", "disk"], failed="The root file system cannot be made")
    assert caught.value.message.startswith("The root file system cannot be made: `mkfs.ext4` ended with status 1")
    assert "no space left" in caught.value.message
    assert str(log) in caught.value.hint
    assert log.read_text() == "$ mkfs.ext4 disk\nno space left\n"
