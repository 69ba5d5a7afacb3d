"""The sentences of click, the library of the command line, in the user's language.

click looks its sentences up with ``gettext``, which reads compiled catalogues of the system only. :func:`translate` has
it look them up in labgen's catalogue, and measure Korean letters, which are two columns wide.
"""

from __future__ import annotations

from importlib import import_module

import click.core
import click.exceptions
import click.formatting
import click.parser
import click.types

from labgen.core.columns import columns
from labgen.core.i18n import Text, _, ngettext, ui_language

_SENTENCES = (
    _("Usage:"),
    _("Options"),
    _("Positional arguments"),
    _("Commands"),
    _("Missing command."),
    _("Missing argument"),
    _("Missing option"),
    _("Choose from:\n\t{choices}"),
    _("default: {default}"),
    _("required"),
    _("Invalid value: {message}"),
    _("Invalid value for {param_hint}: {message}"),
    _("No such option {name!r}."),
    _("No such command {name!r}."),
    _("Option {name!r} does not take a value."),
    _("Argument {name!r} takes {nargs} values."),
    _("{value!r} is not a valid {number_type}."),
    _("{value} is not in the range {range}."),
)
_NUMBERED = (
    ngettext("Did you mean {possibility}?", "(Did you mean one of: {possibilities}?)", 2),
    ngettext("Got unexpected extra argument ({args})", "Got unexpected extra arguments ({args})", 2),
    ngettext("Takes {nargs} values but 1 was given.", "Takes {nargs} values but {len} were given.", 2),
    ngettext("Option {name!r} requires an argument.", "Option {name!r} requires {nargs} arguments.", 2),
    ngettext("{value!r} is not {choice}.", "{value!r} is not one of {choices}.", 2),
)
SENTENCES: dict[str, Text] = {text.msgid: text for text in (*_SENTENCES, *_NUMBERED)}
"""Those that labgen's commands can meet, by click's English; another stays English."""

SPEAKING = (click.core, click.exceptions, click.formatting, click.parser, click.types)
"""Modules of click whose sentences those are."""


def translate() -> None:
    """Have click speak the user's language, also where it changes later."""
    if ui_language() == "en":
        return
    # click imports it when it wraps a text.
    for module in (*SPEAKING, import_module("click._textwrap")):
        for name, translated in (("_", _gettext), ("ngettext", _ngettext), ("term_len", columns)):
            if hasattr(module, name):
                setattr(module, name, translated)


def _gettext(msgid: str) -> str:
    text = SENTENCES.get(msgid)
    return text.in_(ui_language()) if text else msgid


def _ngettext(singular: str, plural: str, count: int) -> str:
    text = SENTENCES.get(singular)
    if text is None or ui_language() == "en":
        return singular if count == 1 else plural
    assert text.messages is not None  # noqa: S101 - for the type checker
    return text.messages.translation(singular, ui_language(), count) or (singular if count == 1 else plural)
