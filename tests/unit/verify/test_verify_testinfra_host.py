"""testinfra's modules over a node's answers: plain ones, and whatever a node may answer instead."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from fake_lab import FakeLab

from labgen.core.errors import NodeError
from labgen.observation.commands import CommandAnswer, CommandFailed
from tests import needs
from tests.scripted_node import SILENT, answered
from verify.testinfra_host import NodeHost, host_of, reason

NODE = FakeLab().lab.first_manager


def saying(answers: dict[str, CommandAnswer]) -> NodeHost:
    """A host whose node knows these commands."""
    return host_of(NODE, partial(answered, answers=answers))


@pytest.fixture
def here() -> NodeHost:
    """A host that is this computer."""
    needs.linux("commands are for nodes")

    def run(script: str) -> str:
        result = subprocess.run(["sh", "-c", script], capture_output=True, timeout=30, check=True)
        return result.stdout.decode("utf-8", "replace")

    return host_of(NODE, run)


def test_modules_read_a_real_system(here: NodeHost) -> None:
    assert here.file("/etc").is_directory
    assert here.file("/etc/passwd").contains("root")
    assert not here.file("/no such; file").exists
    assert here.file("/etc/passwd").mode == 0o644
    assert here.file("/etc/passwd").content_string.startswith("root:")
    assert here.sysctl("kernel.ostype") == "Linux"
    assert here.system_info.type == "linux"
    assert here.run("echo %s; exit 4", "a 'b' 한").stdout == "a 'b' 한\n"
    assert here.run("exit 4").rc == 4
    assert here.process.filter(pid=1)
    assert here.user("root").uid == 0


def test_modules_read_sockets_interfaces_and_services() -> None:
    node = saying(
        {
            "ss --numeric --listening --tcp": CommandAnswer(
                0, "State  Recv-Q Send-Q Local Address:Port Peer Address:Port\nLISTEN 0 4096 *:7946 *:*\n"
            ),
            "ip -json address": CommandAnswer(
                0, '[{"ifname": "eth1", "addr_info": [{"family": "inet", "local": "10.0.2.101"}]}]'
            ),
            "test -d /run/systemd/system/": CommandAnswer(0, ""),
            "systemctl is-active docker": CommandAnswer(0, "active\n"),
        }
    )
    assert node.socket("tcp://10.0.2.101:7946").is_listening
    assert not node.socket("tcp://10.0.2.101:80").is_listening
    assert node.interface("eth1").addresses == ["10.0.2.101"]
    assert not node.interface("eth7").exists
    assert node.service("docker").is_running


def test_prefetched_answers_are_not_asked_for() -> None:
    scripts: list[str] = []

    def run(script: str) -> str:
        scripts.append(script)
        return answered(script, {"test -e /b": CommandAnswer(1, "")})

    node = host_of(NODE, run, prefetched=lambda: {"test -e /a": CommandAnswer(0, "")})
    assert (node.file("/a").exists, node.file("/b").exists) == (True, False)
    assert len(scripts) == 1


@pytest.mark.parametrize(
    ("answers", "use", "words"),
    [
        (
            {"stat -Lc %s /x": CommandAnswer(1, "", "stat: cannot statx '/x'")},
            lambda node: node.file("/x").size,
            "swarm-manager: `stat -Lc %s /x` ended with status 1: stat: cannot statx '/x'",
        ),
        (
            {"stat -Lc %s /x": CommandAnswer(0, "\x00\ufffd many\n")},
            lambda node: node.file("/x").size,
            "swarm-manager: what `stat -Lc %s /x` printed cannot be read (ValueError: invalid literal for int()",
        ),
        (
            {"ss --numeric --listening --tcp": CommandAnswer(0, "head\n\nLISTEN\n")},
            lambda node: node.socket("tcp://22").is_listening,
            "swarm-manager: what `ss --numeric --listening --tcp` printed cannot be read (IndexError:",
        ),
        (
            {"ip -json address": CommandAnswer(0, "[" * 100_000)},
            lambda node: node.interface("eth1").link,
            "swarm-manager: what `ip -json address` printed cannot be read (ValueError: too deep",
        ),
        (
            {"test -e /x": CommandAnswer(126, "", "sh: test: Permission denied")},
            lambda node: node.file("/x").exists,
            "swarm-manager: `test -e /x` ended with status 126: sh: test: Permission denied",
        ),
        (
            {"cat -- /x": SILENT},
            lambda node: node.file("/x").content,
            "swarm-manager: `cat -- /x` did not end within 20 s",
        ),
    ],
)
def test_reason_of_what_cannot_be_read_is_a_sentence(
    answers: dict[str, CommandAnswer], use: Callable[[NodeHost], Any], words: str
) -> None:
    node = saying(answers)
    with pytest.raises(Exception) as info:  # noqa: PT011 - whatever testinfra raises
        use(node)
    sentence = reason(info.value, node)
    assert sentence.startswith(words)
    assert "\n" not in sentence
    assert len(sentence) < 500


def test_reason_of_a_tests_own_error_is_none() -> None:
    with pytest.raises(ValueError, match="mine") as info:
        raise ValueError("mine")
    assert reason(info.value, saying({})) == ""


def test_run_of_too_much_says_how_much() -> None:
    node = host_of(NODE, lambda script: "x" * 1000)
    with pytest.raises(CommandFailed, match=r"swarm-manager: `cat /dev/zero` printed more than 4 MiB"):
        node.run("cat /dev/zero")


def test_run_on_a_node_that_cannot_be_reached_is_the_nodes_error() -> None:
    def run(script: str) -> str:
        raise NodeError("it cannot be reached.", "labgen up")

    with pytest.raises(NodeError, match=r"it cannot be reached"):
        _ = host_of(NODE, run).file("/x").exists
