"""Hints, as checks and steps of exercises write them; they are defined below the errors that carry them."""

from __future__ import annotations

from labgen.core.hint import (
    FOLDER,
    MANAGER,
    NODE,
    Advice,
    Hint,
    Hints,
    hints,
    in_folder,
    on,
    on_manager,
    on_node,
    text_of,
)

__all__ = [
    "FOLDER",
    "MANAGER",
    "NODE",
    "Advice",
    "Hint",
    "Hints",
    "hints",
    "in_folder",
    "on",
    "on_manager",
    "on_node",
    "text_of",
]
