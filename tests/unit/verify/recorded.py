"""Gradings that were recorded on real labs (`labgen grade NAME --evidence FILE`), and faults put into them."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import labgen.exercises
from labgen.core.workspace import LabFolder
from labgen.docker.availability import Probe, Stretch
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import Capability
from labgen.model.lab import Node
from labgen.transport.protocol import Transport
from verify import bundle


def recording_file(name: str) -> Path:
    """Path of the recording of an exercise of the course."""
    return Path(*labgen.exercises.__path__) / name / "recording.jsonl"


class Recorded:
    """One recording; a test may change what a node said before it is graded again."""

    def __init__(self, name: str) -> None:
        self.evidence = bundle.read(recording_file(name).read_text(encoding="utf-8"))

    def says(self, script: str, change: Callable[[str], str]) -> None:
        """Change what every script printed that contains a pattern."""
        observations = self.evidence.observations
        hits = [at for at, observation in enumerate(observations) if re.search(script, observation.script)]
        assert hits, f"nothing recorded for {script}"
        for at in hits:
            observations[at] = dataclasses.replace(observations[at], out=change(observations[at].out))

    def engine(self, path: str, change: Callable[[Any], Any], *, always: bool = True) -> None:
        """Change what an engine answered to every path of its API that a pattern matches in full.

        ``change`` may change the answer in place; what it returns stands in its stead, if anything. To return
        :data:`MISSING` makes it 404.

        :param always: someone must have asked for it.
        """
        asked_for = False
        for at, observation in enumerate(self.evidence.observations):
            paths = [unquote(url) for url in re.findall(r"http://engine(\S+?)'?(?:\s|$)", observation.script)]
            lines = observation.out.split("\n")
            # Each answer is a line of JSON, an empty one or none, and a line with its status.
            places = [place for place, line in enumerate(lines) if line.strip()]
            if len(places) != 2 * len(paths):
                continue  # a node's own facts, with an answer of the engine's inside
            for number, requested in enumerate(paths):
                if not re.fullmatch(path, requested):
                    continue
                asked_for = True
                body, status = places[2 * number], places[2 * number + 1]
                if lines[status].strip() != "200":
                    continue
                value = json.loads(lines[body])
                answer = change(value)
                if answer is MISSING:
                    lines[body], lines[status] = json.dumps({"message": "not found"}), "404"
                else:
                    lines[body] = json.dumps(value if answer is None else answer)
            self.evidence.observations[at] = dataclasses.replace(observation, out="\n".join(lines))
        assert asked_for or not always, f"nobody has asked the engine for {path}"

    def service(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change what the engine said of a service, asked for it alone or for all."""

        def among(services: list[Any]) -> list[Any]:
            changed = [(service, change(service) if service["Spec"]["Name"] == name else None) for service in services]
            return [service if answer is None else answer for service, answer in changed if answer is not MISSING]

        self.engine("/services", among)
        self.engine(f"/services/{re.escape(name)}", change, always=False)

    def tasks(self, name: str, change: Callable[[Any], Any]) -> None:
        """Change what the engine said of a service's tasks: a list."""
        service_id = self._id(name)

        def among(tasks: list[Any]) -> list[Any]:
            mine = [task for task in tasks if task["ServiceID"] == service_id]
            answer = change(mine)
            remaining = mine if answer is None else [] if answer is MISSING else answer
            return [task for task in tasks if task["ServiceID"] != service_id] + remaining

        self.engine("/tasks", among)
        self.engine(rf'/tasks\?filters=\{{"service": \["{re.escape(name)}"\]\}}', change, always=False)
        self._containers_follow()

    def _containers_follow(self) -> None:
        """The nodes have the containers of the tasks that run on them, as the manager says it first."""
        tasks: list[Any] = []
        self.engine("/tasks", lambda listed: tasks.extend(listed) if not tasks else None)
        names: dict[str, str] = {}
        self.engine(
            "/nodes", lambda nodes: names.update({node["ID"]: node["Description"]["Hostname"] for node in nodes})
        )
        at = {
            task["Status"].get("ContainerStatus", {}).get("ContainerID"): names.get(task.get("NodeID", ""))
            for task in tasks
            if task["Status"]["State"] == "running"
        }
        containers: dict[str, Any] = {}
        stored = [
            number
            for number, observation in enumerate(self.evidence.observations)
            if "/containers/json" in observation.script
        ]
        for number in stored:
            first, *rest = self.evidence.observations[number].out.split("\n")
            containers |= {container.get("Id", ""): container for container in json.loads(first) or []}
        for number in stored:
            observation = self.evidence.observations[number]
            first, *rest = observation.out.split("\n")
            stay = [
                stored_container
                for stored_container in json.loads(first) or []
                if at.get(stored_container.get("Id")) in (None, observation.node)
            ]
            here = {stored_container.get("Id") for stored_container in stay}
            stay += [
                {**containers.get(container, {}), "Id": container, "State": "running"}
                for container, node in at.items()
                if container and node == observation.node and container not in here
            ]
            self.evidence.observations[number] = dataclasses.replace(
                observation, out="\n".join([json.dumps(stay), *rest])
            )

    def _id(self, name: str) -> str:
        """A service's id, as the swarm was seen first."""
        ids: list[str] = []
        self.engine(
            "/services", lambda all_: ids.extend(service["ID"] for service in all_ if service["Spec"]["Name"] == name)
        )
        assert ids, f"the recording has no service {name}"
        return ids[0]

    def meshed(self, port: int, *stretches: Stretch) -> None:
        """The nodes had the routing mesh, and to the requests made while a check acts came these answers."""
        lacks = {what: why for what, why in self.evidence.state.lacks.items() if what is not Capability.ROUTING_MESH}
        self.evidence.state = dataclasses.replace(self.evidence.state, lacks=lacks)
        inventory = Inventory(LabFolder.at(Path()), self.evidence.lab, self.evidence.state)
        addresses = [str(node.address) for node in inventory.lab.nodes]
        probe = Probe(addresses, port, within=max(2.0, inventory.patience.seconds(1)))
        mark = probe.stop.split("/tmp/")[1].split(";")[0]
        out = "".join(f"{mark} {' '.join(map(str, dataclasses.astuple(stretch)))}\n" for stretch in stretches)
        says = {probe.script: out, probe.begun: "begun\n", probe.stop: ""}
        self.answers(inventory.lab.first_manager, says)

    def answers(self, node: Node, says: dict[str, str]) -> None:
        """A node was asked this as well, by script, and answered."""
        observations = self.evidence.observations
        for script in says:
            self.evidence.recording(Saying(says)).run(node, script)
            # Evidence that goes back in time would be taken for forged.
            observations[-1] = dataclasses.replace(
                observations[-1], since=max(observations[-1].since, observations[-2].since)
            )

    def containers(self, change: Callable[[dict[str, Any]], Any]) -> None:
        """Change what nodes said of each container: its ``id`` and ``state``; what returns MISSING is not there."""

        def changed(out: str) -> str:
            now, engine, *lines, end = out.splitlines()
            containers = [json.loads(line) for line in lines if line.strip()]
            remaining = (json.dumps(container) for container in containers if change(container) is not MISSING)
            return "\n".join([now, engine, *remaining, end]) + "\n"

        self.says("docker inspect --type container", changed)

    def gone(self, name: str) -> None:
        """There is no such service."""
        self.service(name, lambda _: MISSING)


MISSING = object()


@dataclasses.dataclass
class Saying(Transport):
    """Nodes that say what they were told to."""

    says: dict[str, str]

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        del node, within
        return self.says[script]

    def close(self) -> None:
        pass


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault, and the checks that it turns.

    :param change: puts it into a recording.
    :param fails: names of the checks of the exercise that fail of it; others are blocked, or pass.
    :param inconclusive: names of the checks that cannot be judged.
    """

    change: Callable[[Recorded], Any]
    fails: frozenset[str]
    inconclusive: frozenset[str] = frozenset()


def fault(change: Callable[[Recorded], Any], *fails: str) -> Fault:
    """A fault that turns these checks."""
    return Fault(change, frozenset(fails))
