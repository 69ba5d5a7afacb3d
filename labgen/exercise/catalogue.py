"""Find the exercises: a folder each, under the packages that hold exercises.

``labgen.exercises`` holds those of the course. An installed distribution adds a package of its own by an entry point of
the group ``labgen.exercises``, a lab folder those in its folder ``exercises`` (:func:`mounted`). A folder is one
exercise, by the folder's name::

    loadbalance/
        exercise.py               EXERCISE: what it is about, as data
        steps.py                  how it is carried out
        checks.py                 what must be true
        brief.en.md  brief.ko.md  what the learner is to do

What is wrong with one folder is kept (:attr:`Catalogue.problems`) and told where that exercise is asked for; the other
exercises go on working.
"""

from __future__ import annotations

import difflib
import importlib
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Literal

from labgen.core.errors import ExerciseError
from labgen.core.i18n import LANGUAGES, NOTHING, Language, Messages, Text, _, sentences
from labgen.exercise.conflicts import need_no_conflict
from labgen.exercise.model import Exercise, brief_file
from labgen.model.capabilities import Capability

COURSE = "labgen.exercises"
"""Package with the exercises of the course."""

ENTRY_POINTS = "labgen.exercises"
"""Group of entry points by which other distributions name their package of exercises."""

LAB = "lab_exercises"
"""Name by which the exercises of a lab folder are imported while they are mounted."""

_TASKS = ("all", "reset")
"""Names that mean something else where exercises are named."""

Part = Literal["exercise", "steps", "checks", "faults"]

Values = Mapping[str, Mapping[str, object]]
"""Values of parameters, by exercise and parameter: ``{"recovery": {"port": 8101}}``."""

_FILES = ("exercise.py", "steps.py", "checks.py", *map(brief_file, LANGUAGES))


@dataclass(frozen=True)
class Catalogue:
    """Every exercise that can be used, and what is wrong with the other folders.

    :param exercises: by name, in their order.
    :param problems: one for each folder that holds no usable exercise, by the folder's name.
    """

    exercises: Mapping[str, Exercise]
    problems: Sequence[tuple[str, ExerciseError]]


def exercises() -> Mapping[str, Exercise]:
    """Give every exercise by name, in its order, with the parameters that are in use."""
    changed = _changed.get()
    return {**_catalogue().exercises, **changed} if changed else _catalogue().exercises


@contextmanager
def using(parameters: Values) -> Iterator[None]:
    """Let exercises have other parameters meanwhile, wherever they are asked for in this thread or task.

    :raises ExerciseError: there is no such exercise or parameter, a value is not allowed, or two exercises would
        publish one port or make something of the same name.
    """
    changed = {name: find(name).with_parameters(**values) for name, values in parameters.items()}
    course = {**exercises(), **changed}
    for exercise in changed.values():
        need_no_conflict(exercise, course, _catalogue().exercises)
    before = _changed.set({**(_changed.get() or {}), **changed})
    try:
        yield
    finally:
        _changed.reset(before)


def are_same(parameters: Values, others: Values) -> bool:
    """Tell whether exercises are the same with other values for their parameters; a course's value may be named.

    :raises ExerciseError: there is no such exercise or parameter, or a value is not allowed.
    """
    return all(
        find(name).with_parameters(**parameters.get(name, {})) == find(name).with_parameters(**others.get(name, {}))
        for name in {*parameters, *others}
    )


_changed: ContextVar[Mapping[str, Exercise] | None] = ContextVar("exercises with other parameters", default=None)


def exercise_names() -> tuple[str, ...]:
    """Give the name of every exercise, in their order."""
    return tuple(exercises())


def problems() -> Sequence[tuple[str, ExerciseError]]:
    """Say what is wrong with folders that hold no usable exercise: the folder's name, and why.

    A folder that has the name of another exercise is named by its package: ``lab_exercises.update``.
    """
    return _catalogue().problems


@cache
def prerequisite() -> str:
    """Name the exercise with whose checks every grading begins: the swarm itself."""
    return next((name for name, exercise in exercises().items() if exercise.prerequisite), "")


def translation_mistakes(language: Language) -> list[Text]:
    """List the exercises from elsewhere whose translations cannot be read, a sentence with the reason for each."""
    own = [exercise for exercise in exercises().values() if not exercise.module.startswith(f"{COURSE}.")]
    mistakes = [Messages.beside(str(_file(exercise.package, "exercise"))).mistake(language) for exercise in own]
    return [
        _(
            "%(mistake)s; the texts of %(exercise)s are in English.",
            mistake=mistake.rstrip("."),
            exercise=exercise.name,
        )
        for exercise, mistake in zip(own, mistakes, strict=True)
        if mistake
    ]


def find(name: str) -> Exercise:
    """Find the exercise of that name.

    :raises ExerciseError: there is none (names the nearest), or its folder has a mistake (names file and line).
    """
    if name in exercises():
        return exercises()[name]
    for folder, error in problems():
        if folder == name:
            raise error
    close = difflib.get_close_matches(name, exercises(), n=3)
    guess = _("Did you mean %(names)s?", names=" / ".join(close)) if close else NOTHING
    listed = _("The exercises are: %(names)s.", names=", ".join(exercises()))
    raise ExerciseError(_("there is no exercise '%(name)s'.", name=name), sentences(guess, listed))


def import_part(exercise: Exercise, part: Part) -> ModuleType:
    """Import a module of an exercise.

    :raises ExerciseError: it cannot be imported: names file and line.
    """
    return _import(exercise.package, part)


def packages() -> tuple[str, ...]:
    """List the packages that hold exercises: the course's, installed ones, and the lab folder's."""
    installed = sorted({entry.module for entry in entry_points(group=ENTRY_POINTS)} - {COURSE})
    return (COURSE, *installed, *([LAB] if LAB in sys.modules else []))


@contextmanager
def mounted(folder: Path) -> Iterator[None]:
    """Have the exercises of a lab folder found beside the others, until the end of the block.

    They are code of the lab folder's, as its fabfile is, and are run: never mount those of somebody whose lab or
    evidence is graded.
    """
    outer = sys.modules.get(LAB)
    mount(folder)
    try:
        yield
    finally:
        _unmount()
        if outer is not None:
            mount(Path(outer.__path__[0]).parent)


def mount(folder: Path) -> None:
    """Have the exercises of a lab folder found beside the others, in place of those of another lab folder."""
    _unmount()
    if not names_in(folder):
        return
    spec = ModuleSpec(LAB, None, is_package=True)
    spec.submodule_search_locations = [str(folder / "exercises")]
    # A package without a file, and without an entry in sys.path, where its name could hide another.
    sys.modules[LAB] = module_from_spec(spec)
    importlib.invalidate_caches()
    _forget()


def _unmount() -> None:
    if LAB in sys.modules:
        for name in [name for name in sys.modules if name.partition(".")[0] == LAB]:
            del sys.modules[name]
        _forget()


def _forget() -> None:
    _catalogue.cache_clear()
    prerequisite.cache_clear()


def names_in(folder: Path) -> list[str]:
    """Name the exercises of a lab folder; nothing of them is imported."""
    # A folder that may not be read has none; whoever needs more of it says so.
    with suppress(OSError):
        if any((folder / name).exists() for name in ("lab.yml", ".labgen")):
            return [path.name for path in _subfolders(folder / "exercises")]
    return []


@cache
def _catalogue() -> Catalogue:
    return load(packages())


def load(roots: Sequence[str]) -> Catalogue:
    """Read the exercises of some packages.

    :param roots: the packages; of two exercises of one name, that of the earlier package is used.
    """
    usable: dict[str, Exercise] = {}
    wrong: list[tuple[str, ExerciseError]] = []
    for root in roots:
        try:
            folders = list(_folders(root))
        except Exception as error:
            wrong.append((root, ExerciseError(f"the exercises of {root} cannot be imported: {error}.", _MEND)))
            continue
        for folder in folders:
            try:
                exercise = _read(root, folder)
                _need_unique(exercise, usable)
            except ExerciseError as error:
                # By its package where another exercise has the name, which goes on working.
                wrong.append((f"{root}.{folder.name}" if folder.name in usable else folder.name, error))
            else:
                usable[exercise.name] = exercise
    ordered = sorted(usable.values(), key=lambda exercise: (exercise.order, exercise.name))
    return Catalogue({exercise.name: exercise for exercise in ordered}, tuple(wrong))


def _folders(root: str) -> Iterator[Path]:
    """List the folders of a package that hold files; the ``__pycache__`` of a removed one holds none."""
    for place in importlib.import_module(root).__path__:
        yield from _subfolders(Path(place))


def _subfolders(place: Path) -> list[Path]:
    folders = [path for path in sorted(place.iterdir()) if path.name[0] not in "._"] if place.is_dir() else []
    return [folder for folder in folders if folder.is_dir() and any(path.is_file() for path in folder.iterdir())]


def _read(root: str, folder: Path) -> Exercise:
    """Read the data of an exercise, and see that its folder is complete.

    :raises ExerciseError: it is not; names file and line.
    """
    if missing := next((name for name in _FILES if not (folder / name).is_file()), ""):
        raise ExerciseError(f"{folder / missing} is missing.", f"An exercise takes the files {', '.join(_FILES)}.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", folder.name) or folder.name in _TASKS:
        raise ExerciseError(
            f"{folder}: an exercise cannot be called {folder.name!r}.",
            "Rename the folder: small letters, digits and _, a letter first; not all or reset.",
        )
    package = f"{root}.{folder.name}"
    exercise = getattr(_import(package, "exercise"), "EXERCISE", None)
    data = folder / "exercise.py"
    if not isinstance(exercise, Exercise):
        raise ExerciseError(f"{data}, line 1: it defines no EXERCISE.", "Write: EXERCISE = Exercise(__name__, ...)")
    if exercise.module != f"{package}.exercise":
        raise ExerciseError(
            f"{_line_of(data, 'EXERCISE')}: the first argument of Exercise is {exercise.module!r}.",
            "Write: EXERCISE = Exercise(__name__, ...)",
        )
    if strange := [str(capability) for capability in exercise.instead if not isinstance(capability, Capability)]:
        raise ExerciseError(f"{_line_of(data, strange[0])}: {_no_capability(strange[0])}", _MEND)
    return exercise


def _need_unique(exercise: Exercise, usable: Mapping[str, Exercise]) -> None:
    """See that nothing stands twice: a name, or the exercise with which a grading begins.

    :raises ExerciseError: it does.
    """
    data = _line_of(_file(exercise.package, "exercise"), "EXERCISE")
    if exercise.name in usable:
        first = _file(usable[exercise.name].package, "exercise")
        raise ExerciseError(
            f"{data}: there is an exercise '{exercise.name}' already, in {first}.", "Rename the folder."
        )
    first_of_all = [name for name, earlier in usable.items() if earlier.prerequisite]
    if exercise.prerequisite and first_of_all:
        raise ExerciseError(
            f"{data}: every grading begins with {first_of_all[0]}, and so with no other exercise.",
            "Leave prerequisite=True out.",
        )


_MEND = "Correct it; the other exercises work meanwhile."


def _import(package: str, part: Part) -> ModuleType:
    try:
        return importlib.import_module(f"{package}.{part}")
    except (Exception, SystemExit) as error:
        raise mistake(package, part, error) from None


def mistake(package: str, part: Part, error: BaseException) -> ExerciseError:
    """Say in one sentence what keeps a module of an exercise from being imported: file, line and reason."""
    path, line = _file(package, part), 1
    if isinstance(error, SyntaxError) and error.filename:
        path, line = Path(error.filename), error.lineno or 1
    else:
        frames = [
            frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent == path.parent
        ]
        if frames:
            path, line = Path(frames[-1].filename), frames[-1].lineno or 1
    reason = " ".join(_reason(error).split()).rstrip(".")
    return ExerciseError(f"{path}, line {line}: {reason}.", _MEND)


def _reason(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return error.msg
    if isinstance(error, AttributeError) and error.obj is Capability:
        return _no_capability(str(error.name))
    if isinstance(error, ExerciseError):
        return error.message
    return f"{type(error).__name__}: {error}"


def _no_capability(name: str) -> str:
    return f"there is no capability {name}; there are {', '.join(capability.name for capability in Capability)}."


def _file(package: str, part: Part) -> Path:
    """Find the path of a module without importing it, which may be what does not work."""
    root, _, name = package.rpartition(".")
    places = [Path(place) / name / f"{part}.py" for place in importlib.import_module(root).__path__]
    return next((path for path in places if path.is_file()), places[0])


def _line_of(path: Path, word: str) -> str:
    """Name a file, and the first line of it that has a word."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return f"{path}, line {next((number for number, line in enumerate(lines, 1) if word in line), 1)}"
