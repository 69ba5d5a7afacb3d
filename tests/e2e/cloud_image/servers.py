"""What the test serves: the image on 127.0.0.1, and on the lab's own network Debian's packages and an image registry.

The network namespace of a lab with a daemon of its own has no way out. A socket that is opened inside stays there,
while its connections are served by threads outside, which have one.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import re
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.images import build_host, cache, recipe, registry, substitutes
from labgen.images.build_context import Workshop
from labgen.images.container_images import IMAGES
from labgen.images.recipe import AMD64, Architecture

GATEWAY = "10.0.2.1"
"""This computer's address on the lab's network, in the lab's namespace."""
MIRROR = f"http://{GATEWAY}:3142"
REGISTRY = f"http://{GATEWAY}:5000"

_UPSTREAM = recipe.MIRRORS[0].removesuffix("/debian")
_CLONE_NEWNET = 0x40000000


def lab_file(image: Path, server_url: str, *settings: str) -> str:
    """Compose the lab.yml of a lab on an image that is served, with its images of the registry here.

    :param settings: lines to begin with: ``name: cloud``.
    """
    with image.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    box = ("box:", "  image: debian-13", f"  url: {server_url}/{image.name}", f"  checksum: {checksum}")
    return "\n".join([*settings, *box, "registry:", f"  mirror: {REGISTRY}", ""])


class ImageServer(ThreadingHTTPServer):
    """Serves a folder on 127.0.0.1, is the proxy of everything else, and notes what is asked.

    :ivar requests: a line for each request: ``GET /image.qcow2``, ``CONNECT cloud.debian.org:443``.
    """

    def __init__(self, folder: Path) -> None:
        self.requests: list[str] = []
        super().__init__(("127.0.0.1", 0), functools.partial(_FolderHandler, directory=str(folder)))

    @property
    def url(self) -> str:
        """Its address, which ends in no slash."""
        return f"http://127.0.0.1:{self.server_port}"


class _FolderHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give a file of the folder; nothing from another server."""
        self._note()
        if self.path.startswith("/"):
            super().do_GET()
        else:
            self.send_error(HTTPStatus.FORBIDDEN)

    def do_CONNECT(self) -> None:
        """Refuse to connect to another server."""
        self._note()
        self.send_error(HTTPStatus.FORBIDDEN)

    def _note(self) -> None:
        assert isinstance(self.server, ImageServer)
        self.server.requests.append(f"{self.command} {self.path}")


class _MirrorServer(ThreadingHTTPServer):
    """A mirror of Debian's packages that fetches, once, what is asked for.

    :ivar downloads: names of the packages that were asked for.
    """

    address_family = socket.AF_INET

    def __init__(self, listener: socket.socket, store: Path) -> None:
        self.store, self.lock = store, threading.Lock()
        self.downloads: list[str] = []
        super().__init__(listener.getsockname(), _MirrorHandler, bind_and_activate=False)
        self.socket.close()
        self.socket = listener

    def file(self, path: str) -> Path | None:
        """Get a file of the mirror, ``None`` if it has none of that path."""
        if not re.fullmatch(r"/debian(-security)?(/[\w.+~:%=-]+)+", path) or ".." in path:
            return None
        file = self.store / path.lstrip("/")
        with self.lock:
            if not file.is_file() or "/dists/" in path:
                file.parent.mkdir(parents=True, exist_ok=True)
                # apt's own downloader knows apt's proxy.
                helper = ("/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "download-file")
                part = file.with_name(f"{file.name}.part")
                if not Runner().run([*helper, f"{_UPSTREAM}{path}", part], timeout=120).ok:
                    return None
                part.replace(file)
            if path.endswith(".deb"):
                self.downloads.append(path.rpartition("/")[2])
        return file


class _MirrorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give a file of the mirror."""
        assert isinstance(self.server, _MirrorServer)
        file = self.server.file(self.path)
        if file is None:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.end_headers()
        with file.open("rb") as source:
            shutil.copyfileobj(source, self.wfile)


@contextlib.contextmanager
def image_server(folder: Path) -> Iterator[ImageServer]:
    """Serve a folder on 127.0.0.1."""
    with ImageServer(folder) as server, _serving(server):
        yield server


@contextlib.contextmanager
def on_lab_network(namespace: str, storage: Path) -> Iterator[list[str]]:
    """Serve packages and images to the nodes of a lab; gives the list of packages that they fetch.

    :param namespace: the lab's network namespace.
    :param storage: of the registry; see :func:`registry_storage`.
    """
    place = cache.default().parent / "test-images" / "mirror"
    with (
        tempfile.TemporaryDirectory() as scratch,
        _MirrorServer(_listener(namespace, 3142), place) as mirror,
        _serving(mirror),
    ):
        config = Path(scratch) / "registry.yml"
        config.write_text(registry.configuration(str(storage), 5000).replace("127.0.0.1", GATEWAY), encoding="utf-8")
        inside = ("nsenter", f"--net=/run/netns/{namespace}", "setpriv", "--pdeathsig", "TERM")
        pid = Runner().start([*inside, "docker-registry", "serve", config], log=Path(scratch) / "log")
        try:
            wait_until("the registry", lambda: _answers([*inside[:2], "curl", "-sf", f"{REGISTRY}/v2/"]), within=60)
            yield mirror.downloads
        finally:
            os.kill(pid, 15)
            os.waitpid(pid, 0)


def registry_storage(arch: Architecture = AMD64, names: frozenset[str] = frozenset({"nginx"})) -> Path:
    """Give the storage of a registry that holds stand-ins of the course's images, made if it is not there yet.

    :param names: of the images.
    """
    suffix = "" if arch is AMD64 else f"-{arch.name}"
    target = cache.default().parent / "test-images" / f"registry-{recipe.key()}{suffix}-{'-'.join(sorted(names))}"
    if target.is_dir():
        return target
    cache.prepare(target.parent)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        place = Path(scratch)
        (place / "storage").mkdir()
        workshop = Workshop(Runner(), Progress(), place, place / "build.log", arch)
        config = place / "registry.yml"
        with registry.running(
            workshop, str(place / "storage"), config, ["docker-registry", "serve", config]
        ) as running:
            for image in (image for image in IMAGES if image.name in names):
                layout = substitutes.make(workshop, build_host.apt(workshop.runner), image)
                registry.store(workshop, f"oci:{layout}", running.target(image))
        (place / "storage").replace(target)
    return target


def _answers(argv: Sequence[str]) -> None:
    if not Runner().run(argv).ok:
        raise NotYet("it does not answer")


@contextlib.contextmanager
def _serving(server: ThreadingHTTPServer) -> Iterator[None]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


def _listener(namespace: str, port: int) -> socket.socket:
    """Open a listening socket in a network namespace."""
    listeners: list[socket.socket] = []
    reasons: list[OSError] = []

    def listen() -> None:  # a thread of its own, because it stays in the namespace
        try:
            with Path(f"/run/netns/{namespace}").open("rb") as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            listeners.append(socket.create_server((GATEWAY, port)))
        except OSError as why:
            reasons.append(why)

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    if reasons:
        raise reasons[0]
    return listeners[0]
