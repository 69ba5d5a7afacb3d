"""What VirtualBox itself says of its machines and networks: none of labgen's code is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from labgen.core.process import Result, Runner


@dataclass(frozen=True)
class VirtualBox:
    """The VirtualBox in a room.

    :param inside: of the room.
    :param place: the room's own directory.
    """

    inside: Runner
    place: Path

    def ask(self, *words: str) -> Result:
        """What a command of VBoxManage's did."""
        return self.inside.run(["VBoxManage", *words], cwd=self.place, timeout=60)

    def manage(self, *words: str) -> str:
        """What a command of VBoxManage's said; it must succeed."""
        return self.ask(*words).or_raise().out

    def machines(self) -> Mapping[str, str]:
        """Id of each machine, by name."""
        return dict(re.findall(r'^"(.+)" \{([0-9a-f-]{36})\}$', self.manage("list", "vms"), re.MULTILINE))

    def settings(self, machine: str) -> Mapping[str, str]:
        """Settings of a machine, by the names ``showvminfo`` gives them."""
        said = self.manage("showvminfo", machine, "--machinereadable")
        return {
            key.strip('"'): value.strip('"')
            for key, sign, value in (line.partition("=") for line in said.splitlines())
            if sign
        }

    def nat_networks(self) -> Mapping[str, Mapping[str, str]]:
        """What is said of each NAT network, by its name."""
        found: dict[str, dict[str, str]] = {}
        for part in re.split(r"\n\s*\n", self.manage("list", "--long", "natnets")):
            facts = dict(re.findall(r"^(\S[^:\n]*):\s+(\S.*)$", part, re.MULTILINE))
            if "Name" in facts:
                found[facts["Name"]] = facts
        return found

    def machines_of_disk(self, disk: str) -> list[str]:
        """Names of the machines that use the disk which the disk of this id was cloned from."""
        parent = re.search(r"^Parent UUID:\s+(\S+)", self.manage("showmediuminfo", disk), re.MULTILINE)
        assert parent is not None
        if parent[1] == "base":
            return []
        said = self.manage("showmediuminfo", parent[1])
        return re.findall(r"^(?:In use by VMs:)?\s+(\S.*?) \(UUID: [0-9a-f-]{36}\)", said, re.MULTILINE)
