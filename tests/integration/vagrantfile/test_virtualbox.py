"""What the Vagrantfile asks of VirtualBox, and what it does with its answers.

The answers are recorded from VirtualBox 7.2.22; that of 6.1 follows its source (VBoxManageList.cpp).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labgen import config

RECORDED = Path(__file__).parent / "recorded"
NATNETS = (RECORDED / "natnets-7.2.txt").read_text(encoding="utf-8")
NATNETS_6_1 = """\
NetworkName:    labgen
IP:             10.0.2.1
Network:        10.0.2.0/24
IPv6 Enabled:   No
IPv6 Prefix:    fd17:625c:f037:2::/64
DHCP Enabled:   No
Enabled:        Yes
loopback mappings (ipv4)
        127.0.0.1=2

"""
VMS = (RECORDED / "vms-7.2.txt").read_text(encoding="utf-8")
OTHER = (RECORDED / "showvminfo-7.2.txt").read_text(encoding="utf-8")
LONE = OTHER.replace('nic3="natnetwork"', 'nic3="none"').replace('nat-network3="labgen"\n', "")
MASTER_ID, OTHER_ID = "277a1d9c-6967-407c-8990-50ec066f9620", "b07525a5-5a82-4664-9219-2dfb3b9bf9bb"

LIST = ["list", "--long", "natnets"]
ADD = ["natnetwork", "add", "--netname", "labgen", "--network", "10.0.2.0/24", "--enable", "--dhcp", "off"]
REMOVE = ["natnetwork", "remove", "--netname", "labgen"]

CTRL_C = "\u0003"
"""What VBoxManage says when it is interrupted: nothing."""

CREATING = "Creating the NAT network labgen (10.0.2.0/24, DHCP off)"
REMOVING = "Removing the NAT network labgen"
KEEPING = "Keeping the NAT network labgen: other machines use it"

INTEL = {"sysname": "Linux", "machine": "x86_64", "version": "#1 SMP PREEMPT_DYNAMIC Debian 6.1.90-1"}

DARWIN = "Darwin Kernel Version 24.5.0: root:xnu-11417/RELEASE"

Play = Callable[..., Any]


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    (tmp_path / ".vagrant").mkdir()
    return tmp_path / ".vagrant" / "labgen-nat-network-labgen"


@pytest.fixture
def play(stage: Callable[..., Any], marker: Path) -> Play:
    def run(
        moment: str,
        *dialogue: list[Any],
        source: str = "",
        active: tuple[tuple[str, str], ...] = (),
        state: str = "poweroff",
    ) -> Any:
        play = {"machine": "swarm-manager", "moment": moment, "active": active, "state": state}
        return stage(config.parse(source), dialogue=list(dialogue), **play)

    return run


def without(name: str) -> str:
    """The recorded answer, less one network."""
    return "\n\n".join(part for part in NATNETS.split("\n\n") if not part.startswith(f"Name:         {name}\n"))


# --- The machines -------------------------------------------------------------------------------


def test_virtualbox_machines_settings(stage: Callable[..., Any]) -> None:
    lab = config.parse("{name: 랩 하나, memory: 768, cpus: 2, network: 10.9.8.0/24, box: {name: dummy}}")
    machines = stage(lab, uname=INTEL)
    assert list(machines) == ["swarm-manager", "swarm-worker1", "swarm-worker2"]
    assert machines["swarm-worker1"] == {
        "settings": {
            "name": "lab-49ffd9 swarm-worker1",
            "memory": 768,
            "cpus": 2,
            "linked_clone": True,
            "check_guest_additions": False,
        },
        "calls": [
            ["customize", ["modifyvm", "id", "--natnet1", "192.168.221.0/24"], {}],
            [
                "customize",
                [
                    *("modifyvm", "id", "--nic2", "natnetwork", "--nat-network2", "lab-49ffd9"),
                    *("--macaddress2", "080027090866", "--cableconnected2", "on"),
                ],
                {},
            ],
        ],
        "vm": {"box": "dummy", "boot_timeout": 600},
        "vm_calls": [],
        "ssh": {},
        "moments": ["before up", "before reload", "before resume", "after destroy"],
        "everywhere": ["after up", "after reload", "after resume"],
    }


@pytest.mark.parametrize(
    ("uname", "is_told"),
    [
        (INTEL, False),
        ({"sysname": "Linux", "machine": "aarch64", "version": "#1 SMP Debian 6.1.90-1"}, True),
        ({"sysname": "Darwin", "machine": "arm64", "version": f"{DARWIN}_ARM64_T6000"}, True),
        # Rosetta's word for it.
        ({"sysname": "Darwin", "machine": "x86_64", "version": f"{DARWIN}_ARM64_T6000"}, True),
        ({"sysname": "Darwin", "machine": "x86_64", "version": f"{DARWIN}_X86_64"}, False),
    ],
)
def test_adapter_2_has_a_card_that_every_kernel_knows_on_arm64(
    stage: Callable[..., Any], uname: dict[str, str], is_told: bool
) -> None:
    card = ["customize", ["modifyvm", "id", "--nictype2", "virtio"], {}]
    machines = stage(config.parse(""), uname=uname)
    assert [card in machine["calls"] for machine in machines.values()] == [is_told] * 3


def test_machine_has_more_time_to_boot_on_windows(stage: Callable[..., Any]) -> None:
    windows = {"sysname": "Windows_NT", "machine": "x64", "version": "10.0.26100"}
    for uname, seconds in ((windows, 900), (INTEL, 600)):
        machines = stage(config.parse(""), uname=uname)
        assert [machine["vm"]["boot_timeout"] for machine in machines.values()] == [seconds] * 3


def test_virtualbox_what_virtualbox_is_told_is_ascii(stage: Callable[..., Any]) -> None:
    """VBoxManage ends with VERR_NO_TRANSLATION where the locale cannot carry a name."""
    for machine in stage(config.parse("name: 도커 실습")).values():
        assert str([machine["settings"], machine["calls"]]).isascii()


def test_ports_are_forwarded_from_this_computer_only(stage: Callable[..., Any]) -> None:
    machines = stage(config.parse("ports: [{guest: 80, host: 18080, node: swarm-worker2}]"))
    assert machines["swarm-manager"]["vm_calls"] == []
    forwarded = {"guest": 80, "host": 18080, "host_ip": "127.0.0.1", "auto_correct": True, "id": "port-18080"}
    assert machines["swarm-worker2"]["vm_calls"] == [["network", "forwarded_port", forwarded]]


def test_libvirt_is_not_troubled_with_nat_networks(stage: Callable[..., Any]) -> None:
    for machine in stage(config.parse(""), "libvirt").values():
        # Before it comes up, its box must be there.
        assert machine["moments"] == ["before up"]


def test_virtualbox_what_cannot_be_written_down_of_a_machine_stops_nothing(play: Play, marker: Path) -> None:
    """Here there is no Vagrant that could say how to reach it."""
    old = marker.parent / "labgen.json"
    old.write_text("of an earlier start")
    told = play("after up")
    assert told["error"] is None
    (said,) = told["said"]
    assert said.startswith("How to reach swarm-manager could not be written down: ")
    assert not old.exists()


# --- Creating the NAT network -------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["before up", "before reload", "before resume"])
@pytest.mark.parametrize("there", ["", without("labgen")], ids=["none", "others"])
def test_virtualbox_it_is_created_where_missing(moment: str, there: str, play: Play, marker: Path) -> None:
    assert play(moment, [LIST, there], [ADD, ""]) == {"said": [CREATING], "error": None}
    assert marker.exists()


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("there", [NATNETS, NATNETS_6_1], ids=["7.2", "6.1"])
def test_virtualbox_it_is_used_where_there(there: str, line_end: str, play: Play, marker: Path) -> None:
    assert play("before up", [LIST, there.replace("\n", line_end)]) == {"said": [], "error": None}
    assert not marker.exists()


def test_virtualbox_what_is_not_told_is_no_difference(play: Play) -> None:
    short = "".join(
        line for line in NATNETS.splitlines(keepends=True) if not line.startswith(("Enabled", "DHCP", "Network"))
    )
    assert play("before up", [LIST, short])["error"] is None


def test_names_in_another_code_page_are_no_trouble(play: Play, marker: Path) -> None:
    """VBoxManage on Windows prints in the console's code page."""
    marker.touch()
    theirs = without("serves").replace("Name:         disabled", "Name:         \ufffd\ufffd")
    machine = LONE.replace('name="other"', 'name="\ufffd\ufffd"')
    vms = '"\ufffd\ufffd" {b07525a5-5a82-4664-9219-2dfb3b9bf9bb}\n'
    assert play("before up", [LIST, theirs])["error"] is None
    asked = ([["list", "vms"], vms], [["showvminfo", OTHER_ID, "--machinereadable"], machine])
    assert play("after destroy", [LIST, theirs], *asked, [REMOVE, ""])["said"] == [REMOVING]


def test_someone_else_creates_it_at_the_same_time(play: Play, marker: Path) -> None:
    assert play("before up", [LIST, ""], [ADD, None], [LIST, NATNETS])["error"] is None
    assert not marker.exists()


def test_virtualbox_it_cannot_be_created(play: Play, marker: Path) -> None:
    assert play("before up", [LIST, ""], [ADD, None], [LIST, ""])["error"] == "VBoxManage failed"
    assert not marker.exists()


@pytest.mark.parametrize(
    ("source", "reasons"),
    [
        ("{name: serves, network: 10.0.5.0/24}", ["its DHCP server is on"]),
        ("{name: disabled, network: 10.0.4.0/24}", ["it is disabled"]),
        ("{name: labgen, network: 10.0.9.0/24}", ["its network is 10.0.2.0/24, not 10.0.9.0/24"]),
        ("{name: labgen, network: 10.0.0.0/22}", ["its network is 10.0.2.0/24, not 10.0.0.0/22"]),
        ("{name: serves}", ["its network is 10.0.5.0/24, not 10.0.2.0/24", "its DHCP server is on"]),
    ],
)
def test_anothers_is_left_alone(source: str, reasons: list[str], play: Play, marker: Path) -> None:
    told = play("before up", [LIST, NATNETS], source=source)
    assert told["said"] == []
    assert "and it is not this lab's" in told["error"]
    assert "name: ..." in told["error"]
    for reason in ("its DHCP server is on", "it is disabled", "its network is"):
        assert (reason in told["error"]) == any(given.startswith(reason) for given in reasons)
    for reason in reasons:
        assert reason in told["error"]
    assert list(marker.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("was", "now"),
    [("DHCP Enabled:   No", "DHCP Enabled:   Yes"), ("\nEnabled:        Yes", "\nEnabled:        No")],
)
def test_differences_in_the_words_of_6_1(was: str, now: str, play: Play) -> None:
    assert was in NATNETS_6_1
    assert "not this lab's" in play("before up", [LIST, NATNETS_6_1.replace(was, now)])["error"]


def test_our_own_of_before_a_change_is_to_be_destroyed(play: Play, marker: Path) -> None:
    marker.touch()
    told = play("before up", [LIST, NATNETS], source="network: 10.0.9.0/24")
    assert "vagrant destroy -f" in told["error"]
    assert "not this lab's" not in told["error"]


def test_virtualbox_one_that_is_known_to_be_ours_stays_so_where_it_cannot_be_created(play: Play, marker: Path) -> None:
    marker.touch()
    assert play("before up", [LIST, ""], [ADD, None], [LIST, NATNETS])["error"] is None
    assert marker.exists()


def test_interrupted_it_makes_nothing(play: Play, marker: Path) -> None:
    told = play("before up", [LIST, CTRL_C])
    assert told["said"] == []
    assert "Interrupted" in told["error"]
    assert not marker.exists()


# --- Adapter 2 of a machine that runs -----------------------------------------------------------

ASK = ["showvminfo", "its-id", "--machinereadable"]
RIGHT = OTHER.replace('nic2="none"', "") + (
    'nic2="natnetwork"\nnat-network2="labgen"\nmacaddress2="080027000265"\ncableconnected2="on"\n'
)


def test_virtualbox_machine_that_runs_is_looked_at(play: Play) -> None:
    assert play("before up", [LIST, NATNETS], [ASK, RIGHT], state="running") == {"said": [], "error": None}
    # Windows ends its lines otherwise.
    assert play("before up", [LIST, NATNETS], [ASK, RIGHT.replace("\n", "\r\n")], state="running")["error"] is None


@pytest.mark.parametrize(
    ("was", "now", "wrong"),
    [
        ('nic2="natnetwork"', 'nic2="intnet"', "nic2 is intnet, not natnetwork"),
        ('nat-network2="labgen"', 'nat-network2="other"', "nat-network2 is other, not labgen"),
        ('macaddress2="080027000265"', 'macaddress2="0800279B7A6F"', "macaddress2 is 0800279B7A6F, not 080027000265"),
        ('cableconnected2="on"', 'cableconnected2="off"', "cableconnected2 is off, not on"),
        ('cableconnected2="on"', "", "cableconnected2 is not set, not on"),
    ],
)
def test_virtualbox_what_was_changed_by_hand_is_named(was: str, now: str, wrong: str, play: Play) -> None:
    assert was in RIGHT
    told = play("before up", [LIST, NATNETS], [ASK, RIGHT.replace(was, now)], state="running")
    assert f"\n{wrong}.\n" in told["error"]
    assert "vagrant reload swarm-manager" in told["error"]


def test_virtualbox_machine_that_is_started_again_is_not_refused(play: Play) -> None:
    """That is the way out, and it asks for no more than the network."""
    assert play("before reload", [LIST, NATNETS], state="running")["error"] is None


# --- Removing it --------------------------------------------------------------------------------


def test_virtualbox_last_machine_takes_it_along(play: Play, marker: Path) -> None:
    marker.touch()
    asked = (
        [["list", "vms"], VMS],
        [["showvminfo", MASTER_ID, "--machinereadable"], LONE],
        [["showvminfo", OTHER_ID, "--machinereadable"], LONE],
    )
    assert play("after destroy", [LIST, NATNETS], *asked, [REMOVE, ""]) == {"said": [REMOVING], "error": None}
    assert not marker.exists()


def test_another_machine_uses_it(play: Play, marker: Path) -> None:
    marker.touch()
    asked = (
        [["list", "vms"], VMS],
        [["showvminfo", MASTER_ID, "--machinereadable"], LONE],
        [["showvminfo", OTHER_ID, "--machinereadable"], OTHER],
    )
    assert play("after destroy", [LIST, NATNETS], *asked) == {"said": [KEEPING], "error": None}
    assert marker.exists()


def test_virtualbox_machine_that_vanishes_uses_nothing(play: Play, marker: Path) -> None:
    marker.touch()
    vms, gone = ["list", "vms"], [["showvminfo", MASTER_ID, "--machinereadable"], None]
    left = "".join(line for line in VMS.splitlines(keepends=True) if MASTER_ID not in line)
    other = [["showvminfo", OTHER_ID, "--machinereadable"], LONE]
    assert play("after destroy", [LIST, NATNETS], [vms, VMS], gone, [vms, left], other, [REMOVE, ""])["error"] is None
    assert not marker.exists()


def test_virtualbox_machine_that_cannot_be_asked_may_use_it(play: Play, marker: Path) -> None:
    marker.touch()
    vms, mute = ["list", "vms"], [["showvminfo", MASTER_ID, "--machinereadable"], None]
    assert play("after destroy", [LIST, NATNETS], [vms, VMS], mute, [vms, VMS])["error"] == "VBoxManage failed"
    assert marker.exists()


def test_virtualbox_it_stays_while_the_lab_has_machines(play: Play, marker: Path) -> None:
    marker.touch()
    active = (("swarm-worker1", "virtualbox"),)
    assert play("after destroy", active=active) == {"said": [], "error": None}
    assert marker.exists()


def test_machines_of_another_provider_do_not_hold_it(play: Play, marker: Path) -> None:
    marker.touch()
    active = (("swarm-worker1", "libvirt"),)
    assert play("after destroy", [LIST, NATNETS], [["list", "vms"], ""], [REMOVE, ""], active=active)["error"] is None
    assert not marker.exists()


def test_virtualbox_what_was_not_made_here_is_kept(play: Play, marker: Path) -> None:
    assert play("after destroy") == {"said": [], "error": None}


def test_virtualbox_it_was_removed_by_hand_before(play: Play, marker: Path) -> None:
    marker.touch()
    assert play("after destroy", [LIST, ""], [["list", "vms"], ""]) == {"said": [], "error": None}
    assert not marker.exists()


def test_virtualbox_one_of_an_earlier_name_goes_too(play: Play, marker: Path) -> None:
    marker.touch()
    asked = ([LIST, NATNETS], [["list", "vms"], ""], [REMOVE, ""])
    assert play("after destroy", *asked, source="name: renamed") == {"said": [REMOVING], "error": None}


def test_virtualbox_failed_removal_can_be_repeated(play: Play, marker: Path) -> None:
    marker.touch()
    told = play("after destroy", [LIST, NATNETS], [["list", "vms"], ""], [REMOVE, None])
    assert told["error"] == "VBoxManage failed"
    assert marker.exists()


@pytest.mark.parametrize(
    "asked",
    [
        ([LIST, CTRL_C],),
        ([LIST, NATNETS], [["list", "vms"], CTRL_C]),
        ([LIST, NATNETS], [["list", "vms"], VMS], [["showvminfo", MASTER_ID, "--machinereadable"], CTRL_C]),
    ],
)
def test_interrupted_it_removes_nothing(asked: tuple[list[Any], ...], play: Play, marker: Path) -> None:
    marker.touch()
    told = play("after destroy", *asked)
    assert told["said"] == []
    assert "Interrupted" in told["error"]
    assert marker.exists()


def test_virtualbox_nothing_was_ever_brought_up(play: Play, marker: Path) -> None:
    marker.parent.rmdir()
    assert play("after destroy") == {"said": [], "error": None}
