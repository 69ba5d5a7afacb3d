"""Vagrant, VirtualBox and OpenSSH: there, in which version, and known to work together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labgen.core.process import Result
from labgen.host import debian, downloads
from labgen.host.computer import LATE, Host, find_vboxmanage
from labgen.host.findings import Finding, Level, Version, dotted, version_in
from labgen.model.lab import Lab
from labgen.providers import (
    VIRTUALBOX_ARM64,
    VIRTUALBOX_BAD,
    VIRTUALBOX_BESIDE_KVM,
    VIRTUALBOX_NEEDS_VAGRANT,
    VIRTUALBOX_OLDEST,
)

VIRTUALBOX_PAGE = "https://www.virtualbox.org/wiki/Downloads"
_LEADS_ELSEWHERE = ("VAGRANT_CWD", "VAGRANT_VAGRANTFILE", "VAGRANT_DOTFILE_PATH")
"""Variables by which Vagrant works for another folder, by another Vagrantfile, or with other data."""

_SLOW = 30.0
"""Deadline, in seconds, of Vagrant (Ruby on a cold disk) and of VBoxManage (which starts a server)."""
_KVM_AT_LOAD = Path("/sys/module/kvm/parameters/enable_virt_at_load")


def ask_vagrant(host: Host, *words: str) -> Result:
    """What Vagrant answers; run once for each question."""
    return host.run("vagrant", *words, timeout=_SLOW)


def vagrant(lab: Lab, host: Host) -> Iterator[Finding]:
    """Vagrant itself."""
    del lab
    if host.which("vagrant") is None:
        yield Finding("vagrant.missing", "error", "Vagrant", "is not installed.", _get_vagrant(host))
        return
    said = ask_vagrant(host, "--version")
    version = version_in(said.out)
    if version is None:
        yield Finding("vagrant.version", "warning", "Vagrant", _no_version(said), _get_vagrant(host))
        return
    yield Finding("vagrant.version", "ok", "Vagrant", f"{dotted(version)}.")
    if names := [name for name in _LEADS_ELSEWHERE if host.env(name)]:
        yield Finding(
            "vagrant.variables",
            "warning",
            "Vagrant",
            f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} set: labgen works in the lab folder all the "
            "same, but `vagrant` typed by hand works elsewhere.",
            f"unset {' '.join(names)}" if host.system() != "Windows" else f"Remove-Item Env:{', Env:'.join(names)}",
        )
    yield from _vagrant_home(host)


def _vagrant_home(host: Host) -> Iterator[Finding]:
    """Warn of a folder of boxes whose path Vagrant's Ruby may not be able to read on Windows."""
    home = str(downloads.vagrant_home(host))
    if host.system() != "Windows" or home.isascii():
        return
    machines = "\nVBoxManage setproperty machinefolder C:\\vms" if find_vboxmanage(host) else ""
    yield Finding(
        "vagrant.home",
        "warning",
        "Vagrant",
        f"its boxes are in {home}: on Windows it may fail on a path with letters other than a to z "
        "(hashicorp/vagrant#11431).",
        f"setx VAGRANT_HOME C:\\vagrant{machines}\nThen open a new terminal.",
    )


def ssh(lab: Lab, host: Host) -> Iterator[Finding]:
    """OpenSSH's client, which the checks of the exercises connect with."""
    del lab
    if host.which("ssh") is not None:
        yield Finding("ssh", "ok", "OpenSSH", "there.")
        return
    fix = {
        "Windows": "Settings > System > Optional features > Add: OpenSSH Client.",
        "Darwin": "It is part of macOS: see that /usr/bin is on PATH.",
    }.get(host.system()) or (
        debian.apt_line(host, ["openssh-client"])
        if debian.release(host)
        else "Install OpenSSH's client with your package manager."
    )
    yield Finding("ssh", "warning", "OpenSSH", "ssh is not installed; grading connects with it.", fix)


def no_virtualbox(lab: Lab, host: Host) -> Finding | None:
    """An error where VirtualBox is not installed at all; nothing else about it is then worth a look."""
    del lab
    if find_vboxmanage(host):
        return None
    return Finding(
        "virtualbox.missing",
        "error",
        "VirtualBox",
        "is not installed.",
        f"Install it from {VIRTUALBOX_PAGE} (7.1, or 7.2.8 and later).",
        "virtualbox",
    )


def virtualbox(lab: Lab, host: Host) -> Iterator[Finding]:
    """VirtualBox: its version, its kernel module, and whether this Vagrant takes it."""
    del lab
    program = find_vboxmanage(host)
    if program is None:
        return
    said = host.run(program, "--version", timeout=_SLOW)
    if "WARNING" in said.out + said.err and "vboxdrv" in said.out + said.err:
        yield _no_module(said.out + said.err)
    version = version_in(said.out)
    if version is None:
        yield _virtualbox("version", "warning", _no_version(said), f"Install it anew from {VIRTUALBOX_PAGE}.")
        return
    wrong = [*_series(version, host), *_known_bad(version, host)]
    yield from wrong
    if not wrong:
        yield _virtualbox("version", "ok", f"{dotted(version)}.")


def _series(version: Version, host: Host) -> Iterator[Finding]:
    series = version[:2]
    if series < VIRTUALBOX_OLDEST:
        yield _virtualbox(
            "version",
            "error",
            f"{dotted(version)} is too old; labgen needs {dotted(VIRTUALBOX_OLDEST)}.",
            f"Install a newer one from {VIRTUALBOX_PAGE}.",
        )
        return
    needed = VIRTUALBOX_NEEDS_VAGRANT.get(series)
    if needed is None:
        newest = dotted(max(VIRTUALBOX_NEEDS_VAGRANT))
        yield _virtualbox(
            "vagrant",
            "warning",
            f"{dotted(version)} is newer than labgen knows ({newest}); Vagrant refuses a series it does not know.",
            f"Take the newest Vagrant ({debian.VAGRANT_PAGE}), or VirtualBox {newest} if it is refused.",
        )
        return
    if host.which("vagrant") is None:
        return
    has = version_in(ask_vagrant(host, "--version").out)
    if has is not None and has < needed:
        yield _virtualbox(
            "vagrant",
            "error",
            f"{dotted(version)} is refused by Vagrant {dotted(has)}: it needs {dotted(needed)}.",
            f"Install Vagrant {dotted(needed)} or later from {debian.VAGRANT_PAGE}, "
            f"or a VirtualBox that this Vagrant knows: {_known_to(has)}.",
        )


def _known_to(has: Version) -> str:
    known = [series for series, needed in VIRTUALBOX_NEEDS_VAGRANT.items() if has >= needed]
    return f"{dotted(max(known))}.x" if known else "none that labgen can use"


def _known_bad(version: Version, host: Host) -> Iterator[Finding]:
    for bad in VIRTUALBOX_BAD:
        if bad.first <= version < bad.fixed:
            yield _virtualbox(
                "known-bad",
                "warning",
                f"{dotted(version)}: {bad.reason} ({bad.source}).",
                f"Take 7.1, or {dotted(max(bad.fixed for bad in VIRTUALBOX_BAD))} and later: {VIRTUALBOX_PAGE}.",
            )
    if host.machine() == "arm64" and version < VIRTUALBOX_ARM64:
        yield _virtualbox(
            "arm64",
            "error",
            f"{dotted(version)} cannot run machines on an arm64 processor; {dotted(VIRTUALBOX_ARM64)} can.",
            f"Install {dotted(VIRTUALBOX_ARM64)} or later from {VIRTUALBOX_PAGE}.",
        )
    # Only kernels from 6.12 on have the parameter.
    holds = host.system() == "Linux" and (host.read(_KVM_AT_LOAD) or "").strip() in ("Y", "1")
    if holds and version < VIRTUALBOX_BESIDE_KVM:
        yield _virtualbox(
            "kvm",
            "warning",
            "KVM holds the processor's virtualization as long as its module is loaded; "
            "VirtualBox then cannot start a machine (VERR_VMX_IN_VMX_ROOT_MODE, VERR_SVM_IN_USE).",
            "Until the next boot: sudo modprobe -r kvm_intel kvm_amd\n"
            "For good: echo 'options kvm enable_virt_at_load=0' | sudo tee /etc/modprobe.d/virtualbox-kvm.conf",
        )


def _no_module(text: str) -> Finding:
    if "virtualbox-dkms" in text:
        fix = 'sudo apt-get install virtualbox-dkms "linux-headers-$(uname -r)" && sudo modprobe vboxdrv'
    elif "akmods" in text:
        fix = "sudo akmods && sudo systemctl restart vboxdrv.service"
    else:
        fix = (
            "sudo /sbin/vboxconfig\n"
            "(it needs the headers of the running kernel; with Secure Boot the module must be signed)"
        )
    return _virtualbox("module", "error", "its kernel module is not loaded: no machine can start.", fix)


def _virtualbox(name: str, level: Level, message: str, fix: str = "") -> Finding:
    return Finding(f"virtualbox.{name}", level, "VirtualBox", message, fix, "virtualbox")


def _no_version(said: Result) -> str:
    if said.status == LATE:
        return "does not answer."
    first = next(iter((said.out.strip() or said.err.strip()).splitlines()), "nothing")
    return f"does not tell its version; it says: {first[:100]}"


def _get_vagrant(host: Host) -> str:
    here = debian.release(host)
    if here is None:
        return f"Install it from {debian.VAGRANT_PAGE}."
    if here.has_vagrant:
        return debian.apt_line(host, ["vagrant"])
    return f"{here.name} has no package of Vagrant; take HashiCorp's: {debian.VAGRANT_PAGE}."
