"""Docker for containers as nodes: a client, an engine of the right kind, the image of the nodes, room in the engine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from labgen.core.i18n import NOTHING, Text, _
from labgen.host import debian, downloads, resources
from labgen.host.computer import Host
from labgen.host.daemon_status import lacking, systemd
from labgen.host.findings import Finding, Level, dotted, version_in
from labgen.host.wsl import is_wsl
from labgen.model.lab import Lab
from labgen.model.provider import ProviderFacts
from labgen.providers.base import Checks
from labgen.providers.docker import PROVIDER, control_groups, engine, kernel, network
from labgen.providers.docker.engine import Engine
from labgen.providers.docker.findings import docker_finding
from labgen.providers.docker.limits import check_limits

ENGINE_PAGE = "https://docs.docker.com/engine/install/"
DESKTOP_PAGE = "https://docs.docker.com/desktop/"
_OTHERWISE = _("Or use virtual machines: VirtualBox, or libvirt on Linux.")


def checks(provider: ProviderFacts) -> Checks:
    """Give what the doctor looks at."""
    room = resources.Room(
        lambda host: (_data(host),),
        lambda lab, host: not to_build(lab, host),
        _("Make room; `docker system prune` removes containers and images that are not used."),
    )
    return Checks(
        missing,
        (
            check_engine,
            control_groups.check,
            image,
            check_limits,
            kernel.check,
            partial(network.check_routes, provider=provider),
            partial(network.ports, provider=provider),
            partial(resources.disk, provider=provider, room=room),
            partial(resources.architecture, provider=provider),
            partial(debian.check, provider=provider, missing_packages=missing_packages),
            partial(downloads.images, provider=provider, daemon=engine.daemon),
        ),
        lacks=kernel.lacks,
        daemon=engine.daemon,
        daemon_title=_("Docker engine"),
        missing_packages=missing_packages,
    )


def missing_packages(lab: Lab, host: Host) -> list[str]:
    """Give the Debian packages to install; those to build the image with where Docker Hub does not help to build it."""
    from_packages = to_build(lab, host) and not engine.builds_from_hub(host)
    building = host.box_packages(PROVIDER.name) if from_packages else ()
    return debian.lacking(lab, host, PROVIDER, building=building, daemon=engine.daemon(host))


def to_build(lab: Lab, host: Host) -> bool:
    """Tell whether the image of the nodes has to be built first."""
    name = host.node_image(lab.engine.suite)
    state = engine.daemon(host).state
    if host.built_box(PROVIDER.name, lab.engine.suite) or name is None or state == "denied":
        return False
    return state != "system" or not engine.has_image(host, name)


def _data(host: Host) -> Path:
    """Give where containers and images go: the engine's own folder, or the file that is its virtual machine's disk."""
    details = engine.engine(host)
    if details is None:
        return host.folder() if engine.daemon(host).state == "own" else Path("/var/lib/docker")
    virtual = host.system() != "Linux" or details.desktop or engine.other_computer(host) is not None
    return host.home() if virtual or not details.root else Path(details.root)


def missing(lab: Lab, host: Host) -> Finding | None:
    """Report that Docker is not installed at all, or that something else goes by its name; ``None`` where it is."""
    if host.which("docker") is None:
        return docker_finding("missing", "error", _("is not installed."), _get(lab, host))
    if engine.client_is_podman(host):
        return docker_finding(
            "podman",
            "error",
            _("the program `docker` here is Podman's (package podman-docker), with which nodes do not come up."),
            _(
                "Install Docker itself in its place (%(engine_page)s). %(otherwise)s",
                engine_page=ENGINE_PAGE,
                otherwise=_OTHERWISE,
            ),
        )
    return None


def _get(lab: Lab, host: Host) -> Text:
    if host.system() != "Linux":
        return _(
            "Install Docker Desktop (%(desktop_page)s) and start it. Or use VirtualBox.", desktop_page=DESKTOP_PAGE
        )
    if packages := missing_packages(lab, host):
        return _("%(apt_line)s\n(or: labgen doctor --fix --provider docker)", apt_line=debian.apt_line(host, packages))
    return _("Install Docker Engine: %(engine_page)s", engine_page=ENGINE_PAGE)


def check_engine(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check the engine: that one answers, and that it is of the right kind."""
    status = engine.daemon(host)
    if status.state == "system":
        yield from _kind(host)
    elif status.state == "own":
        yield from _own(host)
    elif status.state == "denied":
        yield docker_finding("engine", "error", _("its engine runs, but this user may not use it."), _allow(host))
    elif status.state == "confined":
        yield docker_finding(
            "engine",
            "error",
            _("no engine runs here, and root may not make network namespaces: this is a confined container."),
            _("Run labgen outside of the container, or give it CAP_SYS_ADMIN and CAP_NET_ADMIN."),
        )
    elif status.state == "none":
        yield docker_finding("engine", "error", _("no engine answers here."), _start(lab, host))
    else:
        last = next(reversed(status.output.strip().splitlines()), "nothing")
        yield docker_finding(
            "engine",
            "error",
            _("its engine does not answer; docker says: %(last)s", last=last[:200]),
            _("See what `docker info` says."),
        )


def _own(host: Host) -> Iterator[Finding]:
    output = host.run("dockerd", "--version").out
    # Docker version 20.10.24+dfsg1, build 5d6db84
    version = version_in(output.partition("version ")[2])
    if version is not None and version < engine.OLDEST:
        yield _too_old(dotted(version))
    else:
        yield docker_finding(
            "engine", "ok", _("no engine runs here; the lab starts its own, in a network namespace of its own.")
        )


def _kind(host: Host) -> Iterator[Finding]:
    details = engine.engine(host)
    if details is None:
        return
    wrong = list(_wrong_kind(host, details))
    yield from wrong
    if any(finding.level == "error" for finding in wrong):
        return
    where = f" ({details.system})" if details.system else ""
    yield docker_finding(
        "engine", "ok", _("its engine %(version)s answers%(where)s.", version=details.version, where=where)
    )


def _wrong_kind(host: Host, details: Engine) -> Iterator[Finding]:
    computer = engine.other_computer(host)
    if computer and engine.endpoint(host).startswith("ssh://"):
        yield docker_finding(
            "elsewhere",
            "ok",
            _(
                "its engine is on another computer, %(computer)s: nodes are reached through ssh; "
                "forwarded ports are there.",
                computer=computer,
            ),
        )
    elif computer:
        yield docker_finding(
            "elsewhere",
            "error",
            _(
                "the engine in use is on another computer, %(computer)s: its nodes could not be reached from here.",
                computer=computer,
            ),
            _(
                "Reach it through SSH, which reaches its nodes as well: docker context create NAME "
                "--docker host=ssh://USER@%(computer)s, then docker context use NAME. Or use the "
                "engine of this computer: unset DOCKER_HOST, and docker context use default. Or run "
                "labgen on %(computer)s.",
                computer=computer,
            ),
        )
    if details.kind == "Podman":
        yield docker_finding(
            "podman",
            "error",
            _("what answers here is Podman, on which nodes do not come up."),
            _(
                "Install Docker itself (%(engine_page)s), and unset DOCKER_HOST. %(otherwise)s",
                engine_page=ENGINE_PAGE,
                otherwise=_OTHERWISE,
            ),
        )
        return
    if details.os != "linux":
        yield docker_finding(
            "windows-containers",
            "error",
            _("its engine runs Windows containers; nodes are Linux."),
            _("In Docker Desktop's menu in the task bar: Switch to Linux containers…"),
        )
        return
    if details.api and details.api < engine.OLDEST_API:
        yield _too_old(details.version)
    yield from _wrong_settings(host, details)


def _wrong_settings(host: Host, details: Engine) -> Iterator[Finding]:
    if "rootless" in details.security:
        yield docker_finding(
            "rootless",
            "error",
            _("its engine is rootless: it may not mount what an engine inside a node needs."),
            _(
                "Use an engine that root runs: docker context use default (%(engine_page)s). %(otherwise)s",
                engine_page=ENGINE_PAGE,
                otherwise=_OTHERWISE,
            ),
        )
    if "userns" in details.security:
        yield docker_finding(
            "userns-remap",
            "error",
            _(
                "its engine maps users to others (userns-remap): root in a node may then not mount "
                "what its engine needs."
            ),
            _(
                "Take userns-remap out of /etc/docker/daemon.json, then: sudo systemctl restart docker. %(otherwise)s",
                otherwise=_OTHERWISE,
            ),
        )
    if not details.cpu_quota:
        yield docker_finding(
            "cpu-quota",
            "error",
            _(
                "its engine cannot limit a container's processors (no CFS quota in the kernel, or no "
                "cgroup for it), and refuses containers that ask for it."
            ),
            _(
                "Mount the cgroup hierarchies (package cgroupfs-mount), or take another kernel. %(otherwise)s",
                otherwise=_OTHERWISE,
            ),
        )
    if details.cgroups == "1" and is_wsl(details.kernel):
        yield docker_finding(
            "wsl-too-old",
            "warning",
            _(
                "its engine runs on a WSL before 2.5.1, whose control groups are of version 1: systemd "
                "may not start in the nodes."
            ),
            _("wsl --update\nwsl --shutdown\nThen start Docker Desktop again."),
        )
    yield from _slow_settings(host, details)


def _slow_settings(host: Host, details: Engine) -> Iterator[Finding]:
    """Warn of settings with which nodes may not work, or are slow."""
    if "selinux" in details.security:
        yield docker_finding(
            "selinux",
            "warning",
            _("its engine confines containers with SELinux, which may keep nodes from mounting what they need."),
            _("If a node does not boot: take selinux-enabled out of /etc/docker/daemon.json and restart the engine."),
        )
    if details.arch and details.arch != host.machine() and not engine.elsewhere(engine.endpoint(host)):
        yield docker_finding(
            "architecture-of-engine",
            "warning",
            _(
                "its engine is for %(arch)s, this computer %(machine)s: everything in it is emulated, and slow.",
                arch=details.arch,
                machine=host.machine(),
            ),
            _("Install Docker for %(machine)s.", machine=host.machine()),
        )


def _too_old(version: str) -> Finding:
    return docker_finding(
        "too-old",
        "error",
        _(
            "its engine %(version)s is too old: nodes need cgroups of their own, which %(oldest)s brought.",
            version=version,
            oldest=dotted(engine.OLDEST),
        ),
        _("Install a newer one: %(engine_page)s", engine_page=ENGINE_PAGE),
    )


def _allow(host: Host) -> Text:
    if host.system() == "Windows":
        return _(
            "Add your account to the group docker-users (as administrator: lusrmgr.msc), then log out and in again."
        )
    return _("sudo usermod -aG docker $USER\nthen log out and in again; or run labgen with sudo.")


def _start(lab: Lab, host: Host) -> Text:
    if host.system() != "Linux":
        return _("Start Docker Desktop, and wait until it says that its engine runs.")
    address = engine.endpoint(host)
    if address not in ("", engine.DEFAULT_SOCKET):
        return _(
            "Start the engine of %(address)s, or use this computer's own: unset DOCKER_HOST, and "
            "docker context use default.",
            address=address,
        )
    if host.which("dockerd") is None:
        return _get(lab, host)
    if systemd(host):
        return _("systemctl start docker") if host.is_root() else _("sudo systemctl start docker")
    if host.is_root():
        return _(
            "Install the packages that contain %(lacking)s: the lab then starts its own engine.",
            lacking=", ".join(lacking(host, "dockerd")),
        )
    return _("Run labgen as root (sudo): the lab then starts its own engine. There is no systemd to start one.")


def image(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check the image of the nodes: in the engine, or to be built."""
    if lab.box is not None:
        yield docker_finding(
            "box-unused",
            "warning",
            _("box %(box)s of lab.yml is not used: containers start from labgen's own image.", box=lab.box.name),
            _("Leave `box` out of lab.yml, or use virtual machines."),
        )
    name = host.node_image(lab.engine.suite)
    if name is None:
        return
    state = engine.daemon(host).state
    if state not in ("system", "own"):
        return  # nothing to build it for, or to ask for it: check_engine has said so
    if state == "system" and engine.has_image(host, name):
        yield _image("ok", _("%(name)s is here.", name=name))
    elif host.built_box(PROVIDER.name, lab.engine.suite):
        yield _image("ok", _("%(name)s has been built.", name=name))
    elif engine.builds_from_hub(host):
        yield _image(
            "ok", _("%(name)s has not been built yet; labgen up builds it, on an image of Docker Hub.", name=name)
        )
    elif debian.release(host) is not None and host.is_root():
        yield _image("ok", _("%(name)s has not been built yet; labgen up builds it.", name=name))
    elif debian.release(host) is not None:
        yield _image(
            "warning",
            _("%(name)s has not been built yet, which takes root.", name=name),
            _("sudo labgen box build --provider docker"),
        )
    else:
        yield _image(
            "error",
            _("%(name)s is not here, and Docker Hub, with whose help it is built, does not answer.", name=name),
            _(
                "Check the network (in Docker Desktop, a proxy is set in Settings > Resources > "
                "Proxies). Or build it on Debian or Ubuntu (sudo labgen box build --provider docker), "
                "bring the file here and `docker load -i` it."
            ),
        )


def _image(level: Level, message: Text, fix: Text = NOTHING) -> Finding:
    return docker_finding("image", level, message, fix, _("image"))
