"""The verdicts that are kept as data: one entry for each right lab and each fault, and how they are compared."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from expected_verdicts import ExpectedVerdicts, difference, facts_of
from test_verify_course import RECORDED
from test_verify_suite import SABOTAGE

from labgen.exercise.catalogue import exercise_names


def fault_names() -> dict[str, list[str]]:
    """The names of the faults of each lab whose verdicts are kept."""
    names: dict[str, list[str]] = {name: [] for name in exercise_names()}
    for name, title in RECORDED:
        names[name].append(title)
    return {**names, "fake_lab": list(SABOTAGE)}


def test_verdicts_data_has_every_lab_and_every_fault_and_no_other(expected_verdicts: ExpectedVerdicts) -> None:
    if not expected_verdicts.write:
        expected_verdicts.check_names(fault_names())


@pytest.fixture
def report() -> dict[str, Any]:
    check = {"id": "a.runs", "verdict": "pass", "got": 2, "points": 2, "seen": "", "cause": ""}
    return {
        "checks": [check],
        "points": {"got": 2, "of": 2, "undecided": 0, "not_applicable": 0},
        "verdict": "pass",
        "seen": {"at": datetime.now(UTC).isoformat(), "waited": 1.5, "services": [{"name": "web", "replicas": 3}]},
    }


def test_facts_of_a_report_are_paths_and_values(report: dict[str, Any]) -> None:
    report["checks"][0] |= {"verdict": "fail", "got": 0, "seen": "2 of 3", "cause": "node_off"}
    assert facts_of(report, datetime.now(UTC)) == {
        "checks.a.runs": "fail 0/2: 2 of 3 [node_off]",
        "points": "2/2, 0 undecided, 0 not applicable",
        "seen.at": "<now>",
        "seen.services.count": 1,
        "seen.services.web.name": "web",
        "seen.services.web.replicas": 3,
        "verdict": "pass",
    }


def test_facts_of_a_report_keep_moments_of_the_recording(report: dict[str, Any]) -> None:
    report["seen"]["at"] = "2026-01-02T03:04:05+00:00"
    assert facts_of(report, datetime.now(UTC))["seen.at"] == "2026-01-02T03:04:05+00:00"
    report["seen"]["at"] = moment = datetime.now(UTC).isoformat()
    assert facts_of(report)["seen.at"] == moment


def test_difference_has_what_is_missing_as_null() -> None:
    assert difference({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": None, "b": 3, "c": 4}
    assert difference({"a.b.c": 1, "a.b.d": 2, "a.e": 3}, {"a.e": 3}) == {"a.b": None}


def test_check_right_fails_for_another_verdict(tmp_path: Path, report: dict[str, Any]) -> None:
    written = ExpectedVerdicts(tmp_path, write=True)
    written.check_right("a", report)
    written.write_data({"a": []})
    ExpectedVerdicts(tmp_path).check_right("a", report)
    report["checks"][0]["verdict"] = "fail"
    with pytest.raises(AssertionError, match="make verdicts"):
        ExpectedVerdicts(tmp_path).check_right("a", report)


def test_check_fault_fails_for_another_fact_and_for_an_unknown_fault(tmp_path: Path, report: dict[str, Any]) -> None:
    written = ExpectedVerdicts(tmp_path, write=True)
    written.check_right("a", report)
    report["seen"]["services"][0]["replicas"] = 2
    written.check_fault("a", "two", report)
    written.write_data({"a": ["two"]})
    assert written.data("a")["faults"] == {"two": {"seen.services.web.replicas": 2}}
    compared = ExpectedVerdicts(tmp_path)
    compared.check_fault("a", "two", report)
    with pytest.raises(AssertionError, match="make verdicts"):
        compared.check_fault("a", "three", report)
    report["seen"]["services"][0]["replicas"] = 1
    with pytest.raises(AssertionError, match="make verdicts"):
        compared.check_fault("a", "two", report)


def test_check_names_fails_for_missing_and_superfluous_entries(tmp_path: Path, report: dict[str, Any]) -> None:
    written = ExpectedVerdicts(tmp_path, write=True)
    written.check_right("a", report)
    written.check_fault("a", "two", report)
    written.write_data({"a": ["two"]})
    written.check_names({"a": ["two"]})
    for faults in ({}, {"a": []}, {"a": ["two", "three"]}, {"a": ["two"], "b": []}):
        with pytest.raises(AssertionError):
            written.check_names(faults)


def test_write_data_drops_faults_and_labs_that_no_longer_exist(tmp_path: Path, report: dict[str, Any]) -> None:
    written = ExpectedVerdicts(tmp_path, write=True)
    for lab in ("a", "b"):
        written.check_right(lab, report)
        written.check_fault(lab, "two", report)
    written.write_data({"a": ["two"], "b": ["two"]})
    again = ExpectedVerdicts(tmp_path, write=True)
    again.check_right("a", report)
    again.write_data({"a": []})
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]
    assert again.data("a")["faults"] == {}


def test_write_data_refuses_a_new_right_lab_beside_old_faults(tmp_path: Path, report: dict[str, Any]) -> None:
    written = ExpectedVerdicts(tmp_path, write=True)
    written.check_right("a", report)
    written.check_fault("a", "two", report)
    written.write_data({"a": ["two"]})
    again = ExpectedVerdicts(tmp_path, write=True)
    report["seen"]["services"][0]["replicas"] = 5
    again.check_right("a", report)
    with pytest.raises(AssertionError, match="grade the faults"):
        again.write_data({"a": ["two"]})
