"""Vagrant and OpenSSH: installed, and in which version."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.errors import HostError
from labgen.core.process import Result
from labgen.core.quoting import fits_ssh
from labgen.host import debian, downloads
from labgen.host.computer import LATE, Host, find_vboxmanage
from labgen.host.findings import Finding, dotted, version_in
from labgen.model.lab import Lab

_LEADS_ELSEWHERE = ("VAGRANT_CWD", "VAGRANT_VAGRANTFILE", "VAGRANT_DOTFILE_PATH")
"""Variables by which Vagrant works for another folder, by another Vagrantfile, or with other data."""

SLOW = 30.0
"""Deadline, in seconds, of Vagrant (Ruby on a cold disk) and of VBoxManage (which starts a server)."""


def ask_vagrant(host: Host, *words: str) -> Result:
    """What Vagrant answers; run once for each question."""
    return host.run("vagrant", *words, timeout=SLOW)


def vagrant(lab: Lab, host: Host) -> Iterator[Finding]:
    """Vagrant itself."""
    del lab
    if host.which("vagrant") is None:
        yield Finding("vagrant.missing", "error", "Vagrant", "is not installed.", _get_vagrant(host))
        return
    result = ask_vagrant(host, "--version")
    version = version_in(result.out)
    if version is None:
        yield Finding("vagrant.version", "warning", "Vagrant", no_version(result), _get_vagrant(host))
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
    """Check the folder of boxes: that there is such a path, and that Vagrant's Ruby can read it on Windows."""
    try:
        home = str(downloads.vagrant_home(host))
    except HostError as why:
        yield Finding("vagrant.home", "error", "Vagrant", f"VAGRANT_HOME cannot be used: {why.message}.", why.hint)
        return
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


def folder(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check that ssh can be told where the nodes' keys lie: only where it cannot, something is found."""
    del lab
    if not fits_ssh(str(host.folder())):
        yield Finding(
            "ssh.folder",
            "error",
            "lab folder",
            f"ssh cannot use keys in {str(host.folder())!r}: it would read the folder's name in another way.",
            "Rename the folder, or move the lab to another, so that it holds neither `${` nor control characters.",
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


def no_version(result: Result) -> str:
    if result.status == LATE:
        return "does not answer."
    first = next(iter((result.out.strip() or result.err.strip()).splitlines()), "nothing")
    return f"does not tell its version; it says: {first[:100]}"


def _get_vagrant(host: Host) -> str:
    here = debian.release(host)
    if here is None:
        return f"Install it from {debian.VAGRANT_PAGE}."
    if here.has_vagrant:
        return debian.apt_line(host, ["vagrant"])
    return f"{here.name} has no package of Vagrant; take HashiCorp's: {debian.VAGRANT_PAGE}."
