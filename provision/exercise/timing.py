"""What an exercise spends, and how much of that Swarm itself waits: its timers are the same on any computer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from labgen.core.i18n import Text, _


@dataclass(frozen=True)
class Timer:
    """A time that Docker waits by its own rule.

    :param name: what it waits for.
    :param seconds: how long.
    """

    name: str
    seconds: float


VERIFY = Timer("tasks stay up (5 s after the last one started)", 5.0)
"""``docker service create``, ``update`` and ``scale`` end when tasks have run for 5 s (docker/cli
``cli/command/service/progress``)."""

MONITOR = Timer("an update is watched (5 s after its last task)", 5.0)
"""``--update-monitor``: an update is complete when its last task has run for 5 s (moby ``defaults.go``)."""

RESTART_DELAY = Timer("a failed task is restarted after 5 s", 5.0)
"""``--restart-delay``."""

HEARTBEAT = Timer("a node that is silent is given up after three missed heartbeats (15 s)", 15.0)
"""Agents report every 5 s, and are missed after three times that (swarmkit ``dispatcher``)."""

ELECTION = Timer("managers that miss their leader elect another after 10 to 20 s", 15.0)
"""Ten ticks of one second without its heartbeat, and up to as many more, so that not all of them stand at the same
time (swarmkit ``manager/state/raft``, ``DefaultNodeConfig``; etcd ``raft``)."""

GRACE = Timer("a container that ignores SIGTERM is killed after 10 s", 10.0)
"""``--stop-grace-period``."""


GOSSIP = Timer("a task is stopped 2 s after it was taken out of the routing mesh", 2.0)
"""So that every node has heard of it (moby ``daemon/cluster/executor/container/controller.go``)."""


def watched(seconds: float) -> tuple[Timer, Timer]:
    """Make the timers after the last task of an update, by ``--update-monitor``: the swarm's, then the command's.

    The command waits as long as the service's own monitor says (docker/cli ``cli/command/service/progress``).
    """
    return (
        Timer(f"an update is watched ({seconds:g} s after its last task)", seconds),
        Timer(f"tasks stay up ({seconds:g} s after the last one started)", seconds),
    )


@dataclass
class Spent:
    """The time that one run of an exercise took."""

    exercise: str
    steps: list[tuple[str, float, float]] = field(default_factory=list)
    waited: dict[str, float] = field(default_factory=dict)

    def step(self, why: str, seconds: float, timers: Iterable[Timer]) -> None:
        """Note a step: how long it took, and how long of that Swarm waited by rule."""
        remaining = seconds
        for timer in timers:
            waited = min(timer.seconds, remaining)
            remaining -= waited
            self.waited[timer.name] = self.waited.get(timer.name, 0.0) + waited
        self.steps.append((why, seconds, seconds - remaining))

    @property
    def seconds(self) -> float:
        """Add up all steps, in seconds."""
        return sum(seconds for _, seconds, _ in self.steps)

    @property
    def of_swarm(self) -> float:
        """Add up Swarm's own timers, in seconds."""
        return sum(waited for _, _, waited in self.steps)

    @property
    def words(self) -> Text:
        """For people: ``34 s, including 15 s of Swarm's own timers``."""
        if not self.of_swarm:
            return _("%(seconds).0f s", seconds=self.seconds)
        return _(
            "%(seconds).0f s, including %(of_swarm).0f s of Swarm's own timers",
            seconds=self.seconds,
            of_swarm=self.of_swarm,
        )

    def to_json(self) -> str:
        """Convert to JSON data, so that several can be added up."""
        return json.dumps(
            {
                "exercise": self.exercise,
                "seconds": round(self.seconds, 2),
                "of_swarm": round(self.of_swarm, 2),
                "timers": {name: round(seconds, 2) for name, seconds in self.waited.items()},
                "steps": [
                    {"why": why, "seconds": round(seconds, 2), "of_swarm": round(waited, 2)}
                    for why, seconds, waited in self.steps
                ],
            },
            ensure_ascii=False,
            indent=2,
        )
