"""Vagrant and OpenSSH: installed, and in which version."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.errors import HostError
from labgen.core.i18n import Text, _, untranslated
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
    """Ask Vagrant; each question is put once."""
    return host.run("vagrant", *words, timeout=SLOW)


def vagrant(lab: Lab, host: Host) -> Iterator[Finding]:
    """Vagrant itself."""
    del lab
    if host.which("vagrant") is None:
        yield Finding("vagrant.missing", "error", untranslated("Vagrant"), _("is not installed."), _get_vagrant(host))
        return
    result = ask_vagrant(host, "--version")
    version = version_in(result.out)
    if version is None:
        yield Finding("vagrant.version", "warning", untranslated("Vagrant"), no_version(result), _get_vagrant(host))
        return
    yield Finding("vagrant.version", "ok", untranslated("Vagrant"), untranslated(f"{dotted(version)}."))
    if names := [name for name in _LEADS_ELSEWHERE if host.env(name)]:
        yield Finding(
            "vagrant.variables",
            "warning",
            untranslated("Vagrant"),
            _(
                "environment variables are set that change Vagrant's folder: %(names)s. labgen ignores them, but "
                "`vagrant` typed by hand works in that folder.",
                names=", ".join(names),
            ),
            untranslated(
                f"Remove-Item Env:{', Env:'.join(names)}" if host.system() == "Windows" else f"unset {' '.join(names)}"
            ),
        )
    yield from _vagrant_home(host)


def _vagrant_home(host: Host) -> Iterator[Finding]:
    """Check the folder of boxes: that there is such a path, and that Vagrant's Ruby can read it on Windows."""
    try:
        home = str(downloads.vagrant_home(host))
    except HostError as why:
        reason = why.words.changed(lambda text: text.rstrip("."))
        message = _("VAGRANT_HOME cannot be used: %(why)s.", why=reason)
        yield Finding("vagrant.home", "error", untranslated("Vagrant"), message, why.advice)
        return
    if host.system() != "Windows" or home.isascii():
        return
    machines = "\nVBoxManage setproperty machinefolder C:\\vms" if find_vboxmanage(host) else ""
    yield Finding(
        "vagrant.home",
        "warning",
        untranslated("Vagrant"),
        _(
            "its boxes are in %(home)s. On Windows it may fail on a path with letters other than a to z "
            "(hashicorp/vagrant#11431).",
            home=home,
        ),
        _("setx VAGRANT_HOME C:\\vagrant%(machines)s\nThen open a new terminal.", machines=machines),
    )


def folder(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check that ssh can be told where the nodes' keys lie: only where it cannot, something is found."""
    del lab
    if not fits_ssh(str(host.folder())):
        yield Finding(
            "ssh.folder",
            "error",
            _("lab folder"),
            _(
                "ssh cannot use keys in %(folder)r: it reads special characters of the name in another way.",
                folder=str(host.folder()),
            ),
            _("Rename the folder, or move the lab to another, so that it holds neither `${` nor control characters."),
        )


def ssh(lab: Lab, host: Host) -> Iterator[Finding]:
    """OpenSSH's client, which the checks of the exercises connect with."""
    del lab
    if host.which("ssh") is not None:
        yield Finding("ssh", "ok", untranslated("OpenSSH"), _("is installed."))
        return
    fix = {
        "Windows": _("Settings > System > Optional features > Add: OpenSSH Client."),
        "Darwin": _("It is part of macOS: check that /usr/bin is on PATH."),
    }.get(host.system()) or (
        untranslated(debian.apt_line(host, ["openssh-client"]))
        if debian.release(host)
        else _("Install OpenSSH's client with your package manager.")
    )
    yield Finding("ssh", "warning", untranslated("OpenSSH"), _("ssh is not installed; grading connects with it."), fix)


def no_version(result: Result) -> Text:
    if result.status == LATE:
        return _("does not answer.")
    first = next(iter((result.out.strip() or result.err.strip()).splitlines()), "nothing")
    return _("does not report its version; it prints: %(first)s", first=first[:100])


def _get_vagrant(host: Host) -> Text:
    here = debian.release(host)
    if here is None:
        return _("Install it from %(vagrant_page)s.", vagrant_page=debian.VAGRANT_PAGE)
    if here.has_vagrant:
        return untranslated(debian.apt_line(host, ["vagrant"]))
    return _(
        "%(system)s has no Vagrant package. Install HashiCorp's: %(vagrant_page)s.",
        system=here.name,
        vagrant_page=debian.VAGRANT_PAGE,
    )
