"""Checks of single exercises, called as they are, at the edges that the recorded labs do not show."""

from __future__ import annotations

import inspect
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.core.polling import NotYet
from labgen.docker.journal import Outage
from labgen.docker.question import Question
from labgen.docker.swarm import Network, Service, Swarm, SwarmNode, Task, Update
from labgen.exercises.globalmode import checks as test_globalmode
from labgen.exercises.health import checks as test_health
from labgen.exercises.health import exercise as health
from labgen.exercises.quorum import checks as test_quorum
from labgen.exercises.recovery import checks as test_recovery
from labgen.exercises.rollback import checks as test_rollback
from labgen.exercises.scaling import checks as test_scaling
from labgen.exercises.secrets import checks as test_secrets
from labgen.exercises.secrets import exercise as secrets
from labgen.exercises.stack import checks as test_stack
from labgen.exercises.updateoptions import checks as test_updateoptions
from labgen.model.capabilities import Capability
from tests.past import at, lived, service, task, turn

UNDECIDED: Any = None
"""Stands for an exam that a check must not ask."""


def swarm_node(name: str, **more: Any) -> SwarmNode:
    return replace(SwarmNode(name, name, "worker", "active", "ready", False, "10.0.2.102", "27.3.1"), **more)


def settling(*tasks: Task, **changed: Any) -> Any:
    """An exam whose service is as told."""
    settled = replace(service(*tasks), update_state="completed", **changed)
    return SimpleNamespace(service=lambda _name: settled)


# updateoptions


def test_updates_are_told_with_the_replicas_whose_containers_are_gone() -> None:
    parameters = test_updateoptions.Parameters()
    sentence = test_updateoptions._describe([[turn(1, 5, 9), turn(2, None, None)], [turn(1, 5, 9)]], parameters)
    first, second = sentence.split("; ")
    assert first.startswith("update 1: the times of replica 2 are unknown")
    assert second.startswith("update 2: 1 at a time")
    assert "ran 4.0 s after the old ones ended" in second
    assert test_updateoptions._describe([], parameters) == "the history shows no update of more than 2 replicas"


# quorum


@pytest.mark.parametrize(("since", "ran_on"), [(-60.0, True), (2.0, True), (2.5, False)])
def test_ran_on_is_a_task_that_ran_before_the_majority_was_lost(since: float, ran_on: bool) -> None:
    swarm, outage = Swarm((swarm_node("n"),), (), {}), Outage(at(0), at(90))
    web = service(task(1, -90, since=since))
    if ran_on:
        test_quorum.test_ran_on(web, outage, swarm)
        return
    with pytest.raises(AssertionError, match="started since then: on n"):
        test_quorum.test_ran_on(web, outage, swarm)


def test_ran_on_needs_the_date_of_every_task() -> None:
    web = service(replace(task(1, -90), since=None))
    with pytest.raises(AssertionError, match="started since then"):
        test_quorum.test_ran_on(web, Outage(at(0), at(90)), Swarm((), (), {}))


# globalmode


@pytest.mark.parametrize(
    ("joined", "where", "why"),
    [(-5.0, "w2", "no node joined after"), (5.0, "w1", "no task runs on w2"), (5.0, "w2", "")],
)
def test_joined_later_is_a_node_that_came_after_the_service_and_runs_it(joined: float, where: str, why: str) -> None:
    web = replace(service(task("w1", 0), task(where, 6)), created=at(0))
    swarm = Swarm((swarm_node("w1", created=at(-90)), swarm_node("w2", created=at(joined))), (), {})
    if not why:
        test_globalmode.test_joined_later(web, swarm, parameters=test_globalmode.Parameters())
        return
    with pytest.raises(AssertionError, match=why):
        test_globalmode.test_joined_later(web, swarm, parameters=test_globalmode.Parameters())


# health


@pytest.mark.parametrize(
    ("check", "holds"),
    [
        (("CMD-SHELL", "redis-cli ping"), True),
        # The container is gone, and its check with it.
        ((), True),
        (("CMD-SHELL", "exit 1"), False),
    ],
)
def test_stopped_by_the_check_takes_no_check_that_asks_nothing(check: tuple[str, ...], holds: bool) -> None:
    failed = replace(task(1, 5, "failed"), spec="new", unwell="refused", health=check)
    web = service(lived(1, 0, "old", (1, 4)), failed, lived(1, 9, "old", (10, None)))
    if holds:
        test_health.test_stopped_by_the_check(web, parameters=test_health.Parameters())
        return
    with pytest.raises(AssertionError, match="failed its health check"):
        test_health.test_stopped_by_the_check(web, parameters=test_health.Parameters())


def test_stopped_by_the_check_is_of_other_settings_than_those_that_run() -> None:
    failed = replace(task(1, 5, "failed"), spec="old", unwell="refused", health=("CMD-SHELL", "redis-cli ping"))
    with pytest.raises(AssertionError):
        test_health.test_stopped_by_the_check(
            service(failed, lived(1, 9, "old", (10, None))), parameters=test_health.Parameters()
        )


@pytest.mark.parametrize(
    ("exam", "why"),
    [
        (settling(task(1, 0), task(2, 0)), ""),
        (settling(task(1, 0), task(2, 0), update_message="slowly"), ""),
        (settling(task(1, 0)), "completed; 1 of 2 run, 0 on the way out"),
        (settling(task(1, 0), task(2, 0), replace(task(3, 0), desired="shutdown")), "1 on the way out"),
    ],
)
def test_settled_is_a_service_with_nothing_on_its_way(exam: Any, why: str) -> None:
    if not why:
        assert len(test_health._settled(exam, "completed", parameters=test_health.Parameters()).running) == 2
        return
    with pytest.raises(NotYet, match=why):
        test_health._settled(exam, "completed", parameters=test_health.Parameters())


def test_settled_waits_for_the_state_of_the_update() -> None:
    with pytest.raises(NotYet, match=r"^completed; 2 of 2 run, 0 on the way out"):
        test_health._settled(
            settling(task(1, 0), task(2, 0)), "rollback_completed", parameters=test_health.Parameters()
        )
    with pytest.raises(AssertionError, match="was removed meanwhile"):
        test_health._settled(
            SimpleNamespace(service=lambda _name: None), "completed", parameters=test_health.Parameters()
        )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("check", "why"),
    [
        ((), "has no health check of its own"),
        (("NONE",), "has no health check of its own"),
        (("CMD-SHELL", "true"), "asks no server: true"),
        (("CMD-SHELL", "redis-cli ping"), ""),
    ],
)
def test_has_check_is_one_that_asks_a_server(check: tuple[str, ...], why: str) -> None:
    assert health.Parameters().asks(check) is (not why)
    if not why:
        test_health._has_check(replace(service(), health=check), parameters=test_health.Parameters())
        return
    with pytest.raises(AssertionError, match=why):
        test_health._has_check(replace(service(), health=check), parameters=test_health.Parameters())


# secrets


def rotated(*names: str) -> Service:
    """A service of one replica whose tasks were given these secrets, the last of them now."""
    tasks = [
        replace(
            task(1, at_second, "running" if name is names[-1] else "shutdown"),
            files={secrets.Parameters().file: name} if name else {},
        )
        for at_second, name in enumerate(names)
    ]
    return service(*tasks)


@pytest.mark.parametrize(
    ("names", "holds"),
    [
        ((secrets.Parameters().first, secrets.Parameters().second), True),
        (("", secrets.Parameters().first, secrets.Parameters().second), True),
        ((secrets.Parameters().first, "third", secrets.Parameters().second), True),
        # It was never rotated.
        (("", secrets.Parameters().first), False),
        ((secrets.Parameters().first,), False),
        (("", secrets.Parameters().second), False),
    ],
)
def test_history_of_secrets_has_the_first_in_a_task_of_the_past(names: tuple[str, ...], holds: bool) -> None:
    if holds:
        test_secrets.test_history(rotated(*names), parameters=test_secrets.Parameters())
        return
    with pytest.raises(AssertionError, match="earlier tasks had"):
        test_secrets.test_history(rotated(*names), parameters=test_secrets.Parameters())


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({secrets.Parameters().file: "users"}, ""),
        # A configuration, not a secret; in another file; nothing.
        ({secrets.Parameters().file: "page"}, f"it has page as {secrets.Parameters().file}"),
        ({"/etc/users": "users"}, "it has users as /etc/users"),
        ({}, "it has no secret and no config"),
    ],
)
def test_secret_given_is_a_secret_in_the_file_asked_for(files: dict[str, str], why: str) -> None:
    web = replace(service(), files=files, secrets=("users",))
    if not why:
        test_secrets.test_secret_given(web, parameters=test_secrets.Parameters())
        return
    with pytest.raises(AssertionError, match=f"^{why}"):
        test_secrets.test_secret_given(web, parameters=test_secrets.Parameters())


@pytest.mark.parametrize(("answers", "why"), [("401 200", ""), ("200 200", "200 and 200"), ("", "no answer")])
def test_guarded_is_a_page_that_needs_the_password(answers: str, why: str) -> None:
    def wait(_what: str, look: Any, **_options: float) -> None:
        try:
            look()
        except NotYet as last:
            raise AssertionError(str(last)) from None

    exam: Any = SimpleNamespace(
        host=lambda _task: SimpleNamespace(name="w1"), on=lambda _node, _script: answers.replace(" ", "\n"), wait=wait
    )
    if not why:
        test_secrets.test_guarded(service(task(1, 0)), exam, parameters=test_secrets.Parameters())
        return
    with pytest.raises(AssertionError, match=f"on w1, without and with the password: {why}"):
        test_secrets.test_guarded(service(task(1, 0)), exam, parameters=test_secrets.Parameters())


# stack


def exchanged(seconds: float, state: str = "shutdown") -> Service:
    """A service whose only replica got another task at that time."""
    return service(task(1, -900, state, seconds), task(1, seconds))


@pytest.mark.parametrize(
    ("web", "holds"),
    [
        (service(task(1, -900)), True),
        # Long before, or after,
        (exchanged(-60.0), True),
        (exchanged(60.0), True),
        # by itself,
        (exchanged(3.0, "failed"), True),
        # or with the cache.
        (exchanged(3.0), False),
        (exchanged(-3.0), False),
    ],
)
def test_others_stay_when_the_cache_is_replaced(web: Service, holds: bool) -> None:
    counter, cache = service(task(1, -900)), exchanged(0.0)
    if holds:
        test_stack.test_others_stay(web, counter, cache)
        return
    with pytest.raises(AssertionError, match=r"replaced at the same time: web\.1"):
        test_stack.test_others_stay(web, counter, cache)


@pytest.mark.parametrize(
    ("web", "counter", "cache", "shared"),
    [
        (("net",), ("net",), ("net",), True),
        (("net", "second"), ("second",), ("second", "net"), True),
        # Two of them are on each network, or it is no overlay.
        (("net",), ("net", "second"), ("second",), False),
        (("net",), ("second",), ("second",), False),
        (("bridge",), ("bridge",), ("bridge",), False),
    ],
)
def test_network_of_a_stack_is_an_overlay_that_all_three_are_on(
    web: tuple[str, ...], counter: tuple[str, ...], cache: tuple[str, ...], shared: bool
) -> None:
    drivers = {"net": "overlay", "second": "overlay", "bridge": "bridge"}
    swarm = Swarm((), tuple(Network(name, name, driver, "swarm", False, ()) for name, driver in drivers.items()), {})
    services = [replace(service(), networks=networks) for networks in (web, counter, cache)]
    if shared:
        test_stack.test_network(*services, swarm)
        return
    with pytest.raises(AssertionError, match="no overlay network that has all three"):
        test_stack.test_network(*services, swarm)


# rollback


def test_running_services_of_a_rollback_must_stay_up(monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[str] = []
    monkeypatch.setattr(test_rollback, "runs", lambda _exam, running: judged.append(running.name))
    running = service(task(1, 0), task(2, 0))
    test_rollback.test_running(replace(running, name="my-queue"), replace(running, name="my-store"), UNDECIDED)
    assert judged == ["my-queue", "my-store"]


def store_of(action: str, *tasks: Task, state: str = "rollback_completed") -> Service:
    return replace(service(*tasks), update_state=state, update=replace(Update(), failure_action=action))


TAKEN_BACK = (
    lived(1, 0, "old", (1, 9)),
    replace(task(1, 10, "failed", 12), spec="bad"),
    lived(2, 0, "old", (1, None)),
)


@pytest.mark.parametrize(
    ("store", "why"),
    [
        (store_of("rollback", task(1, 0), task(2, 0)), ""),
        (store_of("pause", *TAKEN_BACK, lived(1, 13, "old", (14, None))), ""),
        (
            store_of("pause", *TAKEN_BACK, lived(1, 90, "old", (91, None))),
            "began 78 s after the failure, so it was started by hand",
        ),
        (
            store_of("pause", task(1, 0), task(2, 0)),
            "its failure action is pause, and the history shows no failed update",
        ),
        (store_of("rollback", task(1, 0), state="completed"), "the last update's state: completed"),
        (store_of("rollback", task(1, 0), state=""), "the last update's state: none"),
    ],
)
def test_by_itself_is_a_failed_update_that_the_swarm_took_back(store: Service, why: str) -> None:
    if not why:
        test_rollback.test_by_itself(store, parameters=test_rollback.Parameters())
        return
    with pytest.raises(AssertionError, match=why):
        test_rollback.test_by_itself(store, parameters=test_rollback.Parameters())


# recovery


@pytest.mark.parametrize("until", ["recovered", "late"])
def test_death_takes_from_the_killing_to_the_recovery(monkeypatch: pytest.MonkeyPatch, until: str) -> None:
    now = [100.0]

    def ask_node(_node: object, question: Question) -> str:
        assert question.script == "docker rm -f c"
        now[0] += 2.0
        return ""

    def wait(_what: str, look: Any, **_options: float) -> Any:
        now[0] += 5.0
        if until == "late":
            raise AssertionError("it did not come")
        return look()

    web = service(task(1, 0), task(2, 0))
    exam: Any = SimpleNamespace(service=lambda _name: web, clock=lambda: now[0], ask_node=ask_node, wait=wait)
    filled: list[int] = []
    monkeypatch.setattr(
        test_recovery, "_victim", lambda _exam, running, _parameters: (SimpleNamespace(name="w1"), running.tasks[0])
    )
    monkeypatch.setattr(test_recovery, "_recovered", lambda _exam, _killed, count, _parameters: count)
    monkeypatch.setattr(test_recovery, "_fill", lambda _exam, count, _parameters: filled.append(count))
    die = inspect.unwrap(test_recovery.death)
    if until == "late":
        with pytest.raises(AssertionError, match="did not come"):
            die(exam, {Capability.ROUTING_MESH: "no IPVS"}, test_recovery.Parameters())
        assert filled == [2]
        return
    death = die(exam, {Capability.ROUTING_MESH: "no IPVS"}, test_recovery.Parameters())
    assert (death.seconds, death.before, death.after, filled) == (7.0, 2, 2, [])


# scaling


@pytest.mark.parametrize(
    ("created", "changes", "up"),
    [
        (True, [(2, 3), (3, 2)], True),
        (True, [(1, 4)], True),
        (True, [(3, 2)], False),
        (True, [(3, 3)], False),
        (True, [(1, 2)], False),
        # The engine has forgotten how it was made.
        (False, [(3, 2), (2, 1)], True),
        (False, [(2, 1)], False),
        (False, [(4, 3)], False),
    ],
)
def test_scaled_up_is_to_three_or_from_there_if_the_beginning_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, created: bool, changes: list[tuple[int, int]], up: bool
) -> None:
    remembered = test_scaling.Remembered(created, tuple(changes))
    monkeypatch.setattr(test_scaling, "_remembered", lambda _exam, _service: remembered)
    swarm = Swarm((), (), {test_scaling.Parameters.name: replace(service(), replicas_before=None)})
    if up:
        test_scaling.test_scaled_up(swarm, UNDECIDED, parameters=test_scaling.Parameters())
        return
    with pytest.raises(AssertionError, match="it has 2 replicas; changes of that number: "):
        test_scaling.test_scaled_up(swarm, UNDECIDED, parameters=test_scaling.Parameters())
