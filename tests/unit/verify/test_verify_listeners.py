"""What listens on a node, and which addresses that reaches."""

from __future__ import annotations

from functools import partial

import pytest
from fake_lab import FakeLab

from labgen.observation.commands import LISTENING_SOCKETS, CommandAnswer
from tests.scripted_node import answered
from verify.listeners import Listener, listening, listens
from verify.testinfra_host import NodeHost, host_of

HEADING = "Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port\n"


def host(*lines: str) -> NodeHost:
    """A node on which `ss` prints these lines."""
    answer = CommandAnswer(0, HEADING + "".join(f"{line}\n" for line in lines))
    return host_of(FakeLab().lab.first_manager, partial(answered, answers={LISTENING_SOCKETS: answer}))


@pytest.mark.parametrize(
    ("line", "protocol", "port", "words"),
    [
        ("tcp   LISTEN 0  4096  10.0.2.101:2377  0.0.0.0:*", "tcp", 2377, "tcp 10.0.2.101:2377"),
        ("tcp   LISTEN 0  4096  *:2377  *:*", "tcp", 2377, "tcp *:2377"),
        ("tcp   LISTEN 0  128   [::]:22  [::]:*", "tcp", 22, "tcp :::22"),
        ("udp   UNCONN 0  0     0.0.0.0%eth0:68  0.0.0.0:*", "udp", 68, "udp 0.0.0.0:68"),
    ],
)
def test_listens_at_the_address_of_the_node(line: str, protocol: str, port: int, words: str) -> None:
    node = host("u_str LISTEN 0 4096 /run/docker.sock 20517 * 0", "nl UNCONN 0 0 rtnl:systemd/1 *", line)
    assert listens(node, protocol, port, "10.0.2.101")
    assert not listens(node, protocol, port + 1, "10.0.2.101")
    assert not listens(node, "udp" if protocol == "tcp" else "tcp", port, "10.0.2.101")
    assert listening(node, port) == f"on port {port} there is {words}"


@pytest.mark.parametrize(
    ("line", "port", "words"),
    [
        ("udp   UNCONN 0  0     127.0.0.53%lo:53  0.0.0.0:*", 53, "udp 127.0.0.53:53"),
        ("udp   UNCONN 0  0     [fe80::1]%eth0:546  [::]:*", 546, "udp fe80::1:546"),
        ("tcp   LISTEN 0  4096  10.0.2.10:80  0.0.0.0:*", 80, "tcp 10.0.2.10:80"),
        ("u_str LISTEN 0  4096  /run/x:80  1  *  0", 80, "nothing"),
    ],
)
def test_listens_elsewhere(line: str, port: int, words: str) -> None:
    node = host(line)
    assert not listens(node, "tcp", port, "10.0.2.101")
    assert not listens(node, "udp", port, "10.0.2.101")
    assert listening(node, port) == f"on port {port} there is {words}"


@pytest.mark.parametrize(
    ("bound", "reached"),
    [("10.0.2.101", True), ("0.0.0.0", True), ("*", True), ("::", True), ("127.0.0.1", False), ("10.0.2.10", False)],
)
def test_listener_reached_at_an_address(bound: str, reached: bool) -> None:
    assert Listener("tcp", bound, 1).reached_at("10.0.2.101") is reached
