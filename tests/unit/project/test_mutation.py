"""The mutation run: which changes are made to a source, which tests are asked, and what is told of a change."""

from __future__ import annotations

import ast
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutation import __main__ as run
from tests.mutation import trial
from tests.mutation.baseline import Baseline, joined, read, uses, write
from tests.mutation.equivalent import EQUIVALENT, reason
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.results import Results
from tests.mutation.trial import Fate, Tried, attempt, those_present

SOURCE = b'''"""Docstring with 1 number."""
LIMIT = 45


def few(items: list[int], within: float = 30.0, *, most: int = 3) -> bool:
    """Whether there are few: 7."""
    if not items:
        raise ValueError(f"none of {most + 1}")
    return len(items) <= most and all(item < LIMIT for item in items if item != 7)
'''


def texts(source: str) -> set[str]:
    """The sources that the mutants of a source are."""
    return {mutant.apply(source.encode()).decode() for mutant in mutants("a.py", source.encode())}


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x = a < b", {"x = (a <= b)", "x = (a >= b)"}),
        ("x = a not in b", {"x = (a in b)"}),
        ("x = a == 'up'", {"x = (a != 'up')", "x = a == 'Xup'"}),
        ("x = a and b", {"x = (a or b)", "x = a", "x = b"}),
        ("x = not a", {"x = a"}),
        ("x = a + b", {"x = (a - b)"}),
        ("x = a + 'text'", set()),
        ("x = True", {"x = False"}),
        ("x = 45", {"x = 46", "x = 4"}),
        ("x = 3.0", {"x = 0.3"}),
        ("x = max(a)", {"x = min(a)"}),
        ("x = [a for a in b if a]", {"x = [a for a in b if True]"}),
        ("if a:\n    pass", {"if (not a):\n    pass"}),
        ("for a in b:\n    continue", {"for a in b:\n    break"}),
        ("x += a", {"pass"}),
        ("f(a)", {"pass"}),
        ("assert a, 'why 1'", {"pass"}),
        ("raise Error(1)", {"pass"}),
        ("def f():\n    return a", {"def f():\n    return None"}),
        ("def f():\n    return ''", set()),
        ("wait(a, within=30)", {"pass"}),
        ("x = round(a, 2)", set()),
        ("x: Literal[3] = a", set()),
        ("x = f'{a + 1}'", set()),
        (
            "@check(points=3, whole_lab=True)\ndef f():\n    pass",
            {"@check(points=3, whole_lab=False)\ndef f():\n    pass"},
        ),
        ("@dataclass(frozen=True)\nclass A:\n    pass", set()),
        ("if TYPE_CHECKING:\n    x = 1", set()),
        ("x = 'é'; y = 1", {"x = 'é'; y = 2"}),
    ],
)
def test_mutants_of_a_source(source: str, changed: set[str]) -> None:
    assert texts(source) == changed


def test_mutants_are_programs_and_differ_from_the_source() -> None:
    changes = mutants("few.py", SOURCE)
    assert changes
    for mutant in changes:
        changed = mutant.apply(SOURCE)
        ast.parse(changed)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE))
        assert 1 <= mutant.first <= mutant.last
        assert mutant.diff(SOURCE).startswith("--- few.py\n+++ few.py\n@@ ")
    assert {mutant.names for mutant in changes} == {(), ("LIMIT",)}
    assert not [mutant for mutant in changes if mutant.line in (1, 6)]


def test_mutants_in_a_functions_head_matter_where_its_body_runs() -> None:
    (default,) = (mutant for mutant in mutants("few.py", SOURCE) if mutant.line == 5)
    assert (default.text, default.first, default.last, default.head) == ("4", 6, 9, True)
    assert [mutant.head for mutant in mutants("few.py", SOURCE) if mutant.line != 5].count(True) == 0
    pair = mutants("a.py", b"A, B = 1, 2")
    assert {mutant.names for mutant in pair} == {("A", "B")}


def test_baseline_asks_the_most_particular_tests_first_and_no_more_than_there_is_time_for() -> None:
    lines = {"a.py": {5: {"", "broad", "narrow", "red"}, 6: {"broad"}, 7: {"broad", "user"}}}
    baseline = Baseline({"broad": 1.0, "narrow": 1.0, "user": 1.0, "red": 0.1}, lines, ["red"])
    at_five = Mutant("a.py", 5, 5, 5, 0, 0, "")
    assert baseline.tests(at_five, 9.0, {}) == ["narrow", "broad"]
    assert baseline.tests(at_five, 1.5, {}) == ["narrow"]
    # One test is asked however long it takes.
    assert baseline.tests(at_five, 0.5, {}) == ["narrow"]
    # What is bound at import matters where it is used.
    bound = Mutant("a.py", 1, 1, 1, 0, 0, "", ("LIMIT",))
    assert baseline.tests(bound, 9.0, {"LIMIT": [("a.py", 7)]}) == ["user", "broad"]


def test_baseline_that_was_kept_asks_all_who_came_to_a_file_that_has_changed(tmp_path: Path) -> None:
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_bytes(SOURCE)
    measured = Baseline({"one": 1.0, "two": 1.0}, {"a.py": {5: ["one"], 9: ["two"]}, "b.py": {5: ["one"]}}, ["red"])
    write(measured, tmp_path / "baseline.json", tmp_path)
    assert read(tmp_path / "baseline.json", tmp_path) == replace(measured, changed=[])
    (tmp_path / "a.py").write_bytes(b"\n" + SOURCE)
    again = read(tmp_path / "baseline.json", tmp_path)
    assert again.changed == ["a.py"]
    assert sorted(again.tests(Mutant("a.py", 6, 6, 6, 0, 0, ""), 9.0, {})) == ["one", "two"]
    assert again.tests(Mutant("b.py", 6, 6, 6, 0, 0, ""), 9.0, {}) == []


def test_baselines_are_joined() -> None:
    first = Baseline({"one": 1.0}, {"a.py": {5: ["one"], 6: ["one"]}}, ["red"])
    second = Baseline({"two": 2.0}, {"a.py": {5: ["two"]}, "b.py": {1: ["two"]}}, [])
    assert joined([first, second]) == Baseline(
        {"one": 1.0, "two": 2.0}, {"a.py": {5: {"one", "two"}, 6: {"one"}}, "b.py": {1: {"two"}}}, ["red"]
    )


def test_uses_of_names_are_those_in_functions(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_bytes(SOURCE)
    assert uses(tmp_path, ["few.py"])["LIMIT"] == [("few.py", 9)]


def test_attempt_tells_which_test_noticed_and_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_bytes(SOURCE)
    many, three = "def test_many(): assert not few([1, 2, 3, 4])", "def test_three(): assert few([1, 2, 3])"
    (tmp_path / "test_few.py").write_text(f"from few import few\n\n{many}\n\n{three}\n")
    by_text = {mutant.text: mutant for mutant in mutants("few.py", SOURCE) if mutant.line == 9}
    tests = ["test_few.py::test_many", "test_few.py::test_three"]
    killed = attempt(tmp_path, by_text["(len(items) < most)"], tests, 1.0)
    assert (killed.fate, killed.by) == (Fate.KILLED, "test_few.py::test_three")
    assert attempt(tmp_path, by_text["True"], tests, 1.0).fate is Fate.ALIVE
    assert attempt(tmp_path, by_text["True"], [], 1.0).fate is Fate.UNTESTED
    # A test that there is no more notices nothing.
    gone = attempt(tmp_path, by_text["True"], ["test_few.py::test_gone", "test_gone.py::test_gone", *tests], 1.0)
    assert (gone.fate, gone.tests) == (Fate.ALIVE, 2)
    assert (tmp_path / "few.py").read_bytes() == SOURCE


def test_attempt_takes_tests_that_hang_for_a_kill_only_if_the_mutant_makes_them_hang(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "few.py").write_bytes(SOURCE)
    (tmp_path / "test_few.py").write_text("")
    mutant = mutants("few.py", SOURCE)[-1]
    hanging: list[bool] = []

    def run_tests(tree: Path, _tests: object, limit: float) -> tuple[int, str]:
        if hanging and (hanging[0] or (tree / "few.py").read_bytes() != SOURCE):
            raise subprocess.TimeoutExpired("pytest", limit)
        return 0, ""

    monkeypatch.setattr(trial, "_run", run_tests)
    fates = {}
    for hanging[:] in ([], [False], [True]):
        fates[str(hanging)] = attempt(tmp_path, mutant, ["test_few.py::test_few"], 1.0).fate
        assert (tmp_path / "few.py").read_bytes() == SOURCE
    assert fates == {"[]": Fate.ALIVE, "[False]": Fate.KILLED, "[True]": Fate.UNDECIDED}


def test_results_are_the_killed_mutants_of_the_same_source(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_bytes(SOURCE)
    first, second, *_ = mutants("few.py", SOURCE)
    file = tmp_path / "results.jsonl"
    results = Results(file, tmp_path)
    results.add(Tried(first, Fate.KILLED, "tests/a.py::test_first"))
    results.add(Tried(second, Fate.ALIVE))
    reread = Results(file, tmp_path)
    assert reread.killed(first) == Tried(first, Fate.KILLED, "tests/a.py::test_first")
    assert reread.killed(second) is None
    (tmp_path / "few.py").write_bytes(SOURCE + b"\n")
    assert reread.killed(first) is None
    Results(None, tmp_path).add(Tried(first, Fate.KILLED))


def test_run_tells_what_lives_and_ends_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    mutant = mutants("few.py", SOURCE)[0]
    alive = Tried(mutant, Fate.ALIVE, tests=3, diff=mutant.diff(SOURCE))
    assert run.tell([Tried(mutant, Fate.KILLED, "test")] * 19 + [alive], 7, "0a1b2c3", 60.0) == 0
    printed = capsys.readouterr().out
    assert "19 of 20 mutants killed, 1 alive (5.0 %); seed 7, commit 0a1b2c3, 1 min" in printed
    assert f"alive after 3 tests\n{mutant.diff(SOURCE)}" in printed
    assert run.tell([Tried(mutant, Fate.KILLED)] * 9 + [Tried(mutant, Fate.UNTESTED)], 7, "0a1b2c3", 60.0) == 1
    assert run.tell([Tried(mutant, Fate.KILLED)] * 9 + [Tried(mutant, Fate.UNDECIDED)], 7, "0a1b2c3", 60.0) == 1


def test_files_are_of_every_part_that_grades() -> None:
    files = run._files()
    for folder in ("verify", "labgen/exercises/stack", "labgen/docker", "labgen/report"):
        assert [file for file in files if Path(file).parent == Path(folder)], folder
    # An exercise's data and steps grade nobody.
    assert {Path(file).name for file in files if file.startswith("labgen/exercises/")} == {"checks.py"}


def test_equivalent_mutants_are_mutants_of_the_code_of_today() -> None:
    sources = {path: (run.ROOT / path).read_bytes() for path in run._files()}
    lines = {before for before, _ in EQUIVALENT}
    candidates = [path for path, source in sources.items() if any(line in source.decode() for line in lines)]
    reasons = [reason(mutant, sources[path]) for path in candidates for mutant in mutants(path, sources[path])]
    assert len([why for why in reasons if why]) == len(EQUIVALENT)
    assert all(EQUIVALENT.values())


def test_run_draws_the_same_sample_for_the_same_seed(capsys: pytest.CaptureFixture[str]) -> None:
    def sample(seed: str) -> str:
        assert run.main(["--list", "--only", "docker/spans", "--sample", "5", "--seed", seed]) == 0
        return capsys.readouterr().out

    assert sample("1") == sample("1") != sample("2")


def test_those_present_are_without_parameters_if_pytest_names_the_function() -> None:
    tests = [
        "tests/a.py::test_gone[x y]",
        "tests/a.py::test_gone[z]",
        "tests/a.py::test_plain",
        "tests/a.py::test_there[1]",
        "tests/a.py::test_there[2]",
    ]

    def printed(*names: str) -> str:
        return "\n".join(f"ERROR: not found: /tree/{name}\n(no match in any of [<Module a.py>])\n" for name in names)

    first = those_present(
        tests, printed("tests/a.py::test_gone", "tests/a.py::test_there[2]", "tests/a.py::test_plain")
    )
    assert first == ["tests/a.py::test_gone", "tests/a.py::test_there[1]"]
    assert those_present(first, printed("tests/a.py::test_gone")) == ["tests/a.py::test_there[1]"]
    assert those_present(tests, "1 passed") == tests


def test_attempt_asks_a_test_whose_parameters_have_changed_for_all_of_them(tmp_path: Path) -> None:
    (tmp_path / "few.py").write_bytes(SOURCE)
    (tmp_path / "test_few.py").write_text(
        "import pytest\nfrom few import few\n\n"
        "@pytest.mark.parametrize('count', [1, 3])\ndef test_few(count): assert few([1] * count)\n"
    )
    mutant = next(mutant for mutant in mutants("few.py", SOURCE) if mutant.text == "(len(items) < most)")
    tried = attempt(tmp_path, mutant, ["test_few.py::test_few[1]", "test_few.py::test_few[2]"], 1.0)
    assert (tried.fate, tried.by) == (Fate.KILLED, "test_few.py::test_few[3]")
