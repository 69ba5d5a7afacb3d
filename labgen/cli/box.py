"""`labgen box`: the box, and the node image, that need no internet."""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from labgen import images
from labgen.core.errors import BoxError
from labgen.core.process import Runner
from labgen.core.progress import Progress, for_stream
from labgen.providers import BUILT_BOX, DOCKER


def run(arguments: argparse.Namespace) -> int:
    """Build it, or say where it is."""
    if arguments.action == "path":
        path = images.built(arguments.provider, suite=arguments.suite)
        if path is None:
            what = "node image" if arguments.provider == DOCKER.name else "box"
            raise BoxError(
                f"no {what} for {arguments.provider} is built.",
                f"Build it with `labgen box build --provider {arguments.provider}`.",
            )
        print(path)
        return 0
    progress = for_stream()
    wanted = images.PROVIDERS if arguments.provider == "all" else (arguments.provider,)
    boxes = [provider for provider in wanted if provider != DOCKER.name]
    made = images.build(boxes, runner=Runner(), progress=progress, force=arguments.force)
    for provider, path in made.items():
        checksum = sha256(path)
        print(f"{provider}: {path}")
        print(f"  sha256: {checksum}")
        print("  on another computer, which refuses any other file:")
        print(
            f"  vagrant box add --checksum-type sha256 --checksum {checksum} "
            f"--name {BUILT_BOX} --provider {provider} {path.name}"
        )
    if DOCKER.name in wanted:
        _node(progress, arguments.force, arguments.suite)
    return 0


def _node(progress: Progress, force: bool, suite: str) -> None:
    """Into the engine where one answers, whichever way it is made; else into the cache, from packages."""
    from labgen.images import ensure

    path: Path | None
    if ensure.answers(Runner()):
        name = images.ensure_node_image(Runner(), progress=progress, force=force, suite=suite)
        path = images.built(DOCKER.name, suite=suite)
        print(f"{DOCKER.name}: {path or name}")
        if path is None:
            print(f"  for another computer:  docker save --output labgen-node.tar {name}")
    else:
        made = images.build([DOCKER.name], runner=Runner(), progress=progress, force=force, suite=suite)
        path = made[DOCKER.name]
        print(f"{DOCKER.name}: {path}")
    if path is not None and path.is_file():
        print(f"  sha256: {sha256(path)}")
    print(f"  on another computer:  docker load --input {path.name if path else 'labgen-node.tar'}")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
