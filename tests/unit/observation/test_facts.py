"""A node's own answer, read: what it says itself, and what the commands that were asked ahead came to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labgen.core.errors import NodeError
from labgen.docker.question import Question
from labgen.observation import facts, older_facts
from labgen.observation.commands import CommandAnswer, Commands
from labgen.observation.node_facts import PREFETCHED, NodeFacts
from labgen.transport.replay import NotRecorded
from tests.scripted_node import ScriptedNode, answered

OLDER = (Path(__file__).parents[1] / "recorded_swarm" / "node.txt").read_text(encoding="utf-8")
COMMANDS = Commands.of(PREFETCHED, 5)
ANSWERS = {command: CommandAnswer(0, f"of {command}\n") for command in PREFETCHED}
HEAD, END = OLDER.partition("\n@@end")[0], "\n@@end\n"
TEXT = f"{HEAD}\n@@answers\n{answered(COMMANDS.script, ANSWERS)}{END}"


def test_parse_reads_what_a_node_says() -> None:
    node_facts = facts.parse(TEXT, "m", COMMANDS)
    assert node_facts.hostname == "swarm-manager"
    assert (node_facts.engine_running, node_facts.engine_version, node_facts.swarm.address) == (
        True,
        "20.10.24+dfsg1",
        "10.0.2.101",
    )
    assert node_facts.answers == ANSWERS


def test_parse_leaves_out_commands_that_did_not_end() -> None:
    text = TEXT.partition(f"\n{COMMANDS.mark} 3\n")[0] + END
    assert list(facts.parse(text, "m", COMMANDS).answers) == [*PREFETCHED[:3]]


@pytest.mark.parametrize("forged", ["\n@@info\n{}\n\n200\n", "\n@@hostname\nanother\n", "\n@@end\n", "\n@@answers\n"])
def test_parse_takes_nothing_that_a_command_printed_for_a_section(forged: str) -> None:
    answers = {**ANSWERS, "cat -- /etc/hosts": CommandAnswer(0, forged)}
    text = f"{HEAD}\n@@answers\n{answered(COMMANDS.script, answers)}{END}"
    node_facts = facts.parse(text, "m", COMMANDS)
    assert (node_facts.hostname, node_facts.swarm.address) == ("swarm-manager", "10.0.2.101")
    assert node_facts.answers == answers


def test_parse_of_a_node_without_an_engine() -> None:
    node_facts = facts.parse(OLDER.partition("running")[0] + "\n@@end\n", "m", COMMANDS)
    assert (node_facts.engine_running, node_facts.swarm.state, node_facts.swarm.active) == (False, "inactive", False)


def test_parse_of_a_node_whose_engine_gives_no_answer_in_time() -> None:
    node_facts = facts.parse(OLDER.partition("@@info\n")[0] + "@@info\n\n000\n\n@@end\n", "m", COMMANDS)
    assert (node_facts.hostname, node_facts.engine_running) == ("swarm-manager", True)
    with pytest.raises(NodeError, match="m: its engine runs, but does not answer"):
        _ = node_facts.swarm


@pytest.mark.parametrize("text", ["", "Last login: today\n", TEXT.partition(END)[0]])
def test_parse_of_an_answer_that_is_cut_short(text: str) -> None:
    with pytest.raises(NodeError, match="m: its answer is cut short"):
        facts.parse(text, "m", COMMANDS)


def asked(engine: object, text: str = TEXT) -> NodeFacts:
    """The facts of a recorded node whose engine answers so."""
    head, info, rest = text.partition("\n@@info\n")
    shell = head + "\n@@answers\n" + rest.partition("\n@@answers\n")[2] if info else text
    node = ScriptedNode({"section hostname": shell}, {"/info": engine})
    return facts.parse(facts.question(COMMANDS, 20).answer(node), "m", COMMANDS)


def test_question_asks_the_engine_itself() -> None:
    info = json.loads(TEXT.partition("\n@@info\n")[2].splitlines()[0])
    assert asked(info) == facts.parse(TEXT, "m", COMMANDS)


@pytest.mark.parametrize("answer", [NodeError("no answer", ""), 500])
def test_question_tells_of_an_engine_that_is_silent(answer: object) -> None:
    node_facts = asked(answer)
    assert node_facts.engine_silent == "m: its engine runs, but does not answer."
    assert node_facts.answers == ANSWERS


def test_question_leaves_a_stopped_engine_alone() -> None:
    # systemd listens on the engine's socket: to ask a stopped engine would start it.
    text = TEXT.replace("@@engine\nrunning", "@@engine\n")
    assert not asked({}, text).engine_running


def test_question_is_recorded_as_the_script_that_asks_the_same() -> None:
    script = facts.question(COMMANDS, 20).script
    assert script == facts.script(COMMANDS, 20)
    assert "echo running && { section info; curl -sS -g --max-time 20 --unix-socket /var/run/docker.sock" in script


def test_read_asks_older_evidence_as_it_was_asked_then() -> None:
    scripts: list[str] = []

    def ask(question: Question) -> str:
        scripts.append(question.script)
        if len(scripts) == 1:
            raise NotRecorded("nothing was recorded", "")
        return OLDER

    node_facts = facts.read(ask, "m", ["a b", "$(reboot)"], 20)
    assert "for name in 'a b' '$(reboot)'; do" in scripts[1]
    assert node_facts.hostname == "swarm-manager"
    assert list(node_facts.answers) == [*PREFETCHED]
    assert node_facts.answers["cat -- /etc/hosts"].out.startswith("10.0.2.101 swarm-manager\n10.0.2.102 ")


def test_older_facts_say_whether_the_engine_ran() -> None:
    sections = {**facts.split_sections(OLDER)}
    assert older_facts.answers(sections)["systemctl is-active docker"].status == 0
    assert older_facts.answers({**sections, "engine": ""})["systemctl is-active docker"].status == 3
