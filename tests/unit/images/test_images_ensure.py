"""An engine gets the node image in the first way that works, and one error has the reason of each that does not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from box_fakes import Told

from labgen import images
from labgen.core.errors import BoxBusy, BoxError, HostError, ProgramMissing, ProgramTimeout
from labgen.core.progress import Progress
from labgen.images import build_host, cache, dockerfile
from labgen.images import ensure as engine

NAME = images.node_image()
LOOK = "docker image inspect --format {{.Id}}"
# `docker pull` without a way out
NO_WAY_OUT = "Error response from daemon: Get https://registry-1.docker.io/v2/: dial tcp: lookup registry: no such host"
NONE = {
    "docker version": (0, "linux/amd64"),
    f"{LOOK} {NAME}": (1, "Error response from daemon: No such image"),
    "docker images": (0, NAME),
}
OFFLINE = {**NONE, f"{LOOK} {dockerfile.base()}": (1, ""), "docker pull": (1, NO_WAY_OUT)}


class Notes(Progress):
    """Remembers what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """A computer that builds from packages; gives what it was asked for."""
    asked: list[object] = []

    def build(providers: Sequence[str], **options: object) -> dict[str, Path]:
        asked.append((providers, options["force"]))
        return {"docker": tmp_path / "made.tar"}

    monkeypatch.setattr(build_host, "check_node", lambda *_: None)
    monkeypatch.setattr(images, "build", build)
    return asked


@pytest.fixture
def no_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise BoxError("This computer is neither Debian nor Ubuntu.", "Build it on one that is.")

    monkeypatch.setattr(build_host, "check_node", refuse)


def ensure(told: Told, tmp_path: Path, progress: Progress | None = None, force: bool = False) -> str:
    return images.ensure_node_image(told, progress=progress or Progress(), cache=tmp_path, force=force)


def asked(told: Told) -> list[str]:
    """Its questions but for the first: what the engine runs on."""
    return told.asked[1:]


def test_ensure_engine_that_has_it_is_left_alone(tmp_path: Path) -> None:
    told = Told(answers={**NONE, f"{LOOK} {NAME}": (0, "sha256:1")})
    assert ensure(told, tmp_path) == NAME
    assert asked(told) == [f"{LOOK} {NAME}"]
    assert list(tmp_path.iterdir()) == []


def test_ensure_archive_in_the_cache_is_loaded(tmp_path: Path) -> None:
    archive = cache.node("amd64", tmp_path)
    archive.touch()
    told = Told(answers={**NONE, "docker load": (0, "")})
    assert ensure(told, tmp_path) == NAME
    assert asked(told)[1] == f"docker load --quiet --input {archive}"


def test_ensure_archive_for_another_architecture_is_not(tmp_path: Path, no_packages: None) -> None:
    cache.node("amd64", tmp_path).touch()
    with pytest.raises(BoxError):
        ensure(Told(answers={**OFFLINE, "docker version": (0, "linux/arm64")}), tmp_path)


def test_ensure_engine_that_reaches_the_hub_builds_it(tmp_path: Path) -> None:
    class Builds(Told):
        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            if argv[1] == "build":
                self.answers[f"{LOOK} {NAME}"] = (0, "sha256:1")
            return super().run(argv, **options)

    told = Builds(answers={**OFFLINE, "docker pull": (0, dockerfile.base()), "docker build": (0, "Successfully built")})
    assert ensure(told, tmp_path) == NAME
    commands = [line.split(" /")[0] for line in asked(told)]
    assert commands[2:4] == [f"docker pull --quiet {dockerfile.base()}", f"docker build --tag {NAME}"]
    assert (tmp_path / "docker-build.log").read_text() == "Successfully built\n"


def test_ensure_says_only_that_another_command_builds_where_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_host, "check_node", lambda *_: None)
    with cache.workplace(tmp_path), pytest.raises(BoxBusy) as caught:
        ensure(Told(answers=OFFLINE), tmp_path)
    assert "internet" not in str(caught.value)
    assert caught.value.hint == "Wait until it has ended, then type this command again."


def test_ensure_where_the_hub_is_out_of_reach_packages_do(tmp_path: Path, packages: list[object]) -> None:
    told = Told(answers={**OFFLINE, "docker load": (0, "")})
    assert ensure(told, tmp_path) == NAME
    assert packages == [(["docker"], False)]
    assert f"docker load --quiet --input {tmp_path / 'made.tar'}" in told.asked


def test_ensure_build_that_fails_half_way_is_followed_by_the_next_way(tmp_path: Path, packages: list[object]) -> None:
    told = Told(
        answers={
            **OFFLINE,
            f"{LOOK} {dockerfile.base()}": (0, "sha256:2"),
            "docker build": (1, "no mirror"),
            "docker load": (0, ""),
        }
    )
    assert ensure(told, tmp_path) == NAME
    assert not any(line.startswith("docker pull") for line in told.asked)
    assert len(packages) == 1


def test_ensure_every_reason_is_told_in_one_error(tmp_path: Path, no_packages: None) -> None:
    with pytest.raises(BoxError) as caught:
        ensure(Told(answers=OFFLINE), tmp_path)
    lines = caught.value.message.splitlines()
    assert NAME in lines[0]
    assert lines[1].startswith(
        "  - with docker build: debian:bookworm-slim cannot be pulled: Error response from daemon"
    )
    assert "no such host" in lines[1]
    assert lines[2] == "  - from Debian packages: This computer is neither Debian nor Ubuntu."
    assert f"docker load --input {cache.node('amd64').name}" in caught.value.hint


def test_ensure_builder_that_keeps_what_it_makes(tmp_path: Path, no_packages: None) -> None:
    told = Told(answers={**OFFLINE, f"{LOOK} {dockerfile.base()}": (0, ""), "docker build": (0, "")})
    with pytest.raises(BoxError, match="docker buildx use default"):
        ensure(told, tmp_path)


def test_ensure_pull_that_hangs_is_a_reason_like_any_other(tmp_path: Path, no_packages: None) -> None:
    class Hangs(Told):
        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            if argv[1] == "pull":
                raise ProgramTimeout("`docker pull` did not end within 300 s and was stopped.")
            return super().run(argv, **options)

    with pytest.raises(BoxError, match="did not end within 300 s"):
        ensure(Hangs(answers=OFFLINE), tmp_path)


def test_by_force_it_is_built_anew(tmp_path: Path, packages: list[object]) -> None:
    cache.node("amd64", tmp_path).touch()
    told = Told(answers={**OFFLINE, f"{LOOK} {NAME}": (0, "sha256:1"), "docker load": (0, "")})
    ensure(told, tmp_path, force=True)
    assert packages == [(["docker"], True)]


def test_images_of_earlier_recipes_go_unless_a_container_uses_them(tmp_path: Path) -> None:
    cache.node("amd64", tmp_path).touch()
    progress = Notes()
    told = Told(
        answers={
            **NONE,
            "docker load": (0, ""),
            # That of another suite is no earlier one.
            "docker images": (0, f"labgen/node:old\n{NAME}\nlabgen/node:used\nlabgen/node:trixie-0123456789ab\n"),
            "docker rmi labgen/node:old": (0, "Untagged"),
            "docker rmi labgen/node:used": (1, "conflict: unable to remove: container 1 is using its referenced image"),
        }
    )
    ensure(told, tmp_path, progress)
    assert list(map(str, progress.said)) == ["Removed the node image of an earlier recipe: labgen/node:old"]


def test_ensure_no_engine_answers(tmp_path: Path) -> None:
    told = Told(
        answers={"docker version": (1, "\nCannot connect to the Docker daemon at unix:///var/run/docker.sock.")}
    )
    with pytest.raises(HostError, match=r"no Docker engine answers: Cannot connect .*docker\.sock"):
        ensure(told, tmp_path)
    assert not engine.answers(told)


def test_ensure_engine_for_windows_containers(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="windows/amd64") as caught:
        ensure(Told(answers={"docker version": (0, "windows/amd64")}), tmp_path)
    assert "Switch to Linux containers" in caught.value.hint


def test_ensure_without_docker_nothing_answers() -> None:
    class Missing(Told):
        def run(self, argv, **options):  # type: ignore[no-untyped-def]
            raise ProgramMissing("docker is not installed, or not on PATH.", options["hint"])

    assert not engine.answers(Missing())
