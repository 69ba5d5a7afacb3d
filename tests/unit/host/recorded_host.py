"""A computer of recorded answers, in the place of the real one; it fails on any question it has no answer to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from labgen import boxes
from labgen.config import parse
from labgen.core.process import Result
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.model.lab import CloudImageSource, Lab
from labgen.providers import PROVIDERS

RECORDED = Path(__file__).parent / "recorded"
VIRSH = "virsh --connect qemu:///system version --daemon"
PLUGINS = "vagrant plugin list"
KVM_AT_LOAD = "/sys/module/kvm/parameters/enable_virt_at_load"


def _vbox(*words: str) -> str:
    return " ".join(("/usr/bin/VBoxManage", *words))


VMS = _vbox("list", "vms")
NATNETS = _vbox("list", "--long", "natnets")


def recorded(name: str) -> str:
    """A recorded output."""
    return (RECORDED / name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Said:
    """What a program said."""

    out: str = ""
    err: str = ""
    status: int = 0


NOBODYS: Mapping[str, Said] = {VMS: Said(), NATNETS: Said()}
"""A VirtualBox that nobody has made anything in, unless another answer is recorded."""


@dataclass
class RecordedHost(Host):
    """See the module. ``commands`` keeps every command, in the order in which they were run."""

    os: str = "Linux"
    arch: str = "amd64"
    root: bool = False
    processors: int = 4
    variables: Mapping[str, str] = field(default_factory=dict)
    user_home: str = "/home/learner"
    lab_folder: str = "/home/learner/lab"
    programs: frozenset[str] = frozenset()
    says: Mapping[str, Said] = field(default_factory=dict)
    files: Mapping[str, str | None] = field(default_factory=dict)
    paths: frozenset[str] = frozenset()
    folders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    devices: Mapping[str, str] = field(default_factory=dict)
    free_disk: int | None = 50_000
    mib: tuple[int, int] | None = (16_000, 12_000)
    ports: Mapping[int, str] = field(default_factory=lambda: {8001: "free"})
    internet: Mapping[str, bool] = field(default_factory=dict)
    statuses: Mapping[str, int | None] = field(default_factory=dict)
    checksums: Mapping[str, str] = field(default_factory=dict)
    built: frozenset[str] = frozenset({"libvirt", "virtualbox"})
    node: str | None = "labgen/node:0123456789ab"
    to_build: tuple[str, ...] = ("mmdebstrap", "syslinux-common")
    commands: list[str] = field(default_factory=list)
    followed: list[str] = field(default_factory=list)
    apt: Callable[[str], Said] | None = None

    def __post_init__(self) -> None:
        self.answers: dict[str, Result] = {}
        self.lock = threading.Lock()

    def but(self, **changes: Any) -> RecordedHost:
        """The same computer but for these; mappings and sets are added to."""
        merged = {}
        for name, value in changes.items():
            old = getattr(self, name)
            if isinstance(old, Mapping):
                value = {**old, **value}
            elif isinstance(old, frozenset):
                value = old | frozenset(value)
            merged[name] = value
        return replace(self, commands=[], followed=[], **merged)

    def without(self, *programs: str) -> RecordedHost:
        """The same computer without these programs."""
        return replace(self, commands=[], followed=[], programs=self.programs - frozenset(programs))

    def system(self) -> str:
        return self.os

    def machine(self) -> str:
        return self.arch

    def is_root(self) -> bool:
        return self.root

    def cpus(self) -> int:
        return self.processors

    def env(self, name: str) -> str:
        return self.variables.get(name, "")

    def home(self) -> Path:
        return Path(self.user_home)

    def folder(self) -> Path:
        return Path(self.lab_folder)

    def which(self, program: str) -> str | None:
        return f"/usr/bin/{program}" if program in self.programs else None

    def run(self, *argv: str, timeout: float = 10.0) -> Result:
        command = " ".join(argv)
        with self.lock:
            if command not in self.answers:
                answer = self.says.get(command, NOBODYS.get(command))
                if answer is None and argv[0] == "dpkg-query":
                    answer = self.dpkg(argv)
                assert answer is not None, f"not recorded: {command}"
                self.commands.append(command)
                self.answers[command] = Result(argv, answer.status, answer.out, answer.err)
        return self.answers[command]

    def dpkg(self, argv: tuple[str, ...]) -> Said | None:
        return None

    def forget(self) -> None:
        self.answers.clear()

    def follow(self, *argv: str, on_line: Callable[[str], None], timeout: float) -> Result:
        command = " ".join(argv)
        assert self.apt is not None, f"not recorded: {command}"
        self.followed.append(command)
        answer = self.apt(command)
        return Result(argv, answer.status, answer.out, answer.err)

    def read(self, path: Path) -> str | None:
        assert str(path) in self.files, f"not recorded: {path}"
        return self.files[str(path)]

    def exists(self, path: Path) -> bool:
        return str(path) in self.paths

    def names(self, folder: Path) -> tuple[str, ...]:
        return self.folders.get(str(folder), ())

    def opens(self, device: Path) -> Any:
        return self.devices[str(device)]

    def disk_free(self, path: Path) -> int | None:
        return self.free_disk

    def memory(self) -> tuple[int, int] | None:
        return self.mib

    def port(self, number: int) -> Any:
        if 18000 <= number < 19000:
            return "free"
        return self.ports[number]

    def reaches(self, name: str, port: int, within: float = 2.0) -> bool:
        assert f"{name}:{port}" in self.internet, f"not recorded: {name}:{port}"
        return self.internet[f"{name}:{port}"]

    def http_status(self, url: str, within: float = 8.0) -> int | None:
        return self.statuses.get(url, 200)

    def sha256(self, path: Path) -> str:
        return self.checksums[str(path)]

    def cloud_box(self, source: CloudImageSource, provider: str) -> bool:
        return source.name in self.built

    def cloud_image_addresses(self, source: CloudImageSource) -> tuple[str, ...]:
        return boxes.cloud_images.of_source(source, self.arch).addresses

    def built_box(self, provider: str, suite: str = "bookworm") -> bool:
        return provider in self.built

    def node_image(self, suite: str = "bookworm") -> str | None:
        return self.node

    def box_packages(self, provider: str) -> tuple[str, ...]:
        return self.to_build[:1] if provider == "docker" else self.to_build


class Debian(RecordedHost):
    """One whose dpkg knows what is installed: everything, but for what the variable LACKS names.

    Packages of Docker, Inc. are installed only where the variable HAS names them.
    """

    def dpkg(self, argv: tuple[str, ...]) -> Said:
        assert argv[1:4] == ("-W", "-f", r"${Package}\t${db:Status-Status}\n")
        lacks = frozenset(self.variables.get("LACKS", "").split())
        lacks |= {"docker-ce", "docker-ce-cli"} - frozenset(self.variables.get("HAS", "").split())
        lines = [f"{name}\tinstalled" for name in argv[4:] if name not in lacks]
        return Said("\n".join(lines) + "\n", status=1 if lacks else 0)


LIBVIRT = frozenset(
    {"virsh", "libvirtd", "qemu-system-x86_64", "qemu-img", "dnsmasq", "iptables", "nc", "ip", "nsenter", "unshare"}
)
INTERNET = {
    "vagrantcloud.com:443": True,
    "cloud.debian.org:443": True,
    "cdimage.debian.org:443": True,
    "registry-1.docker.io:443": True,
}

LINUX = Debian(
    programs=LIBVIRT | {"vagrant", "ssh", "apt-get"},
    says={
        "vagrant --version": Said("Vagrant 2.3.4\n"),
        PLUGINS: Said("vagrant-libvirt (0.11.2, system)\n"),
        VIRSH: Said(recorded("virsh-version.txt")),
        "ip -j route": Said(recorded("linux-laptop.json")),
        "uname -r": Said("6.1.0-37-amd64\n"),
    },
    files={
        "/etc/os-release": recorded("os-release-debian-12.txt"),
        "/proc/cpuinfo": recorded("cpuinfo-vmx.txt"),
        "/proc/1/comm": "systemd\n",
        KVM_AT_LOAD: None,
    },
    devices={"/dev/kvm": "yes"},
    internet=INTERNET,
)
"""A Debian laptop with libvirt, on which everything is well."""

CI = LINUX.but(
    root=True,
    says={VIRSH: Said(err=recorded("virsh-absent.txt"), status=1), "unshare --net --mount true": Said()},
    files={"/proc/cpuinfo": recorded("cpuinfo-no-virtualization.txt"), "/proc/1/comm": "init\n"},
)
"""A CI machine: root, no systemd, no virtualization, no libvirtd."""

BOTH = LINUX.but(
    programs={"VBoxManage"},
    says={"/usr/bin/VBoxManage --version": Said("7.0.26_Ubuntur168464\n")},
)
"""The laptop with VirtualBox as well."""

MAC = RecordedHost(
    os="Darwin",
    arch="arm64",
    programs=frozenset({"vagrant", "ssh", "VBoxManage"}),
    says={
        "vagrant --version": Said("Vagrant 2.4.9\n"),
        "/usr/bin/VBoxManage --version": Said("7.1.12r169651\n"),
        "sysctl -n kern.hv_support": Said("1\n"),
        "netstat -rn": Said(recorded("netstat-macos.txt")),
    },
    mib=(16_384, 7_286),
    internet=INTERNET,
)
"""A Mac with Apple silicon on which everything is well."""

POWERSHELL = (
    "powershell -NoProfile -NonInteractive -Command (Get-CimInstance Win32_ComputerSystem).HypervisorPresent; "
    "(Get-CimInstance Win32_Processor | Select-Object -First 1).VirtualizationFirmwareEnabled"
)
WINDOWS = RecordedHost(
    os="Windows",
    programs=frozenset({"vagrant", "ssh", "VBoxManage"}),
    says={
        "vagrant --version": Said("Vagrant 2.4.9\r\n"),
        "/usr/bin/VBoxManage --version": Said("7.2.8r173730\r\n"),
        POWERSHELL: Said("False\r\nTrue\r\n"),
        "route print -4": Said(recorded("route-print-en.txt")),
    },
    mib=(16_000, 9_000),
    internet=INTERNET,
)
"""A Windows machine on which everything is well."""

WSL = LINUX.but(says={"uname -r": Said("5.15.167.4-microsoft-standard-WSL2\n")})
WSL_ON_WINDOWS_DISK = WSL.but(lab_folder="/mnt/c/Users/me/lab")
"""Linux inside Windows, the second with the lab's folder where Windows has its own files."""

COURSE: Lab = parse("")
"""The course's own lab."""


def lab(text: str) -> Lab:
    """The lab that a lab file describes."""
    return parse(text)


def bad(findings: Iterable[Any]) -> dict[str, str]:
    """Ids and levels of what is not well."""
    return {finding.id: finding.level for finding in findings if finding.level != "ok"}


def check(provider: str, name: str, lab: Lab, host: Host) -> Iterable[Finding]:
    """Run one of a provider's checks, as the provider has registered it.

    :param name: name of the function.
    """
    checks = {getattr(check, "func", check).__name__: check for check in PROVIDERS[provider].checks().rest}
    return checks[name](lab, host)
