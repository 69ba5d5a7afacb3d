"""Refuse evidence that contradicts itself: its head, its lab, its provider, its own clocks.

Whoever changes a bundle works its hashes out again in a few lines. What else would have to be changed with it is
compared here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from labgen import __version__
from labgen.core.errors import ExerciseError
from labgen.docker import api
from labgen.docker.api import load_json
from labgen.exercise.catalogue import Values, exercise_names, exercises, using
from labgen.model.capabilities import Capability
from labgen.model.lab_folder import State
from labgen.providers import PROVIDERS
from labgen.transport.observation import Observation
from verify.evidence import Damaged, Evidence

LONGEST_RUN = 24 * 3600.0
"""Seconds that a grading may have taken; the longest known took half an hour."""

_FIRST_YEAR = 2024

_LONGEST = 255
"""Characters of the longest parameter: the reference of an image."""

_APART = timedelta(minutes=10)
"""How far apart the clocks of a lab's nodes and of the computer that grades it may be. Recordings differ by 0.1 s; a
virtual machine that was paused is off by as long as that took."""

_TOLD_LATER = timedelta(hours=1)
"""How much later than now a swarm's history may be: a clock that was ahead may have been set right since."""

_MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z"
_SYSTEM_TIME = re.compile(rf'"SystemTime"\s*:\s*"({_MOMENT})"')
_DATED = re.compile(rf'"(?:CreatedAt|UpdatedAt|Timestamp)"\s*:\s*"({_MOMENT})"')
_JOURNAL = re.compile(r'"__REALTIME_TIMESTAMP"\s*:\s*"(\d{15,17})"')


def head(fields: Mapping[str, Any], now: datetime) -> Evidence:
    """Read the head of a bundle: evidence without observations.

    :param now: by the clock of this computer.
    :raises Damaged: something in it cannot be.
    """
    texts = {name: _text(fields, name) for name in ("labgen", "started", "nonce", "lab_file")}
    if texts["labgen"] != __version__:
        raise Damaged(
            f"it was made by labgen {texts['labgen']!r}, and this is labgen {__version__}: grade it with that version"
        )
    if not texts["nonce"].isprintable():
        raise Damaged("it is forged: its nonce has characters that cannot be printed")
    names = fields.get("named")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Damaged("it is forged: the exercises that it names are no list of texts")
    if strange := [name for name in names if name not in (*exercise_names(), "all")]:
        raise Damaged(f"it names an exercise that is not installed here: {strange[0]!r}")
    return Evidence(
        lab_file=texts["lab_file"],
        state=_state(fields.get("state")),
        nonce=texts["nonce"],
        started=_started(texts["started"], now),
        labgen=texts["labgen"],
        exercises=tuple(names),
        parameters=_parameters(fields.get("parameters", {})),
    )


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise Damaged(f"it is forged: {name} in its head is no text")
    return value


def _parameters(fields: Any) -> Values:
    if not isinstance(fields, dict) or not all(isinstance(values, dict) and values for values in fields.values()):
        raise Damaged("it is forged: the parameters in its head are no list of values by exercise")
    for name, values in fields.items():
        if name not in exercises():
            raise Damaged(f"it has parameters of an exercise that is not installed here: {name[:40]!r}")
        if strange := values.keys() - asdict(exercises()[name].parameters).keys():
            raise Damaged(f"it is forged: the exercise {name} has no parameter {min(strange)[:40]!r}")
        if any(not isinstance(value, str | int | float) or len(str(value)) > _LONGEST for value in values.values()):
            raise Damaged(f"it is forged: a parameter of the exercise {name} is no text or number, or too long")
    try:
        with using(fields):
            return fields
    except ExerciseError as error:
        raise Damaged(f"it is forged: {error.message.rstrip('.')}") from None


def _started(text: str, now: datetime) -> datetime:
    try:
        started = datetime.fromisoformat(text)
    except ValueError:
        raise Damaged(f"it is forged: it began at no time: {text[:40]!r}") from None
    if started.tzinfo is None:
        raise Damaged(f"it is forged: when it began has no time zone: {text[:40]!r}")
    if started.year < _FIRST_YEAR:
        raise Damaged(f"it is forged: it began before there was labgen: {text[:40]!r}")
    if started > now + _APART:
        raise Damaged(f"it began in the future, on {started:%Y-%m-%d at %H:%M}: is this computer's clock right?")
    return started


def _state(fields: Any) -> State:
    if not isinstance(fields, dict) or set(fields) != {"provider", "accelerated", "namespace", "lacks"}:
        raise Damaged("it is forged: its head does not say where the lab ran")
    provider, namespace, lacks = fields["provider"], fields["namespace"], fields["lacks"]
    if not isinstance(provider, str):
        raise Damaged("it is forged: the provider in its head is no name")
    if provider not in PROVIDERS:
        raise Damaged(
            f"it was made on the provider {provider[:40]!r}, which this labgen does not know; it knows "
            f"{', '.join(PROVIDERS)}. Install the package that adds the provider, or grade a lab on one of these"
        )
    if not isinstance(fields["accelerated"], bool):
        raise Damaged("it is forged: whether its machines were emulated is neither true nor false")
    if not isinstance(namespace, str | None):
        raise Damaged("it is forged: the network namespace in its head is no text")
    if not isinstance(lacks, dict) or not all(isinstance(why, str) for why in lacks.values()):
        raise Damaged("it is forged: what its nodes lacked is no list of reasons")
    possible: set[str] = {*PROVIDERS[provider].lacks}
    if PROVIDERS[provider].shares_kernel:
        possible.add(Capability.ROUTING_MESH)
    if strange := [name for name in lacks if name not in possible]:
        raise Damaged(f"it is forged: nodes of {provider} do not lack this: {strange[0][:40]!r}")
    return State(provider, fields["accelerated"], namespace, {Capability(name): why for name, why in lacks.items()})


def since(seconds: Any, number: int) -> float:
    """Read when an observation was made, in seconds from the beginning.

    :raises Damaged: no grading takes that long, or it is no number.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise Damaged(f"it is forged: when observation {number} was made is no number")
    if not 0 <= seconds <= LONGEST_RUN:
        raise Damaged(f"it is forged: observation {number} was made later than any grading takes")
    return float(seconds)


def check(evidence: Evidence) -> None:
    """See that what was observed fits the lab and the time that the head tells.

    :raises LabFileError: its lab.yml cannot be.
    :raises Damaged: it does not fit.
    """
    nodes = {node.name for node in evidence.lab.nodes}
    strange = next((answer.node for answer in evidence.observations if answer.node not in nodes), None)
    if strange is not None:
        raise Damaged(f"it is forged: it has answers of {strange[:40]!r}, and its lab has no such node")
    _check_clocks(evidence)
    _check_history(evidence)
    _check_new_tasks(evidence)


def _check_clocks(evidence: Evidence) -> None:
    """One node may have a wrong clock. Where most agree with one another, and not with the head, it is the head."""
    off: dict[str, dict[str, list[float]]] = {"date": {}, "engine": {}}
    for answer in evidence.observations:
        for kind, clock in _clocks(answer):
            off[kind].setdefault(answer.node, []).append((clock - _moment(evidence, answer)).total_seconds())
    for nodes in filter(None, off.values()):
        middle = timedelta(seconds=median(map(median, nodes.values())))
        if abs(middle) > _APART:
            raise Damaged(
                f"it says that it began on {evidence.started.astimezone(UTC):%Y-%m-%d at %H:%M} (UTC), and the clocks "
                f"of its nodes say {_moved(evidence.started, middle):%Y-%m-%d at %H:%M}"
            )


def _moved(moment: datetime, by: timedelta) -> datetime:
    """Give a moment some time later or earlier, in UTC; the first or last that there is where it would be beyond."""
    try:
        return moment.astimezone(UTC) + by
    except OverflowError:
        return (datetime.max if by > timedelta() else datetime.min).replace(tzinfo=UTC)


def _clocks(answer: Observation) -> Iterator[tuple[str, datetime]]:
    """Give what a node's own clock, and its engine's, showed while it answered."""
    if "date +%s.%N" in answer.script:
        for line in (answer.out.split("\n", 1)[0], answer.out.rstrip("\n").rpartition("\n")[2]):
            if re.fullmatch(r"\d{1,11}\.\d{1,9}", line):
                yield "date", datetime.fromtimestamp(float(line), UTC)
    if "http://engine/info" in answer.script and (time := _SYSTEM_TIME.search(answer.out)):
        with suppress(ValueError):
            yield "engine", datetime.fromisoformat(time[1])


def _check_history(evidence: Evidence) -> None:
    """Check that what engines and journals tell of the past lies before they were asked."""
    for answer in evidence.observations:
        latest = _moment(evidence, answer).astimezone(UTC) + _TOLD_LATER
        # As text: all of them are in UTC, and there may be many.
        dates = _DATED.findall(answer.out) if "http://engine/" in answer.script else []
        microseconds = max(map(int, _JOURNAL.findall(answer.out)), default=0)
        if max(dates, default="")[:19] > latest.isoformat()[:19] or microseconds / 1e6 > latest.timestamp():
            raise Damaged(f"it is forged: {answer.node} told of what was later than it was asked")


def _check_new_tasks(evidence: Evidence) -> None:
    """Check that a task which comes up between two answers to one question was made between them."""
    by_question: dict[tuple[str, str], list[Observation]] = {}
    for answer in evidence.observations:
        if "http://engine/tasks" in answer.script:
            by_question.setdefault((answer.node, answer.script), []).append(answer)
    for answers in by_question.values():
        for before, after in pairwise(answers):
            if before.out == after.out or before.error[0] or after.error[0]:
                continue
            earlier = _created(before.out)
            earliest = _moment(evidence, before) - 2 * _APART
            for task, created in _created(after.out).items():
                if earlier and task not in earlier and created < earliest:
                    raise Damaged(
                        f"it is forged: a task was made on {created:%Y-%m-%d at %H:%M}, and was not there yet when "
                        f"{after.node} was asked on {_moment(evidence, before).astimezone(UTC):%Y-%m-%d at %H:%M} (UTC)"
                    )


def _created(out: str) -> dict[str, datetime]:
    """Give when each task in an answer was made, by its id."""
    created: dict[str, datetime] = {}
    for line in out.split("\n"):
        if line[:1] != "[":
            continue
        with suppress(ValueError):
            for task in load_json(line):
                if isinstance(task, dict) and "ServiceID" in task and (moment := api.moment(task, "CreatedAt")):
                    created[api.text_of(task, "ID")] = moment
    return {task: moment for task, moment in created.items() if moment.tzinfo}


def _moment(evidence: Evidence, answer: Observation) -> datetime:
    return evidence.started + timedelta(seconds=answer.since)
