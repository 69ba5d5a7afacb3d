"""The road on VirtualBox: real VirtualBox, real Vagrant, labgen's own box; QEMU in place of its hypervisor.

`labgen up` boots the very disk of the box, as a linked clone, with the network adapters that VirtualBox has for each
machine. Each test builds on the state that the one before has left, in the order of the file.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from labgen.core.errors import MachineError
from labgen.machines import connection_info, inventory
from labgen.model.lab import Lab
from tests.e2e.conftest import LabUnderTest
from tests.e2e.snapshots import brought_back

from .conftest import Room


def course(lab: LabUnderTest) -> Lab:
    return inventory.lab_of(lab.path)


def status(lab: LabUnderTest) -> Any:
    return json.loads(lab.run("labgen", "status", "--json", check=False).stdout)


def rules(room: Room, machine: str) -> dict[int, int]:
    """Ports of this computer by those of a machine that they lead to, as VirtualBox has them."""
    told = room.virtualbox.settings(machine)
    forwarded = [value.split(",") for key, value in told.items() if key.startswith("Forwarding(")]
    return {int(rule[5]): int(rule[3]) for rule in forwarded if rule[2] == "127.0.0.1"}


def test_machines_boot(lab: LabUnderTest, room: Room, taken: int) -> None:
    started = time.monotonic()
    said = lab.run("labgen", "up", "--no-bootstrap", within=1200)
    took = time.monotonic() - started
    # The one call of `vagrant up` is nearly all of it.
    (vagrant,) = re.findall(r"^Booting .*: done in ([\d.]+) s$", said.stderr, re.MULTILINE)
    assert took <= 1.05 * float(vagrant)
    # It has gone without asking Vagrant, and knows what Vagrant would have said.
    assert "Asking Vagrant" not in said.stdout + said.stderr
    names = [node.name for node in course(lab).nodes]
    known = connection_info.of_all(lab.path, "virtualbox", names)
    assert known is not None
    asked = room.inside.run(["vagrant", "ssh-config"], cwd=lab.path, timeout=120).or_raise().out
    assert connection_info.ssh_config(known).split() == asked.split()
    at = rules(room, "labgen swarm-manager")[taken]
    assert at != taken
    assert f"note: port {taken} of swarm-manager is at 127.0.0.1:{at} of this computer" in said.stdout + said.stderr


def test_status_tells_the_port_that_vagrant_has_chosen(lab: LabUnderTest, room: Room, taken: int) -> None:
    told = status(lab)
    assert told["machines"] == {node.name: "running" for node in course(lab).nodes}
    at = rules(room, "labgen swarm-manager")[taken]
    assert told["ports"] == [{"node": "swarm-manager", "guest": taken, "wanted": taken, "host": at}]


def test_bootstrap_writes_the_netplan_of_adapter_2(lab: LabUnderTest) -> None:
    assert "3 nodes are Ready" in lab.run("fab", "bootstrap").stdout
    plan = course(lab).plan
    for node in course(lab).nodes:
        links = {link["address"]: link for link in json.loads(lab.on(node.name, "ip -json address"))}
        second = links[node.mac]
        # The cards are where VirtualBox has them, so the kernel finds them in its order.
        assert second["ifname"] == "eth1"
        assert f"{node.address}/{plan.lab.prefixlen}" in addresses(second)
        (first,) = [link for link in links.values() if link["ifname"] == "eth0"]
        assert addresses(first) == [f"{plan.adapter1[15]}/{plan.adapter1.prefixlen}"]
        written = lab.on(node.name, "cat /etc/netplan/60-labgen.yaml")
        assert node.mac in written
        assert str(node.address) in written
        assert "virtio_net" in lab.on(node.name, "readlink /sys/class/net/eth1/device/driver")
        assert "ata_piix" in lab.on(node.name, "readlink -f /sys/block/sda/device/../../../../driver")


def addresses(link: Any) -> list[str]:
    return [f"{one['local']}/{one['prefixlen']}" for one in link["addr_info"] if one["family"] == "inet"]


def test_second_bootstrap_changes_nothing(lab: LabUnderTest) -> None:
    assert "bootstrap: nothing changed" in lab.run("fab", "bootstrap").stdout


def test_exercise_spreads_requests(lab: LabUnderTest) -> None:
    said = lab.run("fab", "exercise.loadbalance").stdout
    for node in course(lab).nodes:
        (line,) = [line for line in said.splitlines() if re.match(rf"\s+{node.name}\s+60 requests: ", line)]
        assert "<h1>Hi Docker Swarm 1</h1>" in line
        assert "<h1>Hi Docker Swarm 2</h1>" in line


def test_verify_is_green(lab: LabUnderTest) -> None:
    report = lab.path / "report.json"
    lab.run("pytest", "verify/", "--json", str(report))
    verdicts = {check["id"]: check["verdict"] for check in json.loads(report.read_text(encoding="utf-8"))["checks"]}
    assert verdicts == dict.fromkeys(verdicts, "pass")
    assert len(verdicts) >= 30


def test_virtualbox_page_answers_where_status_says(lab: LabUnderTest, room: Room, taken: int) -> None:
    assert the_page(lab, room, taken).startswith("<h1>Hi Docker Swarm ")


def test_virtualbox_snapshot_brings_back_the_lab_as_it_was(lab: LabUnderTest, room: Room, taken: int) -> None:
    with brought_back(lab, [node.name for node in course(lab).nodes]):
        # Of whichever task: where a machine was slow to come back, Swarm has another do its work.
        assert "<h1>" in the_page(lab, room, taken)


def the_page(lab: LabUnderTest, room: Room, taken: int) -> str:
    """The page of the service at the port of this computer that VirtualBox forwards and `labgen status` tells."""
    (service,) = [one for one in status(lab)["services"] if one["name"] == "web-alb"]
    at = rules(room, "labgen swarm-manager")[taken]
    assert service["at"] == [f"http://127.0.0.1:{at}"]
    return room.here.run(["curl", "-sf", "--max-time", "30", service["at"][0]]).or_raise().out


def test_virtualbox_adapter_changed_by_hand_is_noticed(lab: LabUnderTest, room: Room) -> None:
    machine = "labgen swarm-worker2"
    room.virtualbox.manage("modifyvm", machine, "--nic2", "intnet")
    told = lab.run("labgen", "up", "--no-bootstrap", check=False)
    assert told.returncode == MachineError.exit_status
    assert "nic2 is intnet, not natnetwork" in told.stderr
    assert "vagrant reload swarm-worker2" in told.stderr
    room.virtualbox.manage("modifyvm", machine, "--nic2", "natnetwork", "--nat-network2", "labgen")
    # What ran goes on running, and the next run carries on.
    assert "nothing changed" in lab.run("labgen", "up").stdout


def test_down_leaves_nothing(lab: LabUnderTest, room: Room) -> None:
    lab.run("labgen", "down")
    left = set(room.virtualbox.machines())
    assert {name for name in left if name.startswith("labgen ")} == set()
    assert room.virtualbox.nat_networks() == {}
    assert "qemu-system" not in room.inside.run(["ps", "-eo", "comm"], cwd=room.place).or_raise().out
    assert list(Path(lab.path, ".vagrant").rglob("labgen.json")) == []
