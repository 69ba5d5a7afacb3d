"""What nodes are made of, for a kit: boxes of the cache, and node images of the cache or the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen import boxes, images
from labgen.boxes import catalogue, store
from labgen.core.errors import BoxError, LabgenError, UsageError
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.images import cache, ensure
from labgen.kit.files import copy, digest, writing
from labgen.kit.platforms import Platform
from labgen.model.provider import BOX_ARCHITECTURES, BUILT_BOX, NODE_IMAGE
from labgen.providers import PROVIDERS

_SAVE = 900.0
"""Deadline for writing a node image out of an engine, seconds."""

_SYSTEMS: Mapping[str, str] = {"windows": "Windows", "macos": "Darwin", "linux": "Linux"}


@dataclass(frozen=True)
class NodeFile:
    """A box or a node image in a kit.

    :param path: of the file, below the kit.
    :param name: of the box as Vagrant knows it, of the image as Docker does.
    :param file: in the cache; ``None`` for an image that an engine has.
    """

    provider: str
    arch: str
    path: str
    name: str
    file: Path | None = None

    @property
    def needs_network(self) -> bool:
        """Whether nodes fetch the engine from the distribution when they are set up."""
        return self.is_box and self.name != BUILT_BOX

    @property
    def is_box(self) -> bool:
        """Whether it is a box of Vagrant."""
        return not PROVIDERS[self.provider].from_image

    def lab_lines(self) -> list[str]:
        """Give the lines of lab.yml that have nodes made of it."""
        if not self.is_box:
            return []
        image = self.name.removeprefix("labgen/").removesuffix("-cloud")
        return [f"box: {{image: {image}}}" if self.needs_network else f"box: {{name: {self.name}}}"]


def possible(platform: Platform, providers: Sequence[str]) -> list[str]:
    """Choose the providers that a platform has, those first that labgen makes a box or an image for.

    :raises UsageError: it has none of them.
    """
    running = [name for name in providers if _SYSTEMS[platform.system] in PROVIDERS[name].checks().systems]
    if not running:
        titles = " and ".join(PROVIDERS[name].title for name in providers)
        raise UsageError(
            f"{titles} does not run on {platform.title}.",
            f"Leave {platform.name} out of --for, or add another provider: --provider {platform.provider}",
        )
    return [name for name in running if platform.arch in _architectures(name)] or running


def _architectures(provider: str) -> frozenset[str]:
    return BOX_ARCHITECTURES[NODE_IMAGE if PROVIDERS[provider].from_image else BUILT_BOX]


def find(provider: str, arch: str, box: str = BUILT_BOX) -> NodeFile:
    """Find the box of a provider, or the node image, for an architecture.

    :param box: name of the box to prefer.
    :raises BoxError: there is none; the hint is the command that makes it.
    """
    if PROVIDERS[provider].from_image:
        name, file = images.node_image(), images.built(provider, arch=arch)
        if file is None:
            _need_in_engine(provider, arch, name)
        return NodeFile(provider, arch, f"images/{cache.node(arch).name}", name, file)
    listed = [
        entry
        for entry in store.entries(cache.default(), boxes.is_current)
        if entry.kind == "box"
        and entry.current
        and not entry.own_checksum
        and (entry.provider, entry.arch) == (provider, arch)
    ]
    if not listed:
        raise BoxError(
            f"there is no box for {PROVIDERS[provider].title} on {arch} in {cache.default()}.",
            _make_box(provider, arch),
        )
    by_name = {catalogue.box_name(entry): entry.path for entry in reversed(listed)}
    name = next((name for name in (box, BUILT_BOX) if name in by_name), catalogue.box_name(listed[0]))
    return NodeFile(provider, arch, f"boxes/{by_name[name].name}", name, by_name[name])


def put(nodes: NodeFile, kit: Path, progress: Progress, digests: Callable[[Path], str] = digest) -> None:
    """Put the file of a box or a node image into a kit.

    What comes from the cache and is there already stays. What comes from an engine is always written again: there is no
    checksum to compare it with.

    :raises HostError: it cannot be written.
    """
    target = kit / nodes.path
    with progress.step(f"Copying {target.name}"):
        if nodes.file is not None:
            copy(nodes.file, target, digests)
        else:
            with writing(target) as part:
                Runner().run(["docker", "save", "--output", part, nodes.name], timeout=_SAVE).or_raise()


def _need_in_engine(provider: str, arch: str, name: str) -> None:
    try:
        in_engine = ensure.architecture(Runner()) == arch and ensure.has(Runner(), name)
    except LabgenError:
        in_engine = False
    if not in_engine:
        raise BoxError(
            f"there is no node image for {arch}, neither in {cache.default()} nor as {name} in an engine.",
            f"On a computer with an {arch} processor: labgen box build --provider {provider}. Then make the kit there, "
            f"or bring the file {cache.node(arch).name} into {cache.default()}. Debian and Ubuntu build it for other "
            f"processors, too: labgen box build --provider {provider} --arch {arch}. Or leave it out of the kit: "
            "--without-nodes",
        )


def _make_box(provider: str, arch: str) -> str:
    if arch != "amd64":
        return "labgen makes boxes for amd64 only: on other processors nodes are containers (--provider docker)."
    return (
        f"On Debian or Ubuntu: labgen box build --provider {provider} (the engine and the images of the course are in "
        f"it). On any computer: labgen box make --provider {provider} (its nodes fetch the engine). Or leave the boxes "
        "out of the kit: --without-nodes"
    )
