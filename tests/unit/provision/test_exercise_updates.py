"""Update options, failed updates, health checks: the commands, what was done already, what is made of what was seen."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest
from scripted_shell import ScriptedShell
from test_provision_exercise import LAB, MANAGER, NO_MESH, FakeRun

from labgen.core.errors import ExerciseError
from labgen.docker.availability import Probed, Stretch
from labgen.docker.swarm import Service, Task, Update
from labgen.exercises.health import steps as health
from labgen.exercises.rollback import steps as rollback
from labgen.exercises.rollback.exercise import Parameters
from labgen.exercises.update import steps as update
from labgen.exercises.updateoptions import steps as updateoptions
from provision.exercise import rehearse
from tests.past import lived, service, turn

SAFE = Parameters().safe
STORE = Parameters().store

TO_NEW = partial(updateoptions._to_new, parameters=updateoptions.Parameters())
OLD, NEW, BAD = "redis:6.0-alpine", "redis:6.2.5-alpine", "alpine:3"


class Told(FakeRun):
    """A run that is told what a service is like."""

    def __init__(self, service_now: Service) -> None:
        super().__init__(ScriptedShell(MANAGER, []))
        self.there = service_now

    def service(self, name: str) -> Service:
        return dataclasses.replace(self.there, name=name)

    def lived(self, name: str) -> Service:
        return self.service(name)

    def placed(self, service: Service) -> dict[str, list[Task]]:
        return {MANAGER.name: list(service.running)}


def of(image: str, task: Task, **more: Any) -> Task:
    return dataclasses.replace(task, image=image, **more)


def commands(name: str, lacks: Any = None) -> list[str]:
    texts: list[str] = []
    rehearse(name, LAB, lacks or {}, say=texts.append)
    return [line for text in texts for line in text.splitlines() if "docker service ps" not in line and "]$" in line]


def test_updates_commands_of_update_options() -> None:
    assert commands("updateoptions") == [
        "[swarm-manager]$ docker service create --name my-cache --replicas 4 --update-monitor 2s redis:6.0-alpine",
        "[swarm-manager]$ docker service update --update-parallelism 2 --update-delay 3s "
        "--image redis:6.2.5-alpine my-cache",
        "[swarm-manager]$ docker service update --update-parallelism 1 --update-delay 0s --update-order start-first "
        "--force my-cache",
    ]


def test_updates_commands_of_failed_updates() -> None:
    assert [command.removeprefix("[swarm-manager]$ docker service ") for command in commands("rollback")] == [
        "create --name my-queue --replicas 3 --update-monitor 1s redis:6.0-alpine redis-server --appendonly yes",
        "update --image alpine:3 my-queue",
        "update --image redis:6.2.5-alpine my-queue",
        "create --name my-store --replicas 3 --update-failure-action continue --update-monitor 1s "
        "--rollback-monitor 1s redis:6.0-alpine redis-server --appendonly yes",
        "update --detach --image alpine:3 my-store",
        "rollback my-store",
        "update --detach --update-failure-action rollback my-store",
        "update --image alpine:3 my-store",
    ]


def test_updates_commands_of_health_checks() -> None:
    shown = commands("health")
    assert "--health-cmd 'redis-cli ping'" in shown[0]
    assert '--args "redis-server --port 6380" my-session' in shown[1]
    assert shown[2].endswith("docker service update --image redis:6.2.5-alpine my-session")
    assert [command.rpartition(" ")[2] for command in shown[3:]] == ["nginx", "web-checked"]
    # Without the routing mesh nothing is asked meanwhile; what becomes of the tasks is seen all the same.
    assert commands("health", NO_MESH) == shown


PAIRS = [turn(1, 0.1, 1, 0), turn(2, 0.1, 1, 0), turn(3, 4.1, 5, 4), turn(4, 4.1, 5, 4)]


@pytest.mark.parametrize(
    ("happened", "wrong"),
    [
        (PAIRS, ""),
        ([turn(1, 0.1, 1, 0), turn(2, 1.1, 2, 1), turn(3, 2.1, 3, 2)], "replicas changed at a time: 1"),
        ([turn(place, 0.1, 1, 0) for place in (1, 2, 3, 4)], "replicas changed at a time: 4; replicas missing: 4"),
        ([*PAIRS[:2], turn(3, 1.1, 2, 1.1), turn(4, 1.1, 2, 1.1)], "there was no pause of 3 s"),
    ],
)
def test_updates_two_at_a_time_with_a_pause(happened: Any, wrong: str) -> None:
    assert str(updateoptions.in_pairs(happened, parameters=updateoptions.Parameters())).startswith(wrong)
    assert bool(updateoptions.in_pairs(happened, parameters=updateoptions.Parameters())) == bool(wrong)


def test_start_first_names_the_replicas_that_were_not() -> None:
    assert not updateoptions.start_first([turn(1, 2, 1), turn(2, 3, 2)])
    assert str(updateoptions.start_first([turn(1, 2, 1), turn(2, 2, 3)])) == (
        "replica 2 stopped before its successor ran"
    )


def test_update_options_that_the_history_shows_no_more_are_begun_anew() -> None:
    begins = {1: 10, 2: 10, 3: 15, 4: 15}
    tasks = [of(OLD, lived(place, 0, "a", (1, begins[place]))) for place in begins] + [
        of(NEW, lived(place, begin, "b", (begin + 1, None))) for place, begin in begins.items()
    ]
    updated = dataclasses.replace(service(*tasks), image=NEW)
    assert updateoptions._shows(Told(updated))
    assert not updateoptions._shows(
        Told(dataclasses.replace(updated, update=updateoptions.Parameters().start_first.update))
    )
    # Nor one in which all were changed at a time: to say so for ever would help nobody.
    at_once = [*tasks[:4], *(of(NEW, lived(place, 10, "b", (11, None))) for place in begins)]
    assert not updateoptions._shows(Told(dataclasses.replace(updated, tasks=tuple(at_once))))
    # What comes of an update that goes on is waited for.
    assert updateoptions._shows(Told(dataclasses.replace(updated, tasks=(), update_state="updating")))
    without = [dataclasses.replace(old_task, began=None) for old_task in tasks[:4]]
    assert (
        updateoptions._already_shown(
            Told(dataclasses.replace(updated, tasks=tuple(without))),
            TO_NEW,
        )
        is None
    )


def test_updates_update_that_never_comes_is_an_error() -> None:
    run = Told(dataclasses.replace(service(of(NEW, lived(1, 0, "b", (1, None)))), replicas=1))
    run.nodes = list  # type: ignore[assignment,method-assign]
    with pytest.raises(
        ExerciseError, match="the update in the history of my-cache; last seen: the history does not yet have"
    ):
        updateoptions._see_update(
            run,
            TO_NEW,
            partial(updateoptions.in_pairs, parameters=updateoptions.Parameters()),
        )


def _turned(*stops: float) -> Told:
    """A database of which each replica was updated, the old one stopped at that moment and the new one 3 s later."""
    tasks = [of(OLD, lived(place, 0, "a", (1, stop))) for place, stop in enumerate(stops, 1)]
    tasks += [of(NEW, lived(place, stop, "b", (stop + 3, None))) for place, stop in enumerate(stops, 1)]
    return Told(service(*tasks))


def test_update_whose_history_is_not_as_it_should_be_is_made_again() -> None:
    assert update._shows(_turned(10, 20, 30))
    assert (
        str(update.not_in_turn(_turned(10, 11, 30).there, parameters=update.Parameters()))
        == "tasks missing at the same time: 2"
    )
    assert not update._shows(_turned(10, 11, 30))
    moved = _turned(10, 20, 30).there
    again = of(NEW, lived(1, 50, "b", (51, None)))
    ended = dataclasses.replace(moved.tasks[3], state="failed", desired="shutdown", ended=moved.tasks[3].since)
    moved = dataclasses.replace(moved, tasks=(*moved.tasks[:3], ended, *moved.tasks[4:], again))
    assert (
        str(update.not_in_turn(moved, parameters=update.Parameters())) == f"not every task changed from {OLD} to {NEW}"
    )
    assert not update._shows(Told(moved))
    assert update._shows(Told(dataclasses.replace(moved, update_state="updating")))


FAILED = of(BAD, lived(1, 10, "bad", None), state="failed", error='exec: "redis-server": not found')


def queue(*tasks: Task, state: str) -> Told:
    return Told(dataclasses.replace(service(*tasks), replicas=2, update_state=state))


def test_updates_pause_is_told_with_what_failed_and_what_goes_on() -> None:
    run = queue(of(OLD, lived(1, 0, "a", (1, 9))), FAILED, of(OLD, lived(2, 0, "a", (1, None))), state="paused")
    rollback._paused(run)
    assert run.said == [
        '  my-queue.1: alpine:3 failed: exec: "redis-server": not found',
        "  update paused; 1 of 2 tasks run on with redis:6.0-alpine",
    ]
    assert str(rollback._happened(run, "my-queue")) == "An update of my-queue is paused already."


def test_updates_pause_that_spared_nothing_is_an_error() -> None:
    with pytest.raises(ExerciseError, match="no task of my-queue runs on with redis"):
        rollback._paused(queue(of(OLD, lived(1, 0, "a", (1, 9))), FAILED, state="paused"))


def test_updates_update_that_is_not_paused_is_an_error() -> None:
    with pytest.raises(ExerciseError, match="waited 0 s for the update to be paused"):
        rollback._paused(queue(of(OLD, lived(1, 0, "a", (1, None))), state="updating"))


def test_updates_all_must_be_down_where_an_update_goes_on() -> None:
    run = queue(of(OLD, lived(1, 0, "a", (1, 9))), FAILED, of(OLD, lived(2, 0, "a", (1, None))), state="updating")
    with pytest.raises(ExerciseError, match="every replica to be down; last seen: 0 of 0 run, 1 more"):
        rollback._all_down(run)


def test_updates_failing_update_is_not_made_twice() -> None:
    """The second would leave the first as what a rollback goes back to."""
    failing = dataclasses.replace(service(FAILED), image=f"{BAD}@sha256:0")
    assert str(rollback._breaking(Told(failing))) == "my-store is already updating to alpine:3."
    assert rollback._breaking(Told(dataclasses.replace(failing, image=OLD))) is None


def test_updates_rollback_by_hand_takes_the_failure_action_back_too() -> None:
    """So one after which the action is rollback was the swarm's own."""
    rolled_back = dataclasses.replace(service(), update_state="rollback_completed", update=STORE.update)
    assert rollback._back(Told(rolled_back)) is None
    assert rollback._back(Told(dataclasses.replace(rolled_back, update=SAFE.update))) is not None
    assert rollback._safe(Told(rolled_back)) is None
    assert rollback._safe(Told(dataclasses.replace(rolled_back, update=Update(failure_action="rollback")))) is not None


@pytest.fixture(autouse=True)
def _services_are_those_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollback, "_get_service", lambda run, name: run.service(name))
    monkeypatch.setattr(updateoptions.services, "running", lambda run, name: None)


def session(*tasks: Task) -> Told:
    return Told(dataclasses.replace(service(*tasks), update_state="rollback_completed", replicas=1))


SICK = of(NEW, lived(1, 10, "bad", (11, 14), unwell="Could not connect to Redis"))


def test_updates_update_that_was_never_healthy_is_told_with_what_the_check_said() -> None:
    run = session(of(OLD, lived(1, 0, "a", (1, None))), SICK)
    health._nothing_lost(run)
    assert run.said == [
        "  my-session.1: the new task never became healthy. Its check printed: Could not connect to Redis",
        "  none of the 1 replicas was missing at any time",
    ]
    assert health._failed(run) is not None


@pytest.mark.parametrize(
    ("tasks", "wrong"),
    [
        ([of(OLD, lived(1, 0, "a", (1, None)))], "should have failed the update of my-session"),
        (
            [of(OLD, lived(1, 0, "a", (1, 10))), SICK, of(OLD, lived(1, 15, "a", (16, None)))],
            "1 of 1 replicas of my-session were missing at one time",
        ),
    ],
)
def test_updates_what_a_health_check_did_not_guard_is_an_error(tasks: list[Task], wrong: str) -> None:
    with pytest.raises(ExerciseError, match=wrong):
        health._nothing_lost(session(*tasks))


def exchange() -> list[Task]:
    """An update that failed, taken back by a swarm that kept the task it had made meanwhile in place of the old one."""
    old = of(OLD, lived(1, 0, "a", (1, 25)), state="shutdown")
    sick = dataclasses.replace(SICK, state="complete")
    return [old, sick, of(OLD, lived(1, 14, "a", (33, None)))]


def test_health_tells_of_a_task_that_swarm_itself_exchanged_and_does_not_fail_for_it() -> None:
    run = session(*exchange())
    health._nothing_lost(run)
    assert run.said[1].startswith("  my-session.1: Swarm itself left it without a task for 8.0 s.")
    assert "not one of" not in "".join(run.said)
    assert health._shows(run)


def test_health_tells_of_a_container_that_ended_by_itself_and_does_not_fail_for_it() -> None:
    old, sick, new = exchange()
    run = session(dataclasses.replace(old, state="failed"), sick, new)
    health._nothing_lost(run)
    assert run.said[1] == "  my-session.1: its container ended by itself during the update."
    assert len(run.said) == 2


def test_health_does_not_go_on_with_a_history_in_which_an_update_lost_tasks() -> None:
    lost = session(of(OLD, lived(1, 0, "a", (1, 10))), SICK, of(OLD, lived(1, 15, "a", (16, None))))
    assert health._failed(lost) is not None
    assert not health._shows(lost)


def test_updates_old_task_that_is_at_its_end_is_waited_for() -> None:
    run = session(of(OLD, lived(1, 0, "a", (1, None)), desired="shutdown"), of(NEW, lived(1, 10, "b", (11, None))))
    with pytest.raises(ExerciseError, match="the old task of replica 1 runs beside the new one"):
        health._relieved(run, "my-session")


def probed(lost: int) -> Probed:
    well = Stretch("10.0.2.101", 200, 1000 - lost, 0, 1, 0.1)
    return Probed((well, *[Stretch("10.0.2.101", 0, lost, 1, 2, 0.1)] * bool(lost)))


def test_updates_one_request_in_a_thousand_may_be_lost() -> None:
    for lost in (0, 1):
        health.few_lost(FakeRun(), probed(lost))
    with pytest.raises(ExerciseError, match="while the tasks of web-checked were replaced: 1000 requests, 2 lost"):
        health.few_lost(FakeRun(), probed(2))
