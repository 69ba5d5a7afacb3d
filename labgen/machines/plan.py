"""What `labgen up` would do: the lab in lab.yml, compared with the lab as it was made. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Literal

from labgen.core.errors import MachineError
from labgen.core.i18n import Text, _, ngettext, sentences, untranslated
from labgen.model.lab import ForwardedPort, Lab, Node
from labgen.model.record import Record
from labgen.providers import PROVIDERS

Verb = Literal["retire", "remove", "start", "resize", "restart", "bootstrap"]


@dataclass(frozen=True)
class SettingChange:
    """One setting that differs.

    :param node: whose it is; empty where it is the whole lab's.
    :param key: as in lab.yml.
    :param before: the machine's, for people.
    :param after: lab.yml's, for people.
    """

    node: str
    key: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.key} {self.before} -> {self.after}"


@dataclass(frozen=True)
class PlanStep:
    """One thing to do.

    :param verb: ``retire`` takes nodes out of the swarm, ``resize`` changes a container in place.
    :param nodes: those it is done to, one after the other.
    """

    verb: Verb
    nodes: tuple[str, ...]

    @property
    def text(self) -> Text:
        """Give the step as a text."""
        return _VERBS[self.verb](", ".join(self.nodes))

    def __str__(self) -> str:
        return str(self.text)


_VERBS: Mapping[Verb, Callable[[str], Text]] = {
    "retire": lambda nodes: _("drain and take out of the swarm: %(nodes)s", nodes=nodes),
    "remove": lambda nodes: _("remove the machine of %(nodes)s", nodes=nodes),
    "start": lambda nodes: _("create what is missing, start what does not run: %(nodes)s", nodes=nodes),
    "resize": lambda nodes: _("change in place, without a restart: %(nodes)s", nodes=nodes),
    "restart": lambda nodes: _("drain, restart and activate, one by one: %(nodes)s", nodes=nodes),
    "bootstrap": lambda nodes: _("bootstrap the swarm on %(nodes)s", nodes=nodes),
}
_UNDO = _("Or undo the change in lab.yml.")


@dataclass(frozen=True)
class Plan:
    """The difference between lab.yml and the machines, and what is done about it.

    :param new: nodes without a machine.
    :param surplus: nodes with a machine that lab.yml does not name, workers first.
    :param differing: settings that a restart of the machine applies, workers first.
    :param remade: settings of one machine that only a new machine has, and without which it does not fit the lab.
    :param unchangeable: settings of one machine that only a new machine has; it does as well without.
    :param lab_wide: settings of the whole lab that only new machines have.
    :param roles: nodes that the bootstrap promotes or demotes.
    :param swarm: settings that a new swarm on the same machines has.
    :param starting: settings of machines that do not run, which they get when they start.
    """

    lab: Lab
    provider: str
    new: tuple[Node, ...] = ()
    surplus: tuple[Node, ...] = ()
    differing: tuple[SettingChange, ...] = ()
    remade: tuple[SettingChange, ...] = ()
    unchangeable: tuple[SettingChange, ...] = ()
    lab_wide: tuple[SettingChange, ...] = ()
    roles: tuple[SettingChange, ...] = ()
    swarm: tuple[SettingChange, ...] = ()
    starting: tuple[SettingChange, ...] = ()

    @property
    def restarted(self) -> tuple[str, ...]:
        """Nodes that a restart is for, each once, workers first."""
        return tuple(dict.fromkeys(change.node for change in self.differing))

    def with_stopped(self, names: Collection[str]) -> Plan:
        """Give the plan for some machines that do not run: they need no restart."""
        return replace(
            self,
            differing=tuple(change for change in self.differing if change.node not in names),
            starting=tuple(change for change in self.differing if change.node in names),
        )

    def steps(self, *, prune: bool, reload: bool, bootstrap: bool = True) -> tuple[PlanStep, ...]:
        """List what `labgen up` does, in this order."""
        nodes = tuple(node.name for node in self.lab.nodes)
        surplus = tuple(node.name for node in self.surplus)
        steps = [PlanStep("retire", surplus), PlanStep("remove", surplus)] if surplus and prune else []
        steps.append(PlanStep("start", nodes))
        if self.restarted and reload:
            in_place = PROVIDERS[self.provider].resizes if self.provider in PROVIDERS else False
            steps.append(PlanStep("resize" if in_place else "restart", self.restarted))
        if bootstrap:
            steps.append(PlanStep("bootstrap", nodes))
        return tuple(steps)

    def refusal(self, *, prune: bool, command: str = "labgen up") -> MachineError | None:
        """Say why `labgen up` would do nothing at all; ``None`` if it goes ahead."""
        if self.lab_wide or self.remade:
            listed = sentences(
                *(_("the lab: %(change)s", change=change) for change in self.lab_wide),
                *(untranslated(f"{change.node}: {change}") for change in self.remade),
                separator="; ",
            )
            nodes = tuple(dict.fromkeys(change.node for change in self.remade))
            few = not self.lab_wide and set(nodes) <= {node.name for node in self.lab.workers}
            remake = (
                _("Make these machines again. What runs there is lost:")
                if few
                else _("Make the machines again. Their swarm and services are lost:")
            )
            commands = untranslated(f"labgen down{' ' + ' '.join(nodes) if few else ''}\nlabgen up")
            return MachineError(
                _(
                    "lab.yml has changes that existing machines cannot get: %(listed)s. Nothing was done.",
                    listed=listed,
                ),
                sentences(remake, commands, _UNDO, separator="\n"),
            )
        if not self.surplus:
            return None
        names = ", ".join(node.name for node in self.surplus)
        managers = {node.name for node in self.surplus if node.role == "manager"}
        staying = {node.name for node in self.lab.managers} - {node.name for node in self.new}
        staying -= {change.node for change in self.roles}
        if managers and not staying:
            return MachineError(
                _(
                    "lab.yml does not name %(names)s any more. That removes the last manager, and the swarm is lost. "
                    "Nothing was done.",
                    names=names,
                ),
                _(
                    "Make the lab again. Its swarm and services are lost:\n"
                    "labgen down\n"
                    "labgen up\n"
                    "Or undo the change in lab.yml."
                ),
            )
        if not prune:
            return MachineError(
                _("lab.yml does not name %(names)s any more. Nothing was done.", names=names),
                ngettext(
                    "To take the node out of the swarm and remove its machine:\n"
                    "%(command)s --prune\n"
                    "To keep it, undo the change in lab.yml.",
                    "To take the nodes out of the swarm and remove their machines:\n"
                    "%(command)s --prune\n"
                    "To keep them, undo the change in lab.yml.",
                    len(self.surplus),
                    command=command,
                ),
            )
        return None

    def lines(self) -> list[str]:
        """List the differences in English."""
        return [str(text) for text in self.texts()]

    def texts(self) -> list[Text]:
        """List the differences, for people; empty if there is none."""
        texts = [_("! %(change)s: only new machines have that", change=change) for change in self.lab_wide]
        texts += [
            _("! %(node)s: %(change)s: only a new machine has that", node=change.node, change=change)
            for change in self.remade
        ]
        texts += [
            _(
                "! %(node)s: %(change)s: a new machine has that (labgen down %(node)s, then labgen up)",
                node=change.node,
                change=change,
            )
            for change in self.unchangeable
        ]
        texts += [
            _(
                "+ %(node)s: new (%(role)s, %(address)s, %(memory)s MiB, %(cpus)s)",
                node=node.name,
                role=node.role,
                address=node.address,
                memory=node.memory,
                cpus=counted(node.cpus),
            )
            for node in self.new
        ]
        texts += [_("- %(node)s: not in lab.yml any more", node=node.name) for node in self.surplus]
        texts += [untranslated(f"~ {change.node}: {change}") for change in self.differing]
        texts += [
            _("~ %(node)s: %(change)s: changed when it starts", node=change.node, change=change)
            for change in self.starting
        ]
        texts += [
            _("~ %(node)s: %(change)s: changed by the bootstrap", node=change.node, change=change)
            for change in self.roles
        ]
        texts += [
            _("~ the swarm: %(change)s: a new swarm has that (labgen reset)", change=change) for change in self.swarm
        ]
        return texts


def counted(count: int) -> str:
    """Write a number of processors for people: ``2 CPUs``."""
    return f"{count} CPU" if count == 1 else f"{count} CPUs"


def compare(lab: Lab, record: Record | None, provider: str, ids: Mapping[str, str]) -> Plan:
    """Compare lab.yml's lab with the machines.

    :param record: the lab as it was made; ``None`` where that was not written down.
    :param ids: by node, the machines that exist.
    """
    before = record.lab if record else replace(lab, nodes=(*lab.nodes, *_unknown(lab, ids)))
    existing = {node.name: node for node in before.nodes if node.name in ids}
    names = {node.name for node in lab.nodes}
    surplus = [node for name, node in existing.items() if name not in names]
    staying = [node for node in lab.nodes if node.name in existing]
    restartable, unchangeable = _ports(staying, lab, before, provider)
    # Where the network is another one, so is every address: once is enough.
    addresses = _addresses(staying, existing) if lab.plan.lab == before.plan.lab else ()
    differing = [change for node in staying for change in (*_size(existing[node.name], node), *restartable[node.name])]
    workers = {node.name for node in lab.workers}
    return Plan(
        lab,
        provider,
        new=tuple(node for node in lab.nodes if node.name not in existing),
        surplus=tuple(sorted(surplus, key=lambda node: node.role == "manager")),
        differing=tuple(sorted(differing, key=lambda change: change.node not in workers)),
        remade=tuple(addresses),
        unchangeable=unchangeable,
        lab_wide=tuple(_lab_wide(lab, before, provider)) if existing else (),
        roles=tuple(
            SettingChange(node.name, "role", existing[node.name].role, node.role)
            for node in staying
            if existing[node.name].role != node.role
        ),
        swarm=tuple(_differing([("addresses.overlay_pool", _pool(before), _pool(lab))])) if existing else (),
    )


def unknown(name: str) -> Node:
    """Make a node of which only the name is known: a machine that an earlier version of labgen has made."""
    return Node(name, "worker", IPv4Address(0), 1024, 1)


def _unknown(lab: Lab, ids: Mapping[str, str]) -> Iterator[Node]:
    names = {node.name for node in lab.nodes}
    return (unknown(name) for name in ids if name not in names)


def _size(before: Node, after: Node) -> Iterator[SettingChange]:
    if before.memory != after.memory:
        yield SettingChange(after.name, "memory", f"{before.memory} MiB", f"{after.memory} MiB")
    if before.cpus != after.cpus:
        yield SettingChange(after.name, "cpus", str(before.cpus), str(after.cpus))


def _addresses(staying: Iterable[Node], existing: Mapping[str, Node]) -> Iterator[SettingChange]:
    for node in staying:
        if existing[node.name].address != node.address:
            yield SettingChange(node.name, "address", str(existing[node.name].address), str(node.address))


def _ports(
    staying: Iterable[Node], lab: Lab, before: Lab, provider: str
) -> tuple[Mapping[str, tuple[SettingChange, ...]], tuple[SettingChange, ...]]:
    """Find forwarded ports that differ: by node, those a restart applies, and those that stay as they are."""
    restartable: dict[str, tuple[SettingChange, ...]] = {}
    unchangeable: list[SettingChange] = []
    facts = PROVIDERS.get(provider)
    for node in staying:
        older, newer = _forwarded(before.ports, node.name), _forwarded(lab.ports, node.name)
        restartable[node.name] = ()
        if older == newer or facts is None or not facts.forwards_ports:
            continue
        change = SettingChange(node.name, "ports", older, newer)
        if facts.resizes:
            # A container's ports are given to it when it is made.
            unchangeable.append(change)
        else:
            restartable[node.name] = (change,)
    return restartable, tuple(unchangeable)


def _forwarded(ports: Iterable[ForwardedPort], name: str) -> str:
    pairs = sorted((port.host, port.guest) for port in ports if port.node == name)
    return ", ".join(f"{host}:{guest}" for host, guest in pairs) or "none"


def _lab_wide(lab: Lab, before: Lab, provider: str) -> Iterator[SettingChange]:
    pairs: list[tuple[str, object, object]] = [
        ("name", before.name, lab.name),
        ("network", before.plan.lab, lab.plan.lab),
        ("addresses.adapter1", before.plan.adapter1, lab.plan.adapter1),
    ]
    # Whoever types --provider, and has another in lab.yml, means it.
    if lab.provider not in ("auto", provider, before.provider):
        pairs.append(("provider", provider, lab.provider))
    if provider in PROVIDERS and PROVIDERS[provider].from_image:
        pairs.append(("engine.suite", before.engine.suite, lab.engine.suite))
    else:
        pairs.append(("box", _box(before), _box(lab)))
    return _differing(pairs)


def _differing(pairs: Iterable[tuple[str, object, object]]) -> Iterator[SettingChange]:
    return (SettingChange("", key, str(older), str(newer)) for key, older, newer in pairs if older != newer)


def _pool(lab: Lab) -> str:
    return f"{lab.plan.overlay_pool} in /{lab.plan.overlay_mask}"


def _box(lab: Lab) -> str:
    if lab.box is None:
        return "the provider's own"
    url = lab.box.image.url if lab.box.image else lab.box.url
    return " ".join(filter(None, (lab.box.name, lab.box.version, url)))
