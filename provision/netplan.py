"""The netplan file of a node's adapter on the lab network, and the script that has it take effect alone."""

from __future__ import annotations

import shlex

from labgen.model.lab import Lab, Node
from labgen.observation.node_facts import NETPLAN_FILE


def generate_alone(text: str) -> str:
    """Compose a script that has netplan generate this one file, and networkd configure this one interface.

    `netplan apply` starts Python several times, and the generator writes every file again: networkd would then
    configure every interface again, and drop the address through which the node is reached. False where
    networkd has nothing from netplan so far, as where NetworkManager does its work.
    """
    root = "/run/labgen"
    file, network_file = f"{root}{NETPLAN_FILE}", f"run/systemd/network/10-netplan-{_NETPLAN_ID}.network"
    return (
        "{ set -- /run/systemd/network/10-netplan-*; "
        '[ -e "$1" ] && [ -d /run/systemd/netif/links ] && '
        # From netplan 1.2 on, `generate` leaves networkd's files to `configure`, and aborts with --root-dir.
        "for generate in /usr/libexec/netplan/configure /usr/libexec/netplan/generate /lib/netplan/generate; do "
        '[ ! -x "$generate" ] || break; done && '
        f"mkdir -p {root}/etc/netplan && (umask 0066; printf %s {shlex.quote(text)} > {file}) && "
        f'"$generate" --root-dir {root} && mv -f {root}/{network_file} /{network_file} && networkctl reload; }}'
    )


_NETPLAN_ID = "00-labgen"
"""Names the adapter in netplan, and in the file for networkd, which takes the first file by name that matches: before
``all-en`` of Debian's cloud images, which matches every adapter."""


def netplan(lab: Lab, node: Node) -> str:
    """Compose the netplan file of a node's adapter 2. No gateway: the default route is adapter 1's."""
    return (
        "# Written by labgen: adapter 2, the lab network.\n"
        "network:\n"
        "  version: 2\n"
        "  ethernets:\n"
        f"    {_NETPLAN_ID}:\n"
        "      match:\n"
        f'        macaddress: "{node.mac}"\n'
        "      dhcp4: false\n"
        "      dhcp6: false\n"
        "      link-local: []\n"
        "      optional: true\n"
        f'      addresses: ["{node.address}/{lab.plan.lab.prefixlen}"]\n'
    )
