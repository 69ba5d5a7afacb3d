"""Evidence that contradicts itself: refused by its lab and by its clocks; no recording of a real lab is."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from recorded import Recorded

from labgen.exercise.catalogue import exercise_names
from verify import bundle, consistency
from verify.evidence import Damaged, Evidence

NAMES = exercise_names()
DAY = timedelta(days=1)


def shift_clocks(evidence: Evidence, by: timedelta, *patterns: str) -> None:
    """Change the times that nodes told of themselves."""

    def moved(match: re.Match[str]) -> str:
        if re.fullmatch(r"\d+\.\d+", match[2]):
            return f"{match[1]}{float(match[2]) + by.total_seconds():.9f}"
        if match[2].isdecimal():
            return f"{match[1]}{int(match[2]) + int(by.total_seconds() * 1e6)}"
        moment = datetime.fromisoformat(match[2]) + by
        return match[1] + moment.isoformat().replace("+00:00", "Z")

    for at, observation in enumerate(evidence.observations):
        out = observation.out
        for pattern in patterns:
            out = re.sub(pattern, moved, out)
        evidence.observations[at] = dataclasses.replace(observation, out=out)


ENGINE = r'("SystemTime":")([^"]+)'
DATE = r"(?m)(^)(\d{10}\.\d{9})$"
JOURNAL = r'("__REALTIME_TIMESTAMP":")(\d+)'


@pytest.mark.parametrize("name", NAMES)
def test_check_accepts_what_was_recorded(name: str) -> None:
    consistency.check(Recorded(name).evidence)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("by", [-4 * DAY, -timedelta(minutes=30), timedelta(minutes=30), 4 * DAY])
def test_check_refuses_another_day(name: str, by: timedelta) -> None:
    evidence = Recorded(name).evidence
    evidence.started += by
    with pytest.raises(Damaged, match=r"it says that it began on .*, and the clocks of its nodes say "):
        consistency.check(evidence)


@pytest.mark.parametrize("name", ["failover", "health", "update", "updateoptions"])
@pytest.mark.parametrize("pattern", [ENGINE, DATE])
def test_check_refuses_clocks_of_which_one_kind_was_changed(name: str, pattern: str) -> None:
    evidence = Recorded(name).evidence
    evidence.started += DAY
    shift_clocks(evidence, DAY, pattern)
    with pytest.raises(Damaged, match="the clocks of its nodes say"):
        consistency.check(evidence)


@pytest.mark.parametrize("name", ["health", "recovery", "scaling"])
def test_check_refuses_tasks_that_came_up_before_they_were_made(name: str) -> None:
    evidence = Recorded(name).evidence
    evidence.started += DAY
    shift_clocks(evidence, DAY, ENGINE, DATE)
    with pytest.raises(Damaged, match=r"it is forged: a task was made on .*, and was not there yet when swarm-manager"):
        consistency.check(evidence)


@pytest.mark.parametrize("name", NAMES)
def test_check_refuses_a_history_that_was_not_yet(name: str) -> None:
    evidence = Recorded(name).evidence
    evidence.started -= DAY
    shift_clocks(evidence, -DAY, ENGINE, DATE)
    with pytest.raises(Damaged, match="told of what was later than it was asked"):
        consistency.check(evidence)


def test_check_refuses_a_journal_that_was_not_yet() -> None:
    evidence = Recorded("quorum").evidence
    shift_clocks(evidence, DAY, JOURNAL)
    with pytest.raises(Damaged, match="told of what was later than it was asked"):
        consistency.check(evidence)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
def test_check_refuses_clocks_of_the_first_and_the_last_year(time: str) -> None:
    evidence = Recorded("update").evidence
    for at, observation in enumerate(evidence.observations):
        out = re.sub(ENGINE, rf"\g<1>{time}", observation.out)
        evidence.observations[at] = dataclasses.replace(observation, out=out)
    with pytest.raises(Damaged, match=f"the clocks of its nodes say {int(time[:4])}-"):
        consistency.check(evidence)


@pytest.mark.parametrize("started", ["9999-12-31T23:59:59-23:59", "2024-01-01T00:00:00+23:59"])
def test_head_computes_with_any_time_zone(started: str) -> None:
    lines = bundle.write(Recorded("update").evidence).splitlines()
    fields = {**json.loads(lines[0]), "started": started}
    if started.startswith("9"):
        with pytest.raises(Damaged, match="it began in the future"):
            consistency.head(fields, datetime.now(UTC))
    else:
        assert consistency.head(fields, datetime.now(UTC)).started.year == 2024


def test_check_accepts_one_node_with_a_wrong_clock() -> None:
    evidence = Recorded("failover").evidence
    for at, observation in enumerate(evidence.observations):
        if observation.node == "swarm-worker1":
            moved = dataclasses.replace(evidence, observations=[observation])
            shift_clocks(moved, -DAY, ENGINE, DATE)
            evidence.observations[at] = moved.observations[0]
    consistency.check(evidence)


@pytest.mark.parametrize("node", ["neighbour", ""])
def test_check_refuses_answers_of_a_node_that_the_lab_does_not_have(node: str) -> None:
    evidence = Recorded("update").evidence
    evidence.observations[3] = dataclasses.replace(evidence.observations[3], node=node)
    with pytest.raises(Damaged, match=f"it has answers of {node!r}, and its lab has no such node"):
        consistency.check(evidence)


def test_check_of_odd_times_ends_in_a_sentence_or_in_nothing() -> None:
    evidence = Recorded("failover").evidence
    odd = (
        "9" * 11
        + ".0\n"
        + '{"SystemTime":"9999-99-99T99:99:99Z","CreatedAt":"0000-00-00T00:00:00Z"}\n'
        + "9" * 11
        + ".0"
    )
    for at, observation in enumerate(evidence.observations):
        evidence.observations[at] = dataclasses.replace(observation, out=odd)
    with pytest.raises(Damaged):
        consistency.check(evidence)


def test_load_checks_it(tmp_path: Path) -> None:
    evidence = Recorded("update").evidence
    evidence.started -= DAY
    file = tmp_path / "evidence.jsonl"
    file.write_text(bundle.write(evidence), encoding="utf-8")
    with pytest.raises(Damaged, match="the clocks of its nodes say"):
        bundle.load(file)


@pytest.mark.parametrize(("minutes", "forged"), [(0.0, False), (20.0, False), (20.1, True)])
def test_new_task_may_be_as_old_as_the_clocks_of_two_nodes_may_differ(minutes: float, forged: bool) -> None:
    evidence = Recorded("update").evidence
    listing = next(observation for observation in evidence.observations if "http://engine/tasks" in observation.script)
    asked_at = evidence.started.astimezone(UTC) + timedelta(seconds=listing.since)
    created = (asked_at - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")
    tasks = [{"ID": name, "ServiceID": "s", "CreatedAt": created} for name in ("a", "b")]
    answers = (json.dumps(tasks[:1]), json.dumps(tasks))
    evidence.observations[:] = [dataclasses.replace(listing, out=f"{answer}\n\n200\n") for answer in answers]
    if not forged:
        consistency._check_new_tasks(evidence)
        return
    with pytest.raises(Damaged, match="it is forged: a task was made on"):
        consistency._check_new_tasks(evidence)


@pytest.mark.parametrize(
    ("started", "why"),
    [
        ("2024-01-01T00:00:00+00:00", ""),
        ("2023-12-31T23:59:59+00:00", "it began before there was labgen"),
        ("2026-11-24T12:10:00+00:00", ""),
        ("2026-11-24T12:10:01+00:00", "it began in the future"),
        ("2026-11-24T12:00:00", "has no time zone"),
        ("noon", "it began at no time"),
    ],
)
def test_started_lies_between_the_first_labgen_and_now(started: str, why: str) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    if not why:
        assert consistency._started(started, now) == datetime.fromisoformat(started)
        return
    with pytest.raises(Damaged, match=why):
        consistency._started(started, now)


@pytest.mark.parametrize(("seconds", "holds"), [(0, True), (24 * 3600, True), (-0.1, False), (24 * 3600 + 0.1, False)])
def test_since_is_within_the_longest_grading(seconds: float, holds: bool) -> None:
    if holds:
        assert consistency.since(seconds, 1) == seconds
        return
    with pytest.raises(Damaged, match="later than any grading takes"):
        consistency.since(seconds, 1)


@pytest.mark.parametrize("seconds", [True, "3", None])
def test_since_is_a_number(seconds: object) -> None:
    with pytest.raises(Damaged, match="is no number"):
        consistency.since(seconds, 1)
