"""The lab folder that a command works in: that of ``-C``, or the working directory."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec

import click

from labgen.core.atomic_files import need_folder
from labgen.core.console import warn
from labgen.core.i18n import _, ui_language
from labgen.exercise.catalogue import find, mounted, problems, translation_mistakes
from labgen.exercise.model import Exercise
from labgen.machines.inventory import lab_of
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder

Options = ParamSpec("Options")


def folder_option(context: click.Context | None = None) -> Path | None:
    """Give the folder that was named by ``-C``, ``None`` where none was.

    :param context: of the command; the one that runs where ``None``.
    """
    folder: Path | None = (context or click.get_current_context()).find_root().params.get("folder")
    return folder


def lab_folder(context: click.Context | None = None) -> LabFolder:
    """Give the lab folder.

    :param context: of the command; the one that runs where ``None``.
    :raises HostError: the folder that was named is none.
    """
    path = folder_option(context)
    if path:
        need_folder(path)
    return LabFolder.at(path)


def in_lab_folder(command: Callable[Concatenate[LabFolder, Options], int]) -> Callable[Options, int]:
    """Hand a command the lab folder, before its options."""

    @functools.wraps(command)
    def run(*args: Options.args, **options: Options.kwargs) -> int:
        return command(lab_folder(), *args, **options)

    return run


def with_own_exercises(command: Callable[Concatenate[LabFolder, Options], int]) -> Callable[..., int]:
    """Hand a command the lab folder, and have that folder's exercises found beside the others."""

    @functools.wraps(command)
    def run(folder: LabFolder, *args: Options.args, **options: Options.kwargs) -> int:
        with mounted(folder.path):
            for warning in translation_mistakes(ui_language()):
                warn(warning)
            return command(folder, *args, **options)

    return in_lab_folder(run)


def exercise_named(name: str) -> Exercise:
    """Find an exercise, and warn of another folder of that name, which is left out.

    :raises ExerciseError: there is none, or its folder has a mistake.
    """
    exercise = find(name)
    for folder, error in problems():
        if folder.endswith(f".{name}"):
            warn(_("%(folder)s is left out: %(why)s", folder=folder, why=error.words))
    return exercise


def load(folder: LabFolder) -> Lab:
    """Load the folder's lab and print its warnings.

    :raises LabFileError: its lab.yml says something that cannot be.
    """
    lab = lab_of(folder.path)
    for warning in lab.warnings:
        warn(_("lab.yml: %(mistake)s", mistake=warning))
    return lab
