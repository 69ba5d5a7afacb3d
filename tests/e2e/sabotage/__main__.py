"""Bring every fault about on nodes, grade each, and print what turned what."""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from labgen.core.errors import LabgenError
from labgen.exercise.catalogue import exercises, find, prerequisite
from labgen.exercise.faults import Fault, faults_of
from tests.e2e.sabotage import causes, task_causes
from tests.e2e.sabotage.stage import BIN, Stage
from tests.e2e.sabotage.verdicts import Verdicts, unexpected

ALL: tuple[Fault, ...] = (
    *(fault for exercise in exercises().values() for fault in faults_of(exercise)),
    *causes.FAULTS,
    *task_causes.FAULTS,
)
FAULTS = tuple(fault for fault in ALL if fault.on_nodes)

SIZES = ("", "managers: 3\nworkers: 1\n")
"""What lab.yml says of the labs that are brought up: the course's, and where that has too few managers another."""

LETTERS = {"fail": "F", "blocked": "b", "inconclusive": "?", "not applicable": "n", "pass": "P", "": "-"}


@dataclass(frozen=True)
class Outcome:
    """What came of a fault.

    :param turned: checks whose verdict is another than on the right lab, with the one they have now.
    :param wrong: what is not as it must be, in words; empty where all is.
    :param seconds: that all of it took.
    :param left_out: why it was not brought about; empty where it was.
    :param graded: seconds that the grading took; ``right`` that of the lab without the fault.
    """

    fault: Fault
    turned: Verdicts
    wrong: tuple[str, ...]
    seconds: float
    left_out: str = ""
    graded: float = 0.0
    right: float = 0.0


def main(argv: Sequence[str] | None = None) -> int:
    """Gives 0 where every fault turned what it must and every check was turned, else 1."""
    arguments = _parser().parse_args(argv)
    if arguments.count:
        print(counted(ALL))
        return 0
    chosen = [
        fault
        for fault in FAULTS
        if fault.exercise in (arguments.exercise or [fault.exercise])
        and any(text in fault.title for text in arguments.only or [""])
        and (fault.needs or not arguments.machines)
        and (fault.cause or not arguments.causes)
    ]
    outcomes: list[Outcome] = []
    right: dict[str, Verdicts] = {}
    if arguments.lab is not None:
        with closing(Stage(arguments.lab)) as stage:
            _bring_about(stage, chosen, arguments.shuffle, outcomes, right)
    else:
        for size, faults in zip(SIZES, _by_size(chosen), strict=True):
            if faults:
                with own_lab(arguments.provider, size) as stage:
                    _bring_about(stage, faults, arguments.shuffle, outcomes, right)
    everything = not (arguments.exercise or arguments.only or arguments.machines or arguments.causes)
    return _summarize(outcomes, right, everything=everything)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.sabotage", description=__doc__)
    parser.add_argument("--provider", default="docker")
    parser.add_argument("--lab", type=Path, help="a lab that is up, and stays up (default: one of its own)")
    parser.add_argument("--exercise", action="append", help="only the faults in this exercise")
    parser.add_argument("--only", action="append", help="only faults with this in their title")
    parser.add_argument(
        "--machines", action="store_true", help="only faults that take what containers may lack (the routing mesh)"
    )
    parser.add_argument("--causes", action="store_true", help="only faults that show a cause of the table")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="in another order within each exercise")
    parser.add_argument(
        "--count", action="store_true", help="only count the faults, and say why some have one way only"
    )
    return parser


def counted(faults: Iterable[Fault]) -> str:
    """Say how many faults can be brought about in both ways, and how many in one only, by the reason."""
    pairs = on_nodes = on_recording = 0
    reasons: Counter[tuple[str, str]] = Counter()
    for fault in faults:
        if fault.on_nodes and fault.on_recording:
            pairs += 1
        elif fault.on_nodes:
            on_nodes += 1
            reasons["on nodes", fault.only] += 1
        else:
            on_recording += 1
            reasons["recorded", fault.only] += 1
    total = pairs + on_nodes + on_recording
    lines = [f"{total} faults: {pairs} on nodes and in a recording, {on_nodes} on nodes only, {on_recording} recorded"]
    lines += [f"{number:>4}  {where} only: {why}" for (where, why), number in reasons.most_common()]
    return "\n".join(lines)


def _by_size(faults: Iterable[Fault]) -> tuple[list[Fault], list[Fault]]:
    """Divide faults among labs of :data:`SIZES`."""
    one_manager: list[Fault] = []
    more_managers: list[Fault] = []
    for fault in faults:
        (more_managers if find(fault.exercise).managers > 1 else one_manager).append(fault)
    return one_manager, more_managers


@contextmanager
def own_lab(provider: str, size: str) -> Iterator[Stage]:
    """Bring a lab up, and take it down at the end whatever happened.

    :param size: what its lab.yml says.
    """
    with TemporaryDirectory(prefix="labgen-sabotage-") as scratch:
        stage = Stage(Path(scratch))
        try:
            stage.must(str(BIN / "labgen"), "init", scratch)
            if size:
                (Path(scratch) / "lab.yml").write_text(size, encoding="utf-8")
            stage.must("labgen", "up", "--provider", provider, within=3600)
            yield stage
        finally:
            stage.close()
            stage.run("labgen", "down")


def _bring_about(
    stage: Stage, chosen: Sequence[Fault], seed: int | None, outcomes: list[Outcome], right: dict[str, Verdicts]
) -> None:
    """Bring faults about in one lab; add what comes of each to ``outcomes``, the right lab's verdicts to ``right``."""
    for exercise in dict.fromkeys(fault.exercise for fault in chosen):
        faults = [fault for fault in chosen if fault.exercise == exercise]
        if too_small := str(find(exercise).lacking(stage.lab)):
            for fault in faults:
                _add(outcomes, Outcome(fault, {}, (), 0.0, left_out=too_small))
            continue
        _carry_out(stage, exercise)
        right[exercise] = stage.grade(exercise)
        took = stage.seconds
        red = {
            check: verdict for check, verdict in right[exercise].items() if verdict not in ("pass", "not applicable")
        }
        if red:
            raise LabgenError(f"{exercise} is not right before anything was done to it: {red}")
        if seed is not None:
            random.Random(seed).shuffle(faults)
        for fault in faults:
            _add(outcomes, _grade_with(stage, fault, right[exercise], took))


def _carry_out(stage: Stage, exercise: str) -> None:
    """Carry an exercise out in a lab where nothing is left of any."""
    stage.labgen("reset")
    if exercise != prerequisite():
        stage.labgen("run", exercise)


def _add(outcomes: list[Outcome], outcome: Outcome) -> None:
    outcomes.append(outcome)
    print(_line(outcome), flush=True)


def _grade_with(stage: Stage, fault: Fault, right: Verdicts, took: float = math.inf) -> Outcome:
    """Bring one fault about and grade.

    :param took: seconds that the grading of the right lab took.
    """
    start = time.monotonic()
    lacking = [why for need, why in stage.inventory.lacks.items() if need in fault.needs]
    if lacking:
        return Outcome(fault, {}, (), 0.0, left_out=lacking[0])
    try:
        assert fault.on_nodes is not None
        fault.on_nodes(stage)
        verdicts = stage.grade(fault.exercise)
        causes, seconds = stage.causes, stage.seconds
        fault.mend(stage)
    except LabgenError as error:
        # The next one must not suffer for it.
        with suppress(LabgenError):
            fault.mend(stage)
        _carry_out(stage, fault.exercise)
        return Outcome(fault, {}, (f"it could not be brought about: {error.message}",), time.monotonic() - start)
    turned = {check: verdicts.get(check, "") for check in right if verdicts.get(check) != right[check]}
    wrong = [f"{check}: {why}" for check, why in unexpected(right, verdicts, fault.turns(right)).items()]
    if fault.cause:
        if fault.cause not in causes:
            wrong.append(f"the cause told is {', '.join(sorted(causes)) or 'none'}, must be {fault.cause}")
        if seconds > 1.5 * took + 5:
            wrong.append(f"grading took {seconds:.1f} s, that of the right lab {took:.1f} s")
    return Outcome(fault, turned, tuple(wrong), time.monotonic() - start, graded=seconds, right=took)


def _line(outcome: Outcome) -> str:
    word = "left out" if outcome.left_out else "WRONG" if outcome.wrong else "right"
    timed = (
        f" (graded in {outcome.graded:.1f} s; right: {outcome.right:.1f} s)"
        if outcome.fault.cause and outcome.graded
        else ""
    )
    lines = [f"{word:9} {outcome.seconds:4.0f} s  {outcome.fault.exercise}: {outcome.fault.title}{timed}"]
    lines += [f"                  {why}" for why in ((outcome.left_out,) if outcome.left_out else outcome.wrong)]
    return "\n".join(lines)


def _summarize(outcomes: Sequence[Outcome], right: Mapping[str, Verdicts], *, everything: bool) -> int:
    for exercise in right:
        of_it = [outcome for outcome in outcomes if outcome.fault.exercise == exercise and not outcome.left_out]
        print("\n" + matrix(of_it, right[exercise]))
    unturned = sorted(_never_failed(right, outcomes)) if everything else []
    wrong = [outcome for outcome in outcomes if outcome.wrong]
    graded = [outcome for outcome in outcomes if not outcome.left_out]
    print(
        f"\n{len(graded) - len(wrong)} of {len(graded)} faults turned exactly what they must; "
        f"{len(outcomes) - len(graded)} left out."
    )
    for check in unturned:
        print(f"no fault turns {check}")
    return 1 if wrong or unturned else 0


def _never_failed(right: Mapping[str, Verdicts], outcomes: Iterable[Outcome]) -> set[str]:
    """Find checks that can be judged here and that no fault makes fail."""
    judged = {_plain(check) for verdicts in right.values() for check, verdict in verdicts.items() if verdict == "pass"}
    failed = {_plain(check) for outcome in outcomes for check, verdict in outcome.turned.items() if verdict == "fail"}
    return judged - failed


def matrix(outcomes: Sequence[Outcome], right: Verdicts) -> str:
    """Draw a row for each fault, a column for each check that one of them turned: F failed, b blocked, ? not judged."""
    columns = [check for check in right if any(check in outcome.turned for outcome in outcomes)]
    width = max((len(outcome.fault.title) for outcome in outcomes), default=0)
    lines = [f"{number:>3}  {check}" for number, check in enumerate(columns, 1)]
    lines.append(f"\n{'':{width}}  " + "".join(f"{number:>3}" for number in range(1, len(columns) + 1)))
    for outcome in outcomes:
        cells = "".join(f"{LETTERS[outcome.turned[check]] if check in outcome.turned else '.':>3}" for check in columns)
        lines.append(f"{outcome.fault.title:{width}}  {cells}")
    return "\n".join(lines)


def _plain(check: str) -> str:
    return check.partition("[")[0]


if __name__ == "__main__":
    sys.exit(main())
