"""Debian packages: which a provider needs and this computer lacks, and their installation."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen.core.errors import HostError, ProgramFailed
from labgen.core.progress import Progress
from labgen.host.computer import Host, find_vboxmanage
from labgen.host.daemon_status import systemd
from labgen.host.findings import Finding
from labgen.model.lab import Box, Lab
from labgen.providers import (
    BUILT_BOX,
    DEBIAN_PACKAGES,
    DOCKER_CLI_INSIDE,
    DOCKER_INC_PACKAGES,
    NODE_IMAGE,
    PROVIDERS,
    UBUNTU_WITH_VAGRANT,
    VAGRANT_LIBVIRT_PACKAGE,
    VAGRANT_PACKAGE,
    Package,
)
from labgen.providers.docker import engine

VAGRANT_PAGE = "https://developer.hashicorp.com/vagrant/install"
_LISTS = Path("/var/lib/apt/lists")
_INSTALL_WITHIN = 1800.0


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
    """The release that runs here, or ``None`` where apt-get does not rule."""
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
    """Whether the Vagrant here is HashiCorp's own, which does not see Debian's plugins."""
    return host.which("vagrant") is not None and host.exists(Path("/opt/vagrant"))


def packages(lab: Lab, host: Host, providers: Sequence[str] | None = None) -> list[str]:
    """Debian packages to install so that the lab can come up.

    :param providers: for these; where ``None`` for the one the lab names, or else VirtualBox where it
        is installed, and libvirt where it is not.
    """
    if providers is None:
        with_virtualbox = find_vboxmanage(host) is not None
        named = lab.provider if lab.provider != "auto" else "virtualbox" if with_virtualbox else "libvirt"
        providers = [named]
    return list(dict.fromkeys(name for provider in providers for name in lacking(lab, host, provider)))


def lacking(lab: Lab, host: Host, provider: str) -> list[str]:
    """Debian packages that ``provider`` needs for this lab, that can be had here and are not installed.

    None where this is neither Debian nor Ubuntu. Those for building the box are among them as long
    as the lab starts from labgen's own box and it has not been built.
    """
    here = release(host)
    if here is None:
        return []
    wanted = [
        package.name
        for package in DEBIAN_PACKAGES.get(provider, ())
        if (package.program is None or host.which(package.program) is None) and _needed(host, package)
    ]
    if not here.has_docker_cli:
        wanted = [name for name in wanted if name != "docker-cli"]
    if not here.has_vagrant:
        wanted = [name for name in wanted if name not in (VAGRANT_PACKAGE.name, VAGRANT_LIBVIRT_PACKAGE.name)]
    elif foreign_vagrant(host):
        wanted = [name for name in wanted if name != VAGRANT_LIBVIRT_PACKAGE.name]
    if to_build(lab, host, provider) and not (provider == "docker" and engine.builds_from_hub(host)):
        wanted += [name for name in host.box_packages(provider) if name not in wanted]
    if not wanted:
        return []
    if any(name in DOCKER_INC_PACKAGES for name in wanted) and _installed(host, *DOCKER_INC_PACKAGES.values()):
        wanted = list(dict.fromkeys(DOCKER_INC_PACKAGES.get(name, name) for name in wanted))
    there = _installed(host, *wanted)
    return [name for name in wanted if name not in there]


def _needed(host: Host, package: Package) -> bool:
    # Only packages of Docker are ever needed at some times and not at others.
    if package.when == "always":
        return True
    if engine.daemon(host).state in ("system", "denied"):
        return False
    return package.when == "no daemon" or not systemd(host)


def _installed(host: Host, *names: str) -> set[str]:
    told = host.run("dpkg-query", "-W", "-f", r"${Package}\t${db:Status-Status}\n", *names)
    return {line.partition("\t")[0] for line in told.out.splitlines() if line.endswith("\tinstalled")}


def to_build(lab: Lab, host: Host, provider: str) -> bool:
    """Whether the lab starts from labgen's own box or image, and it has to be built first."""
    box = box_of(lab, provider)
    if box.name == NODE_IMAGE:
        image = host.node_image(lab.engine.suite)
        state = engine.daemon(host).state
        if host.built_box(provider, lab.engine.suite) or image is None or state == "denied":
            return False
        return state != "system" or not engine.has_image(host, image)
    return box.name == BUILT_BOX and not box.url and not host.built_box(provider)


def box_of(lab: Lab, provider: str) -> Box:
    """What machines start from: the lab's box, or the provider's; containers, always labgen's image."""
    usual = PROVIDERS[provider].box
    return usual if usual.name == NODE_IMAGE else lab.box or usual


def apt_line(host: Host, names: Sequence[str]) -> str:
    """The command that installs packages, ready to paste."""
    sudo = "" if host.is_root() else "sudo "
    return f"{sudo}apt-get install --no-install-recommends {shlex.join(names)}"


def check(lab: Lab, host: Host, provider: str) -> Iterator[Finding]:
    """Packages that are missing."""
    if release(host) is None:
        return
    missing = lacking(lab, host, provider)
    if missing:
        yield Finding(
            f"{provider}.packages",
            "error",
            "packages",
            f"missing: {', '.join(missing)}.",
            f"{apt_line(host, missing)}\n(or: labgen doctor --fix)",
            provider,
        )
    else:
        yield Finding(f"{provider}.packages", "ok", "packages", "all installed.", provider=provider)


def install(host: Host, names: Sequence[str], progress: Progress | None = None) -> None:
    """Install Debian packages; nothing where there are none.

    What ``host`` was asked before is forgotten, so that it can be examined anew.

    :raises HostError: not Debian or Ubuntu, no right to (``sudo`` asks for a password), or apt-get failed.
    """
    if not names:
        return
    host.forget()
    if release(host) is None:
        raise HostError(
            "labgen installs packages on Debian and Ubuntu only.",
            f"Install what brings these with your own package manager: {', '.join(names)}.",
        )
    shown = progress or Progress()
    if not any("_Packages" in name for name in host.names(_LISTS)):
        _update(host, shown)
    with shown.step(f"Installing {len(names)} Debian packages"):
        done = _apt(host, shown, "install", "--yes", "--no-install-recommends", *names)
    if done is not None and _stale(done):
        # The lists are older than what the mirror holds.
        _update(host, shown)
        with shown.step("Installing them again"):
            done = _apt(host, shown, "install", "--yes", "--no-install-recommends", *names)
    host.forget()
    if done is not None:
        raise ProgramFailed(apt_line(host, names), 100, done, _way_out(host, done, names))


def _update(host: Host, progress: Progress) -> None:
    with progress.step("Fetching the lists of packages"):
        said = _apt(host, progress, "update")
    if said is not None:
        sudo = "" if host.is_root() else "sudo "
        raise ProgramFailed(f"{sudo}apt-get update", 100, said, _way_out(host, said, ()))


def _apt(host: Host, progress: Progress, *words: str) -> str | None:
    """Run apt-get; ``None`` where it went well, else what it said."""
    rights = () if host.is_root() else ("sudo", "-n")
    done = host.follow(
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
    return None if done.ok else (done.out + done.err).strip() or f"apt-get ended with status {done.status}"


def _stale(said: str) -> bool:
    # Held broken packages: what is installed here is newer than what the lists offer beside it.
    marks = ("Unable to locate package", "404  Not Found", "Unable to fetch some", "unmet dependencies")
    return any(mark in said for mark in marks)


def _way_out(host: Host, said: str, names: Sequence[str]) -> str:
    if "sudo:" in said:
        line = apt_line(host, names) if names else "sudo apt-get update"
        return f"sudo asks for a password, which labgen does not handle. Run it yourself: {line}"
    if "Could not get lock" in said:
        return "Another program is installing packages; wait until it is done, and try again."
    if "Temporary failure resolving" in said or "Could not connect" in said or "Unable to connect" in said:
        return "Debian's servers were not reached: check the network, or the mirror in /etc/apt."
    if "Unable to locate package" in said:
        return "The archive lacks a package: on Ubuntu, switch 'universe' on (sudo add-apt-repository universe)."
    return "Read what apt-get says above, put it right, and try again."
