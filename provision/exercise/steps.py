"""An exercise is a list of steps that one loop carries out, shows, and can print without running.

A step says where it happens, the command as the learner would type it, why, and what must be seen
before the next one begins. What has to be found at run time (a container's name) is found from
docker's JSON by a function, never scraped from a table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    :param until: called after the command; waits for what must be seen and tells it.
    :param quiet: do not show what the command printed.
    :param within: deadline of the command in seconds on an ordinary machine.
    """

    node: Node
    why: str
    command: Command | Callable[[Run], Command]
    placeholder: str = ""
    done: Callable[[Run], str | None] | None = None
    until: Callable[[Run], None] | None = None
    quiet: bool = False
    within: float = 120.0


Script = Sequence[Step]


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
        for step in script:
            self._play(step)
        self.say(f"\n{self.exercise.name}: done in {time.monotonic() - start:.0f} s.")

    def _play(self, step: Step) -> None:
        self.say(f"\n# {step.why}")
        already = step.done(self) if step.done else None
        if already:
            self.say(f"  {already}")
        else:
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


def print_out(exercise: Exercise, script: Script, say: Say) -> None:
    """Print the commands in order, running none."""
    say(headline(exercise))
    for step in script:
        shown = step.command.shown if isinstance(step.command, Command) else step.placeholder
        only = "  (left out where it is so already)" if step.done else ""
        say(f"\n# {step.why}{only}\n[{step.node.name}]$ {shown}")
