"""The fixture of the exercise on names: what a container on the network is asked, and which answers are taken."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from types import SimpleNamespace
from typing import Any

import pytest

from labgen.core.polling import NotYet
from labgen.docker.dns import Answers
from labgen.docker.swarm import Network, Swarm
from labgen.exercises.discovery import checks as test_discovery
from labgen.model.capabilities import Capability, Lacks
from tests.past import service, task

PARAMETERS = test_discovery.Parameters()
ADDRESS = IPv4Address("10.20.3.7")
ALIAS = "check-1f2e"


class Lab:
    """As much of an exam as the fixture asks: its names are told from the given asking on."""

    manager = SimpleNamespace(name="m")
    swarm = Swarm(
        (),
        (Network("n", PARAMETERS.network, "overlay", "swarm", False, (IPv4Network("10.20.3.0/24"),)),),
        {name: service() for name in (PARAMETERS.virtual_name, PARAMETERS.round_robin_name)},
    )

    def __init__(self, mark: str, names: Callable[[int, str], bool]) -> None:
        self.mark = lambda _purpose: mark
        self.names = names
        self.askings = 0

    def ask_node(self, _node: object, _question: object, **_options: float) -> str:
        raise AssertionError("asked outside of dns.ask")

    def seconds(self, plain: float) -> float:
        return plain

    def wait(self, what: str, look: Callable[[], None], *, within: float) -> None:
        for _ in range(3):
            try:
                return look()
            except NotYet as error:
                missing = error
        raise AssertionError(f"{what}: {missing}, after {within} s")

    def ask(self, _run: object, _inside: str, names: list[str], _fetch: object, _within: float) -> Answers:
        self.askings += 1
        addresses: Mapping[str, frozenset[IPv4Address]] = {
            name: frozenset({ADDRESS} if self.names(self.askings, name) else ()) for name in names
        }
        return Answers(addresses, frozenset())


def discover(monkeypatch: pytest.MonkeyPatch, lab: Lab, lacks: Lacks | None = None) -> Any:
    monkeypatch.setattr("labgen.docker.dns.ask", lab.ask)
    return inspect.unwrap(test_discovery.discovered)(lab, lacks or {}, PARAMETERS)  # type: ignore[arg-type]


def test_discovered_is_the_first_answer_with_the_names_of_both_services(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = Lab("", lambda asking, name: asking >= 2 or name != PARAMETERS.round_robin_name)
    discovered = discover(monkeypatch, lab)
    assert lab.askings == 2
    assert discovered.answers.addresses[PARAMETERS.round_robin_name] == {ADDRESS}


def test_discovered_is_the_last_answer_if_a_name_stays_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    discovered = discover(monkeypatch, Lab("", lambda _asking, name: name == PARAMETERS.virtual_name))
    assert discovered.answers.addresses[PARAMETERS.virtual_name] == {ADDRESS}
    assert discovered.answers.addresses[PARAMETERS.round_robin_name] == frozenset()


def test_discovered_with_a_nonce_needs_the_alias_that_follows_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mark = ALIAS.removeprefix("check-")
    assert discover(monkeypatch, Lab(mark, lambda _asking, _name: True)).answers.addresses[ALIAS] == {ADDRESS}
    with pytest.raises(AssertionError, match=f"does not know itself by the name {ALIAS}"):
        discover(monkeypatch, Lab(mark, lambda _asking, name: name != ALIAS))


class OnTwoNetworks(Lab):
    """Services with addresses on the network of the exercise and on another."""

    def __init__(self) -> None:
        super().__init__("", lambda _asking, _name: True)
        there, elsewhere = (IPv4Address("10.20.3.2"), IPv4Address("10.20.3.9")), IPv4Address("10.99.0.4")
        running = replace(task(1, 0), addresses=(elsewhere, there[1]))
        ended = replace(task(2, 0, "shutdown"), addresses=(IPv4Address("10.20.3.8"),))
        web = replace(service(running, ended), virtual_ips=(elsewhere, there[0]))
        self.fetched: list[IPv4Address] = []
        # As of an overlay network that was created with two subnets.
        (network,) = self.swarm.networks
        network = replace(network, subnets=(*network.subnets, IPv4Network("10.20.4.0/24")))
        self.swarm = replace(self.swarm, networks=(network,), services={PARAMETERS.virtual_name: web})

    def ask(self, run: object, inside: str, names: list[str], fetch: Any, within: float) -> Answers:
        self.fetched = fetch
        return super().ask(run, inside, names, fetch, within)


def test_discovered_has_the_addresses_on_the_network_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = OnTwoNetworks()
    discovered = discover(monkeypatch, lab)
    assert discovered.own == {PARAMETERS.virtual_name: {IPv4Address("10.20.3.9")}}
    assert discovered.virtual == {PARAMETERS.virtual_name: {IPv4Address("10.20.3.2")}}
    assert lab.fetched == [IPv4Address("10.20.3.2"), IPv4Address("10.20.3.9")]


def test_discovered_fetches_from_no_virtual_address_without_the_routing_mesh(monkeypatch: pytest.MonkeyPatch) -> None:
    lab = OnTwoNetworks()
    discover(monkeypatch, lab, {Capability.ROUTING_MESH: "the kernel has no IPVS"})
    assert lab.fetched == [IPv4Address("10.20.3.9")]
