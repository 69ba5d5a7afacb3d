"""Which registries a node's engine asks before Docker Hub."""

from __future__ import annotations

from typing import Any

from labgen.model.lab import Lab
from labgen.observation.node_facts import NodeFacts
from provision.shell import write_file

LOCAL_REGISTRY = "http://127.0.0.1:5000"
"""The registry in the box that labgen builds, which holds the course's images."""

NOTE = "/etc/docker/labgen-mirror"
"""Holds the mirror of lab.yml that labgen has set: one that leaves lab.yml is taken away, a person's own is not."""


def apply(settings: dict[str, Any], facts: NodeFacts, lab: Lab) -> None:
    """Set the mirrors in the engine's settings: those of lab.yml, of the box, and a person's own."""
    mirrors = [mirror for mirror in _list(settings, "registry-mirrors") if mirror.rstrip("/") != facts.mirror_set]
    insecure = [name for name in _list(settings, "insecure-registries") if name != _plain(facts.mirror_set)]
    own = [mirror for mirror in mirrors if mirror.rstrip("/") != LOCAL_REGISTRY]
    if lab.registry_mirror:
        mirrors = [lab.registry_mirror]
        insecure = sorted({*insecure, _plain(lab.registry_mirror)} - {""})
    elif facts.hub_reachable and (facts.has_stand_ins or not facts.has_registry):
        # The stand-ins of the box must not shadow the real images; real ones there spare the hub, which counts pulls.
        mirrors = own
    elif facts.has_registry and own == mirrors and (facts.mirror_set or not facts.hub_reachable):
        mirrors = [*mirrors, LOCAL_REGISTRY]
    for key, values in (("registry-mirrors", mirrors), ("insecure-registries", insecure)):
        if values:
            settings[key] = values
        else:
            settings.pop(key, None)


def note(lab: Lab) -> str:
    """Compose a script that writes down which mirror of lab.yml is set."""
    return write_file(NOTE, f"{lab.registry_mirror}\n", "0644") if lab.registry_mirror else f"rm -f {NOTE}"


def _list(settings: dict[str, Any], key: str) -> list[str]:
    values = settings.get(key)
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _plain(mirror: str) -> str:
    """Extract host and port of a registry that is asked without TLS; empty for any other."""
    return mirror.removeprefix("http://") if mirror.startswith("http://") else ""
