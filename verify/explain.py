"""One check explained: what it claims, what it needs, what was asked of which node, and what that answered.

The check is judged again from the evidence of the last grading, so what is shown is what the verdict came from.
"""

from __future__ import annotations

import difflib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from labgen.core.atomic_files import exists, read
from labgen.core.errors import EvidenceError, ExerciseError
from labgen.core.hint import FIRST_STAGE, Stage
from labgen.core.i18n import Language, _
from labgen.model.lab_folder import LabFolder, State
from labgen.providers import PROVIDERS
from labgen.transport import tracing
from labgen.transport.observation import Observation
from verify.checks import check_of
from verify.collection import LEFT_OUT
from verify.evidence import Evidence
from verify.explaining import Explained, explanation_of
from verify.grading import grade
from verify.session import lab_in, load_evidence
from verify.verdicts import BOOK, check_id

_ANY_PROVIDER = next(iter(PROVIDERS))
"""Where nothing was graded, nothing is asked of the nodes."""


_NEAREST = 3
"""Checks that are named where there is none of a name."""


class Explainer:
    """A plugin for pytest that runs one check with those it needs, and keeps what each has looked at.

    :param check: the check, as somebody typed it.
    :ivar explanations: of the check, once for each node it is made for.
    :ivar mistake: why the checks of its exercise are left out, ``None`` where they are not.
    :ivar unknown: why there is no such check, empty where there is one.
    """

    def __init__(self, check: str) -> None:
        self.check = check
        self.explanations: list[Explained] = []
        self.unknown = ""
        self.mistake: ExerciseError | None = None
        self._items: list[pytest.Item] = []
        self._behind: dict[str, list[Observation]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Keep the check that is wanted, and what it needs."""
        checks = {check_id(item): about for item in items if (about := check_of(item))}
        self.mistake = config.stash[LEFT_OUT].get(self.check.partition(".")[0])
        names = [name for name, about in checks.items() if self.check in (name, about.id, about.name)]
        if not names:
            ids = dict.fromkeys(about.id for about in checks.values())
            near = difflib.get_close_matches(self.check, [*ids, *checks], n=3, cutoff=0.4)
            shorter = {about.name: about.id for about in checks.values()}
            near += [shorter[name] for name in difflib.get_close_matches(self.check, list(shorter), n=2)]
            self.unknown = ", ".join([*dict.fromkeys(near or ids)][:_NEAREST])
        needed = {checks[name].id for name in names}
        while True:
            more = {need for about in checks.values() if about.id in needed for need in about.needs} - needed
            if not more:
                break
            needed |= more
        items[:] = [item for item in items if (about := check_of(item)) and about.id in needed]
        self._items = [item for item in items if check_id(item) in names]

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Note what a check looks at."""
        with tracing.gather(outer=True) as behind:
            came = yield
        self._behind[check_id(item)] = behind
        return came

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Build the explanations."""
        book = session.config.stash[BOOK]
        abouts = {check_id(item): about for item in self._items if (about := check_of(item))}
        for outcome in book.report().checks:
            about = abouts.get(outcome.id)
            if about is None:
                continue
            needs = [needed for need in about.needs for needed in book.needed(need, outcome.node)]
            self.explanations.append(Explained(about, outcome, tuple(needs), tuple(self._behind[outcome.id])))


def explain(
    check: str,
    folder: LabFolder,
    evidence_file: Path | None,
    language: Language,
    *,
    full: bool = False,
    hints: Stage = FIRST_STAGE,
) -> list[str]:
    """Judge a check again from evidence, and say line by line what it looked at.

    :param check: as somebody typed it.
    :param evidence_file: of the grading; the folder's last one where ``None``.
    :param full: without shortening what nodes answered.
    :param hints: how much of them is shown.
    :raises ExerciseError: there is no such check; names the nearest.
    :raises EvidenceError: the evidence cannot be read, or is not of this check.
    """
    graded = evidence_file is not None or exists(folder.evidence)
    evidence = load_evidence(evidence_file or folder.evidence) if graded else _nothing(folder)
    explainer = Explainer(check)
    lab = lab_in(evidence, folder.path)
    grade(lab, ("all",), evidence.replay(), evidence=evidence, language=language, hints=hints, plugins=[explainer])
    if explainer.mistake:
        raise explainer.mistake
    if explainer.unknown:
        raise ExerciseError(
            _("there is no check '%(check)s'.", check=check), _("Did you mean: %(choices)s?", choices=explainer.unknown)
        )
    if not explainer.explanations:
        raise EvidenceError(_("%(check)s could not be judged again.", check=check), _("Grade again: labgen grade"))
    started = evidence.started if graded else None
    return explanation_of(explainer.explanations, started, language, full=full, hints=hints)


def _nothing(folder: LabFolder) -> Evidence:
    """Give evidence of a lab that was not graded yet: what a check claims can be told all the same."""
    return Evidence(read(folder.lab_file) or "", State(_ANY_PROVIDER))
