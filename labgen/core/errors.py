"""Errors a user can meet, each with its own exit status.

::

    LabgenError           1   anything below, when nothing more exact is known: labgen itself has failed
    ├── UsageError        2   a command that does not exist, or with words that it does not take
    ├── LabFileError      3   lab.yml says something that cannot be
    ├── RenderConflict    4   a file that a person has edited would be overwritten
    ├── HostError         5   this computer lacks something: a program, a right, memory, a free port
    │   ├── ProgramMissing    a program that is not installed
    │   ├── ProgramFailed     a program that ended in an error
    │   └── ProgramTimeout    a program that did not end in time
    ├── BoxError          6   a Vagrant box or an image that is missing or cannot be built
    │   └── BoxBusy           another command is building one
    ├── MachineError      7   a machine that does not boot, or does not exist yet
    ├── NodeError         8   a node that cannot be reached, or stopped answering
    ├── SwarmError        9   the swarm is not in the state that a step needs
    │   └── NoLeader          its managers have no leader
    ├── ExerciseError    10   an exercise is unknown, or did not come out as it should
    ├── EvidenceError    14   a bundle of evidence was changed, or cannot be graded
    └── FolderLocked     15   another command is at work on this lab

Exit statuses that are not errors of this tree: 0 all well, 11 graded and not everything passed,
12 graded and the lab itself was at fault, 13 nothing was graded, 130 interrupted.

An error carries what went wrong (``message``) and the way out (``hint``); it is printed in one
place, ``labgen.cli``. Nothing here logs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from labgen.core.hint import Hints, hints, text_of
from labgen.core.i18n import Language, Spoken, Text, _, ngettext, sentences, untranslated

GRADED_WITH_FAILURES = 11
GRADED_INCONCLUSIVE = 12
GRADED_NOTHING = 13
GRADED = (0, GRADED_WITH_FAILURES, GRADED_INCONCLUSIVE, GRADED_NOTHING)
"""Exit statuses with which a grading has come to its end."""

INTERRUPTED = 130


class LabgenError(Spoken, Exception):
    """What went wrong, and the way out.

    :param message: one sentence: the place and the reason; translated where reports tell it.
    :param hint: what to do now; may hold a command to paste.
    :ivar words: the message in every language.
    :ivar hints: the hint as data.
    :ivar advice: the hint as a text.
    """

    exit_status = 1

    def __init__(self, message: str | Text, hint: str | Text | Hints = "") -> None:
        self.words = message if isinstance(message, Text) else untranslated(message)
        self.message = str(self.words)
        super().__init__(self.message)
        self.hints: Hints = hints(hint)
        self.hint: str = hint if isinstance(hint, str) else text_of([stage.in_("en", {}) for stage in self.hints])
        self.advice = hint if isinstance(hint, Text) else untranslated(self.hint)

    def in_(self, language: Language) -> str:
        """Give message and hint in a language; in English what is not translated."""
        message = self.words.in_(language)
        hint = text_of([stage.in_(language, {}) for stage in self.hints]).replace("\n", "\n  ")
        return f"{message}\n  {hint}" if hint else message

    def __str__(self) -> str:
        return self.in_("en")


_SHOWN = 20
"""Mistakes of one file that are listed: who has made more reads no further."""


@dataclass(frozen=True)
class Problem(Spoken):
    """One mistake in a lab file.

    :param place: where, as a path of keys: ``nodes[1].address``.
    :param value: what stands there, as the user wrote it.
    :param words: why it cannot be.
    :param remedy: the way out.
    :param line: line in the file, counted from 1; ``None`` if there is none.
    :param fatal: ``False`` for a warning.
    """

    place: str
    value: str
    words: Text
    remedy: Text
    line: int | None = None
    fatal: bool = True

    @property
    def reason(self) -> str:
        """Give the reason in English."""
        return str(self.words)

    @property
    def fix(self) -> str:
        """Give the way out in English."""
        return str(self.remedy)

    def in_(self, language: Language) -> str:
        """Say it in a language."""
        at = _("line %(line)s, ", line=self.line).in_(language) if self.line else ""
        shown = f" = {self.value}" if self.value else ""
        return f"{at}{self.place}{shown}: {self.words.in_(language)} {self.remedy.in_(language)}".rstrip()

    def __str__(self) -> str:
        return self.in_("en")


class UsageError(LabgenError):
    """The words of a command line are not those of a command."""

    exit_status = 2


class LabFileError(LabgenError):
    """``lab.yml`` says something that cannot be; holds every mistake found, not only the first."""

    exit_status = 3

    def __init__(self, source: str, problems: Sequence[Problem]) -> None:
        listed = [Text("  - %(problem)s", (("problem", problem),)) for problem in problems[:_SHOWN]]
        if len(problems) > _SHOWN:
            listed.append(_("  and %(count)s more", count=len(problems) - _SHOWN))
        heading = ngettext(
            "%(source)s: %(count)s mistake", "%(source)s: %(count)s mistakes", len(problems), source=source
        )
        super().__init__(sentences(heading, *listed, separator="\n"))
        self.problems = tuple(problems)


class RenderConflict(LabgenError):
    """A file that a person has edited would be overwritten."""

    exit_status = 4


class HostError(LabgenError):
    """This computer lacks something the lab needs."""

    exit_status = 5


class ProgramMissing(HostError):
    """A program that is not installed, or not on PATH."""


class ProgramFailed(HostError):
    """A program ended with an exit status other than 0.

    :param command: the command, ready to paste.
    :param status: its exit status.
    :param output: the end of what it printed.
    """

    def __init__(self, command: str, status: int, output: str, hint: str | Text = "") -> None:
        tail = "\n".join(output.strip().splitlines()[-15:])
        ended = _("`%(command)s` ended with status %(status)s", command=command, status=status)
        super().__init__(sentences(ended, untranslated(tail), separator=":\n"), hint)
        self.command = command
        self.status = status
        self.output = output


class ProgramTimeout(HostError):
    """A program did not end within its deadline and was stopped."""


class BoxError(LabgenError):
    """A Vagrant box or a container image is missing or cannot be made."""

    exit_status = 6


class BoxBusy(BoxError):
    """Another command is building a box or an image in the same cache."""


class MachineError(LabgenError):
    """A machine does not boot, or does not exist yet."""

    exit_status = 7


class NodeError(LabgenError):
    """A node cannot be reached, or stopped answering in the middle of something."""

    exit_status = 8


class SwarmError(LabgenError):
    """The swarm is not in the state that a step needs."""

    exit_status = 9


class NoLeader(SwarmError):
    """The managers have no leader, or have not chosen one yet."""


class ExerciseError(LabgenError):
    """An exercise is unknown, or did not come out as it should."""

    exit_status = 10


class EvidenceError(LabgenError):
    """A bundle of evidence was changed, cut short or forged, is not there, or is of another version."""

    exit_status = 14


class FolderLocked(LabgenError):
    """Another command is at work on this lab, and changes it or acts on it."""

    exit_status = 15
