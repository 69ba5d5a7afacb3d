"""An exercise is a list of steps that one loop carries out, shows, times, and can print without running.

A step says where it happens, the command as the learner would type it, why, and what must be seen
before the next one begins. What has to be found at run time (a container's name) is found from
docker's JSON by a function, never scraped from a table.

What a step needs of the nodes stands at the step. Where they lack it, the step is not applicable: that is
said and why, its command is not run, and what can be shown instead is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from labgen.core.errors import ExerciseError
from labgen.core.i18n import NOTHING, Text, _, recorded, shown
from labgen.core.printable import printable
from labgen.core.redaction import redact
from labgen.docker.api import busy
from labgen.exercise.model import Exercise
from labgen.model.capabilities import Capability, Lacks
from labgen.model.lab import Node
from labgen.transport.output import Output, Say
from provision.exercise.timing import Spent, Timer

if TYPE_CHECKING:
    from provision.exercise.run import Run

_CONFLICT = "update out of sequence"
"""The engine's answer where Swarm itself changed a service after the command had read it and before it could change it:
nothing was done (swarmkit ``manager/state/store``, ``ErrSequenceConflict``)."""

_ATTEMPTS = 5
"""How often such a command is run. Swarm changes a service a few times during an update, each time in a moment."""


@dataclass(frozen=True)
class Command:
    """A command on a node.

    :param shown: as the learner would type it.
    :param script: as it is run, where that differs (root's shell, a file written beforehand).
    :param node: where, for one that is found at run time; by default the step's own.
    :param secret: one line for its standard input, which nobody is shown.
    """

    shown: str
    script: str | None = None
    node: Node | None = None
    secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Step:
    """One step.

    :param node: where.
    :param why: what it is for, one sentence.
    :param command: the command, or how to find it at run time; a text instead of one says why there is none.
    :param placeholder: what ``--dry-run`` prints for a command that is found at run time.
    :param skip_if: gives why the command is left out, as a sentence; ``None`` to run it. ``until`` is called anyway.
    :param before: called before the command; waits for what must be so.
    :param during: entered before the command and left after ``until``: what looks on meanwhile and tells it.
    :param until: called after the command; waits for what must be seen and tells it.
    :param quiet: do not show what the command printed.
    :param within: deadline of the command in seconds on an ordinary machine.
    :param ends: how the command must end: ``well``, in an ``error`` that is what the step shows, or ``either``.
    :param timers: how long Swarm itself waits in this step.
    :param needs: what nodes must be able to do.
    :param instead_of: what nodes must lack: the step shows what can be shown without.
    """

    node: Node
    why: str | Text
    command: Command | Callable[[Run], Command | str | Text]
    placeholder: str | Text = ""
    skip_if: Callable[[Run], str | Text | None] | None = None
    before: Callable[[Run], None] | None = None
    during: Callable[[Run], AbstractContextManager[None]] | None = None
    until: Callable[[Run], None] | None = None
    quiet: bool = False
    within: float = 120.0
    ends: Literal["well", "error", "either"] = "well"
    timers: tuple[Timer, ...] = ()
    needs: tuple[Capability, ...] = ()
    instead_of: tuple[Capability, ...] = ()


Script = Sequence[Step]


class Chosen:
    """The steps of a script that apply to nodes which lack some capabilities.

    :ivar steps: each with why it is not applicable, in words for people, empty where it is.
    :ivar left_out: how many are not applicable.
    """

    def __init__(self, script: Script, lacks: Lacks) -> None:
        self.steps: list[tuple[Step, Text]] = []
        reasons: set[str] = set()
        for step in script:
            if step.instead_of and not any(capability in lacks for capability in step.instead_of):
                continue
            why = next((lacks[capability] for capability in step.needs if capability in lacks), "")
            self.steps.append((step, _not_applicable(why, repeated=why in reasons) if why else NOTHING))
            reasons.add(why)
        self.left_out = sum(bool(remark) for _, remark in self.steps)

    @property
    def summary(self) -> Text:
        """What a last line adds: "; 6 of its 14 steps are not applicable here", empty where all are."""
        if not self.left_out:
            return NOTHING
        return _(
            "; %(count)s of its %(steps)s steps are not applicable here", count=self.left_out, steps=len(self.steps)
        )


def _not_applicable(why: str, *, repeated: bool) -> Text:
    """Say that a step is not applicable; the reason in full only once, for several steps in a row lack the same."""
    if repeated:
        return _("not applicable here, for the same reason")
    return _("not applicable here: %(why)s", why=recorded(why))


def play(run: Run, script: Script, begin: Callable[[], None] = lambda: None) -> Spent:
    """Carry the steps out, in order; return the time they took.

    :param begin: called before each step that is carried out.
    :raises ExerciseError: one does not come out as it should.
    """
    run.say(headline(run.exercise))
    chosen = Chosen(script, run.inventory.lacks)
    spent = Spent(run.exercise.name)
    for step, not_applicable in chosen.steps:
        run.say(f"\n# {shown(step.why)}")
        if not_applicable:
            run.tell(not_applicable)
            continue
        begin()
        start = time.monotonic()
        did = _play_step(run, step)
        spent.step(str(step.why), time.monotonic() - start, step.timers if did else ())
    end = _(
        "%(exercise)s: done in %(spent)s%(left_out)s.",
        exercise=run.exercise.name,
        spent=spent.words,
        left_out=chosen.summary,
    )
    run.say(f"\n{shown(end)}")
    return spent


def _play_step(run: Run, step: Step) -> bool:
    """Carry one step out; tell whether there was anything to do."""
    already = step.skip_if(run) if step.skip_if else None
    if already:
        run.tell(already)
        if step.until:
            step.until(run)
        return False
    if step.before:
        step.before(run)
    command = step.command if isinstance(step.command, Command) else step.command(run)
    if not isinstance(command, Command):
        run.tell(command)
        return False
    with step.during(run) if step.during else nullcontext():
        _type(run, step, command)
        if step.until:
            step.until(run)
    return True


def _type(run: Run, step: Step, command: Command) -> None:
    node = command.node or step.node
    output = _attempt(run, step, node, command)
    if step.ends == "well" and not output.ok:
        raise ExerciseError(
            _(
                "%(exercise)s: `%(command)s` failed on %(node)s: %(output)s",
                exercise=run.exercise.name,
                command=command.shown,
                node=node.name,
                output=output.said or _("no output"),
            ),
            run.start_over,
        )
    if step.ends == "error" and output.ok:
        raise ExerciseError(
            _(
                "%(exercise)s: `%(command)s` on %(node)s should have failed, and did not.",
                exercise=run.exercise.name,
                command=command.shown,
                node=node.name,
            ),
            run.start_over,
        )
    printed = printable(redact(output.out if output.ok else f"{output.out}\n{output.said}"))
    if not step.quiet:
        for line in filter(str.strip, printed.rstrip().splitlines()):
            run.tell(line)


def _attempt(run: Run, step: Step, node: Node, command: Command) -> Output:
    """Run a step's command; repeat it where Swarm changed the service in the same moment, or the engine was too busy.

    A busy engine may have carried the command out all the same: only a step that can tell (``skip_if``) is repeated.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        run.say(f"[{node.name}]$ {command.shown}")
        output = run.shell(node).attempt(command.script or command.shown, within=step.within, secret=command.secret)
        if output.ok or attempt == _ATTEMPTS:
            break
        if _CONFLICT in output.said:
            run.tell(_("Swarm was changing the service itself, and refused the command. The same command again:"))
        elif step.skip_if and step.ends == "well" and busy(output.said):
            if already := step.skip_if(run):
                run.tell(already)
                return Output(0, "", "")
            run.tell(_("The engine was too busy to answer in time. The same command again:"))
        else:
            break
    return output


_SKIPPED = _("skipped if already done")


def headline(exercise: Exercise) -> str:
    """Compose the first line of what an exercise shows."""
    return f"== {exercise.name}: {exercise.title} · {exercise.title.in_('ko')}"


def print_out(exercise: Exercise, script: Script, lacks: Lacks, say: Say) -> None:
    """Print the commands in order, running none."""
    say(headline(exercise))
    for step, not_applicable in Chosen(script, lacks).steps:
        if not_applicable:
            say(f"\n# {shown(step.why)}\n  {shown(not_applicable)}")
            continue
        command = step.command.shown if isinstance(step.command, Command) else shown(step.placeholder)
        only = f"  ({shown(_SKIPPED)})" if step.skip_if else ""
        say(f"\n# {shown(step.why)}{only}\n[{step.node.name}]$ {command}")
