"""What became of a service's tasks in time, told in episodes: an update, a return to an earlier image, a recovery.

Worked out from the tasks that a report tells, with :mod:`labgen.docker.timeline`, so a report that is read
again tells the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from labgen.docker.swarm import Service, Task
from labgen.docker.timeline import WANTED, Turn, most_missing, places, undated, vacancies
from labgen.exercise.services import same_image
from labgen.report.seen import SeenService, SeenTask

_APART = timedelta(seconds=90)
"""Between one new task and the next; longer than the longest delay that the course sets between batches."""

_NEVER = "it never ran"

ROWS = 24
"""Replicas that are drawn of one episode."""


@dataclass(frozen=True)
class Episode:
    """Turns of one service that belong together.

    :param kind: ``update`` (another image), ``back`` (to one that the place had before), ``recovery`` (the
        old task failed), ``replaced`` (the same image, created again for another reason).
    :param images: plain references, before and after.
    :param places: how many places the service has.
    :param of: the service.
    :param rows: the tasks of each place that took part, oldest first.
    """

    service: str
    kind: str
    images: tuple[str, str]
    turns: tuple[Turn, ...]
    places: int
    of: Service
    rows: dict[str, list[Task]]

    @property
    def missing(self) -> int | None:
        """The greatest number of places that were empty at the same time; ``None`` where not every start is known."""
        return None if self.undated else most_missing(self.turns, self.of)

    @property
    def undated(self) -> int:
        """How many of the new tasks have left no date of their start."""
        return sum(undated(turn.new) for turn in self.turns)

    @property
    def gaps(self) -> dict[str, list[tuple[datetime, datetime]]]:
        """The times for which each place was empty, as far as they are known and have ended."""
        by_place: dict[str, list[tuple[datetime, datetime]]] = {place: [] for place in self.rows}
        unknown = {turn.place for turn in self.turns if undated(turn.new)}
        for vacancy in vacancies((turn for turn in self.turns if turn.place not in unknown), self.of):
            if vacancy.end:
                by_place[vacancy.place].append((vacancy.start, vacancy.end))
        return by_place

    @property
    def longest_gap(self) -> float | None:
        """Seconds for which a place was empty at most; ``None`` where no gap is known."""
        return max(((end - start).total_seconds() for gaps in self.gaps.values() for start, end in gaps), default=None)

    @property
    def overlap(self) -> float | None:
        """Seconds for which old and new tasks ran side by side in every place at least; ``None`` unless they did."""
        # A node that was lost tells late that its task has ended.
        if any(
            same_image(turn.old.image, turn.new.image) and turn.old.node_id != turn.new.node_id for turn in self.turns
        ):
            return None
        ended = self.ended
        overlaps = [(turn.started, min(turn.stopped, ended)) for turn in self.turns if turn.started and turn.stopped]
        if len(overlaps) < len(self.turns) or any(stopped <= started for started, stopped in overlaps):
            return None
        return min((stopped - started).total_seconds() for started, stopped in overlaps)

    @property
    def began(self) -> datetime:
        """The first moment of it."""
        return min(self._moments)

    @property
    def ended(self) -> datetime:
        """The last moment of it."""
        return max(self._moments)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.ended - self.began).total_seconds()

    @property
    def _moments(self) -> list[datetime]:
        created = [turn.new.created for turn in self.turns if turn.new.created]
        started = [turn.started for turn in self.turns if turn.started]
        gaps = [moment for gaps in self.gaps.values() for gap in gaps for moment in gap]
        first, last = min(created), max([*created, *started, *gaps])
        # What a place did before it was its turn does not belong here: an old task may have stopped days ago. Nor does
        # what a node told of it days later.
        stopped = [turn.stopped for turn in self.turns if turn.stopped]
        return [*created, *started, *gaps, *(moment for moment in stopped if first - WANTED <= moment <= last + WANTED)]


def episodes(seen_service: SeenService) -> list[Episode]:
    """Find every episode of a service's tasks, the oldest first."""
    service = as_service(seen_service)
    groups: list[list[tuple[str, Turn]]] = []
    for kind, turn in sorted(_turns(service), key=lambda entry: str(entry[1].new.created)):
        group = next((entry for entry in reversed(groups) if _belongs(entry[-1], kind, turn)), None)
        if group is None:
            groups.append([(kind, turn)])
        else:
            group.append((kind, turn))
    return [_episode(service, [turn for _, turn in group], group[0][0]) for group in groups]


def as_service(service: SeenService) -> Service:
    """Rebuild the service, as far as a report has it."""
    return Service(
        id=service.id,
        name=service.name,
        mode=service.mode,
        replicas=service.replicas,
        image=service.image,
        constraints=(),
        ports=(),
        update_state=service.update_state,
        update_message="",
        tasks=tuple(map(_task, service.tasks)),
    )


def _turns(service: Service) -> list[tuple[str, Turn]]:
    turns = []
    for place, tasks in places(service).items():
        for at in range(1, len(tasks)):
            turn = Turn(place, tasks[at - 1], tasks[at])
            if turn.new.created is not None:
                turns.append((_kind(tasks[:at], turn), turn))
    return turns


def _kind(before: Sequence[Task], turn: Turn) -> str:
    if not same_image(turn.old.image, turn.new.image):
        return "back" if any(same_image(task.image, turn.new.image) for task in before) else "update"
    return "recovery" if turn.old.state in ("failed", "rejected", "orphaned", "complete") else "replaced"


def _belongs(last: tuple[str, Turn], kind: str, turn: Turn) -> bool:
    before, now = last[1].new, turn.new
    near = before.created is not None and now.created is not None and now.created - before.created <= _APART
    return near and last[0] == kind and same_image(before.image, now.image)


def _episode(service: Service, turns: Sequence[Turn], kind: str) -> Episode:
    rows: dict[str, list[Task]] = {}
    for turn in turns:
        row = rows.setdefault(turn.place, [turn.old])
        row.append(turn.new)
    ordered = dict(sorted(rows.items(), key=lambda row: (len(row[0]), row[0])))
    images = (turns[0].old.image.partition("@")[0], turns[-1].new.image.partition("@")[0])
    return Episode(service.name, kind, images, tuple(turns), len(places(service)), service, ordered)


def _task(task: SeenTask) -> Task:
    return Task(
        id=task.id,
        service_id="",
        slot=task.slot,
        node_id=task.node,
        state=task.state,
        desired=task.desired,
        image=task.image,
        container_id="",
        error=task.error,
        created=_moment(task.created),
        updated=None,
        since=_moment(task.since),
        began=_moment(task.began or ""),
        ended=_moment(task.ended),
        unwell=_NEVER if task.began is None else "",
    )


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    # One without an offset could not be compared with the others.
    return moment.astimezone(UTC) if moment.tzinfo else None
