"""What a text from outside must go through before it stands in a report or in a bundle of evidence."""

from __future__ import annotations

import re

from labgen.hint import Advice

SHOWN = 600
"""Characters of evidence kept for a check."""

_BEFORE = 20000
"""Characters of a text that are looked at: it may be endless, and what is shown of it is short."""

# A token ends where its own alphabet does, so that of a line of JSON nothing else is lost.
_SECRETS = re.compile(
    r"SWMTKN-[0-9A-Za-z-]+"
    r"|SWMKEY-[0-9A-Za-z+/=-]+"
    r"|-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----(?:(?!-----END)[^\"])*(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|(?=\")|\Z)"
)
_IN_URLS = re.compile(r"(?<=://)[^/\s:@\"']+:[^/\s@\"']+(?=@)")
_IN_VARIABLES = re.compile(r"(?i)\b(\w*(?:PASSWORD|PASSWD|SECRET|TOKEN|APIKEY|API_KEY)(?<!_FILE))=[^\s\"',;&]+")


def without_secrets(text: str) -> str:
    """The text without join tokens, unlock keys, private keys, and passwords in URLs and variables."""
    kept = _SECRETS.sub("(secret)", text)
    if "@" in kept:
        kept = _IN_URLS.sub("secret", kept)
    return _IN_VARIABLES.sub(r"\1=(secret)", kept) if "=" in kept else kept


def clean(text: str, shown: int = SHOWN) -> str:
    """A text from outside, fit for a report: no secret, no control character, not endless.

    :param shown: characters that are kept at most.
    """
    kept = printable(without_secrets(text[:_BEFORE]).replace("\r\n", "\n")).strip()
    return kept if len(kept) <= shown and len(text) <= _BEFORE else kept[: shown - 1] + "…"


def cleaned(advice: Advice) -> Advice:
    """The advice, fit for a report: each command one line, and whole."""
    return Advice(
        words=clean(advice.words),
        look=clean(advice.look),
        where=clean(advice.where),
        commands=tuple(without_secrets(printable(" ".join(command.split("\n")))) for command in advice.commands),
    )


def printable(text: str) -> str:
    """The text with its control characters made visible, so that it cannot steer a terminal."""
    return "".join(
        mark if mark.isprintable() or mark == "\n" else " " if mark == "\t" else f"\\x{ord(mark):02x}" for mark in text
    )


def line(text: str, shown: int = 200) -> str:
    """The same in one line: a name, an image, an error."""
    return clean(" ".join(text[:_BEFORE].split()), shown)
