"""`labgen grade --from FILE FILE ...`: which words are files, and which nonce each must have been made with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from labgen.apps.handins import name_of, read_table
from labgen.core.atomic_files import exists, real
from labgen.core.errors import EvidenceError, ExerciseError, UsageError
from labgen.core.i18n import _
from labgen.exercise.catalogue import find


def files(words: Sequence[Path]) -> tuple[list[Path], list[str]]:
    """Tell files from exercises: a word after the first that names an exercise, and no file, is an exercise.

    :param words: the words after ``--from``.
    :returns: the files, each once, and the exercises.
    """
    paths: list[Path] = []
    exercises: list[str] = []
    for path in words:
        if paths and not exists(path) and _is_exercise(str(path)):
            exercises.append(str(path))
        elif real(path) not in map(real, paths):
            paths.append(path)
    return paths, exercises


def _is_exercise(word: str) -> bool:
    try:
        find(word)
    except ExerciseError:
        return False
    return True


def nonces(handins: Sequence[Path], nonce: str | None, table_file: Path | None) -> dict[Path, str | None]:
    """Give the nonce that each file must have; ``None`` where that does not matter.

    :param nonce: the nonce of all of them.
    :param table_file: the nonce of each, by name.
    :raises EvidenceError: the table cannot be read, or does not have a name.
    """
    if table_file is None:
        return dict.fromkeys(handins, nonce)
    if nonce is not None:
        raise UsageError(_("--nonce and --nonces cannot be used together."), _("Leave one of them out."))
    table = read_table(table_file)
    for file in handins:
        if name_of(file) not in table:
            raise EvidenceError(
                _(
                    "%(file)s is of %(name)s, and %(table_file)s has no such name.",
                    file=file,
                    name=name_of(file),
                    table_file=table_file,
                ),
                _("The file's name without .jsonl, or the folder of an evidence.jsonl, is the name in the table."),
            )
    return {file: table[name_of(file)] for file in handins}
