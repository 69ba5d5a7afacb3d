"""What is kept of each machine in the lab folder: where Vagrant and the Vagrantfile keep it, and other drivers, too.

::

    .vagrant/machines/NODE/PROVIDER/id            what the provider calls the machine
    .vagrant/machines/NODE/PROVIDER/vagrant_cwd   the lab folder as the machine last came up
    .vagrant/machines/NODE/PROVIDER/labgen.json   how it is reached, and which ports are forwarded
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from labgen.core.atomic_files import write_whole

CONNECTION_VERSION = 1


@dataclass(frozen=True)
class MachineData:
    """The files of one machine.

    :param folder: the lab folder.
    """

    folder: Path
    provider: str
    name: str

    @property
    def place(self) -> Path:
        """The folder they are in; need not exist."""
        return self.folder / ".vagrant" / "machines" / self.name / self.provider

    @property
    def connection(self) -> Path:
        """How the machine is reached, as JSON; need not exist."""
        return self.place / "labgen.json"

    def write_id(self, identity: str) -> None:
        """Write down what the provider calls the machine."""
        write_whole(self.place / "id", identity)
        # By which a copy of the folder is told from the folder itself.
        write_whole(self.place / "vagrant_cwd", str(self.folder))

    def write_connection(self, ssh_config: str, ports: Iterable[tuple[int, int]]) -> None:
        """Write down how the machine is reached.

        :param ssh_config: OpenSSH configuration of the machine.
        :param ports: of each forwarded port that of this computer, and the machine's.
        """
        listed = [{"guest": guest, "host": host} for host, guest in ports]
        data = {"version": CONNECTION_VERSION, "ssh_config": ssh_config, "ports": listed}
        write_whole(self.connection, json.dumps(data))

    def remove(self) -> None:
        """Remove what is written down of a machine that is gone."""
        shutil.rmtree(self.place, ignore_errors=True)
