"""An exercise is a list of steps that one loop carries out, shows, and can print without running.

A step says where it happens, the command as the learner would type it, why, and what must be seen
before the next one begins. What has to be found at run time (a container's name) is found from
docker's JSON by a function, never scraped from a table.

What a step needs of the nodes stands at the step. Where they lack it, the step is not applicable: that is
said and why, its command is not run, and what can be shown instead is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labgen.capabilities import Capability, Lacks
from labgen.course import Exercise
from labgen.errors import ExerciseError
from labgen.inventory import Inventory
from labgen.lab import Node
from labgen.waiting import wait_until
from provision.shell import Shell

Say = Callable[[str], None]


@dataclass(frozen=True)
class Command:
    """A command on a node.

    :param shown: as the learner would type it.
    :param script: as it is run, where that differs (root's shell, a file written beforehand).
    """

    shown: str
    script: str | None = None


@dataclass(frozen=True)
class Step:
    """One step.

    :param node: where.
    :param why: what it is for, one sentence.
    :param command: the command, or how to find it at run time.
    :param placeholder: what ``--dry-run`` prints for a command that is found at run time.
    :param done: whether the step is done already; it is then told and left out.
    :param before: called before the command; waits for what must be so.
    :param until: called after the command; waits for what must be seen and tells it.
    :param quiet: do not show what the command printed.
    :param within: deadline of the command in seconds on an ordinary machine.
    :param needs: what nodes must be able to do.
    :param instead_of: what nodes must lack: the step shows what can be shown without.
    """

    node: Node
    why: str
    command: Command | Callable[[Run], Command]
    placeholder: str = ""
    done: Callable[[Run], str | None] | None = None
    before: Callable[[Run], None] | None = None
    until: Callable[[Run], None] | None = None
    quiet: bool = False
    within: float = 120.0
    needs: tuple[Capability, ...] = ()
    instead_of: tuple[Capability, ...] = ()


Script = Sequence[Step]


class Chosen:
    """The steps of a script that there are for nodes that lack something.

    :ivar steps: each with why it is not applicable, in words for people, empty where it is.
    :ivar left_out: how many are not applicable.
    """

    def __init__(self, script: Script, lacks: Lacks) -> None:
        self.steps: list[tuple[Step, str]] = []
        said: set[str] = set()
        for step in script:
            if step.instead_of and not any(one in lacks for one in step.instead_of):
                continue
            why = next((lacks[one] for one in step.needs if one in lacks), "")
            # In full where it is met first: several steps in a row lack the same.
            told = f"not applicable here: {'as above' if why in said else why}" if why else ""
            said.add(why)
            self.steps.append((step, told))
        self.left_out = sum(bool(told) for _, told in self.steps)

    @property
    def summary(self) -> str:
        """What a last line adds: "; 6 of its 14 steps are not applicable here", empty where all are."""
        return f"; {self.left_out} of its {len(self.steps)} steps are not applicable here" if self.left_out else ""


class Run:
    """One carrying-out of an exercise: the lab, a shell per node, and where to tell what happens."""

    def __init__(self, inventory: Inventory, exercise: Exercise, say: Say) -> None:
        self.inventory = inventory
        self.lab = inventory.lab
        self.exercise = exercise
        self.say = say
        self._shells: dict[str, Shell] = {}

    def shell(self, node: Node) -> Shell:
        """Root's shell on a node: the same one each time."""
        return self._shells.setdefault(node.name, Shell(self.inventory, node))

    @property
    def manager(self) -> Shell:
        """Root's shell on the first manager."""
        return self.shell(self.lab.first_manager)

    def play(self, script: Script) -> None:
        """Carry the steps out."""
        self.say(headline(self.exercise))
        start = time.monotonic()
        chosen = Chosen(script, self.inventory.lacks)
        for step, not_applicable in chosen.steps:
            self.say(f"\n# {step.why}")
            if not_applicable:
                self.say(f"  {not_applicable}")
            else:
                self._play(step)
        self.say(f"\n{self.exercise.name}: done in {time.monotonic() - start:.0f} s{chosen.summary}.")

    def _play(self, step: Step) -> None:
        already = step.done(self) if step.done else None
        if already:
            self.say(f"  {already}")
        else:
            if step.before:
                step.before(self)
            command = step.command if isinstance(step.command, Command) else step.command(self)
            self.say(f"[{step.node.name}]$ {command.shown}")
            done = self.shell(step.node).attempt(command.script or command.shown, within=step.within)
            if not done.ok:
                raise ExerciseError(
                    f"{self.exercise.name}: `{command.shown}` failed on {step.node.name}: {done.said or 'no output'}",
                    f"Begin the exercise anew with: fab exercise.reset {self.exercise.name}",
                )
            if not step.quiet:
                for line in done.out.rstrip().splitlines():
                    self.say(f"  {line}")
        if step.until:
            step.until(self)

    def wait(self, what: str, look: Callable[[], None], *, within: float = 60.0, hint: str = "") -> None:
        """Wait for something to be seen.

        :param look: returns when it is; raises :class:`labgen.waiting.NotYet` with what is seen instead.
        :param within: deadline in seconds on an ordinary machine.
        :raises ExerciseError: it did not come, with the last thing seen.
        """
        wait_until(
            what,
            look,
            within=self.inventory.patience.seconds(within),
            error=ExerciseError,
            hint=hint or f"Look with: docker service ps --no-trunc {self.exercise.services[0].name}",
        )


def headline(exercise: Exercise) -> str:
    """The first line of what an exercise shows."""
    return f"== {exercise.name}: {exercise.title.en} · {exercise.title.ko}"


def print_out(exercise: Exercise, script: Script, lacks: Lacks, say: Say) -> None:
    """Print the commands in order, running none."""
    say(headline(exercise))
    for step, not_applicable in Chosen(script, lacks).steps:
        if not_applicable:
            say(f"\n# {step.why}\n  {not_applicable}")
            continue
        shown = step.command.shown if isinstance(step.command, Command) else step.placeholder
        only = "  (left out where it is so already)" if step.done else ""
        say(f"\n# {step.why}{only}\n[{step.node.name}]$ {shown}")
