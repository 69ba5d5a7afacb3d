"""Options, arguments and commands whose help is given in the user's language."""

from __future__ import annotations

import functools
from typing import Any

import click

from labgen.core.i18n import LANGUAGES, Text, _, ui_language


class _Helpful:
    """Help that is a text; a string once somebody reads it."""

    _help: str | Text | None = None

    @property
    def help(self) -> str | None:
        """Give the help in the user's language."""
        return self._help.in_(ui_language()) if isinstance(self._help, Text) else self._help

    @help.setter
    def help(self, text: str | Text | None) -> None:
        self._help = text


class Option(_Helpful, click.Option):
    """An option."""

    def __init__(self, *args: Any, help: str | Text | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.help = help


class Argument(_Helpful, click.Argument):
    """An argument."""

    def __init__(self, *args: Any, help: str | Text | None = None, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.help = help


class LocalizedCommand(_Helpful, click.Command):
    """A command: its help, and what stands below that."""

    _epilog: str | Text | None = None

    @property
    def epilog(self) -> str | None:
        """Give what stands below the help, in the user's language, its lines as they are."""
        return f"\b\n{self._epilog.in_(ui_language())}" if isinstance(self._epilog, Text) else self._epilog

    @epilog.setter
    def epilog(self, text: str | Text | None) -> None:
        self._epilog = text


class Group(LocalizedCommand, click.Group):
    """A command that has commands of its own."""

    command_class = LocalizedCommand


option = functools.partial(click.option, cls=Option)
argument = functools.partial(click.argument, cls=Argument)

LANGUAGE_OPTION = Option(
    ["--lang"],
    type=click.Choice(LANGUAGES),
    expose_value=False,
    help=_("language (default: LABGEN_LANG, else this computer's)"),
)
"""Stands before the command or after it; :func:`labgen.cli.language.language_in` finds it before anything is parsed."""
