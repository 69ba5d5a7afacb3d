"""Images come from a hub that answers, and are made here where none does. A registry on the loopback plays the hub."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from labgen.core.errors import BoxError
from labgen.core.process import Result, Runner
from labgen.core.progress import Progress
from labgen.images import oci, registry
from labgen.images.build_context import Workshop
from labgen.images.container_images import IMAGES, Image

HUB_HAS = [image.reference for image in IMAGES[:2]]

Serve = Callable[[str], AbstractContextManager[registry.Registry]]


@dataclass(frozen=True)
class Counting(Runner):
    """Runs programs, and remembers which."""

    asked: list[Sequence[str | Path]] = field(default_factory=list)

    def run(self, argv: Sequence[str | Path], **options: Any) -> Result:
        self.asked.append(argv)
        return super().run(argv, **options)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(Runner(), Progress(), tmp_path, tmp_path / "build.log")


@pytest.fixture
def serve(workshop: Workshop, require_tool: Callable[[str], str]) -> Serve:
    program = require_tool("docker-registry")
    require_tool("skopeo")
    require_tool("setpriv")

    def start(name: str) -> AbstractContextManager[registry.Registry]:
        storage, config = workshop.place / name, workshop.place / f"{name}.yml"
        storage.mkdir()
        return registry.running(workshop, str(storage), config, [program, "serve", config])

    return start


@pytest.fixture
def make(tmp_path: Path) -> Callable[[Image], Path]:
    """A small image that says where it came from, in place of a stand-in."""
    made: list[str] = []

    def small(image: Image, origin: str = "made here") -> Path:
        made.append(image.reference)
        root = tmp_path / f"root{len(made)}"
        root.mkdir()
        (root / "name").write_text(image.reference)
        layout = tmp_path / f"oci{len(made)}"
        oci.write(root, layout, settings={"Labels": {"origin": origin}}, made_by="a test")
        return layout

    return small


def origin_of(registry_address: str, image: Image) -> str:
    target = f"docker://{registry_address}/{image.repository}:{image.tag}"
    result = Runner().run(["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Labels.origin}}", target])
    return result.or_raise().out.strip()


def test_box_registry_what_the_hub_has_comes_from_it_and_the_rest_is_made(
    workshop: Workshop, serve: Serve, make: Callable[..., Path]
) -> None:
    with serve("hub") as hub, serve("box") as box:
        for image in IMAGES[:2]:
            registry.store(workshop, f"oci:{make(image, 'the hub')}", hub.target(image))
        sources = registry.source_images(hub.address, runner=Runner())
        assert [reference for reference, origin in sources.items() if origin] == HUB_HAS
        registry.fill(workshop, box, sources, make)
        assert [origin_of(box.address, image) for image in IMAGES] == [
            "the hub",
            "the hub",
            "made here",
            "made here",
        ]


def test_box_registry_hub_that_goes_away_half_way_is_replaced_by_stand_ins(
    workshop: Workshop, serve: Serve, make: Callable[..., Path]
) -> None:
    with serve("hub") as hub:
        gone = {image.reference: hub.target(image) for image in IMAGES}
    with serve("box") as box:
        registry.fill(workshop, box, gone, make)
        assert {origin_of(box.address, image) for image in IMAGES} == {"made here"}


def test_box_registry_hub_that_does_not_answer_is_asked_once(require_tool: Callable[[str], str]) -> None:
    require_tool("skopeo")
    runner = Counting()
    with socket.socket() as silent:
        # Takes connections and says nothing: the worst a network can do.
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        sources = registry.source_images(address, runner=runner, within=0.5)
    assert set(sources.values()) == {None}
    assert len(runner.asked) == 1


def test_box_registry_without_a_hub_nobody_is_asked() -> None:
    runner = Counting()
    assert set(registry.source_images(None, runner=runner).values()) == {None}
    assert runner.asked == []


def test_box_registry_that_does_not_start_is_an_error_with_the_log(workshop: Workshop) -> None:
    with (
        pytest.raises(BoxError) as caught,
        registry.running(workshop, "/nowhere", workshop.place / "c.yml", ["false"]),
    ):
        pass
    assert str(workshop.log) in caught.value.hint


def test_box_registry_ends_with_its_use(workshop: Workshop, serve: Serve) -> None:
    with serve("box") as box:
        pass
    host, _, port = box.address.partition(":")
    with socket.socket() as probe:
        assert probe.connect_ex((host, int(port))) != 0
