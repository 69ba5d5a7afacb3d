"""An SSH connection whose far side is this computer: real shells, without sudo and without a node."""

from __future__ import annotations

import os
import select
import shlex
import subprocess
import threading

from tests import needs


class LocalChannel:
    """Stands in for paramiko's Channel; its ``log`` is what a process list or sudo's log would show."""

    def __init__(self, log: list[str], shell: str, sudo_says: str = "") -> None:
        self._log = log
        self._shell = shell
        self._sudo_says = sudo_says
        self._timeout = 0.0
        self.status_event = threading.Event()

    def exec_command(self, command: str) -> None:
        self._log.append(command)
        sudo, dash_n, locale, _, *rest = shlex.split(command)
        assert (sudo, dash_n, locale) == ("sudo", "-n", "LC_ALL=C.UTF-8")
        argv = ["sh", "-c", f"echo {self._sudo_says} >&2; exit 1"] if self._sudo_says else [self._shell, *rest]
        self._child = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        threading.Thread(target=self._reap, daemon=True).start()

    def _reap(self) -> None:
        self.exit_status = self._child.wait()
        self.status_event.set()

    def settimeout(self, seconds: float) -> None:
        self._timeout = seconds

    def sendall(self, data: bytes) -> None:
        assert self._child.stdin is not None
        try:
            os.write(self._child.stdin.fileno(), data)
        except BrokenPipeError:
            raise OSError("Socket is closed") from None

    def recv(self, most: int) -> bytes:
        assert self._child.stdout is not None
        return self._receive(self._child.stdout.fileno(), most)

    def recv_stderr(self, most: int) -> bytes:
        assert self._child.stderr is not None
        return self._receive(self._child.stderr.fileno(), most)

    def _receive(self, pipe: int, most: int) -> bytes:
        if not select.select([pipe], [], [], self._timeout)[0]:
            raise TimeoutError
        # Little by little, so that a mark may come in parts.
        return os.read(pipe, min(most, 7))

    def close(self) -> None:
        for pipe in (self._child.stdin, self._child.stdout, self._child.stderr):
            if pipe is not None:
                pipe.close()


class LocalTransport:
    """Stands in for paramiko's Transport, and for Fabric's Connection around it.

    :param shell: the shell on the far side.
    :param sudo_says: what sudo says where it refuses.
    """

    def __init__(self, shell: str = "sh", sudo_says: str = "") -> None:
        needs.linux("a shell script of nodes")
        self.log: list[str] = []
        self.channels: list[LocalChannel] = []
        self._shell = shell
        self._sudo_says = sudo_says
        self.transport = self

    def open_session(self, timeout: float | None = None) -> LocalChannel:
        del timeout
        self.channels.append(LocalChannel(self.log, self._shell, self._sudo_says))
        return self.channels[-1]
