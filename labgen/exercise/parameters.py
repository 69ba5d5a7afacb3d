"""The parameters of an exercise: what a lab may set otherwise, and what follows from it.

An exercise declares its own as a frozen dataclass, with the course document's values as defaults::

    @dataclass(frozen=True)
    class Parameters(parameters.Parameters):
        name: Name = "web-alb"
        port: Port = 8001

        @property
        def services(self) -> tuple[ServiceSpec, ...]:
            return (ServiceSpec(self.name, "nginx", publish=(Publish(self.port, 80),)),)

A field is a parameter; what is the same in every lab is a ``ClassVar``, and what follows is a property. Claims, hints,
briefs and shipped files name them in braces: ``{port}``, ``{service.name}``.
"""

from __future__ import annotations

import difflib
import inspect
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from labgen.core.errors import ExerciseError
from labgen.exercise.services import ServiceSpec, in_bytes, repository, same_image

P = TypeVar("P", bound="Parameters")


@dataclass(frozen=True)
class Rule:
    """What the value of a parameter must be.

    :param words: as they stand in "port must be ...".
    :param holds: tells whether a value of the right type is allowed.
    """

    words: str
    holds: Callable[[Any], bool]


def _matches(pattern: str, longest: int) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: len(text) <= longest and compiled.fullmatch(text) is not None


LONGEST_NAME = 63
"""Characters that the name of a service may have; a host's name has no more."""

_DOCKER_NAME = Rule(
    "a name that Docker takes: letters, digits, hyphens and underscores, first and last no hyphen or underscore, "
    f"at most {LONGEST_NAME} characters",
    # swarmkit, manager/controlapi/common.go: validateAnnotations.
    _matches(r"[a-zA-Z0-9](?:[-_]*[A-Za-z0-9])*", LONGEST_NAME),
)

Name = Annotated[str, _DOCKER_NAME]
"""Name of a service, secret, config or stack."""

_NETWORKS = ("bridge", "default", "docker_gwbridge", "host", "ingress", "none")

Network = Annotated[
    str,
    _DOCKER_NAME,
    Rule(
        f"a name that Docker does not use itself, and so not {', '.join(_NETWORKS)}", lambda name: name not in _NETWORKS
    ),
]
"""Name of a network."""

Container = Annotated[
    str,
    _DOCKER_NAME,
    # moby, daemon/names/names.go.
    Rule("a name of 2 characters or more, as Docker takes none shorter for a container", lambda name: len(name) > 1),
]
"""Name of a container."""

Project = Annotated[
    str,
    Rule(
        "a name that Compose takes: small letters, digits, hyphens and underscores, first a letter or a digit, "
        f"at most {LONGEST_NAME} characters",
        # compose-go, loader/normalize.go: NormalizeProjectName.
        _matches(r"[a-z0-9][a-z0-9_-]*", LONGEST_NAME),
    ),
]
"""Name of a project of Compose's."""

Label = Annotated[
    str, Rule("letters, digits, hyphens, dots and underscores", _matches(r"[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?", 63))
]
"""Key or value of a node's label."""

_REGISTRY = r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?"
_PATH = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
"""A registry, and a part of a repository's path, as regular expressions."""

Image = Annotated[
    str,
    Rule(
        "an image as docker pull takes it, such as nginx or redis:6.2.5-alpine",
        # distribution/reference, without digests.
        _matches(rf"(?:{_REGISTRY}/)?{_PATH}(?:/{_PATH})*(?::\w[\w.-]{{0,127}})?", 255),
    ),
]
_OF_NODES = (22, 2377, 7946)
"""Ports that the nodes need for SSH and the swarm."""

Port = Annotated[
    int,
    Rule(
        "a port from 1 to 65535, but not 22, 2377 or 7946",
        lambda port: 1 <= port <= 65535 and port not in _OF_NODES,
    ),
]
Count = Annotated[int, Rule("a whole number from 1 to 100", lambda count: 1 <= count <= 100)]
Several = Annotated[int, Rule("a whole number from 2 to 100", lambda count: 2 <= count <= 100)]
"""Replicas, where an exercise shows nothing with a single one."""

Seconds = Annotated[float, Rule("a number of seconds from 0.1 to 3600", lambda seconds: 0.1 <= seconds <= 3600)]
Pause = Annotated[
    float,
    Rule(
        "a number of seconds from 1 to 3600, as the time that a task takes to start hides a shorter pause",
        lambda seconds: 1 <= seconds <= 3600,
    ),
]
"""Seconds between two tasks, which a check reads from their times."""

_MEMORY = Rule("memory as docker takes it, such as 512MB or 1TB", _matches(r"[1-9]\d*[KMGT]?B", 20))
Memory = Annotated[str, _MEMORY]
TooMuchMemory = Annotated[
    str,
    _MEMORY,
    Rule("more memory than any node has, from 1TB to 1000TB", lambda memory: 1 << 40 <= in_bytes(memory) <= 1000 << 40),
]
"""Memory that a task reserves in vain."""


_LONGEST_LINE = 200
"""Characters of a line of text; enough for a sentence, and short enough for a claim."""


def _is_plain_line(text: str) -> bool:
    plain = text.isprintable() and text.strip() == text != "" and text[0] != "-" and not set("'\"\\$`") & set(text)
    return plain and len(text) <= _LONGEST_LINE


Text = Annotated[
    str,
    Rule(
        "one line of text without quotes, backslashes, dollar signs and backquotes, with no hyphen first and no space "
        f"at either end, at most {_LONGEST_LINE} characters",
        _is_plain_line,
    ),
]
"""Text that commands print or write: it stands in a shell's quotes."""


@dataclass(frozen=True)
class Parameters:
    """What an exercise lets a lab set, and what it makes of it; an exercise without parameters has this one."""

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        """The services the exercise makes, as it makes them."""
        return ()

    @property
    def later(self) -> tuple[ServiceSpec, ...]:
        """The same services as later steps leave them: updated, scaled."""
        return ()

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks it makes."""
        return ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the secrets it makes."""
        return ()

    @property
    def configs(self) -> tuple[str, ...]:
        """Names of the configs it makes."""
        return ()

    @property
    def stacks(self) -> tuple[str, ...]:
        """Names of the stacks it makes."""
        return ()

    @property
    def labels(self) -> tuple[str, ...]:
        """Keys of the labels it puts on nodes."""
        return ()

    def mistakes(self) -> Iterator[str]:
        """Say what is wrong with values that are right each by itself, a sentence without its full stop each."""
        yield from ()

    def alike(self, kind: str, *names: str) -> Iterator[str]:
        """Say of parameters that must differ which have one value.

        :param kind: what they are: ``names``, which Docker compares without regard to case, ``ports`` or ``images``.
        """
        equal: Callable[[Any, Any], bool] = {"names": _same_name, "images": same_image}.get(kind, operator.eq)
        for first, second in combinations(names, 2):
            if equal(getattr(self, first), getattr(self, second)):
                yield f"{first} and {second} must be two {kind}; both are {getattr(self, second)}"

    def two_versions(self, old: str, new: str) -> Iterator[str]:
        """Say that two images are one and the same, or none the other's version."""
        yield from self.alike("images", old, new)
        before, after = getattr(self, old), getattr(self, new)
        if repository(before) != repository(after):
            yield (
                f"{old} and {new} must be two versions of one image, as an update keeps the program and its data; "
                f"they are {before} and {after}"
            )

    def not_above(self, name: str, bound: float, reason: str) -> Iterator[str]:
        """Say that a number is not above a bound: nothing happens so early, say."""
        if not getattr(self, name) > bound:
            yield f"{name} must be more than {bound:g}, as {reason}; it is {getattr(self, name):g}"

    def _mistakes(self) -> Iterator[str]:
        """Say what is wrong in the same way for every exercise, then what the exercise says."""
        types = get_type_hints(type(self), include_extras=True)
        ports = [parameter.name for parameter in fields(self) if types[parameter.name] == Port]
        yield from self.alike("ports", *ports)
        yield from self.mistakes()

    def but(self: P, **values: object) -> P:
        """Give the same parameters with other values for some.

        :raises ExerciseError: there is no such parameter, or it cannot have such a value.
        """
        names = [parameter.name for parameter in fields(self)]
        for name, value in values.items():
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1)
                raise ExerciseError(
                    f"there is no parameter '{name}'.",
                    (f"Did you mean {close[0]}? " if close else "") + f"There are: {', '.join(names) or 'none'}.",
                )
            _need_right(type(self), name, value)
        changed = replace(self, **values)
        for mistake in changed._mistakes():
            raise ExerciseError(f"{mistake}.", _CHOOSE)
        return changed

    def fill(self, text: str) -> str:
        """Put values in the place of their names in braces; other braces stay as they are.

        >>> ServiceParameters = type("ServiceParameters", (Parameters,), {"port": 8001, "within": 30.0})
        >>> ServiceParameters().fill("Port {port} answers within {within} s; {{json .Ports}} and {node} stay.")
        'Port 8001 answers within 30 s; {{json .Ports}} and {node} stay.'
        """
        return _PLACEHOLDER.sub(lambda place: self._value(place[1], place[0]), text)

    def shipped(self, name: str) -> str:
        """Read a file that lies beside the exercise's ``exercise.py``, with the values in it."""
        path = Path(inspect.getfile(type(self))).with_name(name)
        return self.fill(path.read_text(encoding="utf-8"))

    def _value(self, path: str, otherwise: str) -> str:
        value: Any = self
        for name in path.split("."):
            value = getattr(value, name, None)
            if value is None or callable(value):
                return otherwise
        return f"{value:g}" if isinstance(value, float) else str(value)


def _same_name(first: str, second: str) -> bool:
    # swarmkit, manager/state/store: services, secrets and configs are found by their names in small letters.
    return first.casefold() == second.casefold()


_CHOOSE = "Choose another value."

# Not ${name} of a shell, nor %{http_code} of curl, nor {{.Name}} of a Go template.
_PLACEHOLDER = re.compile(r"(?<![$%{])\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")


def _need_right(kind: type[Parameters], name: str, value: object) -> None:
    """Check one value against its type and its rule.

    :raises ExerciseError: it is not allowed; says what it must be.
    """
    declared = get_type_hints(kind, include_extras=True)[name]
    base, *rules = get_args(declared) if get_origin(declared) is Annotated else (declared,)
    right_type = isinstance(value, (int, float) if base is float else base) and not isinstance(value, bool)
    for rule in rules:
        if not right_type or not rule.holds(value):
            raise ExerciseError(f"{name} must be {rule.words}; it is {value!r}.", _CHOOSE)
    if not right_type:
        raise ExerciseError(f"{name} must be of type {base.__name__}; it is {value!r}.", _CHOOSE)
