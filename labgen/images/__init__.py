"""Vagrant boxes and the node image, made here from Debian 12 packages, with the images of the course inside.

::

    mmdebstrap ──▶ file system tree ──▶ its registry run here, filled ─┬▶ bootable disk ──▶ a box per provider
                                                                       └▶ an archive for `docker load`

They are built once per recipe and kept in the user's cache; building needs root and a Debian mirror,
using needs neither. An engine that reaches Docker Hub can build the node image, too
(:mod:`labgen.images.dockerfile`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labgen.core.errors import BoxError
from labgen.images import recipe
from labgen.images.recipe import PACKAGES
from labgen.providers import DOCKER

if TYPE_CHECKING:
    from labgen.core.process import Runner
    from labgen.core.progress import Progress
    from labgen.images.build_context import Workshop

__all__ = ["PACKAGES", "PROVIDERS", "build", "built", "ensure_node_image", "node_image"]

BOXES: tuple[str, ...] = ("libvirt", "virtualbox")
"""Providers whose nodes start from a disk."""

PROVIDERS: tuple[str, ...] = (*BOXES, DOCKER.name)
"""Providers a box, or for Docker an archive of the node image, can be built for."""


def node_image(suite: str = recipe.SUITE) -> str:
    """The image of a node of today's recipe, as a Docker engine names it: ``labgen/node:KEY``."""
    from labgen.images import node

    return node.name(suite)


def ensure_node_image(
    engine: Runner,
    *,
    progress: Progress,
    cache: Path | None = None,
    force: bool = False,
    suite: str = recipe.SUITE,
) -> str:
    """See that an engine has :func:`node_image`, and give its name; see :func:`labgen.images.ensure.ensure`."""
    from labgen.images.ensure import ensure

    return ensure(engine, progress=progress, cache=cache, force=force, suite=suite)


def built(provider: str, cache: Path | None = None, arch: str | None = None, suite: str = recipe.SUITE) -> Path | None:
    """The box of today's recipe, or the archive of the node image; ``None`` where it is not built yet.

    :param provider: one of :data:`PROVIDERS`; for any other the answer is ``None``.
    :param cache: where boxes are kept; the user's cache where ``None``.
    :param arch: of the node image, as Docker names it; this computer's where ``None``.
    :param suite: of the node image, the release of Debian that it is made of.
    """
    if provider not in PROVIDERS:
        return None
    place = _place(provider, cache, arch, suite)
    return place if place is not None and place.is_file() else None


def build(
    providers: Sequence[str],
    *,
    runner: Runner,
    progress: Progress,
    cache: Path | None = None,
    force: bool = False,
    suite: str = recipe.SUITE,
) -> Mapping[str, Path]:
    """Build a box for each provider (for Docker the archive of the node image), or give the one that is there.

    Everything comes from Debian packages; no engine is needed. Whatever happens in the middle, nothing
    is left behind but finished boxes and the log.

    :param providers: from :data:`PROVIDERS`.
    :param cache: where boxes are kept; the user's cache where ``None``.
    :param force: build anew what is there already.
    :param suite: the release of Debian that the node image is made of; boxes are of the usual one.
    :raises BoxError: no box is known for a provider, this computer cannot build one, or a step failed;
        the error names the log.
    :raises ProgramMissing: a program is not installed; the hint is the line that installs it.
    """
    from labgen.images import build_host as host
    from labgen.images import cache as store

    for provider in providers:
        if provider not in PROVIDERS:
            raise BoxError(
                f"labgen builds no box for the provider {provider}.", f"It does for {' and '.join(PROVIDERS)}."
            )
    directory = cache or store.default()
    if DOCKER.name in providers and recipe.here() is None:
        host.check_node(directory, runner)  # which says why not
    places = {provider: place for provider in providers if (place := _place(provider, cache, suite=suite)) is not None}
    missing = [provider for provider, place in places.items() if force or not place.is_file()]
    boxes = [provider for provider in missing if provider in BOXES]
    if not missing:
        return places
    # Before anything is begun: what could not be finished.
    if boxes:
        host.check(directory, runner)
    arch = host.check_node(directory, runner) if DOCKER.name in missing else recipe.AMD64
    log = directory / "build.log"
    if boxes:
        with store.workplace(directory) as place:
            _boxes(
                _workshop(runner, progress, place, log), boxes, None if force else store.box("libvirt", cache), places
            )
    if DOCKER.name in missing:
        with store.workplace(directory) as place:
            _node(_workshop(runner, progress, place, log, arch, suite), places[DOCKER.name])
    return places


def _place(provider: str, cache: Path | None, arch: str | None = None, suite: str = recipe.SUITE) -> Path | None:
    from labgen.images import cache as store

    if provider in BOXES:
        return store.box(provider, cache)
    here = recipe.here()
    name = arch or (here.name if here else None)
    return store.node(name, cache, suite) if name else None


def _workshop(
    runner: Runner,
    progress: Progress,
    place: Path,
    log: Path,
    arch: recipe.Architecture = recipe.AMD64,
    suite: str = recipe.SUITE,
) -> Workshop:
    from labgen.images.build_context import Workshop

    log.write_text("", encoding="utf-8")
    return Workshop(runner, progress, place, log, arch, suite)


def _boxes(workshop: Workshop, missing: Sequence[str], other: Path | None, places: Mapping[str, Path]) -> None:
    from labgen.images import cache as store
    from labgen.images import disk, vagrant_box

    progress = workshop.progress
    # The same recipe makes the same disk: only its wrapping differs.
    if other is not None and other.is_file():
        made = vagrant_box.disk_of(other, workshop.place)
    else:
        root = _tree(workshop, recipe.DISK, "the box")
        with progress.step("Making the disk"):
            made = disk.make(workshop, root)
    for provider in missing:
        with progress.step(f"Packing the box for {provider}"):
            store.keep(vagrant_box.PACKERS[provider](workshop, made), places[provider])


def _node(workshop: Workshop, place: Path) -> None:
    from labgen.images import cache as store
    from labgen.images import node

    root = _tree(workshop, recipe.node_form(workshop.suite), "the node image")
    with workshop.progress.step("Packing the node image"):
        store.keep(node.archive(workshop, root), place)


def _tree(workshop: Workshop, form: recipe.Form, what: str) -> Path:
    from labgen.images import build_host as host
    from labgen.images import registry, rootfs, substitutes

    progress, runner = workshop.progress, workshop.runner
    with progress.step(f"Installing Debian's packages into {what}"):
        apt = host.apt(runner)
        root = rootfs.make(workshop, apt, form)
    with progress.step(f"Filling the registry of {what} with the images of the course"):
        sources = registry.source_images(registry.HUB, runner=runner)
        with registry.in_guest(workshop, root) as running:
            registry.fill(workshop, running, sources, lambda image: substitutes.make(workshop, apt, image))
        registry.tidy(root)
    return root
