"""When an engine did not run, and when a manager became leader: what a node's journal tells of it afterwards.

systemd notes when it has started and stopped a service, each with a number of its own for that kind of message
(systemd ``sd-messages.h``); the engine notes the elections it has won (etcd ``raft``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from labgen.docker.api import load_json

_STARTED = "39f53479d3a045ac8e11786248231fbf"
_STOPPED = "9d1aaa27d60140bd96365438aad20286"
_LEADS = "became leader at term"

FOREVER = datetime.max.replace(tzinfo=UTC)

# Anyone may write lines with the other fields. Those with an underscore are the journal's own.
_BY_SYSTEMD = "_PID=1 UNIT=docker.service"

_SCRIPT = f"""\
told() {{ journalctl --quiet --no-pager --output=json --since=@SINCE --output-fields="$@"; }}
told MESSAGE_ID {_BY_SYSTEMD} MESSAGE_ID={_STOPPED} + {_BY_SYSTEMD} MESSAGE_ID={_STARTED}
told MESSAGE _SYSTEMD_UNIT=docker.service _COMM=dockerd | grep '{_LEADS}' || true
"""


@dataclass(frozen=True)
class Outage:
    """A time in which an engine did not run.

    :param end: :data:`FOREVER` where it still does not.
    """

    start: datetime
    end: datetime

    def during(self, moment: datetime) -> bool:
        """Say whether a moment lies in it."""
        return self.start <= moment < self.end


@dataclass(frozen=True)
class Journal:
    """What one node's journal tells.

    :param outages: of its engine, in order.
    :param led: when it became leader, in order.
    """

    outages: tuple[Outage, ...]
    led: tuple[datetime, ...]


def script(since: datetime) -> str:
    """Give the script that asks a node's journal.

    :param since: nothing before is told.
    """
    return _SCRIPT.replace("SINCE", str(int(since.timestamp())))


def read(text: str) -> Journal:
    """Read what the script printed."""
    outages: list[Outage] = []
    led: list[datetime] = []
    for at, entry in sorted(filter(None, map(_entry, text.splitlines())), key=lambda dated: dated[0]):
        if entry.get("MESSAGE_ID") == _STOPPED:
            outages.append(Outage(at, FOREVER))
        elif entry.get("MESSAGE_ID") == _STARTED:
            if outages and outages[-1].end == FOREVER:
                outages[-1] = Outage(outages[-1].start, at)
        elif _LEADS in str(entry.get("MESSAGE", "")):
            led.append(at)
    return Journal(tuple(outages), tuple(led))


def together(outages: Sequence[Sequence[Outage]], count: int, least: float = 1.0) -> Outage | None:
    """Find the first time in which so many engines were down at once.

    :param outages: of each engine.
    :param least: seconds that it lasted at least; nodes' clocks are not quite the same.
    """
    for start in sorted(outage.start for of_engine in outages for outage in of_engine):
        overlapping = [outage for of_engine in outages for outage in of_engine if outage.during(start)]
        # Those that last longest: together they are down until the first of them is up again.
        ends = sorted((outage.end for outage in overlapping), reverse=True)
        if len(ends) >= count and (end := ends[count - 1]) - start >= timedelta(seconds=least):
            return Outage(start, end)
    return None


def _entry(line: str) -> tuple[datetime, dict[str, Any]] | None:
    """Read a line: ``{"__REALTIME_TIMESTAMP":"1764000000123456","MESSAGE_ID":"39f5…"}`` gives date and fields."""
    try:
        entry = load_json(line)
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return (at, entry) if at.year < FOREVER.year - 1 else None
