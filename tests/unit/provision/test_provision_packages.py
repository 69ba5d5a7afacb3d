"""Scripts for apt, run with an apt that writes down what it was told."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from provision import packages
from tests import needs

APT = """#!/bin/sh
echo "$*" >> "$LOG"
case "$*" in *"$FAILS"*)
  if [ -n "$ONCE" ]; then [ ! -e "$LOG.once" ] || exit 0; : > "$LOG.once"; fi
  echo "E: $WHY" >&2; exit 100;;
esac
"""
CACHE = """#!/bin/sh
case " $KNOWN " in *" $2 "*) exit 0;; esac
exit 100
"""
LISTS = "Could not get lock /var/lib/apt/lists/lock. It is held by process 712 (apt-get)"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(packages, "APPARMOR", str(tmp_path / "apparmor"))
    place = tmp_path / "bin"
    place.mkdir()
    log = 'echo "$(basename "$0") $*" >> "$LOG"'
    curl = f'#!/bin/sh\n{log}\n[ "$FAILS" != download ]\n'
    others = {"curl": curl, "install": f"#!/bin/sh\n{log}\n", "sleep": f"#!/bin/sh\n{log}\n"}
    for name, text in {"apt-get": APT, "apt-cache": CACHE, **others}.items():
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    return place


def carried_out(script: str, programs: Path, **variables: str) -> tuple[int, list[str], str]:
    """Exit status, what was called, and what was said."""
    needs.linux("a shell script of nodes")
    log = programs.parent / "log"
    log.touch()
    environment = {"FAILS": "(nothing)", "ONCE": "", "WHY": "", "KNOWN": "", "LOG": str(log), **variables}
    result = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": f"{programs}:{os.environ['PATH']}", **environment},
        capture_output=True,
        text=True,
        timeout=30,
    )
    options = "-q -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "
    return result.returncode, log.read_text().replace(options, "").splitlines(), result.stderr


def test_install_updates_first_and_waits_for_the_lock(programs: Path) -> None:
    status, calls, _ = carried_out(packages.install("curl", "x y"), programs)
    assert (status, calls) == (0, ["update", "install -y curl x y"])
    assert "DPkg::Lock::Timeout=300" in (programs.parent / "log").read_text()


def test_install_stops_where_the_lists_cannot_be_fetched_and_says_why(programs: Path) -> None:
    status, calls, output = carried_out(packages.install("curl"), programs, FAILS="update", WHY="Failed to fetch")
    assert (status, calls) == (1, ["update"])
    assert output == "E: Failed to fetch\n"


def test_install_tries_again_where_another_apt_holds_the_lists(programs: Path) -> None:
    status, calls, _ = carried_out(packages.install("curl"), programs, FAILS="update", ONCE="1", WHY=LISTS)
    assert (status, calls) == (0, ["update", "sleep 5", "update", "install -y curl"])


def test_install_gives_up_where_another_apt_holds_the_lists_for_long(programs: Path) -> None:
    status, calls, output = carried_out(packages.install("curl"), programs, FAILS="update", WHY=LISTS)
    assert (status, calls.count("update")) == (1, 61)
    assert output == f"E: {LISTS}\n"


@pytest.mark.parametrize(
    ("available", "installed"),
    [
        ("docker.io docker-compose", "docker.io docker-compose"),  # Debian 12
        ("docker.io docker-cli docker-compose", "docker.io docker-cli docker-compose"),  # Debian 13
        ("docker.io docker-compose docker-compose-v2", "docker.io docker-compose-v2"),  # Ubuntu 24.04
        ("docker.io", "docker.io"),
    ],
)
def test_install_engine_has_the_client_and_compose(programs: Path, available: str, installed: str) -> None:
    status, calls, _ = carried_out(packages.install_engine(None), programs, KNOWN=available)
    assert (status, calls) == (0, ["update", f"install -y {installed}"])


def test_install_engine_takes_the_version_that_is_asked_for(programs: Path) -> None:
    _, calls, _ = carried_out(packages.install_engine("28.0"), programs)
    assert calls[-1] == "install -y docker.io=28.0"


def test_install_docker_inc_stops_where_the_key_cannot_be_fetched(programs: Path) -> None:
    status, calls, _ = carried_out(packages.install_docker_inc("debian", None), programs, FAILS="download")
    assert status == 1
    assert calls[-1].startswith("curl -fsSL https://download.docker.com/linux/debian/gpg")


@pytest.mark.parametrize(("kernel", "parser"), [("Y\n", " apparmor"), ("N\n", ""), (None, "")])
def test_install_engine_has_the_parser_of_a_kernel_with_apparmor(
    programs: Path, kernel: str | None, parser: str
) -> None:
    if kernel is not None:
        Path(packages.APPARMOR).write_text(kernel)
    _, calls, _ = carried_out(packages.install_engine(None), programs)
    assert calls[-1] == f"install -y docker.io{parser}"
    script = packages.install_docker_inc("debian", None).replace("/etc/apt", str(programs))
    (programs / "sources.list.d").mkdir()
    (programs / "dpkg").write_text("#!/bin/sh\necho amd64\n")
    (programs / "dpkg").chmod(0o755)
    _, calls, _ = carried_out(script, programs)
    assert calls[-1] == f"install -y docker-ce docker-compose-plugin{parser}"


@pytest.mark.parametrize("script", [packages.install("curl"), packages.install_engine(None)])
def test_packages_failed_installation_is_the_scripts_own_status(programs: Path, script: str) -> None:
    assert carried_out(script, programs, FAILS="install", WHY="no space left")[0] == 1
