"""The lab that is sabotaged: commands on its nodes, waiting for what they lead to, and its grade."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import NotYet, wait_until
from labgen.docker.swarm import Swarm, look
from labgen.machines import inventory
from labgen.machines.inventory import Inventory
from labgen.model.lab import Lab, Node
from labgen.transport.ssh import SshTransport

BIN = Path(sys.executable).parent
MANAGER, W1, W2 = "swarm-manager", "swarm-worker1", "swarm-worker2"

Verdicts = dict[str, str]


class Stage:
    """A lab folder whose lab is up.

    :ivar causes: names of the causes that the last grading told, or `labgen status` of nodes that cannot be asked.
    :ivar seconds: how long the last grading took.
    """

    def __init__(self, folder: Path) -> None:
        self.causes: set[str] = set()
        self.seconds = 0.0
        self.folder = folder
        self._hosts: SshTransport | None = None
        self._there: Inventory | None = None

    @property
    def there(self) -> Inventory:
        """The lab, and how its nodes are reached."""
        if self._there is None:
            self._there = inventory.discover(self.folder)
            self._hosts = SshTransport(self._there)
        return self._there

    @property
    def lab(self) -> Lab:
        """The lab as data."""
        return self.there.lab

    def node(self, name: str) -> Node:
        """One of its nodes."""
        return next(node for node in self.lab.nodes if node.name == name)

    def on(self, name: str, *lines: str, within: float = 90) -> str:
        """Run lines of shell as root on a node, until one fails; gives what they printed.

        :raises NodeError: one failed, or the node does not answer.
        """
        node = self.node(name)
        assert self._hosts is not None
        return self._hosts.run(node, "\n".join(["set -e", *lines]), within=within)

    def manager(self, *lines: str, within: float = 90) -> str:
        """The same on the first manager."""
        return self.on(self.lab.first_manager.name, *lines, within=within)

    def swarm(self) -> Swarm:
        """The swarm, as the first manager tells it now.

        :raises LabgenError: it cannot: its engine does not run, or nobody leads.
        """
        return look(partial(self.on, self.lab.first_manager.name))

    def run(self, *argv: str, within: float = 900) -> subprocess.CompletedProcess[str]:
        """Type a command of labgen's in the lab folder."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return subprocess.run(
            [str(BIN / argv[0]), *argv[1:]],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
        )

    def must(self, *argv: str, within: float = 900) -> str:
        """The same, and it must go well."""
        done = self.run(*argv, within=within)
        if done.returncode:
            raise LabgenError(
                f"`{shlex.join(argv)}` ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
            )
        return done.stdout

    def wait(self, what: str, true_of: Callable[[Swarm], bool], *, within: float = 90) -> None:
        """Wait until something is true of the swarm, as the first manager tells it."""

        def seen() -> None:
            try:
                swarm = self.swarm()
            except LabgenError as error:
                raise NotYet(error.message) from None
            if not true_of(swarm):
                raise NotYet(", ".join(f"{one.name} {one.state}" for one in swarm.nodes))

        wait_until(what, seen, within=self.there.patience.seconds(within), every=1)

    def settled(self, service: str, running: int, *, within: float = 90) -> None:
        """Wait until so many tasks of a service run, and no update goes on."""

        def true_of(swarm: Swarm) -> bool:
            there = swarm.services.get(service)
            moving = there is not None and there.update_state in ("updating", "rollback_started")
            return there is not None and len(there.running) == running and not moving

        self.wait(f"{running} tasks of {service} to run", true_of, within=within)

    def missed(self, name: str) -> None:
        """Wait until the manager has noticed that a node does not answer."""
        self.wait(f"{name} to be missed", lambda swarm: any(one.name == name and not one.ready for one in swarm.nodes))

    def remove(self, *services: str) -> None:
        """Remove services, there or not, and wait until their containers are gone."""
        with suppress(NodeError):
            self.manager(*(f"docker service rm {shlex.quote(name)} 2>/dev/null || true" for name in services))
        self.wait("its containers to be gone", lambda swarm: not set(services) & set(swarm.services))

    def serve(self, name: str, create: str, running: int) -> None:
        """Make a service anew, and wait until so many of its tasks run.

        :param create: options, image and command, as they are typed.
        """
        self.remove(name)
        self.manager(f"docker service create --detach --name {name} {create}")
        self.settled(name, running)

    def token(self) -> str:
        """The worker's join token; it goes no further than to the node that joins."""
        return self.manager("docker swarm join-token --quiet worker").strip()

    def join(self, name: str, *options: str, port: int = 2377) -> None:
        """Join a node that has left, as a worker."""
        address = self.lab.first_manager.address
        # Not as a word of the command, which other users of the node could see.
        self.on(name, f"token={self.token()}", f"docker swarm join {' '.join(options)} --token $token {address}:{port}")

    def grade(self, exercise: str) -> Verdicts:
        """Verdict of every check of the swarm and of an exercise."""
        report = self.folder / "graded"
        (report / "report.json").unlink(missing_ok=True)
        done = self.run("pytest", "verify/", "--exercise", exercise, "--report", str(report), "--lang=en", "-q")
        file = report / "report.json"
        if done.returncode not in (0, 11, 12) or not file.exists():
            raise LabgenError(f"grading ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        self.causes = {one.get("cause", "") for one in told["checks"] if one["verdict"] == "fail"}
        self.seconds = told["seconds"]
        if any(one["verdict"] == "inconclusive" for one in told["checks"]):
            # Of nodes that cannot be asked no check fails: the cause is told by the status of the lab.
            status = json.loads(self.run("labgen", "status", "--json").stdout)
            self.causes |= {entry["cause"] for entry in status["causes"]}
        return {one["id"]: one["verdict"] for one in told["checks"]}

    def close(self) -> None:
        """Close the connections."""
        if self._hosts is not None:
            self._hosts.close()
