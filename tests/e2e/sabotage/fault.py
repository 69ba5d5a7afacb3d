"""What a fault is: how it is committed, what it must turn, how the lab is right again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from labgen.model.capabilities import Capability
from tests.e2e.sabotage.stage import Stage

Act = Callable[[Stage], None]


def nothing(_: Stage) -> None:
    """The next fault begins anew by itself."""


@dataclass(frozen=True)
class Fault:
    """A fault.

    :param name: what somebody did.
    :param exercise: which exercise is graded; ``cluster`` for the swarm alone.
    :param commit: does it.
    :param turns: every check that has another verdict of it, with that verdict; all others must stay as they were.
        Those that are not applicable to the nodes stay so.
    :param mend: makes the lab right again, where the next fault needs that.
    :param cause: name of the cause that a failing check must begin with; empty where any will do.
    :param needs: what nodes must be able to do for it to be seen.
    """

    name: str
    exercise: str
    commit: Act
    turns: Mapping[str, str]
    mend: Act = nothing
    needs: tuple[Capability, ...] = field(default=())
    cause: str = ""


def turned(
    *, fail: tuple[str, ...] = (), blocked: tuple[str, ...] = (), unclear: tuple[str, ...] = ()
) -> dict[str, str]:
    """Checks by the verdict they get."""
    words = {"fail": fail, "blocked": blocked, "inconclusive": unclear}
    return {check: verdict for verdict, checks in words.items() for check in checks}
