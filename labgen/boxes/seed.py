"""The NoCloud seed: a small disk that tells cloud-init, at the first boot, who may log in and what to leave alone.

cloud-init finds it by the name of its file system, ``cidata``.
"""

from __future__ import annotations

import io
import json

from labgen.images import recipe

_LABEL = "cidata"

_TIMERS = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "apt-daily.service",
    "apt-daily-upgrade.service",
    "unattended-upgrades.service",
)
"""What would hold apt's locks, and work, in the middle of a bootstrap or an exercise."""


def user_data() -> str:
    """Compose the configuration of a node: Vagrant's user with its well-known key, which `vagrant up` replaces."""
    public_key = (recipe.FILES / "vagrant.pub").read_text(encoding="utf-8").strip()
    mask = ["systemctl", "mask", *_TIMERS]
    config = {
        "users": [
            {
                "name": "vagrant",
                "gecos": "Vagrant",
                "shell": "/bin/bash",
                "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "lock_passwd": True,
                "ssh_authorized_keys": [public_key],
            }
        ],
        "disable_root": True,
        "ssh_pwauth": False,
        "ssh_genkeytypes": ["ed25519"],
        "package_update": False,
        "package_upgrade": False,
        "package_reboot_if_required": False,
        # Bootstrap sets name, /etc/hosts and the address of the lab network; cloud-init leaves them.
        "preserve_hostname": True,
        "manage_etc_hosts": False,
        "growpart": {"mode": "auto", "devices": ["/"]},
        "resize_rootfs": True,
        "bootcmd": [["cloud-init-per", "once", "labgen-timers", *mask]],
    }
    # JSON is YAML; it needs no library here.
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"


def meta_data(instance: str) -> str:
    """Compose the description of the machine.

    :param instance: names what the box was made of: cloud-init does its work once for each name.
    """
    return json.dumps({"instance-id": f"labgen-{instance}", "local-hostname": "labgen-node"}) + "\n"


def iso(instance: str) -> bytes:
    """Give the seed as an ISO 9660 image.

    :param instance: as for :func:`meta_data`.
    """
    from pycdlib import PyCdlib

    image = PyCdlib()
    image.new(interchange_level=3, vol_ident=_LABEL, joliet=3, rock_ridge="1.09")
    for name, short, text in (
        ("user-data", "USERDATA.;1", user_data()),
        ("meta-data", "METADATA.;1", meta_data(instance)),
    ):
        content = text.encode()
        image.add_fp(io.BytesIO(content), len(content), f"/{short}", rr_name=name, joliet_path=f"/{name}")
    sink = io.BytesIO()
    image.write_fp(sink)
    image.close()
    return sink.getvalue()
