"""Published ports carried out: chosen, chosen by the swarm, and in host mode, each asked through every node."""

from __future__ import annotations

import dataclasses
import functools

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker import http_check
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step

from .exercise import AUTOMATIC, CHOSEN, HOST, RANGE, crowded

_PORTS = "--format '{{json .Endpoint.Ports}}'"


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    manager, full = lab.first_manager, crowded(len(lab.nodes))
    return [
        services.create(lab, CHOSEN, "Publish a port of your choice: it opens on every node."),
        *(
            Step(
                node,
                f"Ask {node.name} at it, whether a task runs there or not.",
                _ask(node, CHOSEN.publish[0].published),
                before=functools.partial(services.port_open, node=node, port=CHOSEN.publish[0].published),
                needs=CHOSEN.asking_needs,
            )
            for node in lab.nodes
        ),
        services.create(lab, AUTOMATIC, "Name only the container's port: the swarm chooses one that is free."),
        Step(
            manager,
            f"See which: between {RANGE[0]} and {RANGE[-1]}.",
            Command(f"docker service inspect {_PORTS} {AUTOMATIC.name}"),
            until=_chosen,
        ),
        *(
            Step(
                node,
                f"Ask {node.name} at it.",
                functools.partial(_ask_automatic, node=node),
                placeholder=_ask(node, "PUBLISHED-PORT").shown,
                needs=AUTOMATIC.asking_needs,
            )
            for node in lab.nodes
        ),
        services.create(
            lab, HOST, "Host mode: the port opens where a task runs, and nowhere else.", also=(full,), until=_host_runs
        ),
        services.show(lab, HOST.name, "See on which nodes that is."),
        *(
            Step(
                manager,
                f"Ask {node.name}: it answers if a task of {HOST.name} runs there.",
                _ask_host(node),
                until=None if node is not lab.nodes[-1] else _answer_with_a_task,
            )
            for node in lab.nodes
        ),
        Step(
            manager,
            "Ask for one replica more than there are nodes: on each node the port can be had once.",
            Command(f"docker service scale --detach {HOST.name}={full.replicas}"),
            skip_if=functools.partial(_crowded, replicas=full.replicas),
            until=functools.partial(_one_waits, nodes=len(lab.nodes)),
            quiet=True,
        ),
        Step(
            manager,
            "See that the last one waits, and why.",
            Command(f"docker service ps --no-trunc --filter desired-state=running {HOST.name}"),
        ),
    ]


def _host_runs(run: Run) -> None:
    """Wait for the service's tasks; at most one on each node can run."""
    expected = min(run.service(HOST.name).replicas or 0, len(run.lab.nodes))
    _running(run, expected)


def _running(run: Run, expected: int) -> None:
    def look() -> None:
        service = run.service(HOST.name)
        if len(service.running) != expected or not service.settled:
            raise NotYet(services.describe(service, expected))

    run.wait(f"{expected} tasks of {HOST.name}", look, within=60)
    run.say(f"  {expected} tasks run: one on each of {', '.join(sorted(run.placed(run.service(HOST.name))))}")


def _ask(node: Node, port: int | str) -> Command:
    """Compose the command that requests the page; its title is enough to see."""
    curl = f"curl -s {node.address}:{port}"
    return Command(curl, f"{curl} --max-time 10 | grep -i '<title>'")


def _ask_host(node: Node) -> Command:
    asking = _ask(node, HOST.publish[0].published)
    return dataclasses.replace(asking, script=f"{asking.script} || echo '(no answer)'")


def _published(run: Run) -> int:
    """Find the port that the swarm has chosen."""
    ports = [port.published for port in run.service(AUTOMATIC.name).ports]
    if len(ports) != 1 or ports[0] not in RANGE:
        raise ExerciseError(
            f"{AUTOMATIC.name} is published at {', '.join(map(str, ports)) or 'no port'}, not between {RANGE[0]} and "
            f"{RANGE[-1]}.",
            f"Begin the exercise anew with: fab exercise.reset {run.exercise.name}",
        )
    return ports[0]


def _chosen(run: Run) -> None:
    run.say(f"  the swarm has chosen port {_published(run)}")


def _ask_automatic(run: Run, node: Node) -> Command:
    port = _published(run)
    services.port_open(run, node, port)
    return _ask(node, port)


def _answer_with_a_task(run: Run) -> None:
    """Wait until exactly the nodes with a task answer at the port in host mode."""
    placed = run.placed(run.service(HOST.name))
    addresses = {str(node.address): node.name for node in run.lab.nodes}
    port, within = HOST.publish[0].published, run.inventory.patience.seconds(3)

    def look() -> None:
        answers = http_check.ask(run.manager.ask, list(addresses), port, within, requests=1)
        answer = {name for at, name in addresses.items() if answers[at].answered}
        if answer != set(placed):
            raise NotYet(f"{', '.join(sorted(answer)) or 'no node'} answer, tasks run on {', '.join(sorted(placed))}")

    run.wait("an answer from every node with a task, and from no other", look, within=30)
    silent = ", ".join(sorted(set(addresses.values()) - set(placed)))
    run.say(
        f"  {', '.join(sorted(placed))} answer at port {port}; "
        + (f"without a task does not: {silent}" if silent else "on every node a task runs")
    )


def _crowded(run: Run, replicas: int | None) -> str | None:
    return f"{HOST.name} has {replicas} replicas already." if run.service(HOST.name).replicas == replicas else None


def _one_waits(run: Run, nodes: int) -> None:
    """Wait until a task runs on every node, and the one too many is pending because of the port."""
    why: list[str] = []

    def look() -> None:
        service = run.service(HOST.name)
        stuck = [task for task in service.tasks if task.stuck]
        if len(service.running) != nodes or len(stuck) != 1:
            raise NotYet(services.describe(service, nodes))
        why.append(stuck[0].error)

    run.wait("a task on every node, and one that waits", look, within=60)
    if "port" not in why[-1]:
        raise ExerciseError(
            f"a task of {HOST.name} waits, but not for the port: {why[-1]}.",
            f"Look with: docker service ps --no-trunc {HOST.name}",
        )
    run.say(f"  one runs on each of {nodes} nodes; the last is pending: {why[-1]}")
