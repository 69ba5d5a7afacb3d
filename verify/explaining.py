"""An explanation as text: the claim, what it needs, and each question to a node with its raw answer, in short."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import unquote

from labgen.core.i18n import Language, Text, _
from labgen.core.printable import printable
from labgen.docker import api
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import FIRST_STAGE, Stage, text_of, up_to
from labgen.exercise.verdict import Verdict
from labgen.observation.commands import CommandAnswer, Commands
from labgen.report import words
from labgen.report.model import Outcome
from labgen.transport.observation import Observation
from verify.checks import Check

_LINES, _MARKS, _SCRIPT = 16, 400, 3
"""Lines that are shown of one answer, characters of a line, and lines of a script; unless all is wanted."""

_NEEDS = _("needs")
_REQUIRES = _("nodes must have")
_NOT_GRADED = _("Nothing was graded yet: after `labgen grade` its evidence stands here.")
_NOT_LOOKED_AT = _("The last grading did not look at this. Grade it: labgen grade %(exercise)s")
_NOT_ASKED = _("No node was asked for it.")
_ASKED_AT = _("%(node)s, asked at %(at)s")
_ENGINE = _("its engine: %(path)s")
_CUT = _("(%(count)s characters more: --full)")
_NO_ANSWER = _("no answer: %(why)s")
_AMONG = _("%(count)s of %(all)s concern it:")


@dataclass(frozen=True)
class Explained:
    """A check, how it came out, and what that came from.

    :param needs: how the checks came out that it needs.
    :param behind: the answers it looked at.
    """

    about: Check
    outcome: Outcome
    needs: tuple[Outcome, ...]
    behind: tuple[Observation, ...]


def explanation_of(
    explanations: Sequence[Explained],
    started: datetime | None,
    language: Language,
    *,
    full: bool = False,
    hints: Stage = FIRST_STAGE,
) -> list[str]:
    """Give the explanation, line by line.

    :param explanations: the check, for each node it is made for.
    :param started: when the evidence was taken; ``None`` if there is none.
    :param full: without shortening answers.
    :param hints: how much of them is shown.
    """
    lines = (line for part in _parts(explanations, started, language, full, hints) for line in part.split("\n"))
    return [printable(line) for line in lines]


def _parts(
    explanations: Sequence[Explained], started: datetime | None, language: Language, full: bool, hints: Stage
) -> Iterator[str]:
    about = explanations[0].about
    yield f"{about.id}  ({words.worth(about.points, language)})" if about.points else about.id
    yield about.claim.in_(language)
    yield ""
    label = _Labels(language)
    needs = dict.fromkeys((need.id, need.claim, need.verdict) for explained in explanations for need in explained.needs)
    for check, claim, verdict in needs:
        graded = f"  [{words.VERDICTS[verdict].in_(language)}]" if started else ""
        yield label(_NEEDS, f"{check}: {claim}{graded}")
    if about.requires:
        yield label(_REQUIRES, ", ".join(about.requires))
    if started is None:
        yield ""
        yield _NOT_GRADED.in_(language)
        return
    for explained in explanations:
        outcome = explained.outcome
        if outcome.verdict is Verdict.INCONCLUSIVE and not explained.behind:
            yield _NOT_LOOKED_AT.in_(language, exercise=about.exercise)
            return
        where = f" ({outcome.part})" if outcome.part else ""
        yield label(words.VERDICT, words.VERDICTS[outcome.verdict].in_(language) + where)
        if outcome.seen:
            yield label(words.SEEN, outcome.seen)
    all_advice = [explained.outcome.advice for explained in explanations]
    for advice in dict.fromkeys(shown for hint in all_advice if (shown := up_to(hints, hint))):
        yield label(words.TRY, text_of(advice))
    if more := words.more_hints(hints, list(chain.from_iterable(all_advice)), language):
        yield f"  {more}"
    behind = list(
        {id(observation): observation for explained in explanations for observation in explained.behind}.values()
    )
    if not behind:
        yield ""
        yield _NOT_ASKED.in_(language)
    for observation in sorted(behind, key=lambda observation: observation.since):
        at = f"{started:%Y-%m-%d %H:%M:%S} UTC + {observation.since:.1f} s"
        yield ""
        yield _ASKED_AT.in_(language, node=observation.node, at=at)
        yield from (f"    {line}" for line in _probe(observation, about, language, full))


class _Labels:
    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, word: Text, text: str) -> str:
        first, *more = text.split("\n")
        return "\n".join([f"  {word.in_(self.language)}: {first}", *(f"      {line}" for line in more)])


def _probe(observation: Observation, about: Check, language: Language, full: bool) -> Iterator[str]:
    paths = [unquote(path) for path in re.findall(r"http://engine(\S+?)'?(?:\s|$)", observation.script)]
    engine_lines = [line for line in observation.out.split("\n") if line.strip()]
    if paths and len(engine_lines) == 2 * len(paths):
        mine = _Mine(about.exercise, engine_lines)
        for number, path in enumerate(paths):
            body, status = engine_lines[2 * number], engine_lines[2 * number + 1]
            yield f"$ {_ENGINE.in_(language, path=path)}  -> {status.strip()}"
            yield from _short(body if full else mine.part(path, body, language), language, full)
        return
    commands = Commands.read(observation.script)
    if commands is not None and commands.script == observation.script:
        sections, answers_text = "", observation.out
    else:
        sections, _heading, answers_text = observation.out.partition("\n@@answers\n")
        yield from _script(observation.script, full)
    if observation.error[0]:
        yield _NO_ANSWER.in_(language, why=observation.error[0])
    # A node's own facts come in sections, and each has something to say.
    for section in re.split(r"(?m)^(?=@@\w+$)", sections):
        answer = section.strip("\n")
        if answer and answer != "@@end":
            yield from _short(answer if full else _info(answer), language, full)
    if commands is not None:
        yield from _commands(commands.answers(answers_text.rpartition("\n@@end")[0] or answers_text), language, full)


def _script(script: str, full: bool) -> Iterator[str]:
    lines = script.strip().split("\n")
    shown = lines if full else lines[:_SCRIPT]
    yield from (f"$ {line}" for line in shown)
    if len(lines) > len(shown):
        yield "$ …"


def _commands(answers: Mapping[str, CommandAnswer], language: Language, full: bool) -> Iterator[str]:
    """Show commands that testinfra's modules asked with."""
    for command, answer in answers.items():
        yield f"$ {command}  -> {answer.status}"
        for text in (answer.out.rstrip("\n"), answer.error):
            if text:
                yield from _short(text, language, full)


def _info(section: str) -> str:
    """Give what is about the swarm, of what an engine says of itself."""
    heading, _, rest = section.partition("\n")
    if heading != "@@info":
        return section
    answer, *status = [line for line in rest.split("\n") if line]
    return "\n".join([heading, _picked(_json(answer), _FIELDS["/info"]) or answer, *status])


def _short(text: str, language: Language, full: bool) -> Iterator[str]:
    lines = text.split("\n")
    shown = lines if full else [line if len(line) <= _MARKS else f"{line[: _MARKS - 1]}…" for line in lines[:_LINES]]
    yield from shown
    remaining = len(text) - sum(len(line) + 1 for line in shown) + 1
    if remaining > 0:
        yield _CUT.in_(language, count=remaining)


class _Mine:
    """Finds in what an engine lists what an exercise is about, its services and their tasks, and tells it in short."""

    def __init__(self, exercise: str, answers: Sequence[str]) -> None:
        spec = exercises().get(exercise)
        self.names = {spec.name for spec in (*spec.services, *spec.later)} if spec else set()
        entries = (entry for answer in answers for entry in _listed(answer))
        self.ids = {str(entry.get("ID")) for entry in entries if api.at(entry, "Spec", "Name") in self.names}

    def part(self, path: str, body: str, language: Language) -> str:
        entries = _listed(body)
        if not entries:
            return body
        mine = [
            entry
            for entry in entries
            if api.at(entry, "Spec", "Name") in self.names or entry.get("ServiceID") in self.ids
        ]
        lines = (
            [] if not mine or len(mine) == len(entries) else [_AMONG.in_(language, count=len(mine), all=len(entries))]
        )
        fields = _FIELDS.get(path.partition("?")[0])
        for entry in mine or entries:
            lines.append(_picked(entry, fields) if fields else json.dumps(entry, ensure_ascii=False))
        return "\n".join(lines)


def _picked(entry: Any, fields: Sequence[tuple[str, ...]]) -> str:
    picked = {".".join(keys): api.at(entry, *keys) for keys in fields}
    fields_present = {name: value for name, value in picked.items() if value not in (None, "", [], {})}
    return json.dumps(fields_present, ensure_ascii=False) if fields_present else ""


_FIELDS: dict[str, list[tuple[str, ...]]] = {
    "/nodes": [
        ("ID",),
        ("Description", "Hostname"),
        ("Spec", "Role"),
        ("Spec", "Availability"),
        ("Status",),
        ("ManagerStatus",),
    ],
    "/info": [
        ("ServerVersion",),
        ("Swarm", "LocalNodeState"),
        ("Swarm", "NodeID"),
        ("Swarm", "NodeAddr"),
        ("Swarm", "ControlAvailable"),
        ("Swarm", "Error"),
    ],
    "/networks": [("Name",), ("Driver",), ("Scope",), ("Ingress",), ("IPAM", "Config")],
    "/services": [
        ("Spec", "Name"),
        ("Spec", "Mode"),
        ("Spec", "TaskTemplate", "ContainerSpec", "Image"),
        ("Spec", "TaskTemplate", "Placement", "Constraints"),
        ("Spec", "UpdateConfig"),
        ("Endpoint", "Ports"),
        ("UpdateStatus",),
    ],
    "/tasks": [
        ("ID",),
        ("Slot",),
        ("NodeID",),
        ("Spec", "ContainerSpec", "Image"),
        ("DesiredState",),
        ("Status", "State"),
        ("Status", "Timestamp"),
        ("Status", "Err"),
    ],
}
"""What of an answer is shown in short, as it came."""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _listed(body: str) -> list[dict[str, Any]]:
    value = _json(body)
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
