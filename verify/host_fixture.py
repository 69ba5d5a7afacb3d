"""The fixture ``host`` of checks: testinfra's host for a node; and what testinfra raises, as a sentence.

testinfra's own fixture of that name, which opens connections of its own (``--hosts``), gives way to this one.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from labgen.core.errors import LabgenError
from labgen.model.lab import Node
from verify.checks import check_of

if TYPE_CHECKING:
    from verify.exam import Exam
    from verify.testinfra_host import NodeHost

_OPTIONS = (
    "hosts connection ssh_config ssh_extra_args ssh_identity_file sudo sudo_user ansible_inventory force_ansible nagios"
)
"""testinfra's options, by their name in pytest's settings."""


def pytest_configure(config: pytest.Config) -> None:
    """Refuse testinfra's options, which would have no effect.

    :raises pytest.UsageError: one is set.
    """
    for name in _OPTIONS.split():
        if config.getoption(name, None):
            raise pytest.UsageError(
                f"--{name.replace('_', '-')} is an option of testinfra's: the checks ask the nodes of the lab as "
                "root. Leave it out; --lab DIR chooses the lab."
            )


@pytest.fixture
def host(exam: Exam, node: Node) -> NodeHost:
    """Give testinfra's host for the node of this check."""
    return exam.testinfra(node)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run a check, or a test of a teacher's own; an answer that testinfra cannot read fails it, with a sentence."""
    try:
        return (yield)
    except Exception as error:
        if (sentence := _sentence(error, pyfuncitem)) is None:
            raise
        failure = pytest.fail.Exception(sentence, pytrace=False)
    raise failure


def _sentence(error: Exception, item: pytest.Function) -> str | None:
    if isinstance(error, LabgenError):
        # A check's verdict is made of the error itself.
        return str(error) if check_of(item) is None else None
    testinfra_host = sys.modules.get("verify.testinfra_host")
    return testinfra_host.reason(error, item.funcargs.get("host")) or None if testinfra_host else None
