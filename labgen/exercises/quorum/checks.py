"""The exercise on three managers: the leader was lost, then the majority, and both came back; the services ran on.

Nothing of that is to be seen in the swarm afterwards: when engines were stopped and who was elected, the nodes'
journals tell.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from labgen.core.i18n import Messages
from labgen.docker import journal
from labgen.docker.journal import Journal, Outage
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import on, on_manager
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat, see_tasks
from verify.services import hosts, listed, made_from, runs, service_of

from .exercise import Parameters

_ = Messages.beside(__file__)

service = service_of("service")

_LEADER = _("the manager that leads (docker node ls)")
_OTHER = _("another manager")
_APART = timedelta(seconds=2)
"""How far apart the nodes' clocks may be."""

Journals = dict[Node, Journal]


@pytest.fixture
def journals(service: Service, exam: Exam, lab: Lab) -> Journals:
    """Read what each manager's journal says of the time since the service was created."""
    assert service.created is not None
    return {node: journal.read(exam.on(node, journal.script(service.created))) for node in lab.managers}


@pytest.fixture
def lost(journals: Journals, swarm: Swarm) -> Outage | None:
    """Find the time in which fewer than half of the managers' engines ran."""
    managers = max(len(journals), sum(node.role == "manager" for node in swarm.nodes))
    return journal.together([history.outages for history in journals.values()], (managers + 1) // 2)


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    topics=("tasks",),
    hint=(create("service"), see_tasks("{name}")),
)
def test_service_runs(swarm: Swarm, lab: Lab, exam: Exam, parameters: Parameters) -> None:
    """There is a service {name}. It uses the image {service.repository}, runs {service.program}, and stays up on every
    worker."""
    service = made_from(swarm, parameters.service)
    counts = hosts(swarm, service)
    missing = [node.name for node in lab.workers if not counts.get(node.name)]
    assert not missing, f"its tasks: {listed(counts)}"
    runs(exam, service)


@check(
    points=2,
    needs=("quorum.service_runs",),
    whole_lab=True,
    hint=(
        on(
            _LEADER,
            "{stop}",
            look=_("After the service was created, stop the leader's engine."),
        ),
        on(_OTHER, "{list_nodes}", look=_("See who leads now.")),
    ),
)
def test_another_led(journals: Journals, parameters: Parameters) -> None:
    """While the engine of one manager was stopped, another manager became leader."""
    successions = [
        (gone, heir)
        for gone, history in journals.items()
        for heir, theirs in journals.items()
        if heir != gone and any(outage.during(at) for outage in history.outages for at in theirs.led)
    ]
    assert successions, _describe(journals, parameters)


@check(
    points=2,
    needs=("quorum.service_runs",),
    whole_lab=True,
    hint=(
        on(
            _("a second manager, while the first is stopped"),
            "{stop}",
            look=_("While the first manager is stopped, stop the engine of a second one, too."),
        ),
        on(_("the manager that is left"), "{list_nodes}"),
    ),
)
def test_majority_lost(journals: Journals, lost: Outage | None, parameters: Parameters) -> None:
    """The engines of most managers were stopped at the same time, so the swarm had no leader."""
    assert lost is not None, _describe(journals, parameters)


@check(
    points=2,
    needs=("quorum.majority_lost",),
    whole_lab=True,
    hint=repeat(
        "{name}",
        "{service.create}",
        why=_(
            "Stop the engines of managers only. Those of the workers must keep running. Start again with a new service."
        ),
    ),
)
def test_ran_on(service: Service, lost: Outage | None, swarm: Swarm) -> None:
    """The running tasks started before the majority was lost, and kept running without it."""
    assert lost is not None
    names = {node.id: node.name for node in swarm.nodes}
    later = [
        names.get(task.node_id, task.node_id)
        for task in service.running
        if task.since is None or task.since > lost.start + _APART
    ]
    assert not later, f"started since then: on {', '.join(later)}"


@check(
    points=2,
    needs=("quorum.majority_lost",),
    whole_lab=True,
    topics=("node",),
    hint=(
        on(_("each manager that is stopped"), "{start}", look=_("Start the engine of every manager that is stopped.")),
        on_manager("{list_nodes}"),
    ),
)
def test_recovered(swarm: Swarm, lab: Lab) -> None:
    """Every manager is Ready and reachable again, and one of them is the leader."""
    reachable = {node.name: node for node in swarm.nodes if node.role == "manager" and node.ready and node.reachable}
    missing = [node.name for node in lab.managers if node.name not in reachable]
    assert not missing, f"not Ready and reachable as managers: {', '.join(missing)}"
    assert any(node.leader for node in reachable.values()), "nobody leads"


def _describe(journals: Journals, parameters: Parameters) -> str:
    """Describe outages and elections, for people."""
    phrases = [
        f"{node.name}: stopped {len(history.outages)} times, became leader {len(history.led)} times"
        for node, history in journals.items()
    ]
    return f"since {parameters.name} was created: {'; '.join(phrases)}"
