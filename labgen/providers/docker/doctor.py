"""Docker for containers as nodes: a client, an engine of the right kind, the image of the nodes, room in the engine."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from labgen.host import debian, downloads, resources
from labgen.host.computer import Host
from labgen.host.daemon_status import lacking, systemd
from labgen.host.findings import Finding, Level, dotted, version_in
from labgen.host.wsl import is_wsl
from labgen.model.lab import Lab
from labgen.model.provider import ProviderFacts
from labgen.providers.base import Checks
from labgen.providers.docker import PROVIDER, engine, kernel, network
from labgen.providers.docker.engine import Engine

ENGINE_PAGE = "https://docs.docker.com/engine/install/"
DESKTOP_PAGE = "https://docs.docker.com/desktop/"
_OTHERWISE = "Or use virtual machines: VirtualBox, or libvirt on Linux."


def checks(provider: ProviderFacts) -> Checks:
    """Give what the doctor looks at."""
    room = resources.Room(
        lambda host: (_data(host),),
        lambda lab, host: not to_build(lab, host),
        "Make room; `docker system prune` removes containers and images that are not used.",
    )
    return Checks(
        missing,
        (
            check_engine,
            image,
            limits,
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
        daemon_title="a Docker engine",
        missing_packages=missing_packages,
    )


def missing_packages(lab: Lab, host: Host) -> list[str]:
    """Give the Debian packages to install; those to build the image with where Docker Hub does not help to build it."""
    from_packages = to_build(lab, host) and not engine.builds_from_hub(host)
    building = host.box_packages(PROVIDER.name) if from_packages else ()
    return debian.lacking(lab, host, PROVIDER, building=building, daemon=engine.daemon(host))


def to_build(lab: Lab, host: Host) -> bool:
    """Whether the image of the nodes has to be built first."""
    name = host.node_image(lab.engine.suite)
    state = engine.daemon(host).state
    if host.built_box(PROVIDER.name, lab.engine.suite) or name is None or state == "denied":
        return False
    return state != "system" or not engine.has_image(host, name)


def _data(host: Host) -> Path:
    """Where containers and images go: the engine's own folder, or the file that is its virtual machine's disk."""
    details = engine.engine(host)
    if details is None:
        return host.folder() if engine.daemon(host).state == "own" else Path("/var/lib/docker")
    virtual = host.system() != "Linux" or details.desktop or engine.other_computer(host) is not None
    return host.home() if virtual or not details.root else Path(details.root)


def missing(lab: Lab, host: Host) -> Finding | None:
    """An error where Docker is not installed at all, or something else goes by its name."""
    if host.which("docker") is None:
        return _finding("missing", "error", "is not installed.", _get(lab, host))
    if engine.client_is_podman(host):
        return _finding(
            "podman",
            "error",
            "the program `docker` here is Podman's (package podman-docker), with which nodes do not come up.",
            f"Install Docker itself in its place ({ENGINE_PAGE}). {_OTHERWISE}",
        )
    return None


def _get(lab: Lab, host: Host) -> str:
    if host.system() != "Linux":
        return f"Install Docker Desktop ({DESKTOP_PAGE}) and start it. Or use VirtualBox."
    if packages := missing_packages(lab, host):
        return f"{debian.apt_line(host, packages)}\n(or: labgen doctor --fix --provider docker)"
    return f"Install Docker Engine: {ENGINE_PAGE}"


def check_engine(lab: Lab, host: Host) -> Iterator[Finding]:
    """The engine: one that answers, and of the right kind."""
    status = engine.daemon(host)
    if status.state == "system":
        yield from _kind(host)
    elif status.state == "own":
        yield from _own(host)
    elif status.state == "denied":
        yield _finding("engine", "error", "its engine runs, but this user may not use it.", _allow(host))
    elif status.state == "confined":
        yield _finding(
            "engine",
            "error",
            "no engine runs here, and root may not make network namespaces: this is a confined container.",
            "Run labgen outside of the container, or give it CAP_SYS_ADMIN and CAP_NET_ADMIN.",
        )
    elif status.state == "none":
        yield _finding("engine", "error", "no engine answers here.", _start(lab, host))
    else:
        last = next(reversed(status.output.strip().splitlines()), "nothing")
        yield _finding(
            "engine", "error", f"its engine does not answer; docker says: {last[:200]}", "See what `docker info` says."
        )


def _own(host: Host) -> Iterator[Finding]:
    output = host.run("dockerd", "--version").out
    # Docker version 20.10.24+dfsg1, build 5d6db84
    version = version_in(output.partition("version ")[2])
    if version is not None and version < engine.OLDEST:
        yield _too_old(dotted(version))
    else:
        yield _finding(
            "engine", "ok", "no engine runs here; the lab starts its own, in a network namespace of its own."
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
    yield _finding("engine", "ok", f"its engine {details.version} answers{where}.")


def _wrong_kind(host: Host, details: Engine) -> Iterator[Finding]:
    computer = engine.other_computer(host)
    if computer and engine.endpoint(host).startswith("ssh://"):
        yield _finding(
            "elsewhere",
            "ok",
            f"its engine is on another computer, {computer}: nodes are reached through ssh; forwarded ports are there.",
        )
    elif computer:
        yield _finding(
            "elsewhere",
            "error",
            f"the engine in use is on another computer, {computer}: its nodes could not be reached from here.",
            "Reach it through SSH, which reaches its nodes as well: docker context create NAME --docker "
            f"host=ssh://USER@{computer}, then docker context use NAME. Or use the engine of this computer: unset "
            f"DOCKER_HOST, and docker context use default. Or run labgen on {computer}.",
        )
    if details.kind == "Podman":
        yield _finding(
            "podman",
            "error",
            "what answers here is Podman, on which nodes do not come up.",
            f"Install Docker itself ({ENGINE_PAGE}), and unset DOCKER_HOST. {_OTHERWISE}",
        )
        return
    if details.os != "linux":
        yield _finding(
            "windows-containers",
            "error",
            "its engine runs Windows containers; nodes are Linux.",
            "In Docker Desktop's menu in the task bar: Switch to Linux containers…",
        )
        return
    if details.api and details.api < engine.OLDEST_API:
        yield _too_old(details.version)
    yield from _wrong_settings(host, details)


def _wrong_settings(host: Host, details: Engine) -> Iterator[Finding]:
    if "rootless" in details.security:
        yield _finding(
            "rootless",
            "error",
            "its engine is rootless: it may not mount what an engine inside a node needs.",
            f"Use an engine that root runs: docker context use default ({ENGINE_PAGE}). {_OTHERWISE}",
        )
    if "userns" in details.security:
        yield _finding(
            "userns-remap",
            "error",
            "its engine maps users to others (userns-remap): root in a node may then not mount what its engine needs.",
            f"Take userns-remap out of /etc/docker/daemon.json, then: sudo systemctl restart docker. {_OTHERWISE}",
        )
    if not details.cpu_quota:
        yield _finding(
            "cpu-quota",
            "error",
            "its engine cannot limit a container's processors (no CFS quota in the kernel, or no cgroup for it), "
            "and refuses containers that ask for it.",
            f"Mount the cgroup hierarchies (package cgroupfs-mount), or take another kernel. {_OTHERWISE}",
        )
    if details.cgroups == "1" and is_wsl(details.kernel):
        yield _finding(
            "wsl-too-old",
            "warning",
            "its engine runs on a WSL before 2.5.1, whose control groups are of version 1: systemd may not start in "
            "the nodes.",
            "wsl --update\nwsl --shutdown\nThen start Docker Desktop again.",
        )
    if "selinux" in details.security:
        yield _finding(
            "selinux",
            "warning",
            "its engine confines containers with SELinux, which may keep nodes from mounting what they need.",
            "If a node does not boot: take selinux-enabled out of /etc/docker/daemon.json and restart the engine.",
        )
    if details.arch and details.arch != host.machine() and not engine.elsewhere(engine.endpoint(host)):
        yield _finding(
            "architecture-of-engine",
            "warning",
            f"its engine is for {details.arch}, this computer {host.machine()}: everything in it is emulated, "
            "and slow.",
            f"Install Docker for {host.machine()}.",
        )


def _too_old(version: str) -> Finding:
    return _finding(
        "too-old",
        "error",
        f"its engine {version} is too old: nodes need cgroups of their own, which {dotted(engine.OLDEST)} brought.",
        f"Install a newer one: {ENGINE_PAGE}",
    )


def _allow(host: Host) -> str:
    if host.system() == "Windows":
        return "Add your account to the group docker-users (as administrator: lusrmgr.msc), then log out and in again."
    return "sudo usermod -aG docker $USER\nthen log out and in again; or run labgen with sudo."


def _start(lab: Lab, host: Host) -> str:
    if host.system() != "Linux":
        return "Start Docker Desktop, and wait until it says that its engine runs."
    address = engine.endpoint(host)
    if address not in ("", engine.DEFAULT_SOCKET):
        return (
            f"Start the engine of {address}, or use this computer's own: unset DOCKER_HOST, "
            "and docker context use default."
        )
    if host.which("dockerd") is None:
        return _get(lab, host)
    if systemd(host):
        return "systemctl start docker" if host.is_root() else "sudo systemctl start docker"
    if host.is_root():
        return f"Install what brings {', '.join(lacking(host, 'dockerd'))}: the lab then starts an engine of its own."
    return "Run labgen as root (sudo): the lab then starts an engine of its own. There is no systemd to start one."


def image(lab: Lab, host: Host) -> Iterator[Finding]:
    """The image of the nodes: in the engine, or to be built."""
    if lab.box is not None:
        yield _finding(
            "box-unused",
            "warning",
            f"box {lab.box.name} of lab.yml is not used: containers start from labgen's own image.",
            "Leave `box` out of lab.yml, or use virtual machines.",
        )
    name = host.node_image(lab.engine.suite)
    if name is None:
        return
    state = engine.daemon(host).state
    if state not in ("system", "own"):
        return  # nothing to build it for, or to ask for it: check_engine has said so
    if state == "system" and engine.has_image(host, name):
        yield _image("ok", f"{name} is here.")
    elif host.built_box(PROVIDER.name, lab.engine.suite):
        yield _image("ok", f"{name} has been built.")
    elif engine.builds_from_hub(host):
        yield _image("ok", f"{name} has not been built yet; labgen up builds it, on an image of Docker Hub.")
    elif debian.release(host) is not None and host.is_root():
        yield _image("ok", f"{name} has not been built yet; labgen up builds it.")
    elif debian.release(host) is not None:
        yield _image(
            "warning",
            f"{name} has not been built yet, which takes root.",
            "sudo labgen box build --provider docker",
        )
    else:
        yield _image(
            "error",
            f"{name} is not here, and Docker Hub, with whose help it is built, does not answer.",
            "Check the network (in Docker Desktop, a proxy is set in Settings > Resources > Proxies). Or build it on "
            "Debian or Ubuntu (sudo labgen box build --provider docker), bring the file here and `docker load -i` it.",
        )


def limits(lab: Lab, host: Host) -> Iterator[Finding]:
    """Memory and processors of the engine, which in a virtual machine are not this computer's."""
    details = engine.engine(host)
    if details is not None:
        yield from _memory(lab, host, details)
    # An engine of the lab's own has this computer's.
    cpus = details.cpus if details is not None else host.cpus() if engine.daemon(host).state == "own" else 0
    most = max(lab.nodes, key=lambda node: node.cpus)
    if cpus and most.cpus > cpus:
        # The engine refuses such a container ("Range of CPUs is from 0.01 to …").
        yield _finding(
            "cpus",
            "error",
            f"{most.name} is to have {most.cpus}; its engine has {cpus}, and refuses more.",
            f"Set cpus: {cpus} or less in lab.yml.",
            "processors",
        )
    yield from _inotify(lab, host)


_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_OF_A_NODE = 5
"""Inotify instances that a node's systemd takes: Linux' default of 128 for each user is enough for 25 nodes."""


def _inotify(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check the kernel's limit of inotify instances, which all nodes share: without any, systemd does not start."""
    if not network.local_engine(host) or not host.exists(_INOTIFY):
        return
    limit = (host.read(_INOTIFY) or "").strip()
    if limit.isdigit() and int(limit) < _INOTIFY_OF_A_NODE * len(lab.nodes):
        yield _finding(
            "inotify",
            "error",
            f"the kernel allows {limit} inotify instances, enough for {int(limit) // _INOTIFY_OF_A_NODE} nodes; "
            f"the lab has {len(lab.nodes)}.",
            f"sudo sysctl fs.inotify.max_user_instances={max(1024, 8 * len(lab.nodes))}",
            "kernel",
        )


def _memory(lab: Lab, host: Host, details: Engine) -> Iterator[Finding]:
    if not details.memory:
        return
    needed = sum(node.memory for node in lab.nodes)
    if needed <= details.memory:
        yield _finding("memory", "ok", f"{needed} MiB for the nodes, {details.memory} MiB in its engine.", "", "memory")
        return
    less = "memory in lab.yml, or fewer nodes."
    settings = (
        "Docker Desktop > Settings > Resources" if details.desktop else "the settings of Docker's virtual machine"
    )
    virtual = host.system() != "Linux" or details.desktop
    yield _finding(
        "memory",
        "warning",
        f"the nodes may take {needed} MiB together; its engine has {details.memory} MiB.",
        f"More memory for it ({settings}), or less for each node: {less}" if virtual else f"Less for each node: {less}",
        "memory",
    )


def _image(level: Level, message: str, fix: str = "") -> Finding:
    return _finding("image", level, message, fix, "image")


def _finding(name: str, level: Level, message: str, fix: str = "", subject: str = "Docker") -> Finding:
    return Finding(f"docker.{name}", level, subject, message, fix, "docker")
