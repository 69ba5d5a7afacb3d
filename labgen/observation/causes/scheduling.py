"""Causes for which Swarm finds no node for a task: constraints, reservations, ports, availability, processors."""

from __future__ import annotations

import re
import shlex

from labgen.core.i18n import NOTHING, _, sentences
from labgen.exercise.hint import Hint, Hints, on, on_manager
from labgen.observation.causes.model import RecognisedCause
from labgen.observation.causes.tasks import Case, of_tasks, says

_PORT_IN_USE = re.compile(r"(?i)host-mode port already in use|port is already allocated|address already in use")
_GB = 2**30


def _constraint(case: Case) -> RecognisedCause | None:
    spec, service, task, error = case.spec, case.service, case.task, case.error
    if not task.stuck or "scheduling constraints" not in error or "insufficient resources" in error:
        return None
    wrong = [constraint for constraint in service.constraints if constraint not in spec.constraints] or list(
        service.constraints
    )
    hints: list[Hint] = []
    for constraint in wrong:
        if label := re.fullmatch(r"\s*node\.labels\.([\w.-]+)\s*==\s*(\S+)\s*", constraint):
            hints.append(
                on_manager(
                    f"docker node update --label-add {shlex.quote(f'{label[1]}={label[2]}')} NODE",
                    look=_("Give a node the label that it asks for."),
                )
            )
    if any(constraint not in spec.constraints for constraint in wrong):
        flags = " ".join(f"--constraint-rm {shlex.quote(constraint)}" for constraint in wrong)
        hints.append(
            on_manager(
                f"docker service update {flags} {service.name}",
                look=_("Take away a constraint that is not the exercise's."),
            )
        )
    hints.append(on_manager("docker node ls", look=_("Is a node missing or not active?")))
    listed = ", ".join(service.constraints)
    return RecognisedCause(
        "constraint",
        sentences(says(service, error), _("Its constraints: %(listed)s.", listed=listed)),
        tuple(hints),
    )


def _resources(case: Case) -> RecognisedCause | None:
    spec, service, task, error = case.spec, case.service, case.task, case.error
    if not task.stuck or "insufficient resources" not in error:
        return None
    memory, processors = service.reserved
    flags = [f"--reserve-memory {spec.reserve or 0}"] if memory else []
    flags += ["--reserve-cpu 0"] if processors else []
    return RecognisedCause(
        "resources",
        sentences(
            says(service, error),
            _(
                "Each task reserves %(memory).2g GiB of memory and %(processors)g processors, which no node has free.",
                memory=memory / _GB,
                processors=processors,
            ),
        ),
        (
            on_manager(
                f"docker service update {' '.join(flags) or '--reserve-memory 0'} {service.name}",
                look=_("Let it reserve less."),
            ),
            on_manager("docker service ls", look=_("What else reserves it?")),
        ),
    )


def _host_port(case: Case) -> RecognisedCause | None:
    observations, service, error = case.observations, case.service, case.error
    if not _PORT_IN_USE.search(error):
        return None
    ports = {port.published for port in service.ports if port.mode == "host"}
    others = [
        service_with_port.name
        for service_with_port in (observations.swarm.services.values() if observations.swarm else ())
        if service_with_port.name != service.name and ports & {port.published for port in service_with_port.ports}
    ]
    listed = ", ".join(map(str, sorted(ports)))
    if not others and service.replicas and service.replicas > len(service.running) > 0:
        return None  # It has more replicas than there are nodes: its own tasks are in their way.
    owner = _("%(owner)s has port %(listed)s.", owner=others[0], listed=listed) if others else NOTHING
    hints: Hints = (
        on(
            _("the node of the task"),
            f"sudo ss -lntp | grep -E ':({listed.replace(', ', '|') or 'PORT'}) '",
            look=_("See who listens on the port."),
        ),
    )
    if others:
        target = next(port.target for port in observations.swarm.services[others[0]].ports) if observations.swarm else 0
        hints = (on_manager(f"docker service update --publish-rm {target} {shlex.quote(others[0])}"), *hints)
    return RecognisedCause("host-port-taken", sentences(says(service, error), owner), hints)


def _not_available(case: Case) -> RecognisedCause | None:
    observations, service, task, error = case.observations, case.service, case.task, case.error
    if not task.stuck or "not available for new tasks" not in error:
        return None
    away = [
        node.name for node in (observations.swarm.nodes if observations.swarm else ()) if node.availability != "active"
    ]
    return RecognisedCause(
        "no-node-available",
        says(service, error),
        (
            *(on_manager(f"docker node update --availability active {shlex.quote(name)}") for name in away),
            on_manager("docker node ls", look=_("Is every node Ready and Active?")),
        ),
    )


def _platform(case: Case) -> RecognisedCause | None:
    spec, service, error = case.spec, case.service, case.error
    if "unsupported platform" not in error:
        return None
    return RecognisedCause(
        "platform",
        sentences(says(service, error), _("The image is for another kind of processor.")),
        (on_manager(f"docker service update --image {spec.image} {service.name}"),),
    )


CAUSES = (
    of_tasks(
        "platform",
        _('A task waits with "unsupported platform".'),
        "docker service update --image IMAGE SERVICE",
        _platform,
    ),
    of_tasks(
        "resources",
        _('A task waits with "insufficient resources".'),
        "docker service update --reserve-memory 0 SERVICE",
        _resources,
    ),
    of_tasks(
        "constraint",
        _('A task waits with "scheduling constraints not satisfied".'),
        "docker service update --constraint-rm CONSTRAINT SERVICE",
        _constraint,
    ),
    of_tasks(
        "host-port-taken",
        _("A task waits or fails because its port in host mode is in use."),
        "sudo ss -lntp",
        _host_port,
    ),
    of_tasks(
        "no-node-available",
        _('A task waits with "not available for new tasks".'),
        "docker node update --availability active NODE",
        _not_available,
    ),
)
