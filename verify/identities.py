"""What was drawn by lot in the lab that evidence is of: the ids of its swarm, nodes, tasks and containers.

Two labs never have one in common. Evidence with an id of a lab that an exercise's recording was made on is that
recording, or was made of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from labgen.docker import api
from labgen.exercise.recordings import hash_id, recorded_ids
from verify.evidence import Evidence

_LISTED = 2000
"""Tasks, nodes and images that the end of a bundle names; of more, how many there are."""

_SWARM = re.compile(r"http://engine/(?:nodes|tasks|services)\b")
"""Questions whose answers name nodes, tasks and images."""

_CONTAINER = re.compile(r'"ContainerID"\s*:\s*"([0-9a-f]{12,64})"')
_CLUSTER = re.compile(r'"Cluster"\s*:\s*\{\s*"ID"\s*:\s*"(\w+)"')
"""The swarm's id, as an engine tells it (``GET /info``)."""

Ids = dict[str, set[str]]


def ids(evidence: Evidence) -> Ids:
    """Give the ids of nodes, tasks and containers that were seen."""
    nodes, tasks, _ = _members(evidence)
    return {"nodes": set(nodes), "tasks": set(tasks), "containers": _matches(_CONTAINER, evidence)}


def hashed_ids(evidence: Evidence) -> set[str]:
    """Give the hashes of every id that was drawn by lot: of the swarm, its nodes, tasks and containers."""
    values = set().union(*ids(evidence).values(), _matches(_CLUSTER, evidence))
    return {hash_id(value) for value in values}


def is_recording(evidence: Evidence) -> bool:
    """Say whether evidence is of a lab that an exercise's recording was made on."""
    return not recorded_ids().isdisjoint(hashed_ids(evidence))


def members(evidence: Evidence) -> dict[str, Any]:
    """Give the nodes, tasks and images that were seen, with their ids and digests, as the engines told them last."""
    nodes, tasks, images = _members(evidence)
    return {
        "nodes": dict(sorted(nodes.items())[:_LISTED]),
        "tasks": dict(sorted(tasks.items())[:_LISTED]),
        "images": sorted(images)[:_LISTED],
        "counted": {"nodes": len(nodes), "tasks": len(tasks), "images": len(images)},
    }


def _members(evidence: Evidence) -> tuple[dict[str, str], dict[str, list[str]], set[str]]:
    answers = {
        (observation.node, observation.script): observation.out
        for observation in evidence.observations
        if _SWARM.search(observation.script)
    }
    nodes: dict[str, str] = {}
    tasks: dict[str, list[str]] = {}
    images: set[str] = set()
    for out in dict.fromkeys(answers.values()):
        for answer in _objects(out):
            spec = answer.get("Spec") if isinstance(answer.get("Spec"), dict) else {}
            image = api.at(spec, "ContainerSpec", "Image") or api.at(spec, "TaskTemplate", "ContainerSpec", "Image")
            name = api.at(answer, "Description", "Hostname")
            key = answer.get("ID")
            if isinstance(image, str):
                images.add(image)
            if isinstance(key, str) and isinstance(name, str):
                nodes[key] = name
            elif isinstance(key, str) and "ServiceID" in answer:
                tasks[key] = [str(answer.get("ServiceID")), str(answer.get("NodeID")), str(image or "")]
    return nodes, tasks, images


def _objects(out: str) -> Iterator[dict[str, Any]]:
    for line in out.split("\n"):
        if line[:1] in ("[", "{"):
            try:
                value = api.load_json(line)
            except ValueError:
                continue
            yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict))


def _matches(pattern: re.Pattern[str], evidence: Evidence) -> set[str]:
    return {match[1] for observation in evidence.observations for match in pattern.finditer(observation.out)}
