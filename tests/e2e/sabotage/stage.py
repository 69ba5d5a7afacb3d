"""The lab that is sabotaged: commands on its nodes, waiting for what they lead to, and its grade."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import NotYet, wait_until
from labgen.docker.question import Question
from labgen.docker.swarm import Swarm, look
from labgen.machines import inventory
from labgen.machines.inventory import Inventory
from labgen.model.lab import Lab, Node
from labgen.transport.ssh import SshTransport

BIN = Path(sys.executable).parent
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
        self._inventory: Inventory | None = None

    @property
    def inventory(self) -> Inventory:
        """The lab, and how its nodes are reached."""
        if self._inventory is None:
            self._inventory = inventory.discover(self.folder)
            self._hosts = SshTransport(self._inventory)
        return self._inventory

    @property
    def lab(self) -> Lab:
        """The lab as data."""
        return self.inventory.lab

    @property
    def nodes(self) -> Sequence[Node]:
        """Its nodes."""
        return self.lab.nodes

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

    def ask(self, name: str, question: Question) -> str:
        """Ask a node something that is more than a script."""
        node = self.node(name)
        assert self._hosts is not None
        return self._hosts.ask(node, question)

    def manager(self, *lines: str, within: float = 90) -> str:
        """The same on the first manager."""
        return self.on(self.lab.first_manager.name, *lines, within=within)

    def swarm(self) -> Swarm:
        """The swarm, as the first manager tells it now.

        :raises LabgenError: it cannot: its engine does not run, or nobody leads.
        """
        return look(partial(self.ask, self.lab.first_manager.name))

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

    def labgen(self, *words: str, within: float = 900) -> str:
        """Type a command of labgen's, which must go well."""
        return self.must("labgen", *words, within=within)

    def must(self, *argv: str, within: float = 900) -> str:
        """The same, and it must go well."""
        result = self.run(*argv, within=within)
        if result.returncode:
            raise LabgenError(
                f"`{shlex.join(argv)}` ended with {result.returncode}:\n{result.stdout[-2000:]}{result.stderr[-2000:]}"
            )
        return result.stdout

    def wait(self, what: str, condition: Callable[[Swarm], bool], *, within: float = 90) -> None:
        """Wait until something is true of the swarm, as the first manager tells it."""

        def look_at_it() -> None:
            try:
                swarm = self.swarm()
            except LabgenError as error:
                raise NotYet(error.message) from None
            if not condition(swarm):
                raise NotYet(", ".join(f"{node.name} {node.state}" for node in swarm.nodes))

        self.wait_until(what, look_at_it, within=within)

    def wait_until(self, what: str, look: Callable[[], None], *, within: float = 90) -> None:
        """Wait until a look no longer raises NotYet; ``within`` is of an ordinary computer's seconds."""
        wait_until(what, look, within=self.inventory.patience.seconds(within), every=1)

    def settled(self, service: str, running: int, *, within: float = 90) -> None:
        """Wait until so many tasks of a service run, and no update goes on."""

        def settled(swarm: Swarm) -> bool:
            current = swarm.services.get(service)
            moving = current is not None and current.update_state in ("updating", "rollback_started")
            return current is not None and len(current.running) == running and not moving

        self.wait(f"{running} tasks of {service} to run", settled, within=within)

    def missed(self, name: str) -> None:
        """Wait until the manager has noticed that a node does not answer."""
        self.wait(
            f"{name} to be missed", lambda swarm: any(node.name == name and not node.ready for node in swarm.nodes)
        )

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
        result = self.run("pytest", "verify/", "--exercise", exercise, "--report", str(report), "--lang=en", "-q")
        file = report / "report.json"
        if result.returncode not in (0, 11, 12) or not file.exists():
            raise LabgenError(
                f"grading ended with {result.returncode}:\n{result.stdout[-2000:]}{result.stderr[-2000:]}"
            )
        graded: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        self.causes = {check.get("cause", "") for check in graded["checks"] if check["verdict"] == "fail"}
        self.seconds = graded["seconds"]
        if any(check["verdict"] == "inconclusive" for check in graded["checks"]):
            # Of nodes that cannot be asked no check fails: the cause is told by the status of the lab.
            status = json.loads(self.run("labgen", "status", "--json").stdout)
            self.causes |= {entry["cause"] for entry in status["causes"]}
        return {check["id"]: check["verdict"] for check in graded["checks"]}

    def close(self) -> None:
        """Close the connections."""
        if self._hosts is not None:
            self._hosts.close()
