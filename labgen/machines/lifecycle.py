"""Bringing a lab's machines up, and taking them down: the order of things around Vagrant."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from labgen import boxes as cloud_boxes
from labgen import images as boxes
from labgen.boxes import store
from labgen.core.atomic_files import read, remove, write_whole
from labgen.core.errors import BoxError, LabgenError, MachineError
from labgen.core.i18n import _
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.host.computer import Host
from labgen.machines import connection_info, first_boot, inventory, render
from labgen.machines.removal import Removal, remove_some, with_unknown, write_vagrantfile
from labgen.machines.vagrant import Vagrant, box_mark
from labgen.model.capabilities import Capability
from labgen.model.lab import Box, Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.model.provider import BUILT_BOX
from labgen.model.record import after_up
from labgen.providers import PROVIDERS, of_lab
from labgen.providers.base import Driver, SnapshotDriver
from labgen.providers.daemon import Daemon
from labgen.providers.doctor import Choice

_BOOT = 1000.0
"""Deadline for a machine to be created and booted, in seconds, where the processor helps: longer than Vagrant itself
waits for one, so that it can say which did not boot."""
_BOOT_EMULATED = 1300.0
"""The same under QEMU's emulation: three machines on two cores take 3 to 6 minutes, thirty far longer."""


def boot_within(*, accelerated: bool) -> float:
    """Give the seconds that a machine may take to boot."""
    return _BOOT if accelerated else _BOOT_EMULATED


@dataclass(frozen=True)
class Machines:
    """The machines of one lab folder."""

    folder: LabFolder
    lab: Lab
    progress: Progress

    @property
    def _log(self) -> Path:
        return self.folder.logs / "vagrant.log"

    def _daemon(self, state: State) -> Daemon:
        daemon = of_lab(state.provider).own_daemon(self.folder, Runner(), state.namespace)
        if daemon is None:
            raise MachineError(
                _(
                    "this lab's state has the network namespace %(namespace)s, but %(provider)s uses none.",
                    namespace=state.namespace,
                    provider=state.provider,
                ),
                _(
                    "Remove the state, then bring the lab up again:\nrm %(own)s\nlabgen up",
                    own=self.folder.own / "state.json",
                ),
            )
        return daemon

    def runner(self, state: State | None) -> Runner:
        """Starts programs where they see this lab's network, and the daemon its machines run on."""
        if state is not None and state.namespace:
            return self._daemon(state).inside()
        provider = PROVIDERS.get(state.provider) if state is not None else None
        return provider.runner(self.folder, Runner()) if provider is not None else Runner()

    def driver(self, state: State | None, lab: Lab | None = None) -> Driver:
        """Give what creates, starts, stops and destroys the machines: Vagrant, unless the provider has its own driver.

        :param state: the lab's; if ``None``, the provider is the one that has machines of this folder.
        :param lab: the machines it is about, if those are not the ones in lab.yml.
        """
        state = state or State(next(iter(self.folder.machine_ids()), ""))
        provider = PROVIDERS.get(state.provider)
        if provider is None or provider.uses_vagrant:
            return self._vagrant(state, write_vagrantfile(self.folder, lab) if lab else Path("Vagrantfile"))
        suite = (lab or self.lab).engine.suite
        return provider.driver(self.folder, lab or self.lab, self.runner(state), lambda: boxes.node_image(suite))

    def edited_vagrantfile(self, state: State) -> Driver | None:
        """Give Vagrant with the folder's own Vagrantfile, if a person has edited it: it may do more than labgen's."""
        text = read(self.folder.vagrantfile)
        provider = PROVIDERS.get(state.provider)
        if text is None or not render.edited(text) or not (provider is None or provider.uses_vagrant):
            return None
        return self._vagrant(state, Path("Vagrantfile"))

    def snapshot_driver(self, state: State) -> SnapshotDriver:
        """Give the driver of a provider that has snapshots."""
        return cast("SnapshotDriver", self.driver(state))

    def _vagrant(self, state: State, vagrantfile: Path) -> Vagrant:
        """Give Vagrant for this folder, where it sees the lab's network.

        :param vagrantfile: relative to the folder.
        """
        runner = self.runner(state)
        env = dict(runner.env)
        if state.provider:
            # Of a machine that is not made, or not any more, Vagrant would ask the provider that it takes for the best.
            env["VAGRANT_DEFAULT_PROVIDER"] = state.provider
        return Vagrant(self.folder.path, replace(runner, env=env), self._log, vagrantfile)

    def start_daemon(self, state: State, *, own: bool) -> State:
        """Start a daemon of the lab's own, where it has one; gives the state with its network namespace."""
        if not own:
            return state
        daemon = self._daemon(state)
        state = replace(state, namespace=daemon.namespace)
        # Written before anything is made, so that `labgen down` finds it after an interruption.
        self.folder.remember(state)
        with self.progress.step(
            _(
                "Starting the lab's own %(daemon)s (network namespace %(namespace)s)",
                daemon=daemon.title,
                namespace=daemon.namespace,
            )
        ):
            daemon.start()
        return state

    def up(self, choice: Choice, *, renewed: Collection[str] = ()) -> State:
        """Create and boot what does not run yet, and write down how to reach it, and what was made.

        :param renewed: machines that are stopped, and start with what lab.yml says of them now.
        :raises MachineError: a machine did not boot, also not when tried again.
        :raises BoxError: the box is missing and cannot be made.
        """
        mark = self.folder.draw_mark()
        self._follow_move(choice.provider)
        before = self.folder.state()
        namespace = before.namespace if before is not None else None
        state = self.start_daemon(State(choice.provider, choice.accelerated, namespace), own=choice.own_daemon)
        earlier = self.folder.machine_ids().get(choice.provider, {})
        record = after_up(
            self.lab, self.folder.record(), folder=str(self.folder.path), mark=mark, earlier=earlier, ids=earlier
        )
        self.folder.remember(state, record)
        driver = self.driver(state)
        self._box(driver, state)
        within = boot_within(accelerated=choice.accelerated)
        count = len(self.lab.nodes)
        with self.progress.step(
            _(
                "Booting %(nodes)s machines with %(provider)s",
                nodes=len(self.lab.nodes),
                provider=PROVIDERS[choice.provider].title,
            )
        ):
            try:
                driver.up(choice.provider, within=within, on_line=self.progress.detail, machines=count)
            except MachineError as first:
                self._again(driver, choice.provider, within, first)
        ids = self.folder.machine_ids().get(choice.provider, {})
        record = after_up(self.lab, record, folder=record.folder, mark=mark, earlier=earlier, ids=ids, renewed=renewed)
        self.folder.remember(state, record)
        self.reached(driver, state)
        self._ports(state)
        self._first_boot(state, [name for name in ids if earlier.get(name) != ids[name]])
        return self._lacks(state)

    def _first_boot(self, state: State, names: list[str]) -> None:
        """Say how nodes that were made of a cloud image just now came up.

        :raises BoxError: the image has no netplan.
        """
        box = PROVIDERS[state.provider].box_for(self.lab)
        if not box.image or not names:
            return
        file = cloud_boxes.made(box.image, state.provider)
        image = store.read_note(file).get("image", box.image.name) if file else box.image.name
        within = boot_within(accelerated=state.accelerated)

        def ask(name: str, command: str) -> str:
            return inventory.ask_once(self.folder, self.lab.node(name), command, within=within)

        with self.progress.step(_("Waiting for cloud-init to end")):
            boots = first_boot.look_at_all(names, ask)
        for line in first_boot.report(image, boots):
            self.progress.note(line)

    def halted(self, state: State) -> bool:
        """Tell whether the lab is halted with a daemon of its own, so that Vagrant cannot be asked for its machines."""
        return state.namespace is not None and self._daemon(state).pid() is None

    def wake(self, choice: Choice) -> None:
        """Have every machine run that was made, those too that lab.yml does not name any more."""
        state, record = self.folder.state(), self.folder.record()
        if state is None or record is None or (self.folder.ssh_config.exists() and not self.folder.moved_from()):
            return
        self._follow_move(state.provider)
        state = self.start_daemon(state, own=state.namespace is not None)
        machines = Machines(self.folder, record.lab, self.progress)
        driver = machines.driver(state, record.lab)
        with self.progress.step(_("Starting the machines as they were made")):
            within, count = boot_within(accelerated=choice.accelerated), len(record.lab.nodes)
            driver.up(state.provider, within=within, on_line=self.progress.detail, machines=count)
        machines.reached(driver, state)

    def _follow_move(self, provider: str) -> None:
        """Forget what is written down with the folder's earlier path in it: where the keys are."""
        earlier = self.folder.moved_from()
        if earlier is None:
            return
        self.progress.note(_("note: this folder was moved; its machines were made in %(earlier)s.", earlier=earlier))
        inventory.close_shared(self.folder, Runner())
        connection_info.forget(self.folder.path, provider, self.folder.machine_ids().get(provider, {}))

    def restore(self, state: State, snapshot: str) -> None:
        """Go back to a snapshot of the machines, and write down how to reach them then: their ports may be others."""
        driver = self.snapshot_driver(state)
        inventory.close_shared(self.folder, Runner())
        connection_info.forget(self.folder.path, state.provider, [node.name for node in self.lab.nodes])
        with self.progress.step(_("Going back to %(snapshot)s", snapshot=snapshot)):
            # Managers last, and none at work before that: one of now would end what workers did then, and one of then
            # would give workers up that are not back yet, and have their tasks done elsewhere.
            managers = [node.name for node in self.lab.managers]
            driver.halt(managers, force=True, on_line=self.progress.detail)
            for name in (*(node.name for node in self.lab.workers), *managers):
                driver.restore_snapshot(snapshot, name, on_line=self.progress.detail)
            # That starts them without a word to the Vagrantfile, which has to write down how they are reached now.
            within = boot_within(accelerated=state.accelerated)
            count = len(self.lab.nodes)
            driver.up(state.provider, within=within, on_line=self.progress.detail, machines=count)
        self.reached(driver, state)
        self._ports(state)

    def reached(self, driver: Driver, state: State) -> None:
        """Write down how to reach the machines."""
        proxy = self._daemon(state).proxy_command() if state.namespace else None
        inventory.write_ssh_config(self.folder, self._ssh_config(driver, state), proxy_command=proxy)

    def _ssh_config(self, driver: Driver, state: State) -> str:
        """Give what the driver says: written down while the machines came up, else asked for."""
        connections = connection_info.of_all(self.folder.path, state.provider, [node.name for node in self.lab.nodes])
        if connections is not None:
            return connection_info.ssh_config(connections)
        with self.progress.step(_("Asking how to reach the machines")):
            return driver.ssh_config()

    def _ports(self, state: State) -> None:
        """Say which ports are forwarded otherwise than lab.yml has them."""
        for port, at in connection_info.ports(self.folder.path, self.lab, state.provider):
            if at is not None and at != port.host:
                self.progress.note(_("note: %(moved)s", moved=connection_info.moved(port, at)))

    def _lacks(self, state: State) -> State:
        """Give what the nodes cannot do, found out and written down."""
        if PROVIDERS[state.provider].shares_kernel:
            with self.progress.step(_("Asking the kernel under the nodes what it can do")):
                state = replace(state, lacks=inventory.find_lacks(self.folder, self.lab, state))
        else:
            state = replace(state, lacks=PROVIDERS[state.provider].lacks)
        if why := state.lacks.get(Capability.ROUTING_MESH):
            self.progress.note(_("note: %(why)s: published ports will not answer.", why=_(why)))
        self.folder.remember(state)
        return state

    def _again(self, driver: Driver, provider: str, within: float, first: MachineError) -> None:
        stuck = stuck_machines(first.message, [node.name for node in self.lab.nodes])
        if not stuck:
            raise first
        self.progress.note(
            _("%(stuck)s did not boot: making another one.", stuck=", ".join(stuck))
            if len(stuck) == 1
            else _("%(stuck)s did not boot: making other ones.", stuck=", ".join(stuck))
        )
        driver.destroy(stuck, on_line=self.progress.detail)
        try:
            count = len(self.lab.nodes)
            driver.up(provider, within=within, on_line=self.progress.detail, machines=count)
        except MachineError as second:
            raise MachineError(
                _(
                    "%(message)s\n(tried twice: %(stuck)s did not boot the first time either)",
                    message=second.words,
                    stuck=", ".join(stuck),
                ),
                _(
                    "%(hint)s It often helps to use less memory per machine (memory: in lab.yml), or fewer machines. "
                    "`labgen doctor` shows what the computer has. Then run `labgen up` again.",
                    hint=second.advice,
                ),
            ) from None

    def _box(self, driver: Driver, state: State) -> None:
        provider = state.provider
        if PROVIDERS[provider].from_image:
            boxes.ensure_node_image(self.runner(state), progress=self.progress, suite=self.lab.engine.suite)
            return
        if not PROVIDERS[provider].uses_vagrant:
            return  # its own driver knows what machines start from
        vagrant = cast("Vagrant", driver)
        box = PROVIDERS[provider].box_for(self.lab)
        if not box.image and (box.name != BUILT_BOX or box.url):
            self._fetch(vagrant, box, provider)
            return
        mark = box_mark(box.name, provider)
        box_file = cloud_boxes.made(box.image, provider) if box.image else boxes.built(provider)
        if box_file is None and not mark.exists() and installed(mark, provider):
            return  # added by hand: one that a teacher has handed over
        if box_file is None:
            box_file = self._build(box, provider)
        # The path holds the recipe's key: another recipe is another path.
        if read(mark) == str(box_file):
            return
        with self.progress.step(_("Adding the box %(box)s to Vagrant", box=box.name)):
            vagrant.add_box(box.name, box_file, provider, on_line=self.progress.detail)
        write_whole(mark, str(box_file))

    def _fetch(self, vagrant: Vagrant, box: Box, provider: str) -> None:
        """Fetch a box from elsewhere, as a step of its own: it may take longer than all else together."""
        # Vagrant refuses a version for a file that has none; it fetches such a box itself when it needs it.
        if (box.url and box.version) or installed(box_mark(box.name, provider), provider, box.version):
            return
        version = f" {box.version}" if box.version else ""
        with self.progress.step(
            _("Fetching the box %(box)s%(version)s (once; hundreds of megabytes)", box=box.name, version=version)
        ):
            vagrant.fetch_box(box, provider, on_line=self.progress.detail)

    def _build(self, box: Box, provider: str) -> Path:
        if box.image:
            from labgen.boxes import cloud_box  # with HTTP and more, which only making a box needs

            return cloud_box.make(box.image, provider, Host().machine(), progress=self.progress)
        try:
            return boxes.build([provider], runner=Runner(), progress=self.progress)[provider]
        except LabgenError as error:
            raise BoxError(
                _(
                    "the box %(box)s is missing, and cannot be built here: %(message)s",
                    box=box.name,
                    message=error.words,
                ),
                f"{error.hint} Or name another box in lab.yml: box: {{name: ..., url: ...}}.".strip(),
            ) from None

    def down(self, state: State | None) -> None:
        """Remove the machines, their networks, and a daemon of the lab's own; well, too, where nothing is left."""
        Removal(self, state, self.folder.record()).run()

    def down_some(self, state: State | None, names: Sequence[str]) -> None:
        """Remove some machines, which ``up`` makes again; machines that do not exist are skipped.

        :raises MachineError: the lab is halted.
        """
        if state is not None or self.folder.machine_ids():
            self._not_halted(state)
            remove_some(self, state, names)

    def halt_some(self, state: State, names: Sequence[str], *, force: bool = False) -> None:
        """Shut some machines down; ``up`` starts them again, with everything on their disks.

        :param force: cut their power.
        :raises MachineError: the lab is halted.
        """
        self._not_halted(state)
        inventory.close_shared(self.folder, Runner())
        with self.progress.step(f"{'Cutting the power of' if force else 'Shutting down'} {', '.join(names)}"):
            self._with_surplus(state).halt(names, force=force, on_line=self.progress.detail)

    def _with_surplus(self, state: State) -> Driver:
        """Give a driver that knows machines, too, which lab.yml does not name any more."""
        record, names = self.folder.record(), self.folder.machine_names()
        if record is None or not set(names) - {node.name for node in self.lab.nodes}:
            return self.driver(state)
        return self.driver(state, with_unknown(record.lab, names))

    def _not_halted(self, state: State | None) -> None:
        """Refuse what cannot be done while the lab is halted with a daemon of its own, which only ``up`` starts."""
        if state is not None and self.halted(state):
            raise MachineError(_("the lab is halted: none of its machines runs."), _("Start it first: labgen up."))

    def halt(self, state: State, *, force: bool = False) -> None:
        """Shut the machines down; ``up`` starts them again, with everything on their disks.

        :param force: cut their power.
        """
        inventory.close_shared(self.folder, Runner())
        own = self._daemon(state) if state.namespace else None
        if own is None or (own.pid() is not None and (force or not own.shuts_down)):
            with self.progress.step(_("Cutting the machines' power") if force else _("Shutting the machines down")):
                self._with_surplus(state).halt(force=force, on_line=self.progress.detail)
        if own is not None:
            ending = (
                _("Ending the lab's own %(daemon)s, and with it the nodes", daemon=own.title)
                if own.shuts_down
                else _("Ending the lab's own %(daemon)s", daemon=own.title)
            )
            with self.progress.step(ending):
                own.end()
        # How to reach them is asked again: ports and addresses may be others then.
        remove(self.folder.ssh_config)


def installed(mark: Path, provider: str, version: str | None = None) -> bool:
    """Tell whether Vagrant has any version of a box.

    :param mark: the file in which labgen notes where the box came from, beside the folders of its versions.

    Since 2.4 Vagrant keeps ``VERSION/ARCHITECTURE/PROVIDER``, before that ``VERSION/PROVIDER``.

    :param version: that version; any where ``None``.
    """
    folders = [mark.parent / version] if version else [*mark.parent.glob("*")]
    return any(any(folder.glob(f"{inner}{provider}")) for folder in folders for inner in ("", "*/"))


def stuck_machines(message: str, names: Sequence[str]) -> list[str]:
    r"""Find the machines that a failed ``vagrant up`` was about, as far as its message says.

    >>> stuck_machines("Vagrant failed (last heard of: b):\nTimed out while waiting for it to boot.", ["a", "b"])
    ['b']
    """
    failed = re.findall(r"on the '([^']+)'\s*machine", message) + re.findall(r"last heard of: ([^)\s]+)", message)
    booting = re.search(r"(?i)timed out|did not boot|waiting for (?:the )?(?:machine|domain)|IP address", message)
    return [name for name in names if name in failed] if booting else []
