"""The drawings of a report, number by number: bars, ticks, colours, cards, shares."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sample_report import NEW, OLD, REPORT, UPDATED, at, task

from labgen.report import (
    LabNode,
    Seen,
    SeenAnswer,
    SeenNode,
    SeenProbe,
    SeenRequests,
    SeenService,
    SeenStretch,
    SeenTask,
)
from labgen.report.drawing import CHIPS, COLOURS, Bar, Timeline, cards, probes, spreads, timeline
from labgen.report.drawing import _duration as duration
from labgen.report.episodes import ROWS, Episode, episodes


def drawn(*tasks: SeenTask) -> Timeline:
    """The last episode of these tasks, drawn."""
    return timeline(episodes(replace(UPDATED, tasks=tasks))[-1], REPORT.seen)


def update(slot: int, stopped: float, created: float, began: float, node: str = "worker1") -> list[SeenTask]:
    """A replica that was updated: when its old task ended, its new one was made, and ran."""
    return [
        task(slot, node, "shutdown", OLD, -600, stopped, began=at(-599)),
        task(slot, node, "running", NEW, created, began),
    ]


def shapes(bars: tuple[Bar, ...]) -> list[tuple[str, float, float]]:
    return [(bar.kind, bar.offset, bar.width) for bar in bars]


def test_timeline_draws_each_task_from_when_it_was_made_to_its_end() -> None:
    # From 0 s to 100 s, and 12 s on either side: a second is 1/1.24 per cent.
    line = drawn(*update(1, stopped=20, created=0, began=50), *update(2, stopped=80, created=70, began=100))
    first, second = line.rows
    assert shapes(first.bars) == [("run", 0.0, 25.81), ("start", 25.81, 24.19), ("run", 50.0, 50.0)]
    assert shapes(first.gaps) == [("gap", 25.81, 24.19)]
    assert shapes(second.bars) == [("run", 0.0, 74.19), ("start", 74.19, 16.13), ("run", 90.32, 9.68)]
    assert [bar.colour for bar in first.bars] == [0, 1, 1]
    assert [bar.label for bar in first.bars] == [f"{OLD}, shutdown", f"{NEW}, running", f"{NEW}, running"]
    assert line.images == ((OLD, 0), (NEW, 1))
    assert line.kinds == {"run", "start", "gap"}
    assert (line.more, first.gaps[0].label) == (0, "30.0")
    assert line.ticks == ((9.68, "0 s"), (33.87, "30 s"), (58.06, "60 s"), (82.26, "90 s"))


def test_timeline_draws_a_new_task_that_starts_first_from_when_it_was_made() -> None:
    line = drawn(*update(1, stopped=100, created=0, began=50))
    assert shapes(line.rows[0].bars) == [("run", 0.0, 90.32), ("start", 9.68, 40.32), ("run", 50.0, 50.0)]
    assert line.rows[0].gaps == ()


def test_timeline_draws_what_failed_and_what_never_ran() -> None:
    line = drawn(
        task(1, "worker1", "shutdown", OLD, -600, 10, began=at(-599)),
        task(1, "worker1", "rejected", NEW, 0, 20, "No such image", began=None),  # type: ignore[arg-type]
        task(2, "worker1", "shutdown", OLD, -600, 10, began=at(-599)),
        task(2, "worker1", "shutdown", NEW, 0, 60, began=None),  # type: ignore[arg-type]
        task(3, "worker1", "shutdown", OLD, -600, 10, began=at(-599)),
        task(3, "worker1", "pending", NEW, 0, 0, "no suitable node", began=None),  # type: ignore[arg-type]
        task(4, "worker1", "shutdown", OLD, -600, 10, began=at(-599)),
        task(4, "worker1", "failed", NEW, 0, 100, "exit 1", began=at(50)),
    )
    kinds = [[(bar.kind, bar.label.partition(", ")[2]) for bar in row.bars[1:]] for row in line.rows]
    assert kinds == [
        [("bad", "rejected: No such image")],
        [("start", "shutdown")],
        [("start", "pending: no suitable node")],
        [("start", "failed: exit 1"), ("bad", "failed: exit 1")],
    ]
    assert line.kinds == {"run", "start", "bad", "gap"}
    pending = line.rows[2].bars[1]
    assert pending.offset + pending.width == pytest.approx(100, abs=0.01)


def test_timeline_leaves_out_what_was_over_before_it_begins() -> None:
    tasks = (
        task(0, "worker1", "shutdown", NEW, -90_000, -80_000, began=at(-89_000)),
        task(0, "worker1", "running", NEW, 0, 2.5),
    )
    assert [bar.kind for bar in drawn(*tasks).rows[0].bars] == ["start", "run"]


def test_timeline_shows_what_lasted_a_moment_and_lasts_two_seconds_at_least() -> None:
    line = drawn(
        *update(1, stopped=0, created=0, began=0.5),
        task(2, "worker1", "shutdown", OLD, -600, 0.2, began=at(-599)),
        task(2, "worker1", "failed", NEW, 0.2, 0.2, "exit 1", began=at(0.2)),
    )
    # 2 s, and 12 % of that on either side.
    assert shapes(line.rows[0].bars)[1:] == [("start", 9.68, 20.16), ("run", 29.84, 70.16)]
    assert shapes(line.rows[1].bars)[1:] == [("bad", 17.74, 0.4)]
    late = drawn(*update(1, stopped=0, created=0, began=0.5), task(1, "worker1", "running", NEW, 99_999, 99_999))
    assert all(bar.offset + bar.width <= 100 for row in late.rows for bar in row.bars)


@pytest.mark.parametrize(
    ("seconds", "ticks"),
    [
        (2.0, ["0 s", "1 s", "2 s"]),
        (4.0, ["0 s", "1 s", "2 s", "3 s", "4 s"]),
        (8.0, ["0 s", "2 s", "4 s", "6 s", "8 s"]),
        (100.0, ["0 s", "30 s", "60 s", "90 s"]),
        (300.0, ["0 s", "2 min", "4 min"]),
        (6000.0, ["0 s", "30 min", "60 min", "90 min"]),
        (15_000.0, ["0 s", "60 min", "2 h", "3 h", "4 h"]),
    ],
)
def test_timeline_has_a_few_ticks(seconds: float, ticks: list[str]) -> None:
    line = drawn(*update(1, stopped=seconds, created=0, began=seconds))
    assert [label for _, label in line.ticks] == ticks


def test_timeline_of_ten_thousand_hours_has_no_more_than_ten_ticks() -> None:
    line = drawn(*update(1, stopped=36_000_000, created=0, began=36_000_000))
    assert [label for _, label in line.ticks][:3] == ["0 s", "168 h", "336 h"]
    assert len(line.ticks) == 10


def test_timeline_draws_so_many_rows_and_counts_the_others() -> None:
    tasks = [
        drawn_task
        for slot in range(1, ROWS + 3)
        for drawn_task in update(slot, stopped=slot, created=slot, began=slot + 1)
    ]
    line = drawn(*tasks)
    assert (len(line.rows), line.more) == (ROWS, 2)
    # In the order of the replicas: 2 before 10.
    assert [row.place for row in line.rows] == [str(number) for number in range(1, ROWS + 1)]
    assert line.rows[0].node == "worker1"


def test_timeline_begins_with_the_first_colour_again_after_the_last() -> None:
    tasks = [task(1, "a", "shutdown", f"image:{number}", number * 10, number * 10 + 9) for number in range(8)]
    (line,) = [timeline(episode, REPORT.seen) for episode in episodes(replace(UPDATED, tasks=(*tasks,)))[:1]]
    assert [colour for _, colour in line.images] == [0, 1]
    mixed = Episode("x", "update", ("", ""), line.episode.turns, 1, line.episode.of, {"1": [*line.episode.of.tasks]})
    assert [colour for _, colour in timeline(mixed, REPORT.seen).images] == [0, 1, 2, 3, 4, 5, 0, 1]
    assert COLOURS == 6


def test_cards_show_tasks_that_are_meant_to_run() -> None:
    tasks = (
        task(1, "worker1", "running", NEW, 0, 1),
        replace(task(2, "worker1", "starting", NEW, 0, 1), desired="ready"),
        task(3, "worker1", "shutdown", NEW, 0, 1),
        replace(task(0, "worker1", "running", NEW, 0, 1), slot=0),
    )
    snapshot = replace(REPORT.seen, services=(replace(UPDATED, name="a", tasks=()), replace(UPDATED, tasks=tasks)))
    card = {node_card.name: node_card for node_card in cards(replace(REPORT, seen=snapshot))}["worker1"]
    assert [(chip.label, chip.running, chip.state, chip.colour, chip.image) for chip in card.chips] == [
        ("my-database.1", True, "running", 1, NEW),
        ("my-database.2", False, "starting", 1, NEW),
        ("my-database", True, "running", 1, NEW),
    ]
    assert (card.role, card.address, card.stranger, card.more) == ("worker", "10.0.2.102", False, 0)


def test_cards_count_the_tasks_that_are_not_drawn() -> None:
    tasks = tuple(task(slot, "worker1", "running", NEW, 0, 1) for slot in range(CHIPS + 2))
    snapshot = replace(REPORT.seen, services=(replace(UPDATED, tasks=tasks),))
    card = {node_card.name: node_card for node_card in cards(replace(REPORT, seen=snapshot))}["worker1"]
    assert (len(card.chips), card.more) == (CHIPS, 2)


def test_cards_take_the_entry_that_is_ready_of_two_with_one_name() -> None:
    gone = SeenNode("old", "worker1", "worker", "down", "active", False, "10.0.2.102", "27.3.1")
    back = replace(gone, id="new", state="ready")
    for nodes in ((gone, back), (back, gone)):
        report = replace(REPORT, nodes=(LabNode("worker1", "worker", "10.0.2.102"),), seen=Seen(at(0), nodes))
        assert [card.node for card in cards(report)] == [back]


def test_spreads_have_a_colour_for_each_page_and_none_for_what_is_none() -> None:
    pages, legend = spreads(
        [
            SeenRequests("a", "10.0.2.101", 80, (SeenAnswer(200, "two", 3), SeenAnswer(200, "one", 1))),
            SeenRequests(
                "a",
                "10.0.2.102",
                80,
                (SeenAnswer(503, "busy", 1), SeenAnswer(0, "refused", 2), SeenAnswer(200, "one", 1)),
            ),
        ]
    )
    assert [[(part.label, part.colour, part.offset, part.width) for part in page.stretches] for page in pages] == [
        [("one", 0, 0.0, 25.0), ("two", 1, 25.0, 75.0)],
        [("one", 0, 0.0, 25.0), ("503 busy", -1, 25.0, 25.0), ("refused", -1, 50.0, 50.0)],
    ]
    assert legend == [("one", 0, 2), ("two", 1, 3), ("503 busy", -1, 1), ("refused", -1, 2)]


def test_spreads_begin_with_the_first_colour_again_after_the_last() -> None:
    answers = tuple(SeenAnswer(200, f"page {number}", 1) for number in range(COLOURS + 1))
    _, legend = spreads([SeenRequests("a", "10.0.2.101", 80, answers)])
    assert [colour for _, colour, _ in legend] == [0, 1, 2, 3, 4, 5, 0]


def test_probes_draw_the_lost_last_and_on_a_scale_of_their_own() -> None:
    stretches = (
        SeenStretch("10.0.2.102", 0, 2, 5.0, 7.5),
        SeenStretch("10.0.2.101", 503, 1, 2.0, 2.5),
        SeenStretch("10.0.2.101", 200, 9, 0.0, 10.0),
    )
    (picture,) = probes([SeenProbe("web", "manager", 8001, 12, 3, 2.5, 2.5, 10.0, stretches)])
    assert [strip.to for strip in picture.strips] == ["10.0.2.101", "10.0.2.102"]
    assert [(bar.kind, bar.offset, bar.width, bar.label) for bar in picture.strips[0].bars] == [
        ("run", 0.0, 100.0, "9 x 200, 0.0 s - 10.0 s"),
        ("error", 20.0, 5.0, "1 x 503, 2.0 s - 2.5 s"),
    ]
    assert [bar.label for bar in picture.strips[1].bars] == ["2 x -, 5.0 s - 7.5 s"]
    assert picture.ticks == ((0.0, "0 s"), (20.0, "2 s"), (40.0, "4 s"), (60.0, "6 s"), (80.0, "8 s"), (100.0, "10 s"))


def test_probes_that_lasted_no_second_are_drawn_as_one() -> None:
    (picture,) = probes([SeenProbe("web", "m", 80, 1, 0, 0.0, 0.0, 0.5, (SeenStretch("a", 200, 1, 0.0, 0.5),))])
    (bar,) = picture.strips[0].bars
    assert (bar.offset, bar.width) == (0.0, 50.0)
    (picture,) = probes([SeenProbe("web", "m", 80, 1, 0, 0.0, 0.0, 0.5, (SeenStretch("a", 200, 1, 0.0, 0.0),))])
    # What was answered need not be seen for itself.
    assert picture.strips[0].bars[0].width == 0.0


def test_seen_service_tells_ports_and_the_newest_tasks() -> None:
    assert SeenService.__dataclass_fields__["left_out"].default == 0
    assert SeenProbe.__dataclass_fields__["left_out"].default == 0
    assert Seen().waited == 0.0
    assert REPORT.seen.node_name("id-worker1") == "worker1"
    assert REPORT.seen.node_name("id-of-nobody") == "id-of-nobody"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "119 min"), (7200, "2 h"), (36_000, "10 h")],
)
def test_duration_is_in_the_largest_unit_of_which_there_are_two(seconds: int, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(("replicas", "more"), [(ROWS - 1, 0), (ROWS, 0), (ROWS + 1, 1)])
def test_timeline_counts_what_it_does_not_draw(replicas: int, more: int) -> None:
    (episode, *_) = episodes(UPDATED)
    rows = {str(number): next(iter(episode.rows.values())) for number in range(replicas)}
    assert timeline(replace(episode, rows=rows), REPORT.seen).more == more
