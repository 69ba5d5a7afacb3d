"""Plain scalars of YAML: read as the user wrote them.

YAML 1.1, which PyYAML speaks, reads ``01024`` as 532 (octal), ``17:04`` as 1024 (base 60), ``on`` as true and
``2024-03-04`` as a date. Nobody means that in a lab file, so only plain decimal numbers become numbers; the others stay
what was written, which no key of ``lab.yml`` takes, and the mistake shows them as they stand there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from labgen.core.i18n import Text, _

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,17})")

KINDS: Mapping[str, Text] = {
    "int": _("a number"),
    "float": _("a number"),
    "bool": _("a truth value"),
    "null": _("nothing"),
    "timestamp": _("a date"),
}
"""What YAML takes a scalar for, by the last part of its tag."""


@dataclass(frozen=True)
class Unquoted:
    """A scalar that YAML does not read as text.

    :param text: as it is written in the file.
    :param kind: what YAML takes it for: a key of :data:`KINDS`.
    """

    text: str
    kind: str


class Loader(yaml.SafeLoader):
    """SafeLoader whose numbers are plain decimals; other numbers, truth values and dates come as :class:`Unquoted`."""


def _number(loader: Loader, node: yaml.Node) -> int | Unquoted:
    scalar = _as_written(loader, node)
    return int(scalar.text) if _DECIMAL.fullmatch(scalar.text) else scalar


def _as_written(loader: Loader, node: yaml.Node) -> Unquoted:
    if not isinstance(node, yaml.ScalarNode):
        raise yaml.constructor.ConstructorError(
            problem=f"expected a scalar, but there is a {type(node).__name__}", problem_mark=node.start_mark
        )
    return Unquoted(str(loader.construct_scalar(node)), node.tag.rpartition(":")[2])


def _constructors() -> dict[str, Any]:
    return {"int": _number, "float": _as_written, "bool": _as_written, "timestamp": _as_written}


for _tag, _construct in _constructors().items():
    Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct)
