"""The messages in the pages on troubleshooting are the ones that are printed, in each language."""

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

from labgen.core.i18n import Language, Text, _
from labgen.core.lock import Holder
from labgen.host import programs, wsl
from labgen.host.findings import Finding
from labgen.machines.vagrant import HINT_LATE
from labgen.providers.diagnosis_report import MARKS
from labgen.providers.docker import doctor
from labgen.providers.virtualbox import conflicts

CHECKOUT = Path(__file__).parents[3]
PAGES: dict[Language, Path] = {
    "en": CHECKOUT / "docs" / "troubleshooting.md",
    "ko": CHECKOUT / "docs" / "ko" / "troubleshooting.md",
}
TEXT = PAGES["en"].read_text(encoding="utf-8")


def shown(language: Language) -> list[str]:
    """List the lines of all messages that a page shows."""
    blocks = re.findall(r"^```text\n(.*?)^```$", PAGES[language].read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


RUN = Holder("labgen run update", 4711, "2026-11-28 15:20:01", "")
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


@pytest.mark.parametrize(
    ("language", "line"),
    [(language, line) for language in PAGES for line in shown(language) if line[0] in MARKS.values()],
)
def test_docs_what_the_doctor_is_said_to_say_it_says(language: Language, line: str) -> None:
    printed = {
        f"{MARKS[finding.level]} {finding.topic.in_(language)}  {finding.words.in_(language)}" for finding in findings()
    }
    assert line in printed


def test_pages_show_the_same_messages_of_the_doctor() -> None:
    marks = {language: [line[0] for line in shown(language) if line[0] in MARKS.values()] for language in PAGES}
    assert marks["ko"] == marks["en"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (_("this folder was moved: its machines were made in %(earlier)s.", earlier="/home/kim/lab"), "moved"),
        (
            _(
                "this folder is a copy of %(original)s, and the machines it knows are of the lab there.",
                original="/home/kim/lab",
            ),
            "copy",
        ),
        (_("this lab is in use by %(holder)s.", holder=RUN.title), "lock"),
        (_("%(file)s cannot be downloaded:", file="debian-13-...img"), "download"),
        (
            _(
                "%(nodes)s: lab.yml has other settings. To apply them:  labgen up --reload",
                nodes="swarm-worker1, swarm-worker2",
            ),
            "reload",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("language", PAGES)
def test_pages_show_messages_of_labgen_as_it_prints_them(text: Text, line: str, language: Language) -> None:
    printed = text.in_(language)
    error = _("error: %(text)s", text=text).in_(language)
    assert {printed, error} & set(shown(language)), line


@pytest.mark.parametrize(
    ("part", "file"),
    [
        ("and it is not this lab's:", "labgen/providers/virtualbox/template.rb.j2"),
        ("its DHCP server is on and could hand out the nodes' addresses", "labgen/providers/virtualbox/template.rb.j2"),
        ("was made for this lab as it was before: ", "labgen/providers/virtualbox/template.rb.j2"),
        (" did not boot: making ", "labgen/machines/lifecycle.py"),
    ],
)
def test_docs_what_labgen_is_said_to_say_stands_in_its_code(part: str, file: str) -> None:
    assert part in TEXT
    assert part in (CHECKOUT / file).read_text(encoding="utf-8")


def test_docs_what_is_said_of_a_provider_that_hangs() -> None:
    (line,) = (line for line in shown("en") if line.startswith("Something it waits for hangs"))
    assert HINT_LATE.startswith(line)
