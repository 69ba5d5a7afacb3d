"""The life of a lab's NAT network, and what stands in its way, on real VirtualBox."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

from labgen import config
from labgen.core.process import Runner
from labgen.machines import render

from .asked import VirtualBox
from .conftest import BOX, LabInRoom, is_master

Labs = Callable[..., LabInRoom]

CREATING = "Creating the NAT network"
REMOVING = "Removing the NAT network"
KEEPING = "Keeping the NAT network"

ALONE = "managers: 1, workers: 0"
ADAPTER_2 = ("nic2", "nat-network2", "macaddress2", "cableconnected2", "nictype2")


def adapter_2(lab: LabInRoom) -> list[str | None]:
    told = lab.settings()
    return [told.get(key) for key in ADAPTER_2]


def test_its_life(lab: Labs, virtualbox: VirtualBox) -> None:
    here = lab("managers: 1, workers: 1")
    assert CREATING in here.up("swarm-manager")
    made, wired = virtualbox.nat_networks(), adapter_2(here)
    assert list(made) == ["labgen"]

    # The second node uses it, and every start of the first one.
    assert CREATING not in here.up("swarm-worker1")
    here.vagrant("halt").or_raise()
    assert CREATING not in here.up("swarm-manager")
    assert adapter_2(here) == wired

    # What was changed by hand is put right at the next start.
    machine = here.machine("swarm-manager")
    virtualbox.manage("modifyvm", machine, "--nic2", "intnet", "--macaddress2", "080027aaaaaa", "--natnet1", "default")
    virtualbox.manage("modifyvm", machine, "--cableconnected2", "off")
    assert adapter_2(here) != wired
    reloaded = here.vagrant("reload", "swarm-manager")
    assert "startvm" in reloaded.err
    assert adapter_2(here) == wired
    assert here.settings()["natnet1"] == str(here.lab.plan.adapter1)
    assert virtualbox.nat_networks() == made

    # It goes with the last node.
    assert REMOVING not in here.destroy("swarm-manager")
    assert virtualbox.nat_networks() == made
    assert REMOVING in here.destroy("swarm-worker1")
    assert virtualbox.nat_networks() == {}


def test_nat_network_it_stays_while_another_machine_uses_it(lab: Labs, virtualbox: VirtualBox) -> None:
    here = lab(ALONE)
    here.up()
    virtualbox.manage("createvm", "--name", "다른 것", "--register")
    virtualbox.manage("modifyvm", "다른 것", "--nic3", "natnetwork", "--nat-network3", "labgen")
    assert KEEPING in here.destroy()
    assert list(virtualbox.nat_networks()) == ["labgen"]
    assert virtualbox.settings("다른 것")["nat-network3"] == "labgen"
    # It is still known to be this lab's.
    virtualbox.manage("unregistervm", "다른 것", "--delete")
    assert REMOVING in here.destroy()
    assert virtualbox.nat_networks() == {}


def test_nat_network_one_of_the_same_name_with_dhcp(lab: Labs, virtualbox: VirtualBox) -> None:
    here = lab(ALONE)
    told = refused(here, virtualbox, "--network 10.0.2.0/24 --enable --dhcp on")
    assert "\nits DHCP server is on and could hand out the nodes' addresses.\n" in told
    follow(told, virtualbox)
    assert virtualbox.nat_networks() == {}
    assert CREATING in here.up()


def test_nat_network_one_of_the_same_name_with_another_prefix(lab: Labs, virtualbox: VirtualBox) -> None:
    here = lab(ALONE)
    told = refused(here, virtualbox, "--network 10.0.5.0/24 --disable --dhcp off")
    assert "\nits network is 10.0.5.0/24, not 10.0.2.0/24; it is disabled.\n" in told
    follow(told, virtualbox)
    # One that is alike is used, whoever made it, and is theirs all the same.
    virtualbox.manage(
        "natnetwork", "add", "--netname", "labgen", "--network", "10.0.2.0/24", "--enable", "--dhcp", "off"
    )
    assert CREATING not in here.up()
    assert REMOVING not in here.destroy()
    assert list(virtualbox.nat_networks()) == ["labgen"]


def refused(here: LabInRoom, virtualbox: VirtualBox, given: str) -> str:
    """What is said where a network of the lab's name is there already; nothing is made, and theirs is not touched."""
    virtualbox.manage("natnetwork", "add", "--netname", "labgen", *given.split())
    before = virtualbox.nat_networks()
    told = here.up_fails()
    assert "VirtualBox already has a NAT network named 'labgen', and it is not this lab's:" in told
    assert virtualbox.nat_networks() == before
    assert [name for name in virtualbox.machines() if not is_master(name)] == []
    return told


def follow(told: str, virtualbox: VirtualBox) -> None:
    """Type the command that the message names."""
    command = re.search(r"^ +(VBoxManage natnetwork .+)$", told, re.MULTILINE)
    assert command is not None
    virtualbox.inside.run(shlex.split(command[1]), cwd=virtualbox.place).or_raise()


def test_nat_network_machine_of_the_same_name(lab: Labs, virtualbox: VirtualBox) -> None:
    virtualbox.manage("createvm", "--name", "labgen swarm-manager", "--register")
    theirs = virtualbox.machines()["labgen swarm-manager"]
    here = lab(ALONE)
    told = here.up_fails()
    assert "labgen swarm-manager" in told
    assert "already exists" in told
    assert 'VBoxManage unregistervm "labgen swarm-manager" --delete' in told
    # Theirs stays; once it has another name, the next run carries on.
    assert virtualbox.machines()["labgen swarm-manager"] == theirs
    virtualbox.manage("modifyvm", "labgen swarm-manager", "--name", "theirs")
    here.up()
    assert virtualbox.machines()["theirs"] == theirs


def test_nat_network_box_without_a_build_for_virtualbox(lab: Labs, virtualbox: VirtualBox, tmp_path: Path) -> None:
    here = lab(ALONE, box="someone/libvirt-only")
    (here.folder / "box.json").write_text(
        '{"name": "someone/libvirt-only", "versions": [{"version": "1.0", "providers": '
        '[{"name": "libvirt", "url": "http://127.0.0.1:9/none.box"}]}]}'
    )
    vagrantfile = here.folder / "Vagrantfile"
    url = f"override.vm.box_url = {str(here.folder / 'box.json')!r}"
    vagrantfile.write_text(vagrantfile.read_text().replace("    vb.name =", f"    {url}\n    vb.name =", 1))
    told = here.up_fails()
    assert "The box someone/libvirt-only has no build for virtualbox." in told
    # With another box the next run carries on.
    described = config.parse(f"{{box: {{name: {BOX}}}, {ALONE}}}")
    render.write(render.render(described), vagrantfile, force=True)
    here.up()


def broken(inside: Runner, place: Path, body: str) -> Runner:
    """A runner that finds another VBoxManage, which at some questions does what it should not."""
    text = f'#!/bin/sh\n{body}\nexec /usr/local/bin/VBoxManage "$@"\n'
    install = 'mkdir -p "$1" && cat > "$1/VBoxManage" && chmod 755 "$1/VBoxManage"'
    programs = f"/opt/broken-{len(body)}"
    inside.run(["sh", "-c", install, "sh", programs], stdin=text, cwd=place).or_raise()
    return Runner(prefix=inside.prefix, env={**inside.env, "PATH": f"{programs}:{inside.env['PATH']}"})


def test_vboxmanage_fails(lab: Labs, place: Path, inside: Runner) -> None:
    fails = 'case "$1" in list) echo "VBoxManage: error: Failed to create the VirtualBox object!" >&2; exit 1;; esac'
    told = lab(ALONE, inside=broken(inside, place, fails)).up_fails()
    assert "Failed to create the VirtualBox object!" in told
    assert '["list", "--long", "natnets"]' in told
    assert "end VBoxSVC" in told


def test_vboxmanage_hangs(lab: Labs, virtualbox: VirtualBox, place: Path, inside: Runner) -> None:
    hangs = 'case "$1" in list) touch hangs; sleep 300;; esac'
    here = lab(ALONE, inside=broken(inside, place, hangs))
    told = here.up_fails(within=25)
    assert "did not end within 25 s and was stopped" in told
    assert (here.folder / "hangs").exists()
    # That VBoxManage ended without a word is not taken for an answer.
    assert CREATING not in (here.folder / "up.log").read_text()
    assert virtualbox.nat_networks() == {}
    # Nothing of it is left to stand in the way of the next run.
    left = inside.run(["ps", "-eo", "args"], cwd=place).or_raise().out
    assert "sleep 300" not in left
    assert "vagrant up" not in left
    here.use(inside)
    assert CREATING in here.up()


def test_nat_network_vagrant_too_old_for_this_virtualbox(
    lab: Labs, virtualbox: VirtualBox, place: Path, inside: Runner
) -> None:
    """The room's Vagrant is one: only what stands between the two keeps it from seeing that."""
    # Without what it says of its kernel module before.
    truly = 'case "$1" in -v|--version) /usr/bin/VBoxManage --version | tail -n 1; exit;; esac'
    here = lab(ALONE, inside=broken(inside, place, truly))
    told = here.up_fails()
    assert "not supported by this version of Vagrant" in told
    assert "VirtualBox 7.2 Vagrant 2.4.9" in told
    assert [name for name in virtualbox.machines() if not is_master(name)] == []
    assert virtualbox.nat_networks() == {}


def test_virtualbox_without_its_kernel_module(lab: Labs, place: Path, inside: Runner) -> None:
    """It says so before everything else that it is asked."""
    here = lab(ALONE, inside=broken(inside, place, 'exec /usr/bin/VBoxManage "$@"'))
    told = here.up_fails()
    assert "installation is incomplete" in told
    assert "sudo /sbin/vboxconfig" in told
