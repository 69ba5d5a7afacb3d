"""The exercise on load balancing: a replicated service on the workers, reached through every node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labgen.core.i18n import Messages
from labgen.docker.http_check import Requests
from labgen.docker.swarm import Service, Swarm
from labgen.exercise.hint import on, on_manager, on_node
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, repeat, see_tasks
from verify.listeners import listening, listens
from verify.services import kept_off_managers, made_from, published, runs, service_of

from . import exercise as loadbalance

if TYPE_CHECKING:
    from verify.testinfra_host import NodeHost

_ = Messages.beside(__file__)

SERVICE = loadbalance.SERVICE
PUBLISHED, TARGET = SERVICE.publish[0].published, SERVICE.publish[0].target

service = service_of(SERVICE.name)


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint=create(SERVICE),
)
def test_service_exists(swarm: Swarm) -> None:
    """There is a service web-alb, made from nginx, and it runs nginx."""
    made_from(swarm, SERVICE)


@check(
    points=1,
    values={"replicas": SERVICE.replicas},
    needs=("loadbalance.service_exists",),
    hint=(
        on_manager(f"docker service scale {SERVICE.name}={SERVICE.replicas}"),
        repeat(
            SERVICE.name,
            SERVICE.create,
            why=_("If it is a global service, it has to be created again: the mode of a service cannot be changed."),
        ),
    ),
)
def test_replicated(service: Service) -> None:
    """The service is replicated, with %(replicas)s replicas."""
    assert (service.mode, service.replicas) == ("replicated", SERVICE.replicas), f"it is {service.mode}" + (
        f" with {service.replicas} replicas" if service.replicas is not None else ""
    )


@check(
    points=2,
    values={"replicas": SERVICE.replicas},
    needs=("loadbalance.service_exists",),
    whole_lab=True,
    topics=("tasks",),
    hint=(see_tasks(SERVICE.name), on_manager(f"docker service scale {SERVICE.name}={SERVICE.replicas}")),
)
def test_running(service: Service, exam: Exam) -> None:
    """%(replicas)s tasks of the service run and stay up."""
    runs(exam, service, SERVICE.replicas)


@check(
    points=1,
    needs=("loadbalance.service_exists",),
    hint=on_manager(f"docker service update --constraint-add {SERVICE.constraints[0]} {SERVICE.name}"),
)
def test_constraint(service: Service) -> None:
    """The service is constrained to workers."""
    kept_off_managers(service)


@check(
    points=1,
    needs=("loadbalance.running",),
    topics=("tasks",),
    hint=on_manager(
        f"docker service ps {SERVICE.name}",
        look=_("When a constraint is added, Swarm moves the tasks that break it."),
    ),
)
def test_on_workers(service: Service, swarm: Swarm) -> None:
    """Every task of the service runs on a worker."""
    roles = {node.id: (node.name, node.role) for node in swarm.nodes}
    elsewhere = [
        name for name, role in (roles.get(task.node_id, ("?", "?")) for task in service.running) if role != "worker"
    ]
    assert not elsewhere, f"tasks run on {', '.join(elsewhere)}"


@check(
    points=1,
    values={"target": TARGET, "published": PUBLISHED},
    needs=("loadbalance.service_exists",),
    topics=("requests",),
    hint=on_manager(f"docker service update --publish-add {PUBLISHED}:{TARGET} {SERVICE.name}"),
)
def test_published(service: Service) -> None:
    """The service publishes port %(published)s for its port %(target)s, through the routing mesh."""
    published(service, SERVICE.publish[0])


@check(
    points=1,
    needs=("cluster.swarm_active", "loadbalance.published", "loadbalance.running"),
    requires=SERVICE.asking_needs,
    topics=("requests",),
    hint=on_node(f"sudo netstat -nlp | grep {PUBLISHED}", "sudo journalctl -u docker --no-pager --lines 50"),
)
def test_port_open(node: Node, host: NodeHost) -> None:
    """The published port is open on the node, whether a task runs there or not."""
    assert listens(host, "tcp", PUBLISHED, str(node.address)), listening(host, PUBLISHED)


_PAGES = (
    on(
        _("each worker"),
        "docker ps",
        f"docker cp index.html CONTAINER:{loadbalance.PAGE_PATH}",
        look=_("A new container does not have the page of the one before it: copy it again."),
    ),
    on_manager(f"curl {{address}}:{PUBLISHED}"),
)


@check(
    points=2,
    needs=("loadbalance.port_open",),
    requires=SERVICE.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=_PAGES,
)
def test_pages(node: Node, exam: Exam, lab: Lab) -> None:
    """The manager, asking at the node's address with new connections, gets every worker's own page."""
    answers = exam.pages.through(node, PUBLISHED)
    assert _every_page(answers, lab), str(answers)


@check(
    points=1,
    nodes="others",
    needs=("loadbalance.port_open",),
    requires=SERVICE.asking_needs,
    whole_lab=True,
    topics=("requests",),
    hint=_PAGES,
)
def test_pages_from_itself(node: Node, exam: Exam, lab: Lab) -> None:
    """The node, asking at its own address with new connections, gets every worker's own page."""
    answers = exam.pages.itself(node, PUBLISHED)
    assert _every_page(answers, lab), str(answers)


def _every_page(answers: Requests, lab: Lab) -> bool:
    pages = {loadbalance.page(number) for number in range(1, len(lab.workers) + 1)}
    # Where there are fewer workers than replicas, two containers of one worker have the same page.
    expected = min(SERVICE.replicas or 0, len(lab.workers))
    return answers.answered and answers.bodies <= pages and len(answers.bodies) == expected
