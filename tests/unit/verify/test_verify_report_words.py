"""The sentences of a report, whole, in both languages."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from sample_report import NASTY, NEW, OLD, REPORT, UPDATED, at, outcome, task

from labgen import report as reports
from labgen.core.i18n import Language
from labgen.exercise.hint import Advice
from labgen.exercise.verdict import Verdict
from labgen.report import Outcome, Points, Seen, SeenProbe, SeenTask, words
from labgen.report.as_html import to_html
from labgen.report.as_markdown import to_markdown
from labgen.report.as_text import to_text
from labgen.report.episodes import episodes
from labgen.report.model import by_claim, tally, worst

PASSED = outcome("web.up", Verdict.PASS, 3, "It is up.")
FAILED = outcome("web.two", Verdict.FAIL, 2, "It has two.", "it has one", "docker node ls")
UNCLEAR = outcome("web.asked", Verdict.INCONCLUSIVE, 4, "It answers.", "gone", "labgen status")
ELSEWHERE = outcome("web.mesh", Verdict.NOT_APPLICABLE, 5, "It is open.", "there is no mesh")
ONE = replace(ELSEWHERE, id="web.one", name="one", points=1, seen="there is no netplan")


@pytest.mark.parametrize(
    ("number", "language", "sentence"),
    [
        (0, "en", ""),
        (0, "ko", ""),
        (2, "en", ", 2 could not be judged"),
        (2, "ko", ", 2점은 판정하지 못함"),
    ],
)
def test_words_undecided(number: int, language: Language, sentence: str) -> None:
    assert words.undecided(number, language) == sentence


@pytest.mark.parametrize(
    ("number", "language", "sentence"),
    [
        (0, "en", ""),
        (0, "ko", ""),
        (2, "en", ", 2 not applicable here"),
        (2, "ko", ", 2점은 여기에서 해당 없음"),
    ],
)
def test_words_not_applicable(number: int, language: Language, sentence: str) -> None:
    assert words.not_applicable(number, language) == sentence


def test_words_of_numbers() -> None:
    assert [words.checks(number, "en") for number in (0, 1, 3)] == ["0 checks", "1 check", "3 checks"]
    assert words.checks(3, "ko") == "검사 3개"
    assert [words.worth(number, "en") for number in (0, 1, 3)] == ["0 points", "1 point", "3 points"]
    assert words.worth(3, "ko") == "3점"
    assert (words.points(9, 12, "en"), words.points(9, 12, "ko")) == ("9 of 12 points", "12점 중 9점")


def test_words_of_a_probe() -> None:
    probe = SeenProbe("web", "manager", 8001, 1240, 2, longest=0.42, spell=1.36, seconds=9.25, stretches=())
    assert words.probe(probe, "en") == (
        "1240 requests in 9.2 s, 2 lost (0.16 %); lost in a row: sent within 1.4 s; "
        "longest time without an answer at one address: 0.4 s"
    )
    assert words.probe(probe, "ko").endswith("일부 실패 구간 최대 1.4초, 한 주소의 무응답 구간 최대 0.4초")
    assert words.probe(replace(probe, lost=0), "en") == "1240 requests in 9.2 s, 0 lost (0 %)"


@pytest.mark.parametrize(
    ("checks", "english", "korean"),
    [
        (
            (PASSED, FAILED, UNCLEAR, ELSEWHERE),
            "3 of 9 points, 4 could not be judged; 3 checks: 1 pass, 1 fail, 1 inconclusive; "
            "not applicable here: 1 check (5 points): there is no mesh.",
            "9점 중 3점, 4점은 판정하지 못함; 검사 3개: 1 통과, 1 실패, 1 판정 불가; "
            "여기에서는 해당 없음: 검사 1개 (5점): there is no mesh.",
        ),
        (
            (ELSEWHERE, ONE),
            "Nothing was graded: no check applies here; not applicable here: 1 check (5 points): there is no mesh; "
            "not applicable here: 1 check (1 point): there is no netplan.",
            "채점한 것이 없습니다: 여기에 해당하는 검사가 없습니다; "
            "여기에서는 해당 없음: 검사 1개 (5점): there is no mesh; "
            "여기에서는 해당 없음: 검사 1개 (1점): there is no netplan.",
        ),
        ((), "Nothing was graded: no check ran.", "채점한 것이 없습니다: 실행된 검사가 없습니다."),
    ],
)
def test_closing(checks: tuple[Outcome, ...], english: str, korean: str) -> None:
    report = replace(REPORT, checks=checks, not_begun=())
    assert report.closing == english
    assert replace(report, language="ko").closing == korean


def test_closing_says_what_is_missing() -> None:
    report = replace(REPORT, checks=(PASSED,), not_begun=("stack", "ports"), complete=False)
    assert report.closing == (
        "3 of 3 points; 1 check: 1 pass. The run was cut short: not every check was judged. "
        "Not started, and not graded: stack, ports."
    )


@pytest.mark.parametrize(
    ("waited", "beginning"), [(0.5, ""), (0.51, "It took 12 s. 1 s of that"), (3.4, "It took 12 s. 3 s of that")]
)
def test_took_is_told_where_swarm_was_waited_for(waited: float, beginning: str) -> None:
    report = replace(REPORT, seconds=12.4, seen=replace(REPORT.seen, waited=waited))
    assert report.took.startswith(beginning)
    assert bool(report.took) == bool(beginning)


def test_lasted_is_no_less_than_was_waited() -> None:
    assert replace(REPORT, seconds=0.5, seen=Seen(waited=12.0)).lasted == 12.0
    assert replace(REPORT, seconds=20.0, seen=Seen(waited=12.0)).lasted == 20.0


def test_tally_has_points_what_is_unclear_and_what_is_elsewhere() -> None:
    assert tally(Points(1, 9, 2, 3), "en") == "1 of 9 points, 2 could not be judged, 3 not applicable here"


def test_points_add_up() -> None:
    assert Points.sum((PASSED, FAILED, UNCLEAR, ELSEWHERE)) == Points(got=3, of=9, undecided=4, not_applicable=5)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ((PASSED, FAILED, UNCLEAR), Verdict.FAIL),
        ((PASSED, UNCLEAR), Verdict.INCONCLUSIVE),
        ((PASSED, replace(PASSED, verdict=Verdict.BLOCKED)), Verdict.BLOCKED),
        ((replace(PASSED, verdict=Verdict.BLOCKED), UNCLEAR), Verdict.INCONCLUSIVE),
        ((PASSED, ELSEWHERE), Verdict.PASS),
        ((ELSEWHERE,), Verdict.NOT_APPLICABLE),
        ((), Verdict.NOT_APPLICABLE),
    ],
)
def test_worst(outcomes: tuple[Outcome, ...], verdict: Verdict) -> None:
    assert worst(outcomes) is verdict


def test_by_claim_keeps_the_order_and_each_with_its_own() -> None:
    same_claim = replace(FAILED, id="web.two[b]")
    assert by_claim((PASSED, FAILED, UNCLEAR, same_claim)) == [[PASSED], [FAILED, same_claim], [UNCLEAR]]


def test_advice_of_a_report_that_has_only_text_is_a_stage_for_each_line() -> None:
    assert replace(FAILED, hint="a\nb").advice == (Advice(words="a"), Advice(words="b"))
    with_hints = replace(FAILED, hint="a", hints=(Advice(words="c"),))
    assert with_hints.advice == (Advice(words="c"),)


def moved(node: str, image: str = NEW) -> list[SeenTask]:
    return [
        task(1, "worker1", "shutdown", NEW, -60, 9, began=at(-59)),
        task(1, node, "running", image, 0, 5),
    ]


def test_episode_says_side_by_side_only_where_no_node_may_have_been_lost() -> None:
    def overlap(*tasks: SeenTask) -> float | None:
        return episodes(replace(UPDATED, tasks=tasks))[-1].overlap

    assert overlap(*moved("worker1")) == 4.0
    assert overlap(*moved("worker2")) is None
    # Another image: it was updated, and no node was lost.
    assert overlap(*moved("worker2", OLD)) == 4.0
    # In every place, or it is not said.
    gap = [task(2, "worker1", "shutdown", NEW, -60, 2, began=at(-59)), task(2, "worker1", "running", NEW, 1, 4)]
    assert overlap(*moved("worker1"), *gap) is None
    at_once = [task(2, "worker1", "shutdown", NEW, -60, 4, began=at(-59)), task(2, "worker1", "running", NEW, 1, 4)]
    assert overlap(*moved("worker1"), *at_once) is None
    unknown = [replace(old_task, state="starting") if old_task.state == "running" else old_task for old_task in at_once]
    assert overlap(*moved("worker1"), *unknown) is None


def test_episode_ends_with_what_belongs_to_it() -> None:
    def seconds(stopped: float) -> float:
        tasks = (
            task(1, "worker1", "shutdown", OLD, -900, stopped, began=at(-899)),
            task(1, "worker1", "running", NEW, 0, 5),
        )
        return episodes(replace(UPDATED, tasks=tasks))[-1].seconds

    assert seconds(60) == 60
    # A minute and a half after the last of it, or before the first, and no more.
    assert (seconds(95), seconds(95.5)) == (95, 5)
    assert (seconds(-90), seconds(-90.5)) == (95, 5)


@pytest.mark.parametrize(
    ("apart", "many"),
    [(90.0, 1), (90.5, 2)],
)
def test_episodes_are_apart_from_a_minute_and_a_half_on(apart: float, many: int) -> None:
    tasks = [task(slot, "a", "shutdown", OLD, -600, slot) for slot in (1, 2)]
    tasks += [task(1, "a", "running", NEW, 0, 2), task(2, "a", "running", NEW, apart, apart + 2)]
    assert len(episodes(replace(UPDATED, tasks=tuple(tasks)))) == many


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("failed", "recovery"),
        ("rejected", "recovery"),
        ("orphaned", "recovery"),
        ("complete", "recovery"),
        ("shutdown", "replaced"),
        ("remove", "replaced"),
    ],
)
def test_episode_kinds_of_tasks_of_the_same_image(state: str, kind: str) -> None:
    tasks = (task(1, "a", state, NEW, -60, 2), task(1, "a", "running", NEW, 1, 4))
    (episode,) = episodes(replace(UPDATED, tasks=tasks))
    assert (episode.kind, episode.images) == (kind, (NEW, NEW))


def test_markdown_of_the_sample_says_all_of_it() -> None:
    text = to_markdown(replace(REPORT, seen=replace(REPORT.seen, waited=3.0)))
    assert text.startswith(
        "# Report: course\n\n2026-11-24T12:00:00+00:00, 12 s. **0 of 4 points, 2 could not be judged; "
    )
    for line in (
        " It took 12 s. 3 s of that were Swarm's own delays",
        "| Exercise | Points | |" if len(REPORT.exercises()) > 1 else "## Load balancing: 0 of 4 points",
        "| verdict | points |".title().replace("Points |", "Points | What must be true | Node |"),
        "- **FAIL**: As many tasks of the service run as the exercise asks for.",
        "  - seen: 1 of 2 run;",
        "  - try: On manager: docker service ps",
        "## Not applicable here: the kernel has no IPVS",
        "| n/a | -/4 | The published port is open. |  |",
        "## Requests during live tests",
        "- Load balancing: 1240 requests in 14.2 s",
        f"Evidence: digest `{'5f' * 32}`",
    ):
        assert line in text, line
    assert "\n\n\n" not in text.replace("\n\n\n##", "")


def test_json_of_another_schema_is_refused() -> None:
    for content in ({"schema": "labgen.evidence", "version": 4}, {"version": 4}, [], "x"):
        with pytest.raises(ValueError, match="no labgen report"):
            reports.from_json(json.dumps(content))
    for version in (0, reports.VERSION + 1, "4", None):
        with pytest.raises(ValueError, match="has version"):
            reports.from_json(json.dumps({"schema": "labgen.report", "version": version}))


def test_page_begins_with_three_failures_and_no_more() -> None:
    failures = tuple(replace(FAILED, id=f"web.two[{number}]", claim=f"Claim {number}.") for number in range(5))
    begin = to_html(replace(REPORT, checks=failures)).partition('class="begin"')[2].partition("</section>")[0]
    assert begin.count("<li>") == 3


def test_page_tells_the_twelve_newest_episodes() -> None:
    tasks = [
        task(1, "a", "shutdown", NEW, number * 1000, number * 1000 + 999, began=at(number * 1000))
        for number in range(15)
    ]
    page = to_html(replace(REPORT, seen=replace(REPORT.seen, services=(replace(UPDATED, tasks=tuple(tasks)),))))
    assert page.count('<figure class="timeline">') == 12
    assert page.index("2026-11-24 12:49:59 UTC") < page.index("2026-11-24 15:53:19 UTC")
    assert "12:33:19 UTC" not in page


def test_text_folds_blank_lines_and_has_no_blanks_at_the_end() -> None:
    text = reports.to_text(replace(REPORT, lab=NASTY))
    assert "\n\n\n" not in text
    assert all(line == line.rstrip() for line in text.splitlines())
    assert text.endswith(".\n")


def test_text_tells_of_a_claim_only_where_it_does_not_hold() -> None:
    part = (
        replace(PASSED, id="web.up[a]"),
        replace(PASSED, id="web.up[b]", verdict=Verdict.BLOCKED, got=0, seen="needs a"),
    )
    text = reports.to_text(replace(REPORT, checks=part))
    assert "b: needs a" in text
    assert "a: " not in text.replace("needs a", "")


TOO_SMALL = outcome("quorum.lost", Verdict.NOT_APPLICABLE, 3, "A majority is lost.", "it takes three managers")
SAYS_THE_SAME = outcome("web.open", Verdict.FAIL, 1, "It listens.", ELSEWHERE.seen)


def test_markdown_lists_what_is_not_applicable_under_its_reason() -> None:
    report = replace(REPORT, checks=(ELSEWHERE, TOO_SMALL, SAYS_THE_SAME))
    _, mesh, managers = to_markdown(report).split("## Not applicable")
    for part, reason, claim in ((mesh, ELSEWHERE.seen, "It is open"), (managers, TOO_SMALL.seen, "A majority is lost")):
        heading, *rows = [line for line in part.splitlines() if line]
        assert heading.endswith(f": {reason}")
        assert [row.split(" | ")[2].rstrip(".") for row in rows[2:3]] == [claim]
        assert "It listens" not in part
        assert len([row for row in rows if " | -/" in row]) == 1


@pytest.mark.parametrize(("checks", "told"), [((ELSEWHERE,), 0), ((ELSEWHERE, TOO_SMALL), 1)])
def test_text_tells_the_reason_beside_what_is_not_applicable_if_there_are_several(
    checks: tuple[Outcome, ...], told: int
) -> None:
    lines = [line.strip() for line in to_text(replace(REPORT, checks=checks)).splitlines()]
    assert lines.count(ELSEWHERE.seen) == told


def test_text_ends_with_a_table_of_what_every_exercise_came_to() -> None:
    rolled = outcome("rollback.paused", Verdict.FAIL, 2, "It paused.", "it did not")
    opened = outcome("web.open", Verdict.PASS, 3, "It listens.")
    report = replace(REPORT, checks=(rolled, opened, SAYS_THE_SAME), titles={"web": "Load balancing"}, seen=Seen())
    lines = [line.rstrip() for line in to_text(report).splitlines() if line.strip(" ─")]
    start = next(number for number, line in enumerate(lines) if line.startswith(" Exercise"))
    assert lines[start:-1] == [
        " Exercise               Points   pass   fail",
        " rollback                  0/2             1",
        " web · Load balancing      3/4      1      1",
        " total                     3/6      1      2",
    ]
