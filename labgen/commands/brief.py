"""`labgen brief`: what an exercise asks of the learner."""

from __future__ import annotations

import argparse
import os

from labgen.course import Language, find


def run(arguments: argparse.Namespace) -> int:
    """Print it, in Korean where this computer speaks Korean."""
    exercise = find(arguments.exercise)
    language: Language = arguments.lang or _spoken()
    print(f"# {exercise.title.in_(language)}\n\n{exercise.brief.in_(language)}", end="")
    return 0


def _spoken() -> Language:
    told = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    if not told:
        import locale

        told = locale.getlocale()[0] or ""
    return "ko" if told.lower().startswith(("ko", "korean")) else "en"
