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

from .exercise import Parameters


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, labelled = lab.first_manager, lab.workers[0]
    return [
        services.create(
            lab, parameters.off_managers, "Keep the tasks of a service off the managers.", until=_off_managers
        ),
        services.show(lab, parameters.off_managers_name),
        Step(
            manager,
            f"Put a label on {labelled.name}: a word of your own, for a node that has something the others lack.",
            Command(f"docker node update --label-add {parameters.label}={parameters.value} {labelled.name}"),
            skip_if=_labelled,
            quiet=True,
        ),
        services.create(lab, parameters.labelled, "Let a service run only where that label is.", until=_on_labelled),
        services.show(lab, parameters.labelled_name),
        services.create(
            lab,
            parameters.spread,
            "Ask for nothing: each task goes to the node with the fewest tasks of its service, however many others run "
            "there.",
            until=_spread,
        ),
        services.show(lab, parameters.spread_name),
        services.create(
            lab,
            parameters.too_big,
            f"Reserve more memory than any node has ({parameters.reserve}). "
            "--detach, because the wait would be in vain.",
            until=_pending,
        ),
        Step(
            manager,
            "See its task: Pending, on no node, and why.",
            Command(f"docker service ps --no-trunc {parameters.too_big_name}"),
        ),
    ]


def _labelled(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    names = [node.name for node in run.nodes() if node.labels.get(parameters.label) == parameters.value]
    return f"{', '.join(names)}: the label {parameters.label}={parameters.value} is there already." if names else None


def _off_managers(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.off_managers_name)
    _only_on(run, parameters.off_managers_name, {node.name for node in run.nodes() if node.role != "manager"})


def _on_labelled(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.labelled_name)
    _only_on(
        run,
        parameters.labelled_name,
        {node.name for node in run.nodes() if node.labels.get(parameters.label) == parameters.value},
    )


def _only_on(run: Run, name: str, allowed: set[str]) -> None:
    elsewhere = sorted(set(run.placed(run.service(name))) - allowed)
    if elsewhere:
        raise ExerciseError(
            f"tasks of {name} run on {', '.join(elsewhere)}, against its constraint.",
            f"Start the exercise over: fab exercise.reset {run.exercise.name}",
        )


def _spread(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.spread_name)
    here = Counter({host: len(tasks) for host, tasks in run.placed(run.service(parameters.spread_name)).items()})
    counts = [here[node.name] for node in run.nodes()]
    if max(counts) - min(counts) > 1:
        raise ExerciseError(
            f"the tasks of {parameters.spread_name} are not spread evenly: {dict(here)}.",
            f"Nodes were away when it was made. Spread it: docker service update --force {parameters.spread_name}",
        )
    names = {node.id: node.name for node in run.nodes()}
    others = Counter(
        names.get(task.node_id, task.node_id)
        for service in swarm.look(run.manager.ask).services.values()
        if service.name != parameters.spread_name
        for task in service.running
    )
    listed = ", ".join(f"{others[node.name]} on {node.name}" for node in run.lab.nodes)
    run.say(f"  tasks of other services, which do not count before its own are even: {listed}")


def _pending(run: Run) -> None:
    parameters = run.parameters(Parameters)
    reasons: list[str] = []

    def look() -> None:
        stuck = [task.error for task in run.service(parameters.too_big_name).tasks if task.stuck]
        if not stuck:
            raise NotYet("its task is not pending with a reason")
        reasons[:] = stuck

    run.wait(f"the task of {parameters.too_big_name} to say why it is pending", look, within=60)
    run.say(f"  {reasons[-1]}")
