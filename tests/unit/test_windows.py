"""What differs on Windows, as far as it can be seen elsewhere: paths, commands, and an `os` that has less."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from labgen import inventory, labfile, proc, render
from labgen.errors import ProgramTimeout
from labgen.folder import LabFolder
from labgen.proc import Runner

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

    told = paramiko.SSHConfig.from_path(str(written)).lookup("swarm-manager")
    assert told["identityfile"] == [KEY]
    assert (told["hostname"], told["port"]) == ("127.0.0.1", "2222")


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH here")
def test_openssh_finds_the_key(written: Path) -> None:
    told = Runner().run(["ssh", "-G", "-F", written, "swarm-manager"]).or_raise().out
    assert f"identityfile {KEY}" in told.splitlines()
    assert "controlmaster false" in told.splitlines()


def test_a_program_that_is_late_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no process groups to send a signal to."""
    monkeypatch.setattr(proc, "os", WindowsOs())
    started = time.monotonic()
    with pytest.raises(ProgramTimeout):
        Runner().run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.5)
    assert time.monotonic() - started < 20


def test_the_vagrantfile_starts_no_shell() -> None:
    """What is done on the computer is done in Ruby, or by VirtualBox and Docker themselves."""
    ruby = "\n".join(line.partition(" # ")[0] for line in render.render(labfile.parse("")).splitlines())
    code = "\n".join(line for line in ruby.splitlines() if not line.lstrip().startswith("#"))
    strings = re.sub(r'"(?:\\.|[^"\\])*"', '""', code)
    assert not re.search(r"`|%x|\bsystem\b|\bspawn\b|\bexec\b|\bpopen|trigger\.run\b|run_remote", strings)


def test_a_vagrantfile_that_git_has_turned_to_crlf_is_still_labgens() -> None:
    assert not render.edited(render.render(labfile.parse("")).replace("\n", "\r\n"))
