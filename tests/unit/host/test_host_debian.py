"""Debian packages: which are missing, and their installation."""

from dataclasses import replace

import pytest
from recorded_host import BOTH, CI, COURSE, LINUX, MAC, Said, bad, check, lab, recorded

from labgen.core.errors import HostError
from labgen.core.progress import Progress
from labgen.host import debian
from labgen.providers.doctor import install, packages

UBUNTU = {"/etc/os-release": recorded("os-release-ubuntu-24.04.txt")}
LISTS = {"/var/lib/apt/lists": ("deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages.lz4", "partial")}


@pytest.mark.parametrize(
    ("name", "has_vagrant"),
    [("os-release-debian-12.txt", True), ("os-release-ubuntu-24.04.txt", False), ("os-release-mint-21.txt", True)],
)
def test_releases(name, has_vagrant):
    assert debian.release(LINUX.but(files={"/etc/os-release": recorded(name)})).has_vagrant is has_vagrant


@pytest.mark.parametrize(
    "host",
    [
        MAC,
        LINUX.without("apt-get"),
        LINUX.but(files={"/etc/os-release": recorded("os-release-fedora.txt")}),
        LINUX.but(files={"/etc/os-release": None}),
    ],
)
def test_elsewhere_nothing_is_missing_because_nothing_is_known(host):
    assert debian.release(host) is None
    assert packages(COURSE, host, ["libvirt"]) == []
    assert list(check("libvirt", "check", COURSE, host)) == []


def test_debian_nothing_is_missing_where_all_is_there():
    assert packages(COURSE, LINUX) == []
    assert bad(check("libvirt", "check", COURSE, LINUX)) == {}


def fresh(**changes):
    """A fresh Debian: none of the programs, none of the packages."""
    everything = (
        "vagrant vagrant-libvirt libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils dnsmasq-base "
        "iptables netcat-openbsd openssh-client iproute2 util-linux mmdebstrap syslinux-common"
    )
    host = replace(LINUX, programs=frozenset({"apt-get"}), built=frozenset(), commands=[], followed=[])
    return host.but(variables={"LACKS": everything}, **changes)


def test_fresh_debian_on_arm64_lacks_the_emulator_and_the_firmware_of_arm64():
    missing = packages(lab("box: {image: debian-13}"), fresh(arch="arm64"))
    assert "qemu-system-x86" not in missing
    host = fresh(arch="arm64")
    host.variables["LACKS"] += " qemu-system-arm qemu-efi-aarch64"
    assert {"qemu-system-arm", "qemu-efi-aarch64"} <= set(packages(lab("box: {image: debian-13}"), host))
    assert not {"qemu-system-arm", "qemu-efi-aarch64"} & set(packages(COURSE, fresh()))


def test_debian_fresh_debian_lacks_everything_and_what_builds_the_box():
    assert packages(COURSE, fresh()) == [
        "vagrant",
        "vagrant-libvirt",
        "libvirt-daemon-system",
        "libvirt-clients",
        "qemu-system-x86",
        "qemu-utils",
        "dnsmasq-base",
        "iptables",
        "netcat-openbsd",
        "openssh-client",
        "iproute2",
        "util-linux",
        "mmdebstrap",
        "syslinux-common",
    ]
    assert "mmdebstrap" not in packages(COURSE, fresh(built={"libvirt"}))
    assert "mmdebstrap" not in packages(lab("box: {name: a/b}"), fresh())
    assert "mmdebstrap" not in packages(lab("box: {name: labgen/debian-12, url: here.box}"), fresh())
    assert "vagrant" not in packages(COURSE, fresh(programs={"vagrant"}))
    assert packages(COURSE, fresh(), ["virtualbox"]) == ["vagrant", "openssh-client"]
    assert packages(lab("provider: virtualbox"), fresh()) == ["vagrant", "openssh-client"]
    assert packages(COURSE, fresh(programs={"VBoxManage"})) == ["vagrant", "openssh-client"]


def test_ubuntu_24_04_has_no_vagrant_to_install():
    missing = packages(COURSE, fresh(files=UBUNTU))
    assert "libvirt-clients" in missing
    assert not {"vagrant", "vagrant-libvirt"} & set(missing)


def test_debians_plugin_is_not_for_hashicorps_vagrant():
    assert "vagrant-libvirt" not in packages(COURSE, fresh(programs={"vagrant"}, paths={"/opt/vagrant"}))


def test_missing_packages_are_an_error_with_the_line_to_paste():
    (finding,) = check("libvirt", "check", COURSE, LINUX.but(variables={"LACKS": "vagrant-libvirt"}))
    assert (finding.level, finding.provider) == ("error", "libvirt")
    assert finding.fix.splitlines()[0] == "sudo apt-get install --no-install-recommends vagrant-libvirt"
    (finding,) = check("libvirt", "check", COURSE, CI.but(variables={"LACKS": "vagrant-libvirt"}))
    assert finding.fix.startswith("apt-get")


APT = "env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0"
INSTALL = f"{APT} install --yes --no-install-recommends"


def test_install():
    host = CI.but(folders=LISTS, apt=lambda _: Said())
    install(host, ["vagrant", "qemu-utils"])
    assert host.followed == [f"{INSTALL} vagrant qemu-utils"]


def test_install_takes_sudo_where_not_root_and_fetches_lists_where_there_are_none():
    host = LINUX.but(apt=lambda _: Said())
    install(host, ["vagrant"], Progress())
    assert host.followed == [f"sudo -n {APT} update", f"sudo -n {INSTALL} vagrant"]


@pytest.mark.parametrize(
    "output",
    [
        "E: Unable to locate package vagrant",
        # What is installed is newer than the lists, as after an upgrade whose lists were thrown away.
        "The following packages have unmet dependencies:\n"
        " libarchive-tools : Depends: libarchive13 (= 3.6.2-1+deb12u4) but 3.6.2-1+deb12u5 is to be installed\n"
        "E: Unable to correct problems, you have held broken packages.",
    ],
)
def test_install_fetches_stale_lists_once(output):
    answers = [Said(output, status=100), Said(), Said()]
    host = CI.but(folders=LISTS, apt=lambda _: answers.pop(0))
    install(host, ["vagrant"])
    assert host.followed == [f"{INSTALL} vagrant", f"{APT} update", f"{INSTALL} vagrant"]


@pytest.mark.parametrize(
    ("output", "hint"),
    [
        ("sudo: a password is required", "sudo apt-get install --no-install-recommends vagrant"),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend", "Another program"),
        ("W: Failed to fetch http://deb  Temporary failure resolving 'deb.debian.org'", "check the network"),
        ("dpkg: error processing package vagrant", "Read what apt-get says"),
        ("", "Read what apt-get says"),
    ],
)
def test_debian_installation_that_fails_says_why(output, hint):
    host = LINUX.but(folders=LISTS, apt=lambda _: Said(output, status=100))
    with pytest.raises(HostError) as why:
        install(host, ["vagrant"])
    assert hint in why.value.hint


def test_lists_that_cannot_be_fetched():
    host = CI.but(apt=lambda _: Said("Could not connect to deb.debian.org:80", status=100))
    with pytest.raises(HostError, match="apt-get update"):
        install(host, ["vagrant"])
    assert len(host.followed) == 1


def test_debian_package_that_no_list_has():
    host = CI.but(
        folders=LISTS, apt=lambda line: Said("E: Unable to locate package x", status=100 * ("install" in line))
    )
    with pytest.raises(HostError) as why:
        install(host, ["x"])
    assert "universe" in why.value.hint


def test_debian_nothing_to_install_and_nowhere_to_install_it():
    install(MAC, [])
    with pytest.raises(HostError, match="Debian and Ubuntu only"):
        install(MAC, ["vagrant"])


def test_debian_what_was_asked_before_an_installation_is_asked_again():
    host = CI.but(folders=LISTS, apt=lambda _: Said())
    packages(COURSE, host)
    before = len(host.commands)
    install(host, ["vagrant"])
    packages(COURSE, host)
    assert len(host.commands) == 2 * before > 0


def test_both_providers_share_what_they_need():
    names = packages(COURSE, BOTH.but(variables={"LACKS": "vagrant"}).without("vagrant"), ["virtualbox", "libvirt"])
    assert names == ["vagrant"]
