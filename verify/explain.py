"""One check explained: what it claims, what it needs, what was asked of which node, and what that answered.

``python -m verify.explain --lab DIR CHECK`` is how ``labgen explain`` starts it. The check is judged anew from the
evidence of the last grading, so what is shown is what the verdict came from.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from labgen.core.atomic_files import exists, read
from labgen.core.console import guarded
from labgen.core.errors import EvidenceError, ExerciseError
from labgen.core.i18n import ui_language
from labgen.core.words import Language
from labgen.core.workspace import LabFolder, State
from labgen.providers import PROVIDERS
from labgen.transport import tracing
from labgen.transport.observation import Observation
from verify import bundle
from verify.__main__ import CHECKS, SETTINGS
from verify.checks import check_of
from verify.evidence import Evidence
from verify.explaining import Explained, explanation_of
from verify.verdicts import BOOK, check_id

_ANY_PROVIDER = next(iter(PROVIDERS))
"""Where nothing was graded, nothing is asked of the nodes."""


class Explainer:
    """A plugin for pytest that runs one check with those it needs, and keeps what each has looked at.

    :param check: the check, as somebody typed it.
    :ivar found: the check, once for each node it is made for.
    :ivar unknown: why there is no such check, empty where there is one.
    """

    def __init__(self, check: str, language: Language) -> None:
        self.check = check
        self.language = language
        self.explanations: list[Explained] = []
        self.unknown = ""
        self.error = ""
        self._items: list[pytest.Item] = []
        self._behind: dict[str, list[Observation]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the check that is wanted, and what it needs."""
        checks = {check_id(item): about for item in items if (about := check_of(item))}
        names = [name for name, about in checks.items() if self.check in (name, about.id, about.name)]
        if not names:
            ids = dict.fromkeys(about.id for about in checks.values())
            near = difflib.get_close_matches(self.check, [*ids, *checks], n=3, cutoff=0.4)
            shorter = {about.name: about.id for about in checks.values()}
            near += [shorter[name] for name in difflib.get_close_matches(self.check, list(shorter), n=2)]
            self.unknown = ", ".join(dict.fromkeys(near)) or ", ".join(ids)
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


def explain(check: str, evidence: Path, language: Language) -> Explainer:
    """Judge a check again from evidence, and keep what it looked at."""
    explainer = Explainer(check, language)
    pytest.main(
        [
            *SETTINGS,
            "-p",
            "no:terminal",
            "-p",
            "no:randomly",
            f"--from={evidence}",
            f"--lang={language}",
            "--exercise=all",
            str(CHECKS),
        ],
        plugins=[explainer],
    )
    return explainer


def main(argv: Sequence[str] | None = None) -> int:
    """Print the explanation; gives the exit status."""
    parser = argparse.ArgumentParser(prog="verify.explain")
    parser.add_argument("check")
    parser.add_argument("--lab", type=Path, default=Path())
    parser.add_argument("--from", type=Path, dest="evidence")
    parser.add_argument("--lang", choices=("en", "ko"), default=ui_language())
    parser.add_argument("--full", action="store_true")

    def print_lines() -> int:
        for line in _lines(parser.parse_args(argv)):
            print(line)
        return 0

    return guarded(print_lines)


def _lines(arguments: argparse.Namespace) -> Iterable[str]:
    folder = LabFolder.at(arguments.lab)
    evidence_file: Path = arguments.evidence or folder.evidence
    with TemporaryDirectory(prefix="labgen-") as scratch:
        graded = arguments.evidence is not None or exists(evidence_file)
        if not graded:
            # Nothing was graded yet: what the check claims can be told all the same.
            evidence_file = Path(scratch) / "nothing.jsonl"
            evidence_file.write_text(
                bundle.write(Evidence(read(folder.lab_file) or "", State(_ANY_PROVIDER))), encoding="utf-8"
            )
        try:
            started = bundle.load(evidence_file).started
        except (OSError, ValueError) as why:
            raise EvidenceError(f"{evidence_file} cannot be read: {why}.", "Grade anew: labgen grade") from None
        explainer = explain(arguments.check, evidence_file, arguments.lang)
    if explainer.unknown:
        raise ExerciseError(f"there is no check '{arguments.check}'.", f"Did you mean: {explainer.unknown}?")
    if not explainer.explanations:
        raise EvidenceError(f"{arguments.check} could not be judged again.", "Grade anew: labgen grade")
    return explanation_of(explainer.explanations, started if graded else None, arguments.lang, full=arguments.full)


if __name__ == "__main__":
    sys.exit(main())
