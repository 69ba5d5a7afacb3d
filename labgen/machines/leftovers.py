"""What a provider still has of a lab: looked for by ids and marks, so that nothing of anyone else's is taken for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from labgen.core.errors import LabgenError, MachineError, ProgramMissing
from labgen.core.process import Runner

_WITHIN = 60.0
"""Seconds for an answer of a provider."""
_LIBVIRT = ("virsh", "--connect", "qemu:///system")


@dataclass(frozen=True)
class Traces:
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
    """

    kind: str
    name: str
    commands: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def look(provider: str, runner: Runner, traces: Traces) -> list[Leftover]:
    """Ask the provider for everything that it still has of a lab.

    :raises MachineError: it does not answer, so nobody knows.
    """
    if provider not in _LOOK or not (traces.ids or traces.networks or (provider == "docker" and traces.mark)):
        return []
    try:
        return list(_LOOK[provider](runner, traces))
    except ProgramMissing as why:
        if not traces.ids and not traces.networks:
            return []  # nothing was ever made with a program that is not there
        raise _unknown(traces, why) from None
    except LabgenError as why:
        raise _unknown(traces, why) from None


def _unknown(traces: Traces, why: LabgenError) -> MachineError:
    machines = f" ({', '.join(sorted(traces.ids))})" if traces.ids else ""
    return MachineError(
        f"whether anything of the lab is left{machines} cannot be seen: {why.message}",
        "\n".join(filter(None, ("Start what runs the machines, then: labgen down", why.hint))),
    )


def _docker(runner: Runner, traces: Traces) -> Iterator[Leftover]:
    containers = _rows(runner, "docker", "ps", "--all", "--no-trunc", "--format", _MARKED.format("Names"))
    for identity, name, mark in containers:
        if identity in traces.ids.values() or (traces.mark and mark == traces.mark):
            yield Leftover("machine", name, (("docker", "rm", "--force", "--volumes", identity),))
    if not traces.mark:
        return
    label = ("--filter", f"label=labgen.folder={traces.mark}", "--format")
    for identity, name in _rows(runner, "docker", "network", "ls", "--no-trunc", *label, "{{.ID}}\t{{.Name}}"):
        yield Leftover("network", name, (("docker", "network", "rm", identity),))
    for (name,) in _rows(runner, "docker", "volume", "ls", *label, "{{.Name}}"):
        yield Leftover("volume", name, (("docker", "volume", "rm", name),))


_MARKED = '{{{{.ID}}}}\t{{{{.{}}}}}\t{{{{.Label "labgen.folder"}}}}'


def _virtualbox(runner: Runner, traces: Traces) -> Iterator[Leftover]:
    program = _vboxmanage(runner)
    machines = runner.run([program, "list", "vms"], timeout=_WITHIN).or_raise().out
    for node, identity in traces.ids.items():
        if f"{{{identity}}}" in machines:
            yield Leftover("machine", node, (("VBoxManage", "unregistervm", identity, "--delete"),))
    if not traces.networks:
        return
    listed = runner.run([program, "list", "natnets"], timeout=_WITHIN).or_raise().out
    names = {
        line.partition(":")[2].strip() for line in listed.splitlines() if line.startswith(("Name:", "NetworkName:"))
    }
    for name in sorted(traces.networks & names):
        yield Leftover("network", name, (("VBoxManage", "natnetwork", "remove", "--netname", name),))


def _vboxmanage(runner: Runner) -> str:
    from labgen.host.computer import Host, find_vboxmanage

    return find_vboxmanage(Host(runner)) or "VBoxManage"


def _libvirt(runner: Runner, traces: Traces) -> Iterator[Leftover]:
    domains = _listed(runner, "list", "--all", "--uuid")
    for node, identity in traces.ids.items():
        if identity in domains:
            # Its disk goes with it, and so do its snapshots.
            undefine = (*_LIBVIRT, "undefine", identity, "--remove-all-storage", "--snapshots-metadata")
            yield Leftover("machine", node, ((*_LIBVIRT, "destroy", identity), undefine))
    for identity in sorted(traces.networks & _listed(runner, "net-list", "--all", "--uuid")):
        # One that another lab's machines are on goes with them.
        if " connections=" not in runner.run([*_LIBVIRT, "net-dumpxml", identity], timeout=_WITHIN).out:
            commands = ((*_LIBVIRT, "net-destroy", identity), (*_LIBVIRT, "net-undefine", identity))
            yield Leftover("network", identity, commands)


def _listed(runner: Runner, *words: str) -> frozenset[str]:
    return frozenset(runner.run([*_LIBVIRT, *words], timeout=_WITHIN).or_raise().out.split())


def _rows(runner: Runner, *argv: str) -> Iterator[list[str]]:
    answer = runner.run(argv, timeout=_WITHIN).or_raise()
    return (line.split("\t") for line in answer.out.splitlines() if line.strip())


_LOOK: Mapping[str, Callable[[Runner, Traces], Iterator[Leftover]]] = {
    "docker": _docker,
    "virtualbox": _virtualbox,
    "libvirt": _libvirt,
}
