"""The exercise on service discovery: what names mean to a container on the network, asked from one."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest

from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker import dns
from labgen.docker.containers import throwaway
from labgen.docker.dns import Answers, join_addresses
from labgen.docker.swarm import Network, Service, Swarm
from labgen.exercise.hint import Hint, Hints, on, on_manager
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability, Lacks
from verify.checks import check
from verify.exam import Exam
from verify.hinting import create, see_tasks
from verify.services import made_from, runs

from .exercise import Parameters

_ = Messages.beside(__file__)


def _network(swarm: Swarm, parameters: Parameters) -> Network:
    network = next((network for network in swarm.networks if network.name == parameters.network), None)
    assert network is not None, f"there is no network {parameters.network}"
    return network


def _on_the_network(swarm: Swarm, exam: Exam, spec: ServiceSpec, parameters: Parameters) -> Service:
    service = made_from(swarm, spec)
    assert _network(swarm, parameters).id in service.networks, f"{spec.name} is not on the network {parameters.network}"
    assert service.endpoint_mode == spec.endpoint_mode, (
        f"the endpoint mode of {spec.name} is {service.endpoint_mode}, not {spec.endpoint_mode}"
    )
    assert len(service.running) >= parameters.replicas, f"{len(service.running)} tasks of {spec.name} run"
    runs(exam, service)
    return service


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    topics=("network",),
    hint=on_manager(
        "{create_network}",
        look=_("See which overlay networks the swarm has, and whether containers may attach to them."),
    ),
)
def test_network(swarm: Swarm, parameters: Parameters) -> None:
    """There is an overlay network {network}, and containers outside services can attach to it."""
    network = _network(swarm, parameters)
    assert (network.driver, network.scope) == ("overlay", "swarm"), f"its driver is {network.driver}"
    assert network.attachable, "it is not attachable"


def _mended(service: str) -> Hints:
    return (
        create(service),
        on_manager(
            f"docker service update --network-add {{network}} {{{service}.name}}",
            f"docker service update --endpoint-mode {{{service}.endpoint_mode}} {{{service}.name}}",
            f"docker service scale {{{service}.name}}={{{service}.replicas}}",
            look=_("If it exists, compare its network, endpoint mode and replicas with those of the exercise."),
            note=_("Use the command for what differs."),
        ),
    )


@check(
    points=1,
    needs=("discovery.network",),
    topics=(
        "tasks",
        "network",
    ),
    hint=_mended("virtual"),
)
def test_virtual(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {virtual_name} is on that network with a virtual IP. It uses the image {virtual.repository}, and
    {replicas} or more of its tasks run {virtual.program} and stay up."""
    service = _on_the_network(swarm, exam, parameters.virtual, parameters)
    assert service.virtual_ips, "it has no virtual IP"


@check(
    points=2,
    needs=("discovery.network",),
    topics=(
        "tasks",
        "network",
    ),
    hint=_mended("round_robin"),
)
def test_round_robin(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """The service {round_robin_name} is on that network with DNS round robin. It uses the image
    {round_robin.repository}, and {replicas} or more of its tasks run {round_robin.program} and stay up."""
    _on_the_network(swarm, exam, parameters.round_robin, parameters)


@dataclass(frozen=True)
class Discovered:
    """What a container on the network was answered.

    :param own: by the service's name, the addresses that the swarm itself knows of its running tasks; ``virtual`` of
        the service.
    """

    answers: Answers
    own: Mapping[str, frozenset[IPv4Address]]
    virtual: Mapping[str, frozenset[IPv4Address]]


@pytest.fixture(scope="module")
def discovered(exam: Exam, lacks: Lacks, parameters: Parameters) -> Discovered:
    """Look names up once for all checks, in a container on the manager and on the network, which is then removed."""
    swarm = exam.swarm
    subnets = [subnet for net in swarm.networks if net.name == parameters.network for subnet in net.subnets]

    def here(addresses: Iterable[IPv4Address]) -> frozenset[IPv4Address]:
        # A service may be on other networks as well, and have addresses there.
        return frozenset(address for address in addresses if any(address in subnet for subnet in subnets))

    services = {
        name: service
        for name in (parameters.virtual_name, parameters.round_robin_name)
        if (service := swarm.services.get(name))
    }
    own = {name: here(at for task in service.running for at in task.addresses) for name, service in services.items()}
    virtual = {name: here(service.virtual_ips) for name, service in services.items()}
    # Where nothing answers there, every request would be waited for.
    mesh = Capability.ROUTING_MESH not in lacks
    fetch = frozenset().union(*own.values(), *(virtual.values() if mesh else ()))
    # Its own name, which nobody can know beforehand who does not know the nonce.
    alias = f"check-{mark}" if (mark := exam.mark("discovery")) else ""
    container = dns.throwaway(parameters.network, alias)

    def ask(script: str) -> str:
        command = shlex.split(script.removeprefix(container))
        question = throwaway(script, dns.IMAGE, parameters.network, alias, command)
        return exam.ask_node(exam.manager, question, within=75.0)

    last: list[Answers] = []

    def look() -> None:
        last.append(
            dns.ask(
                ask,
                container,
                [parameters.virtual_name, parameters.tasks_name, parameters.round_robin_name, *filter(None, [alias])],
                sorted(fetch),
                exam.seconds(3),
            )
        )
        # A node hears of names by and by.
        if not all(last[-1].addresses[name] for name in services):
            raise NotYet("a name is not known yet")

    with suppress(AssertionError):  # Judged as it is.
        exam.wait("names to be known", look, within=10)
    assert not alias or last[-1].addresses[alias], f"the container does not know itself by the name {alias}"
    return Discovered(last[-1], own, virtual)


def _look_up(name: str) -> Hint:
    return on_manager(
        "{start_asker}",
        f"{{ask}} nslookup {name}",
        "{remove_asker}",
        look=_("Look up the name from a container of your own that is on the network."),
        note=_("The last command removes the container again."),
    )


@check(
    points=2,
    needs=("discovery.virtual",),
    whole_lab=True,
    topics=("network",),
    hint=_look_up("{virtual_name}"),
)
def test_name_is_virtual_ip(discovered: Discovered, parameters: Parameters) -> None:
    """Live test: a container that the check starts on this network looks up {virtual_name} and gets one address, the
    virtual IP."""
    _compare(discovered.answers, parameters.virtual_name, discovered.virtual[parameters.virtual_name])


@check(
    points=2,
    needs=("discovery.virtual",),
    whole_lab=True,
    topics=("network",),
    hint=_look_up("{tasks_name}"),
)
def test_tasks_name(discovered: Discovered, parameters: Parameters) -> None:
    """Live test: that container looks up tasks.{virtual_name} and gets the address of every running task."""
    _compare(discovered.answers, parameters.tasks_name, discovered.own[parameters.virtual_name])


@check(
    points=2,
    needs=("discovery.round_robin",),
    whole_lab=True,
    topics=("network",),
    hint=_look_up("{round_robin_name}"),
)
def test_round_robin_name(discovered: Discovered, parameters: Parameters) -> None:
    """Live test: that container looks up {round_robin_name} and gets the address of every running task."""
    _compare(discovered.answers, parameters.round_robin_name, discovered.own[parameters.round_robin_name])


@check(
    points=2,
    needs=("discovery.tasks_name", "discovery.round_robin_name"),
    whole_lab=True,
    topics=("network",),
    hint=on(
        _("each node"),
        "sudo ss -lnu",
        look=_("Port 4789/udp must be open between the nodes: the overlay network runs over it."),
    ),
)
def test_tasks_answer(discovered: Discovered) -> None:
    """Live test: every task of both services, on any node, answers that container at its own address."""
    every = frozenset().union(*discovered.own.values())
    silent = every - discovered.answers.answered
    assert not silent, f"no page from {join_addresses(silent)}"


@check(
    points=1,
    needs=("discovery.name_is_virtual_ip",),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("network",),
    hint=(see_tasks("{virtual_name}"), on_manager("sudo journalctl -u docker --no-pager --lines 50")),
)
def test_virtual_ip_answers(discovered: Discovered, parameters: Parameters) -> None:
    """Live test: the virtual IP answers that container, too."""
    silent = discovered.virtual[parameters.virtual_name] - discovered.answers.answered
    assert not silent, f"no page from {join_addresses(silent)}"


def _compare(answers: Answers, name: str, expected: frozenset[IPv4Address]) -> None:
    addresses = answers.addresses[name]
    assert expected, f"the swarm knows no address for {name}"
    assert addresses == expected, f"{name} is {join_addresses(addresses)}, not {join_addresses(expected)}"
