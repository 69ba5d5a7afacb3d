"""A node's own answer, read."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from labgen.core.errors import NodeError
from tests.scripted_node import ScriptedNode
from verify import facts
from verify.facts import Link, Listener

TEXT = (Path(__file__).parents[1] / "recorded_swarm" / "node.txt").read_text(encoding="utf-8")


def test_a_recorded_node() -> None:
    node_facts = facts.parse(TEXT, "m")
    assert node_facts.hostname == "swarm-manager"
    assert node_facts.link("08:00:27:00:02:65") == Link("eth1", "08:00:27:00:02:65", True, ("10.0.2.101",))
    assert node_facts.link("08:00:27:ff:ff:ff") is None
    assert node_facts.names["swarm-worker2"] == ("10.0.2.103",)
    assert (node_facts.engine_running, node_facts.engine_version, node_facts.swarm.address) == (
        True,
        "20.10.24+dfsg1",
        "10.0.2.101",
    )
    assert node_facts.listens("tcp", 2377, "10.0.2.101")
    assert node_facts.listens("udp", 7946, "10.0.2.101")
    assert not node_facts.listens("tcp", 4789, "10.0.2.101")
    assert node_facts.listening(4789) == "on port 4789 there is udp 0.0.0.0:4789"
    assert node_facts.listening(80) == "on port 80 there is nothing"


@pytest.mark.parametrize(
    ("line", "listener"),
    [
        ("tcp   LISTEN 0  4096  10.0.2.101:2377  0.0.0.0:*", Listener("tcp", "10.0.2.101", 2377)),
        ("tcp   LISTEN 0  128   [::]:22  [::]:*", Listener("tcp", "::", 22)),
        ("udp   UNCONN 0  0     127.0.0.53%lo:53  0.0.0.0:*", Listener("udp", "127.0.0.53", 53)),
        ("udp   UNCONN 0  0     [fe80::1]%eth0:546  [::]:*", Listener("udp", "fe80::1", 546)),
    ],
)
def test_lines_of_ss(line: str, listener: Listener) -> None:
    head, _, rest = TEXT.partition("@@sockets\n")
    node_facts = facts.parse(f"{head}@@sockets\n{line}\n\n@@names{rest.partition('@@names')[2]}", "m")
    assert node_facts.listeners == {listener}


@pytest.mark.parametrize(
    ("bound", "reached"),
    [("10.0.2.101", True), ("0.0.0.0", True), ("*", True), ("::", True), ("127.0.0.1", False), ("10.0.2.10", False)],
)
def test_which_listeners_an_address_reaches(bound: str, reached: bool) -> None:
    assert Listener("tcp", bound, 1).reached_at("10.0.2.101") is reached


def test_no_engine() -> None:
    text = TEXT.partition("running")[0] + "\n@@end\n"
    node_facts = facts.parse(text, "m")
    assert (node_facts.engine_running, node_facts.swarm.state, node_facts.swarm.active) == (False, "inactive", False)


def test_an_engine_that_gives_no_answer_in_time() -> None:
    node_facts = facts.parse(TEXT.partition("@@info\n")[0] + "@@info\n\n000\n\n@@end\n", "m")
    assert (node_facts.hostname, node_facts.engine_running) == ("swarm-manager", True)
    with pytest.raises(NodeError, match="m: its engine runs, but does not answer"):
        _ = node_facts.swarm


@pytest.mark.parametrize("text", ["", "Last login: today\n", TEXT.partition("@@end")[0]])
def test_an_answer_that_is_cut_short(text: str) -> None:
    with pytest.raises(NodeError, match="m: its answer is cut short"):
        facts.parse(text, "m")


def test_an_answer_that_cannot_be_read() -> None:
    with pytest.raises(NodeError, match="`ip -json address` cannot be read"):
        facts.parse(TEXT.replace('[{"ifindex"', '1: lo: [{"ifindex"'), "m")


def test_the_script_quotes_names_and_leaves_a_stopped_engine_alone() -> None:
    script = facts.script(["a b", "$(reboot)"], 20)
    assert f"for name in {shlex.join(['a b', '$(reboot)'])}; do" in script
    # systemd listens on the engine's socket: to ask a stopped engine would start it.
    assert "pidof dockerd >/dev/null && echo running && { section info; curl" in script


def asked(engine: object) -> facts.NodeFacts:
    """The facts of a recorded node whose engine answers so."""
    shell, info, _ = TEXT.partition("\n@@info\n")
    node = ScriptedNode({"section hostname": f"{shell}\n@@end\n" if info else TEXT}, {"/info": engine})
    return facts.read(lambda question: question.answer(node), "m", ["m"])


def test_question_asks_the_engine_itself() -> None:
    info = json.loads(TEXT.partition("\n@@info\n")[2].splitlines()[0])
    assert asked(info) == facts.parse(TEXT, "m")


@pytest.mark.parametrize("answer", [NodeError("no answer", ""), 500])
def test_question_tells_of_an_engine_that_is_silent(answer: object) -> None:
    assert asked(answer).engine_silent == "m: its engine runs, but does not answer."


def test_question_is_recorded_as_the_script_that_asks_the_same() -> None:
    script = facts.question(["m"], 20).script
    assert script == facts.script(["m"], 20)
    assert "echo running && { section info; curl -sS -g --max-time 20 --unix-socket /var/run/docker.sock" in script
