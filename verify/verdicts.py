"""The verdicts in pytest: five states, an order, an exit status, a report.

==============  =======================================  ====================
verdict         when                                     in pytest
==============  =======================================  ====================
pass            the claim holds                          passed
fail            it does not                              failed
blocked         a check it needs failed or is blocked    skipped, with reason
inconclusive    the lab could not be looked at           error
not applicable  the nodes cannot do, where they run,     skipped, with reason
                what it or a check it needs asks for; or
                the lab is too small for the exercise
==============  =======================================  ====================

Not applicable comes before every other verdict: whatever else is wrong, mending it would not let the check
be judged here. What nodes cannot do is what the lab's inventory says (``lacks``), and nothing else: a port
that does not answer where that is silent is a failure. How many nodes there are is what the lab is.

Exit status: pytest's own (0 all passed, 1 something did not, 5 nothing ran), for whoever runs
``pytest verify/``. With ``--report`` or ``--json`` it is a grading, and the status says more: 0 all
passed that is applicable, 11 something failed, 12 something could not be judged, 13 nothing was, or nothing of the
exercises that were to be. Where the run itself broke down (2 interrupted, 3 internal error, 4 wrong use) the status
stays pytest's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labgen import report as reports
from labgen.core.atomic_files import write_whole
from labgen.core.errors import (
    GRADED_INCONCLUSIVE,
    GRADED_NOTHING,
    GRADED_WITH_FAILURES,
    ExerciseError,
    HostError,
    LabgenError,
    NodeError,
    SwarmError,
)
from labgen.core.i18n import Language, recorded, ui_language
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import FIRST_STAGE, Advice, Hints, Stage, text_of
from labgen.exercise.verdict import Verdict
from labgen.observation import causes
from labgen.report import words
from verify.checks import Check, check_of
from verify.options import pytest_addoption as pytest_addoption  # a hook, found here by pytest
from verify.pytest_repr import Crash, FailureRepr, describe
from verify.results import RunResults

_WITHOUT_HINT = (Verdict.PASS, Verdict.BLOCKED, Verdict.NOT_APPLICABLE)
_EXIT = {
    "pass": 0,
    "ready": 0,
    "fail": GRADED_WITH_FAILURES,
    "inconclusive": GRADED_INCONCLUSIVE,
    "nothing": GRADED_NOTHING,
}


class Unclear(NodeError):
    """What a check needs could not be judged; the way out stands there."""


BOOK = pytest.StashKey[RunResults]()
_BEGUN = pytest.StashKey[float]()
REFUSED = pytest.StashKey[LabgenError]()
"""Why nothing can be graded at all."""

REPORT = pytest.StashKey[reports.Report]()
"""The report, once the run has ended."""

UNWRITTEN = pytest.StashKey[HostError]()
"""Why the report or the evidence could not be left."""

_NOT_APPLICABLE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Open the book."""
    config.addinivalue_line("markers", "check(about): a claim about the lab, with points, hint and needs")
    if not __debug__:
        raise pytest.UsageError(
            "this Python leaves assertions out, which the checks are made of: unset PYTHONOPTIMIZE, or leave -O out."
        )
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("the checks need one another's verdicts: run them in one process, without -n.")
    if BOOK not in config.stash:
        stage = config.getoption("hints", None)
        config.stash[BOOK] = RunResults(
            language=config.getoption("report_language", None) or ui_language(),
            hints=FIRST_STAGE if stage is None else stage,
        )


def put_in_order(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put every check after those it needs, whatever order was chosen; drop those that no node is for."""
    # pytest puts a mark of its own in place of a node if there is none, as for a worker in a lab of managers.
    empty = [item for item in items if check_of(item) and _node(item) is not None and _name(item) is None]
    if empty:
        config.hook.pytest_deselected(items=empty)
        items[:] = [item for item in items if item not in empty]
    by_id: dict[str, list[pytest.Item]] = {}
    for item in items:
        if about := check_of(item):
            by_id.setdefault(about.id, []).append(item)
    placed: dict[pytest.Item, None] = {}

    def place(item: pytest.Item, path: tuple[pytest.Item, ...] = ()) -> None:
        about = check_of(item)
        for need in about.needs if about else ():
            for needed in by_id.get(need, ()):
                if needed in path:
                    raise pytest.UsageError(f"the check {need} needs itself, by way of others.")
                if needed not in placed:
                    place(needed, (*path, item))
        placed[item] = None

    for item in list(items):
        if item not in placed:
            place(item)
    items[:] = placed
    config.stash[BOOK].expected = sum(check_of(item) is not None for item in items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Do not look where it would say nothing, or something needed is known not to be so."""
    about = check_of(item)
    if about is None:
        return
    book = item.config.stash[BOOK]
    item.stash[_BEGUN] = book.clock()
    needed = [outcome for need in about.needs for outcome in book.needed(need, _name(item))]
    lacking = [too_small] if (too_small := _too_small(about.exercise, book)) else []
    lacks = (recorded(book.lacks[capability]) for capability in about.requires if capability in book.lacks)
    lacking += [reason.in_(book.language) for reason in lacks]
    lacking += [outcome.seen for outcome in needed if outcome.verdict is Verdict.NOT_APPLICABLE]
    if lacking:
        item.stash[_NOT_APPLICABLE] = lacking[0]
        pytest.skip(f"{Verdict.NOT_APPLICABLE}: {lacking[0]}")
    for outcome in needed:
        if outcome.verdict in (Verdict.FAIL, Verdict.BLOCKED):
            pytest.skip(f"blocked: {words.NEEDS_NOT_SO.in_(book.language, check=outcome.id)}")
    for outcome in needed:
        if outcome.verdict is Verdict.INCONCLUSIVE:
            raise Unclear(words.NEEDS_UNJUDGED.in_(book.language, check=outcome.id))


def _too_small(name: str, book: RunResults) -> str:
    """Say why the lab is too small for an exercise; empty where it is not."""
    exercise = exercises().get(name)
    return exercise.lacking(book.lab).in_(book.language).rstrip(".") if exercise and book.lab else ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn what happened into a verdict, and keep it."""
    report = yield
    about = check_of(item)
    if about is None or call.when == "teardown":
        return report
    # Its preparation counts too: facts are read there.
    book = item.config.stash[BOOK]
    spent = max(book.clock() - item.stash.get(_BEGUN, book.clock()), 0.0)
    if call.when == "setup" and call.excinfo is None:
        return report
    error = call.excinfo.value if call.excinfo else None
    verdict = _judge(error)
    observed = _seen(error, book.language)
    if (lacking := item.stash.get(_NOT_APPLICABLE, "")) and verdict is Verdict.BLOCKED:
        verdict, observed = Verdict.NOT_APPLICABLE, lacking
    if verdict is Verdict.FAIL and about.whole_lab and (excuse := book.excuse()):
        verdict, observed = Verdict.INCONCLUSIVE, f"{observed}\n{excuse}"
    finding = _cause(about, item, book, error) if verdict is Verdict.FAIL else None
    # The cause helps as much as a hint does. It is looked for all the same, so that the evidence has it.
    if book.hints is Stage.NONE:
        finding = None
    if finding:
        own_words = "" if isinstance(error, SwarmError) else observed
        observed = _beginning(finding.words.in_(book.language), own_words)
    hints = finding.hints if finding else _hints(about, verdict, error, book)
    advice = tuple(map(reports.cleaned, _advice(hints, item, book)))
    outcome = reports.Outcome(
        id=check_id(item),
        exercise=about.exercise,
        name=about.name,
        node=_name(item),
        claim=about.claim.in_(book.language),
        points=about.points,
        got=about.points if verdict is Verdict.PASS else 0,
        verdict=verdict,
        seen=reports.clean(observed),
        hint=text_of(advice),
        seconds=spent,
        hints=advice,
        cause=finding.cause if finding else "",
    )
    book.outcomes[outcome.id] = outcome
    book.places[outcome.id] = _place(about, item, book)
    report.user_properties.append(("verdict", str(verdict)))
    if verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        report.outcome = "failed"
        report.longrepr = FailureRepr(describe(outcome, book.language, book.hints), Crash(outcome.seen))  # type: ignore[assignment]
    elif verdict in (Verdict.BLOCKED, Verdict.NOT_APPLICABLE):
        # pytest would name the line here that skips it.
        path, line, _ = item.reportinfo()
        report.longrepr = (str(path), (line or 0) + 1, f"Skipped: {verdict}: {outcome.seen}")
    return report


def pytest_report_teststatus(report: pytest.TestReport | pytest.CollectReport) -> tuple[str, str, str] | None:
    """Show a verdict by its own name; an inconclusive one is an error, wherever it came up."""
    verdict = dict(getattr(report, "user_properties", ())).get("verdict")
    if verdict == Verdict.INCONCLUSIVE:
        return "error", "E", "INCONCLUSIVE"
    if verdict == Verdict.FAIL:
        return "failed", "F", "FAILED"
    if verdict == Verdict.BLOCKED:
        return "skipped", "b", "BLOCKED"
    if verdict == Verdict.NOT_APPLICABLE:
        # Counted by itself: pytest's summary gives all that is skipped the word of the first.
        return str(verdict), "n", "NOT APPLICABLE"
    return None


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the reports, and say in the exit status how it came out."""
    config = session.config
    directory, file = config.getoption("report_dir", None), config.getoption("report_json", None)
    report = config.stash[REPORT] = config.stash[BOOK].report()
    if exitstatus == pytest.ExitCode.OK and report.verdict in ("fail", "inconclusive"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if exitstatus == pytest.ExitCode.OK and report.checks and report.verdict == "nothing":
        session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
    if config.getoption("collectonly", False):
        return
    if unwritten := leave(_files(config, report)):
        config.stash[UNWRITTEN] = unwritten
    if not (directory or file):
        return
    if exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED):
        graded = exit_status(report)
        # A test beside the checks may have failed where every check passed: that stays a failure.
        session.exitstatus = graded or exitstatus
    if UNWRITTEN in config.stash:
        session.exitstatus = config.stash[UNWRITTEN].exit_status


def exit_status(report: reports.Report) -> int:
    """Give the exit status of a grading (see :mod:`labgen.core.errors`)."""
    return _EXIT[report.verdict]


def leave(texts: Iterable[tuple[Path, str]]) -> HostError | None:
    """Write files that a grading leaves.

    :returns: why the first of what cannot be written cannot: the grade is told all the same.
    """
    unwritten = None
    for path, text in texts:
        try:
            # For the user's eyes, and never where a link in its place leads to.
            write_whole(path, text, mode=0o600)
        except HostError as error:
            hint = "Check the folder and the disk, or leave the report elsewhere: --report DIR"
            unwritten = unwritten or HostError(error.message, hint)
    return unwritten


def _files(config: pytest.Config, report: reports.Report) -> Iterator[tuple[Path, str]]:
    directory, file = config.getoption("report_dir", None), config.getoption("report_json", None)
    for path, write in config.stash[BOOK].beside.items():
        yield path, write()
    if file:
        yield Path(file), reports.to_json(report)
    if directory:
        from labgen.report.files import files  # what draws the page is loaded only where there is to be one

        for name, text in files(report, config.stash[BOOK].hints):
            yield Path(directory) / name, text


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the grade."""
    report = config.stash.get(REPORT, None) or config.stash[BOOK].report()
    if report.checks:
        terminalreporter.section("grade")
        terminal = terminalreporter._tw
        # To a file or a pipe nobody says how wide it is.
        width = terminal.fullwidth if terminal.hasmarkup else reports.WIDTH
        hints = config.stash[BOOK].hints
        terminalreporter.write(reports.to_text(report, width=width, colour=terminal.hasmarkup, hints=hints))
    if terminalreporter.hasopt("s"):
        for reason in report.not_applicable:
            terminalreporter.line(f"NOT APPLICABLE [{reason.checks}] {reason.reason}")
    if UNWRITTEN in config.stash:
        terminalreporter.line(f"error: {config.stash[UNWRITTEN]}")


def _judge(error: BaseException | None) -> Verdict:
    if error is None:
        return Verdict.PASS
    if isinstance(error, pytest.skip.Exception):
        return Verdict.BLOCKED
    if isinstance(error, (AssertionError, pytest.fail.Exception, SwarmError, ExerciseError)):
        return Verdict.FAIL
    # Whatever else comes up is no fault of the learner's.
    return Verdict.INCONCLUSIVE


def _cause(
    about: Check, item: pytest.Item, book: RunResults, error: BaseException | None
) -> causes.RecognisedCause | None:
    """Find the cause of a failure. The verdict stands, whatever comes of that."""
    try:
        if isinstance(error, SwarmError):
            about = replace(about, topics=(*about.topics, "swarm"))
        return book.diagnose(about, _name(item))
    except Exception:
        return None


def _beginning(cause: str, observed: str) -> str:
    """Give what was seen, beginning with its cause."""
    return cause if not observed or observed in cause else f"{cause}\n{observed}"


def _seen(error: BaseException | None, language: Language) -> str:
    if error is None:
        return ""
    if isinstance(error, LabgenError):
        return error.words.in_(language)
    if isinstance(error, AssertionError):
        # pytest adds what it knows of the expression after the check's own words.
        return str(error).split("\nassert ", 1)[0].removeprefix("AssertionError: ")
    if isinstance(error, (pytest.skip.Exception, pytest.fail.Exception)):
        return str(error.msg).removeprefix("blocked: ")
    return f"{type(error).__name__}: {error}"


def _hints(about: Check, verdict: Verdict, error: BaseException | None, book: RunResults) -> Hints:
    """Give the hints of a verdict for which no cause was found."""
    if verdict in _WITHOUT_HINT or isinstance(error, Unclear) or book.hints is Stage.NONE:
        return ()
    of_error = error.hints if isinstance(error, LabgenError) else ()
    return of_error or (words.START_MACHINES if verdict is Verdict.INCONCLUSIVE else _with_words(about.hints))


def _with_words(hints: Hints) -> Hints:
    """Give hints of which one at least says what to look at."""
    if not hints or any(hint.words or hint.look for hint in hints):
        return hints
    return (replace(hints[0], look=words.COMPARE), *hints[1:])


def _advice(hints: Hints, item: pytest.Item, book: RunResults) -> tuple[Advice, ...]:
    """Give hints in the report's language, with the names of the node that a check is about."""
    manager = book.lab.first_manager if book.lab else None
    node = _node(item) or manager
    names: Mapping[str, str] = {
        "node": getattr(node, "name", ""),
        "address": str(getattr(node, "address", "")),
        "manager": manager.name if manager else "",
    }
    return tuple(hint.in_(book.language, names) for hint in hints)


def _place(about: Check, item: pytest.Item, book: RunResults) -> tuple[int, ...]:
    """Give a check's place: the swarm first, then the course in its order; in each, the order of the module."""
    order = [*exercises()]
    exercise = order.index(about.exercise) if about.exercise in order else len(order)
    names = [node.name for node in book.lab.nodes] if book.lab else []
    node = names.index(name) if (name := _name(item)) in names else 0
    return exercise, item.reportinfo()[1] or 0, node


def _node(item: pytest.Item) -> Any:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("node") if callspec is not None else None


def _name(item: pytest.Item) -> str | None:
    name = getattr(_node(item), "name", None)
    return str(name) if name is not None else None


def check_id(item: pytest.Item) -> str:
    """Give the id of a check, with the node or parameter it was made for; empty for a test that is none."""
    about, callspec = check_of(item), getattr(item, "callspec", None)
    if about is None:
        return ""
    return f"{about.id}[{callspec.id}]" if callspec is not None else about.id
