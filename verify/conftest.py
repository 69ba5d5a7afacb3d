"""The lab for the checks: which one, its nodes as parameters, what was seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("verify.test_cluster", "verify.test_loadbalance")

from labgen import inventory  # noqa: E402
from labgen.capabilities import Lacks  # noqa: E402
from labgen.errors import LabgenError  # noqa: E402
from labgen.inventory import Inventory  # noqa: E402
from labgen.lab import Lab, Node  # noqa: E402
from labgen.swarm import Swarm  # noqa: E402
from verify import plugin  # noqa: E402
from verify.checks import Check  # noqa: E402
from verify.exam import Exam  # noqa: E402
from verify.facts import NodeFacts  # noqa: E402
from verify.hosts import Hosts, SshHosts  # noqa: E402

pytest_addoption = plugin.pytest_addoption
pytest_configure = plugin.pytest_configure
pytest_collection_modifyitems = plugin.pytest_collection_modifyitems
pytest_runtest_setup = plugin.pytest_runtest_setup
pytest_runtest_makereport = plugin.pytest_runtest_makereport
pytest_report_teststatus = plugin.pytest_report_teststatus
pytest_sessionfinish = plugin.pytest_sessionfinish
pytest_terminal_summary = plugin.pytest_terminal_summary

LAB = pytest.StashKey[Inventory]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Find the lab; without one there is nothing to check."""
    try:
        lab_of(session.config)
    except LabgenError as error:
        raise pytest.UsageError(str(error)) from None


def lab_of(config: pytest.Config) -> Inventory:
    """The lab of this run.

    :raises LabgenError: it is not up, or its lab.yml cannot be.
    """
    if LAB not in config.stash:
        chosen = config.getoption("lab", None)
        there = config.stash[LAB] = inventory.load(Path(chosen) if chosen else nearest(Path.cwd()))
        book = config.stash[plugin.BOOK]
        book.lab, book.provider, book.lacks = there.lab, there.state.provider, there.lacks
    return config.stash[LAB]


def nearest(start: Path) -> Path:
    """The nearest folder upward that holds what labgen remembers of a lab; ``start`` where none does."""
    return next((folder for folder in (start, *start.parents) if (folder / ".labgen").is_dir()), start)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A check that takes a node is made for each node it is for."""
    marker = next(metafunc.definition.iter_markers("check"), None)
    if marker is None:
        return
    about: Check = marker.args[0]
    try:
        lab = lab_of(metafunc.config).lab
    except LabgenError as error:
        # Only where pytest was not told of verify/ and found it by itself: this file is then read after the
        # session's start.
        raise pytest.Collector.CollectError(str(error)) from None
    if "node" not in metafunc.fixturenames:
        return
    others = tuple(node for node in lab.nodes if node != lab.first_manager)
    nodes = {"all": lab.nodes, "managers": lab.managers, "workers": lab.workers, "others": others}[about.nodes]
    metafunc.parametrize("node", nodes, ids=[node.name for node in nodes])


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Lab:
    """The lab as data."""
    return lab_of(pytestconfig).lab


@pytest.fixture(scope="session")
def lacks(pytestconfig: pytest.Config) -> Lacks:
    """What its nodes cannot do where they run, and why."""
    return lab_of(pytestconfig).lacks


@pytest.fixture(scope="session")
def hosts(pytestconfig: pytest.Config) -> Iterator[Hosts]:
    """Its nodes, as testinfra hosts."""
    there = SshHosts(lab_of(pytestconfig))
    yield there
    there.close()


@pytest.fixture(scope="session")
def exam(request: pytest.FixtureRequest, hosts: Hosts) -> Exam:
    """What is seen of it."""
    there = lab_of(request.config)
    params = [
        item.callspec.params
        for item in request.session.items
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
    ]
    wanted = {node.name for node in (one.get("node") for one in params) if isinstance(node, Node)}
    found = Exam(there.lab, hosts, there.patience, wanted)
    request.config.stash[plugin.BOOK].excuse = found.unreachable
    return found


@pytest.fixture
def facts(exam: Exam, node: Node) -> NodeFacts:
    """What the node of this check is like."""
    return exam.facts(node)


@pytest.fixture
def swarm(exam: Exam) -> Swarm:
    """The whole swarm, as a manager tells it."""
    return exam.swarm
