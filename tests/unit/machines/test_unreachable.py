"""What is said where a node cannot be reached: a machine that is off, and a key that is refused."""

from __future__ import annotations

import pytest
from paramiko.ssh_exception import NoValidConnectionsError

from labgen import config
from labgen.machines.unreachable import unreached
from labgen.transport.ssh import _unreached


@pytest.mark.parametrize(
    "reason",
    [
        "vagrant@127.0.0.1: Permission denied (publickey)",
        "Authentication failed",
        "No authentication methods available",
    ],
)
def test_unreachable_refused_key_is_no_machine_that_is_off(reason: str) -> None:
    error = unreached("swarm-worker1", reason)
    assert error.message == f"swarm-worker1 cannot be reached: {reason}."
    assert "authorized_keys" in error.hint
    assert "labgen down swarm-worker1" in error.hint


@pytest.mark.parametrize("reason", ["No route to host", "Connection timed out", "OSError"])
def test_anything_else_is_one(reason: str) -> None:
    error = unreached("swarm-worker1", reason, "Run it again.")
    assert error.hint.startswith("Check with `labgen status`")
    assert error.hint.endswith("`labgen up`. Run it again.")


def test_unreachable_what_paramiko_says_of_a_refused_key_is_not_repeated() -> None:
    error = unreached("swarm-worker1", "encountered RSA key, expected OPENSSH key")
    assert error.message == "swarm-worker1 cannot be reached: Permission denied (publickey)."
    assert "authorized_keys" in error.hint


@pytest.mark.parametrize(
    "reason",
    [
        "kex_exchange_identification: Connection closed by remote host",
        "connect to host 127.0.0.1 port 2222: Connection refused",
        "[Errno None] Unable to connect to port 2222 on 127.0.0.1",
        "Error reading SSH protocol banner",
        "Connection reset by 127.0.0.1 port 2222",
    ],
)
def test_unreached_without_an_ssh_server_says_how_to_start_it(reason: str) -> None:
    error = unreached("swarm-worker1", reason)
    assert f"cannot be reached: {reason}." in error.message
    assert "labgen halt --force swarm-worker1, then labgen up" in error.hint


@pytest.mark.parametrize(
    ("reason", "way_out"),
    [("Permission denied (publickey)", "IdentityFile"), ("Connection refused", "Port"), ("No route to host", "Port")],
)
def test_unreached_of_a_remote_lab_names_its_ssh_configuration(reason: str, way_out: str) -> None:
    error = unreached("swarm-worker1", reason, "Run it again.", remote=True)
    assert way_out in error.hint
    assert error.hint.endswith("Run it again.")
    assert "labgen" not in error.hint  # nothing here starts a machine of someone else's


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NoValidConnectionsError({("127.0.0.1", 9): OSError()}), "Unable to connect to port 9 on 127.0.0.1"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (FileNotFoundError(2, "No such file or directory", "/k"), "/k: No such file or directory"),
        (TimeoutError("timed out"), "timed out"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_unreached_tells_what_ssh_says_without_its_number(error: OSError, reason: str) -> None:
    node = config.parse("").first_manager
    assert _unreached(node, error, "", remote=False).message == f"swarm-manager cannot be reached: {reason}."
