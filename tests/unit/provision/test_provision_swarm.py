"""Init, join, ghosts and roles, against nodes that answer as engines do."""

from __future__ import annotations

import json

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok, refused

from labgen import config
from labgen.core.errors import NodeError, SwarmError
from labgen.core.polling import Patience
from labgen.docker.swarm import LocalSwarm, SwarmNode
from provision import swarm

LAB = config.parse("")
MANAGER, WORKER, _ = LAB.nodes
TOKEN = swarm.Token("SWMTKN-1-" + "0" * 50 + "-" + "1" * 25)
NEW = swarm.Token("SWMTKN-1-" + "0" * 50 + "-" + "2" * 25)
# As docker 20.10 says it, the token another.
INIT_SAYS = f"""\
Swarm initialized: current node (4bn3q0yjswfdtnk8dl7kxbv3h) is now a manager.

To add a worker to this swarm, run the following command:

    docker swarm join --token {TOKEN.value} 10.0.2.101:2377

To add a manager to this swarm, run 'docker swarm join-token manager' and follow the instructions.
"""
INVALID = (
    "Error response from daemon: rpc error: code = InvalidArgument desc = "
    "A valid join token is necessary to join this cluster"
)
ROTATED = "Error response from daemon: invalid join token"


def test_init_advertises_the_lab_address_and_sets_the_pool() -> None:
    assert swarm.init_command(LAB) == [
        "docker", "swarm", "init", "--advertise-addr", "10.0.2.101",
        "--default-addr-pool", "10.20.0.0/16", "--default-addr-pool-mask-length", "24",
    ]  # fmt: skip


def test_init_where_there_is_no_swarm() -> None:
    shell = ScriptedShell(MANAGER, [("^docker swarm init ", ok(INIT_SAYS))])
    assert swarm.initialise(shell, LAB, LocalSwarm.inactive()) == {"worker": TOKEN}  # type: ignore[arg-type]


def test_init_that_tells_no_token_is_well_too() -> None:
    shell = ScriptedShell(MANAGER, [("^docker swarm init ", ok("Swarm initialized.\n"))])
    assert swarm.initialise(shell, LAB, LocalSwarm.inactive()) == {}  # type: ignore[arg-type]


def test_init_clears_what_an_interruption_left() -> None:
    shell = ScriptedShell(MANAGER, [("^docker swarm leave --force .*\ndocker swarm init", ok())])
    assert swarm.initialise(shell, LAB, LocalSwarm("pending")) is not None  # type: ignore[arg-type]


def test_swarm_init_that_an_interrupted_run_had_sent_counts() -> None:
    # Observed before, finished meanwhile; as docker 20.10 says it.
    error = (
        "Error response from daemon: This node is already part of a swarm. "
        'Use "docker swarm leave" to leave this swarm and join another one.'
    )
    shell = ScriptedShell(MANAGER, [("^docker swarm init ", refused(error))])
    assert swarm.initialise(shell, LAB, LocalSwarm.inactive()) is None  # type: ignore[arg-type]
    shell = ScriptedShell(WORKER, [("docker swarm join ", refused(error))])
    assert not join(shell, ScriptedShell(MANAGER, []), LocalSwarm.inactive(), {})
    assert all_used([shell])


def test_swarm_init_that_fails_says_why() -> None:
    shell = ScriptedShell(MANAGER, [("^docker swarm init ", refused("Error response from daemon: no space left"))])
    with pytest.raises(NodeError, match=r"swarm-manager: docker swarm init failed \(status 1\): .*no space left"):
        swarm.initialise(shell, LAB, LocalSwarm.inactive())  # type: ignore[arg-type]


def test_swarm_that_is_there_stays() -> None:
    shell = ScriptedShell(MANAGER, [])
    local = LocalSwarm("active", "id", is_manager=True, address="10.0.2.101")
    assert swarm.initialise(shell, LAB, local) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("local", "message"),
    [
        (LocalSwarm("active", "id", is_manager=True, address="192.168.221.5"), "advertises 192.168.221.5"),
        (LocalSwarm("active", "id"), "is a worker of another swarm"),
        (LocalSwarm("locked"), "is locked"),
    ],
)
def test_swarm_what_a_person_must_look_at_is_said(local: LocalSwarm, message: str) -> None:
    with pytest.raises(SwarmError, match=message) as caught:
        swarm.initialise(ScriptedShell(MANAGER, []), LAB, local)  # type: ignore[arg-type]
    assert caught.value.hint


def join(shell: ScriptedShell, manager: ScriptedShell, local: LocalSwarm, members: dict[str, SwarmNode]) -> bool:
    return swarm.join(shell, manager, local, members, TOKEN)  # type: ignore[arg-type]


def test_swarm_token_reaches_a_node_by_standard_input_only() -> None:
    shell = ScriptedShell(WORKER, [('docker swarm join --token "\\$token" --advertise-addr 10.0.2.102', ok())])
    assert join(shell, ScriptedShell(MANAGER, []), LocalSwarm.inactive(), {})
    assert shell.secrets == [TOKEN.value]
    assert "SWMTKN" not in shell.log[0]
    assert "SWMTKN" not in f"{TOKEN} {TOKEN!r}"


def test_swarm_member_is_left_alone() -> None:
    own_entry = SwarmNode("id", WORKER.name, "worker", "active", "ready", False, "10.0.2.102", "")
    assert not join(
        ScriptedShell(WORKER, []), ScriptedShell(MANAGER, []), LocalSwarm("active", "id"), {"id": own_entry}
    )


def test_swarm_member_of_another_swarm_leaves_it_first() -> None:
    shell = ScriptedShell(WORKER, [("docker swarm leave --force[^\n]*\ndocker swarm join", ok())])
    assert join(shell, ScriptedShell(MANAGER, []), LocalSwarm("active", "other"), {})


@pytest.mark.parametrize("error", [INVALID, ROTATED])
def test_swarm_rotated_token_is_asked_for_anew(error: str) -> None:
    shell = ScriptedShell(WORKER, [("swarm join", refused(error)), ("swarm join", ok())])
    manager = ScriptedShell(MANAGER, [("docker swarm join-token -q worker", ok(f"{NEW.value}\n"))])
    assert join(shell, manager, LocalSwarm.inactive(), {})
    assert shell.secrets == [TOKEN.value, NEW.value]
    assert all_used([shell, manager])


def test_swarm_token_that_keeps_changing_is_said() -> None:
    shell = ScriptedShell(WORKER, [("swarm join", refused(ROTATED)), ("swarm join", refused(ROTATED))])
    manager = ScriptedShell(MANAGER, [("join-token", ok(f"{NEW.value}\n"))])
    with pytest.raises(SwarmError, match="refused swarm-worker1 twice"):
        join(shell, manager, LocalSwarm.inactive(), {})


def test_swarm_engine_that_has_ended_is_said_to_have() -> None:
    # Recorded on a node whose engine was ended for want of memory between two scripts.
    gone = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    shell = ScriptedShell(WORKER, [("swarm join", refused(gone))])
    with pytest.raises(NodeError, match="docker swarm join failed: Cannot connect") as caught:
        join(shell, ScriptedShell(MANAGER, []), LocalSwarm.inactive(), {})
    assert "memory" in caught.value.hint
    assert "carries on" in caught.value.hint


def test_swarm_join_that_fails_says_why_without_the_token() -> None:
    shell = ScriptedShell(WORKER, [("swarm join", refused(f"cannot reach with {TOKEN.value}"))])
    with pytest.raises(NodeError, match="docker swarm join failed: cannot reach") as caught:
        join(shell, ScriptedShell(MANAGER, []), LocalSwarm.inactive(), {})
    assert TOKEN.value not in str(caught.value)


def member(
    name: str, *, state: str = "ready", role: str = "worker", leader: bool = False, id: str = ""
) -> dict[str, object]:
    fields: dict[str, object] = {
        "ID": id or f"id-{name}",
        "Spec": {"Role": role, "Availability": "active"},
        "Description": {"Hostname": name},
        "Status": {"State": state, "Addr": "10.0.2.9"},
    }
    if role == "manager":
        fields["ManagerStatus"] = {"Leader": leader, "Addr": "10.0.2.101:2377"}
    return fields


READY = [
    member("swarm-manager", role="manager", leader=True),
    member("swarm-worker1"),
    member("swarm-worker2"),
]


def settle(*steps: tuple[str, object]) -> list[str]:
    shell = ScriptedShell(MANAGER, list(steps))  # type: ignore[arg-type]
    mended = swarm.settle(shell, LAB, Patience(0.0))  # type: ignore[arg-type]
    assert all_used([shell])
    return mended


def test_swarm_nothing_to_mend_where_every_node_is_ready() -> None:
    assert settle(("/nodes", api(json.dumps(READY)))) == []


def test_swarm_lost_membership_is_removed() -> None:
    ghost = member("swarm-worker2", state="down", id="ghost")
    mended = settle(("/nodes", api(json.dumps([ghost, *READY]))), ("docker node rm --force ghost", ok()))
    assert list(map(str, mended)) == ["swarm-worker2: an earlier, lost membership removed"]


def test_swarm_lost_manager_is_demoted_before_it_is_removed() -> None:
    ghost = member("swarm-worker2", state="down", role="manager", id="ghost")
    settle(
        ("/nodes", api(json.dumps([ghost, *READY]))), ("docker node demote ghost .*docker node rm --force ghost", ok())
    )


def test_swarm_role_is_put_right() -> None:
    wrong = [*READY[:2], member("swarm-worker2", role="manager")]
    mended = settle(("/nodes", api(json.dumps(wrong))), ("docker node demote id-swarm-worker2", ok()))
    assert list(map(str, mended)) == ["swarm-worker2: demoted"]


def test_swarm_node_that_does_not_come_is_named_with_what_was_seen() -> None:
    shell = ScriptedShell(MANAGER, [("/nodes", api(json.dumps([READY[0], member("swarm-worker1", state="down")])))])
    with pytest.raises(SwarmError, match="swarm-worker1 is down, swarm-worker2 is not in the swarm"):
        swarm.settle(shell, LAB, Patience(0.0))  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "left"), [("inactive", False), ("active", True), ("locked", True)])
def test_leave_tells_whether_the_node_was_in_a_swarm(state: str, left: bool) -> None:
    info = ("engine/info", api(json.dumps({"Swarm": {"LocalNodeState": state}})))
    shell = ScriptedShell(WORKER, [info, *([("^docker swarm leave --force", ok())] if left else [])])
    assert swarm.leave(shell) is left  # type: ignore[arg-type]
    assert all_used([shell])
