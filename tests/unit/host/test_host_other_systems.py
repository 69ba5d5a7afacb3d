"""The doctor on Windows, macOS and WSL: what stops a learner there is named, with the cause and what to do."""

from __future__ import annotations

import pytest
from recorded_docker import ABSENT, DENIED, INFO, MAC_DESKTOP, OLD_WSL_DESKTOP, VERSION, WINDOWS_DESKTOP
from recorded_host import COURSE, MAC, POWERSHELL, WINDOWS, WSL_ON_WINDOWS_DISK, RecordedHost, Said, bad

from labgen.providers.diagnosis import examine

NO_PIPE = "open //./pipe/dockerDesktopLinuxEngine: 지정된 파일을 찾을 수 없습니다."
VBOXMANAGE = "/usr/bin/VBoxManage --version"


def windows_says(powershell: str) -> RecordedHost:
    """A Windows machine whose PowerShell says this of a hypervisor and of the firmware."""
    return WINDOWS.but(says={POWERSHELL: Said(powershell)})


def engine_says(host: RecordedHost, err: str) -> RecordedHost:
    """A computer whose engine does not answer; ``docker`` says this."""
    return host.but(says={VERSION: Said(ABSENT.out, err, 1), INFO: Said("{}", err, 1)})


@pytest.mark.parametrize("host", [WINDOWS, WINDOWS_DESKTOP, MAC_DESKTOP])
def test_examine_finds_a_provider_usable_on_an_ordinary_computer(host: RecordedHost) -> None:
    assert any(examine(COURSE, host).usable.values())


@pytest.mark.parametrize(
    ("host", "name", "cause", "fix"),
    [
        # Windows
        (WINDOWS.without("vagrant"), "vagrant.missing", "is not installed", "https://developer.hashicorp.com/vagrant"),
        (WINDOWS.without("ssh"), "ssh", "ssh is not installed", "Optional features"),
        (WINDOWS.without("VBoxManage"), "virtualbox.missing", "is not installed", "https://www.virtualbox.org"),
        (WINDOWS, "docker.missing", "is not installed", "Docker Desktop"),
        (windows_says("True\r\nFalse\r\n"), "virtualbox.virtualization", "Hyper-V is on", "bcdedit"),
        (windows_says("True\r\nFalse\r\n"), "virtualbox.virtualization", "Hyper-V is on", "--provider docker"),
        (windows_says("False\r\nFalse\r\n"), "virtualbox.virtualization", "switched off in the firmware", "BIOS/UEFI"),
        (windows_says(""), "virtualbox.virtualization", "does not say whether", "Task Manager"),
        (WINDOWS.but(mib=(8000, 2000)), "memory", "are free", "Lower `memory` in lab.yml"),
        (WINDOWS.but(mib=None), "memory", "is unknown", "are free"),
        (
            WINDOWS.but(says={"route print -4": Said("")}),
            "virtualbox.network",
            "routes cannot be read",
            "overlaps 10.0.2.0/24",
        ),
        (WINDOWS.but(user_home="C:/Users/김철수"), "vagrant.home", "C:/Users/김철수", "setx VAGRANT_HOME"),
        (WINDOWS.but(variables={"VAGRANT_CWD": "C:/x"}), "vagrant.variables", "VAGRANT_CWD", "Remove-Item Env:"),
        (WINDOWS.but(says={VBOXMANAGE: Said("7.2.4r170995\r\n")}), "virtualbox.known-bad", "TCP", "7.2.8"),
        (WINDOWS.but(ports={8001: "taken"}), "virtualbox.ports", "8001", "ports"),
        # Windows, Docker Desktop
        (
            engine_says(WINDOWS_DESKTOP, "open //./pipe/x: 지정된 파일을 찾을 수 없습니다."),
            "docker.engine",
            "no engine",
            "Start",
        ),
        (WINDOWS_DESKTOP.but(says={VERSION: DENIED}), "docker.engine", "may not use it", "docker-users"),
        (OLD_WSL_DESKTOP, "docker.wsl-too-old", "before 2.5.1", "wsl --update"),
        # WSL
        (WSL_ON_WINDOWS_DISK, "wsl.folder", "/mnt/c/Users/me/lab", "labgen init ~/lab"),
        # macOS
        (MAC.without("vagrant"), "vagrant.missing", "is not installed", "https://developer.hashicorp.com/vagrant"),
        (MAC.without("ssh"), "ssh", "ssh is not installed", "/usr/bin"),
        (MAC.without("VBoxManage"), "virtualbox.missing", "is not installed", "https://www.virtualbox.org"),
        (MAC.but(says={"sysctl -n kern.hv_support": Said("0\n")}), "virtualbox.virtualization", "none", "another"),
        (MAC.but(says={VBOXMANAGE: Said("7.1.4r165100\n")}), "virtualbox.arm64", "cannot run", "7.1.6"),
        (MAC.but(mib=None), "memory", "is unknown", "are free"),
        (engine_says(MAC_DESKTOP, ABSENT.err), "docker.engine", "no engine answers", "Start Docker Desktop"),
    ],
)
def test_examine_names_cause_and_fix(host: RecordedHost, name: str, cause: str, fix: str) -> None:
    findings = examine(COURSE, host).findings
    assert name in bad(findings)
    (finding,) = (finding for finding in findings if finding.id == name and finding.level != "ok")
    assert cause in finding.message
    assert fix in finding.fix
    assert all(bool(finding.fix) is (finding.level != "ok") for finding in findings)
