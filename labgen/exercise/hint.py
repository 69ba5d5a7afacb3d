"""Hints, as checks and steps of exercises write them; they are defined below the errors that carry them."""

from __future__ import annotations

from labgen.core.hint import (
    FIRST_STAGE,
    FOLDER,
    MANAGER,
    NODE,
    Advice,
    Hint,
    Hints,
    Stage,
    hints,
    in_folder,
    on,
    on_manager,
    on_node,
    text_of,
    up_to,
)

__all__ = [
    "FIRST_STAGE",
    "FOLDER",
    "MANAGER",
    "NODE",
    "Advice",
    "Hint",
    "Hints",
    "Stage",
    "hints",
    "in_folder",
    "on",
    "on_manager",
    "on_node",
    "text_of",
    "up_to",
]
