"""A libvirtd of the lab's own.

Its files in the lab's folder are mounted over libvirt's in a mount namespace. The network namespace
has no way out, and therefore an empty ``resolv.conf``: libvirt's dnsmasq then refuses every question
at once. A resolver that does not answer would cost 20 s for each container started.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from labgen.core.process import Runner
from labgen.providers.daemon import Daemon

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


class Libvirtd(Daemon):
    """The lab's own libvirtd."""

    title = "libvirtd"
    shuts_down = False
    question = ("virsh", "--connect", "qemu:///system", "uri")
    place = "libvirt"

    def inside(self) -> Runner:
        """Give a runner whose programs see the lab's network, and its libvirtd where libvirt's usually is."""
        return Runner(
            # A mount namespace has its own idea of the working directory: back to the lab's folder.
            prefix=(
                "nsenter",
                f"--target={self._running()}",
                *("--net", "--mount", "--", "env", f"--chdir={self._folder.path}"),
            ),
            env={**self._runner.env, "LIBVIRT_DEFAULT_URI": "qemu:///system"},
        )

    def _seen_files(self) -> tuple[str, Path]:
        return _MOUNTS["lib"], self._root / "lib"

    def _pid_file(self) -> Path:
        return self._root / "libvirtd.pid"

    def _prepare(self) -> None:
        for name in _MOUNTS:
            (self._root / name).mkdir(parents=True, exist_ok=True)
        for name, text in _CONFIGURATION.items():
            (self._root / "etc" / name).write_text(text, encoding="ascii")
        (self._root / "resolv.conf").write_text("", encoding="ascii")

    def _argv(self) -> list[str]:
        return ["unshare", "--mount", "--propagation", "slave", "sh", "-euc", self._script()]

    def _script(self) -> str:
        root = shlex.quote(str(self._root))
        lines = [f"mkdir -p {target}; mount --bind {root}/{name} {target}" for name, target in _MOUNTS.items()]
        # /etc/resolv.conf may be a link into a folder of systemd's.
        lines.append(f'mount --bind {root}/resolv.conf "$(readlink -f /etc/resolv.conf)"')
        lines.append("PATH=$PATH:/usr/sbin:/sbin")
        lines.append(f"exec libvirtd --pid-file {root}/libvirtd.pid")
        return "\n".join(lines)
