"""The `docker` command, and what to do about what it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from labgen.core.errors import MachineError, ProgramTimeout
from labgen.core.i18n import NOTHING, Text, _
from labgen.core.process import Result, Runner

WITHIN = 120.0
"""Deadline of a command, in seconds: an engine under load takes many for one."""

_MISSING = "Install Docker, or make sure that `docker` is on PATH: `labgen doctor --provider docker`."


@dataclass(frozen=True)
class Client:
    """Docker's command line, speaking to the engine that the lab's nodes are on."""

    runner: Runner

    def ask(self, *words: str, timeout: float = WITHIN) -> Result:
        """Run a command, whatever comes of it.

        :raises MachineError: it does not end.
        """
        try:
            return self.runner.run(["docker", *words], timeout=timeout, hint=_MISSING)
        except ProgramTimeout as late:
            raise MachineError(late.message, _("See whether the engine answers: docker info")) from None

    def run(self, *words: str, timeout: float = WITHIN) -> str:
        """Run a command and give its output.

        :raises MachineError: it fails; says why in Docker's words.
        """
        result = self.ask(*words, timeout=timeout)
        if not result.ok:
            raise refused(result)
        return result.out

    def rows(self, *words: str) -> Iterator[list[str]]:
        """Run a command and give its lines, split at tabs."""
        return (line.split("\t") for line in self.run(*words).splitlines() if line.strip())


def refused(result: Result) -> MachineError:
    """Make the error of a command that failed."""
    text = (result.err or result.out).strip()
    reason = re.sub(r"^(?:Error response from daemon|Error): ", "", text, flags=re.MULTILINE) or "it says nothing"
    return MachineError(
        _("docker %(argv)s: %(reason)s", argv=result.argv[result.argv.index("docker") + 1], reason=reason),
        way_out(reason),
    )


_WAYS_OUT: tuple[tuple[re.Pattern[str], Text], ...] = (
    (
        re.compile(r"(?i)is the docker daemon running|if the daemon is running|cannot connect to the docker daemon"),
        _("Start Docker Desktop, or on Linux:  sudo systemctl start docker\nThen run the same command again."),
    ),
    (
        re.compile(r"Only one usage of each socket address"),
        _(
            "A port of this computer is taken. See who has it:  netstat -ano | findstr LISTENING\n"
            "End that program, or give another port in lab.yml (`ports:`). Then `labgen up` carries on."
        ),
    ),
    (
        re.compile(r"forbidden by its access permissions|access a socket in a way forbidden"),
        _(
            "Windows keeps that port for Hyper-V. See the ranges:  netsh int ipv4 show excludedportrange tcp\n"
            "Give a port outside of them in lab.yml (`ports:`). Then `labgen up` carries on."
        ),
    ),
    (
        re.compile(r"(?i)no such image"),
        _("The image of the nodes is not in this engine:  labgen box build --provider docker\nThen: labgen up"),
    ),
    (
        re.compile(r"(?i)port is already allocated|address already in use"),
        _(
            "A port that was forwarded when the node was made is taken now. End what uses it, or make the node again, "
            "which takes another port: labgen down NODE, then labgen up."
        ),
    ),
    (
        re.compile(r"(?i)too many open files|no space left on device|inotify"),
        _(
            "The kernel's limit of inotify instances is reached; each node takes five:  sudo sysctl "
            "fs.inotify.max_user_instances=1024\nThen: labgen down, and labgen up."
        ),
    ),
)
"""What Docker or a node says -> what can be done; the first that fits."""


def way_out(text: str) -> Text:
    """Say what to do about a failure; empty if no way out of it is known.

    >>> str(way_out("Bind for 127.0.0.1:8001 failed: port is already allocated")).partition(".")[0]
    'A port that was forwarded when the node was made is taken now'
    """
    return next((hint for pattern, hint in _WAYS_OUT if pattern.search(text)), NOTHING)


_TAKEN = re.compile(r"(?i)already allocated|address already in use|ports are not available")
_PORT = re.compile(r"127\.0\.0\.1:(\d+)")


def taken_port(text: str) -> int | None:
    """Find the port of this computer that a container could not have; ``None`` if that is not what failed.

    >>> taken_port("Bind for 127.0.0.1:8001 failed: port is already allocated")
    8001
    """
    port = _PORT.search(text) if _TAKEN.search(text) else None
    return int(port[1]) if port else None
