"""A lab of someone else's: of its ssh configuration only how nodes are reached is taken, and nothing of it runs."""

from __future__ import annotations

import json
import shutil
import stat
from contextlib import closing
from pathlib import Path

import pytest

from labgen import cli
from labgen.apps.remote_lab import read, remote_lab
from labgen.core.errors import HostError, LabgenError, MachineError, NodeError
from labgen.machines import inventory
from labgen.transport.ssh import SshTransport

LAB = "workers: 0\n"
PLAIN = """\
# of kim
Host swarm-manager
  HostName 127.0.0.1
  User vagrant
  Port 1
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  PasswordAuthentication no
  IdentityFile "key of kim"
  IdentitiesOnly yes
  LogLevel FATAL
"""

REFUSED = (
    "ProxyCommand touch {ran}",
    "proxycommand touch {ran}",
    "ProxyCommand=touch {ran}",
    '"ProxyCommand" touch {ran}',
    "\tProxyJump kim@example.org",
    "LocalCommand touch {ran}",
    "PermitLocalCommand yes",
    "KnownHostsCommand touch {ran}",
    'Match exec "touch {ran}"',
    "Match all",
    "Include other",
    "Host *",
    "Port 65536",
    "Port 99999",
    "Host a b",
    "Host !a",
    'Host ""',
    "PKCS11Provider /tmp/x.so",
    "SecurityKeyProvider /tmp/x.so",
    "IdentityAgent /tmp/x",
    "CertificateFile x",
    "LocalForward 8080 localhost:80",
    "RemoteForward 8080 localhost:80",
    "DynamicForward 1080",
    "RemoteCommand touch x",
    "SendEnv SECRET",
    "SetEnv A=b",
    "GlobalKnownHostsFile x",
    "BindAddress 10.0.0.1",
    "Tunnel yes",
    "XAuthLocation /tmp/x",
    "CanonicalizeHostname yes",
    "HostKeyAlias x",
    "SomethingOfTomorrow yes",
    "HostName -oProxyCommand=touch",
    "HostName a b",
    "HostName %h",
    "HostName a;b",
    "User -l",
    "User root;id",
    "Port 22x",
    "Port 0",
    "Port",
    "garbage",
)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """An ssh configuration with the key beside it, and a lab file."""
    config, lab_file = tmp_path / "handed in" / "ssh_config", tmp_path / "lab.yml"
    config.parent.mkdir()
    config.write_text(PLAIN)
    (config.parent / "key of kim").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\r\nx\r\n")
    lab_file.write_text(LAB)
    return config, lab_file


def test_read_takes_how_a_node_is_reached(files: tuple[Path, Path]) -> None:
    (node,) = read(files[0])
    assert (node.name, node.options, node.keys) == (
        "swarm-manager",
        {"hostname": "127.0.0.1", "user": "vagrant", "port": "1"},
        ['"key of kim"'],
    )


def test_read_takes_a_byte_order_mark_and_names_utf16(files: tuple[Path, Path]) -> None:
    files[0].write_text(PLAIN, encoding="utf-8-sig")
    assert [node.name for node in read(files[0])] == ["swarm-manager"]
    files[0].write_text(PLAIN, encoding="utf-16")
    with pytest.raises(HostError, match=r"ssh_config is UTF-16\.\n  Save it as UTF-8\."):
        read(files[0])


@pytest.mark.parametrize("line", REFUSED)
def test_read_refuses_what_would_do_more_and_says_the_line(files: tuple[Path, Path], tmp_path: Path, line: str) -> None:
    config, lab_file = files
    config.write_text(PLAIN + line.format(ran=tmp_path / "ran") + "\n")
    with pytest.raises(MachineError, match="line 12: ") as refused:
        remote_lab(config, lab_file).__enter__()
    assert "\n" not in refused.value.message
    assert not (tmp_path / "ran").exists()


def test_read_refuses_options_of_every_host(files: tuple[Path, Path]) -> None:
    files[0].write_text("User root\n" + PLAIN)
    with pytest.raises(MachineError, match=r"line 1: .*before the first Host"):
        read(files[0])


def test_remote_lab_is_a_folder_of_labgens_own(files: tuple[Path, Path]) -> None:
    config, lab_file = files
    with remote_lab(config, lab_file, emulated=True) as folder:
        lab = inventory.discover(folder.path)
        assert lab.lab.first_manager.name == "swarm-manager"
        assert (lab.state.provider, lab.state.accelerated, lab.state.lacks) == ("virtualbox", False, {})
        with closing(SshTransport(lab)) as nodes, pytest.raises(NodeError) as failed:
            nodes.run(lab.lab.first_manager, "true", within=5)
        assert "ssh configuration" in failed.value.hint
        assert "labgen" not in failed.value.hint
        written = folder.ssh_config.read_text()
        for option in ("HostName 127.0.0.1", "Port 1", "User vagrant", "ForwardAgent no", "IdentityAgent none"):
            assert f"  {option}\n" in written
        (key,) = (folder.own / "keys").iterdir()
        assert f'IdentityFile "{key}"' in written
        assert str(config.parent) not in written
        assert (stat.S_IMODE(key.stat().st_mode), "\r" in key.read_text()) == (0o600, False)
    assert not folder.path.exists()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="no OpenSSH here")
def test_remote_lab_is_what_openssh_makes_of_it(files: tuple[Path, Path]) -> None:
    from labgen.core.process import Runner

    with remote_lab(*files) as folder:
        printed = Runner().run(["ssh", "-G", "-F", folder.ssh_config, "swarm-manager"]).or_raise().out.splitlines()
    assert {"hostname 127.0.0.1", "port 1", "user vagrant", "identitiesonly yes", "forwardagent no"} <= set(printed)
    assert not [line for line in printed if line.startswith(("proxycommand", "localcommand", "knownhostscommand"))]


def test_remote_lab_names_a_node_that_is_missing(files: tuple[Path, Path]) -> None:
    files[1].write_text("workers: 2\n")
    with pytest.raises(MachineError, match="how swarm-worker1, swarm-worker2 can be reached"):
        remote_lab(*files).__enter__()


@pytest.mark.parametrize("key", ["/nonexistent/key", "/dev/zero", "/", '""'])
def test_remote_lab_names_a_key_that_is_none(files: tuple[Path, Path], key: str) -> None:
    files[0].write_text(PLAIN.replace('"key of kim"', key))
    with pytest.raises(LabgenError):
        remote_lab(*files).__enter__()


@pytest.mark.parametrize("key", ["~nobody-here/key", "~nobody-here", "k" * 5000, '"' + "d/" * 2500 + '"'])
def test_remote_lab_names_a_key_that_no_computer_can_have(files: tuple[Path, Path], key: str) -> None:
    files[0].write_text(PLAIN.replace('"key of kim"', key))
    with pytest.raises(HostError) as refused:
        remote_lab(*files).__enter__()
    assert len(str(refused.value)) < 1000


def test_remote_lab_of_a_file_that_is_none(files: tuple[Path, Path], tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"#" * 300_000)
    for file in (tmp_path / "nothing", tmp_path, large):
        with pytest.raises(HostError):
            read(file)


def test_grade_of_a_remote_lab_leaves_its_report_in_the_working_folder(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config, lab_file = files
    # Nobody listens there: what is to be seen is that it is tried, and where the report is left.
    assert cli.main(["grade", "cluster", "--ssh-config", str(config), "--lab-file", str(lab_file)]) == 12
    report = json.loads((tmp_path / "labgen-report" / "report.json").read_text())
    assert report["lab"]["nodes"][0]["name"] == "swarm-manager"
    assert (tmp_path / "labgen-report" / "evidence.jsonl").exists()
    assert sorted(path.name for path in config.parent.iterdir()) == ["key of kim", "ssh_config"]


@pytest.mark.parametrize(
    "words",
    [
        ["--ssh-config", "x"],
        ["--lab-file", "x"],
        ["--ssh-config", "x", "--lab-file", "y", "--from", "z"],
    ],
)
def test_grade_says_which_options_go_together(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["grade", *words]) == 2
    assert "--ssh-config" in capsys.readouterr().err
