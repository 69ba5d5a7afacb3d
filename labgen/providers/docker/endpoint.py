"""The address of the engine that a lab's nodes are on: kept, so that another context in use later changes nothing."""

from __future__ import annotations

import shlex
from urllib.parse import urlsplit

from labgen.core.atomic_files import read, remove, write_whole
from labgen.core.process import Runner
from labgen.model.lab_folder import LabFolder

_KEPT = ("unix", "npipe", "ssh")
"""Schemes of addresses that say all; an engine behind TLS wants the certificates of its context."""


def recorded(folder: LabFolder) -> str:
    """Read the address of the engine that the nodes of a lab folder are on; empty if none is written down."""
    return (read(folder.engine_file) or "").strip()


def record(folder: LabFolder, runner: Runner) -> None:
    """Write down which engine `docker` speaks to now, unless that is done or the runner names one."""
    if "DOCKER_HOST" in runner.env or recorded(folder):
        return
    result = runner.run(["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"])
    address = result.out.strip()
    if result.ok and urlsplit(address).scheme in _KEPT:
        write_whole(folder.engine_file, address + "\n")


def forget(folder: LabFolder) -> None:
    """Remove what is written down, once no node is left."""
    remove(folder.engine_file)


def runner_for(folder: LabFolder, runner: Runner) -> Runner:
    """Give a runner whose `docker` speaks to the engine that is written down."""
    address = recorded(folder)
    return Runner(runner.prefix, {**runner.env, "DOCKER_HOST": address}) if address else runner


def computer(address: str) -> str:
    """Name the other computer that an engine is on, as `ssh` takes it; empty for an address not reached by `ssh`.

    >>> computer("ssh://kim@server")
    'kim@server'
    >>> computer("ssh://kim@server:2200")
    'ssh://kim@server:2200'
    """
    parts = urlsplit(address)
    if parts.scheme != "ssh":
        return ""
    return f"ssh://{parts.netloc}" if parts.port else parts.netloc


def proxy_command(address: str) -> str:
    """Give OpenSSH's ``ProxyCommand`` to ports of the computer that an engine is on; empty if that is this one.

    As Docker does, it goes by the user's own OpenSSH configuration.

    >>> proxy_command("ssh://kim@Server:2200")
    'ssh -o BatchMode=yes -l kim -p 2200 -W %h:%p -- Server'
    >>> proxy_command("unix:///var/run/docker.sock")
    ''
    """
    parts = urlsplit(address)
    if parts.scheme != "ssh" or not parts.hostname:
        return ""
    user = ["-l", parts.username] if parts.username else []
    port = ["-p", str(parts.port)] if parts.port else []
    # Not parts.hostname, which is in lower case: a Host in the user's configuration may not be.
    name = parts.netloc.rpartition("@")[2].removesuffix(f":{parts.port}").strip("[]")
    return shlex.join(["ssh", "-o", "BatchMode=yes", *user, *port, "-W", "%h:%p", "--", name])
