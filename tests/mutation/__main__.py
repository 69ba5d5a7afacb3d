"""Try a sample of mutants of the code that grades, and tell which of them no test has noticed.

``python -m tests.mutation --sample 120 --seed 1``: the same sample for the same code. A mutant is tried with the tests
that come to it, the most particular first, until one fails.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory

from tests.mutation.baseline import Baseline, joined, measure, read, uses, write
from tests.mutation.equivalent import EQUIVALENT, reason
from tests.mutation.mutants import Mutant, of_files
from tests.mutation.results import Results
from tests.mutation.trial import Fate, Tried, attempt, copy_of

ROOT = Path(__file__).resolve().parents[2]
MUTATED = (
    "verify/*.py",
    "labgen/exercises/*/checks.py",
    "labgen/docker/*.py",
    "labgen/observation/*.py",
    "labgen/report/*.py",
)
CHECKS = "labgen/exercises/*/checks.py"
_LONG = "tests/unit/verify/test_verify_course.py"
TESTS = (
    (_LONG, "tests/integration/transport/test_ssh_transport.py"),
    ("tests/unit", f"--ignore={_LONG}"),
)
"""Measured side by side: the first take as long as all others."""

LEFT_OUT = tuple(
    f"tests/unit/{name}"
    for name in ("images", "host", "config", "core/test_windows.py", "core/test_process.py", "machines", "providers")
)
"""Tests of what is not mutated, which need not be run to know it."""

OF_HEADS = "tests/unit/verify/test_verify_details.py::test_checks_that_need_the_whole_lab_are_all_but_these"
"""A test of what stands at the head of each check; it comes to no line of it."""

FEWER_THAN = 0.1
"""The share of mutants that may stay alive."""


def main(argv: Sequence[str] | None = None) -> int:
    """Gives 0 where fewer than a tenth of the mutants are alive, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--sample", type=int, default=120, help="how many mutants (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="which sample (default: %(default)s)")
    parser.add_argument("--only", action="append", default=[], help="only files with this in their path")
    parser.add_argument("--tests", action="append", default=[], help="only these tests (default: all unit tests)")
    parser.add_argument("--jobs", type=int, default=max(1, min(4, os.cpu_count() or 1)), help="mutants at a time")
    parser.add_argument(
        "--share",
        type=float,
        default=0.15,
        help="tests for a mutant, by their share of the time of all; not seconds, which depend on what else runs "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--baseline", type=Path, metavar="FILE", help="take the tests' lines and times from here, or keep them here"
    )
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="skip mutants that are killed according to it, and add to it"
    )
    parser.add_argument("--list", action="store_true", help="print the sample, and try nothing")
    arguments = parser.parse_args(argv)
    paths = [path for path in _files() if not arguments.only or any(part in path for part in arguments.only)]
    every = [mutant for mutant in of_files(ROOT, paths) if not reason(mutant, (ROOT / mutant.path).read_bytes())]
    sample = random.Random(arguments.seed).sample(every, min(arguments.sample, len(every)))
    if arguments.list:
        for mutant in sample:
            print(mutant.diff((ROOT / mutant.path).read_bytes()))
        return 0
    start, commit = time.monotonic(), _commit()
    with TemporaryDirectory(prefix="labgen-mutation-") as temporary:
        folder = Path(temporary)
        trees = [copy_of(ROOT, folder / f"tree{number}") for number in range(arguments.jobs)]
        print(f"{len(every)} mutants in {len(paths)} files; the tests, once without any:", flush=True)
        if arguments.baseline and arguments.baseline.exists():
            baseline = read(arguments.baseline, ROOT)
        else:
            baseline = _measured(trees, folder, [arguments.tests] if arguments.tests else TESTS)
            if arguments.baseline:
                write(baseline, arguments.baseline, trees[0])
        print(f"{len(baseline.seconds)} tests in {sum(baseline.seconds.values()):.0f} s", flush=True)
        if baseline.failed:
            print(f"not asked, because they are left out or fail without a mutant: {len(baseline.failed)}", flush=True)
        results = Results(arguments.results, trees[0])
        at_most = arguments.share * sum(baseline.seconds.values())
        tried = _try(sample, trees, baseline, at_most, results)
    print(f"\nleft out because they change nothing ({len(EQUIVALENT)}):")
    for (before, after), why in EQUIVALENT.items():
        print(f"-{before}\n+{after}\n  {why}")
    return tell(tried, arguments.seed, commit, time.monotonic() - start)


def _measured(trees: Sequence[Path], folder: Path, groups: Sequence[Sequence[str]]) -> Baseline:
    """Run groups of tests side by side, each in a copy of the project."""
    ignored = [f"--ignore={path}" for path in LEFT_OUT]

    def of_group(number: int) -> Baseline:
        place = folder / f"group{number}"
        place.mkdir()
        return measure(trees[number % len(trees)], place, _files(), [*groups[number], *ignored])

    with ThreadPoolExecutor(len(trees)) as pool:
        return joined([*pool.map(of_group, range(len(groups)))])


def _files() -> list[str]:
    return sorted(str(file.relative_to(ROOT)) for pattern in MUTATED for file in ROOT.glob(pattern))


def _commit() -> str:
    command = ["git", "log", "-1", "--format=%h"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return ended.stdout.strip() or "unknown"


def _try(
    sample: Iterable[Mutant], trees: Sequence[Path], baseline: Baseline, at_most: float, results: Results
) -> list[Tried]:
    free: SimpleQueue[Path] = SimpleQueue()
    for tree in trees:
        free.put(tree)
    used = uses(ROOT, _files())

    def attempted(mutant: Mutant) -> Tried:
        if earlier := results.killed(mutant):
            return earlier
        tests = baseline.tests(mutant, at_most, used)
        if mutant.head and mutant.path.endswith("/checks.py"):
            tests.insert(0, OF_HEADS)
        tree = free.get()
        try:
            tried = attempt(tree, mutant, tests, sum(baseline.seconds.get(test, 1.0) for test in tests))
        finally:
            free.put(tree)
        results.add(tried)
        print(f"{tried.fate:9} {mutant.path}:{mutant.line} {tried.by}", flush=True)
        return tried

    with ThreadPoolExecutor(len(trees)) as pool:
        return list(pool.map(attempted, sample))


def tell(trials: Sequence[Tried], seed: int, commit: str, seconds: float) -> int:
    """Print the figures, and the mutants that live."""
    fates: dict[str, Counter[Fate]] = {}
    for tried in trials:
        fates.setdefault(tried.mutant.path, Counter())[tried.fate] += 1
    print(f"\n{'file':40} {' '.join(Fate)}")
    for path, counted in sorted(fates.items()):
        print(f"{path:40} {' '.join(f'{counted[fate]:{len(fate)}}' for fate in Fate)}")
    living = [tried for tried in trials if tried.fate is not Fate.KILLED]
    for tried in living:
        print(f"\n{tried.fate} after {tried.tests} tests")
        print(tried.diff)
    share = len(living) / len(trials) if trials else 0.0
    print(
        f"\n{len(trials) - len(living)} of {len(trials)} mutants killed, {len(living)} alive ({100 * share:.1f} %); "
        f"seed {seed}, commit {commit}, {seconds / 60:.0f} min"
    )
    return 0 if share < FEWER_THAN else 1


if __name__ == "__main__":
    sys.exit(main())
