"""A hint: what is likely wrong, what to look at, and the next commands with the place where they are typed.

Commands are data: each is one whole line, as it is to be copied. What a learner has to fill in stands in it in
capitals (``CONTAINER``, ``NODE``, ``ID``). ``{node}``, ``{address}`` and ``{manager}`` stand for names and addresses of
the lab; in an exercise's hints other names in braces stand for its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from labgen.core.i18n import NOTHING, Language, Text, _, untranslated

_PLACE = re.compile(r"\{(node|address|manager)\}")


@dataclass(frozen=True)
class Advice:
    """A hint in one language, with the names of a lab.

    :param words: what is likely wrong.
    :param look: what the commands show, or what to see to.
    :param where: the place where the commands are typed; empty where any will do.
    :param commands: whole command lines.
    """

    words: str = ""
    look: str = ""
    where: str = ""
    commands: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """Give the sentences, a line each, and the place; the commands come after them."""
        return [line for text in (self.words, self.look, self.where) for line in text.splitlines()]

    def __str__(self) -> str:
        return "\n".join([*self.lines, *(f"  {command}" for command in self.commands)])


@dataclass(frozen=True)
class Hint:
    """What to try next.

    :param words: what is likely wrong.
    :param look: what the commands show, or what to see to.
    :param where: the place where the commands are typed: a node, or ``FOLDER`` for the lab's folder.
    :param commands: whole command lines, each as it is to be copied.
    :param names: what ``node``, ``address`` and ``manager`` stand for, as pairs; empty as long as that is not known.
    """

    words: Text = NOTHING
    look: Text = NOTHING
    where: Text = NOTHING
    commands: tuple[str, ...] = ()
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
        words, look, where = (text.changed(change) for text in (self.words, self.look, self.where))
        return replace(self, words=words, look=look, where=where, commands=tuple(map(change, self.commands)))

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
        )


Hints = tuple[Hint, ...]

MANAGER = untranslated("{manager}")
NODE = untranslated("{node}")
FOLDER = _("your own computer, in the lab's folder")


def on(where: Text, *commands: str, words: Text = NOTHING, look: Text = NOTHING) -> Hint:
    """Make a hint of commands that are typed at one place."""
    return Hint(words, look, where, commands)


def on_manager(*commands: str, words: Text = NOTHING, look: Text = NOTHING) -> Hint:
    """Make a hint of commands that are typed on the first manager."""
    return Hint(words, look, MANAGER, commands)


def on_node(*commands: str, words: Text = NOTHING, look: Text = NOTHING) -> Hint:
    """Make a hint of commands that are typed on the node that a check is about."""
    return Hint(words, look, NODE, commands)


def in_folder(*commands: str, words: Text = NOTHING, look: Text = NOTHING) -> Hint:
    """Make a hint of labgen's own commands, which are typed on the user's computer."""
    return Hint(words, look, FOLDER, commands)


def hints(source: str | Text | Hint | Sequence[Hint]) -> Hints:
    """Make hints of what is given: a text alone becomes a hint without commands."""
    if isinstance(source, str):
        source = untranslated(source)
    if isinstance(source, Text):
        return (Hint(source),) if source else ()
    return (source,) if isinstance(source, Hint) else tuple(source)


def text_of(advice: Sequence[Advice]) -> str:
    """Give several hints as one text: a line for each sentence and each command."""
    return "\n".join(str(stage) for stage in advice)


def _filled(text: str, names: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda place: names.get(place[1], place[0]), text)
