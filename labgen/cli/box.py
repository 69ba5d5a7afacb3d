"""`labgen box`: the box, and the node image, that need no internet."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from labgen import boxes, images
from labgen.boxes import catalogue, cloud_box, cloud_images, download, package, store
from labgen.cli.declare import Group, argument, option
from labgen.cli.folders import lab_folder, load
from labgen.cli.parameters import Command, FolderPath
from labgen.core.console import say
from labgen.core.errors import BoxError, UsageError
from labgen.core.i18n import Text, _, ngettext, ui_language, untranslated
from labgen.core.process import Runner
from labgen.core.progress import Progress, for_stream
from labgen.host.computer import Host
from labgen.images import cache, recipe
from labgen.model.lab import Box, CloudImageSource, Lab
from labgen.model.provider import BUILT_BOX
from labgen.providers import PROVIDERS

_PROVIDERS = images.providers()
_USUAL = images.box_provider("qcow2")
"""The provider whose box is asked for where none is named: the usual one of servers."""
_FROM_IMAGE = next(name for name in _PROVIDERS if PROVIDERS[name].from_image)
_MADE_FOR = tuple(name for name in PROVIDERS if PROVIDERS[name].disk_format in package.PACKERS)
"""Providers for which a box can be made of a cloud image, the one to prefer first."""


def _suite(command: Command) -> Command:
    suite_option = option(
        "--suite",
        type=click.Choice(("bookworm", "trixie", "sid")),
        default="bookworm",
        help=_("Debian release of the node image; it decides the version of Docker (default: bookworm)"),
    )
    return suite_option(command)


@click.group(cls=Group, subcommand_metavar="ACTION ...", no_args_is_help=False)
def command() -> None:
    """Build boxes and the node image, list and remove those in the cache."""


@command.command("path", help=_("print where the built box is"))
@option(
    "--provider",
    type=click.Choice(_PROVIDERS),
    default=_USUAL,
    help=_("the box of this provider (default: %(provider)s)", provider=_USUAL),
)
@_suite
def print_path(provider: str, suite: str) -> int:
    """Print the path of a built box.

    :raises BoxError: it is not built.
    """
    built = images.built(provider, suite=suite)
    if built is None:
        what = _KINDS["node image" if PROVIDERS[provider].from_image else "box"]
        options = "" if suite == recipe.SUITE else f" --suite {suite}"
        raise BoxError(
            _("no %(what)s for %(provider)s is built.", what=what, provider=provider),
            _(
                "Build it with `labgen box build --provider %(provider)s%(options)s`.",
                provider=provider,
                options=options,
            ),
        )
    print(built)
    return 0


@command.command("build", help=_("build it from Debian packages"))
@option(
    "--provider",
    type=click.Choice((*_PROVIDERS, "all")),
    default="all",
    help=_("build for this provider (default: all)"),
)
@option("--force", is_flag=True, help=_("build it again, even if it exists"))
@option(
    "--arch",
    type=click.Choice(tuple(recipe.ARCHITECTURES)),
    help=_("processor that the node image is for (default: this computer's)"),
)
@_suite
def build_boxes(provider: str, *, force: bool, suite: str, arch: str | None) -> int:
    """Build boxes and the node image.

    :raises UsageError: an architecture is named for boxes.
    """
    if arch is not None and (provider == "all" or not PROVIDERS[provider].from_image):
        raise UsageError(
            _("--arch is for the node image; boxes are built for amd64 only."),
            _("Type: labgen box build --provider %(provider)s --arch %(arch)s", provider=_FROM_IMAGE, arch=arch),
        )
    progress = for_stream()
    providers = images.providers() if provider == "all" else (provider,)
    boxes = [name for name in providers if not PROVIDERS[name].from_image]
    for name, file in images.build(boxes, runner=Runner(), progress=progress, force=force).items():
        _print_box(name, file)
    for name in providers:
        if PROVIDERS[name].from_image:
            _node(name, progress, force, suite, arch)
    return 0


def _print_box(provider: str, path: Path, name: str = BUILT_BOX) -> None:
    checksum = download.digest(path, "sha256")
    print(f"{provider}: {path}")
    say(_("  sha256: %(checksum)s", checksum=checksum))
    say(_("  on another computer, which refuses any other file:"))
    say(
        _(
            "  vagrant box add --checksum-type sha256 --checksum %(checksum)s --name %(name)s "
            "--provider %(provider)s %(path)s",
            checksum=checksum,
            name=name,
            provider=provider,
            path=path.name,
        )
    )


def _node(provider: str, progress: Progress, force: bool, suite: str, arch: str | None) -> None:
    """Into the engine where one answers, whichever way it is made; else, or for a named processor, into the cache."""
    from labgen.images import ensure

    path: Path | None
    if arch is None and ensure.answers(Runner()):
        name = images.ensure_node_image(Runner(), progress=progress, force=force, suite=suite)
        path = images.built(provider, suite=suite)
        print(f"{provider}: {path or name}")
        if path is None:
            say(_("  for another computer:  docker save --output labgen-node.tar %(image)s", image=name))
    else:
        archives = images.build([provider], runner=Runner(), progress=progress, force=force, suite=suite, arch=arch)
        path = archives[provider]
        print(f"{provider}: {path}")
    if path is not None and path.is_file():
        print(f"  sha256: {download.digest(path, 'sha256')}")
    file = path.name if path else "labgen-node.tar"
    say(_("  on another computer:  docker load --input %(file)s", file=file))


@command.command("make", help=_("make a box of a distribution's cloud image"))
@argument("name", required=False, type=click.Choice(cloud_images.names()))
@option(
    "--provider",
    type=click.Choice(_MADE_FOR),
    help=_("make it for this provider (default: the lab's, or the one that is installed)"),
)
@option("--image", help=_("take the image from this file or URL, not from the distribution's servers"))
@option("--checksum", help=_("SHA-256 or SHA-512 of the image; needed unless it is the pinned release"))
@option("--force", is_flag=True, help=_("make it again, even if it exists"))
def make_box(name: str | None, provider: str | None, image: str | None, checksum: str | None, *, force: bool) -> int:
    """Make the box that the lab folder's lab.yml asks for, or the one of a named image; add it to Vagrant."""
    lab = load(lab_folder())
    provider = provider or _provider_to_make_for(lab)
    source = _image_source(lab, provider, name)
    file = Path(image) if image and "://" not in image else None
    if image or checksum:
        url = image if image and file is None else source.url
        source = CloudImageSource(source.name, url, checksum.rpartition(":")[2] if checksum else source.checksum)
    path = cloud_box.make(source, provider, Host().machine(), progress=for_stream(), force=force, file=file)
    _print_box(provider, path, Box.of_image(source).name)
    _print_use(lab, provider, source)
    return 0


def _print_use(lab: Lab, provider: str, source: CloudImageSource) -> None:
    """Say how `labgen up` comes to take the box of an image."""
    if source == PROVIDERS[provider].box_for(lab).image:
        say(_("  `labgen up` and `vagrant up` take it by themselves."))
        return
    fields = {"image": source.name, "url": source.url, "checksum": source.checksum}
    entry = ", ".join(f"{key}: {json.dumps(value)}" for key, value in fields.items() if value)
    say(_("  So that `labgen up` takes it, write in lab.yml:  box: {%(entry)s}", entry=entry))


def _provider_to_make_for(lab: Lab) -> str:
    """Choose the provider that the lab asks for, or the first that is installed here."""
    if lab.provider in _MADE_FOR:
        return lab.provider
    host = Host()
    return next((name for name in _MADE_FOR if PROVIDERS[name].checks().gate(lab, host) is None), _MADE_FOR[0])


def _image_source(lab: Lab, provider: str, name: str | None) -> CloudImageSource:
    if name:
        return CloudImageSource(name)
    box = PROVIDERS[provider].box_for(lab)
    return box.image or CloudImageSource(cloud_images.names()[0])


@command.command("list", help=_("list the boxes and images in the cache"))
def list_cache() -> int:
    """Print a line for each file of the cache."""
    listed = store.entries(cache.default(), boxes.is_current)
    if not listed:
        say(_("%(path)s is empty.", path=cache.default()))
        return 0
    _print_table([_COLUMNS, *map(_row, listed)])
    size = f"{sum(entry.size for entry in listed) / 2**20:.0f}"
    say(
        ngettext(
            "%(count)s file, %(size)s MiB, in %(path)s",
            "%(count)s files, %(size)s MiB, in %(path)s",
            len(listed),
            size=size,
            path=cache.default(),
        )
    )
    return 0


_COLUMNS = (_("NAME"), _("KIND"), _("PROVIDER"), _("ARCH"), _("SIZE"), _("AGE"), _("MADE OF"), _("IN USE"))
_KINDS: Mapping[store.Kind, Text] = {
    "box": _("box"),
    "node image": _("node image"),
    "cloud image": _("cloud image"),
    "partial download": _("partial download"),
}


def _row(entry: store.Entry) -> tuple[Text, ...]:
    return (
        untranslated(entry.path.name),
        _KINDS[entry.kind],
        untranslated(entry.provider or "-"),
        untranslated(entry.arch or "-"),
        untranslated(f"{entry.size / 2**20:.0f} MiB"),
        _age(entry.age),
        untranslated(entry.made_of),
        _("yes") if entry.current else _("no"),
    )


def _print_table(rows: Sequence[tuple[Text, ...]]) -> None:
    from rich.cells import cell_len, set_cell_size  # Korean letters are two columns wide

    table = [[text.in_(ui_language()) for text in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    for row in table:
        print("  ".join(map(set_cell_size, row, widths)).rstrip())


@command.command("prune", help=_("remove boxes and images that this version of labgen does not use"))
@option(
    "--keep",
    type=click.IntRange(min=0),
    default=0,
    help=_("how many of the newest to keep, for each kind and provider"),
)
@option("--dry-run", is_flag=True, help=_("print what would be removed, and remove nothing"))
def prune(keep: int, *, dry_run: bool) -> int:
    """Remove what the present recipe and the pinned cloud images have replaced."""
    directory = cache.default()
    with contextlib.nullcontext() if dry_run else store.making(directory, say):
        surplus = store.surplus(store.entries(directory, boxes.is_current), keep)
        for entry in surplus:
            if not dry_run:
                store.delete(entry)
            file = {"file": entry.path.name, "size": f"{entry.size / 2**20:.0f}"}
            say(
                _("would remove %(file)s (%(size)s MiB)", **file)
                if dry_run
                else _("removed %(file)s (%(size)s MiB)", **file)
            )
    size = f"{sum(entry.size for entry in surplus) / 2**20:.0f}"
    say(_("To free: %(size)s MiB", size=size) if dry_run else _("Freed: %(size)s MiB", size=size))
    return 0


@command.command("publish", help=_("write boxes and their catalogue into a folder, for a web server or a share"))
@argument("folder", type=FolderPath())
@option("--url", default="", help=_("address at which learners reach the folder (default: its path)"))
@option("--provider", type=click.Choice(_MADE_FOR), help=_("publish only the boxes of this provider"))
def publish(folder: Path, url: str, provider: str | None) -> int:
    """Write a catalogue of the newest boxes in the cache."""
    newest: dict[tuple[str, str, str], store.Entry] = {}
    for entry in store.entries(cache.default(), boxes.is_current):
        if entry.kind == "box" and provider in (None, entry.provider):
            newest.setdefault((catalogue.box_name(entry), entry.provider, entry.arch), entry)
    with for_stream().step(_("Copying boxes to %(path)s", path=folder)):
        published = catalogue.publish(list(newest.values()), folder, url)
    for box in published:
        say(_("%(box)s for %(provider)s: %(url)s", box=box.name, provider=box.provider, url=box.file))
        say(_("  sha256: %(checksum)s", checksum=box.checksum))
        say(_("  in lab.yml:    box: {name: %(box)s, url: %(url)s}", box=box.name, url=json.dumps(box.catalogue)))
        say(
            _(
                "  or, by hand:   vagrant box add --provider %(provider)s %(url)s",
                provider=box.provider,
                url=box.catalogue,
            )
        )
    return 0


def _age(seconds: float) -> Text:
    """Write an age in its largest unit: ``3 days``."""
    if seconds >= 86400:
        return ngettext("%(count)s day", "%(count)s days", int(seconds // 86400))
    if seconds >= 3600:
        return ngettext("%(count)s hour", "%(count)s hours", int(seconds // 3600))
    if seconds >= 60:
        return ngettext("%(count)s minute", "%(count)s minutes", int(seconds // 60))
    return _("just now")
