"""Whatever stands in lab.yml, it gives a lab or a LabFileError."""

from itertools import combinations

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from labgen.config import parse
from labgen.config.schema import LabFile
from labgen.core.errors import LabFileError
from labgen.model.lab import Lab

QUICK = settings(max_examples=60, deadline=None)

WORDS = st.sampled_from(
    [
        *LabFile.model_fields,
        *("role", "address", "guest", "host", "node", "source", "version", "url", "mirror", "docker0", "overlay_mask"),
        *("manager", "virtualbox", "10.0.2.0/24", "10.0.2.101", "0.0.0.0/0", "10.0.2.0/32", "a", "swarm-worker1"),
        *("auto", "docker", "1e9", "~", "yes", "#{x}"),
    ]
)
SCALARS = st.one_of(WORDS, st.none(), st.booleans(), st.integers(-5, 300), st.floats(), st.text(max_size=8), st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SCALARS, inner, max_size=4),
    max_leaves=12,
)
SYMBOLS = st.sampled_from(
    [*"&*!|>%@`{}[],:?-#'\"\t\n ", "&a ", "*a", "<<: ", "!!int ", "!!binary ", "---\n", "x: ", "\n  "]
)


def parsed(text):
    try:
        return parse(text)
    except LabFileError as wrong:
        return wrong


def check(text):
    """A lab whose subnets do not overlap, or mistakes with place, reason and fix."""
    outcome = parsed(text)
    if isinstance(outcome, LabFileError):
        assert any(problem.fatal for problem in outcome.problems)
        for problem in outcome.problems:
            assert problem.place, problem
            assert problem.reason, problem
            assert problem.fix, problem
            assert len(problem.value) <= 60, problem
            assert "\n" not in str(problem), problem
    else:
        lab = outcome
        assert isinstance(lab, Lab)
        subnets = [subnet for _, subnet in lab.plan.named_subnets()]
        assert not any(first.overlaps(second) for first, second in combinations(subnets, 2))
        assert len({node.address for node in lab.nodes}) == len({node.name for node in lab.nodes}) == len(lab.nodes)
        assert all(node.address in lab.plan.lab for node in lab.nodes)
        assert lab.managers


@QUICK
@given(st.text(max_size=60))
def test_any_text(text):
    check(text)


@QUICK
@given(st.lists(SYMBOLS | WORDS, max_size=25).map("".join))
def test_text_that_looks_like_yaml(text):
    check(text)


@QUICK
@given(st.dictionaries(WORDS | SCALARS, VALUES, max_size=5))
def test_any_data(data):
    check(yaml.safe_dump(data, allow_unicode=True))


NODES = st.lists(
    st.fixed_dictionaries(
        {"name": st.sampled_from(["a", "b", "c", "B", ""]), "role": st.sampled_from(["manager", "worker", "x"])},
        optional={
            "address": st.sampled_from(["10.0.2.1", "10.0.2.9", "10.0.2.200", "10.9.9.9", "x"]),
            "memory": st.sampled_from([512, 1, "1"]),
        },
    ),
    max_size=4,
)
SUBNETS = st.sampled_from(
    ["10.0.0.0/8", "10.20.0.0/24", "172.17.0.0/16", "192.168.221.0/24", "10.0.2.0/25", "10.0.2.0/30", "x"]
)
LABS = st.fixed_dictionaries(
    {},
    optional={
        "nodes": NODES,
        "managers": st.integers(-1, 4),
        "workers": st.integers(0, 3),
        "network": SUBNETS,
        "addresses": st.dictionaries(
            st.sampled_from(["adapter1", "overlay_pool", "docker0", "docker_gwbridge"]), SUBNETS, max_size=3
        ),
        "ports": st.lists(st.fixed_dictionaries({"guest": st.integers(0, 3)}, optional={"host": st.integers(1, 3)})),
        "box": st.dictionaries(st.sampled_from(["name", "version", "nam"]), st.sampled_from(["a", "", "\a", 1])),
    },
)


@QUICK
@given(LABS)
def test_labs_that_are_nearly_right(data):
    check(yaml.safe_dump(data))
