"""The whole road, as a user walks it: nothing, machines, swarm, exercise, grade; then broken, mended and gone.

Each test builds on the state that the one before has left, in the order of the file.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from labgen.core.errors import GRADED_WITH_FAILURES
from labgen.core.process import Runner
from labgen.docker.swarm import Swarm
from labgen.exercise.catalogue import exercise_names, prerequisite
from labgen.model.capabilities import Capability
from labgen.providers import PROVIDERS
from tests.e2e.conftest import CHECKOUT, LabUnderTest, every_point, tokens
from tests.e2e.snapshots import brought_back

NODES = ("swarm-manager", "swarm-worker1", "swarm-worker2")


def verify(lab: LabUnderTest, *, check: bool) -> dict[str, str]:
    """Verdict of every check, by its id, from `pytest verify/`."""
    report = lab.path / "report.json"
    lab.run("pytest", "verify/", "--json", str(report), check=check)
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return {check["id"]: check["verdict"] for check in told["checks"]}


def expected(lab: LabUnderTest, check: str) -> str:
    """The verdict of a check on a lab where everything is as it should be."""
    needs_mesh = check.startswith(("loadbalance.port_open", "loadbalance.pages"))
    return "not applicable" if needs_mesh and Capability.ROUTING_MESH in lab.state.lacks else "pass"


def logins(lab: LabUnderTest) -> dict[str, int]:
    """SSH logins each node has seen since it booted."""
    return {
        node: lab.on(node, "journalctl --boot --unit ssh --output cat --no-pager").count("Accepted publickey")
        for node in NODES
    }


def test_machines_come_up(lab: LabUnderTest) -> None:
    lab.run("labgen", "up", "--provider", lab.provider, "--no-bootstrap", within=3600)
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


def test_lab_only_an_emulated_machine_runs_its_programs_at_fixed_addresses(lab: LabUnderTest) -> None:
    if lab.provider == "docker":
        pytest.skip("containers have the kernel of this computer")
    drawn = {lab.on(node, "cat /proc/sys/kernel/randomize_va_space").strip() for node in NODES}
    assert drawn == {"2" if lab.state.accelerated else "0"}


def earned(lab: LabUnderTest) -> dict[str, int]:
    """Points of every exercise, on the lab as it is now."""
    report = lab.path / "report.json"
    lab.run("pytest", "verify/", "--exercise", "all", "--json", str(report), check=False)
    told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return {exercise["name"]: exercise["points"]["got"] for exercise in told["exercises"]}


def test_lab_untouched_lab_earns_nothing_for_any_exercise(lab: LabUnderTest) -> None:
    assert earned(lab) == dict.fromkeys(set(exercise_names()) - {prerequisite()}, 0)


def test_lab_untouched_lab_is_green_and_says_what_is_next(lab: LabUnderTest) -> None:
    for command in (("pytest", "verify/"), ("labgen", "grade", "--lang", "en")):
        said = lab.run(*command).stdout
        assert re.search(r"(?m)^cluster: (\d+) of \1 checks$", said)
    assert "No exercise was started. Next: labgen run --list" in said


def test_lab_named_exercise_that_was_not_begun_is_a_failure(lab: LabUnderTest) -> None:
    done = lab.run("labgen", "grade", "update", "--lang", "en", check=False)
    assert done.returncode == GRADED_WITH_FAILURES
    assert "update" in done.stdout
    assert re.search(r"(?m)^0 of \d+ points", done.stdout)


def test_exercise_shows_how_requests_spread(lab: LabUnderTest) -> None:
    said = lab.run("fab", "exercise.loadbalance").stdout
    assert "docker service create --name web-alb" in said
    if Capability.ROUTING_MESH in lab.state.lacks:
        assert f"not applicable here: {lab.state.lacks[Capability.ROUTING_MESH]}" in said
        assert "<h1>Hi Docker Swarm 1</h1>" in said
        assert "<h1>Hi Docker Swarm 2</h1>" in said
        return
    for node in NODES:
        (line,) = [line for line in said.splitlines() if re.match(rf"\s+{node}\s+60 requests: ", line)]
        assert "30 x <h1>Hi Docker Swarm 1</h1>" in line
        assert "30 x <h1>Hi Docker Swarm 2</h1>" in line
    # Where the lab has a network namespace of its own, it says so.
    assert re.search(r"# In a browser on this computer(, inside the lab's network namespace \S+)?: http://", said)


def test_exercise_again_changes_nothing(lab: LabUnderTest) -> None:
    assert "exists already" in lab.run("fab", "exercise.loadbalance").stdout


def test_verify_is_green_over_one_connection_per_node(lab: LabUnderTest) -> None:
    before = logins(lab)
    lab.close_shared_connections()
    verdicts = verify(lab, check=True)
    after = logins(lab)
    assert verdicts == {name: expected(lab, name) for name in verdicts}
    assert len(verdicts) >= 30
    # That of the checks, and that of the question afterwards: the one before it was closed.
    assert {node: after[node] - before[node] for node in NODES} == dict.fromkeys(NODES, 2)


def test_grade_leaves_a_report(lab: LabUnderTest) -> None:
    said = lab.run("labgen", "grade").stdout
    assert "loadbalance" in said
    report = lab.path / ".labgen" / "report"
    for name in ("report.json", "report.html", "report.md", "report.txt", "junit.xml", "evidence.jsonl"):
        assert (report / name).exists(), name


def test_evidence_gives_the_same_grade_without_the_lab(lab: LabUnderTest, tmp_path: Path) -> None:
    lab.run("labgen", "grade", "--nonce", "today", "--evidence", str(tmp_path / "kept.jsonl"))
    first = json.loads((lab.path / ".labgen" / "report" / "report.json").read_text(encoding="utf-8"))
    again = json.loads(
        lab.run("labgen", "-C", str(tmp_path), "grade", "--from", str(tmp_path / "kept.jsonl"), "--json").stdout
    )
    for key in ("verdict", "points", "seen", "started", "evidence"):
        assert again[key] == first[key], key
    assert [(one["id"], one["verdict"]) for one in again["checks"]] == [
        (one["id"], one["verdict"]) for one in first["checks"]
    ]
    refused = lab.run("labgen", "grade", "--from", str(tmp_path / "kept.jsonl"), "--nonce", "tomorrow", check=False)
    assert refused.returncode == 14


def test_lab_check_is_explained(lab: LabUnderTest) -> None:
    said = lab.run("labgen", "explain", "cluster.host_name[swarm-worker1]", "--lang", "en").stdout
    assert "The node's host name is correct." in said
    assert "@@hostname\n    swarm-worker1\n" in said


def test_lab_no_token_is_written_anywhere(lab: LabUnderTest) -> None:
    for node in NODES:
        # The manager's own state is encrypted, and not a log.
        found = lab.on(
            node, "sh -c 'journalctl --no-pager; grep -rhaoE SWMTKN-1-[0-9a-z]+ /var/log /etc /home /root /tmp' || true"
        )
        assert tokens(found) == []
        assert "SWMTKN" not in found.replace("grep -rhaoE SWMTKN", "")
    for path in Path(lab.path).rglob("*"):
        # A daemon of the lab's own keeps the nodes' disks in there; what is on them has been asked for above.
        if path.is_file() and not {"libvirt", "docker"} & set(path.relative_to(lab.path).parts[:2]):
            assert b"SWMTKN-1-" not in path.read_bytes(), path


THROUGH_THE_MESH = {
    # The worker's task has moved to the other one, in a new container, which has nginx's own page.
    "loadbalance.port_open[swarm-worker2]": "blocked",
    "loadbalance.pages[swarm-manager]": "fail",
    "loadbalance.pages[swarm-worker1]": "fail",
    "loadbalance.pages[swarm-worker2]": "blocked",
    "loadbalance.pages_from_itself[swarm-worker1]": "fail",
    "loadbalance.pages_from_itself[swarm-worker2]": "blocked",
}
"""What goes wrong of the checks that need the routing mesh when a worker leaves."""


def worker_is_missed(swarm: Swarm) -> bool:
    """The manager has noticed that the worker left, and the swarm has settled on what remains."""
    (worker1,) = [node.id for node in swarm.nodes if node.name == "swarm-worker1"]
    down = all(not node.ready for node in swarm.nodes if node.name == "swarm-worker2")
    return down and [task.node_id for task in swarm.services["web-alb"].running] == [worker1, worker1]


def test_lab_worker_that_left_turns_exactly_its_checks_red(lab: LabUnderTest) -> None:
    green = verify(lab, check=True)
    lab.on("swarm-worker2", "docker swarm leave")
    lab.wait_for("swarm-worker2 to be missed, and its task to run elsewhere", worker_is_missed)
    verdicts = verify(lab, check=False)
    assert set(verdicts) == set(green)
    assert {name: verdict for name, verdict in verdicts.items() if verdict != green[name]} == {
        # the worker itself
        "cluster.swarm_active[swarm-worker2]": "fail",
        "cluster.advertised_address[swarm-worker2]": "blocked",
        "cluster.gossip_port[swarm-worker2-tcp]": "blocked",
        "cluster.gossip_port[swarm-worker2-udp]": "blocked",
        "cluster.gossip_reached[swarm-worker2-tcp]": "blocked",
        "cluster.gossip_reached[swarm-worker2-udp]": "blocked",
        "cluster.overlay_reached[swarm-worker2]": "blocked",
        "cluster.gateway_bridge[swarm-worker2]": "blocked",
        # as the manager sees it
        "cluster.node_ready[swarm-worker2]": "fail",
        "cluster.node_role[swarm-worker2]": "blocked",
    } | ({} if Capability.ROUTING_MESH in lab.state.lacks else THROUGH_THE_MESH)


def test_bootstrap_mends_it(lab: LabUnderTest) -> None:
    said = lab.run("fab", "bootstrap").stdout
    assert "[swarm-worker2] joined the swarm as worker" in said
    lab.run("fab", "exercise.reset", "loadbalance")
    lab.run("fab", "exercise.loadbalance")
    verdicts = verify(lab, check=True)
    assert verdicts == {name: expected(lab, name) for name in verdicts}


def test_lab_halted_lab_comes_back_with_its_swarm_and_services(lab: LabUnderTest) -> None:
    before = lab.on("swarm-manager", "docker service ls --quiet")
    lab.run("labgen", "halt")
    assert "labgen up" in lab.run("fab", "bootstrap", check=False).stderr
    changes = [line for line in lab.run("labgen", "up").stdout.splitlines() if line.startswith("  [")]
    # Machines start in any order: a worker's engine that was there before the manager's is started again.
    assert all("engine restarted" in line for line in changes)
    assert lab.on("swarm-manager", "docker service ls --quiet") == before
    lab.wait_for("both tasks of the service to run again", lambda swarm: len(swarm.services["web-alb"].running) == 2)
    # Its tasks run in new containers, which have nginx's own page: the exercise copies its pages again.
    lab.run("fab", "exercise.loadbalance")
    verdicts = verify(lab, check=True)
    assert verdicts == {name: expected(lab, name) for name in verdicts}


def test_lab_one_machine_loses_its_power_and_is_made_anew(lab: LabUnderTest) -> None:
    lab.run("labgen", "halt", "--force", "swarm-worker2")
    lab.wait_for("swarm-worker2 to be missed, and its task to run elsewhere", worker_is_missed)
    lab.run("labgen", "down", "swarm-worker2")
    machines = json.loads(lab.run("labgen", "status", "--json", check=False).stdout)["machines"]
    assert machines.pop("swarm-worker2") != "running"
    assert machines == dict.fromkeys(NODES[:2], "running")
    assert "[swarm-worker2] joined the swarm as worker" in lab.run("labgen", "up").stdout
    # What the swarm knew of the one before is gone with it.
    lab.wait_for("three nodes, each Ready", lambda swarm: sorted(n.name for n in swarm.nodes if n.ready) == list(NODES))
    lab.run("labgen", "run", "loadbalance")
    verdicts = verify(lab, check=True)
    assert verdicts == {name: expected(lab, name) for name in verdicts}


SHUFFLE = "LABGEN_SHUFFLE"
"""Number of the order of the exercises, where it is to be another than that of the commit."""


def order() -> str:
    """Number of the order in which the exercises are run: each commit has its own, and has it every time."""
    commit = Runner().run(["git", "-C", str(CHECKOUT), "rev-parse", "HEAD"])
    number = int(commit.out[:8], 16) if commit.ok else random.randrange(2**32)
    return os.environ.get(SHUFFLE) or str(number % 1000)


ON_MACHINES = ("scaling", "recovery", "failover")
"""Exercises that show more on virtual machines: requests through the routing mesh while something happens, a node that
loses its power. For all of them emulated machines take more than twenty minutes: make course-libvirt."""


def test_lab_course_in_any_order_earns_every_point(lab: LabUnderTest) -> None:
    if lab.provider != "docker":
        pytest.skip("see the next test")
    said = lab.run("labgen", "run", "--all", "--grade", "--shuffle", order()).stdout
    assert every_point(said) > 100


def test_lab_what_only_virtual_machines_show_earns_every_point(lab: LabUnderTest) -> None:
    if Capability.ROUTING_MESH in lab.state.lacks:
        pytest.skip("its nodes have no routing mesh")
    said = lab.run("labgen", "run", *ON_MACHINES, "--grade").stdout
    assert every_point(said) > 30
    for exercise in ("scaling", "recovery"):
        told = json.loads((lab.path / ".labgen" / "report" / exercise / "report.json").read_text(encoding="utf-8"))
        (probe,) = told["seen"]["probes"]
        assert probe["exercise"] == exercise
        assert probe["requests"] > 100
        assert {one["to"] for one in probe["stretches"]} == {"10.0.2.101", "10.0.2.102", "10.0.2.103"}


def test_reset_gives_a_fresh_swarm(lab: LabUnderTest) -> None:
    lab.on("swarm-worker1", "docker run --detach --volume kept:/kept alpine:3 sleep 600")
    said = lab.run("labgen", "reset").stdout
    assert "3 nodes are Ready" in said
    for node in NODES:
        assert lab.on(node, "docker ps --all --quiet") == ""
        assert lab.on(node, "docker volume ls --quiet") == ""
    assert lab.on("swarm-manager", "docker service ls --quiet") == ""
    verdicts = verify(lab, check=True)
    assert verdicts == {name: expected(lab, name) for name in verdicts}


def test_lab_snapshot_brings_back_the_lab_as_it_was(lab: LabUnderTest) -> None:
    if not PROVIDERS[lab.provider].has_snapshots:
        refused = lab.run("labgen", "snapshot", "save", "fresh", check=False)
        assert refused.returncode != 0
        assert "labgen reset" in refused.stderr
        return
    with brought_back(lab, NODES):
        assert lab.on("swarm-manager", "docker service ls --quiet") == ""
        verdicts = verify(lab, check=True)
        assert verdicts == {name: expected(lab, name) for name in verdicts}


def test_down_leaves_nothing(lab: LabUnderTest) -> None:
    state = lab.state
    lab.run("labgen", "down")
    assert {path.name for path in (lab.path / ".labgen").iterdir()} <= {"lock", "logs", "report"}
    if state.namespace:
        assert not Path("/run/netns", state.namespace).exists()
        assert not Path("/run", state.namespace).exists()
    assert str(lab.path) not in _command_lines()


def _command_lines() -> str:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    return "\n".join(line for line in lines if "pytest" not in line)
