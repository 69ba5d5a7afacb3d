"""What an engine builds the node image from is the recipe's data, word for word."""

from __future__ import annotations

import json
import shlex
import tarfile
from pathlib import Path

import pytest
from box_fakes import Told

from labgen.core.errors import BoxError, ProgramTimeout
from labgen.core.progress import Progress
from labgen.images import dockerfile, node, recipe
from labgen.images.container_images import IMAGES
from tests import needs


def instructions(text: str) -> list[tuple[str, str]]:
    """Instruction and argument of each line."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in lines]


def test_dockerfile_packages_are_the_recipes() -> None:
    last = instructions(dockerfile.text().rpartition("FROM")[2])
    installing = next(shlex.split(argument) for word, argument in last if "apt-get install" in argument)
    start = installing.index("Acquire::Retries=3") + 1
    assert tuple(installing[start : installing.index("&&", start)]) == recipe.NODE.packages


def test_dockerfile_what_needs_quoting_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "NODE", recipe.Form(("a;b", "$c"), ("guest",), ("setup.sh",)))
    monkeypatch.setattr(node, "COMMAND", ('/say "it"',))
    text = dockerfile.text()
    assert "Acquire::Retries=3 'a;b' '$c' && apt-get clean" in text
    assert json.loads(dict(instructions(text))["CMD"]) == ['/say "it"']


def test_dockerfile_configuration_is_that_of_the_archive() -> None:
    told = dict(instructions(dockerfile.text()))
    settings = node.settings()
    assert json.loads(told["CMD"]) == settings["Cmd"]
    assert json.loads(told["VOLUME"]) == list(settings["Volumes"])  # type: ignore[call-overload]
    assert told["STOPSIGNAL"] == settings["StopSignal"]
    assert told["LABEL"] == f'io.labgen.recipe="{recipe.key()}"'


def test_dockerfile_scripts_run_in_the_recipes_order() -> None:
    assert "sh /labgen/setup.sh / /labgen && sh /labgen/setup-node.sh / /labgen && rm -rf /labgen" in dockerfile.text()


def test_dockerfile_every_image_comes_from_the_hub_for_the_engines_architecture() -> None:
    copies = [
        shlex.split(line) for line in dockerfile.filling(recipe.ARM64, "docker.io").splitlines() if "skopeo" in line
    ]
    assert [copy[-2] for copy in copies] == [f"docker://docker.io/library/{image.name}:{image.tag}" for image in IMAGES]
    assert all(copy[copy.index("--override-arch") + 1] == "arm64" for copy in copies)
    assert all("--src-tls-verify=true" in copy for copy in copies)


def test_dockerfile_context_keeps_modes_and_line_ends_whatever_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs.posix("permission bits")
    files, place = tmp_path / "files", tmp_path / "context"
    for path in recipe.FILES.rglob("*"):
        if path.is_file():
            copy = files / path.relative_to(recipe.FILES)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
            copy.chmod(0o600)
    monkeypatch.setattr(recipe, "FILES", files)
    place.mkdir()
    dockerfile.context(place, recipe.AMD64, "docker.io")
    assert sorted(path.name for path in place.iterdir()) == [
        *("Dockerfile", "dpkg.cfg", "fill.sh", "labgen", "overlay.tar", "registry.yml"),
    ]
    assert not any(b"\r" in path.read_bytes() for path in place.rglob("*") if path.is_file())
    with tarfile.open(place / "overlay.tar") as overlay:
        assert overlay.getmember("./usr/local/sbin/labgen-node").mode == 0o755
        assert overlay.getmember("./etc/sudoers.d/vagrant").mode == 0o440
        assert "./etc/fstab" not in overlay.getnames()


def test_packages_leave_out_the_same_files_in_both_ways(tmp_path: Path) -> None:
    dockerfile.context(tmp_path, recipe.AMD64, "docker.io")
    lines = (tmp_path / "dpkg.cfg").read_text().splitlines()
    assert lines[0] == f"path-exclude={recipe.EXCLUDED[0]}"
    assert lines[-1] == f"path-include={recipe.KEPT[-1]}"


def build(told: Told, log: Path) -> None:
    dockerfile.build(told, recipe.AMD64, progress=Progress(), log=log)


def test_dockerfile_failure_has_the_end_of_what_was_said_and_the_log(tmp_path: Path) -> None:
    said = "\n".join(f"line {number}" for number in range(20))
    told = Told(answers={"docker build": (1, said)})
    with pytest.raises(BoxError) as caught:
        build(told, tmp_path / "log")
    assert caught.value.message.endswith("line 18\n      line 19")
    assert str(tmp_path / "log") in caught.value.hint
    assert (tmp_path / "log").read_text().startswith("line 0\n")
    assert not Path(told.asked[0].split()[-1]).exists()


def test_dockerfile_build_that_hangs(tmp_path: Path) -> None:
    class Hangs(Told):
        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            raise ProgramTimeout("`docker build` did not end within 1800 s and was stopped.")

    with pytest.raises(BoxError, match="1800 s"):
        build(Hangs(), tmp_path / "log")
