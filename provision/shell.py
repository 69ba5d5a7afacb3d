"""Running commands on a node, as root, over its Fabric connection.

What belongs together is sent as one script, and every script through one session. Values reach a script
through :func:`shlex.quote` only; a secret reaches it through its standard input only.
"""

from __future__ import annotations

import contextlib
import shlex
import threading

from labgen.core.errors import NodeError
from labgen.core.redaction import redact
from labgen.machines.inventory import Inventory
from labgen.machines.unreachable import unreached
from labgen.model.lab import Node
from labgen.transport.output import Output
from labgen.transport.root_shell import LOST, Ended, Session

_CARRIES_ON = "Then run the same command again: it carries on where it stopped."


class Shell:
    """Root's shell on one node: one session, begun when first used, for one script after the other."""

    def __init__(self, inventory: Inventory, node: Node) -> None:
        self.node = node
        self._inventory = inventory
        self._session: Session | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Begin the session now, so that the first script need not wait for it.

        :raises NodeError: the node cannot be reached.
        """
        with self._lock:
            self._opened()

    def forget(self) -> None:
        """Close the session and the node's connection, before the node restarts."""
        with self._lock:
            session, self._session = self._session, None
            if session is not None:
                with contextlib.suppress(Exception):
                    session.close()
            self._inventory.forget(self.node)

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
        from paramiko import SSHException

        seconds = self._inventory.patience.seconds(within)
        # Threads may share a shell: its scripts run one after the other.
        with self._lock:
            session = self._opened()
            try:
                return session.run(script, within=seconds, secret=secret)
            except BaseException as why:
                # Whatever it was: what the session would say next belongs to this script.
                self._session = None
                # Ctrl-C ends what the connection goes through as well: it must stay a Ctrl-C.
                with contextlib.suppress(Exception):
                    session.close()
                if isinstance(why, TimeoutError):
                    what = f"did not finish within {seconds:.0f} s: {redact(script.strip().splitlines()[0])}"
                elif isinstance(why, Ended):
                    if why.output.status != LOST:
                        return why.output
                    what = "stopped answering in the middle of a command."
                elif isinstance(why, (OSError, EOFError, SSHException)):
                    raise self._unreached(why) from None
                else:
                    raise
                raise self._unwell(what) from None

    def _opened(self) -> Session:
        from paramiko import SSHException

        if self._session is None:
            try:
                self._session = Session(self._inventory.opened(self.node).transport)
            except (OSError, EOFError, SSHException) as why:
                raise self._unreached(why) from None
        return self._session

    def _unreached(self, why: Exception) -> NodeError:
        return unreached(self.node.name, redact(str(why)).rstrip(".") or type(why).__name__, _CARRIES_ON)

    def _unwell(self, what: str) -> NodeError:
        return NodeError(
            f"{self.node.name} {what}",
            f"See with `labgen status` whether the machine runs, and start it with `labgen up`. {_CARRIES_ON}",
        )


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
