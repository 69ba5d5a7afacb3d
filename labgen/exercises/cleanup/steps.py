"""Clean-up carried out: the services of the document are removed, and whatever else the course has left."""

from __future__ import annotations

import dataclasses
import functools
import shlex
from collections.abc import Callable

from labgen.core.errors import ExerciseError
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

Names = Callable[[Run], list[str]]


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    return [
        *(_create(lab, spec) for spec in parameters.removed),
        Step(manager, "See what there is.", Command("docker service ls")),
        Step(
            manager,
            "Remove the two services of this part. Their containers end on every node.",
            functools.partial(_remove, names=_of_this_part),
            placeholder=parameters.remove,
            quiet=True,
        ),
        Step(
            manager,
            "Remove the stacks of the course, each with its services and networks.",
            functools.partial(_rm_command, kind="stack", names=_stacks),
            placeholder="docker stack rm STACK",
            quiet=True,
        ),
        Step(
            manager,
            "Remove what other exercises have left: everything else that the course has made.",
            functools.partial(_remove, names=_services),
            placeholder="docker service rm SERVICE",
            timers=(GRACE,),
            until=_no_container,
            quiet=True,
        ),
        Step(
            manager,
            "Remove the overlay networks of the course. The swarm's own, ingress, stays.",
            functools.partial(_rm_command, kind="network", names=_networks),
            placeholder="docker network rm NETWORK",
            until=_no_network,
            quiet=True,
        ),
        Step(manager, "See that no service of it is left.", Command("docker service ls"), until=_nothing_left),
        *(Step(node, "See that no container of it is left here.", Command("docker ps --all")) for node in lab.nodes),
        Step(
            manager, "See the networks that are left: the swarm's own and each engine's.", Command("docker network ls")
        ),
    ]


def reset(run: Run) -> None:
    """Remove the two services, if a run ended between creating and removing them."""
    services.remove_services(run, [spec.name for spec in run.parameters(Parameters).removed])


def _create(lab: Lab, spec: ServiceSpec) -> Step:
    step = services.create(
        lab, spec, f"Make {spec.name}, should it not be there, so that there is something to remove."
    )
    return dataclasses.replace(step, skip_if=functools.partial(_use_existing, spec=spec), until=None)


def _use_existing(run: Run, spec: ServiceSpec) -> str | None:
    """Tell why a service need not be created: it exists as an exercise leaves it, or all is removed already."""
    _check_no_own_work(run)
    service = swarm.service(run.manager.ask, spec.name)
    if service is not None:
        return f"{spec.name} is there, as the exercise {made_by(service)} leaves it."
    if _services(run) or _stacks(run) or _of_this_part(run):
        return None
    gone = _removed_before(run)
    return f"not needed: the course has left nothing here any more of {', '.join(gone)}." if gone else None


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
        f"{names}: made with other settings than any exercise has, so this exercise does not remove it.",
        f"Look with: docker service inspect --pretty {changed[0].name}. If it may go: docker service rm {names}; "
        f"then run {run.exercise.name} again.",
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


def _remove(run: Run, names: Names) -> Command | str:
    return _rm_command(run, "service", names)


def _rm_command(run: Run, kind: str, names: Names) -> Command | str:
    existing = names(run)
    if not existing:
        return f"there is no {kind} of it."
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
                    f"{', '.join(by_hand)} on {node.name}: a container of that name was made by hand, not by a swarm.",
                    f"If it may go, there: docker rm -f {' '.join(by_hand)}; then run {run.exercise.name} again.",
                )
            if of_services:
                raise NotYet(f"{', '.join(of_services)} on {node.name}")

    run.wait("the containers to be gone from every node", look, within=60)


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

    run.wait("the networks to be gone", look, within=60)


def _nothing_left(run: Run) -> None:
    _no_container(run)
    _no_network(run)
    remaining = [*_of_this_part(run), *_services(run)]
    if remaining:
        raise ExerciseError(f"still there: {', '.join(remaining)}.", "Run the exercise again.")
    run.say(f"  nothing of the course is left on {len(run.lab.nodes)} nodes")
