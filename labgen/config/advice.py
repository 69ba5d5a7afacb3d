"""What to write instead: for a value of ``lab.yml`` that is wrong, the one that was probably meant."""

from __future__ import annotations

import re
from typing import Any

from labgen.config.mirror import registry_url
from labgen.config.scalars import Unquoted
from labgen.config.schema import MAX_MEMORY, MIN_MEMORY
from labgen.config.wrong import Wrong
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


def number(key: str, value: Any) -> str:
    """Give the fix for a value that is no whole number: what to write for ``key``.

    >>> number("memory", "2GB")
    'Write it in MiB: 2048.'
    >>> number("cpus", Unquoted("0.5", "a number"))
    'Write a whole number, without quotes: 1.'
    """
    text = written(value)
    unit = "it in MiB" if key == "memory" else "a whole number, without quotes"
    meant = _meant(key, text.strip())
    if meant is None:
        return f"Write {unit}, as in {_EXAMPLES.get(key, '2')}."
    least, most = _RANGES.get(key, (meant, meant))
    return f"Write {unit}: {min(max(meant, least), most)}."


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


def out_of_range(key: str, value: Any, bound: str) -> str:
    """Give the fix for a number that is too small or too large.

    >>> out_of_range("memory", 2, "at least 512")
    'It must be at least 512, in MiB: 2 GiB are 2048.'
    """
    if key == "memory":
        if isinstance(value, int) and 0 < value <= _LARGEST_GIB and value * 1024 >= MIN_MEMORY:
            return f"It must be {bound}, in MiB: {value} GiB are {value * 1024}."
        return f"It must be {bound} (MiB)."
    return f"It must be {bound}."


def quoted(key: str, value: Any) -> tuple[str, str]:
    """Reason and fix for a value that must be text.

    >>> quoted("name", Unquoted("on", "a truth value"))
    ('is not text: YAML reads a truth value.', 'Put it in quotes: name: "on".')
    """
    text = written(value)
    if not text or isinstance(value, bool):
        return "is not text.", "Put it in quotes."
    kind = value.kind if isinstance(value, Unquoted) else "a number"
    short = text if len(text) <= 40 and text.isprintable() and not set(text) & set('"\\') else ""
    return f"is not text: YAML reads {kind}.", f'Put it in quotes: {key}: "{short}".' if short else "Put it in quotes."


def section(key: str, value: Any) -> str:
    """Give the fix for a plain value where keys are wanted.

    >>> section("ports", Unquoted("8080:80", "a number"))
    'Write its keys: {guest: 80, host: 8080}.'
    >>> section("engine", "docker")
    'Write its keys: engine: {source: docker}.'
    """
    text = written(value)
    pair = re.fullmatch(r"(?:[0-9.]+:)?([0-9]{1,5}):([0-9]{1,5})(?:/tcp)?", text)
    if key == "ports" and pair:
        return f"Write its keys: {{guest: {int(pair[2])}, host: {int(pair[1])}}}."
    if key == "ports" and re.fullmatch(r"[0-9]{1,5}", text):
        return f"Write its keys: {{guest: {int(text)}}}."
    plain = re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9./-]*", text)
    if key == "nodes" and plain:
        return f"Write its keys: {{name: {text}, role: worker}}."
    if key == "box" and plain:
        return f"Write its keys: box: {{name: {text}}}."
    if key == "engine" and text in ("distribution", "docker", "none"):
        return f"Write its keys: engine: {{source: {text}}}."
    if key == "proxy":
        return "Write its URL, as in proxy: http://proxy.example:3128; or its keys below it, indented."
    if key == "registry":
        for url in (text, f"http://{text}"):
            try:
                return f'Write its keys: registry: {{mirror: "{registry_url(url)}"}}.'
            except Wrong:
                continue
    return "Write its keys below it, indented."


def entries(key: str, value: Any) -> str:
    """Give the fix for a value where a list is wanted."""
    if key == "ports" and (fix := section(key, value)).startswith("Write its keys: {"):
        return f"Write a list: ports: [{fix.removeprefix('Write its keys: ').removesuffix('.')}]."
    return "Write one entry per line, each beginning with '- '."
