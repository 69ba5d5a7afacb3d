"""Asking a node for its facts: everything that a bootstrap decides by, or that checks ask for, in one script."""

from __future__ import annotations

import re
import time as clock
from collections.abc import Iterable, Mapping
from typing import Any

from labgen.core.errors import NodeError
from labgen.docker.api import as_json, as_object, ask_command, moment, part, reading, text_of
from labgen.docker.question import Ask, NodeAccess, Question
from labgen.docker.swarm import LocalSwarm
from labgen.observation import older_facts
from labgen.observation.commands import Commands
from labgen.observation.node_facts import FOR_BOOTSTRAP, PREFETCHED, NodeFacts
from labgen.transport.replay import NotRecorded

# The engine is not asked where it does not run: its socket is systemd's, and asking would start it. The commands come
# last: what they print is no section.
_SCRIPT = r"""
export LC_ALL=C.UTF-8
section() { printf '\n@@%s\n' "$1"; }
section hostname; hostname
section engine; pidof dockerd >/dev/null && echo runningINFO
section answers; COMMANDS
section end; true
"""

_RUNNING = re.compile(r"(?m)^@@engine\nrunning$")
_ANSWERS = "\n@@answers\n"
_SILENT = "\n000\n"
"""What curl prints of an engine that gives no answer."""


def script(commands: Commands, within: float) -> str:
    """Compose the script with which a person asks a node.

    :param within: seconds the engine has for its answer.
    """
    engine = ask_command(["/info"], within=max(1, round(within)))
    return _script(commands, f" && {{ section info; {engine}; }}")


def _script(commands: Commands, info: str) -> str:
    return _SCRIPT.replace("INFO", info).replace("COMMANDS", commands.script.strip())


def question(commands: Commands, within: float, arrivals: list[float] | None = None) -> Question:
    """Make the question for a node's facts.

    :param within: seconds the engine has for its answer.
    :param arrivals: to it is added when the node's answer had come, before its engine is asked.
    """

    def answer(node: NodeAccess) -> str:
        text = node.run(_script(commands, ""))
        if arrivals is not None:
            arrivals.append(clock.time())
        head, heading, tail = text.partition(_ANSWERS)
        if not _RUNNING.search(head):
            return text
        try:
            info = node.engine(["/info"], max(1, round(within)))
        except NodeError:
            info = _SILENT
        return f"{head}\n@@info\n{info}{heading}{tail}"

    return Question(script(commands, within), answer)


def read(ask: Ask, name: str, names: Iterable[str], within: float = 20.0) -> NodeFacts:
    """Ask a node everything at once that checks ask for.

    :param ask: puts a question to it.
    :param name: the node, for the error.
    :param names: of the lab's nodes.
    :param within: seconds the engine has for its answer, and three times what the commands have.
    :raises NodeError: it does not answer, or not in a way that can be read.
    """
    commands = Commands.of(PREFETCHED, within / 3)
    try:
        text = ask(question(commands, within))
    except NotRecorded:
        text = ask(older_facts.question(names, within))
    return parse(text, name, commands)


def read_for_bootstrap(ask: Ask, name: str, within: float) -> NodeFacts:
    """Ask a node everything at once that a bootstrap decides by.

    :param ask: puts a question to it.
    :param name: the node, for the error.
    :param within: seconds that the commands have.
    :raises NodeError: it does not answer, or not in a way that can be read.
    """
    commands = Commands.of(FOR_BOOTSTRAP, within)
    arrivals: list[float] = []
    text = ask(question(commands, 30, arrivals))
    return parse(text, name, commands, arrivals[-1] if arrivals else clock.time())


def parse(text: str, name: str, commands: Commands, arrived: float = 0.0) -> NodeFacts:
    """Read what the script printed.

    :param arrived: when it came, by this computer's clock, in seconds since 1970.
    :raises NodeError: it cannot be read.
    """
    body, end, _ = text.rpartition("\n@@end")
    head, heading, tail = body.partition(_ANSWERS)
    sections = split_sections(head)
    if not end:
        raise NodeError(
            f"{name}: its answer is cut short: {text.strip()[-200:] or 'nothing'}", "Run the same command again."
        )
    with reading(name):
        answers = commands.answers(tail) if heading else older_facts.answers(sections)
        running = "running" in sections["engine"]
        info = read_info(sections.get("info", ""), f"{name}: /info")
        return NodeFacts(
            name=name,
            hostname=sections["hostname"].strip(),
            answers=answers,
            engine_running=running,
            engine_version=text_of(info, "ServerVersion"),
            engine_silent=f"{name}: its engine runs, but does not answer." if running and info is None else "",
            local_swarm=LocalSwarm.of(part(info or {}, "Swarm")),
            time=moment(info or {}, "SystemTime"),
            arrived=arrived,
        )


def split_sections(text: str) -> Mapping[str, str]:
    """Split what a script printed at its headings, ``@@hostname``."""
    parts = re.split(r"(?m)^@@(\w+)$\n?", text)
    return {parts[place]: parts[place + 1].strip("\n") for place in range(1, len(parts) - 1, 2)}


def read_info(answer: str, where: str) -> Mapping[str, Any] | None:
    """Read what an engine answered to ``/info``, with the HTTP status after it; ``None`` where it gave no answer.

    :param where: what gave it, for the error.
    :raises NodeError: it is no JSON object.
    """
    # The status is 000 where the engine gave no answer in time.
    lines = [line for line in answer.split("\n") if line.strip()]
    if len(lines) != 2 or lines[1].strip() != "200":
        return None
    return as_object(as_json(lines[0], where), where)
