"""The numbers of a report are possible: of all histories that a swarm can make, in every form, in both languages."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_report import NEW, OLD, REPORT, UPDATED, at, task

from labgen import report as reports
from labgen.core.i18n import Language
from labgen.docker.availability import Probed, Stretch
from labgen.docker.swarm import Service
from labgen.exercise.verdict import Verdict
from labgen.report import Report, Seen, SeenProbe, SeenService, SeenTask, words
from labgen.report.as_html import to_html
from labgen.report.as_junit import to_junit
from labgen.report.as_markdown import to_markdown
from labgen.report.drawing import Bar, probes, timeline
from labgen.report.episodes import Episode, episodes
from labgen.report.seen import SeenNode
from tests.histories import NODES, histories

LEGENDS = {"start": words.STARTING, "bad": words.ENDED_BADLY, "gap": words.EMPTY}


def of(service: Service) -> Report:
    """The sample report, of a lab with this service."""
    nodes = tuple(SeenNode(node, node, "worker", "ready", "active", False, "10.0.2.102", "27.3.1") for node in NODES)
    return replace(REPORT, seen=Seen(at(0), nodes, (SeenService.of(service),)))


def shown(page: str) -> str:
    """The text of a page, each piece of it in a line."""
    return html.unescape(re.sub(r"<[^>]+>", "\n", page.partition("</style>")[2]))


def assert_possible(text: str) -> None:
    for more, of_all in re.findall(r"(\d+) of (\d+)", text) + [
        (some, every) for every, some in re.findall(r"(\d+)(?:점|개) 중 (\d+)", text)
    ]:
        assert int(more) <= int(of_all), text
    assert not re.search(r"-\d+(\.\d+)? ?(s\b|초)", text), "a time below nothing"
    for share in re.findall(r"([\d.]+) ?%", text):
        assert 0 <= float(share) <= 100
    assert not re.search(r"\b(nan|inf)\b", text)


def assert_drawn_within(page: str) -> None:
    """Everything that is drawn on a page has its place within the width there is."""
    shares = re.findall(r'(?:width|x|x1|x2)="([^"]+)%"', page) + re.findall(r'dasharray="(\S+) 100"', page)
    assert len(shares) >= 4
    assert all(0 <= float(share) <= 100.02 for share in shares)


def test_page_draws_no_share_of_more_than_the_whole() -> None:
    passed = replace(REPORT.checks[-2], verdict=Verdict.PASS, got=3, points=4)
    page = to_html(replace(REPORT, checks=(*REPORT.checks, replace(passed, id="web.more", exercise="web"))))
    assert_drawn_within(page)
    # 3 of 8 points, and 2 that could not be judged.
    assert 'stroke-dasharray="37.5 100"' in page
    assert 'stroke-dasharray="25.0 100" stroke-dashoffset="-37.5"' in page
    assert 'class="got" width="37.5%"' in page


@given(histories())
def test_episodes_have_parts_that_are_no_more_than_the_whole(service: Service) -> None:
    for episode in episodes(SeenService.of(service)):
        assert len(episode.turns) >= 1
        assert episode.seconds >= 0
        assert episode.missing is None or 0 <= episode.missing <= len(episode.rows) <= episode.places
        assert 0 <= episode.undated <= len(episode.turns)
        for length in (episode.longest_gap, episode.overlap):
            assert length is None or 0 < length <= episode.seconds
        assert episode.overlap is None or episode.missing in (0, None)
        assert episode.undated == 0 or episode.missing is None


@given(histories())
def test_timeline_shows_every_new_task_and_explains_what_it_shows(service: Service) -> None:
    report = of(service)
    page = to_html(report)
    for episode in episodes(report.seen.services[0]):
        drawn = timeline(episode, report.seen)
        assert_within(bar for row in drawn.rows for bar in (*row.bars, *row.gaps))
        for row in drawn.rows:
            new = [turn.new for turn in episode.turns if turn.place == row.place]
            images = {task.image.partition("@")[0] for task in new}
            assert images <= {bar.label.partition(",")[0] for bar in row.bars}
        assert drawn.kinds <= {"run", *LEGENDS}
        assert [image for image, _ in drawn.images]
    for figure in re.findall(r'<figure class="timeline">.*?</figure>', page, re.S):
        kinds = set(re.findall(r'<rect class="(\w+) ', figure)) | set(re.findall(r'<line class="(gap)"', figure))
        legend = shown("</style>" + figure[figure.index('<p class="legend">') :])
        assert {kind for kind, word in LEGENDS.items() if str(word) in legend} == kinds - {"run"}


def assert_within(bars: object) -> None:
    for bar in bars:  # type: ignore[attr-defined]
        assert isinstance(bar, Bar)
        assert 0 <= bar.offset <= bar.offset + bar.width <= 100.01
        assert bar.width >= 0.39


@given(histories(), st.sampled_from(["en", "ko"]))
def test_report_tells_possible_numbers_in_every_form(service: Service, language: Language) -> None:
    report = replace(of(service), language=language)
    for text in (shown(to_html(report)), to_markdown(report), reports.to_text(report), to_junit(report)):
        assert_possible(text)
    assert_drawn_within(to_html(report))
    # What is read again tells the same.
    again = reports.from_json(reports.to_json(report))
    assert [words.episode(episode, language) for episode in episodes(again.seen.services[0])] == [
        words.episode(episode, language) for episode in episodes(report.seen.services[0])
    ]


@given(histories())
def test_service_runs_no_more_than_its_replicas(service: Service) -> None:
    service_seen = SeenService.of(service)
    number, _, rest = words.running(service_seen, "en").partition(" / ")
    assert int(number) <= (service_seen.running if service_seen.replicas is None else service_seen.replicas)
    assert (
        service_seen.replicas is None
        or int(number) + sum(map(int, re.findall(r", (\d+) more", rest))) == service_seen.running
    )


def test_service_tells_apart_what_runs_beside_its_replicas() -> None:
    assert words.running(replace(UPDATED, running=4), "en") == "3 / 3, 1 more"
    assert words.running(replace(UPDATED, running=4), "ko") == "3 / 3, 외 1개"
    assert words.running(replace(UPDATED, running=2), "en") == "2 / 3"
    assert words.running(replace(UPDATED, replicas=None, running=4), "en") == "4"


def place(slot: int, *tasks: tuple[str, str, float, float, str | None]) -> list[SeenTask]:
    """Tasks of a replica: state, image, when made, when they came into that state, when they began (as ISO 8601)."""
    return [task(slot, "worker1", *rest, began=began) for *rest, began in tasks]  # type: ignore[arg-type]


def episode_of(*tasks: SeenTask) -> Episode:
    (episode,) = episodes(replace(UPDATED, tasks=tuple(tasks)))
    return episode


def test_episode_of_an_update_that_starts_first_has_no_gap() -> None:
    tasks = [
        *place(1, ("shutdown", OLD, -60, 8.3, at(-59)), ("running", NEW, 4, 5, "")),
        *place(2, ("shutdown", OLD, -60, 14.3, at(-59)), ("running", NEW, 9, 10, "")),
    ]
    episode = episode_of(*tasks)
    assert (episode.longest_gap, episode.overlap, episode.missing) == (None, 3.3, 0)
    assert words.episode(episode, "en") == (
        "new tasks: 2, within 10.3 s; no gap: old and new tasks ran side by side for 3.3 s at least; "
        "no replica was missing"
    )
    assert words.episode(episode, "ko") == (
        "새 태스크 2개, 10.3초 동안; 공백 없음: 기존 태스크와 새 태스크가 적어도 3.3초 동안 함께 실행됨; "
        "중단된 복제본 없음"
    )


def test_episode_with_a_task_of_unknown_start_does_not_count_what_was_missing() -> None:
    episode = episode_of(
        *place(1, ("shutdown", NEW, -60, 2, ""), ("shutdown", NEW, 1, 9, ""), ("running", NEW, 9, 9.5, "")),
        *place(2, ("shutdown", NEW, -60, 2, ""), ("running", NEW, 1, 4.5, "")),
    )
    assert (episode.missing, episode.undated, episode.longest_gap) == (None, 1, 2.5)
    assert words.episode(episode, "en") == (
        "new tasks: 3, within 8.5 s; longest gap 2.5 s; the start of 1 is not known"
    )


def test_episode_of_five_tasks_in_a_place_counts_it_once() -> None:
    failing = [("failed", NEW, at_ * 5.0, at_ * 5.0 + 2, at(at_ * 5.0 + 1)) for at_ in range(4)]
    episode = episode_of(*place(1, *failing, ("running", NEW, 20, 21, "")))  # type: ignore[arg-type]
    assert (episode.missing, episode.longest_gap) == (1, 4.0)


def test_episode_knows_that_the_old_task_went_on_beside_one_that_never_ran() -> None:
    tasks = place(1, ("shutdown", NEW, -60, 30, at(-59)), ("failed", NEW, 1, 5, None), ("running", NEW, 6, 9, ""))
    *_, episode = episodes(replace(UPDATED, tasks=tuple(tasks)))
    assert (episode.missing, episode.longest_gap) == (0, None)


def test_episode_begins_when_a_drained_node_was_to_have_a_task_again() -> None:
    tasks = place(0, ("shutdown", NEW, -90_000, -80_000, at(-89_999)), ("running", NEW, 0, 2.5, ""))
    episode = episode_of(*tasks)
    assert (episode.longest_gap, episode.seconds) == (2.5, 2.5)


STRETCHES = st.builds(
    lambda address, status, count, start, length, slowest: Stretch(
        address, status, count, start, start + length, slowest
    ),
    st.sampled_from(["10.0.2.101", "10.0.2.102"]),
    st.sampled_from([0, 200, 503]),
    st.integers(1, 1000),
    st.floats(0, 60),
    st.floats(0, 30),
    st.floats(0, 30),
)


@given(st.lists(STRETCHES, min_size=1, max_size=12))
def test_probe_tells_parts_that_are_no_more_than_the_whole(stretches: list[Stretch]) -> None:
    probed = Probed(tuple(sorted(stretches, key=lambda stretch: stretch.start)))
    assert 0 <= probed.lost <= probed.requests
    assert 0 <= probed.spell <= probed.seconds + 1e-9
    assert 0 <= probed.silence <= probed.seconds + 1e-9
    probe = SeenProbe.of("web", "manager", 8001, probed)
    assert_possible(str(probed))
    assert_possible(words.probe(probe, "en"))
    (drawn,) = probes([probe])
    for bar in (bar for strip in drawn.strips for bar in strip.bars):
        assert 0 <= bar.offset <= bar.offset + bar.width <= 100.01


@pytest.mark.parametrize(("lost", "share"), [(0, "0 %"), (1, "0.01 %"), (200_000, "100.00 %")])
def test_probe_that_lost_some_never_lost_nothing_of_a_hundred(lost: int, share: str) -> None:
    probe = SeenProbe("web", "manager", 8001, 200_000, lost, 0.1, 0.1, 9.0, ())
    assert f"({share})" in words.probe(probe, "en")


def test_report_tells_one_time_only_where_an_older_one_tells_another() -> None:
    regraded = replace(REPORT, seconds=0.9, seen=replace(REPORT.seen, waited=12.6))
    assert "It took 13 s. 13 s of that" in regraded.took
    for text in (shown(to_html(regraded)), to_markdown(regraded)):
        assert re.search(r"(?<![\d.])13 s", text)
        assert not re.search(r"(?<![\d.])1 s\b(?! at most)", text.partition("Updates and recoveries")[0])


def test_episode_says_how_many_were_missing_of_how_many() -> None:
    update, recovery = episodes(UPDATED)
    assert words.episode(update, "en") == (
        "new tasks: 3, within 11.0 s; longest gap 2.5 s; at most 1 of 3 missing at once"
    )
    assert words.episode(update, "ko") == (
        "새 태스크 3개, 11.0초 동안; 최대 공백 2.5초; 동시에 중단된 복제본 최대 1개(전체 3개)"
    )
    assert words.episode(recovery, "en").startswith("new tasks: 1, within 6.4 s; longest gap 6.4 s; at most 1 of 3")
