"""Clean-up carried out: the services of the document are removed, and whatever else the course has left."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from collections.abc import Callable

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
from labgen.core.polling import NotYet
from labgen.docker import events, swarm
from labgen.docker.api import as_list, ask, text_of
from labgen.docker.swarm import Service
from labgen.exercise.services import ServiceSpec
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.leftovers import left_by, made_by
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import GRACE

from . import exercise as cleanup
from .exercise import Parameters

_ = Messages.beside(__file__)

Names = Callable[[Run], list[str]]


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    return [
        *(_create(lab, spec) for spec in parameters.removed),
        Step(manager, _("See the services of the swarm."), Command("docker service ls")),
        Step(
            manager,
            _("Remove the two services of this part. Their containers end on every node."),
            functools.partial(_remove, names=_of_this_part),
            placeholder=parameters.remove,
            quiet=True,
        ),
        Step(
            manager,
            _("Remove the stacks of the course, each with its services and networks."),
            functools.partial(_rm_command, kind="stack", names=_stacks),
            placeholder="docker stack rm STACK",
            quiet=True,
        ),
        Step(
            manager,
            _("Remove the services that other exercises have left."),
            functools.partial(_remove, names=_services),
            placeholder="docker service rm SERVICE",
            timers=(GRACE,),
            until=_no_container,
            quiet=True,
        ),
        Step(
            manager,
            _("Remove the overlay networks of the course. The network ingress stays: the swarm itself needs it."),
            functools.partial(_rm_command, kind="network", names=_networks),
            placeholder="docker network rm NETWORK",
            until=_no_network,
            quiet=True,
        ),
        Step(
            manager, _("See that no service of the course is left."), Command("docker service ls"), until=_nothing_left
        ),
        *(
            Step(node, _("See that no container of the course is left here."), Command("docker ps --all"))
            for node in lab.nodes
        ),
        Step(
            manager,
            _("See which networks are left: those of the swarm and of each engine."),
            Command("docker network ls"),
        ),
    ]


def reset(run: Run) -> None:
    """Remove the two services, if a run ended between creating and removing them."""
    services.remove_services(run, [spec.name for spec in run.parameters(Parameters).removed])


def _create(lab: Lab, spec: ServiceSpec) -> Step:
    step = services.create(
        lab,
        spec,
        _("Create %(service)s if it does not exist, so that there is something to remove.", service=spec.name),
    )
    return dataclasses.replace(step, skip_if=functools.partial(_use_existing, spec=spec), until=None)


def _use_existing(run: Run, spec: ServiceSpec) -> Text | None:
    """Tell why a service need not be created: it exists as an exercise leaves it, or all is removed already."""
    _check_no_own_work(run)
    service = swarm.service(run.manager.ask, spec.name)
    if service is not None:
        return _(
            "%(service)s exists already: exercise %(exercise)s has left it.",
            service=spec.name,
            exercise=made_by(service),
        )
    if _services(run) or _stacks(run) or _of_this_part(run):
        return None
    gone = _removed_before(run)
    return (
        _("not needed: these services of the course are removed already: %(services)s.", services=", ".join(gone))
        if gone
        else None
    )


def _removed_before(run: Run) -> list[str]:
    began = min(node.created for node in run.nodes() if node.created)
    return cleanup.of_the_course(
        sorted(events.read(run.manager.ask(events.question(began))).services), cleanup.services()
    )


def _all(run: Run) -> list[Service]:
    return swarm.services(run.manager.ask)


def _check_no_own_work(run: Run) -> None:
    """Refuse services with a name of the course that no exercise leaves like that: they are a learner's own."""
    changed = [
        service
        for service in _all(run)
        if service.name in cleanup.services() and not (made_by(service) or left_by(run, service))
    ]
    if changed:
        raise _own_work_error(run, changed)


def _own_work_error(run: Run, changed: list[Service]) -> ExerciseError:
    names = " ".join(service.name for service in changed)
    return ExerciseError(
        _("%(services)s: the settings are those of no exercise, so this exercise does not remove it.", services=names),
        _(
            "Look with: docker service inspect --pretty %(service)s. If you do not need it: "
            "docker service rm %(services)s; then run %(exercise)s again.",
            service=changed[0].name,
            services=names,
            exercise=run.exercise.name,
        ),
    )


def _of_this_part(run: Run) -> list[str]:
    names = {service.name for service in _all(run)}
    return [spec.name for spec in run.parameters(Parameters).removed if spec.name in names]


def _services(run: Run) -> list[str]:
    return sorted(
        set(cleanup.of_the_course((service.name for service in _all(run)), cleanup.services()))
        - {spec.name for spec in run.parameters(Parameters).removed}
    )


def _stacks(run: Run) -> list[str]:
    names = [service.name for service in _all(run)]
    return [stack for stack in cleanup.stacks() if any(name.startswith(f"{stack}_") for name in names)]


def _networks(run: Run) -> list[str]:
    overlays = (
        network.name
        for network in swarm.networks(run.manager.ask)
        if network.driver == "overlay" and not network.ingress
    )
    return sorted(cleanup.of_the_course(overlays, cleanup.networks()))


def _remove(run: Run, names: Names) -> Command | Text:
    return _rm_command(run, "service", names)


def _rm_command(run: Run, kind: str, names: Names) -> Command | Text:
    existing = names(run)
    if not existing:
        return _("the course has left no %(kind)s.", kind=kind)
    shown = f"docker {kind} rm {shlex.join(existing)}"
    return Command(shown, _REMOVE_NETWORKS.format(names=shlex.join(existing)) if kind == "network" else None)


# A network is in use for a moment longer than the containers that were on it; and that of a stack, which the swarm is
# still removing, is seen here for a moment longer than it is there.
_REMOVE_NETWORKS = """\
removed() {{
  for try in 1 2 3 4 5 6 7 8 9 10; do
    docker network rm "$1" && return
    docker network inspect "$1" >/dev/null 2>&1 || return 0
    sleep 1
  done
  return 1
}}
for name in {names}; do removed "$name" || exit; done"""


def _no_container(run: Run) -> None:
    def look() -> None:
        for node in run.lab.nodes:
            of_services, by_hand = containers(run, node)
            if by_hand:
                raise ExerciseError(
                    _(
                        "%(containers)s on %(node)s: a container of that name was started by hand, not by a swarm.",
                        containers=", ".join(by_hand),
                        node=node.name,
                    ),
                    _(
                        "If you do not need it, remove it there: docker rm -f %(containers)s. Then run "
                        "%(exercise)s again.",
                        containers=" ".join(by_hand),
                        exercise=run.exercise.name,
                    ),
                )
            if of_services:
                raise NotYet(_("%(services)s on %(node)s", services=", ".join(of_services), node=node.name))

    run.wait(_("the containers to be gone from every node"), look, within=60)


def containers(run: Run, node: Node) -> tuple[list[str], list[str]]:
    """List what the course has on a node, running or not: services with a container, and other containers."""
    entries = as_list(ask(run.shell(node).ask, [_CONTAINERS])[_CONTAINERS].value(_CONTAINERS), _CONTAINERS)
    groups: tuple[set[str], set[str]] = (set(), set())
    for entry in entries:
        service = text_of(entry.get("Labels"), "com.docker.swarm.service.name")
        names = [service] if service else [name.lstrip("/") for name in entry.get("Names") or ()]
        groups[not service].update(cleanup.of_the_course(names, cleanup.services()))
    return sorted(groups[0]), sorted(groups[1])


_CONTAINERS = "/containers/json?all=1"


def _no_network(run: Run) -> None:
    def look() -> None:
        if remaining := _networks(run):
            raise NotYet(", ".join(remaining))

    run.wait(_("the networks to be gone"), look, within=60)


def _nothing_left(run: Run) -> None:
    _no_container(run)
    _no_network(run)
    remaining = [*_of_this_part(run), *_services(run)]
    if remaining:
        raise ExerciseError(
            _("still there: %(services)s.", services=", ".join(remaining)), _("Run the exercise again.")
        )
    run.tell(_("nothing of the course is left on %(nodes)s nodes", nodes=len(run.lab.nodes)))
