"""Running commands on a node, as root, over its Fabric connection.

Each remote command costs a tenth of a second on an emulated node, so what belongs together is sent as
one script. Values reach a script through :func:`shlex.quote` only; a secret reaches it through its
standard input only, because sudo writes command lines to the system log.
"""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import dataclass, field
from typing import Any

from labgen.errors import NodeError
from labgen.inventory import Inventory
from labgen.lab import Node

TOKEN = re.compile(r"SWMTKN-1-[0-9a-z]+-[0-9a-z]+")
"""A join token."""
_LOST = -1
"""The exit status paramiko reports when the connection ended before the command did."""


def redact(text: str) -> str:
    """The text without join tokens."""
    return TOKEN.sub("SWMTKN-1-…", text)


@dataclass(frozen=True)
class Output:
    """What a remote command did."""

    status: int
    out: str = field(repr=False)  # may hold a join token
    err: str = field(repr=False)

    @property
    def ok(self) -> bool:
        """Exit status 0."""
        return self.status == 0

    @property
    def said(self) -> str:
        """The end of what it printed, without join tokens, for people."""
        return redact("\n".join((self.err.strip() or self.out.strip()).splitlines()[-12:]))


class Shell:
    """Root's shell on one node."""

    def __init__(self, inventory: Inventory, node: Node) -> None:
        self.node = node
        self._inventory = inventory

    def run(self, script: str, *, within: float = 60.0, secret: str | None = None, what: str = "") -> str:
        """Run a POSIX shell script as root and give what it printed.

        :param within: deadline in seconds on an ordinary machine; stretched on an emulated one.
        :param secret: one line for the script's standard input.
        :param what: what the script does, for the error.
        :raises NodeError: the node does not answer, or the script failed.
        """
        output = self.attempt(script, within=within, secret=secret)
        if not output.ok:
            doing = what or redact(script.strip().splitlines()[-1])
            raise NodeError(
                f"{self.node.name}: {doing} failed (status {output.status}): {output.said or 'no output'}",
                f"Look at it there: labgen ssh {self.node.name}. Running the same command again carries on.",
            )
        return output.out

    def attempt(self, script: str, *, within: float = 60.0, secret: str | None = None) -> Output:
        """Run a script as root, whatever its exit status.

        :raises NodeError: the node cannot be reached, or stopped answering.
        """
        import invoke
        import paramiko

        seconds = self._inventory.patience.seconds(within)
        command = f"sudo -n LC_ALL=C.UTF-8 sh -c {shlex.quote(script)}"
        stdin: Any = io.StringIO(secret + "\n") if secret is not None else False
        try:
            connection = self._inventory.opened(self.node)
            done = connection.run(command, hide=True, warn=True, in_stream=stdin, timeout=seconds, echo=False)
        except invoke.exceptions.CommandTimedOut:
            raise NodeError(
                f"{self.node.name} did not finish within {seconds:.0f} s: {redact(script.strip().splitlines()[0])}",
                self._way_out(),
            ) from None
        except (OSError, EOFError, paramiko.SSHException, invoke.exceptions.ThreadException) as why:
            raise NodeError(
                f"{self.node.name} cannot be reached: {redact(str(why)) or type(why).__name__}.", self._way_out()
            ) from None
        if done.exited == _LOST:
            raise NodeError(f"{self.node.name} stopped answering in the middle of a command.", self._way_out())
        return Output(done.exited, done.stdout, done.stderr)

    def _way_out(self) -> str:
        return (
            "See with `labgen status` whether the machine runs, start it with `labgen up`, then run the same "
            "command again: it carries on where it stopped."
        )


def write_file(path: str, text: str, mode: str) -> str:
    """A script line that writes a file on a node, whole or not at all.

    /etc/hosts may be a mount of its own (in a container), which cannot be replaced: such a file is
    written in place.

    :param mode: permissions in octal: "0600".
    """
    quoted, temporary = shlex.quote(path), shlex.quote(f"{path}.labgen")
    umask = 0o666 & ~int(mode, 8)
    return (
        f"(umask {umask:04o}; printf %s {shlex.quote(text)} > {temporary}) && "
        f"{{ mv -f {temporary} {quoted} 2>/dev/null || {{ cat {temporary} > {quoted} && rm -f {temporary}; }}; }}"
    )
