"""What a node is like, as it says itself: everything that the checks of a node ask for, in one script."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from labgen.core.errors import NodeError
from labgen.docker.api import as_json, as_object, ask_command, moment, reading, text_of
from labgen.docker.question import Ask, NodeAccess, Question
from labgen.docker.swarm import LocalSwarm
from labgen.observation import older_facts
from labgen.observation.commands import INTERFACES, LISTENING_SOCKETS, CommandAnswer, Commands
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

PREFETCHED = (
    INTERFACES,
    LISTENING_SOCKETS,
    "test -d /run/systemd/system/",
    "systemctl is-active docker",
    # Last, because whoever is graded may have made of this file whatever does not end.
    "cat -- /etc/hosts",
)
"""The commands of testinfra's modules that the exercises' checks ask with; a test fails where one is missing here."""


@dataclass(frozen=True)
class NodeFacts:
    """What one node is like.

    :param answers: of the commands that were asked ahead; see :data:`PREFETCHED`.
    :param engine_running: there is an engine's process.
    :param engine_silent: how it failed to answer, as a sentence; empty where it answered, or does not run.
    :param time: the node's clock when its engine answered, ``None`` where it did not.
    """

    hostname: str
    answers: Mapping[str, CommandAnswer]
    engine_running: bool
    engine_version: str
    engine_silent: str
    local_swarm: LocalSwarm
    time: datetime | None = None

    @property
    def swarm(self) -> LocalSwarm:
        """Give the swarm as this node's engine sees it; inactive where no engine runs.

        :raises NodeError: an engine runs, but does not answer: nothing can be said.
        """
        if self.engine_silent:
            raise NodeError(self.engine_silent, "Look at it there: sudo journalctl -u docker")
        return self.local_swarm


def script(commands: Commands, within: float) -> str:
    """Compose the script with which a person asks a node.

    :param within: seconds the engine has for its answer.
    """
    engine = ask_command(["/info"], within=max(1, round(within)))
    return _script(commands, f" && {{ section info; {engine}; }}")


def _script(commands: Commands, info: str) -> str:
    return _SCRIPT.replace("INFO", info).replace("COMMANDS", commands.script.strip())


def question(commands: Commands, within: float) -> Question:
    """Make the question for everything that checks of a node ask for.

    :param within: seconds the engine has for its answer.
    """

    def answer(node: NodeAccess) -> str:
        text = node.run(_script(commands, ""))
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
    """Ask a node everything at once.

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


def parse(text: str, name: str, commands: Commands) -> NodeFacts:
    """Read what the script printed.

    :raises NodeError: it cannot be read.
    """
    body, end, _ = text.rpartition("\n@@end")
    head, heading, tail = body.partition(_ANSWERS)
    sections = split_sections(head)
    if not end:
        raise NodeError(f"{name}: its answer is cut short: {text.strip()[-200:] or 'nothing'}", "Grade again.")
    with reading(name):
        return _facts(sections, name, commands.answers(tail) if heading else older_facts.answers(sections))


def split_sections(text: str) -> Mapping[str, str]:
    """Split what a script printed at its headings, ``@@hostname``."""
    parts = re.split(r"(?m)^@@(\w+)$\n?", text)
    return {parts[place]: parts[place + 1].strip("\n") for place in range(1, len(parts) - 1, 2)}


def _facts(sections: Mapping[str, str], name: str, answers: Mapping[str, CommandAnswer]) -> NodeFacts:
    running = "running" in sections["engine"]
    answer = [line for line in sections.get("info", "").split("\n") if line.strip()]
    # The status is 000 where the engine gave no answer in time.
    answered = len(answer) == 2 and answer[1].strip() == "200"
    info = as_object(as_json(answer[0], f"{name}: /info"), f"{name}: /info") if answered else {}
    return NodeFacts(
        hostname=sections["hostname"].strip(),
        answers=answers,
        engine_running=running,
        engine_version=text_of(info, "ServerVersion"),
        engine_silent=f"{name}: its engine runs, but does not answer." if running and not answered else "",
        local_swarm=LocalSwarm.of(info.get("Swarm") or {}),
        time=moment(info, "SystemTime"),
    )
