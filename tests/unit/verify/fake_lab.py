"""A lab that answers from recordings: what an engine and a node really printed, made three nodes of.

Each node is a small dictionary that a test may change before the checks look. What no recording
answers is a surprise, and fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

from labgen import config
from labgen.core.errors import NodeError
from labgen.core.polling import Patience
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.model.capabilities import NO_IPVS, Capability
from labgen.model.lab import Node
from labgen.model.lab_folder import State
from labgen.observation.commands import CommandAnswer
from labgen.transport.protocol import Transport
from tests.scripted_node import answered

RECORDED = Path(__file__).parents[1] / "recorded_swarm"


def recorded(name: str) -> Any:
    """A recorded answer of an engine."""
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Raw:
    """An answer of an engine that may be no JSON."""

    text: str

    def __getitem__(self, key: str) -> Any:
        return {"LocalNodeState": "active"}


class FakeLab(Transport):
    """The lab of the course with the exercise done, as a transport.

    :ivar dead: names of nodes that do not answer.
    :ivar bridgeless: names of nodes without a bridge network.
    :ivar hanging: names of nodes whose engine runs, but gives no answer.
    :ivar nodes: by name, what the node's own script prints, by section, and ``info`` as JSON.
    :ivar lacks: what is written down that the nodes cannot do, and why.
    :ivar patience: how long is waited; not at all, unless a test says so.
    :ivar pages: by address, the pages that answer there in turn; none where nothing answers.
    :ivar shut: ways on which nothing comes through: name of a node, of another, and ``7946/udp`` or the like.
    :ivar missing: ids of tasks whose container is on no node, whatever the manager says.
    :ivar now: what every node's clock says, however long a test takes.
    :ivar asked: names of the nodes, once for each command run on them.
    :ivar commands: what commands of testinfra's modules come to, on every node; :data:`SILENT` for one that does not
        end.
    """

    def __init__(self, lab_file: str = "") -> None:
        self.now = datetime.now(UTC)
        self.lab = config.parse(lab_file)
        self.dead: set[str] = set()
        self.bridgeless: set[str] = set()
        self.hanging: set[str] = set()
        self.asked: list[str] = []
        self.shut: set[tuple[str, str, str]] = set()
        self.missing: set[str] = set()
        self.commands: dict[str, CommandAnswer] = {}
        self.lacks: dict[Capability, str] = {}
        self.patience = Patience(0.0)
        self.nodes = {node.name: self._node(node) for node in self.lab.nodes}
        self.known = [self._known(node) for node in self.lab.nodes]
        self.networks = recorded("networks.json")
        self.service: dict[str, Any] | None = recorded("service.json")
        self.service["Spec"]["TaskTemplate"]["Placement"] = {"Constraints": ["node.role==worker"]}
        del self.service["Spec"]["TaskTemplate"]["ContainerSpec"]["Args"]
        self.service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = "nginx:latest@sha256:" + "0" * 64
        # On the last workers, which are not the first where there are more of them than replicas.
        busy = [*self.lab.workers, *self.lab.workers, *self.lab.nodes][-2 - len(self.lab.nodes) :][:2]
        self.tasks = [self._task(slot, node.name) for slot, node in enumerate(busy, 1)]
        numbers = {node.name: number for number, node in enumerate(self.lab.workers, 1)}
        pages = [loadbalance.Parameters().page(numbers.get(node.name, 1)) for node in busy]
        self.pages: dict[str, list[str]] = {str(node.address): list(pages) for node in self.lab.nodes}

    # The transport.

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        assert within > 0
        self.asked.append(node.name)
        if node.name in self.dead:
            raise NodeError(f"{node.name} cannot be reached: Connection timed out.", "labgen up")
        if "@@%s" in script:
            return self._facts(node.name, script)
        if "answer() {" in script:
            return answered(script, self.commands)
        if "ingress_sbox" in script:
            return self._reached(node.name)
        if "_COMM=dockerd" in script:
            return self._heard(node.name)
        if "labgen-" in script:
            return self._served(script)
        if "http://engine/" in script:
            return self._engine(node.name, script)
        raise AssertionError(f"no recording for: {script}")

    def close(self) -> None:
        pass

    @property
    def inventory(self) -> Any:
        """As much of an inventory as the checks use."""
        state = State("docker" if self.lacks else "libvirt", lacks=self.lacks)
        folder = SimpleNamespace(lab_file=Path("no such lab.yml"))
        return SimpleNamespace(lab=self.lab, patience=self.patience, state=state, lacks=self.lacks, folder=folder)

    # What tests do to it.

    def leave(self, name: str) -> None:
        """``docker swarm leave`` on a worker, and what follows from it."""
        facts = self.nodes[name]
        facts["info"]["Swarm"] = recorded("info-inactive.json")["Swarm"]
        facts["sockets"] = ""
        next(member for member in self.known if member["Description"]["Hostname"] == name)["Status"]["State"] = "down"
        peer = next(node.name for node in self.lab.workers if node.name != name)
        for task in self.tasks:
            if task["NodeID"] == id_of(name):
                task.update(DesiredState="shutdown", Status={**task["Status"], "State": "shutdown"})
                self.tasks = [*self.tasks, self._task(task["Slot"], peer)]
        for served in self.pages.values():
            served[0] = "<h1>Welcome to nginx!</h1>"

    def contain(self) -> None:
        """The nodes become containers on a kernel without IPVS: other MAC addresses, no published port is bound."""
        self.lacks = {Capability.NETPLAN: "the engine outside gives addresses", Capability.ROUTING_MESH: NO_IPVS}
        for node in self.lab.nodes:
            facts = self.nodes[node.name]
            facts["links"] = facts["links"].replace(node.mac, "02:42:" + node.mac[6:])
            facts["sockets"] = re.sub(r"(?m)^tcp .*\*:8001 .*\n?", "", facts["sockets"])

    def untouch(self) -> None:
        """Nothing was done by anyone: no swarm, no service."""
        for facts in self.nodes.values():
            facts["info"]["Swarm"] = recorded("info-inactive.json")["Swarm"]
            facts["sockets"] = ""

    # Made from the recordings.

    def _node(self, node: Node) -> dict[str, Any]:
        text = (RECORDED / "node.txt").read_text(encoding="utf-8")
        parts = re.split(r"(?m)^@@(\w+)\n", text)
        facts: dict[str, Any] = {parts[at]: parts[at + 1].strip() for at in range(1, len(parts) - 1, 2)}
        facts["hostname"] = node.name
        facts["links"] = facts["links"].replace("10.0.2.101", str(node.address)).replace("08:00:27:00:02:65", node.mac)
        facts["names"] = "\n".join(f"{lab_node.name} {lab_node.address}" for lab_node in self.lab.nodes)
        # The kernel it was recorded on has no IPVS, so the published port was not open there.
        facts["sockets"] += "\ntcp LISTEN 0      4096         *:8001       *:*"
        facts["info"] = json.loads(facts["info"].split("\n")[0])
        facts["info"]["SystemTime"] = "2026-11-23T08:30:00Z"  # a while after the tasks began
        local = facts["info"]["Swarm"]
        local.update(NodeID=id_of(node.name), NodeAddr=str(node.address))
        if node.role == "worker":
            local["ControlAvailable"] = False
            facts["sockets"] = facts["sockets"].replace("*:2377", "127.0.0.1:2377")
        return facts

    def _known(self, node: Node) -> dict[str, Any]:
        member: dict[str, Any] = deepcopy(recorded("nodes.json")[0])
        member["ID"] = id_of(node.name)
        member["Spec"]["Role"] = node.role
        member["Description"]["Hostname"] = node.name
        member["Status"]["Addr"] = str(node.address)
        if node.role == "worker":
            del member["ManagerStatus"]
        return member

    def _task(self, slot: int, node: str) -> dict[str, Any]:
        running = next(task for task in recorded("tasks.json") if task["Status"]["State"] == "running")
        return {**running, "ID": f"task{slot}{node}", "Slot": slot, "NodeID": id_of(node)}

    def _facts(self, name: str, script: str) -> str:
        facts = self.nodes[name]
        lines = []
        for section in ("hostname", "engine", "info", "answers", "end"):
            if section == "answers" and "answer() {" not in script:
                continue  # a node's symptoms
            if section == "answers":
                lines.append(f"\n@@answers\n{answered(script, {**self._commands(name), **self.commands})}")
                continue
            if section == "info" and not facts["engine"]:
                continue
            text = facts.get(section, "")
            if isinstance(text, dict):
                text = {**text, "SystemTime": self.now.isoformat().replace("+00:00", "Z")}
            info = "\n000" if name in self.hanging else f"{json.dumps(text)}\n\n200"
            lines.append(f"\n@@{section}\n" + (info if section == "info" else text))
        return "\n".join(lines) + "\n"

    def _commands(self, name: str) -> dict[str, CommandAnswer]:
        """What the commands that are asked ahead come to on a node."""
        facts = self.nodes[name]
        sockets = "".join(
            f"{line}\n" for line in ["Netid State Recv-Q Send-Q Local Peer", *facts["sockets"].split("\n")]
        )
        names = (line.split() for line in facts["names"].splitlines())
        hosts = "".join(f"{address}\t{host}\n" for host, *addresses in names for address in addresses)
        return {
            "ip -json address": CommandAnswer(0, facts["links"]),
            "ss --numeric --listening": CommandAnswer(0, sockets.rstrip("\n") + "\n"),
            "test -d /run/systemd/system/": CommandAnswer(0, ""),
            "systemctl is-active docker": CommandAnswer(0, "active\n")
            if facts["engine"]
            else CommandAnswer(3, "inactive\n"),
            "cat -- /etc/hosts": CommandAnswer(0, hosts),
        }

    def _engine(self, name: str, script: str) -> str:
        active = self.nodes[name]["info"]["Swarm"]["LocalNodeState"] == "active"
        answers: Mapping[str, Any] = {
            "/nodes": self.known,
            "/networks": [
                network for network in self.networks if name not in self.bridgeless or network["Driver"] != "bridge"
            ],
            "/services": [self.service] if self.service else [],
            "/tasks": self.tasks if self.service else [],
            "/services/web-alb": self.service,
            '/tasks?filters={"service": ["web-alb"]}': self.tasks,
            "/containers/json?all=1": self._containers(name),
            "/images/json": [],
        }
        lines = []
        for path in re.findall(r"http://engine(\S+?)'?(?:\s|$)", script):
            answer = answers[unquote(path)]
            of_the_node = unquote(path) in ("/containers/json?all=1", "/images/json")
            status = 200 if active or of_the_node else 503
            refusal = {"message": "This node is not a swarm manager."}
            lines += [json.dumps(answer if status == 200 else refusal), "", str(status)]
        return "\n".join(lines) + "\n"

    def _containers(self, name: str) -> list[dict[str, Any]]:
        return [
            {
                "Id": task["Status"]["ContainerStatus"]["ContainerID"],
                "Names": [f"/web-alb.{task['Slot']}.{task['ID']}"],
                "ImageID": "sha256:" + "1" * 64,
                "State": "running",
                "Labels": {"com.docker.swarm.service.name": "web-alb"},
            }
            for task in (self.tasks if self.service else [])
            if task["NodeID"] == id_of(name) and task["Status"]["State"] == "running" and task["ID"] not in self.missing
        ]

    def _reached(self, name: str) -> str:
        """What a node reaches of the others: everything, but for what is shut."""
        lines = []
        for peer in self.lab.nodes:
            ports = [7946, 2377] if peer.role == "manager" else [7946]
            for port in ports:
                came = "silent" if (name, peer.name, f"{port}/tcp") in self.shut else "open"
                lines.append(f"tcp {peer.address} {port} {came}")
            walled = {(name, peer.name, "4789/udp"), (peer.name, name, "4789/udp")} & self.shut
            if self.nodes[peer.name]["info"]["Swarm"]["LocalNodeState"] == "active":
                lines.append(f"overlay {peer.address} - {'silent' if walled else 'open'}")
        return "\n".join([*lines, "done\n"])

    def _heard(self, name: str) -> str:
        nodes = [node for node in self.lab.nodes if (node.name, name, "7946/udp") not in self.shut]
        return "".join(f"from={node.address}\n" for node in nodes) + "kept\n"

    def _served(self, script: str) -> str:
        mark = re.search(r"labgen-[0-9a-f]{16}", script)
        assert mark is not None
        lines = []
        for address in re.findall(r"labgen-\S+ address (\S+)'", script):
            lines.append(f"{mark[0]} address {address}")
            if not self.pages[address]:
                lines += ["", f"{mark[0]} 000 0", "curl: (28) Connection timed out after 3001 milliseconds", ""]
                continue
            served = cycle(self.pages[address])
            for _ in range(script.count(f"http://{address}:8001/")):
                lines += [next(served), f"{mark[0]} 200 1"]
            lines.append("")
        return "\n".join(lines) + "\n"


def id_of(name: str) -> str:
    """The swarm's id of a node."""
    return f"id-of-{name}"
