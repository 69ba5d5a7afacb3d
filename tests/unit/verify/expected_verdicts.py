"""The verdict, points and seen facts of every check, of each right lab and of each fault put into it, kept as data.

``verdicts/NAME.json`` holds, for the lab ``NAME`` (a recording, or ``fake_lab``), every fact of the right lab, and of
each fault only the facts that differ from these. A fact has a path and a value::

    "checks.update.running": "fail 0/1: my-database has 2 of 3 replicas running [name of the cause]"
    "seen.services.my-database.replicas": 3

A check's value is its verdict, its points (earned/at stake), what was seen, and the cause if one was recognised; a
fact that a fault removes is ``null``. Moments of the grading of the fake lab read ``<now>``: the data does not depend
on when it is made.

Compare with it in a run of the test suite. After a change that is meant to turn verdicts, write the data again, read
``git diff tests/unit/verify/verdicts`` line by line, and commit it with the change and the reason::

    make verdicts

Only what was graded in that run is written, so ``pytest -k`` limits it; faults that no longer exist are dropped.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "verdicts"
WRITE = "LABGEN_WRITE_VERDICTS"
"""Environment variable: write the data instead of comparing with it."""

Facts = dict[str, Any]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")

_LAST = re.compile(r"(?<=in the last )\d+ s\b")


def facts_of(report: dict[str, Any], now: datetime | None = None) -> Facts:
    """Flatten a report's checks and seen facts into paths and values.

    :param report: as `report.json` holds it, in English.
    :param now: of a lab that is no recording, when it was graded: moments near it, and spans up to it, are left out.
    """
    facts = {f"checks.{check['id']}": _judgement(check) for check in report["checks"]}
    facts |= dict(_leaves("seen", report["seen"]))
    del facts["seen.waited"]  # depends on which check comes first
    facts["points"] = "{got}/{of}, {undecided} undecided, {not_applicable} not applicable".format(**report["points"])
    facts["verdict"] = report["verdict"]
    # A fact that is null is missing, as one of what is not there.
    return {path: _without_now(value, now) if now else value for path, value in facts.items() if value is not None}


def difference(right: Facts, facts: Facts) -> Facts:
    """Facts that differ from those of the right lab; ``None`` for what is missing, a part of the tree as one."""
    inner = {path[: dot.start()] for path in facts for dot in re.finditer(r"\.", path)}
    changed = {path: value for path, value in facts.items() if right.get(path) != value}
    for path in right.keys() - facts.keys():
        prefixes = (path[: dot.start()] for dot in re.finditer(r"\.", path))
        changed[next((prefix for prefix in prefixes if prefix not in inner), path)] = None
    return changed


class ExpectedVerdicts:
    """Compares graded facts with the data, or collects them to be written."""

    def __init__(self, folder: Path = FOLDER, *, write: bool = False) -> None:
        self.folder = folder
        self.write = write
        self._right: dict[str, Facts] = {}
        self._faults: dict[str, dict[str, Facts]] = {}

    def data(self, lab: str) -> dict[str, Any]:
        """Everything kept of one lab: ``right`` and ``faults``."""
        file = self.folder / f"{lab}.json"
        empty: dict[str, Any] = {"right": {}, "faults": {}}
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else empty

    def check_right(self, lab: str, report: dict[str, Any], now: datetime | None = None) -> None:
        """Compare a right lab's report with the data."""
        self._right[lab] = facts_of(report, now)
        if not self.write:
            _compare(lab, self.data(lab)["right"], self._right[lab])

    def check_fault(self, lab: str, fault: str, report: dict[str, Any], now: datetime | None = None) -> None:
        """Compare the report of a lab with a fault in it with the data."""
        facts = facts_of(report, now)
        self._faults.setdefault(lab, {})[fault] = facts
        if not self.write:
            data = self.data(lab)
            assert fault in data["faults"], _how_to_write(lab)
            _compare(lab, data["faults"][fault], difference(data["right"], facts))

    def check_names(self, faults: dict[str, Iterable[str]]) -> None:
        """Compare the labs and the names of their faults with those in the data.

        :param faults: names of the faults of each lab.
        """
        labs = {file.stem for file in self.folder.glob("*.json")}
        assert labs == set(faults), f"superfluous or missing files in {self.folder}: {sorted(labs ^ set(faults))}"
        for lab, names in faults.items():
            assert set(self.data(lab)["faults"]) == set(names), _how_to_write(lab)

    def write_data(self, faults: dict[str, Iterable[str]]) -> None:
        """Write what was graded, and drop what no longer exists.

        :param faults: names of the faults of each lab.
        """
        for file in self.folder.glob("*.json"):
            if file.stem not in faults:
                file.unlink()
        for lab in self._right.keys() | self._faults.keys():
            data = self.data(lab)
            right = self._right.get(lab, data["right"])
            differences = {name: value for name, value in data["faults"].items() if name in set(faults[lab])}
            stale = differences.keys() - self._faults.get(lab, {}).keys()
            assert right == data["right"] or not stale, f"the right {lab} is another now: grade the faults {stale}, too"
            differences |= {name: difference(right, facts) for name, facts in self._faults.get(lab, {}).items()}
            self._write_file(lab, {"right": right, "faults": differences})

    def _write_file(self, lab: str, data: dict[str, Any]) -> None:
        self.folder.mkdir(exist_ok=True)
        text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=True)
        (self.folder / f"{lab}.json").write_text(text + "\n", encoding="utf-8", newline="\n")


def from_environment() -> ExpectedVerdicts:
    """Compare, unless the environment says to write."""
    write = bool(os.environ.get(WRITE))
    assert not (write and os.environ.get("PYTEST_XDIST_WORKER")), "write the data in one process, without -n"
    return ExpectedVerdicts(write=write)


def _judgement(check: dict[str, Any]) -> str:
    text = f"{check['verdict']} {check['got']}/{check['points']}"
    if check["seen"]:
        text += f": {check['seen']}"
    return f"{text} [{check['cause']}]" if check["cause"] else text


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Paths and values of what is no list or object; list items go by name or id, so that one more moves no other."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{path}.{key}", item)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            label = (item.get("name") or item.get("id")) if isinstance(item, dict) else None
            yield from _leaves(f"{path}.{label or number}", item)
        yield f"{path}.count", len(value)
    else:
        yield path, value


def _without_now(value: Any, now: datetime) -> Any:
    def replace(match: re.Match[str]) -> str:
        moment = datetime.fromisoformat(match[0].replace("Z", "+00:00"))
        return "<now>" if abs(now - moment) < timedelta(hours=1) else match[0]

    return _LAST.sub("<n> s", _MOMENT.sub(replace, value)) if isinstance(value, str) else value


def _compare(lab: str, expected: Facts, facts: Facts) -> None:
    paths = [path for path in sorted({*expected, *facts}) if expected.get(path, ...) != facts.get(path, ...)]
    lines = [f"{path}:\n  {expected.get(path, '-')!r}\n  {facts.get(path, '-')!r}" for path in paths]
    assert not lines, "\n".join([_how_to_write(lab), *lines])


def _how_to_write(lab: str) -> str:
    return f"verdicts/{lab}.json says otherwise; if the change is meant, run `make verdicts` and read the difference"
