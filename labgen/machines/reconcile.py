"""Bringing a lab's machines to what lab.yml says: the steps of a plan, each carried out as it is printed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from labgen.core.errors import MachineError, ProgramFailed
from labgen.core.i18n import _
from labgen.core.process import Runner
from labgen.docker.swarm import SwarmNode
from labgen.machines import inventory, removal
from labgen.machines.lifecycle import Machines, boot_within
from labgen.machines.plan import Plan, compare, counted
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.providers import PROVIDERS
from labgen.providers.doctor import Choice

Fab = Callable[..., int]
"""Runs one of fab's tasks in the lab folder and gives its exit status: ``fab(folder, "bootstrap")``."""


def plan(folder: LabFolder, lab: Lab, provider: str, machines: Machines) -> Plan:
    """Say what `labgen up` would do to a lab folder's machines; nothing is changed."""
    record = folder.record()
    ids = folder.machine_ids().get(provider, {})
    planned = compare(lab, record, provider, ids)
    if not planned.restarted or PROVIDERS[provider].resizes:
        return planned
    return planned.with_stopped(_stopped(folder, machines, planned.restarted))


def _stopped(folder: LabFolder, machines: Machines, names: Sequence[str]) -> frozenset[str]:
    """Find the machines that do not run: the next start gives them their new settings."""
    state = folder.state()
    if state is None or not folder.vagrantfile.exists():
        return frozenset()
    if machines.halted(state):
        return frozenset(names)
    statuses = machines.driver(state).status()
    return frozenset(name for name in names if name not in statuses or not statuses[name].running)


@dataclass(frozen=True)
class Reconciler:
    """Carries out the steps of a plan.

    :param fab: runs what changes the nodes, in a process of its own.
    :param members: asks for the swarm's nodes; none if there is no swarm, or no manager that answers.
    """

    machines: Machines
    choice: Choice
    plan: Plan
    fab: Fab
    members: Callable[[Path], Sequence[SwarmNode]]

    @property
    def _folder(self) -> LabFolder:
        return self.machines.folder

    def run(self, *, prune: bool, reload: bool, bootstrap: bool) -> int:
        """Carry out every step; gives the exit status of the first that failed, or 0.

        :raises LabgenError: a step failed; the same command carries on.
        """
        does: Mapping[str, Callable[[tuple[str, ...]], int]] = {
            "retire": self._retire,
            "remove": self._remove,
            "start": self._start,
            "resize": self._resize,
            "restart": self._restart,
            "bootstrap": self._bootstrap,
        }
        for step in self.plan.steps(prune=prune, reload=reload, bootstrap=bootstrap):
            status = does[step.verb](step.nodes)
            if status:
                return status
        return 0

    def _state(self) -> State:
        state = self._folder.state()
        if state is None:
            raise MachineError(_("labgen has started no lab here."), _("Bring it up with `labgen up`."))
        return state

    def _retire(self, names: tuple[str, ...]) -> int:
        self.machines.wake(self.choice)
        return self.fab(self._folder, "bootstrap.retire", ",".join(names))

    def _remove(self, names: tuple[str, ...]) -> int:
        removal.remove_some(self.machines, self._state(), names)
        return 0

    def _start(self, names: tuple[str, ...]) -> int:
        del names  # all of lab.yml's
        self.machines.up(self.choice, renewed=[change.node for change in self.plan.starting])
        return 0

    def _bootstrap(self, names: tuple[str, ...]) -> int:
        del names
        status = self.fab(self._folder, "bootstrap")
        record = self._folder.record()
        if status == 0 and record is not None and record.drained:
            # A restart that was interrupted has left them so.
            status = self._activate(record.drained)
        return status

    def _resize(self, names: tuple[str, ...]) -> int:
        """Give containers that run other limits."""
        state = self._state()
        runner = self.machines.runner(state)
        for name in names:
            node, identity = self.plan.lab.node(name), self._folder.machine_ids()[state.provider][name]
            with self.machines.progress.step(
                _(
                    "Changing %(name)s: %(memory)s MiB, %(counted)s",
                    name=name,
                    memory=node.memory,
                    counted=counted(node.cpus),
                )
            ):
                try:
                    PROVIDERS[state.provider].resize(runner, identity, node)
                except ProgramFailed as why:
                    raise MachineError(
                        _("%(name)s cannot be changed: %(value)s", name=name, value=why.output.strip() or why.message),
                        _("Put lab.yml back as it was, or make the lab again: labgen down, then labgen up."),
                    ) from None
            self._renewed(name)
        return 0

    def _restart(self, names: tuple[str, ...]) -> int:
        """Restart machines one by one, each drained before and active again afterwards."""
        state = self._state()
        within = boot_within(accelerated=self.choice.accelerated)
        for name in names:
            drains = self._can_drain(name)
            if drains:
                self._drained((name,))
                if status := self.fab(self._folder, "bootstrap.drain", name):
                    return status
            driver = self.machines.driver(state)
            # Its connection ends with it.
            inventory.close_shared(self._folder, Runner())
            with self.machines.progress.step(_("Restarting %(name)s", name=name)):
                driver.reload(name, within=within, on_line=self.machines.progress.detail)
            self._renewed(name)
            self.machines.reached(driver, state)
            if drains and (status := self._activate((name,))):
                return status
        return 0

    def _can_drain(self, name: str) -> bool:
        """Tell whether another node can take what runs on this one, and a manager is there to see to it."""
        members = self.members(self._folder.path)
        active = [member.name for member in members if member.ready and member.availability == "active"]
        return name in active and len(active) > 1

    def _activate(self, names: Sequence[str]) -> int:
        status = self.fab(self._folder, "bootstrap.activate", ",".join(names))
        if status == 0:
            self._drained(())
        return status

    def _drained(self, names: tuple[str, ...]) -> None:
        record = self._folder.record()
        if record is not None:
            self._folder.remember(self._state(), replace(record, drained=names))

    def _renewed(self, name: str) -> None:
        """Write down that a machine has what lab.yml says."""
        record, lab = self._folder.record(), self.plan.lab
        if record is None:
            return
        others = tuple(port for port in record.lab.ports if port.node != name)
        changed = replace(
            record.lab,
            nodes=tuple(lab.node(name) if node.name == name else node for node in record.lab.nodes),
            ports=(*others, *(port for port in lab.ports if port.node == name)),
        )
        self._folder.remember(self._state(), replace(record, lab=changed))
