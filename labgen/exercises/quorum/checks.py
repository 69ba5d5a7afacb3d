"""The exercise on three managers: the leader was lost, then the majority, and both came back; the services ran on.

Nothing of that is to be seen in the swarm afterwards: when engines were stopped and who was elected, the nodes'
journals tell.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from labgen.core.words import Words
from labgen.docker import journal
from labgen.docker.journal import Journal, Outage
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import on, on_manager
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat, see_tasks
from verify.services import hosts, listed, made_from, runs, service_of

from . import exercise as quorum

SERVICE = quorum.SERVICE
service = service_of(SERVICE.name)

_LEADER = Words("the manager that leads (docker node ls)", "리더인 매니저(docker node ls)")
_OTHER = Words("another manager", "다른 매니저")
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
    ko="nginx로 만들어 nginx를 실행하는 quorum-web 서비스가 있고, 모든 워커에서 실행 중이며 멈추지 않는다.",
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    topics=("tasks",),
    hint=(create(SERVICE), see_tasks(SERVICE.name)),
)
def test_service_runs(swarm: Swarm, lab: Lab, exam: Exam) -> None:
    """There is a service quorum-web, made from nginx and running it, and it runs and stays up on every worker."""
    service = made_from(swarm, SERVICE)
    counts = hosts(swarm, service)
    missing = [node.name for node in lab.workers if not counts.get(node.name)]
    assert not missing, f"its tasks: {listed(counts)}"
    runs(exam, service)


@check(
    points=2,
    ko="어느 매니저의 엔진이 멈춘 동안 다른 매니저가 리더로 뽑혔다.",
    needs=("quorum.service_runs",),
    whole_lab=True,
    hint=(
        on(
            _LEADER,
            quorum.STOP,
            look=Words(
                "After the service was created, stop the leader's engine.", "서비스를 만든 뒤 리더의 엔진을 멈추세요."
            ),
        ),
        on(_OTHER, quorum.LIST, look=Words("See who leads now.", "누가 리더가 되었는지 확인하세요.")),
    ),
)
def test_another_led(journals: Journals) -> None:
    """While the engine of one manager was stopped, another became leader."""
    successions = [
        (gone, heir)
        for gone, history in journals.items()
        for heir, theirs in journals.items()
        if heir != gone and any(outage.during(at) for outage in history.outages for at in theirs.led)
    ]
    assert successions, _describe(journals)


@check(
    points=2,
    ko="매니저의 과반수가 동시에 멈춰 있었다. 스웜에 리더가 없었다.",
    needs=("quorum.service_runs",),
    whole_lab=True,
    hint=(
        on(
            Words("a second manager, while the first is stopped", "첫 매니저가 멈춰 있는 동안 두 번째 매니저"),
            quorum.STOP,
            look=Words("Stop its engine, too.", "이 매니저의 엔진도 멈추세요."),
        ),
        on(Words("the manager that is left", "남은 매니저"), quorum.LIST),
    ),
)
def test_majority_lost(journals: Journals, lost: Outage | None) -> None:
    """The engines of a majority of the managers were stopped at the same time: nobody led."""
    assert lost is not None, _describe(journals)


@check(
    points=2,
    ko="리더가 없는 동안에도 서비스의 태스크는 계속 실행되었다.",
    needs=("quorum.majority_lost",),
    whole_lab=True,
    hint=repeat(
        SERVICE.name,
        SERVICE.create,
        why=Words(
            "Stop the engines of managers only: those of the workers must run on. Start the exercise again from a new "
            "service.",
            "매니저의 엔진만 멈추고 워커의 엔진은 그대로 두세요. 새 서비스로 실습을 다시 시작합니다.",
        ),
    ),
)
def test_ran_on(service: Service, lost: Outage | None, swarm: Swarm) -> None:
    """The tasks that run now ran before the majority was lost: they have run on without it."""
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
    ko="매니저가 모두 돌아왔다. 전부 Ready이고 서로 연결되며, 그중 하나가 리더다.",
    needs=("quorum.majority_lost",),
    whole_lab=True,
    topics=("node",),
    hint=(
        on(Words("each manager that is stopped", "멈춰 있는 매니저"), quorum.START),
        on_manager(quorum.LIST),
    ),
)
def test_recovered(swarm: Swarm, lab: Lab) -> None:
    """Every manager is back: Ready and reachable, and one of them leads."""
    reachable = {node.name: node for node in swarm.nodes if node.role == "manager" and node.ready and node.reachable}
    missing = [node.name for node in lab.managers if node.name not in reachable]
    assert not missing, f"not Ready and reachable as managers: {', '.join(missing)}"
    assert any(node.leader for node in reachable.values()), "nobody leads"


def _describe(journals: Journals) -> str:
    """Describe outages and elections, for people."""
    phrases = [
        f"{node.name}: stopped {len(history.outages)} times, became leader {len(history.led)} times"
        for node, history in journals.items()
    ]
    return f"since {SERVICE.name} was made, {'; '.join(phrases)}"
