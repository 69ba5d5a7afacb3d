"""libvirt: there, a daemon that this user may use, and Vagrant's plugin for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from labgen.core.i18n import NOTHING, Text, _, sentences, untranslated
from labgen.host import debian, downloads, resources
from labgen.host.computer import Host
from labgen.host.daemon_status import lacking, systemd
from labgen.host.findings import Finding, Level
from labgen.host.programs import ask_vagrant
from labgen.host.virtualization import kvm
from labgen.model.lab import Lab
from labgen.model.provider import ProviderFacts
from labgen.providers.base import Checks
from labgen.providers.libvirt.network import check_firewall, check_routes
from labgen.providers.libvirt.status import daemon


def checks(provider: ProviderFacts) -> Checks:
    """Give what the doctor looks at."""
    return Checks(
        partial(missing, provider=provider),
        (
            check_daemon,
            check_plugin,
            check_kvm,
            check_firmware,
            partial(check_routes, provider=provider),
            check_firewall,
            partial(downloads.box, provider=provider),
            partial(resources.disk, provider=provider, room=_room(provider)),
            partial(resources.architecture, provider=provider),
            partial(debian.check, provider=provider, missing_packages=partial(_missing_packages, provider=provider)),
            partial(downloads.images, provider=provider, daemon=daemon),
        ),
        systems=("Linux",),
        accelerated=lambda host: kvm(host).usable,
        daemon=daemon,
        daemon_title=untranslated("libvirtd"),
        missing_packages=partial(_missing_packages, provider=provider),
    )


def _missing_packages(lab: Lab, host: Host, provider: ProviderFacts) -> list[str]:
    return debian.lacking(lab, host, provider, building=debian.box_packages(lab, host, provider))


def _room(provider: ProviderFacts) -> resources.Room:
    def places(host: Host) -> tuple[Path, ...]:
        disks = host.folder() if daemon(host).state == "own" else Path("/var/lib/libvirt/images")
        return (disks, downloads.vagrant_home(host))

    return resources.Room(places, lambda lab, host: downloads.on_disk(lab, host, provider) is not None)


def missing(lab: Lab, host: Host, provider: ProviderFacts) -> Finding | None:
    """Report that libvirt cannot be here or is not installed at all; ``None`` where it is there."""
    if host.system() != "Linux":
        return Finding(
            "libvirt.system",
            "error",
            untranslated("libvirt"),
            _("runs on Linux only."),
            _("Use VirtualBox: leave `provider` out of lab.yml, or set it to virtualbox."),
            "libvirt",
        )
    if host.which("virsh") is not None:
        return None
    packages = _missing_packages(lab, host, provider)
    fix = (
        _("%(apt_line)s\n(or: labgen doctor --fix)", apt_line=debian.apt_line(host, packages))
        if packages
        else _("Install libvirt (daemon and client), QEMU, dnsmasq and vagrant-libvirt with your package manager.")
    )
    return Finding("libvirt.missing", "error", untranslated("libvirt"), _("is not installed."), fix, "libvirt")


def check_daemon(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check the daemon: the computer's, or one of the lab's own."""
    del lab
    status = daemon(host)
    if status.state == "system":
        versions = [line.rpartition(": ")[2] for line in status.output.splitlines() if "Running hypervisor" in line]
        yield _finding(
            "daemon", "ok", _("its daemon runs (%(value)s).", value=", ".join(versions) or "version unknown")
        )
    elif status.state == "own":
        yield _finding(
            "daemon", "ok", _("no daemon runs here; the lab starts its own, in a network namespace of its own.")
        )
    elif status.state == "denied":
        yield _finding(
            "daemon",
            "error",
            _("its daemon runs, but this user may not use it."),
            _("sudo usermod -aG libvirt $USER\nthen log out and in again."),
        )
    elif status.state == "confined":
        yield _finding(
            "daemon",
            "error",
            _("no daemon runs here, and root may not make network namespaces: this is a confined container."),
            _("Run labgen outside of the container, or give it CAP_SYS_ADMIN and CAP_NET_ADMIN."),
        )
    elif status.state == "none":
        yield _finding("daemon", "error", _("no daemon runs here."), _start(host))
    else:
        last = next(reversed(status.output.strip().splitlines()), "nothing")
        yield _finding(
            "daemon",
            "error",
            _("its daemon cannot be reached; virsh says: %(last)s", last=last[:200]),
            _("See what `virsh --connect qemu:///system list` says, and sudo journalctl --unit libvirtd."),
        )


def _start(host: Host) -> Text:
    runs_systemd = systemd(host)
    if host.is_root():
        # On a machine with modular daemons libvirtd is not there, but virtqemud is.
        programs = ", ".join(lacking(host, "libvirtd"))
        need = _(
            "Install the packages that contain %(programs)s: the lab then starts its own daemon.", programs=programs
        )
        modular = _("Or: %(command)s", command="systemctl start virtqemud.socket virtnetworkd.socket")
        return sentences(need, modular) if runs_systemd else need
    if runs_systemd:
        return untranslated("sudo systemctl start libvirtd")
    return _("Run labgen as root (sudo): the lab then starts its own daemon. There is no systemd to start one.")


def check_plugin(lab: Lab, host: Host) -> Iterator[Finding]:
    """Vagrant's plugin for libvirt."""
    del lab
    if host.which("vagrant") is None:
        return
    result = ask_vagrant(host, "plugin", "list")
    line = next((line for line in result.out.splitlines() if line.startswith("vagrant-libvirt ")), None)
    if line is not None:
        yield _finding("plugin", "ok", _("Vagrant's plugin: %(line)s.", line=line))
    elif result.ok:
        yield _finding(
            "plugin", "error", _("Vagrant's plugin for it, vagrant-libvirt, is not installed."), _plugin(host)
        )
    else:
        first = next(iter((result.err.strip() or result.out.strip()).splitlines()), "nothing")
        yield _finding(
            "plugin",
            "warning",
            _("Vagrant does not list its plugins; it says: %(first)s", first=first[:100]),
            _("Run `vagrant plugin list` and put right what it says; `vagrant plugin repair` often does."),
        )


def _plugin(host: Host) -> Text:
    here = debian.release(host)
    if here is not None and here.has_vagrant and not debian.foreign_vagrant(host):
        return untranslated(debian.apt_line(host, ["vagrant-libvirt"]))
    if here is not None:
        build = debian.apt_line(host, ["libvirt-dev", "pkg-config", "gcc", "g++", "make"])
        return untranslated(f"{build}\nvagrant plugin install vagrant-libvirt")
    return _("vagrant plugin install vagrant-libvirt\n(it needs libvirt's headers and a C compiler)")


def check_kvm(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check for KVM, without which QEMU emulates."""
    del lab
    status = kvm(host)
    if status.usable:
        yield Finding("libvirt.kvm", "ok", _("virtualization"), _("KVM can be used."), provider="libvirt")
    else:
        yield Finding(
            "libvirt.kvm",
            "warning",
            _("virtualization"),
            _(
                "%(reason)s: QEMU emulates the processor, which works but is ten times slower or more.",
                reason=status.reason,
            ),
            status.fix,
            "libvirt",
        )


FIRMWARE: tuple[Path, ...] = (
    Path("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"),  # Debian, Ubuntu
    Path("/usr/share/edk2/aarch64/QEMU_EFI.fd"),  # Fedora, Arch
    Path("/usr/share/qemu/edk2-aarch64-code.fd"),  # QEMU's own
)
"""Where UEFI for machines of arm64 is; the Vagrantfile takes the first that is there."""


def check_firmware(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check for UEFI, which machines of arm64 boot by."""
    del lab
    if host.machine() != "arm64":
        return
    path = next(filter(host.exists, FIRMWARE), None)
    if path is not None:
        yield _finding("firmware", "ok", _("machines of arm64 boot by %(path)s.", path=path))
        return
    apt_line = untranslated(debian.apt_line(host, ["qemu-efi-aarch64"]))
    fix = apt_line if debian.release(host) else _("Install edk2 for aarch64.")
    yield _finding("firmware", "error", _("UEFI for machines of arm64 is not installed."), fix)


def _finding(name: str, level: Level, message: Text, fix: Text = NOTHING) -> Finding:
    return Finding(f"libvirt.{name}", level, untranslated("libvirt"), message, fix, "libvirt")
