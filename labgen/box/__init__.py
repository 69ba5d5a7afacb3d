"""Vagrant boxes made here, from Debian 12 packages only, with the images of the course inside.

::

    mmdebstrap ──▶ root file system ──▶ its registry run here, filled ──▶ bootable disk ──▶ a box per provider

A box is built once per recipe and kept in the user's cache; building needs root (a loop mount) and
a Debian mirror, using a box needs neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from labgen.box import recipe
from labgen.box.recipe import PACKAGES
from labgen.errors import BoxError
from labgen.providers import NODE_IMAGE

if TYPE_CHECKING:
    from labgen.box.workshop import Workshop
    from labgen.proc import Runner
    from labgen.progress import Progress

__all__ = ["PACKAGES", "PROVIDERS", "build", "built", "node_image"]

PROVIDERS: tuple[str, ...] = ("libvirt", "virtualbox")
"""Providers a box can be built for."""


def node_image() -> str:
    """The image of a node of today's recipe, as a Docker engine names it: ``labgen/node:KEY``."""
    return f"{NODE_IMAGE}:{recipe.key()}"


def built(provider: str, cache: Path | None = None) -> Path | None:
    """The box of today's recipe, or ``None`` where it is not built yet.

    :param provider: one of :data:`PROVIDERS`; for any other the answer is ``None``.
    :param cache: where boxes are kept; the user's cache where ``None``.
    """
    from labgen.box import cache as store

    if provider not in PROVIDERS:
        return None
    place = store.box(provider, cache)
    return place if place.is_file() else None


def build(
    providers: Sequence[str],
    *,
    runner: Runner,
    progress: Progress,
    cache: Path | None = None,
    force: bool = False,
) -> Mapping[str, Path]:
    """Build a box for each provider, or give the one that is there.

    Whatever happens in the middle, nothing is left behind but finished boxes and the log.

    :param providers: from :data:`PROVIDERS`.
    :param cache: where boxes are kept; the user's cache where ``None``.
    :param force: build anew what is there already.
    :raises BoxError: no box is known for a provider, this computer cannot build one, or a step failed;
        the error names the log.
    :raises ProgramMissing: a program is not installed; the hint is the line that installs it.
    """
    from labgen.box import cache as store
    from labgen.box import host

    for provider in providers:
        if provider not in PROVIDERS:
            raise BoxError(
                f"labgen builds no box for the provider {provider}.", f"It does for {' and '.join(PROVIDERS)}."
            )
    places = {provider: store.box(provider, cache) for provider in providers}
    missing = [provider for provider, place in places.items() if force or not place.is_file()]
    if not missing:
        return places
    directory = cache or store.default()
    host.check(directory, runner)
    with store.workplace(directory) as place:
        from labgen.box.workshop import Workshop

        log = directory / "build.log"
        log.write_text("", encoding="utf-8")
        workshop = Workshop(runner, progress, place, log)
        _make(workshop, missing, None if force else store.box("libvirt", cache), places)
    return places


def _make(workshop: Workshop, missing: Sequence[str], other: Path | None, places: Mapping[str, Path]) -> None:
    from labgen.box import cache as store
    from labgen.box import crate

    progress = workshop.progress
    # The same recipe makes the same disk: only its wrapping differs.
    known = other is not None and other.is_file()
    disk = crate.disk_of(other, workshop.place) if other and known else _disk(workshop)
    for provider in missing:
        with progress.step(f"Packing the box for {provider}"):
            store.keep(crate.PACKERS[provider](workshop, disk), places[provider])


def _disk(workshop: Workshop) -> Path:
    from labgen.box import disk, host, registry, rootfs, standin

    progress, runner = workshop.progress, workshop.runner
    with progress.step("Installing Debian's packages into the box"):
        apt = host.apt(runner)
        root = rootfs.make(workshop, apt)
    with progress.step("Filling the box's registry with the images of the course"):
        sources = registry.source_images(registry.HUB, runner=runner)
        with registry.in_guest(workshop, root) as running:
            registry.fill(workshop, running, sources, lambda image: standin.make(workshop, apt, image))
        registry.tidy(root)
    with progress.step("Making the disk"):
        return disk.make(workshop, root)
