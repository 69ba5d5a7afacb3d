"""`labgen box`: the box, and the node image, that need no internet."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from labgen import images
from labgen.cli.parameters import Command
from labgen.core.errors import BoxError
from labgen.core.process import Runner
from labgen.core.progress import Progress, for_stream
from labgen.model.provider import BUILT_BOX
from labgen.providers import PROVIDERS

_PROVIDERS = images.providers()
_USUAL = images.box_provider("qcow2")
"""The provider whose box is asked for where none is named: the usual one of servers."""


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
    """Build the box or the node image, or print where it is."""


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


def _print_box(provider: str, path: Path) -> None:
    checksum = sha256(path)
    print(f"{provider}: {path}")
    print(f"  sha256: {checksum}")
    print("  on another computer, which refuses any other file:")
    print(
        f"  vagrant box add --checksum-type sha256 --checksum {checksum} "
        f"--name {BUILT_BOX} --provider {provider} {path.name}"
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
        print(f"  sha256: {sha256(path)}")
    print(f"  on another computer:  docker load --input {path.name if path else 'labgen-node.tar'}")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
