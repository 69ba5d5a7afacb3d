"""Three managers: what was left out, and what was stopped that should not have been."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from recorded import Recorded, fault

from faults.update import later

NAME = "quorum-web"
STOPPED = "9d1aaa27d60140bd96365438aad20286"


def _journal(lab: Recorded, keep: Any) -> None:
    """Change the lines of every manager's journal; ``keep`` is given one, and gives what stands in its place."""

    def change(out: str) -> str:
        lines = [keep(json.loads(line)) for line in out.splitlines() if line.strip()]
        return "".join(f"{json.dumps(line)}\n" for line in lines if line)

    lab.says("MESSAGE_ID", change)


def nothing_stopped(lab: Recorded) -> None:
    lab.says("MESSAGE_ID", lambda _: "")


def nobody_elected(lab: Recorded) -> None:
    """Engines of managers that did not lead were stopped, and the leader stayed."""
    _journal(lab, lambda line: line if "MESSAGE_ID" in line else None)


def one_after_the_other(lab: Recorded) -> None:
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


def one_still_stopped(lab: Recorded) -> None:
    def down(nodes: list[dict[str, Any]]) -> None:
        manager = next(node for node in nodes if "ManagerStatus" in node and not node["ManagerStatus"].get("Leader"))
        manager["ManagerStatus"]["Reachability"] = "unreachable"

    lab.engine("/nodes", down)


def a_workers_engine_too(lab: Recorded) -> None:
    def restarted(tasks: list[dict[str, Any]]) -> None:
        tasks[0]["Status"]["Timestamp"] = later(tasks[0]["Status"]["Timestamp"], 300)

    lab.tasks(NAME, restarted)


def while_nobody_led(lab: Recorded) -> None:
    """A task began anew between the stop of the second manager's engine and the first that was started again."""
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

    lab.tasks(NAME, restarted)


FAULTS = {
    "a task began anew while nobody led": fault(while_nobody_led, "ran_on"),
    "no service": fault(lambda lab: lab.gone(NAME), "service_runs"),
    "a worker without a task": fault(lambda lab: lab.tasks(NAME, lambda tasks: tasks[:-1]), "service_runs"),
    "another image": fault(
        lambda lab: lab.service(
            NAME, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image="httpd:latest")
        ),
        "service_runs",
    ),
    "nothing was stopped": fault(nothing_stopped, "another_led", "majority_lost"),
    "the leader stayed": fault(nobody_elected, "another_led"),
    "one after the other": fault(one_after_the_other, "another_led", "majority_lost"),
    "one is stopped still": fault(one_still_stopped, "recovered"),
    "a worker's engine was stopped": fault(a_workers_engine_too, "ran_on"),
}
