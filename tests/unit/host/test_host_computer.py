"""The real Host, on loopback and in temporary folders; and that the recorded one leaves nothing of it through."""

import gzip
import inspect
import os
import socket
import sys
import threading
from pathlib import Path

import psutil
import pytest
from recorded_host import RecordedHost

from labgen import images
from labgen.core.process import Result, Runner
from labgen.host.computer import LATE, NOT_INSTALLED, Host, find_vboxmanage
from tests import needs


def test_computer_recorded_host_replaces_every_way_of_looking():
    looks = {name for name, _ in inspect.getmembers(Host, inspect.isfunction) if not name.startswith("_")}
    assert looks <= set(vars(RecordedHost))


class Counting(Runner):
    """Counts what it starts."""

    def __init__(self):
        object.__setattr__(self, "started", [])
        super().__init__()

    def run(self, argv, **options):
        self.started.append(tuple(argv))
        return Result(tuple(argv), 0, "out", "")


def test_computer_command_is_run_once_however_many_ask():
    runner = Counting()
    host = Host(runner)
    threads = [threading.Thread(target=host.run, args=("vagrant", "--version")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert runner.started == [("vagrant", "--version")]
    host.forget()
    host.run("vagrant", "--version")
    assert len(runner.started) == 2


def test_missing_and_late_programs_are_answers_not_errors():
    host = Host()
    assert host.run("no-such-program-anywhere").status == NOT_INSTALLED
    late = Host().run(sys.executable, "-c", "import signal; signal.pause()", timeout=0.3)
    assert late.status == LATE
    assert "did not end" in late.err


def test_ports_of_loopback():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        number = listener.getsockname()[1]
        assert Host().port(number) == "taken"
        assert Host().reaches("127.0.0.1", number)
    assert Host().port(number) == "free"
    assert not Host().reaches("127.0.0.1", number)


def test_computer_resolver_that_hangs_is_given_up(monkeypatch):
    gate = threading.Event()

    def hang(*_):
        gate.wait(30)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    assert Host().reaches("example.invalid", 443, within=0.1) is False
    gate.set()


def test_memory_is_told_in_mib_or_not_at_all(monkeypatch):
    total, available = Host().memory()
    assert 256 < available <= total < 2**24
    assert total == psutil.virtual_memory().total // 2**20

    def refuse():
        raise PermissionError("/proc/meminfo")

    monkeypatch.setattr(psutil, "virtual_memory", refuse)
    assert Host().memory() is None


def test_files_folders_devices_and_space(tmp_path):
    needs.posix("/dev/null, and how full a file system is")
    host = Host(folder=tmp_path)
    (tmp_path / "b").write_text("text", encoding="utf-8")
    (tmp_path / "a").mkdir()
    assert host.folder() == tmp_path
    assert host.read(tmp_path / "b") == "text"
    assert host.read(tmp_path / "nothing") is None
    assert host.names(tmp_path) == ("a", "b")
    assert host.names(tmp_path / "nothing") == ()
    assert host.opens(Path("/dev/null")) == "yes"
    assert host.opens(tmp_path / "nothing") == "absent"
    assert host.disk_free(tmp_path / "not" / "made" / "yet") == pytest.approx(
        os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize / 2**20, rel=0.05
    )


def test_computer_device_that_may_not_be_opened(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "open", refuse)
    assert Host().opens(Path("/dev/kvm")) == "denied"


@pytest.mark.parametrize(
    ("machine", "kernel", "expected"),
    [
        ("x86_64", "Darwin Kernel Version 23.1.0: root:xnu-10002.41.9~6/RELEASE_ARM64_T6000", "arm64"),
        ("x86_64", "Darwin Kernel Version 23.1.0: root:xnu-10002.41.9~6/RELEASE_X86_64", "amd64"),
        ("arm64", "Darwin Kernel Version 23.1.0: root:xnu-10002.41.9~6/RELEASE_ARM64_T6000", "arm64"),
    ],
)
def test_architecture_of_a_mac(monkeypatch, machine, kernel, expected):
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("platform.version", lambda: kernel)
    assert Host().machine() == expected


def test_vboxmanage_is_found_where_windows_puts_it():
    folder = r"D:\Programs\VirtualBox" + "\\"
    program = r"D:\Programs\VirtualBox\VBoxManage.exe"
    host = RecordedHost(os="Windows", variables={"VBOX_MSI_INSTALL_PATH": folder}, paths=frozenset({program}))
    assert find_vboxmanage(host) == program
    assert find_vboxmanage(RecordedHost(os="Windows")) is None
    assert find_vboxmanage(RecordedHost(os="Linux", variables={"VBOX_MSI_INSTALL_PATH": folder})) is None


def test_computer_what_labgen_box_says_of_itself():
    host = Host(images=images)
    assert host.node_image().startswith("labgen/node:")
    for_image, for_box = set(host.box_packages("docker")), set(host.box_packages("libvirt"))
    assert "mmdebstrap" in for_image
    assert "syslinux-common" in for_box - for_image
    assert for_image <= for_box


def test_files_whose_name_ends_in_gz_are_unpacked(tmp_path):
    packed, broken = tmp_path / "config.gz", tmp_path / "broken.gz"
    packed.write_bytes(gzip.compress(b"CONFIG_VXLAN=y\n"))
    broken.write_bytes(b"nothing of the kind")
    assert Host().read(packed) == "CONFIG_VXLAN=y\n"
    assert Host().read(broken) is None
    broken.write_bytes(packed.read_bytes()[:-9])
    assert Host().read(broken) is None
    assert Host().read(tmp_path / "none.gz") is None
