"""What became of a service's tasks in time, told in episodes: an update, a return to an earlier image, a recovery.

Worked out from the tasks that a report tells, with :mod:`labgen.swarm.timeline`, so a report that is read
again tells the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from labgen.course.spec import same_image
from labgen.swarm import Service, Task
from labgen.swarm.timeline import Turn, most_missing, places
from verify.report.seen import SeenService, SeenTask

_APART = timedelta(seconds=90)
"""Between one new task and the next; longer than the longest delay that the course sets between batches."""

ROWS = 24
"""Replicas that are drawn of one episode."""


@dataclass(frozen=True)
class Episode:
    """Turns of one service that belong together.

    :param kind: ``update`` (another image), ``back`` (to one that the place had before), ``recovery`` (the
        old task failed), ``replaced`` (the same image, made anew for another reason).
    :param images: plain references, before and after.
    :param places: how many places the service has.
    :param rows: the tasks of each place that took part, oldest first.
    """

    service: str
    kind: str
    images: tuple[str, str]
    turns: tuple[Turn, ...]
    places: int
    rows: dict[str, list[Task]]

    @property
    def missing(self) -> int:
        """The greatest number of places that were empty at the same time."""
        return most_missing(self.turns)

    @property
    def longest_gap(self) -> float | None:
        """Seconds; ``None`` where no turn has both its moments."""
        gaps = [turn.gap for turn in self.turns if turn.gap is not None]
        return max(gaps) if gaps else None

    @property
    def began(self) -> datetime:
        """The first moment of it."""
        return min(_moments(self.turns))

    @property
    def ended(self) -> datetime:
        """The last moment of it."""
        return max(_moments(self.turns))


def episodes(seen: SeenService) -> list[Episode]:
    """Everything that happened to a service's tasks, the oldest first."""
    service = as_service(seen)
    found: list[list[tuple[str, Turn]]] = []
    for kind, turn in sorted(_turns(service), key=lambda one: str(one[1].new.created)):
        there = next((one for one in reversed(found) if _belongs(one[-1], kind, turn)), None)
        if there is None:
            found.append([(kind, turn)])
        else:
            there.append((kind, turn))
    count = len(places(service))
    return [_episode(seen, [turn for _, turn in each], each[0][0], count) for each in found]


def as_service(seen: SeenService) -> Service:
    """The service again, as far as a report tells it."""
    return Service(
        id=seen.id,
        name=seen.name,
        mode=seen.mode,
        replicas=seen.replicas,
        image=seen.image,
        constraints=(),
        ports=(),
        update_state=seen.update_state,
        update_message="",
        tasks=tuple(map(_task, seen.tasks)),
    )


def _turns(service: Service) -> list[tuple[str, Turn]]:
    found = []
    for place, tasks in places(service).items():
        for at in range(1, len(tasks)):
            turn = Turn(place, tasks[at - 1], tasks[at])
            if turn.new.created is not None:
                found.append((_kind(tasks[:at], turn), turn))
    return found


def _kind(before: Sequence[Task], turn: Turn) -> str:
    if not same_image(turn.old.image, turn.new.image):
        return "back" if any(same_image(task.image, turn.new.image) for task in before) else "update"
    return "recovery" if turn.old.state in ("failed", "rejected", "orphaned", "complete") else "replaced"


def _belongs(last: tuple[str, Turn], kind: str, turn: Turn) -> bool:
    before, now = last[1].new, turn.new
    near = before.created is not None and now.created is not None and now.created - before.created <= _APART
    return near and last[0] == kind and same_image(before.image, now.image)


def _episode(seen: SeenService, turns: Sequence[Turn], kind: str, count: int) -> Episode:
    rows: dict[str, list[Task]] = {}
    for turn in turns:
        row = rows.setdefault(turn.place, [turn.old])
        row.append(turn.new)
    ordered = dict(sorted(rows.items(), key=lambda row: (len(row[0]), row[0])))
    images = (turns[0].old.image.partition("@")[0], turns[-1].new.image.partition("@")[0])
    return Episode(seen.name, kind, images, tuple(turns), count, ordered)


def _moments(turns: Sequence[Turn]) -> list[datetime]:
    each = [moment for turn in turns for moment in (turn.stopped, turn.new.created, turn.started) if moment is not None]
    # What a place did before it was its turn does not belong here: an old task may have stopped days ago.
    first = min(turn.new.created for turn in turns if turn.new.created)
    return [moment for moment in each if moment >= first - _APART]


def _task(seen: SeenTask) -> Task:
    return Task(
        id=seen.id,
        service_id="",
        slot=seen.slot,
        node_id=seen.node,
        state=seen.state,
        desired=seen.desired,
        image=seen.image,
        container_id="",
        error=seen.error,
        created=_moment(seen.created),
        updated=None,
        since=_moment(seen.since),
        addresses=(),
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # One without an offset could not be compared with the others.
    return moment.astimezone(UTC) if moment.tzinfo else None
