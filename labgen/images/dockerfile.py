"""The node image as an engine builds it, where it reaches Docker Hub: neither root nor Debian is needed for it.

What the image holds is what a tree made here holds (:mod:`labgen.images.rootfs`): the same packages, the
same files, set up by the same scripts.
"""

from __future__ import annotations

import json
import shlex
import tempfile
from pathlib import Path

from labgen.core.errors import BoxError, HostError
from labgen.core.i18n import _
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.images import node, recipe, registry, rootfs
from labgen.images.container_images import IMAGES
from labgen.images.recipe import Architecture

_WITHIN = 1800.0
"""Deadline of a build, seconds. Mostly it waits for 100 MB of packages and 100 MB of images."""

_PORT = 25000
"""Of the registry that is filled while the image is built; nothing else runs there."""

_STORAGE = f"/{registry.STORAGE}"
_TOOLS = ("ca-certificates", "docker-registry", "skopeo")


def base(suite: str = recipe.SUITE) -> str:
    """Name the image that the node image starts from: Debian's own, on Docker Hub."""
    return f"debian:{suite}-slim"


def build(
    engine: Runner,
    arch: Architecture,
    *,
    progress: Progress,
    log: Path,
    hub: str = registry.HUB,
    network: str | None = None,
    suite: str = recipe.SUITE,
) -> None:
    """Let an engine build the image of today's recipe.

    :param engine: runs ``docker`` so that it reaches the engine.
    :param arch: the engine's.
    :param log: where what the engine says is written.
    :param hub: where the course's images come from, as skopeo names it; plain HTTP is spoken with the
        loopback only.
    :param network: of the build's containers, where not the engine's usual one.
    :param suite: the release of Debian that it is made of.
    :raises BoxError: a step of it fails; the message has the end of what the engine said.
    """
    with tempfile.TemporaryDirectory(prefix="labgen-") as place, log.open("w", encoding="utf-8") as sink:
        context(Path(place), arch, hub, suite)

        def line(text: str) -> None:
            sink.write(text + "\n")
            sink.flush()
            progress.detail(text.strip())

        chosen = [f"--network={network}"] if network else []
        try:
            result = engine.run(
                ["docker", "build", "--tag", node.name(suite), *chosen, place],
                env={"BUILDKIT_PROGRESS": "plain"},
                timeout=_WITHIN,
                on_line=line,
            )
        except HostError as late:
            raise BoxError(late.words, _("Its whole output is in %(log)s.", log=log)) from late
    if not result.ok:
        tail = "\n".join(f"      {text}" for text in result.out.strip().splitlines()[-8:])
        raise BoxError(
            _("`docker build` ended with status %(status)s.\n%(tail)s", status=result.status, tail=tail),
            _("Its whole output is in %(log)s.", log=log),
        )


def context(place: Path, arch: Architecture, hub: str, suite: str = recipe.SUITE) -> None:
    """Write what a build is made from into a directory.

    Files for the guest travel as an archive: that keeps owners and modes, also on Windows, which has none.
    """
    scripts = place / "labgen"
    scripts.mkdir()
    for name in (*recipe.NODE.scripts, "vagrant.pub"):
        (scripts / name).write_bytes(recipe.text(recipe.FILES / name))
    texts = {
        "Dockerfile": text(suite),
        "fill.sh": filling(arch, hub),
        "registry.yml": registry.configuration(_STORAGE, _PORT),
        "dpkg.cfg": "".join(f"{option}\n" for option in rootfs.dpkg_options()),
    }
    for name, content in texts.items():
        (place / name).write_bytes(content.encode())
    (place / "overlay.tar").write_bytes(rootfs.tree(recipe.NODE, suite=suite))


def text(suite: str = recipe.SUITE) -> str:
    """Write the Dockerfile. Builders of every age read it: nothing in it is younger than Docker 17.09."""
    setup = [f"sh /labgen/{script} / /labgen" for script in recipe.NODE.scripts]
    (label, value), (command, volumes) = (node.LABEL, recipe.key(suite)), (node.COMMAND, node.VOLUMES)
    lines = [
        "# Written by labgen: the image of a node.",
        f"FROM {base(suite)} AS images",
        f"RUN {_installing(_TOOLS)}",
        "COPY fill.sh registry.yml /labgen/",
        "RUN bash /labgen/fill.sh",
        "",
        f"FROM {base(suite)}",
        "COPY dpkg.cfg /etc/dpkg/dpkg.cfg.d/labgen",
        f"RUN {_installing(recipe.node_form(suite).packages)}",
        "ADD overlay.tar /",
        "COPY labgen /labgen",
        f"RUN {' && '.join([*setup, 'rm -rf /labgen'])}",
        f"COPY --from=images --chown=docker-registry:docker-registry {_STORAGE} {_STORAGE}",
        f"LABEL {label}={json.dumps(value)}",
        f"STOPSIGNAL {node.STOP_SIGNAL}",
        f"VOLUME {json.dumps(volumes)}",
        f"CMD {json.dumps(command)}",
    ]
    return "\n".join(lines) + "\n"


def filling(arch: Architecture, hub: str) -> str:
    """Give the script that fills the registry: it copies each image from the hub, of several architectures one."""
    running = registry.Registry(f"127.0.0.1:{_PORT}")
    lines = [
        "set -eu",
        f"mkdir -p {_STORAGE}",
        "docker-registry serve /labgen/registry.yml &",
        # A door to knock at that needs no program: bash opens it.
        f"for try in $(seq 100); do (: < /dev/tcp/127.0.0.1/{_PORT}) 2> /dev/null && break; sleep 0.1; done",
        *(shlex.join(registry.copying(registry.origin(hub, image), running.target(image), arch)) for image in IMAGES),
        "kill $!",
        # What uploads leave behind.
        f"find {_STORAGE} -name _uploads -prune -exec rm -rf {{}} +",
    ]
    return "\n".join(lines) + "\n"


def _installing(packages: tuple[str, ...]) -> str:
    options = ("--yes", "--quiet", "--no-install-recommends", "-o", "Acquire::Retries=3")
    return " && ".join(
        [
            "export DEBIAN_FRONTEND=noninteractive",
            "apt-get --quiet update",
            shlex.join(["apt-get", "install", *options, *packages]),
            "apt-get clean",
            "rm -rf /var/lib/apt/lists/*",
        ]
    )
