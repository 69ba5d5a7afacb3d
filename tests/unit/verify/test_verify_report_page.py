"""The report as a page and as JUnit XML, and the drawings on it: what stands where, and that nothing breaks out."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_report import NASTY, NEW, OLD, REPORT, UPDATED, at, outcome, task

from labgen import report as reports
from labgen.exercise.hint import Advice, Stage
from labgen.exercise.verdict import Verdict
from labgen.report import Outcome, Report, Seen, SeenAnswer, SeenNode, SeenProbe, SeenRequests, SeenService, SeenStretch
from labgen.report.as_html import _first as first_of
from labgen.report.as_html import _moment as moment
from labgen.report.as_html import advice, to_html
from labgen.report.as_junit import to_junit
from labgen.report.as_markdown import to_markdown
from labgen.report.drawing import CHIPS, cards, probes, spreads, timeline
from labgen.report.episodes import episodes

VOID = {"meta", "img", "br", "hr", "input", "link"}


class Page(HTMLParser):
    """Reads a page: which tags it has, what its text is, and that every tag that opens closes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data


def test_page_tells_everything() -> None:
    page = Page(to_html(REPORT))
    text = " ".join(page.text.split())
    assert page.open == []
    for phrase in (
        "Some of it could not be judged",
        REPORT.closing,
        "its engine says inactive",
        "docker service scale web-alb=2",
        "laptop",
        "not of this lab · down",
        "Update of my-database redis:6.0-alpine → redis:6.2.5-alpine",
        "Recovery of my-database",
        "gap 2.5 s",
        "<h1>Hi Docker Swarm 1</h1> × 19",
        "1240 requests in 14.2 s, 3 lost (0.24 %)",
        "the kernel has no IPVS",
        "5f5f5f",
    ):
        assert phrase in text, phrase


def test_page_gives_each_command_whole_in_a_block_of_its_own() -> None:
    command = "docker service create --name web --constraint node.role==worker --publish 8001:80 nginx"
    hint = Advice(words="It is <gone>.", where="On manager:", commands=(command, 'echo "<b>" && ls'))
    text = to_html(replace(REPORT, checks=tuple(replace(check, hints=(hint,)) for check in REPORT.checks)))
    assert f'<pre class="command"><code>{command}</code></pre>' in text
    assert '<pre class="command"><code>echo &#34;&lt;b&gt;&#34; &amp;&amp; ls</code></pre>' in text
    assert re.search(r"\.command code \{[^}]*white-space: pre;", text)
    assert Page(text).open == []


BAD = outcome("web.gone", Verdict.FAIL, 2, "It is there.", "nothing is there")


def test_page_has_the_place_and_the_commands_of_a_hint_behind_a_click_each() -> None:
    hint = Advice("It is gone.", "See whether it is there.", "On manager:", ("docker ps",), "This lists it.")
    text = to_html(replace(REPORT, checks=(replace(BAD, hints=(hint,)),)))
    # Once where to begin, and once with its claim.
    assert text.count("It is gone.") == text.count("On manager:") == text.count("docker ps") == 2
    outside = re.sub(r"(?s)<details class=\"hint\"><summary>where</summary>.*?</details>\s*</details>", "", text)
    assert "See whether it is there." in outside
    assert not [word for word in ("On manager:", "docker ps", "This lists it.") if word in outside]
    place = re.search(r"(?s)<summary>where</summary>(.*?)<details class=\"hint\"><summary>commands</summary>", text)
    assert place is not None
    assert "On manager:" in place[1]
    assert "docker ps" not in place[1]
    assert Page(text).open == []
    # Paper opens what is folded; not the hints.
    assert "details:not(.hint)::details-content { content-visibility: visible;" in text
    korean = to_html(replace(REPORT, language="ko", checks=(replace(BAD, hints=(hint,)),)))
    assert "<summary>확인할 곳</summary>" in korean
    assert "<summary>명령</summary>" in korean


def test_page_has_commands_without_a_place_behind_one_click() -> None:
    hint = Advice("It is gone.", commands=("docker ps",))
    text = to_html(replace(REPORT, checks=(replace(BAD, hints=(hint,)),)))
    outside = re.sub(r"(?s)<details class=\"hint\"><summary>commands</summary>.*?</details>", "", text)
    assert "docker ps" in text
    assert "docker ps" not in outside
    assert "<summary>where</summary>" not in text


def test_page_speaks_korean() -> None:
    text = to_html(replace(REPORT, language="ko"))
    assert '<html lang="ko">' in text
    for phrase in ("여기부터 시작하세요", "클러스터", "my-database 업데이트", "공백 2.5초", "해 볼 것"):
        assert phrase in text, phrase


def test_page_loads_and_runs_nothing() -> None:
    text = to_html(REPORT)
    page = Page(text)
    assert page.tags & {"script", "img", "link", "iframe", "object", "base", "form", "image", "use"} == set()
    assert not {attribute for attribute in page.attributes if attribute.startswith("on")} | (
        page.attributes & {"src", "style", "action"}
    )
    assert "default-src 'none'" in text
    # These two do not follow from default-src.
    assert "base-uri 'none'" in text
    assert "form-action 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
    assert re.findall(r"(?:href=\")(?!#)", text) == []


def _with(text: str) -> reports.Report:
    """The sample with a text in every place that a learner, a node or a page can fill."""
    cleaned = reports.clean(text)
    node = SeenNode("id-worker1", cleaned, cleaned, cleaned, cleaned, True, cleaned, cleaned)
    service = replace(UPDATED, name=cleaned, mode=cleaned, image=cleaned, ports=(cleaned,), update_state=cleaned)
    service = replace(
        service,
        tasks=tuple(replace(old_task, image=cleaned, error=cleaned, node=cleaned) for old_task in service.tasks),
    )
    requests = SeenRequests(cleaned, cleaned, 80, (SeenAnswer(200, cleaned, 2), SeenAnswer(0, cleaned, 1)))
    return replace(
        REPORT,
        lab=cleaned,
        titles={"web": f"title {cleaned}"},
        nodes=(replace(REPORT.nodes[0], name=cleaned, address=cleaned),),
        checks=tuple(
            replace(
                check,
                seen=cleaned,
                hint=cleaned,
                claim=cleaned,
                node=cleaned,
                hints=(Advice(cleaned, cleaned, cleaned, (cleaned,), cleaned),),
            )
            for check in REPORT.checks
        ),
        seen=Seen(cleaned, (node,), (service,), (requests,)),
        started=cleaned,
        not_begun=(cleaned,),
    )


NASTY_TEXTS = st.one_of(
    st.text(),
    st.sampled_from([NASTY, "</title><script>alert(1)</script>", "{{7*7}}{% raw %}", "]]>", "\x1b[2J\x00\ud800"]),
)
PLAIN = Page(to_html(_with("x")))


@given(NASTY_TEXTS)
def test_page_nothing_breaks_out_of_the_page(text: str) -> None:
    page = Page(to_html(_with(text)))
    assert page.open == []
    assert page.tags <= PLAIN.tags | {"code"}
    assert page.attributes <= PLAIN.attributes


@given(NASTY_TEXTS)
def test_page_nothing_breaks_out_of_the_other_forms(text: str) -> None:
    report = _with(text)
    root = ElementTree.fromstring(to_junit(report, hints=Stage.COMMAND).encode())
    assert len(root.findall(".//testcase")) == len(report.checks)
    assert "\x1b" not in reports.to_text(report, hints=Stage.COMMAND)
    # In a block of code everything is text; nothing in a command ends its block.
    outside, blocks = re.subn(r"(?ms)^    (`{3,})sh\n    [^\n]*\n    \1$", "", to_markdown(report, hints=Stage.COMMAND))
    unmet = [check for check in report.checks if check.applicable and check.verdict is not Verdict.PASS]
    assert blocks == sum(len(check.hints) for check in unmet)
    assert not re.search(r"<[a-z/]", outside)
    assert reports.from_json(reports.to_json(report)) == report


def test_junit() -> None:
    root = ElementTree.fromstring(to_junit(REPORT).encode())
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7",
        "failures": "2",
        "errors": "1",
        "skipped": "2",
    }
    assert [suite.get("name") for suite in root] == ["cluster", "web"]
    failure = root.find(".//testcase[@name='swarm_active[worker3]']/failure")
    assert failure is not None
    assert failure.get("message") == "its engine says inactive"
    assert "try: On manager: docker swarm join-token worker" in (failure.text or "")
    cluster, web = (
        {entry.get("name"): entry.get("value") for entry in suite.findall("properties/property")} for suite in root
    )
    assert web == {"points": "4", "got": "0", "undecided": "2"}
    # The swarm itself earns none.
    assert cluster == {}
    assert root.findall(".//testcase[@classname='labgen.cluster']//property[@name='points']") == []


def _cluster(verdict: Verdict) -> Report:
    return replace(REPORT, checks=(outcome("cluster.up[w1]", verdict, 0, "It is up.", "it is down", "start it"),))


def test_page_tells_of_the_swarm_itself_in_one_line() -> None:
    page = to_html(_cluster(Verdict.PASS))
    assert '<p class="precondition pass"><a href="#exercise-cluster">cluster: 1 of 1 checks</a></p>' in page
    assert "<details>\n<summary><h2>" in page
    assert "The swarm is ready for the exercises" in Page(page).text
    # No ring and no table of points: none are at stake.
    assert 'class="ring"' not in page
    assert 'class="sums"' not in page


def test_page_shows_what_is_wrong_with_the_swarm_itself() -> None:
    page = to_html(_cluster(Verdict.FAIL))
    assert "<details open>\n<summary><h2>" in page
    text = Page(page).text
    assert "cluster: 0 of 1 checks" in text
    assert "it is down" in text


def test_page_has_the_ring_and_the_sums_of_the_exercises_alone() -> None:
    page = to_html(REPORT)
    assert '<text x="60" y="82" class="small">/ 4</text>' in page
    assert re.findall(r'<td><a href="#exercise-(\w+)">', page) == ["web"]


@pytest.mark.parametrize(
    ("hint", "commands"),
    [
        ("On a: docker node ls. Is it there?", ["docker node ls"]),
        (
            "On a: docker ps --no-trunc x; docker service scale x=2",
            ["docker ps --no-trunc x", "docker service scale x=2"],
        ),
        (
            "See what it has with `ip -brief address`; fab bootstrap.network",
            ["ip -brief address", "fab bootstrap.network"],
        ),
        (
            "manager에서: docker service update --image redis:6.2.5-alpine x",
            ["docker service update --image redis:6.2.5-alpine x"],
        ),
        ("Is the docker engine running?", []),
    ],
)
def test_commands_in_a_hint_are_told_apart(hint: str, commands: list[str]) -> None:
    parts = list(advice(hint))
    assert [part for part, command in parts if command] == commands
    assert "".join(part for part, _ in parts) == hint.replace("`", "")


def test_page_update_and_a_recovery_are_two_episodes() -> None:
    update, recovery = episodes(UPDATED)
    assert (update.kind, update.images, len(update.turns), update.missing) == ("update", (OLD, NEW), 3, 1)
    assert (recovery.kind, recovery.images, len(recovery.turns), recovery.longest_gap) == (
        "recovery",
        (NEW, NEW),
        1,
        6.4,
    )
    assert (update.places, recovery.places) == (3, 3)


def test_page_return_to_an_earlier_image_is_told_as_one() -> None:
    tasks = (
        task(1, "a", "shutdown", OLD, -60, 2),
        task(1, "a", "shutdown", NEW, 1, 9),
        task(1, "a", "running", OLD, 8, 10),
    )
    assert [episode.kind for episode in episodes(replace(UPDATED, tasks=tasks))] == ["update", "back"]


def test_page_two_updates_far_apart_are_two_episodes() -> None:
    tasks = [task(slot, "a", "shutdown", OLD, -600, slot * 1000) for slot in (1, 2)]
    tasks += [task(slot, "a", "running", NEW, slot * 1000 - 1, slot * 1000 + 2) for slot in (1, 2)]
    assert [len(episode.turns) for episode in episodes(replace(UPDATED, tasks=tuple(tasks)))] == [1, 1]


def test_page_timeline_is_drawn_to_scale() -> None:
    update, _ = episodes(UPDATED)
    drawn = timeline(update, REPORT.seen)
    # From 1 s to 12 s, and an eighth of that before and after: 13.64 s are the whole width.
    first = drawn.rows[0]
    assert (first.place, first.node) == ("1", "worker1")
    (gap,) = first.gaps
    assert gap.width == pytest.approx(100 * 2.5 / 13.64, abs=0.1)
    old, starting, new = first.bars
    assert (old.offset, starting.offset, new.offset + new.width) == (0.0, gap.offset, pytest.approx(100.0))
    assert starting.width == pytest.approx(gap.width, abs=0.02)
    assert [label for _, label in drawn.ticks] == ["0 s", "5 s", "10 s"]
    assert drawn.rows[2].bars[-1].kind == "bad"


def test_moments_that_make_no_sense_draw_nothing_and_break_nothing() -> None:
    odd = tuple(replace(old_task, created=at(0), since="yesterday") for old_task in UPDATED.tasks)
    none = tuple(replace(old_task, created="", since="") for old_task in UPDATED.tasks)
    naive = tuple(replace(old_task, created="2026-11-24T12:00:00") for old_task in UPDATED.tasks)
    for tasks in (odd, none, naive):
        for episode in episodes(replace(UPDATED, tasks=tasks)):
            timeline(episode, REPORT.seen)
    assert episodes(replace(UPDATED, tasks=none)) == []


def test_nodes_are_drawn_with_what_runs_there() -> None:
    drawn = {card.name: card for card in cards(REPORT)}
    assert list(drawn) == ["manager", "worker1", "worker2", "worker3", "laptop"]
    assert [chip.label for chip in drawn["worker1"].chips] == ["web-alb.1", "my-database.1", "my-database.3"]
    assert (drawn["worker3"].node, drawn["laptop"].stranger) == (None, True)


def test_ten_thousand_tasks_are_told_in_short() -> None:
    many = SeenService.of(_service(10_000))
    assert (many.running, len(many.tasks), many.left_out) == (10_000, 200, 9_800)
    report = replace(REPORT, seen=replace(REPORT.seen, services=(many,)))
    (card, *_) = [card for card in cards(report) if card.chips]
    assert len(card.chips) == CHIPS
    assert card.more == 200 - CHIPS
    assert len(to_html(report)) < 200_000


def _service(tasks: int):  # type: ignore[no-untyped-def]
    from labgen.report.episodes import as_service

    tasks_drawn = tuple(task(slot, "worker1", "running", NEW, slot, slot + 1) for slot in range(1, tasks + 1))
    return as_service(replace(UPDATED, tasks=tasks_drawn))


def test_page_spread_adds_up() -> None:
    drawn, legend = spreads(REPORT.seen.requests)
    for page in drawn:
        assert sum(part.width for part in page.stretches) == pytest.approx(100, abs=0.1)
    assert [(page.total, [part.times for part in page.stretches]) for page in drawn] == [
        (12, [7, 5]),
        (12, [12]),
        (12, [6, 3, 3]),
    ]
    assert {answer: times for answer, _, times in legend}["<h1>Hi Docker Swarm 1</h1>"] == 19
    assert legend[-1] == ("curl: (28) Connection timed out", -1, 3)


def test_page_address_that_nobody_answered_at_is_drawn() -> None:
    report = replace(REPORT, seen=Seen(requests=(SeenRequests("manager", "10.0.2.101", 8001, ()),)))
    assert "no answer" in Page(to_html(report)).text


def test_page_run_of_nothing_is_a_page_too() -> None:
    empty = replace(REPORT, checks=(), seen=Seen(), nodes=(), evidence=None, not_begun=())
    assert "Nothing was graded" in Page(to_html(empty)).text


def test_page_check_that_passed_everywhere_names_its_nodes_once() -> None:
    passed = tuple(outcome(f"cluster.up[w{at}]", Verdict.PASS, 1, "It is up.") for at in range(20))
    page = Page(to_html(replace(REPORT, checks=passed)))
    assert page.text.count("It is up.") == 1
    assert "20 × holds" in page.text


def test_page_what_failed_is_where_to_begin_and_then_what_could_not_be_judged() -> None:
    unclear = outcome("a.first", Verdict.INCONCLUSIVE, 1, "It is first.", "gone", "labgen status")
    without = outcome("a.second", Verdict.INCONCLUSIVE, 1, "It is second.", "needs a.first")
    failed = outcome("a.third", Verdict.FAIL, 1, "It is third.", "it is not", "docker node ls")
    text = to_html(replace(REPORT, checks=(unclear, without, failed)))
    begin = Page(text[text.index('class="begin"') :].partition("</section>")[0]).text
    assert re.findall(r"It is \w+", begin) == ["It is third", "It is first"]


def test_page_probe_is_drawn_in_time_and_a_single_lost_request_is_seen() -> None:
    probe = SeenProbe(
        "web",
        "manager",
        8001,
        requests=100,
        lost=1,
        longest=0.0,
        spell=0.0,
        seconds=10.0,
        stretches=(
            SeenStretch("10.0.2.101", 200, 49, 0.0, 5.0),
            SeenStretch("10.0.2.101", 0, 1, 5.0, 5.001),
            SeenStretch("10.0.2.101", 200, 50, 5.001, 10.0),
        ),
    )
    (drawn,) = probes([probe])
    (strip,) = drawn.strips
    assert [(bar.kind, bar.offset) for bar in strip.bars] == [("run", 0.0), ("run", 50.01), ("error", 50.0)]
    assert strip.bars[-1].width == pytest.approx(0.4)
    assert drawn.ticks[:2] == ((0.0, "0 s"), (20.0, "2 s"))


def test_page_request_lost_at_the_end_stays_within_the_drawing() -> None:
    stretch = SeenStretch("10.0.2.101", 0, 1, 9.999, 10.0)
    (drawn,) = probes([SeenProbe("web", "manager", 8001, 1, 1, 0.0, 0.0, 10.0, (stretch,))])
    (bar,) = drawn.strips[0].bars
    assert bar.offset + bar.width <= 100


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-24T12:00:00.25+00:00", "2026-11-24 12:00:00 UTC"),
        ("2026-11-24T12:00:00", "2026-11-24 12:00:00"),
        ("yesterday", "yesterday"),
    ],
)
def test_moment_is_shown_to_the_second_and_what_is_none_as_it_is(text: str, shown: str) -> None:
    assert moment(text) == shown


def test_page_shows_when_the_grading_began() -> None:
    assert "2026-11-24 12:00:00 UTC" in to_html(REPORT)


def test_page_begins_with_failures_that_have_advice() -> None:
    failed = outcome("web.open", Verdict.FAIL, 1, "It listens.", "nothing listens", "On manager: docker service ls")
    silent = replace(failed, id="web.silent", verdict=Verdict.INCONCLUSIVE)
    bare = replace(failed, id="web.bare", hint="")
    passed = replace(failed, id="web.right", verdict=Verdict.PASS)
    more = [replace(failed, id=f"web.more{number}") for number in range(3)]

    def begins(*checks: Outcome) -> list[str]:
        return [first.id for first in first_of(replace(REPORT, checks=checks))]

    assert begins(silent, bare, passed, failed) == ["web.open", "web.silent"]
    assert begins(failed, *more) == ["web.open", "web.more0", "web.more1"]
    assert begins(bare, passed) == []
