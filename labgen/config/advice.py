"""What to write instead: for a value of ``lab.yml`` that is wrong, the one that was probably meant."""

from __future__ import annotations

import re
from typing import Any

from labgen.config.mirror import registry_url
from labgen.config.scalars import KINDS, Unquoted
from labgen.config.schema import MAX_MEMORY, MIN_MEMORY
from labgen.config.wrong import Wrong
from labgen.core.i18n import Text, _
from labgen.model.lab import MAX_NODES

_RANGES = {
    "memory": (MIN_MEMORY, MAX_MEMORY),
    "cpus": (1, 64),
    "managers": (0, MAX_NODES),
    "workers": (0, MAX_NODES),
    "guest": (1, 65535),
    "host": (1, 65535),
    "overlay_mask": (8, 29),
}
_SIZE = re.compile(r"([0-9]+(?:[.,][0-9]+)?)\s*([kmgt])(?:i?b|i|iB)?(?:ytes?)?", re.IGNORECASE)
_MIB = {"k": 1 / 1024, "m": 1, "g": 1024, "t": 1024 * 1024}
_BASES = ((r"0[xX]([0-9a-fA-F]+)", 16), (r"0[oO]([0-7]+)", 8), (r"0[bB]([01]+)", 2))
_EXAMPLES = {"memory": "1024", "guest": "8001", "host": "8001", "overlay_mask": "24"}
_LARGEST_GIB = 64


def number(key: str, value: Any) -> Text:
    """Give the fix for a value that is no whole number: what to write for ``key``.

    >>> print(number("memory", "2GB"))
    Write it in MiB: 2048.
    >>> print(number("cpus", Unquoted("0.5", "a number")))
    Write a whole number, without quotes: 1.
    """
    text = written(value)
    meant = _meant(key, text.strip())
    if meant is None:
        example = _EXAMPLES.get(key, "2")
        if key == "memory":
            return _("Write it in MiB, as in %(example)s.", example=example)
        return _("Write a whole number, without quotes, as in %(example)s.", example=example)
    least, most = _RANGES.get(key, (meant, meant))
    best = min(max(meant, least), most)
    if key == "memory":
        return _("Write it in MiB: %(number)s.", number=best)
    return _("Write a whole number, without quotes: %(number)s.", number=best)


def written(value: Any) -> str:
    """Give a scalar as it stands in the file; empty for anything else."""
    if isinstance(value, Unquoted):
        return value.text
    return str(value) if isinstance(value, str | int) else ""


def _meant(key: str, text: str) -> int | None:
    if key == "memory" and (size := _SIZE.fullmatch(text)):
        return round(float(size[1].replace(",", ".")) * _MIB[size[2].lower()])
    for pattern, base in _BASES:
        if digits := re.fullmatch(pattern, text):
            return _short(digits[1], base)
    if digits := re.fullmatch(r"\+?([0-9]+(?:[_, ][0-9]{3})*)", text):
        return _short(re.sub(r"[_, ]", "", digits[1]), 10)
    if re.fullmatch(r"\+?[0-9]{0,9}\.[0-9]{1,9}", text):
        share = float(text)
        # 1.5 of memory is meant in GiB; no key takes half a thing.
        return round(share * 1024) if key == "memory" and share <= _LARGEST_GIB else round(share + 0.499)
    return None


def _short(digits: str, base: int) -> int | None:
    return int(digits, base) if len(digits) <= 12 else None


def out_of_range(key: str, value: Any, bound: Text) -> Text:
    """Give the fix for a number that is too small or too large.

    :param bound: "at least 512".

    >>> print(out_of_range("memory", 2, _("at least %(number)s", number=512)))
    It must be at least 512, in MiB: 2 GiB are 2048.
    """
    if key == "memory":
        if isinstance(value, int) and 0 < value <= _LARGEST_GIB and value * 1024 >= MIN_MEMORY:
            return _("It must be %(bound)s, in MiB: %(gib)s GiB are %(mib)s.", bound=bound, gib=value, mib=value * 1024)
        return _("It must be %(bound)s (MiB).", bound=bound)
    return _("It must be %(bound)s.", bound=bound)


def quoted(key: str, value: Any) -> tuple[Text, Text]:
    """Give reason and fix for a value that must be text.

    >>> print(*quoted("name", Unquoted("on", "bool")))
    is not text: YAML reads a truth value. Put it in quotes: name: "on".
    """
    text = written(value)
    if not text or isinstance(value, bool):
        return _("is not text."), _("Put it in quotes.")
    kind = KINDS[value.kind if isinstance(value, Unquoted) else "int"]
    short = text if len(text) <= 40 and text.isprintable() and not set(text) & set('"\\') else ""
    return _("is not text: YAML reads %(kind)s.", kind=kind), _(
        'Put it in quotes: %(key)s: "%(short)s".', key=key, short=short
    ) if short else _("Put it in quotes.")


def section(key: str, value: Any) -> Text:
    """Give the fix for a plain value where keys are wanted.

    >>> print(section("ports", Unquoted("8080:80", "int")))
    Write its keys: {guest: 80, host: 8080}.
    >>> print(section("engine", "docker"))
    Write its keys: engine: {source: docker}.
    """
    if key == "proxy":
        return _("Write its URL, as in proxy: http://proxy.example:3128; or its keys below it, indented.")
    keys = _port(value) if key == "ports" else _keys(key, written(value))
    return _("Write its keys: %(keys)s.", keys=keys) if keys else _("Write its keys below it, indented.")


def _keys(key: str, text: str) -> str:
    """Write the keys that a plain value stands for; empty where it stands for none."""
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9./-]*", text)
    if key == "nodes" and plain:
        return f"{{name: {text}, role: worker}}"
    if key == "box" and plain:
        return f"box: {{name: {text}}}"
    if key == "engine" and text in ("distribution", "docker", "none"):
        return f"engine: {{source: {text}}}"
    if key == "registry":
        for url in (text, f"http://{text}"):
            try:
                return f'registry: {{mirror: "{registry_url(url)}"}}'
            except Wrong:
                continue
    return ""


def _port(value: Any) -> str:
    """Write the keys of a port that is written as Docker has it; empty where it is not."""
    text = written(value)
    pair = re.fullmatch(r"(?:[0-9.]+:)?([0-9]{1,5}):([0-9]{1,5})(?:/tcp)?", text)
    if pair:
        return f"{{guest: {int(pair[2])}, host: {int(pair[1])}}}"
    return f"{{guest: {int(text)}}}" if re.fullmatch(r"[0-9]{1,5}", text) else ""


def entries(key: str, value: Any) -> Text:
    """Give the fix for a value where a list is wanted."""
    if key == "ports" and (port := _port(value)):
        return _("Write a list: ports: [%(port)s].", port=port)
    return _("Write one entry per line, each beginning with '- '.")
