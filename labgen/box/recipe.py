"""What a box is made of, as data, and the key under which a finished one is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

SUITE = "bookworm"
"""Debian 12."""

ARCH = "amd64"

DISK_GIB = 8
"""Virtual size of the disk, GiB. The file system fills it; the file on this computer is sparse."""

FILES = Path(__file__).parent / "files"
"""What is put into boxes and images as it is."""

PROGRAMS: Mapping[str, str] = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "extlinux": "extlinux",
    "qemu-img": "qemu-utils",
    "skopeo": "skopeo",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "chroot": "coreutils",
    "apt-get": "apt",
}
"""Programs this computer needs to build a box -> the Debian package each comes in."""

MBR = Path("/usr/lib/syslinux/mbr/mbr.bin")
"""Boot code for the first 440 bytes of the disk (package syslinux-common)."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""The keys Debian signs its releases with; Ubuntu does not have them unasked."""

PACKAGES: tuple[str, ...] = (
    *sorted({package for package in PROGRAMS.values() if package not in {"util-linux", "coreutils", "apt"}}),
    "syslinux-common",
    "debian-archive-keyring",
)
"""Debian packages this computer needs to build a box; none of them starts a service."""

GUEST_PACKAGES: tuple[str, ...] = (
    # boots: this kernel has virtio, ata_piix, overlay, vxlan and ip_vs
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "lz4",
    "kmod",
    "udev",
    "systemd-sysv",
    "dbus",
    # is found and reached
    "netplan.io",
    "systemd-resolved",
    "libnss-myhostname",
    "openssh-server",
    "sudo",
    "ca-certificates",
    # runs containers
    "docker.io",
    "docker-registry",
    "apparmor",
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
"""What a machine of the lab has installed, beside Debian's required packages."""

EXCLUDED: tuple[str, ...] = (
    "/usr/share/man/*",
    "/usr/share/info/*",
    "/usr/share/locale/*",
    "/usr/share/doc/*",
)
"""Files of packages that a machine of the lab does without; licences stay."""

KEPT: tuple[str, ...] = ("/usr/share/doc/*/copyright",)

# Where Debian is downloaded from. A suite leaves the first for the second some years after its end.
MIRRORS: tuple[str, ...] = ("http://deb.debian.org/debian", "http://archive.debian.org/debian")
SECURITY_MIRRORS: tuple[str, ...] = (
    "http://deb.debian.org/debian-security",
    "http://archive.debian.org/debian-security",
)


def key() -> str:
    """Name of what the recipe makes: the same for the same suite, architecture, code and files."""
    digest = hashlib.sha256(f"{SUITE} {ARCH}".encode())
    for path in _sources():
        content = path.read_bytes()
        # Length first: no two different sets of files may read as one stream.
        digest.update(f"\n{path.relative_to(FILES.parent).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:12]


def _sources() -> Iterator[Path]:
    for path in sorted(FILES.parent.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
            yield path
