"""The whole road, as a user walks it: nothing, machines, swarm, exercise, grade; then broken, mended and gone.

Each test builds on the state that the one before has left, in the order of the file.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

from labgen.swarm import Swarm
from tests.e2e.conftest import LabUnderTest, tokens

NODES = ("swarm-manager", "swarm-worker1", "swarm-worker2")


def verify(lab: LabUnderTest, *, check: bool) -> dict[str, str]:
    """Verdict of every check, by its id, from `pytest verify/`."""
    report = lab.path / "report.json"
    lab.run("pytest", "verify/", "--json", str(report), check=check)
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return {check["id"]: check["verdict"] for check in told["checks"]}


def logins(lab: LabUnderTest) -> dict[str, int]:
    """SSH logins each node has seen since it booted."""
    return {
        node: lab.on(node, "journalctl --boot --unit ssh --output cat --no-pager").count("Accepted publickey")
        for node in NODES
    }


def test_machines_come_up(lab: LabUnderTest) -> None:
    lab.run("labgen", "up", "--no-bootstrap", within=3600)
    status = json.loads(lab.run("labgen", "status", "--json", check=False).stdout)
    assert status["machines"] == dict.fromkeys(NODES, "running")


def test_interrupted_bootstrap_says_how_to_go_on(lab: LabUnderTest) -> None:
    child = lab.start("fab", "bootstrap")
    assert child.stdout is not None
    for line in child.stdout:
        print(line, end="")
        if line.startswith("  ["):  # the first change: in the middle of things
            child.send_signal(signal.SIGINT)
            break
    said, _ = child.communicate(timeout=300)
    assert child.returncode == 130
    assert "carries on" in said
    assert "Traceback" not in said


def test_bootstrap_carries_on(lab: LabUnderTest) -> None:
    said = lab.run("fab", "bootstrap").stdout
    assert "3 nodes are Ready" in said


def test_second_bootstrap_changes_nothing(lab: LabUnderTest) -> None:
    assert "bootstrap: nothing changed" in lab.run("fab", "bootstrap").stdout


def test_exercise_shows_how_requests_spread(lab: LabUnderTest) -> None:
    said = lab.run("fab", "exercise.loadbalance").stdout
    assert "docker service create --name web-alb" in said
    for node in NODES:
        (line,) = [line for line in said.splitlines() if line.strip().startswith(f"through {node}")]
        assert "<h1>Hi Docker Swarm 1</h1>: 3" in line
        assert "<h1>Hi Docker Swarm 2</h1>: 3" in line


def test_exercise_again_changes_nothing(lab: LabUnderTest) -> None:
    assert "there already" in lab.run("fab", "exercise.loadbalance").stdout


def test_verify_is_green_over_one_connection_per_node(lab: LabUnderTest) -> None:
    # A shared connection that was left open would hide that one is made.
    before = logins(lab)
    lab.close_shared_connections()
    verdicts = verify(lab, check=True)
    after = logins(lab)
    assert set(verdicts.values()) == {"pass"}
    assert len(verdicts) >= 30
    # pytest's own, and none for the question afterwards, which uses the same shared connection.
    assert {node: after[node] - before[node] for node in NODES} == dict.fromkeys(NODES, 1)


def test_grade_leaves_a_report(lab: LabUnderTest) -> None:
    said = lab.run("labgen", "grade").stdout
    assert "loadbalance" in said
    assert (lab.path / ".labgen" / "report" / "report.json").exists()
    assert (lab.path / ".labgen" / "report" / "report.md").exists()


def test_no_token_is_written_anywhere(lab: LabUnderTest) -> None:
    for node in NODES:
        # The manager's own state is encrypted, and not a log.
        found = lab.on(
            node, "sh -c 'journalctl --no-pager; grep -rhaoE SWMTKN-1-[0-9a-z]+ /var/log /etc /home /root /tmp' || true"
        )
        assert tokens(found) == []
        assert "SWMTKN" not in found.replace("grep -rhaoE SWMTKN", "")
    for path in Path(lab.path).rglob("*"):
        if path.is_file() and "libvirt" not in path.parts:
            assert b"SWMTKN-1-" not in path.read_bytes(), path


def worker_is_missed(swarm: Swarm) -> bool:
    """The manager has noticed that the worker left, and the swarm has settled on what remains."""
    (worker1,) = [node.id for node in swarm.nodes if node.name == "swarm-worker1"]
    down = all(not node.ready for node in swarm.nodes if node.name == "swarm-worker2")
    return down and [task.node_id for task in swarm.services["web-alb"].running] == [worker1, worker1]


def test_a_worker_that_left_turns_exactly_its_checks_red(lab: LabUnderTest) -> None:
    green = verify(lab, check=True)
    lab.on("swarm-worker2", "docker swarm leave")
    lab.wait_for("swarm-worker2 to be missed, and its task to run elsewhere", worker_is_missed)
    verdicts = verify(lab, check=False)
    assert set(verdicts) == set(green)
    assert {name: verdict for name, verdict in verdicts.items() if verdict != "pass"} == {
        # the worker itself
        "cluster.swarm_active[swarm-worker2]": "fail",
        "cluster.advertised_address[swarm-worker2]": "blocked",
        "cluster.gossip_port[swarm-worker2-tcp]": "blocked",
        "cluster.gossip_port[swarm-worker2-udp]": "blocked",
        # as the manager sees it
        "cluster.node_ready[swarm-worker2]": "fail",
        "cluster.node_role[swarm-worker2]": "blocked",
        # its task has moved to the other worker, in a new container, which has nginx's own page
        "loadbalance.port_open[swarm-worker2]": "blocked",
        "loadbalance.pages[swarm-manager]": "fail",
        "loadbalance.pages[swarm-worker1]": "fail",
        "loadbalance.pages[swarm-worker2]": "blocked",
        "loadbalance.pages_from_itself[swarm-worker1]": "fail",
        "loadbalance.pages_from_itself[swarm-worker2]": "blocked",
    }


def test_bootstrap_mends_it(lab: LabUnderTest) -> None:
    said = lab.run("fab", "bootstrap").stdout
    assert "[swarm-worker2] joined the swarm as worker" in said
    lab.run("fab", "exercise.reset", "loadbalance")
    lab.run("fab", "exercise.loadbalance")
    assert set(verify(lab, check=True).values()) == {"pass"}


def test_down_leaves_nothing(lab: LabUnderTest) -> None:
    state = json.loads((lab.path / ".labgen" / "state.json").read_text(encoding="utf-8"))
    lab.run("labgen", "down")
    assert not (lab.path / ".labgen" / "libvirt").exists()
    if state["namespace"]:
        assert not Path("/run/netns", state["namespace"]).exists()
    assert str(lab.path) not in _command_lines()


def _command_lines() -> str:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    return "\n".join(line for line in lines if "pytest" not in line)
