"""Docker engines of recorded answers.

What :data:`INFO` and :data:`VERSION` say was recorded: a client 28.2.2 with Debian 12's engine 20.10.24, and the
same client without an engine. The other engines were not at hand; they are made from that recording by what public
documents show of them:

* Docker Desktop: docker/for-mac#7402 (``Server: Docker Desktop 4.33.0 (160616)``, kernel 6.10.0-linuxkit) and
  kubernetes-sigs/kind#1740 (Windows, kernel …-microsoft-standard…)
* rootless: docs.docker.com/engine/security/rootless, kubernetes/minikube#10652 (the security option)
* userns-remap: docs.docker.com/engine/security/userns-remap
* Podman: containers/podman#11227 (component "Podman Engine"), lirantal/dockly#171 (``docker --version``)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from recorded_host import CI, LINUX, MAC, WINDOWS, RecordedHost, Said, recorded

IMAGE = "labgen/node:0123456789ab"
ABSENT = Said(recorded("docker-version-client.json"), recorded("docker-absent.txt"), 1)
DENIED = Said(recorded("docker-version-client.json"), recorded("docker-denied.txt"), 1)
VERSION = "docker version --format {{json .}}"
INFO = "docker info --format {{json .}}"
ENDPOINT = "docker context inspect --format {{.Endpoints.docker.Host}}"
IMAGES = f"docker images --quiet {IMAGE}"
NETWORKS = "docker network ls --quiet --no-trunc"
INSPECT = "docker network inspect a b c d"
INSIDE = (
    f"docker run --rm --network none --entrypoint /bin/sh {IMAGE} -c uname -r; genl ctrl get name IPVS 2>&1; echo ==; "
    "cat /proc/filesystems; echo ==; zcat /proc/config.gz"
)
GENL = "genl ctrl get name IPVS"
RELEASE = "6.1.0-37-amd64"
MODULES = f"/lib/modules/{RELEASE}"
HAS_IPVS = "Name: IPVS\n\tID: 0x23  Version: 0x1  header size: 0  max attribs: 7 \n"
NO_IPVS = Said(err=recorded("genl-no-ipvs.txt"), status=255)
NO_NETWORKS = json.dumps(
    [network for network in json.loads(recorded("docker-networks.json")) if network["Name"] != "clash"]
)


def info(**changes: Any) -> Said:
    """What ``docker info`` says, but for these fields."""
    return Said(json.dumps({**json.loads(recorded("docker-info.json")), **changes}) + "\n")


def version(kernel: str = RELEASE, **changes: Any) -> Said:
    """What ``docker version`` says, but for these fields of the server."""
    answer = json.loads(recorded("docker-version.json"))
    return Said(json.dumps({**answer, "Server": {**answer["Server"], "KernelVersion": kernel, **changes}}) + "\n")


def engine(**changes: Any) -> dict[str, Said]:
    """An engine of this computer on which all is well, but for these fields of ``docker info``."""
    return {
        "docker --version": Said("Docker version 28.2.2, build e6534b4\n"),
        VERSION: version(),
        INFO: info(**{"KernelVersion": RELEASE, **changes}),
        ENDPOINT: Said("unix:///var/run/docker.sock\n"),
        IMAGES: Said("f1f4a5ae21d5\n"),
        NETWORKS: Said("a\nb\nc\nd\n"),
        INSPECT: Said(NO_NETWORKS),
    }


KERNEL_FILES: Mapping[str, str | None] = {
    "/proc/filesystems": recorded("proc-filesystems.txt"),
    "/proc/config.gz": None,
    f"/boot/config-{RELEASE}": None,
    f"{MODULES}/modules.dep": recorded("modules.dep"),
    f"{MODULES}/modules.builtin": recorded("modules.builtin"),
}
KERNEL: dict[str, Any] = {
    "files": KERNEL_FILES,
    "folders": {"/lib/modules": (RELEASE,), "/sys/module": ("overlay", "bridge", "tcp_cubic")},
    "paths": {MODULES},
}
"""Debian's kernel: nearly all of it modules."""

DOCKER = LINUX.but(
    programs={"docker", "dockerd"},
    says={**engine(), "uname -r": Said(f"{RELEASE}\n"), GENL: Said(HAS_IPVS)},
    **KERNEL,
)
"""The Debian laptop with Docker on which everything is well."""

OWN = CI.but(
    programs={"docker", "dockerd", "unshare"},
    says={
        "docker --version": Said("Docker version 28.2.2, build e6534b4\n"),
        "dockerd --version": Said("Docker version 20.10.24+dfsg1, build 5d6db84\n"),
        VERSION: ABSENT,
        ENDPOINT: Said("unix:///var/run/docker.sock\n"),
        "uname -r": Said("6.18.44\n"),
        GENL: NO_IPVS,
    },
    files={
        "/proc/filesystems": recorded("proc-filesystems.txt"),
        "/proc/config.gz": recorded("kernel-config-no-ipvs.txt"),
    },
    folders={"/sys/module": ("bridge", "overlay", "vxlan")},
)
"""The CI machine with Docker: no engine runs, the kernel has no modules and no IPVS."""


def desktop(host: RecordedHost, kernel: str = "6.10.0-linuxkit", arch: str = "aarch64", **changes: Any) -> RecordedHost:
    """A computer with Docker Desktop besides."""
    answer = version(kernel, Platform={"Name": "Docker Desktop 4.33.0 (160616)"}, ApiVersion="1.46", Version="27.1.1")
    answers = engine(
        **{
            "KernelVersion": kernel,
            "OperatingSystem": "Docker Desktop",
            "Architecture": arch,
            "NCPU": 8,
            "MemTotal": 8_217_669_632,
            "CgroupVersion": "2",
            **changes,
        }
    )
    where = "npipe:////./pipe/dockerDesktopLinuxEngine" if host.os == "Windows" else "unix:///Users/me/.docker/run/sock"
    return host.but(
        programs={"docker"}, says={**answers, VERSION: answer, ENDPOINT: Said(f"{where}\n"), IMAGES: Said()}
    )


MAC_DESKTOP = desktop(MAC)
WINDOWS_DESKTOP = desktop(WINDOWS, "5.15.153.1-microsoft-standard-WSL2", "x86_64")
OLD_WSL_DESKTOP = desktop(WINDOWS, "5.15.167.4-microsoft-standard-WSL2", "x86_64", CgroupVersion="1")
"""The same before WSL 2.5.1: control groups of version 1 (microsoft/WSL#6662)."""
