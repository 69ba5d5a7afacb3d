"""Makes a disk image that is like Debian's own cloud image, of Debian's packages, without loop devices.

Like it: Debian 13 with its cloud kernel, cloud-init, netplan and the file with which Debian has every adapter ask for
an address, GPT with BIOS and EFI boot, the root file system last so that it can grow; no user, no key, no host key, no
engine, apt's timers on. Unlike it: a package list of our own, and apt's mirror is what the test serves on the lab's
network (:mod:`tests.e2e.cloud_image.servers`), because nodes of the test have no other way out.

Run: ``python -m tests.e2e.cloud_image.maker`` as root on Debian; prints where the image is. It is kept under a key of
this file, the list of packages included.
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from labgen.core.process import Runner
from labgen.images import build_host, cache, recipe
from tests.e2e.cloud_image.servers import MIRROR

SUITE = "trixie"
LABEL = "cloudimg-root"
SIZE_MIB = 3072
BIOS_MIB, EFI_MIB = (1, 2), (2, 66)
"""From, to: the partition of GRUB for BIOS, and the one for EFI. The root file system has the rest."""

PACKAGES = (
    *("systemd-sysv", "systemd-resolved", "dbus", "udev", "kmod", "apparmor"),
    *("linux-image-cloud-amd64", "initramfs-tools", "e2fsprogs", "fdisk", "cloud-guest-utils"),
    *("cloud-init", "netplan.io", "openssh-server", "sudo", "ca-certificates", "curl", "iproute2", "iputils-ping"),
    *("procps", "less", "unattended-upgrades"),
)

_FILES = {
    "etc/fstab": f"LABEL={LABEL} / ext4 rw,errors=remount-ro 0 1\n",
    "boot/grub/grub.cfg": f"""\
set timeout=0
menuentry Debian {{
  linux /vmlinuz root=LABEL={LABEL} ro console=tty0 console=ttyS0,115200
  initrd /initrd.img
}}
""",
    # As in Debian's images: it matches the adapter of the lab's network, too.
    "etc/netplan/90-default.yaml": """\
network:
    version: 2
    ethernets:
        all-en:
            match:
                name: en*
            dhcp4: true
            dhcp4-overrides:
                use-domains: true
            dhcp6: true
            dhcp6-overrides:
                use-domains: true
        all-eth:
            match:
                name: eth*
            dhcp4: true
            dhcp4-overrides:
                use-domains: true
            dhcp6: true
            dhcp6-overrides:
                use-domains: true
""",
    "etc/cloud/cloud.cfg.d/01_debian_cloud.cfg": "apt: {preserve_sources_list: true}\nmanage_etc_hosts: true\n",
    "etc/apt/mirrors/debian.list": f"{MIRROR}/debian\n",
    "etc/apt/mirrors/debian-security.list": f"{MIRROR}/debian-security\n",
    "etc/apt/sources.list.d/debian.sources": f"""\
Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian.list
Suites: {SUITE}
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: mirror+file:///etc/apt/mirrors/debian-security.list
Suites: {SUITE}-security
Components: main
Check-Valid-Until: no
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
""",
}
_GRUB = f"search --no-floppy --label --set=root {LABEL}\nset prefix=($root)/boot/grub\nnormal\n"
_MODULES = (
    "part_gpt",
    "ext2",
    "fat",
    "normal",
    "linux",
    "search",
    "search_label",
    "search_fs_uuid",
    "configfile",
    "echo",
)
_SETUP = """\
set -eu
root=$1
rm -f "$root"/etc/ssh/ssh_host_* "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root/etc/hostname" "$root/etc/resolv.conf"
: > "$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root/etc/apt/sources.list"
rm -rf "$root"/var/lib/apt/lists/*
ln -sf /run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
chroot "$root" systemctl --quiet enable systemd-networkd systemd-resolved ssh
chroot "$root" passwd --quiet --lock root
"""


def key() -> str:
    """Name the image: another one after a change of this file."""
    return hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:12]


def image() -> Path:
    """Give the image, made if it is not there yet."""
    target = cache.default().parent / "test-images" / f"cloud-{SUITE}-{key()}.qcow2"
    if not target.is_file():
        cache.prepare(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent) as place:
            _make(Path(place), Runner()).replace(target)
    return target


def _make(place: Path, runner: Runner) -> Path:
    root = _tree(place, runner)
    disk, file_system = place / "disk.raw", place / "root.ext4"
    with disk.open("wb") as sink:
        sink.truncate(SIZE_MIB << 20)
    _run(
        runner,
        *("sgdisk", "--clear", "--set-alignment=1"),
        *(f"--new=14:{BIOS_MIB[0]}MiB:+{BIOS_MIB[1] - BIOS_MIB[0]}MiB", "--typecode=14:ef02"),
        *(f"--new=15:{EFI_MIB[0]}MiB:+{EFI_MIB[1] - EFI_MIB[0]}MiB", "--typecode=15:ef00"),
        *(f"--new=1:{EFI_MIB[1]}MiB:0", "--typecode=1:8304", disk),
    )
    blocks = (SIZE_MIB - EFI_MIB[1] - 1) * 256
    # Without the features that GRUB of Debian 12 cannot read.
    features = ("-O", "^orphan_file,^metadata_csum_seed", "-E", "lazy_itable_init=0,lazy_journal_init=0")
    _run(runner, "mkfs.ext4", "-q", "-F", "-L", LABEL, *features, "-b", "4096", "-d", root, file_system, str(blocks))
    _lay(disk, file_system, EFI_MIB[1])
    shutil.rmtree(root)
    for part, first in ((_bios(place, disk, runner), BIOS_MIB[0]), (_efi(place, runner), EFI_MIB[0])):
        _lay(disk, part, first)
    target = place / "image.qcow2"
    _run(runner, "qemu-img", "convert", "-c", "-W", "-O", "qcow2", disk, target)
    return target


def _tree(place: Path, runner: Runner) -> Path:
    apt, root = build_host.apt(runner), place / "root"
    _run(
        runner,
        *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", f"--keyring={recipe.KEYRING}"),
        *(f"--aptopt={option}" for option in apt.options),
        *(f"--include={','.join(PACKAGES)}", SUITE, root, *apt.sources(SUITE, runner)),
    )
    for name, content in _FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="utf-8")
    _run(runner, "sh", "-c", _SETUP, "sh", root)
    return root


def _bios(place: Path, disk: Path, runner: Runner) -> Path:
    """GRUB for BIOS: its first sector into the disk's, which loads the rest from the partition of its own."""
    config, core = place / "embedded.cfg", place / "core.img"
    config.write_text(_GRUB, encoding="utf-8")
    _run(
        runner,
        *("grub-mkimage", "-O", "i386-pc", "-p", "/boot/grub", "-c", config, "-o", core, "biosdisk", *_MODULES),
    )
    first = BIOS_MIB[0] * 2048
    content = bytearray(core.read_bytes())
    struct.pack_into("<Q", content, 0x1F4, first + 1)
    core.write_bytes(content)
    boot = bytearray(Path("/usr/lib/grub/i386-pc/boot.img").read_bytes()[:440])
    struct.pack_into("<Q", boot, 0x5C, first)
    with disk.open("r+b") as sink:
        sink.write(boot)
    return core


def _efi(place: Path, runner: Runner) -> Path:
    config, program, part = place / "embedded.cfg", place / "BOOTX64.EFI", place / "efi.fat"
    config.write_text(_GRUB, encoding="utf-8")
    _run(runner, "grub-mkimage", "-O", "x86_64-efi", "-p", "/boot/grub", "-c", config, "-o", program, *_MODULES)
    with part.open("wb") as sink:
        sink.truncate((EFI_MIB[1] - EFI_MIB[0]) << 20)
    _run(runner, "mkfs.vfat", "-n", "EFI", part)
    _run(runner, "mmd", "-i", part, "::EFI", "::EFI/BOOT")
    _run(runner, "mcopy", "-i", part, program, "::EFI/BOOT/BOOTX64.EFI")
    return part


def _lay(disk: Path, part: Path, first_mib: int) -> None:
    """Copy a file into the disk, its holes left out."""
    with part.open("rb") as source, disk.open("r+b") as sink:
        for number, block in enumerate(_blocks(source)):
            if block.strip(b"\0"):
                sink.seek((first_mib + number) << 20)
                sink.write(block)


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(1 << 20):
        yield block


def _run(runner: Runner, *argv: str | Path) -> None:
    runner.run(argv, timeout=1200).or_raise()


if __name__ == "__main__":
    print(image())
