"""The lab for the checks: which one, its nodes as parameters, what was seen of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from labgen.core.errors import EvidenceError, ExerciseError, HostError, LabFileError, LabgenError
from labgen.core.lock import GRADING_WAITS, folder_lock
from labgen.docker.api import UNREADABLE
from labgen.docker.swarm import Swarm
from labgen.exercise.catalogue import exercise_names, exercises, find, mounted, prerequisite, using
from labgen.exercise.parameters import Parameters
from labgen.machines import inventory
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import Lacks
from labgen.model.lab import Lab, Node
from labgen.model.lab_folder import LabFolder
from labgen.observation.node_facts import NodeFacts
from labgen.transport.protocol import Transport
from labgen.transport.replay import Replay
from labgen.transport.ssh import SshTransport
from verify import bundle, verdicts
from verify.checks import Check, check_of, exercise_of
from verify.collection import LEFT_OUT
from verify.detect import standing
from verify.diagnosis import CauseFinder
from verify.evidence import Evidence
from verify.exam import Exam
from verify.plugin import lab_folder_of
from verify.snapshot import bundle_of, snapshot

LAB = pytest.StashKey[Inventory]()
TRANSPORT = pytest.StashKey[Transport]()
EXAM = pytest.StashKey[Exam]()
EVIDENCE = pytest.StashKey[Evidence]()
"""What is recorded, or graded again."""

LOCK = pytest.StashKey[ExitStack]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Have the exercises of the lab folder found beside the others.

    A lab that is given, or evidence of one, brings no code with it.
    """
    folder = lab_folder_of(config)
    if folder is not None and LAB not in config.stash and not config.getoption("evidence_from", None):
        own_exercises = ExitStack()
        own_exercises.enter_context(mounted(folder))
        config.add_cleanup(own_exercises.close)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Find the lab; without one there is nothing to check. Nodes are asked while the checks are collected."""
    try:
        _lock(session.config)
        lab_of(session.config)
        if _asks_every_node(session.config):
            exam_of(session.config).begin()
    except LabgenError as error:
        session.config.stash[verdicts.REFUSED] = error
        raise pytest.UsageError(str(error)) from None


def _lock(config: pytest.Config) -> None:
    """Hold the lab's lock where checks may act on it or a report is left of it, before anything is looked at.

    :raises FolderLocked: another command still works on this lab after a minute.
    """
    # A lab that is given already is its giver's to lock (:func:`verify.grading.grade`).
    if config.getoption("evidence_from", None) or config.getoption("collectonly", False) or LAB in config.stash:
        return
    chosen = _list_chosen(config)
    leaves = any(config.getoption(name, None) for name in ("evidence", "report_dir", "report_json"))
    acting = {name for name, exercise in exercises().items() if exercise.acts}
    if chosen and not leaves and not chosen & {*acting, "all"}:
        return
    terminal = config.pluginmanager.get_plugin("terminalreporter")

    def say(text: str) -> None:
        # Past pytest's capture, which would keep it to itself.
        if terminal is not None:
            terminal.write_line(text)
            terminal.flush()

    lock = config.stash[LOCK] = ExitStack()
    lock_folder(lock, LabFolder.at(_find_lab_folder(config)), chosen, say)


def lock_folder(lock: ExitStack, folder: LabFolder, exercises: Iterable[str], say: Callable[[str], None]) -> None:
    """Lock a lab's folder for a grading, until ``lock`` is closed.

    :param exercises: names of those that are graded, for the message that another command gets.
    :param say: is told that another command is waited for.
    :raises FolderLocked: another command still works on this lab after a minute.
    """
    command = " ".join(["labgen grade", *sorted(exercises)])
    try:
        lock.enter_context(folder_lock(folder, command, wait=GRADING_WAITS, say=say))
    except HostError:
        # A folder that may only be read is graded all the same, with --report DIR: nobody else can hold its lock.
        if os.access(folder.path, os.W_OK):
            raise


def _asks_every_node(config: pytest.Config) -> bool:
    """Tell whether checks of every node are sure to be chosen: then those of the swarm itself are.

    :raises ExerciseError: an exercise is named that there is not.
    """
    fewer = (
        "collectonly",
        "evidence_from",
        "keyword",
        "markexpr",
        "deselect",
        "ignore",
        "ignore_glob",
        "lf",
        "stepwise",
    )
    if _is_replayed(config) or any(config.getoption(name, None) for name in fewer):
        return False
    _list_chosen(config)
    return any(not Path(word).suffix for word in config.args)


def lab_of(config: pytest.Config) -> Inventory:
    """Give the lab of this run.

    :raises LabgenError: it is not up, or its lab.yml cannot be.
    """
    if LAB not in config.stash:
        evidence_file = config.getoption("evidence_from", None)
        place = _find_lab_folder(config)
        if evidence_file:
            nonce = config.getoption("nonce", None)
            evidence = config.stash[EVIDENCE] = load_evidence(Path(evidence_file), nonce)
            config.stash[LAB], config.stash[TRANSPORT] = lab_in(evidence, place), evidence.replay()
            parameters = ExitStack()
            parameters.enter_context(using(evidence.parameters))
            config.add_cleanup(parameters.close)
        else:
            config.stash[LAB] = inventory.discover(place)
    lab_inventory, book = config.stash[LAB], config.stash[verdicts.BOOK]
    book.lab, book.provider, book.lacks = lab_inventory.lab, lab_inventory.state.provider, lab_inventory.lacks
    return lab_inventory


def load_evidence(file: Path, nonce: str | None = None) -> Evidence:
    """Read a bundle of evidence that is to be graded.

    :param nonce: what it must have been made with; ``None`` where that does not matter.
    :raises EvidenceError: it cannot be read, was changed, or was made with another nonce.
    """
    try:
        return bundle.load(file, nonce)
    except (OSError, ValueError, LabFileError) as why:
        reason = str((why.strerror if isinstance(why, OSError) else None) or why).rstrip(".")
        raise EvidenceError(
            f"{file} cannot be graded: {reason}.", "Pass an evidence.jsonl written by `labgen grade`."
        ) from None


def lab_in(evidence: Evidence, folder: Path | None = None) -> Inventory:
    """Give the lab that evidence is of.

    :param folder: where the grading is; nothing is read there.
    """
    return Inventory(LabFolder.at(folder), evidence.lab, evidence.state)


def _find_lab_folder(config: pytest.Config) -> Path:
    """Give the folder of the lab of this run."""
    chosen = config.getoption("lab", None)
    return Path(chosen) if chosen else nearest(Path.cwd())


def exam_of(config: pytest.Config) -> Exam:
    """Give what this run sees of its lab."""
    if EXAM not in config.stash:
        lab_inventory = lab_of(config)
        if TRANSPORT not in config.stash:
            config.stash[TRANSPORT] = _transport(config, lab_inventory)
            config.add_cleanup(config.stash[TRANSPORT].close)
        transport, book = config.stash[TRANSPORT], config.stash[verdicts.BOOK]
        nonce = config.getoption("nonce", None) or ""
        if evidence := config.stash.get(EVIDENCE, None):
            nonce = evidence.nonce
            book.started, book.evidence = evidence.started, partial(bundle_of, evidence)
            if _is_replayed(config):
                # What is graded again is told to have taken as long as it did then.
                book.clock, book.begun = transport.clock, 0.0
                book.least = max((observation.since for observation in evidence.observations), default=0.0)
        exam = config.stash[EXAM] = Exam(lab_inventory.lab, transport, lab_inventory.patience, nonce=nonce)
        book.excuse, book.snapshot = exam.unreachable, partial(snapshot, exam)
        book.diagnose = CauseFinder(exam).cause
    return config.stash[EXAM]


def _transport(config: pytest.Config, lab_inventory: Inventory) -> Transport:
    nodes = SshTransport(lab_inventory)
    if not config.getoption("evidence", None):
        return nodes
    evidence = config.stash[EVIDENCE] = Evidence.of(lab_inventory, config.getoption("nonce", None) or "")
    evidence.exercises = tuple(sorted(_list_chosen(config)))
    config.stash[verdicts.BOOK].beside[Path(config.getoption("evidence"))] = partial(bundle.write, evidence)
    return evidence.recording(nodes)


def _is_replayed(config: pytest.Config) -> bool:
    return isinstance(config.stash.get(TRANSPORT, None), Replay)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Release the lab."""
    if LOCK in config.stash:
        config.stash[LOCK].close()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Choose the exercises, then put their checks in order."""
    if not config.getoption("collectonly", False):
        _choose(config, items)
    verdicts.put_in_order(config, items)
    if not config.getoption("collectonly", False):
        exam_of(config).graded_nodes = graded_nodes(items)


def graded_nodes(items: Iterable[pytest.Item]) -> set[str]:
    """Give the names of the nodes that checks are made for."""
    calls = (item.callspec for item in items if isinstance(item, pytest.Function) and hasattr(item, "callspec"))
    nodes = (call.params.get("node") for call in calls)
    return {node.name for node in nodes if isinstance(node, Node)}


def _choose(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the exercises that nobody has named and that the lab shows nothing of."""
    graded = dict.fromkeys(about.exercise for item in items if (about := check_of(item)))
    if set(graded) <= {prerequisite()}:
        return
    swarm_seen = True
    try:
        chosen = _list_chosen(config) or _list_chosen_then(config) or set(standing(exam_of(config).swarm))
        _need_no_mistake(config, chosen)
    except ExerciseError as error:
        config.stash[verdicts.REFUSED] = error
        raise pytest.UsageError(str(error)) from None
    except (LabgenError, *UNREADABLE):
        # The swarm's own checks say why it is not to be seen; whether an exercise was begun nobody knows.
        chosen, swarm_seen = set(), False
    chosen = set(graded) if "all" in chosen else chosen | {prerequisite()}
    deselected = [item for item in items if (about := check_of(item)) and about.exercise not in chosen]
    if deselected:
        config.hook.pytest_deselected(items=deselected)
        items[:] = [item for item in items if item not in deselected]
        if swarm_seen and not (_list_chosen(config) or _list_chosen_then(config)):
            config.stash[verdicts.BOOK].not_begun = tuple(
                name for name in exercise_names() if name in graded and name not in chosen
            )


def _need_no_mistake(config: pytest.Config, chosen: set[str]) -> None:
    """See that the exercises that were named can be graded.

    :raises ExerciseError: the checks of one have a mistake.
    """
    for name, error in config.stash.get(LEFT_OUT, {}).items():
        if name in chosen:
            raise error


def _list_chosen(config: pytest.Config) -> set[str]:
    """Give the exercises that this run names: with --exercise, or by the file of their checks."""
    names = [word for option in config.getoption("exercise", None) or () for word in option.split(",")]
    files = [Path(word.partition("::")[0]).stem for word in config.args]
    tests = {file.removeprefix("test_") for file in files if file.startswith("test_")}
    return {name if name == "all" else find(name).name for name in names} | tests


def _list_chosen_then(config: pytest.Config) -> set[str]:
    """Give the exercises that were named when the evidence was taken that is graded now."""
    return set(config.stash[EVIDENCE].exercises) if _is_replayed(config) else set()


def nearest(start: Path) -> Path:
    """Find the nearest folder upward that holds what labgen remembers of a lab; ``start`` where none does."""
    return next((folder for folder in (start, *start.parents) if (folder / ".labgen").is_dir()), start)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a check that takes a node for each node it is for; a test that is no check and takes a host, for each."""
    marker = next(metafunc.definition.iter_markers("check"), None)
    if marker is None and "host" not in metafunc.fixturenames:
        return
    about: Check | None = marker.args[0] if marker else None
    try:
        lab = lab_of(metafunc.config).lab
    except LabgenError as error:
        # Only where pytest was not told of verify/ and found it by itself: this file is then read after the
        # session's start.
        raise pytest.Collector.CollectError(str(error)) from None
    if "node" not in metafunc.fixturenames:
        return
    others = tuple(node for node in lab.nodes if node != lab.first_manager)
    kinds = {"all": lab.nodes, "managers": lab.managers, "workers": lab.workers, "others": others}
    nodes = kinds[about.nodes if about else "all"]
    metafunc.parametrize("node", nodes, ids=[node.name for node in nodes])


@pytest.fixture(scope="session")
def lab(pytestconfig: pytest.Config) -> Lab:
    """Give the lab as data."""
    return lab_of(pytestconfig).lab


@pytest.fixture(scope="session")
def lacks(pytestconfig: pytest.Config) -> Lacks:
    """Give what its nodes cannot do where they run, and why."""
    return lab_of(pytestconfig).lacks


@pytest.fixture(scope="session")
def exam(pytestconfig: pytest.Config) -> Exam:
    """Give what is seen of it."""
    return exam_of(pytestconfig)


@pytest.fixture(scope="module")
def parameters(request: pytest.FixtureRequest) -> Parameters:
    """Give the parameters of the exercise whose checks these are."""
    exercise = exercise_of(request.node)
    if exercise is None:
        raise pytest.UsageError(
            "the fixture `parameters` is for the checks of an exercise. Elsewhere: "
            "labgen.exercise.catalogue.find(NAME).parameters"
        )
    return exercise.parameters


@pytest.fixture
def facts(exam: Exam, node: Node) -> NodeFacts:
    """Give what the node of this check is like."""
    return exam.facts(node)


@pytest.fixture
def swarm(exam: Exam) -> Swarm:
    """Give the whole swarm, as a manager tells it."""
    return exam.swarm
