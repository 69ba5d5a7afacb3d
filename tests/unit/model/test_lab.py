"""What a lab is."""

import re
from dataclasses import FrozenInstanceError, replace
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labgen.config import parse

LAB = parse("managers: 3\nworkers: 2")


def test_roles():
    assert [node.name for node in LAB.managers] == ["swarm-manager1", "swarm-manager2", "swarm-manager3"]
    assert [node.name for node in LAB.workers] == ["swarm-worker1", "swarm-worker2"]
    assert LAB.first_manager.name == "swarm-manager1"


def test_nodes_by_name():
    assert LAB.node("swarm-worker2") is LAB.nodes[4]
    with pytest.raises(KeyError):
        LAB.node("nobody")


def test_lab_it_is_frozen():
    with pytest.raises(FrozenInstanceError):
        LAB.name = "other"


def test_macs_are_fixed_and_different():
    assert LAB.nodes[0].mac == "08:00:27:00:02:65"
    wide = parse("network: 10.0.0.0/8\nworkers: 149")
    macs = {node.mac for node in wide.nodes}
    assert len(macs) == 150
    assert all(re.fullmatch(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", mac) for mac in macs)


@given(st.integers(0, 2**24 - 1), st.integers(0, 2**24 - 1))
def test_lab_two_addresses_of_a_lab_network_have_two_macs(one, other):
    node = LAB.nodes[0]
    macs = {replace(node, address=IPv4Address(10 * 2**24 + number)).mac for number in (one, other)}
    assert len(macs) == len({one, other})


@pytest.mark.parametrize(
    ("name", "slug"),
    [("labgen", "labgen"), ("lab-2", "lab-2"), ("Lab 2", r"lab-2-[0-9a-f]{6}"), ("스웜", r"lab-[0-9a-f]{6}")],
)
def test_slugs(name, slug):
    assert re.fullmatch(slug, replace(LAB, name=name).slug)


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
def test_slugs_are_plain_and_of_one_name_only(one, other):
    slugs = [replace(LAB, name=name).slug for name in (one, other)]
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs)
    assert (slugs[0] == slugs[1]) is (one == other)
