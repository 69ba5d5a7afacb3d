"""Several commands in one script: what each printed, and how it ended."""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

INTERFACES = "ip -json address"
"""Every network interface with its addresses: :class:`verify.interfaces.NodeInterface`."""

LISTENING_SOCKETS = "ss --numeric --listening"
"""What testinfra's module of sockets lists them with."""

MOST = 4 * 2**20
"""Bytes that the commands of one script may print together."""

_ANSWER = r"""answer() {
  printf '\nMARK %s\n' "$1"
  { error=$({ eval "$2"; } 2>&1 >&3 3>&- </dev/null); status=$?; } 3>&1
  printf '\nMARK %s\n%s\n' "$status" "$error"
}
"""
"""Prints a command's number, its output, its exit status, and what it printed to its standard error."""


class CommandFailed(AssertionError):
    """A command ended otherwise than it must, or not in time; the message is a sentence."""


@dataclass(frozen=True)
class CommandAnswer:
    """What a command came to.

    :param status: its exit status.
    :param error: what it printed to its standard error, without the line ends after it.
    """

    status: int
    out: str
    error: str = ""


@dataclass(frozen=True)
class Commands:
    """Commands for one script.

    :param seconds: deadline for all of them together; what has not ended by then has no answer.
    :param mark: separates the answers; not to be guessed, so that no output forges another.
    """

    commands: Sequence[str]
    seconds: float
    mark: str

    @classmethod
    def of(cls, commands: Sequence[str], seconds: float) -> Commands:
        """Choose a mark for commands."""
        return cls(commands, seconds, f"labgen-{secrets.token_hex(8)}")

    @classmethod
    def read(cls, script: str) -> Commands | None:
        """Read the commands of a script back, also where it is a part of another one; ``None`` where it has none."""
        begin = re.search(r"\{ timeout -k 2 (\d{1,6}) sh -c (?=')", script)
        mark = re.search(r"labgen-[0-9a-f]{16}", script)
        if begin is None or mark is None:
            return None
        try:
            body, *_ = shlex.split(script[begin.end() :])
            quoted = re.findall(r"(?ms)^answer \d+ (.*?)(?=\nanswer \d|\n;?\Z)", body)
            return cls(["".join(shlex.split(command)) for command in quoted], int(begin[1]), mark[0])
        except ValueError:
            return None

    @property
    def script(self) -> str:
        """Give the script; it succeeds, whatever its commands do."""
        calls = "".join(f"answer {number} {shlex.quote(command)}\n" for number, command in enumerate(self.commands))
        body = f"LC_ALL=C.UTF-8; export LC_ALL\n{_ANSWER.replace('MARK', self.mark)}{calls}"
        seconds = max(1, round(self.seconds))
        # timeout ends with 124, or with 137 where it had to kill.
        late = f"case $? in 124 | 137) printf '\\n{self.mark} late\\n' ;; esac"
        return f"{{ timeout -k 2 {seconds} sh -c {shlex.quote(body)}; {late}; }} | head -c {MOST}; true\n"

    def ran_out_of_time(self, text: str) -> bool:
        """Tell whether the deadline ended the script."""
        return self._late in text

    @property
    def _late(self) -> str:
        return f"\n{self.mark} late\n"

    def answers(self, text: str) -> Mapping[str, CommandAnswer]:
        """Read what the script printed; a command that did not end, or whose output was cut off, is left out."""
        # What came before, then for each command: its number, its output, its status, its errors.
        _, *fields = re.split(rf"\n{self.mark} (\d{{1,3}})\n", text.partition(self._late)[0])
        return {
            self.commands[int(number)]: CommandAnswer(int(status), out, error.rstrip("\n"))
            for number, out, status, error in zip(*(fields[place::4] for place in range(4)), strict=False)
            if int(number) < len(self.commands)
        }
