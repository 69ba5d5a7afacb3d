"""The folder a lab lives in, and what labgen remembers there about it.

::

    lab.yml          what the lab is (optional)
    Vagrantfile      rendered
    .labgen/         labgen's own: state.json, ssh_config, logs, the report
    .vagrant/        Vagrant's own
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labgen.core.atomic_files import read, remove, write_whole
from labgen.core.errors import HostError, MachineError
from labgen.core.i18n import _
from labgen.model import record as records
from labgen.model.capabilities import Capability, Lacks
from labgen.model.record import Record

STATE_VERSION = 2
_READABLE = (1, STATE_VERSION)
"""Version 1 had no record of the machines."""

_DAMAGED = "it is damaged"


@dataclass(frozen=True)
class State:
    """What `labgen up` decided and found.

    :param provider: the provider the machines run on.
    :param accelerated: ``False`` where they are emulated, and everything takes many times as long.
    :param namespace: the network namespace the lab has to itself, ``None`` where it uses the
        computer's own network.
    :param lacks: what the nodes cannot do here, and why.
    :param remote: whether the lab is reached by an ssh configuration of someone's, and was not brought up here.
    """

    provider: str
    accelerated: bool = True
    namespace: str | None = None
    lacks: Lacks = field(default_factory=dict)
    remote: bool = False


@dataclass(frozen=True)
class LabFolder:
    """Where everything of one lab is found."""

    path: Path

    @classmethod
    def at(cls, path: Path | None = None) -> LabFolder:
        """Find the lab folder at ``path``, or the working directory."""
        return cls((path or Path.cwd()).resolve())

    @property
    def lab_file(self) -> Path:
        """``lab.yml``; need not exist."""
        return self.path / "lab.yml"

    @property
    def vagrantfile(self) -> Path:
        """The rendered Vagrantfile."""
        return self.path / "Vagrantfile"

    @property
    def own(self) -> Path:
        """labgen's own folder inside."""
        return self.path / ".labgen"

    @property
    def ssh_config(self) -> Path:
        """OpenSSH configuration with one Host per node."""
        return self.own / "ssh_config"

    @property
    def logs(self) -> Path:
        """What the programs said that labgen started."""
        return self.own / "logs"

    @property
    def report(self) -> Path:
        """Where a grade is left."""
        return self.own / "report"

    @property
    def evidence(self) -> Path:
        """What the last grading has seen."""
        return self.report / "evidence.jsonl"

    def spent(self, exercise: str) -> Path:
        """Give what carrying an exercise out has spent, by step, as JSON."""
        return self.report / "spent" / f"{exercise}.json"

    @property
    def unfinished(self) -> Path:
        """Which exercises were begun and did not come to their end, as JSON; need not exist."""
        return self.own / "unfinished.json"

    @property
    def id(self) -> str:
        """Eight characters that tell this folder from every other on this computer."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:8]

    @property
    def vagrant_data(self) -> Path:
        """Where Vagrant keeps what it knows of the machines."""
        return self.path / ".vagrant"

    @property
    def _mark_file(self) -> Path:
        # The Vagrantfile reads it, and writes it where `vagrant up` comes before `labgen up`.
        return self.vagrant_data / "labgen-mark"

    @property
    def engine_file(self) -> Path:
        """Where the address of the engine stands that the nodes are on, if they are containers; need not exist."""
        return self.vagrant_data / "labgen-engine"

    def mark(self) -> str | None:
        """Give the mark that everything made for this folder bears; ``None`` where nothing has been made.

        It goes with the folder where that is moved, so that another lab in the old place gets another one.
        """
        mark = (read(self._mark_file) or "").strip()
        if re.fullmatch(r"[0-9a-f]{12}", mark):
            return mark
        record = self.record()
        if record is not None:
            return record.mark
        # Labs of earlier versions: their mark was the path's.
        older = (self.own / "state.json").exists() or any(self.machine_ids())
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:12] if older else None

    def draw_mark(self) -> str:
        """Give the folder's mark; draw it and write it down if there is none yet."""
        mark = self.mark() or secrets.token_hex(6)
        if (read(self._mark_file) or "").strip() != mark:
            write_whole(self._mark_file, mark + "\n")
        return mark

    def machine_ids(self) -> dict[str, dict[str, str]]:
        """Read what Vagrant has written down of machines: by provider, ids by name."""
        ids: dict[str, dict[str, str]] = {}
        for path in sorted(self.vagrant_data.glob("machines/*/*/id")):
            identity = (read(path) or "").strip()
            # Vagrant writes "preparing" before a container has its id.
            if re.fullmatch(r"[0-9A-Za-z-]+", identity) and identity != "preparing":
                ids.setdefault(path.parent.name, {})[path.parent.parent.name] = identity
        return ids

    def machine_names(self) -> list[str]:
        """List the nodes that have a machine, whether lab.yml names them or not."""
        return sorted({name for ids in self.machine_ids().values() for name in ids})

    def set_state_aside(self) -> None:
        """Move a state that cannot be read out of the way."""
        (self.own / "state.json").replace(self.own / "state.json.damaged")

    def _state_file(self) -> Mapping[str, Any] | None:
        text = read(self.own / "state.json")
        if text is None:
            return None
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = None
        if not isinstance(data, dict):
            raise ValueError(_DAMAGED)
        if data.get("version") not in _READABLE:
            raise ValueError("it is of another version of labgen")
        return data

    def state(self) -> State | None:
        """Read the lab's state, ``None`` if labgen has not brought the lab up."""
        try:
            data = self._state_file()
            if data is None:
                return None
            if not isinstance(data["provider"], str) or not isinstance(data["accelerated"], bool):
                raise ValueError("provider or accelerated is of another type")
            lacks = {Capability(name): str(why) for name, why in data.get("lacks", {}).items()}
            namespace = data["namespace"]
            # It becomes part of paths that are removed.
            if namespace is not None and not re.fullmatch(r"labgen-[0-9a-z]+", namespace):
                raise ValueError("a network namespace that cannot be")
            return State(data["provider"], data["accelerated"], namespace, lacks, data.get("remote") is True)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as why:
            reason = why if isinstance(why, ValueError) else _DAMAGED
            raise MachineError(
                _("%(own)s cannot be read: %(reason)s.", own=self.own / "state.json", reason=reason),
                _("Run `labgen up` again: it checks again what runs here."),
            ) from None

    def record(self) -> Record | None:
        """Read the lab as it was made; ``None`` if that is not written down, or cannot be read."""
        try:
            data = self._state_file()
            return records.parse(data["record"]) if data and data.get("record") else None
        except (ValueError, KeyError, TypeError, RecursionError, HostError):
            return None

    def remember(self, state: State, record: Record | None = None) -> None:
        """Write the state down.

        :param record: the lab as it was made; what is written down of it already stays where ``None``.
        """
        record = record or self.record()
        data = {"version": STATE_VERSION, **asdict(state), "record": records.dump(record) if record else None}
        write_whole(self.own / "state.json", json.dumps(data, indent=2) + "\n")

    def moved_from(self) -> Path | None:
        """Give the folder's earlier path, if it was moved or copied since the machines were made."""
        record = self.record()
        if record is None or Path(record.folder) == self.path:
            return None
        try:
            # One folder may have two paths: on a disk that does not tell a from A, behind a mount.
            unmoved = Path(record.folder).samefile(self.path)
        except OSError:
            unmoved = False
        return None if unmoved else Path(record.folder)

    def copied_from(self) -> Path | None:
        """Find the folder that this one is a copy of, and whose machines these are."""
        earlier, record = self.moved_from(), self.record()
        if earlier is not None and record is not None:
            original = LabFolder(earlier).record()
            return earlier if original is not None and original.mark == record.mark else None
        return None if record is not None else self._original()

    def _original(self) -> Path | None:
        """Find the folder where Vagrant last saw the machines, if they are still there as well."""
        for provider, ids in self.machine_ids().items():
            for name, identity in ids.items():
                machine = Path("machines", name, provider)
                earlier = Path((read(self.vagrant_data / machine / "vagrant_cwd") or "").strip() or self.path)
                if earlier.is_absolute() and earlier != self.path and earlier.is_dir():
                    earlier_identity = read(earlier / ".vagrant" / machine / "id")
                    if (earlier_identity or "").strip() == identity and not earlier.samefile(self.path):
                        return earlier
        return None

    def forget(self) -> None:
        """Forget the machines: they are gone."""
        own = (self.own / "state.json", self.ssh_config, self.own / "Vagrantfile", self.unfinished)
        for path in (*own, self._mark_file, self.engine_file):
            remove(path)
        # Of a machine that was removed past Vagrant, Vagrant would go on looking for it by its id.
        machines = self.vagrant_data / "machines"
        if machines.is_dir():  # a pipe in its place would be waited for
            shutil.rmtree(machines, ignore_errors=True)
