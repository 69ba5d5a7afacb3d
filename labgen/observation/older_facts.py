"""What older evidence has of a node: the script it was asked with, whose sections stand for the commands of today."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from labgen.docker.api import ask_command
from labgen.docker.question import Question
from labgen.observation.commands import INTERFACES, LISTENING_SOCKETS, CommandAnswer

_SCRIPT = r"""
export LC_ALL=C.UTF-8
section() { printf '\n@@%s\n' "$1"; }
section hostname; hostname
section links; ip -json address
section sockets; ss -Hlntu
section names
for name in NAMES; do
  printf '%s' "$name"
  getent -s hosts:files ahostsv4 "$name" | while read -r address kind rest; do
    [ "$kind" = STREAM ] && printf ' %s' "$address"
  done
  echo
done
section engine; pidof dockerd >/dev/null && echo running && { section info; ENGINE; }
section end; true
"""


def question(names: Iterable[str], within: float) -> Question:
    """Make the question that older evidence has the answer to; no node is asked it any more.

    :param names: of the lab's nodes.
    :param within: seconds the engine had for its answer.
    """
    engine = ask_command(["/info"], within=max(1, round(within)))
    script = _SCRIPT.replace("NAMES", shlex.join(names)).replace("ENGINE", engine)
    return Question(script, lambda node: node.run(script))


def answers(sections: Mapping[str, str]) -> Mapping[str, CommandAnswer]:
    """Give what the prefetched commands of :mod:`labgen.observation.facts` would have come to, by their sections."""
    sockets = "".join(f"{line}\n" for line in sections["sockets"].splitlines() if line.strip())
    # A line for each name, with the addresses that /etc/hosts gives it.
    names = [line.split() for line in sections["names"].splitlines() if line.strip()]
    return {
        INTERFACES: CommandAnswer(0, sections["links"]),
        LISTENING_SOCKETS: CommandAnswer(0, f"Netid State Recv-Q Send-Q Local Peer\n{sockets}"),
        "test -d /run/systemd/system/": CommandAnswer(0, ""),
        "systemctl is-active docker": CommandAnswer(0 if "running" in sections["engine"] else 3, ""),
        "cat -- /etc/hosts": CommandAnswer(
            0, "".join(f"{address} {name}\n" for name, *addresses in names for address in addresses)
        ),
    }
