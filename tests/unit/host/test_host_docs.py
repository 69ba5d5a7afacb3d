"""The messages in docs/troubleshooting.md are the ones that are printed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from recorded_docker import DOCKER, INSPECT, OLD_WSL_DESKTOP
from recorded_host import (
    BOTH,
    COURSE,
    KVM_AT_LOAD,
    POWERSHELL,
    VMS,
    WINDOWS,
    WSL_ON_WINDOWS_DISK,
    RecordedHost,
    Said,
    check,
    lab,
    recorded,
)

from labgen.host import programs, wsl
from labgen.host.findings import Finding
from labgen.machines.vagrant import HINT_LATE
from labgen.providers.diagnosis_report import MARKS
from labgen.providers.docker import doctor
from labgen.providers.virtualbox import conflicts

CHECKOUT = Path(__file__).parents[3]
TEXT = (CHECKOUT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SHOWN = [
    line for block in re.findall(r"^```\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]

VPN = '[{"dst": "10.0.2.0/24", "dev": "tun0"}]'


def virtualbox(version: str, vagrant: str = "2.4.9") -> RecordedHost:
    return BOTH.but(
        says={"/usr/bin/VBoxManage --version": Said(version), "vagrant --version": Said(f"Vagrant {vagrant}")}
    )


def findings() -> Iterator[Finding]:
    """What the doctor says on computers that lack something."""
    yield from check("virtualbox", "check_version", COURSE, virtualbox("7.2.8r173730", "2.4.3"))
    yield from check("virtualbox", "check_version", COURSE, virtualbox(recorded("vboxmanage-no-module.txt")))
    yield from check("virtualbox", "check_version", COURSE, virtualbox("7.2.1r170300"))
    yield from check("virtualbox", "check_version", COURSE, virtualbox("7.2.4r170995"))
    yield from check("virtualbox", "check_version", COURSE, virtualbox("7.1.12r169651").but(files={KVM_AT_LOAD: "Y\n"}))
    for answer in ("True\r\nFalse\r\n", "False\r\nFalse\r\n"):
        yield from check("virtualbox", "check_virtualization", COURSE, WINDOWS.but(says={POWERSHELL: Said(answer)}))
    yield from check("virtualbox", "clashes", COURSE, BOTH.but(says={"ip -j route": Said(VPN)}))
    yield from check("virtualbox", "ports", COURSE, BOTH.but(ports={8001: "taken"}))
    machine = '"labgen swarm-manager" {8fb3f49d-532e-45dd-be9a-6c532864aa61}\n'
    yield from conflicts.check_names(COURSE, BOTH.but(says={VMS: Said(machine)}))
    networks = [{**answer, "Name": "labgen-lab"} for answer in json.loads(recorded("docker-networks.json"))[:1]]
    yield from check("docker", "check_routes", COURSE, DOCKER.but(says={INSPECT: Said(json.dumps(networks))}))
    yield from programs.vagrant(COURSE, BOTH.but(variables={"VAGRANT_CWD": "/elsewhere"}))
    alone = BOTH.but(internet={"vagrantcloud.com:443": False, "registry-1.docker.io:443": False})
    yield from check("virtualbox", "box", lab("box: {name: someone/box}"), alone)
    closed = BOTH.but(statuses={"https://vagrantcloud.com/someone/box": 404})
    yield from check("virtualbox", "box", lab("box: {name: someone/box}"), closed)
    silent = BOTH.but(internet={"cloud.debian.org:443": False, "cdimage.debian.org:443": False})
    yield from check("virtualbox", "box", lab("box: {image: debian-13}"), silent)
    yield from check("virtualbox", "images", COURSE, alone)
    yield from programs.folder(COURSE, BOTH.but(lab_folder="/home/kim/${lab}"))
    yield from wsl.folder(COURSE, WSL_ON_WINDOWS_DISK)
    yield from doctor.check_engine(COURSE, OLD_WSL_DESKTOP)
    yield from programs.vagrant(COURSE, WINDOWS.but(user_home="C:/Users/김 철수"))


@pytest.mark.parametrize("line", [line for line in SHOWN if line[0] in MARKS.values()])
def test_what_the_doctor_is_said_to_say_it_says(line: str) -> None:
    assert line in {f"{MARKS[finding.level]} {finding.subject}  {finding.message}" for finding in findings()}


@pytest.mark.parametrize(
    ("part", "file"),
    [
        ("and it is not this lab's:", "labgen/providers/virtualbox/template.rb.j2"),
        ("its DHCP server is on and could hand out the nodes' addresses", "labgen/providers/virtualbox/template.rb.j2"),
        ("was made for this lab as it was before: ", "labgen/providers/virtualbox/template.rb.j2"),
        (" did not boot: making ", "labgen/machines/lifecycle.py"),
    ],
)
def test_what_labgen_is_said_to_say_stands_in_its_code(part: str, file: str) -> None:
    assert part in TEXT
    assert part in (CHECKOUT / file).read_text(encoding="utf-8")


def test_what_is_said_of_a_provider_that_hangs() -> None:
    (line,) = (line for line in SHOWN if line.startswith("Something it waits for hangs"))
    assert HINT_LATE.startswith(line)
