"""A Docker engine of the lab's own.

It runs in a process and a mount namespace beside the network namespace: when the first process in
there ends, the kernel ends every node with it and undoes every mount, whatever happened.

The network namespace has no way out. A Docker engine before 24 leaves a container's question for a
name unanswered where its own name servers cannot be reached, which costs 20 s for each container
that a node starts; so a dnsmasq beside the engine refuses every question at once.
"""

from __future__ import annotations

import json
import shlex
import signal
from pathlib import Path

from labgen.core.process import Runner
from labgen.providers.daemon import Daemon

_RESOLVER = "169.254.53.53"
"""Where dnsmasq listens. No lab can have it: :data:`labgen.config.address_plan.UNUSABLE`."""

_SCRIPT = """\
PATH=$PATH:/usr/sbin:/sbin
ip address replace {resolver}/32 dev lo
dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --no-resolv --no-hosts --bind-interfaces \
--listen-address={resolver} --user=root &
mount --bind {data} {seen} || exit 1
dockerd --config-file {configuration} &
engine=$!
# Asked to end, the engine stops its containers first; without a handler the first process hears no signal.
trap 'kill -TERM $engine' TERM
wait $engine
# A signal ends the first wait; the second one is for the engine's end.
wait $engine
"""


class Dockerd(Daemon):
    """The lab's own Docker engine, reached through a socket of its own."""

    title = "Docker engine"
    shuts_down = True
    question = ("docker", "version", "--format", "{{.Server.Version}}")
    place = "docker"

    @property
    def _run(self) -> Path:
        # Sockets: their paths may have 107 characters, and a lab's folder may lie deep.
        return Path("/run") / self.namespace

    @property
    def _data(self) -> Path:
        # Where the engine sees its data: the lab's folder may be moved while it runs, or while it does not.
        return self._run / "data"

    @property
    def socket(self) -> str:
        """Its address, for ``DOCKER_HOST``."""
        return f"unix://{self._run}/docker.sock"

    def inside(self) -> Runner:
        """Give a runner whose programs see the lab's network, and for whom ``docker`` is the lab's engine."""
        self._running()
        return Runner(
            prefix=("nsenter", f"--net={self._netns}", "--"), env={**self._runner.env, "DOCKER_HOST": self.socket}
        )

    def remove(self) -> None:
        """End the engine and remove its files."""
        super().remove()
        self._runner.run(["rm", "-rf", "--one-file-system", self._run]).or_raise()

    @property
    def exists(self) -> bool:
        """Whether anything of it is left: its network namespace, its files, its sockets."""
        return super().exists or self._run.exists()

    def _seen_files(self) -> tuple[str, Path]:
        return str(self._data), self._root / "data"

    def _pid_file(self) -> Path:
        return self._root / "namespaces.pid"

    def _started(self, pid: int) -> None:
        # Of `unshare`, which holds the namespaces: the engine's own file has the number it goes by inside.
        self._pid_file().write_text(str(pid), encoding="ascii")

    def _prepare(self) -> None:
        for path in (self._run, self._data, self._root / "data"):
            path.mkdir(mode=0o700, exist_ok=True)
        # Of an engine that was ended on the spot; the number in it is some other process of the new namespace.
        (self._run / "docker.pid").unlink(missing_ok=True)
        settings = {
            "data-root": str(self._data),
            "exec-root": str(self._run / "exec"),
            "pidfile": str(self._run / "docker.pid"),
            "hosts": [self.socket],
            # The lab brings networks of its own; this one could only be in their way.
            "bridge": "none",
            "dns": [_RESOLVER],
            "shutdown-timeout": 40,
            "log-level": "warn",
        }
        (self._root / "daemon.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")

    def _argv(self) -> list[str]:
        script = _SCRIPT.format(
            resolver=_RESOLVER,
            data=shlex.quote(str(self._root / "data")),
            seen=self._data,
            configuration=shlex.quote(str(self._root / "daemon.json")),
        )
        return [
            *("unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *("sh", "-uc", script),
        ]

    def _to_signal(self, sign: signal.Signals) -> list[int]:
        pid = self.pid()
        if sign is signal.SIGKILL or pid is None:
            return self._members()
        # To the first process inside; `unshare`, which waits for it, would take everything with it at once.
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        except OSError:  # it has ended meanwhile, or this kernel does not tell
            children = []
        return [int(child) for child in children] or [pid]
