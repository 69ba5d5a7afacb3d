"""Texts for people: English in the source, and translations of it in gettext catalogues.

A text is written in English where it is used, as ``_("There is no service %(name)s.", name=name)``, and becomes a
string only when the language of its reader is known: ``text.in_("ko")``. A catalogue is a ``.po`` file for each
language::

    labgen/locale/ko/LC_MESSAGES/labgen.po      texts of labgen, provision and verify
    labgen/exercises/NAME/messages.ko.po        an exercise's own, beside its briefs

What a catalogue does not translate is given in English. ``make messages`` writes new texts into the catalogues.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

Language = Literal["en", "ko"]
LANGUAGES: tuple[Language, ...] = ("en", "ko")

LANGUAGE_VARIABLE = "LABGEN_LANG"
"""Environment variable with the user's language, for this process and those that it starts."""


class Spoken:
    """What can be said in several languages."""

    def in_(self, language: Language) -> str:
        """Say it in a language."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Spoken):
    """A text that is given in the language of its reader.

    :param msgid: the text in English, by which catalogues know it.
    :param values: what its placeholders stand for (``%(name)s``, as in gettext's python-format); a text or an error
        among them is given in the same language. Without values a percent sign is only a percent sign.
    :param messages: where its translations are; ``None`` for what is the same in every language.
    :param change: made to the text once it is a string.
    :param plural: the text in English for any ``count`` among the values but 1; empty where it does not depend on one.
    """

    msgid: str
    values: tuple[tuple[str, object], ...] = ()
    messages: Messages | None = None
    plural: str = ""
    change: Callable[[str], str] | None = None

    def __bool__(self) -> bool:
        """Tell whether it says anything."""
        return bool(self.msgid)

    def __str__(self) -> str:
        return self.in_("en")

    def changed(self, change: Callable[[str], str]) -> Text:
        """Give the text with a change that is made to it once it is a string."""
        return replace(self, change=change) if self else self

    def in_(self, language: Language, **values: object) -> str:
        """Give the text in a language.

        :param values: for placeholders that have none yet.
        """
        text = self._with_values(language, values)
        if self.change:
            text = self.change(text)
        if language != "ko":
            return text
        # Its patterns take 4 ms, which only those who read Korean need.
        from labgen.core.josa import with_particles

        return with_particles(text)

    def _with_values(self, language: Language, values: Mapping[str, object]) -> str:
        fields = {
            name: value.in_(language) if isinstance(value, Spoken) else value
            for name, value in (*self.values, *values.items())
        }
        count = fields.get("count", 1)
        original = self.plural if self.plural and count != 1 else self.msgid
        translated = self.messages.translation(self.msgid, language, count) if self.messages else original
        if not fields:
            return translated or original
        try:
            return (translated or original) % fields
        except (KeyError, TypeError, ValueError):
            # The catalogue of an exercise from elsewhere may have mistakes; its English text still says it.
            return original % fields


@dataclass(frozen=True)
class Messages:
    """A catalogue of texts; calling it makes a text, so that it is named ``_`` where texts are written.

    :param path: of the ``.po`` files, ``{language}`` standing in the place of the language.
    """

    path: str

    @classmethod
    def beside(cls, module: str) -> Messages:
        """Give the catalogue of an exercise, which lies in the folder of its modules.

        :param module: ``__file__`` of the module.
        """
        return cls(str(Path(module).with_name("messages.{language}.po")))

    def file(self, language: Language) -> str:
        """Give the path of the catalogue for a language."""
        return self.path.replace("{language}", language)

    def mistake(self, language: Language) -> str:
        """Say why the catalogue for a language cannot be read: place and reason; empty if it can, or is not there."""
        return _read(self.file(language)).mistake if language != "en" else ""

    def __call__(self, msgid: str, /, **values: object) -> Text:
        return Text(msgid, tuple(values.items()), self)

    def ngettext(self, singular: str, plural: str, count: int, **values: object) -> Text:
        """Make a text that depends on a number, which is the value ``count``."""
        return Text(singular, (("count", count), *values.items()), self, plural)

    def translation(self, msgid: str, language: Language, count: object = 1) -> str:
        """Look a text up; empty where the catalogue does not have it."""
        if language == "en":
            return ""
        forms = _read(self.file(language)).translations.get(msgid, ("",))
        # Korean has one form for every number. A language with three takes the rule that its catalogue's header states.
        return forms[0 if count == 1 else -1]


@dataclass(frozen=True)
class _Catalogue:
    """What a ``.po`` file says.

    :param translations: its translated texts, in each form, by their msgid.
    :param mistake: why it cannot be read: place and reason.
    """

    translations: Mapping[str, tuple[str, ...]]
    mistake: str = ""


@cache
def _read(path: str) -> _Catalogue:
    """Read a catalogue; one that cannot be read has no translations."""
    # Only those who read another language need it.
    from labgen.core.po_file import DamagedCatalogue, decoded, translations

    try:
        return _Catalogue(translations(decoded(Path(path).read_bytes())))
    except FileNotFoundError:
        return _Catalogue({})
    except DamagedCatalogue as error:
        return _Catalogue({}, f"{path}{f', line {error.line}' if error.line else ''}: {error}")
    except OSError as error:
        return _Catalogue({}, f"{path}: {error.strerror or error}")


_ = Messages(str(Path(__file__).parents[1] / "locale" / "{language}" / "LC_MESSAGES" / "labgen.po"))
ngettext = _.ngettext

NOTHING = Text("")


def sentences(*texts: Text, separator: str = " ") -> Text:
    """Put whole sentences behind one another; those that say nothing are left out."""
    present = [text for text in texts if text]
    values = tuple((f"sentence{number}", text) for number, text in enumerate(present))
    return Text(separator.join(f"%({name})s" for name, _text in values), values)


def listed(texts: Iterable[str | Text], separator: str = ", ") -> Text:
    """Make a list of several texts, with commas between."""
    return sentences(*(text if isinstance(text, Text) else untranslated(text) for text in texts), separator=separator)


def recorded(text: str) -> Text:
    """Make a text of one in English that a file has kept; what the catalogue has is translated."""
    return Text(text, messages=_)


def shown(text: str | Text) -> str:
    """Give a text in the user's language; a string stays as it is."""
    return text.in_(ui_language()) if isinstance(text, Text) else text


def untranslated(text: str) -> Text:
    """Make a text of a name or another word that is the same in every language."""
    return Text(text)


def ui_language() -> Language:
    """Find the user's language: in ``LABGEN_LANG``, in the locale that the environment sets, in the system's own.

    English where it is a language that labgen does not have.
    """
    names = (LANGUAGE_VARIABLE, "LC_ALL", "LC_MESSAGES", "LANG")
    locale_name = next((os.environ[name] for name in names if os.environ.get(name)), "")
    if not locale_name:
        import locale

        locale_name = locale.getlocale()[0] or ""
    return "ko" if locale_name.lower().startswith(("ko", "korean")) else "en"
