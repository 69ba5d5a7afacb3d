"""Root's shell on a node, kept open: a script goes in, its exit status and what it printed come out.

To start a command over SSH costs an emulated node half a second: a login shell, sudo, another shell. So
one shell is started and fed one script after the other. Scripts and secrets reach it through its standard
input, and so stand in no command line, and not in the log that sudo keeps of them.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from labgen.core import bounded
from labgen.core.bounded import TooMuch
from labgen.transport.deadline import seconds_until
from labgen.transport.output import Output
from labgen.transport.protocol import LONGEST
from labgen.transport.remote import root_command

if TYPE_CHECKING:
    from paramiko import Channel
    from paramiko import Transport as Connection

_BESIDE = 65536
"""Bytes that a login may print besides."""

LOST = -1
"""The exit status paramiko reports when the connection ended before the command did."""

# The first line is the script's own standard input, the last a mark; a script that is cut short is not
# run. `read` and `printf` are the shell's own: no secret becomes an argument of a process.
_LOOP = """\
printf '\\nMARK begin\\n'; printf '\\nMARK begin\\n' >&2
while IFS= read -r secret; do
  script=
  while IFS= read -r line && [ "$line" != MARK ]; do script="$script$line
"; done
  [ "$line" = MARK ] || exit 1
  case $secret in
    '') ( eval "$script" ) </dev/null;;
    *) printf '%s\\n' "$secret" | ( eval "$script" );;
  esac
  status=$?
  printf '\\nMARK %d\\n' $status; printf '\\nMARK %d\\n' $status >&2
done
"""


class Ended(Exception):
    """The shell itself ended, or could not even begin; says how, and what was printed until then."""

    def __init__(self, output: Output) -> None:
        super().__init__(f"status {output.status}")
        self.output = output


class RootShell:
    """One open shell.

    :param connection: the SSH connection it goes through.
    """

    def __init__(self, connection: Connection) -> None:
        self._mark = f"@@{secrets.token_hex(8)}"
        self._channel: Channel = connection.open_session()
        self._channel.exec_command(root_command(_LOOP.replace("MARK", self._mark)))

    def run(self, script: str, *, within: float, secret: str | None = None) -> Output:
        """Run a script in a shell of its own, and return its output.

        :param within: deadline in seconds.
        :param secret: one line for the script's standard input, which is empty otherwise.
        :raises TimeoutError: it did not end in time; the shell cannot be used any more.
        :raises Ended: the shell ended before the script did.
        :raises TooMuch: it printed more than may be; the shell cannot be used any more.
        """
        deadline = time.monotonic() + within
        self._wait_until(deadline)
        try:
            self._channel.sendall(f"{secret or ''}\n{script}\n{self._mark}\n".encode())
        except TimeoutError:
            raise
        except OSError:
            pass  # It has ended already, as where sudo refuses: what it said about that is read below.
        # One after the other: what comes on the one meanwhile waits in paramiko's buffer (2 MiB).
        out, status = self._read(self._channel.recv, deadline)
        err, _ = self._read(self._channel.recv_stderr, deadline)
        if status is None:
            # Where the shell has ended by itself, its exit status follows.
            self._channel.status_event.wait(max(deadline - time.monotonic(), 0))
            raise Ended(Output(self._channel.exit_status, out, err))
        return Output(status, out, err)

    def close(self) -> None:
        """End the shell."""
        self._channel.close()

    def _read(self, receive: Callable[[int], bytes], deadline: float) -> tuple[str, int | None]:
        """Read what is printed until the mark, and the status beside it: ``None`` if the output ends first."""
        mark = re.compile(rb"\n" + self._mark.encode() + rb" (\d+)\n")
        longest = len(self._mark) + 16
        data = bytearray()
        searched = 0
        while (match := mark.search(data, searched)) is None:
            if len(data) > LONGEST + _BESIDE:
                raise TooMuch
            # Only in what is new: an answer of many megabytes comes in hundreds of parts.
            searched = max(0, len(data) - longest)
            self._wait_until(deadline)
            more = receive(1 << 16)
            if not more:
                return self._printed(data), None
            data += more
        return self._printed(data[: match.start()]), int(match[1])

    def _printed(self, data: bytearray) -> str:
        """Cut off what a login (.bashrc) printed before the loop began."""
        before, begun, after = data.partition(f"\n{self._mark} begin\n".encode())
        return bounded.text(after if begun else before, LONGEST)

    def _wait_until(self, deadline: float) -> None:
        self._channel.settimeout(seconds_until(deadline))
