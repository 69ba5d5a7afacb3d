"""Makes a disk image that is like Debian's own cloud image, of Debian's packages, without loop devices.

Like it: Debian 13 with its cloud kernel, cloud-init, netplan and the file with which Debian has every adapter ask for
an address, GPT with EFI boot (on amd64 BIOS, too), the root file system last so that it can grow; no user, no key, no
host key, no engine (but see :data:`BOOT`), apt's timers on. Unlike it: a package list of our own, and apt's mirror is
what the test serves on the lab's network (:mod:`tests.e2e.cloud_image.servers`), because nodes of the test have no
other way out.

Run: ``python -m tests.e2e.cloud_image.maker [ARCH]`` as root on Debian; prints where the image is. It is kept under a
key of this file, the list of packages included. For the architecture of another computer its programs must run here
(:mod:`tests.e2e.arm64.computer`).
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.images import build_host, cache, recipe
from labgen.images.build_context import Workshop
from labgen.images.recipe import AMD64, ARM64, Architecture
from tests.e2e.cloud_image.servers import MIRROR

SUITE = "trixie"
LABEL = "cloudimg-root"
SIZE_MIB = 3072
BIOS_MIB, EFI_MIB = (1, 2), (2, 66)
"""From, to: the partition of GRUB for BIOS, and the one for EFI. The root file system has the rest."""

PACKAGES = (
    *("systemd-sysv", "systemd-resolved", "dbus", "udev", "kmod", "apparmor"),
    *("initramfs-tools", "e2fsprogs", "fdisk", "cloud-guest-utils"),
    *("cloud-init", "netplan.io", "openssh-server", "sudo", "ca-certificates", "curl", "iproute2", "iputils-ping"),
    *("procps", "less"),
)


@dataclass(frozen=True)
class Boot:
    """How the image of an architecture boots.

    :param console: the serial port that the kernel writes to.
    :param grub: GRUB's name for programs of its EFI.
    :param program: the file that its EFI looks for.
    :param bios: whether it boots by BIOS, too.
    :param packages: what it has beside :data:`PACKAGES`.
    """

    console: str
    grub: str
    program: str
    bios: bool
    packages: tuple[str, ...]


BOOT: Mapping[str, Boot] = {
    AMD64.name: Boot(
        *("ttyS0,115200", "x86_64-efi", "BOOTX64.EFI"),
        bios=True,
        packages=("linux-image-cloud-amd64", "unattended-upgrades"),
    ),
    ARM64.name: Boot(
        *("ttyAMA0,115200", "arm64-efi", "BOOTAA64.EFI"),
        bios=False,
        packages=("linux-image-cloud-arm64", "grub-efi-arm64-bin", "docker.io", "docker-cli", "iptables"),
    ),
}
"""By architecture. For arm64 GRUB comes from the guest, because Debian on amd64 has no such package, and the engine is
in the image, because three emulated nodes would install it for a quarter of an hour."""

_FILES = {
    "etc/fstab": f"LABEL={LABEL} / ext4 rw,errors=remount-ro 0 1\n",
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
_GRUB_MENU = f"""\
set timeout=0
menuentry Debian {{{{
  linux /vmlinuz root=LABEL={LABEL} ro console=tty0 console={{console}}
  initrd /initrd.img
}}}}
"""
_SMALL_INITRD = """\
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d"
printf 'MODULES=list\nBUSYBOX=n\n' > "$1/etc/initramfs-tools/conf.d/image"
printf '%s\n' virtio_pci virtio_blk virtio_scsi ext4 crc32c > "$1/usr/share/initramfs-tools/modules.d/image"
"""
"""Where programs are emulated: with all drivers the kernel's package takes eight minutes to make it, twice."""
_NO_PATIENCE_FOR = ("/usr/bin/py3compile", "/usr/share/i18n/SUPPORTED")
"""Left out where programs are emulated. Python compiles modules when they are used, too; and the package of locales
starts a program for every locale that there is."""
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


def image(arch: Architecture = AMD64) -> Path:
    """Give the image, made if it is not there yet."""
    suffix = "" if arch is AMD64 else f"-{arch.name}"
    target = cache.default().parent / "test-images" / f"cloud-{SUITE}-{key()}{suffix}.qcow2"
    if not target.is_file():
        cache.prepare(target.parent)
        with tempfile.TemporaryDirectory(dir=target.parent) as place:
            _make(Path(place), arch, Runner()).replace(target)
    return target


def _make(place: Path, arch: Architecture, runner: Runner) -> Path:
    root = _tree(place, arch, runner)
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
    efi = _efi(place, root, arch, runner)
    blocks = (SIZE_MIB - EFI_MIB[1] - 1) * 256
    # Without the features that GRUB of Debian 12 cannot read.
    features = ("-O", "^orphan_file,^metadata_csum_seed", "-E", "lazy_itable_init=0,lazy_journal_init=0")
    _run(runner, "mkfs.ext4", "-q", "-F", "-L", LABEL, *features, "-b", "4096", "-d", root, file_system, str(blocks))
    _lay(disk, file_system, EFI_MIB[1])
    shutil.rmtree(root)
    _lay(disk, efi, EFI_MIB[0])
    if BOOT[arch.name].bios:
        _lay(disk, _bios(place, disk, runner), BIOS_MIB[0])
    target = place / "image.qcow2"
    _run(runner, "qemu-img", "convert", "-c", "-W", "-O", "qcow2", disk, target)
    return target


def _tree(place: Path, arch: Architecture, runner: Runner) -> Path:
    apt, root, boot = build_host.apt(runner), place / "root", BOOT[arch.name]
    emulated = [f"--extract-hook={_SMALL_INITRD}", *(f"--dpkgopt=path-exclude={path}" for path in _NO_PATIENCE_FOR)]
    Workshop(runner, Progress(), place, place / "build.log", arch, SUITE).run(
        [
            *("mmdebstrap", "--mode=root", "--variant=minbase", "--format=directory", f"--keyring={recipe.KEYRING}"),
            f"--architectures={arch.name}",
            *([] if arch is recipe.here() else emulated),
            *(f"--aptopt={option}" for option in apt.options),
            *(f"--include={','.join((*PACKAGES, *boot.packages))}", SUITE, root, *apt.sources(SUITE, runner)),
        ],
        failed="The packages of the image cannot be installed",
        timeout=3600,
    )
    for name, content in {**_FILES, "boot/grub/grub.cfg": _GRUB_MENU.format(console=boot.console)}.items():
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


def _efi(place: Path, root: Path, arch: Architecture, runner: Runner) -> Path:
    """Make the EFI partition; GRUB's program for another architecture is made with the guest's own tools."""
    boot, part = BOOT[arch.name], place / "efi.fat"
    (root / "tmp/embedded.cfg").write_text(_GRUB, encoding="utf-8")
    program, inside = root / "tmp" / boot.program, arch is not AMD64
    _run(
        runner,
        *(("chroot", root) if inside else ()),
        *("grub-mkimage", "-O", boot.grub, "-p", "/boot/grub"),
        *("-c", "/tmp/embedded.cfg" if inside else root / "tmp/embedded.cfg"),
        *("-o", f"/tmp/{boot.program}" if inside else program, *_MODULES),
    )
    with part.open("wb") as sink:
        sink.truncate((EFI_MIB[1] - EFI_MIB[0]) << 20)
    _run(runner, "mkfs.vfat", "-n", "EFI", part)
    _run(runner, "mmd", "-i", part, "::EFI", "::EFI/BOOT")
    _run(runner, "mcopy", "-i", part, program, f"::EFI/BOOT/{boot.program}")
    (root / "tmp/embedded.cfg").unlink()
    program.unlink()
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
    print(image(recipe.ARCHITECTURES[sys.argv[1] if len(sys.argv) > 1 else AMD64.name]))
