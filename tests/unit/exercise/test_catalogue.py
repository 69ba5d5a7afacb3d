"""The catalogue of exercises: folders found, their order, and what is said of a folder with a mistake."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.core.errors import ExerciseError
from labgen.exercise import catalogue
from labgen.exercise.catalogue import COURSE, Catalogue, exercises, find, import_part, load, prerequisite

DATA = """\
from labgen.core.i18n import Text
from labgen.exercise.model import Exercise

EXERCISE = Exercise(__name__, Text("A toy"), "")
"""

_NUMBERS = itertools.count()


class Root:
    """A package of exercises in a folder of its own."""

    def __init__(self, path: Path) -> None:
        self.name = f"toys_{next(_NUMBERS)}"
        self.path = path / self.name
        self.path.mkdir()

    def add(self, name: str, data: str = DATA, **files: str | None) -> Path:
        """Lay down an exercise; a file that is ``None`` is left out."""
        folder = self.path / name
        folder.mkdir()
        texts = {"exercise": data, "steps": "", "checks": "", "brief.en": "A toy.", "brief.ko": "장난감."}
        for stem, text in {**texts, **{stem.replace("__", "."): text for stem, text in files.items()}}.items():
            if text is not None:
                suffix = "md" if stem.startswith("brief") else "py"
                (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
        return folder

    def load(self) -> Catalogue:
        """Read it."""
        return load([self.name])


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Root:
    """A package of exercises that has none."""
    monkeypatch.syspath_prepend(tmp_path)
    return Root(tmp_path)


def test_exercises_are_every_folder_of_the_course_in_order() -> None:
    folders = {path.parent.name for path in Path(catalogue.__file__).parents[1].glob("exercises/*/exercise.py")}
    assert folders == set(exercises())
    assert list(exercises())[:3] == [prerequisite(), "service", "loadbalance"]
    assert catalogue.problems() == ()
    assert all(exercise.package == f"{COURSE}.{name}" for name, exercise in exercises().items())


def test_load_finds_an_exercise_by_its_folder_alone(root: Root) -> None:
    root.add("toy")
    toy = root.load().exercises["toy"]
    assert (toy.name, toy.package) == ("toy", f"{root.name}.toy")
    assert (toy.brief("en"), toy.brief("ko")) == ("A toy.", "장난감.")


def test_load_puts_exercises_in_order_then_by_name(root: Root) -> None:
    root.add("b")
    root.add("a")
    root.add("z", DATA.replace('"")', '"", order=1)'))
    assert list(root.load().exercises) == ["z", "a", "b"]


def test_load_ignores_what_is_left_of_a_removed_exercise(root: Root) -> None:
    (root.path / "removed" / "__pycache__").mkdir(parents=True)
    assert root.load() == Catalogue({}, ())


NO_CAPABILITY = DATA.replace('"")', '"",\n    instead={Capability.TELEPATHY: Text("")})').replace(
    "from labgen.exercise", "from labgen.model.capabilities import Capability\nfrom labgen.exercise", 1
)

MISTAKES: dict[str, tuple[Callable[[Root], object], str]] = {
    "syntax error": (lambda root: root.add("bad", "x = (\n"), "/bad/exercise.py, line 1: '(' was never closed."),
    "error": (lambda root: root.add("bad", "x = 1\ny = 1 / 0\n"), "/bad/exercise.py, line 2: ZeroDivisionError: "),
    "end of Python": (lambda root: root.add("bad", "raise SystemExit(0)"), "/bad/exercise.py, line 1: SystemExit: 0."),
    "unknown capability": (
        lambda root: root.add("bad", NO_CAPABILITY),
        "/bad/exercise.py, line 6: there is no capability TELEPATHY; there are NETPLAN, ROUTING_MESH, OWN_MACHINE.",
    ),
    "capability as text": (
        lambda root: root.add("bad", DATA.replace('"")', '"",\n    instead={"telepathy": Text("")})')),
        "/bad/exercise.py, line 5: there is no capability telepathy; there are ",
    ),
    "no data": (lambda root: root.add("bad", "E = 1"), "/bad/exercise.py, line 1: it defines no EXERCISE."),
    "another's name": (
        lambda root: root.add("bad", DATA.replace("__name__", '"toys.good.exercise"')),
        "/bad/exercise.py, line 4: the first argument of Exercise is 'toys.good.exercise'.",
    ),
    "no brief": (lambda root: root.add("bad", brief__ko=None), "/bad/brief.ko.md is missing."),
    "no steps": (lambda root: root.add("bad", steps=None), "/bad/steps.py is missing."),
    "a name with a dot": (lambda root: root.add("bad.toy"), "/bad.toy: an exercise cannot be called 'bad.toy'."),
    "a task's name": (lambda root: root.add("all"), "/all: an exercise cannot be called 'all'."),
    "no data file": (lambda root: (root.add("bad") / "exercise.py").unlink(), "/bad/exercise.py is missing."),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_load_names_the_place_of_a_mistake_and_goes_on(root: Root, what: str) -> None:
    make, message = MISTAKES[what]
    make(root)
    root.add("good")
    found = root.load()
    assert list(found.exercises) == ["good"]
    ((name, error),) = found.problems
    assert name in ("bad", "bad.toy", "all")
    assert message in error.message.replace("\\", "/")
    assert "\n" not in error.message
    assert error.hint


def test_load_keeps_the_first_of_two_exercises_of_one_name(root: Root) -> None:
    root.add("loadbalance")
    root.add("toy")
    found = load([COURSE, root.name])
    assert found.exercises["loadbalance"].package == f"{COURSE}.loadbalance"
    assert "toy" in found.exercises
    ((_, error),) = found.problems
    assert f"{Path(root.name, 'loadbalance', 'exercise.py')}, line 4: " in error.message
    assert "there is an exercise 'loadbalance' already, in " in error.message


def test_load_allows_one_prerequisite(root: Root) -> None:
    root.add("toy", DATA.replace('"")', '"", prerequisite=True)'))
    found = load([COURSE, root.name])
    assert "toy" not in found.exercises
    assert "every grading begins with cluster" in found.problems[0][1].message


def test_load_says_which_package_is_missing() -> None:
    found = load([COURSE, "no_such_package"])
    assert set(found.exercises) == set(exercises())
    assert "the exercises of no_such_package cannot be imported" in found.problems[0][1].message


def test_find_names_the_nearest() -> None:
    with pytest.raises(ExerciseError, match="no exercise 'loadblance'") as caught:
        find("loadblance")
    assert "Did you mean loadbalance?" in caught.value.hint


def test_find_says_what_is_wrong_with_a_folder(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    root.add("bad", "x = (\n")
    monkeypatch.setattr(catalogue, "_catalogue", root.load)
    with pytest.raises(ExerciseError, match=r"exercise\.py, line 1: "):
        find("bad")


@pytest.mark.parametrize("part", ["steps", "checks"])
def test_import_part_names_the_place_of_a_mistake(root: Root, part: catalogue.Part) -> None:
    root.add("toy", **{part: "import os\nimport no_such_module\n"})
    toy = root.load().exercises["toy"]
    with pytest.raises(ExerciseError, match=rf"{part}\.py, line 2: ModuleNotFoundError: No module named 'no_such"):
        import_part(toy, part)


def test_packages_are_the_courses_and_those_of_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "more_exercises-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more-exercises\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[labgen.exercises]\nmore = more_exercises\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert catalogue.packages() == (COURSE, "more_exercises")


@pytest.fixture
def lab_folder(tmp_path: Path) -> Path:
    """A lab folder with an exercise of its own, ``toy``."""
    return make_lab_folder(tmp_path / "lab")


def make_lab_folder(folder: Path, data: str = DATA) -> Path:
    """Lay down a lab folder with the exercise ``toy``."""
    toy = folder / "exercises" / "toy"
    toy.mkdir(parents=True)
    (folder / "lab.yml").touch()
    for name, text in {"exercise.py": data, "brief.en.md": "A toy.", "brief.ko.md": "장난감."}.items():
        (toy / name).write_text(text, encoding="utf-8")
    (toy / "steps.py").write_text("from .exercise import EXERCISE\n", encoding="utf-8")
    (toy / "checks.py").touch()
    return folder


def test_mounted_finds_the_exercises_of_a_lab_folder_and_forgets_them(lab_folder: Path) -> None:
    path, before = list(sys.path), set(sys.modules)
    with catalogue.mounted(lab_folder):
        toy = find("toy")
        assert (toy.package, toy.brief()) == ("lab_exercises.toy", "A toy.")
        assert list(exercises())[:3] == [prerequisite(), "service", "loadbalance"]
        assert import_part(toy, "steps").EXERCISE is toy
        assert catalogue.problems() == ()
    assert "toy" not in exercises()
    assert (sys.path, {name for name in sys.modules if name.startswith("lab_")} - before) == (path, set())


def test_mount_takes_the_place_of_another_lab_folders_exercises(lab_folder: Path, tmp_path: Path) -> None:
    another = make_lab_folder(tmp_path / "another", DATA.replace("A toy", "Another"))
    with catalogue.mounted(lab_folder):
        assert str(find("toy").title) == "A toy"
        with catalogue.mounted(another):
            assert str(find("toy").title) == "Another"
        assert str(find("toy").title) == "A toy"


def test_mounted_leaves_an_exercise_out_that_the_course_has(lab_folder: Path) -> None:
    (lab_folder / "exercises" / "toy").rename(lab_folder / "exercises" / "update")
    with catalogue.mounted(lab_folder):
        assert find("update").package == f"{COURSE}.update"
        ((name, error),) = catalogue.problems()
    assert name == "lab_exercises.update"
    assert "there is an exercise 'update' already, in " in error.message


def test_mounted_names_the_place_of_a_mistake_and_goes_on(lab_folder: Path) -> None:
    (lab_folder / "exercises" / "toy" / "exercise.py").write_text("x = (\n", encoding="utf-8")
    with catalogue.mounted(lab_folder):
        assert find("update").name == "update"
        with pytest.raises(ExerciseError, match=r"toy.exercise\.py, line 1: '\(' was never closed"):
            find("toy")


def test_mounted_takes_nothing_from_a_folder_that_is_none_of_a_lab(lab_folder: Path) -> None:
    (lab_folder / "lab.yml").unlink()
    with catalogue.mounted(lab_folder):
        assert "toy" not in exercises()
    assert catalogue.names_in(lab_folder) == []


def test_names_in_imports_nothing(lab_folder: Path) -> None:
    (lab_folder / "exercises" / "toy" / "exercise.py").write_text("raise SystemExit\n", encoding="utf-8")
    assert catalogue.names_in(lab_folder) == ["toy"]
