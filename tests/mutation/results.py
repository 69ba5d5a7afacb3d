"""The file of killed mutants: an interrupted run continues from it, and tries survivors again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from tests.mutation.mutants import Mutant
from tests.mutation.trial import Fate, Tried


class Results:
    """Killed mutants in a file of JSON lines, each with the test that killed it.

    A mutant is recognised by its file's source and its place in it: in a file that has changed, every mutant is new.
    """

    def __init__(self, file: Path | None, root: Path) -> None:
        self._file, self._root = file, root
        lines = file.read_text(encoding="utf-8").splitlines() if file and file.exists() else []
        self._tests: dict[str, str] = {entry["mutant"]: entry["test"] for entry in map(json.loads, lines)}

    def killed(self, mutant: Mutant) -> Tried | None:
        """Return the earlier trial that killed a mutant; None if none did."""
        test = self._tests.get(self._key(mutant))
        return None if test is None else Tried(mutant, Fate.KILLED, test)

    def add(self, tried: Tried) -> None:
        """Write down a trial if it killed its mutant."""
        if self._file is None or tried.fate is not Fate.KILLED:
            return
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"mutant": self._key(tried.mutant), "test": tried.by}) + "\n")

    def _key(self, mutant: Mutant) -> str:
        source = hashlib.sha256((self._root / mutant.path).read_bytes()).hexdigest()
        return f"{mutant.path}:{source}:{mutant.start}-{mutant.end}:{mutant.text}"
