"""The SSH key of a lab whose nodes are containers: made for the lab, handed to each node as it is created."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from labgen.core.atomic_files import remove
from labgen.core.errors import MachineError
from labgen.core.i18n import _
from labgen.core.process import Runner

_MISSING = "Install an OpenSSH client (Windows has one)."


@dataclass(frozen=True)
class LabKey:
    """A key pair of which the private half is a file that only its owner can read.

    :param path: of the private half.
    """

    path: Path

    def public(self) -> str:
        """Give the public half, as a line of ``authorized_keys``; the pair is made if there is none.

        :raises MachineError: the file is no key, or others can read it.
        """
        runner = Runner()
        if not self.path.exists():
            self._make(runner)
        result = runner.run(["ssh-keygen", "-y", "-f", self.path], hint=_MISSING)
        if not result.ok:
            raise MachineError(
                _("the lab's key %(path)s cannot be used: %(strip)s", path=self.path, strip=result.err.strip()),
                _("Put it right, or make the nodes again with a new key: labgen down, then labgen up."),
            )
        return result.out.strip()

    def _make(self, runner: Runner) -> None:
        # Whole or not at all; OpenSSH closes the file to others in its own way on each system.
        fresh = self.path.with_name(f"{self.path.name}.new")
        remove(fresh)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "labgen", "-f", str(fresh)]
        runner.run(command, hint=_MISSING).or_raise()
        remove(fresh.with_name(f"{fresh.name}.pub"))
        fresh.replace(self.path)

    def remove(self) -> None:
        """Remove it, and what earlier versions of labgen kept beside it."""
        remove(self.path)
        remove(self.path.with_name(f"{self.path.name}.env"))
