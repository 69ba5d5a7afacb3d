"""The drawings of a report as numbers: where each thing stands, in per cent of the width there is.

Nothing here is text that a browser reads; the page turns it into SVG, with everything escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from labgen.docker.swarm import Task
from labgen.docker.timeline import began, over
from labgen.report.episodes import ROWS, Episode
from labgen.report.model import Report
from labgen.report.seen import Seen, SeenAnswer, SeenNode, SeenProbe, SeenRequests, SeenStretch, SeenTask

COLOURS = 6
"""How many colours there are; after the last comes the first."""

CHIPS = 24
"""Tasks that are drawn on one node."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400, 604800)
_TICKS = 5

_LEAST = 0.4
"""Per cent of the width that a bar takes at least."""


@dataclass(frozen=True)
class Chip:
    """A task on its node."""

    label: str
    image: str
    state: str
    colour: int
    running: bool


@dataclass(frozen=True)
class Card:
    """A node of the lab, or one that is none.

    :param node: as the managers know it, ``None`` where they do not.
    :param stranger: it is in the swarm, and not in the lab.
    :param more: tasks that are not drawn.
    """

    name: str
    role: str
    address: str
    node: SeenNode | None
    stranger: bool
    chips: tuple[Chip, ...]
    more: int


def cards(report: Report) -> list[Card]:
    """Draw the nodes of the lab with the tasks that are meant to run there, then nodes that are not of the lab."""
    entries_by_name: dict[str, list[SeenNode]] = {}
    for node in report.seen.nodes:
        entries_by_name.setdefault(node.name, []).append(node)
    # Of two entries with one name, the one that is there counts: a node that left and joined again has both.
    best = {name: max(entries, key=lambda node: node.state == "ready") for name, entries in entries_by_name.items()}
    ours = [_card(node.name, node.role, node.address, best.get(node.name), report.seen, False) for node in report.nodes]
    names = {node.name for node in report.nodes}
    others = [node for node in best.values() if node.name not in names]
    return ours + [_card(node.name, node.role, node.address, node, report.seen, True) for node in others]


def _card(name: str, role: str, address: str, node: SeenNode | None, snapshot: Seen, stranger: bool) -> Card:
    chips: list[Chip] = []
    if node is not None:
        for colour, service in enumerate(snapshot.services):
            here = [task for task in service.tasks if task.node == node.id and task.desired in ("running", "ready")]
            chips += [_chip(service.name, task, colour % COLOURS) for task in here]
    return Card(name, role, address, node, stranger, tuple(chips[:CHIPS]), max(0, len(chips) - CHIPS))


def _chip(service: str, task: SeenTask, colour: int) -> Chip:
    label = f"{service}.{task.slot}" if task.slot else service
    return Chip(label, task.image.partition("@")[0], task.state, colour, task.running)


@dataclass(frozen=True)
class Bar:
    """A stretch of time.

    :param kind: ``run``, ``start`` (made, and not yet running), ``bad`` (it ended in an error), ``gap``, ``error``.
    """

    offset: float
    width: float
    kind: str
    colour: int
    label: str


@dataclass(frozen=True)
class Row:
    """A place in the drawing of an episode."""

    place: str
    node: str
    bars: tuple[Bar, ...]
    gaps: tuple[Bar, ...]


@dataclass(frozen=True)
class Timeline:
    """An episode, drawn.

    :param ticks: place and seconds since it began.
    :param images: each image with its colour.
    """

    episode: Episode
    rows: tuple[Row, ...]
    more: int
    ticks: tuple[tuple[float, str], ...]
    images: tuple[tuple[str, int], ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of bars that are drawn, which the legend explains."""
        return frozenset(bar.kind for row in self.rows for bar in (*row.bars, *row.gaps))


def timeline(episode: Episode, snapshot: Seen) -> Timeline:
    """Draw an episode: a row for each place, a bar for each task."""
    beginning, gaps = episode.began, episode.gaps
    length = max(episode.ended - beginning, timedelta(seconds=2))
    first, last = beginning - length * 0.12, beginning + length * 1.12
    scale = _Scale(first, last)
    plain = (_plain(task) for tasks in list(episode.rows.values())[:ROWS] for task in tasks)
    images = {image: colour % COLOURS for colour, image in enumerate(dict.fromkeys(plain))}
    rows = [
        Row(
            place=place,
            node=snapshot.node_name(tasks[-1].node_id),
            bars=tuple(
                bar
                for before, task in zip((None, *tasks), tasks, strict=False)
                for bar in _bars(task, before, scale, images[_plain(task)])
            ),
            gaps=tuple(
                _bar(scale, start, end, "gap", 0, f"{(end - start).total_seconds():.1f}") for start, end in gaps[place]
            ),
        )
        for place, tasks in list(episode.rows.items())[:ROWS]
    ]
    ticks = _ticks(length.total_seconds() * 1.12)
    return Timeline(
        episode=episode,
        rows=tuple(rows),
        more=max(0, len(episode.rows) - ROWS),
        ticks=tuple((scale.at(beginning + timedelta(seconds=tick)), _duration(tick)) for tick in ticks),
        images=tuple(images.items()),
    )


@dataclass(frozen=True)
class _Scale:
    first: datetime
    last: datetime

    def at(self, moment: datetime) -> float:
        """Give where a moment stands, in per cent; what is outside stands at the edge."""
        share = (moment - self.first) / (self.last - self.first)
        return round(min(max(share, 0.0), 1.0) * 100, 2)


def _bars(task: Task, before: Task | None, scale: _Scale, colour: int) -> Iterable[Bar]:
    label = f"{_plain(task)}, {task.state}" + (f": {task.error}" if task.error else "")
    start, end = began(task), over(task)
    created = task.created or start or scale.first
    if before is not None and (free := over(before)) and free < (start or end or scale.last):
        # It is made while the one before still runs, and waits for its place.
        created = max(created, free)
    if end and end <= scale.first:
        return
    if end is None and start is None:
        yield _bar(scale, created, scale.last, "start", colour, label)
        return
    kind = "bad" if end and task.error else "run"
    if start is None and end and task.unwell and not task.error:
        kind = "start"
    if start and start > max(created, scale.first):
        yield _bar(scale, created, start, "start", colour, label)
    # Of a task that is over and has left no date of its start, it is drawn from when it was made.
    yield _bar(scale, max(created, start or created), end or scale.last, kind, colour, label)


def _plain(task: Task) -> str:
    return task.image.partition("@")[0]


def _bar(scale: _Scale, start: datetime, end: datetime, kind: str, colour: int, label: str) -> Bar:
    # One that lasted a moment must be seen.
    width = max(scale.at(end) - scale.at(start), _LEAST)
    offset = min(scale.at(start), 100 - width)
    return Bar(round(offset, 2), round(width, 2), kind, colour, label)


def _ticks(seconds: float) -> list[int]:
    step = next((step for step in _STEPS if seconds / step <= _TICKS), _STEPS[-1])
    return list(range(0, int(seconds) + 1, step)[: 2 * _TICKS])


def _duration(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


@dataclass(frozen=True)
class Segment:
    """The share of one answer."""

    offset: float
    width: float
    colour: int
    times: int
    label: str


@dataclass(frozen=True)
class Spread:
    """Requests to one address, drawn as one bar."""

    requests: SeenRequests
    total: int
    stretches: tuple[Segment, ...]


def spreads(requests: Sequence[SeenRequests]) -> tuple[list[Spread], list[tuple[str, int, int]]]:
    """Draw a bar for each address asked; list the different answers with their colour and number.

    What was no page has no colour: -1.
    """
    counted: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for series in requests:
        for answer in series.answers:
            if answer.status == 200:
                counted[answer.body] += answer.times
            else:
                failed[_failure(answer)] += answer.times
    colours = {body: number % COLOURS for number, body in enumerate(sorted(counted))}
    drawn = []
    for series in requests:
        total = sum(answer.times for answer in series.answers)
        offset, stretches = 0.0, []
        for answer in sorted(series.answers, key=lambda answer: (answer.status != 200, answer.body)):
            width = 100 * answer.times / total
            colour = colours[answer.body] if answer.status == 200 else -1
            label = answer.body if answer.status == 200 else _failure(answer)
            stretches.append(Segment(round(offset, 2), round(width, 2), colour, answer.times, label))
            offset += width
        drawn.append(Spread(series, total, tuple(stretches)))
    legend = [(body, colours[body], counted[body]) for body in sorted(counted)]
    return drawn, legend + [(failure, -1, failed[failure]) for failure in sorted(failed)]


@dataclass(frozen=True)
class Strip:
    """Requests through one address in time, drawn as one bar for each stretch.

    :param bars: of kind ``run`` (answered) or ``error`` (lost).
    """

    to: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True)
class Drawn:
    """A probe, drawn.

    :param ticks: place and seconds since its first request.
    """

    probe: SeenProbe
    strips: tuple[Strip, ...]
    ticks: tuple[tuple[float, str], ...]


def probes(outcomes: Iterable[SeenProbe]) -> list[Drawn]:
    """Draw a strip for each address that was asked."""
    return [_drawn(probe) for probe in outcomes]


def _drawn(probe: SeenProbe) -> Drawn:
    length = max(probe.seconds, 1.0)

    def bar(stretch: SeenStretch) -> Bar:
        answered = stretch.status == 200
        # A single lost request must be seen.
        width = min(max(100 * (stretch.end - stretch.start) / length, 0.0 if answered else _LEAST), 100.0)
        offset = min(100 * stretch.start / length, 100 - width)
        label = f"{stretch.count} x {stretch.status or '-'}, {stretch.start:.1f} s - {stretch.end:.1f} s"
        return Bar(round(offset, 2), round(width, 2), "run" if answered else "error", 2, label)

    strips = []
    for address in dict.fromkeys(sorted(stretch.to for stretch in probe.stretches)):
        through = [stretch for stretch in probe.stretches if stretch.to == address]
        # The lost ones last, over what lies beside them.
        ordered = sorted(through, key=lambda stretch: stretch.status != 200)
        strips.append(Strip(address, tuple(map(bar, ordered))))
    ticks = tuple((round(100 * tick / length, 2), _duration(tick)) for tick in _ticks(length))
    return Drawn(probe, tuple(strips), ticks)


def _failure(answer: SeenAnswer) -> str:
    return f"{answer.status} {answer.body}".strip() if answer.status else answer.body
