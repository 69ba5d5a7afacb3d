"""`labgen brief`: what a learner types is what the exercise does; in a lab whose nodes lack something, what to do
instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labgen import cli
from labgen.core.i18n import Language
from labgen.exercise.catalogue import exercises
from labgen.model.capabilities import NO_IPVS, Capability
from labgen.model.lab_folder import LabFolder, State


@pytest.mark.parametrize(("language", "heading"), [("en", "Not applicable here"), ("ko", "여기에서는 해당 없음")])
def test_brief_ends_with_what_the_nodes_cannot_do_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, heading: str
) -> None:
    words = ["-C", str(tmp_path), "brief", "loadbalance", "--lang", language]
    assert cli.main(words) == 0
    plain = capsys.readouterr().out
    lacks = {Capability.NETPLAN: "no part of this exercise", Capability.ROUTING_MESH: NO_IPVS}
    LabFolder.at(tmp_path).remember(State("docker", lacks=lacks))
    assert cli.main(words) == 0
    brief = capsys.readouterr().out
    assert brief.startswith(plain)
    added = brief.removeprefix(plain)
    assert added.startswith(f"\n## {heading}: routing mesh\n\nThe kernel under the nodes has no IPVS")
    assert "docker network inspect docker_gwbridge" in added
    assert "no part of this exercise" not in brief


@pytest.mark.parametrize("lacks", [{}, {Capability.NETPLAN: "an engine outside gives addresses"}])
def test_brief_of_a_lab_that_lacks_nothing_it_needs_is_the_same_everywhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lacks: dict[Capability, str]
) -> None:
    words = ["-C", str(tmp_path), "brief", "loadbalance", "--lang", "en"]
    assert cli.main(words) == 0
    plain = capsys.readouterr().out
    LabFolder.at(tmp_path).remember(State("libvirt", lacks=lacks))
    assert cli.main(words) == 0
    assert capsys.readouterr().out == plain


def test_brief_has_the_addresses_of_the_lab_it_is_read_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lab.yml").write_text("network: 192.168.77.0/24\n")
    assert cli.main(["-C", str(tmp_path), "brief", "loadbalance", "--lang", "en"]) == 0
    brief = capsys.readouterr().out
    assert "curl 192.168.77.101:8001" in brief
    assert "10.0.2." not in brief


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("name", sorted(exercises()))
def test_brief_makes_the_services_that_the_exercise_makes(name: str, language: Language) -> None:
    exercise = exercises()[name]
    brief = re.sub(r"\s+", " ", exercise.brief(language).replace("\\\n", " "))
    # What a stack has stands in its file.
    of_stacks = tuple(f"{stack}_" for stack in exercise.stacks)
    alone = [spec.create for spec in exercise.services if not spec.name.startswith(of_stacks)]
    assert [command for command in alone if command not in brief] == []
