"""When containers really began and ended, by one clock.

A swarm's history says of a task only when it came into its last state: of one that is over, when it ended, and no
more when it had begun. The node that it was on still has its container and can tell. Nodes' clocks differ (a
virtual machine without time service is up to a second off), so each is compared with the asker's; and with the
manager's, which notes when it was told of a task's state: never before the node had it.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import quote

from labgen.docker.api import answers, as_json, as_list, as_object, date, part, reading, text_of, unreadable
from labgen.docker.question import NodeAccess, Question
from labgen.docker.tasks import Service, Task


@dataclass(frozen=True)
class Life:
    """One container.

    :param began: when it began to run, ``None`` where it never did; ``ended`` likewise.
    :param unwell: what its health check said last, where that never succeeded.
    """

    began: datetime | None
    ended: datetime | None
    unwell: str = ""


@dataclass(frozen=True)
class Lives:
    """The containers of a service on one node, by id.

    :param ahead: seconds by which the node's clock is ahead of the asker's, at least and at most.
    :param engine: when the node's engine began for the last time, where that can be told.
    """

    ahead: tuple[float, float]
    of: Mapping[str, Life]
    engine: datetime | None = None


_LATEST = 32_503_680_000
"""Seconds from 1970 to 3000, which no clock says."""

_EACH = '{"id":{{json .Id}},"state":{{json .State}}}'


def script(service: str) -> str:
    """Compose the script with which a person asks: node's time, engine's start, a service's containers, node's time."""
    label = shlex.quote(f"label=com.docker.swarm.service.name={service}")
    template = shlex.quote(_EACH)
    # An engine that does not run is not asked: its socket is systemd's, and asking would start it. It has written its
    # file when it began. A container that is removed meanwhile makes inspect fail, and is no more
    # there for anyone.
    return (
        # Twice, so that however long all else takes, what is not known of its clock is only how long the way was.
        "trap 'date +%s.%N' EXIT; date +%s.%N; "
        "pidof dockerd >/dev/null || exit 0; stat -c %.Y /run/docker.pid 2>/dev/null || echo 0; "
        f"ids=$(docker ps --all --quiet --no-trunc --filter {label}) && "
        f'{{ [ -z "$ids" ] || docker inspect --type container --format {template} $ids || true; }}'
    )


def question(service: str) -> Question:
    """Make the question for a node's time, its engine's start and a service's containers."""
    return Question(script(service), partial(_answer, service))


# An engine that does not run is not asked, as in the script.
_BEGIN = "date +%s.%N; pidof dockerd >/dev/null || exit 0; stat -c %.Y /run/docker.pid 2>/dev/null || echo 0"


def _answer(service: str, node: NodeAccess) -> str:
    lines = node.run(_BEGIN).split()
    if len(lines) > 1:
        filters = quote(json.dumps({"label": [f"com.docker.swarm.service.name={service}"]}), safe="")
        listing = f"/containers/json?all=1&filters={filters}"
        listed = as_list(answers(node.engine([listing]), [listing])[listing].value(listing), listing)
        paths = [f"/containers/{quote(text_of(container, 'Id'), safe='')}/json" for container in listed]
        inspected = answers(node.engine(paths), paths).values() if paths else ()
        # A container that was removed meanwhile is no more there for anyone.
        bodies = [answer.body for answer in inspected if answer.status == 200]
        lines += [json.dumps({"id": text_of(body, "Id"), "state": part(body, "State")}) for body in bodies]
    return "\n".join([*lines, node.run("date +%s.%N")])


def read(text: str, clock: tuple[float, float]) -> Lives:
    """Read what :func:`script` printed.

    :param clock: the asker's clock, in seconds, before asking and after.
    :raises NodeError: it cannot be read.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    try:
        first, *between, last = lines
        began, *containers = between or ["0"]
        start, engine, end = map(_clock, (first, began, last))
    except ValueError:
        raise unreadable("the node", text) from None
    with reading("docker inspect"):
        lives = dict(_life(as_object(as_json(line, "docker inspect"), "docker inspect")) for line in containers)
        engine_began = datetime.fromtimestamp(engine, UTC) if engine else None
        return Lives((end - clock[1], start - clock[0]), lives, engine_began)


def _clock(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= _LATEST:
        raise ValueError(f"no time: {text}")
    return seconds


def _life(container: Mapping[str, Any]) -> tuple[str, Life]:
    state = part(container, "state")
    checks = part(state, "Health").get("Log") or []
    return text_of(container, "id"), Life(
        began=date(text_of(state, "StartedAt")),
        ended=None if state.get("Running") else date(text_of(state, "FinishedAt")),
        unwell=_last_output(checks) if all(check.get("ExitCode") for check in checks) else "",
    )


def dated(service: Service, lives_by_node: Mapping[str, Lives], base: str) -> Service:
    """Add to a service's tasks when their containers began and ended, all by the clock of one node.

    :param lives_by_node: what each node printed, by its id.
    :param base: id of the node whose clock counts: the manager's, which also dates the tasks' creation.
    """

    apart = {
        node: _apart(lives, lives_by_node.get(base), _noted(service, node)) for node, lives in lives_by_node.items()
    }

    def date_task(task: Task) -> Task:
        lives = lives_by_node.get(task.node_id)
        if lives is None:
            return task
        life = lives.of.get(task.container_id) or Life(None, None)
        behind = timedelta(seconds=-apart[task.node_id])
        began, ended, since, engine = (
            moment and moment + behind for moment in (life.began, life.ended, task.since, lives.engine)
        )
        return dataclasses.replace(task, began=began, ended=ended, since=since, engine=engine, unwell=life.unwell)

    return dataclasses.replace(service, tasks=tuple(map(date_task, service.tasks)))


def _noted(service: Service, node: str) -> float | None:
    """Give the seconds by which a node's clock is ahead of the manager's at least, by the states of its tasks."""
    leads = [
        (task.since - task.updated).total_seconds()
        for task in service.tasks
        if task.node_id == node and task.since and task.updated
    ]
    return max(leads, default=None)


def _apart(lives: Lives, base: Lives | None, noted: float | None) -> float:
    """Give the seconds by which a node's clock is ahead of another's; 0 if the difference may be 0.

    :param noted: how much it is at least, ``None`` where that is not known. A manager is told at once, so it is hardly
        more; of another manager's clock, which is none of these two, it says nothing.
    """
    if base is None:
        return 0.0
    least, most = lives.ahead[0] - base.ahead[1], lives.ahead[1] - base.ahead[0]
    if noted is None or not least <= noted <= most:
        return 0.0 if least <= 0 <= most else (least + most) / 2
    return 0.0 if noted <= 0 <= most else noted


def _last_output(checks: Sequence[Mapping[str, Any]]) -> str:
    return text_of(checks[-1], "Output").strip() or "nothing" if checks else ""
