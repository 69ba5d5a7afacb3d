"""This computer, as the doctor sees it: the one way its checks look at anything.

Nothing here judges. Tests put recorded answers in the place of :class:`Host`.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import hashlib
import os
import platform
import queue
import shutil
import socket
import threading
import zlib
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path, PureWindowsPath
from typing import Literal, Protocol

from labgen.core.atomic_files import home
from labgen.core.errors import ProgramMissing, ProgramTimeout
from labgen.core.process import Result, Runner
from labgen.model.lab import CloudImageSource

NOT_INSTALLED = 127
LATE = 124
"""Exit statuses of programs that were not there or did not end in time, as a shell would give them."""

_ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class Images(Protocol):
    """What is asked of the boxes and node images that labgen builds (:mod:`labgen.images`)."""

    @property
    def built(self) -> _Built:
        """Give the file that was built for a provider."""

    @property
    def node_image(self) -> Callable[[str], str]:
        """Give the name of the node image of a suite."""

    @property
    def packages(self) -> Callable[[str], tuple[str, ...]]:
        """Give the Debian packages that building for a provider takes."""


class CloudBoxes(Protocol):
    """What is asked of the boxes that labgen makes of cloud images (:mod:`labgen.boxes`)."""

    @property
    def made(self) -> Callable[[CloudImageSource, str], Path | None]:
        """Give the box that was made of an image for a provider."""

    @property
    def addresses(self) -> Callable[[CloudImageSource], tuple[str, ...]]:
        """Give the addresses from which an image can be downloaded."""


class _Built(Protocol):
    def __call__(self, provider: str, *, suite: str) -> Path | None: ...


class Host:
    """This computer.

    :param runner: starts the programs.
    :param folder: the lab's folder, in which Vagrant keeps ``.vagrant``; the working directory
        where ``None``.
    :param images: boxes and node images that labgen builds; none where ``None``.
    :param boxes: boxes that labgen makes of cloud images; none where ``None``.
    """

    def __init__(
        self,
        runner: Runner | None = None,
        folder: Path | None = None,
        images: Images | None = None,
        boxes: CloudBoxes | None = None,
    ) -> None:
        self._runner = runner or Runner()
        self._folder = folder or Path.cwd()
        self._images = images
        self._boxes = boxes
        self._asked: dict[tuple[str, ...], Future[Result]] = {}
        self._lock = threading.Lock()

    def system(self) -> str:
        """``Linux``, ``Darwin`` or ``Windows``."""
        return platform.system()

    def machine(self) -> str:
        """Architecture of the processor, as boxes name it: ``amd64``, ``arm64``."""
        if platform.system() == "Darwin" and "ARM64" in platform.version():
            return "arm64"  # a Python for Intel, run by Rosetta, would say x86_64
        plain = platform.machine().lower()
        return _ARCHITECTURES.get(plain, plain)

    def is_root(self) -> bool:
        """Tell whether this is root; always ``False`` on Windows."""
        return hasattr(os, "geteuid") and os.geteuid() == 0

    def cpus(self) -> int:
        """Logical processors."""
        return os.cpu_count() or 1

    def env(self, name: str) -> str:
        """Give a variable of the environment; empty where it is not set."""
        return os.environ.get(name, "")

    def home(self) -> Path:
        """Give the user's home."""
        return home()

    def folder(self) -> Path:
        """Give the lab's folder."""
        return self._folder

    def which(self, program: str) -> str | None:
        """Full path of a program, or ``None``."""
        return self._runner.which(program)

    def run(self, *argv: str, timeout: float = 10.0) -> Result:
        """Run a program and give what it says; the same command is run once, however many checks ask for it.

        A program that is missing or late gives the status :data:`NOT_INSTALLED` or :data:`LATE`.
        """
        with self._lock:
            answer = self._asked.get(argv)
            mine = answer is None
            if answer is None:
                answer = self._asked[argv] = Future()
        if mine:
            try:
                answer.set_result(self._run(argv, timeout))
            except BaseException as why:
                answer.set_exception(why)
                raise
        return answer.result()

    def forget(self) -> None:
        """Forget every answer, so that it is asked again: something on this computer has changed."""
        with self._lock:
            self._asked.clear()

    def _run(self, argv: tuple[str, ...], timeout: float) -> Result:
        try:
            return self._runner.run(argv, timeout=timeout)
        except ProgramMissing as why:
            return Result(argv, NOT_INSTALLED, "", why.message)
        except ProgramTimeout as why:
            return Result(argv, LATE, "", why.message)

    def follow(self, *argv: str, on_line: Callable[[str], None], timeout: float) -> Result:
        """Run a program that changes something, each line of its output handed on as it comes.

        :raises HostError: it is missing, or did not end in time.
        """
        return self._runner.run(argv, timeout=timeout, on_line=on_line)

    def read(self, path: Path) -> str | None:
        """Text of a file, unpacked where its name ends in .gz, or ``None`` where it cannot be read."""
        try:
            content = path.read_bytes()
            return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8", "replace")
        except (OSError, EOFError, zlib.error):
            return None

    def exists(self, path: Path) -> bool:
        """Tell whether there is such a file or folder."""
        try:
            return path.exists()
        except OSError:
            return False

    def names(self, folder: Path) -> tuple[str, ...]:
        """List the names in a folder, sorted; none where it cannot be read."""
        try:
            return tuple(sorted(entry.name for entry in folder.iterdir()))
        except OSError:
            return ()

    def opens(self, device: Path) -> Literal["yes", "absent", "denied"]:
        """Tell whether a device can be opened for reading and writing."""
        try:
            os.close(os.open(device, os.O_RDWR))
        except PermissionError:
            return "denied"
        except OSError:
            return "absent"
        return "yes"

    def disk_free(self, path: Path) -> int | None:
        """Free space in MiB where ``path`` is, or where it will be made."""
        for place in (path, *path.parents):
            with contextlib.suppress(OSError):
                return shutil.disk_usage(place).free // 2**20
        return None

    def memory(self) -> tuple[int, int] | None:
        """Memory and what of it is available, in MiB, or ``None`` where the system does not tell."""
        import psutil  # 10 ms, which only the doctor pays

        try:
            status = psutil.virtual_memory()
        except (psutil.Error, OSError, RuntimeError, ValueError, KeyError):
            return None
        return status.total // 2**20, status.available // 2**20

    def port(self, number: int) -> Literal["free", "taken", "denied"]:
        """Tell whether a TCP port of 127.0.0.1 can be bound."""
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if os.name == "posix":
                # Else a port on which a connection was closed a moment ago would look taken.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except PermissionError:
                # Windows says so of a port that a program holds for itself alone, or that Hyper-V keeps.
                return "denied" if os.name == "posix" else "taken"
            except OSError as why:
                return "denied" if why.errno == errno.EACCES else "taken"
        return "free"

    def reaches(self, name: str, port: int, within: float = 2.0) -> bool:
        """Tell whether a TCP connection comes about.

        :param within: deadline in seconds, name look-up included: a resolver that does not answer
            would otherwise keep us for half a minute.
        """
        answer: queue.SimpleQueue[bool] = queue.SimpleQueue()

        def knock() -> None:
            try:
                socket.create_connection((name, port), within).close()
            except OSError:
                answer.put(False)
            else:
                answer.put(True)

        threading.Thread(target=knock, daemon=True).start()
        try:
            return answer.get(timeout=within)
        except queue.Empty:
            return False

    def http_status(self, url: str, within: float = 8.0) -> int | None:
        """Ask a web server for a file, and give the status of its answer; ``None`` if it does not answer.

        Proxies of the environment are used, as Vagrant and labgen's own downloads use them.
        """
        from labgen.core.web import status

        answer: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        threading.Thread(target=lambda: answer.put(status(url, within)), daemon=True).start()
        try:
            return answer.get(timeout=within)
        except queue.Empty:
            return None

    def sha256(self, path: Path) -> str:
        """Compute the SHA-256 of a file, in hexadecimal; empty if it cannot be read."""
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            return ""

    def cloud_box(self, source: CloudImageSource, provider: str) -> bool:
        """Tell whether ``labgen box make`` has made the box of a cloud image for this provider."""
        return self._boxes is not None and self._boxes.made(source, provider) is not None

    def cloud_image_addresses(self, source: CloudImageSource) -> tuple[str, ...]:
        """Give the addresses from which a cloud image can be downloaded."""
        return () if self._boxes is None else self._boxes.addresses(source)

    def built_box(self, provider: str, suite: str = "bookworm") -> bool:
        """Tell whether ``labgen box build`` has made a box for this provider; a node image, of this suite."""
        return self._images is not None and self._images.built(provider, suite=suite) is not None

    def node_image(self, suite: str = "bookworm") -> str | None:
        """Give the image of a node that ``labgen`` starts containers from, as a Docker engine names it."""
        return None if self._images is None else self._images.node_image(suite)

    def box_packages(self, provider: str) -> tuple[str, ...]:
        """Debian packages that ``labgen box build`` needs for this provider."""
        return () if self._images is None else self._images.packages(provider)


def find_vboxmanage(host: Host) -> str | None:
    """VBoxManage; on Windows its installer does not put it on PATH, but leaves a variable."""
    program_path = host.which("VBoxManage")
    if program_path or host.system() != "Windows":
        return program_path
    folders = (
        host.env("VBOX_MSI_INSTALL_PATH"),
        host.env("VBOX_INSTALL_PATH"),
        r"C:\Program Files\Oracle\VirtualBox",
    )
    for folder in filter(None, folders):
        program = str(PureWindowsPath(folder) / "VBoxManage.exe")
        if host.exists(Path(program)):
            return program
    return None
