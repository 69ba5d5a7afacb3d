"""``lab.yml``: reading it, checking it, and its JSON Schema.

Without a file the lab is the course document's. Every mistake is reported at once: the shape is
checked by pydantic, then what is well shaped is checked for sense (addresses, names, overlaps).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from labgen.errors import LabFileError, Problem
from labgen.lab import Lab
from labgen.labfile.model import LabFile
from labgen.labfile.sense import build
from labgen.labfile.shape import from_pydantic, without
from labgen.labfile.source import read_yaml, with_line

FILE_NAME = "lab.yml"


def load(path: Path | None = None) -> Lab:
    """The lab that ``path`` describes; the document's where there is no such file.

    :param path: a lab file; ``lab.yml`` of the working directory where ``None``. A path given by
        hand must exist.
    :raises LabFileError: holds every mistake in it.
    """
    source = path or Path(FILE_NAME)
    try:
        text = source.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        if path is None:
            return parse("", FILE_NAME)
        raise LabFileError(
            str(path), [Problem("file", str(path), "does not exist.", "Check the path, or leave it out.")]
        ) from None
    except UnicodeDecodeError as why:
        raise LabFileError(
            str(source),
            [Problem("file", "", f"is not UTF-8 (byte {why.start}).", "Save it as UTF-8 in your editor.")],
        ) from None
    except OSError as why:
        raise LabFileError(
            str(source), [Problem("file", "", f"cannot be read: {why.strerror}.", "Check its permissions.")]
        ) from None
    return parse(text, str(source))


def parse(text: str, source: str = FILE_NAME) -> Lab:
    """The lab that a YAML text describes.

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
        _, more = build(LabFile.model_validate(without(raw, locs)))
        blurred = {loc[0] for loc in locs}
        problems += [problem for problem in more if problem.place not in blurred]
    else:
        lab, problems = build(entry)
    located = [with_line(problem, lines) for problem in (*misnamed, *problems)]
    fatal = [problem for problem in located if problem.fatal]
    if fatal or lab is None:
        raise LabFileError(source, sorted(located, key=lambda p: (p.line or 0, p.place)))
    if located:
        lab = replace(lab, warnings=tuple(str(problem) for problem in located))
    return lab


def schema() -> dict[str, Any]:
    """JSON Schema of ``lab.yml``, for editors."""
    made = LabFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "labgen lab.yml"}
