"""What programs get of the user's environment: what has a reason, and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from labgen.core import environment
from labgen.core.errors import ProgramMissing
from labgen.core.process import Runner
from tests import needs

LEADS_ELSEWHERE = (
    "VAGRANT_CWD",
    "VAGRANT_VAGRANTFILE",
    "VAGRANT_DOTFILE_PATH",
    "VAGRANT_DEFAULT_PROVIDER",
    "VAGRANT_PREFERRED_PROVIDERS",
    "VAGRANT_ALIAS_FILE",
    "LIBVIRT_DEFAULT_URI",
    "RUBYOPT",
    "RUBYLIB",
    "GEM_HOME",
    "BUNDLE_GEMFILE",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONOPTIMIZE",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONWARNINGS",
    "PYTHONBREAKPOINT",
    "PYTHONPYCACHEPREFIX",
    "PYTEST_ADDOPTS",
    "PYTEST_PLUGINS",
    "COVERAGE_PROCESS_START",
    "INVOKE_RUN_ECHO",
    "FABRIC_RUN_ECHO",
    "LD_PRELOAD",
    "BASH_ENV",
    "ENV",
    "APT_CONFIG",
    "DOCKER_DEFAULT_PLATFORM",
    "SSH_ASKPASS",
    "SOMETHING_OF_TOMORROW",
)


@pytest.mark.parametrize("name", LEADS_ELSEWHERE)
def test_handed_on_leaves_out_what_leads_elsewhere(name: str) -> None:
    assert environment.handed_on({name: "x", "HOME": "/home/kim"}) == {"HOME": "/home/kim"}


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        "https_proxy",
        "NO_PROXY",
        "VAGRANT_HOME",
        "VBOX_USER_HOME",
        "DOCKER_HOST",
        "DOCKER_CONTEXT",
        "LC_CTYPE",
        "SYSTEMROOT",
        "PROGRAMFILES(X86)",
        "SSH_AUTH_SOCK",
        "XDG_CACHE_HOME",
        "TERM",
        "LABGEN_ALLOW_RECORDINGS",
        "LABGEN_LANG",
        "LABGEN_LOCK",
        "LABGEN_VERBOSE",
    ],
)
def test_handed_on_keeps_the_users_own_settings(name: str) -> None:
    assert environment.handed_on({name: "x", "PYTHONHOME": "y"}) == {name: "x"}


def test_search_path_has_no_relative_folders() -> None:
    path = os.pathsep.join(["", ".", "/usr/bin", "bin", "../x", "/bin", ""])
    assert environment.search_path({"PATH": path}) == os.pathsep.join(["/usr/bin", "/bin"])
    assert environment.handed_on({"PATH": "."}) == {}


@pytest.mark.parametrize("path", [".", "", "bin"])
def test_runner_starts_no_program_of_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    needs.posix("sh")
    for folder in (tmp_path, tmp_path / "bin"):
        folder.mkdir(exist_ok=True)
        program = folder / "labgen-test-program"
        program.write_text("#!/bin/sh\ntouch ran\n")
        program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.pathsep.join([path, os.environ["PATH"]]))
    assert Runner().which("labgen-test-program") is None
    with pytest.raises(ProgramMissing):
        Runner().run(["labgen-test-program"])
    assert not (tmp_path / "ran").exists()


def test_runner_hands_on_and_adds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONSTARTUP", "/tmp/x")
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    code = "import os; print(*sorted(os.environ))"
    names = Runner(env={"ADDED": "1"}).run([sys.executable, "-c", code]).out.split()
    assert {"ADDED", "https_proxy", "LC_ALL", "PATH"} <= set(names)
    assert "PYTHONSTARTUP" not in names


@pytest.mark.parametrize(
    ("system", "locale"), [("Linux", "C.UTF-8"), ("Windows", "C.UTF-8"), ("Darwin", "en_US.UTF-8")]
)
def test_plain_locale_is_one_that_the_system_has(monkeypatch: pytest.MonkeyPatch, system: str, locale: str) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    assert environment.plain_locale()["LC_ALL"] == locale


def test_environment_of_python_puts_no_folder_of_installed_packages_before_the_standard_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert environment.of_python()["PYTHONPATH"] == str(environment.INSTALLED)
    monkeypatch.setattr("site.getsitepackages", lambda: [str(environment.INSTALLED)])
    assert "PYTHONPATH" not in environment.of_python()


@pytest.mark.parametrize("entry", ["", ".", "{folder}"])
def test_import_nothing_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    monkeypatch.chdir(tmp_path)
    others = ["/usr/lib/python", str(tmp_path / "deeper")]
    monkeypatch.setattr(sys, "path", [entry.format(folder=tmp_path), *others])
    environment.import_nothing_from_the_working_folder()
    assert sys.path == others


def test_import_nothing_from_the_working_folder_unless_labgen_itself_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(environment.INSTALLED)
    monkeypatch.setattr(sys, "path", ["", "/usr/lib/python"])
    environment.import_nothing_from_the_working_folder()
    assert sys.path == ["", "/usr/lib/python"]


@pytest.mark.parametrize(("variable", "language"), [("ko_KR.UTF-8", "ko"), ("C.UTF-8", "en")])
def test_environment_of_python_has_the_users_language(
    monkeypatch: pytest.MonkeyPatch, variable: str, language: str
) -> None:
    monkeypatch.delenv("LABGEN_LANG", raising=False)
    monkeypatch.setenv("LC_ALL", variable)
    assert environment.of_python()["LABGEN_LANG"] == language
    # What labgen starts has another locale, and what that starts speaks the same language all the same.
    monkeypatch.setenv("LABGEN_LANG", language)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert environment.of_python()["LABGEN_LANG"] == language
