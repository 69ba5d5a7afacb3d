"""Types of words on the command line, and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.shell_completion import CompletionItem

from labgen.cli.declare import option
from labgen.core.i18n import _, ui_language

if TYPE_CHECKING:
    from labgen.core.hint import Stage

Command = TypeVar("Command", bound="Callable[..., object] | click.Command")


class FilePath(click.ParamType[Path]):
    """A path that somebody typed; completed as the name of a file."""

    name = "file"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Give the path; refuses an empty one, and an option in its place."""
        text = str(value)
        # Path("") is the working folder, which nobody means who types "$LAB".
        if not text:
            self.fail(_("the path is empty. Is a variable not set?").in_(ui_language()), param, ctx)
        # An argument that begins with a hyphen stands behind a `--`: that it is a path was said.
        if text.startswith("-") and text != "-" and isinstance(param, click.Option):
            refusal = _(
                "a path is expected, not %(path)r. If the path begins with a hyphen, write ./ before it.", path=text
            )
            self.fail(refusal.in_(ui_language()), param, ctx)
        return Path(text)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Leave it to the shell, which knows its files."""
        del ctx, param
        return [CompletionItem(incomplete, type=self.name)]


class FolderPath(FilePath):
    """A path that somebody typed; completed as the name of a folder."""

    name = "dir"


class Nonce(click.ParamType[str]):
    """A nonce (see :mod:`labgen.core.nonce`)."""

    name = "text"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the nonce; refuses what cannot be one."""
        from labgen.core.nonce import nonce

        try:
            return nonce(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class HintStage(click.ParamType["Stage"]):
    """How much of the hints is shown (see :class:`labgen.core.hint.Stage`)."""

    name = "stage"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Stage:
        """Give the stage; refuses what is none."""
        from labgen.core.hint import Stage

        try:
            return Stage.read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """List the stages."""
        del ctx, param
        return [CompletionItem(stage) for stage in ("1", "2", "3", "none") if stage.startswith(incomplete)]


class Day(click.ParamType[date]):
    """A date as ISO 8601 writes it."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Give the date."""
        if isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.fail(_("%(value)r is not a date like 2026-11-28.", value=value).in_(ui_language()), param, ctx)


class _Name(click.ParamType[str]):
    """A name that is checked where it is used; completed from a list."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Give the name as it was typed."""
        del param, ctx
        return str(value)

    def names(self, ctx: click.Context) -> Sequence[str]:
        """List the names that there are."""
        del ctx
        raise NotImplementedError

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """List the names that begin like this, those that were typed already left out."""
        typed = ctx.params.get(param.name or "") or ()
        return [CompletionItem(name) for name in self.names(ctx) if name.startswith(incomplete) and name not in typed]


class ExerciseName(_Name):
    """The name of an exercise."""

    name = "exercise"

    def names(self, ctx: click.Context) -> Sequence[str]:
        """List the exercises, in the order of the course, and those of the lab folder."""
        from labgen.cli.folders import lab_folder
        from labgen.exercise.catalogue import exercise_names, names_in

        # Nothing of the folder is run because somebody presses a key in it.
        return [*exercise_names(), *names_in(lab_folder(ctx).path)]


class NodeName(_Name):
    """The name of a node of the lab."""

    name = "node"

    def names(self, ctx: click.Context) -> Sequence[str]:
        """List the nodes of the lab folder's lab.yml."""
        from labgen.cli.folders import lab_folder
        from labgen.machines.inventory import lab_of

        return [node.name for node in lab_of(lab_folder(ctx).path).nodes]


class ProviderName(_Name):
    """The name of a provider."""

    name = "provider"

    def names(self, ctx: click.Context) -> Sequence[str]:
        """List the providers."""
        from labgen.providers import PROVIDERS

        del ctx
        return list(PROVIDERS)


hints_option = option(
    "--hints",
    type=HintStage(),
    default="1",
    metavar="STAGE",
    help=_("how much help: 1 what to look at (default), 2 also where, 3 also the commands, 0 none"),
)
"""Gives a command the option ``--hints``."""


def repeat_option(words: Sequence[str], option: str) -> list[str]:
    """Write an option again before each further word that belongs to it, up to the next option.

    >>> repeat_option(["update", "--from", "kim.jsonl", "lee.jsonl", "--json"], "--from")
    ['update', '--from', 'kim.jsonl', '--from', 'lee.jsonl', '--json']
    """
    repeated: list[str] = []
    belongs = False
    for position, word in enumerate(words):
        if word == "--":
            return [*repeated, *words[position:]]
        if word.startswith("-") and word != "-":
            belongs = word == option
        elif belongs and repeated[-1] != option:
            repeated.append(option)
        repeated.append(word)
    return repeated
