"""The libvirt part of a Vagrantfile, on this computer and on one of arm64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labgen import config
from labgen.providers.libvirt.doctor import FIRMWARE

AMD64 = {"sysname": "Linux", "machine": "x86_64", "version": "#1 SMP Debian 6.1.90-1"}
ARM64 = {**AMD64, "machine": "aarch64"}
IMAGE = config.parse("{name: arm, box: {image: debian-13}}")


@pytest.mark.parametrize("path", [str(path) for path in FIRMWARE])
def test_machine_of_arm64_boots_by_the_firmware_that_is_there(stage: Callable[..., Any], path: str) -> None:
    machines = stage(IMAGE, "libvirt", uname=ARM64, files=[path])
    for machine in machines.values():
        settings = machine["settings"]
        assert (settings["machine_type"], settings["loader"]) == ("virt", path)
        assert (settings["features"], settings["inputs"]) == ([], [])
        accelerated = settings["driver"] == "kvm"
        assert settings["cpu_mode"] == ("host-passthrough" if accelerated else "custom")
        assert settings.get("cpu_model") == (None if accelerated else "cortex-a72")
        assert machine["vm"]["box_url"].endswith("-arm64-libvirt.box")


def test_machine_of_amd64_is_left_as_libvirt_makes_it(stage: Callable[..., Any]) -> None:
    for machine in stage(IMAGE, "libvirt", uname=AMD64).values():
        assert {"machine_type", "loader", "features", "inputs"} & machine["settings"].keys() == set()
        assert machine["vm"]["box_url"].endswith("-amd64-libvirt.box")


def test_missing_firmware_stops_the_machine_before_it_comes_up(stage: Callable[..., Any]) -> None:
    lab = config.parse("{name: arm, box: {name: dummy}}")
    play = {"machine": "swarm-manager", "moment": "before up", "dialogue": [], "active": []}
    error = stage(lab, "libvirt", uname=ARM64, files=[], **play)["error"]
    assert error.startswith("No UEFI for machines of arm64 is installed.")
    assert "apt-get install --no-install-recommends qemu-efi-aarch64" in error
