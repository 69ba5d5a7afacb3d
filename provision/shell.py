"""Running commands on a node, as root.

What belongs together is sent as one script. Values reach a script through :func:`shlex.quote` only; a secret reaches it
through its standard input only.
"""

from __future__ import annotations

import shlex

from labgen.core.errors import NodeError
from labgen.core.i18n import _
from labgen.core.redaction import redact
from labgen.docker.question import Question
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.transport.output import Output
from labgen.transport.ssh import SshTransport

_CARRIES_ON = _("Then run the same command again: it carries on.")


class Shell:
    """Root's shell on one node, for one script after the other."""

    def __init__(self, inventory: Inventory, node: Node) -> None:
        self.node = node
        self._transport = SshTransport(inventory, _CARRIES_ON)

    def open(self) -> None:
        """Open the shell now, so that the first script need not wait for it.

        :raises NodeError: the node cannot be reached.
        """
        self._transport.open(self.node)

    def forget(self) -> None:
        """Close the shell and the node's connection, before the node restarts."""
        self._transport.forget(self.node)

    def run(self, script: str, *, within: float = 60.0, secret: str | None = None, what: str = "") -> str:
        """Run a POSIX shell script as root, and return what it printed.

        :param within: deadline in seconds on an ordinary machine; stretched on an emulated one.
        :param secret: one line for the script's standard input.
        :param what: what the script does, for the error.
        :raises NodeError: the node does not answer, or the script failed.
        """
        output = self.attempt(script, within=within, secret=secret)
        if not output.ok:
            doing = what or redact(script.strip().splitlines()[-1])
            raise NodeError(
                _(
                    "%(node)s: %(command)s failed (status %(status)s): %(output)s",
                    node=self.node.name,
                    command=doing,
                    status=output.status,
                    output=output.said or _("no output"),
                ),
                _(
                    "Look on that node: labgen ssh %(node)s. Then run the same command again: it carries on.",
                    node=self.node.name,
                ),
            )
        return output.out

    def attempt(self, script: str, *, within: float = 60.0, secret: str | None = None) -> Output:
        """Run a script as root, whatever its exit status.

        :raises NodeError: the node cannot be reached, or stopped answering.
        """
        return self._transport.output(self.node, script, within=within, secret=secret)

    def ask(self, question: Question, *, within: float = 30.0) -> str:
        """Ask the node something that is more than a script, and return the answer.

        :param within: deadline in seconds on an ordinary machine.
        :raises NodeError: the node cannot be reached, or does not answer.
        """
        return self._transport.ask(self.node, question, within=within)


def write_file(path: str, text: str, mode: str) -> str:
    """Compose a script line that writes a file on a node, whole or not at all.

    /etc/hosts may be a mount of its own (in a container), which cannot be replaced: such a file is
    written in place.

    :param mode: permissions in octal: "0600".
    """
    quoted = shlex.quote(path)
    # Each session writes a file of its own: what an interrupted run had sent may still be at it.
    temporary = f"{quoted}.labgen.$$"
    umask = 0o666 & ~int(mode, 8)
    return (
        f"(umask {umask:04o}; printf %s {shlex.quote(text)} > {temporary}) && "
        f"{{ mv -f {temporary} {quoted} 2>/dev/null || {{ cat {temporary} > {quoted} && rm -f {temporary}; }}; }}"
    )
