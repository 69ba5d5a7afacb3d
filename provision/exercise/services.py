"""Steps that many exercises share: a service made, its tasks waited for, shown, changed, and everything removed."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable, Mapping, Sequence

from labgen.core.errors import ExerciseError
from labgen.core.i18n import NOTHING, Text, _, listed, sentences, untranslated
from labgen.core.polling import Hopeless, NotYet
from labgen.docker import swarm
from labgen.docker.hopeless import hopeless
from labgen.docker.swarm import Service
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec, differences
from labgen.model.lab import Lab, Node
from provision.exercise import leftovers
from provision.exercise.run import Run
from provision.exercise.steps import Command, Step
from provision.exercise.timing import watched

_SEE_TASKS = _("See its tasks, and where they run.")


def create(
    lab: Lab,
    spec: ServiceSpec,
    why: str | Text,
    *,
    also: Sequence[ServiceSpec] = (),
    until: Callable[[Run], None] | None = None,
    shows: Callable[[Run], bool] | None = None,
    may_pause: bool = False,
) -> Step:
    """Compose the step that creates a service; it is left out if the service exists.

    :param also: as what else it may be there: what later steps make of it.
    :param shows: whether one that later steps have made something of still shows in its history what they did; the
        swarm keeps five tasks of each replica. Where it does not, the service is created again.
    :param until: what must be seen of it; by default that all its tasks run.
    :param may_pause: whether it is as it should be also while an update of it is paused.
    """
    return Step(
        lab.first_manager,
        why,
        Command(spec.create),
        skip_if=functools.partial(_use_existing, specs=(spec, *also), shows=shows, may_pause=may_pause),
        before=functools.partial(ports_free, ports=[port.published for port in spec.publish if port.published]),
        until=until or functools.partial(running, name=spec.name),
        quiet=True,
        within=300,
        timers=watched(spec.update.monitor)[1:],
    )


def show(lab: Lab, name: str, why: str | Text = _SEE_TASKS) -> Step:
    """Compose the step that shows a service's tasks."""
    return Step(lab.first_manager, why, Command(f"docker service ps {name}"))


def _use_existing(
    run: Run, specs: Sequence[ServiceSpec], shows: Callable[[Run], bool] | None, may_pause: bool
) -> Text | None:
    """Tell why the service need not be created; remove one that the course has left, never a learner's own."""
    name = specs[0].name
    service = swarm.service(run.manager.ask, name)
    if service is None:
        return None
    fits = any(not differences(spec, service) for spec in specs)
    if why := _why_recreate(run, service, specs, shows, may_pause) if fits else _name_origin(run, service):
        run.tell(_("%(why)s Service %(service)s is removed and created again.", why=why, service=name))
        remove_services(run, [name])
        return None
    if fits:
        return _("%(service)s exists already, with the right settings.", service=name)
    raise ExerciseError(
        _(
            "service %(service)s exists already, with other settings: %(differences)s.",
            service=name,
            differences=listed(differences(specs[0], service), "; "),
        ),
        _(
            "Correct it by hand, or remove it with: fab exercise.reset %(exercise)s",
            exercise=run.exercise.name,
        ),
    )


def _why_recreate(
    run: Run, service: Service, specs: Sequence[ServiceSpec], shows: Callable[[Run], bool] | None, may_pause: bool
) -> Text:
    """Tell why a service must be created again, though its settings are right; empty if it can be used."""
    if service.update_state == "rollback_paused" or (service.update_state == "paused" and not may_pause):
        return _("The update of %(service)s is paused.", service=service.name)
    if shows and differences(specs[0], service) and not shows(run):
        return _("The history of %(service)s does not show what this exercise does.", service=service.name)
    return NOTHING


def _name_origin(run: Run, service: Service) -> Text:
    """Tell which exercise has left a service as it is; empty if it is a learner's own."""
    if exercise := leftovers.made_by(service):
        return _("Exercise %(exercise)s has left %(service)s.", exercise=exercise, service=service.name)
    if exercise := leftovers.left_by(run, service):
        return _("An interrupted run of %(exercise)s has left %(service)s.", exercise=exercise, service=service.name)
    return NOTHING


def running(run: Run, name: str, count: int | None = None, within: float = 120.0) -> None:
    """Wait until all tasks of a service run and none is on its way; print where they are.

    :param count: how many; by default as many as the service itself wants.
    """
    counts: dict[str, int] = {}

    def look() -> None:
        service = run.service(name)
        expected = service.replicas if count is None else count
        # A global service has a task on every node that takes any.
        nodes = [node for node in run.nodes() if node.ready and node.availability == "active"]
        expected = len(nodes) if expected is None else expected
        if len(service.running) != expected or not service.settled:
            if why := hopeless(service):
                raise Hopeless(listed((describe(service, expected), why), ": "))
            raise NotYet(describe(service, expected))
        counts.clear()
        counts.update({host: len(tasks) for host, tasks in sorted(run.placed(service).items())})

    run.wait(_("the tasks of %(service)s to run", service=name), look, within=within)
    total = sum(counts.values())
    run.tell(_("%(count)s of %(count)s tasks run: %(nodes)s", count=total, nodes=spread(counts)))


def spread(counts: Mapping[str, int]) -> Text:
    """Describe how many tasks run on which node: ``2 on swarm-worker1, 1 on swarm-worker2``."""
    return listed(_("%(count)s on %(node)s", count=count, node=node) for node, count in counts.items())


def inside(
    lab: Lab,
    name: str,
    why: str | Text,
    shown: str,
    *,
    script: str = "",
    judge: Callable[[Run, str], None] | None = None,
    within: float = 30.0,
) -> Step:
    """Compose the step that runs a command on the node of a service's task, which is looked up at run time.

    :param shown: as the learner types it; ``CONTAINER`` in it stands for the task's container.
    :param script: as it is run, where that differs.
    :param judge: looks at what was printed; :class:`labgen.core.polling.NotYet` from it has the command run again.
    """

    def carry_out(run: Run) -> str:
        lines: list[str] = []

        def look() -> None:
            service = run.service(name)
            if not service.running:
                raise NotYet(_("no task of %(service)s runs", service=name))
            task = service.running[0]
            node = run.host(task)
            output = run.shell(node).attempt((script or shown).replace("CONTAINER", shlex.quote(task.container_id)))
            if not output.ok:
                raise NotYet(_("on %(node)s: %(output)s", node=node.name, output=output.said or _("no output")))
            if judge:
                judge(run, output.out)
            lines[:] = [f"[{node.name}]$ {shown.replace('CONTAINER', task.container_id[:12])}", output.out.strip()]

        run.wait(f"{name}: {shown}", look, within=within)
        run.say(lines[0])
        return lines[1].replace("\n", "\n  ")

    return Step(
        lab.first_manager,
        why,
        carry_out,
        placeholder=_("%(command)s    (on a node with a task of %(service)s)", command=shown, service=name),
    )


def describe(service: Service, expected: int) -> Text:
    """Describe how far a service has come, for people."""
    others = [f"{task.state} {task.error}".strip() for task in service.tasks if not task.running]
    count, more = min(len(service.running), expected), len(service.running) - expected
    running = _("%(count)s of %(expected)s run", count=count, expected=expected)
    if more > 0:
        running = _("%(running)s, %(more)s more", running=running, more=more)
    tasks = untranslated(f"({', '.join(others[-4:])})") if others else NOTHING
    update = (
        untranslated(f"(update {service.update_state}: {service.update_message})") if service.update_state else NOTHING
    )
    return sentences(running, tasks, update)


def listeners(port: int) -> str:
    """Compose the script that shows what listens on a port; it fails if nothing does."""
    # Not every distribution has netstat any more.
    return f"if command -v netstat >/dev/null; then netstat -nlp; else ss -nlp; fi | grep ':{port} '"


def port_open(run: Run, node: Node, port: int) -> None:
    """Wait until the engine listens on a published port of a node.

    :raises ExerciseError: it does not; says who has the port instead, where someone has.
    """

    def look() -> None:
        output = run.shell(node).attempt(listeners(port))
        if not output.ok:
            raise NotYet(_("no program listens there"))
        if "dockerd" not in output.out:
            raise ExerciseError(
                _port_taken(node, port, output.out),
                _("End that program on %(node)s. %(start_over)s", node=node.name, start_over=run.start_over),
            )

    run.wait(_("port %(port)s on %(node)s", port=port, node=node.name), look, within=30)


def ports_free(run: Run, ports: Sequence[int]) -> None:
    """Check that no program but Docker listens on a port that is to be published, on any node.

    Published through the routing mesh, such a port would be taken over from the program; published in host mode, no
    container would start on that node.

    :raises ExerciseError: one does; says which port, on which node, and who.
    """
    for node in run.lab.nodes if ports else ():
        output = run.shell(node).attempt("; ".join(listeners(port) for port in ports)).out
        for line in filter(str.strip, output.splitlines()):
            if "docker" not in line:
                port = next((port for port in ports if f":{port} " in line), ports[0])
                raise ExerciseError(
                    _port_taken(node, port, line),
                    _(
                        "Find it on %(node)s with: sudo ss -lntp | grep %(port)s. End it, then run the exercise again.",
                        node=node.name,
                        port=port,
                    ),
                )


def _port_taken(node: Node, port: int, listening: str) -> Text:
    return _(
        "port %(port)s of %(node)s is taken by another program: %(program)s",
        port=port,
        node=node.name,
        program=_name_process(listening),
    )


def _name_process(listening: str) -> str:
    """Name the process in ``tcp6 0 0 :::8001 :::* LISTEN 9/nginx: master``; of what ss prints, its last column."""
    last = listening.strip().splitlines()[-1]
    return last.partition("LISTEN")[2].strip() or last


def remove_services(run: Run, names: Sequence[str]) -> None:
    """Remove services, and wait until none of their containers is left on any node."""
    existing = [service.name for service in swarm.services(run.manager.ask) if service.name in names]
    if existing:
        run.say(f"[{run.lab.first_manager.name}]$ docker service rm {' '.join(existing)}")
        run.manager.run(f"docker service rm {shlex.join(existing)}", what="docker service rm")
    gone(run, names)


def gone(run: Run, names: Sequence[str], within: float = 60.0) -> None:
    """Wait until no container of any of these services is left on a node that can be asked."""
    filters = [f"--filter label=com.docker.swarm.service.name={shlex.quote(name)}" for name in names]
    # One filter at a time: several labels would have to hold together.
    script = "\n".join(f"docker ps --all --quiet {option}" for option in filters)

    def look() -> None:
        hosts = [node.name for node in run.lab.nodes if run.shell(node).run(script).strip()]
        if hosts:
            raise NotYet(_("containers on %(nodes)s", nodes=", ".join(hosts)))

    if names:
        run.wait(_("their containers to be gone"), look, within=within)


def clear(run: Run) -> None:
    """Remove everything an exercise makes, from any state, whoever made it."""
    exercise = run.exercise
    before = run.manager.run(_inventory(exercise))
    names = [spec.name for spec in exercise.services]
    for stack in exercise.stacks:
        names += [service.name for service in swarm.services(run.manager.ask) if service.name.startswith(f"{stack}_")]
    remove_services(run, names)
    manager = run.lab.first_manager.name
    for kind, candidates in (
        ("network", (*exercise.networks, *(f"{stack}_default" for stack in exercise.stacks))),
        ("secret", exercise.secrets),
        ("config", exercise.configs),
    ):
        existing = [name for name in candidates if f"{kind} {name}" in before.splitlines()]
        if existing:
            run.say(f"[{manager}]$ docker {kind} rm {' '.join(existing)}")
            run.wait(
                _("%(kind)s %(names)s to be gone", kind=kind, names=", ".join(existing)),
                functools.partial(_remove_objects, run, kind, existing),
            )
    for node in run.nodes():
        keys = [key for key in exercise.labels if f"{node.id} {key}" in before]
        if keys:
            flags = " ".join(f"--label-rm {key}" for key in keys)
            run.say(f"[{manager}]$ docker node update {flags} {node.name}")
            run.manager.run(f"docker node update {flags} {node.id}", what="docker node update")


def _remove_objects(run: Run, kind: str, names: Sequence[str]) -> None:
    # A network is in use for a moment longer than the containers that were on it.
    output = run.manager.attempt(f"docker {kind} rm {shlex.join(names)}")
    remaining = [
        name for name in names if name in run.manager.run(f"docker {kind} ls --format '{{{{.Name}}}}'").split()
    ]
    if remaining:
        raise NotYet(output.said)


def _inventory(exercise: Exercise) -> str:
    """Compose the script that lists what exists, a line each (``network front``), and labels of nodes (``ID zone``)."""
    lines = [f"docker {kind} ls --format '{kind} {{{{.Name}}}}'" for kind in ("network", "secret", "config")]
    if exercise.labels:
        template = "{{$id := .ID}}{{range $key, $value := .Spec.Labels}}{{$id}} {{$key}}{{println}}{{end}}"
        lines.append(f"docker node inspect --format {shlex.quote(template)} $(docker node ls --quiet)")
    return "\n".join(lines)
