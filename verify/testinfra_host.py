"""testinfra's ``host`` for a node: its modules ask through this run, so whatever they see is recorded and replayed.

Commands run as root, with the distribution's own programs, and end within a deadline. A check asks with it as anyone
does with testinfra: ``host.file("/etc/hosts").exists``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host
from testinfra.modules.systeminfo import SystemInfo

from labgen.model.lab import Node
from labgen.observation.commands import MOST, CommandAnswer, CommandFailed, Commands
from verify.interfaces import NodeInterface

SECONDS = 20.0
"""Seconds that a command has on an ordinary machine."""


Prefetched = Callable[[], Mapping[str, CommandAnswer]]


class NodeBackend(BaseBackend):  # type: ignore[misc]
    """Runs the commands of testinfra's modules on one node.

    :ivar last: the command that was asked for last, empty before.
    """

    NAME = "labgen"

    def __init__(self, node: Node, run: Callable[[str], str], seconds: float, prefetched: Prefetched) -> None:
        """Make the backend.

        :param run: runs a script on the node as root and gives what it printed.
        :param seconds: deadline of a command.
        :param prefetched: gives the answers that are already there, by their commands.
        """
        super().__init__(node.name)
        # testinfra would ask the node for it, with two commands more.
        self._encoding = "utf-8"
        self._run_script = run
        self._seconds = seconds
        self._prefetched = prefetched
        self.last = ""

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a command, or give the answer that is already there.

        :raises NodeError: the node cannot be asked.
        :raises CommandFailed: the command did not end in time, or printed too much.
        """
        self.last = command = self.get_command(command, *args)
        answer = self._prefetched().get(command) or self._ask(command)
        out, error = (text.encode("utf-8", "replace") for text in (answer.out, answer.error))
        return self.result(answer.status, command.encode("utf-8", "replace"), out, error)

    def _ask(self, command: str) -> CommandAnswer:
        commands = Commands.of([command], self._seconds)
        text = self._run_script(commands.script)
        answer = commands.answers(text).get(command)
        if answer is None:
            late = commands.ran_out_of_time(text)
            how = f"did not end within {self._seconds:.0f} s" if late else f"printed more than {MOST // 2**20} MiB"
            raise CommandFailed(f"{self.hostname}: `{command}` {how}")
        return answer


class NodeHost(Host):  # type: ignore[misc]
    """testinfra's host for a node of a lab: a Linux, on whose PATH every program is found."""

    def __init__(self, backend: NodeBackend) -> None:
        """Make the host of a backend."""
        super().__init__(backend)
        backend.set_host(self)
        # Not asked for: each of these questions would be a command more.
        self.has_command_v = True
        self.system_info = _LinuxInfo.get_module(self)
        self.interface = NodeInterface.get_module(self)

    def find_command(self, command: str, extrapaths: Any = ()) -> str:
        """Give a program's name: scripts have the distribution's own PATH."""
        del extrapaths
        return command

    def run_expect(self, expected: list[int], command: str, *args: str, **options: Any) -> CommandResult:
        """Run a command that must end with one of some exit statuses.

        :raises CommandFailed: it ends with another.
        """
        result = self.run(command, *args, **options)
        if result.rc not in expected:
            reason = (result.stderr or result.stdout).strip()[-300:]
            text = self.backend.get_command(command, *args)
            raise CommandFailed(
                f"{self.backend.hostname}: `{text}` ended with status {result.rc}" + (f": {reason}" if reason else "")
            )
        return result

    def check_output(self, command: str, *args: str, **options: Any) -> str:
        """Give what a command that must succeed printed, without line ends after it.

        :raises CommandFailed: it fails.
        """
        return str(self.run_expect([0], command, *args, **options).stdout.rstrip("\r\n"))


class _LinuxInfo(SystemInfo):  # type: ignore[misc]
    """What a node's system is; that it is a Linux needs no question."""

    type = "linux"


def host_of(
    node: Node,
    run: Callable[[str], str],
    seconds: float = SECONDS,
    prefetched: Prefetched = dict,
) -> NodeHost:
    """Make testinfra's host for a node; see :class:`NodeBackend`."""
    return NodeHost(NodeBackend(node, run, seconds, prefetched))


def reason(error: BaseException, host: object) -> str:
    """Say as a sentence what a node answered that testinfra cannot read; empty where the error is of another kind.

    :param host: what the check has asked.
    """
    if isinstance(error, CommandFailed):
        return str(error)
    if not _in_testinfra(error.__traceback__):
        return ""
    backend = getattr(host, "backend", None)
    command, name = (backend.last, backend.hostname) if isinstance(backend, NodeBackend) else ("", "the node")
    detail = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return f"{name}: what `{command}` printed cannot be read ({detail})"


def _in_testinfra(traceback: TracebackType | None) -> bool:
    module = ""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(("testinfra.modules.", NodeInterface.__module__)):
            return True
        traceback = traceback.tb_next
    return False
