"""What a node says of itself, recorded from a node of the labgen/debian-12 box."""

from __future__ import annotations

import json

import pytest

from labgen import labfile
from labgen.errors import NodeError
from labgen.swarm import LocalSwarm
from provision.facts import Interface, lab_interface, parse

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


def told(**changed: str) -> str:
    sections = {
        "curl": "there\n",
        "hostname": "swarm-manager\n",
        "links": LINKS + "\n",
        "netplan": "600\n# Written by labgen\nnetwork:\n",
        "hosts": "127.0.0.1 localhost\n\n# the end\n",
        "os": 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "engine": "/usr/sbin/dockerd\n",
        "daemon": '{"registry-mirrors": ["http://127.0.0.1:5000"]}\n',
        "groups": "vagrant sudo docker\nvagrant\n",
        "ufw": "",
        "firewalld": "",
        "info": f"{INFO}\n200\n",
        "hub": "hub 000\n",
        "registry": "registry 200\n",
        "end": "",
    } | changed
    return "".join(f"\n@@{name}\n{text}" for name, text in sections.items())


def test_a_node_is_read() -> None:
    facts = parse(told(), "swarm-manager")
    assert facts.hostname == "swarm-manager"
    assert facts.interfaces[1] == Interface("eth1", "08:00:27:00:02:65", ("10.0.2.101/24",))
    assert facts.netplan == "# Written by labgen\nnetwork:\n"
    assert facts.netplan_mode == "600"
    assert facts.hosts == "127.0.0.1 localhost\n\n# the end\n"
    assert (facts.os_id, facts.engine_installed, facts.engine_running) == ("debian", True, True)
    assert facts.daemon == {"registry-mirrors": ["http://127.0.0.1:5000"]}
    assert (facts.user, facts.groups) == ("vagrant", ("vagrant", "sudo", "docker"))
    assert (facts.ufw_rules, facts.firewalld_ports) == (None, None)
    assert facts.swarm == LocalSwarm("active", "n1", True, "10.0.2.101")
    assert (facts.hub_reachable, facts.registry_reachable) == (False, True)
    assert lab_interface(facts, labfile.parse(""), labfile.parse("").first_manager).name == "eth1"


def test_a_bare_node_is_read() -> None:
    facts = parse(told(netplan="", engine="", daemon="", info="", hub="", registry=""), "fresh")
    assert (facts.netplan, facts.engine_installed, facts.engine_running, facts.swarm) == (None, False, False, None)
    assert facts.daemon == {}


@pytest.mark.parametrize("answer", ["hub 401", "hub 200", "hub 404"])
def test_any_answer_of_the_hub_means_it_is_there(answer: str) -> None:
    assert parse(told(hub=f"{answer}\n"), "x").hub_reachable


def test_firewalls() -> None:
    active = "Status: active\n\nTo   Action   From\n22/tcp  ALLOW  Anywhere\n"
    facts = parse(told(ufw=active, firewalld="running\n2377/tcp 7946/tcp\n"), "x")
    assert facts.ufw_rules is not None
    assert facts.firewalld_ports == {"2377/tcp", "7946/tcp"}
    off = parse(told(ufw="Status: inactive\n", firewalld="not running\n"), "x")
    assert (off.ufw_rules, off.firewalld_ports) == (None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cut short"),
        (told()[:300], "cut short"),
        (told(daemon="{oops"), "daemon.json is not JSON"),
        (told(links="oops"), "cannot be read"),
    ],
)
def test_what_cannot_be_read_names_the_node(text: str, said: str) -> None:
    with pytest.raises(NodeError, match=f"swarm-worker1.*{said}"):
        parse(text, "swarm-worker1")


def test_an_engine_that_is_starting_counts_as_not_running() -> None:
    facts = parse(told(info='{"message":"starting"}\n503\n'), "x")
    assert not facts.engine_running
