"""Facts of a swarm, read from what an engine (20.10.24) really answered."""

from __future__ import annotations

import json
import re
import shlex
from datetime import UTC, datetime
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from labgen.core.errors import NodeError, SwarmError
from labgen.docker import swarm
from labgen.docker.api import ask_command
from labgen.docker.question import Ask, Question
from labgen.docker.swarm import LocalSwarm, Network, PublishedPort, Service, SwarmNode, Task, Update

RECORDED = Path(__file__).parents[1] / "recorded_swarm"

NO_MANAGER = {"message": 'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to …'}
"""With status 503; the engine's own words."""


def recorded(name: str) -> Any:
    """A recorded answer."""
    return json.loads((RECORDED / name).read_text(encoding="utf-8"))


def engine(**answers: tuple[int, Any]) -> Ask:
    """An engine that answers, by the beginning of the path; being asked anything else is a failure."""

    def ask(question: Question) -> str:
        answer = []
        for path in re.findall(r"http://engine(/\S+?)'?(?= |$)", question.script):
            status, body = answers[path.strip("/").partition("?")[0].replace("/", "_").replace("-", "_")]
            answer.append(f"{json.dumps(body)}\n\n{status}\n")
        return "".join(answer)

    return ask


def manager(**more: tuple[int, Any]) -> Ask:
    """A manager, as recorded."""
    return engine(
        **{
            "info": (200, recorded("info.json")),
            "nodes": (200, recorded("nodes.json")),
            "networks": (200, recorded("networks.json")),
            "services": (200, [recorded("service.json")]),
            "services_web_alb": (200, recorded("service.json")),
            "tasks": (200, recorded("tasks.json")),
            **more,
        }
    )


def test_nodes() -> None:
    assert swarm.nodes(manager()) == [
        SwarmNode(
            id="0jl4usnmoj8cfmttuu9i8ow8p",
            name="vm",
            role="manager",
            availability="active",
            state="ready",
            leader=True,
            address="10.0.2.101",
            engine_version="20.10.24+dfsg1",
            reachable=True,
            created=datetime(2026, 11, 23, 8, 10, 6, 329744, tzinfo=UTC),
            os="linux",
            architecture="x86_64",
        )
    ]


def test_swarm_manager_is_known_by_what_it_advertises() -> None:
    node = recorded("nodes.json")[0]
    node["Status"]["Addr"] = "0.0.0.0"
    assert SwarmNode.of(node).address == "10.0.2.101"
    del node["ManagerStatus"]
    assert (SwarmNode.of(node).address, SwarmNode.of(node).leader) == ("0.0.0.0", False)


@pytest.mark.parametrize(("state", "ready"), [("ready", True), ("down", False), ("unknown", False)])
def test_ready(state: str, ready: bool) -> None:
    assert SwarmNode.of({"Status": {"State": state}}).ready is ready


def test_local() -> None:
    local = swarm.local(manager())
    assert local == LocalSwarm(
        "active", "0jl4usnmoj8cfmttuu9i8ow8p", True, "10.0.2.101", "", managers=("10.0.2.101:2377",), history_limit=5
    )
    assert local.active
    assert swarm.local(engine(info=(200, recorded("info-inactive.json")))) == LocalSwarm.inactive()


def test_local_from_the_docker_command() -> None:
    text = json.dumps(recorded("info.json")["Swarm"]) + "\n"
    assert LocalSwarm.parse(text).address == "10.0.2.101"


def test_service_and_its_tasks() -> None:
    service = swarm.service(manager(), "web-alb")
    assert service is not None
    assert (service.mode, service.replicas, service.image) == ("replicated", 2, "tiny:1")
    assert (service.constraints, service.update_state) == ((), "completed")
    assert service.ports == (PublishedPort(8001, 80, "tcp", "ingress"),)
    assert [(task.slot, task.state, task.desired) for task in service.tasks] == [
        (1, "shutdown", "shutdown"),
        (1, "shutdown", "shutdown"),
        (1, "running", "running"),
        (2, "running", "running"),
    ]
    assert {task.slot for task in service.running} == {1, 2}
    assert service.settled


def test_task() -> None:
    fields = next(task for task in recorded("tasks.json") if task["ID"] == "diig2sg6tolpi864fxmu3rg3a")
    task = Task.of(fields)
    assert (task.slot, task.node_id, task.state) == (1, "0jl4usnmoj8cfmttuu9i8ow8p", "shutdown")
    assert task.container_id == "3482b82fe8c11c80a97c4ac37d9085543cc797675c22080ed73f54652fd7a14e"
    assert task.created == datetime(2026, 11, 23, 8, 10, 6, 648458, tzinfo=UTC)


def test_swarm_task_that_cannot_be_placed() -> None:
    service = Service.of(
        recorded("service-updating.json"), [Task.of(fields) for fields in recorded("tasks-pending.json")]
    )
    pending = [task for task in service.tasks if task.stuck]
    assert {task.error for task in pending} == {"no suitable node (scheduling constraints not satisfied on 1 node)"}
    assert {task.node_id for task in pending} == {""}
    # Nothing is on its way: only another node, or another constraint, would help.
    assert not any(task.moving for task in service.tasks)
    assert not service.settled  # an update goes on
    assert service.constraints == ("node.role==worker",)


@pytest.mark.parametrize(
    ("state", "settled"),
    [("updating", False), ("rollback_started", False), ("paused", True), ("rollback_completed", True), ("", True)],
)
def test_swarm_update_that_goes_on_is_not_settled(state: str, settled: bool) -> None:
    assert Service.of({"UpdateStatus": {"State": state}}).settled is settled


def test_global_service() -> None:
    service = Service.of(recorded("service-global.json"))
    assert (service.mode, service.replicas) == ("global", None)


def test_swarm_no_such_service() -> None:
    missing = (404, {"message": "service web-alb not found"})
    assert swarm.service(manager(services_web_alb=missing, tasks=missing), "web-alb") is None


def test_swarm_service_found_by_the_beginning_of_its_id_is_another() -> None:
    assert swarm.service(manager(services_axwt=(200, recorded("service.json"))), "axwt") is None


def test_networks() -> None:
    networks = {network.name: network for network in swarm.networks(manager())}
    assert networks["ingress"] == Network(
        "upx7syro55zt7327txowdw1gw", "ingress", "overlay", "swarm", True, (IPv4Network("10.20.0.0/24"),)
    )
    assert (networks["docker_gwbridge"].ingress, networks["host"].subnets) == (False, ())


def test_everything_at_once_is_one_command() -> None:
    questions = []
    answer = manager()

    def ask(question: Question) -> str:
        questions.append(question)
        return answer(question)

    observed = swarm.look(ask)
    assert len(questions) == 1
    assert (len(observed.nodes), list(observed.services), observed.settled(["web-alb"])) == (1, ["web-alb"], True)
    assert observed.services["web-alb"] == swarm.service(manager(), "web-alb")
    assert observed.node("0jl4usnmoj8cfmttuu9i8ow8p") == observed.nodes[0]
    assert observed.node("") is None


def test_swarm_node_not_heard_of_is_not_settled() -> None:
    nodes = recorded("nodes.json")
    nodes[0]["Status"]["State"] = "unknown"
    assert not swarm.look(manager(nodes=(200, nodes))).settled([])


def test_swarm_service_that_nobody_waits_for_may_be_on_its_way() -> None:
    updating = {**recorded("service-updating.json"), "ID": recorded("service.json")["ID"]}
    observed = swarm.look(manager(services=(200, [updating])))
    name = updating["Spec"]["Name"]
    assert (observed.settled([]), observed.settled([name])) == (True, False)


def test_swarm_not_a_manager() -> None:
    with pytest.raises(SwarmError, match="not a swarm manager"):
        swarm.nodes(engine(nodes=(503, NO_MANAGER)))


def test_swarm_engine_in_trouble() -> None:
    with pytest.raises(NodeError, match="answered 500 to /nodes: rpc error"):
        swarm.nodes(engine(nodes=(500, {"message": "rpc error: context deadline exceeded"})))


@pytest.mark.parametrize(
    ("answer", "excerpt"),
    [
        ("", "nothing"),
        ("bash: curl: command not found\n", "bash: curl: command not found"),
        ("{half\n200\n", "{half"),
        ('{"a": 1}\n200\n', '{"a": 1}'),
        ("[3]\n200\n", "[3]"),
        ("[]\nOK\n", "[] OK"),
    ],
)
def test_swarm_no_json_says_what_was_seen(answer: str, excerpt: str) -> None:
    with pytest.raises(NodeError, match=f"but with: {re.escape(excerpt)}"):
        swarm.nodes(lambda _: answer)


def test_nulls_are_empty_lists() -> None:
    assert swarm.nodes(engine(nodes=(200, None))) == []


def test_swarm_nothing_is_required_of_an_answer() -> None:
    assert SwarmNode.of({}).state == ""
    assert Task.of({}).created is None
    assert Service.of({}).mode == ""
    assert Network.of({"IPAM": None}).subnets == ()


def test_names_reach_the_shell_quoted() -> None:
    paths = []

    def ask(question: Question) -> str:
        paths.extend(word for word in shlex.split(question.script) if word.startswith("http"))
        return '{"message": "not found"}\n404\n' * 2

    assert swarm.service(ask, "a'; reboot; $(x) /../é\"") is None
    assert paths[0] == "http://engine/services/a%27%3B%20reboot%3B%20%24%28x%29%20%2F..%2F%C3%A9%22"
    assert len(paths) == 2


def test_tokens_are_never_asked_for() -> None:
    assert all("/swarm" not in word for word in shlex.split(ask_command(swarm._service_paths("web-alb"))))
    assert not any("SWMTKN" in path.read_text(encoding="utf-8") for path in RECORDED.iterdir())


@pytest.mark.parametrize(
    ("running", "count"), [(0, "0 of 3 run"), (3, "3 of 3 run"), (4, "3 of 3 run, 1 more"), (9, "3 of 3 run, 6 more")]
)
def test_run_of_never_counts_more_than_are_wanted(running: int, count: str) -> None:
    assert swarm.run_of(running, 3) == count


def test_update_settings_that_the_engine_does_not_tell_are_its_defaults() -> None:
    assert Update.of({}) == Update()
    assert Update.of({"Parallelism": 1}) == Update(1, 0.0, "stop-first", "pause", 5.0)
    assert Update.of({"Delay": 3_000_000_000, "Order": "start-first", "FailureAction": "rollback"}) == Update(
        0, 3.0, "start-first", "rollback", 5.0
    )
