"""Names that another lab, or one that was never taken down, has at the provider already."""

from __future__ import annotations

import re
from collections.abc import Iterator

from labgen.core.i18n import NOTHING, Text, _, sentences
from labgen.host.computer import Host, find_vboxmanage
from labgen.host.findings import Finding, Level
from labgen.host.lab_folder import written
from labgen.model.lab import Lab

_WITHIN = 20.0
"""Seconds for an answer: VirtualBox's own service may have to start first."""


def check_names(lab: Lab, host: Host) -> Iterator[Finding]:
    """Machines and NAT networks that have this lab's names, and are not this folder's."""
    program = find_vboxmanage(host)
    if program is None:
        return
    listed = host.run(program, "list", "vms", timeout=_WITHIN)
    networks = host.run(program, "list", "--long", "natnets", timeout=_WITHIN)
    conflicts = [*_machines(lab, host, listed.out), *_nat_network(lab, host, networks.out)]
    yield from conflicts
    if not conflicts and listed.ok:
        yield _finding("ok", _("no other machine or NAT network has this lab's names."))


def _machines(lab: Lab, host: Host, listed: str) -> Iterator[Finding]:
    machines: dict[str, str] = dict(re.findall(r'(?m)^"(.*)" \{([0-9a-f-]+)\}\s*$', listed))
    for node in lab.nodes:
        name = f"{lab.slug} {node.name}"
        if name in machines and machines[name] != written(host, "machines", node.name, "virtualbox", "id"):
            yield _finding(
                "error",
                _(
                    'VirtualBox already has a machine "%(name)s". It belongs to another lab, or to a lab '
                    "folder that was deleted.",
                    name=name,
                ),
                _(
                    "If nothing needs it, remove it with its disk:\n"
                    "VBoxManage unregistervm %(machines)s --delete\n"
                    "Otherwise give this lab another name in lab.yml (name:).",
                    machines=machines[name],
                ),
            )


def _nat_network(lab: Lab, host: Host, listed: str) -> Iterator[Finding]:
    if host.exists(host.folder() / ".vagrant" / f"labgen-nat-network-{lab.slug}"):
        return  # this folder's own
    for block in re.split(r"(?m)^(?=(?:Name|NetworkName):)", listed):
        # Before 7.0 the keys are NetworkName and "DHCP Enabled".
        values: dict[str, str] = dict(re.findall(r"(?m)^(\S[^:\n]*):[ \t]+(\S.*?)[ \t]*$", block))
        if values.get("Name", values.get("NetworkName")) != lab.slug:
            continue
        wrong = []
        if values.get("Network", str(lab.plan.lab)) != str(lab.plan.lab):
            wrong.append(_("its network is %(network)s, not %(lab)s", network=values["Network"], lab=lab.plan.lab))
        if re.fullmatch(r"(?i)yes|on|true|enabled", values.get("DHCP Server", values.get("DHCP Enabled", "no"))):
            wrong.append(_("its DHCP server is on and could hand out the nodes' addresses"))
        if re.fullmatch(r"(?i)no|off|false|disabled", values.get("Enabled", "yes")):
            wrong.append(_("it is disabled"))
        if wrong:
            yield _finding(
                "error",
                _(
                    'VirtualBox has a NAT network "%(slug)s" already, not made for this lab: %(wrong)s.',
                    slug=lab.slug,
                    wrong=sentences(*wrong, separator="; "),
                ),
                _(
                    "If nothing needs it:\n"
                    "VBoxManage natnetwork remove --netname %(slug)s\n"
                    "Otherwise give this lab another name in lab.yml (name:).",
                    slug=lab.slug,
                ),
            )


def _finding(level: Level, message: Text, fix: Text = NOTHING) -> Finding:
    return Finding("virtualbox.names", level, _("names"), message, fix, "virtualbox")
