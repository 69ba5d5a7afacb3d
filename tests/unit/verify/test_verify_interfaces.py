"""Network interfaces of a node, all read with one command."""

from __future__ import annotations

from functools import partial

import pytest
from fake_lab import FakeLab

from labgen.observation.commands import INTERFACES, CommandAnswer, CommandFailed
from tests.scripted_node import answered
from verify.testinfra_host import NodeHost, host_of, reason


def host(links: str, status: int = 0) -> NodeHost:
    """A node on which `ip` prints this."""
    return host_of(
        FakeLab().lab.first_manager, partial(answered, answers={INTERFACES: CommandAnswer(status, links, "no ip")})
    )


@pytest.fixture
def node() -> NodeHost:
    """A node as recorded, with a bridge that bears a copy of its adapter's MAC address."""
    return host(FakeLab().nodes["swarm-manager"]["links"])


def test_find_by_mac_address_or_address(node: NodeHost) -> None:
    adapter = node.interface.find("08:00:27:00:02:65")
    assert str(adapter) == "eth1 up, 10.0.2.101"
    assert str(node.interface.find("10.0.2.101")) == "eth1 up, 10.0.2.101"
    assert node.interface.find("08:00:27:ff:ff:ff") is None


def test_interface_answers_as_testinfras_does(node: NodeHost) -> None:
    assert node.interface("eth1").exists
    assert not node.interface("eth7").exists
    assert node.interface.names()[0] == "lo"
    assert node.interface("eth1", "inet").addresses == ["10.0.2.101"]
    assert node.interface("eth1").link["address"] == "08:00:27:00:02:65"


def test_str_of_an_interface_that_is_down_and_has_no_address() -> None:
    adapter = host('[{}, {"ifname": "eth1", "address": "02:00:00:00:00:01", "flags": [], "addr_info": []}]')
    assert str(adapter.interface.find("02:00:00:00:00:01")) == "eth1 down, no address"


@pytest.mark.parametrize("links", ["1: lo: <UP>", "[[]]", '[{"ifname": 1}]' * 2, "[" * 100_000, "", "7", '["x"]'])
def test_find_in_what_cannot_be_read_has_a_reason(links: str) -> None:
    node = host(links)
    if links == "[[]]":
        assert node.interface.find("10.0.2.101") is None
        return
    with pytest.raises(Exception) as info:  # noqa: PT011 - whatever reading raises
        node.interface.find("10.0.2.101")
    assert reason(info.value, node).startswith("swarm-manager: what `ip -json address` printed cannot be read")


def test_find_where_ip_fails_has_a_reason() -> None:
    with pytest.raises(CommandFailed, match=r"swarm-manager: `ip -json address` ended with status 127: no ip"):
        host("", 127).interface.find("10.0.2.101")


def test_addresses_of_a_missing_interface_say_that_there_is_none(node: NodeHost) -> None:
    with pytest.raises(CommandFailed, match=r"^swarm-manager: there is no interface eth7$"):
        _ = node.interface("eth7").addresses


@pytest.mark.parametrize(
    ("family", "addresses"),
    [("inet", ["10.0.2.101"]), ("inet6", ["fe80::1"]), (None, ["10.0.2.101", "fe80::1"])],
)
def test_addresses_are_of_the_family_that_was_asked_for(family: str | None, addresses: list[str]) -> None:
    entries = '{"family": "inet", "local": "10.0.2.101"}, {"family": "inet6", "local": "fe80::1"}'
    other = '{"family": "link", "local": "x"}'
    links = f'[{{"ifname": "eth1", "address": "02:00:00:00:00:01", "addr_info": [{entries}, {other}]}}]'
    assert host(links).interface("eth1", family).addresses == addresses
