"""Service discovery: the commands, what is refused, and names compared with what the swarm says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok
from test_exercise_recovery import task
from test_provision_exercise import LAB, MANAGER, WORKER1, WORKER2, FakeRun

from labgen.core.errors import ExerciseError
from labgen.exercises.discovery import steps as discovery
from provision.exercise import rehearse


def test_discovery_commands_are_the_briefs() -> None:
    texts: list[str] = []
    rehearse("discovery", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    commands = [
        "docker network create --driver overlay --attachable course-net",
        "docker service create --name web-vip --constraint node.role==worker --replicas 2 --network course-net nginx",
        "docker run --detach --name course-asker --network course-net alpine:3 sleep 1d",
        "docker exec course-asker nslookup web-vip",
        "docker exec course-asker nslookup tasks.web-vip",
        "docker exec course-asker wget -qO- http://tasks.web-vip/",
        "docker exec course-asker wget -qO- http://web-vip/",
        "--network course-net --endpoint-mode dnsrr nginx",
        "docker exec course-asker nslookup web-dnsrr",
        "docker exec course-asker wget -qO- http://web-dnsrr/",
        "docker rm -f course-asker",
    ]
    places = [text.index(command) for command in commands]
    assert places == sorted(places)


def net(**fields: Any) -> FakeRun:
    network = {"Id": "n", "Name": "course-net", "Driver": "overlay", "Scope": "swarm", "Attachable": True} | fields
    return FakeRun(ScriptedShell(MANAGER, [("/networks", api(json.dumps([network])))]))


def test_discovery_network_may_be_there() -> None:
    assert str(discovery._network_there(net())) == "network course-net exists already, with the right settings."
    assert discovery._network_there(net(Name="another")) is None


@pytest.mark.parametrize(
    ("fields", "message"), [({"Driver": "bridge"}, "driver bridge"), ({"Attachable": False}, "not attachable")]
)
def test_another_network_of_the_name_is_not_touched(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ExerciseError, match=message) as caught:
        discovery._network_there(net(**fields))
    assert "fab exercise.reset" in caught.value.hint


def on_network(slot: int, node: str, address: str) -> dict[str, Any]:
    return task(slot, node) | {"NetworksAttachments": [{"Addresses": [f"{address}/24"]}]}


class Asked(ScriptedShell):
    """The manager; names mean what its test says, and every address gives a page."""

    def __init__(self, virtual: str, names: dict[str, list[str]]) -> None:
        tasks = [on_network(1, WORKER1.name, "10.20.3.3"), on_network(2, WORKER2.name, "10.20.3.4")]
        service = {
            "ID": "s",
            "Spec": {"Name": "web-vip"},
            "Endpoint": {"VirtualIPs": [{"Addr": virtual}] if virtual else []},
        }
        super().__init__(MANAGER, [("/services/web-vip", api(json.dumps(service), json.dumps(tasks)))])
        self.names = names

    def attempt(self, script: str, **_: Any) -> Any:
        if "docker exec course-asker sh -c" not in script:
            return super().attempt(script)
        mark = re.findall(r"labgen-[0-9a-f]{16}", script)[0]
        lines = [f"{mark} page {address}" for address in re.findall(r"http://([\d.]+)/", script)]
        for name, addresses in self.names.items():
            lines += [f"{mark} {name}", "Address:\t127.0.0.11:53", *(f"Address: {address}" for address in addresses)]
        return ok("\n".join(lines) + "\n")


OWN = ["10.20.3.3", "10.20.3.4"]


@pytest.mark.parametrize(
    ("virtual", "name", "line"),
    [("10.20.3.2/24", ["10.20.3.2"], "virtual IP: 10.20.3.2"), ("", OWN, "virtual IP: none")],
)
def test_names_as_the_swarm_says(virtual: str, name: list[str], line: str) -> None:
    shell = Asked(virtual, {"web-vip": name, "tasks.web-vip": OWN})
    run = FakeRun(shell)
    discovery._as_the_swarm_says(run, "web-vip")
    assert run.said == [
        f"  {line}; addresses of its tasks: 10.20.3.3, 10.20.3.4; every task gave its page to course-asker"
    ]
    assert all_used([shell])


def test_another_meaning_is_an_error() -> None:
    run = FakeRun(Asked("10.20.3.2/24", {"web-vip": ["10.20.3.2"], "tasks.web-vip": OWN[:1]}))
    with pytest.raises(ExerciseError, match=r"tasks\.web-vip is 10\.20\.3\.3, not 10\.20\.3\.3, 10\.20\.3\.4"):
        discovery._as_the_swarm_says(run, "web-vip")


@pytest.mark.parametrize(("runs", "stopped_id", "running"), [("c1\n", "", True), ("", "c1\n", False), ("", "", False)])
def test_discovery_container_that_cannot_ask_makes_way(runs: str, stopped_id: str, running: bool) -> None:
    script = [("docker ps --quiet", ok(runs))]
    script += [] if running else [("docker ps --all --quiet", ok(stopped_id))]
    script += [("docker rm -f course-asker", ok())] if stopped_id else []
    shell = ScriptedShell(MANAGER, script)
    run = FakeRun(shell)
    assert bool(discovery._asker_there(run)) == running
    assert all_used([shell])
    assert ("does not run on course-net: it is removed first" in "".join(run.said)) == bool(stopped_id)
