"""What differs on Windows, as far as it can be seen elsewhere: paths, commands, and an `os` that has less."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from labgen import config
from labgen.core import atomic_files, process
from labgen.core.environment import INSTALLED
from labgen.core.errors import ProgramTimeout
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.images import cache
from labgen.machines import inventory, render
from labgen.model.lab_folder import LabFolder, State
from tests import needs

KEY = "C:/Users/김 철수/Docker Swarm 실습/.vagrant/machines/swarm-manager/virtualbox/private_key"
TOLD = f"""\
Host swarm-manager
  HostName 127.0.0.1
  User vagrant
  Port 2222
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "{KEY}"
  IdentitiesOnly yes
  LogLevel FATAL
""".replace("\n", "\r\n")
"""What `vagrant ssh-config` says there (2.3.4, templates/commands/ssh_config/config.erb)."""

LACKING = {"getuid", "geteuid", "killpg", "setsid", "getpgid"}


class WindowsOs:
    """The module os, as on Windows: what is missing there is missing here."""

    name = "nt"

    def __getattr__(self, name: str) -> Any:
        if name in LACKING:
            raise AttributeError(f"module 'os' has no attribute '{name}'")
        return getattr(os, name)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lab's SSH configuration, written there."""
    monkeypatch.setattr(inventory, "os", WindowsOs())
    folder = LabFolder.at(tmp_path)
    inventory.write_ssh_config(folder, TOLD, proxy_command=None)
    return folder.ssh_config


def test_connections_are_not_shared(written: Path) -> None:
    """Windows' OpenSSH knows ControlMaster, and ends with an error where it is asked for."""
    assert "Control" not in written.read_text(encoding="utf-8")


def test_paramiko_finds_the_key(written: Path) -> None:
    import paramiko

    options = paramiko.SSHConfig.from_path(str(written)).lookup("swarm-manager")
    assert options["identityfile"] == [KEY]
    assert (options["hostname"], options["port"]) == ("127.0.0.1", "2222")


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH here")
def test_openssh_finds_the_key(written: Path) -> None:
    out = Runner().run(["ssh", "-G", "-F", written, "swarm-manager"]).or_raise().out
    assert f"identityfile {KEY}" in out.splitlines()
    assert "controlmaster false" in out.splitlines()


LAUNCHER = """
import pathlib, signal, subprocess, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
work = subprocess.Popen([sys.executable, "-c", sys.argv[2]])
pathlib.Path(sys.argv[1]).write_text(str(work.pid))
print("started", flush=True)
sys.exit(work.wait())
"""
"""As vagrant.exe: it starts another program with its own output, ignores Ctrl-C, and waits."""

TASKKILL = """#!{python}
import os, pathlib, signal, sys
assert sys.argv[1:4] == ["/F", "/T", "/PID"], sys.argv
for pid in (int(pathlib.Path({mark!r}).read_text()), int(sys.argv[4])):
    os.kill(pid, signal.SIGKILL)
"""


@pytest.fixture
def launched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """On a Windows with `taskkill`: where the launcher writes down what it has started."""
    needs.posix("programs of a test's own, and signals")
    mark = tmp_path / "pid"
    taskkill = tmp_path / "taskkill"
    taskkill.write_text(TASKKILL.format(python=sys.executable, mark=str(mark)))
    taskkill.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(process, "os", WindowsOs())
    return mark


def gone(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        raise NotYet("it runs")


@pytest.mark.parametrize("followed", [True, False])
def test_windows_launcher_that_is_late_is_ended_with_what_it_has_started(launched: Path, followed: bool) -> None:
    """There are no process groups to send a signal to, and to end vagrant.exe ends no Ruby."""
    started = time.monotonic()
    command = [sys.executable, "-c", LAUNCHER, launched, "import time; time.sleep(60)"]
    with pytest.raises(ProgramTimeout):
        Runner().run(command, timeout=4, on_line=(lambda _: None) if followed else None)
    assert time.monotonic() - started < 30
    wait_until("it to end", lambda: gone(int(launched.read_text())), within=20)


def test_windows_launcher_that_is_interrupted_is_waited_for(launched: Path, tmp_path: Path) -> None:
    """The console has told Ruby of Ctrl-C, which ends in order: until then the prompt does not come back."""
    tidy = tmp_path / "tidy"

    def interrupt(_line: str) -> None:
        raise KeyboardInterrupt

    work = f"import time, pathlib; time.sleep(1); pathlib.Path({str(tidy)!r}).touch()"
    with pytest.raises(KeyboardInterrupt):
        Runner().run([sys.executable, "-c", LAUNCHER, launched, work], timeout=60, on_line=interrupt)
    assert tidy.exists()


def test_windows_launcher_is_ended_also_without_taskkill(launched: Path, tmp_path: Path) -> None:
    (tmp_path / "taskkill").unlink()
    started = time.monotonic()
    command = [sys.executable, "-c", LAUNCHER, launched, "import time; time.sleep(60)"]
    try:
        with pytest.raises(ProgramTimeout):
            Runner().run(command, timeout=4, on_line=lambda _: None)
        # What it has started holds its output open, and nobody waits for that.
        assert time.monotonic() - started < 20
    finally:
        os.kill(int(launched.read_text()), signal.SIGKILL)


def test_windows_vagrantfile_starts_no_shell() -> None:
    """What is done on the computer is done in Ruby, or by VirtualBox and Docker themselves."""
    ruby = "\n".join(line.partition(" # ")[0] for line in render.render(config.parse("")).splitlines())
    code = "\n".join(line for line in ruby.splitlines() if not line.lstrip().startswith("#"))
    strings = re.sub(r'"(?:\\.|[^"\\])*"', '""', code)
    assert not re.search(r"`|%x|\bsystem\b|\bspawn\b|\bexec\b|\bpopen|trigger\.run\b|run_remote", strings)


def test_windows_vagrantfile_that_git_has_turned_to_crlf_is_still_labgens() -> None:
    assert not render.edited(render.render(config.parse("")).replace("\n", "\r\n"))


def test_windows_cache_is_made_where_nobody_is_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cache, atomic_files):
        monkeypatch.setattr(module, "os", WindowsOs())
    monkeypatch.setenv("SUDO_UID", "1000")
    monkeypatch.setenv("SUDO_GID", "1000")
    cache.prepare(tmp_path / "labgen" / "boxes")
    assert (tmp_path / "labgen" / "boxes").is_dir()


def test_fab_prints_utf8_where_pipes_have_another_encoding(tmp_path: Path) -> None:
    """`fab -l | more` and `fab exercise.update --dry-run > log`, typed by hand where the code page is not Korean."""
    (tmp_path / "fabfile.py").write_text("from provision.tasks import namespace\n")
    listed = subprocess.run(
        [sys.executable, "-c", "from fabric.main import program; program.run()", "-l"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "PYTHONPATH": str(INSTALLED)},
        capture_output=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr.decode(errors="replace")
    assert "로드" in listed.stdout.decode("utf-8")


def test_windows_configuration_is_read_as_utf8_whatever_the_code_page(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """testinfra and Fabric would open it in the code page."""
    import builtins

    plain = builtins.open

    def in_code_page(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        if str(file) == str(written) and "b" not in mode and not options.get("encoding"):
            raise UnicodeDecodeError("cp949", b"", 0, 1, "illegal multibyte sequence")
        return plain(file, mode, *args, **options)

    monkeypatch.setattr(builtins, "open", in_code_page)
    folder = LabFolder.at(written.parents[1])
    lab = inventory.Inventory(folder, config.parse("workers: 0"), State("virtualbox"))
    connection = lab.connection(lab.lab.first_manager)
    assert connection.connect_kwargs["key_filename"] == [KEY]
    assert (connection.host, connection.port) == ("127.0.0.1", 2222)
