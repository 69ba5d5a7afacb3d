"""Memory, processors and inotify instances: what the nodes need, and what the engine and the kernel under them have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from labgen.core.i18n import NOTHING, _, untranslated
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.model.lab import Lab
from labgen.providers.docker import engine, network
from labgen.providers.docker.engine import Engine
from labgen.providers.docker.findings import docker_finding


def check_limits(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check the memory and processors of the engine, which in a virtual machine are not this computer's."""
    details = engine.engine(host)
    if details is not None:
        yield from _memory(lab, host, details)
    # An engine of the lab's own has this computer's.
    cpus = details.cpus if details is not None else host.cpus() if engine.daemon(host).state == "own" else 0
    most = max(lab.nodes, key=lambda node: node.cpus)
    if cpus and most.cpus > cpus:
        # The engine refuses such a container ("Range of CPUs is from 0.01 to …").
        yield docker_finding(
            "cpus",
            "error",
            _(
                "%(most)s is to have %(cpus)s; its engine has %(cpus2)s, and refuses more.",
                most=most.name,
                cpus=most.cpus,
                cpus2=cpus,
            ),
            _("Set cpus: %(cpus)s or less in lab.yml.", cpus=cpus),
            _("processors"),
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
        yield docker_finding(
            "inotify",
            "error",
            _(
                "the kernel allows %(limit)s inotify instances, enough for %(enough)s nodes; the lab has %(nodes)s.",
                limit=limit,
                enough=int(limit) // _INOTIFY_OF_A_NODE,
                nodes=len(lab.nodes),
            ),
            untranslated(f"sudo sysctl fs.inotify.max_user_instances={max(1024, 8 * len(lab.nodes))}"),
            _("kernel"),
        )


def _memory(lab: Lab, host: Host, details: Engine) -> Iterator[Finding]:
    if not details.memory:
        return
    needed = sum(node.memory for node in lab.nodes)
    if needed <= details.memory:
        yield docker_finding(
            "memory",
            "ok",
            _("%(needed)s MiB for the nodes, %(memory)s MiB in its engine.", needed=needed, memory=details.memory),
            NOTHING,
            _("memory"),
        )
        return
    settings = (
        _("Docker Desktop > Settings > Resources") if details.desktop else _("the settings of Docker's virtual machine")
    )
    virtual = host.system() != "Linux" or details.desktop
    yield docker_finding(
        "memory",
        "warning",
        _(
            "the nodes may take %(needed)s MiB together; its engine has %(memory)s MiB.",
            needed=needed,
            memory=details.memory,
        ),
        _("Give it more memory (%(settings)s). Or lower memory in lab.yml, or use fewer nodes.", settings=settings)
        if virtual
        else _("Lower memory in lab.yml, or use fewer nodes."),
        _("memory"),
    )
