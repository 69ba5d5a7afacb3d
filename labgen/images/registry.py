"""The registry inside a box or a node image: run here for a moment, filled with the course's images."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen.core.errors import BoxError, HostError
from labgen.core.i18n import _
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.images.build_context import Workshop
from labgen.images.container_images import IMAGES, Image
from labgen.images.recipe import Architecture

HUB = "docker.io"
"""Docker Hub, as skopeo names it."""

STORAGE = "var/lib/docker-registry"
"""Where the guest's registry keeps its images."""

_CONFIG = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {storage}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True)
class Registry:
    """A registry that runs on this computer's loopback.

    :param address: ``127.0.0.1:PORT``.
    """

    address: str

    def target(self, image: Image) -> str:
        """Give where an image goes, as skopeo names it."""
        return origin(self.address, image)


def source_images(hub: str | None, *, runner: Runner, within: float = 8.0) -> Mapping[str, str | None]:
    """Find where each image of the course comes from: reference -> the hub's copy, as skopeo names it.

    ``None`` in its place means a stand-in.

    A hub that does not answer the first question in time is asked no other: without a network each
    would wait for its deadline.

    :param hub: ``docker.io``, ``127.0.0.1:5001`` or ``None`` for stand-ins only; plain HTTP is spoken
        with the loopback only.
    :param within: seconds the hub has to answer.
    """
    sources: dict[str, str | None] = {image.reference: None for image in IMAGES}
    if hub is None:
        return sources
    for image in IMAGES:
        theirs = origin(hub, image)
        try:
            answer = runner.run(["skopeo", "inspect", "--raw", f"--tls-verify={_tls(theirs)}", theirs], timeout=within)
        except HostError:
            break
        if answer.ok:
            sources[image.reference] = theirs
        elif "unknown" not in answer.err:  # it has no such image: the others may be there
            break
    return sources


def fill(
    workshop: Workshop,
    registry: Registry,
    sources: Mapping[str, str | None],
    stand_in: Callable[[Image], Path],
) -> None:
    """Put every image into a registry, from its source or as its stand-in.

    Images are stored in Docker's own format (schema 2), which every engine pulls.

    :param stand_in: makes one, as an OCI layout; also called when a source fails half-way.
    :raises BoxError: an image cannot be stored.
    """
    for image in IMAGES:
        theirs = sources[image.reference]
        if theirs is not None:
            try:
                store(workshop, theirs, registry.target(image))
            except BoxError as failed:
                workshop.progress.note(
                    _(
                        "%(reference)s: %(problem)s; labgen uses a stand-in",
                        reference=image.reference,
                        problem=failed.message.splitlines()[0],
                    )
                )
            else:
                continue
        store(workshop, f"oci:{stand_in(image)}", registry.target(image))


@contextlib.contextmanager
def running(workshop: Workshop, storage: str, config: Path, serve: Sequence[str | Path]) -> Iterator[Registry]:
    """Run a registry on a free port of the loopback; it ends on leaving, and by the kernel if labgen is killed.

    :param storage: its directory, as the registry itself sees it.
    :param config: where to write its configuration.
    :param serve: the command that starts it.
    :raises BoxError: it does not answer.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config.write_text(configuration(storage, port), encoding="utf-8")
    config.chmod(0o644)
    pid = workshop.runner.start(["setpriv", "--pdeathsig", "TERM", *serve], log=workshop.log)
    try:
        wait_until(
            f"the registry on 127.0.0.1:{port}",
            lambda: _answers(port, pid, workshop.log),
            within=30,
            every=0.1,
            error=BoxError,
            hint=f"Its output is in {workshop.log}.",
        )
        yield Registry(f"127.0.0.1:{port}")
    finally:
        _end(pid)
        config.unlink(missing_ok=True)


def configuration(storage: str, port: int) -> str:
    """Write a registry's configuration: what it stores, and the loopback's port it listens on."""
    return _CONFIG.format(storage=storage, port=port)


def in_guest(workshop: Workshop, root: Path) -> contextlib.AbstractContextManager[Registry]:
    """Start the guest's own registry program, on its own storage with its own user."""
    config = root / "run/labgen-registry.yml"
    program = ("/usr/bin/docker-registry", "serve", "/run/labgen-registry.yml")
    serve: list[str | Path] = ["chroot", "--userspec=docker-registry", root, *program]
    return running(workshop, f"/{STORAGE}", config, serve)


def tidy(root: Path) -> None:
    """Remove what uploads leave in a registry's storage."""
    for uploads in (root / STORAGE).rglob("_uploads"):
        shutil.rmtree(uploads)


def store(workshop: Workshop, origin: str, target: str) -> None:
    """Copy an image into a registry; both are named as skopeo names them.

    :raises BoxError: it cannot be read or stored.
    """
    name = target.rpartition("/")[2]
    workshop.run(copying(origin, target, workshop.arch), failed=f"The image {name} cannot be stored", timeout=600)


def copying(origin: str, target: str, arch: Architecture) -> tuple[str, ...]:
    """Give the command that copies an image: of several architectures, one."""
    return (
        *("skopeo", "--insecure-policy", "--override-os", "linux", "--override-arch", arch.name),
        *("copy", "--format", "v2s2", f"--src-tls-verify={_tls(origin)}", "--dest-tls-verify=false"),
        *(origin, target),
    )


def origin(hub: str, image: Image) -> str:
    """Name an image in a hub as skopeo does."""
    return f"docker://{hub}/{image.repository}:{image.tag}"


def _tls(name: str) -> str:
    return "false" if name.startswith("docker://127.") else "true"


def _answers(port: int, pid: int, log: Path) -> None:
    # No proxy: the way to this computer's own loopback leads through none.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://127.0.0.1:{port}/v2/", timeout=5):
            return
    except (OSError, urllib.error.URLError) as error:
        if _ended(pid):
            raise BoxError(
                _("The registry ended right after its start."), _("Its output is in %(log)s.", log=log)
            ) from error
        raise NotYet(str(error)) from error


def _ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return True


def _end(pid: int) -> None:
    def gone() -> None:
        if not _ended(pid):
            raise NotYet("it still runs")

    if _ended(pid):
        return
    os.kill(pid, signal.SIGTERM)
    wait_until("the registry's end", gone, within=20, every=0.05, error=BoxError)
