"""Vagrant, VirtualBox, libvirt, virtualization: recorded outputs, good and bad."""

import pytest
from recorded_host import (
    BOTH,
    CI,
    COURSE,
    KVM_AT_LOAD,
    LINUX,
    MAC,
    PLUGINS,
    POWERSHELL,
    VIRSH,
    WINDOWS,
    Said,
    bad,
    check,
    recorded,
)

from labgen.host import programs, virtualization
from labgen.host.computer import LATE
from labgen.host.findings import Finding, version_in
from labgen.providers import PROVIDERS
from labgen.providers.libvirt import doctor

VBOX = "/usr/bin/VBoxManage --version"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Vagrant 2.3.4\n", (2, 3, 4)),
        ("Vagrant 2.4.9\r\n", (2, 4, 9)),
        ("Vagrant 2.4.3.dev", (2, 4, 3)),
        ("7.0.26_Ubuntur168464", (7, 0, 26)),
        ("7.1.4r165100", (7, 1, 4)),
        ("7.2.0_BETA1r170000", (7, 2, 0)),
        (recorded("vboxmanage-no-module.txt"), (7, 0, 26)),
        (recorded("vboxmanage-no-device-debian.txt"), (7, 0, 20)),
        (recorded("vboxmanage-no-module-fedora.txt"), (6, 1, 26)),
        ("v7.2", (7, 2)),
        ("", None),
        ("Segmentation fault", None),
        ("버전 없음", None),
    ],
)
def test_versions_are_read_tolerantly(text, version):
    assert version_in(text) == version


def test_programs_what_is_not_well_has_a_fix():
    with pytest.raises(ValueError, match="no fix"):
        Finding("x", "warning", "x", "x")


@pytest.mark.parametrize(
    ("host", "expected", "fix"),
    [
        (LINUX, {}, ""),
        (
            LINUX.without("vagrant"),
            {"vagrant.missing": "error"},
            "sudo apt-get install --no-install-recommends vagrant",
        ),
        (CI.without("vagrant"), {"vagrant.missing": "error"}, "apt-get install --no-install-recommends vagrant"),
        (
            LINUX.without("vagrant").but(files={"/etc/os-release": recorded("os-release-ubuntu-24.04.txt")}),
            {"vagrant.missing": "error"},
            "Ubuntu 24.04.1 LTS has no Vagrant package. Install HashiCorp's: "
            "https://developer.hashicorp.com/vagrant/install.",
        ),
        (
            LINUX.without("vagrant", "apt-get").but(files={"/etc/os-release": recorded("os-release-fedora.txt")}),
            {"vagrant.missing": "error"},
            "Install it from https://developer.hashicorp.com/vagrant/install.",
        ),
        (MAC.without("vagrant"), {"vagrant.missing": "error"}, "Install it from"),
        (
            LINUX.but(says={"vagrant --version": Said(err="ruby: not found", status=127)}),
            {"vagrant.version": "warning"},
            "",
        ),
        (LINUX.but(says={"vagrant --version": Said(status=LATE)}), {"vagrant.version": "warning"}, ""),
    ],
)
def test_vagrant(host, expected, fix):
    findings = list(programs.vagrant(COURSE, host))
    assert bad(findings) == expected
    assert findings[0].fix.startswith(fix)


KOREAN = "C:/Users/김 철수"
ELSEWHERE = "setx VAGRANT_HOME C:\\vagrant\n"


@pytest.mark.parametrize(
    ("host", "fix"),
    [
        (WINDOWS, None),
        (
            WINDOWS.but(user_home=KOREAN),
            ELSEWHERE + "VBoxManage setproperty machinefolder C:\\vms\n",
        ),
        (WINDOWS.but(user_home=KOREAN).without("VBoxManage"), ELSEWHERE + "Then open"),
        (WINDOWS.but(user_home=KOREAN, variables={"VAGRANT_HOME": "C:/vagrant"}), None),
        (MAC.but(user_home="/Users/김철수"), None),
    ],
)
def test_vagrant_warns_of_a_home_with_korean_letters_on_windows(host, fix):
    findings = {finding.id: finding for finding in programs.vagrant(COURSE, host)}
    assert ("vagrant.home" in findings) == (fix is not None)
    if fix is not None:
        assert findings["vagrant.home"].level == "warning"
        assert KOREAN in findings["vagrant.home"].message
        assert findings["vagrant.home"].fix.startswith(fix)


def test_vagrant_finds_a_home_of_nobody():
    host = LINUX.but(variables={"VAGRANT_HOME": "~nobody-here/x"})
    (finding,) = (finding for finding in programs.vagrant(COURSE, host) if finding.id == "vagrant.home")
    assert (finding.level, finding.fix) == ("error", "Write the path without ~nobody-here.")
    assert finding.message.startswith("VAGRANT_HOME cannot be used: ~nobody-here is the home folder of no user")


@pytest.mark.parametrize(("host", "fix"), [(LINUX, "apt-get"), (MAC, "/usr/bin"), (WINDOWS, "Optional features")])
def test_ssh(host, fix):
    assert bad(programs.ssh(COURSE, host)) == {}
    (finding,) = programs.ssh(COURSE, host.without("ssh"))
    assert finding.level == "warning"
    assert fix in finding.fix


def virtualbox(version, vagrant="2.4.9", host=BOTH):
    world = host.but(says={VBOX: Said(version), "vagrant --version": Said(f"Vagrant {vagrant}\n")})
    return list(check("virtualbox", "check_version", COURSE, world))


@pytest.mark.parametrize(
    ("version", "vagrant", "expected"),
    [
        ("6.1.50r161033", "2.2.19", {}),
        ("6.0.24r139119", "2.2.19", {"virtualbox.version": "error"}),
        ("7.0.26_Ubuntur168464", "2.3.4", {}),
        ("7.0.26r168464", "2.3.1", {"virtualbox.vagrant": "error"}),
        ("7.0.26r168464", "2.3.2", {}),
        ("7.1.4r165100", "2.4.1", {"virtualbox.vagrant": "error"}),
        ("7.1.4r165100", "2.4.2", {}),
        ("7.2.8r173730", "2.4.8", {"virtualbox.vagrant": "error"}),
        ("7.2.8r173730", "2.4.9", {}),
        ("7.2.0r170228", "2.4.9", {"virtualbox.known-bad": "warning"}),
        ("7.2.2r170484", "2.4.9", {"virtualbox.known-bad": "warning"}),
        ("7.2.4r170995", "2.4.9", {"virtualbox.known-bad": "warning"}),
        ("7.2.6r172322", "2.4.9", {"virtualbox.known-bad": "warning"}),
        ("7.3.0r180000", "2.4.9", {"virtualbox.vagrant": "warning"}),
        ("what is this", "2.4.9", {"virtualbox.version": "warning"}),
        ("", "2.4.9", {"virtualbox.version": "warning"}),
        ("7.1.4r165100", "unknown", {}),
    ],
)
def test_virtualbox_and_the_vagrant_it_needs(version, vagrant, expected):
    assert bad(virtualbox(version, vagrant)) == expected


def test_programs_two_faults_of_virtualbox_7_2_are_told_apart():
    (nat,) = virtualbox("7.2.2r170484")
    (tcp,) = virtualbox("7.2.6r172322")
    assert "lose packets" in nat.message
    assert "reset TCP" in tcp.message
    assert "7.2.8" in nat.fix


def test_programs_refused_virtualbox_names_what_this_vagrant_takes():
    (finding,) = virtualbox("7.2.8r173730", "2.3.4")
    assert "Vagrant 2.4.9" in finding.fix
    assert "7.0.x" in finding.fix


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("vboxmanage-no-module.txt", "sudo /sbin/vboxconfig"),
        ("vboxmanage-no-device-debian.txt", "virtualbox-dkms"),
        ("vboxmanage-no-module-fedora.txt", "sudo akmods"),
    ],
)
def test_virtualbox_without_its_kernel_module(name, fix):
    findings = virtualbox(recorded(name))
    assert bad(findings) == {"virtualbox.module": "error"}
    assert fix in findings[0].fix
    assert findings[1].message.startswith(("7.0.2", "6.1.2"))


@pytest.mark.parametrize(
    ("version", "expected"), [("7.1.4r165100", {"virtualbox.arm64": "error"}), ("7.1.6r167084", {})]
)
def test_virtualbox_on_apple_silicon(version, expected):
    assert bad(virtualbox(version, host=MAC)) == expected


@pytest.mark.parametrize(
    ("parameter", "version", "expected"),
    [
        ("Y\n", "7.1.12r169651", {"virtualbox.kvm": "warning"}),
        ("N\n", "7.1.12r169651", {}),
        (None, "7.1.12r169651", {}),
        ("Y\n", "7.2.10r175000", {}),
    ],
)
def test_virtualbox_beside_a_kvm_that_holds_the_processor(parameter, version, expected):
    assert bad(virtualbox(version, host=BOTH.but(files={KVM_AT_LOAD: parameter}))) == expected


def test_programs_no_virtualbox():
    assert PROVIDERS["virtualbox"].checks().gate(COURSE, BOTH) is None
    assert PROVIDERS["virtualbox"].checks().gate(COURSE, LINUX).level == "error"


@pytest.mark.parametrize(
    ("host", "state", "level", "words"),
    [
        (LINUX, "system", "ok", "QEMU 7.2.22"),
        (CI, "own", "ok", "starts its own"),
        (
            LINUX.but(says={VIRSH: Said(err=recorded("virsh-denied.txt"), status=1)}),
            "denied",
            "error",
            "usermod -aG libvirt",
        ),
        (
            LINUX.but(says={VIRSH: Said(err=recorded("virsh-polkit.txt"), status=1)}),
            "denied",
            "error",
            "usermod -aG libvirt",
        ),
        (
            LINUX.but(says={VIRSH: Said(err=recorded("virsh-absent.txt"), status=1)}),
            "none",
            "error",
            "sudo systemctl start libvirtd",
        ),
        (
            LINUX.but(says={VIRSH: Said(err=recorded("virsh-refused.txt"), status=1)}, files={"/proc/1/comm": "init"}),
            "none",
            "error",
            "Run labgen as root",
        ),
        (CI.without("libvirtd"), "none", "error", "Install the packages that contain libvirtd"),
        (
            CI.but(says={"unshare --net --mount true": Said(err="unshare failed: Operation not permitted", status=1)}),
            "confined",
            "error",
            "CAP_SYS_ADMIN",
        ),
        (LINUX.but(says={VIRSH: Said(err="error: something new", status=1)}), "unknown", "error", "virsh --connect"),
        (LINUX.but(says={VIRSH: Said(status=1)}), "unknown", "error", "virsh --connect"),
    ],
)
def test_libvirt_daemon(host, state, level, words):
    assert doctor.daemon(host).state == state
    (finding,) = doctor.check_daemon(COURSE, host)
    assert finding.level == level
    assert words in finding.message + finding.fix


@pytest.mark.parametrize(
    ("host", "expected", "fix"),
    [
        (LINUX, {}, ""),
        (LINUX.but(says={PLUGINS: Said("No plugins installed.\n")}), {"libvirt.plugin": "error"}, "apt-get install"),
        (
            LINUX.but(says={PLUGINS: Said("vagrant-vbguest (0.31.0, global)\n")}, paths={"/opt/vagrant"}),
            {"libvirt.plugin": "error"},
            "vagrant plugin install vagrant-libvirt",
        ),
        (
            LINUX.but(
                says={PLUGINS: Said("No plugins installed.\n")},
                files={"/etc/os-release": recorded("os-release-ubuntu-24.04.txt")},
            ),
            {"libvirt.plugin": "error"},
            "libvirt-dev",
        ),
        (LINUX.but(says={PLUGINS: Said(err="LoadError", status=1)}), {"libvirt.plugin": "warning"}, "vagrant plugin"),
        (LINUX.without("vagrant"), {}, ""),
    ],
)
def test_libvirt_plugin(host, expected, fix):
    findings = list(doctor.check_plugin(COURSE, host))
    assert bad(findings) == expected
    assert all(fix in finding.fix for finding in findings)


def test_libvirt_missing():
    assert PROVIDERS["libvirt"].checks().gate(COURSE, LINUX) is None
    gone = LINUX.without("virsh").but(variables={"LACKS": "libvirt-clients"})
    assert "libvirt-clients" in PROVIDERS["libvirt"].checks().gate(COURSE, gone).fix
    assert "doctor --fix" in PROVIDERS["libvirt"].checks().gate(COURSE, gone).fix
    assert "Linux only" in PROVIDERS["libvirt"].checks().gate(COURSE, MAC).message
    fedora = gone.without("apt-get").but(files={"/etc/os-release": recorded("os-release-fedora.txt")})
    assert "package manager" in PROVIDERS["libvirt"].checks().gate(COURSE, fedora).fix


@pytest.mark.parametrize(
    ("host", "usable", "fix"),
    [
        (LINUX, True, ""),
        (CI, False, "firmware"),
        (LINUX.but(devices={"/dev/kvm": "absent"}), False, "modprobe kvm_intel"),
        (LINUX.but(devices={"/dev/kvm": "denied"}), False, "usermod -aG kvm"),
        (CI.but(arch="arm64", devices={"/dev/kvm": "yes"}), True, ""),
        (CI.but(files={"/proc/cpuinfo": recorded("cpuinfo-vmx.txt").replace(" vmx ", " svm ")}), True, ""),
        (CI.but(files={"/proc/cpuinfo": "model name\t: svm and vmx\nflags\t\t: fpu svmx\n"}), False, "firmware"),
    ],
)
def test_kvm(host, usable, fix):
    (finding,) = check("libvirt", "check_kvm", COURSE, host)
    assert virtualization.kvm(host).usable is usable
    assert finding.level == ("ok" if usable else "warning")
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("host", "level", "words"),
    [
        (BOTH, "ok", ""),
        (CI, "error", "provider: libvirt"),
        (WINDOWS, "ok", ""),
        (WINDOWS.but(says={POWERSHELL: Said("True\r\nFalse\r\n")}), "warning", "bcdedit"),
        (WINDOWS.but(says={POWERSHELL: Said("False\r\nFalse\r\n")}), "error", "BIOS"),
        (WINDOWS.but(says={POWERSHELL: Said("")}), "warning", "Task Manager"),
        (WINDOWS.but(says={POWERSHELL: Said(status=LATE)}), "warning", "Task Manager"),
        (MAC, "ok", ""),
        (MAC.but(says={"sysctl -n kern.hv_support": Said("0\n")}), "error", "nested"),
        (MAC.but(says={"sysctl -n kern.hv_support": Said(err="unknown oid", status=1)}), "ok", ""),
    ],
)
def test_virtualization_for_virtualbox(host, level, words):
    (finding,) = check("virtualbox", "check_virtualization", COURSE, host)
    assert finding.level == level
    assert words in finding.fix


def test_variables_that_lead_vagrant_elsewhere_are_told():
    host = LINUX.but(variables={"VAGRANT_CWD": "/srv", "VAGRANT_DOTFILE_PATH": ".vx", "VAGRANT_HOME": "/big"})
    (finding,) = [finding for finding in programs.vagrant(COURSE, host) if finding.level == "warning"]
    assert finding.message.startswith(
        "environment variables are set that change Vagrant's folder: VAGRANT_CWD, VAGRANT_DOTFILE_PATH."
    )
    assert finding.fix == "unset VAGRANT_CWD VAGRANT_DOTFILE_PATH"
    assert [finding.level for finding in programs.vagrant(COURSE, LINUX)] == ["ok"]


FIRMWARE = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"


@pytest.mark.parametrize(
    ("host", "level", "message", "fix"),
    [
        (CI.but(arch="arm64", paths={FIRMWARE}), "ok", f"machines of arm64 boot by {FIRMWARE}.", ""),
        (
            CI.but(arch="arm64"),
            "error",
            "UEFI for machines of arm64 is not installed.",
            "apt-get install --no-install-recommends qemu-efi-aarch64",
        ),
        (
            CI.but(arch="arm64", files={"/etc/os-release": None}),
            "error",
            "UEFI for machines of arm64 is not installed.",
            "Install edk2 for aarch64.",
        ),
    ],
)
def test_firmware_of_arm64(host, level, message, fix):
    (finding,) = check("libvirt", "check_firmware", COURSE, host)
    assert (finding.level, finding.message, finding.fix) == (level, message, fix)


def test_firmware_is_not_asked_for_on_amd64():
    assert list(check("libvirt", "check_firmware", COURSE, CI)) == []
