"""Faults in what the exercise on three managers wants to have happened, in a lab of three managers and a worker.

What happened before the service was made does not count: each fault creates it again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from labgen.core.errors import LabgenError
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.docker.swarm import Swarm
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import BY_CHANCE, MANY_ANSWERS, NO_FAULT, QUICK, WORKER1, Fault, LiveLab, RecordedLab

from .exercise import Parameters

_PARAMETERS = Parameters()

SERVICE = _PARAMETERS.service
MANAGERS = ("swarm-manager1", "swarm-manager2", "swarm-manager3")
M3 = MANAGERS[-1]

_AGREED = 90.0
"""Seconds for managers to agree on who leads, and to find each other again."""
_ENGINE = "docker.socket docker.service"


def _wait(lab: LiveLab, what: str, look: Callable[[], None]) -> None:
    lab.wait_until(what, look, within=_AGREED)


def _leader(lab: LiveLab, among: Sequence[str]) -> str:
    """Wait until one of these managers leads; give its name."""
    leaders: list[str] = []

    def look() -> None:
        reason = "nobody"
        for name in among:
            try:
                nodes = swarm.nodes(partial(lab.ask, name))
            except LabgenError as error:
                reason = error.message
                continue
            if leading := [node.name for node in nodes if node.leader and node.name in among]:
                leaders[:] = leading
                return
        raise NotYet(reason)

    _wait(lab, f"one of {', '.join(among)} to lead", look)
    return leaders[0]


def _stop(lab: LiveLab, name: str) -> None:
    lab.on(name, f"systemctl stop {_ENGINE}")


def _start(lab: LiveLab, *names: str) -> None:
    """Start engines, and wait until the managers have found each other."""
    for name in names:
        lab.on(name, f"systemctl start {_ENGINE}")

    def met(swarm: Swarm) -> bool:
        managers = [node for node in swarm.nodes if node.role == "manager"]
        return (
            all(node.ready for node in swarm.nodes)
            and all(node.reachable for node in managers)
            and any(node.leader for node in managers)
        )

    lab.wait("three managers", met, within=_AGREED)


def _lost(lab: LiveLab, managers: int) -> None:
    """Create the service again, stop the leader's engine so many times, and start all engines again."""
    acts.make(lab, SERVICE, running=1)
    remaining, stopped = list(MANAGERS), []
    for _ in range(managers):
        name = _leader(lab, remaining)
        _stop(lab, name)
        remaining.remove(name)
        stopped.append(name)

    def nobody_leads() -> None:
        answer = lab.on(remaining[0], f"timeout 5 {_PARAMETERS.list_nodes} 2>&1 || true", within=30)
        if _PARAMETERS.no_leader not in answer:
            raise NotYet(answer.strip()[-200:] or "no answer yet")

    if len(remaining) > 1:
        _leader(lab, remaining)
    else:
        _wait(lab, f"{remaining[0]} to miss the majority", nobody_leads)
    _start(lab, *reversed(stopped))


def _everywhere_else(lab: LiveLab) -> None:
    acts.make(lab, SERVICE.but(constraints=("node.role==manager",)), running=len(MANAGERS))


def _worker_too(lab: LiveLab) -> None:
    """The majority is lost and comes back; the worker's engine was restarted as well."""
    _lost(lab, 2)
    before = {task.id for task in lab.swarm().services[SERVICE.name].running}
    lab.on(WORKER1, "systemctl restart docker.service")

    def met(swarm: Swarm) -> bool:
        running = {task.id for task in swarm.services[SERVICE.name].running}
        return bool(running - before) and all(node.ready for node in swarm.nodes)

    lab.wait("another task on the worker", met)


def _one_stays_down(lab: LiveLab) -> None:
    _lost(lab, 2)
    _stop(lab, M3)
    lab.missed(M3)
    _leader(lab, MANAGERS[:2])


Json = dict[str, Any]
STOPPED = "9d1aaa27d60140bd96365438aad20286"


def _journal(lab: RecordedLab, change_line: Callable[[Json], Json | None]) -> None:
    """Change each line of every manager's journal; ``change_line`` returns the line to stand instead, or None."""

    def change(out: str) -> str:
        lines = [change_line(json.loads(line)) for line in out.splitlines() if line.strip()]
        return "".join(f"{json.dumps(line)}\n" for line in lines if line)

    lab.says("MESSAGE_ID", change)


def nothing_stopped(lab: RecordedLab) -> None:
    lab.says("MESSAGE_ID", lambda _: "")


def nobody_elected(lab: RecordedLab) -> None:
    """Engines of managers that did not lead were stopped, and the leader stayed."""
    _journal(lab, lambda line: line if "MESSAGE_ID" in line else None)


def one_after_the_other(lab: RecordedLab) -> None:
    """Each was up again at once."""
    ends: list[str] = []

    def at_once(out: str) -> str:
        lines = []
        for line in map(json.loads, filter(str.strip, out.splitlines())):
            if line.get("MESSAGE_ID") == STOPPED:
                ends.append(str(int(line["__REALTIME_TIMESTAMP"]) + 500_000))
            elif "MESSAGE_ID" in line and ends:
                line["__REALTIME_TIMESTAMP"] = ends.pop()
            lines.append(json.dumps(line))
        return "\n".join(lines) + "\n"

    lab.says("MESSAGE_ID", at_once)


def one_still_stopped(lab: RecordedLab) -> None:
    def down(nodes: list[dict[str, Any]]) -> None:
        manager = next(node for node in nodes if "ManagerStatus" in node and not node["ManagerStatus"].get("Leader"))
        manager["ManagerStatus"]["Reachability"] = "unreachable"

    lab.engine("/nodes", down)


def a_workers_engine_too(lab: RecordedLab) -> None:
    def restarted(tasks: list[dict[str, Any]]) -> None:
        tasks[0]["Status"]["Timestamp"] = edits.later(tasks[0]["Status"]["Timestamp"], 300)

    lab.tasks(SERVICE.name, restarted)


def while_nobody_led(lab: RecordedLab) -> None:
    """A task started again between the stop of the second manager's engine and the first that was started again."""
    times: dict[bool, list[int]] = {True: [], False: []}

    def note(line: dict[str, Any]) -> dict[str, Any]:
        if "MESSAGE_ID" in line:
            times[line["MESSAGE_ID"] == STOPPED].append(int(line["__REALTIME_TIMESTAMP"]))
        return line

    _journal(lab, note)
    start = sorted(times[True])[1]
    end = min(time for time in times[False] if time > start)

    def restarted(tasks: list[dict[str, Any]]) -> None:
        between = datetime.fromtimestamp((start + end) / 2e6, UTC)
        tasks[0]["Status"]["Timestamp"] = between.isoformat()

    lab.tasks(SERVICE.name, restarted)


_NEED_SERVICE_RUNS = ("another_led", "majority_lost", "ran_on", "recovered")
_NEED_ANOTHER_LED = ("ran_on", "recovered")

FAULTS = (
    Fault(
        "no service",
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_nodes=lambda lab: lab.remove(SERVICE.name),
        on_recording=edits.gone(SERVICE.name),
    ),
    Fault(
        "a worker without a task",
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_nodes=_everywhere_else,
        on_recording=lambda lab: lab.tasks(SERVICE.name, lambda tasks: tasks[:-1]),
    ),
    Fault(
        "nothing was stopped",
        fail=("another_led", "majority_lost"),
        blocked=_NEED_ANOTHER_LED,
        on_nodes=lambda lab: acts.make(lab, SERVICE, running=1),
        on_recording=nothing_stopped,
    ),
    Fault(
        "one manager of three was lost",
        fail=("majority_lost",),
        blocked=_NEED_ANOTHER_LED,
        on_nodes=lambda lab: _lost(lab, 1),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a worker's engine was stopped",
        fail=("ran_on",),
        on_nodes=_worker_too,
        on_recording=a_workers_engine_too,
    ),
    Fault(
        "one manager not started again",
        fail=("cluster.engine_running[swarm-manager3]", "cluster.node_ready[swarm-manager3]", "recovered"),
        blocked=(
            "cluster.advertised_address[swarm-manager3]",
            "cluster.gateway_bridge[swarm-manager3]",
            "cluster.gossip_port[swarm-manager3-tcp]",
            "cluster.gossip_port[swarm-manager3-udp]",
            "cluster.gossip_reached[swarm-manager3-tcp]",
            "cluster.gossip_reached[swarm-manager3-udp]",
            "cluster.management_port[swarm-manager3]",
            "cluster.management_reached[swarm-manager3]",
            "cluster.node_role[swarm-manager3]",
            "cluster.overlay_reached[swarm-manager3]",
            "cluster.swarm_active[swarm-manager3]",
        ),
        on_nodes=_one_stays_down,
        mend=lambda lab: _start(lab, M3),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a task began anew while nobody led",
        fail=("ran_on",),
        on_recording=while_nobody_led,
        only=QUICK,
    ),
    Fault(
        "another image",
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.image(SERVICE.name, "httpd:latest"),
        only=QUICK,
    ),
    Fault(
        "the leader stayed",
        fail=("another_led",),
        on_recording=nobody_elected,
        only=BY_CHANCE,
    ),
    Fault(
        "one after the other",
        fail=("another_led", "majority_lost"),
        blocked=_NEED_ANOTHER_LED,
        on_recording=one_after_the_other,
        only=QUICK,
    ),
    Fault(
        "one is stopped still",
        fail=("recovered",),
        on_recording=one_still_stopped,
        only=BY_CHANCE,
    ),
    Fault(
        edits.FLAPPING,
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.flapping("quorum-web"),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.no_containers("quorum-web"),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.asleep("quorum-web"),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus("quorum-web"),
        only=NO_FAULT,
    ),
)
