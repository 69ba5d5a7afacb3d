"""Verdicts, their order, the exit status: pytest in pytest, without any lab."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from verify import verdicts  # kept imported: pytester would import it anew for each run

pytest_plugins = ["pytester"]

Run = Callable[..., pytest.RunResult]

CONFTEST = """
from labgen.model.capabilities import Capability
from verify import verdicts
from verify.verdicts import *

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    verdicts.put_in_order(config, items)

def pytest_sessionstart(session):
    session.config.stash[BOOK].lacks = {LACKS}
"""

HEAD = """
import pytest
from labgen.model.capabilities import Capability
from labgen.core.errors import NodeError, SwarmError
from verify.checks import check

class Named:
    def __init__(self, name):
        self.name = name
        self.address = "192.0.2.1"

nodes = pytest.mark.parametrize("node", [Named("a"), Named("b")], ids=["a", "b"])
"""

GOOD = """
@check(points=3, hint="")
def test_good():
    \"\"\"It is good.\"\"\"
"""
BAD = """
@check(points=2, hint="try {node}this")
def test_bad():
    \"\"\"It is
    not bad.\"\"\"
    assert 1 == 2, "one is not two"
"""
UNCLEAR = """
@check(points=5, hint="unused")
def test_unclear():
    \"\"\"It is seen.\"\"\"
    raise NodeError("x cannot be reached: No route to host.", "start it")
"""
MESH = """
@check(points=4, hint="unused", requires=(Capability.ROUTING_MESH,))
def test_mesh():
    \"\"\"It answers everywhere.\"\"\"
    assert BOUND, "nothing listens"

@check(points=5, hint="unused", needs=("it.mesh",))
def test_pages():
    \"\"\"It serves pages.\"\"\"
    assert BOUND, "it must not be asked"
"""
LACKING = MESH.replace("BOUND", "False")
NO_MESH = 'Capability.ROUTING_MESH: "the kernel has no IPVS"'


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Run checks; the report lands in ``out``."""

    def made(
        *checks: str, options: tuple[str, ...] = ("--report", "out"), lacks: str | None = None
    ) -> pytest.RunResult:
        lacks = (NO_MESH if LACKING in checks else "") if lacks is None else lacks
        pytester.makeconftest(CONFTEST.replace("LACKS", lacks))
        pytester.makepyfile(test_it=HEAD + "".join(checks))
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *options, no_reraise_ctrlc=True)

    return made


@pytest.fixture
def report(pytester: pytest.Pytester) -> Callable[[], dict[str, Any]]:
    """The report that was written."""
    return lambda: json.loads((pytester.path / "out" / "report.json").read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("checks", "graded", "plain", "verdict"),
    [
        ((GOOD,), 0, 0, "pass"),
        ((GOOD, BAD), 11, 1, "fail"),
        ((GOOD, UNCLEAR), 12, 1, "inconclusive"),
        # What could not be judged may have been right: the grade is not to be taken for one.
        ((GOOD, BAD, UNCLEAR), 12, 1, "inconclusive"),
        ((), 13, 5, "nothing"),
        ((GOOD, LACKING), 0, 0, "pass"),
        ((GOOD, BAD, LACKING), 11, 1, "fail"),
        ((GOOD, UNCLEAR, LACKING), 12, 1, "inconclusive"),
        # Nothing that applies is nothing, not everything.
        ((LACKING,), 13, 5, "nothing"),
    ],
)
def test_exit_status(
    run: Run, report: Callable[[], dict[str, Any]], checks: tuple[str, ...], graded: int, plain: int, verdict: str
) -> None:
    assert run(*checks).ret == graded
    assert report()["verdict"] == verdict
    assert run(*checks, options=()).ret == plain


def test_plugin_failure_says_what_was_seen_and_what_to_try(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    result = run(BAD)
    result.assert_outcomes(failed=1)
    assert {key: report()["checks"][0][key] for key in ("id", "claim", "points", "got", "verdict", "seen", "hint")} == {
        "id": "it.bad",
        "claim": "It is not bad.",
        "points": 2,
        "got": 0,
        "verdict": "fail",
        "seen": "one is not two",
        "hint": "try this",
    }
    result.stdout.fnmatch_lines(["must be true: It is not bad.", "seen: *one is not two", "try: *this"])
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_bad - one is not two"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*assert 1 == 2*")


STAGED = """
from labgen.core.i18n import Text
from labgen.exercise.hint import on

@check(points=2, hint=on(Text("the boss"), "docker ps --all", words=Text("It is gone."), note=Text("This lists it.")))
def test_staged():
    \"\"\"It is there.\"\"\"
    assert 1 == 2, "it is not"

@check(points=2, hint=(on(Text("the boss"), "docker node ls"), on(Text("the boss"), "docker info")))
def test_bare():
    \"\"\"It is listed.\"\"\"
    assert 1 == 2, "it is not listed"
"""
PHRASES = [
    "It is gone.",
    "Compare what was seen with what must be true.",
    "On the boss",
    "docker ps --all",
    "docker info",
]


HINTED = (*PHRASES, "try this", "start it", "This lists it", "--hints")


@pytest.mark.parametrize(
    ("options", "shown"),
    [((), 2), (("--hints", "1"), 2), (("--hints=2",), 3), (("--hints=3",), 5), (("--hints=0",), 0)],
)
def test_hints_are_shown_up_to_the_stage_that_is_asked_for(
    run: Run, pytester: pytest.Pytester, options: tuple[str, ...], shown: int
) -> None:
    printed = run(STAGED, options=("--lang=en", "--report", "out", *options)).stdout.str()
    texts = [(pytester.path / "out" / name).read_text() for name in ("report.txt", "report.md", "junit.xml")]
    for text in (printed, *texts):
        assert [phrase for phrase in PHRASES if phrase in text] == PHRASES[:shown], text


@pytest.mark.parametrize("stage", ["1", "2", "3"])
def test_hints_are_whole_in_json_and_in_the_page_at_every_stage(
    run: Run, report: Callable[[], dict[str, Any]], pytester: pytest.Pytester, stage: str
) -> None:
    run(STAGED, options=("--lang=en", "--report", "out", "--hints", stage))
    staged, bare = report()["checks"]
    assert staged["hints"] == [
        {
            "words": "It is gone.",
            "look": "",
            "where": "On the boss:",
            "commands": ["docker ps --all"],
            "note": "This lists it.",
        }
    ]
    assert [hint["look"] for hint in bare["hints"]] == ["Compare what was seen with what must be true.", ""]
    assert "docker ps --all" in (pytester.path / "out" / "report.html").read_text()


@pytest.mark.parametrize("word", ["0", "none"])
def test_hints_that_are_switched_off_are_in_no_form_of_the_report(
    run: Run, report: Callable[[], dict[str, Any]], pytester: pytest.Pytester, word: str
) -> None:
    printed = run(STAGED, BAD, UNCLEAR, options=("--report", "out", "--json", "a.json", "--hints", word)).stdout.str()
    texts = [path.read_text() for path in (pytester.path / "out").iterdir()]
    assert len(texts) == 5
    for text in (printed, *texts, (pytester.path / "a.json").read_text()):
        assert not [
            phrase for phrase in (*PHRASES, "try this", "start it", "This lists it", "--hints") if phrase in text
        ]
    assert [(entry["hint"], entry["hints"], entry["cause"]) for entry in report()["checks"]] == [("", [], "")] * 4


def test_stage_of_hints_that_there_is_not_is_refused_in_one_sentence(run: Run) -> None:
    result = run(GOOD, options=("--hints", "7"))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--hints: '7' is no stage of hints: choose 0 or none*"])
    result.stderr.no_fnmatch_line("*Traceback*")


def test_unclear_is_an_error_and_costs_nothing(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    run(GOOD, UNCLEAR).assert_outcomes(passed=1, errors=1)
    content = report()
    assert content["points"] == {"got": 3, "of": 8, "undecided": 5, "not_applicable": 0}
    entry = next(entry for entry in content["checks"] if entry["verdict"] == "inconclusive")
    assert (entry["seen"], entry["hint"]) == ("x cannot be reached: No route to host.", "start it")


@pytest.mark.parametrize(
    ("raised", "verdict"),
    [
        ("assert not 1", "fail"),
        ("pytest.fail('no')", "fail"),
        ("raise SwarmError('no manager')", "fail"),
        ("raise NodeError('gone')", "inconclusive"),
        ("raise RuntimeError('ssh ended with 255')", "inconclusive"),
        ("raise TimeoutError()", "inconclusive"),
        ("{}['a bug in the check']", "inconclusive"),
    ],
)
@pytest.mark.parametrize("place", ["check", "fixture"])
def test_plugin_what_is_the_learners_and_what_the_labs(
    run: Run, report: Callable[[], dict[str, Any]], raised: str, verdict: str, place: str
) -> None:
    inside, outside = (raised, "pass") if place == "check" else ("pass", raised)
    result = run(
        f"""
@pytest.fixture
def facts():
    {outside}

@check(points=1, hint="")
def test_it(facts):
    \"\"\"It is so.\"\"\"
    {inside}
"""
    )
    assert [entry["verdict"] for entry in report()["checks"]] == [verdict]
    result.assert_outcomes(**{"failed" if verdict == "fail" else "errors": 1})


NEEDS = """
@check(points=1, hint="", needs=("it.late",))
def test_early():
    \"\"\"It comes first in the file.\"\"\"
    raise AssertionError("it must not run")

@check(points=1, hint="", needs=("it.early",))
def test_middle():
    \"\"\"It needs the one above.\"\"\"
    raise AssertionError("it must not run")

@check(points=1, hint="")
def test_late():
    \"\"\"It is needed.\"\"\"
    {}
"""


@pytest.mark.parametrize(
    ("late", "verdict"), [("assert False, 'x'", "blocked"), ("raise NodeError('gone')", "inconclusive")]
)
def test_plugin_what_needs_another_comes_after_it_and_goes_with_it(
    run: Run, report: Callable[[], dict[str, Any]], late: str, verdict: str
) -> None:
    result = run(NEEDS.format(late), options=("--report", "out", "-ra"))
    checks = {entry["name"]: entry for entry in report()["checks"]}
    assert (checks["early"]["verdict"], checks["middle"]["verdict"]) == (verdict, verdict)
    if verdict == "blocked":
        assert checks["early"]["seen"] == "it.late has to pass first"
        assert checks["early"]["hint"] == ""
        result.assert_outcomes(failed=1, skipped=2)
        result.stdout.fnmatch_lines(["BLOCKED * test_it.py:*: blocked: it.late has to pass first"])


def test_plugin_what_is_needed_but_was_not_chosen_does_not_block(run: Run) -> None:
    assert run(NEEDS.format("pass").replace("raise AssertionError", "str"), options=("-k", "early")).ret == 0


def test_plugin_circle_is_refused(run: Run) -> None:
    result = run(NEEDS.format("pass").replace('"", needs=("it.late",)', '"", needs=("it.middle",)'))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: the check it.* needs itself*"])


def test_needs_are_those_of_the_same_node(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    run(
        """
@nodes
@check(points=1, hint="")
def test_one(node):
    \"\"\"The node is b.\"\"\"
    assert node.name == "b", node.name

@nodes
@check(points=1, hint="", needs=("it.one",))
def test_two(node):
    \"\"\"The node is good.\"\"\"

@check(points=1, hint="", needs=("it.one",))
def test_whole():
    \"\"\"All nodes are good.\"\"\"
"""
    )
    assert {entry["id"]: entry["verdict"] for entry in report()["checks"]} == {
        "it.one[a]": "fail",
        "it.one[b]": "pass",
        "it.two[a]": "blocked",
        "it.two[b]": "pass",
        "it.whole": "blocked",
    }


def test_plugin_failure_of_the_whole_says_nothing_while_a_node_is_gone(
    run: Run, report: Callable[[], dict[str, Any]]
) -> None:
    run(
        """
@pytest.fixture(autouse=True)
def gone(pytestconfig):
    from verify.verdicts import BOOK
    pytestconfig.stash[BOOK].excuse = lambda: "b cannot be reached"

@check(points=1, hint="", whole_lab=True)
def test_whole():
    \"\"\"All nodes are good.\"\"\"
    assert False, "one is missing"

@check(points=1, hint="")
def test_part():
    \"\"\"This one is good.\"\"\"
    assert False, "it is not"

@check(points=1, hint="", whole_lab=True)
def test_well():
    \"\"\"All that is asked for is there.\"\"\"
"""
    )
    checks = {check["name"]: (check["verdict"], check["seen"]) for check in report()["checks"]}
    assert checks == {
        "whole": ("inconclusive", "one is missing\nb cannot be reached"),
        "part": ("fail", "it is not"),
        "well": ("pass", ""),
    }


def test_failure_of_the_swarm_itself_has_the_hint_of_its_error(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    run(
        """
@check(points=1, hint="docker service ls")
def test_own():
    \"\"\"The swarm is there.\"\"\"
    raise SwarmError("no manager", "Begin the swarm: fab bootstrap.")

@check(points=1, hint="docker service ls")
def test_plain():
    \"\"\"The swarm is there, too.\"\"\"
    raise SwarmError("no manager")
"""
    )
    hints = {check["name"]: check["hint"] for check in report()["checks"]}
    assert hints == {"own": "Begin the swarm: fab bootstrap.", "plain": "docker service ls"}


def test_plugin_check_that_skips_itself_is_not_green(run: Run) -> None:
    skipping = GOOD + "    pytest.skip('no IPVS')\n"
    assert run(skipping).ret == 11
    assert run(skipping, options=()).ret == 1


def test_plugin_what_nodes_cannot_do_is_not_applicable_and_says_why(
    run: Run, report: Callable[[], dict[str, Any]]
) -> None:
    result = run(GOOD, LACKING, options=("--report", "out", "-rs", "-v", "-p", "no:randomly"))
    checks = {entry["name"]: entry for entry in report()["checks"]}
    for name in ("mesh", "pages"):
        assert (checks[name]["verdict"], checks[name]["got"]) == ("not applicable", 0)
        # The first reason, however far away it is.
        assert (checks[name]["seen"], checks[name]["hint"]) == ("the kernel has no IPVS", "")
    assert report()["points"] == {"got": 3, "of": 3, "undecided": 0, "not_applicable": 9}
    assert report()["complete"]
    result.stdout.fnmatch_lines(
        [
            "test_it.py::test_mesh NOT APPLICABLE (not applicable: the kernel*",
            "3 of 3 points; 1 check: 1 pass; not applicable here: 2 checks (9 points): the kernel has no IPVS.",
            "NOT APPLICABLE [[]2[]] the kernel has no IPVS",
            "*1 passed, 2 not applicable in *",
        ]
    )


def test_plugin_what_is_not_applicable_has_a_letter_of_its_own(run: Run) -> None:
    run(GOOD, BAD, LACKING, options=("-p", "no:randomly")).stdout.fnmatch_lines(["test_it.py .Fnn *"])


def test_to_other_tools_what_is_not_applicable_is_skipped(run: Run, pytester: pytest.Pytester) -> None:
    run(GOOD, LACKING, options=("--junitxml", "out.xml"))
    text = (pytester.path / "out.xml").read_text()
    assert 'errors="0" failures="0" skipped="2" tests="3"' in text
    assert "not applicable: the kernel has no IPVS" in text


def test_plugin_not_applicable_comes_before_every_other_verdict(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    also = LACKING.replace('hint="unused", requires', 'hint="unused", needs=("it.bad", "it.unclear"), requires')
    run(BAD, UNCLEAR, also, lacks=NO_MESH)
    verdict_of = {entry["name"]: entry["verdict"] for entry in report()["checks"]}
    assert (verdict_of["mesh"], verdict_of["pages"]) == ("not applicable", "not applicable")


@pytest.mark.parametrize("lacks", ["", 'Capability.NETPLAN: "an engine gives addresses"'])
def test_plugin_what_is_not_said_to_be_lacking_is_no_excuse(
    run: Run, report: Callable[[], dict[str, Any]], lacks: str
) -> None:
    assert run(GOOD, MESH.replace("BOUND", "False"), lacks=lacks).ret == 11
    assert {entry["name"]: entry["verdict"] for entry in report()["checks"]} == {
        "good": "pass",
        "mesh": "fail",
        "pages": "blocked",
    }
    assert run(GOOD, MESH.replace("BOUND", "True"), lacks=lacks).ret == 0


def test_plugin_check_cannot_excuse_itself(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    assert run(GOOD + "    pytest.skip('not applicable: no IPVS')\n").ret == 11
    assert [entry["verdict"] for entry in report()["checks"]] == ["blocked"]


def test_plugin_interrupted_run_says_that_it_is_not_whole(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    interrupted = GOOD.replace("test_good", "test_zz") + "    raise KeyboardInterrupt\n"
    result = run(BAD, interrupted, options=("--report", "out", "-p", "no:randomly"))
    assert result.ret == pytest.ExitCode.INTERRUPTED
    assert (report()["complete"], len(report()["checks"])) == (False, 1)


def test_other_tests_may_stand_beside(run: Run, report: Callable[[], dict[str, Any]]) -> None:
    assert run(GOOD, "\ndef test_own():\n    assert False\n").ret == pytest.ExitCode.TESTS_FAILED
    assert [entry["name"] for entry in report()["checks"]] == ["good"]


def test_reports_go_where_they_are_wanted(run: Run, pytester: pytest.Pytester) -> None:
    run(BAD, options=("--json", "deep/down.json", "--report", "out"))
    assert json.loads((pytester.path / "deep" / "down.json").read_text())["schema"] == "labgen.report"
    assert "one is not two" in (pytester.path / "out" / "report.md").read_text()
    assert "one is not two" in (pytester.path / "out" / "report.txt").read_text()


def test_plugin_check_without_a_claim_is_refused(run: Run) -> None:
    result = run('\n@check(points=1, hint="")\ndef test_silent():\n    pass\n')
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*test_silent has no claim*"])


def test_more_than_one_process_is_refused(run: Run) -> None:
    pytest.importorskip("xdist")
    assert run(GOOD, options=("-n", "2")).ret == pytest.ExitCode.USAGE_ERROR


def test_report_on_a_full_disk_costs_no_grade(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("labgen.core.atomic_files.os.fsync", full)
    result = run(GOOD)
    assert result.ret == 5
    result.stdout.fnmatch_lines(
        ["*3 of 3 points*", "error: *report.json cannot be written: No space left on device.", "*--report DIR"]
    )
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_report_of_a_text_that_utf8_has_no_bytes_for(
    run: Run, report: Callable[[], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = verdicts.RunResults.report
    monkeypatch.setattr(
        verdicts.RunResults, "report", lambda book: dataclasses.replace(plain(book), provider="\udcff\ud800")
    )
    assert run(GOOD).ret == 0
    assert report()["lab"]["provider"] == "\udcff\ud800"


@pytest.mark.parametrize(("plain", "status"), [("def test_plain(): pass", 0), ("def test_plain(): assert 0", 1)])
def test_exit_status_of_a_run_without_any_check_is_that_of_its_tests(run: Run, plain: str, status: int) -> None:
    assert run(plain, options=()).ret == status


def test_markers_are_listed_with_that_of_checks(run: Run) -> None:
    run(GOOD, options=("--markers",)).stdout.fnmatch_lines(["@pytest.mark.check(about): a claim about the lab, *"])
