"""The address plan: five subnets that never overlap."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labgen.config import address_plan
from labgen.model.lab import AddressPlan


def network(text):
    return IPv4Network(text)


def plan(lab="10.0.2.0/24", **chosen):
    result = address_plan.plan(network(lab), {key: network(subnet) for key, subnet in chosen.items()})
    assert isinstance(result, AddressPlan), result
    return result


def problems(lab="10.0.2.0/24", mask=24, **chosen):
    mistakes = address_plan.plan(network(lab), {key: network(subnet) for key, subnet in chosen.items()}, mask)
    assert isinstance(mistakes, list), mistakes
    return mistakes


def test_address_plan_courses_plan():
    course_plan = plan()
    assert [f"{name} {subnet}" for name, subnet in course_plan.named_subnets()] == [
        "lab network 10.0.2.0/24",
        "adapter 1 192.168.221.0/24",
        "overlay pool 10.20.0.0/16",
        "docker0 172.17.0.0/16",
        "docker_gwbridge 172.18.0.0/16",
    ]
    assert str(course_plan.gateway) == "10.0.2.1"


PRIVATE = (network("10.0.0.0/8"), network("172.16.0.0/12"), network("192.168.0.0/16"))


@st.composite
def lab_networks(draw):
    """Any lab network of a size it may have, private or public."""
    mask = draw(st.integers(address_plan.WIDEST, address_plan.NARROWEST["network"]))
    top = draw(st.sampled_from([*PRIVATE, network("0.0.0.0/0")]))
    number = draw(st.integers(int(top[0]), int(top[-1])))
    return IPv4Network((number, mask), strict=False)


@settings(max_examples=200, deadline=None)
@given(lab_networks())
def test_address_plan_whatever_the_lab_network_nothing_overlaps(lab):
    outcome = address_plan.plan(lab, {})
    if any(lab.overlaps(wrong) for wrong, _ in address_plan.UNUSABLE):
        assert isinstance(outcome, list)
        return
    assert isinstance(outcome, AddressPlan)
    subnets = [subnet for _, subnet in outcome.named_subnets()]
    assert len(subnets) == 5
    assert not any(first.overlaps(second) for first, second in combinations(subnets, 2))
    assert outcome.gateway in outcome.lab


@settings(max_examples=150, deadline=None)
@given(lab_networks(), st.dictionaries(st.sampled_from(sorted(address_plan.CANDIDATES)), lab_networks()))
def test_address_plan_whatever_is_chosen_by_hand_it_stands_or_is_refused(lab, chosen):
    outcome = address_plan.plan(lab, chosen, 28)
    if isinstance(outcome, list):
        assert all(problem.place and problem.reason and problem.fix for problem in outcome)
        return
    assert all(getattr(outcome, key) == subnet for key, subnet in chosen.items())
    assert not any(first.overlaps(second) for (_, first), (_, second) in combinations(outcome.named_subnets(), 2))


def test_address_plan_overlap_is_told_once_and_to_the_later_of_the_two():
    (problem,) = problems(docker0="10.0.2.128/25")
    assert problem.place == "addresses.docker0"
    assert "overlaps the lab network (10.0.2.0/24)" in problem.reason
    places = [problem.place for problem in problems(adapter1="10.9.0.0/24", docker0="10.9.0.0/16")]
    assert places == ["addresses.docker0"]


@pytest.mark.parametrize(
    ("lab", "word"),
    [
        ("0.0.0.0/0", "too wide"),
        ("10.0.0.0/7", "too wide"),
        ("10.0.2.0/29", "too few"),
        ("10.0.2.0/32", "too few"),
        ("0.0.0.0/8", "this network"),
        ("127.0.0.0/16", "loopback"),
        ("169.254.0.0/24", "link-local"),
        ("224.0.0.0/24", "multicast"),
        ("240.0.0.0/8", "reserved"),
    ],
)
def test_networks_that_cannot_be(lab, word):
    assert any(word in problem.reason for problem in problems(lab))
    assert {problem.place for problem in problems(lab)} == {"network"}


def test_sizes_at_the_edge():
    plan("10.0.0.0/8")
    plan("10.0.2.0/28")
    plan(adapter1="10.9.0.0/27")
    assert problems(adapter1="10.9.0.0/28")[0].place == "addresses.adapter1"


def test_address_plan_pool_must_hold_an_overlay_network():
    plan(overlay_pool="10.9.0.0/24")
    (problem,) = problems(overlay_pool="10.9.0.0/25")
    assert "smaller than one overlay network (/24)" in problem.reason
    assert "/20 or wider" in problem.fix


def test_address_plan_where_nothing_is_left_it_says_what_to_set():
    (problem,) = problems("10.0.0.0/8", adapter1="172.16.0.0/12", docker_gwbridge="192.168.0.0/16")
    assert problem.place == "addresses.overlay_pool"
    assert "no subnet is left" in problem.reason


def test_candidates_do_not_overlap_each_other():
    candidates = [
        (key, network(candidate)) for key, several in address_plan.CANDIDATES.items() for candidate in several
    ]
    for (key, first), (other_key, second) in combinations(candidates, 2):
        assert key == other_key or not first.overlaps(second)
