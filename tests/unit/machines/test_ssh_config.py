"""OpenSSH configurations: paths of any name, the same for OpenSSH, paramiko and Fabric."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labgen import cli
from labgen.core.errors import HostError
from labgen.machines import inventory
from labgen.machines.ssh_config import HostBlock, compose, keys, parse, quoted
from labgen.model.lab_folder import LabFolder, State

FOLDERS = [
    "kim's-lab",
    "kim's lab",
    'q"q',
    "100% lab",
    "100%lab",
    "%d %h %%",
    "lab~1",
    "~",
    "a\\b",
    "a\\'b",
    'a\\"b',
    "ends\\",
    "#1",
    "$HOME",
    "`id`",
    "a=b",
    "a,b;c",
    "도커 스웜 실습",
    "e\u0301",
]


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("in_quotes", [True, False])
def test_keys_reads_what_compose_has_written(name: str, in_quotes: bool) -> None:
    path = f"/home/{name}/key"
    written = compose([HostBlock("a", (("IdentityFile", f'"{path}"' if in_quotes else path),))], {"Port": 22})
    assert keys(written, "a") == [path]
    assert keys(written, "b") == []


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S", "Zs"]), min_size=1).filter(str.isprintable))
def test_keys_reads_any_path(name: str) -> None:
    path = f"/{name}/key"
    if "${" in path:
        with pytest.raises(HostError):
            quoted(path)
        return
    assert keys(f"Host a\n  IdentityFile {quoted(path)}\n", "a") == [path]


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH here")
@pytest.mark.parametrize("name", FOLDERS)
def test_openssh_takes_a_path_for_what_it_is(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "key.pub").write_text("")
    config = tmp_path / "config"
    config.write_text(compose([HostBlock("a", (("IdentityFile", str(folder / "key")), ("HostName", "127.0.0.1")))], {}))
    printed = subprocess.run(["ssh", "-G", "-F", str(config), "a"], capture_output=True, text=True, check=True).stdout
    (line,) = [line for line in printed.splitlines() if line.startswith("identityfile ")]
    # OpenSSH replaces `%%` when it opens the file.
    assert line == f"identityfile {folder}/key".replace("%", "%%")


@pytest.mark.parametrize("name", FOLDERS)
def test_fabric_is_given_the_key_itself(tmp_path: Path, name: str) -> None:
    folder = LabFolder.at(tmp_path / name)
    folder.path.mkdir()
    folder.lab_file.write_text("workers: 0\n")
    key = folder.path / "key"
    printed = f"Host swarm-manager\n  HostName 127.0.0.1\n  Port 2222\n  User vagrant\n  IdentityFile {key}\n"
    inventory.write_ssh_config(folder, printed, proxy_command=None)
    folder.remember(State("virtualbox", namespace="labgen-0"))
    lab = inventory.discover(folder.path)
    connection = lab.connection(lab.lab.first_manager)
    assert connection.connect_kwargs["key_filename"] == [str(key)]
    assert (connection.host, connection.port, connection.user) == ("127.0.0.1", 2222, "vagrant")
    assert "identityfile" not in connection.ssh_config


@pytest.mark.parametrize("path", ["/home/${USER}/key", "/home/a\nb/key", "/home/\x1b[2J/key"])
def test_quoted_refuses_what_cannot_be_written(path: str) -> None:
    with pytest.raises(HostError) as refused:
        quoted(path)
    assert "Rename the folder" in refused.value.hint
    assert str(refused.value).isprintable() or "\x1b" not in str(refused.value)


def test_compose_has_the_last_word() -> None:
    printed = "warning\nHost a\n  LogLevel FATAL\n  Port=22\n\nHost b\n  loglevel QUIET\n"
    assert compose(parse(printed), {"LogLevel": "ERROR"}) == (
        "Host a\n  Port 22\n  LogLevel ERROR\nHost b\n  LogLevel ERROR\n"
    )


def test_parse_gives_the_first_value_which_counts() -> None:
    (host,) = parse('Host "a"\n  User kim\n  user lee\n')
    assert (host.name, host.value("USER"), host.value("Port")) == ("a", "kim", "")


def test_up_refuses_a_folder_whose_keys_ssh_cannot_use_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "${HOME}"
    folder.mkdir()
    assert cli.main(["-C", str(folder), "up", "--provider", "docker"]) == 5
    assert "Rename the folder" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
