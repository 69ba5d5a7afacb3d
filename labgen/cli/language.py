"""The language of a command, chosen before its words are parsed: what is wrong with them is said in it, too."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator, Sequence

from labgen.core.i18n import LANGUAGE_VARIABLE, LANGUAGES


def language_in(words: Sequence[str]) -> str | None:
    """Find the language that some words ask for, the last one of several; ``None`` if they ask for none we have.

    >>> language_in(["up", "--lang", "ko"])
    'ko'
    """
    language = None
    for word, following in itertools.pairwise((*words, "")):
        if word == "--":
            break
        name, _sign, value = word.partition("=")
        if name == "--lang" and (value or following) in LANGUAGES:
            language = value or following
    return language


@contextlib.contextmanager
def chosen(words: Sequence[str]) -> Iterator[None]:
    """Have this process, and those that it starts, speak the language that some words ask for."""
    language = language_in(words)
    with spoken(language) if language else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def spoken(language: str) -> Iterator[None]:
    """Have this process, and those that it starts, speak a language."""
    before = os.environ.get(LANGUAGE_VARIABLE)
    os.environ[LANGUAGE_VARIABLE] = language
    try:
        yield
    finally:
        if before is None:
            del os.environ[LANGUAGE_VARIABLE]
        else:
            os.environ[LANGUAGE_VARIABLE] = before
