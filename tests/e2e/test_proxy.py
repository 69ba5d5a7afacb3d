"""Nodes that reach package servers and registries by a proxy only: on containers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from labgen.model.lab_folder import LabFolder
from tests.e2e.conftest import LabUnderTest, made_in

WITHOUT = "workers: 1\n"
"""lab.yml without a proxy."""

PASSWORD = "hunter2%40"
SOURCE = "deb [trusted=yes] http://packages.test/ ./"
UPDATE = (
    'sh -c \'echo "{}" > /tmp/source.list; apt-get -q update -o Acquire::Retries=0 -o Dir::Etc::sourceparts=- '
    "-o Dir::Etc::sourcelist=/tmp/source.list 2>&1; true'"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LabUnderTest]:
    """A lab of two nodes that is up, without a proxy."""
    if pytestconfig.getoption("--provider") != "docker":
        pytest.skip("on containers only: the bootstrap is the same on machines")
    with made_in(tmp_path_factory.mktemp("proxy") / "lab", WITHOUT) as lab:
        yield lab


@pytest.fixture(scope="module")
def proxy(lab: LabUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A proxy in the lab's network: its host and port as the nodes reach it, and what it wrote down."""
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "Packages").write_text("", encoding="utf-8")
    (folder / "log").touch()
    gateway = lab.on("swarm-manager", "ip route show default").split()[2]
    program = Path(__file__).parents[1] / "forward_proxy.py"
    process = subprocess.Popen(
        [
            *("nsenter", f"--net=/run/netns/{lab.state.namespace}", "--", sys.executable, str(program)),
            *("3128", str(folder), "packages.test", "kim:hunter2@"),
        ]
    )
    try:
        yield f"{gateway}:3128", folder / "log"
    finally:
        process.kill()
        process.wait()


def write(lab: LabUnderTest, text: str) -> None:
    (lab.path / "lab.yml").write_text(f"{WITHOUT}{text}", encoding="utf-8")


def requests(log: Path) -> list[str]:
    """What the proxy was asked since this was last asked for."""
    lines = log.read_text(encoding="utf-8").splitlines()
    log.write_text("", encoding="utf-8")
    return lines


def test_bootstrap_sets_the_proxy_once(lab: LabUnderTest, proxy: tuple[str, Path]) -> None:
    address, log = proxy
    write(lab, f"proxy: {{http: 'http://kim:{PASSWORD}@{address}', https: 'http://kim:{PASSWORD}@{address}', ")
    with (lab.path / "lab.yml").open("a", encoding="utf-8") as file:
        file.write("no_proxy: [direct.test]}\n")
    changed = lab.run("fab", "bootstrap").stdout
    for node in ("swarm-manager", "swarm-worker1"):
        assert f"[{node}] apt: proxy http://{address}\n" in changed
        assert f"[{node}] engine: proxy http://{address}\n" in changed
    # It does not let Docker Hub through, so the images of the box are still taken.
    assert "403 CONNECT registry-1.docker.io:443" in requests(log)
    assert "nothing changed" in lab.run("fab", "bootstrap").stdout
    assert lab.on("swarm-manager", "docker info --format '{{.NoProxy}}'").startswith(
        "localhost,127.0.0.0/8,::1,10.0.2.0/24,"
    )


def test_apt_goes_by_the_proxy_except_to_the_hosts_of_no_proxy(lab: LabUnderTest, proxy: tuple[str, Path]) -> None:
    _, log = proxy
    requests(log)
    lab.on("swarm-worker1", UPDATE.format(SOURCE))
    assert "200 GET http://packages.test/./Packages" in requests(log)
    assert "direct.test" in lab.on("swarm-worker1", UPDATE.format(SOURCE.replace("packages", "direct")))
    assert requests(log) == []


def test_pulls_go_by_the_proxy_except_from_the_node_itself(lab: LabUnderTest, proxy: tuple[str, Path]) -> None:
    _, log = proxy
    requests(log)
    lab.on("swarm-worker1", "docker pull --quiet alpine:3")
    assert requests(log) == []
    assert "Forbidden" in lab.on("swarm-worker1", "sh -c 'docker pull registry.test/image 2>&1; true'")
    assert "403 CONNECT registry.test:443" in requests(log)


def test_exercise_is_graded_and_no_password_is_written_down(lab: LabUnderTest, tmp_path: Path) -> None:
    lab.run("labgen", "run", "scaling", "--grade")
    lab.run("labgen", "support", str(tmp_path / "support.zip"))
    files = [path for path in (lab.path, tmp_path) for path in path.rglob("*") if path.is_file()]
    with_password = [
        path for path in files if ".labgen/docker/" not in path.as_posix() and b"hunter2" in path.read_bytes()
    ]
    assert with_password == [lab.path / "lab.yml"]
    # lab.yml is in the evidence without the password, and can still be read.
    lab.run("labgen", "grade", "--from", str(LabFolder.at(lab.path).report / "evidence.jsonl"))


def test_refusal_of_the_proxy_is_told_in_one_sentence(lab: LabUnderTest, proxy: tuple[str, Path]) -> None:
    address, _ = proxy
    lab.on("swarm-worker1", "mv /usr/sbin/dockerd /usr/sbin/dockerd.away")
    refused = lab.run("fab", "bootstrap", check=False)
    lab.on("swarm-worker1", "mv /usr/sbin/dockerd.away /usr/sbin/dockerd")
    assert refused.returncode == 8
    assert f"failed: the proxy http://{address} of lab.yml refuses it" in refused.stderr
    assert "Correct the proxy in lab.yml, or have the proxy allow it." in refused.stderr
    assert "hunter2" not in refused.stdout + refused.stderr


def test_proxy_that_has_left_the_lab_file_is_removed(lab: LabUnderTest) -> None:
    write(lab, "")
    changed = lab.run("fab", "bootstrap").stdout
    assert "[swarm-worker1] apt: proxy removed" in changed
    assert "[swarm-worker1] engine: proxy removed" in changed
    assert lab.on("swarm-worker1", "docker info --format '{{.HTTPProxy}}{{.NoProxy}}'").strip() == ""
    assert lab.on("swarm-worker1", "find /etc -name '*labgen-proxy*'") == ""
