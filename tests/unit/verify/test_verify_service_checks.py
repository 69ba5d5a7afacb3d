"""Checks of a service and of a node's ports, called as they are: each thing that they compare, and what differs."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.docker.dns import Answers
from labgen.docker.swarm import Network, PublishedPort, Service, Swarm, SwarmNode
from labgen.exercises.cleanup import checks as test_cleanup
from labgen.exercises.cluster import checks as test_cluster
from labgen.exercises.discovery import checks as test_discovery
from labgen.exercises.health import checks as test_health
from labgen.exercises.recovery import checks as test_recovery
from labgen.exercises.scaling import checks as test_scaling
from labgen.exercises.secrets import checks as test_secrets
from labgen.exercises.service import checks as test_service
from labgen.exercises.stack import checks as test_stack
from labgen.exercises.update import checks as test_update
from tests.past import service, task
from verify.services import changed_image

UNASKED: Any = None
"""Stands for what a check must not ask."""

SCALING = test_scaling.Parameters()
WEB = replace(
    service(),
    name=SCALING.name,
    image=SCALING.image,
    constraints=("node.role == worker",),
    ports=(PublishedPort(SCALING.port, SCALING.target, "tcp", "ingress"),),
)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"constraints": ("node.role!=manager", "node.hostname!=gone")}, ""),
        ({"image": "httpd"}, "web-alb uses the image httpd"),
        ({"args": ("sleep", "9")}, "but its containers run `sleep 9`"),
        ({"constraints": ()}, "its constraints: none"),
        ({"constraints": ("node.role==manager",)}, "its constraints: node.role==manager"),
        ({"ports": ()}, "web-alb publishes "),
        ({"ports": (PublishedPort(9, SCALING.target, "tcp", "ingress"),)}, "web-alb publishes "),
    ],
)
def test_same_service_compares_image_program_constraint_and_port(changed: Mapping[str, Any], why: str) -> None:
    web = replace(WEB, **changed)
    swarm = Swarm((), (), {web.name: web})
    if not why:
        test_scaling.test_same_service(web, swarm, SCALING)
        return
    with pytest.raises(AssertionError, match=why):
        test_scaling.test_same_service(web, swarm, SCALING)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"replicas": 0}, "it has 0 replicas"),
        ({"mode": "global", "replicas": None}, "it is global"),
        ({"mode": "global", "replicas": 1}, "it is global"),
    ],
)
def test_service_running_wants_a_task_of_a_replicated_service(changed: Mapping[str, Any], why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        test_service.test_running(replace(service(), **changed), UNASKED)


def exam_of(image_ids: Mapping[str, str]) -> Any:
    return SimpleNamespace(stored=SimpleNamespace(image_ids=lambda _tasks: image_ids))


def renamed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Service:
    """A service whose first replica was updated, or is being updated."""
    return service(replace(task(1, 0, "shutdown", 9), id="old", **old), replace(task(1, 9), id="new", **new))


@pytest.mark.parametrize("old", [{"state": "running", "desired": "running"}, {}])
def test_changed_image_compares_tasks_that_run_with_those_that_do_not(old: Mapping[str, str]) -> None:
    both = renamed({"image": "redis:6.0@sha256:1", **old}, {"image": "redis:6.2@sha256:1"})
    if old:
        changed_image(exam_of({"old": "1", "new": "1"}), both)
        return
    with pytest.raises(AssertionError, match=r"redis:6\.2 and redis:6\.0 are one image with two names"):
        changed_image(exam_of({}), both)
    with pytest.raises(AssertionError, match="are one image with two names"):
        changed_image(exam_of({"old": "1", "new": "1"}), renamed({"image": "redis:6.0"}, {"image": "redis:6.2"}))


def test_changed_image_takes_the_same_name_for_no_change() -> None:
    changed_image(exam_of({"old": "1", "new": "1"}), renamed({"image": "redis:6.2"}, {"image": "redis:6.2"}))


def host_with(*sockets: str) -> Any:
    return SimpleNamespace(socket=SimpleNamespace(get_listening_sockets=lambda: list(sockets)))


NODE: Any = SimpleNamespace(name="m", address="10.0.2.101")
AT_NODE, ELSEWHERE = "tcp://10.0.2.101", "tcp://127.0.0.1"


@pytest.mark.parametrize(
    ("sockets", "holds"),
    [
        ((f"{AT_NODE}:2377",), True),
        (("tcp://0.0.0.0:2377",), True),
        ((f"{ELSEWHERE}:2377",), False),
        ((f"{AT_NODE}:7946",), False),
        (("udp://10.0.2.101:2377",), False),
        ((), False),
    ],
)
def test_management_port_is_open_at_the_address_of_the_node(sockets: tuple[str, ...], holds: bool) -> None:
    if holds:
        test_cluster.test_management_port(NODE, host_with(*sockets))
        return
    with pytest.raises(AssertionError, match="on port 2377 there is "):
        test_cluster.test_management_port(NODE, host_with(*sockets))


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_gossip_port_is_open_for_both_protocols(protocol: str) -> None:
    test_cluster.test_gossip_port(NODE, host_with(f"{protocol}://10.0.2.101:7946"), protocol)
    for absent in (f"{protocol}://127.0.0.1:7946", f"{'udp' if protocol == 'tcp' else 'tcp'}://10.0.2.101:7946"):
        with pytest.raises(AssertionError, match="on port 7946 there is "):
            test_cluster.test_gossip_port(NODE, host_with(absent), protocol)


@pytest.mark.parametrize(
    "check",
    [
        lambda lost, exam: test_update.test_server_version(lost, exam, test_update.Parameters()),
        lambda lost, exam: test_stack.test_connected(lost, exam, test_stack.Parameters()),
        test_secrets._containers,
    ],
    ids=["update.server_version", "stack.connected", "secrets"],
)
def test_checks_that_ask_in_containers_name_the_node_that_is_not_of_the_lab(
    check: Callable[[Service, Any], Any],
) -> None:
    exam: Any = SimpleNamespace(host=lambda _task: None)
    with pytest.raises(AssertionError, match="on a node that is not part of the lab: elsewhere"):
        check(service(replace(task(1, 0), node_id="elsewhere")), exam)


@pytest.mark.parametrize(("after", "holds"), [(2, True), (3, False), (1, False)])
def test_recovers_is_to_as_many_as_before(after: int, holds: bool) -> None:
    death = test_recovery.Death(1.0, 2, after, UNASKED)
    if holds:
        test_recovery.test_recovers(death)
        return
    with pytest.raises(AssertionError, match=f"{after} run, not 2 as before"):
        test_recovery.test_recovers(death)


@pytest.mark.parametrize(("answered", "holds"), [(True, True), (False, False)])
def test_page_is_answered_through_the_node(answered: bool, holds: bool) -> None:
    answer = SimpleNamespace(answered=answered)
    exam: Any = SimpleNamespace(pages=SimpleNamespace(through=lambda _node, _port: answer))
    if holds:
        test_stack.test_page(NODE, exam, test_stack.Parameters())
        return
    with pytest.raises(AssertionError):
        test_stack.test_page(NODE, exam, test_stack.Parameters())


def manager(**more: Any) -> SwarmNode:
    return replace(SwarmNode("m", "m", "manager", "active", "ready", True, "10.0.2.101", "27.3.1"), **more)


def test_swarm_begun_has_a_leader() -> None:
    test_cluster.test_swarm_begun(Swarm((manager(leader=False), manager(leader=True)), (), {}))
    for nodes in ((manager(leader=False),), ()):
        with pytest.raises(AssertionError, match="the swarm has no leader"):
            test_cluster.test_swarm_begun(Swarm(nodes, (), {}))


def test_something_was_there_needs_the_date_at_which_the_swarm_began() -> None:
    with pytest.raises(AssertionError, match="do not say when their nodes joined"):
        test_cleanup.test_something_was_there(Swarm((manager(),), (), {}), UNASKED, UNASKED)


DISCOVERY = test_discovery.Parameters()
FIRST, SECOND = frozenset({IPv4Address("10.20.3.2")}), frozenset({IPv4Address("10.20.3.9")})
NAMES = {
    DISCOVERY.virtual_name: (FIRST, test_discovery.test_name_is_virtual_ip),
    DISCOVERY.tasks_name: (SECOND, test_discovery.test_tasks_name),
    DISCOVERY.round_robin_name: (SECOND, test_discovery.test_round_robin_name),
}


def discovered(
    answers: Mapping[str, frozenset[IPv4Address]], known: frozenset[IPv4Address] = SECOND
) -> test_discovery.Discovered:
    of_both = dict.fromkeys((DISCOVERY.virtual_name, DISCOVERY.round_robin_name), known)
    virtual = {DISCOVERY.virtual_name: known and FIRST}
    return test_discovery.Discovered(Answers(answers, frozenset()), of_both, virtual)


@pytest.mark.parametrize("name", NAMES)
def test_name_is_what_the_swarm_knows_of_it(name: str) -> None:
    addresses, check = NAMES[name]
    others = dict.fromkeys(NAMES, FIRST | SECOND)
    check(discovered({**others, name: addresses}), DISCOVERY)
    with pytest.raises(AssertionError, match=f"^{name} is "):
        check(discovered({**others, name: FIRST | SECOND}), DISCOVERY)
    with pytest.raises(AssertionError, match=f"the swarm knows no address for {name}"):
        check(discovered({**others, name: frozenset()}, frozenset()), DISCOVERY)


def test_virtual_has_a_virtual_address() -> None:
    spec = DISCOVERY.virtual
    network = Network("n", DISCOVERY.network, "overlay", "swarm", False, ())
    tasks = [task(slot, 0) for slot in range(1, DISCOVERY.replicas + 1)]
    web = replace(service(*tasks), name=spec.name, image=spec.image, networks=("n",), virtual_ips=tuple(FIRST))
    exam: Any = SimpleNamespace(
        staying=SimpleNamespace(restarts=lambda _service: None, latest=lambda service: service),
        stored=SimpleNamespace(absent=lambda _service: []),
    )

    def judge(judged: Service) -> None:
        test_discovery.test_virtual(Swarm((), (network,), {spec.name: judged}), exam, DISCOVERY)

    judge(web)
    for changed, why in (
        (replace(web, virtual_ips=()), "it has no virtual IP"),
        (replace(web, networks=("another",)), "is not on the network"),
        (replace(web, endpoint_mode="dnsrr"), "the endpoint mode of"),
        (replace(web, tasks=tuple(tasks[1:])), "tasks of"),
    ):
        with pytest.raises(AssertionError, match=why):
            judge(changed)


def event(action: str, **attributes: str) -> str:
    return json.dumps({"Action": action, "Actor": {"ID": "s", "Attributes": attributes}})


MANY, FEW = SCALING.many, SCALING.few


def scaled_event(old: int, new: int) -> str:
    return event("update", **{"replicas.old": str(old), "replicas.new": str(new)})


@pytest.mark.parametrize(
    ("events", "changed", "holds"),
    [
        ([event("create"), scaled_event(FEW, MANY), scaled_event(MANY, FEW)], {}, True),
        ([event("create"), scaled_event(FEW, MANY + 1)], {}, True),
        ([event("create"), scaled_event(MANY - 2, MANY - 1)], {}, False),
        # It was created with as many.
        ([event("create"), scaled_event(MANY, FEW)], {}, False),
        ([event("create"), scaled_event(MANY + 1, MANY)], {}, False),
        # The engine has forgotten how it was made: it came down from there.
        ([scaled_event(MANY, FEW)], {}, True),
        ([scaled_event(MANY + 1, MANY)], {}, False),
        ([scaled_event(MANY - 1, FEW - 1)], {}, False),
        ([], {}, False),
        ([], {"replicas": FEW, "replicas_before": MANY}, True),
        ([], {"replicas": MANY, "replicas_before": FEW}, True),
        ([event("create")], {"replicas": FEW, "replicas_before": MANY}, False),
        ([], {"replicas": MANY, "replicas_before": MANY}, False),
    ],
)
def test_scaled_up_is_seen_in_events_and_in_the_last_change(
    events: list[str], changed: Mapping[str, Any], holds: bool
) -> None:
    web = replace(WEB, **changed)
    exam: Any = SimpleNamespace(manager=NODE, ask_node=lambda _node, _question: "\n".join(events))
    if holds:
        test_scaling.test_scaled_up(Swarm((), (), {web.name: web}), exam, SCALING)
        return
    with pytest.raises(AssertionError, match="changes of that number: "):
        test_scaling.test_scaled_up(Swarm((), (), {web.name: web}), exam, SCALING)


COMMAND = shlex.split(test_service.Parameters().service.command)


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({"args": tuple(COMMAND)}, True),
        ({"entrypoint": tuple(COMMAND[:2]), "args": tuple(COMMAND[2:])}, True),
        ({"args": (COMMAND[0], "-c", f" {COMMAND[2]} ; ")}, True),
        ({"args": ("python", *COMMAND[1:])}, False),
        ({"args": (COMMAND[0], "-x", COMMAND[2])}, False),
        ({"args": (*COMMAND[:2], "ping docker.com")}, False),
        ({"args": (*COMMAND, "more")}, False),
        ({"args": tuple(COMMAND[:2])}, False),
        ({}, False),
    ],
)
def test_command_is_the_loop_in_a_shell(changed: Mapping[str, Any], holds: bool) -> None:
    loop = replace(service(), **changed)
    if holds:
        test_service.test_command(loop, test_service.Parameters())
        return
    with pytest.raises(AssertionError, match="its command is "):
        test_service.test_command(loop, test_service.Parameters())


HEALTH = test_health.Parameters()


@pytest.mark.parametrize(
    ("old", "image", "state", "why"),
    [
        (HEALTH.service.image, HEALTH.new, "completed", ""),
        (HEALTH.service.image, HEALTH.new, "paused", "the update's state: paused"),
        (HEALTH.service.image, HEALTH.service.image, "completed", "images in use: "),
        (HEALTH.new, HEALTH.new, "completed", "no earlier task of another image in replica 1"),
    ],
)
def test_updated_is_completed_and_came_after_another_image(old: str, image: str, state: str, why: str) -> None:
    updated = replace(renamed({"image": old}, {"image": image}), update_state=state)
    if not why:
        test_health.test_updated(updated, exam_of({}), HEALTH)
        return
    with pytest.raises(AssertionError, match=why):
        test_health.test_updated(updated, exam_of({}), HEALTH)


def test_updated_is_every_running_task_with_the_new_image() -> None:
    updated = renamed({"image": HEALTH.service.image}, {"image": HEALTH.new})
    another = replace(task(2, 0), image=HEALTH.service.image)
    with pytest.raises(AssertionError, match="images in use: "):
        test_health.test_updated(
            replace(updated, tasks=(*updated.tasks, another), update_state="completed"), exam_of({}), HEALTH
        )


def test_tried_of_health_needs_the_service() -> None:
    exam: Any = SimpleNamespace(service=lambda _name: None)
    with pytest.raises(AssertionError, match=f"there is no service {HEALTH.web_name}"):
        inspect.unwrap(test_health.tried)(exam, {}, HEALTH)
