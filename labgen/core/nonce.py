"""The nonce: a word from the teacher that ties evidence to a day, or to one learner."""

from __future__ import annotations

import hashlib
import hmac

LONGEST = 200
"""Characters that a nonce may have."""


def nonce(text: str) -> str:
    """Read a nonce that somebody typed.

    :raises ValueError: it is empty, too long, or has characters that cannot be printed.
    """
    if not text.strip():
        raise ValueError("the nonce is empty. Is a variable not set?")
    if len(text) > LONGEST or not text.isprintable():
        raise ValueError(f"a nonce has at most {LONGEST} characters, and none that cannot be printed.")
    return text


def choose(text: str, purpose: str, among: int) -> int:
    """Choose a number from 0 by a nonce: the same one each time, another for another purpose or nonce.

    :param among: how many numbers there are to choose from.
    """
    return int(mark(text, purpose), 16) % among


def mark(text: str, purpose: str) -> str:
    """Make 16 hexadecimal digits of a nonce, which cannot be guessed without it."""
    return hmac.new(text.encode("utf-8", "surrogatepass"), purpose.encode(), hashlib.sha256).hexdigest()[:16]


def derive(secret: bytes, name: str, day: str) -> str:
    """Make the nonce of one learner for one day: who does not have the secret cannot make another's."""
    return hmac.new(secret, f"{name}|{day}".encode(), hashlib.sha256).hexdigest()[:16]
