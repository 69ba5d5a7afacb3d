"""Removing a lab's machines: by what was written down when they were made, and not before it has been seen that
they are gone is that said."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labgen.core.atomic_files import write_whole
from labgen.core.errors import LabgenError, MachineError
from labgen.core.i18n import _, sentences
from labgen.core.process import Runner
from labgen.machines import connection_info, inventory, leftovers, render
from labgen.machines.leftovers import LabIdentity, Leftover
from labgen.machines.plan import unknown
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.model.record import Record
from labgen.providers import PROVIDERS
from labgen.providers.daemon import Daemon

if TYPE_CHECKING:
    from labgen.machines.lifecycle import Machines

VAGRANTFILE = Path(".labgen", "Vagrantfile")
"""Rendered for the machines that are there, whatever lab.yml and the folder's own Vagrantfile name by now."""


def refuse_copy(folder: LabFolder) -> None:
    """Refuse to touch the machines that a copied folder knows.

    :raises MachineError: they are those of the lab in another folder.
    """
    if folder.copied_from() is not None:
        inventory.refuse_moved(folder)


def write_vagrantfile(folder: LabFolder, lab: Lab) -> Path:
    """Render a Vagrantfile beside the folder's own, for the machines there are; gives its path in the lab folder."""
    write_whole(folder.path / VAGRANTFILE, render.render(lab))
    return VAGRANTFILE


def with_unknown(lab: Lab, names: Iterable[str]) -> Lab:
    """Add machines to a lab of which only the names are known."""
    lab_names = {node.name for node in lab.nodes}
    return replace(lab, nodes=(*lab.nodes, *(unknown(name) for name in names if name not in lab_names)))


@dataclass(frozen=True)
class Removal:
    """Everything that is known of the machines of a lab folder, and the way to remove all of it."""

    machines: Machines
    state: State | None
    record: Record | None

    @property
    def folder(self) -> LabFolder:
        """The lab folder."""
        return self.machines.folder

    def run(self) -> None:
        """Remove machines, networks and a daemon of the lab's own, and look whether they are gone.

        :raises MachineError: something is left; says what, and the commands that remove it.
        """
        refuse_copy(self.folder)
        self._announce()
        inventory.close_shared(self.folder, Runner())
        daemons = self._daemons()
        problems: list[LabgenError] = []
        for provider, traces in self._traces().items():
            daemon = daemons.get(provider)
            if daemon is not None and daemon.pid() is None:
                continue  # its machines ended with it, and their disks are in the folder that is removed below
            runner = daemon.inside() if daemon is not None else self.machines.runner(State(provider))
            if self.state is not None or traces.ids:
                problems += self._destroy(provider)
            if daemon is None:
                self._clear(provider, runner, traces, problems)
        for daemon in daemons.values():
            with self.machines.progress.step(_("Ending the lab's own %(daemon)s", daemon=daemon.title)):
                daemon.remove()
            if daemon.exists:
                raise MachineError(
                    _(
                        "the lab's own %(daemon)s could not be removed completely: see network namespace "
                        "%(namespace)s and %(own)s.",
                        daemon=daemon.title,
                        namespace=daemon.namespace,
                        own=self.folder.own / daemon.place,
                    ),
                    _(
                        "End what still runs in it, then: labgen down\nip netns pids %(namespace)s",
                        namespace=daemon.namespace,
                    ),
                )
        self.folder.forget()

    def _announce(self) -> None:
        earlier = self.folder.moved_from()
        if earlier is not None:
            self.machines.progress.note(
                _("note: this folder was moved; its machines were made in %(earlier)s.", earlier=earlier)
            )
        lab_names = {node.name for node in self.machines.lab.nodes}
        others = sorted({name for names in self.folder.machine_ids().values() for name in names} - lab_names)
        if others:
            self.machines.progress.note(
                _("note: also removed, although lab.yml does not name it: %(others)s.", others=", ".join(others))
            )

    def _daemons(self) -> dict[str, Daemon]:
        """Give, by provider, daemons of the lab's own of which anything is left."""
        namespace = self.state.namespace if self.state is not None else None
        # The state may have been deleted by hand, under an engine that runs on.
        names = [self.state.provider] if self.state is not None and namespace else list(PROVIDERS)
        daemons = {
            name: PROVIDERS[name].own_daemon(self.folder, Runner(), namespace) for name in names if name in PROVIDERS
        }
        return {name: daemon for name, daemon in daemons.items() if daemon is not None and (namespace or daemon.exists)}

    def _traces(self) -> dict[str, LabIdentity]:
        """Give what was made, by provider."""
        ids = self.folder.machine_ids()
        provider = self.state.provider if self.state is not None else ""
        if provider:
            recorded = self.record.ids if self.record else {}
            ids[provider] = {**recorded, **ids.get(provider, {})}
        mark = self.folder.mark() or ""
        if mark and not ids:
            # All that was written down was removed by hand: what bears the mark itself is found all the same.
            ids |= {name: {} for name, provider in PROVIDERS.items() if provider.marks}
        return {name: LabIdentity(names, mark, self._networks(name)) for name, names in ids.items()}

    def _networks(self, provider: str) -> frozenset[str]:
        """Networks that Vagrant, or the Vagrantfile, has written down as made for this lab."""
        return PROVIDERS[provider].networks(self.folder.vagrant_data) if provider in PROVIDERS else frozenset()

    def _destroy(self, provider: str) -> list[LabgenError]:
        """Have the driver destroy the machines; gives why it did not, where it failed."""
        parallel = provider in PROVIDERS and PROVIDERS[provider].removes_in_parallel
        state = self.state if self.state is not None and self.state.provider == provider else State(provider)
        names = [name for ids in self.folder.machine_ids().values() for name in ids]
        lab = with_unknown(self.record.lab if self.record else self.machines.lab, names)
        drivers = [self.machines.edited_vagrantfile(state), self.machines.driver(state, lab)]
        problems: list[LabgenError] = []
        with self.machines.progress.step(_("Removing the machines")):
            for driver in filter(None, drivers):
                try:
                    driver.destroy(on_line=self.machines.progress.detail, parallel=parallel)
                except LabgenError as why:
                    problems.append(why)
        return problems

    def _clear(self, provider: str, runner: Runner, traces: LabIdentity, problems: Sequence[LabgenError]) -> None:
        """Look what is left, remove what can be removed by its mark, and look again."""
        try:
            remaining = leftovers.look(provider, runner, traces)
        except MachineError:
            if self.state is None and not traces.ids:
                return  # no word of machines anywhere, and no engine that could have them
            raise
        for leftover in [leftover for leftover in remaining if leftover.removable]:
            for command in leftover.commands:
                with contextlib.suppress(LabgenError):
                    runner.run(command, timeout=120)
        remaining = leftovers.look(provider, runner, traces) if remaining else []
        if remaining:
            raise _not_removed(remaining, problems)
        if problems and provider not in PROVIDERS and self.folder.machine_ids().get(provider):
            raise problems[-1]  # one that someone has added: only Vagrant can tell what is left


def _not_removed(remaining: Sequence[Leftover], problems: Sequence[LabgenError]) -> MachineError:
    names = ", ".join(str(leftover) for leftover in remaining)
    commands = "\n".join(shlex.join(command) for leftover in remaining for command in leftover.commands)
    message = _("not everything could be removed: %(names)s.", names=names)
    return MachineError(
        sentences(message, *(problem.words for problem in problems[-1:]), separator="\n"),
        _("Remove it by hand:\n%(commands)s\nlabgen down", commands=commands),
    )


def remove_some(machines: Machines, state: State | None, names: Sequence[str]) -> None:
    """Remove some machines; well, too, where they are not there.

    :raises MachineError: one of them is still there afterwards; says what removes it.
    """
    folder = machines.folder
    refuse_copy(folder)
    record = folder.record()
    ids = folder.machine_ids()
    provider = state.provider if state is not None else next(iter(ids), "")
    mine = {name: ids.get(provider, {}).get(name, (record.ids if record else {}).get(name, "")) for name in names}
    mine = {name: identity for name, identity in mine.items() if identity}
    inventory.close_shared(folder, Runner())
    lab = with_unknown(record.lab if record else machines.lab, names)
    problems: list[LabgenError] = []
    with machines.progress.step(_("Removing %(names)s", names=", ".join(names))):
        try:
            machines.driver(state, lab).destroy(names, on_line=machines.progress.detail)
        except LabgenError as why:
            problems.append(why)
    # No mark: machines that stay bear it as well.
    remaining = leftovers.look(provider, machines.runner(state or State(provider)), LabIdentity(mine)) if mine else []
    if remaining:
        raise _not_removed(remaining, problems)
    if problems:
        raise problems[0]
    if state is not None:
        connection_info.forget(folder.path, state.provider, names)
        if record is not None:
            for name in names:
                record = record.without(name)
            folder.remember(state, record)
