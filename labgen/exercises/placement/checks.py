"""The exercise on placement: constraints, labels, the spread, and a reservation that no node can meet."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import Hints, on_manager
from labgen.exercise.services import ServiceSpec, in_bytes
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, see_tasks
from verify.services import found, hosts, kept_off_managers, listed, open_to_all, runs, told

from .exercise import Parameters

_ = Messages.beside(__file__)


def _mended(service: str) -> Hints:
    return (
        create(service),
        on_manager(
            f"docker service update --constraint-add {{{service}.constraint}} {{{service}.name}}",
            f"docker service scale {{{service}.name}}={{{service}.replicas}}",
            look=_("If it exists, give it its constraint and its replicas."),
        ),
        see_tasks(f"{{{service}.name}}"),
    )


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=_mended("off_managers"),
)
def test_off_managers(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {off_managers_name} has the constraint node.role!=manager, and all of its tasks run and stay up."""
    service = found(swarm, parameters.off_managers_name)
    kept_off_managers(service)
    _all_run(exam, service, parameters.off_managers)


@check(
    points=1,
    needs=("placement.off_managers",),
    hint=on_manager(
        "docker service ps {off_managers_name}",
        "docker node ls",
        look=_("See on which nodes its tasks run, and which nodes are managers."),
    ),
)
def test_none_on_managers(swarm: Swarm, parameters: Parameters) -> None:
    """No task of {off_managers_name} runs on a manager."""
    service = found(swarm, parameters.off_managers_name)
    managers = {node.name for node in swarm.nodes if node.role == "manager"}
    counts = {name: many for name, many in hosts(swarm, service).items() if many and name in managers}
    assert not counts, f"tasks on managers: {listed(counts)}"


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    hint=on_manager(
        "docker node update --label-add {label}={value} NODE",
        "docker node inspect --format '{{.Spec.Labels}}' NODE",
        look=_("Give the label to one worker."),
        note=_("The second command shows the labels of a node."),
    ),
)
def test_label(swarm: Swarm, parameters: Parameters) -> None:
    """At least one node has the label {label}={value}, and at least one does not."""
    bear = _labelled(swarm, parameters)
    labels = "; ".join(f"{node.name}: {dict(node.labels) or 'no label'}" for node in swarm.nodes)
    assert bear, f"no node has the label {parameters.label}={parameters.value}: {labels}"
    assert len(bear) < len(swarm.nodes), f"every node has the label: {labels}"


@check(
    points=2,
    needs=("placement.label",),
    topics=("tasks",),
    hint=_mended("labelled"),
)
def test_on_labelled(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {labelled_name} has the constraint {labelled.constraint}. All of its tasks run and stay up on nodes
    with that label."""
    service = found(swarm, parameters.labelled_name)
    constraint = parameters.labelled.constraint
    assert constraint in _constraints(service), f"its constraints: {', '.join(service.constraints) or 'none'}"
    _all_run(exam, service, parameters.labelled)
    elsewhere = {
        name: many for name, many in hosts(swarm, service).items() if many and name not in _labelled(swarm, parameters)
    }
    assert not elsewhere, f"tasks on nodes without the label: {listed(elsewhere)}"


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    topics=("tasks", "node"),
    hint=(
        create("spread"),
        on_manager("docker service ps {spread_name}", look=_("See how many tasks run on each node.")),
        on_manager(
            "docker service update --force {spread_name}",
            note=_("This spreads its tasks over the nodes again."),
        ),
    ),
)
def test_spread(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The replicas of {spread_name} run and stay up, spread evenly over all nodes: they differ by at most one. No
    constraint excludes a node."""
    service = found(swarm, parameters.spread_name)
    open_to_all(swarm, service)
    _all_run(exam, service, parameters.spread)
    counts = hosts(swarm, service)
    assert max(counts.values()) - min(counts.values()) <= 1, f"its tasks: {listed(counts)}"


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint=(
        create("too_big"),
        on_manager(
            "docker service update --reserve-memory {reserve} {too_big_name}",
            look=_("If it exists, let it reserve more than any node has."),
        ),
    ),
)
def test_pending(swarm: Swarm, parameters: Parameters) -> None:
    """The service {too_big_name} reserves more memory than any node has. Its task is pending, on no node."""
    service = found(swarm, parameters.too_big_name)
    memory, processors = service.reserved
    assert memory or processors, "it reserves nothing"
    pending = [task for task in service.tasks if task.state == "pending" and not task.node_id]
    assert pending, (
        f"it reserves {memory / in_bytes('1GB'):.1f} GB and {processors:g} CPUs; tasks: {told(service.tasks)}"
    )


@check(
    points=1,
    needs=("placement.pending",),
    hint=on_manager(
        "docker service ps --no-trunc {too_big_name}",
        look=_("No other reason, such as a constraint, may come before it."),
    ),
)
def test_says_why(swarm: Swarm, parameters: Parameters) -> None:
    """The task's error gives the reason: no node has enough resources."""
    errors = [task.error for task in found(swarm, parameters.too_big_name).tasks if task.stuck]
    assert any("insufficient resources" in error for error in errors), f"its error: {'; '.join(errors) or 'none'}"


def _constraints(service: Service) -> set[str]:
    return {"".join(constraint.split()) for constraint in service.constraints}


def _labelled(swarm: Swarm, parameters: Parameters) -> set[str]:
    return {node.name for node in swarm.nodes if node.labels.get(parameters.label) == parameters.value}


def _all_run(exam: Exam, service: Service, spec: ServiceSpec) -> None:
    assert service.mode == "replicated", f"{service.name} is {service.mode}"
    least = spec.replicas or 1
    assert (service.replicas or 0) >= least, f"{service.name} has {service.replicas} replicas, not {least}"
    runs(exam, service, service.replicas)
