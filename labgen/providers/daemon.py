"""A daemon of the lab's own, in a network namespace of its own.

Where no libvirtd or Docker engine runs (a container, a CI machine without systemd) the lab starts
one. Its bridges, addresses and firewall rules live in a network namespace, its files in the lab's
folder, so that nothing of this computer's own is touched, and removing it leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from abc import ABC, abstractmethod
from pathlib import Path

from labgen.core.errors import HostError, ProgramFailed
from labgen.core.i18n import _
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.model.lab_folder import LabFolder

_RETRIES = 7
"""How often TCP sends again what is not acknowledged: 7 times takes 50 s, the usual 15 take 15 minutes
(Linux, Documentation/networking/ip-sysctl, ``tcp_retries2``)."""

_START_WITHIN = 60.0
"""Seconds for the daemon to answer; it takes about one."""

_END_WITHIN = 60.0
"""Seconds for the daemon to end when it is asked to; an engine first stops what still runs in it."""


class Daemon(ABC):
    """A daemon of the lab's own: started, found again, used, and ended with all it made.

    :cvar title: as people name it.
    :cvar place: name of its folder in the lab's ``.labgen``.
    :cvar shuts_down: whether it shuts its machines down in order when it ends.
    :cvar question: a command of its client's that only a daemon that works answers.
    """

    title: str
    place: str
    shuts_down: bool
    question: tuple[str, ...]

    def __init__(self, folder: LabFolder, runner: Runner, namespace: str | None = None) -> None:
        self._folder = folder
        self._root = folder.own / self.place
        self._runner = runner
        self._log = folder.logs / f"{self.place}.log"
        self.namespace = namespace or f"labgen-{(folder.mark() or folder.id)[:8]}"
        """Name of the network namespace, as `ip netns list` shows it: it stays where the folder is moved."""

    @abstractmethod
    def inside(self) -> Runner:
        """Give a runner whose programs see the lab's network, and its daemon where theirs usually is.

        :raises HostError: the daemon does not run.
        """

    @abstractmethod
    def _prepare(self) -> None:
        """Write what the daemon needs before it starts."""

    @abstractmethod
    def _argv(self) -> list[str]:
        """Give the command that starts it, inside the network namespace."""

    @abstractmethod
    def _seen_files(self) -> tuple[str, Path]:
        """Give a path at which the daemon sees files of its own, and where those are in the lab's folder."""

    def _has_its_files(self) -> bool:
        """Tell whether the daemon that runs still works on the files in the lab's folder: not after that was copied."""
        inside, outside = self._seen_files()
        identity = _identity(Path(f"/proc/{self.pid()}/root{inside}"))
        return identity is not None and identity == _identity(outside)

    def foreign(self) -> bool:
        """Tell whether what runs in the network namespace works on another folder's files: that of a copied folder."""
        if not self._netns.exists():
            return False
        inside, outside = self._seen_files()
        # What this computer itself sees there: a daemon that has not come far sees the same.
        ours = {identity for path in (outside, Path(inside)) if (identity := _identity(path)) is not None}
        for pid in self._members():
            identity = _identity(Path(f"/proc/{pid}/root{inside}"))
            if identity is not None and identity not in ours:
                return True
        return False

    @property
    def exists(self) -> bool:
        """Whether anything of it is left: its network namespace, or its files."""
        return self._netns.exists() or self._root.exists()

    @abstractmethod
    def _pid_file(self) -> Path:
        """Give where its process id, as this computer counts them, is found."""

    def pid(self) -> int | None:
        """Process id of the daemon, or ``None`` where it does not run."""
        try:
            pid = int(self._pid_file().read_text())
            # The number may have passed to some other program since.
            in_namespace = Path(f"/proc/{pid}/ns/net").stat().st_ino == self._netns.stat().st_ino
        except (OSError, ValueError):
            return None
        return pid if in_namespace else None

    def proxy_command(self) -> str:
        """OpenSSH's ``ProxyCommand`` to a node of the lab."""
        command = f"nsenter --net={shlex.quote(str(self._netns))} nc %h %p"
        return command if os.geteuid() == 0 else f"sudo -n {command}"

    def start(self) -> None:
        """Start the daemon, unless it runs; what an earlier one has left in its folder is there again.

        :raises HostError: it does not come up; the message says where its log is.
        """
        if self.pid() is not None and self._has_its_files():
            return
        self._refuse_foreign()
        self.end()
        fresh = not self._root.exists()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self._root.mkdir(parents=True, exist_ok=True)
        self._prepare()
        self._runner.run(["ip", "netns", "add", self.namespace]).or_raise()
        self._in_netns().run(["ip", "link", "set", "lo", "up"]).or_raise()
        # A node that vanishes is given up on after a minute, not after a quarter of an hour.
        self._in_netns().run(["sh", "-c", f"echo {_RETRIES} > /proc/sys/net/ipv4/tcp_retries2"]).or_raise()
        # `ip netns exec` would mount a fresh /sys and hide the cgroup mounts; nsenter does not.
        self._started(self._in_netns().start(self._argv(), log=self._log))
        try:
            wait_until(
                f"the lab's own {self.title}",
                self._answers,
                within=_START_WITHIN,
                every=0.2,
                error=HostError,
                hint=f"Its log: {self._log}",
            )
        except BaseException:
            self.remove() if fresh else self.end()
            raise

    def _started(self, pid: int) -> None:
        """Told the id of the process that was started; most daemons write their own down."""
        del pid

    def end(self) -> None:
        """End the daemon and everything in its namespace; its files stay. Well, too, where nothing runs."""
        if not self._netns.exists():
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            for pid in self._to_signal(sign):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sign)
            with contextlib.suppress(HostError):
                wait_until("the lab's processes to end", self._empty, within=_END_WITHIN, every=0.2, error=HostError)
                break
        self._runner.run(["ip", "netns", "delete", self.namespace]).or_raise()

    def _to_signal(self, sign: signal.Signals) -> list[int]:
        """Give the processes to signal, so that all of them end."""
        del sign
        return self._members()

    def _refuse_foreign(self) -> None:
        if self.foreign():
            raise HostError(
                _(
                    "network namespace %(namespace)s belongs to another lab; this folder is a copy of it.",
                    namespace=self.namespace,
                ),
                _(
                    "To make a lab of its own here, remove what belongs to the other one first:\n"
                    "rm -r %(quote)s %(quote2)s",
                    quote=shlex.quote(str(self._folder.own)),
                    quote2=shlex.quote(str(self._folder.vagrant_data)),
                ),
            )

    def remove(self) -> None:
        """End the daemon and remove its files; well, too, where nothing is left.

        :raises HostError: it is another lab's.
        """
        self._refuse_foreign()
        self.end()
        if self._root.exists():
            self._runner.run(["rm", "-rf", "--one-file-system", self._root], timeout=300).or_raise()

    @property
    def _netns(self) -> Path:
        return Path("/run/netns") / self.namespace

    def _in_netns(self) -> Runner:
        return Runner(prefix=("nsenter", f"--net={self._netns}", *self._runner.prefix), env=self._runner.env)

    def _answers(self) -> None:
        if self.pid() is None:
            raise NotYet("no process yet")
        answer = self.inside().run(self.question, timeout=20)
        if not answer.ok:
            raise NotYet(answer.err.strip() or "no answer")

    def _running(self) -> int:
        pid = self.pid()
        if pid is None:
            raise HostError(
                _("the lab's own %(daemon)s does not run any more.", daemon=self.title),
                _("Bring the lab up again with `labgen up`."),
            )
        return pid

    def _members(self) -> list[int]:
        listed = self._runner.run(["ip", "netns", "pids", self.namespace])
        if not listed.ok:
            raise ProgramFailed(listed.command, listed.status, listed.err)
        return [int(pid) for pid in listed.out.split()]

    def _empty(self) -> None:
        if members := self._members():
            raise NotYet(f"processes {members}")


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and number of a folder; ``None`` where it is not there, or has been removed under those who use it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status.st_nlink else None
