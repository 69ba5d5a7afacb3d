"""The stack carried out: one file on one host with compose, then on the swarm, then with one service changed."""

from __future__ import annotations

import functools
import json
from urllib.parse import quote

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text, listed
from labgen.core.polling import Hopeless, NotYet
from labgen.docker import swarm
from labgen.docker.api import as_list, ask, text_of
from labgen.docker.hopeless import hopeless
from labgen.docker.swarm import Service
from labgen.exercise.services import differences, same_image
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run, look_with
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import MONITOR
from provision.exercise.watching import tell_turns
from provision.shell import write_file

from .exercise import Parameters

_ = Messages.beside(__file__)

_INSTALL = _(
    "left out: this node has neither docker-compose nor docker compose. Install it on "
    "Ubuntu: sudo apt install docker-compose-v2. On Debian: sudo apt install "
    "docker-compose. With Docker's own packages: sudo apt install docker-compose-plugin"
)


class _Deployment:
    """What one run of the exercise remembers from step to step.

    :ivar deployed: the stack was not there before.
    :ivar tasks: ids of each service's running tasks before one of them was updated.
    """

    def __init__(self) -> None:
        self.deployed = False
        self.tasks: dict[str, set[str]] = {}


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, progress = lab.first_manager, _Deployment()
    return [
        Step(
            manager,
            _("Write the file: three services, and the settings of each."),
            _write,
            placeholder=_write_shown(parameters),
            skip_if=_written,
            quiet=True,
        ),
        *_on_one_host(lab, parameters),
        _deploy(
            lab,
            _("Deploy the same file on the swarm: one network over all nodes, and three services."),
            progress,
            parameters,
        ),
        Step(manager, _("See the stacks of the swarm."), Command("docker stack ls")),
        Step(manager, _("See the services of this stack."), Command(f"docker stack services {parameters.stack}")),
        Step(manager, _("See its tasks, and where they run."), Command(f"docker stack ps {parameters.stack}")),
        Step(
            manager,
            _("Remove the stack: one command removes its services and its network."),
            lambda _run: (
                Command(parameters.remove) if progress.deployed else _("left out: the stack existed before this run.")
            ),
            placeholder=parameters.remove,
            until=_removed,
        ),
        _deploy(lab, _("Deploy it again: the file describes the whole application."), progress, parameters),
        services.inside(
            lab,
            parameters.cache.name,
            _("Ask the cache how often %(counter)s has reached it by name.", counter=parameters.counter.name),
            f"docker exec CONTAINER {parameters.visits}",
            judge=_counted,
            # A connection that was begun before the nodes knew the way to each other is tried again after 1, 3, 7, 15,
            # 31 and 63 s (TCP); until then its counter waits for it.
            within=120,
        ),
        Step(
            manager,
            _("Change one service in the file."),
            Command(parameters.change),
            skip_if=lambda run: (
                _("%(file)s has %(image)s already.", file=parameters.file, image=parameters.new)
                if _file(run) == parameters.changed
                else None
            ),
        ),
        Step(
            manager,
            _("Deploy again: the swarm replaces only the tasks of the changed service."),
            Command(parameters.deploy),
            skip_if=_updated,
            before=functools.partial(_remember, progress=progress),
            until=functools.partial(_only_the_cache, progress=progress),
            within=300,
            timers=(MONITOR,),
        ),
        Step(manager, _("See the history: one task was replaced."), Command(f"docker stack ps {parameters.stack}")),
        *(
            Step(
                manager,
                _("Request the page of %(web)s from %(node)s.", node=node.name, web=parameters.web.name),
                Command(f"curl -s --max-time 10 {node.address}:{parameters.port}"),
                before=functools.partial(services.port_open, node=node, port=parameters.port),
                needs=(Capability.ROUTING_MESH,),
            )
            for node in lab.nodes
        ),
    ]


def reset(run: Run) -> None:
    """Remove the stack, what compose has left on the manager, and the file if it is the course's own."""
    parameters = run.parameters(Parameters)
    if any(service.stack == parameters.stack for service in swarm.services(run.manager.ask)):
        run.say(f"[{run.lab.first_manager.name}]$ {parameters.remove}")
        run.manager.run(parameters.remove, what=parameters.remove)
    services.clear(run)
    label = f"--filter label=com.docker.compose.project={parameters.project}"
    run.manager.run(
        f"docker ps --all --quiet {label} | xargs -r docker rm --force\n"
        f"docker network ls --quiet {label} | xargs -r docker network rm",
        what="docker rm",
    )
    if _file(run) in (parameters.text, parameters.changed):
        run.manager.run(f"rm -f {parameters.file}")


# The file.


def _file(run: Run) -> str:
    """Read the file on the manager; empty if there is none."""
    parameters = run.parameters(Parameters)
    return run.manager.run(f"[ ! -e {parameters.file} ] || cat {parameters.file}")


def _written(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    text = _file(run)
    # The changed one stays where the stack is as changed: what is there is what the file says.
    if text == parameters.text or (text == parameters.changed and _updated(run)):
        return _("%(file)s exists already.", file=parameters.file)
    return None


def _write_shown(parameters: Parameters) -> str:
    return f"cat > {parameters.file} <<'EOF'\n{parameters.text}EOF"


def _write(run: Run) -> Command:
    parameters = run.parameters(Parameters)
    text = _file(run)
    keep = ""
    if text not in ("", parameters.text, parameters.changed):
        run.tell(_("%(file)s exists, with other content: it is kept as %(file)s~.", file=parameters.file))
        keep = f"cp -p {parameters.file} {parameters.file}~ && "
    # Whoever logs in is to be able to edit it.
    write = write_file(parameters.file, parameters.text, "0644")
    return Command(_write_shown(parameters), f'{keep}{write} && chown "${{SUDO_USER:-root}}" {parameters.file}')


# With compose, on one host.


def _on_one_host(lab: Lab, parameters: Parameters) -> list[Step]:
    def step(why: Text, words: str, **more: object) -> Step:
        command = functools.partial(_composed, words=words)
        shown = f"docker-compose {_options(parameters)} {words}"
        return Step(lab.first_manager, why, command, placeholder=shown, **more)  # type: ignore[arg-type]

    return [
        step(
            _("Start the file on this one host, with compose. Only one web container can have the port."),
            "up -d --scale web=1",
            until=_composed_runs,
            quiet=True,
            within=300,
        ),
        step(_("See the containers: all of them run here."), "ps"),
        Step(
            lab.first_manager,
            _("Request the page from this host, on port %(port)s.", port=parameters.port),
            lambda run: Command(f"curl -s localhost:{parameters.port} | grep title") if _project(run) else _NOTHING,
            placeholder=f"curl -s localhost:{parameters.port} | grep title",
        ),
        step(
            _("Ask the cache how often the counter has reached it: %(command)s.", command=parameters.visits),
            f"exec -T cache {parameters.visits}",
        ),
        step(_("Take it down again, to free the port for the swarm."), "down", quiet=True),
    ]


_NOTHING = _("left out: compose runs nothing here.")


def _options(parameters: Parameters) -> str:
    return f"--project-name {parameters.project} --file {parameters.file}"


def _tool(run: Run) -> str:
    """Tell how compose is called on the manager; empty if it is not installed."""
    return run.manager.run(
        # The plugin first: docker-compose may be Ubuntu's version 1, which its Python cannot run any more.
        "if docker compose version >/dev/null 2>&1; then echo docker compose; "
        "elif command -v docker-compose >/dev/null; then echo docker-compose; fi"
    ).strip()


def _composed(run: Run, words: str) -> Command | Text:
    parameters = run.parameters(Parameters)
    tool = _tool(run)
    if not tool:
        return _INSTALL
    if words.startswith("up"):
        if swarm.service(run.manager.ask, parameters.web.name):
            return _("left out: the stack is deployed already and uses port %(port)s.", port=parameters.port)
    elif not _project(run):
        return _NOTHING
    return Command(f"{tool} {_options(parameters)} {words}")


def _project(run: Run) -> dict[str, str]:
    """Map each container that compose has made from the file to its state, by name."""
    parameters = run.parameters(Parameters)
    labelled = json.dumps({"label": [f"com.docker.compose.project={parameters.project}"]})
    path = f"/containers/json?all=true&filters={quote(labelled, safe='')}"
    containers = as_list(ask(run.manager.ask, [path])[path].value(path), path)
    return {"".join(container.get("Names") or ()).lstrip("/"): text_of(container, "State") for container in containers}


def _composed_runs(run: Run) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        states = _project(run)
        if set(states.values()) != {"running"} or len(states) != len(parameters.services):
            raise NotYet(
                listed(_("%(container)s is %(state)s", container=name, state=state) for name, state in states.items())
            )
        output = run.manager.attempt(f"curl -s -o /dev/null --max-time 5 localhost:{parameters.port}")
        if not output.ok:
            raise NotYet(_("port %(port)s does not answer yet", port=parameters.port))

    run.wait(_("the containers to run"), look, hint=look_with(f"docker ps; docker-compose {_options(parameters)} logs"))


# On the swarm.


def _deploy(lab: Lab, why: Text, progress: _Deployment, parameters: Parameters) -> Step:
    def command(_run: Run) -> Command:
        progress.deployed = True
        return Command(parameters.deploy)

    return Step(
        lab.first_manager,
        why,
        command,
        placeholder=parameters.deploy,
        skip_if=_use_existing,
        until=_all_run,
        within=300,
    )


def _use_existing(run: Run) -> Text | None:
    """Tell whether the stack exists; refuse a learner's own services of these names."""
    parameters = run.parameters(Parameters)
    existing = {name: service for name in parameters.names if (service := swarm.service(run.manager.ask, name))}
    wrong: list[Text] = []
    for spec in parameters.services:
        service = existing.get(spec.name)
        variants = (spec, parameters.updated) if spec == parameters.cache else (spec,)
        if service and all(differences(variant, service) for variant in variants):
            wrong.append(listed((spec.name, listed(differences(spec, service), "; ")), ": "))
        elif service and service.stack != parameters.stack:
            wrong.append(
                _("%(service)s: it was not created with the stack %(stack)s", service=spec.name, stack=parameters.stack)
            )
    if wrong:
        raise ExerciseError(
            _("services exist already, with other settings: %(differences)s.", differences=listed(wrong, ". ")),
            run.correct_or_reset,
        )
    return (
        _("stack %(stack)s exists already.", stack=parameters.stack)
        if len(existing) == len(parameters.services)
        else None
    )


def _all_run(run: Run) -> None:
    parameters = run.parameters(Parameters)
    stack_services: list[Service] = []

    def look() -> None:
        stack_services[:] = [run.service(name) for name in parameters.names]
        late = [
            service for service in stack_services if len(service.running) != service.replicas or not service.settled
        ]
        if late:
            if why := next(filter(None, map(hopeless, late)), ""):
                raise Hopeless(why)
            raise NotYet(
                listed(
                    (
                        listed((service.name, services.describe(service, service.replicas or 0)), ": ")
                        for service in late
                    ),
                    "; ",
                )
            )

    run.wait(_("the tasks of %(stack)s to run", stack=parameters.stack), look, within=120)
    for service in stack_services:
        placed = run.placed(service)
        hosts = services.spread({host: len(tasks) for host, tasks in sorted(placed.items())})
        run.tell(listed((service.name, services.describe(service, service.replicas or 0), hosts), ": "))


def _removed(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.gone(run, parameters.names)

    def look() -> None:
        if any(network.name == parameters.network for network in swarm.networks(run.manager.ask)):
            raise NotYet(_("network %(network)s still exists", network=parameters.network))

    run.wait(_("its network to be gone"), look)
    run.tell(_("no container of the stack is left on any node, and its network is gone."))


def _counted(_run: Run, output: str) -> None:
    if not output.strip().isdigit():
        raise NotYet(_("answer of the cache: %(answer)s", answer=output.strip() or _("none")))


def _updated(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    service = swarm.service(run.manager.ask, parameters.cache.name)
    return (
        _("%(service)s runs %(image)s already.", service=parameters.cache.name, image=parameters.new)
        if service and not differences(parameters.updated, service)
        else None
    )


def _remember(run: Run, progress: _Deployment) -> None:
    parameters = run.parameters(Parameters)
    progress.tasks = {name: {task.id for task in run.service(name).running} for name in parameters.names}


def _only_the_cache(run: Run, progress: _Deployment) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        service = run.service(parameters.cache.name)
        new = all(same_image(task.image, parameters.new) for task in service.running)
        if service.update_state != "completed" or not service.running or not new:
            raise NotYet(services.describe(service, 1))

    run.wait(
        _("the update of %(service)s", service=parameters.cache.name),
        look,
        within=120,
        hint=look_with(f"docker stack ps --no-trunc {parameters.stack}"),
    )
    tell_turns(run, run.service(parameters.cache.name))
    for name in (parameters.web.name, parameters.counter.name):
        now = {task.id for task in run.service(name).running}
        if not progress.tasks:
            continue  # It was updated before this run: what was replaced then is no longer known.
        if now != progress.tasks[name]:
            raise ExerciseError(
                _(
                    "tasks of %(service)s were replaced as well, although %(file)s changes nothing of it.",
                    service=name,
                    file=parameters.file,
                ),
                _("See: docker service ps %(service)s. %(start_over)s", service=name, start_over=run.start_over),
            )
        run.tell(_("%(service)s: its tasks are the same as before.", service=name))
