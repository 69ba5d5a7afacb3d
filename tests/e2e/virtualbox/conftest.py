"""A lab on real VirtualBox and real Vagrant, in a room of its own, with QEMU as the processor (:mod:`.hypervisor`)."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from labgen import images
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.model.lab_folder import LabFolder, State
from tests.e2e.conftest import LabUnderTest, listening
from tests.integration.virtualbox.asked import VirtualBox
from tests.integration.virtualbox.conftest import leave_out
from tests.integration.virtualbox.prepare import hold, root
from tests.integration.virtualbox.room import network, opened

TAKEN = 8001
"""A port of 127.0.0.1 that something else listens on: the one that the course's lab asks for."""

_PROGRAM = """\
#!/bin/sh
exec {enter} --wdns="$PWD" env {settings} {program} "$@"
"""


@dataclass(frozen=True)
class Room:
    """Where the lab is.

    :param place: its own directory.
    :param inside: starts programs there.
    :param here: starts this computer's programs in its network.
    :param virtualbox: VirtualBox itself, to be asked what it has.
    """

    place: Path
    inside: Runner
    here: Runner
    virtualbox: VirtualBox


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """Real VirtualBox and real Vagrant; where VirtualBox would need its kernel module, there is QEMU."""
    if os.geteuid() != 0:
        leave_out("a root file system and namespaces need root")
    place = tmp_path_factory.mktemp("virtualbox")
    prepared, about = root(Runner())
    print(f"VirtualBox and Vagrant of {about}")
    programs = place / "programs"
    programs.mkdir()
    shutil.copy(Path(__file__).with_name("hypervisor.py"), programs / "VBoxManage")
    (programs / "VBoxManage").chmod(0o755)
    with hold(prepared), opened(prepared, place) as plain:
        inside = Runner(plain.prefix, {**plain.env, "PATH": f"{programs}:{plain.env['PATH']}"})
        here = Runner(("nsenter", f"--net={network(inside)}", "--"))
        yield Room(place, inside, here, VirtualBox(plain, place))


@pytest.fixture(scope="session")
def lab(room: Room) -> Iterator[LabUnderTest]:
    """The course's lab on labgen's box for VirtualBox; everything of it ends with the room, whatever happens."""
    built = images.build(["virtualbox"], runner=Runner(), progress=Progress())["virtualbox"]
    path = room.place / "lab"
    # As a classroom hands it out: by its URL. (In the room, the cache is not there.)
    share = room.place / "labgen.box"
    shutil.copy(built, share)
    path.mkdir()
    (path / "lab.yml").write_text(f"box: {{name: labgen/debian-12, url: 'file://{share}'}}\n", encoding="utf-8")
    # The doctor would send this computer's user away: VirtualBox cannot start a machine here, and others are slow.
    LabFolder.at(path).remember(State("virtualbox", accelerated=False))
    room.virtualbox.manage("setproperty", "machinefolder", str(room.place / "machines"))
    under_test = LabUnderTest(path, "virtualbox", room.here.prefix, {"PATH": f"{_programs(room)}:{os.environ['PATH']}"})
    under_test.run("labgen", "init", str(path))
    yield under_test
    under_test.run("labgen", "down", check=False)


def _programs(room: Room) -> Path:
    """A directory with the room's Vagrant and VirtualBox, for programs of this computer."""
    programs = room.place / "for-labgen"
    programs.mkdir()
    pid = room.inside.prefix[-1]
    enter = f"nsenter --target {pid} --mount --net --pid --ipc --root"
    settings = shlex.join(f"{name}={value}" for name, value in room.inside.env.items())
    for program in ("vagrant", "VBoxManage"):
        path = programs / program
        path.write_text(_PROGRAM.format(enter=enter, settings=settings, program=program), encoding="utf-8")
        path.chmod(0o755)
    return programs


@pytest.fixture(scope="session")
def taken(room: Room) -> Iterator[int]:
    """A port of the computer that is in use already."""
    with listening(room.here, TAKEN, room.place / "taken.log"):
        yield TAKEN
