"""Details of the checks' helpers that a whole lab does not show."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from answering import Answering
from recorded import Recorded

from labgen import config as labfile
from labgen.core.errors import LabgenError
from labgen.core.polling import NotYet, Patience
from labgen.docker.question import Question
from labgen.docker.swarm import Service, Swarm, SwarmNode, Task
from labgen.exercise.catalogue import exercise_names
from labgen.exercises.globalmode import checks as test_globalmode
from labgen.exercises.quorum import checks as test_quorum
from labgen.exercises.recovery import checks as test_recovery
from labgen.exercises.rollback import checks as test_rollback
from labgen.exercises.scaling import checks as test_scaling
from labgen.exercises.updateoptions import checks as test_updateoptions
from labgen.model.lab import Node
from labgen.report import cleaning
from tests.past import at, service, task, turn
from verify import consistency, explaining, services, session
from verify.checks import Check
from verify.exam import Exam

# fmt: off
ALSO_WHILE_A_NODE_IS_SILENT = {
    "cluster.address", "cluster.host_name", "cluster.names", "cluster.engine_running", "cluster.swarm_active",
    "cluster.advertised_address", "cluster.gossip_port", "cluster.management_port", "cluster.management_reached",
    "cluster.gossip_reached", "cluster.overlay_reached", "cluster.swarm_begun", "cluster.node_ready",
    "cluster.node_role", "cluster.no_strangers", "cluster.ingress_network", "cluster.overlay_subnets",
    "cluster.gateway_bridge", "service.service_exists", "service.image", "service.command",
    "service.made_by_the_swarm", "loadbalance.service_exists", "loadbalance.replicated", "loadbalance.constraint",
    "loadbalance.on_workers", "loadbalance.published", "loadbalance.port_open", "scaling.scaled_up",
    "scaling.same_service", "globalmode.service_exists", "globalmode.global", "cleanup.services_gone",
    "cleanup.containers_gone", "cleanup.networks_gone", "recovery.service_made", "recovery.published",
    "recovery.replaced", "failover.service_exists", "update.service_exists", "update.image", "update.history",
    "update.completed", "updateoptions.service_exists", "updateoptions.updated", "rollback.services_exist",
    "rollback.paused", "rollback.mended", "rollback.continued", "rollback.rolled_back", "rollback.by_itself",
    "placement.off_managers", "placement.none_on_managers", "placement.label", "placement.on_labelled",
    "placement.pending", "placement.says_why", "ports.chosen", "ports.automatic", "ports.host",
    "discovery.network", "discovery.virtual", "discovery.round_robin", "stack.deployed", "stack.published",
    "stack.network", "stack.updated", "stack.from_the_file", "stack.history", "stack.others_stay",
    "secrets.secret_given", "secrets.config_given", "secrets.rotated", "secrets.history",
    "secrets.old_one_removed", "health.service_exists",
}
# fmt: on
"""Checks that a node which cannot be asked is no excuse for: they judge one node, or what was asked of the swarm."""


def checks() -> list[Check]:
    functions = (
        function
        for name in dict.fromkeys(("cluster", *exercise_names()))
        for key, function in vars(import_module(f"labgen.exercises.{name}.checks")).items()
        if key.startswith("test_")
    )
    marks = (mark for function in functions for mark in getattr(function, "pytestmark", ()) if mark.name == "check")
    return [mark.args[0] for mark in marks]


def test_checks_that_need_the_whole_lab_are_all_but_these() -> None:
    assert {
        f"{check.exercise}.{check.name}" for check in checks() if not check.whole_lab
    } == ALSO_WHILE_A_NODE_IS_SILENT


class Scaling:
    """An exam with a service that changes when it is scaled, and pages in containers, by task."""

    manager = SimpleNamespace(name="m")

    def __init__(self, after: Service, pages: dict[str, str], back: Service) -> None:
        self.now, self.pages, self.back = after, pages, back
        self.scripts: list[str] = []

    def host(self, _task: Task) -> Any:
        return self.manager

    def service(self, _name: str) -> Service:
        return self.now

    def ask_node(self, _node: object, question: Question) -> str:
        script = question.script
        if "base64 -w0" in script:
            return next((page for name, page in self.pages.items() if name in script), "")
        self.scripts.append(script)
        if "service scale" in script:
            self.now = self.back
        return ""


def on(node: str, slot: int) -> Task:
    return replace(task(slot, 0), id=f"task{slot}", container_id=f"c{slot}", node_id=node)


@pytest.mark.parametrize(
    ("pages", "back", "filled"),
    [
        # The one that went had a page: the one that stays on its node is given that.
        ({"c2": "cGFnZQ=="}, [on("w1", 1), on("w2", 3)], ["c3"]),
        # It had none.
        ({"c1": "cGFnZQ=="}, [on("w1", 1), on("w2", 3)], []),
        # None of the new ones is on its node.
        ({"c2": "cGFnZQ=="}, [on("w1", 1), on("w1", 3)], []),
        # It has stayed.
        ({"c2": "cGFnZQ=="}, [on("w1", 1), on("w2", 2)], []),
    ],
)
def test_as_found_gives_the_page_of_what_went_to_what_stays(
    pages: dict[str, str], back: list[Task], filled: list[str]
) -> None:
    before = replace(service(on("w1", 1), on("w2", 2)), replicas=2)
    more = replace(before, replicas=3, tasks=(*before.tasks, on("w2", 3)))
    exam = Scaling(more, pages, replace(before, tasks=tuple(back)))
    with test_scaling._as_found(exam, before, parameters=test_scaling.Parameters()):  # type: ignore[arg-type]
        pass
    scale, *others = exam.scripts
    assert scale == "docker service scale --detach web-alb=2"
    assert [name for name in ("c1", "c2", "c3") for script in others if f"docker exec -i {name} " in script] == filled


def test_as_found_does_not_scale_what_is_as_it_was() -> None:
    before = replace(service(on("w1", 1)), replicas=1)
    exam = Scaling(before, {}, before)
    with test_scaling._as_found(exam, before, parameters=test_scaling.Parameters()):  # type: ignore[arg-type]
        pass
    assert exam.scripts == []


class Filling:
    """An exam of which a service has so many tasks after each scaling."""

    manager = SimpleNamespace(name="m")

    def __init__(self, *counts: int) -> None:
        self.counts = list(counts)
        self.scaled: list[str] = []

    def service(self, _name: str) -> Service:
        return service(*(on("w1", slot) for slot in range(self.counts[0])))

    def ask_node(self, _node: object, question: Question) -> str:
        self.scaled.append(question.script.split("=")[-1].split()[0])
        return ""

    def wait(self, _what: str, look: Callable[[], None], **_options: float) -> None:
        try:
            look()
        except NotYet as late:
            self.counts.pop(0)
            raise AssertionError(str(late)) from None


def test_fill_scales_down_and_up_again_until_as_many_run() -> None:
    exam = Filling(2, 2, 3)
    test_recovery._fill(exam, 3, parameters=test_recovery.Parameters())  # type: ignore[arg-type]
    assert exam.scaled == ["2", "3"] * 3
    never = Filling(*[2] * 9)
    test_recovery._fill(never, 3, parameters=test_recovery.Parameters())  # type: ignore[arg-type]
    assert never.scaled == ["2", "3"] * 5


def test_open_to_all_asks_only_for_nodes_that_are_ready() -> None:
    def node(name: str, state: str) -> SwarmNode:
        return SwarmNode(name, name, "worker", "active", state, False, "10.0.2.102", "27.3.1")

    web = replace(service(), constraints=("node.hostname!=gone",))
    services.open_to_all(Swarm((node("w1", "ready"), node("gone", "down")), (), {}), web)
    with pytest.raises(AssertionError, match=r"keep it off gone: node.hostname!=gone"):
        services.open_to_all(Swarm((node("w1", "ready"), node("gone", "ready")), (), {}), web)


def test_picked_leaves_out_what_is_not_told() -> None:
    fields = [("ID",), ("Spec", "Role"), ("Spec", "Labels"), ("Status",), ("Spec", "Nothing", "Deep")]
    answer = {"ID": "x", "Spec": {"Role": "", "Labels": {}}, "Status": [], "More": 1}
    assert explaining._picked(answer, fields) == '{"ID": "x"}'
    assert explaining._picked({"ID": 0}, [("ID",)]) == '{"ID": 0}'
    assert explaining._picked({"More": 1}, fields) == ""


def test_new_tasks_are_none_of_a_service_that_had_no_task_yet() -> None:
    evidence = Recorded("update").evidence
    listing = next(observation for observation in evidence.observations if "http://engine/tasks" in observation.script)
    tasks = [{"ID": name, "ServiceID": "s", "CreatedAt": "2020-01-01T00:00:00Z"} for name in ("a", "b")]
    old, complete = json.dumps(tasks[:1]), json.dumps(tasks)

    def seen(*answers: str) -> None:
        evidence.observations[:] = [replace(listing, out=f"{out}\n\n200\n") for out in answers]
        consistency._check_new_tasks(evidence)

    seen("[]", old)
    seen(old, old)
    seen(complete, old)
    with pytest.raises(ValueError, match=r"it is forged: a task was made on 2020-01-01"):
        seen(old, complete)


def asking(look: Callable[[], Any], waited: float = 5.0) -> Any:
    """What comes of a wait in an exam whose time is its own."""
    nodes = Answering()
    exam = Exam(labfile.load(None), nodes, Patience(1.0))
    try:
        return exam.wait("it", look, within=waited)
    finally:
        assert exam.waited == pytest.approx(nodes.clock())


def test_wait_looks_again_until_it_is_so() -> None:
    errors = [NotYet("one"), NotYet("two")]

    def look() -> str:
        if errors:
            raise errors.pop()
        return "so"

    assert asking(look) == "so"


def test_wait_ends_in_a_failure_with_what_was_seen_last() -> None:
    def look() -> None:
        raise NotYet("2 of 3 run")

    with pytest.raises(AssertionError, match="2 of 3 run"):
        asking(look)


def test_victim_is_a_task_on_a_node_of_the_lab() -> None:
    exam: Any = SimpleNamespace(
        host=lambda of: SimpleNamespace(name=of.node_id) if of.node_id != "elsewhere" else None,
        choose=lambda _purpose, many: many - 1,
    )
    web = service(on("elsewhere", 1), on("w1", 2), on("w2", 3))
    node, victim = test_recovery._victim(exam, web, parameters=test_recovery.Parameters())
    assert (node.name, victim.slot) == ("w2", 3)
    with pytest.raises(AssertionError, match="no task of"):
        test_recovery._victim(exam, service(on("elsewhere", 1)), parameters=test_recovery.Parameters())


def swarm_node(name: str, **more: Any) -> SwarmNode:
    plain = SwarmNode(name, name, "manager", "active", "ready", False, "10.0.2.101", "27.3.1", reachable=True)
    return replace(plain, **more)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, ""),
        ({"role": "worker"}, "not Ready and reachable as managers: m1"),
        ({"state": "down"}, "not Ready and reachable as managers: m1"),
        ({"reachable": False}, "not Ready and reachable as managers: m1"),
        ({"leader": False}, "nobody leads"),
    ],
)
def test_recovered_managers_are_ready_reachable_and_led(change: dict[str, Any], why: str) -> None:
    lab: Any = SimpleNamespace(managers=[SimpleNamespace(name="m1"), SimpleNamespace(name="m2")])
    swarm = Swarm((swarm_node("m1", **{"leader": True, **change}), swarm_node("m2")), (), {})
    if not why:
        test_quorum.test_recovered(swarm, lab)
        return
    with pytest.raises(AssertionError, match=why):
        test_quorum.test_recovered(swarm, lab)


def test_ran_on_without_a_lost_majority_is_a_failure() -> None:
    with pytest.raises(AssertionError):
        test_quorum.test_ran_on(service(), None, Swarm((), (), {}))


def test_whole_is_a_lab_with_every_node_ready_and_no_other_entry() -> None:
    lab: Any = SimpleNamespace(nodes=[SimpleNamespace(name="m1"), SimpleNamespace(name="w1")])
    members = (swarm_node("m1"), swarm_node("w1"))
    test_globalmode.test_whole(Swarm(members, (), {}), lab)
    with pytest.raises(AssertionError, match=r"still listed: w1 \(w1, down\)"):
        test_globalmode.test_whole(Swarm((*members, swarm_node("w1", state="down")), (), {}), lab)
    with pytest.raises(AssertionError, match="not in the swarm: w1"):
        test_globalmode.test_whole(Swarm((members[0], swarm_node("w1", state="down")), (), {}), lab)


def test_details_after_is_a_node_that_came_when_the_service_was_there() -> None:
    web = replace(service(), created=at(10))
    assert test_globalmode._after(swarm_node("w1", created=at(11)), web)
    for node, service_then in (
        (swarm_node("w1", created=at(10)), web),
        (swarm_node("w1"), web),
        (swarm_node("w1", created=at(11)), service()),
    ):
        assert test_globalmode._after(node, service_then) is False


@pytest.mark.parametrize(("later", "forged"), [(3500.0, False), (3700.0, True)])
def test_history_that_is_later_than_the_answer_is_forged(later: float, forged: bool) -> None:
    evidence = Recorded("update").evidence
    answer = next(observation for observation in evidence.observations if "http://engine/tasks" in observation.script)
    moment = evidence.started.astimezone(UTC) + timedelta(seconds=answer.since + later)
    out = f'[{{"CreatedAt":"{moment:%Y-%m-%dT%H:%M:%S}.000000000Z"}}]\n\n200\n'
    evidence.observations[:] = [replace(answer, out=out)]
    if not forged:
        consistency._check_history(evidence)
        return
    with pytest.raises(ValueError, match="later than it was asked"):
        consistency._check_history(evidence)


def test_line_shows_two_hundred_characters() -> None:
    assert cleaning.line("x" * 200) == "x" * 200
    assert cleaning.line("x" * 201) == "x" * 199 + "…"
    assert cleaning.line("a \n\t b") == "a b"
    assert cleaning.line("x" * 9, 4) == "xxx…"


def test_listed_are_counts_in_the_order_of_the_nodes() -> None:
    assert services.listed({"w2": 2, "w1": 1}) == "1 on w1, 2 on w2"
    assert services.listed({}) == "none"


@pytest.mark.parametrize(
    ("gaps", "first"), [((-2.0, -0.5), True), ((-2.0, 0.0), False), ((-2.0, 0.5), False), ((None, -2.0), False)]
)
def test_start_first_is_where_every_new_task_ran_before_the_old_one_ended(
    gaps: tuple[float | None, ...], first: bool
) -> None:
    happened = [turn(slot, 10.0, None if gap is None else 10.0 + gap) for slot, gap in enumerate(gaps, 1)]
    assert test_updateoptions._start_first(happened) is first


@pytest.mark.parametrize(
    ("created", "stopped", "pairs"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), True),
        # One at a time,
        ((0, 5, 10, 15), (0, 5, 10, 15), False),
        # three,
        ((0, 0, 0, 10), (0, 0, 0, 10), False),
        # or more of them missing than are changed.
        ((0, 0, 10, 10), (0, 0, 2, 10), False),
    ],
)
def test_details_in_pairs_is_two_at_a_time_and_no_more_missing(
    created: tuple[float, ...], stopped: tuple[float, ...], pairs: bool
) -> None:
    moments = enumerate(zip(created, stopped, strict=True), 1)
    happened = [turn(slot, ended, created + 3, created=created) for slot, (created, ended) in moments]
    assert test_updateoptions._in_pairs(happened, parameters=test_updateoptions.Parameters()) is pairs


def test_running_tells_the_errors_of_tasks_that_are_meant_to_run() -> None:
    wrong = [
        replace(task(1, 0, "pending"), desired="running", error="no suitable node"),
        replace(task(1, 0, "failed"), error="exit 1"),
        replace(task(2, 0, "ready"), desired="ready", error="No such image"),
    ]
    queue = replace(service(*wrong), name="my-queue", replicas=3)
    with pytest.raises(AssertionError, match=r"^my-queue: 0 of 3 run No such image; no suitable node"):
        test_rollback.test_running(queue, queue, None)  # type: ignore[arg-type]


def test_networks_are_asked_of_the_wanted_nodes_that_answer_and_once() -> None:
    lab = labfile.load(None)
    manager, w1, w2 = lab.nodes
    names: list[str] = []

    def answer(node: Node, _script: str) -> str:
        names.append(node.name)
        return f'[{{"Id":"{node.name}","Name":"ingress"}}]\n\n200\n'

    exam = Exam(lab, Answering(answer), Patience(1.0), graded_nodes={manager.name, w1.name})
    exam.answers = lambda node: node is not w1  # type: ignore[method-assign]
    assert [network.id for network in exam.networks(w2)] == [w2.name]
    assert sorted(names) == sorted([manager.name, w2.name])
    assert [network.id for network in exam.networks(manager)] == [manager.name]
    assert len(names) == 2
    # One that is asked for is asked, whatever is thought of it.
    assert [network.id for network in exam.networks(w1)] == [w1.name]


def config_of(*words: str, **options: Any) -> Any:
    return SimpleNamespace(args=list(words), getoption=lambda name, default=None: options.get(name, default), stash={})


def test_named_are_exercises_by_option_or_by_the_file_of_their_checks() -> None:
    assert session._list_chosen(config_of("verify/")) == set()
    assert session._list_chosen(config_of("verify/test_stack.py::test_page", exercise=["update,ports"])) == {
        "update",
        "ports",
        "stack",
    }
    assert session._list_chosen(config_of(exercise=["all"])) == {"all"}
    assert session._list_chosen(config_of(exercise=["update", "stack,ports"])) == {"update", "stack", "ports"}
    with pytest.raises(LabgenError):
        session._list_chosen(config_of(exercise=["nosuchexercise"]))


@pytest.mark.parametrize(
    ("options", "held"),
    [
        ({}, True),
        ({"exercise": ["update"]}, False),
        ({"exercise": ["scaling"]}, True),
        ({"exercise": ["all"]}, True),
        ({"exercise": ["update"], "report_dir": "out"}, True),
        ({"exercise": ["update"], "report_json": "out"}, True),
        ({"exercise": ["update"], "evidence": "out"}, True),
        ({"exercise": ["scaling"], "evidence_from": "in"}, False),
        ({"exercise": ["scaling"], "collectonly": True}, False),
    ],
)
@pytest.mark.parametrize("has_terminal", [True, False])
def test_lock_is_held_where_checks_act_or_a_report_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, has_terminal: bool, options: dict[str, Any], held: bool
) -> None:
    commands: list[str] = []
    lines: list[str] = []
    terminal = SimpleNamespace(write_line=lines.append, flush=lambda: lines.append("flushed")) if has_terminal else None

    def lock(_folder: object, command: str, *, say: Callable[[str], None], **_options: Any) -> Any:
        commands.append(command)
        say("waiting")
        return nullcontext()

    monkeypatch.setattr(session, "folder_lock", lock)
    monkeypatch.chdir(tmp_path)
    config = config_of(**options)
    config.pluginmanager = SimpleNamespace(get_plugin=lambda _name: terminal)
    session._lock(config)
    assert bool(commands) is held
    assert lines == (["waiting", "flushed"] if held and terminal else [])
    assert (session.LOCK in config.stash) is held
    if commands and "exercise" in options:
        assert commands == [f"labgen grade {options['exercise'][0]}"]
