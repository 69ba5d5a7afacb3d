"""The report: what it adds up to, what it says, what it never says."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rich.cells import cell_len
from sample_report import REPORT as SAMPLE

from labgen import report as reports
from labgen.core.i18n import Language
from labgen.exercise.hint import Advice, Stage
from labgen.exercise.verdict import Verdict
from labgen.report import LabNode, Outcome, Points, Report, words
from labgen.report.as_html import to_html
from labgen.report.as_junit import to_junit
from labgen.report.as_markdown import to_markdown
from labgen.report.files import files

GOOD = Outcome("first.one[a]", "first", "one", "a", "It is one.", 2, 2, Verdict.PASS, "", "", 0.25)
BAD = Outcome("first.one[b]", "first", "one", "b", "It is one.", 2, 0, Verdict.FAIL, "it is two", "halve it", 0.5)
BLOCKED = Outcome("web.two", "web", "two", None, "It is two.", 3, 0, Verdict.BLOCKED, "needs first.one[b]", "", 0.0)
UNCLEAR = Outcome("web.three", "web", "three", None, "It is three.", 4, 0, Verdict.INCONCLUSIVE, "gone", "wait", 1.0)
ELSEWHERE = Outcome(
    "web.four[a]", "web", "four", "a", "It is four.", 5, 0, Verdict.NOT_APPLICABLE, "the kernel has no IPVS", "", 0.0
)
ALSO = replace(ELSEWHERE, id="web.four[b]", node="b")

ADVICE = Advice(
    words="It was never created.",
    where="On manager:",
    commands=(
        "docker service create --name web-alb --constraint node.role==worker --publish 8001:80 nginx",
        "docker service ls",
    ),
)
REPORT = Report(
    lab="course",
    provider="libvirt",
    nodes=(LabNode("a", "manager", "10.0.2.101"),),
    started="2026-11-23T08:00:00+00:00",
    seconds=12.5,
    complete=True,
    checks=(GOOD, BAD, BLOCKED, UNCLEAR),
    titles={"first": "The first"},
)

READY = Outcome("cluster.up[a]", "cluster", "up", "a", "It is up.", 0, 0, Verdict.PASS, "", "", 0.25)
DOWN = replace(READY, id="cluster.up[b]", node="b", verdict=Verdict.FAIL, seen="it is down", hint="start it")
SILENT = replace(READY, id="cluster.up[c]", node="c", verdict=Verdict.INCONCLUSIVE, seen="no answer", hint="wait")
CANNOT = replace(READY, id="cluster.plan[a]", name="plan", claim="It has a plan.", verdict=Verdict.NOT_APPLICABLE)
CANNOT = replace(CANNOT, seen="there is no netplan")
CLUSTER_ALONE = replace(REPORT, checks=(READY, replace(READY, id="cluster.up[d]")), not_begun=("web",))

APART = replace(REPORT, checks=(GOOD, replace(GOOD, id="web.two", exercise="web", name="two"), ELSEWHERE, ALSO))

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
        # The swarm itself earns nobody a pass; where it is not right, nothing is.
        ((READY,), "ready"),
        ((READY, CANNOT), "ready"),
        ((CANNOT,), "nothing"),
        ((READY, DOWN), "fail"),
        ((READY, DOWN, SILENT), "inconclusive"),
        ((READY, GOOD), "pass"),
        ((READY, BAD), "fail"),
        ((READY, ELSEWHERE), "nothing"),
        ((DOWN, GOOD), "fail"),
        ((SILENT, GOOD), "inconclusive"),
    ],
)
def test_verdict(checks: tuple[Outcome, ...], verdict: str) -> None:
    assert replace(REPORT, checks=checks).verdict == verdict


def test_points() -> None:
    assert REPORT.points == Points(got=2, of=11, undecided=4, not_applicable=0)


def test_points_of_what_is_not_applicable_are_not_at_stake() -> None:
    assert replace(REPORT, checks=(GOOD, ELSEWHERE, ALSO)).points == Points(2, 2, 0, not_applicable=10)


def test_points_of_the_swarm_itself_are_never_counted() -> None:
    costly = replace(READY, points=46, got=46)
    assert replace(REPORT, checks=(costly, *REPORT.checks)).points == REPORT.points
    assert [name for name, _ in replace(REPORT, checks=(costly, *REPORT.checks)).exercises()] == ["first", "web"]


def test_json_tells_of_the_swarm_itself_apart() -> None:
    fields = json.loads(reports.to_json(replace(REPORT, checks=(READY, DOWN, SILENT, CANNOT, GOOD))))
    assert fields["cluster"] == {
        "title": "cluster",
        "checks": 3,
        "passed": 1,
        "inconclusive": 1,
        "not_applicable": 1,
        "verdict": "inconclusive",
    }
    assert [exercise["name"] for exercise in fields["exercises"]] == ["first"]
    assert (fields["points"]["got"], fields["points"]["of"]) == (2, 2)
    assert json.loads(reports.to_json(REPORT))["cluster"] is None


def test_json_of_older_versions_has_no_points_for_the_swarm_any_more() -> None:
    fields = json.loads(reports.to_json(replace(REPORT, checks=(READY, GOOD))))
    del fields["cluster"]
    fields["checks"][0] |= {"points": 2, "got": 2}
    entry = {"name": "cluster", "title": "cluster", "checks": 1, "points": fields["points"]}
    fields |= {"version": 4, "exercises": [entry, *fields["exercises"]]}
    assert reports.from_json(json.dumps(fields)) == replace(REPORT, checks=(READY, GOOD))


@pytest.mark.parametrize(
    ("checks", "lines"),
    [
        ((READY, GOOD), ["cluster: 1 of 1 checks", "", "first · The first: 2 of 2 points"]),
        (
            (READY, DOWN),
            [
                "cluster: 1 of 2 checks",
                "  FAIL       1/2  It is up.",
                "                  b: it is down",
                "                  -> start it",
                "",
                "No exercise was graded.",
            ],
        ),
        (
            (READY, SILENT, CANNOT),
            [
                "cluster: 1 of 2 checks, 1 could not be judged, 1 not applicable here",
                "  UNCLEAR    1/2  It is up.",
                "                  c: no answer",
                "                  -> wait",
                "  n/a        0/1  It has a plan.",
                "                  a: there is no netplan",
            ],
        ),
    ],
)
def test_text_tells_of_the_swarm_itself_in_one_line(checks: tuple[Outcome, ...], lines: list[str]) -> None:
    text = reports.to_text(replace(REPORT, checks=checks))
    assert [line.rstrip() for line in text.splitlines()[: len(lines)]] == lines


def test_text_of_a_fresh_lab_says_that_no_exercise_has_been_begun() -> None:
    assert reports.to_text(CLUSTER_ALONE) == (
        "cluster: 2 of 2 checks\n\nNo exercise was started. Next: labgen run --list\n"
    )
    assert reports.to_text(replace(CLUSTER_ALONE, language="ko")) == (
        "cluster: 검사 2개 중 2개 통과\n\n아직 시작한 실습이 없습니다. 다음 명령: labgen run --list\n"
    )
    # Where the swarm is not right, that comes first.
    assert "labgen run" not in reports.to_text(replace(CLUSTER_ALONE, checks=(READY, DOWN)))
    # Whoever has named the swarm has asked for no exercise.
    assert "begun" not in reports.to_text(replace(CLUSTER_ALONE, not_begun=()))


def test_text_of_a_lab_with_services_of_no_exercise_names_them() -> None:
    snapshot = replace(
        SAMPLE.seen, services=tuple(replace(service, name="web-alb2") for service in SAMPLE.seen.services[:1])
    )
    report = replace(CLUSTER_ALONE, seen=replace(snapshot, probes=(), exchanges=()))
    assert reports.to_text(report).splitlines()[-1] == (
        "No exercise was started. There are services that belong to none: web-alb2. "
        "If one of them is meant to, name its exercise: labgen grade EXERCISE"
    )
    assert "어느 실습에도 속하지 않는 서비스가 있습니다: web-alb2." in reports.to_text(replace(report, language="ko"))


def test_markdown_tells_of_the_swarm_itself_in_one_line() -> None:
    assert "**cluster: 2 of 2 checks**" in to_markdown(CLUSTER_ALONE)
    assert "It is up" not in to_markdown(CLUSTER_ALONE)
    text = to_markdown(replace(REPORT, checks=(READY, DOWN, GOOD)))
    assert "**cluster: 1 of 2 checks**\n\n- **FAIL**: It is up. on b\n  - seen: it is down\n" in text
    assert "## cluster" not in text


def test_json() -> None:
    fields = json.loads(reports.to_json(REPORT))
    assert (fields["schema"], fields["version"], fields["verdict"]) == ("labgen.report", 5, "inconclusive")
    assert fields["exercises"] == [
        {
            "name": "first",
            "title": "The first",
            "verdict": "fail",
            "checks": 2,
            "points": {"got": 2, "of": 4, "undecided": 0, "not_applicable": 0},
        },
        {
            "name": "web",
            "title": "web",
            "verdict": "inconclusive",
            "checks": 2,
            "points": {"got": 0, "of": 7, "undecided": 4, "not_applicable": 0},
        },
    ]
    assert fields["not_applicable"] == []
    assert fields["checks"][1] == {
        "id": "first.one[b]",
        "exercise": "first",
        "name": "one",
        "node": "b",
        "claim": "It is one.",
        "points": 2,
        "got": 0,
        "verdict": "fail",
        "seen": "it is two",
        "hint": "halve it",
        "hints": [],
        "cause": "",
        "seconds": 0.5,
    }


def test_json_tells_apart_what_is_not_applicable() -> None:
    fields = json.loads(reports.to_json(replace(REPORT, checks=(GOOD, ELSEWHERE, ALSO))))
    assert fields["verdict"] == "pass"
    assert fields["points"] == {"got": 2, "of": 2, "undecided": 0, "not_applicable": 10}
    assert fields["not_applicable"] == [{"reason": "the kernel has no IPVS", "checks": 2, "points": 10}]
    assert fields["exercises"][1] == {
        "name": "web",
        "title": "web",
        "verdict": "nothing",
        "checks": 2,
        "points": {"got": 0, "of": 0, "undecided": 0, "not_applicable": 10},
    }
    assert {key: fields["checks"][1][key] for key in ("verdict", "points", "got", "seen", "hint")} == {
        "verdict": "not applicable",
        "points": 5,
        "got": 0,
        "seen": "the kernel has no IPVS",
        "hint": "",
    }


@pytest.mark.parametrize(
    "report",
    [
        REPORT,
        replace(REPORT, checks=(GOOD, ELSEWHERE)),
        replace(REPORT, checks=(replace(BAD, hint=str(ADVICE), hints=(ADVICE,)),)),
        SAMPLE,
    ],
)
def test_json_there_and_back(report: Report) -> None:
    assert reports.from_json(reports.to_json(report)) == report


def test_report_of_version_3_has_no_probes() -> None:
    fields = json.loads(reports.to_json(SAMPLE))
    del fields["seen"]["probes"]
    del fields["seen"]["exchanges"]
    assert reports.from_json(json.dumps({**fields, "version": 3})).seen == replace(SAMPLE.seen, probes=(), exchanges=())


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        (
            reports.to_text,
            "web · Load balancing: 1240 requests in 14.2 s, 3 lost (0.24 %); lost in a row: sent within 1.3 s",
        ),
        (to_markdown, "3 lost \\(0.24 %\\); lost in a row: sent within 1.3 s"),
        (to_html, "3 lost (0.24 %); lost in a row: sent within 1.3 s"),
    ],
)
def test_report_tells_of_requests_made_while_checks_acted(form: Callable[[Report], str], sentence: str) -> None:
    assert sentence in form(SAMPLE)
    assert "lost" not in form(replace(SAMPLE, seen=replace(SAMPLE.seen, probes=())))


@pytest.mark.parametrize("form", [reports.to_text, to_markdown, to_html])
@pytest.mark.parametrize(
    ("language", "words"), [("en", "had no task for 8.2 s."), ("ko", "8.2초 동안 태스크가 없었습니다")]
)
def test_report_tells_what_swarm_itself_did(form: Callable[[Report], str], language: str, words: str) -> None:
    spoken: Language = "ko" if language == "ko" else "en"
    assert words in form(replace(SAMPLE, language=spoken))
    assert words not in form(replace(SAMPLE, language=spoken, seen=replace(SAMPLE.seen, exchanges=())))


@pytest.mark.parametrize("version", [1, 2])
def test_report_older_report_is_read(version: int) -> None:
    fields = json.loads(reports.to_json(replace(REPORT, titles={})))
    for added in ("labgen", "language", "seen", "evidence", *(["not_applicable"] if version == 1 else [])):
        del fields[added]
    del fields["lab"]["network"]
    for exercise in fields["exercises"]:
        del exercise["title"]
    assert reports.from_json(json.dumps({**fields, "version": version})) == replace(REPORT, titles={})


@pytest.mark.parametrize("report", [REPORT, APART, SAMPLE, replace(REPORT, checks=())])
def test_report_is_as_its_schema_says(report: Report) -> None:
    schema = json.loads((Path(reports.__file__).parent / "schema.json").read_text(encoding="utf-8"))
    fields = json.loads(reports.to_json(report))
    assert list(Draft202012Validator(schema).iter_errors(fields)) == []
    # It is closed: what nobody has documented is noticed.
    assert list(Draft202012Validator(schema).iter_errors({**fields, "more": 1}))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "."),
        ("[]", "no labgen report"),
        ('{"schema": "labgen.report", "version": 6}', "version 6"),
        ('{"schema": "labgen.report", "version": 3}', "damaged"),
    ],
)
def test_report_what_is_no_report_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        reports.from_json(text)


def test_text() -> None:
    assert reports.to_text(REPORT) == (
        "first · The first: 2 of 4 points\n"
        "  FAIL       2/4  It is one.\n"
        "                  b: it is two\n"
        "                  -> halve it\n"
        "\n"
        "web: 0 of 7 points, 4 could not be judged\n"
        "  blocked    0/3  It is two.\n"
        "                  needs first.one[b]\n"
        "  UNCLEAR    0/4  It is three.\n"
        "                  gone\n"
        "                  -> wait\n"
        "\n"
        " Exercise            Points   pass   fail   blocked   inconclusive\n"
        " ─────────────────────────────────────────────────────────────────\n"
        " first · The first      2/4      1      1\n"
        " web                    0/7                       1              1\n"
        "\n"
        " total                 2/11      1      1         1              1\n"
        "\n"
        "2 of 11 points, 4 could not be judged; 4 checks: 1 pass, 1 fail, 1 blocked, 1 inconclusive.\n"
    )


def test_text_has_an_empty_line_before_each_section() -> None:
    lines = reports.to_text(SAMPLE).splitlines()
    for heading in (words.MEANWHILE, words.BY_SWARM):
        (number,) = [number for number, line in enumerate(lines) if line == heading.in_("en")]
        assert lines[number - 1] == ""
        assert lines[number + 1].startswith("  ")


def test_text_in_korean_stands_in_columns() -> None:
    text = reports.to_text(replace(REPORT, language="ko"))
    rows = [line for line in text.splitlines() if line.startswith(("  실패", "  선행 검사 실패", "  판정 불가"))]
    assert [cell_len(row[: row.index("It is")]) for row in rows] == [25, 25, 25]
    assert (
        text.splitlines()[-1]
        == "11점 중 2점, 4점은 판정하지 못함; 검사 4개: 1 통과, 1 실패, 1 선행 검사 실패, 1 판정 불가."
    )


def test_clean_keeps_six_hundred_characters() -> None:
    assert reports.clean("가" * 600) == "가" * 600
    assert reports.clean("가" * 601) == "가" * 599 + "…"


def test_markdown_has_an_empty_line_before_each_heading_and_the_evidence() -> None:
    text = to_markdown(SAMPLE)
    assert "\nEvidence: " in text
    assert re.findall(r"[^\n]\n(?:#+ |Evidence: ).*", text) == []


def test_text_says_the_same_with_colour() -> None:
    plain, coloured = reports.to_text(SAMPLE), reports.to_text(SAMPLE, colour=True)
    assert "\x1b[" not in plain
    assert "\x1b[1;31mFAIL" in coloured
    assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()] == plain.splitlines()


def test_text_breaks_claims_and_never_a_command() -> None:
    bad = replace(BAD, claim="It is one. " * 9, hint=str(ADVICE), hints=(ADVICE,))
    text = reports.to_text(replace(REPORT, checks=(bad,)), width=60, hints=Stage.COMMAND)
    commands = "".join(f"{' ' * 23}{command}\n" for command in ADVICE.commands)
    assert f"{' ' * 18}-> On manager:\n{commands}" in text
    assert all(len(line) <= 60 for line in text.splitlines() if line.strip().startswith("It is"))


def test_text_is_no_markup_of_the_terminals() -> None:
    assert "[red]x[/red] :smile:" in reports.to_text(
        replace(REPORT, checks=(replace(BAD, seen="[red]x[/red] :smile:"),))
    )


def test_text_tells_apart_what_is_not_applicable_and_why_once() -> None:
    text = reports.to_text(APART)
    assert text.startswith(
        "first · The first: 2 of 2 points\n"
        "  pass       2/2  It is one.\n"
        "\n"
        "web: 2 of 2 points, 10 not applicable here\n"
        "  pass       2/2  It is one.\n"
        "\n"
        "not applicable here\n"
        "  n/a       -/10  web: It is four.\n"
    )
    assert text.splitlines()[-1] == (
        "4 of 4 points; 2 checks: 2 pass; not applicable here: 2 checks (10 points): the kernel has no IPVS."
    )
    assert text.count("the kernel has no IPVS") == 1


def test_text_of_two_reasons_says_which_is_whose() -> None:
    without_netplan = replace(ELSEWHERE, name="five", claim="It is five.", seen="there is no netplan")
    text = reports.to_text(replace(REPORT, checks=(GOOD, ELSEWHERE, without_netplan)))
    assert (
        "not applicable here\n"
        "  n/a        -/5  web: It is four.\n"
        "                  the kernel has no IPVS\n"
        "  n/a        -/5  web: It is five.\n"
        "                  there is no netplan\n"
    ) in text
    assert text.splitlines()[-1] == (
        "2 of 2 points; 1 check: 1 pass; not applicable here: 1 check (5 points): the kernel has no IPVS; "
        "not applicable here: 1 check (5 points): there is no netplan."
    )


def test_markdown_tells_apart_what_is_not_applicable() -> None:
    _, _, web, apart = to_markdown(APART).split("\n## ")
    assert web.startswith("web: 2 of 2 points, 10 not applicable here\n")
    assert "It is four" not in web
    assert apart.startswith("Not applicable here: the kernel has no IPVS\n")
    assert "| n/a | -/5 | It is four. | a |\n| n/a | -/5 | It is four. | b |\n" in apart


def test_report_run_of_nothing_that_applies_is_no_full_mark() -> None:
    assert reports.to_text(replace(REPORT, checks=(ELSEWHERE,))).splitlines()[-1] == (
        "Nothing was graded: no check applies here; not applicable here: 1 check (5 points): the kernel has no IPVS."
    )


def test_report_run_cut_short_and_an_empty_one_say_so() -> None:
    assert "cut short" in reports.to_text(replace(REPORT, complete=False))
    assert reports.to_text(replace(REPORT, checks=())) == "Nothing was graded: no check ran.\n"


def test_markdown_gives_commands_as_a_block_of_whole_lines() -> None:
    report = replace(REPORT, checks=(replace(BAD, hints=(ADVICE,)),))
    lines = to_markdown(report, hints=Stage.COMMAND).splitlines()
    start = lines.index("    ```sh")
    assert lines[start - 2] == "  - try: It was never created. On manager:"
    assert lines[start + 1 : start + 4] == [*(f"    {command}" for command in ADVICE.commands), "    ```"]


def test_markdown_commands_cannot_end_their_block() -> None:
    ticks = replace(ADVICE, commands=("echo ```", "echo\n    ```\n# head"))
    text = to_markdown(replace(REPORT, checks=(replace(BAD, hints=(ticks,)),)), hints=Stage.COMMAND)
    assert "    ````sh\n    echo ```\n    echo     ``` # head\n    ````\n" in text


PLACED = "On manager"
STAGES = {
    Stage.NONE: ([], [ADVICE.words, PLACED, *ADVICE.commands]),
    Stage.LOOK: ([ADVICE.words], [PLACED, *ADVICE.commands]),
    Stage.PLACE: ([ADVICE.words, PLACED], ADVICE.commands),
    Stage.COMMAND: ([ADVICE.words, PLACED, *ADVICE.commands], []),
}
"""What of the hint each stage shows, and what it does not."""


@pytest.mark.parametrize("write", [reports.to_text, to_markdown, to_junit])
@pytest.mark.parametrize("stage", STAGES)
def test_forms_that_are_read_from_top_to_bottom_show_hints_up_to_a_stage(
    stage: Stage, write: Callable[..., str]
) -> None:
    text = write(replace(REPORT, checks=(replace(BAD, hints=(ADVICE,)),)), hints=stage)
    shown, hidden = STAGES[stage]
    assert [phrase for phrase in shown if phrase not in text] == []
    assert [phrase for phrase in hidden if phrase in text] == []


@pytest.mark.parametrize("write", [reports.to_text, to_markdown])
def test_text_and_markdown_say_how_to_see_more_where_there_is_more(write: Callable[..., str]) -> None:
    hinted = replace(REPORT, checks=(replace(BAD, hints=(ADVICE,)),))
    wordy = replace(REPORT, checks=(replace(BAD, hints=(Advice(words="It was never created."),)),))
    lines = {stage: [line for line in write(hinted, hints=stage).splitlines() if "--hints" in line] for stage in Stage}
    assert {stage: len(found) for stage, found in lines.items()} == {
        Stage.NONE: 0,
        Stage.LOOK: 1,
        Stage.PLACE: 1,
        Stage.COMMAND: 0,
    }
    assert "--hints 2" in lines[Stage.LOOK][0]
    assert "--hints 2" not in lines[Stage.PLACE][0]
    assert not any("--hints" in write(wordy, hints=stage) for stage in Stage)
    assert "힌트 더 보기" in write(replace(hinted, language="ko"), hints=Stage.LOOK)


def test_text_gives_a_hint_once_for_checks_whose_first_stage_is_the_same() -> None:
    first = replace(BAD, id="first.two[a]", node="a", seen="it is down on a", hints=(ADVICE,))
    second = replace(BAD, id="first.two[b]", node="b", seen="it is down on b", hints=(replace(ADVICE, where="On b:"),))
    text = reports.to_text(replace(REPORT, checks=(first, second)))
    assert text.count(f"-> {ADVICE.words}") == 1
    assert "a: it is down on a" in text
    assert "b: it is down on b" in text


def test_files_show_hints_up_to_a_stage_and_all_of_them_in_json_and_the_page() -> None:
    report = replace(REPORT, checks=(replace(BAD, hint=str(ADVICE), hints=(ADVICE,)),))
    command = ADVICE.commands[1]
    for stage in Stage:
        having = {name for name, text in files(report, stage) if command in text}
        everywhere = {"report.txt", "report.md", "junit.xml"} if stage is Stage.COMMAND else set()
        assert having == {"report.json", "report.html"} | everywhere


def test_markdown_has_no_links_and_calls_nobody() -> None:
    nasty = replace(BAD, seen="see https://example.org, www.example.org or @kim (kim@example.org)")
    text = to_markdown(replace(REPORT, checks=(nasty,)))
    assert "://" not in text
    assert "www." not in text
    assert "@" not in text


def test_markdown_cannot_be_broken_out_of() -> None:
    nasty = replace(BAD, seen="<script>alert(1)</script> | a | [x](http://e) `b` ![i](j)\n# head", node="<b>")
    text = to_markdown(replace(REPORT, checks=(nasty,)))
    assert "<" not in text
    assert "\n# head" not in text
    assert r"\[x\]\(http&#58;//e\)" in text
    rows = [line for line in text.splitlines() if line.startswith("| FAIL")]
    assert rows == ["| FAIL | 0/2 | It is one. | &lt;b&gt; |"]


@pytest.mark.parametrize("secret", [TOKEN, "SWMKEY-1-abc", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blb\nnNz"])
def test_report_no_secret_gets_through(secret: str) -> None:
    assert reports.clean(f"join --token {secret}") == "join --token (secret)"


@given(st.text())
def test_report_no_control_character_gets_through(text: str) -> None:
    cleaned = reports.clean(text)
    assert all(mark.isprintable() or mark == "\n" for mark in cleaned)
    assert len(cleaned) <= 600


def test_korean_stays_korean() -> None:
    assert reports.clean("노드 \x1b[31m빨강") == "노드 \\x1b[31m빨강"
