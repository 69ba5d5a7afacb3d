"""Networks of the lab against bridges of this computer, and libvirt's firewall beside Docker's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from labgen.core.i18n import _
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.host.network import Route, clashes, routes
from labgen.model.lab import Lab
from labgen.model.provider import ProviderFacts
from labgen.providers.libvirt.status import daemon

_NFTABLES_SINCE = (10, 4)
"""The libvirt that began to make its rules with nftables, where Docker's do not hear of them."""
_NETWORK_CONF = Path("/etc/libvirt/network.conf")


def check_routes(lab: Lab, host: Host, provider: ProviderFacts) -> Iterator[Finding]:
    """Check for clashes: the lab's networks are bridges of this computer."""
    if daemon(host).state == "own":
        message = _("the lab has a network namespace to itself.")
        yield Finding("libvirt.network", "ok", _("network"), message, provider="libvirt")
        return
    yield from clashes(lab, host, provider, ("lab network", "adapter 1"), _own_bridges)


def _own_bridges(lab: Lab, host: Host, table: Sequence[Route]) -> set[str]:
    """Find bridges of this very lab, where it runs already."""
    subnets = [subnet for _, subnet in lab.plan.named_subnets()]
    bridges = {
        route.device
        for route in table
        if route.device.startswith("virbr") and any(route.to.overlaps(subnet) for subnet in subnets)
    }
    if not bridges:
        return set()
    own = set()
    for network in (lab.slug, f"{lab.slug}-adapter1"):
        result = host.run("virsh", "--connect", "qemu:///system", "net-info", network)
        if bridge := re.search(r"^Bridge:\s+(\S+)", result.out, re.MULTILINE):
            own.add(bridge[1])
    return own & bridges


def check_firewall(lab: Lab, host: Host) -> Iterator[Finding]:
    """Docker's firewall beside that of libvirt, which then lets packets through in vain (moby/moby#52612)."""
    del lab
    status = daemon(host)
    version = re.search(r"(?m)^Running against daemon: (\d+)\.(\d+)", status.output) or re.search(
        r"(?m)^Using library: libvirt (\d+)\.(\d+)", status.output
    )
    if status.state != "system" or version is None or (int(version[1]), int(version[2])) < _NFTABLES_SINCE:
        return
    if not any(route.device == "docker0" for route in routes(host) or []):
        return
    if re.search(r'(?m)^\s*firewall_backend\s*=\s*"iptables"', host.read(_NETWORK_CONF) or ""):
        return
    yield Finding(
        "libvirt.firewall",
        "warning",
        _("firewall"),
        _("Docker runs here, and its firewall may drop what the machines send, to each other as well."),
        _(
            "echo 'firewall_backend = \"iptables\"' | sudo tee -a %(file)s\n"
            "sudo systemctl restart virtnetworkd libvirtd",
            file=_NETWORK_CONF,
        ),
        "libvirt",
    )
