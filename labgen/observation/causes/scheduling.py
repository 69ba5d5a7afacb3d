"""Causes for which Swarm finds no node for a task: constraints, reservations, ports, availability, processors."""

from __future__ import annotations

import re
import shlex

from labgen.core.words import NOTHING, Words
from labgen.exercise.hint import Hint, Hints, on, on_manager
from labgen.observation.causes.model import Finding
from labgen.observation.causes.tasks import Case, of_tasks, says

_PORT_IN_USE = re.compile(r"(?i)host-mode port already in use|port is already allocated|address already in use")
_GB = 2**30


def _constraint(case: Case) -> Finding | None:
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
                    look=Words("Give a node the label that it asks for.", "제약 조건에 있는 레이블을 노드에 붙이세요."),
                )
            )
    if any(constraint not in spec.constraints for constraint in wrong):
        flags = " ".join(f"--constraint-rm {shlex.quote(constraint)}" for constraint in wrong)
        hints.append(
            on_manager(
                f"docker service update {flags} {service.name}",
                look=Words("Take away a constraint that is not the exercise's.", "실습에 없는 제약 조건을 없애세요."),
            )
        )
    hints.append(
        on_manager(
            "docker node ls", look=Words("Is a node missing or not active?", "빠졌거나 active가 아닌 노드가 있습니까?")
        )
    )
    listed = ", ".join(service.constraints)
    return Finding(
        "constraint",
        says(service, error) + Words(f" Its constraints: {listed}.", f" 제약 조건: {listed}."),
        tuple(hints),
    )


def _resources(case: Case) -> Finding | None:
    spec, service, task, error = case.spec, case.service, case.task, case.error
    if not task.stuck or "insufficient resources" not in error:
        return None
    memory, processors = service.reserved
    flags = [f"--reserve-memory {spec.reserve or 0}"] if memory else []
    flags += ["--reserve-cpu 0"] if processors else []
    return Finding(
        "resources",
        says(service, error)
        + Words(
            f" Each task reserves {memory / _GB:.2g} GiB of memory and {processors:g} processors, which no node has "
            "free.",
            f" 태스크마다 메모리 {memory / _GB:.2g} GiB, 프로세서 {processors:g}개를 예약하는데 그만큼 남은 노드가 "
            "없습니다.",
        ),
        (
            on_manager(
                f"docker service update {' '.join(flags) or '--reserve-memory 0'} {service.name}",
                look=Words("Let it reserve less.", "예약을 줄이세요."),
            ),
            on_manager("docker service ls", look=Words("What else reserves it?", "다른 어떤 서비스가 예약했습니까?")),
        ),
    )


def _host_port(case: Case) -> Finding | None:
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
    owner = (
        Words(f" {others[0]} has port {listed}.", f" {listed} 포트는 {others[0]}가 쓰고 있습니다.")
        if others
        else NOTHING
    )
    hints: Hints = (
        on(
            Words("the node of the task", "태스크의 노드"),
            f"sudo ss -lntp | grep -E ':({listed.replace(', ', '|') or 'PORT'}) '",
            look=Words("See who listens on the port.", "누가 포트를 쓰는지 보세요."),
        ),
    )
    if others:
        target = next(port.target for port in observations.swarm.services[others[0]].ports) if observations.swarm else 0
        hints = (on_manager(f"docker service update --publish-rm {target} {shlex.quote(others[0])}"), *hints)
    return Finding("host-port-taken", says(service, error) + owner, hints)


def _not_available(case: Case) -> Finding | None:
    observations, service, task, error = case.observations, case.service, case.task, case.error
    if not task.stuck or "not available for new tasks" not in error:
        return None
    away = [
        node.name for node in (observations.swarm.nodes if observations.swarm else ()) if node.availability != "active"
    ]
    return Finding(
        "no-node-available",
        says(service, error),
        (
            *(on_manager(f"docker node update --availability active {shlex.quote(name)}") for name in away),
            on_manager(
                "docker node ls", look=Words("Is every node Ready and Active?", "모든 노드가 Ready이고 Active입니까?")
            ),
        ),
    )


def _platform(case: Case) -> Finding | None:
    spec, service, error = case.spec, case.service, case.error
    if "unsupported platform" not in error:
        return None
    return Finding(
        "platform",
        says(service, error)
        + Words(" The image is for another kind of processor.", " 다른 종류의 프로세서용 이미지입니다."),
        (on_manager(f"docker service update --image {spec.image} {service.name}"),),
    )


CAUSES = (
    of_tasks(
        "platform",
        Words('A task waits with "unsupported platform".', '태스크가 "unsupported platform"으로 대기한다.'),
        "docker service update --image IMAGE SERVICE",
        _platform,
    ),
    of_tasks(
        "resources",
        Words('A task waits with "insufficient resources".', '태스크가 "insufficient resources"로 대기한다.'),
        "docker service update --reserve-memory 0 SERVICE",
        _resources,
    ),
    of_tasks(
        "constraint",
        Words(
            'A task waits with "scheduling constraints not satisfied".',
            '태스크가 "scheduling constraints not satisfied"로 대기한다.',
        ),
        "docker service update --constraint-rm CONSTRAINT SERVICE",
        _constraint,
    ),
    of_tasks(
        "host-port-taken",
        Words(
            "A task waits or fails because its port in host mode is in use.",
            "호스트 모드의 포트가 쓰이고 있어 태스크가 대기하거나 실패한다.",
        ),
        "sudo ss -lntp",
        _host_port,
    ),
    of_tasks(
        "no-node-available",
        Words('A task waits with "not available for new tasks".', '태스크가 "not available for new tasks"로 대기한다.'),
        "docker node update --availability active NODE",
        _not_available,
    ),
)
