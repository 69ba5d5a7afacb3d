"""`labgen box`: the box, and the node image, that need no internet."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import click

from labgen import boxes, images
from labgen.boxes import catalogue, cloud_box, cloud_images, download, package, store
from labgen.cli.folders import lab_folder, load
from labgen.cli.parameters import Command, FolderPath
from labgen.core.errors import BoxError
from labgen.core.process import Runner
from labgen.core.progress import Progress, for_stream
from labgen.host.computer import Host
from labgen.images import cache
from labgen.model.lab import Box, CloudImageSource, Lab
from labgen.model.provider import BUILT_BOX
from labgen.providers import PROVIDERS

_PROVIDERS = images.providers()
_USUAL = images.box_provider("qcow2")
"""The provider whose box is asked for where none is named: the usual one of servers."""
_MADE_FOR = tuple(name for name in PROVIDERS if PROVIDERS[name].disk_format in package.PACKERS)
"""Providers for which a box can be made of a cloud image, the one to prefer first."""


def _suite(command: Command) -> Command:
    option = click.option(
        "--suite",
        type=click.Choice(("bookworm", "trixie", "sid")),
        default="bookworm",
        help="of the node image: the release of Debian, and with it of Docker's engine (default: bookworm)",
    )
    return option(command)


@click.group(subcommand_metavar="ACTION ...", no_args_is_help=False)
def command() -> None:
    """Build boxes and the node image, list and remove those in the cache."""


@command.command("path", help="print where the built box is")
@click.option("--provider", type=click.Choice(_PROVIDERS), default=_USUAL, help=f"whose box (default: {_USUAL})")
@_suite
def print_path(provider: str, suite: str) -> int:
    """Print the path of a built box.

    :raises BoxError: it is not built.
    """
    built = images.built(provider, suite=suite)
    if built is None:
        what = "node image" if PROVIDERS[provider].from_image else "box"
        raise BoxError(
            f"no {what} for {provider} is built.", f"Build it with `labgen box build --provider {provider}`."
        )
    print(built)
    return 0


@command.command("build", help="build it from Debian packages")
@click.option("--provider", type=click.Choice((*_PROVIDERS, "all")), default="all", help="for which (default: all)")
@click.option("--force", is_flag=True, help="build it again where it is built already")
@_suite
def build_boxes(provider: str, *, force: bool, suite: str) -> int:
    """Build boxes and the node image."""
    progress = for_stream()
    providers = images.providers() if provider == "all" else (provider,)
    boxes = [name for name in providers if not PROVIDERS[name].from_image]
    for name, file in images.build(boxes, runner=Runner(), progress=progress, force=force).items():
        _print_box(name, file)
    for name in providers:
        if PROVIDERS[name].from_image:
            _node(name, progress, force, suite)
    return 0


def _print_box(provider: str, path: Path, name: str = BUILT_BOX) -> None:
    checksum = download.digest(path, "sha256")
    print(f"{provider}: {path}")
    print(f"  sha256: {checksum}")
    print("  on another computer, which refuses any other file:")
    print(
        f"  vagrant box add --checksum-type sha256 --checksum {checksum} "
        f"--name {name} --provider {provider} {path.name}"
    )


def _node(provider: str, progress: Progress, force: bool, suite: str) -> None:
    """Into the engine where one answers, whichever way it is made; else into the cache, from packages."""
    from labgen.images import ensure

    path: Path | None
    if ensure.answers(Runner()):
        name = images.ensure_node_image(Runner(), progress=progress, force=force, suite=suite)
        path = images.built(provider, suite=suite)
        print(f"{provider}: {path or name}")
        if path is None:
            print(f"  for another computer:  docker save --output labgen-node.tar {name}")
    else:
        path = images.build([provider], runner=Runner(), progress=progress, force=force, suite=suite)[provider]
        print(f"{provider}: {path}")
    if path is not None and path.is_file():
        print(f"  sha256: {download.digest(path, 'sha256')}")
    print(f"  on another computer:  docker load --input {path.name if path else 'labgen-node.tar'}")


@command.command("make", help="make a box of a distribution's cloud image")
@click.argument("name", required=False, type=click.Choice(cloud_images.names()))
@click.option("--provider", type=click.Choice(_MADE_FOR), help="for which (default: the lab's, or what is installed)")
@click.option("--image", help="the image's file or URL, in place of the distribution's servers")
@click.option("--checksum", help="of that image, SHA-256 or SHA-512, if it is not the pinned release")
@click.option("--force", is_flag=True, help="make it again if it is there already")
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
        print("  `labgen up` and `vagrant up` take it by themselves.")
        return
    fields = {"image": source.name, "url": source.url, "checksum": source.checksum}
    entry = ", ".join(f"{key}: {json.dumps(value)}" for key, value in fields.items() if value)
    print(f"  So that `labgen up` takes it, write in lab.yml:  box: {{{entry}}}")


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


@command.command("list", help="list the boxes and images in the cache")
def list_cache() -> int:
    """Print a line for each file of the cache."""
    listed = store.entries(cache.default(), boxes.is_current)
    if not listed:
        print(f"{cache.default()} is empty.")
        return 0
    rows = [("NAME", "KIND", "PROVIDER", "ARCH", "SIZE", "AGE", "MADE OF", "IN USE")]
    for entry in listed:
        size, in_use = f"{entry.size / 2**20:.0f} MiB", "yes" if entry.current else "no"
        columns = (entry.path.name, entry.kind, entry.provider or "-", entry.arch or "-")
        rows.append((*columns, size, _age(entry.age), entry.made_of, in_use))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
    total = sum(entry.size for entry in listed)
    print(f"{len(listed)} files, {total / 2**20:.0f} MiB, in {cache.default()}")
    return 0


@command.command("prune", help="remove boxes and images that this version of labgen does not use")
@click.option("--keep", type=click.IntRange(min=0), default=0, help="of each kind and provider, the newest that stay")
@click.option("--dry-run", is_flag=True, help="print what would be removed, and remove nothing")
def prune(keep: int, *, dry_run: bool) -> int:
    """Remove what the present recipe and the pinned cloud images have replaced."""
    directory = cache.default()
    with contextlib.nullcontext() if dry_run else store.making(directory, print):
        surplus = store.surplus(store.entries(directory, boxes.is_current), keep)
        for entry in surplus:
            if not dry_run:
                store.delete(entry)
            print(f"{'would remove' if dry_run else 'removed'} {entry.path.name} ({entry.size / 2**20:.0f} MiB)")
    total = sum(entry.size for entry in surplus)
    print(f"{'To free' if dry_run else 'Freed'}: {total / 2**20:.0f} MiB")
    return 0


@command.command("publish", help="write boxes and their catalogue into a folder, for a web server or a share")
@click.argument("folder", type=FolderPath())
@click.option("--url", default="", help="address under which the folder will be reached (default: its path)")
@click.option("--provider", type=click.Choice(_MADE_FOR), help="whose boxes only")
def publish(folder: Path, url: str, provider: str | None) -> int:
    """Write a catalogue of the newest boxes in the cache."""
    newest: dict[tuple[str, str, str], store.Entry] = {}
    for entry in store.entries(cache.default(), boxes.is_current):
        if entry.kind == "box" and provider in (None, entry.provider):
            newest.setdefault((catalogue.box_name(entry), entry.provider, entry.arch), entry)
    with for_stream().step(f"Copying boxes to {folder}"):
        published = catalogue.publish(list(newest.values()), folder, url)
    for box in published:
        print(f"{box.name} for {box.provider}: {box.file}")
        print(f"  sha256: {box.checksum}")
        print(f"  in lab.yml:    box: {{name: {box.name}, url: {json.dumps(box.catalogue)}}}")
        print(f"  or, by hand:   vagrant box add --provider {box.provider} {box.catalogue}")
    return 0


def _age(seconds: float) -> str:
    """Write an age in its largest unit: ``3 days``."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s'[: count - 1]}"
    return "just now"
