"""What an engine's events still tell of services that are gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from labgen.core.errors import NodeError
from labgen.docker import events
from tests.scripted_node import ScriptedNode

STARTED = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_traces_name_services_that_were_removed_and_those_of_containers() -> None:
    traces = events.read(
        f"engine runs since {int(STARTED.timestamp())}\n"
        '{"Type":"service","Action":"remove","Actor":{"Attributes":{"name":"web"}}}\n'
        '{"Type":"container","Action":"destroy","Actor":{"Attributes":{"name":"x","com.docker.swarm.service.name":"db"}}}\n'
        '{"Type":"container","Action":"destroy","Actor":{"Attributes":{"name":"alone"}}}\n'
        "{not JSON\n"
        "Error: nothing\n"
    )
    assert traces == events.Traces(frozenset({"web", "db"}), STARTED)


def test_traces_are_lines_also_with_other_line_separators_in_them() -> None:
    event = '{"Type":"service","Actor":{"Attributes":{"name":"web","note":"a\u0085b\u2028c"}}}'
    assert events.read(f"engine runs since 1\n{event}\n").services == {"web"}


def test_traces_of_nothing_are_of_an_engine_that_always_ran() -> None:
    assert events.read("") == events.Traces(frozenset(), datetime.fromtimestamp(0, UTC))


@pytest.mark.parametrize(("later", "forgotten"), [(-10, False), (0, False), (2, False), (2.5, True)])
def test_traces_are_forgotten_where_the_engine_was_started_later(later: float, forgotten: bool) -> None:
    traces = events.Traces(frozenset(), STARTED + timedelta(seconds=later))
    assert traces.forgotten(STARTED) is forgotten


def test_traces_are_asked_for_from_a_whole_second_on() -> None:
    script = events.script(STARTED + timedelta(seconds=0.9))
    assert f"--since {int(STARTED.timestamp())} " in script
    assert "SINCE" not in script


def test_traces_are_asked_of_the_engine_itself() -> None:
    event = '{"Type":"service","Action":"remove","Actor":{"Attributes":{"name":"web"}}}'
    since, now = int(STARTED.timestamp()), int(STARTED.timestamp()) + 60
    filters = '{"type": ["service", "container"], "event": ["remove", "destroy"]}'
    path = f"/events?since={since}&until={now}&filters={filters}"
    node = ScriptedNode({"pidof -s dockerd": f"engine runs since {since}\n{now}\n"}, {path: f"{event}\n{event}"})
    question = events.question(STARTED)
    assert question.script == events.script(STARTED)
    assert events.read(question.answer(node)) == events.Traces(frozenset({"web"}), STARTED)
    assert events.read(question.answer(ScriptedNode(node.shell, {path: ""}))).services == frozenset()
    with pytest.raises(NodeError):
        question.answer(ScriptedNode(node.shell, {path: 500}))
