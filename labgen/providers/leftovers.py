"""What a provider may still have of a lab, as data; each provider's own module asks it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from labgen.core.process import Runner

ANSWER_WITHIN = 60.0
"""Seconds for an answer of a provider."""


@dataclass(frozen=True)
class LabIdentity:
    """What a lab is known by to its provider.

    :param ids: by node, ids of its machines.
    :param mark: what everything bears that was made for the lab's folder; empty where it is not known.
    :param networks: names (VirtualBox) or ids (libvirt) of networks that were made for the lab.
    """

    ids: Mapping[str, str]
    mark: str = ""
    networks: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Leftover:
    """Something that is still there.

    :param kind: ``machine``, ``network`` or ``volume``.
    :param commands: what removes it, one after the other.
    :param removable: labgen itself may run these commands: it is certainly the lab's, and nothing else uses it.
    """

    kind: str
    name: str
    commands: tuple[tuple[str, ...], ...]
    removable: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def words(runner: Runner, *argv: str) -> frozenset[str]:
    """Give the words that a program prints; raises where it fails."""
    return frozenset(runner.run(argv, timeout=ANSWER_WITHIN).or_raise().out.split())


def rows(runner: Runner, *argv: str) -> Iterator[list[str]]:
    """Give the lines that a program prints, split at tabs; raises where it fails."""
    answer = runner.run(argv, timeout=ANSWER_WITHIN).or_raise()
    return (line.split("\t") for line in answer.out.splitlines() if line.strip())
