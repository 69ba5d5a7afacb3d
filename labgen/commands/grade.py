"""`labgen grade`: the checks of verify/, run by pytest in a process of its own."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from labgen import inventory
from labgen.commands.run import fab as _fab
from labgen.course import find
from labgen.errors import LabgenError
from labgen.proc import Runner, python


def run(arguments: argparse.Namespace) -> int:
    """Check, print the table, leave the report; gives pytest's status made exact (see labgen.errors)."""
    raise NotImplementedError


del _fab, Path, importlib, inventory, find, LabgenError, Runner, python, sys
