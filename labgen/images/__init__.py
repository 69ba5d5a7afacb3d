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
from labgen.core.i18n import _
from labgen.images import recipe
from labgen.images.recipe import PACKAGES
from labgen.providers import PROVIDERS as _PROVIDERS
from labgen.providers import Provider

if TYPE_CHECKING:
    from labgen.core.process import Runner
    from labgen.core.progress import Progress
    from labgen.images.build_context import Workshop

__all__ = ["PACKAGES", "build", "built", "ensure_node_image", "node_image", "packages", "providers"]


def providers() -> tuple[str, ...]:
    """Give the providers that a box, or for containers an archive of the node image, can be built for."""
    return tuple(sorted(name for name, provider in _PROVIDERS.items() if provider.disk_format or provider.from_image))


def box_provider(disk_format: str) -> str:
    """Give the provider whose box holds a disk of a format."""
    return next(name for name, provider in _PROVIDERS.items() if provider.disk_format == disk_format)


def _buildable(name: str) -> Provider | None:
    provider = _PROVIDERS.get(name)
    return provider if provider is not None and (provider.disk_format or provider.from_image) else None


def packages(provider: str) -> tuple[str, ...]:
    """Give the Debian packages that building a provider's box, or its image of nodes, takes."""
    # An image is a tree of files; what makes a disk of it is for boxes only.
    tree = {*recipe.TREE_PROGRAMS.values(), "debian-archive-keyring"}
    from_image = _PROVIDERS[provider].from_image
    return tuple(name for name in PACKAGES if name in tree) if from_image else tuple(PACKAGES)


def node_image(suite: str = recipe.SUITE) -> str:
    """Give the image of a node of today's recipe, as a Docker engine names it: ``labgen/node:KEY``."""
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
    """Give the box of today's recipe, or the archive of the node image; ``None`` where it is not built yet.

    :param provider: one of :func:`providers`; for any other the answer is ``None``.
    :param cache: where boxes are kept; the user's cache where ``None``.
    :param arch: of the node image, as Docker names it; this computer's where ``None``.
    :param suite: of the node image, the release of Debian that it is made of.
    """
    if _buildable(provider) is None:
        return None
    place = _place(provider, cache, arch, suite)
    return place if place is not None and place.is_file() else None


def build(
    names: Sequence[str],
    *,
    runner: Runner,
    progress: Progress,
    cache: Path | None = None,
    force: bool = False,
    suite: str = recipe.SUITE,
    arch: str | None = None,
) -> Mapping[str, Path]:
    """Build a box for each provider (for Docker the archive of the node image), or give the one that is there.

    Everything comes from Debian packages; no engine is needed. Whatever happens in the middle, nothing
    is left behind but finished boxes and the log.

    :param names: from :func:`providers`.
    :param cache: where boxes are kept; the user's cache where ``None``.
    :param force: build anew what is there already.
    :param suite: the release of Debian that the node image is made of; boxes are of the usual one.
    :param arch: that the node image is for, as Docker names it; this computer's where ``None``.
    :raises BoxError: no box is known for a provider, this computer cannot build one, or a step failed;
        the error names the log.
    :raises ProgramMissing: a program is not installed; the hint is the line that installs it.
    """
    from labgen.images import build_host as host
    from labgen.images import cache as store

    for name in names:
        if _buildable(name) is None:
            raise BoxError(
                _("labgen builds no box for the provider %(name)s.", name=name),
                _("It builds boxes for %(providers)s.", providers=" and ".join(providers())),
            )
    directory = cache or store.default()
    if any(_PROVIDERS[name].from_image for name in names) and recipe.here() is None and arch is None:
        host.check_node(directory, runner)  # which says why not
    places = {name: place for name in names if (place := _place(name, cache, arch, suite)) is not None}
    missing = [name for name, place in places.items() if force or not place.is_file()]
    boxes = [name for name in missing if not _PROVIDERS[name].from_image]
    images = [name for name in missing if _PROVIDERS[name].from_image]
    if not missing:
        return places
    # Before anything is begun: what could not be finished.
    if boxes:
        host.check(directory, runner)
    target = host.check_node(directory, runner, arch) if images else recipe.AMD64
    log = directory / "build.log"
    if boxes:
        with store.workplace(directory) as place:
            reusable_box = None if force else store.box(box_provider("qcow2"), cache)
            _boxes(_workshop(runner, progress, place, log), boxes, reusable_box, places)
    for name in images:
        with store.workplace(directory) as place:
            _node(_workshop(runner, progress, place, log, target, suite), places[name])
    return places


def _place(provider: str, cache: Path | None, arch: str | None = None, suite: str = recipe.SUITE) -> Path | None:
    from labgen.images import cache as store

    if not _PROVIDERS[provider].from_image:
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


def _boxes(workshop: Workshop, missing: Sequence[str], reusable_box: Path | None, places: Mapping[str, Path]) -> None:
    from labgen.images import cache as store
    from labgen.images import disk, vagrant_box

    progress = workshop.progress
    # The same recipe makes the same disk: only its wrapping differs.
    if reusable_box is not None and reusable_box.is_file():
        disk_file = vagrant_box.disk_of(reusable_box, workshop.place)
    else:
        root = _tree(workshop, recipe.DISK, "the box")
        with progress.step(_("Making the disk")):
            disk_file = disk.make(workshop, root)
    for provider in missing:
        with progress.step(_("Packing the box for %(provider)s", provider=provider)):
            store.keep(vagrant_box.PACKERS[_PROVIDERS[provider].disk_format](workshop, disk_file), places[provider])


def _node(workshop: Workshop, place: Path) -> None:
    from labgen.images import cache as store
    from labgen.images import node

    root = _tree(workshop, recipe.node_form(workshop.suite), "the node image")
    with workshop.progress.step(_("Packing the node image")):
        store.keep(node.archive(workshop, root), place)


def _tree(workshop: Workshop, form: recipe.Form, what: str) -> Path:
    from labgen.images import build_host as host
    from labgen.images import registry, rootfs, substitutes

    progress, runner = workshop.progress, workshop.runner
    with progress.step(_("Installing Debian's packages into %(what)s", what=what)):
        apt = host.apt(runner)
        root = rootfs.make(workshop, apt, form)
    with progress.step(_("Putting the course's images into the registry of %(what)s", what=what)):
        sources = registry.source_images(registry.HUB, runner=runner)
        with registry.in_guest(workshop, root) as running:
            registry.fill(workshop, running, sources, lambda image: substitutes.make(workshop, apt, image))
        registry.tidy(root)
    return root
