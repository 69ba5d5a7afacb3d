"""Load balancing carried out: a service on the workers, a page in each container, every node asked.

Where nodes lack the routing mesh no published port answers; each container is then asked on its own worker.
"""

from __future__ import annotations

import functools
import shlex

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text, listed, shown
from labgen.core.polling import NotYet
from labgen.docker import http_check
from labgen.docker.api import as_object, ask, text_of
from labgen.docker.http_check import Requests
from labgen.docker.swarm import PublishedPort, Task
from labgen.machines import connection_info
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import VERIFY

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    listen = f"sudo netstat -nlp | grep {parameters.port}"
    workers = list(enumerate(lab.workers, start=1))
    return [
        services.create(
            lab,
            parameters.service,
            _(
                "Create %(service)s: %(replicas)s replicas, on workers only, with port %(port)s on every node.",
                service=parameters.name,
                replicas=parameters.replicas,
                port=parameters.port,
            ),
        ),
        Step(
            manager,
            _("Spread the tasks over the workers: a swarm does not move tasks by itself when a node comes back."),
            Command(f"docker service update --force {parameters.name}"),
            skip_if=_shared,
            until=functools.partial(services.running, name=parameters.name),
            quiet=True,
            within=300,
            timers=(VERIFY, VERIFY),
        ),
        services.show(lab, parameters.name, _("See where its tasks run.")),
        *(
            Step(
                node,
                _("See that port %(port)s is open here, too, with or without a container.", port=parameters.port),
                Command(listen, services.listeners(parameters.port)),
                before=functools.partial(services.port_open, node=node, port=parameters.port),
                needs=parameters.service.asking_needs,
            )
            for node in lab.nodes
        ),
        *(
            Step(
                worker,
                _(
                    "Give the container here its own page, so that you can tell the answers apart: %(page)s",
                    page=parameters.page(number),
                ),
                functools.partial(_copy, worker=worker, number=number),
                placeholder=_copy_shown("CONTAINER", number, parameters),
                quiet=True,
            )
            for number, worker in workers
        ),
        *(
            Step(
                manager,
                _(
                    "Request the page at %(node)s's address %(requests)s times, each time over a new connection.",
                    node=node.name,
                    requests=parameters.requests,
                ),
                Command(
                    f"for i in $(seq {parameters.requests}); do curl -s {node.address}:{parameters.port}; done",
                    _ask_script(node, parameters),
                ),
                until=None if node is not lab.nodes[-1] else _spread,
                needs=parameters.service.asking_needs,
            )
            for node in lab.nodes
        ),
        *(
            Step(
                worker,
                _(
                    "Request the page at the container's own address here. `docker network inspect "
                    "docker_gwbridge` shows the address."
                ),
                functools.partial(_asked_inside, worker=worker),
                placeholder=_ask_inside_shown("CONTAINER-ADDRESS", parameters=parameters),
                until=functools.partial(_own_page, worker=worker, number=number),
                instead_of=parameters.service.asking_needs,
            )
            for number, worker in workers
        ),
    ]


def _tasks(run: Run) -> dict[str, list[Task]]:
    """Group the running tasks by the name of their node."""
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    if len(service.running) != parameters.replicas:
        raise NotYet(services.describe(service, parameters.replicas))
    return run.placed(service)


def _shared(run: Run) -> Text | None:
    """Tell whether the tasks are spread over as many workers as there can be."""
    parameters = run.parameters(Parameters)
    placed = _tasks(run)
    busy = [worker for worker in run.lab.workers if worker.name in placed]
    return (
        _("The tasks are spread over the workers already.")
        if len(busy) >= min(parameters.replicas, len(run.lab.workers))
        else None
    )


def _idle(run: Run, worker: Node) -> bool:
    """Tell whether a worker has no task because there are more workers than replicas."""
    parameters = run.parameters(Parameters)
    return len(run.lab.workers) > parameters.replicas and worker.name not in _tasks(run)


_NONE_HERE = _("No task runs here: there are more workers than replicas.")


def _here(run: Run, worker: Node) -> list[Task]:
    """List the tasks on a worker.

    :raises ExerciseError: there are none.
    """
    parameters = run.parameters(Parameters)
    tasks = _tasks(run).get(worker.name)
    if not tasks:
        raise ExerciseError(
            _("no task of %(service)s runs on %(worker)s.", service=parameters.name, worker=worker.name),
            _(
                "Check that %(worker)s is Ready and active: docker node ls. %(start_over)s",
                worker=worker.name,
                start_over=run.start_over,
            ),
        )
    return tasks


def _copy(run: Run, worker: Node, number: int) -> Command | Text:
    parameters = run.parameters(Parameters)
    if _idle(run, worker):
        return _NONE_HERE
    tasks = _here(run, worker)
    # By id: the name in `docker ps` is for people.
    copies = [f"docker cp index.html {task.container_id[:12]}:{parameters.page_path}" for task in tasks]
    make = f"echo {shlex.quote(parameters.page(number))} > index.html"
    work = f'cd "$(mktemp -d)" && {make} && ' + " && ".join(copies)
    return Command(_copy_shown(tasks[0].container_id[:12], number, parameters), work)


def _copy_shown(container: str, number: int, parameters: Parameters) -> str:
    page = shlex.quote(parameters.page(number))
    return f"echo {page} > index.html; docker cp index.html {container}:{parameters.page_path}"


def _ask_script(node: Node, parameters: Parameters) -> str:
    url = f"http://{node.address}:{parameters.port}/"
    repeat = f"for i in $(seq {parameters.requests})"
    return f"{repeat}; do curl -s --max-time 10 {url} || echo '(no answer)'; echo; done | grep ."


def _spread(run: Run) -> None:
    """Wait for every page through every node's address, over many connections; print how they spread."""
    parameters = run.parameters(Parameters)
    expected = {
        parameters.page(number) for number, worker in enumerate(run.lab.workers, start=1) if not _idle(run, worker)
    }
    addresses = {str(node.address): node.name for node in run.lab.nodes}
    answers: dict[str, Requests] = {}
    within = run.inventory.patience.seconds(3)

    def look() -> None:
        requests = parameters.many_requests
        answers.update(http_check.ask(run.manager.ask, list(addresses), parameters.port, within, requests))
        missing = [
            _("%(node)s gave only %(answer)s", node=addresses[at], answer=answer.words)
            for at, answer in answers.items()
            if not answer.bodies >= expected
        ]
        if missing:
            raise NotYet(listed(missing, "; "))

    run.wait(_("every page through every node"), look, within=60)
    title = _(
        "How %(requests)s requests to each node were spread, each over a new connection:",
        requests=parameters.many_requests,
    )
    run.say(f"\n# {shown(title)}")
    for at, answer in answers.items():
        run.tell(f"{addresses[at]:16} {shown(answer.words)}")
    where = connection_info.browser(
        run.inventory.folder.path,
        run.lab,
        run.inventory.state,
        PublishedPort(parameters.port, parameters.target, "tcp", "ingress"),
    )
    if where:
        run.say(f"\n# {shown(where)}")


def _inside(run: Run, worker: Node) -> list[str]:
    """List the addresses of a worker's containers on the bridge from overlay networks to the node.

    The address that ``docker inspect`` tells of a container is the overlay network's, where the node itself is not.
    """
    parameters = run.parameters(Parameters)
    tasks = _here(run, worker)
    network = ask(run.shell(worker).ask, [_BRIDGE])[_BRIDGE].value(_BRIDGE)
    containers = as_object(as_object(network, _BRIDGE).get("Containers") or {}, _BRIDGE)
    # {"4a14521cc368…": {"Name": "gateway_f1f83afb8423", "IPv4Address": "172.18.0.4/16", …}, "ingress-sbox": …}
    addresses = [text_of(containers.get(task.container_id), "IPv4Address").partition("/")[0] for task in tasks]
    if not all(addresses):
        raise ExerciseError(
            _(
                "a container of %(service)s on %(worker)s has no address on docker_gwbridge.",
                service=parameters.name,
                worker=worker.name,
            ),
            run.start_over,
        )
    return addresses


_BRIDGE = "/networks/docker_gwbridge"


def _asked_inside(run: Run, worker: Node) -> Command | Text:
    return _NONE_HERE if _idle(run, worker) else _ask_inside(run, worker)


def _ask_inside(run: Run, worker: Node) -> Command:
    parameters = run.parameters(Parameters)
    addresses = _inside(run, worker)
    urls = [f"http://{address}:{parameters.target}/" for address in addresses]
    asking = [f"curl -s --max-time 10 {url} || echo '(no answer)'; echo" for url in urls]
    return Command(_ask_inside_shown(*addresses, parameters=parameters), f"{{ {'; '.join(asking)}; }} | sed '/^$/d'")


def _ask_inside_shown(*addresses: str, parameters: Parameters) -> str:
    return "; ".join(f"curl -s {address}:{parameters.target}" for address in addresses)


def _own_page(run: Run, worker: Node, number: int) -> None:
    """Wait until the worker's container gives the page that was put into it."""

    parameters = run.parameters(Parameters)

    def look() -> None:
        script = _ask_inside(run, worker).script or ""
        pages = {line.strip() for line in run.shell(worker).run(script, within=60).splitlines()}
        if pages != {parameters.page(number)}:
            raise NotYet(", ".join(sorted(pages)) or _("no answer"))

    run.wait(_("the page of %(worker)s", worker=worker.name), look, within=60)
