"""A provider is a folder and a registration: one of the tests' own goes through the public command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labgen import cli
from labgen.cli import status as status_command
from labgen.cli import up as up_command
from labgen.core.errors import HostError
from labgen.core.process import Result, Runner
from labgen.model import provider_names
from labgen.model.capabilities import Capability
from labgen.model.lab_folder import LabFolder
from labgen.providers import PROVIDERS, diagnosis

PACKAGE = "tests.unit.providers.toy"
LAB = "nodes: [{name: swarm-manager, role: manager}, {name: swarm-worker1, role: worker}]\n"


@pytest.fixture
def toy() -> Iterator[None]:
    provider_names.register("toy", PACKAGE)
    yield
    if "toy" in provider_names.packages():
        provider_names.unregister("toy")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy: None) -> LabFolder:
    """Give a lab folder in which no program can be started: neither Vagrant nor any other."""

    def refuse(_runner: Runner, argv: Any, **_: Any) -> Result:
        if argv[0] == "ssh":  # ends shared connections
            return Result(tuple(map(str, argv)), 0, "", "")
        raise AssertionError(f"started: {argv}")

    monkeypatch.setattr(Runner, "run", refuse)
    monkeypatch.setattr(diagnosis, "GENERAL", ())
    monkeypatch.setattr(up_command, "fab", lambda *_: 0)
    monkeypatch.setattr(status_command, "_swarm", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    folder = LabFolder.at(tmp_path)
    folder.lab_file.write_text(LAB, encoding="utf-8")
    return folder


def labgen(folder: LabFolder, *words: str) -> int:
    return cli.main(["-C", str(folder.path), *words])


def test_registry_prefers_its_own_providers_and_knows_the_registered_one(toy: None) -> None:
    assert list(PROVIDERS) == ["virtualbox", "libvirt", "docker", "toy"]
    assert PROVIDERS["toy"].title == "Toy (lines in a file)"


def test_registry_finds_providers_by_their_entry_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    about = tmp_path / "labgen_toy-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: labgen-toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[{provider_names.ENTRY_POINTS}]\ntoy = {PACKAGE}\n")
    monkeypatch.syspath_prepend(tmp_path)
    provider_names._installed.cache_clear()
    try:
        assert "toy" in PROVIDERS
        assert PROVIDERS["toy"].name == "toy"
    finally:
        provider_names._installed.cache_clear()


def test_registry_says_which_package_cannot_be_loaded(capsys: pytest.CaptureFixture[str], lab: LabFolder) -> None:
    provider_names.register("toy", "no_such_package")
    assert labgen(lab, "doctor", "--provider", "toy") == HostError.exit_status
    assert "the provider toy cannot be loaded from no_such_package" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "package"), [("other", PACKAGE), ("toy", "json"), ("toy", "labgen.providers")])
def test_registry_refuses_what_is_no_provider_of_that_name(lab: LabFolder, name: str, package: str) -> None:
    provider_names.register(name, package)
    try:
        with pytest.raises(HostError, match=f"the provider {name} cannot be loaded from {package}: "):
            _ = PROVIDERS[name]
    finally:
        provider_names.unregister(name)
        provider_names.register("toy", PACKAGE)


def test_render_includes_its_part(lab: LabFolder) -> None:
    assert labgen(lab, "render") == 0
    text = lab.vagrantfile.read_text(encoding="utf-8")
    assert "override.vm.box = 'toy/box'" in text
    assert "      toy.call(node, spec)\n" in text


def test_render_checks_lab_yml_against_its_name(lab: LabFolder, capsys: pytest.CaptureFixture[str]) -> None:
    lab.lab_file.write_text(f"{LAB}provider: toi\n", encoding="utf-8")
    assert labgen(lab, "render") != 0
    assert "Did you mean toy?" in capsys.readouterr().err
    lab.lab_file.write_text(f"{LAB}provider: toy\n", encoding="utf-8")
    assert labgen(lab, "render") == 0


def test_schema_offers_its_name(toy: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["provider"]["enum"] == ["auto", "virtualbox", "libvirt", "docker", "toy"]


def test_doctor_runs_its_checks(lab: LabFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(lab, "doctor", "--provider", "toy") == 0
    output = capsys.readouterr().out
    assert "Toy (lines in a file): can be used, published ports do not answer" in output
    assert "✓ shelf  2 toys fit on it." in output
    assert "labgen up will use Toy" in output


def test_up_dry_run_makes_nothing(lab: LabFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(lab, "up", "--provider", "toy", "--dry-run") == 0
    assert "create what is missing, start what does not run: swarm-manager, swarm-worker1" in capsys.readouterr().out
    assert not (lab.path / "toy-machines").exists()
    assert lab.state() is None


def test_up_status_down_by_its_own_driver(lab: LabFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(lab, "up", "--provider", "toy") == 0
    state = lab.state()
    assert state is not None
    assert (state.provider, dict(state.lacks)) == ("toy", {Capability.ROUTING_MESH: "a toy has no network"})
    assert "Port 2222" in lab.ssh_config.read_text(encoding="utf-8")
    assert lab.machine_ids() == {"toy": {"swarm-manager": "toy-swarm-manager", "swarm-worker1": "toy-swarm-worker1"}}

    capsys.readouterr()
    assert labgen(lab, "status", "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert status["machines"] == {"swarm-manager": "running", "swarm-worker1": "running"}

    assert labgen(lab, "down") == 0
    assert not (lab.path / "toy-machines").exists()
    assert lab.state() is None


def test_down_says_what_its_leftovers_are(lab: LabFolder, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(lab, "up", "--provider", "toy") == 0
    (lab.path / "toy-stuck").touch()
    assert labgen(lab, "down") != 0
    output = capsys.readouterr().err
    assert "not everything could be removed: machine swarm-manager, machine swarm-worker1" in output
    assert "toyctl remove toy-swarm-manager" in output


@pytest.mark.parametrize("command", ["up", "snapshot save x"])
def test_toy_provider_of_lab_says_what_to_do_once_it_is_gone(
    lab: LabFolder, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert labgen(lab, "up", "--provider", "toy") == 0
    provider_names.unregister("toy")
    capsys.readouterr()
    assert labgen(lab, *command.split()) != 0
    output = capsys.readouterr().err
    assert "this lab runs on the provider 'toy', which labgen does not know." in output
    assert "vagrant destroy" in output
    assert "Traceback" not in output
