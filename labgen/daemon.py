"""A libvirtd of the lab's own, in a network namespace of its own.

Where no libvirtd runs (a container, a CI machine without systemd) the lab starts one. Its bridges,
addresses and firewall rules live in a network namespace, its files in the lab's folder (mounted over
libvirt's in a mount namespace), so that nothing of this computer's own is touched, and ending it
leaves nothing behind.

The namespace has no way out, and therefore an empty ``resolv.conf``: libvirt's dnsmasq then refuses
every question at once. A resolver that does not answer would cost 20 s for each container started.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from pathlib import Path

from labgen.errors import HostError, ProgramFailed
from labgen.folder import LabFolder
from labgen.proc import Runner
from labgen.waiting import NotYet, wait_until

_CONFIGURATION = {
    "qemu.conf": """\
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = [ ]
stdio_handler = "file"
remember_owner = 0
namespaces = [ ]
""",
    "libvirtd.conf": """\
auth_unix_rw = "none"
auth_unix_ro = "none"
unix_sock_group = "root"
unix_sock_rw_perms = "0700"
""",
}

_MOUNTS = {
    "etc": "/etc/libvirt",
    "lib": "/var/lib/libvirt",
    "run": "/run/libvirt",
    "cache": "/var/cache/libvirt",
    "log": "/var/log/libvirt",
}


_RETRIES = 7
"""How often TCP sends again what is not acknowledged: 7 times takes 50 s, the usual 15 take 15 minutes
(Linux, Documentation/networking/ip-sysctl, ``tcp_retries2``)."""

_START_WITHIN = 60.0
"""Seconds for the daemon to answer; it takes about one."""


class Daemon:
    """The lab's own libvirtd: started, found again, used, and ended with all it made."""

    def __init__(self, folder: LabFolder, runner: Runner) -> None:
        self._folder = folder
        self._root = folder.own / "libvirt"
        self._runner = runner
        self._log = folder.logs / "libvirtd.log"
        self.namespace = f"labgen-{folder.id}"
        """Name of the network namespace, as `ip netns list` shows it."""

    @property
    def _netns(self) -> Path:
        return Path("/run/netns") / self.namespace

    @property
    def _pid_file(self) -> Path:
        return self._root / "libvirtd.pid"

    def pid(self) -> int | None:
        """Process id of the daemon, or ``None`` where it does not run."""
        try:
            pid = int(self._pid_file.read_text())
            # The number may have passed to some other program since.
            same = Path(f"/proc/{pid}/ns/net").stat().st_ino == self._netns.stat().st_ino
        except (OSError, ValueError):
            return None
        return pid if same else None

    def inside(self) -> Runner:
        """A runner whose programs see the lab's network, and its libvirtd where libvirt's usually is."""
        pid = self.pid()
        if pid is None:
            raise HostError("the lab's own libvirtd does not run any more.", "Bring the lab up again with `labgen up`.")
        return Runner(
            # A mount namespace has its own idea of the working directory: back to the lab's folder.
            prefix=("nsenter", f"--target={pid}", "--net", "--mount", "--", "env", f"--chdir={self._folder.path}"),
            env={**self._runner.env, "LIBVIRT_DEFAULT_URI": "qemu:///system"},
        )

    def proxy_command(self) -> str:
        """OpenSSH's ``ProxyCommand`` to a node of the lab."""
        command = f"nsenter --net={shlex.quote(str(self._netns))} nc %h %p"
        return command if os.geteuid() == 0 else f"sudo -n {command}"

    def start(self) -> None:
        """Start the daemon, unless it runs.

        :raises HostError: it does not come up; the message says where its log is.
        """
        if self.pid() is not None:
            return
        self.stop()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        for name in _MOUNTS:
            (self._root / name).mkdir(parents=True, exist_ok=True)
        for name, text in _CONFIGURATION.items():
            (self._root / "etc" / name).write_text(text, encoding="ascii")
        (self._root / "resolv.conf").write_text("", encoding="ascii")
        self._runner.run(["ip", "netns", "add", self.namespace]).or_raise()
        self._in_netns().run(["ip", "link", "set", "lo", "up"]).or_raise()
        # A node that vanishes is given up on after a minute, not after a quarter of an hour.
        self._in_netns().run(["sh", "-c", f"echo {_RETRIES} > /proc/sys/net/ipv4/tcp_retries2"]).or_raise()
        # `ip netns exec` would mount a fresh /sys and hide the cgroup mounts; nsenter does not.
        self._in_netns().start(
            ["unshare", "--mount", "--propagation", "slave", "sh", "-euc", self._script()], log=self._log
        )
        try:
            wait_until(
                "the lab's own libvirtd",
                self._answers,
                within=_START_WITHIN,
                error=HostError,
                hint=f"Its log: {self._log}",
            )
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the daemon and everything in its namespace, and remove both; well, too, where nothing runs."""
        if self._netns.exists():
            for sign in (signal.SIGTERM, signal.SIGKILL):
                pids = self._members()
                for pid in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, sign)
                with contextlib.suppress(HostError):
                    wait_until("the lab's processes to end", self._empty, within=15, every=0.2, error=HostError)
                    break
            self._runner.run(["ip", "netns", "delete", self.namespace]).or_raise()
        if self._root.exists():
            self._runner.run(["rm", "-rf", "--one-file-system", self._root]).or_raise()

    def _in_netns(self) -> Runner:
        return Runner(prefix=("nsenter", f"--net={self._netns}", *self._runner.prefix), env=self._runner.env)

    def _script(self) -> str:
        root = shlex.quote(str(self._root))
        lines = [f"mkdir -p {target}; mount --bind {root}/{name} {target}" for name, target in _MOUNTS.items()]
        # /etc/resolv.conf may be a link into a folder of systemd's.
        lines.append(f'mount --bind {root}/resolv.conf "$(readlink -f /etc/resolv.conf)"')
        lines.append("PATH=$PATH:/usr/sbin:/sbin")
        lines.append(f"exec libvirtd --pid-file {root}/libvirtd.pid")
        return "\n".join(lines)

    def _answers(self) -> None:
        if self.pid() is None:
            raise NotYet("no process yet")
        result = self.inside().run(["virsh", "--connect", "qemu:///system", "uri"], timeout=20)
        if not result.ok:
            raise NotYet(result.err.strip() or "no answer")

    def _members(self) -> list[int]:
        listed = self._runner.run(["ip", "netns", "pids", self.namespace])
        if not listed.ok:
            raise ProgramFailed(listed.command, listed.status, listed.err)
        return [int(pid) for pid in listed.out.split()]

    def _empty(self) -> None:
        if left := self._members():
            raise NotYet(f"processes {left}")
