"""A Docker engine of the tests' own, in a network namespace of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner


@contextlib.contextmanager
def running_engine(place: Path, runner: Runner, *options: str) -> Iterator[Runner]:
    """A dockerd that keeps everything under ``place``; gives what runs ``docker`` so that it reaches it."""
    socket = f"unix://{place}/sock"
    engine = Runner(prefix=runner.prefix, env={"DOCKER_HOST": socket})
    (place / "daemon.json").write_text("{}")  # not this computer's
    pid = runner.start(
        [
            *("dockerd", "--config-file", place / "daemon.json", "--host", socket, "--pidfile", place / "pid"),
            *("--data-root", place / "data", "--exec-root", place / "exec", *options),
        ],
        log=place / "dockerd.log",
    )

    def answers() -> None:
        if not engine.run(["docker", "version"]).ok:
            raise NotYet((place / "dockerd.log").read_text()[-500:])

    def ended() -> None:
        if os.waitpid(pid, os.WNOHANG)[0] == 0:
            raise NotYet("dockerd still runs")

    try:
        wait_until("the tests' Docker engine", answers, within=60, every=0.2, error=AssertionError)
        yield engine
    finally:
        containers = engine.run(["docker", "ps", "--all", "--quiet"]).out.split()
        if containers:
            engine.run(["docker", "rm", "--force", "--volumes", *containers], timeout=120)
        os.kill(pid, signal.SIGTERM)
        wait_until("the end of the tests' Docker engine", ended, within=60, every=0.1, error=AssertionError)
        # It leaves the mark of the network it started in.
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if line.split()[1].startswith(f"{place}/"):
                Runner().run(["umount", line.split()[1]]).or_raise()
        # pytest keeps the directories of some runs: images are too large for that.
        shutil.rmtree(place)


@pytest.fixture(scope="module")
def network(require_tool: Callable[[str], str]) -> Iterator[Runner]:
    """A network namespace, gone at the end: no address of it is this computer's."""
    for tool in ("ip", "nsenter", "dockerd", "docker", "iptables"):
        require_tool(tool)
    if os.geteuid() != 0:
        pytest.skip("a network namespace needs root")
    name = f"labgen-test-{os.getpid()}"
    Runner().run(["ip", "netns", "add", name]).or_raise()
    # Not `ip netns exec`: it hides the control groups, which dockerd needs.
    inside = Runner(prefix=("nsenter", f"--net=/run/netns/{name}"))
    try:
        inside.run(["ip", "link", "set", "lo", "up"]).or_raise()
        yield inside
    finally:
        Runner().run(["ip", "netns", "delete", name]).or_raise()


@pytest.fixture(scope="module")
def engine(network: Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    """A Docker engine whose networks are in that namespace."""
    place = tmp_path_factory.mktemp("engine")
    with running_engine(place, network, "--bip", "172.31.255.1/24") as engine:
        yield engine
