"""Placement carried out: constraints, labels, the spread, and a reservation that no node can meet."""

from __future__ import annotations

from collections import Counter

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, labelled = lab.first_manager, lab.workers[0]
    return [
        services.create(
            lab, parameters.off_managers, _("Keep the tasks of a service off the managers."), until=_off_managers
        ),
        services.show(lab, parameters.off_managers_name),
        Step(
            manager,
            _(
                "Put a label on %(node)s: a word of your own, for what this node has and others lack.",
                node=labelled.name,
            ),
            Command(f"docker node update --label-add {parameters.label}={parameters.value} {labelled.name}"),
            skip_if=_labelled,
            quiet=True,
        ),
        services.create(
            lab, parameters.labelled, _("Run a service only on nodes with that label."), until=_on_labelled
        ),
        services.show(lab, parameters.labelled_name),
        services.create(
            lab,
            parameters.spread,
            _(
                "Set no constraint: each task goes to the node with the fewest tasks of its service. "
                "Tasks of other services do not count."
            ),
            until=_spread,
        ),
        services.show(lab, parameters.spread_name),
        services.create(
            lab,
            parameters.too_big,
            _(
                "Reserve more memory than any node has (%(reserve)s). With --detach, because the "
                "command would wait in vain.",
                reserve=parameters.reserve,
            ),
            until=_pending,
        ),
        Step(
            manager,
            _("See its task: Pending, on no node, and the reason."),
            Command(f"docker service ps --no-trunc {parameters.too_big_name}"),
        ),
    ]


def _labelled(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    names = [node.name for node in run.nodes() if node.labels.get(parameters.label) == parameters.value]
    return (
        _(
            "label %(label)s=%(value)s is there already: %(nodes)s.",
            nodes=", ".join(names),
            label=parameters.label,
            value=parameters.value,
        )
        if names
        else None
    )


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
            _(
                "tasks of %(service)s run on %(nodes)s, against its constraint.",
                service=name,
                nodes=", ".join(elsewhere),
            ),
            run.start_over,
        )


def _spread(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.spread_name)
    here = Counter({host: len(tasks) for host, tasks in run.placed(run.service(parameters.spread_name)).items()})
    counts = [here[node.name] for node in run.nodes()]
    if max(counts) - min(counts) > 1:
        raise ExerciseError(
            _(
                "the tasks of %(service)s are not spread evenly: %(nodes)s.",
                service=parameters.spread_name,
                nodes=services.spread(here),
            ),
            _(
                "Some nodes were away when the service was created. Spread its tasks: docker service "
                "update --force %(service)s",
                service=parameters.spread_name,
            ),
        )
    names = {node.id: node.name for node in run.nodes()}
    others = Counter(
        names.get(task.node_id, task.node_id)
        for service in swarm.look(run.manager.ask).services.values()
        if service.name != parameters.spread_name
        for task in service.running
    )
    elsewhere = services.spread({node.name: others[node.name] for node in run.lab.nodes})
    run.tell(_("tasks of other services, which count only after its own are even: %(nodes)s", nodes=elsewhere))


def _pending(run: Run) -> None:
    parameters = run.parameters(Parameters)
    reasons: list[str] = []

    def look() -> None:
        stuck = [task.error for task in run.service(parameters.too_big_name).tasks if task.stuck]
        if not stuck:
            raise NotYet(_("its task is not pending with a reason"))
        reasons[:] = stuck

    run.wait(_("the task of %(service)s to say why it is pending", service=parameters.too_big_name), look, within=60)
    run.say(f"  {reasons[-1]}")
