"""Load balancing carried out: a service on the workers, a page in each container, every node asked.

Where nodes lack the routing mesh no published port answers; each container is then asked on its own worker.
"""

from __future__ import annotations

import functools
import shlex
from collections import Counter

from labgen.course.loadbalance import PAGE_PATH, SERVICE, page
from labgen.engine import as_object, ask, text_of
from labgen.errors import ExerciseError
from labgen.lab import Lab, Node
from labgen.swarm import Service, Task, nodes, service
from labgen.waiting import NotYet
from provision.exercise.steps import Command, Run, Script, Step

PUBLISHED, TARGET = SERVICE.publish or (0, 0)
REQUESTS = 6
"""Requests to each node's address; the routing mesh takes the containers in turn."""


def create_command() -> str:
    """The command of the document that creates the service."""
    return (
        f"docker service create --name {SERVICE.name} --constraint {SERVICE.constraint} "
        f"--replicas {SERVICE.replicas} --publish {PUBLISHED}:{TARGET} {SERVICE.image}"
    )


def script(lab: Lab) -> Script:
    """The steps, in order."""
    manager = lab.first_manager
    listen = f"sudo netstat -nlp | grep {PUBLISHED}"
    return [
        Step(
            manager,
            f"Create {SERVICE.name}: {SERVICE.replicas} replicas, on workers only, port {PUBLISHED} on every node.",
            Command(create_command()),
            done=_exists,
            until=_running,
            quiet=True,
            within=300,
        ),
        Step(
            manager,
            "Give each worker its share: a swarm does not move tasks by itself when a node comes back.",
            Command(f"docker service update --force {SERVICE.name}"),
            done=_shared,
            until=_running,
            quiet=True,
            within=300,
        ),
        Step(manager, "See where its tasks run.", Command(f"docker service ps {SERVICE.name}")),
        *(
            Step(
                node,
                f"Port {PUBLISHED} is open here too, container or not.",
                Command(listen, _socket_script()),
                before=functools.partial(_listening, node=node),
                needs=SERVICE.asking_needs,
            )
            for node in lab.nodes
        ),
        *(
            Step(
                worker,
                f"Give the container here a page of its own, so that answers can be told apart: {page(number)}",
                functools.partial(_copy, worker=worker, number=number),
                placeholder=_copy_shown("CONTAINER", number),
                quiet=True,
            )
            for number, worker in enumerate(lab.workers[: SERVICE.replicas], start=1)
        ),
        *(
            Step(
                manager,
                f"Ask {node.name}'s address {REQUESTS} times, each time over a new connection.",
                Command(
                    f"for i in $(seq {REQUESTS}); do curl -s {node.address}:{PUBLISHED}; done",
                    _ask_script(node),
                ),
                until=None if node is not lab.nodes[-1] else _spread,
                needs=SERVICE.asking_needs,
            )
            for node in lab.nodes
        ),
        *(
            Step(
                worker,
                "Ask the container here at its own address, which `docker network inspect docker_gwbridge` tells.",
                functools.partial(_ask_inside, worker=worker),
                placeholder=_ask_inside_shown("CONTAINER-ADDRESS"),
                until=functools.partial(_own_page, worker=worker, number=number),
                instead_of=SERVICE.asking_needs,
            )
            for number, worker in enumerate(lab.workers[: SERVICE.replicas], start=1)
        ),
    ]


def reset(run: Run) -> None:
    """Remove the service, from any state, and wait until its containers are gone."""
    run.say(f"[{run.lab.first_manager.name}]$ docker service rm {SERVICE.name}")
    if service(run.manager.run, SERVICE.name) is None:
        run.say(f"  there is no service {SERVICE.name}")
        return
    run.manager.run(f"docker service rm {SERVICE.name}", what="docker service rm")
    find = f"docker ps -q --filter label=com.docker.swarm.service.name={SERVICE.name}"

    def gone() -> None:
        left = [node.name for node in run.lab.nodes if run.shell(node).run(find).strip()]
        if left:
            raise NotYet(f"containers on {', '.join(left)}")

    run.wait("its containers to be gone", gone, within=60)
    run.say(f"  {SERVICE.name} and its containers are gone")


def _exists(run: Run) -> str | None:
    there = service(run.manager.run, SERVICE.name)
    if there is None:
        return None
    different = differences(there)
    if different:
        raise ExerciseError(
            f"there is a service {SERVICE.name} already, made with other settings: {'; '.join(different)}.",
            f"Mend it by hand, or remove it with: fab exercise.reset {run.exercise.name}",
        )
    return f"{SERVICE.name} is there already, as it should be."


def differences(there: Service) -> list[str]:
    """How a service differs from the exercise's, in words."""
    found = []
    image = there.image.partition("@")[0]
    if image not in (SERVICE.image, f"{SERVICE.image}:latest"):
        found.append(f"its image is {image}, not {SERVICE.image}")
    if there.mode != "replicated":
        found.append(f"it is {there.mode}, not replicated")
    elif there.replicas != SERVICE.replicas:
        found.append(f"it has {there.replicas} replicas, not {SERVICE.replicas}")
    if [constraint.replace(" ", "") for constraint in there.constraints] != [SERVICE.constraint]:
        found.append(f"its constraints are {', '.join(there.constraints) or 'none'}, not {SERVICE.constraint}")
    ports = [(port.published, port.target) for port in there.ports]
    if ports != [SERVICE.publish]:
        told = ", ".join(f"{a}:{b}" for a, b in ports) or "none"
        found.append(f"its published ports are {told}, not {PUBLISHED}:{TARGET}")
    return found


def _tasks(run: Run) -> dict[str, list[Task]]:
    """Running tasks by the name of the node they are on."""
    there = service(run.manager.run, SERVICE.name)
    if there is None:
        raise NotYet("no such service")
    if len(there.running) != SERVICE.replicas:
        waiting = [f"{task.state} {task.error}".strip() for task in there.tasks if not task.running]
        raise NotYet(f"{len(there.running)} of {SERVICE.replicas} run ({', '.join(waiting[-4:]) or 'none else'})")
    names = {node.id: node.name for node in nodes(run.manager.run)}
    placed: dict[str, list[Task]] = {}
    for task in there.running:
        placed.setdefault(names.get(task.node_id, task.node_id), []).append(task)
    return placed


def _running(run: Run) -> None:
    seen: dict[str, list[Task]] = {}

    def look() -> None:
        seen.update(_tasks(run))

    run.wait(f"{SERVICE.replicas} tasks of {SERVICE.name} to run", look, within=120)
    told = ", ".join(f"{len(tasks)} on {name}" for name, tasks in sorted(seen.items()))
    run.say(f"  {SERVICE.replicas} of {SERVICE.replicas} tasks run: {told}")


def _shared(run: Run) -> str | None:
    """Whether the tasks are spread over as many workers as there can be."""
    placed = _tasks(run)
    wanted = [worker.name for worker in run.lab.workers][: SERVICE.replicas]
    return "Each has its share." if all(name in placed for name in wanted) else None


def _listening(run: Run, node: Node) -> None:
    run.wait(f"port {PUBLISHED} on {node.name}", functools.partial(_open, run, node), within=30)


def _open(run: Run, node: Node) -> None:
    if not run.shell(node).attempt(_socket_script()).ok:
        raise NotYet("nothing listens")


def _socket_script() -> str:
    # Not every distribution has netstat any more.
    return f"if command -v netstat >/dev/null; then netstat -nlp; else ss -nlp; fi | grep ':{PUBLISHED} '"


def _here(run: Run, worker: Node, so: str) -> list[Task]:
    """The tasks on a worker; where there are none, an error that says what cannot be done therefore."""
    tasks = _tasks(run).get(worker.name)
    if not tasks:
        raise ExerciseError(
            f"no task of {SERVICE.name} runs on {worker.name}, so {so}.",
            f"Is {worker.name} Ready and active (docker node ls)? Then begin anew: fab exercise.reset loadbalance",
        )
    return tasks


def _copy(run: Run, worker: Node, number: int) -> Command:
    tasks = _here(run, worker, "it can be given no page")
    # By id: the name in `docker ps` is for people.
    copies = [f"docker cp index.html {task.container_id[:12]}:{PAGE_PATH}" for task in tasks]
    make = f"echo {shlex.quote(page(number))} > index.html"
    work = f'cd "$(mktemp -d)" && {make} && ' + " && ".join(copies)
    return Command(_copy_shown(tasks[0].container_id[:12], number), work)


def _copy_shown(container: str, number: int) -> str:
    return f"echo {shlex.quote(page(number))} > index.html; docker cp index.html {container}:{PAGE_PATH}"


def _ask_script(node: Node) -> str:
    url = f"http://{node.address}:{PUBLISHED}/"
    return f"for i in $(seq {REQUESTS}); do curl -s --max-time 10 {url} || echo '(no answer)'; echo; done | grep ."


def _spread(run: Run) -> None:
    """Every page must have come through every node's address."""
    pages = [page(number) for number in range(1, min(SERVICE.replicas, len(run.lab.workers)) + 1)]
    answers: dict[str, Counter[str]] = {}

    def look() -> None:
        asking = "\n".join(f"echo '@@{node.name}'; {_ask_script(node)}" for node in run.lab.nodes)
        name = ""
        answers.clear()
        for line in run.manager.run(asking, within=60).splitlines():
            if line.startswith("@@"):
                name = line[2:]
                answers[name] = Counter()
            else:
                answers[name][line.strip()] += 1
        missing = [f"{name} gave only {dict(seen)}" for name, seen in answers.items() if not all(map(seen.get, pages))]
        if missing:
            raise NotYet("; ".join(missing))

    run.wait("every page through every node", look, within=60)
    run.say("\n# How the requests spread:")
    for name, seen in answers.items():
        run.say(f"  through {name:16} " + "   ".join(f"{text}: {seen[text]}" for text in pages))


def _inside(run: Run, worker: Node) -> list[str]:
    """Addresses of the containers on a worker, on the bridge that leads from overlay networks to the node.

    The address that ``docker inspect`` tells of a container is the overlay network's, where the node itself is not.
    """
    tasks = _here(run, worker, "nothing can be asked there")
    told = ask(run.shell(worker).run, [_BRIDGE])[_BRIDGE].value(_BRIDGE)
    there = as_object(as_object(told, _BRIDGE).get("Containers") or {}, _BRIDGE)
    # {"4a14521cc368…": {"Name": "gateway_f1f83afb8423", "IPv4Address": "172.18.0.4/16", …}, "ingress-sbox": …}
    found = [text_of(there.get(task.container_id), "IPv4Address").partition("/")[0] for task in tasks]
    if not all(found):
        raise ExerciseError(
            f"a container of {SERVICE.name} on {worker.name} has no address on docker_gwbridge.",
            f"Begin the exercise anew: fab exercise.reset {run.exercise.name}",
        )
    return found


_BRIDGE = "/networks/docker_gwbridge"


def _ask_inside(run: Run, worker: Node) -> Command:
    addresses = _inside(run, worker)
    asking = [f"curl -s --max-time 10 http://{address}:{TARGET}/ || echo '(no answer)'; echo" for address in addresses]
    return Command(_ask_inside_shown(*addresses), f"{{ {'; '.join(asking)}; }} | sed '/^$/d'")


def _ask_inside_shown(*addresses: str) -> str:
    return "; ".join(f"curl -s {address}:{TARGET}" for address in addresses)


def _own_page(run: Run, worker: Node, number: int) -> None:
    """The worker's container must give the page that was put into it."""

    def look() -> None:
        script = _ask_inside(run, worker).script or ""
        seen = {line.strip() for line in run.shell(worker).run(script, within=60).splitlines()}
        if seen != {page(number)}:
            raise NotYet(", ".join(sorted(seen)) or "no answer")

    run.wait(f"{worker.name}'s own page", look, within=60)
