"""`labgen status`: only addresses that answer are printed, and where none does, why."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from labgen import cli, config
from labgen.cli.status import Status, table
from labgen.docker.swarm import PublishedPort
from labgen.machines import inventory
from labgen.machines.connection_info import url
from labgen.machines.inventory import Inventory
from labgen.machines.vagrant import Vagrant
from labgen.model.capabilities import NO_IPVS, Capability
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.providers.base import Machine
from labgen.providers.docker.driver import DockerDriver
from labgen.transport.ssh import SshTransport

LAB = config.parse("")
MOVED = config.parse("ports: [{guest: 8001, host: 9001, node: swarm-worker1}]")
NONE = config.parse("ports: []")
WEB = PublishedPort(8001, 80, "tcp", "ingress")
NO_MESH = {Capability.ROUTING_MESH: NO_IPVS}
RECORDED = Path(__file__).parents[1] / "recorded_swarm"
INFO = json.dumps(json.loads((RECORDED / "info.json").read_text(encoding="utf-8")))
NODE = f"@@clock\n1.5\n@@disk\n@@firewall\n@@proxy\n@@end\n@@engine\n{INFO}\n200\n"
"""What a node tells whose engine runs."""


@pytest.mark.parametrize(
    ("lab", "state", "port", "at"),
    [
        # Nodes that this computer reaches by their own addresses.
        (LAB, State("libvirt"), WEB, "http://10.0.2.101:8001"),
        (LAB, State("libvirt", namespace="labgen-1"), WEB, "http://10.0.2.101:8001"),
        # Nodes behind a NAT: what is forwarded, and nothing else.
        (LAB, State("virtualbox"), WEB, "http://127.0.0.1:8001"),
        (MOVED, State("virtualbox"), WEB, "http://127.0.0.1:9001"),
        (NONE, State("virtualbox"), WEB, None),
        (LAB, State("docker"), WEB, "http://127.0.0.1:8001"),
        (LAB, State("docker", namespace="labgen-1"), WEB, "http://10.0.2.101:8001"),
        # Without the mesh no port of it answers; one that a container has to itself does.
        (LAB, State("docker", lacks=NO_MESH), WEB, None),
        (LAB, State("docker", lacks=NO_MESH), PublishedPort(8001, 80, "tcp", "host"), "http://127.0.0.1:8001"),
        (LAB, State("docker", lacks={Capability.NETPLAN: "x"}), WEB, "http://127.0.0.1:8001"),
        # One that labgen knows nothing of.
        (LAB, State("vmware_desktop"), WEB, "http://10.0.2.101:8001"),
    ],
)
def test_status_where_a_published_port_answers(lab: Lab, state: State, port: PublishedPort, at: str | None) -> None:
    as_asked = [forwarded(published.node, published.guest, published.host, published.host) for published in lab.ports]
    assert url(lab, state, port, as_asked) == at


def forwarded(node: str, guest: int, requested: int, host: int | None) -> dict[str, Any]:
    return {"node": node, "guest": guest, "wanted": requested, "host": host}


def test_status_port_that_was_taken_answers_where_vagrant_has_put_it() -> None:
    corrected = [forwarded("swarm-manager", 8001, 8001, 2203)]
    assert url(LAB, State("virtualbox"), WEB, corrected) == "http://127.0.0.1:2203"
    lines = table(LAB, Status(ports=corrected)).splitlines()
    assert lines[-1] == "port 8001 of swarm-manager is at 127.0.0.1:2203 of this computer: 8001 was taken."


def test_status_port_that_is_where_lab_yml_has_it_needs_no_line() -> None:
    as_asked = [forwarded("swarm-manager", 8001, 8001, 8001)]
    assert table(LAB, Status(ports=as_asked)) == table(LAB, Status())


def test_status_where_a_port_is_forwarded_from_is_not_made_up() -> None:
    unknown = [forwarded("swarm-manager", 8001, 8001, None)]
    assert url(LAB, State("virtualbox"), WEB, unknown) is None
    service = {"name": "web-alb", "image": "nginx", "replicas": 2, "published": [8001], "at": [None]}
    text = table(LAB, Status(services=[service], ports=unknown))
    assert text.endswith("port 8001 at a port of this computer that `labgen up` will find out")
    elsewhere = table(LAB, Status(services=[service], ports=unknown, computer="me@server"))
    assert elsewhere.endswith(
        "port 8001 at a port of me@server, not of this computer (`ssh -L 8001:127.0.0.1:8001 me@server` brings it here)"
    )


@pytest.mark.parametrize(
    ("at", "fields", "line"),
    [
        ("http://10.0.2.101:8001", {}, "service web-alb: nginx, at http://10.0.2.101:8001"),
        (
            "http://10.0.2.101:8001",
            {"namespace": "labgen-1"},
            "service web-alb: nginx, at http://10.0.2.101:8001 (in network namespace labgen-1)",
        ),
        (
            None,
            {"lacks": {"routing mesh": "the kernel has no IPVS"}},
            "service web-alb: nginx, port 8001 does not answer here: the kernel has no IPVS",
        ),
        (None, {}, "service web-alb: nginx, port 8001 not forwarded to this computer (ports: in lab.yml)"),
    ],
)
def test_status_line_of_a_service(at: str | None, fields: dict[str, Any], line: str) -> None:
    service = {"name": "web-alb", "image": "nginx", "replicas": 2, "published": [8001], "at": [at]}
    assert table(LAB, Status(services=[service], **fields)).splitlines()[-1] == line


def test_status_service_without_ports_is_named_alone() -> None:
    service = {"name": "redis", "image": "redis:6", "replicas": 3, "published": [], "at": []}
    assert table(LAB, Status(services=[service])).splitlines()[-1] == "service redis: redis:6"


def test_status_of_a_lab_without_the_mesh(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = LabFolder.at(tmp_path)
    state = State("docker", lacks=NO_MESH)
    folder.remember(state)
    folder.vagrantfile.write_text("")
    lab_inventory = Inventory(folder, LAB, state)
    recorded = {
        "/nodes": (RECORDED / "nodes.json").read_text(encoding="utf-8"),
        "/services": f"[{(RECORDED / 'service.json').read_text(encoding='utf-8')}]",
    }

    def answer(command: str) -> str:
        if "@@%s" in command:
            return NODE
        paths = re.findall(r"http://engine(/\w+)", command)
        return "".join(f"{json.dumps(json.loads(recorded.get(path, '[]')))}\n200\n" for path in paths)

    monkeypatch.setattr(SshTransport, "ask", lambda _self, _node, question: answer(question.script))
    monkeypatch.setattr(inventory, "discover", lambda _: lab_inventory)
    monkeypatch.setattr(
        DockerDriver, "status", lambda _: {node.name: Machine(node.name, "running", "docker") for node in LAB.nodes}
    )
    assert cli.main(["-C", str(tmp_path), "status"]) == 0
    assert f"port 8001 does not answer here: {NO_IPVS}" in capsys.readouterr().out
    assert cli.main(["-C", str(tmp_path), "status", "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["version"], content["lacks"]) == (1, {"routing mesh": NO_IPVS})
    assert [(service["published"], service["at"]) for service in content["services"]] == [([8001], [None])]


LEADERLESS = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers"
LOCAL = {"LocalNodeState": "active", "ControlAvailable": True, "Error": LEADERLESS, "RemoteManagers": []}


@pytest.fixture
def lab_that_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab folder whose machines run."""
    folder = LabFolder.at(tmp_path)
    state = State("libvirt")
    folder.remember(state)
    folder.vagrantfile.write_text("")
    lab_inventory = Inventory(folder, LAB, state)
    monkeypatch.setattr(inventory, "discover", lambda _: lab_inventory)
    machines = {node.name: Machine(node.name, "running", "libvirt") for node in LAB.nodes}
    monkeypatch.setattr(Vagrant, "status", lambda _: machines)
    return tmp_path


def test_status_of_a_swarm_without_a_leader_says_so_and_the_ways_out(
    lab_that_is_up: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(command: str) -> str:
        if "@@%s" in command:
            return f"@@clock\n1.5\n@@end\n@@engine\n{json.dumps({'Swarm': LOCAL})}\n200\n"
        refusal = json.dumps({"message": LEADERLESS})
        return f"{refusal}\n500\n" * command.count("http://engine/")

    monkeypatch.setattr(SshTransport, "ask", lambda _self, _node, question: answer(question.script))
    assert cli.main(["-C", str(lab_that_is_up), "status"]) == 7
    lines = capsys.readouterr().out.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("The swarm has no leader"))
    text = "\n".join(lines[start:])
    assert text.count("The swarm has no leader") == 1
    assert text.index("sudo systemctl start docker") < text.index("--force-new-cluster") < text.index("labgen reset")
    assert "journalctl" not in text
    assert cli.main(["-C", str(lab_that_is_up), "status", "--json"]) == 7
    assert [cause["cause"] for cause in json.loads(capsys.readouterr().out)["causes"]] == ["no-leader"]


def test_status_tells_causes_of_trouble_beside_what_runs(
    lab_that_is_up: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes = json.loads((RECORDED / "nodes.json").read_text(encoding="utf-8"))
    nodes[0]["Description"]["Hostname"] = "swarm-manager"
    nodes[0]["Spec"]["Availability"] = "drain"

    def answer(command: str) -> str:
        if "@@%s" in command:
            return NODE
        paths = re.findall(r"http://engine(/\w+)", command)
        return "".join(f"{json.dumps(nodes if path == '/nodes' else [])}\n200\n" for path in paths)

    monkeypatch.setattr(SshTransport, "ask", lambda _self, _node, question: answer(question.script))
    assert cli.main(["-C", str(lab_that_is_up), "status"]) == 0
    out = capsys.readouterr().out
    assert "swarm-manager is drained: it takes no tasks until it is active again.\n  On swarm-manager:\n" in out
    assert "    docker node update --availability active swarm-manager\n" in out
