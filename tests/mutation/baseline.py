"""The baseline: which tests come to which line of the code that is mutated, and how long each takes."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutation.mutants import Mutant

TIMES = "LABGEN_MUTATION_BASELINE"
"""Environment variable with the path of the file that the tests' durations are written to."""

_LONGEST = 3600
"""Seconds that the tests may take, noted line by line."""


@dataclass(frozen=True)
class Baseline:
    """Durations and lines of the tests without a mutant.

    :param seconds: that each test takes, by its id.
    :param lines: by file, then by line: the ids of the tests that come there.
    :param failed: tests that do not pass without a mutant; they are not asked.
    :param changed: files that are not what they were when the tests were run: for them every test is asked that
        came to any line.
    """

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, Collection[str]]]
    failed: Collection[str]
    changed: Collection[str] = ()

    def tests(self, mutant: Mutant, at_most: float, used: Mapping[str, Collection[tuple[str, int]]]) -> list[str]:
        """Choose the tests that come to a mutant: the most particular first.

        :param at_most: seconds that they may take together.
        :param used: by module-level name: the lines in functions where it is used, by file.
        """
        tests = set(self._at(mutant.path, range(mutant.first, mutant.last + 1)))
        if mutant.names:
            # What is bound when the module is imported matters where it is used.
            places = {place for name in mutant.names for place in used.get(name, ())}
            tests = {test for path, line in places for test in self._at(path, [line])}
        breadth = self._breadth
        ordered = sorted(tests - {"", *self.failed}, key=lambda test: (breadth[test] * self.seconds[test], test))
        chosen, together = [], 0.0
        for test in ordered:
            together += self.seconds.get(test, 0.0)
            if chosen and together > at_most:
                break
            chosen.append(test)
        return chosen

    def _at(self, path: str, lines: Collection[int]) -> set[str]:
        of_file = self.lines.get(path, {})
        searched = of_file if path in self.changed else lines
        return {test for line in searched for test in of_file.get(line, ())}

    @property
    def _breadth(self) -> dict[str, int]:
        """How many lines each test comes to: those that come to few are about these."""
        if not hasattr(self, "_counted"):
            counted: dict[str, int] = {}
            for of_file in self.lines.values():
                for tests in of_file.values():
                    for test in tests:
                        counted[test] = counted.get(test, 0) + 1
            object.__setattr__(self, "_counted", counted)
        breadth: dict[str, int] = self._counted  # type: ignore[attr-defined]
        return breadth


def measure(tree: Path, folder: Path, paths: Collection[str], tests: Collection[str]) -> Baseline:
    """Run the tests once in a copy of the project, each line noted.

    :param folder: where coverage's data and the times are kept.
    """
    import coverage  # here, where it is used: whoever tests this module need not have it

    data, times = folder / "coverage", folder / "baseline.json"
    settings = folder / "coveragerc"
    include = "\n    ".join(str(tree / path) for path in paths)
    settings.write_text(f"[run]\ndata_file = {data}\ninclude =\n    {include}\n", encoding="utf-8")
    command = [sys.executable, "-m", "coverage", "run", f"--rcfile={settings}", "-m", "pytest", "-q"]
    command += ["-p", "no:randomly", "-p", "no:cacheprovider", "-p", "tests.mutation.contexts", "--hypothesis-seed=0"]
    environment = {**os.environ, TIMES: str(times), "PYTHONPATH": str(tree)}
    with (folder / "baseline.log").open("w", encoding="utf-8") as log:
        subprocess.run(
            [*command, *tests], cwd=tree, env=environment, timeout=_LONGEST, check=False, stdout=log, stderr=log
        )
    entries = json.loads(times.read_text(encoding="utf-8"))
    coverage_data = coverage.CoverageData(basename=str(data))
    coverage_data.read()
    lines = {path: coverage_data.contexts_by_lineno(str(tree / path)) for path in paths}
    return Baseline(entries["seconds"], lines, entries["failed"])


def joined(baselines: Collection[Baseline]) -> Baseline:
    """Put together what was measured of different tests."""
    lines: dict[str, dict[int, set[str]]] = {}
    for baseline in baselines:
        for path, of_file in baseline.lines.items():
            for line, tests in of_file.items():
                lines.setdefault(path, {}).setdefault(line, set()).update(tests)
    seconds = {test: spent for baseline in baselines for test, spent in baseline.seconds.items()}
    return Baseline(seconds, lines, sorted({test for baseline in baselines for test in baseline.failed}))


def write(baseline: Baseline, file: Path, root: Path) -> None:
    """Keep a baseline for another run."""
    entries = {
        "seconds": baseline.seconds,
        "failed": [*baseline.failed],
        "lines": {path: {line: [*tests] for line, tests in lines.items()} for path, lines in baseline.lines.items()},
        "digests": {path: _digest(root / path) for path in baseline.lines},
    }
    file.write_text(json.dumps(entries), encoding="utf-8")


def read(file: Path, root: Path) -> Baseline:
    """Read a baseline that was kept."""
    entries = json.loads(file.read_text(encoding="utf-8"))
    lines = {path: {int(line): tests for line, tests in lines.items()} for path, lines in entries["lines"].items()}
    changed = [path for path, digest in entries["digests"].items() if _digest(root / path) != digest]
    return Baseline(entries["seconds"], lines, entries["failed"], changed)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.exists() else ""


def uses(root: Path, paths: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    """Find where names are used inside functions, by name: file and line."""
    places: dict[str, list[tuple[str, int]]] = {}
    for path in paths:
        tree = ast.parse((root / path).read_bytes())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for function in functions:
            for node in (inner for statement in function.body for inner in ast.walk(statement)):
                name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
                if name:
                    places.setdefault(name, []).append((path, node.lineno))  # type: ignore[attr-defined]
    return places
