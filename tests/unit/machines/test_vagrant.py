"""Vagrant's answers, as recorded from Vagrant 2.3.4."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from labgen.core.errors import BoxError, MachineError, ProgramMissing, ProgramTimeout
from labgen.core.process import Result, Runner
from labgen.machines.lifecycle import stuck_machines
from labgen.machines.vagrant import Vagrant, explain, parse_snapshots, parse_status
from labgen.model.lab import Box
from labgen.providers.base import Machine
from tests import needs

STATUS = """\
1763886855,swarm-manager,metadata,provider,libvirt
1763886855,swarm-worker1,metadata,provider,libvirt
1763886855,swarm-manager,provider-name,libvirt
1763886855,swarm-manager,state,running
1763886855,swarm-manager,state-human-short,running
1763886855,swarm-manager,state-human-long,It runs.%!(VAGRANT_COMMA)
1763886855,swarm-worker1,provider-name,libvirt
1763886855,swarm-worker1,state,not_created
1763886855,,ui,info,Current machine states:\\n\\nswarm-manager running (libvirt)
"""


def test_status_is_read_by_name() -> None:
    assert parse_status(STATUS) == {
        "swarm-manager": Machine("swarm-manager", "running", "libvirt"),
        "swarm-worker1": Machine("swarm-worker1", "not_created", "libvirt"),
    }


@pytest.mark.parametrize(
    "noise",
    ["\n", "a warning of Ruby's\n", "1,2\n", "[fog][WARNING] Unrecognized arguments: libvirt_ip_command\n"],
)
def test_status_survives_lines_it_does_not_know(noise: str) -> None:
    assert parse_status(noise + STATUS + noise) == parse_status(STATUS)


def test_status_reports_vagrants_own_error() -> None:
    text = "1424099094,,error-exit,Vagrant::Errors::NoEnvironmentError,"
    text += "A Vagrant environment is required%!(VAGRANT_COMMA) so.\n"
    with pytest.raises(MachineError, match="A Vagrant environment is required, so"):
        parse_status(text)


def test_status_without_a_machine_is_an_error() -> None:
    with pytest.raises(MachineError, match="named no machine"):
        parse_status("nothing\n")


UP_FAILED = """\
Bringing machine 'swarm-manager' up with 'libvirt' provider...
==> swarm-manager: Starting domain.
==> swarm-manager: Waiting for domain to get an IP address...
==> swarm-manager: Waiting for machine to boot. This may take a few minutes...
    swarm-manager: SSH address: 192.168.221.17:22
Timed out while waiting for the machine to boot. This means that
Vagrant was unable to communicate with the guest machine within
the configured ("config.vm.boot_timeout" value) time period.
"""


def test_vagrant_error_is_told_without_the_progress_before_it() -> None:
    explanation = explain(UP_FAILED)
    assert explanation.startswith("Vagrant failed (last heard of: swarm-manager):\nTimed out while waiting")
    assert "Starting domain" not in explanation


@pytest.fixture(autouse=True)
def vagrantfile(tmp_path: Path) -> Path:
    """The folder's Vagrantfile."""
    path = tmp_path / "Vagrantfile"
    path.write_text("")
    return path


class FakeRunner(Runner):
    """Answers the commands it was told of, and fails on any other."""

    def __init__(self, answers: dict[tuple[str, ...], Result | Exception]) -> None:
        super().__init__()
        object.__setattr__(self, "answers", answers)

    def run(self, argv: object, **options: object) -> Result:
        key = tuple(map(str, argv))  # type: ignore[call-overload]
        answer: Result | Exception = self.answers.pop(key)  # type: ignore[attr-defined]
        if isinstance(answer, Exception):
            raise answer
        on_line = options.get("on_line")
        if isinstance(on_line, Callable):  # type: ignore[arg-type]
            for line in answer.out.splitlines():
                on_line(line)  # type: ignore[operator]
        return answer


def door(tmp_path: Path, command: str, status: int, out: str) -> Vagrant:
    argv = tuple(command.split())
    return Vagrant(tmp_path, FakeRunner({argv: Result(argv, status, out, "")}), tmp_path / "logs" / "vagrant.log")


def test_up_names_the_provider_and_keeps_what_was_said(tmp_path: Path) -> None:
    lines: list[str] = []
    door(tmp_path, "vagrant up --provider=libvirt", 0, "one\ntwo\n").up("libvirt", within=1, on_line=lines.append)
    assert lines == ["one", "two"]
    assert (tmp_path / "logs" / "vagrant.log").read_text() == "$ vagrant up --provider=libvirt\none\ntwo\n"


def test_up_that_fails_says_why_and_where_the_rest_is(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="Timed out while waiting") as caught:
        door(tmp_path, "vagrant up --provider=libvirt", 1, UP_FAILED).up("libvirt", within=1, on_line=lambda _: None)
    assert str(tmp_path / "logs" / "vagrant.log") in caught.value.hint


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("halt", lambda vagrant: vagrant.halt(on_line=print)),
        ("halt --force m1 m2", lambda vagrant: vagrant.halt(["m1", "m2"], force=True, on_line=print)),
        ("destroy --force", lambda vagrant: vagrant.destroy(on_line=print)),
        ("destroy --force --parallel m1", lambda vagrant: vagrant.destroy(["m1"], parallel=True, on_line=print)),
    ],
)
def test_vagrant_what_ends_machines_names_those_that_are_meant(
    tmp_path: Path, words: str, call: Callable[[Vagrant], None]
) -> None:
    # Any other command fails.
    call(door(tmp_path, f"vagrant {words}", 0, ""))


def test_vagrant_box_that_is_refused_is_a_box_error(tmp_path: Path) -> None:
    vagrant = Vagrant(tmp_path, _Any(1, "The box failed to unpackage properly."), tmp_path / "log")
    with pytest.raises(BoxError, match="failed to unpackage"):
        vagrant.add_box("labgen/debian-12", tmp_path / "x.box", "libvirt", on_line=lambda _: None)


class _Any(Runner):
    """Gives one answer to one command, whatever it is."""

    def __init__(self, status: int, out: str) -> None:
        super().__init__()
        object.__setattr__(self, "answer", (status, out))

    def run(self, argv: object, **options: object) -> Result:
        status, out = self.answer  # type: ignore[attr-defined]
        return Result(tuple(map(str, argv)), status, out, "")  # type: ignore[call-overload]


def test_vagrant_that_is_not_installed_says_where_to_get_it(tmp_path: Path) -> None:
    argv = ("vagrant", "status", "--machine-readable")
    missing = ProgramMissing("vagrant is not installed, or not on PATH.", "Install it")
    vagrant = Vagrant(tmp_path, FakeRunner({argv: missing}), tmp_path / "log")
    with pytest.raises(ProgramMissing):
        vagrant.status()


def test_vagrant_that_hangs_is_not_said_to_be_missing(tmp_path: Path) -> None:
    late = ProgramTimeout("`vagrant up` did not end within 600 s and was stopped.", "Install it")

    class Hangs(Runner):
        def run(self, argv: object, **options: object) -> Result:
            raise late

    with pytest.raises(ProgramTimeout) as caught:
        Vagrant(tmp_path, Hangs(), tmp_path / "log").up("virtualbox", within=600, on_line=print)
    assert caught.value.message == late.message
    assert "VBoxManage list vms" in caught.value.hint
    assert "Install" not in caught.value.hint


def test_up_that_is_late_names_the_machine_it_waited_for(tmp_path: Path) -> None:
    class Silent(Runner):
        def run(self, argv: object, **options: object) -> Result:
            assert (options["silence"], options["timeout"]) == (700, 2100)
            options["on_line"]("==> swarm-worker1: Waiting for machine to boot.")  # type: ignore[operator]
            raise ProgramTimeout("`vagrant up` printed nothing for 700 s and was stopped.", "Install it")

    with pytest.raises(ProgramTimeout) as caught:
        Vagrant(tmp_path, Silent(), tmp_path / "log").up("virtualbox", within=700, on_line=print, machines=3)
    assert caught.value.message == (
        "`vagrant up` printed nothing for 700 s and was stopped "
        "(last heard of: swarm-worker1: Waiting for machine to boot.)."
    )


@pytest.mark.parametrize(
    ("box", "words"),
    [
        (Box("a/b"), "a/b"),
        (Box("a/b", "1.2"), "--box-version 1.2 a/b"),
        (Box("a/b", None, "http://x/y.box"), "--name a/b http://x/y.box"),
        (
            Box("a/b", None, "http://x/y.box", "0" * 64),
            f"--checksum-type sha256 --checksum {'0' * 64} --name a/b http://x/y.box",
        ),
    ],
)
def test_fetch_box_adds_it_from_where_it_is(tmp_path: Path, box: Box, words: str) -> None:
    # Any other command fails.
    door(tmp_path, f"vagrant box add --provider libvirt {words}", 0, "").fetch_box(box, "libvirt", on_line=print)


def test_fetch_box_that_vagrant_has_already_is_well(tmp_path: Path) -> None:
    output = (
        "==> box: Adding box\nThe box you're attempting to add already exists. Remove it before\nadding it again.\n"
    )
    door(tmp_path, "vagrant box add --provider libvirt a/b", 1, output).fetch_box(Box("a/b"), "libvirt", on_line=print)
    with pytest.raises(BoxError, match=r"(?s)the box a/b cannot be fetched: .*curl: no such host"):
        door(tmp_path, "vagrant box add --provider libvirt a/b", 1, "curl: no such host\n").fetch_box(
            Box("a/b"), "libvirt", on_line=print
        )


def test_fetch_box_names_the_file_whose_checksum_differs(tmp_path: Path) -> None:
    output = (
        "==> box: Loading metadata for box 'http://teacher/b.json'\n"
        "    box: Downloading: http://teacher/b.box\n"
        "The checksum of the downloaded box did not match the expected\nvalue. Please verify\n"
    )
    box = Box("a/b", url="http://teacher/b.json")
    command = "vagrant box add --provider libvirt --name a/b http://teacher/b.json"
    with pytest.raises(BoxError, match=r"http://teacher/b\.box was refused: its checksum differs"):
        door(tmp_path, command, 1, output).fetch_box(box, "libvirt", on_line=print)


def test_status_error_is_told_once_and_decoded(tmp_path: Path) -> None:
    why = (
        "The provider 'virtualbox' that was requested to back the machine\\n'swarm-manager' is reporting that it isn't "
        "usable on this system. The\\nreason is shown below:\\n\\n"
        "Vagrant could not detect VirtualBox%!(VAGRANT_COMMA) or it is not on PATH."
    )
    out = f"1795872190,,ui,error,{why}\n1795872190,,error-exit,Vagrant::Errors::ProviderNotUsable,{why}\n"
    with pytest.raises(MachineError) as caught:
        door(tmp_path, "vagrant status --machine-readable", 1, out).status()
    assert caught.value.message.count("isn't usable") == 1
    assert "VAGRANT_COMMA" not in caught.value.message
    assert "1795872190" not in caught.value.message
    assert "could not detect VirtualBox, or" in caught.value.message
    assert "Install VirtualBox" in caught.value.hint


def test_vagrant_what_several_machines_failed_of_is_said_once():
    output = (
        "==> b: Running trigger: Docker networks...\n"
        "An error occurred while executing multiple actions in parallel.\n"
        "Any errors that occurred are shown below.\n\n"
        "An error occurred while executing the action on the 'a'\nmachine. Please handle this error then try again:\n\n"
        "Docker's network 'x' already uses 10.0.2.0/24.\n\n"
        "An error occurred while executing the action on the 'b'\nmachine. Please handle this error then try again:\n\n"
        "Docker's network 'x' already uses 10.0.2.0/24.\n"
    )
    explanation = explain(output)
    assert explanation.count("already uses") == 1
    assert stuck_machines(explanation + " timed out", ["a", "b", "c"]) == ["a", "b"]


def test_snapshots_are_read_by_machine() -> None:
    output = (
        "1790000000,,ui,output,==> swarm-manager: \n"
        "1790000000,,ui,detail,fresh\n"
        "1790000000,,ui,detail,after-lunch\n"
        "1790000001,,ui,output,==> swarm-worker1: No snapshots have been taken yet!\n"
        "1790000001,,ui,detail,    swarm-worker1: You can take a snapshot using `vagrant snapshot save`.\n"
        "a stray line\n"
    )
    assert parse_snapshots(output) == {"swarm-manager": ("fresh", "after-lunch"), "swarm-worker1": ()}


@pytest.mark.parametrize(
    "act",
    [
        lambda vagrant: vagrant.up("virtualbox", within=1, on_line=print),
        lambda vagrant: vagrant.halt(on_line=print),
        lambda vagrant: vagrant.destroy(on_line=print),
        lambda vagrant: vagrant.status(),
        lambda vagrant: vagrant.ssh_config(),
        lambda vagrant: vagrant.snapshots(),
    ],
    ids=["up", "halt", "destroy", "status", "ssh_config", "snapshots"],
)
def test_vagrant_without_a_vagrantfile_never_takes_that_of_a_folder_further_up(
    tmp_path: Path, act: Callable[[Vagrant], object]
) -> None:
    lab = tmp_path / "lab"
    lab.mkdir()
    with pytest.raises(MachineError, match=f"no Vagrantfile in {lab}"):
        act(Vagrant(lab, FakeRunner({}), tmp_path / "log"))


def test_vagrant_is_started_for_the_labs_folder_and_vagrantfile_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs.posix("sh")
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "vagrant"
    program.write_text(f"#!/bin/sh\nenv | grep ^VAGRANT_ > {tmp_path}/env\npwd >> {tmp_path}/env\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    names = (
        "CWD",
        "VAGRANTFILE",
        "DOTFILE_PATH",
        "DEFAULT_PROVIDER",
        "PREFERRED_PROVIDERS",
        "ALIAS_FILE",
        "EXPERIMENTAL",
    )
    for name in names:
        monkeypatch.setenv(f"VAGRANT_{name}", "/srv/payroll")
    monkeypatch.setenv("VAGRANT_HOME", "/srv/boxes")
    Vagrant(tmp_path, Runner(), tmp_path / "log").destroy(on_line=print)
    assert set((tmp_path / "env").read_text().splitlines()) == {
        f"VAGRANT_CWD={tmp_path}",
        "VAGRANT_VAGRANTFILE=Vagrantfile",
        f"VAGRANT_DOTFILE_PATH={tmp_path}/.vagrant",
        "VAGRANT_ALIAS_FILE=/dev/null",
        "VAGRANT_HOME=/srv/boxes",
        str(tmp_path),
    }
