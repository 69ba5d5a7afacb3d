"""Errors: a status of its own for each family, a way out with each."""

import pytest

from labgen.core import errors
from labgen.core.errors import HostError, LabFileError, LabgenError, Problem, ProgramFailed
from labgen.core.i18n import untranslated

# Others may be made for a room of their own, and are never seen outside of it.
FAMILIES = [LabgenError, *(family for family in LabgenError.__subclasses__() if family.__module__ == errors.__name__)]


def test_exit_statuses_are_distinct_and_no_other_meaning_has_them():
    statuses = [family.exit_status for family in FAMILIES]
    reserved = [
        0,
        errors.GRADED_WITH_FAILURES,
        errors.GRADED_INCONCLUSIVE,
        errors.GRADED_NOTHING,
        errors.INTERRUPTED,
    ]
    assert len(set(statuses + reserved)) == len(statuses) + len(reserved)


@pytest.mark.parametrize("family", FAMILIES)
def test_statuses_are_those_that_are_documented(family):
    row = next(line for line in errors.__doc__.splitlines() if family.__name__ in line.split())
    assert str(family.exit_status) in row.split()


@pytest.mark.parametrize("kind", HostError.__subclasses__())
def test_errors_what_is_wrong_with_programs_is_wrong_with_the_computer(kind):
    assert kind.exit_status == HostError.exit_status


def test_errors_error_is_its_message_and_its_way_out():
    assert str(LabgenError("It is broken.", "Mend it.")) == "It is broken.\n  Mend it."
    assert str(LabgenError("It is broken.")) == "It is broken."


def test_errors_failed_program():
    error = ProgramFailed("virsh list", 1, "one\ntwo\n", "Start it.")
    assert error.message == "`virsh list` ended with status 1:\none\ntwo"
    assert ProgramFailed("true", 1, "").message == "`true` ended with status 1"


def test_mistakes_of_a_lab_file():
    first = Problem(
        "nodes[0].name", "A", untranslated("is not a host name."), untranslated("Use small letters."), line=4
    )
    second = Problem("file", "", untranslated("holds no keys."), untranslated("Write some."))
    assert str(first) == "line 4, nodes[0].name = A: is not a host name. Use small letters."
    assert str(second) == "file: holds no keys. Write some."
    assert str(LabFileError("lab.yml", [first])).startswith("lab.yml: 1 mistake\n  - line 4")
    error = LabFileError("lab.yml", [first, second])
    assert error.message.splitlines()[0] == "lab.yml: 2 mistakes"
    assert error.problems == (first, second)
