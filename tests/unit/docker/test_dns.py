"""Names asked on a network: the script with real sh, and what nslookup of different age prints."""

from __future__ import annotations

import os
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from labgen.core.process import Runner
from labgen.docker import dns
from tests import needs

# As busybox 1.35 and 1.36 print it, and 1.28.
NEW = """\
Server:\t\t127.0.0.11
Address:\t127.0.0.11:53

Non-authoritative answer:

Non-authoritative answer:
Name:\ttasks.web-vip
Address: 10.20.3.4
Name:\ttasks.web-vip
Address: 10.20.3.3
"""
OLD = """\
nslookup: can't resolve '(null)': Name does not resolve

Name:      web-vip
Address 1: 10.20.1.3 web-vip.1.abc.course-net
"""
NONE = "Server:\t\t127.0.0.11\nAddress:\t127.0.0.11:53\n\n** server can't find nobody: NXDOMAIN\n"


def addresses(*texts: str) -> frozenset[IPv4Address]:
    return frozenset(map(IPv4Address, texts))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (NEW, addresses("10.20.3.3", "10.20.3.4")),
        (OLD, addresses("10.20.1.3")),
        (NONE, addresses()),
        ("", addresses()),
        ("Server: 127.0.0.11\nAddress 1: 127.0.0.11\n\nName: x\nAddress 1: 10.0.0.2\n", addresses("10.0.0.2")),
    ],
)
def test_addresses_are_read_without_the_name_servers_own(text: str, expected: frozenset[IPv4Address]) -> None:
    assert dns.read(text) == expected


def tool(at: Path, name: str, script: str) -> None:
    needs.linux("a shell script of nodes")
    (at / name).write_text(f"#!/bin/sh\n{script}\n")
    (at / name).chmod(0o755)


def test_names_and_pages_in_one_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "docker", 'echo "$*" | head -1 >&2; shift 5; exec "$@"')
    (tmp_path / "web").write_text(NEW)
    tool(tmp_path, "nslookup", f'cat {tmp_path}/"$1" 2>/dev/null || {{ echo "** not found: $1"; exit 1; }}')
    tool(tmp_path, "wget", 'case "$*" in *10.20.3.3/*) ;; *) exit 1;; esac')
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    fetch = sorted(addresses("10.20.3.3", "10.20.3.4"))

    def run(script: str) -> str:
        return Runner().run(["sh", "-c", script]).or_raise().out

    answer = dns.ask(run, dns.throwaway("course-net"), ["web", "nobody"], fetch, 2.0)
    assert answer.addresses == {"web": addresses("10.20.3.3", "10.20.3.4"), "nobody": frozenset()}
    assert answer.answered == addresses("10.20.3.3")


def test_ask_fetches_pages_at_the_same_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "docker", 'shift 5; exec "$@"')
    tool(tmp_path, "nslookup", "true")
    # Each page comes only while the other is being fetched.
    (tmp_path / "begun").mkdir()
    tool(
        tmp_path,
        "wget",
        f'cd {tmp_path}/begun; touch "$(basename "$4")"; until [ "$(ls | wc -l)" = 2 ]; do sleep 0.05; done',
    )
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    fetch = sorted(addresses("10.20.3.3", "10.20.3.4"))

    def run(script: str) -> str:
        return Runner().run(["sh", "-c", script]).or_raise().out

    answer = dns.ask(run, dns.throwaway("course-net"), [], fetch, 3.0)
    assert answer.answered == addresses("10.20.3.3", "10.20.3.4")


def test_ask_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "docker", 'shift 5; exec "$@"')
    tool(tmp_path, "nslookup", "echo Address: 10.20.3.3")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    answer = dns.ask(
        lambda script: Runner().run(["sh", "-c", script]).or_raise().out,
        dns.throwaway("course-net"),
        ["web"],
        [],
        1.0,
    )
    assert answer.addresses == {"web": addresses("10.20.3.3")}
    assert list(scratch.iterdir()) == []


def test_dns_command_names_the_network() -> None:
    assert dns.throwaway("course-net") == "docker run --rm --network course-net alpine:3"


def test_addresses_for_people() -> None:
    assert dns.join_addresses(addresses("10.0.0.12", "10.0.0.3")) == "10.0.0.3, 10.0.0.12"
    assert dns.join_addresses(frozenset()) == "no address"
