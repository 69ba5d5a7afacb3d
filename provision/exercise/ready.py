"""Before an exercise: every node of the lab Ready and active, whatever an earlier one has left."""

from __future__ import annotations

import shlex

from labgen.errors import SwarmError
from labgen.swarm import SwarmNode
from provision.exercise.run import Run


def make_ready(run: Run) -> None:
    """See that every node can take its part; one that is drained or paused is made active again, and that is shown.

    :raises SwarmError: a node is down, or not in the swarm: that is the bootstrap's to mend.
    """
    known = {node.name: node for node in sorted(run.nodes(), key=lambda node: node.ready)}
    missing = [node.name for node in run.lab.nodes if node.name not in known or not known[node.name].ready]
    if missing:
        seen = ", ".join(f"{name} is {known[name].state if name in known else 'not in the swarm'}" for name in missing)
        raise SwarmError(
            f"not every node is Ready: {seen}.",
            "See with `labgen status` whether the machines run, start them with `labgen up`; fab bootstrap starts "
            "engines that were stopped, and brings the swarm together again.",
        )
    for node in run.lab.nodes:
        if known[node.name].availability != "active":
            _activate(run, known[node.name])


def _activate(run: Run, node: SwarmNode) -> None:
    run.say(f"# {node.name} has availability {node.availability}: it takes no tasks until it is active again.")
    run.say(f"[{run.lab.first_manager.name}]$ docker node update --availability active {node.name}")
    run.manager.run(f"docker node update --availability active {shlex.quote(node.id)}", what="docker node update")
