"""pydantic's findings on the shape of ``lab.yml``, as problems a user can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from reprlib import Repr
from typing import Any

from pydantic import BaseModel

from labgen.errors import Problem
from labgen.labfile.model import (
    AddressesEntry,
    BoxEntry,
    EngineEntry,
    LabFile,
    NodeEntry,
    PortEntry,
    RegistryEntry,
    Wrong,
    nearest,
)

_KNOWN: Mapping[str, type[BaseModel]] = {
    "": LabFile,
    "nodes": NodeEntry,
    "box": BoxEntry,
    "engine": EngineEntry,
    "registry": RegistryEntry,
    "addresses": AddressesEntry,
    "ports": PortEntry,
}

_REASONS: Mapping[str, tuple[str, str]] = {
    "missing": ("is missing.", "Add it."),
    "int_type": ("is not a whole number.", "Write it without quotes, as in 2."),
    "int_from_float": ("is not a whole number.", "Write it as in 2."),
    "string_type": ("is not text.", "Put it in quotes."),
    "list_type": ("is not a list.", "Write one entry per line, each beginning with '- '."),
    "model_type": ("is not a section.", "Write its keys below it, indented."),
    "dict_type": ("is not a section.", "Write its keys below it, indented."),
}


def from_pydantic(error: Any) -> Problem:
    loc: tuple[str | int, ...] = error["loc"]
    kind: str = error["type"]
    value = "" if kind == "missing" else shown(error["input"])
    why = error.get("ctx", {}).get("error")
    if kind == "extra_forbidden":
        section = next((str(part) for part in loc[:1] if len(loc) > 1), "")
        known = list(_KNOWN[section].model_fields)
        reason, fix = "is not a key of lab.yml.", nearest(str(loc[-1]), known)
    elif isinstance(why, Wrong):
        reason, fix = why.reason, why.fix
    elif kind in ("greater_than_equal", "less_than_equal"):
        least = "at least" if kind == "greater_than_equal" else "at most"
        bound = error["ctx"].get("ge", error["ctx"].get("le"))
        reason, fix = "is out of range.", f"It must be {least} {bound}."
    elif kind == "literal_error":
        reason, fix = "is not known.", f"It must be {error['ctx']['expected']}."
    else:
        reason, fix = _REASONS.get(kind) or (f"is not right: {error['msg']}.", "Correct it, or leave it out.")
    return Problem(_path(loc), value, reason, fix)


def _path(loc: Sequence[str | int]) -> str:
    path = ""
    for part in loc:
        path = f"{path}[{part}]" if isinstance(part, int) else under(path, part)
    return path or "file"


def under(path: str, key: str) -> str:
    """Path of a key below a path; a key that would not show well is shown as Python would."""
    name = shown(key) if key else repr(key)
    return f"{path}.{name}" if path else name


_SHORT = Repr()
_SHORT.maxlevel = 3
_SHORT.maxlist = _SHORT.maxdict = 5
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 120


def shown(value: Any) -> str:
    # Not repr: aliases of aliases can make a small file's data endless when written out.
    text = value if isinstance(value, str) else _SHORT.repr(value)
    text = text if text.isprintable() else repr(text)
    return text if len(text) <= 60 else text[:57] + "..."


_STAND_INS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "nodes": lambda index: {"name": f"unnamed{index}", "role": "worker"},
    "ports": lambda index: {"guest": 65535 - index},
}
"""For what an entry of a list must have and has wrong: something that collides with nothing."""


def without(raw: Any, locs: Sequence[tuple[str | int, ...]]) -> dict[str, Any]:
    """The raw data without the values that are wrong, entries of lists keeping their places."""
    if not isinstance(raw, dict):
        return {}
    kept: dict[str, Any] = {}
    for key, value in raw.items():
        inside = [loc[1:] for loc in locs if loc[0] == key]
        if () in inside:
            continue
        if isinstance(value, list):
            kept[key] = [
                _entry(key, index, item, {str(loc[1]) for loc in inside if loc[0] == index and len(loc) > 1})
                for index, item in enumerate(value)
            ]
        elif isinstance(value, dict):
            fields = {name: item for name, item in value.items() if (name,) not in inside}
            if not (key == "box" and "name" not in fields):
                kept[key] = fields
        else:
            kept[key] = value
    return kept


def _entry(key: str, index: int, item: Any, wrong: set[str]) -> dict[str, Any]:
    good = {name: value for name, value in item.items() if name not in wrong} if isinstance(item, dict) else {}
    return {**_STAND_INS[key](index), **good}
