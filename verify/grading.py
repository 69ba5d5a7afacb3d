"""Grading as a function: pytest on the checks of the exercises, in this process, with nothing of the user's.

pytest is given its plugins as objects, settings of labgen's own and an environment without variables of pytest's: no
``conftest.py``, no ``pytest.ini``, no installed plugin and no folder of a lab has a part in it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from labgen.core.errors import EvidenceError, ExerciseError, LabgenError
from labgen.core.i18n import Language, ui_language
from labgen.exercise.catalogue import Values, are_same, find, translation_mistakes, using
from labgen.exercise.hint import FIRST_STAGE, Stage
from labgen.machines.inventory import Inventory
from labgen.report import Report
from labgen.transport.protocol import Transport
from labgen.transport.ssh import SshTransport
from verify import plugin, session
from verify.collection import LEFT_OUT
from verify.evidence import Evidence, parameters_of
from verify.verdicts import REFUSED, REPORT

CHECKS = Path(__file__).parent
"""The folder that pytest is told to collect; :mod:`verify.collection` finds the exercises for it."""

_WITHOUT = (
    # What would print, or keep files.
    *("terminal", "cacheprovider", "stepwise"),
    # What would change this process while pytest runs: its streams, warnings, logging and hooks.
    *("warnings", "logging", "faulthandler", "threadexception", "unraisableexception", "debugging"),
)
"""Plugins of pytest's own that a grading does without."""

_SETTINGS = (
    *("-c", str(CHECKS / "grading.ini"), f"--rootdir={CHECKS.parent}", "--noconftest", "--capture=no"),
    *(word for name in _WITHOUT for word in ("-p", f"no:{name}")),
)

_FAULT = "That is a fault of labgen's. Please report it, with what `labgen support` writes."

_ONE_AT_A_TIME = threading.RLock()
"""pytest keeps some of what it knows of a run in its process: the environment, Python's import hooks."""


def grade(
    lab: Inventory,
    exercises: Sequence[str] = (),
    transport: Transport | None = None,
    *,
    evidence: Evidence | None = None,
    language: Language | None = None,
    nonce: str = "",
    hints: Stage = FIRST_STAGE,
    parameters: Values | None = None,
    warn: Callable[[str], None] = lambda _text: None,
    plugins: Sequence[object] = (),
) -> Report:
    """Grade a lab and return the report. Nothing is written or printed; the lab's lock is the caller's to hold.

    May be called many times in one process, from any thread; calls of several threads wait for one another.

    :param exercises: names, or ``all``; those that the lab shows something of if there are none.
    :param transport: runs commands on the nodes; it is not closed. The lab's own connections where ``None``.
    :param evidence: what the transport records (``evidence.recording(transport)``), or plays back
        (``evidence.replay()``).
    :param language: of the report; that of this computer where ``None``.
    :param nonce: what the teacher has given for this grading; with evidence, its own counts.
    :param hints: ``Stage.NONE`` leaves them out of the report; otherwise it has all of them.
    :param parameters: values that exercises have in this grading instead of the course's, by exercise and parameter:
        ``{"recovery": {"port": 8101}}``. Evidence that is recorded keeps them; evidence that is played back has its
        own, which are taken.
    :param warn: is told which exercises are left out because of a mistake in them, and which translations cannot be
        read.
    :param plugins: take part in pytest's run.
    :raises ExerciseError: an exercise was named that there is not, or whose checks have a mistake; or a parameter
        that there is not, or a value that it cannot have.
    :raises EvidenceError: the evidence that is played back was recorded with other parameters than these.
    :raises LabgenError: the checks broke down.
    :raises KeyboardInterrupt: it was interrupted.
    """
    if not __debug__:
        raise LabgenError(
            "this Python leaves assertions out, which the checks are made of.", "Unset PYTHONOPTIMIZE, or leave -O out."
        )
    names = [name if name == "all" else find(name).name for name in exercises]
    options = [f"--lang={language or ui_language()}", *(f"--exercise={name}" for name in names)]
    options.append(f"--hints={hints}")
    options += [f"--nonce={nonce}"] if nonce else []
    way = SshTransport(lab) if transport is None else transport
    if evidence is not None:
        parameters = evidence.parameters = _agreed(parameters or {}, evidence)
    run = _Run(lab, way, evidence)
    try:
        with _ONE_AT_A_TIME, using(parameters or {}), _without_variables_of_pytest():
            arguments = [*_SETTINGS, *options, str(CHECKS)]
            status = pytest.main(arguments, plugins=[*plugin.parts(), run, *plugins])
    finally:
        if transport is None:
            way.close()
    for name, error in run.left_out.items():
        warn(f"{name}: left out: {error.message}")
    for warning in translation_mistakes(language or ui_language()):
        warn(f"warning: {warning}")
    return run.result(int(status))


def _agreed(parameters: Values, evidence: Evidence) -> Values:
    """Give the parameters for a grading by evidence: its own, or where it is still empty, those that are asked for.

    :raises EvidenceError: others are asked for than it was recorded with.
    """
    if parameters and not evidence.observations:
        return parameters
    if parameters and not are_same(parameters, evidence.parameters):
        raise EvidenceError(
            f"the evidence was made with {parameters_of(evidence)}, and cannot be graded with others.",
            "Leave the parameters out: those of the evidence are taken.",
        )
    return evidence.parameters


class _Run:
    """A plugin for pytest: hands the lab in, and takes the report out.

    :ivar left_out: why exercises were left out, by name.
    """

    def __init__(self, lab: Inventory, transport: Transport, evidence: Evidence | None) -> None:
        self.left_out: dict[str, ExerciseError] = {}
        self._lab = lab
        self._transport = transport
        self._evidence = evidence
        self._report: Report | None = None
        self._error: LabgenError | None = None
        self._interrupted = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand the lab in."""
        config.stash[session.LAB], config.stash[session.TRANSPORT] = self._lab, self._transport
        if self._evidence is not None:
            config.stash[session.EVIDENCE] = self._evidence

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, config: pytest.Config) -> Generator[None, Any, Any]:
        """Keep why nothing is graded; pytest would print it."""
        try:
            return (yield)
        except pytest.UsageError as error:
            self._error = config.stash.get(REFUSED, None) or LabgenError(str(error))
            pytest.exit(self._error.message)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Take the report out."""
        self._report = session.config.stash.get(REPORT, None)
        if LEFT_OUT in session.config.stash:
            self.left_out = session.config.stash[LEFT_OUT]

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Keep what broke down, and where; pytest would print a stack trace."""
        entry = excinfo.traceback[-1]
        place = f"{Path(entry.path).name}, line {entry.lineno + 1}"
        self._error = LabgenError(f"the checks broke down: {excinfo.exconly()} ({place})", _FAULT)
        return True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Keep whether it was one."""
        self._interrupted = excinfo.errisinstance(KeyboardInterrupt)

    def result(self, status: int) -> Report:
        """Give the report of a run that has come to its end.

        :param status: pytest's exit status.
        :raises LabgenError: it has not; says why.
        """
        if self._error is not None:
            raise self._error
        if self._interrupted:
            raise KeyboardInterrupt
        ended = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
        if self._report is None or status not in ended:
            raise LabgenError(f"pytest did not run the checks: it ended with {status}.", _FAULT)
        return self._report


@contextlib.contextmanager
def _without_variables_of_pytest() -> Iterator[None]:
    """Hide the variables by which a user tells pytest what to do, and have it load no installed plugin."""
    variables = {name: value for name, value in os.environ.items() if name.startswith("PYTEST_")}
    for name in variables:
        del os.environ[name]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]
        os.environ.update(variables)
