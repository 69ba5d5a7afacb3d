"""Routes of three systems, clashes with the lab's subnets, forwarded ports."""

from ipaddress import IPv4Network

import pytest
from recorded_host import BOTH, CI, COURSE, LINUX, MAC, VIRSH, WINDOWS, Said, bad, check, lab, recorded

from labgen.config import parse
from labgen.host import network


def known(host):
    return [str(route) for route in network.routes(host)]


def linux(name, host=LINUX):
    return host.but(says={"ip -j route": Said(recorded(name))})


def test_routes_of_linux():
    assert known(LINUX) == [
        "172.17.0.0/16 on docker0",
        "172.20.0.0/16 on br-2b1d4c9f0e77",
        "192.168.1.0/24 on eth0",
        "192.168.122.0/24 on virbr0",
    ]
    assert "10.0.2.101/32 on tun0" in known(linux("linux-vpn.json"))
    assert "10.99.0.0/16 on blackhole" in known(linux("linux-vpn.json"))


def test_routes_of_a_mac():
    assert known(MAC) == [
        "10.9.0.0/24 on utun4",
        "10.9.0.15/32 on utun4",
        "10.244.0.0/14 on utun4",
        "10.253.0.0/21 on utun4",
        "192.168.68.0/24 on en0",
        "192.168.68.1/32 on en0",
    ]
    old = MAC.but(says={"netstat -rn": Said(recorded("netstat-macos-old.txt"))})
    assert known(old) == ["10.0.2.0/24 on utun0", "192.168.1.0/24 on en0", "192.168.64.0/24 on bridge1"]


def test_routes_of_windows_in_any_language():
    assert known(WINDOWS) == [
        "172.22.32.0/20",
        "172.22.32.1/32",
        "172.22.47.255/32",
        "192.168.0.0/24",
        "192.168.0.18/32",
        "192.168.0.255/32",
    ]
    german = WINDOWS.but(says={"route print -4": Said(recorded("route-print-de.txt"))})
    assert known(german) == ["10.0.0.0/8", "10.80.129.0/24", "10.80.129.17/32"]


@pytest.mark.parametrize(
    ("host", "command"), [(LINUX, "ip -j route"), (MAC, "netstat -rn"), (WINDOWS, "route print -4")]
)
@pytest.mark.parametrize("output", [Said("nonsense"), Said("", "no", 1), Said('{"a": 1}'), Said("[1, 2]")])
def test_routes_that_cannot_be_read_are_a_warning(host, command, output):
    world = host.but(says={command: output})
    assert network.routes(world) is None
    (finding,) = check("virtualbox", "clashes", COURSE, world)
    assert finding.level == "warning"


def test_network_nothing_clashes_on_an_ordinary_laptop():
    assert bad(check("libvirt", "check_routes", COURSE, LINUX)) == {}
    assert bad(check("virtualbox", "clashes", COURSE, BOTH)) == {}
    assert bad(check("virtualbox", "clashes", COURSE, WINDOWS)) == {}
    assert bad(check("virtualbox", "clashes", COURSE, MAC)) == {}


def test_libvirt_cannot_have_a_subnet_that_is_in_use():
    findings = [
        finding
        for finding in check("libvirt", "check_routes", COURSE, linux("linux-inside-virtualbox.json"))
        if finding.level != "ok"
    ]
    assert [finding.level for finding in findings] == ["error"]
    assert "10.0.2.0/24 on eth0" in findings[0].message
    assert "network: 10.30.2.0/24" in findings[0].fix
    # The way out is right: the lab it proposes is valid, and clashes with nothing.
    proposed = parse(findings[0].fix.removeprefix("In lab.yml: ").partition(" (")[0])
    assert bad(check("libvirt", "check_routes", proposed, linux("linux-inside-virtualbox.json"))) == {}


def test_network_vpn_is_a_warning_unless_it_takes_a_nodes_address():
    findings = [
        finding
        for finding in check("libvirt", "check_routes", COURSE, linux("linux-vpn.json"))
        if finding.level != "ok"
    ]
    by_message = {
        finding.message.split("route to ")[1].split(":")[0]: finding.level
        for finding in findings
        if "lab network" in finding.message
    }
    assert by_message == {"10.0.0.0/8 on tun0": "warning", "10.0.2.101/32 on tun0": "error"}
    elsewhere = lab("nodes: [{name: m, role: manager, address: 10.0.2.50}]")
    findings = [
        finding
        for finding in check("libvirt", "check_routes", elsewhere, linux("linux-vpn.json"))
        if "lab network" in finding.message
    ]
    assert {finding.level for finding in findings} == {"warning"}


def test_virtualbox_has_no_route_to_clash_with_so_it_is_a_warning():
    assert bad(check("virtualbox", "clashes", COURSE, linux("linux-inside-virtualbox.json", BOTH))) == {
        "virtualbox.network": "warning"
    }


def test_subnets_inside_the_nodes_clash_with_networks_but_not_with_this_computers_containers():
    overlapping = lab("addresses: {docker0: 192.168.1.0/24}")
    (finding,) = [finding for finding in check("libvirt", "check_routes", overlapping, LINUX) if finding.level != "ok"]
    assert finding.level == "warning"
    assert "addresses: {docker0: 172.27.0.0/16}" in finding.fix


def test_network_labs_own_bridges_are_no_clash():
    running = linux("linux-lab-running.json")
    net_info = "virsh --connect qemu:///system net-info "
    bridges = {
        f"{net_info}labgen": Said(recorded("virsh-net-info.txt").replace("virbr7", "virbr1")),
        f"{net_info}labgen-adapter1": Said(recorded("virsh-net-info.txt").replace("virbr7", "virbr2")),
    }
    assert bad(check("libvirt", "check_routes", COURSE, running.but(says=bridges))) == {}
    none = Said(err=recorded("virsh-net-info-none.txt"), status=1)
    others = {f"{net_info}labgen": none, f"{net_info}labgen-adapter1": none}
    assert bad(check("libvirt", "check_routes", COURSE, running.but(says=others))) == {"libvirt.network": "error"}


def test_network_daemon_of_the_labs_own_clashes_with_nothing():
    assert bad(check("libvirt", "check_routes", COURSE, linux("linux-inside-virtualbox.json", CI))) == {}


def test_ports():
    assert bad(check("virtualbox", "ports", COURSE, BOTH)) == {}
    (finding,) = check("virtualbox", "ports", COURSE, BOTH.but(ports={8001: "taken"}))
    assert finding.level == "warning"
    assert "host: 18001" in finding.fix
    assert parse(finding.fix.split("in lab.yml: ")[1]).ports[0].host == 18001
    low = lab("ports: [{guest: 80}]")
    (denied,) = check("virtualbox", "ports", low, BOTH.but(ports={80: "denied"}))
    assert denied.level == "error"


@pytest.mark.parametrize(("host", "word"), [(BOTH, "ss "), (MAC, "lsof"), (WINDOWS, "netstat -ano")])
def test_network_who_has_the_port(host, word):
    (finding,) = check("virtualbox", "ports", COURSE, host.but(ports={8001: "taken"}))
    assert word in finding.fix


def test_ports_of_the_lab_itself_are_not_taken():
    running = BOTH.but(ports={8001: "taken"}, paths={"/home/learner/lab/.vagrant/machines/swarm-manager/virtualbox/id"})
    assert list(check("virtualbox", "ports", COURSE, running)) == []


def test_network_it_proposes_are_usable():
    for candidate in network._OTHER_NETWORKS:
        assert parse(f"network: {candidate}").plan.lab == IPv4Network(candidate)


DOCKER0 = '[{"dst": "172.17.0.0/16", "dev": "docker0"}]'
CONF = "/etc/libvirt/network.conf"


@pytest.mark.parametrize(
    ("version", "routed", "conf", "warned"),
    [
        ("11.0.0", DOCKER0, None, True),
        ("10.4.0", DOCKER0, '# firewall_backend = "iptables"\n', True),
        ("11.0.0", DOCKER0, 'firewall_backend = "iptables"\n', False),
        ("11.0.0", "[]", None, False),
        ("9.0.0", DOCKER0, None, False),
    ],
)
def test_libvirt_firewall_beside_dockers(version: str, routed: str, conf: str | None, warned: bool) -> None:
    answer = recorded("virsh-version.txt").replace(
        "Running against daemon: 9.0.0", f"Running against daemon: {version}"
    )
    host = LINUX.but(says={VIRSH: Said(answer), "ip -j route": Said(routed)}, files={CONF: conf})
    findings = list(check("libvirt", "check_firewall", COURSE, host))
    assert [finding.level for finding in findings] == (["warning"] if warned else [])
    if warned:
        assert 'firewall_backend = "iptables"' in findings[0].fix
