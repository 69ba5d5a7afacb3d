"""What a node says of itself, recorded from a node of the labgen/debian-12 box."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from labgen import config
from labgen.core.errors import NodeError
from labgen.docker.swarm import LocalSwarm
from provision.facts import Interface, lab_interface, observe, parse
from tests.scripted_node import ScriptedNode

LAB = config.parse("")
LOCAL = {"LocalNodeState": "active", "ControlAvailable": True}
LINKS = json.dumps(
    [
        {
            "ifname": "lo",
            "address": "00:00:00:00:00:00",
            "addr_info": [{"family": "inet", "local": "127.0.0.1", "prefixlen": 8}],
        },
        {},
        {
            "ifname": "eth1",
            "address": "08:00:27:00:02:65",
            "addr_info": [
                {"family": "inet", "local": "10.0.2.101", "prefixlen": 24},
                {"family": "inet6", "local": "fe80::1", "prefixlen": 64},
            ],
        },
    ]
)
INFO = json.dumps(
    {
        "ID": "x",
        "Swarm": {"NodeID": "n1", "NodeAddr": "10.0.2.101", "LocalNodeState": "active", "ControlAvailable": True},
    }
)
UNREACHABLE = "hub 000 0.000000 0.004512"


NOW = 1790000000.5
"""By this computer's clock."""


def told(**changed: str) -> str:
    sections = {
        "hostname": "swarm-manager\n",
        "links": LINKS + "\n",
        "netplan": "600\n# Written by labgen\nnetwork:\n",
        "hosts": "127.0.0.1 localhost\n\n# the end\n",
        "os": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "engine": "/usr/sbin/dockerd\n",
        "daemon": '{"registry-mirrors": ["http://127.0.0.1:5000"]}\n',
        "resolv": "nameserver 127.0.0.53\n",
        "user": "vagrant\n",
        "group": "root:x:0:\nsudo:x:27:kim,vagrant\nvagrant:x:1000:\ndocker:x:996:vagrant\nvagrantx:x:1:vagrantx\n",
        "ufw": "",
        "firewalld": "",
        "registry": "there\n",
        "mirror": "http://10.0.2.2:5000\n",
        "curl": "/usr/bin/curl\n",
        "asked": f"{INFO}\n{UNREACHABLE}\n",
        "clock": "1790000000.250000000\n",
        "end": "",
    } | changed
    return "".join(f"\n@@{name}\n{text}" for name, text in sections.items())


def test_a_node_is_read() -> None:
    facts = parse(told(), "swarm-manager", NOW)
    assert facts.hostname == "swarm-manager"
    assert facts.interfaces[1] == Interface("eth1", "08:00:27:00:02:65", ("10.0.2.101/24",))
    assert facts.netplan == "# Written by labgen\nnetwork:\n"
    assert facts.netplan_mode == "600"
    assert facts.hosts == "127.0.0.1 localhost\n\n# the end\n"
    assert (facts.os_id, facts.engine_installed, facts.engine_running) == ("debian", True, True)
    assert facts.daemon == {"registry-mirrors": ["http://127.0.0.1:5000"]}
    assert (facts.user, facts.groups) == ("vagrant", ("sudo", "docker"))
    assert (facts.ufw_rules, facts.firewalld_ports) == (None, None)
    assert facts.swarm == LocalSwarm("active", "n1", True, "10.0.2.101")
    assert (facts.hub_reachable, facts.has_registry, facts.resolver_silent) == (False, True, False)
    assert (facts.has_stand_ins, facts.mirror_set) == (False, "http://10.0.2.2:5000")
    assert lab_interface(facts, config.parse(""), config.parse("").first_manager).name == "eth1"


def test_stand_ins_of_the_registry_are_known() -> None:
    data = "/var/lib/docker-registry/docker/registry/v2/blobs/sha256/0a/0a1b/data"
    facts = parse(told(registry=f"there\n{data}\n"), "swarm-manager", NOW)
    assert (facts.has_registry, facts.has_stand_ins) == (True, True)


def test_a_bare_node_is_read() -> None:
    facts = parse(told(netplan="", engine="", daemon="", curl="", asked="", registry=""), "fresh", NOW)
    assert (facts.netplan, facts.engine_installed, facts.engine_running, facts.swarm) == (None, False, False, None)
    assert (facts.daemon, facts.curl, facts.has_registry, facts.resolver_silent) == ({}, False, False, False)


@pytest.mark.parametrize("status", ["401", "200", "404"])
def test_any_answer_of_the_hub_means_it_is_there(status: str) -> None:
    facts = parse(told(asked=f"{INFO}\nhub {status} 0.021000 0.310000\n"), "x", NOW)
    assert (facts.hub_reachable, facts.resolver_silent) == (True, False)


@pytest.mark.parametrize(
    ("resolver_answer", "silent"),
    [
        (UNREACHABLE, False),  # refused at once
        ("hub 000 0.000000 4.001873", True),  # never found: no name server answered
        ("hub 000 0.012000 4.001873", False),  # found, but it does not answer
    ],
)
def test_a_silent_resolver_is_told_from_one_that_refuses(resolver_answer: str, silent: bool) -> None:
    facts = parse(told(asked=f"{INFO}\n{resolver_answer}\n"), "x", NOW)
    assert (facts.hub_reachable, facts.resolver_silent) == (False, silent)


@pytest.mark.parametrize(("clock", "behind"), [("1789999990.500000000\n", 10.0), ("", 0.0), ("1789999990.N\n", 0.0)])
def test_a_clock_is_compared_where_nobody_else_keeps_it(clock: str, behind: float) -> None:
    assert parse(told(clock=clock), "x", NOW).behind == behind


def test_firewalls() -> None:
    active = "Status: active\n\nTo   Action   From\n22/tcp  ALLOW  Anywhere\n"
    facts = parse(told(ufw=active, firewalld="running\n2377/tcp 7946/tcp 4789/udp 7946/udp\n"), "x", NOW)
    assert facts.ufw_rules is not None
    assert facts.firewalld_ports == {"2377/tcp", "7946/tcp", "4789/udp", "7946/udp"}
    off = parse(told(ufw="Status: inactive\n", firewalld="not running\n"), "x", NOW)
    assert (off.ufw_rules, off.firewalld_ports) == (None, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cut short"),
        (told()[:300], "cut short"),
        (told(daemon="{oops"), "daemon.json is not JSON"),
        (told(links="oops"), "cannot be read"),
    ],
)
def test_what_cannot_be_read_names_the_node(text: str, message: str) -> None:
    with pytest.raises(NodeError, match=f"swarm-worker1.*{message}"):
        parse(text, "swarm-worker1", NOW)


def test_an_engine_that_is_starting_counts_as_not_running() -> None:
    facts = parse(told(asked=f'{{"message":"starting"}}\n{UNREACHABLE}\n'), "x", NOW)
    assert not facts.engine_running


@pytest.mark.parametrize(
    ("running", "engine", "manager"),
    [("811\n", {"Swarm": LOCAL}, True), ("", {"Swarm": LOCAL}, None), ("811\n", NodeError("no answer", ""), None)],
)
def test_observe_asks_the_engine_itself_where_it_runs(running: str, engine: object, manager: bool | None) -> None:
    sections = dict.fromkeys(
        (*["hostname", "netplan", "hosts", "os", "resolv", "engine", "daemon", "user", "group", "ufw"], "registry"), ""
    )
    rest = {"links": "[]", "firewalld": "", "curl": "", "asked": "hub 200 0.01 0.02", "running": running, "clock": ""}
    text = "".join(f"\n@@{name}\n{content}" for name, content in {**sections, **rest, "end": ""}.items()) + "\n"
    node = ScriptedNode({"section hostname": text}, {"/info": engine})
    shell = SimpleNamespace(node=LAB.nodes[0], ask=lambda question, within: question.answer(node))
    facts = observe(shell)  # type: ignore[arg-type]
    assert (facts.swarm and facts.swarm.is_manager, facts.hub_reachable) == (manager, True)
