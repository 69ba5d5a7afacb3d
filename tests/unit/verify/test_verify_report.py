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
ELSEWHERE = Outcome(
    "web.four[a]", "web", "four", "a", "It is four.", 5, 0, Verdict.NOT_APPLICABLE, "the kernel has no IPVS", "", 0.0
)
ALSO = replace(ELSEWHERE, id="web.four[b]", node="b")

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
        ((GOOD, ELSEWHERE), "pass"),
        ((GOOD, BAD, ELSEWHERE), "fail"),
        ((GOOD, UNCLEAR, ELSEWHERE), "inconclusive"),
        # What was not judged is never a full mark.
        ((ELSEWHERE,), "nothing"),
    ],
)
def test_verdict(checks: tuple[Outcome, ...], verdict: str) -> None:
    assert replace(REPORT, checks=checks).verdict == verdict


def test_points() -> None:
    assert REPORT.points == Points(got=2, of=11, undecided=4, not_applicable=0)


def test_points_of_what_is_not_applicable_are_not_at_stake() -> None:
    assert replace(REPORT, checks=(GOOD, ELSEWHERE, ALSO)).points == Points(2, 2, 0, not_applicable=10)


def test_json() -> None:
    told = json.loads(reports.to_json(REPORT))
    assert (told["schema"], told["version"], told["verdict"]) == ("labgen.report", 2, "inconclusive")
    assert told["exercises"] == [
        {"name": "cluster", "checks": 2, "points": {"got": 2, "of": 4, "undecided": 0, "not_applicable": 0}},
        {"name": "web", "checks": 2, "points": {"got": 0, "of": 7, "undecided": 4, "not_applicable": 0}},
    ]
    assert told["not_applicable"] == []
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


def test_json_tells_apart_what_is_not_applicable() -> None:
    told = json.loads(reports.to_json(replace(REPORT, checks=(GOOD, ELSEWHERE, ALSO))))
    assert told["verdict"] == "pass"
    assert told["points"] == {"got": 2, "of": 2, "undecided": 0, "not_applicable": 10}
    assert told["not_applicable"] == [{"reason": "the kernel has no IPVS", "checks": 2, "points": 10}]
    assert told["exercises"][1] == {
        "name": "web",
        "checks": 2,
        "points": {"got": 0, "of": 0, "undecided": 0, "not_applicable": 10},
    }
    assert {key: told["checks"][1][key] for key in ("verdict", "points", "got", "seen", "hint")} == {
        "verdict": "not applicable",
        "points": 5,
        "got": 0,
        "seen": "the kernel has no IPVS",
        "hint": "",
    }


@pytest.mark.parametrize("report", [REPORT, replace(REPORT, checks=(GOOD, ELSEWHERE))])
def test_json_there_and_back(report: Report) -> None:
    assert reports.from_json(reports.to_json(report)) == report


def test_a_report_of_version_1_is_read() -> None:
    told = json.loads(reports.to_json(REPORT))
    del told["not_applicable"]
    assert reports.from_json(json.dumps({**told, "version": 1})) == REPORT


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "."),
        ("[]", "no labgen report"),
        ('{"schema": "labgen.report", "version": 3}', "version 3"),
        ('{"schema": "labgen.report", "version": 2}', "damaged"),
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


APART = replace(REPORT, checks=(GOOD, replace(GOOD, id="web.two", exercise="web", name="two"), ELSEWHERE, ALSO))


def test_text_tells_apart_what_is_not_applicable_and_why_once() -> None:
    assert reports.to_text(APART) == (
        "cluster: 2 of 2 points\n"
        "  pass       2/2  It is one.\n"
        "\n"
        "web: 2 of 2 points, 10 not applicable here\n"
        "  pass       2/2  It is one.\n"
        "\n"
        "not applicable here\n"
        "  n/a       -/10  web: It is four.\n"
        "\n"
        "4 of 4 points; 2 checks: 2 pass; not applicable here: 2 checks (10 points): the kernel has no IPVS.\n"
    )


def test_text_of_two_reasons_says_which_is_whose() -> None:
    other = replace(ELSEWHERE, name="five", claim="It is five.", seen="there is no netplan")
    assert reports.to_text(replace(REPORT, checks=(GOOD, ELSEWHERE, other))).splitlines()[3:] == [
        "web: 0 of 0 points, 10 not applicable here",
        "",
        "not applicable here",
        "  n/a        -/5  web: It is four.",
        "                  the kernel has no IPVS",
        "  n/a        -/5  web: It is five.",
        "                  there is no netplan",
        "",
        "2 of 2 points; 1 check: 1 pass; not applicable here: 1 check (5 points): the kernel has no IPVS; "
        "not applicable here: 1 check (5 points): there is no netplan.",
    ]


def test_markdown_tells_apart_what_is_not_applicable() -> None:
    _, _, web, apart = reports.to_markdown(APART).split("\n## ")
    assert web.startswith("web: 2 of 2 points, 10 not applicable here\n")
    assert "It is four" not in web
    assert apart.startswith("Not applicable here: the kernel has no IPVS\n")
    assert "| n/a | -/5 | It is four. | a |\n| n/a | -/5 | It is four. | b |\n" in apart


def test_a_run_of_nothing_that_applies_is_no_full_mark() -> None:
    assert reports.to_text(replace(REPORT, checks=(ELSEWHERE,))).splitlines()[-1] == (
        "Nothing was graded: no check applies here; not applicable here: 1 check (5 points): the kernel has no IPVS."
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
