"""Which nodes meet a service's constraints, as the scheduler decides it (swarmkit ``manager/constraint``)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labgen.docker.model import SwarmNode

_CONSTRAINT = re.compile(r"\s*([\w.-]+)\s*(==|!=)\s*(.*?)\s*$")


def excluded(constraints: Iterable[str], nodes: Iterable[SwarmNode]) -> list[SwarmNode]:
    """Give the nodes on which constraints let no task run."""
    written = list(constraints)
    return [node for node in nodes if not all(meets(node, constraint) for constraint in written)]


def meets(node: SwarmNode, constraint: str) -> bool:
    """Say whether a node meets one constraint: ``node.role==worker``; no node meets one that cannot be read."""
    parts = _CONSTRAINT.match(constraint)
    if parts is None:
        return False
    key, operator, value = parts.groups()
    return (_value(node, key).casefold() == value.casefold()) == (operator == "==")


def _value(node: SwarmNode, key: str) -> str:
    kind, _, label = key.partition(".labels.")
    if label:
        labels = node.labels if kind == "node" else node.engine_labels
        return labels.get(label, "")
    return {
        "node.id": node.id,
        "node.hostname": node.name,
        "node.role": node.role,
        "node.platform.os": node.os,
        "node.platform.arch": node.architecture,
    }.get(key, "")
