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

from . import exercise as placement

_ = Messages.beside(__file__)

OFF_MANAGERS, LABELLED = placement.OFF_MANAGERS, placement.LABELLED
SPREAD, TOO_BIG = placement.SPREAD, placement.TOO_BIG
LABEL, VALUE = placement.LABEL, placement.VALUE


def _mended(spec: ServiceSpec) -> Hints:
    return (
        create(spec),
        on_manager(
            f"docker service update --constraint-add {spec.constraints[0]} {spec.name}",
            f"docker service scale {spec.name}={spec.replicas}",
            look=_("If it exists, give it its constraint and its replicas."),
        ),
        see_tasks(spec.name),
    )


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    topics=("tasks",),
    hint=_mended(OFF_MANAGERS),
)
def test_off_managers(swarm: Swarm, exam: Exam) -> None:
    """The service off-manager has the constraint node.role!=manager, and all of its tasks run and stay up."""
    service = found(swarm, OFF_MANAGERS.name)
    kept_off_managers(service)
    _all_run(exam, service, OFF_MANAGERS)


@check(
    points=1,
    needs=("placement.off_managers",),
    hint=on_manager(f"docker service ps {OFF_MANAGERS.name}", "docker node ls"),
)
def test_none_on_managers(swarm: Swarm) -> None:
    """No task of off-manager runs on a manager."""
    service = found(swarm, OFF_MANAGERS.name)
    managers = {node.name for node in swarm.nodes if node.role == "manager"}
    counts = {name: many for name, many in hosts(swarm, service).items() if many and name in managers}
    assert not counts, f"tasks on managers: {listed(counts)}"


@check(
    points=1,
    values={"label": LABEL, "value": VALUE},
    needs=("cluster.swarm_begun",),
    hint=on_manager(
        f"docker node update --label-add {LABEL}={VALUE} NODE",
        "docker node inspect --format '{{.Spec.Labels}}' NODE",
        look=_("Give the label to one worker; the second command shows it."),
    ),
)
def test_label(swarm: Swarm) -> None:
    """One node at least bears the label %(label)s=%(value)s, and one at least does not: otherwise it would choose
    nothing."""
    bear = _labelled(swarm)
    labels = "; ".join(f"{node.name}: {dict(node.labels) or 'no label'}" for node in swarm.nodes)
    assert bear, f"no node bears {LABEL}={VALUE}: {labels}"
    assert len(bear) < len(swarm.nodes), f"every node bears it: {labels}"


@check(
    points=2,
    values={"label": LABEL, "value": VALUE},
    needs=("placement.label",),
    topics=("tasks",),
    hint=_mended(LABELLED),
)
def test_on_labelled(swarm: Swarm, exam: Exam) -> None:
    """The service on-ssd has the constraint node.labels.%(label)s==%(value)s, and all of its tasks run and stay up
    where that label is."""
    service = found(swarm, LABELLED.name)
    constraint = LABELLED.constraints[0]
    assert constraint in _constraints(service), f"its constraints: {', '.join(service.constraints) or 'none'}"
    _all_run(exam, service, LABELLED)
    elsewhere = {name: many for name, many in hosts(swarm, service).items() if many and name not in _labelled(swarm)}
    assert not elsewhere, f"tasks on nodes without the label: {listed(elsewhere)}"


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    topics=("tasks", "node"),
    hint=(
        create(SPREAD),
        on_manager(f"docker service ps {SPREAD.name}"),
        on_manager(
            f"docker service update --force {SPREAD.name}",
            look=_("This spreads its tasks over the nodes again."),
        ),
    ),
)
def test_spread(swarm: Swarm, exam: Exam) -> None:
    """The replicas of spread, which no constraint keeps off a node, run and stay up evenly over all nodes: one more or
    less at most."""
    service = found(swarm, SPREAD.name)
    open_to_all(swarm, service)
    _all_run(exam, service, SPREAD)
    counts = hosts(swarm, service)
    assert max(counts.values()) - min(counts.values()) <= 1, f"its tasks: {listed(counts)}"


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint=(
        create(TOO_BIG),
        on_manager(
            f"docker service update --reserve-memory {TOO_BIG.reserve} {TOO_BIG.name}",
            look=_("If it exists, let it reserve more than any node has."),
        ),
    ),
)
def test_pending(swarm: Swarm) -> None:
    """The service too-big reserves more than any node has, and its task is pending, on no node."""
    service = found(swarm, TOO_BIG.name)
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
        f"docker service ps --no-trunc {TOO_BIG.name}",
        look=_("No other reason, such as a constraint, may come before it."),
    ),
)
def test_says_why(swarm: Swarm) -> None:
    """The task's error says why: no node has enough resources."""
    errors = [task.error for task in found(swarm, TOO_BIG.name).tasks if task.stuck]
    assert any("insufficient resources" in error for error in errors), f"its error: {'; '.join(errors) or 'none'}"


def _constraints(service: Service) -> set[str]:
    return {"".join(constraint.split()) for constraint in service.constraints}


def _labelled(swarm: Swarm) -> set[str]:
    return {node.name for node in swarm.nodes if node.labels.get(LABEL) == VALUE}


def _all_run(exam: Exam, service: Service, spec: ServiceSpec) -> None:
    assert service.mode == "replicated", f"{service.name} is {service.mode}"
    least = spec.replicas or 1
    assert (service.replicas or 0) >= least, f"{service.name} has {service.replicas} replicas, not {least}"
    runs(exam, service, service.replicas)
