"""Facts of a node, each read from what its command printed, recorded from a node of the labgen/debian-12 box."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from labgen.core.errors import NodeError
from labgen.docker.question import Question
from labgen.docker.swarm import LocalSwarm
from labgen.observation import facts, node_facts
from labgen.observation.commands import CommandAnswer, Commands
from labgen.observation.node_facts import FOR_BOOTSTRAP, Interface, NodeFacts
from tests import needs
from tests.scripted_node import ScriptedNode, answered

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
UNREACHABLE = "000 0.000000 0.004512"
NOW = 1790000000.5
OUTPUTS = {
    node_facts.INTERFACES: LINKS,
    node_facts.HOSTS: "127.0.0.1 localhost\n\n# the end\n",
    node_facts.NETPLAN: "600\n# Written by labgen\nnetwork:\n",
    node_facts.OS_RELEASE: 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\nVERSION_ID="12"\n',
    node_facts.RESOLV_CONF: "nameserver 127.0.0.53\n",
    node_facts.DOCKERD: "/usr/sbin/dockerd\n",
    node_facts.DAEMON: '{"registry-mirrors": ["http://127.0.0.1:5000"]}\n',
    node_facts.LOGIN_USER: "vagrant\n",
    node_facts.GROUPS: "root:x:0:\nsudo:x:27:kim,vagrant\nvagrant:x:1000:\ndocker:x:996:vagrant\nx:x:1:vagrantx\n",
    node_facts.UFW: "",
    node_facts.FIREWALLD: "",
    node_facts.REGISTRY: "present\n",
    node_facts.MIRROR: "http://10.0.2.2:5000\n",
    node_facts.APT_PROXY: 'Acquire::http::Proxy "http://10.0.3.1:3128";\n',
    node_facts.ENGINE_PROXY: "[Service]\n",
    node_facts.CURL: "/usr/bin/curl\n",
    node_facts.HUB: UNREACHABLE,
    node_facts.CLOCK: "1790000000.250000000\n",
}


def read(outputs: dict[str, str] | None = None) -> NodeFacts:
    """The facts of a node whose commands print this, or what they printed on the recorded one."""
    answers = {command: CommandAnswer(0, out) for command, out in {**OUTPUTS, **(outputs or {})}.items()}
    return NodeFacts("swarm-worker1", "debian", answers, True, "20.10", "", LocalSwarm.inactive(), arrived=NOW)


def test_facts_of_the_recorded_node() -> None:
    node = read()
    assert node.interface_of("08:00:27:00:02:65") == Interface("eth1", "08:00:27:00:02:65", ("10.0.2.101/24",))
    assert (node.netplan, node.netplan_mode) == ("# Written by labgen\nnetwork:\n", "600")
    assert node.hosts == "127.0.0.1 localhost\n\n# the end\n"
    assert node.resolv_conf == "nameserver 127.0.0.53\n"
    assert (node.os_id, node.engine_installed, node.engine_answers) == ("debian", True, True)
    assert node.daemon == {"registry-mirrors": ["http://127.0.0.1:5000"]}
    assert (node.user, node.groups) == ("vagrant", ("sudo", "docker"))
    assert (node.ufw_rules, node.firewalld_ports) == (None, None)
    assert (node.hub_reachable, node.resolver_silent) == (False, False)
    assert (node.has_registry, node.has_stand_ins, node.mirror_set) == (True, False, "http://10.0.2.2:5000")
    assert (node.apt_proxy, node.engine_proxy) == ('Acquire::http::Proxy "http://10.0.3.1:3128";\n', "[Service]\n")
    assert (node.curl, node.behind) == (True, 0.25)


def test_facts_of_a_bare_node() -> None:
    node = read(dict.fromkeys(FOR_BOOTSTRAP, ""))
    assert (node.interfaces, node.netplan, node.netplan_mode, node.hosts) == ((), None, "", "")
    assert (node.os_id, node.engine_installed, node.daemon, node.groups) == ("", False, {}, ())
    assert (node.curl, node.hub_reachable, node.resolver_silent) == (False, False, False)
    assert (node.has_registry, node.mirror_set, node.behind) == (False, "", 0.0)
    assert (node.apt_proxy, node.engine_proxy) == ("", "")


def test_has_stand_ins_where_the_registry_has_files_with_their_label() -> None:
    data = "/var/lib/docker-registry/docker/registry/v2/blobs/sha256/0a/0a1b/data"
    node = read({node_facts.REGISTRY: f"present\n{data}\n"})
    assert (node.has_registry, node.has_stand_ins) == (True, True)


@pytest.mark.parametrize("status", ["401", "200", "404"])
def test_hub_reachable_with_any_answer(status: str) -> None:
    node = read({node_facts.HUB: f"{status} 0.021000 0.310000"})
    assert (node.hub_reachable, node.resolver_silent) == (True, False)


@pytest.mark.parametrize(
    ("output", "silent"),
    [
        (UNREACHABLE, False),  # refused at once
        ("000 0.000000 4.001873", True),  # never found: no name server answered
        ("000 0.012000 4.001873", False),  # found, but it does not answer
        ("000 0.0.0 4.4.4", False),  # no numbers
    ],
)
def test_resolver_silent_is_told_from_one_that_refuses(output: str, silent: bool) -> None:
    node = read({node_facts.HUB: output})
    assert (node.hub_reachable, node.resolver_silent) == (False, silent)


@pytest.mark.parametrize(("output", "behind"), [("1789999990.500000000\n", 10.0), ("", 0.0), ("1789999990.N\n", 0.0)])
def test_behind_is_told_where_nobody_else_keeps_the_clock(output: str, behind: float) -> None:
    assert read({node_facts.CLOCK: output}).behind == behind


def test_firewalls_are_told_where_they_are_active() -> None:
    rules = "Status: active\n\nTo   Action   From\n22/tcp  ALLOW  Anywhere\n"
    ports = "running\n2377/tcp 7946/tcp 4789/udp 7946/udp\n"
    node = read({node_facts.UFW: rules, node_facts.FIREWALLD: ports})
    assert node.ufw_rules == rules
    assert node.firewalld_ports == {"2377/tcp", "7946/tcp", "4789/udp", "7946/udp"}
    off = read({node_facts.UFW: "Status: inactive\n", node_facts.FIREWALLD: "not running\n"})
    assert (off.ufw_rules, off.firewalld_ports) == (None, None)


def test_facts_that_cannot_be_read_name_the_node() -> None:
    with pytest.raises(NodeError, match=r"swarm-worker1.*daemon\.json is not JSON"):
        _ = read({node_facts.DAEMON: "{oops"}).daemon
    for links in ("oops", "[1]", '[{"address": "x"}]'):
        with pytest.raises(NodeError, match=r"swarm-worker1.*cannot be read"):
            _ = read({node_facts.INTERFACES: links}).interfaces


def test_facts_of_a_command_that_did_not_end_are_an_error() -> None:
    node = NodeFacts("swarm-worker1", "debian", {}, True, "", "", LocalSwarm.inactive())
    with pytest.raises(NodeError, match="swarm-worker1: `cat -- /etc/hosts` did not end in time"):
        _ = node.hosts


def test_commands_for_a_bootstrap_run_in_a_real_shell() -> None:
    needs.linux("scripts are for nodes, with their timeout and their sh")
    # Without the one that asks Docker Hub: tests ask nobody.
    commands = Commands.of([command for command in FOR_BOOTSTRAP if command != node_facts.HUB], 20)

    class Here(ScriptedNode):
        def run(self, script: str) -> str:
            result = subprocess.run(["sh", "-c", script], capture_output=True, timeout=60, check=True, text=True)
            # An engine that runs here is none of the test's.
            return result.stdout.replace("@@engine\nrunning", "@@engine\n")

    node = facts.parse(facts.question(commands, 5).answer(Here({})), "here", commands, time.time())
    assert node.hosts == Path("/etc/hosts").read_text(encoding="utf-8")
    assert f"ID={node.os_id}\n" in Path("/etc/os-release").read_text(encoding="utf-8")
    assert abs(node.behind) < 60
    assert set(node.answers) == {*commands.commands}


@pytest.mark.parametrize(
    ("engine", "info", "answers", "manager"),
    [
        ("running", {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}, True, True),
        ("", {"Swarm": {"LocalNodeState": "active", "ControlAvailable": True}}, False, False),
        ("running", NodeError("no answer", ""), False, False),
        ("running", 500, False, False),
    ],
)
def test_read_for_bootstrap_asks_the_engine_itself_where_it_runs(
    engine: str, info: object, answers: bool, manager: bool
) -> None:
    class Node(ScriptedNode):
        def run(self, script: str) -> str:
            outputs = {command: CommandAnswer(0, out) for command, out in OUTPUTS.items()}
            return f"\n@@hostname\nfresh\n\n@@engine\n{engine}\n\n@@answers\n{answered(script, outputs)}\n@@end\n"

    def ask(question: Question) -> str:
        return question.answer(Node({}, {"/info": info}))

    node = facts.read_for_bootstrap(ask, "swarm-manager", 60)
    assert (node.hostname, node.engine_answers, node.local_swarm.is_manager) == ("fresh", answers, manager)
    assert node.behind == pytest.approx(time.time() - 1790000000.25, abs=60)
