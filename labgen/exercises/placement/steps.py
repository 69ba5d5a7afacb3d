"""Placement carried out: constraints, labels, the spread, and a reservation that no node can meet."""

from __future__ import annotations

from collections import Counter

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step

from .exercise import LABEL, LABELLED, OFF_MANAGERS, SPREAD, TOO_BIG, VALUE


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    manager, labelled = lab.first_manager, lab.workers[0]
    return [
        services.create(lab, OFF_MANAGERS, "Keep the tasks of a service off the managers.", until=_off_managers),
        services.show(lab, OFF_MANAGERS.name),
        Step(
            manager,
            f"Put a label on {labelled.name}: a word of your own, for a node that has something the others lack.",
            Command(f"docker node update --label-add {LABEL}={VALUE} {labelled.name}"),
            skip_if=_labelled,
            quiet=True,
        ),
        services.create(lab, LABELLED, "Let a service run only where that label is.", until=_on_labelled),
        services.show(lab, LABELLED.name),
        services.create(
            lab,
            SPREAD,
            "Ask for nothing: each task goes to the node with the fewest tasks of its service, however many others run "
            "there.",
            until=_spread,
        ),
        services.show(lab, SPREAD.name),
        services.create(
            lab,
            TOO_BIG,
            f"Reserve more memory than any node has ({TOO_BIG.reserve}). --detach, because the wait would be in vain.",
            until=_pending,
        ),
        Step(
            manager,
            "See its task: Pending, on no node, and why.",
            Command(f"docker service ps --no-trunc {TOO_BIG.name}"),
        ),
    ]


def _labelled(run: Run) -> str | None:
    names = [node.name for node in run.nodes() if node.labels.get(LABEL) == VALUE]
    return f"{', '.join(names)}: the label {LABEL}={VALUE} is there already." if names else None


def _off_managers(run: Run) -> None:
    services.running(run, OFF_MANAGERS.name)
    _only_on(run, OFF_MANAGERS.name, {node.name for node in run.nodes() if node.role != "manager"})


def _on_labelled(run: Run) -> None:
    services.running(run, LABELLED.name)
    _only_on(run, LABELLED.name, {node.name for node in run.nodes() if node.labels.get(LABEL) == VALUE})


def _only_on(run: Run, name: str, allowed: set[str]) -> None:
    elsewhere = sorted(set(run.placed(run.service(name))) - allowed)
    if elsewhere:
        raise ExerciseError(
            f"tasks of {name} run on {', '.join(elsewhere)}, against its constraint.",
            f"Begin the exercise anew with: fab exercise.reset {run.exercise.name}",
        )


def _spread(run: Run) -> None:
    services.running(run, SPREAD.name)
    here = Counter({host: len(tasks) for host, tasks in run.placed(run.service(SPREAD.name)).items()})
    counts = [here[node.name] for node in run.nodes()]
    if max(counts) - min(counts) > 1:
        raise ExerciseError(
            f"the tasks of {SPREAD.name} are not spread evenly: {dict(here)}.",
            f"Nodes were away when it was made. Spread it anew: docker service update --force {SPREAD.name}",
        )
    names = {node.id: node.name for node in run.nodes()}
    others = Counter(
        names.get(task.node_id, task.node_id)
        for service in swarm.look(run.manager.ask).services.values()
        if service.name != SPREAD.name
        for task in service.running
    )
    listed = ", ".join(f"{others[node.name]} on {node.name}" for node in run.lab.nodes)
    run.say(f"  tasks of other services, which do not count before its own are even: {listed}")


def _pending(run: Run) -> None:
    reasons: list[str] = []

    def look() -> None:
        stuck = [task.error for task in run.service(TOO_BIG.name).tasks if task.stuck]
        if not stuck:
            raise NotYet("its task is not pending with a reason")
        reasons[:] = stuck

    run.wait(f"the task of {TOO_BIG.name} to say why it is pending", look, within=60)
    run.say(f"  {reasons[-1]}")
