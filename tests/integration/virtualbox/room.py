"""Programs in the prepared root file system, apart from everything else on this computer.

A room has network, process, mount and IPC namespaces of its own. The root file system is only read: what
programs write goes to memory, but for the room's own directory, which has the same path inside and outside.
Everything in a room ends with it, and it ends with the tests, however they end.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from labgen.core.errors import HostError
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner

# The first process waits for the end of its input: when whoever holds the other end is gone, it ends, and all with it.
# Until then it takes leave of daemons that end.
_ENTER = r"""set -e
root=$1 place=$2
ip link set lo up
mount -t tmpfs room /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$root,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mount -t proc proc /mnt/root/proc
mkdir -p "/mnt/root$place"
mount --bind "$place" "/mnt/root$place"
mkdir -p /mnt/root/dev/net
[ -e /mnt/root/dev/net/tun ] || mknod /mnt/root/dev/net/tun c 10 200
exec chroot /mnt/root sh -c 'exec 3<&0; cat <&3 >/dev/null & echo ready; wait $!'
"""

_SERVICE = "/usr/lib/virtualbox/VBoxSVC"

_IN_ITS_DIRECTORY = 'pid=$1; shift; exec nsenter --target "$pid" --mount --net --pid --ipc --root --wdns="$PWD" "$@"'


@contextlib.contextmanager
def opened(root: Path, place: Path) -> Iterator[Runner]:
    """A runner whose programs are in a room; their working directory must be in ``place``.

    :param root: of :mod:`.prepare`.
    :param place: the room's own directory.
    """
    outer = subprocess.Popen(
        [
            *("unshare", "--net", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--propagation", "private"),
            *("sh", "-c", _ENTER, "sh", root, place),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    with outer:
        try:
            said = outer.stdout.readline()
            if said.strip() != "ready":
                raise HostError(f"The room for VirtualBox cannot be made: {said}{outer.stdout.read()}")
            inner = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().strip()
            home = place / "home"
            home.mkdir(exist_ok=True)
            inside = Runner(
                prefix=("sh", "-c", _IN_ITS_DIRECTORY, "sh", inner),
                env={
                    "HOME": str(home),
                    "VAGRANT_HOME": str(place / "vagrant"),
                    "VAGRANT_CHECKPOINT_DISABLE": "1",
                    "VAGRANT_NO_PLUGINS": "1",
                    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                },
            )
            _serve(inside, place)
            yield inside
        finally:
            outer.kill()


def _serve(inside: Runner, place: Path) -> None:
    """Start VirtualBox's service (VBoxSVC), which then stays.

    One that VBoxManage starts ends 5 seconds after the last who asked. Whoever asks in that moment is told "Failed to
    create the VirtualBox object": with VirtualBox 7.2.22, of questions asked three at a time 5 seconds apart, one in
    fifty. (Once a machine that was there was "not found", which is most likely of the same.) Beside machines that run
    for VirtualBox the service stays of itself; in the tests none does.
    """
    number = place / "service"
    # What it ends with says nothing: 126 where it has started. It listens then, and writes its process id after that.
    said = inside.run([_SERVICE, "--daemonize", "--pidfile", number], cwd=place, timeout=60)

    def written() -> None:
        if not number.exists() or not number.read_text():
            raise NotYet(f"no process id; it said: {said.out}{said.err}")

    wait_until("VirtualBox's service to start", written, within=60, error=HostError)


def network(inside: Runner) -> Path:
    """The network namespace of a room."""
    return Path("/proc", inside.prefix[-1], "ns", "net")
