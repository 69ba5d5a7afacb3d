"""Nodes that go: drained, demoted, taken out; and active again where they may not go."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok, refused

from labgen import config
from labgen.core.errors import NodeError, SwarmError
from labgen.core.polling import Patience
from labgen.machines.inventory import Inventory
from labgen.model.lab_folder import LabFolder, State
from labgen.transport.output import Output
from provision import membership
from provision.bootstrap import Account

LAB = config.parse("{managers: 3, workers: 1}")


def local(state: str, *, manager: bool = False) -> tuple[str, Output]:
    return ("engine/info", api(json.dumps({"Swarm": {"LocalNodeState": state, "ControlAvailable": manager}})))


IN_CHARGE = local("active", manager=True)


def member(name: str, *, role: str = "worker", reachable: bool = True, state: str = "ready") -> dict[str, object]:
    manager = {"Reachability": "reachable" if reachable else "unreachable", "Addr": "10.0.2.1:2377"}
    return {
        "ID": f"id-{name}",
        "Description": {"Hostname": name},
        "Spec": {"Role": role, "Availability": "active"},
        "Status": {"State": state},
        **({"ManagerStatus": manager} if role == "manager" else {}),
    }


def nodes(*members: dict[str, object]) -> tuple[str, Output]:
    return ("engine/nodes", api(json.dumps(members)))


class Lab:
    """A lab whose nodes answer as they were told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **scripts: list[tuple[str, Output | NodeError]]) -> None:
        self.inventory = Inventory(LabFolder.at(Path()), LAB, State("libvirt"))
        self.inventory.__dict__["patience"] = Patience(0.0)
        by_name = {name.replace("_", "-"): script for name, script in scripts.items()}
        self.shells = {node.name: ScriptedShell(node, by_name.get(node.name, [])) for node in LAB.nodes}
        monkeypatch.setattr(membership, "Shell", lambda _inventory, node: self.shells[node.name])
        self.account = Account(lambda _line: None)

    def done(self) -> bool:
        return all_used([*self.shells.values()])


def swarm(*tasks: tuple[str, str]) -> tuple[str, Output]:
    """What a manager tells of a service with two replicas, given the nodes and states of its tasks."""
    service = {"ID": "s1", "Spec": {"Name": "web", "Mode": {"Replicated": {"Replicas": 2}}}}
    listed = [
        {"ID": f"t{number}", "ServiceID": "s1", "NodeID": node, "Status": {"State": state}, "DesiredState": state}
        for number, (node, state) in enumerate(tasks)
    ]
    return ("engine/tasks", api("[]", "[]", json.dumps([service]), json.dumps(listed)))


MOVED = swarm(("id-swarm-worker1", "shutdown"), ("id-swarm-manager1", "running"), ("id-swarm-manager1", "running"))
DRAINED = [
    ("availability drain id-swarm-worker1", ok()),
    MOVED,
    MOVED,
]


def test_retire_drains_a_worker_and_takes_it_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(
        monkeypatch,
        swarm_manager1=[
            IN_CHARGE,
            nodes(member("swarm-manager1", role="manager"), member("swarm-worker1")),
            *DRAINED,
            ("docker node rm --force id-swarm-worker1", ok()),
        ],
        swarm_worker1=[("docker swarm leave", ok())],
    )
    membership.retire(lab.inventory, ["swarm-worker1"], lab.account)
    assert lab.done()
    assert lab.account.changes == ["swarm-worker1: drained", "swarm-worker1: removed from the swarm"]


def test_retire_demotes_the_manager_that_does_not_answer_first(monkeypatch: pytest.MonkeyPatch) -> None:
    first = member("swarm-manager1", role="manager")
    second, third = member("swarm-manager2", role="manager"), member("swarm-manager3", role="manager")
    lost = member("swarm-manager3", role="manager", reachable=False, state="down")
    lab = Lab(
        monkeypatch,
        swarm_manager1=[
            IN_CHARGE,
            nodes(first, second, lost),
            ("drain id-swarm-manager2", ok()),
            ("drain id-swarm-manager3", ok()),
            swarm(("id-swarm-manager3", "running"), ("id-swarm-manager1", "running")),
            MOVED,
            ("docker node demote id-swarm-manager3", ok()),
            nodes(first, second, {**third, "Spec": {"Role": "worker"}}),
            ("docker node demote id-swarm-manager2", ok()),
            nodes(first, {**second, "Spec": {"Role": "worker"}}),
            ("docker node rm --force id-swarm-manager2", ok()),
            ("docker node rm --force id-swarm-manager3", ok()),
        ],
        swarm_manager2=[("docker swarm leave", ok())],
    )
    membership.retire(lab.inventory, ["swarm-manager2", "swarm-manager3"], lab.account)
    assert lab.done()


def test_retire_that_would_lose_the_quorum_makes_nodes_active_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = member("swarm-manager1", role="manager"), member("swarm-manager2", role="manager")
    lab = Lab(
        monkeypatch,
        swarm_manager1=[
            IN_CHARGE,
            nodes(first, second),
            ("drain id-swarm-manager2", ok()),
            MOVED,
            MOVED,
            ("docker node demote id-swarm-manager2", refused("this would result in a loss of quorum")),
            ("availability active id-swarm-manager2", ok()),
        ],
    )
    with pytest.raises(SwarmError, match="swarm-manager2 cannot be demoted: this would result in a loss of quorum"):
        membership.retire(lab.inventory, ["swarm-manager2"], lab.account)
    assert lab.done()


def test_retire_asks_a_manager_that_stays_and_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab(
        monkeypatch,
        swarm_manager2=[("engine/info", NodeError("swarm-manager2 does not answer."))],
        swarm_manager3=[IN_CHARGE, nodes(member("swarm-manager3", role="manager"))],
    )
    membership.retire(lab.inventory, ["swarm-manager1"], lab.account)
    assert lab.done()
    assert lab.account.changes == []


def test_retire_where_there_is_no_swarm_has_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    inactive = [local("inactive")]
    lab = Lab(monkeypatch, swarm_manager1=[*inactive], swarm_manager2=[*inactive], swarm_manager3=[*inactive])
    membership.retire(lab.inventory, ["swarm-worker1"], lab.account)
    assert lab.done()


@pytest.mark.parametrize(("state", "words"), [("locked", "locked"), ("active", "no manager")])
def test_manager_that_cannot_change_the_swarm_is_told(monkeypatch: pytest.MonkeyPatch, state: str, words: str) -> None:
    script = [local(state)]
    lab = Lab(monkeypatch, swarm_manager1=[*script], swarm_manager2=[*script], swarm_manager3=[*script])
    with pytest.raises(SwarmError, match=rf"no manager can change the swarm \(swarm-manager1: {words};"):
        membership.retire(lab.inventory, ["swarm-worker1"], lab.account)


def draining(monkeypatch: pytest.MonkeyPatch, *looks: tuple[str, Output]) -> Lab:
    """A lab whose manager takes the order to drain a worker, and then gives these looks at the swarm."""
    order = ("availability drain id-swarm-worker1", ok())
    return Lab(monkeypatch, swarm_manager1=[IN_CHARGE, nodes(member("swarm-worker1")), order, *looks])


def test_drain_waits_until_tasks_have_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = (("id-swarm-worker1", "running"), ("id-swarm-worker1", "shutdown"), ("elsewhere", "running"))
    lab = draining(monkeypatch, swarm(*tasks))
    with pytest.raises(SwarmError, match="last seen: 1 of their tasks run"):
        membership.drain(lab.inventory, ["swarm-worker1"], lab.account)


def test_drain_waits_for_replacements_as_long_as_they_can_come(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = draining(monkeypatch, MOVED, swarm(("id-swarm-worker1", "shutdown"), ("id-swarm-manager1", "running")))
    membership.drain(lab.inventory, ["swarm-worker1"], lab.account)
    assert lab.done()
    assert lab.account.changes == ["swarm-worker1: drained"]


def test_activate_waits_for_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    down = nodes(member("swarm-worker1", state="down"))
    lab = Lab(monkeypatch, swarm_manager1=[IN_CHARGE, down])
    with pytest.raises(SwarmError, match="not Ready: swarm-worker1"):
        membership.activate(lab.inventory, ["swarm-worker1"], lab.account)
    back = [IN_CHARGE, nodes(member("swarm-worker1")), ("availability active id-swarm-worker1", ok())]
    lab = Lab(monkeypatch, swarm_manager1=[*back])
    membership.activate(lab.inventory, ["swarm-worker1"], lab.account)
    assert lab.done()
