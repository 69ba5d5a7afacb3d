"""The checks of the exercises as pytest collects them: in lab folders of today and of before, and with mistakes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Grade
from in_lab_folder import PYTEST

from labgen import config as labfile
from labgen.exercise import catalogue
from labgen.exercise.catalogue import COURSE, exercise_names
from verify import collection, session

pytest_plugins = ["pytester"]

OLD_CONFTEST = '''"""The lab's checks, as labgen brings them; `pytest verify/` runs them."""

from verify.conftest import *
'''
OLD_FILE = '''"""The checks of {0}. Checks of your own can stand beside this file."""

from verify.test_{0} import *
'''
OWN = '''"""A teacher's own checks."""

from verify.checks import check


@check(points=1, hint="")
def test_mine(lab):
    """The lab has nodes."""
    assert lab.nodes


def test_beside():
    pass
'''


def old_folder(folder: Path) -> None:
    """Lay down what `labgen init` of labgen 0.1 did."""
    (folder / "verify" / "conftest.py").write_text(OLD_CONFTEST, encoding="utf-8")
    for name in exercise_names():
        (folder / "verify" / f"test_{name}.py").write_text(OLD_FILE.format(name), encoding="utf-8", newline="\r\n")


def exercises_judged(report: dict[str, Any]) -> set[str]:
    return {check["exercise"] for check in report["checks"]}


def test_collection_in_an_old_lab_folder_judges_each_check_once(grade: Grade, lab_folder: Path) -> None:
    old_folder(lab_folder)
    report = grade("--exercise", "loadbalance")
    assert (report["verdict"], exercises_judged(report)) == ("pass", {"cluster", "loadbalance"})
    ids = [check["id"] for check in report["checks"]]
    assert len(ids) == len(set(ids))
    assert "loadbalance.service_exists" in ids


@pytest.mark.parametrize("folder", ["new", "old"])
def test_collection_runs_a_teachers_own_checks_after_those_of_the_exercises(
    grade: Grade, lab_folder: Path, folder: str
) -> None:
    if folder == "old":
        old_folder(lab_folder)
    (lab_folder / "verify" / "test_own.py").write_text(OWN, encoding="utf-8")
    report = grade("--exercise", "all", "-v", "-p", "no:randomly")
    assert [check["verdict"] for check in report["checks"] if check["id"] == "own.mine"] == ["pass"]
    assert "verify/test_own.py::test_beside PASSED" in report["printed"]
    assert report["printed"].index("verify/loadbalance::") < report["printed"].index("verify/test_own.py::")


def test_collection_runs_own_checks_by_their_file(grade: Grade, lab_folder: Path) -> None:
    (lab_folder / "verify" / "test_own.py").write_text(OWN, encoding="utf-8")
    report = grade("verify/test_own.py", words=("-p", "verify.plugin"))
    assert exercises_judged(report) == {"own"}


@pytest.mark.parametrize("folder", ["new", "old"])
@pytest.mark.parametrize("word", ["verify/test_loadbalance.py", "verify/loadbalance::test_pages"])
def test_collection_says_how_an_exercise_is_named_now(
    lab_folder: Path, pytester: pytest.Pytester, folder: str, word: str
) -> None:
    if folder == "old":
        old_folder(lab_folder)
    result = pytester.runpytest_inprocess("-p", "verify.plugin", word)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: the checks of loadbalance are no file of this folder: pytest verify/ --exercise loadbalance"]
    )


def test_collection_leaves_a_file_of_ones_own_by_an_exercises_name(grade: Grade, lab_folder: Path) -> None:
    (lab_folder / "verify" / "test_ports.py").write_text(OWN, encoding="utf-8")
    report = grade("verify/test_ports.py", words=("-p", "verify.plugin"))
    assert [check["id"] for check in report["checks"]] == ["ports.mine"]


@pytest.mark.parametrize(
    ("text", "old"),
    [
        (OLD_FILE.format("ports"), True),
        ("from verify.test_ports import *\n", True),
        (OLD_FILE.format("ports") + "\ndef test_mine(): pass\n", False),
        (OWN, False),
        ("", False),
    ],
)
def test_is_old_file_knows_it_by_its_text(tmp_path: Path, text: str, old: bool) -> None:
    file = tmp_path / "test_ports.py"
    file.write_text(text, encoding="utf-8")
    assert collection.is_old_file(file) is old


# In runs that are not labgen's.

QUIET = ("-p", "verify.plugin", "-p", "no:cacheprovider")


@pytest.mark.parametrize("folder", ["none", "verify", "clone"])
def test_plugin_does_nothing_in_other_runs(pytester: pytest.Pytester, folder: str) -> None:
    if folder != "none":
        pytester.mkdir("verify")
        (pytester.path / "verify" / "test_theirs.py").write_text("def test_theirs(): pass\n", encoding="utf-8")
    if folder == "clone":
        (pytester.path / "verify" / "grading.ini").touch()
    pytester.makepyfile("def test_here(pytestconfig): assert not pytestconfig.getoption('exercise', None)")
    result = pytester.runpytest_subprocess(*QUIET, "--help")
    assert "--exercise" not in result.stdout.str()
    result = pytester.runpytest_subprocess(*QUIET, "test_plugin_does_nothing_in_other_runs.py")
    result.assert_outcomes(passed=1)


def test_plugin_is_cheap_to_import() -> None:
    code = "import sys; import pytest; old = set(sys.modules); import verify.plugin; print(set(sys.modules) - old)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() in ("{'verify', 'verify.plugin'}", "{'verify.plugin', 'verify'}")


def test_plugin_gives_its_options_in_a_lab_folder(lab_folder: Path, pytester: pytest.Pytester) -> None:
    assert "--exercise" in pytester.runpytest_subprocess(*PYTEST, "--help").stdout.str()
    # Also where no path is typed, as `pytest` alone in a lab folder.
    assert "--exercise" in pytester.runpytest_subprocess(*QUIET, "--help").stdout.str()


# Exercises with mistakes.

DATA = """\
from labgen.core.i18n import Text
from labgen.exercise.model import Exercise

EXERCISE = Exercise(__name__, Text("A toy"), "")
"""
CHECK = '''from verify.checks import check


@check(points=1, hint="" REST)
def test_one(lab):
    """The lab has nodes."""
    assert lab.nodes
'''
MISTAKES = {
    "syntax error": ("x = (\n", "line 1: '(' was never closed."),
    "no claim": (
        CHECK.replace('    """The lab has nodes."""\n', "").replace("REST", ""),
        "line 4: test_one has no claim",
    ),
    "no points": (
        CHECK.replace("points=1", "points=0").replace("REST", ""),
        "line 4: test_one: a check of an exercise",
    ),
    "need of itself": (
        CHECK.replace("REST", ', needs=("NAME.one",)'),
        "line 4: NAME.one needs itself: NAME.one needs NAME.one.",
    ),
    "circular need": (
        CHECK.replace("REST", ', needs=("NAME.two",)')
        + CHECK.replace("REST", ', needs=("NAME.one",)').replace("test_one", "test_two"),
        "line 4: NAME.one needs itself: NAME.one needs NAME.two needs NAME.one.",
    ),
    "unknown need": (
        CHECK.replace("REST", ', needs=("cluster.no_such",)'),
        "line 4: NAME.one needs cluster.no_such, and there is no such check.",
    ),
    "unknown capability": (
        "from labgen.model.capabilities import Capability\n"
        + CHECK.replace("REST", ", requires=(Capability.TELEPATHY,)"),
        "there is no capability TELEPATHY; there are NETPLAN, ROUTING_MESH, OWN_MACHINE.",
    ),
    "capability as text": (
        CHECK.replace("REST", ', requires=("telepathy",)'),
        "ValueError: 'telepathy' is not a valid Capability.",
    ),
}


@pytest.fixture(params=MISTAKES)
def bad(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """An exercise beside those of the course, with a mistake; gives its name and what must be said of it."""
    number = list(MISTAKES).index(request.param)
    name, root = f"bad{number}", tmp_path / f"mistaken{number}"
    text, message = (part.replace("NAME", name) for part in MISTAKES[request.param])
    (root / name).mkdir(parents=True)
    for file, content in {"exercise.py": DATA, "steps.py": "", "checks.py": text}.items():
        (root / name / file).write_text(content, encoding="utf-8")
    for language in ("en", "ko"):
        (root / name / f"brief.{language}.md").touch()
    monkeypatch.syspath_prepend(tmp_path)
    course_and_mistake = catalogue.load([COURSE, root.name])
    assert not course_and_mistake.problems
    monkeypatch.setattr(catalogue, "_catalogue", lambda: course_and_mistake)
    return name, message


def test_collection_leaves_an_exercise_with_a_mistake_out_and_judges_the_others(
    bad: tuple[str, str], grade: Grade
) -> None:
    name, message = bad
    report = grade("--exercise", "loadbalance")
    assert (report["status"], exercises_judged(report)) == (0, {"cluster", "loadbalance"})
    (line,) = [line for line in report["printed"].splitlines() if line.startswith(f"{name}: left out: ")]
    assert "checks.py, line " in line
    assert message in line


def test_collection_refuses_an_exercise_with_a_mistake_by_its_name(
    bad: tuple[str, str], grade: Grade, pytester: pytest.Pytester
) -> None:
    del grade  # which has put the lab in its place
    name, message = bad
    result = pytester.runpytest_inprocess(*PYTEST, "--exercise", name)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert message in result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_graded_nodes_are_those_that_checks_are_made_for(pytester: pytest.Pytester) -> None:
    items = pytester.getitems(
        """
        import pytest

        @pytest.mark.parametrize("node", [1, 2])
        def test_node(node):
            pass

        @pytest.mark.parametrize("protocol", ["tcp"])
        def test_protocol(protocol):
            pass

        def test_plain():
            pass
        """
    )
    nodes = labfile.load(None).nodes
    for item, node in zip(items, nodes, strict=False):
        item.callspec.params["node"] = node  # type: ignore[attr-defined]
    assert session.graded_nodes(items) == {nodes[0].name, nodes[1].name, nodes[2].name}
    items[2].callspec.params["node"] = "no node"  # type: ignore[attr-defined]
    assert session.graded_nodes(items[1:]) == {nodes[1].name}
    del items[2].callspec.params["node"]  # type: ignore[attr-defined]
    assert session.graded_nodes(items[2:]) == set()
