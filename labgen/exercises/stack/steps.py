"""The stack carried out: one file on one host with compose, then on the swarm, then with one service changed."""

from __future__ import annotations

import functools
import json
from urllib.parse import quote

from labgen.core.errors import ExerciseError
from labgen.core.polling import Hopeless, NotYet
from labgen.docker import swarm
from labgen.docker.api import as_list, ask, text_of
from labgen.docker.hopeless import hopeless
from labgen.docker.swarm import Service, run_of
from labgen.exercise.services import differences, same_image
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import MONITOR
from provision.exercise.watching import tell_turns
from provision.shell import write_file

from .exercise import (
    CACHE,
    CHANGE,
    CHANGED,
    COUNTER,
    DEPLOY,
    FILE,
    NETWORK,
    NEW,
    PROJECT,
    REMOVE,
    SERVICES,
    STACK,
    TEXT,
    UPDATED,
    VISITS,
    WEB,
)

PORT = WEB.publish[0].published
NAMES = [spec.name for spec in SERVICES]
_WRITE = f"cat > {FILE} <<'EOF'\n{TEXT}EOF"
_COMPOSE = f"--project-name {PROJECT} --file {FILE}"
_PROJECT_FILTER = json.dumps({"label": [f"com.docker.compose.project={PROJECT}"]})
_CONTAINERS = f"/containers/json?all=true&filters={quote(_PROJECT_FILTER, safe='')}"
_INSTALL = (
    "left out: this node has neither docker-compose nor docker compose. To install it: sudo apt install "
    "docker-compose-v2 on Ubuntu, sudo apt install docker-compose on Debian (with Docker's own packages: "
    "docker-compose-plugin)."
)


class _Progress:
    """What one run of the exercise remembers from step to step.

    :ivar deployed: the stack was not there before.
    :ivar tasks: ids of each service's running tasks before one of them was updated.
    """

    def __init__(self) -> None:
        self.deployed = False
        self.tasks: dict[str, set[str]] = {}


def script(lab: Lab) -> Script:
    """List the steps, in order."""
    manager, progress = lab.first_manager, _Progress()
    return [
        Step(
            manager,
            "Write the file: three services, and what each is made of.",
            _write,
            placeholder=_WRITE,
            skip_if=_written,
            quiet=True,
        ),
        *_on_one_host(lab),
        _deploy(lab, "Deploy the same file on the swarm: a network over all nodes, and a service for each.", progress),
        Step(manager, "See the stacks there are.", Command("docker stack ls")),
        Step(manager, "See the services of this one.", Command(f"docker stack services {STACK}")),
        Step(manager, "See its tasks, and where they run.", Command(f"docker stack ps {STACK}")),
        Step(
            manager,
            "Remove the stack: one command for its services and its network.",
            lambda _: Command(REMOVE) if progress.deployed else "left out: the stack was there before this run.",
            placeholder=REMOVE,
            until=_removed,
        ),
        _deploy(lab, "Deploy it again: the file is the whole application.", progress),
        services.inside(
            lab,
            CACHE.name,
            f"Ask the cache how often {COUNTER.name} has reached it, by no more than the name `cache`.",
            f"docker exec CONTAINER {VISITS}",
            judge=_counted,
            # A connection that was begun before the nodes knew the way to each other is tried again after 1, 3, 7, 15,
            # 31 and 63 s (TCP); until then its counter waits for it.
            within=120,
        ),
        Step(
            manager,
            "Change one service in the file.",
            Command(CHANGE),
            skip_if=lambda run: f"{FILE} says {NEW} already." if _file(run) == CHANGED else None,
        ),
        Step(
            manager,
            "Deploy again: of the three services swarm replaces the tasks of the one that changed.",
            Command(DEPLOY),
            skip_if=_updated,
            before=functools.partial(_remember, progress=progress),
            until=functools.partial(_only_the_cache, progress=progress),
            within=300,
            timers=(MONITOR,),
        ),
        Step(manager, "See the history: one task was replaced.", Command(f"docker stack ps {STACK}")),
        *(
            Step(
                manager,
                f"Ask {node.name} for the page of {WEB.name}.",
                Command(f"curl -s --max-time 10 {node.address}:{PORT}"),
                before=functools.partial(services.port_open, node=node, port=PORT),
                needs=(Capability.ROUTING_MESH,),
            )
            for node in lab.nodes
        ),
    ]


def reset(run: Run) -> None:
    """Remove the stack, what compose has left on the manager, and the file if it is the course's own."""
    if any(service.stack == STACK for service in swarm.services(run.manager.ask)):
        run.say(f"[{run.lab.first_manager.name}]$ {REMOVE}")
        run.manager.run(REMOVE, what=REMOVE)
    services.clear(run)
    label = f"--filter label=com.docker.compose.project={PROJECT}"
    run.manager.run(
        f"docker ps --all --quiet {label} | xargs -r docker rm --force\n"
        f"docker network ls --quiet {label} | xargs -r docker network rm",
        what="removing what compose has made",
    )
    if _file(run) in (TEXT, CHANGED):
        run.manager.run(f"rm -f {FILE}")


# The file.


def _file(run: Run) -> str:
    """Read the file on the manager; empty if there is none."""
    return run.manager.run(f"[ ! -e {FILE} ] || cat {FILE}")


def _written(run: Run) -> str | None:
    text = _file(run)
    # The changed one stays where the stack is as changed: what is there is what the file says.
    if text == TEXT or (text == CHANGED and _updated(run)):
        return f"{FILE} is there already."
    return None


def _write(run: Run) -> Command:
    text = _file(run)
    keep = ""
    if text not in ("", TEXT, CHANGED):
        run.say(f"  {FILE} is there, and says something else: it is kept as {FILE}~.")
        keep = f"cp -p {FILE} {FILE}~ && "
    # Whoever logs in is to be able to edit it.
    return Command(_WRITE, f'{keep}{write_file(FILE, TEXT, "0644")} && chown "${{SUDO_USER:-root}}" {FILE}')


# With compose, on one host.


def _on_one_host(lab: Lab) -> list[Step]:
    def step(why: str, words: str, **more: object) -> Step:
        command = functools.partial(_composed, words=words)
        return Step(lab.first_manager, why, command, placeholder=f"docker-compose {_COMPOSE} {words}", **more)  # type: ignore[arg-type]

    return [
        step(
            "The file on this one host, with compose. It has the port once, so one web container is what it can hold.",
            "up -d --scale web=1",
            until=_composed_runs,
            quiet=True,
            within=300,
        ),
        step("See the containers: all of them here.", "ps"),
        Step(
            lab.first_manager,
            f"Ask this host for the page, on port {PORT}.",
            lambda run: Command(f"curl -s localhost:{PORT} | grep title") if _project(run) else _NOTHING,
            placeholder=f"curl -s localhost:{PORT} | grep title",
        ),
        step(f"Ask the cache how often the counter has reached it: {VISITS}.", f"exec -T cache {VISITS}"),
        step("Take it down again: the port is to be the swarm's.", "down", quiet=True),
    ]


_NOTHING = "left out: compose runs nothing here."


def _tool(run: Run) -> str:
    """Tell how compose is called on the manager; empty if it is not installed."""
    return run.manager.run(
        # The plugin first: docker-compose may be Ubuntu's version 1, which its Python cannot run any more.
        "if docker compose version >/dev/null 2>&1; then echo docker compose; "
        "elif command -v docker-compose >/dev/null; then echo docker-compose; fi"
    ).strip()


def _composed(run: Run, words: str) -> Command | str:
    tool = _tool(run)
    if not tool:
        return _INSTALL
    if words.startswith("up"):
        if swarm.service(run.manager.ask, WEB.name):
            return f"left out: the stack is there, and port {PORT} is its own."
    elif not _project(run):
        return _NOTHING
    return Command(f"{tool} {_COMPOSE} {words}")


def _project(run: Run) -> dict[str, str]:
    """Map each container that compose has made from the file to its state, by name."""
    containers = as_list(ask(run.manager.ask, [_CONTAINERS])[_CONTAINERS].value(_CONTAINERS), _CONTAINERS)
    return {"".join(container.get("Names") or ()).lstrip("/"): text_of(container, "State") for container in containers}


def _composed_runs(run: Run) -> None:
    def look() -> None:
        states = _project(run)
        if set(states.values()) != {"running"} or len(states) != len(SERVICES):
            raise NotYet(", ".join(f"{name} is {state}" for name, state in states.items()))
        output = run.manager.attempt(f"curl -s -o /dev/null --max-time 5 localhost:{PORT}")
        if not output.ok:
            raise NotYet(f"port {PORT} does not answer yet")

    run.wait("the containers to run", look, hint=f"Look with: docker ps; docker-compose {_COMPOSE} logs")


# On the swarm.


def _deploy(lab: Lab, why: str, progress: _Progress) -> Step:
    def command(_: Run) -> Command:
        progress.deployed = True
        return Command(DEPLOY)

    return Step(lab.first_manager, why, command, placeholder=DEPLOY, skip_if=_use_existing, until=_all_run, within=300)


def _use_existing(run: Run) -> str | None:
    """Tell whether the stack exists; refuse a learner's own services of these names."""
    existing = {name: service for name in NAMES if (service := swarm.service(run.manager.ask, name))}
    wrong = []
    for spec in SERVICES:
        service = existing.get(spec.name)
        variants = (spec, UPDATED) if spec is CACHE else (spec,)
        if service and all(differences(variant, service) for variant in variants):
            wrong.append(f"{spec.name}: {'; '.join(differences(spec, service))}")
        elif service and service.stack != STACK:
            wrong.append(f"{spec.name}: it was made by itself, not with the stack {STACK}")
    if wrong:
        raise ExerciseError(
            f"there are services of these names already, made with other settings: {'. '.join(wrong)}.",
            f"Mend it by hand, or remove it with: fab exercise.reset {run.exercise.name}",
        )
    return f"the stack {STACK} is there already." if len(existing) == len(SERVICES) else None


def _all_run(run: Run) -> None:
    stack_services: list[Service] = []

    def look() -> None:
        stack_services[:] = [run.service(name) for name in NAMES]
        late = [
            service for service in stack_services if len(service.running) != service.replicas or not service.settled
        ]
        if late:
            if why := next(filter(None, map(hopeless, late)), ""):
                raise Hopeless(why)
            raise NotYet(
                "; ".join(f"{service.name}: {services.describe(service, service.replicas or 0)}" for service in late)
            )

    run.wait(f"the tasks of {STACK} to run", look, within=120)
    for service in stack_services:
        placed = run.placed(service)
        hosts = ", ".join(f"{len(tasks)} on {host}" for host, tasks in sorted(placed.items()))
        run.say(f"  {service.name}: {run_of(len(service.running), service.replicas or 0)}: {hosts}")


def _removed(run: Run) -> None:
    services.gone(run, NAMES)

    def look() -> None:
        if any(network.name == NETWORK for network in swarm.networks(run.manager.ask)):
            raise NotYet(f"network {NETWORK} is there")

    run.wait("its network to be gone", look)
    run.say("  no container of it is left on any node, and its network is gone.")


def _counted(_: Run, output: str) -> None:
    if not output.strip().isdigit():
        raise NotYet(f"the cache says {output.strip() or 'nothing'}")


def _updated(run: Run) -> str | None:
    service = swarm.service(run.manager.ask, CACHE.name)
    return f"{CACHE.name} is at {NEW} already." if service and not differences(UPDATED, service) else None


def _remember(run: Run, progress: _Progress) -> None:
    progress.tasks = {name: {task.id for task in run.service(name).running} for name in NAMES}


def _only_the_cache(run: Run, progress: _Progress) -> None:
    def look() -> None:
        service = run.service(CACHE.name)
        new = all(same_image(task.image, NEW) for task in service.running)
        if service.update_state != "completed" or not service.running or not new:
            raise NotYet(services.describe(service, 1))

    run.wait(f"the update of {CACHE.name}", look, within=120, hint=f"Look with: docker stack ps --no-trunc {STACK}")
    tell_turns(run, run.service(CACHE.name))
    for name in (WEB.name, COUNTER.name):
        now = {task.id for task in run.service(name).running}
        if not progress.tasks:
            continue  # It was updated before this run: what was replaced then is no longer known.
        if now != progress.tasks[name]:
            raise ExerciseError(
                f"tasks of {name} were replaced as well, though nothing of it changed in {FILE}.",
                f"Look at the history: docker service ps {name}. Begin anew: fab exercise.reset {run.exercise.name}",
            )
        run.say(f"  {name}: its tasks are the same as before.")
