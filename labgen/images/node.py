"""The image of a node that is a container: a file that every Docker engine loads, made from a tree."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path

from labgen.images import oci, recipe
from labgen.images.build_context import Workshop
from labgen.model.provider import NODE_IMAGE

COMMAND = ("/usr/local/sbin/labgen-node",)

STOP_SIGNAL = "SIGRTMIN+3"
"""Asks systemd to stop what runs and to end (systemd(1), "Signals")."""

VOLUMES = ("/var/lib/docker", "/var/lib/containerd")
"""Where the node's own engine keeps images and containers: an overlay cannot lie on an overlay."""

LABEL = "io.labgen.recipe"
"""Label of the image: the key of its recipe."""

_NOT_TAKEN = ("./dev/*", "./proc/*", "./run/*", "./sys/*", "./tmp/*")
"""What the engine mounts over, and what was there only for the time of building."""


def name(suite: str = recipe.SUITE) -> str:
    """Name the image of today's recipe as an engine does: ``labgen/node:KEY``, ``labgen/node:trixie-KEY``."""
    return f"{NODE_IMAGE}:{prefix(suite)}{recipe.key(suite)}"


def prefix(suite: str) -> str:
    """Give the beginning of the tags of a suite's images."""
    return "" if suite == recipe.SUITE else f"{suite}-"


def settings(suite: str = recipe.SUITE) -> Mapping[str, object]:
    """Give the image's configuration, as OCI names its parts."""
    return {
        "Cmd": list(COMMAND),
        "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "Labels": {LABEL: recipe.key(suite)},
        "StopSignal": STOP_SIGNAL,
        "Volumes": {volume: {} for volume in VOLUMES},
    }


def archive(workshop: Workshop, root: Path) -> Path:
    """Write a tree as an archive for ``docker load``.

    It is not compressed: an engine loads it so in two thirds of the time.

    The format is that of ``docker save``
    (https://github.com/moby/docker-image-spec/blob/main/spec.md, "Combined Image JSON + Filesystem
    Changeset Format"), which engines of every age read. (``docker import`` takes a bare tree, but
    engines before 23 refuse to set the stop signal then.)

    :raises BoxError: the tree cannot be read.
    """
    layer = workshop.place / "layer.tar"
    workshop.run(
        [
            *("tar", "--create", "--file", layer, "--directory", root, "--numeric-owner", "--one-file-system"),
            *("--sort=name", "--xattrs", "--xattrs-include=security.capability"),
            *(f"--exclude={path}" for path in _NOT_TAKEN),
            ".",
        ],
        failed="The node image cannot be written",
        timeout=300,
    )
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    config = _json(
        {
            "architecture": workshop.arch.name,
            "os": "linux",
            "created": oci.CREATED,
            "config": settings(workshop.suite),
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "history": [{"created": oci.CREATED, "created_by": f"labgen: Debian {workshop.suite}"}],
        }
    )
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = _json([{"Config": config_name, "RepoTags": [name(workshop.suite)], "Layers": ["layer.tar"]}])
    target = workshop.place / "node.tar"
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT) as tar:
        for part, text in {"manifest.json": manifest, config_name: config}.items():
            entry = tarfile.TarInfo(part)
            entry.size, entry.mode = len(text), 0o644
            tar.addfile(entry, io.BytesIO(text))
        entry = tarfile.TarInfo("layer.tar")
        entry.size, entry.mode = layer.stat().st_size, 0o644
        with layer.open("rb") as content:
            tar.addfile(entry, content)
    layer.unlink()
    return target


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
