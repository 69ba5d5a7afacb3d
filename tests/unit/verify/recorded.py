"""Gradings that were recorded on real labs, and what edits them: a lab for the faults of exercises.

A recording is what ``labgen grade NAME --evidence FILE`` has kept of a right lab.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import labgen.exercises
from labgen.docker import http_check
from labgen.docker.api import ask_command
from labgen.docker.availability import Probe, Stretch
from labgen.exercise.faults import MISSING
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab, Node
from labgen.model.lab_folder import LabFolder
from labgen.transport.observation import Observation
from labgen.transport.protocol import Transport
from verify import bundle


def recording_file(name: str) -> Path:
    """Path of the recording of an exercise of the course."""
    return Path(*labgen.exercises.__path__) / name / "recording.jsonl"


class Recorded:
    """The recording of an exercise, as :class:`labgen.exercise.faults.RecordedLab` describes it.

    :ivar evidence: what is graded.
    """

    def __init__(self, name: str) -> None:
        self.evidence = bundle.read(recording_file(name).read_text(encoding="utf-8"))

    @property
    def lab(self) -> Lab:
        return self.evidence.lab

    @property
    def started(self) -> datetime:
        return self.evidence.started

    @property
    def ended(self) -> datetime:
        return self.started + timedelta(seconds=self.evidence.observations[-1].since)

    def says(self, script: str, change: Callable[[str], str], *, node: str = "") -> None:
        matching = [
            place
            for place, observation in enumerate(self.evidence.observations)
            if re.search(script, observation.script) and node in ("", observation.node)
        ]
        assert matching, f"nothing recorded for {script}"
        for place in matching:
            self._change(place, change(self.evidence.observations[place].out))

    def script(self, pattern: str) -> tuple[str, str]:
        observation = self.evidence.observations[self._first(pattern)]
        return observation.script, observation.out

    def repeated(self, pattern: str, *nodes: str) -> None:
        first = self._first(pattern)
        observation = self.evidence.observations[first]
        # In the order in which they would have been made.
        self.evidence.observations[first + 1 : first + 1] = [
            dataclasses.replace(observation, node=node) for node in nodes
        ]

    def facts(self, node: str, part: str, change: Callable[[str], str]) -> None:
        def edit(out: str) -> str:
            before, heading, rest = out.partition(f"\n@@{part}\n")
            assert heading, f"{node} said nothing of {part}"
            text, following, others = rest.partition("\n@@")
            return f"{before}{heading}{change(text)}{following}{others}"

        self.says("@@%s", edit, node=node)

    def engine(self, path: str, change: Callable[[Any], Any], *, node: str = "", always: bool = True) -> None:
        """Change what engines answered; see the protocol.

        :param always: whether someone must have asked for it.
        """
        asked_for = False
        for place, observation in enumerate(self.evidence.observations):
            paths = [unquote(url) for url in re.findall(r"http://engine(\S+?)'?(?:\s|$)", observation.script)]
            lines = observation.out.split("\n")
            # Each answer is a line of JSON, an empty one or none, and a line with its status.
            places = [number for number, line in enumerate(lines) if line.strip()]
            if len(places) != 2 * len(paths) or node not in ("", observation.node):
                continue  # a node's own facts, with an answer of the engine's inside
            for number, requested in enumerate(paths):
                if re.fullmatch(path, requested):
                    asked_for = True
                    _change_answer(lines, *places[2 * number : 2 * number + 2], change)
            self._change(place, "\n".join(lines))
        assert asked_for or not always, f"nobody has asked the engine for {path}"

    def service(self, name: str, change: Callable[[Any], Any]) -> None:
        def among(services: list[Any]) -> list[Any]:
            changed = [(service, change(service) if service["Spec"]["Name"] == name else None) for service in services]
            return [service if answer is None else answer for service, answer in changed if answer is not MISSING]

        self.engine("/services", among)
        self.engine(f"/services/{re.escape(name)}", change, always=False)

    def tasks(self, name: str, change: Callable[[Any], Any]) -> None:
        service_id = self._id(name)

        def among(tasks: list[Any]) -> list[Any]:
            own = [task for task in tasks if task["ServiceID"] == service_id]
            answer = change(own)
            remaining = own if answer is None else [] if answer is MISSING else answer
            return [task for task in tasks if task["ServiceID"] != service_id] + remaining

        self.engine("/tasks", among)
        self.engine(rf'/tasks\?filters=\{{"service": \["{re.escape(name)}"\]\}}', change, always=False)
        self._move_containers()

    def containers(self, change: Callable[[dict[str, Any]], Any]) -> None:
        def changed(out: str) -> str:
            now, engine, *lines, end = out.splitlines()
            containers = [json.loads(line) for line in lines if line.strip()]
            remaining = (json.dumps(container) for container in containers if change(container) is not MISSING)
            return "\n".join([now, engine, *remaining, end]) + "\n"

        self.says("docker inspect --type container", changed)

    def container_lists(self, change: Callable[[list[dict[str, Any]]], Any]) -> None:
        for place in self._container_lists():
            first, *rest = self.evidence.observations[place].out.split("\n")
            containers = json.loads(first) or []
            answer = change(containers)
            self._change(place, "\n".join([json.dumps(containers if answer is None else answer), *rest]))

    def gone(self, name: str) -> None:
        self.service(name, lambda _: MISSING)

    def has(self, capability: Capability) -> None:
        lacks = {what: why for what, why in self.evidence.state.lacks.items() if what is not capability}
        self.evidence.state = dataclasses.replace(self.evidence.state, lacks=lacks)

    def meshed(self, port: int, *stretches: Stretch) -> None:
        self.has(Capability.ROUTING_MESH)
        inventory = Inventory(LabFolder.at(Path()), self.evidence.lab, self.evidence.state)
        addresses = [str(node.address) for node in inventory.lab.nodes]
        probe = Probe(addresses, port, within=max(2.0, inventory.patience.seconds(1)))
        mark = probe.stop.split("/tmp/")[1].split(";")[0]
        out = "".join(f"{mark} {' '.join(map(str, dataclasses.astuple(stretch)))}\n" for stretch in stretches)
        self.answers(inventory.lab.first_manager, {probe.script: out, probe.begun: "begun\n", probe.stop: ""})

    def served(
        self, port: int, pages: Sequence[str], *, shut: Collection[str] = (), unanswered: Collection[str] = ()
    ) -> None:
        self.has(Capability.ROUTING_MESH)
        for node in self.lab.nodes:
            listener = f"tcp LISTEN 0      4096   {'127.0.0.1' if node.name in shut else '*'}:{port}   *:*"
            self.facts(node.name, "sockets", lambda text, listener=listener: f"{text}\n{listener}")  # type: ignore[misc]
        patience = Inventory(LabFolder.at(Path()), self.lab, self.evidence.state).patience
        mark = "labgen-" + "1" * 16
        for node in self.lab.nodes:
            first = node == self.lab.first_manager
            asked = [target for target in (self.lab.nodes if first else (node,)) if target.name not in shut]
            answers = {
                str(target.address): _silence(mark) if first and target.name in unanswered else _pages(mark, pages)
                for target in asked
            }
            out = "".join(f"{mark} address {address}\n{text}\n" for address, text in answers.items())
            if node.name not in shut:
                self.answers(node, {http_check.command(list(answers), port, patience.seconds(3), mark): out})

    def answers(self, node: Node, texts: Mapping[str, str]) -> None:
        observations = self.evidence.observations
        for script in texts:
            self.evidence.recording(Saying(texts)).run(node, script)
            # Evidence that goes back in time would be taken for forged.
            observations[-1] = dataclasses.replace(
                observations[-1], since=max(observations[-1].since, observations[-2].since)
            )

    def asked_alone(self, name: str) -> None:
        filters = json.dumps({"service": [name]})
        script = ask_command([f"/services/{quote(name, safe='')}", f"/tasks?filters={quote(filters, safe='')}"])
        answers: dict[str, Any] = {}
        self.service(name, lambda service: answers.update(service=service))
        self.tasks(name, lambda tasks: answers.update(tasks=tasks))
        out = f"{json.dumps(answers['service'])}\n\n200\n{json.dumps(answers['tasks'])}\n\n200\n"
        observations = self.evidence.observations
        manager = observations[self._first("http://engine/tasks")].node
        if not any(observation.script == script for observation in observations):
            observations.append(Observation(manager, script, out, ("", ""), observations[-1].since))

    def now(self) -> datetime:
        manager = self.lab.first_manager.name
        facts = next(
            observation
            for observation in self.evidence.observations
            if observation.node == manager and "@@%s" in observation.script
        )
        look = self.evidence.observations[self._first("http://engine/tasks")]
        time = datetime.fromisoformat(re.findall(r'"SystemTime":"([^"]+)"', facts.out)[0])
        return time + timedelta(seconds=look.since - facts.since)

    def _change(self, place: int, out: str) -> None:
        self.evidence.observations[place] = dataclasses.replace(self.evidence.observations[place], out=out)

    def _first(self, pattern: str) -> int:
        """Place of the first observation whose script a pattern is found in."""
        return next(
            place
            for place, observation in enumerate(self.evidence.observations)
            if re.search(pattern, observation.script)
        )

    def _id(self, name: str) -> str:
        """Id of a service, as the swarm was seen first."""
        ids: list[str] = []
        self.engine(
            "/services", lambda all_: ids.extend(service["ID"] for service in all_ if service["Spec"]["Name"] == name)
        )
        assert ids, f"the recording has no service {name}"
        return ids[0]

    def _container_lists(self) -> list[int]:
        observations = enumerate(self.evidence.observations)
        return [place for place, observation in observations if "/containers/json" in observation.script]

    def _move_containers(self) -> None:
        """Let the nodes have the containers of the tasks that run on them, as the manager says it first."""
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
        for place in self._container_lists():
            first, *_ = self.evidence.observations[place].out.split("\n")
            containers |= {container.get("Id", ""): container for container in json.loads(first) or []}
        for place in self._container_lists():
            node, out = self.evidence.observations[place].node, self.evidence.observations[place].out
            first, *rest = out.split("\n")
            stay = [container for container in json.loads(first) or [] if at.get(container.get("Id")) in (None, node)]
            here = {container.get("Id") for container in stay}
            stay += [
                {**containers.get(container, {}), "Id": container, "State": "running"}
                for container, place_of_task in at.items()
                if container and place_of_task == node and container not in here
            ]
            self._change(place, "\n".join([json.dumps(stay), *rest]))


def _pages(mark: str, pages: Sequence[str]) -> str:
    """What curl prints of requests that are answered with some pages, in turn."""
    return "".join(f"{page}\n{mark} 200 1\n" for page in islice(cycle(pages), http_check.REQUESTS))


def _silence(mark: str) -> str:
    """What curl prints of a request that is not answered."""
    return f"\n{mark} 000 0\ncurl: (28) Connection timed out after 3001 milliseconds\n"


def _change_answer(lines: list[str], body: int, status: int, change: Callable[[Any], Any]) -> None:
    """Change the answer of an engine in two lines of what a script printed."""
    if lines[status].strip() != "200":
        return
    value = json.loads(lines[body])
    answer = change(value)
    if answer is MISSING:
        lines[body], lines[status] = json.dumps({"message": "not found"}), "404"
    else:
        lines[body] = json.dumps(value if answer is None else answer)


@dataclasses.dataclass
class Saying(Transport):
    """Nodes that say what they were told to."""

    texts: Mapping[str, str]

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        del node, within
        return self.texts[script]

    def close(self) -> None:
        pass
