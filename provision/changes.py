"""What has to change on a node, step by step, before it can be part of a swarm.

Each step looks at the facts and gives the changes that are missing: none where all is as it should
be, so that a second run does nothing and a run after an interruption does the rest.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from labgen.config.address_plan import CANDIDATES
from labgen.core.errors import NodeError
from labgen.core.i18n import NOTHING, Text, _, listed
from labgen.model.capabilities import Capability, Lacks
from labgen.model.lab import Lab, Node
from labgen.observation.node_facts import NETPLAN_FILE, Interface, NodeFacts
from provision import mirrors, packages, proxy
from provision.netplan import generate_alone, netplan
from provision.shell import write_file

PORTS = ("2377/tcp", "7946/tcp", "7946/udp", "4789/udp")
"""What a swarm needs open between its nodes (docs.docker.com, "Swarm mode: open protocols and ports")."""


@dataclass(frozen=True)
class Change:
    """One thing to change on a node.

    :param what: what it is, for people: "host name swarm-worker1".
    :param script: POSIX shell, run as root, that makes it so.
    :param within: deadline in seconds on an ordinary machine.
    :param hint: what to do where it fails, if more than to look at it there.
    """

    what: Text
    script: str
    within: float = 60.0
    hint: Text = NOTHING


Look = Callable[[NodeFacts, Lab, Node], list[Change]]


@dataclass(frozen=True)
class BootstrapStep:
    """A step of the bootstrap.

    :param words: what it sets up, as `fab -l` lists it.
    :param look: gives the changes that are missing.
    :param needs: what it needs of the nodes, ``None`` where any node will do.
    :param check_provided: called for nodes that lack it: checks that something else has set up what the step would;
        raises NodeError if not.
    """

    words: Text
    look: Look
    needs: Capability | None = None
    check_provided: Callable[[NodeFacts, Lab, Node], None] | None = None

    def changes(self, facts: NodeFacts, lab: Lab, node: Node, lacks: Lacks) -> list[Change]:
        """List what must change on a node.

        :raises NodeError: it has not what it must have before.
        """
        if self.needs not in lacks:
            return self.look(facts, lab, node)
        if self.check_provided:
            self.check_provided(facts, lab, node)
        return []


def not_applicable(names: Iterable[str], lacks: Lacks) -> dict[str, str]:
    """Map each step that the nodes cannot carry out to the reason: the end of a sentence."""
    needs = {name: STEPS[name].needs for name in names}
    return {name: lacks[need] for name, need in needs.items() if need is not None and need in lacks}


_APART = 2.0
"""Seconds by which a clock may be off: an answer of an emulated node takes one."""


def clock(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """The clock, set by this computer's where it is off, as after a snapshot or a laptop's sleep.

    A machine that goes on from where it was kept has the time of then, and its neighbours each another.
    """
    del lab, node
    if abs(facts.behind) <= _APART:
        return []
    seconds = abs(facts.behind)
    late, early = (
        _("clock: was %(seconds).0f s behind", seconds=seconds),
        _("clock: was %(seconds).0f s ahead", seconds=seconds),
    )
    return [Change(late if facts.behind > 0 else early, f"date --set '{facts.behind:+.3f} seconds' >/dev/null")]


def network(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """Static address on the lab network by netplan: file 0600, interface matched by MAC."""
    link = lab_interface(facts, lab, node)
    address = f"{node.address}/{lab.plan.lab.prefixlen}"
    text = netplan(lab, node)
    if facts.netplan == text and facts.netplan_mode == "600" and address in link.addresses:
        return []
    name = shlex.quote(link.name)
    apply = (
        f"{generate_alone(text)} || netplan apply || exit 1\n"
        # networkd sets the address a moment after it has answered.
        "try=0; while [ $((try += 1)) -le 100 ]; do\n"
        f'  case "$(ip -4 -oneline address show dev {name})" in *" {address} "*) exit 0;; esac\n'
        '  [ "$try" != 40 ] || netplan apply\n'
        "  sleep 0.2\n"
        "done\n"
        f"echo 'netplan did not set {address} on {link.name}' >&2; exit 1"
    )
    script = f"{write_file(NETPLAN_FILE, text, '0600')} || exit 1\n{apply}"
    return [Change(_("address %(address)s on %(link)s (netplan)", address=address, link=link.name), script, within=90)]


def lab_interface(facts: NodeFacts, lab: Lab, node: Node) -> Interface:
    """Find the interface on the lab network.

    :raises NodeError: there is none with the node's MAC address.
    """
    link = facts.interface_of(node.mac)
    if link is None:
        raise NodeError(
            _(
                "%(node)s has no network interface with the MAC address %(mac)s (adapter 2, on %(network)s).",
                node=node.name,
                mac=node.mac,
                network=lab.plan.lab,
            ),
            _(
                "Another Vagrantfile made the machine, or the machine has changed. On VirtualBox, "
                "run labgen halt, then labgen up. Elsewhere, make it again: labgen down, then labgen "
                "up."
            ),
        )
    return link


def address_given(facts: NodeFacts, lab: Lab, node: Node) -> None:
    """Check that the node has its lab address, on any interface, though nothing on the node has set it."""
    address = f"{node.address}/{lab.plan.lab.prefixlen}"
    if any(address in link.addresses for link in facts.interfaces):
        return
    others = [link for link in facts.interfaces if link.addresses and link.name != "lo"]
    interfaces = ", ".join(f"{link.name} {' '.join(link.addresses)}" for link in others)
    raise NodeError(
        _(
            "%(node)s lacks its lab address %(address)s. Its addresses: %(addresses)s.",
            node=node.name,
            address=address,
            addresses=interfaces or _("none"),
        ),
        _(
            "Restart it: labgen halt, then labgen up. If that does not help, make it again: "
            "labgen down, then labgen up."
        ),
    )


def hostname(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """Host name by hostnamectl."""
    del lab
    if facts.hostname == node.name:
        return []
    script = (
        f"hostnamectl set-hostname {shlex.quote(node.name)} || exit 1\n"
        # cloud-init would put the old name back at the next boot.
        "if [ -d /etc/cloud/cloud.cfg.d ]; then\n"
        "  printf 'preserve_hostname: true\\nmanage_etc_hosts: false\\n' > /etc/cloud/cloud.cfg.d/99-labgen.cfg\nfi"
    )
    return [Change(_("host name %(node)s", node=node.name), script)]


def resolver(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """A resolver that does not answer is given up on after a second.

    An engine asks for an image's digest at the start of each task, and waits 20 s and more for a name server
    that is out of reach: the default is five seconds, twice, for each name server and search domain.
    """
    del lab, node
    if not facts.resolver_silent or _HASTE in facts.resolv_conf:
        return []
    servers = re.findall(r"(?m)^nameserver .*$", facts.resolv_conf) or ["nameserver 127.0.0.53"]
    text = "\n".join(["# Written by labgen: no name server answered.", *servers, f"options {_HASTE}"]) + "\n"
    # Also in the place of a link to a file that systemd-resolved would write again.
    return [Change(_("name resolution: one attempt, 1 s"), write_file("/etc/resolv.conf", text, "0644"))]


_HASTE = "timeout:1 attempts:1"

_BEGIN, _END = "# labgen: the nodes of the lab", "# labgen: end"


def hosts(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """/etc/hosts, so that every node finds every other, and itself, at its lab address."""
    del node
    text = hosts_file(facts.hosts, lab)
    if text.strip() == facts.hosts.strip():
        return []
    return [Change(_("/etc/hosts: %(count)s names", count=len(lab.nodes)), write_file("/etc/hosts", text, "0644"))]


def hosts_file(text: str, lab: Lab) -> str:
    """Add the lab's names to the text of /etc/hosts, each once and at its lab address."""
    text = re.sub(rf"(?ms)^{_BEGIN}$.*?^{_END}$\n?", "", text)
    names = {node.name for node in lab.nodes}
    other_lines = []
    for line in text.splitlines():
        entry, mark, remark = line.partition("#")
        address, *aliases = entry.split() or [""]
        # Distributions map a machine's own name to 127.0.1.1, Vagrant to 127.0.x.1.
        others = [name for name in aliases if name not in names]
        if len(others) == len(aliases):
            other_lines.append(line)
        elif others:
            other_lines.append(f"{address} {' '.join(others)}" + (f" {mark}{remark}" if mark else ""))
    lines = [*other_lines, _BEGIN, *(f"{node.address} {node.name}" for node in lab.nodes), _END]
    return "\n".join(lines) + "\n"


def firewall(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """The swarm's ports, opened for the lab network where a firewall is active."""
    del node
    if facts.ufw_rules is not None:
        missing = [port for port in PORTS if not _allowed(facts.ufw_rules, port, lab.plan.lab)]
        if missing:
            rules = [
                f"ufw allow from {lab.plan.lab} to any port {number} proto {protocol}"
                for number, protocol in (port.split("/") for port in missing)
            ]
            return [
                Change(
                    _("ufw: %(ports)s from %(network)s", ports=", ".join(missing), network=lab.plan.lab),
                    " && ".join(rules),
                )
            ]
    if facts.firewalld_ports is not None:
        missing = [port for port in PORTS if port not in facts.firewalld_ports]
        if missing:
            adding = " ".join(f"--add-port={port}" for port in missing)
            script = f"firewall-cmd --quiet {adding} && firewall-cmd --quiet --permanent {adding}"
            return [Change(_("firewalld: %(ports)s", ports=", ".join(missing)), script)]
    return []


def _allowed(rules: str, port: str, network: IPv4Network) -> bool:
    # "2377/tcp                   ALLOW       10.0.2.0/24", or from Anywhere where someone opened it to all.
    return any(
        re.match(rf"{re.escape(port)}\s+ALLOW(?: IN)?\s+(?:{re.escape(str(network))}|Anywhere)\s*(?:#.*)?$", line)
        for line in rules.splitlines()
    )


def proxies(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """The proxy of lab.yml, for apt and the engine; removed where lab.yml has none any more."""
    del node
    missing = proxy.missing(lab, facts.apt_proxy, facts.engine_proxy, engine_running=facts.engine_running)
    return [Change(title, script, within=120) for title, script in missing.items()]


def engine(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """Docker's engine: installed if missing, configured where the lab needs it, running."""
    changes = []
    if not facts.curl:
        # How Docker Hub is asked for here, and how a learner asks a published port.
        changes.append(Change(_("curl installed"), packages.install("curl"), 600, packages.HINT))
    # Before the engine is installed, which starts it: an engine that runs already is not started again.
    settings = daemon_settings(facts, lab)
    if settings != dict(facts.daemon) or (lab.registry_mirror or "") != facts.mirror_set:
        text = json.dumps(settings, indent=2) + "\n"
        # Mirrors are read again on reload; a bridge's address only at a start.
        how = "reload" if settings.get("bip") == facts.daemon.get("bip") else "restart"
        act = f"systemctl {how} docker" if facts.engine_answers else "true"
        write = write_file("/etc/docker/daemon.json", text, "0644")
        script = f"mkdir -p /etc/docker && {write} && {mirrors.note(lab)} && {act}"
        what = _settings(settings, facts.daemon) or _(
            "mirror %(mirror)s noted", mirror=lab.registry_mirror or _("removed")
        )
        changes.append(Change(_("engine settings: %(settings)s", settings=what), script, within=120))
    if not facts.engine_installed:
        changes.append(_installation(facts, lab, node))
    if not facts.engine_answers:
        changes.append(Change(_("engine started"), "systemctl enable --now docker", within=120))
    if facts.user != "root" and "docker" not in facts.groups:
        user = shlex.quote(facts.user)
        changes.append(
            Change(_("%(user)s may use docker", user=facts.user), f"groupadd -f docker && usermod -aG docker {user}")
        )
    return changes


def daemon_settings(facts: NodeFacts, lab: Lab) -> dict[str, Any]:
    """Compose the settings for /etc/docker/daemon.json: the present ones, with what the lab adds or removes."""
    settings = dict(facts.daemon)
    own = str(lab.plan.docker0)
    if own != CANDIDATES["docker0"][0] or "bip" in settings:
        settings["bip"] = f"{lab.plan.docker0[1]}/{lab.plan.docker0.prefixlen}"
    mirrors.apply(settings, facts, lab)
    return settings


def _settings(desired: Mapping[str, Any], current: Mapping[str, Any]) -> Text:
    keys = sorted({*desired, *current})
    return listed(
        f"{key} {json.dumps(desired[key])}" if key in desired else _("%(setting)s removed", setting=key)
        for key in keys
        if desired.get(key) != current.get(key)
    )


def _installation(facts: NodeFacts, lab: Lab, node: Node) -> Change:
    source, version = lab.engine.source, lab.engine.version
    if source == "none":
        raise NodeError(
            _("%(node)s has no Docker engine, and lab.yml says engine.source: none.", node=node.name),
            _("Use a box that has an engine, or set engine.source to distribution or docker."),
        )
    if facts.os_id not in ("debian", "ubuntu"):
        raise NodeError(
            _(
                "%(node)s runs %(system)s. labgen installs engines on Debian and Ubuntu only.",
                node=node.name,
                system=facts.os_id or _("an unknown system"),
            ),
            _("Use a box with Debian or Ubuntu, or a box with an engine and engine.source: none."),
        )
    package = "docker.io" if source == "distribution" else "docker-ce"
    install = packages.install_engine(version) if source == "distribution" else None
    script = install or proxy.exports(lab) + packages.install_docker_inc(facts.os_id, version)
    if version:
        package = f"{package} {version}"
    title = _("engine installed (%(package)s)", package=package)
    return Change(title, script, within=900, hint=packages.HINT)


def bridge(facts: NodeFacts, lab: Lab, node: Node) -> list[Change]:
    """docker_gwbridge on the plan's subnet, made beforehand where the engine would choose another.

    Its options are those the engine gives it (docs.docker.com, "Customize the docker_gwbridge").
    """
    del node
    subnet = lab.plan.docker_gwbridge
    if str(subnet) == CANDIDATES["docker_gwbridge"][0]:
        return []
    address = f"{subnet[1]}/{subnet.prefixlen}"
    link = next((link for link in facts.interfaces if link.name == "docker_gwbridge"), None)
    if link and address in link.addresses:
        return []
    script = (
        "docker network rm docker_gwbridge >/dev/null 2>&1\n"
        f"docker network create --subnet {subnet} --opt com.docker.network.bridge.name=docker_gwbridge "
        "--opt com.docker.network.bridge.enable_icc=false --opt com.docker.network.bridge.enable_ip_masquerade=true "
        "docker_gwbridge"
    )
    return [Change(_("docker_gwbridge on %(subnet)s", subnet=subnet), script, within=60)]


STEPS: Mapping[str, BootstrapStep] = {
    "clock": BootstrapStep(_("The clock, set to this computer's time if it is off."), clock),
    "network": BootstrapStep(
        _("The static address on the lab network, by netplan."),
        network,
        needs=Capability.NETPLAN,
        check_provided=address_given,
    ),
    "hostname": BootstrapStep(_("The host name, by hostnamectl."), hostname),
    "hosts": BootstrapStep(_("/etc/hosts: the names of all nodes, with their lab addresses."), hosts),
    "resolver": BootstrapStep(_("Name resolution that gives up soon if no name server answers."), resolver),
    "firewall": BootstrapStep(_("The swarm's ports, opened for the lab network if a firewall is active."), firewall),
    "proxy": BootstrapStep(_("The proxy of lab.yml, for apt and the engine."), proxies),
    "engine": BootstrapStep(_("Docker's engine: installed, configured, running."), engine),
    "bridge": BootstrapStep(_("docker_gwbridge, on the subnet of the lab's plan."), bridge),
}
"""Every step by name, in the order in which they are carried out."""
