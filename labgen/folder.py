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
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from labgen.capabilities import Capability, Lacks
from labgen.errors import MachineError
from labgen.files import read, write_whole

STATE_VERSION = 1


@dataclass(frozen=True)
class State:
    """What `labgen up` decided and found.

    :param provider: the provider the machines run on.
    :param accelerated: ``False`` where they are emulated, and everything takes many times as long.
    :param namespace: the network namespace the lab has to itself, ``None`` where it uses the
        computer's own network.
    :param lacks: what the nodes cannot do here, and why.
    """

    provider: str
    accelerated: bool = True
    namespace: str | None = None
    lacks: Lacks = field(default_factory=dict)


@dataclass(frozen=True)
class LabFolder:
    """Where everything of one lab is found."""

    path: Path

    @classmethod
    def at(cls, path: Path | None = None) -> LabFolder:
        """The lab folder at ``path``, or the working directory."""
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
        """What carrying an exercise out has spent, by step, as JSON."""
        return self.report / "spent" / f"{exercise}.json"

    @property
    def id(self) -> str:
        """Eight characters that tell this folder from every other on this computer."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:8]

    def state(self) -> State | None:
        """What is remembered, or ``None`` where the lab has not been brought up by labgen."""
        text = read(self.own / "state.json")
        if text is None:
            return None
        try:
            data: Mapping[str, Any] = json.loads(text)
            if data.get("version") != STATE_VERSION:
                raise ValueError("of another version")
            lacks = {Capability(name): str(why) for name, why in data.get("lacks", {}).items()}
            return State(data["provider"], data["accelerated"], data["namespace"], lacks)
        except (ValueError, KeyError, TypeError, AttributeError) as why:
            raise MachineError(
                f"{self.own / 'state.json'} cannot be read: {why}.",
                "Run `labgen up` again: it finds out anew what runs here.",
            ) from None

    def remember(self, state: State) -> None:
        """Write the state down."""
        write_whole(self.own / "state.json", json.dumps({"version": STATE_VERSION, **asdict(state)}, indent=2) + "\n")

    def forget(self) -> None:
        """Forget the machines: they are gone."""
        for path in (self.own / "state.json", self.ssh_config):
            path.unlink(missing_ok=True)
