"""A hint: what is likely wrong, what to look at, where, and the commands that are typed there.

Learners see it in stages (:class:`Stage`) and ask for the next. Commands are data: each is one whole line, as it is to
be copied. What a learner has to fill in stands in it in capitals (``CONTAINER``, ``NODE``, ``ID``). ``{node}``,
``{address}`` and ``{manager}`` stand for names and addresses of the lab; in an exercise's hints other names in braces
stand for its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

from labgen.core.i18n import NOTHING, Language, Text, _, ui_language, untranslated

_PLACE = re.compile(r"\{(node|address|manager)\}")


class Stage(IntEnum):
    """How much of a hint is shown; each stage adds to the one before it."""

    NONE = 0
    """Nothing: hints are switched off."""

    LOOK = 1
    """What is likely wrong and what to look at."""

    PLACE = 2
    """And where."""

    COMMAND = 3
    """And the commands."""

    @classmethod
    def read(cls, text: str) -> Stage:
        """Read a stage that somebody typed: ``0`` or ``none`` to ``3``.

        :raises ValueError: it is none.
        """
        number = "0" if text == "none" else text
        if number not in {str(int(stage)) for stage in cls}:
            refusal = _(
                "%(word)r is no stage of hints: choose 0 or none (no hints), 1 (what to look at), 2 (also where) or 3 "
                "(also the commands).",
                word=text,
            )
            raise ValueError(refusal.in_(ui_language()))
        return cls(int(number))


FIRST_STAGE = Stage.LOOK
"""What is shown until somebody asks for more."""


@dataclass(frozen=True)
class Advice:
    """A hint in one language, with the names of a lab.

    :param words: what is likely wrong.
    :param look: what to look at; understood without the commands.
    :param where: the place where the commands are typed; empty where any will do.
    :param commands: whole command lines.
    :param note: what the commands do or show.
    """

    words: str = ""
    look: str = ""
    where: str = ""
    commands: tuple[str, ...] = ()
    note: str = ""

    def up_to(self, stage: Stage) -> Advice:
        """Give as much of the hint as a stage shows."""
        if stage is Stage.NONE:
            return Advice()
        if stage is Stage.LOOK:
            return Advice(self.words, self.look)
        if stage is Stage.PLACE:
            return Advice(self.words, self.look, self.where.removesuffix(":"))
        return self

    @property
    def lines(self) -> list[str]:
        """Give the sentences, a line each, and the place; the commands come after them."""
        return [line for text in (self.words, self.look, self.note, self.where) for line in text.splitlines()]

    def __str__(self) -> str:
        return "\n".join([*self.lines, *(f"  {command}" for command in self.commands)])


@dataclass(frozen=True)
class Hint:
    """What to try next.

    :param words: what is likely wrong.
    :param look: what to look at. It is shown first and without the commands, so it makes sense without them.
    :param where: the place where the commands are typed: a node, or ``FOLDER`` for the lab's folder.
    :param commands: whole command lines, each as it is to be copied.
    :param note: what the commands do or show; it is shown with them.
    :param names: what ``node``, ``address`` and ``manager`` stand for, as pairs; empty as long as that is not known.
    """

    words: Text = NOTHING
    look: Text = NOTHING
    where: Text = NOTHING
    commands: tuple[str, ...] = ()
    note: Text = NOTHING
    names: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        broken = [command for command in self.commands if not command.strip() or command != command.strip()]
        if broken:
            raise ValueError(f"not a command to copy: {broken!r}")

    def filled(self, names: Mapping[str, str]) -> Hint:
        """Give the hint with the names of a lab."""
        return replace(self, names=tuple(names.items()))

    def changed(self, change: Callable[[str], str]) -> Hint:
        """Give the hint with a change to each of its texts and commands, made once its language is known."""
        words, look, where, note = (text.changed(change) for text in (self.words, self.look, self.where, self.note))
        return replace(self, words=words, look=look, where=where, note=note, commands=tuple(map(change, self.commands)))

    def in_(self, language: Language, names: Mapping[str, str]) -> Advice:
        """Give the hint in one language.

        :param names: what ``node``, ``address`` and ``manager`` stand for, where the hint does not know it.
        """
        names = {**names, **dict(self.names)}
        place = _("On %(place)s:", place=self.where).in_(language) if self.where else ""
        return Advice(
            words=_filled(self.words.in_(language), names),
            look=_filled(self.look.in_(language), names),
            where=_filled(place, names),
            commands=tuple(_filled(command, names) for command in self.commands),
            note=_filled(self.note.in_(language), names),
        )


Hints = tuple[Hint, ...]

MANAGER = untranslated("{manager}")
NODE = untranslated("{node}")
FOLDER = _("your own computer, in the lab's folder")


def on(where: Text, *commands: str, words: Text = NOTHING, look: Text = NOTHING, note: Text = NOTHING) -> Hint:
    """Make a hint of commands that are typed at one place."""
    return Hint(words, look, where, commands, note)


def on_manager(*commands: str, words: Text = NOTHING, look: Text = NOTHING, note: Text = NOTHING) -> Hint:
    """Make a hint of commands that are typed on the first manager."""
    return Hint(words, look, MANAGER, commands, note)


def on_node(*commands: str, words: Text = NOTHING, look: Text = NOTHING, note: Text = NOTHING) -> Hint:
    """Make a hint of commands that are typed on the node that a check is about."""
    return Hint(words, look, NODE, commands, note)


def in_folder(*commands: str, words: Text = NOTHING, look: Text = NOTHING, note: Text = NOTHING) -> Hint:
    """Make a hint of labgen's own commands, which are typed on the user's computer."""
    return Hint(words, look, FOLDER, commands, note)


def hints(source: str | Text | Hint | Sequence[Hint]) -> Hints:
    """Make hints of what is given: a text alone becomes a hint without commands."""
    if isinstance(source, str):
        source = untranslated(source)
    if isinstance(source, Text):
        return (Hint(source),) if source else ()
    return (source,) if isinstance(source, Hint) else tuple(source)


def up_to(stage: Stage, advice: Iterable[Advice]) -> tuple[Advice, ...]:
    """Give as much of several hints as a stage shows; those that it shows nothing new of are left out."""
    shown: list[Advice] = []
    for hint in (hint.up_to(stage) for hint in advice):
        repeated = stage is Stage.PLACE and any(hint == Advice(where=before.where) for before in shown)
        if hint != Advice() and not repeated:
            shown.append(hint)
    return tuple(shown)


def text_of(advice: Sequence[Advice]) -> str:
    """Give several hints as one text: a line for each sentence and each command."""
    return "\n".join(map(str, advice))


def _filled(text: str, names: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: names.get(place[1], place[0]), text)
