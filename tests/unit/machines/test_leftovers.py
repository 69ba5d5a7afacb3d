"""What providers still have of a lab: by ids and marks only, and an error where they do not answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from labgen.core.errors import MachineError, ProgramMissing
from labgen.core.process import Result, Runner
from labgen.machines.leftovers import LabIdentity, look
from labgen.providers.virtualbox import leftovers

MARK = "0123456789ab"
ID = "c0ffee" * 10


class Answers(Runner):
    """Answers commands by their beginning, and fails on any other."""

    def __init__(self, answers: dict[str, str | Exception]) -> None:
        super().__init__()
        object.__setattr__(self, "answers", answers)

    def which(self, program: str) -> str | None:
        return program

    def run(self, argv: Sequence[str | Path], **_: Any) -> Result:
        line = " ".join(map(str, argv))
        answer = next(text for words, text in self.answers.items() if line.startswith(words))  # type: ignore[attr-defined]
        if isinstance(answer, Exception):
            raise answer
        failed = answer.startswith("error")
        return Result(tuple(map(str, argv)), int(failed), answer, answer if failed else "")


DOCKER = {
    "docker ps": f"{ID}\tlabgen-swarm-manager\t\nffff\tlabgen-swarm-worker1\t{MARK}\n"
    "bbbb\tdb\t\ncccc\tx\tffffffffffff\n",
    "docker network ls": "dddd\tlabgen-lab\n",
    "docker volume ls": "kept\n",
}


def test_look_docker_finds_what_bears_the_mark_or_an_id() -> None:
    leftover_list = look("docker", Answers(dict(DOCKER)), LabIdentity({"swarm-manager": ID}, MARK))
    assert [str(leftover) for leftover in leftover_list] == [
        "machine labgen-swarm-manager", "machine labgen-swarm-worker1", "network labgen-lab", "volume kept"
    ]  # fmt: skip
    assert leftover_list[0].commands == (("docker", "rm", "--force", "--volumes", ID),)


def test_look_docker_asks_for_this_labs_mark_only() -> None:
    commands: list[str] = []

    class Listening(Answers):
        def run(self, argv: Sequence[str | Path], **options: Any) -> Result:
            commands.append(" ".join(map(str, argv)))
            return super().run(argv, **options)

    look("docker", Listening(dict(DOCKER)), LabIdentity({}, MARK))
    assert all(f"label=labgen.folder={MARK}" in line for line in commands[1:])
    commands.clear()
    # Without a mark, what bears none is not taken for this lab's.
    assert look("docker", Listening(dict(DOCKER)), LabIdentity({"swarm-manager": "0000"})) == []
    assert len(commands) == 1


@pytest.mark.parametrize(
    "answer", ["error: Cannot connect to the Docker daemon", ProgramMissing("docker is not there.")]
)
def test_look_says_that_it_does_not_know_where_the_provider_does_not_answer(answer: str | Exception) -> None:
    with pytest.raises(MachineError, match="cannot find out") as caught:
        look("docker", Answers({"docker": answer}), LabIdentity({"swarm-manager": ID}, MARK))
    assert "swarm-manager" in caught.value.message
    assert "labgen down" in caught.value.hint
    assert caught.value.exit_status == 7


def test_look_asks_nothing_where_nothing_was_made() -> None:
    assert look("virtualbox", Answers({}), LabIdentity({}, MARK)) == []
    assert look("docker", Answers({"docker": ProgramMissing("docker is not there.")}), LabIdentity({}, MARK)) == []


UUID = "8fb3f49d-532e-45dd-be9a-6c532864aa61"


def test_look_virtualbox_by_uuid_and_marked_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "find_vboxmanage", lambda _host: "VBoxManage")
    answers: dict[str, str | Exception] = {
        "VBoxManage list vms": f'"labgen swarm-manager" {{{UUID}}}\n"labgen swarm-worker1" {{another}}\n',
        "VBoxManage list natnets": "Name:         labgen\nEnabled:      Yes\n\nName:         theirs\n",
    }
    traces = LabIdentity({"swarm-manager": UUID, "swarm-worker1": "gone"}, MARK, frozenset({"labgen"}))
    leftover_list = look("virtualbox", Answers(answers), traces)
    assert [leftover.commands for leftover in leftover_list] == [
        (("VBoxManage", "unregistervm", UUID, "--delete"),),
        (("VBoxManage", "natnetwork", "remove", "--netname", "labgen"),),
    ]


def test_look_libvirt_keeps_a_network_that_others_use() -> None:
    virsh = "virsh --connect qemu:///system"
    answers: dict[str, str | Exception] = {
        f"{virsh} list": f"{UUID}\n\n",
        f"{virsh} net-list": "net-1\nnet-2\nnet-3\n",
        f"{virsh} net-dumpxml net-1": "<network connections='2'>",
        f"{virsh} net-dumpxml net-2": "<network>",
    }
    traces = LabIdentity({"swarm-manager": UUID}, "", frozenset({"net-1", "net-2", "net-9"}))
    leftover_list = look("libvirt", Answers(answers), traces)
    assert [str(leftover) for leftover in leftover_list] == ["machine swarm-manager", "network net-2"]
