"""pydantic's findings on the shape of ``lab.yml``, as problems a user can act on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from reprlib import Repr
from typing import Any

from pydantic import BaseModel

from labgen.config import advice
from labgen.config.scalars import Unquoted
from labgen.config.schema import (
    AddressesEntry,
    BoxEntry,
    EngineEntry,
    LabFile,
    NodeEntry,
    PortEntry,
    ProxyEntry,
    RegistryEntry,
    nearest,
)
from labgen.config.wrong import Wrong
from labgen.core.errors import Problem
from labgen.core.i18n import Text, _

_KNOWN: Mapping[str, type[BaseModel]] = {
    "": LabFile,
    "nodes": NodeEntry,
    "box": BoxEntry,
    "engine": EngineEntry,
    "registry": RegistryEntry,
    "proxy": ProxyEntry,
    "addresses": AddressesEntry,
    "ports": PortEntry,
}

_NUMBERS = ("int_type", "int_from_float", "int_parsing", "int_parsing_size")
_SECTIONS = ("model_type", "dict_type", "model_attributes_type")


def from_pydantic(error: Any) -> Problem:
    """Turn an error of pydantic into a problem with a way out."""
    loc: tuple[str | int, ...] = error["loc"]
    kind: str = error["type"]
    value = "" if kind == "missing" else shown(error["input"])
    reason, fix = _reason(error, loc, kind)
    return Problem(_path(loc), value, reason, fix)


def _reason(error: Any, loc: tuple[str | int, ...], kind: str) -> tuple[Text, Text]:
    value, context = error["input"], error.get("ctx", {})
    # The key that the value stands under, also where it is one of a list.
    key = next((part for part in reversed(loc) if isinstance(part, str)), "")
    if kind == "missing":
        return _("is missing."), _("Add it.")
    if kind == "extra_forbidden":
        section = next((str(part) for part in loc[:1] if len(loc) > 1), "")
        return _("is not a key of lab.yml."), nearest(str(loc[-1]), list(_KNOWN[section].model_fields))
    if value is None:
        return _("has no value."), _("Write one, or take the line out.")
    if isinstance(wrong := context.get("error"), Wrong):
        return wrong.words, wrong.remedy
    if kind in _NUMBERS:
        return _("is not a whole number."), advice.number(key, value)
    if kind == "string_type":
        return advice.quoted(key, value)
    if kind == "list_type":
        return _("is not a list."), advice.entries(key, value)
    if kind in _SECTIONS:
        return _("is not a section."), advice.section(key, value)
    if kind in ("greater_than_equal", "less_than_equal"):
        if kind == "greater_than_equal":
            bound = _("at least %(number)s", number=context["ge"])
        else:
            bound = _("at most %(number)s", number=context["le"])
        return _("is out of range."), advice.out_of_range(key, value, bound)
    if kind == "literal_error":
        return _("is not known."), _("It must be one of: %(values)s.", values=context["expected"])
    return _("is not right: %(value)s.", value=error["msg"]), _("Correct it, or leave it out.")


def _path(loc: Sequence[str | int]) -> str:
    path = ""
    for part in loc:
        path = f"{path}[{part}]" if isinstance(part, int) else under(path, part)
    return path or "file"


def under(path: str, key: str) -> str:
    """Join a key to a path; a key that would not show well is shown as Python would."""
    name = shown(key) if key else repr(key)
    return f"{path}.{name}" if path else name


class _Short(Repr):
    def repr_Unquoted(self, value: Unquoted, _level: int) -> str:  # noqa: N802 - Repr finds it by the type's name
        return value.text


_SHORT = _Short()
_SHORT.maxlevel = 3
_SHORT.maxlist = _SHORT.maxdict = 5
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 120


def shown(value: Any) -> str:
    """Show a value for people, on one line, at most 60 characters; a scalar as it stands in the file.

    >>> shown("http://kim:secret@proxy:3128")
    '…@proxy:3128'
    """
    if value is None:
        return ""
    value = value.text if isinstance(value, Unquoted) else value
    # Not repr: aliases of aliases can make a small file's data endless when written out.
    text = value if isinstance(value, str) else _SHORT.repr(value)
    text = text if text.isprintable() else repr(text)
    before, _at, after = text.rpartition("@")
    # A name and a password: of a URL, of one without its scheme, or of one with characters that no URL has.
    text = f"…@{after}" if ":" in before else text
    return text if len(text) <= 60 else text[:57] + "..."


_STAND_INS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "nodes": lambda index: {"name": f"unnamed{index}", "role": "worker"},
    "ports": lambda index: {"guest": 65535 - index},
}
"""For what an entry of a list must have and has wrong: something that collides with nothing."""


def without(raw: Any, locs: Sequence[tuple[str | int, ...]]) -> dict[str, Any]:
    """Drop the values that are wrong from the raw data; entries of lists keep their places."""
    if not isinstance(raw, dict):
        return {}
    valid: dict[str, Any] = {}
    for key, value in raw.items():
        inside = [loc[1:] for loc in locs if loc[0] == key]
        if () in inside:
            continue
        if isinstance(value, list):
            valid[key] = [
                _entry(key, index, item, {str(loc[1]) for loc in inside if loc[0] == index and len(loc) > 1})
                for index, item in enumerate(value)
            ]
        elif isinstance(value, dict):
            fields = {name: item for name, item in value.items() if not any(loc[0] == name for loc in inside)}
            if key != "box" or {"name", "image", "url"} & set(fields):
                valid[key] = fields
        else:
            valid[key] = value
    return valid


def _entry(key: str, index: int, item: Any, wrong: set[str]) -> dict[str, Any]:
    good = {name: value for name, value in item.items() if name not in wrong} if isinstance(item, dict) else {}
    return {**_STAND_INS[key](index), **good}
