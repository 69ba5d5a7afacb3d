"""Which box machines start from, and what happens when one does not boot; no Vagrant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from labgen import boxes as cloud_boxes
from labgen import cli, config
from labgen.boxes import cloud_box
from labgen.cli import up as up_command
from labgen.core.errors import BoxError, MachineError
from labgen.core.progress import Progress
from labgen.machines import leftovers, lifecycle, render
from labgen.machines.lifecycle import Machines
from labgen.machines.plan import compare
from labgen.machines.vagrant import box_mark
from labgen.model.lab import Box, CloudImageSource
from labgen.model.lab_folder import LabFolder, State
from labgen.model.record import after_up

LAB = config.parse("")
STUCK = MachineError("Vagrant failed (last heard of: swarm-worker1):\nTimed out while waiting for the machine to boot.")


class Notes(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


class FakeVagrant:
    """Comes up, or does not, as told; records what it was asked."""

    def __init__(self, *outcomes: MachineError | None) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[str] = []

    def up(self, provider: str, **_: Any) -> None:
        self.asked.append(f"up {provider}")
        outcome = self.outcomes.pop(0)
        if outcome:
            raise outcome

    def destroy(self, names: Iterable[str] = (), **_: Any) -> None:
        self.asked.append(" ".join(["destroy", *names]))

    def halt(self, names: Iterable[str] = (), *, force: bool = False, **_: Any) -> None:
        self.asked.append(" ".join(["halt", *(["--force"] if force else []), *names]))

    def fetch_box(self, box: Box, provider: str, **_: Any) -> None:
        self.asked.append(f"fetch {box.name} {box.version} {box.url} {provider}")

    def add_box(self, name: str, file: Path, provider: str, **_: Any) -> None:
        self.asked.append(f"add {name} {file} {provider}")


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    monkeypatch.setenv("VAGRANT_HOME", str(tmp_path / "home"))
    return Machines(LabFolder.at(tmp_path / "lab"), LAB, Notes())


def again(machines: Machines, vagrant: FakeVagrant, first: MachineError) -> None:
    machines._again(vagrant, "libvirt", 1, first)  # type: ignore[arg-type]


def test_lifecycle_machine_that_did_not_boot_is_made_anew_once_and_said(machines: Machines) -> None:
    vagrant = FakeVagrant(None)
    again(machines, vagrant, STUCK)
    assert vagrant.asked == ["destroy swarm-worker1", "up libvirt"]
    assert "swarm-worker1 did not boot: making another one." in map(str, machines.progress.notes)  # type: ignore[attr-defined]


def test_twice_is_an_error_that_says_so(machines: Machines) -> None:
    with pytest.raises(MachineError, match="tried twice: swarm-worker1"):
        again(machines, FakeVagrant(STUCK), STUCK)


def test_other_failures_are_not_tried_again(machines: Machines) -> None:
    vagrant = FakeVagrant()
    with pytest.raises(MachineError, match="could not be found"):
        again(machines, vagrant, MachineError("The box 'x' could not be found."))
    assert vagrant.asked == []


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """The builder's answers: what is built, and what building gives."""
    builder: dict[str, Any] = {"built": None, "build": tmp_path / "new.box", "calls": 0}

    def build(providers: list[str], **_: Any) -> Mapping[str, Path]:
        builder["calls"] += 1
        if isinstance(builder["build"], Exception):
            raise builder["build"]
        return {providers[0]: builder["build"]}

    monkeypatch.setattr(lifecycle.boxes, "built", lambda _provider: builder["built"])
    monkeypatch.setattr(lifecycle.boxes, "build", build)
    return builder


def box(machines: Machines) -> list[str]:
    vagrant = FakeVagrant()
    machines._box(vagrant, State("libvirt"))  # type: ignore[arg-type]
    return vagrant.asked


def installed() -> Path:
    """A box that Vagrant has; gives where labgen notes which file it came from."""
    path = box_mark("labgen/debian-12", "libvirt")
    (path.parent / "0" / "libvirt").mkdir(parents=True, exist_ok=True)
    return path


def test_lifecycle_missing_box_is_built_and_added(machines: Machines, boxes: dict[str, Any]) -> None:
    assert box(machines) == [f"add labgen/debian-12 {boxes['build']} libvirt"]


def test_lifecycle_box_added_by_hand_is_used_as_it_is(machines: Machines, boxes: dict[str, Any]) -> None:
    installed()
    assert box(machines) == []
    assert boxes["calls"] == 0


def test_lifecycle_box_of_todays_recipe_is_added_once(
    machines: Machines, boxes: dict[str, Any], tmp_path: Path
) -> None:
    installed()
    boxes["built"] = tmp_path / "today.box"
    assert box(machines) == [f"add labgen/debian-12 {tmp_path / 'today.box'} libvirt"]
    assert box(machines) == []


def test_lifecycle_box_of_an_older_recipe_is_built_anew(machines: Machines, boxes: dict[str, Any]) -> None:
    installed().write_text("/elsewhere/older.box")
    assert box(machines) == [f"add labgen/debian-12 {boxes['build']} libvirt"]


def test_lifecycle_box_that_cannot_be_built_names_the_other_way(machines: Machines, boxes: dict[str, Any]) -> None:
    boxes["build"] = BoxError("needs root", "sudo labgen box build.")
    with pytest.raises(BoxError, match="cannot be built here: needs root") as caught:
        box(machines)
    assert "sudo labgen box build" in caught.value.hint
    assert "lab.yml" in caught.value.hint


def fetched(machines: Machines, lab: str, provider: str) -> list[str]:
    vagrant = FakeVagrant()
    machines_elsewhere = Machines(machines.folder, config.parse(lab), machines.progress)
    machines_elsewhere._box(vagrant, State(provider))  # type: ignore[arg-type]
    return vagrant.asked


@pytest.mark.parametrize(
    ("lab", "provider", "commands"),
    [
        ("box: {name: a/b, version: '1'}", "virtualbox", ["fetch a/b 1 None virtualbox"]),
        ("box: {name: a/b}", "libvirt", ["fetch a/b None None libvirt"]),
        ("box: {name: a/b, url: 'http://x/y.box'}", "libvirt", ["fetch a/b None http://x/y.box libvirt"]),
        # Vagrant takes no version with a file, so only it knows what this is to mean.
        ("box: {name: a/b, url: 'http://x/y.box', version: '1'}", "libvirt", []),
    ],
)
def test_box_from_elsewhere_is_fetched_before_the_boot(
    machines: Machines, boxes: dict[str, Any], lab: str, provider: str, commands: list[str]
) -> None:
    assert fetched(machines, lab, provider) == commands
    assert boxes["calls"] == 0


def test_box_of_a_cloud_image_is_made_and_added_once(
    machines: Machines, boxes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders: list[tuple[object, str]] = []

    def make(source: object, provider: str, _arch: str, **_: object) -> Path:
        orders.append((source, provider))
        return tmp_path / "cloud.box"

    monkeypatch.setattr(cloud_box, "make", make)
    monkeypatch.setattr(cloud_boxes, "made", lambda *_: tmp_path / "cloud.box" if orders else None)
    lab = "box: {image: debian-13, url: 'http://teacher/'}"
    assert fetched(machines, lab, "virtualbox") == [f"add labgen/debian-13-cloud {tmp_path / 'cloud.box'} virtualbox"]
    box_mark("labgen/debian-13-cloud", "virtualbox").parent.joinpath("0/virtualbox").mkdir(parents=True)
    assert fetched(machines, lab, "virtualbox") == []
    assert orders == [(CloudImageSource("debian-13", "http://teacher/"), "virtualbox")]
    assert boxes["calls"] == 0


@pytest.mark.parametrize("inside", ["202502.21.0/virtualbox", "202502.21.0/amd64/virtualbox"])
def test_box_that_is_installed_is_not_fetched_again(machines: Machines, inside: str) -> None:
    box_mark("bento/ubuntu-24.04", "virtualbox").parent.joinpath(inside).mkdir(parents=True)
    named = "box: {name: bento/ubuntu-24.04, version: 202502.21.0}"
    assert fetched(machines, named, "virtualbox") == []
    # Another version of it, or for another provider, is another box.
    assert fetched(machines, "box: {name: bento/ubuntu-24.04, version: '1'}", "virtualbox") != []
    assert fetched(machines, "box: {name: bento/ubuntu-24.04}", "libvirt") != []


@pytest.fixture
def vagrant(monkeypatch: pytest.MonkeyPatch) -> FakeVagrant:
    """In the place of the door to Vagrant."""
    fake = FakeVagrant()
    monkeypatch.setattr(Machines, "driver", lambda _self, _state, _file=None: fake)
    monkeypatch.setattr(leftovers, "look", lambda *_: [])
    return fake


def machine(folder: LabFolder, name: str, provider: str, identity: str = "f00d") -> Path:
    """A machine that Vagrant has written down; gives its folder."""
    path = folder.path / ".vagrant" / "machines" / name / provider
    path.mkdir(parents=True, exist_ok=True)
    (path / "id").write_text(identity)
    return path


@pytest.mark.parametrize(
    ("created", "remembered", "commands"),
    [(False, False, []), (True, False, ["destroy"]), (False, True, ["destroy"])],
    ids=["nothing is left", "a machine that labgen knows nothing of", "an interrupted up"],
)
def test_down_calls_vagrant_only_where_something_may_be_left(
    machines: Machines, vagrant: FakeVagrant, created: bool, remembered: bool, commands: list[str]
) -> None:
    folder = machines.folder
    folder.path.mkdir()
    folder.vagrantfile.write_text(render.render(LAB))
    if created:
        machine(folder, "swarm-manager", "libvirt")
    machines.down(State("libvirt") if remembered else None)
    assert vagrant.asked == commands
    assert not list(folder.path.glob(".vagrant/machines/*"))


def labgen(machines: Machines, *words: str) -> int:
    return cli.main(["-C", str(machines.folder.path), *words])


@pytest.fixture
def up(machines: Machines) -> Machines:
    """A lab that is up, as its folder tells."""
    machines.folder.path.mkdir(parents=True)
    machines.folder.vagrantfile.write_text("")
    machines.folder.remember(State("virtualbox"))
    return machines


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("halt swarm-worker2", "halt swarm-worker2"),
        ("halt --force swarm-worker2 swarm-worker1 swarm-worker2", "halt --force swarm-worker2 swarm-worker1"),
        ("halt --force", "halt --force"),
        ("down swarm-worker2", "destroy swarm-worker2"),
    ],
)
def test_lifecycle_only_what_is_named_is_halted_or_removed(
    up: Machines, vagrant: FakeVagrant, words: str, command: str
) -> None:
    assert labgen(up, *words.split()) == 0
    assert vagrant.asked == [command]
    assert up.folder.state() == State("virtualbox")


@pytest.mark.parametrize("command", ["halt", "down"])
def test_lifecycle_node_that_is_not_there_stops_before_anything_is_done(
    up: Machines, vagrant: FakeVagrant, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert labgen(up, command, "swarm-worker1", "swarm-worker3") == 2
    message = capsys.readouterr().err
    assert "there is no node 'swarm-worker3'" in message
    assert "Did you mean swarm-worker2? Known are: swarm-manager, swarm-worker1, swarm-worker2." in message
    assert vagrant.asked == []


@pytest.mark.parametrize("command", ["halt", "down"])
def test_machines_of_a_halted_lab_are_not_looked_for_where_no_daemon_runs(
    up: Machines, vagrant: FakeVagrant, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    up.folder.remember(State("libvirt", namespace="labgen-0"))
    assert labgen(up, command, "swarm-worker1") != 0
    assert "Start it first: labgen up" in capsys.readouterr().err
    assert vagrant.asked == []


def test_removing_a_machine_of_a_lab_that_never_was_is_well(machines: Machines, vagrant: FakeVagrant) -> None:
    machines.folder.path.mkdir(parents=True)
    assert labgen(machines, "down", "swarm-worker1") == 0
    assert vagrant.asked == []


def test_lifecycle_of_a_machine_that_is_not_made_vagrant_asks_the_labs_provider(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "Vagrant", lambda _folder, runner, _log, _file: runner)
    env = {provider: machines.driver(State(provider)).env for provider in ("virtualbox", "")}  # type: ignore[attr-defined]
    assert env == {"virtualbox": {"VAGRANT_DEFAULT_PROVIDER": "virtualbox"}, "": {}}


@pytest.mark.parametrize("name", ["${HOME} lab", "a\tb", "a\nb"])
def test_up_refuses_a_folder_that_ssh_would_misread_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    assert cli.main(["-C", str(folder), "up", "--provider", "docker"]) != 0
    assert "Rename the folder" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("answer", "agreed"), [("y", True), ("Yes ", True), ("", False), ("n", False), (None, False)])
def test_up_asks_on_a_terminal_before_it_removes_machines(
    monkeypatch: pytest.MonkeyPatch, answer: str | None, agreed: bool
) -> None:
    def ask(question: str) -> str:
        assert "swarm-worker2" in question
        if answer is None:
            raise EOFError
        return answer

    ids = {node.name: node.name for node in LAB.nodes}
    record = after_up(LAB, None, folder="/x", mark="0" * 12, earlier={}, ids=ids)
    monkeypatch.setattr("builtins.input", ask)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert up_command._agreed(compare(config.parse("workers: 1"), record, "docker", ids)) == agreed
    # Nothing to remove, or the last manager: nothing is asked.
    monkeypatch.setattr("builtins.input", lambda _question: pytest.fail("asked"))
    assert not up_command._agreed(compare(LAB, record, "docker", ids))
    assert not up_command._agreed(compare(config.parse("nodes: [{name: m, role: manager}]"), record, "docker", ids))
