"""The command line as a user meets it: helpful where it can be, one message where something is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labgen import cli
from labgen.machines.lifecycle import stuck_machines
from tests import needs


def labgen(folder: Path, *words: str) -> int:
    return cli.main(["-C", str(folder), *words])


def test_help_imports_nothing_heavy() -> None:
    # In a process of its own: this one has imported everything already.
    code = "import sys; from labgen import cli; cli.main(['--help']); print(*sorted(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules = printed.splitlines()[-1].split()
    assert {"pydantic", "jinja2", "yaml", "rich", "fabric", "vagrant", "pytest"}.isdisjoint(modules)
    own = {name.removeprefix("labgen.cli.") for name in modules if name.startswith("labgen.cli.")}
    assert own == {"click_messages", "declare", "language", "parameters", "root"}


def test_cli_package_can_be_run_as_a_module() -> None:
    result = subprocess.run([sys.executable, "-m", "labgen", "--version"], capture_output=True, text=True, check=True)
    assert result.stdout.startswith("labgen ")


def test_render_says_what_became_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(tmp_path, "render") == 0
    assert labgen(tmp_path, "render") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.rsplit(": ", 1)[1] for line in lines] == ["created", "unchanged"]


def test_render_keeps_an_edit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labgen(tmp_path, "render")
    edited = (tmp_path / "Vagrantfile").read_text() + "# mine\n"
    (tmp_path / "Vagrantfile").write_text(edited)
    assert labgen(tmp_path, "render") == 4
    assert "edited by hand" in capsys.readouterr().err
    assert (tmp_path / "Vagrantfile").read_text() == edited
    assert labgen(tmp_path, "render", "--diff") == 0
    assert "-# mine" in capsys.readouterr().out
    assert labgen(tmp_path, "render", "--force") == 0
    assert "# mine" not in (tmp_path / "Vagrantfile").read_text()


def test_render_to_standard_output_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(tmp_path, "render", "--stdout") == 0
    assert "swarm-manager" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_mistakes_of_the_lab_file_are_all_told_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab.yml").write_text("workers: two\nmanagers: 0\nproviderr: x\n")
    assert labgen(tmp_path, "render") == 3
    errors = capsys.readouterr().err
    for place in ("line 1, workers", "line 2, managers", "line 3, providerr"):
        assert place in errors
    assert "Traceback" not in errors


def test_cli_warning_is_told_and_does_not_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "lab.yml").write_text("managers: 2\n")
    assert labgen(tmp_path, "render") == 0
    assert "warning: lab.yml: line 1, managers" in capsys.readouterr().err


def test_schema_is_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(tmp_path, "schema") == 0
    assert "workers" in json.loads(capsys.readouterr().out)["properties"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_cli_brief_speaks_both_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str) -> None:
    assert labgen(tmp_path, "brief", "loadbalance", "--lang", language) == 0
    brief = capsys.readouterr().out
    assert ("로드 밸런싱" in brief) == (language == "ko")
    assert "docker service create --name web-alb" in brief


def test_cli_exercise_that_does_not_exist_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(tmp_path, "run", "loadbalanse") == 10
    assert "Did you mean loadbalance?" in capsys.readouterr().err


def test_run_lists_the_exercises(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(tmp_path, "run", "--list") == 0
    assert "loadbalance" in capsys.readouterr().out


@pytest.mark.parametrize("command", [["grade"], ["ssh", "swarm-manager"]])
def test_cli_lab_that_is_not_up_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert labgen(tmp_path, *command) == 7
    assert "labgen up" in capsys.readouterr().err


def test_status_of_no_lab(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labgen(tmp_path, "status", "--json") == 7
    assert "not up" in json.loads(capsys.readouterr().out)["trouble"]


def test_init_lays_down_a_folder_and_leaves_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = tmp_path / "my lab"
    assert cli.main(["init", str(place)]) == 0
    assert {path.relative_to(place).as_posix() for path in place.rglob("*.py")} == {"fabfile.py"}
    assert len([path for path in place.rglob("*") if path.is_file()]) <= 5
    (place / "lab.yml").write_text("workers: 3\n")
    assert cli.main(["init", str(place)]) == 0
    assert "changed by you, not touched" in capsys.readouterr().out
    assert (place / "lab.yml").read_text() == "workers: 3\n"


def test_init_in_the_place_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x").write_text("")
    assert cli.main(["init", str(tmp_path / "x")]) == 5
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize("verify", ["a file", "a link", "a link to itself", "a folder in the place of a file"])
def test_init_writes_nothing_where_it_cannot_write_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], verify: str
) -> None:
    needs.posix("links")
    place, elsewhere = tmp_path / "lab", tmp_path / "elsewhere"
    place.mkdir()
    elsewhere.mkdir()
    if verify == "a file":
        (place / "verify").write_text("mine")
    elif verify == "a link":
        (place / "verify").symlink_to(elsewhere)
    elif verify == "a link to itself":
        (place / "verify").symlink_to("verify")
    else:
        (place / "verify" / "README.md").mkdir(parents=True)
    assert cli.main(["init", str(place)]) == 5
    assert str(place / "verify") in capsys.readouterr().err
    assert [path.name for path in place.iterdir()] == ["verify"]
    assert list(elsewhere.iterdir()) == []


def test_interruption_says_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("labgen.machines.render.render", interrupt)
    assert labgen(tmp_path, "render") == 130
    assert "carries on" in capsys.readouterr().err


def test_cli_pipe_that_closes_is_no_error(tmp_path: Path) -> None:
    needs.posix("sh")
    command = f"'{sys.executable}' -m labgen.cli -C '{tmp_path}' schema | head -c 1"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert result.stdout == "{"
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("message", "names"),
    [
        (
            "An error occurred while executing the action on the 'b'\nmachine. Please handle this error:\n\n"
            "The domain did not get an IP address within the specified amount of time.",
            ["b"],
        ),
        ("Vagrant failed (last heard of: a):\nTimed out while waiting for the machine to boot.", ["a"]),
        ("Vagrant failed (last heard of: a):\nThe box 'x' could not be found.", []),
        ("Timed out while waiting for the machine to boot.", []),
    ],
)
def test_machines_that_did_not_boot_are_told_from_other_failures(message: str, names: list[str]) -> None:
    assert stuck_machines(message, ["a", "b"]) == names
