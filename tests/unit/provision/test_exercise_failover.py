"""The failure of a node: the commands, an engine that is never left stopped, a machine that comes back."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from scripted_shell import ScriptedShell, all_used, ok, refused
from test_provision_exercise import LAB, MANAGER, WORKER1, WORKER2, FakeRun

from labgen.core.errors import ExerciseError, NodeError
from labgen.core.polling import Patience
from labgen.docker.swarm import Service, SwarmNode
from labgen.exercises.failover import steps as failover
from labgen.exercises.failover.exercise import EXERCISE
from labgen.model.capabilities import Capability
from labgen.providers import PROVIDERS
from provision.exercise import rehearse
from tests.past import at, lived, service

NODES = {node.name: SwarmNode(node.name, node.name, node.role, "active", "ready", False, "", "") for node in LAB.nodes}


class Told(FakeRun):
    """A run that is told of its nodes and of one service, the last over and over."""

    def __init__(
        self, *shells: ScriptedShell, service: Service | None = None, **states: Sequence[tuple[str, str]]
    ) -> None:
        super().__init__(*shells)
        self.exercise = EXERCISE
        self.there = service
        self.states = {name.replace("_", "-"): list(node_states) for name, node_states in states.items()}

    def nodes(self) -> list[SwarmNode]:
        listed = []
        for name, node in NODES.items():
            states = self.states.get(name, [("ready", "active")])
            state, availability = states.pop(0) if len(states) > 1 else states[0]
            listed.append(dataclasses.replace(node, state=state, availability=availability))
        return listed

    def service(self, name: str) -> Service:
        assert self.there is not None
        return self.there

    def lived(self, name: str) -> Service:
        return self.service(name)


def spread(*workers: Any) -> Service:
    """The service with a running task on each of these."""
    tasks = [
        dataclasses.replace(lived(slot, 0, "a", (1, None)), node_id=worker.name) for slot, worker in enumerate(workers)
    ]
    return dataclasses.replace(service(*tasks), replicas=4, created=at(0))


BALANCED = spread(WORKER1, WORKER2, WORKER1, WORKER2)
ALL_ON_ONE = spread(WORKER1, WORKER1, WORKER1, WORKER1)


def test_failover_commands_with_a_machine_and_without() -> None:
    texts: list[str] = []
    rehearse("failover", LAB, {}, say=texts.append)
    shown = [line for text in texts for line in text.splitlines() if "]$" in line and "service ps" not in line]
    force = "[swarm-manager]$ docker service update --force web-ha"
    assert shown == [
        "[swarm-manager]$ docker service create --name web-ha --constraint node.role==worker --replicas 4 "
        "--update-parallelism 2 --update-monitor 1s nginx",
        "[swarm-worker2]$ sudo systemctl stop docker docker.socket",
        "[swarm-worker2]$ sudo systemctl start docker",
        force,
        "[swarm-worker2]$ sudo systemctl reboot --force --force",
        force,
        "[swarm-manager]$ docker node update --availability drain swarm-worker1",
        "[swarm-manager]$ docker node update --availability active swarm-worker1",
        force,
    ]
    texts.clear()
    rehearse("failover", LAB, PROVIDERS["docker"].lacks, say=texts.append)
    assert not any("reboot" in text for text in texts)
    assert "a node is a container" in "\n".join(texts)


def test_failover_only_containers_cannot_be_restarted_and_the_brief_says_what_to_do_there() -> None:
    lacking = [name for name, provider in PROVIDERS.items() if Capability.OWN_MACHINE in provider.lacks]
    assert lacking == ["docker"]
    assert Capability.OWN_MACHINE in EXERCISE.instead


def test_failover_nothing_can_crash_the_computer_that_containers_run_on() -> None:
    """The machine is restarted by its own systemd, never by the kernel, which containers share."""
    for step in failover.script(LAB, parameters=failover.Parameters()):
        command = step.command
        script = getattr(command, "script", None) or getattr(command, "shown", "")
        assert "sysrq" not in script
        assert ("reboot" in script) == (Capability.OWN_MACHINE in step.needs and "service" not in script)


@pytest.mark.parametrize("trouble", [ExerciseError("it did not come"), KeyboardInterrupt()])
def test_failover_whatever_goes_wrong_the_engine_is_started_again(trouble: BaseException) -> None:
    shell = ScriptedShell(WORKER2, [("systemctl start docker", ok())])
    run = Told(shell)
    with pytest.raises(type(trouble)), failover._started_again(run, WORKER2):
        raise trouble
    assert all_used([shell])
    assert run.said == ["[swarm-worker2]$ sudo systemctl start docker"]


def test_failover_engine_that_cannot_be_started_again_is_told_and_hides_nothing() -> None:
    run = Told(ScriptedShell(WORKER2, [("systemctl start docker", refused("no"))]))
    with pytest.raises(ExerciseError, match="it did not come"), failover._started_again(run, WORKER2):
        raise ExerciseError("it did not come")
    assert "fab bootstrap" in run.said[-1]


def test_failover_engine_that_does_its_work_is_left_alone() -> None:
    with failover._started_again(Told(ScriptedShell(WORKER2, [])), WORKER2):
        pass


def test_failover_when_a_node_is_given_up_and_its_tasks_run_elsewhere_is_told() -> None:
    run = Told(service=ALL_ON_ONE, swarm_worker2=[("down", "active")])
    failover._given_up(run, WORKER2)
    assert run.said == [
        "  after 0 s the managers have given up on swarm-worker2: it is down",
        "  after 0 s all tasks run again: 4 on swarm-worker1, 0 on swarm-worker2",
    ]


def test_failover_node_that_is_never_given_up_is_an_error() -> None:
    with pytest.raises(ExerciseError, match="last seen: swarm-worker2 is ready"):
        failover._given_up(Told(service=BALANCED), WORKER2)


def test_failover_node_without_a_task_shows_nothing() -> None:
    with pytest.raises(ExerciseError, match="no task of web-ha runs on swarm-worker2") as caught:
        failover._has_tasks(Told(service=ALL_ON_ONE), WORKER2)
    assert EXERCISE.parameters.force in caught.value.hint


def test_tasks_are_spread_where_no_worker_has_two_more() -> None:
    words = str(failover._spread(Told(service=BALANCED)))
    assert words == "The tasks are spread already: 2 on swarm-worker1, 2 on swarm-worker2."
    assert failover._spread(Told(service=ALL_ON_ONE)) is None
    assert failover._spread(Told(service=spread(WORKER1, WORKER2))) is None


def test_failover_what_an_earlier_run_has_shown_is_not_done_again() -> None:
    moved = [
        dataclasses.replace(lived(1, 0, "a", (1, 25)), node_id="x"),
        dataclasses.replace(lived(1, 10, "a", (11, None)), node_id="y"),
    ]
    run = Told(service=service(*moved))
    assert failover._shown(run, failover.drained, failover._DRAINED) is None
    assert failover._shown(run, failover.lost, failover._LOST) is not None
    failover._now(run, failover._LOST, lambda run: pytest.fail("looked at"))
    calls: list[str] = []
    failover._now(run, failover._DRAINED, lambda run: calls.append("now"))
    assert calls == ["now"]


class Rebooting(ScriptedShell):
    """A machine that goes down and comes back: what it answers over each new connection."""

    forgotten = 0

    def forget(self) -> None:
        self.forgotten += 1


def test_failover_machine_is_asked_over_a_new_connection_until_it_has_booted_anew() -> None:
    gone = NodeError("swarm-worker2 cannot be reached: timed out.")
    answers: list[Any] = [ok("boot-1\n"), gone, ok("boot-2\n"), ok("boot-2\n")]
    shell = Rebooting(WORKER2, [("boot_id", answer) for answer in answers])
    states = [("ready", "active"), ("down", "active"), ("down", "active"), ("ready", "active")]
    run = Told(shell, service=BALANCED, swarm_worker2=states)
    run.inventory.__dict__["patience"] = Patience(1.0)
    run.notes[WORKER2.name] = "boot-1"
    failover._machine_back(run, WORKER2)
    assert shell.forgotten == 4
    assert all_used([shell])
    assert run.said[0].endswith("have given up on swarm-worker2: it is down")
    assert run.said[1].endswith("swarm-worker2 is Ready again")


def test_failover_machine_that_does_not_go_down_is_an_error() -> None:
    run = Told(Rebooting(WORKER2, [("boot_id", ok("boot-1\n"))]), service=BALANCED)
    run.notes[WORKER2.name] = "boot-1"
    with pytest.raises(ExerciseError, match="swarm-worker2 has not shut down yet"):
        failover._machine_back(run, WORKER2)


@pytest.mark.parametrize(("uptime", "booted_since"), [(10, True), (100_000, False)])
def test_failover_machine_that_has_booted_since_is_not_restarted_again(uptime: int, booted_since: bool) -> None:
    now = at(1000).timestamp()
    run = Told(ScriptedShell(WORKER2, [("uptime", ok(f"{now:.0f}\n{uptime}\n"))]), service=BALANCED)
    assert (failover._restarted(run, WORKER2) is not None) == booted_since


def test_reset_brings_back_what_was_left_stopped_or_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    cleared: list[Any] = []
    monkeypatch.setattr(failover.services, "clear", cleared.append)
    worker = ScriptedShell(WORKER2, [("systemctl start docker", ok())])
    manager = ScriptedShell(MANAGER, [("docker node update --availability active swarm-worker1", ok())])
    run = Told(
        worker,
        manager,
        swarm_worker2=[("down", "active"), ("down", "active"), ("ready", "active")],
        swarm_worker1=[("ready", "drain")],
    )
    failover.reset(run)
    assert cleared == [run]
    assert all_used([worker, manager])
