"""What has to change on a node: nothing where all is as it should be, and exactly what is missing elsewhere."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labgen import config
from labgen.core.errors import NodeError
from labgen.core.redaction import redact
from labgen.docker.swarm import LocalSwarm
from labgen.machines import inventory
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import NO_IPVS, Capability, Lacks
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.observation import node_facts
from labgen.observation.commands import CommandAnswer
from labgen.observation.node_facts import Interface, NodeFacts
from provision import bootstrap
from provision.__main__ import main as fab
from provision.changes import (
    STEPS,
    Change,
    clock,
    daemon_settings,
    engine,
    firewall,
    hostname,
    hosts,
    hosts_file,
    network,
    not_applicable,
    resolver,
)
from provision.netplan import netplan
from provision.shell import Shell, write_file
from tests import needs

LAB = config.parse("")
WORKER = LAB.node("swarm-worker1")


def settled(**values: Any) -> NodeFacts:
    """A node on which nothing is left to do, but for these values."""
    lab_link = Interface("eth1", WORKER.mac, (f"{WORKER.address}/{LAB.plan.lab.prefixlen}",))
    values = {
        "interfaces": (Interface("eth0", "52:54:00:aa:bb:cc", ("192.168.221.17/24",)), lab_link),
        "netplan": netplan(LAB, WORKER),
        "netplan_mode": "600",
        "hosts": hosts_file("127.0.0.1 localhost\n", LAB),
        "resolv_conf": "nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n",
        "engine_installed": True,
        "engine_answers": True,
        "daemon": {},
        "groups": ("vagrant", "docker"),
        "ufw_rules": "Status: inactive\n",
        "firewalld_ports": None,
        "registry": "",
        "mirror_set": "",
        "apt_proxy": "",
        "engine_proxy": "",
        "curl": True,
        "hub": "200 0.01 0.2",
        "behind": 0.3,
        **values,
    }
    links = [
        {
            "ifname": link.name,
            "address": link.mac,
            "addr_info": [
                {"family": "inet", "local": address, "prefixlen": prefix}
                for address, prefix in (with_prefix.split("/") for with_prefix in link.addresses)
            ],
        }
        for link in values["interfaces"]
    ]
    ports = values["firewalld_ports"]
    outputs = {
        node_facts.INTERFACES: json.dumps(links),
        node_facts.HOSTS: values["hosts"],
        node_facts.NETPLAN: f"{values['netplan_mode']}\n{values['netplan']}" if values["netplan"] else "",
        node_facts.OS_RELEASE: "ID=debian\n",
        node_facts.RESOLV_CONF: values["resolv_conf"],
        node_facts.DOCKERD: "/usr/sbin/dockerd\n" if values["engine_installed"] else "",
        node_facts.DAEMON: json.dumps(values["daemon"]),
        node_facts.LOGIN_USER: "vagrant\n",
        node_facts.GROUPS: "".join(f"{group}:x:1:vagrant\n" for group in values["groups"]),
        node_facts.UFW: values["ufw_rules"],
        node_facts.FIREWALLD: "" if ports is None else f"running\n{' '.join(ports)}\n",
        node_facts.REGISTRY: values["registry"],
        node_facts.MIRROR: values["mirror_set"],
        node_facts.APT_PROXY: values["apt_proxy"],
        node_facts.ENGINE_PROXY: values["engine_proxy"],
        node_facts.CURL: "/usr/bin/curl\n" if values["curl"] else "",
        node_facts.HUB: values["hub"],
        node_facts.CLOCK: f"{NOW - values['behind']:.9f}\n",
    }
    return NodeFacts(
        name=WORKER.name,
        hostname=values.get("hostname", WORKER.name),
        answers={command: CommandAnswer(0, out) for command, out in outputs.items()},
        engine_running=values["engine_answers"],
        engine_version="",
        engine_silent="",
        local_swarm=LocalSwarm.inactive(),
        arrived=NOW,
    )


NOW = 1790000000.5
REGISTRY = "present\n"
STAND_INS = f"{REGISTRY}/var/lib/docker-registry/data\n"
SILENT_RESOLVER = "000 0.000000 4.001873"
GIVEN = {Capability.NETPLAN: "the engine outside gives a container its addresses"}
NO_MESH = {Capability.ROUTING_MESH: NO_IPVS}


def missing(facts: NodeFacts, lacks: Lacks) -> list[Change]:
    """What all steps together would change."""
    return [change for step in STEPS.values() for change in step.changes(facts, LAB, WORKER, lacks)]


def container(**overrides: object) -> NodeFacts:
    """A container as a node: no netplan, and interfaces whose MAC addresses are not the lab's."""
    links = (
        Interface("eth0", "02:42:0a:00:03:02", ("10.0.3.2/24",)),
        Interface("eth1", "02:42:0a:00:02:66", (f"{WORKER.address}/24",)),
    )
    return settled(**{"interfaces": links, "netplan": None, **overrides})


@pytest.mark.parametrize("lacks", [{}, NO_MESH])
def test_changes_nothing_to_do_where_all_is_as_it_should_be(lacks: Lacks) -> None:
    assert missing(settled(), lacks) == []


def test_changes_address_that_is_given_is_not_set() -> None:
    assert missing(container(), GIVEN) == []
    # The other steps do what they do everywhere.
    assert [str(change.what) for change in missing(container(hostname="other"), GIVEN)] == ["host name swarm-worker1"]


@pytest.mark.parametrize(
    ("links", "addresses"),
    [
        ((Interface("lo", "00:00:00:00:00:00", ("127.0.0.1/8",)),), "Its addresses: none"),
        ((Interface("eth0", "02:42:0a:00:03:02", ("10.0.3.2/24",)),), "Its addresses: eth0 10.0.3.2/24"),
        ((Interface("eth1", WORKER.mac, ("10.0.2.102/16",)),), "Its addresses: eth1 10.0.2.102/16"),
    ],
)
def test_changes_address_that_should_have_been_given_and_was_not_is_an_error(
    links: tuple[Interface, ...], addresses: str
) -> None:
    with pytest.raises(NodeError, match=r"swarm-worker1 lacks its lab address 10\.0\.2\.102/24") as caught:
        missing(container(interfaces=links), GIVEN)
    assert addresses in caught.value.message
    assert "labgen halt, then labgen up" in caught.value.hint


def test_changes_what_is_not_said_to_be_lacking_is_not_excused() -> None:
    with pytest.raises(NodeError, match="08:00:27:00:02:66"):
        missing(container(), NO_MESH)


def test_which_steps_are_not_applicable() -> None:
    assert not_applicable(STEPS, {}) == not_applicable(STEPS, NO_MESH) == not_applicable(["hosts"], GIVEN) == {}
    assert not_applicable(STEPS, GIVEN) == {"network": "the engine outside gives a container its addresses"}


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (
            ["bootstrap.network"],
            [
                "network: not applicable: the engine outside gives a container its addresses",
                "network: nothing changed: every node is set up already.",
            ],
        ),
        (
            ["bootstrap.network", "--dry-run"],
            [
                "network: not applicable: the engine outside gives a container its addresses",
                *(f"{node.name}: nothing to change" for node in LAB.nodes),
            ],
        ),
        (
            ["bootstrap", "--dry-run"],
            [
                "network: not applicable: the engine outside gives a container its addresses",
                *(f"{node.name}: nothing to change" for node in LAB.nodes),
            ],
        ),
        (["bootstrap.hosts"], ["hosts: nothing changed: every node is set up already."]),
    ],
)
def test_fab_says_what_is_not_applicable_once(
    words: list[str],
    lines: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lab_inventory = Inventory(LabFolder.at(tmp_path), LAB, State("docker", lacks=GIVEN))

    def observed(shell: Shell, lab: Lab) -> NodeFacts:
        link = Interface("eth1", "02:42:0a:00:02:01", (f"{shell.node.address}/24",))
        return container(interfaces=(link,), hostname=shell.node.name)

    monkeypatch.setattr(inventory, "discover", lambda: lab_inventory)
    monkeypatch.setattr(bootstrap, "observe", observed)
    monkeypatch.setattr("sys.argv", ["fab", *words])
    fab()
    assert capsys.readouterr().out.splitlines() == lines


@pytest.mark.parametrize(
    "wrong",
    [
        {"netplan": None, "netplan_mode": ""},
        {"netplan_mode": "644"},
        {"netplan": "network: {}\n"},
        {"interfaces": (Interface("eth1", WORKER.mac, ()),)},
    ],
)
def test_address_is_set_by_netplan(wrong: dict[str, object]) -> None:
    (change,) = network(settled(**wrong), LAB, WORKER)
    assert str(change.what) == "address 10.0.2.102/24 on eth1 (netplan)"
    assert "umask 0066" in change.script


def test_netplan_comes_before_files_that_match_every_adapter() -> None:
    """Debian's cloud images have ``all-en`` and ``all-eth``, and networkd takes the first file that matches."""
    (name,) = re.findall(r"ethernets:\n    (\S+):\n", netplan(LAB, WORKER))
    assert name < "all-en"
    (change,) = network(settled(netplan=None), LAB, WORKER)
    assert f"/run/systemd/network/10-netplan-{name}.network" in change.script


def test_network_asks_netplans_configure_before_generate() -> None:
    """From netplan 1.2 on there are both, and only the first makes networkd's files."""
    facts = settled(netplan=None)
    (change,) = network(facts, LAB, WORKER)
    programs = re.findall(r"/(?:usr/)?lib(?:exec)?/netplan/\w+", change.script)
    assert programs == ["/usr/libexec/netplan/configure", "/usr/libexec/netplan/generate", "/lib/netplan/generate"]


def test_changes_machine_without_the_labs_adapter_is_an_error() -> None:
    facts = settled(interfaces=(Interface("eth0", "52:54:00:aa:bb:cc", ()),))
    with pytest.raises(NodeError, match="08:00:27:00:02:66"):
        network(facts, LAB, WORKER)


def test_host_name() -> None:
    (change,) = hostname(settled(hostname="debian"), LAB, WORKER)
    assert "hostnamectl set-hostname swarm-worker1 ||" in change.script


@pytest.mark.parametrize(
    ("before", "unchanged"),
    [
        ("127.0.0.1 localhost\n127.0.1.1 swarm-worker1\n", "127.0.0.1 localhost\n"),
        ("127.0.2.1 swarm-worker1 swarm-worker1 # vagrant\n127.0.0.1 localhost\n", "127.0.0.1 localhost\n"),
        ("127.0.0.1 localhost swarm-manager\n::1 ip6\n", "127.0.0.1 localhost\n::1 ip6\n"),
        ("# swarm-manager lives elsewhere\n10.9.9.9 other\n", "# swarm-manager lives elsewhere\n10.9.9.9 other\n"),
        ("", ""),
    ],
)
def test_changes_every_name_stands_once_in_hosts_at_its_lab_address(before: str, unchanged: str) -> None:
    after = hosts_file(before, LAB)
    assert after.startswith(unchanged)
    for node in LAB.nodes:
        lines = [line for line in after.splitlines() if node.name in line.partition("#")[0].split()]
        assert lines == [f"{node.address} {node.name}"]
    assert hosts_file(after, LAB) == after


@given(st.text(alphabet="abc 127.0.1#\n\tswarm-worker1", max_size=200))
def test_hosts_settles_whatever_was_there(before: str) -> None:
    once = hosts_file(before, LAB)
    assert hosts_file(once, LAB) == once


def test_names_of_an_earlier_lab_go() -> None:
    wider = config.parse("workers: 3")
    shrunk = hosts_file(hosts_file("127.0.0.1 localhost\n", wider), LAB)
    assert "swarm-worker3" not in shrunk
    assert hosts(settled(hosts=hosts_file("", wider)), LAB, WORKER)


UFW = "Status: active\n\nTo                         Action      From\n--                         ------      ----\n"


def test_firewall_is_left_alone_where_none_is_active() -> None:
    assert firewall(settled(), LAB, WORKER) == []


def test_ufw_opens_what_is_missing_for_the_lab_network() -> None:
    rules = (
        UFW + "22/tcp                     ALLOW       Anywhere\n2377/tcp                   ALLOW       10.0.2.0/24\n"
    )
    (change,) = firewall(settled(ufw_rules=rules), LAB, WORKER)
    assert change.script.split(" && ") == [
        "ufw allow from 10.0.2.0/24 to any port 7946 proto tcp",
        "ufw allow from 10.0.2.0/24 to any port 7946 proto udp",
        "ufw allow from 10.0.2.0/24 to any port 4789 proto udp",
    ]


def test_ufw_that_was_opened_is_left_alone() -> None:
    # Recorded: ufw 0.36.2 on a node, after a bootstrap.
    rules = UFW + "".join(
        f"{line}                  \n"
        for line in (
            "22/tcp                     ALLOW       Anywhere",
            "2377/tcp                   ALLOW       10.0.2.0/24",
            "7946/tcp                   ALLOW       10.0.2.0/24",
            "7946/udp                   ALLOW       10.0.2.0/24",
            "4789/udp                   ALLOW       10.0.2.0/24",
            "22/tcp (v6)                ALLOW       Anywhere (v6)",
        )
    )
    assert firewall(settled(ufw_rules=rules), LAB, WORKER) == []


def test_ufw_rule_for_another_network_does_not_count() -> None:
    rules = UFW + "".join(
        f"{port}   ALLOW   10.9.0.0/24\n" for port in ("2377/tcp", "7946/tcp", "7946/udp", "4789/udp")
    )
    (change,) = firewall(settled(ufw_rules=rules), LAB, WORKER)
    assert change.script.count("ufw allow") == 4
    open_to_all = rules.replace("10.9.0.0/24", "Anywhere")
    assert firewall(settled(ufw_rules=open_to_all), LAB, WORKER) == []


def test_firewalld_opens_what_is_missing() -> None:
    facts = settled(firewalld_ports=frozenset({"2377/tcp", "4789/udp"}))
    (change,) = firewall(facts, LAB, WORKER)
    assert "--add-port=7946/tcp --add-port=7946/udp" in change.script
    assert "--permanent" in change.script


BOX = {"registry-mirrors": ["http://127.0.0.1:5000"]}


OTHER = {"registry-mirrors": ["http://10.1.1.1:5000"]}


@pytest.mark.parametrize(
    ("daemon", "hub", "registry", "stand_ins", "expected"),
    [
        ({}, True, False, False, {}),
        (BOX, True, True, True, {}),  # the real images, where they can be had
        (BOX, True, True, False, BOX),  # they are in the box: the hub counts what one address pulls
        (BOX, False, True, True, BOX),
        ({}, False, True, True, BOX),
        ({}, False, False, False, {}),
        (BOX, True, False, False, {}),
        (OTHER, True, True, True, OTHER),
        (OTHER, True, True, False, OTHER),
        ({"log-driver": "local"}, True, False, False, {"log-driver": "local"}),
    ],
)
def test_daemon_settings_follow_what_can_be_reached(
    daemon: dict[str, object], hub: bool, registry: bool, stand_ins: bool, expected: dict[str, object]
) -> None:
    contents = STAND_INS if stand_ins else REGISTRY if registry else ""
    facts = settled(daemon=daemon, hub="401 0.02 0.3" if hub else "000 0.01 4.0", registry=contents)
    assert daemon_settings(facts, LAB) == expected


MIRRORED = config.parse("registry: {mirror: 'HTTP://10.0.2.2:5000'}")
OF_MIRRORED = {"registry-mirrors": ["http://10.0.2.2:5000"], "insecure-registries": ["10.0.2.2:5000"]}


def test_daemon_settings_have_the_labs_own_mirror() -> None:
    assert daemon_settings(settled(daemon=BOX), MIRRORED) == OF_MIRRORED


@pytest.mark.parametrize("hub", [True, False])
def test_daemon_settings_lose_a_mirror_that_has_left_lab_yml(hub: bool) -> None:
    values = {
        "daemon": OF_MIRRORED,
        "mirror_set": "http://10.0.2.2:5000",
        "hub": "200 0.01 0.2" if hub else "000 0.01 4.0",
    }
    assert daemon_settings(settled(**values, registry=REGISTRY), LAB) == BOX
    assert daemon_settings(settled(**values), LAB) == {}


def test_daemon_settings_keep_a_persons_own_mirror() -> None:
    daemon = {"registry-mirrors": ["https://a", "http://10.0.2.2:5000"], "insecure-registries": ["b", "10.0.2.2:5000"]}
    facts = settled(daemon=daemon, mirror_set="http://10.0.2.2:5000")
    assert daemon_settings(facts, LAB) == {"registry-mirrors": ["https://a"], "insecure-registries": ["b"]}


def test_engine_notes_the_mirror_that_it_sets_once() -> None:
    (change,) = engine(settled(), MIRRORED, WORKER)
    assert "http://10.0.2.2:5000\n" in change.script
    noted = settled(daemon=OF_MIRRORED, mirror_set="http://10.0.2.2:5000")
    assert engine(noted, MIRRORED, WORKER) == []
    # One that an earlier version has set.
    (change,) = engine(settled(daemon=OF_MIRRORED), MIRRORED, WORKER)
    assert str(change.what) == "engine settings: mirror http://10.0.2.2:5000 noted"
    (change,) = engine(noted, LAB, WORKER)
    assert "rm -f /etc/docker/labgen-mirror" in change.script


def test_docker0_is_moved_only_where_it_would_overlap() -> None:
    lab = config.parse("network: 172.17.5.0/24")
    (change,) = engine(settled(), lab, lab.first_manager)
    assert "systemctl restart docker" in change.script
    assert daemon_settings(settled(), lab)["bip"] == "172.27.0.1/16"


def test_changes_mirror_needs_no_restart() -> None:
    facts = settled(daemon=BOX)
    (change,) = engine(facts, LAB, WORKER)
    assert "systemctl reload docker" in change.script


def test_engine_is_installed_started_and_given_to_the_user() -> None:
    bare = settled(engine_installed=False, engine_answers=False, groups=("vagrant",), curl=False)
    assert [str(change.what) for change in engine(bare, LAB, WORKER)] == [
        "curl installed",
        "engine installed (docker.io)",
        "engine started",
        "vagrant may use docker",
    ]


def test_engine_is_installed_with_its_settings_there_because_its_package_starts_it() -> None:
    bare = settled(engine_installed=False, engine_answers=False)
    settings, installation, _start = engine(bare, MIRRORED, WORKER)
    assert "/etc/docker/daemon.json" in settings.script
    assert str(installation.what) == "engine installed (docker.io)"


def test_engine_version_cannot_become_code() -> None:
    lab = config.parse("engine: {version: \"1; touch /pwned; '$(id)'\"}")
    (change, *_) = engine(settled(engine_installed=False), lab, WORKER)
    assert "'docker.io=1; touch /pwned; '\"'\"'$(id)'\"'\"''" in change.script


def test_engine_source_none_is_an_error_where_there_is_none() -> None:
    lab = config.parse("engine: {source: none}")
    with pytest.raises(NodeError, match="has no Docker engine"):
        engine(settled(engine_installed=False), lab, WORKER)


@given(st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=100))
def test_changes_file_is_written_exactly(text: str) -> None:
    needs.linux("a shell script of nodes")
    sh = shutil.which("sh")
    assert sh is not None
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "it's $HOME"
        subprocess.run([sh, "-c", write_file(str(path), text, "0600")], check=True)
        assert path.read_bytes() == text.encode()
        assert path.stat().st_mode & 0o777 == 0o600
        assert [entry.name for entry in Path(place).iterdir()] == [path.name]


def test_tokens_are_redacted() -> None:
    token = "SWMTKN-1-" + "0" * 50 + "-" + "a1" * 12
    assert token not in redact(f"docker swarm join --token {token} 10.0.2.101:2377")
    assert redact(token) == "(secret)"


@pytest.mark.parametrize(
    ("behind", "what", "shift"),
    [(86400.25, "clock: was 86400 s behind", "+86400.250 seconds"), (-7.5, "clock: was 8 s ahead", "-7.500 seconds")],
)
def test_changes_clock_that_is_off_is_set(behind: float, what: str, shift: str) -> None:
    (change,) = clock(settled(behind=behind), LAB, WORKER)
    assert str(change.what) == what
    assert f"'{shift}'" in change.script


@pytest.mark.parametrize("behind", [1.9, -1.9])
def test_changes_clock_is_not_set_for_the_time_that_an_answer_takes(behind: float) -> None:
    assert clock(settled(behind=behind), LAB, WORKER) == []


def test_changes_resolver_that_answers_is_left_alone() -> None:
    assert resolver(settled(), LAB, WORKER) == []


def test_changes_silent_resolver_is_given_up_on_after_a_second() -> None:
    facts = settled(hub=SILENT_RESOLVER)
    (change,) = resolver(facts, LAB, WORKER)
    assert "nameserver 127.0.0.53\noptions timeout:1 attempts:1\n" in change.script
    hasty = settled(hub=SILENT_RESOLVER, resolv_conf="nameserver 127.0.0.53\noptions timeout:1 attempts:1\n")
    assert resolver(hasty, LAB, WORKER) == []
