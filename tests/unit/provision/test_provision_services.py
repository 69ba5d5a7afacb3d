"""What exercises share: a service that is there already, in each of its ways; what is removed, and what never is."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, api, ok

from labgen import config
from labgen.core.errors import ExerciseError, NodeError, SwarmError
from labgen.core.polling import Patience
from labgen.docker.swarm import SwarmNode
from labgen.exercise.catalogue import find
from labgen.exercise.services import ServiceSpec
from labgen.exercises.loadbalance.exercise import Parameters as LoadbalanceParameters
from labgen.exercises.update.exercise import Parameters as UpdateParameters
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.model.lab_folder import LabFolder, State
from provision.exercise import services
from provision.exercise.ready import make_ready
from provision.exercise.run import Run

SERVICE = LoadbalanceParameters().service
DATABASE = UpdateParameters().service
UPDATED = UpdateParameters().updated

LAB = config.parse("")
MANAGER, WORKER1, WORKER2 = LAB.nodes
GONE = ("docker ps --all --quiet", ok())
RUNS = ("systemctl is-active", ok())
"""What a node says whose engine runs, where it is to be started if it does not."""


class FakeRun(Run):
    """A run whose nodes answer from scripts."""

    def __init__(self, exercise: str, *shells: ScriptedShell) -> None:
        self.said: list[str] = []
        inventory = Inventory(LabFolder.at(Path()), LAB, State("libvirt"))
        inventory.__dict__["patience"] = Patience(0.0)
        super().__init__(inventory, find(exercise), self.said.append)
        self.shells = {shell.node.name: shell for shell in shells}

    def shell(self, node: Node) -> Any:
        return self.shells[node.name]


def told(spec: ServiceSpec) -> str:
    """A service as the engine tells it that was made by a spec."""
    mode: dict[str, Any] = {"Global": {}} if spec.replicas is None else {"Replicated": {"Replicas": spec.replicas}}
    ports = [{"TargetPort": port.target, "PublishedPort": port.published} for port in spec.publish]
    return json.dumps(
        {
            "ID": "s",
            "Spec": {
                "Name": spec.name,
                "Mode": mode,
                "TaskTemplate": {
                    "ContainerSpec": {"Image": f"{spec.image}@sha256:0"},
                    "Placement": {"Constraints": list(spec.constraints)},
                },
            },
            "Endpoint": {"Ports": ports},
        }
    )


def there(spec: ServiceSpec | None) -> tuple[str, Any]:
    """The manager's answer when it is asked for a service."""
    if spec is None:
        return ("/services/", ok('{"message":"none"}\n404\nnull\n404\n'))
    return (f"/services/{spec.name}", api(told(spec), "[]"))


def test_services_service_that_is_missing_is_made() -> None:
    run = FakeRun("update", ScriptedShell(MANAGER, [there(None)]))
    assert services.create(LAB, DATABASE, "").skip_if(run) is None  # type: ignore[misc]


@pytest.mark.parametrize("state", [DATABASE, UPDATED])
def test_services_service_that_is_there_in_any_of_its_states_is_left(state: ServiceSpec) -> None:
    run = FakeRun("update", ScriptedShell(MANAGER, [there(state)]))
    step = services.create(LAB, DATABASE, "", also=(UPDATED,))
    assert step.skip_if is not None
    assert str(step.skip_if(run)) == "my-database exists already, with the right settings."


def test_services_what_another_exercise_has_left_makes_way_and_that_is_said() -> None:
    manager = ScriptedShell(
        MANAGER,
        [there(SERVICE), ("/services'?$", api(f"[{told(SERVICE)}]")), ("docker service rm web-alb", ok()), GONE],
    )
    shells = [manager, ScriptedShell(WORKER1, [GONE]), ScriptedShell(WORKER2, [GONE])]
    run = FakeRun("update", *shells)
    more_replicas = SERVICE.but(replicas=7, constraints=())
    step = services.create(LAB, more_replicas, "")
    assert step.skip_if is not None
    assert step.skip_if(run) is None
    assert all_used(shells)
    assert "Exercise loadbalance has left web-alb. Service web-alb is removed and created again." in run.said[0]
    assert run.said[1] == "[swarm-manager]$ docker service rm web-alb"


def test_services_learners_own_service_is_never_removed() -> None:
    own = dataclasses.replace(DATABASE, replicas=9)
    shell = ScriptedShell(MANAGER, [there(own)])
    step = services.create(LAB, DATABASE, "")
    assert step.skip_if is not None
    with pytest.raises(ExerciseError, match="with other settings: it has 9 replicas, not 3") as caught:
        step.skip_if(FakeRun("update", shell))
    assert "fab exercise.reset update" in caught.value.hint
    assert all_used([shell])


def node_json(node: Node, state: str = "ready", availability: str = "active") -> dict[str, Any]:
    return {
        "ID": f"id-{node.name}",
        "Spec": {"Role": node.role, "Availability": availability},
        "Description": {"Hostname": node.name},
        "Status": {"State": state},
    }


def test_services_drained_node_is_made_active_and_that_is_shown() -> None:
    nodes = [node_json(MANAGER), node_json(WORKER1, availability="drain"), node_json(WORKER2)]
    shell = ScriptedShell(
        MANAGER,
        [("/nodes", api(json.dumps(nodes))), ("docker node update --availability active id-swarm-worker1", ok())],
    )
    run = FakeRun("update", shell)
    make_ready(run)
    assert all_used([shell])
    assert run.said[-1] == "[swarm-manager]$ docker node update --availability active swarm-worker1"


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([node_json(MANAGER), node_json(WORKER1, state="down"), node_json(WORKER2)], "swarm-worker1 is down"),
        ([node_json(MANAGER), node_json(WORKER1)], "swarm-worker2 is not in the swarm"),
    ],
)
def test_services_node_that_is_down_or_missing_is_said_before_anything_is_done(nodes: list[Any], message: str) -> None:
    shell = ScriptedShell(MANAGER, [("/nodes", api(json.dumps(nodes)))])
    # It does not answer, or is in some other swarm: nothing that can be mended from here.
    away = NodeError("it cannot be reached"), api(json.dumps({"Swarm": {"LocalNodeState": "active"}}))
    engine = ("systemctl is-active", NodeError("it cannot be reached")), RUNS
    workers = [
        ScriptedShell(node, [starts, ("/info", says)])
        for node, starts, says in zip((WORKER1, WORKER2), engine, away, strict=True)
    ]
    with pytest.raises(SwarmError, match=message) as caught:
        make_ready(FakeRun("update", shell, *workers))
    assert "fab bootstrap" in caught.value.hint


INACTIVE = api(json.dumps({"Swarm": {"LocalNodeState": "inactive"}}))
TOKEN = "SWMTKN-1-abc-def"


def test_services_node_that_has_left_joins_again_and_its_lost_membership_goes() -> None:
    lost, back = node_json(WORKER2, state="down"), {**node_json(WORKER2), "ID": "new"}
    before, after = [node_json(MANAGER), node_json(WORKER1), lost], [node_json(MANAGER), node_json(WORKER1), lost, back]
    answers = ("/nodes", api(json.dumps(after)))
    manager = ScriptedShell(
        MANAGER,
        [
            ("/nodes", api(json.dumps(before))),
            ("docker swarm join-token -q worker", ok(TOKEN)),
            answers,
            answers,
            ("docker node rm --force id-swarm-worker2", ok()),
            answers,
        ],
    )
    worker = ScriptedShell(WORKER2, [RUNS, ("/info", INACTIVE), ("docker swarm join", ok())])
    run = FakeRun("update", manager, worker)
    make_ready(run)
    assert all_used([manager, worker])
    assert worker.secrets[-1] == TOKEN
    assert TOKEN not in "".join((*run.said, *worker.log))
    assert "SWMTKN-1-… --advertise-addr 10.0.2.103 10.0.2.101:2377" in run.said[1]


def test_services_node_in_another_role_is_given_its_own() -> None:
    promoted = node_json(WORKER1)
    promoted["Spec"]["Role"] = "manager"
    before, after = ([node_json(MANAGER), worker1, node_json(WORKER2)] for worker1 in (promoted, node_json(WORKER1)))
    manager = ScriptedShell(
        MANAGER,
        [
            ("/nodes", api(json.dumps(before))),
            ("docker node demote id-swarm-worker1", ok()),
            ("/nodes", api(json.dumps(after))),
        ],
    )
    worker = ScriptedShell(WORKER1, [("/info", api(json.dumps({"Swarm": {"ControlAvailable": False}})))])
    run = FakeRun("update", manager, worker)
    make_ready(run)
    assert all_used([manager, worker])
    assert run.said == [
        "# swarm-worker1 has the role manager. In lab.yml it has the role worker.",
        "[swarm-manager]$ docker node demote swarm-worker1",
    ]


def test_services_node_that_has_joined_anew_is_not_taken_for_its_lost_membership() -> None:
    old, new = node_json(WORKER1, state="down"), {**node_json(WORKER1), "ID": "new"}
    nodes = [node_json(MANAGER), new, old, node_json(WORKER2)]
    make_ready(FakeRun("update", ScriptedShell(MANAGER, [("/nodes", api(json.dumps(nodes)))])))
    assert SwarmNode.of(new).ready


def test_services_engine_that_does_not_run_is_started_and_that_is_shown() -> None:
    down = [node_json(MANAGER), node_json(WORKER1, state="down"), node_json(WORKER2)]
    ready = [node_json(node) for node in LAB.nodes]
    answer = ("/nodes", api(json.dumps(ready)))
    manager = ScriptedShell(MANAGER, [("/nodes", api(json.dumps(down))), answer, answer, answer])
    active = ("/info", api(json.dumps({"Swarm": {"LocalNodeState": "active"}})))
    worker = ScriptedShell(WORKER1, [("systemctl start docker", ok("started\n")), active])
    run = FakeRun("update", manager, worker)
    make_ready(run)
    assert all_used([manager, worker])
    assert run.said == ["# The engine of swarm-worker1 was stopped.", "[swarm-worker1]$ sudo systemctl start docker"]


def test_services_first_managers_engine_is_started_where_it_tells_nothing() -> None:
    answer = ("/nodes", api(json.dumps([node_json(node) for node in LAB.nodes])))
    silent = ("/nodes", NodeError("its engine does not answer"))
    manager = ScriptedShell(MANAGER, [silent, ("systemctl start docker", ok("started\n")), answer])
    run = FakeRun("update", manager)
    make_ready(run)
    assert all_used([manager])
    assert run.said[0] == "# The engine of swarm-manager was stopped."


def test_services_first_manager_that_was_demoted_is_promoted_by_another() -> None:
    def info(*, manager: bool) -> tuple[str, Any]:
        local = {"LocalNodeState": "active", "NodeID": "id-swarm-manager", "ControlAvailable": manager}
        return ("/info", api(json.dumps({"Swarm": local})))

    answer = ("/nodes", api(json.dumps([node_json(node) for node in LAB.nodes])))
    refuses = ("/nodes", ok('{"message":"This node is not a swarm manager."}\n503\n'))
    manager = ScriptedShell(MANAGER, [refuses, RUNS, info(manager=False), answer])
    worker = ScriptedShell(WORKER1, [info(manager=True), ("docker node promote id-swarm-manager", ok())])
    run = FakeRun("update", manager, worker)
    make_ready(run)
    assert all_used([manager, worker])
    assert run.said[-1] == "[swarm-worker1]$ docker node promote swarm-manager"


class Booting(ScriptedShell):
    """A node whose shell can forget a connection."""

    def forget(self) -> None:
        self.log.append("(forgotten)")


@pytest.mark.parametrize("interrupted", [True, False])
def test_services_machine_is_waited_for_only_where_an_exercise_may_have_restarted_it(
    tmp_path: Path, interrupted: bool
) -> None:
    down = [node_json(MANAGER), node_json(WORKER1, state="down"), node_json(WORKER2)]
    answer = ("/nodes", api(json.dumps([node_json(node) for node in LAB.nodes])))
    gone = NodeError("it cannot be reached")
    active = ("/info", api(json.dumps({"Swarm": {"LocalNodeState": "active"}})))
    looked_at = [RUNS] if interrupted else []
    manager = ScriptedShell(MANAGER, [("/nodes", api(json.dumps(down))), *looked_at, answer, answer, answer])
    second_worker = ScriptedShell(WORKER2, [RUNS, active] if interrupted else [])
    boots = [("^true$", gone), ("^true$", ok()), ("systemctl start docker", ok("started\n")), active]
    worker = Booting(WORKER1, boots if interrupted else [("systemctl", gone), ("/info", gone)])
    run = FakeRun("update", manager, worker, second_worker)
    run.inventory.__dict__["patience"] = Patience(1.0)
    run.inventory.__dict__["folder"] = LabFolder.at(tmp_path)
    if interrupted:
        file = LabFolder.at(tmp_path).unfinished
        file.parent.mkdir()
        file.write_text('{"failover": {"began": 1, "until": 2}}', encoding="utf-8")
        make_ready(run)
        assert "Still booting, perhaps: swarm-worker1" in run.said[0]
        assert "(forgotten)" in worker.log
    else:
        with pytest.raises(SwarmError, match="swarm-worker1 is down"):
            make_ready(run)
    assert all_used([worker, second_worker])


@pytest.mark.parametrize("interrupted", [True, False])
def test_services_node_that_has_left_and_is_not_missed_yet_joins_again_where_an_exercise_was_interrupted(
    tmp_path: Path, interrupted: bool
) -> None:
    """To the managers it is Ready still; until it is not, it is in the swarm twice."""
    old = [node_json(node) for node in LAB.nodes]
    new = {**node_json(WORKER2), "ID": "new"}
    missed = [*old[:2], node_json(WORKER2, state="down"), new]
    answers = [("/nodes", api(json.dumps(nodes))) for nodes in (old, [*old, new], missed, missed, missed)]
    active = ("/info", api(json.dumps({"Swarm": {"LocalNodeState": "active"}})))
    script = [
        answers[0],
        RUNS,
        ("docker swarm join-token -q worker", ok(TOKEN)),
        *answers[1:4],
        ("docker node rm --force id-swarm-worker2", ok()),
        answers[4],
    ]
    manager = ScriptedShell(MANAGER, script if interrupted else answers[:1])
    join_script = [RUNS, ("/info", INACTIVE), ("docker swarm join", ok())]
    workers = [ScriptedShell(WORKER1, [RUNS, active]), ScriptedShell(WORKER2, join_script)]
    run = FakeRun("update", manager, *workers)
    run.inventory.__dict__["patience"] = Patience(1.0)
    run.inventory.__dict__["folder"] = LabFolder.at(tmp_path)
    if interrupted:
        LabFolder.at(tmp_path).unfinished.parent.mkdir()
        LabFolder.at(tmp_path).unfinished.write_text('{"globalmode": {"began": 1, "until": 2}}', encoding="utf-8")
    make_ready(run)
    assert all_used([manager])
    assert ("swarm-worker2 is in no swarm. It joins again" in "".join(run.said)) == interrupted
