"""Published ports carried out: chosen, chosen by the swarm, and in host mode, each asked through every node."""

from __future__ import annotations

import dataclasses
import functools

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
from labgen.core.polling import NotYet
from labgen.docker import http_check
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.run import Run, look_with
from provision.exercise.steps import Command, Script, Step

from .exercise import Parameters

_ = Messages.beside(__file__)

_PORTS = "--format '{{json .Endpoint.Ports}}'"


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, full = lab.first_manager, parameters.crowded(len(lab.nodes))
    return [
        services.create(lab, parameters.chosen, _("Publish a port of your choice: it opens on every node.")),
        *(
            Step(
                node,
                _("Request the page from %(node)s at that port, with or without a task there.", node=node.name),
                _ask(node, parameters.port),
                before=functools.partial(services.port_open, node=node, port=parameters.port),
                needs=parameters.chosen.asking_needs,
            )
            for node in lab.nodes
        ),
        services.create(
            lab, parameters.automatic, _("Give only the container's port: the swarm chooses a free one to publish.")
        ),
        Step(
            manager,
            _(
                "See which port: between %(first)s and %(last)s.",
                first=parameters.first_automatic,
                last=parameters.last_automatic,
            ),
            Command(f"docker service inspect {_PORTS} {parameters.automatic_name}"),
            until=_chosen,
        ),
        *(
            Step(
                node,
                _("Request the page from %(node)s at that port.", node=node.name),
                functools.partial(_ask_automatic, node=node),
                placeholder=_ask(node, "PUBLISHED-PORT").shown,
                needs=parameters.automatic.asking_needs,
            )
            for node in lab.nodes
        ),
        services.create(
            lab,
            parameters.host,
            _("Host mode: the port opens only on nodes where a task runs."),
            also=(full,),
            until=_host_runs,
        ),
        services.show(lab, parameters.host_name, _("See on which nodes its tasks run.")),
        *(
            Step(
                manager,
                _(
                    "Request the page from %(node)s: it answers if a task of %(service)s runs there.",
                    node=node.name,
                    service=parameters.host_name,
                ),
                _ask_host(node, parameters),
                until=None if node is not lab.nodes[-1] else _answer_with_a_task,
            )
            for node in lab.nodes
        ),
        Step(
            manager,
            _("Scale to one replica more than there are nodes: each node has the port only once."),
            Command(f"docker service scale --detach {parameters.host_name}={full.replicas}"),
            skip_if=functools.partial(_crowded, replicas=full.replicas),
            until=functools.partial(_one_waits, nodes=len(lab.nodes)),
            quiet=True,
        ),
        Step(
            manager,
            _("See that the last task waits, and why."),
            Command(f"docker service ps --no-trunc --filter desired-state=running {parameters.host_name}"),
        ),
    ]


def _host_runs(run: Run) -> None:
    """Wait for the service's tasks; at most one on each node can run."""
    parameters = run.parameters(Parameters)
    expected = min(run.service(parameters.host_name).replicas or 0, len(run.lab.nodes))
    _running(run, expected)


def _running(run: Run, expected: int) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        service = run.service(parameters.host_name)
        if len(service.running) != expected or not service.settled:
            raise NotYet(services.describe(service, expected))

    run.wait(_("%(expected)s tasks of %(service)s", expected=expected, service=parameters.host_name), look, within=60)
    run.tell(
        _(
            "%(expected)s tasks run: one on each of %(nodes)s",
            expected=expected,
            nodes=", ".join(sorted(run.placed(run.service(parameters.host_name)))),
        )
    )


def _ask(node: Node, port: int | str) -> Command:
    """Compose the command that requests the page; its title is enough to see."""
    curl = f"curl -s {node.address}:{port}"
    return Command(curl, f"{curl} --max-time 10 | grep -i '<title>'")


def _ask_host(node: Node, parameters: Parameters) -> Command:
    asking = _ask(node, parameters.host_port)
    return dataclasses.replace(asking, script=f"{asking.script} || echo '(no answer)'")


def _published(run: Run) -> int:
    """Find the port that the swarm has chosen."""
    parameters = run.parameters(Parameters)
    ports = [port.published for port in run.service(parameters.automatic_name).ports]
    if len(ports) != 1 or not parameters.may_choose(ports[0]):
        raise ExerciseError(
            _(
                "%(service)s has these published ports: %(ports)s. It must have one between %(first)s and %(last)s.",
                service=parameters.automatic_name,
                ports=", ".join(map(str, ports)) or _("none"),
                first=parameters.first_automatic,
                last=parameters.last_automatic,
            ),
            run.start_over,
        )
    return ports[0]


def _chosen(run: Run) -> None:
    run.tell(_("the swarm has chosen port %(port)s", port=_published(run)))


def _ask_automatic(run: Run, node: Node) -> Command:
    port = _published(run)
    services.port_open(run, node, port)
    return _ask(node, port)


def _answer_with_a_task(run: Run) -> None:
    """Wait until exactly the nodes with a task answer at the port in host mode."""
    parameters = run.parameters(Parameters)
    placed = run.placed(run.service(parameters.host_name))
    addresses = {str(node.address): node.name for node in run.lab.nodes}
    port, within = parameters.host_port, run.inventory.patience.seconds(3)

    def look() -> None:
        answers = http_check.ask(run.manager.ask, list(addresses), port, within, requests=1)
        answer = {name for at, name in addresses.items() if answers[at].answered}
        if answer != set(placed):
            raise NotYet(
                _(
                    "nodes that answer: %(answered)s; nodes with a task: %(nodes)s",
                    answered=", ".join(sorted(answer)) or _("none"),
                    nodes=", ".join(sorted(placed)),
                )
            )

    run.wait(_("an answer from every node with a task, and from no other"), look, within=30)
    silent = ", ".join(sorted(set(addresses.values()) - set(placed)))
    run.tell(
        _(
            "nodes that answer at port %(port)s: %(answered)s; nodes without a task, which do not: %(silent)s",
            port=port,
            answered=", ".join(sorted(placed)),
            silent=silent or _("none"),
        )
    )


def _crowded(run: Run, replicas: int | None) -> Text | None:
    parameters = run.parameters(Parameters)
    return (
        _("%(service)s has %(replicas)s replicas already.", service=parameters.host_name, replicas=replicas)
        if run.service(parameters.host_name).replicas == replicas
        else None
    )


def _one_waits(run: Run, nodes: int) -> None:
    """Wait until a task runs on every node, and the one too many is pending because of the port."""
    parameters = run.parameters(Parameters)
    why: list[str] = []

    def look() -> None:
        service = run.service(parameters.host_name)
        stuck = [task for task in service.tasks if task.stuck]
        if len(service.running) != nodes or len(stuck) != 1:
            raise NotYet(services.describe(service, nodes))
        why.append(stuck[0].error)

    run.wait(_("a task on every node, and one that waits"), look, within=60)
    if "port" not in why[-1]:
        raise ExerciseError(
            _(
                "a task of %(service)s waits, but not for the port: %(error)s.",
                service=parameters.host_name,
                error=why[-1],
            ),
            look_with(f"docker service ps --no-trunc {parameters.host_name}"),
        )
    run.tell(_("one task runs on each of %(nodes)s nodes; the last is pending: %(error)s", nodes=nodes, error=why[-1]))
