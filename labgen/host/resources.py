"""Memory, disk, processors and architecture of this computer, against what the lab asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from labgen.core.i18n import Text, _, sentences
from labgen.host.computer import Host
from labgen.host.findings import Finding, Level
from labgen.model import provider_names
from labgen.model.lab import Lab
from labgen.model.provider import BOX_ARCHITECTURES, NODE_IMAGE, ProviderFacts

_CONTAINERS = _("Containers need no box: labgen up --provider docker")

MEMORY_BESIDE = 150
"""MiB a machine takes beside its own memory: QEMU or VirtualBox itself, video memory, page tables."""
DISK_PER_NODE = 2048
"""MiB a machine's disk grows by over the course: engine, images, logs."""
DISK_FOR_BOX = 3072
"""MiB for a box that is not here yet: fetched, unpacked, imported."""


def memory(lab: Lab, host: Host) -> Iterator[Finding]:
    """Memory of the machines against what is there."""
    status = host.memory()
    if status is None:
        yield Finding(
            "memory",
            "warning",
            _("memory"),
            _("the size of this computer's memory is unknown."),
            _("Check that %(needed)s are free.", needed=_mib(needed_memory(lab))),
        )
        return
    total, available = status
    needed = needed_memory(lab)
    per_node = max(512, (total // 2 // len(lab.nodes) - MEMORY_BESIDE) // 128 * 128)
    less = _("Lower `memory` in lab.yml (memory: %(per_node)s would fit), or use fewer nodes.", per_node=per_node)
    if needed > total:
        yield Finding(
            "memory",
            "error",
            _("memory"),
            _(
                "the machines take %(needed)s; this computer has %(total)s in all.",
                needed=_mib(needed),
                total=_mib(total),
            ),
            less if needed_memory(lab, per_node) <= total else _("Use fewer nodes, or a computer with more memory."),
        )
    elif needed > available and existing(lab, host) is None:
        yield Finding(
            "memory",
            "warning",
            _("memory"),
            _(
                "the machines take %(needed)s; only %(available)s of %(total)s are free.",
                needed=_mib(needed),
                available=_mib(available),
                total=_mib(total),
            ),
            sentences(_("Close programs that you do not need, or this computer will swap."), less),
        )
    else:
        yield Finding(
            "memory",
            "ok",
            _("memory"),
            _("%(needed)s for the machines, %(available)s free.", needed=_mib(needed), available=_mib(available)),
        )


def needed_memory(lab: Lab, per_node: int | None = None) -> int:
    """MiB that the lab's machines take together."""
    return sum((per_node or node.memory) + MEMORY_BESIDE for node in lab.nodes)


def processors(lab: Lab, host: Host) -> Iterator[Finding]:
    """Virtual processors of one machine against what is there."""
    has = host.cpus()
    most = max(lab.nodes, key=lambda node: node.cpus)
    if most.cpus > has:
        yield Finding(
            "cpus",
            "warning",
            _("processors"),
            _("%(node)s needs %(cpus)s; this computer has %(has)s.", node=most.name, cpus=most.cpus, has=has),
            _("In lab.yml, set cpus: %(has)s or less. More than the computer has makes a machine slower.", has=has),
        )
    else:
        yield Finding(
            "cpus",
            "ok",
            _("processors"),
            _("%(has)s here, at most %(cpus)s for each machine.", has=has, cpus=most.cpus),
        )


MAKE_ROOM = _("Make room; `vagrant box prune` removes old versions of boxes.")


@dataclass(frozen=True)
class Room:
    """Where a provider keeps what takes room.

    :param places: folders for the machines' disks and the box.
    :param fetched: whether the box, or the image of the nodes, is there already.
    :param make_room: how room is made there.
    """

    places: Callable[[Host], tuple[Path, ...]]
    fetched: Callable[[Lab, Host], bool]
    make_room: Text = MAKE_ROOM


def disk(lab: Lab, host: Host, provider: ProviderFacts, room: Room) -> Iterator[Finding]:
    """Room for the machines' disks and for the box."""
    exists = existing(lab, host) is not None
    box = 0 if exists or room.fetched(lab, host) else DISK_FOR_BOX
    needed = box + (0 if exists else DISK_PER_NODE * len(lab.nodes))
    place, free = min(
        ((place, host.disk_free(place)) for place in room.places(host)),
        key=lambda pair: 2**60 if pair[1] is None else pair[1],
    )
    name = f"{provider.name}.disk"
    if free is None:
        fix = _("Check that %(needed)s are free.", needed=_mib(needed))
        yield Finding(name, "warning", _("disk"), _("free space is unknown."), fix, provider.name)
    elif free < needed:
        # The estimate is for a whole course; half of it still gets the lab up.
        level: Level = "error" if free < needed // 2 else "warning"
        yield Finding(
            name,
            level,
            _("disk"),
            _(
                "the machines and their box may take %(needed)s; %(free)s are free at %(place)s.",
                needed=_mib(needed),
                free=_mib(free),
                place=place,
            ),
            room.make_room,
            provider.name,
        )
    else:
        yield Finding(
            name,
            "ok",
            _("disk"),
            _("%(free)s free at %(place)s.", free=_mib(free), place=place),
            provider=provider.name,
        )


def architecture(lab: Lab, host: Host, provider: ProviderFacts) -> Iterator[Finding]:
    """Compare the processor's architecture with the box's."""
    box = provider.box_for(lab)
    here = host.machine()
    architectures = provider.architectures_of(box)
    name = f"{provider.name}.architecture"
    if architectures is None and here != "amd64":
        yield Finding(
            name,
            "warning",
            _("architecture"),
            _("this computer is %(here)s; whether box %(box)s is there for it is not known.", here=here, box=box.name),
            _("See the box's page. %(containers)s", containers=_CONTAINERS),
            provider.name,
        )
    elif architectures is not None and here not in architectures:
        yield Finding(
            name,
            "error",
            _("architecture"),
            _(
                "this computer is %(here)s; box %(box)s is there for %(architectures)s only.",
                here=here,
                box=box.name,
                architectures=", ".join(sorted(architectures)),
            ),
            _(
                "%(containers)s\nOr name a box for %(here)s in lab.yml: box: %(box)s",
                containers=_CONTAINERS,
                here=here,
                box="{image: debian-13}" if here in provider.image_architectures else "{name: ..., url: ...}",
            )
            if here in BOX_ARCHITECTURES[NODE_IMAGE]
            else _("Use a computer with amd64."),
            provider.name,
        )
    else:
        yield Finding(name, "ok", _("architecture"), _("%(here)s, as the box.", here=here), provider=provider.name)


def existing(lab: Lab, host: Host) -> str | None:
    """Give the provider on which machines of this lab exist already, or ``None``."""
    machines = host.folder() / ".vagrant" / "machines"
    for node in lab.nodes:
        for provider in provider_names.packages():
            if host.exists(machines / node.name / provider / "id"):
                return provider
    return None


def _mib(size: int) -> str:
    return f"{size / 1024:.1f} GiB" if size >= 1024 else f"{size} MiB"
