"""``lab.yml`` as YAML: its data, and the line of every key in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from labgen.config.messages import shown, under
from labgen.config.scalars import KINDS, Loader
from labgen.core.errors import LabFileError, Problem
from labgen.core.i18n import Text, _


def read_yaml(text: str, source: str) -> tuple[dict[str, Any], dict[str, int], list[Problem]]:
    """Read a YAML text: its data, the line of every key, and what is wrong with its keys.

    :raises LabFileError: it is not YAML, or cannot be lab data at all.
    """
    _need_shallow(text, source)
    try:
        survey = _Survey()
        survey.walk(yaml.compose(text, Loader=Loader), "")
        raw = yaml.load(text, Loader=Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as why:
        mark = getattr(why, "problem_mark", None)
        raise LabFileError(
            source,
            [
                Problem(
                    "file",
                    "",
                    _("is not YAML: %(reason)s (column %(column)s).", reason=_describe(why), column=mark.column + 1)
                    if mark
                    else _("is not YAML: %(reason)s.", reason=_describe(why)),
                    _("Check indentation (spaces, no tabs), colons and quotes at that place."),
                    mark.line + 1 if mark else None,
                )
            ],
        ) from None
    except RecursionError:
        raise LabFileError(
            source, [Problem("file", "", _("is nested too deeply."), _("Write plain keys and values."))]
        ) from None
    except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as why:
        # PyYAML's way of saying that a value does not fit its tag: `!!int x`, `!!timestamp x`.
        raise LabFileError(
            source,
            [
                Problem(
                    "file",
                    "",
                    _("holds a value that is not what its tag (!!) or its form says: %(why)s.", why=why),
                    _("Write plain keys and values, without tags."),
                )
            ],
        ) from None
    if survey.loops:
        raise LabFileError(source, survey.loops)
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        raise LabFileError(
            source,
            [Problem("file", shown(raw), _("holds no keys."), _("Write keys and values, as in workers: 2."), 1)],
        )
    if len(raw) > _MOST_KEYS:
        problem = Problem(
            "file", "", _("holds %(count)s keys.", count=len(raw)), _("Is it a lab file? One has a dozen keys at most.")
        )
        raise LabFileError(source, [problem])
    return _drop_nameless(raw), survey.lines, survey.problems


_DEEPEST = 100
_MOST_KEYS = 100
"""Far above what a lab file has: PyYAML's time grows with the square of the one, the listing of mistakes with the
square of the other."""


def _need_shallow(text: str, source: str) -> None:
    depth = 0
    for letter in text:
        depth += (letter in "[{") - (letter in "]}")
        if depth > _DEEPEST:
            raise LabFileError(
                source, [Problem("file", "", _("is nested too deeply."), _("Write plain keys and values."))]
            )


def _describe(why: yaml.YAMLError) -> str | Text:
    if isinstance(why, yaml.reader.ReaderError):
        return _(
            "it holds a character that YAML does not allow (position %(position)s of the text)",
            position=why.position + 1,
        )
    return getattr(why, "problem", None) or _("it cannot be read")


class _Survey:
    """What a YAML tree says beyond its data: lines, keys given twice, keys that are no names, loops."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self.loops: list[Problem] = []
        self._open: set[int] = set()
        self._seen: set[int] = set()

    def walk(self, node: yaml.Node | None, path: str) -> None:
        if node is None:
            return
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self._open:
            self.loops.append(
                Problem(
                    path or "file",
                    "",
                    _("is inside itself: its alias (*) leads back to an anchor (&) around it."),
                    _("Write the value out, or point the alias elsewhere."),
                    self.lines[path],
                )
            )
        if id(node) in self._open | self._seen:
            return  # an alias: what is in there has been looked at
        self._open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            self._mapping(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.walk(item, f"{path}[{index}]")
        self._open.remove(id(node))
        self._seen.add(id(node))

    def _mapping(self, node: yaml.MappingNode, path: str) -> None:
        names: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            inner = under(path, name)
            if key.tag not in _NAMES:
                kind = key.tag.rpartition(":")[2]
                self.problems.append(
                    Problem(
                        inner,
                        "",
                        _("is a key that is not a word but %(kind)s.", kind=KINDS.get(kind, kind)),
                        _("Keys of lab.yml are words, as in workers: 2."),
                        line,
                    )
                )
                self.walk(key, inner)
                self.walk(value, inner)
                continue
            if name in names:
                self.problems.append(Problem(inner, "", _("is there twice."), _("Keep one of them."), line))
            names.add(name)
            self.lines.setdefault(inner, line)
            self.walk(value, inner)


_NAMES = ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge")


def _drop_nameless(raw: Mapping[Any, Any], depth: int = 2) -> dict[str, Any]:
    """Drop keys that are no names, as deep as a lab file goes."""

    def inner(value: Any) -> Any:
        if isinstance(value, dict) and depth:
            return _drop_nameless(value, depth - 1)
        if isinstance(value, list) and depth:
            return [_drop_nameless(item, depth - 1) if isinstance(item, dict) else item for item in value]
        return value

    return {key: inner(value) for key, value in raw.items() if isinstance(key, str)}


def with_line(problem: Problem, lines: Mapping[str, int]) -> Problem:
    place = problem.place
    while place and place not in lines:
        # A problem of something left out belongs to what holds it.
        cut = max(place.rfind("."), place.rfind("["))
        place = place[:cut] if cut > 0 else ""
    line = problem.line or (lines.get(place) if place else None)
    return replace(problem, line=line)
