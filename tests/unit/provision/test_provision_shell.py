"""What becomes of a node's failures: one clear error each, and a shell that can be used again."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, field

import pytest

from labgen import config
from labgen.core.errors import NodeError
from labgen.core.polling import Patience
from labgen.model.lab import Node
from labgen.model.lab_folder import State
from provision.shell import Shell
from tests.local_channel import LocalTransport

NODE = config.parse("").nodes[0]
TOKEN = "SWMTKN-1-" + "0" * 50 + "-" + "1" * 25


@dataclass
class LocalInventory:
    """Stands in for labgen.machines.inventory.Inventory."""

    connection: LocalTransport = field(default_factory=LocalTransport)
    patience: Patience = field(default_factory=Patience)
    state: State = field(default_factory=lambda: State("libvirt"))
    refuses: OSError | None = None
    forgotten: int = 0

    def forget(self, node: Node) -> None:
        assert node is NODE
        self.forgotten += 1
        self.connection = LocalTransport()

    def opened(self, node: Node) -> LocalTransport:
        assert node is NODE
        if self.refuses:
            raise self.refuses
        return self.connection


def shell_of(inventory: LocalInventory) -> Shell:
    return Shell(inventory, NODE)  # type: ignore[arg-type]


def test_many_scripts_one_session() -> None:
    inventory = LocalInventory()
    shell = shell_of(inventory)
    assert [shell.run(f"echo {number}") for number in range(3)] == ["0\n", "1\n", "2\n"]
    assert len(inventory.connection.channels) == 1


def test_shell_node_that_restarts_is_forgotten_and_asked_over_a_new_connection() -> None:
    inventory = LocalInventory()
    before = inventory.connection
    shell = shell_of(inventory)
    shell.forget()
    shell.run("true")
    shell.forget()
    assert shell.run("echo again") == "again\n"
    assert inventory.forgotten == 2
    assert inventory.connection is not before


def test_shell_that_nobody_uses_any_more_gives_its_channel_back() -> None:
    shell = shell_of(LocalInventory())
    shell.run("true")
    channel = weakref.ref(shell._transport._on(NODE).shells._idle[0])
    assert channel() is not None
    del shell
    assert channel() is None


def test_shell_script_that_fails_is_an_error_with_its_words() -> None:
    with pytest.raises(NodeError, match=r"swarm-manager: trying failed \(status 4\): no such thing") as caught:
        shell_of(LocalInventory()).run("echo no such thing >&2; exit 4", what="trying")
    assert "labgen ssh swarm-manager" in str(caught.value.hint)


def test_shell_node_that_cannot_be_reached() -> None:
    inventory = LocalInventory(refuses=TimeoutError("timed out"))
    with pytest.raises(NodeError, match=r"swarm-manager cannot be reached: timed out\.") as caught:
        shell_of(inventory).run("true")
    assert "labgen up" in str(caught.value.hint)


def test_shell_deadline_that_passes_and_a_shell_used_again() -> None:
    inventory = LocalInventory(patience=Patience(0.5))
    shell = shell_of(inventory)
    with pytest.raises(NodeError, match=r"did not finish within 1 s: sleep 5 # \(secret\)\n"):
        shell.run(f"sleep 5 # {TOKEN}", within=2)
    # What the old session may still say is not taken for the next script's.
    assert shell.run("echo again") == "again\n"
    assert len(inventory.connection.channels) == 2


def test_sudo_that_refuses_is_told_in_its_words() -> None:
    inventory = LocalInventory(LocalTransport(sudo_says="sudo: a password is required"))
    with pytest.raises(NodeError, match=r"asking failed \(status 1\): sudo: a password is required"):
        shell_of(inventory).run("true", what="asking")


def test_shell_connection_that_is_lost_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    inventory = LocalInventory()
    shell = shell_of(inventory)
    shell.run("true")
    (channel,) = inventory.connection.channels
    # As paramiko does: the streams end, and there is no exit status.
    monkeypatch.setattr(channel, "recv", lambda most: b"")
    monkeypatch.setattr(channel, "recv_stderr", lambda most: b"")
    channel.exit_status = -1
    channel.status_event.set()
    with pytest.raises(NodeError, match=r"swarm-manager stopped answering in the middle of a command\."):
        shell.run("true")
