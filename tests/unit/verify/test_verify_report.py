"""The report: what it adds up to, what it says, what it never says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify import report as reports
from verify.checks import Verdict
from verify.report import LabNode, Outcome, Points, Report

GOOD = Outcome("cluster.one[a]", "cluster", "one", "a", "It is one.", 2, 2, Verdict.PASS, "", "", 0.25)
BAD = Outcome("cluster.one[b]", "cluster", "one", "b", "It is one.", 2, 0, Verdict.FAIL, "it is two", "halve it", 0.5)
BLOCKED = Outcome("web.two", "web", "two", None, "It is two.", 3, 0, Verdict.BLOCKED, "needs cluster.one[b]", "", 0.0)
UNCLEAR = Outcome("web.three", "web", "three", None, "It is three.", 4, 0, Verdict.INCONCLUSIVE, "gone", "wait", 1.0)

REPORT = Report(
    lab="course",
    provider="libvirt",
    nodes=(LabNode("a", "manager", "10.0.2.101"),),
    started="2026-11-23T08:00:00+00:00",
    seconds=12.5,
    complete=True,
    checks=(GOOD, BAD, BLOCKED, UNCLEAR),
)

TOKEN = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ((GOOD,), "pass"),
        ((GOOD, BAD), "fail"),
        ((GOOD, BLOCKED), "fail"),
        ((GOOD, BAD, UNCLEAR), "inconclusive"),
        ((), "nothing"),
    ],
)
def test_verdict(checks: tuple[Outcome, ...], verdict: str) -> None:
    assert replace(REPORT, checks=checks).verdict == verdict


def test_points() -> None:
    assert REPORT.points == Points(got=2, of=11, undecided=4)


def test_json() -> None:
    told = json.loads(reports.to_json(REPORT))
    assert (told["schema"], told["version"], told["verdict"]) == ("labgen.report", 1, "inconclusive")
    assert told["exercises"] == [
        {"name": "cluster", "checks": 2, "points": {"got": 2, "of": 4, "undecided": 0}},
        {"name": "web", "checks": 2, "points": {"got": 0, "of": 7, "undecided": 4}},
    ]
    assert told["checks"][1] == {
        "id": "cluster.one[b]",
        "exercise": "cluster",
        "name": "one",
        "node": "b",
        "claim": "It is one.",
        "points": 2,
        "got": 0,
        "verdict": "fail",
        "seen": "it is two",
        "hint": "halve it",
        "seconds": 0.5,
    }


def test_json_there_and_back() -> None:
    assert reports.from_json(reports.to_json(REPORT)) == REPORT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "."),
        ("[]", "no labgen report"),
        ('{"schema": "labgen.report", "version": 2}', "version 2"),
        ('{"schema": "labgen.report", "version": 1}', "damaged"),
    ],
)
def test_what_is_no_report_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        reports.from_json(text)


def test_text() -> None:
    assert reports.to_text(REPORT) == (
        "cluster: 2 of 4 points\n"
        "  FAIL       2/4  It is one.\n"
        "                  b: it is two\n"
        "                  -> halve it\n"
        "\n"
        "web: 0 of 7 points, 4 could not be judged\n"
        "  blocked    0/3  It is two.\n"
        "                  needs cluster.one[b]\n"
        "  UNCLEAR    0/4  It is three.\n"
        "                  gone\n"
        "                  -> wait\n"
        "\n"
        "2 of 11 points, 4 could not be judged; 4 checks: 1 pass, 1 fail, 1 blocked, 1 inconclusive.\n"
    )


def test_a_run_cut_short_and_an_empty_one_say_so() -> None:
    assert "cut short" in reports.to_text(replace(REPORT, complete=False))
    assert reports.to_text(replace(REPORT, checks=())) == "Nothing was graded: no check ran.\n"


def test_markdown_cannot_be_broken_out_of() -> None:
    nasty = replace(BAD, seen="<script>alert(1)</script> | a | [x](http://e) `b` ![i](j)\n# head", node="<b>")
    text = reports.to_markdown(replace(REPORT, checks=(nasty,)))
    assert "<" not in text
    assert "\n# head" not in text
    assert r"\[x\]\(http://e\)" in text
    rows = [line for line in text.splitlines() if line.startswith("| FAIL")]
    assert rows == ["| FAIL | 0/2 | It is one. | &lt;b&gt; |"]


@pytest.mark.parametrize("secret", [TOKEN, "SWMKEY-1-abc", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\nnNz"])
def test_no_secret_gets_through(secret: str) -> None:
    assert reports.clean(f"join --token {secret}") == "join --token (secret)"


@given(st.text())
def test_no_control_character_gets_through(text: str) -> None:
    cleaned = reports.clean(text)
    assert all(mark.isprintable() or mark == "\n" for mark in cleaned)
    assert len(cleaned) <= 600


def test_korean_stays_korean() -> None:
    assert reports.clean("노드 \x1b[31m빨강") == "노드 \\x1b[31m빨강"
