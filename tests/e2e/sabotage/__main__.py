"""Commit every fault, grade each, and print what turned what."""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from labgen.core.errors import LabgenError
from labgen.exercise.catalogue import exercise_names, find
from tests.e2e.sabotage.fault import Fault
from tests.e2e.sabotage.stage import BIN, Stage, Verdicts

_OF_CAUSES = ("tests.e2e.sabotage.of_causes", "tests.e2e.sabotage.of_tasks")

FAULTS: tuple[Fault, ...] = tuple(
    fault
    for module in (*(f"labgen.exercises.{name}.faults" for name in exercise_names()), *_OF_CAUSES)
    for fault in import_module(module).FAULTS
)
KINDS = ("", "managers: 3\nworkers: 1\n")
"""What lab.yml says of the labs that are brought up: the course's, and where that has too few managers another."""

LETTERS = {"fail": "F", "blocked": "b", "inconclusive": "?", "not applicable": "n", "pass": "P", "": "-"}


@dataclass(frozen=True)
class Came:
    """What came of a fault.

    :param turned: checks whose verdict is another than on the lab that is right, with the one they have now.
    :param wrong: what is not as it must be, in words; empty where all is.
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
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.sabotage", description=__doc__)
    parser.add_argument("--provider", default="docker")
    parser.add_argument("--lab", type=Path, help="a lab that is up, and stays up (default: one of its own)")
    parser.add_argument("--exercise", action="append", help="only the faults in this exercise")
    parser.add_argument("--only", help="only faults with this in their name")
    parser.add_argument(
        "--machines", action="store_true", help="only faults that take what containers may lack (the routing mesh)"
    )
    parser.add_argument("--causes", action="store_true", help="only faults that show a cause of the table")
    parser.add_argument("--shuffle", type=int, metavar="SEED", help="in another order within each exercise")
    arguments = parser.parse_args(argv)
    chosen = [
        fault
        for fault in FAULTS
        if fault.exercise in (arguments.exercise or [fault.exercise])
        and (arguments.only or "") in fault.name
        and (fault.needs or not arguments.machines)
        and (fault.cause or not arguments.causes)
    ]
    came: list[Came] = []
    right: dict[str, Verdicts] = {}
    if arguments.lab is not None:
        with closing(Stage(arguments.lab)) as stage:
            _everything(stage, chosen, arguments.shuffle, came, right)
    else:
        for kind, faults in zip(KINDS, _by_kind(chosen), strict=True):
            if faults:
                with own_lab(arguments.provider, kind) as stage:
                    _everything(stage, faults, arguments.shuffle, came, right)
    return _told(
        came, right, whole=not (arguments.exercise or arguments.only or arguments.machines or arguments.causes)
    )


def _by_kind(faults: Iterable[Fault]) -> tuple[list[Fault], list[Fault]]:
    """The faults for each of :data:`KINDS`."""
    one: list[Fault] = []
    more: list[Fault] = []
    for fault in faults:
        (more if find(fault.exercise).managers > 1 else one).append(fault)
    return one, more


@contextmanager
def own_lab(provider: str, kind: str) -> Iterator[Stage]:
    """A lab that is brought up, and taken down at the end whatever happened.

    :param kind: what its lab.yml says.
    """
    with TemporaryDirectory(prefix="labgen-sabotage-") as scratch:
        stage = Stage(Path(scratch))
        try:
            stage.must(str(BIN / "labgen"), "init", scratch)
            if kind:
                (Path(scratch) / "lab.yml").write_text(kind, encoding="utf-8")
            stage.must("labgen", "up", "--provider", provider, within=3600)
            yield stage
        finally:
            stage.close()
            stage.run("labgen", "down")


def _everything(
    stage: Stage, chosen: Sequence[Fault], seed: int | None, came: list[Came], right: dict[str, Verdicts]
) -> None:
    """Commit faults in one lab; what comes of them is added to ``came``, how the lab was before to ``right``."""
    for exercise in dict.fromkeys(fault.exercise for fault in chosen):
        of_it = [fault for fault in chosen if fault.exercise == exercise]
        if too_small := find(exercise).lacking(stage.lab):
            for fault in of_it:
                _add(came, Came(fault, {}, (), 0.0, left_out=too_small))
            continue
        stage.must("labgen", "reset")
        if exercise != "cluster":
            stage.must("labgen", "run", exercise)
        right[exercise] = stage.grade(exercise)
        took = stage.seconds
        red = {
            check: verdict for check, verdict in right[exercise].items() if verdict not in ("pass", "not applicable")
        }
        if red:
            raise LabgenError(f"{exercise} is not right before anything was done to it: {red}")
        if seed is not None:
            random.Random(seed).shuffle(of_it)
        for fault in of_it:
            _add(came, _one(stage, fault, right[exercise], took))


def _add(came: list[Came], one: Came) -> None:
    came.append(one)
    print(_line(one), flush=True)


def _one(stage: Stage, fault: Fault, right: Verdicts, took: float = math.inf) -> Came:
    """Commit one fault and grade.

    :param took: seconds that the grading of the right lab took.
    """
    start = time.monotonic()
    lacking = [why for need, why in stage.there.lacks.items() if need in fault.needs]
    if lacking:
        return Came(fault, {}, (), 0.0, left_out=lacking[0])
    try:
        fault.commit(stage)
        now = stage.grade(fault.exercise)
        causes, seconds = stage.causes, stage.seconds
        fault.mend(stage)
    except LabgenError as error:
        # The next one must not suffer for it.
        with suppress(LabgenError):
            fault.mend(stage)
        stage.must("labgen", "reset")
        return Came(fault, {}, (f"it could not be committed: {error.message}",), time.monotonic() - start)
    turned = {check: now.get(check, "") for check in right if now.get(check) != right[check]}
    wrong = [
        f"{check}: {turned.get(check, right.get(check, 'not there'))}, must be {verdict}"
        for check, verdict in fault.turns.items()
        # What cannot be judged here cannot be turned either.
        if turned.get(check) != verdict and right.get(check) != "not applicable"
    ]
    wrong += [
        f"{check}: {verdict}, must not be turned" for check, verdict in turned.items() if check not in fault.turns
    ]
    if fault.cause:
        if fault.cause not in causes:
            wrong.append(f"the cause told is {', '.join(sorted(causes)) or 'none'}, must be {fault.cause}")
        if seconds > 1.5 * took + 5:
            wrong.append(f"grading took {seconds:.1f} s, that of the right lab {took:.1f} s")
    return Came(fault, turned, tuple(wrong), time.monotonic() - start, graded=seconds, right=took)


def _line(came: Came) -> str:
    word = "left out" if came.left_out else "WRONG" if came.wrong else "right"
    timed = f" (graded in {came.graded:.1f} s; right: {came.right:.1f} s)" if came.fault.cause and came.graded else ""
    lines = [f"{word:9} {came.seconds:4.0f} s  {came.fault.exercise}: {came.fault.name}{timed}"]
    lines += [f"                  {why}" for why in ((came.left_out,) if came.left_out else came.wrong)]
    return "\n".join(lines)


def _told(came: Sequence[Came], right: dict[str, Verdicts], *, whole: bool) -> int:
    for exercise in right:
        print(
            "\n" + matrix([one for one in came if one.fault.exercise == exercise and not one.left_out], right[exercise])
        )
    unturned = sorted(_names(right, came)) if whole else []
    wrong = [one for one in came if one.wrong]
    done = [one for one in came if not one.left_out]
    well, out = len(done) - len(wrong), len(came) - len(done)
    print(f"\n{well} of {len(done)} faults turned exactly what they must; {out} left out.")
    for check in unturned:
        print(f"no fault turns {check}")
    return 1 if wrong or unturned else 0


def _names(right: dict[str, Verdicts], came: Iterable[Came]) -> set[str]:
    """Checks that can be judged here and that no fault makes fail."""
    judged = {_plain(check) for verdicts in right.values() for check, verdict in verdicts.items() if verdict == "pass"}
    return judged - {_plain(check) for one in came for check, verdict in one.turned.items() if verdict == "fail"}


def matrix(came: Sequence[Came], right: Verdicts) -> str:
    """A row for each fault, a column for each check that one of them turned: F failed, b blocked, ? not judged."""
    columns = [check for check in right if any(check in one.turned for one in came)]
    width = max((len(one.fault.name) for one in came), default=0)
    lines = [f"{number:>3}  {check}" for number, check in enumerate(columns, 1)]
    lines.append(f"\n{'':{width}}  " + "".join(f"{number:>3}" for number in range(1, len(columns) + 1)))
    for one in came:
        cells = "".join(f"{LETTERS[one.turned[check]] if check in one.turned else '.':>3}" for check in columns)
        lines.append(f"{one.fault.name:{width}}  {cells}")
    return "\n".join(lines)


def _plain(check: str) -> str:
    return check.partition("[")[0]


if __name__ == "__main__":
    sys.exit(main())
