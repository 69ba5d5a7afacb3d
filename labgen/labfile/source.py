"""``lab.yml`` as YAML: its data, and the line of every key in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import yaml

from labgen.errors import LabFileError, Problem
from labgen.labfile.shape import shown


class _Loader(yaml.SafeLoader):
    """YAML as it is meant: a key given twice is a mistake, not the last one wins."""


def read_yaml(text: str, source: str) -> tuple[Any, dict[str, int]]:
    """The data of a YAML text, and the line of every key in it."""
    lines: dict[str, int] = {}
    twice: list[Problem] = []

    def walk(node: yaml.Node | None, path: str) -> None:
        if node is None:
            return
        lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                name = str(key.value)
                inner = f"{path}.{name}" if path else name
                if inner in lines:
                    twice.append(
                        Problem(inner, "", "is there twice.", "Keep one of them.", key.start_mark.line + 1)
                    )
                lines.setdefault(inner, key.start_mark.line + 1)
                walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                walk(item, f"{path}[{index}]")

    try:
        tree = yaml.compose(text, Loader=_Loader)
        walk(tree, "")
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as why:
        mark = getattr(why, "problem_mark", None)
        what = getattr(why, "problem", None) or "it cannot be read"
        raise LabFileError(
            source,
            [
                Problem(
                    "file",
                    "",
                    f"is not YAML: {what}" + (f" (column {mark.column + 1})." if mark else "."),
                    "Check indentation (spaces, no tabs), colons and quotes at that place.",
                    mark.line + 1 if mark else None,
                )
            ],
        ) from None
    except (RecursionError, ValueError) as why:
        raise LabFileError(
            source, [Problem("file", "", f"cannot be read: {why}.", "Write plain keys and values.")]
        ) from None
    if raw is None:
        raw = {}
    if not isinstance(raw, dict):
        twice.append(
            Problem("file", shown(raw), "holds no keys.", "Write keys and values, as in workers: 2.", 1)
        )
    if twice:
        raise LabFileError(source, twice)
    return raw, lines


def with_line(problem: Problem, lines: Mapping[str, int]) -> Problem:
    place = problem.place
    while place and place not in lines:
        # A problem of something left out belongs to what holds it.
        cut = max(place.rfind("."), place.rfind("["))
        place = place[:cut] if cut > 0 else ""
    line = problem.line or (lines.get(place) if place else None)
    return replace(problem, line=line)
