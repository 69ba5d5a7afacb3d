"""`labgen up` on containers against the same by hand: `python bench/containers.py [NODES ...]` (3, 10 and 20 without).

Both on one engine, which has the image of the nodes; it runs in a network namespace of its own, so this takes root. By
hand: containers with the same options are created, connected and started, eight at a time, until the SSH server and the
engine of each answer; then the swarm is initialised, and the other nodes join side by side, until all are Ready.
`labgen up` begins with an empty folder: it examines the computer, writes the Vagrantfile, makes nodes and swarm. Labs
of five nodes and more have three managers.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from labgen import config, images
from labgen.core.process import Runner
from labgen.core.progress import Lines
from labgen.model.lab import Lab, Node
from labgen.model.lab_folder import LabFolder
from labgen.providers.docker import lab_networks
from labgen.providers.docker.container import create_options, name_of
from labgen.providers.docker.dockerd import Dockerd

LABGEN = Path(sys.executable).with_name("labgen")
SIDE_BY_SIDE = 8
ANSWERS = "until systemctl is-active --quiet ssh && docker info >/dev/null 2>&1; do sleep 0.1; done"


def side_by_side(act: Callable[[Node], object], nodes: Sequence[Node]) -> None:
    """Do something for several nodes at the same time."""
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(act, nodes))


class ByHand:
    """A lab, made by the commands that one would type."""

    def __init__(self, lab: Lab, runner: Runner, image: str) -> None:
        self._lab, self._runner, self._image = lab, runner, image

    def _docker(self, *words: str) -> str:
        return self._runner.run(["docker", *words], timeout=300).or_raise().out.strip()

    def _inside(self, node: Node, script: str) -> str:
        return self._docker("exec", name_of(self._lab, node), "sh", "-c", script)

    def machines(self) -> None:
        """Make the nodes, and wait until they answer."""
        lab = self._lab
        gateway = ("--gateway", str(lab.plan.gateway))
        self._docker("network", "create", "--subnet", str(lab.plan.adapter1), lab_networks.adapter1(lab))
        self._docker("network", "create", "--subnet", str(lab.plan.lab), *gateway, lab_networks.lab_network(lab))

        def make(node: Node) -> None:
            options = create_options(lab, node, labels={}, public_key="")
            identity = self._docker("create", *options, self._image)
            self._docker("network", "connect", "--ip", str(node.address), lab_networks.lab_network(lab), identity)
            self._docker("start", identity)
            self._inside(node, ANSWERS)

        side_by_side(make, lab.nodes)

    def swarm(self) -> None:
        """Make the swarm, and wait until every node is Ready."""
        first = self._lab.first_manager
        self._inside(first, f"docker swarm init --advertise-addr {first.address}")
        tokens = {
            role: self._inside(first, f"docker swarm join-token --quiet {role}") for role in ("manager", "worker")
        }

        def join(node: Node) -> None:
            words = f"--advertise-addr {node.address} --token {tokens[node.role]} {first.address}:2377"
            self._inside(node, f"docker swarm join {words}")

        for manager in self._lab.managers[1:]:
            join(manager)
        side_by_side(join, self._lab.workers)
        count = len(self._lab.nodes)
        ready = f"until [ $(docker node ls --format '{{{{.Status}}}}' | grep -c Ready) = {count} ]; do sleep 0.1; done"
        self._inside(first, ready)

    def remove(self) -> None:
        """Remove all of it."""
        self._docker("rm", "--force", "--volumes", *(name_of(self._lab, node) for node in self._lab.nodes))
        self._docker("network", "rm", lab_networks.adapter1(self._lab), lab_networks.lab_network(self._lab))


@contextmanager
def engine(place: Path) -> Iterator[Runner]:
    """Give a runner that sees an engine which has the image of the nodes."""
    daemon = Dockerd(LabFolder.at(place), Runner())
    daemon.start()
    try:
        runner = daemon.inside()
        images.ensure_node_image(runner, progress=Lines())
        yield runner
    finally:
        daemon.remove()


def measure(size: int, runner: Runner, folder: Path) -> None:
    """Measure a lab of some size, and print its seconds."""
    managers = 3 if size >= 5 else 1
    text = f"provider: docker\nmanagers: {managers}\nworkers: {size - managers}\nmemory: 512\n"
    folder.mkdir()
    (folder / "lab.yml").write_text(text, encoding="utf-8")
    hand = ByHand(config.parse(text), runner, images.node_image())
    start = time.monotonic()
    hand.machines()
    answering = time.monotonic() - start
    hand.swarm()
    by_hand = time.monotonic() - start
    hand.remove()
    start = time.monotonic()
    command = [*runner.prefix, str(LABGEN), "-C", str(folder), "up"]
    subprocess.run(command, check=True, env={**os.environ, **runner.env})
    up = time.monotonic() - start
    subprocess.run([*command[:-1], "down"], check=True, env={**os.environ, **runner.env}, capture_output=True)
    print(
        f"{size} nodes: by hand {answering:.1f} s until they answer, {by_hand:.1f} s until Ready; "
        f"labgen up {up:.1f} s; ratio {up / by_hand:.2f}; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )


def main() -> None:
    """Measure each size."""
    with tempfile.TemporaryDirectory(prefix="labgen-bench-") as place:
        engine_folder = Path(place) / "engine"
        engine_folder.mkdir()
        with engine(engine_folder) as runner:
            for number, size in enumerate([int(word) for word in sys.argv[1:]] or [3, 10, 20]):
                measure(size, runner, Path(place) / str(number))


if __name__ == "__main__":
    main()
