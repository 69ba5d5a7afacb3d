"""A room with real VirtualBox and real Vagrant, labs in it, and the way to ask VirtualBox what came of them."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from labgen import config
from labgen.core.errors import LabgenError
from labgen.core.process import Result, Runner
from labgen.core.progress import Progress
from labgen.images import disk, recipe, vagrant_box
from labgen.images.build_context import Workshop
from labgen.machines import render
from labgen.machines.vagrant import Vagrant
from labgen.model.lab import Lab
from labgen.providers.base import Machine

from .asked import VirtualBox
from .prepare import PROGRAMS, hold, root
from .room import opened

BOX = "labgen/debian-12"
FIRST = "swarm-manager"
NO_DRIVER = re.compile(
    r'Command: \["startvm", "(?P<id>[0-9a-f-]{36})", "--type", "headless"\]\s+'
    r"Stderr: VBoxManage: error: .*(VERR_VM_DRIVER_NOT_INSTALLED|terminated unexpectedly during startup)"
)
"""How a machine ends that has come as far as its boot: there is no kernel module, and there must be none here."""


def leave_out(why: str) -> NoReturn:
    """Skip, or fail where every tool is to be there."""
    if os.environ.get("LABGEN_REQUIRE_TOOLS"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The room's own directory; a space and letters beyond ASCII, because a user's may have them."""
    return tmp_path_factory.mktemp("홈 of a user", numbered=False)


@pytest.fixture(scope="session")
def inside(require_tool: Callable[[str], str], place: Path) -> Iterator[Runner]:
    """Starts programs in the room."""
    if platform.machine() != "x86_64":
        pytest.skip("VirtualBox is in Debian for amd64 only")
    for program in PROGRAMS:
        require_tool(program)
    if os.geteuid() != 0:
        leave_out("a root file system and namespaces need root")
    if not recipe.KEYRING.exists():
        leave_out(f"{recipe.KEYRING} is missing: the package debian-archive-keyring")
    try:
        prepared, about = root(Runner())
    except LabgenError as why:
        leave_out(f"VirtualBox and Vagrant cannot be prepared: {why}")
    print(f"VirtualBox and Vagrant of {about}")
    with hold(prepared), opened(prepared, place) as runner:
        yield runner


@pytest.fixture(scope="session")
def box(place: Path) -> Path:
    """labgen's box for VirtualBox as it packs it, around a disk that holds next to nothing."""
    work = place / "box"
    work.mkdir()
    raw = work / "disk.raw"
    size = recipe.DISK_GIB * 1024**3
    with raw.open("wb") as sink:
        sink.write(disk.first_sector(b"\x90" * 440, size))
        # Across borders of the blocks (64 KiB) that the disk is packed in, with gaps between.
        for start in (5_000_000, size // 2 + 4096):
            sink.seek(start)
            sink.write(os.urandom(200_000))
        sink.truncate(size)
    made = vagrant_box.virtualbox(Workshop(Runner(), Progress(), work, work / "log"), raw)
    raw.unlink()
    return made


@pytest.fixture(scope="session")
def virtualbox(inside: Runner, place: Path, box: Path) -> VirtualBox:
    """VirtualBox, which knows no machine yet, and Vagrant with the box."""
    there = VirtualBox(inside, place)
    there.manage("setproperty", "machinefolder", str(place / "machines"))
    add_box(there, BOX, box)
    return there


def add_box(virtualbox: VirtualBox, name: str, box: Path) -> None:
    vagrant = Vagrant(virtualbox.place, virtualbox.inside, virtualbox.place / "box.log")
    vagrant.add_box(name, box, "virtualbox", on_line=print)


class LabInRoom:
    """A lab folder, and what one does there: through labgen's one door to Vagrant."""

    def __init__(self, lab: Lab, folder: Path, virtualbox: VirtualBox, inside: Runner) -> None:
        self.lab = lab
        self.folder = folder
        self._virtualbox = virtualbox
        self.use(inside)
        render.write(render.render(lab), folder / "Vagrantfile")

    def use(self, inside: Runner) -> None:
        """Start programs with another runner from now on."""
        self._inside = inside
        self._vagrant = Vagrant(self.folder, inside, self.folder / "vagrant.log")

    def up(self, name: str = FIRST) -> str:
        """Bring a node up as far as it comes, which is to its boot; gives what Vagrant said on the way."""
        told, said = self._stopped(name, 180)
        for _ in range(5):
            # Vagrant starts a machine three times, at once: the last time VirtualBox may still be at putting
            # away what was left of the time before.
            if "is already locked by a session" not in told:
                break
            told, again = self._stopped(name, 180)
            said += f"\n{again}"
        booting = NO_DRIVER.search(told)
        assert booting is not None, told
        assert booting["id"] == self._virtualbox.machines()[self.machine(name)]
        return said

    def up_fails(self, name: str = FIRST, within: float = 180) -> str:
        """Bring a node up, and give what labgen says of what stops it: why, and the way out."""
        return self._stopped(name, within)[0]

    def _stopped(self, name: str, within: float) -> tuple[str, str]:
        said: list[str] = []
        # One of its own: nodes may be brought up side by side.
        vagrant = Vagrant(self.folder, self._inside, self.folder / "up.log")
        with pytest.raises(LabgenError) as stopped:
            vagrant.up("virtualbox", within=within, on_line=said.append, name=name)
        print("\n".join(said))
        assert str(stopped.value) != stopped.value.message, "no way out is named"
        return str(stopped.value), "\n".join(said)

    def destroy(self, name: str | None = None) -> str:
        """Remove a node, or all of them."""
        said: list[str] = []
        self._vagrant.destroy([name] if name else [], on_line=said.append)
        return "\n".join(said)

    def vagrant(self, *words: str) -> Result:
        """Run a command of Vagrant's that labgen has no need of."""
        return self._inside.run(["vagrant", *words], cwd=self.folder, timeout=180)

    def states(self) -> dict[str, str]:
        """State of each node as Vagrant has it."""
        machines: dict[str, Machine] = dict(self._vagrant.status())
        assert {machine.provider for machine in machines.values()} == {"virtualbox"}
        return {name: machine.state for name, machine in machines.items()}

    def machine(self, name: str) -> str:
        """The name of a node's machine in VirtualBox."""
        return f"{self.lab.slug} {name}"

    def settings(self, name: str = FIRST) -> dict[str, str]:
        """What VirtualBox says of a node's machine."""
        return dict(self._virtualbox.settings(self.machine(name)))


@pytest.fixture(scope="session")
def labs(virtualbox: VirtualBox, inside: Runner) -> Callable[..., LabInRoom]:
    """Makes a lab, in a folder of its own, of a lab file's keys: ``labs("managers: 3, workers: 4")``."""

    def make(keys: str = "", folder: str = "lab", box: str = BOX, inside: Runner = inside) -> LabInRoom:
        where = virtualbox.place / "labs" / folder
        where.mkdir(parents=True)
        described = config.parse(f"{{box: {{name: {json.dumps(box)}}}, {keys}}}")
        return LabInRoom(described, where, virtualbox, inside)

    return make


@pytest.fixture
def lab(labs: Callable[..., LabInRoom], virtualbox: VirtualBox) -> Iterator[Callable[..., LabInRoom]]:
    """Makes a lab as ``labs`` does, of which nothing is left afterwards."""
    yield labs
    clear(virtualbox)
    shutil.rmtree(virtualbox.place / "labs")


def clear(virtualbox: VirtualBox) -> None:
    """Take away whatever a test has left; not what linked clones are made from, which costs most to make again."""
    for name, machine in virtualbox.machines().items():
        if not is_master(name):
            virtualbox.manage("unregistervm", machine, "--delete")
    for name in virtualbox.nat_networks():
        virtualbox.manage("natnetwork", "remove", "--netname", name)


def is_master(name: str) -> bool:
    """Whether a machine is one that Vagrant keeps, for each box, to make linked clones from."""
    return re.fullmatch(r"labgen-debian-1[23](-cloud)?_\d+_\d+", name) is not None
