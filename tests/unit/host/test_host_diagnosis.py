"""The whole: what is usable, what is chosen and why, how it is shown."""

import json
from dataclasses import replace

import pytest
from recorded_docker import (
    ABSENT,
    DOCKER,
    GENL,
    HAS_IPVS,
    IMAGES,
    INSIDE,
    MAC_DESKTOP,
    NO_IPVS,
    OWN,
    VERSION,
    WINDOWS_DESKTOP,
)
from recorded_host import (
    BOTH,
    CI,
    COURSE,
    LINUX,
    MAC,
    VIRSH,
    WINDOWS,
    RecordedHost,
    Said,
    bad,
    lab,
    recorded,
)

from labgen.core.errors import HostError, UsageError
from labgen.providers import PROVIDERS
from labgen.providers.diagnosis import GENERAL
from labgen.providers.doctor import as_json, examine, report

VBOX = "/usr/bin/VBoxManage --version"
ASKED = WINDOWS_DESKTOP.but(
    says={
        IMAGES: Said("f1f4a5ae21d5\n"),
        INSIDE: Said(f"6.6.87.2\n{HAS_IPVS}==\n{recorded('proc-filesystems.txt')}==\n{recorded('kernel-config.txt')}"),
    }
)
"""Windows whose Docker Desktop has the image of the nodes, so that its kernel can be asked."""
KVM_DENIED = {"/dev/kvm": "denied"}
NO_DAEMON = {VIRSH: Said(err=recorded("virsh-absent.txt"), status=1)}


ON_ARM64 = "box: {name: bento/ubuntu-24.04}"
"""A box that is there for arm64; those that labgen makes are for amd64."""


def test_diagnosis_every_provider_has_its_checks():
    assert all(provider.checks().rest for provider in PROVIDERS.values())


@pytest.mark.parametrize(
    ("host", "text"),
    [
        (MAC_DESKTOP, ON_ARM64),
        (ASKED, ""),
        (DOCKER.but(programs=BOTH.programs, says={VBOX: Said("7.0.26r168464\n")}), ""),
    ],
)
def test_diagnosis_nothing_is_wrong_where_all_is_well(host, text):
    diagnosis = examine(lab(text), host)
    assert bad(diagnosis.findings) == {}
    assert all(diagnosis.usable.values())


def test_diagnosis_each_program_is_asked_once():
    examine(COURSE, BOTH)
    host = BOTH.but()
    examine(COURSE, host)
    assert len(host.commands) == len(set(host.commands))
    assert sum(command.startswith("vagrant --version") for command in host.commands) == 1


@pytest.mark.parametrize(
    ("host", "text", "provider", "accelerated", "own", "why"),
    [
        (BOTH, "", "virtualbox", True, False, "VirtualBox: it is preferred to libvirt, which would do as well."),
        (LINUX, "", "libvirt", True, False, "libvirt: VirtualBox is not installed."),
        (
            CI,
            "",
            "libvirt",
            False,
            True,
            "libvirt, with the lab's own libvirtd: VirtualBox is not installed; Docker is not installed; "
            "machines are emulated, which is slow.",
        ),
        (
            BOTH.but(devices=KVM_DENIED),
            "",
            "virtualbox",
            True,
            False,
            "VirtualBox: it runs on the processor itself, while libvirt would emulate.",
        ),
        (
            BOTH.but(files={"/proc/cpuinfo": recorded("cpuinfo-no-virtualization.txt")}),
            "",
            "libvirt",
            False,
            False,
            "libvirt: VirtualBox: virtualization: the processor offers none (neither vmx nor svm in /proc/cpuinfo), "
            "and VirtualBox does not emulate; Docker is not installed; machines are emulated, which is slow.",
        ),
        (BOTH, "provider: libvirt", "libvirt", True, False, "libvirt: lab.yml asks for it."),
        (
            BOTH.but(paths={"/home/learner/lab/.vagrant/machines/swarm-manager/libvirt/id"}),
            "",
            "libvirt",
            True,
            False,
            "libvirt: the lab's machines are there already.",
        ),
        (MAC, ON_ARM64, "virtualbox", True, False, "VirtualBox: it can be used here."),
        (WINDOWS, "", "virtualbox", True, False, "VirtualBox: it can be used here."),
    ],
)  # fmt: skip
def test_choice(host, text, provider, accelerated, own, why):
    configured = lab(text)
    choice = examine(configured, host).choose(configured)
    assert (choice.provider, choice.accelerated, choice.own_daemon) == (provider, accelerated, own)
    assert choice.why == why


def test_diagnosis_one_provider_can_be_asked_for():
    choice = examine(COURSE, BOTH, ["libvirt"]).choose(COURSE)
    assert choice.why == "libvirt: it is asked for."
    configured = lab("provider: virtualbox")
    assert examine(configured, BOTH, ["libvirt"]).choose(configured).provider == "libvirt"


def test_diagnosis_where_none_is_usable_every_reason_and_fix_is_told():
    nothing = LINUX.but(says=NO_DAEMON)
    diagnosis = examine(COURSE, nothing)
    assert diagnosis.usable == {"virtualbox": False, "libvirt": False, "docker": False}
    with pytest.raises(HostError) as why:
        diagnosis.choose(COURSE)
    assert why.value.exit_status == 5
    assert "VirtualBox: is not installed." in why.value.message
    assert "virtualbox.org" in why.value.message
    assert "libvirt: no daemon runs here." in why.value.message
    assert "sudo systemctl start libvirtd" in why.value.message


def test_diagnosis_where_the_one_asked_for_is_not_usable_the_other_is_not_taken():
    configured = lab("provider: virtualbox")
    with pytest.raises(HostError, match=r"VirtualBox cannot be used, although lab\.yml asks for it"):
        examine(configured, LINUX).choose(configured)


@pytest.mark.parametrize("folder", ["/home/${x}/lab", "/home/a\nb"])
def test_examine_finds_a_folder_whose_keys_ssh_cannot_use(folder):
    assert any(examine(COURSE, BOTH).usable.values())
    diagnosis = examine(COURSE, BOTH.but(lab_folder=folder))
    assert not any(diagnosis.usable.values())
    (finding,) = (finding for finding in diagnosis.findings if finding.id == "ssh.folder")
    assert repr(folder) in finding.message


def test_diagnosis_what_is_no_provider_is_refused():
    with pytest.raises(UsageError, match="'dockr' is not a provider"):
        examine(COURSE, BOTH, ["dockr"])


def test_diagnosis_where_vagrant_is_missing_nothing_is_usable():
    diagnosis = examine(COURSE, BOTH.without("vagrant"))
    assert not any(diagnosis.usable.values())


def test_containers_are_usable_where_vagrant_is_missing():
    diagnosis = examine(COURSE, DOCKER.without("vagrant"))
    assert {finding.id for finding in diagnosis.findings if finding.level == "error"} >= {"vagrant.missing"}
    assert [provider for provider, usable in diagnosis.usable.items() if usable] == ["docker"]
    assert diagnosis.choose(COURSE).provider == "docker"
    only = examine(COURSE, DOCKER.without("vagrant"), ["docker"])
    assert not [finding for finding in only.findings if finding.id.startswith("vagrant.")]


def test_diagnosis_computer_with_nothing_at_all_is_told_so_without_an_error():
    bare = replace(LINUX, programs=frozenset({"apt-get"}), built=frozenset()).but(
        variables={"LACKS": "vagrant libvirt-clients"}
    )
    diagnosis = examine(COURSE, bare)
    assert bad(diagnosis.findings) == {
        "vagrant.missing": "error",
        "ssh": "warning",
        "virtualbox.missing": "error",
        "libvirt.missing": "error",
        "docker.missing": "error",
    }


def test_libvirt_on_a_mac_is_refused():
    configured = lab("provider: libvirt")
    with pytest.raises(HostError, match="Linux only"):
        examine(configured, MAC).choose(configured)


def test_diagnosis_only_what_the_lab_names_is_looked_at():
    assert examine(lab("provider: virtualbox"), BOTH).providers == ("virtualbox",)
    assert examine(COURSE, BOTH, ["libvirt"]).providers == ("libvirt",)


def test_diagnosis_check_that_the_system_fails_is_a_warning():
    class Failing(RecordedHost):
        def cpus(self):
            raise OSError("no such file")

    host = Failing(**{name: getattr(MAC, name) for name in ("os", "arch", "programs", "says", "internet")})
    diagnosis = examine(lab(ON_ARM64), host)
    assert bad(diagnosis.findings) == {"processors": "warning"}


def test_diagnosis_every_finding_that_is_not_well_has_a_fix_and_a_sentence():
    worlds = [
        CI,
        OWN,
        DOCKER.but(says={VERSION: ABSENT, GENL: NO_IPVS}),
        MAC_DESKTOP,
        LINUX.but(says=NO_DAEMON),
        BOTH.but(ports={8001: "taken"}, free_disk=10),
        MAC.without("ssh"),
    ]
    for world in worlds:
        for finding in examine(COURSE, world).findings:
            assert finding.message.endswith((".", ")")), finding
            assert bool(finding.fix) is (finding.level != "ok"), finding


def test_report():
    text = report(examine(COURSE, CI))
    assert text.startswith("This computer\n  ✓ Vagrant     2.3.4.\n")
    assert "\n\nVirtualBox: cannot be used\n  ✗ VirtualBox  is not installed.\n      Install it from https://" in text
    assert "\n\nlibvirt (QEMU/KVM): can be used, emulated\n" in text
    assert "\n  ! virtualization  the processor offers" in text
    assert "\nVirtualBox: can be used\n" in report(examine(lab(ON_ARM64), MAC))
    text = report(examine(COURSE, OWN))
    assert "\n\nDocker (containers as nodes): can be used, published ports do not answer\n" in text


def test_json():
    data = json.loads(json.dumps(as_json(examine(COURSE, CI))))
    assert data["usable"] == {"virtualbox": False, "libvirt": True, "docker": False}
    assert data["own_daemon"] == {"virtualbox": False, "libvirt": True, "docker": False}
    assert data["lacks"] == {"libvirt": {}}
    assert {
        "id": "virtualbox.missing",
        "level": "error",
        "subject": "VirtualBox",
        "message": "is not installed.",
        "fix": "Install it from https://www.virtualbox.org/wiki/Downloads (7.1, or 7.2.8 and later).",
        "provider": "virtualbox",
    } in data["findings"]


def test_json_tells_what_nodes_would_lack():
    data = json.loads(json.dumps(as_json(examine(COURSE, OWN))))
    assert data["usable"]["docker"] is True
    assert data["own_daemon"] == {"virtualbox": False, "libvirt": True, "docker": True}
    assert data["lacks"]["docker"] == {
        "netplan": "the engine outside gives a container its addresses",
        "restart of a machine": "a node is a container, and one that has ended is not started again by itself",
        "routing mesh": "the kernel has no IPVS",
    }
    assert "docker.ipvs" in {finding["id"] for finding in data["findings"]}


NO_KVM = {"devices": {"/dev/kvm": "absent"}}
NO_VIRTUALBOX = "VirtualBox is not installed"
WITHOUT_MESH = (
    "Docker (containers as nodes): the kernel has no IPVS, so published ports do not answer "
    "(to use it anyway: `labgen up --provider docker`)"
)
UNKNOWN_MESH = (
    "Docker (containers as nodes): it is not known whether the kernel has IPVS, so published ports may not answer "
    "(to use it anyway: `labgen up --provider docker`)"
)
NO_NETPLAN = (
    "nodes of Docker would lack netplan (the engine outside gives a container its addresses), restart of a machine (a "
    "node is a container, and one that has ended is not started again by itself)"
)
EMULATES = "it runs on the processor itself, while libvirt would emulate"
DOCKER_AND_BOTH = DOCKER.but(programs=BOTH.programs, says={VBOX: Said("7.0.26r168464\n")})
NO_MESH = {"says": {GENL: NO_IPVS}, "root": True}
"""Root's question to the kernel is the exact one."""


@pytest.mark.parametrize(
    ("host", "provider", "own", "why"),
    [
        # Whole machines that run on the processor itself come first.
        (
            DOCKER_AND_BOTH,
            "virtualbox",
            False,
            f"VirtualBox: it is preferred to libvirt, which would do as well; {NO_NETPLAN}.",
        ),
        (DOCKER, "libvirt", False, f"libvirt: {NO_VIRTUALBOX}; {NO_NETPLAN}."),
        (DOCKER.but(**NO_MESH), "libvirt", False, f"libvirt: {NO_VIRTUALBOX}; {WITHOUT_MESH}."),
        # Containers with a routing mesh before machines that are emulated,
        (DOCKER.but(**NO_KVM), "docker", False, f"Docker: {NO_VIRTUALBOX}; {EMULATES}."),
        # and these before containers without.
        (
            DOCKER.but(**NO_KVM, **NO_MESH),
            "libvirt",
            False,
            f"libvirt: {NO_VIRTUALBOX}; {WITHOUT_MESH}; machines are emulated, which is slow.",
        ),
        (
            OWN,
            "libvirt",
            True,
            f"libvirt, with the lab's own libvirtd: {NO_VIRTUALBOX}; {WITHOUT_MESH}; "
            "machines are emulated, which is slow.",
        ),
        # Where nothing else is to be had, containers without.
        (
            OWN.without("virsh"),
            "docker",
            True,
            f"Docker, with the lab's own Docker engine: {NO_VIRTUALBOX}; libvirt is not installed; "
            "the kernel has no IPVS, so published ports do not answer.",
        ),
        (
            MAC_DESKTOP,
            "docker",
            False,
            "Docker: VirtualBox: architecture: this computer is arm64; box labgen/debian-13-cloud is there for amd64 "
            "only.",
        ),
        (WINDOWS_DESKTOP, "virtualbox", False, f"VirtualBox: {UNKNOWN_MESH}."),
        (MAC_DESKTOP.without("VBoxManage"), "docker", False, f"Docker: {NO_VIRTUALBOX}."),
        (
            MAC_DESKTOP.but(says={VBOX: Said("7.0.20r163906\n")}),
            "docker",
            False,
            "Docker: VirtualBox 7.0.20 cannot run machines on an arm64 processor; 7.1.6 can.",
        ),
        (
            WINDOWS_DESKTOP.without("VBoxManage"),
            "docker",
            False,
            f"Docker: {NO_VIRTUALBOX}; it is not known whether the kernel has IPVS, so published ports may not answer.",
        ),
    ],
)
def test_choice_between_machines_and_containers(host, provider, own, why):
    choice = examine(COURSE, host).choose(COURSE)
    assert (choice.provider, choice.own_daemon, choice.why) == (provider, own, why)


def test_docker_that_is_asked_for_is_taken_and_what_it_lacks_is_told():
    choice = examine(COURSE, OWN, ["docker"]).choose(COURSE)
    assert (choice.provider, choice.accelerated, choice.own_daemon) == ("docker", True, True)
    assert choice.why == (
        "Docker, with the lab's own Docker engine: it is asked for; "
        "the kernel has no IPVS, so published ports do not answer."
    )
    configured = lab("provider: docker")
    assert examine(configured, OWN).providers == ("docker",)
    with pytest.raises(HostError, match="Docker: is not installed"):
        examine(configured, LINUX).choose(configured)


def test_diagnosis_what_cannot_be_known_of_the_kernel_does_not_count_as_there():
    files = {"/lib/modules/6.1.0-37-amd64/modules.dep": None}
    unknown = DOCKER.but(**NO_KVM, files=files, says={GENL: Said(err="genl is not installed", status=127)})
    choice = examine(COURSE, unknown).choose(COURSE)
    assert choice.provider == "libvirt"
    assert "it is not known whether the kernel has IPVS, so published ports may not answer" in choice.why


def test_diagnosis_lab_that_names_a_box_is_not_given_containers():
    configured = lab("box: {name: generic/debian12}")
    assert examine(configured, DOCKER.but(**NO_KVM)).providers == ("virtualbox", "libvirt")
    assert examine(configured, DOCKER, ["docker"]).choose(configured).provider == "docker"


def test_warnings_of_one_provider():
    diagnosis = examine(COURSE, OWN)
    assert {finding.id for finding in diagnosis.warnings("libvirt")} == {"libvirt.kvm"}
    assert {finding.id for finding in diagnosis.warnings("docker")} == {"docker.ipvs"}


def test_diagnosis_image_and_docker_hub_are_asked_for_once_each():
    host = DOCKER.but(says={IMAGES: Said()})
    examine(COURSE, host)
    assert len(host.commands) == len(set(host.commands))


def test_examine_says_why_a_check_could_not_look_and_what_to_do():
    diagnosis = examine(COURSE, BOTH.but(variables={"VAGRANT_HOME": "~nobody-here/x"}))
    (finding,) = (finding for finding in diagnosis.findings if finding.id == "disk" and finding.provider == "libvirt")
    assert finding.message.startswith("could not be checked: ~nobody-here is the home folder of no user")
    assert (finding.fix, ".." in finding.message) == ("Write the path without ~nobody-here.", False)
    assert not diagnosis.usable["libvirt"]


def test_checks_are_named_for_what_they_look_at():
    names = [check.__name__ for check in GENERAL]
    assert names == ["vagrant", "ssh", "folder", "folder", "memory", "processors"]
