"""Find the texts of Python modules for catalogues of translations: Babel's extraction method ``labgen``.

Beside what stands in ``_("...")`` and ``ngettext("...", "...", count)``, the claim of a check is a text: its docstring.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from operator import itemgetter
from typing import IO, Any

from babel.messages.extract import extract_python

Extracted = tuple[int, Any, Any, Any]
"""Line, keyword, its texts, and the comments for translators."""


def extract(
    module: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Any
) -> Iterator[Extracted]:
    """Yield the texts of a module in their order, as Babel asks a method of extraction for them."""
    texts: list[Extracted] = list(extract_python(module, keywords, comment_tags, options))
    module.seek(0)
    for function in ast.walk(ast.parse(module.read())):
        if isinstance(function, ast.FunctionDef) and any(map(_makes_check, function.decorator_list)):
            claim = " ".join((ast.get_docstring(function) or "").split())
            texts.append((function.body[0].lineno, None, claim, []))
    yield from sorted(texts, key=itemgetter(0))


def _makes_check(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "check"
