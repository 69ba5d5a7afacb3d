"""``lab.yml``: reading it, checking it, and its JSON Schema.

Without a file the lab is the course document's. Every mistake is reported at once: the shape is
checked by pydantic, then what is well shaped is checked for sense (addresses, names, overlaps).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labgen.config.messages import from_pydantic, without
from labgen.config.reading import FILE_NAME, misnamed, text_of
from labgen.config.schema import LabFile
from labgen.config.semantics import build
from labgen.config.yaml_loader import read_yaml, with_line
from labgen.core.errors import LabFileError, Problem
from labgen.core.i18n import _
from labgen.model.lab import Lab


def load(path: Path | None = None) -> Lab:
    """Read the lab that ``path`` describes.

    :param path: a lab file, which must exist; ``None`` for the lab of the course document.
    :raises LabFileError: holds every mistake in it.
    """
    if path is None:
        return parse("")
    try:
        text = text_of(path, str(path))
    except FileNotFoundError:
        raise LabFileError(
            str(path), [Problem("file", str(path), _("does not exist."), _("Check the path, or leave it out."))]
        ) from None
    return parse(text, str(path))


def of_folder(folder: Path) -> Lab:
    """Read the lab of a folder from its ``lab.yml``; without one it is the document's.

    :raises LabFileError: holds every mistake in ``lab.yml``; or there is none, but a file whose name is nearly that.
    """
    path = folder / FILE_NAME
    others = list(misnamed(folder))
    try:
        text = text_of(path, str(path))
    except FileNotFoundError:
        if others:
            fix = _("Rename it to %(file)s, or to another name if it is not meant.", file=FILE_NAME)
            raise LabFileError(
                str(folder / others[0]),
                [Problem("file", "", _("is not read: labgen reads %(file)s.", file=FILE_NAME), fix)],
            ) from None
        return parse("")
    lab = parse(text, str(path))
    unread = tuple(
        _("%(name)s is not read: labgen reads %(file)s. Rename or remove %(name)s.", name=name, file=FILE_NAME)
        for name in others
    )
    return replace(lab, warnings=(*lab.warnings, *unread)) if unread else lab


def parse(text: str, source: str = FILE_NAME) -> Lab:
    """Read the lab that a YAML text describes.

    :param source: what to call the text in errors.
    :raises LabFileError: holds every mistake in it.
    """
    raw, lines, misnamed = read_yaml(text, source)
    lab: Lab | None = None
    try:
        entry = LabFile.model_validate(raw)
    except ValidationError as wrong:
        problems = [from_pydantic(error) for error in wrong.errors()]
        # What is well shaped is still checked for sense, so that one run shows every mistake.
        locs = [error["loc"] for error in wrong.errors()]
        _lab, more = build(LabFile.model_validate(without(raw, locs)))
        blurred = {loc[0] for loc in locs}
        problems += [problem for problem in more if problem.place not in blurred]
    else:
        lab, problems = build(entry)
    located = [with_line(problem, lines) for problem in (*misnamed, *problems)]
    fatal = [problem for problem in located if problem.fatal]
    if fatal or lab is None:
        raise LabFileError(source, sorted(located, key=lambda p: (p.line or 0, p.place)))
    if located:
        lab = replace(lab, warnings=tuple(located))
    return lab


def schema() -> dict[str, Any]:
    """Give the JSON Schema of ``lab.yml``, for editors."""
    model_schema = LabFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model_schema, "title": "labgen lab.yml"}
