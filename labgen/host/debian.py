"""Debian packages: which a provider needs and this computer lacks, and their installation."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen.core.errors import HostError, ProgramFailed
from labgen.core.i18n import Text, _, ngettext
from labgen.core.progress import Progress
from labgen.host.computer import Host
from labgen.host.daemon_status import DaemonStatus, systemd
from labgen.host.findings import Finding
from labgen.model.lab import Lab
from labgen.model.provider import BUILT_BOX, Package, ProviderFacts

VAGRANT_PAGE = "https://developer.hashicorp.com/vagrant/install"
_VAGRANT, _VAGRANT_LIBVIRT = "vagrant", "vagrant-libvirt"
_LISTS = Path("/var/lib/apt/lists")
_INSTALL_WITHIN = 1800.0

UBUNTU_WITH_VAGRANT: frozenset[str] = frozenset({"bionic", "focal", "jammy"})
"""Releases of Ubuntu, by code name, that have packages of Vagrant; later ones have none."""

DOCKER_CLI_INSIDE: frozenset[str] = frozenset({"buster", "bullseye", "bookworm"})
"""Releases of Debian, by code name, whose package docker.io holds the client; from trixie on it is docker-cli, which
docker.io only recommends (Debian bug 1035338). Ubuntu's docker.io holds it."""

CONTROL_GROUPS_V1: frozenset[str] = frozenset({"buster", "bullseye", "bookworm", "trixie"})
"""Releases of Debian, by code name, whose systemd runs with control groups of version 1; systemd 258 no longer does."""

DOCKER_INC_PACKAGES: Mapping[str, str] = {"docker.io": "docker-ce", "docker-cli": "docker-ce-cli"}
"""Debian's packages of Docker, and those of Docker, Inc.: they conflict, so one is never put beside the other."""


@dataclass(frozen=True)
class Release:
    """A release of Debian or of something made from it.

    :param has_vagrant: whether its archive has packages of Vagrant.
    :param is_ubuntu: whether it is Ubuntu, or made from it.
    :param has_docker_cli: whether Docker's client is a package of its own.
    """

    name: str
    has_vagrant: bool
    is_ubuntu: bool = False
    has_docker_cli: bool = False


def release(host: Host) -> Release | None:
    """Find the release that runs here, ``None`` if it is none with apt-get."""
    text = host.read(Path("/etc/os-release")) if host.system() == "Linux" else None
    if text is None or host.which("apt-get") is None:
        return None
    fields = dict(re.findall(r"^(\w+)=[\"']?([^\"'\n]*)", text, re.MULTILINE))
    family = {fields.get("ID", ""), *fields.get("ID_LIKE", "").split()}
    if not family & {"debian", "ubuntu"}:
        return None
    name = fields.get("PRETTY_NAME", "Debian")
    if "ubuntu" in family:
        # Mint and others name the Ubuntu they are made from.
        code = fields.get("UBUNTU_CODENAME") or fields.get("VERSION_CODENAME", "")
        return Release(name, code in UBUNTU_WITH_VAGRANT, is_ubuntu=True)
    code = fields.get("DEBIAN_CODENAME") or fields.get("VERSION_CODENAME", "")
    return Release(name, has_vagrant=True, has_docker_cli=code not in DOCKER_CLI_INSIDE)


def foreign_vagrant(host: Host) -> bool:
    """Tell whether the Vagrant here is HashiCorp's own, which does not see Debian's plugins."""
    return host.which("vagrant") is not None and host.exists(Path("/opt/vagrant"))


def lacking(
    lab: Lab, host: Host, provider: ProviderFacts, *, building: Sequence[str] = (), daemon: DaemonStatus | None = None
) -> list[str]:
    """Give the Debian packages that a provider needs for this lab, that can be had here and are not installed.

    None where this is neither Debian nor Ubuntu.

    :param building: packages with which its box or image has to be built first.
    :param daemon: how the provider's daemon can be had, where it is asked for.
    """
    del lab
    here = release(host)
    if here is None:
        return []
    names = [
        package.name
        for package in provider.packages
        if (package.program is None or host.which(package.program) is None) and _needed(host, package, daemon)
    ]
    if not here.has_docker_cli:
        names = [name for name in names if name != "docker-cli"]
    if not here.has_vagrant:
        names = [name for name in names if name not in (_VAGRANT, _VAGRANT_LIBVIRT)]
    elif foreign_vagrant(host):
        names = [name for name in names if name != _VAGRANT_LIBVIRT]
    names += [name for name in building if name not in names]
    if not names:
        return []
    if any(name in DOCKER_INC_PACKAGES for name in names) and _installed(host, *DOCKER_INC_PACKAGES.values()):
        names = list(dict.fromkeys(DOCKER_INC_PACKAGES.get(name, name) for name in names))
    installed = _installed(host, *names)
    return [name for name in names if name not in installed]


def _needed(host: Host, package: Package, daemon: DaemonStatus | None) -> bool:
    if package.arch not in ("", host.machine()):
        return False
    # Only packages of daemons are ever needed at some times and not at others.
    if package.when == "always" or daemon is None:
        return True
    if daemon.state in ("system", "denied"):
        return False
    return package.when == "no daemon" or not systemd(host)


def _installed(host: Host, *names: str) -> set[str]:
    listing = host.run("dpkg-query", "-W", "-f", r"${Package}\t${db:Status-Status}\n", *names)
    return {line.partition("\t")[0] for line in listing.out.splitlines() if line.endswith("\tinstalled")}


def box_packages(lab: Lab, host: Host, provider: ProviderFacts) -> Sequence[str]:
    """Give the packages with which the provider's box has to be built first; none where it need not."""
    box = provider.box_for(lab)
    to_build = box.name == BUILT_BOX and not box.url and not host.built_box(provider.name)
    return host.box_packages(provider.name) if to_build else ()


def apt_line(host: Host, names: Sequence[str]) -> str:
    """Give the command that installs packages, ready to paste."""
    sudo = "" if host.is_root() else "sudo "
    return f"{sudo}apt-get install --no-install-recommends {shlex.join(names)}"


def check(
    lab: Lab, host: Host, provider: ProviderFacts, missing_packages: Callable[[Lab, Host], list[str]]
) -> Iterator[Finding]:
    """Check that no package is missing."""
    if release(host) is None:
        return
    missing = missing_packages(lab, host)
    if missing:
        yield Finding(
            f"{provider.name}.packages",
            "error",
            _("packages"),
            _("missing: %(missing)s.", missing=", ".join(missing)),
            _("%(apt_line)s\n(or: labgen doctor --fix)", apt_line=apt_line(host, missing)),
            provider.name,
        )
    else:
        yield Finding(f"{provider.name}.packages", "ok", _("packages"), _("all installed."), provider=provider.name)


def install(host: Host, names: Sequence[str], progress: Progress | None = None) -> None:
    """Install Debian packages; nothing if there are none.

    What ``host`` was asked before is forgotten, so that it is asked again.

    :raises HostError: not Debian or Ubuntu, no right to (``sudo`` asks for a password), or apt-get failed.
    """
    if not names:
        return
    host.forget()
    if release(host) is None:
        raise HostError(
            _("labgen installs packages on Debian and Ubuntu only."),
            _(
                "Install the packages that contain these, with your own package manager: %(names)s.",
                names=", ".join(names),
            ),
        )
    shown = progress or Progress()
    if not any("_Packages" in name for name in host.names(_LISTS)):
        _update(host, shown)
    with shown.step(
        ngettext("Installing %(count)s Debian package", "Installing %(count)s Debian packages", len(names))
    ):
        failure = _apt(host, shown, "install", "--yes", "--no-install-recommends", *names)
    if failure is not None and _stale(failure):
        # The lists are older than what the mirror holds.
        _update(host, shown)
        with shown.step(_("Installing them again")):
            failure = _apt(host, shown, "install", "--yes", "--no-install-recommends", *names)
    host.forget()
    if failure is not None:
        raise ProgramFailed(apt_line(host, names), 100, failure, _way_out(host, failure, names))


def _update(host: Host, progress: Progress) -> None:
    with progress.step(_("Fetching the package lists")):
        failure = _apt(host, progress, "update")
    if failure is not None:
        sudo = "" if host.is_root() else "sudo "
        raise ProgramFailed(f"{sudo}apt-get update", 100, failure, _way_out(host, failure, ()))


def _apt(host: Host, progress: Progress, *words: str) -> str | None:
    """Run apt-get; ``None`` where it went well, else what it said."""
    rights = () if host.is_root() else ("sudo", "-n")
    result = host.follow(
        *rights,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "apt-get",
        # Someone else's apt, such as unattended upgrades, may hold the lock for a while.
        "-o",
        "DPkg::Lock::Timeout=120",
        "-o",
        "Dpkg::Use-Pty=0",
        *words,
        on_line=progress.detail,
        timeout=_INSTALL_WITHIN,
    )
    return None if result.ok else (result.out + result.err).strip() or f"apt-get ended with status {result.status}"


def _stale(output: str) -> bool:
    # Held broken packages: what is installed here is newer than what the lists offer beside it.
    marks = ("Unable to locate package", "404  Not Found", "Unable to fetch some", "unmet dependencies")
    return any(mark in output for mark in marks)


def _way_out(host: Host, output: str, names: Sequence[str]) -> Text:
    if "sudo:" in output:
        line = apt_line(host, names) if names else "sudo apt-get update"
        return _("sudo asks for a password, which labgen does not handle. Run it yourself: %(line)s", line=line)
    if "Could not get lock" in output:
        return _("Another program is installing packages; wait until it is done, and try again.")
    if "Temporary failure resolving" in output or "Could not connect" in output or "Unable to connect" in output:
        return _("Debian's servers were not reached: check the network, or the mirror in /etc/apt.")
    if "Unable to locate package" in output:
        return _("The archive lacks a package: on Ubuntu, switch 'universe' on (sudo add-apt-repository universe).")
    return _("Read what apt-get says above, put it right, and try again.")
