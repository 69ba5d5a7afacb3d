"""Checks with testinfra's ``host``: a teacher's own in a lab folder, graded, recorded and graded again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_lab import FakeLab
from in_lab_folder import PYTEST

from labgen.core.polling import Patience
from labgen.observation.commands import CommandAnswer
from tests.scripted_node import SILENT

pytest_plugins = ["pytester"]

Grade = Callable[..., dict[str, Any]]

TEST = """
def test_hosts_file(host):
    assert host.file("/etc/hosts").exists
"""
CHECK = '''
from verify.checks import check


@check(points=2, hint="sudo chmod 644 /etc/motd", nodes="workers")
def test_motd(host):
    """Everyone may read the node's greeting."""
    assert host.file("/etc/motd").mode == 0o644, f"its mode is {host.file('/etc/motd').mode:o}"
'''
PAGE = Path(__file__).parents[3] / "docs" / "writing-an-exercise.md"
MODE = "stat -Lc %a /etc/motd"
EXISTS = "test -e /etc/hosts"
W1 = "swarm-worker1"


@pytest.fixture
def grade_own(grade: Grade, fake: FakeLab) -> Grade:
    """Grade the teacher's own checks alone."""
    fake.patience = Patience()  # that of the lab when it is graded again
    return lambda *options: grade(
        "verify/test_own.py", "-p", "no:cacheprovider", *options, words=("-p", "verify.plugin")
    )


@pytest.fixture
def own(lab_folder: Path) -> Callable[[str], None]:
    """Write a teacher's own tests."""
    return lambda text: (lab_folder / "verify" / "test_own.py").write_text(text, encoding="utf-8") and None


def own_checks(report: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Verdict and what was seen of each check of the teacher's."""
    return {check["id"]: (check["verdict"], check["seen"]) for check in report["checks"] if check["exercise"] == "own"}


def test_host_is_there_for_each_node_in_a_test_of_ones_own(
    grade_own: Grade, fake: FakeLab, own: Callable[[str], None]
) -> None:
    own(CHECK + TEST)
    fake.commands = {MODE: CommandAnswer(0, "644\n"), EXISTS: CommandAnswer(0, "")}
    report = grade_own("-v")
    assert report["status"] == 0
    for node in fake.lab.nodes:
        assert f"verify/test_own.py::test_hosts_file[{node.name}] PASSED" in report["printed"]


def test_host_in_a_test_of_ones_own_that_fails_ends_in_a_failure(
    grade_own: Grade, fake: FakeLab, own: Callable[[str], None]
) -> None:
    own(CHECK + TEST)
    fake.commands = {MODE: CommandAnswer(0, "644\n"), EXISTS: CommandAnswer(1, "")}
    report = grade_own()
    assert report["status"] == 1
    assert f"FAILED verify/test_own.py::test_hosts_file[{W1}]" in report["printed"]


def test_host_in_the_checks_of_the_docs(grade_own: Grade, fake: FakeLab, own: Callable[[str], None]) -> None:
    (text,) = re.findall(r"(?ms)^```python title=verify/test_greeting.py\n(.*?)^```$", PAGE.read_text(encoding="utf-8"))
    own(text)
    fake.commands = {MODE: CommandAnswer(0, "600\n"), EXISTS: CommandAnswer(0, "")}
    report = grade_own()
    assert [seen for _, seen in own_checks(report).values()] == ["its mode is 600"] * 2
    assert "3 passed" in report["printed"]


@pytest.mark.parametrize(
    ("mode", "verdict", "seen"),
    [
        (CommandAnswer(0, "644\n"), "pass", ""),
        (CommandAnswer(0, "600\n"), "fail", "its mode is 600"),
        (CommandAnswer(0, "rw-r--r--\n"), "fail", f"what `{MODE}` printed cannot be read (ValueError"),
        (CommandAnswer(0, "\ufffd" * 1000), "fail", f"what `{MODE}` printed cannot be read (ValueError"),
        (CommandAnswer(1, "", "stat: cannot"), "fail", f"`{MODE}` ended with status 1: stat: cannot"),
        (SILENT, "fail", f"`{MODE}` did not end within"),
    ],
)
def test_host_in_a_check_of_ones_own_is_judged_and_graded_again(
    grade_own: Grade, fake: FakeLab, own: Callable[[str], None], mode: CommandAnswer, verdict: str, seen: str
) -> None:
    own(CHECK)
    fake.commands[MODE] = mode
    report = grade_own("--evidence", "kept.jsonl")
    checks = own_checks(report)
    assert list(checks) == ["own.motd[swarm-worker1]", "own.motd[swarm-worker2]"]
    for result, text in checks.values():
        assert result == verdict
        assert seen in text
        assert "\n" not in text
    assert "Traceback" not in report["printed"]
    assert "site-packages" not in report["printed"]
    fake.commands.clear()
    again = grade_own("--from", "kept.jsonl")
    assert own_checks(again) == checks


def test_host_of_a_node_that_cannot_be_reached(grade_own: Grade, fake: FakeLab, own: Callable[[str], None]) -> None:
    own(CHECK + TEST)
    fake.commands = {MODE: CommandAnswer(0, "644\n"), EXISTS: CommandAnswer(0, "")}
    fake.dead.add(W1)
    report = grade_own()
    assert own_checks(report)["own.motd[swarm-worker1]"][0] == "inconclusive"
    assert own_checks(report)["own.motd[swarm-worker2]"][0] == "pass"
    printed = report["printed"]
    assert f"FAILED verify/test_own.py::test_hosts_file[{W1}]" in printed
    assert f"\n{W1} cannot be reached: Connection timed out.\n" in printed
    assert "site-packages" not in printed


def test_answer_that_brings_the_mark_of_recorded_scripts_forges_nothing(
    grade_own: Grade, fake: FakeLab, own: Callable[[str], None]
) -> None:
    own(CHECK)
    mark = "labgen-" + "0" * 16
    fake.commands[MODE] = CommandAnswer(1, f"644\n{mark} 0\n", "no")
    report = grade_own("--evidence", "kept.jsonl")
    again = grade_own("--from", "kept.jsonl")
    assert {verdict for verdict, _ in own_checks(report).values()} == {"fail"}
    assert own_checks(again) == own_checks(report)


@pytest.mark.parametrize("option", ["--hosts=ssh://node", "--connection=ssh", "--sudo", "--nagios"])
def test_options_of_testinfras_are_refused(
    lab_folder: Path, fake: FakeLab, grade: Grade, pytester: pytest.Pytester, option: str
) -> None:
    result = pytester.runpytest_inprocess(*PYTEST, option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {option.partition('=')[0]} is an option of testinfra's: *"])
