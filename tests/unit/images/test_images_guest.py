"""What is laid over the guest."""

from __future__ import annotations

import io
import json
import tarfile

import yaml

from labgen.images import disk, recipe, rootfs

GUEST = recipe.FILES / "guest"
DISK = recipe.FILES / "disk"


def test_modes_are_ours_not_the_checkouts() -> None:
    with tarfile.open(fileobj=io.BytesIO(rootfs.tree(recipe.DISK))) as archive:
        modes = {entry.name.removeprefix("./"): entry.mode for entry in archive if entry.isreg()}
        owners = {(entry.uid, entry.gid) for entry in archive}
    assert modes.pop("etc/netplan/50-labgen-eth0.yaml") == 0o600
    assert modes.pop("etc/sudoers.d/vagrant") == 0o440
    assert set(modes.values()) == {0o644}
    assert owners == {(0, 0)}


def test_guest_only_what_is_asked_for_is_in_the_early_archive() -> None:
    with tarfile.open(fileobj=io.BytesIO(rootfs.tree(recipe.DISK, only=("etc/initramfs-tools",)))) as archive:
        files = [entry.name for entry in archive if entry.isreg()]
    assert files == ["./etc/initramfs-tools/conf.d/labgen"]


def test_guest_engines_configuration_is_the_mirror_and_nothing_else() -> None:
    # Exactly so: this is how it is recognised, and removed, where Docker Hub can be reached.
    assert (GUEST / "etc/docker/daemon.json").read_text() == '{"registry-mirrors": ["http://127.0.0.1:5000"]}\n'
    assert json.loads((GUEST / "etc/docker/daemon.json").read_text())


def test_guest_boot_and_the_network_know_eth0_only() -> None:
    netplan = yaml.safe_load((DISK / "etc/netplan/50-labgen-eth0.yaml").read_text())
    assert set(netplan["network"]["ethernets"]) == {"eth0"}
    boot = (DISK / "boot/extlinux/extlinux.conf").read_text()
    assert "net.ifnames=0" in boot
    assert f"root=LABEL={disk.LABEL}" in boot


def test_guest_registry_takes_nothing() -> None:
    config = yaml.safe_load((GUEST / "etc/docker/registry/config.yml").read_text())
    assert config["storage"]["maintenance"]["readonly"]["enabled"] is True
    assert config["http"]["addr"] == ":5000"
