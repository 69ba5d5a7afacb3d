"""libvirt: there, a daemon that this user may use, and Vagrant's plugin for it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

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
        daemon_title="a libvirtd",
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
    """An error where libvirt cannot be here or is not installed at all."""
    if host.system() != "Linux":
        return Finding(
            "libvirt.system",
            "error",
            "libvirt",
            "runs on Linux only.",
            "Use VirtualBox: leave `provider` out of lab.yml, or set it to virtualbox.",
            "libvirt",
        )
    if host.which("virsh") is not None:
        return None
    packages = _missing_packages(lab, host, provider)
    fix = (
        f"{debian.apt_line(host, packages)}\n(or: labgen doctor --fix)"
        if packages
        else "Install libvirt (daemon and client), QEMU, dnsmasq and vagrant-libvirt with your package manager."
    )
    return Finding("libvirt.missing", "error", "libvirt", "is not installed.", fix, "libvirt")


def check_daemon(lab: Lab, host: Host) -> Iterator[Finding]:
    """The daemon."""
    del lab
    status = daemon(host)
    if status.state == "system":
        versions = [line.rpartition(": ")[2] for line in status.output.splitlines() if "Running hypervisor" in line]
        yield _finding("daemon", "ok", f"its daemon runs ({', '.join(versions) or 'version unknown'}).")
    elif status.state == "own":
        yield _finding(
            "daemon", "ok", "no daemon runs here; the lab starts its own, in a network namespace of its own."
        )
    elif status.state == "denied":
        yield _finding(
            "daemon",
            "error",
            "its daemon runs, but this user may not use it.",
            "sudo usermod -aG libvirt $USER\nthen log out and in again.",
        )
    elif status.state == "confined":
        yield _finding(
            "daemon",
            "error",
            "no daemon runs here, and root may not make network namespaces: this is a confined container.",
            "Run labgen outside of the container, or give it CAP_SYS_ADMIN and CAP_NET_ADMIN.",
        )
    elif status.state == "none":
        yield _finding("daemon", "error", "no daemon runs here.", _start(host))
    else:
        last = next(reversed(status.output.strip().splitlines()), "nothing")
        yield _finding(
            "daemon",
            "error",
            f"its daemon cannot be reached; virsh says: {last[:200]}",
            "See what `virsh --connect qemu:///system list` says, and sudo journalctl --unit libvirtd.",
        )


def _start(host: Host) -> str:
    runs_systemd = systemd(host)
    if host.is_root():
        # On a machine with modular daemons libvirtd is not there, but virtqemud is.
        modular = "systemctl start virtqemud.socket virtnetworkd.socket" if runs_systemd else ""
        need = f"Install what brings {', '.join(lacking(host, 'libvirtd'))}: the lab then starts a daemon of its own"
        return f"{need}; or: {modular}" if modular else f"{need}."
    if runs_systemd:
        return "sudo systemctl start libvirtd"
    return "Run labgen as root (sudo): the lab then starts a daemon of its own. There is no systemd to start one."


def check_plugin(lab: Lab, host: Host) -> Iterator[Finding]:
    """Vagrant's plugin for libvirt."""
    del lab
    if host.which("vagrant") is None:
        return
    result = ask_vagrant(host, "plugin", "list")
    line = next((line for line in result.out.splitlines() if line.startswith("vagrant-libvirt ")), None)
    if line is not None:
        yield _finding("plugin", "ok", f"Vagrant's plugin: {line}.")
    elif result.ok:
        yield _finding("plugin", "error", "Vagrant's plugin for it, vagrant-libvirt, is not installed.", _plugin(host))
    else:
        first = next(iter((result.err.strip() or result.out.strip()).splitlines()), "nothing")
        yield _finding(
            "plugin",
            "warning",
            f"Vagrant does not list its plugins; it says: {first[:100]}",
            "Run `vagrant plugin list` and put right what it says; `vagrant plugin repair` often does.",
        )


def _plugin(host: Host) -> str:
    here = debian.release(host)
    if here is not None and here.has_vagrant and not debian.foreign_vagrant(host):
        return debian.apt_line(host, ["vagrant-libvirt"])
    if here is not None:
        build = debian.apt_line(host, ["libvirt-dev", "pkg-config", "gcc", "g++", "make"])
        return f"{build}\nvagrant plugin install vagrant-libvirt"
    return "vagrant plugin install vagrant-libvirt\n(it needs libvirt's headers and a C compiler)"


def check_kvm(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check for KVM, without which QEMU emulates."""
    del lab
    status = kvm(host)
    if status.usable:
        yield Finding("libvirt.kvm", "ok", "virtualization", "KVM can be used.", provider="libvirt")
    else:
        yield Finding(
            "libvirt.kvm",
            "warning",
            "virtualization",
            f"{status.reason}: QEMU emulates the processor, which works but is ten times slower or more.",
            status.fix,
            "libvirt",
        )


def _finding(name: str, level: Level, message: str, fix: str = "") -> Finding:
    return Finding(f"libvirt.{name}", level, "libvirt", message, fix, "libvirt")
