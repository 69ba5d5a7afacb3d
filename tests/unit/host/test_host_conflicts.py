"""What an earlier lab has left in VirtualBox, and what is this folder's own."""

from __future__ import annotations

import pytest
from recorded_host import LINUX, NATNETS, VMS, RecordedHost, Said

from labgen.config import parse
from labgen.host.findings import Finding
from labgen.providers.virtualbox import conflicts

LAB = parse("")
UUID = "8fb3f49d-532e-45dd-be9a-6c532864aa61"
BOTH = LINUX.but(programs={"VBoxManage"})
NETWORK = "Name:         labgen\nEnabled:      Yes\nNetwork:      10.0.2.0/24\nDHCP Server:  No\n"
OTHERS = "Name:         theirs\nEnabled:      Yes\nNetwork:      10.0.9.0/24\nDHCP Server:  Yes\n\n"


def findings(vms: str = "", natnets: str = "", host: RecordedHost = BOTH) -> list[Finding]:
    return list(conflicts.check_names(LAB, host.but(says={VMS: Said(vms), NATNETS: Said(natnets)})))


def test_virtualbox_nobody_has_this_labs_names() -> None:
    (finding,) = findings(f'"labgen2 swarm-manager" {{{UUID}}}\n', OTHERS)
    assert finding.level == "ok"


def test_virtualbox_machine_of_this_name_is_told_with_the_command() -> None:
    (finding,) = findings(f'"other" {{0-0}}\n"labgen swarm-worker1" {{{UUID}}}\n')
    assert finding.level == "error"
    assert 'already has a machine "labgen swarm-worker1".' in finding.message
    assert f"VBoxManage unregistervm {UUID} --delete" in finding.fix.splitlines()


def test_virtualbox_own_machine_is_no_conflict() -> None:
    file = "/home/learner/lab/.vagrant/machines/swarm-worker1/virtualbox/id"
    host = BOTH.but(paths={file}, files={file: UUID})
    (finding,) = findings(f'"labgen swarm-worker1" {{{UUID}}}\n', host=host)
    assert finding.level == "ok"


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("DHCP Server:  No", "DHCP Server:  Yes", "its DHCP server is on"),
        ("10.0.2.0/24", "10.0.3.0/24", "its network is 10.0.3.0/24, not 10.0.2.0/24"),
        ("Enabled:      Yes", "Enabled:      No", "it is disabled"),
        # As VirtualBox 6.1 says it.
        ("DHCP Server:  No", "DHCP Enabled: Yes", "its DHCP server is on"),
    ],
)
def test_virtualbox_nat_network_that_does_not_fit(before: str, after: str, why: str) -> None:
    (finding,) = findings(natnets=OTHERS + NETWORK.replace(before, after))
    assert finding.level == "error"
    assert why in finding.message
    assert "VBoxManage natnetwork remove --netname labgen" in finding.fix.splitlines()


def test_virtualbox_nat_network_that_fits_or_is_its_own_is_no_conflict() -> None:
    assert [finding.level for finding in findings(natnets=OTHERS + NETWORK)] == ["ok"]
    own = BOTH.but(paths={"/home/learner/lab/.vagrant/labgen-nat-network-labgen"})
    wrong = NETWORK.replace("DHCP Server:  No", "DHCP Server:  Yes")
    assert [finding.level for finding in findings(natnets=wrong, host=own)] == ["ok"]
