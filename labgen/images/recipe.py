"""What boxes and the node image are made of, as data, and the key under which finished ones are kept."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from labgen.host.debian import DOCKER_CLI_INSIDE

SUITE = "bookworm"
"""Debian 12: what boxes are made of, and node images where nothing else is said."""

SUITES: Mapping[str, str] = {
    SUITE: "Debian 12, engine 20.10",
    "trixie": "Debian 13, engine 26.1",
    "sid": "Debian's next, with its newest engine",
}
"""Releases of Debian that a node image can be made of."""

ROLLING: frozenset[str] = frozenset({"sid"})
"""Of these, those that have no updates of their own: there is only what is newest."""


@dataclass(frozen=True)
class Architecture:
    """A processor's, and what Debian has named after it.

    :param name: as Debian, Docker and Vagrant name it.
    :param machines: as ``uname -m`` names it, here and there.
    :param triplet: name of the directories of libraries.
    :param loader: path of what loads programs' shared libraries.
    """

    name: str
    machines: frozenset[str]
    triplet: str
    loader: str


AMD64 = Architecture("amd64", frozenset({"x86_64", "AMD64"}), "x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2")
ARM64 = Architecture(
    "arm64", frozenset({"aarch64", "arm64", "ARM64"}), "aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1"
)

ARCHITECTURES: Mapping[str, Architecture] = {architecture.name: architecture for architecture in (AMD64, ARM64)}
"""Architectures a node image can be made for. The disks of the boxes are for amd64 only."""


def here() -> Architecture | None:
    """Give this computer's architecture, ``None`` if nothing can be built for it."""
    return next(
        (architecture for architecture in ARCHITECTURES.values() if platform.machine() in architecture.machines), None
    )


DISK_GIB = 8
"""Virtual size of the disk, GiB. The file system fills it; the file on this computer is sparse."""

FILES = Path(__file__).parent / "files"
"""What is put into boxes and images as it is."""

TREE_PROGRAMS: Mapping[str, str] = {
    "mmdebstrap": "mmdebstrap",
    "skopeo": "skopeo",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "chroot": "coreutils",
    "apt-get": "apt",
    "tar": "tar",
}
"""Programs this computer needs to make the guest's tree -> the Debian package each comes in."""

PROGRAMS: Mapping[str, str] = {
    **TREE_PROGRAMS,
    "mkfs.ext4": "e2fsprogs",
    "extlinux": "extlinux",
    "qemu-img": "qemu-utils",
}
"""The same for a box: a tree, and a disk of it."""

MBR = Path("/usr/lib/syslinux/mbr/mbr.bin")
"""Boot code for the first 440 bytes of the disk (package syslinux-common)."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys Debian signs its releases with; Ubuntu does not have them unasked."""

PACKAGES: tuple[str, ...] = (
    *sorted({package for package in PROGRAMS.values() if package not in {"util-linux", "coreutils", "apt", "tar"}}),
    "syslinux-common",
    "debian-archive-keyring",
)
"""Debian packages this computer needs to build a box; none of them starts a service."""

GUEST_PACKAGES: tuple[str, ...] = (
    # without it init-system-helpers takes usrmerge, and with it perl, to do what is done already
    "usr-is-merged",
    "systemd-sysv",
    "dbus",
    # is found and reached
    "libnss-myhostname",
    "openssh-server",
    "sudo",
    "ca-certificates",
    # runs containers
    "docker.io",
    "docker-compose",
    "docker-registry",
    "iptables",
    # is looked at
    "iproute2",
    "net-tools",
    "iputils-ping",
    "procps",
    "curl",
    "less",
    "nano",
    "rsync",
)
"""What every node of the lab has installed, beside Debian's required packages."""

DISK_PACKAGES: tuple[str, ...] = (
    # boots: this kernel has virtio, ata_piix, overlay, vxlan and ip_vs
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "lz4",
    "kmod",
    "udev",
    # confines containers; from inside one the kernel takes no profiles
    "apparmor",
    # sets its own addresses, which a container is given by the engine outside
    "netplan.io",
    "systemd-resolved",
)
"""What only a node with a kernel, and hardware, of its own has."""

EXCLUDED: tuple[str, ...] = (
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/doc/*",
    # of docker.io, for the tests of its network library
    "/usr/bin/dnet",
    "/usr/sbin/ovrouter",
    # of containerd: forerunners of the shim that the engine uses
    "/usr/bin/containerd-shim",
    "/usr/bin/containerd-shim-runc-v1",
)
"""Files of packages that a node of the lab does without; licences stay."""

KEPT: tuple[str, ...] = ("/usr/share/doc/*/copyright",)


@dataclass(frozen=True)
class Form:
    """What the guest is made as: a disk that boots, or a container that is a node.

    :param packages: what is installed.
    :param trees: directories under :data:`FILES` laid over it.
    :param scripts: run at the end, in this order, with the guest's root and :data:`FILES`.
    :param early: of the trees, what is there before the packages.
    """

    packages: tuple[str, ...]
    trees: tuple[str, ...]
    scripts: tuple[str, ...]
    early: tuple[str, ...] = ()


DISK = Form(
    packages=(*GUEST_PACKAGES, *DISK_PACKAGES),
    trees=("guest", "disk"),
    scripts=("setup.sh", "setup-disk.sh"),
    # The kernel's package makes its initramfs while it is installed.
    early=("etc/initramfs-tools", "usr/share/initramfs-tools"),
)
NODE = Form(packages=GUEST_PACKAGES, trees=("guest", "node"), scripts=("setup.sh", "setup-node.sh"))


def node_form(suite: str = SUITE) -> Form:
    """Give the guest of a node image made of a suite."""
    return NODE if suite in DOCKER_CLI_INSIDE else replace(NODE, packages=(*NODE.packages, "docker-cli"))


# Where Debian is downloaded from. A suite leaves the first for the second some years after its end.
MIRRORS: tuple[str, ...] = ("http://deb.debian.org/debian", "http://archive.debian.org/debian")
SECURITY_MIRRORS: tuple[str, ...] = (
    "http://deb.debian.org/debian-security",
    "http://archive.debian.org/debian-security",
)


def key(suite: str = SUITE) -> str:
    """Name what the recipe makes: the same for the same suite, code and files."""
    digest = hashlib.sha256(suite.encode())
    for path in _sources():
        content = text(path)
        # Length first: no two different sets of files may read as one stream.
        digest.update(f"\n{path.relative_to(FILES.parent).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def text(path: Path) -> bytes:
    """Give a file for the guest, with the line ends Linux knows: a checkout on Windows may have others."""
    return path.read_bytes().replace(b"\r\n", b"\n")


def _sources() -> Iterator[Path]:
    # By their names as text: paths of Windows are ordered without regard to upper and lower case.
    for path in sorted(FILES.parent.rglob("*"), key=lambda path: path.parts):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path
