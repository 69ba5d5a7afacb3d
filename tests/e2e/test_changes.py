"""lab.yml is changed while the lab is up, and the lab's folder is moved: on containers."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labgen.core.process import Runner
from labgen.model.lab_folder import LabFolder
from labgen.providers.docker.dockerd import Dockerd
from tests.e2e.conftest import LabUnderTest, made_in

EVERYONE = ["swarm-manager", "swarm-worker1", "swarm-worker2", "swarm-worker3"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LabUnderTest]:
    """A lab of four nodes in a folder with a name that shells and configuration files trip over."""
    if pytestconfig.getoption("--provider") != "docker":
        pytest.skip("on containers only: emulated machines would take an hour")
    with made_in(tmp_path_factory.mktemp("changes") / "랩 하나", "workers: 3\n", up=False) as lab:
        yield lab


def write(lab: LabUnderTest, text: str) -> None:
    """Change lab.yml."""
    (lab.path / "lab.yml").write_text(text + "\n", encoding="utf-8")


def docker(lab: LabUnderTest, *words: str) -> str:
    """What the lab's own engine says."""
    folder = LabFolder.at(lab.path)
    state = folder.state()
    assert state is not None
    return Dockerd(folder, Runner(), state.namespace).inside().run(["docker", *words]).or_raise().out


def containers(lab: LabUnderTest) -> list[str]:
    """Names of the nodes that exist."""
    return sorted(name.removeprefix("labgen-") for name in docker(lab, "ps", "--format", "{{.Names}}").split())


def members(lab: LabUnderTest) -> dict[str, str]:
    """Availability of every node of the swarm."""
    rows = lab.on("swarm-manager", "docker node ls --format '{{.Hostname}} {{.Status}} {{.Availability}}'")
    return {row.split()[0]: " ".join(row.split()[1:]) for row in rows.splitlines()}


def snapshot(path: Path) -> dict[str, bytes]:
    """Every file of a lab folder, but for what a daemon keeps there."""
    files = (file for file in path.rglob("*") if file.is_file() and ".labgen/docker/" not in file.as_posix())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_dry_run_of_a_new_lab_makes_nothing(lab: LabUnderTest) -> None:
    before = snapshot(lab.path)
    told = lab.run("labgen", "up", "--provider", "docker", "--dry-run").stdout
    assert [line.split(":")[0] for line in told.splitlines() if line.startswith("+")] == [f"+ {n}" for n in EVERYONE]
    assert snapshot(lab.path) == before


def test_up_makes_what_the_dry_run_said(lab: LabUnderTest) -> None:
    lab.run("labgen", "up", "--provider", "docker")
    assert containers(lab) == EVERYONE
    lab.on("swarm-manager", "docker service create --quiet --detach --name web --replicas 4 nginx")


def test_surplus_machine_is_refused_without_prune_and_nothing_is_done(lab: LabUnderTest) -> None:
    write(lab, "{workers: 2, memory: 900}")
    before = snapshot(lab.path)
    refused = lab.run("labgen", "up", check=False)
    assert refused.returncode == 7
    assert "swarm-worker3" in refused.stderr
    assert "labgen up --prune" in refused.stderr
    assert {**snapshot(lab.path), ".labgen/lock": b""} == {**before, ".labgen/lock": b""}
    assert containers(lab) == EVERYONE
    assert "- swarm-worker3: not in lab.yml any more" in lab.run("labgen", "status").stdout


def test_plan_is_the_deed(lab: LabUnderTest) -> None:
    plan = lab.run("labgen", "up", "--prune", "--reload", "--dry-run").stdout.splitlines()
    assert [line for line in plan if line[0].isdigit()] == [
        "1. drain and take out of the swarm: swarm-worker3",
        "2. remove the machine of swarm-worker3",
        "3. create what is missing, start what does not run: swarm-manager, swarm-worker1, swarm-worker2",
        "4. change in place, without a restart: swarm-worker1, swarm-worker2, swarm-manager",
        "5. bootstrap the swarm on swarm-manager, swarm-worker1, swarm-worker2",
    ]
    assert containers(lab) == EVERYONE
    done = lab.run("labgen", "up", "--prune", "--reload").stdout
    # The same differences, then what became of each.
    assert [line for line in done.splitlines() if line[0] in "-~+!"] == [line for line in plan if line[0] in "-~+!"]
    assert "[swarm-worker3] drained" in done
    assert containers(lab) == EVERYONE[:3]
    assert members(lab) == dict.fromkeys(EVERYONE[:3], "Ready Active")
    limits = docker(lab, "inspect", "--format", "{{.HostConfig.Memory}}", *(f"labgen-{n}" for n in EVERYONE[:3]))
    assert limits.split() == [str(900 * 2**20)] * 3
    lab.wait_for("four tasks on the nodes that stay", lambda swarm: len(swarm.services["web"].running) == 4)
    again = lab.run("labgen", "up", "--dry-run").stdout
    assert not [line for line in again.splitlines() if line[0] in "-~+!"]


def test_folder_that_was_moved_goes_on_after_up(lab: LabUnderTest) -> None:
    lab.path = lab.path.rename(lab.path.with_name("kim's lab 50%"))
    refused = lab.run("labgen", "status", check=False)
    assert refused.returncode == 7
    assert "this folder was moved" in refused.stdout
    assert "this folder was moved" in lab.run("labgen", "up").stderr
    assert members(lab) == dict.fromkeys(EVERYONE[:3], "Ready Active")
    assert lab.run("labgen", "status").returncode == 0


def test_copy_of_the_folder_touches_nothing_of_it(lab: LabUnderTest, tmp_path: Path) -> None:
    copied = tmp_path / "copy"
    shutil.copytree(lab.path, copied, ignore=shutil.ignore_patterns("docker"))
    copy = LabUnderTest(copied, "docker")
    for command in ("up", "down", "halt"):
        refused = copy.run("labgen", command, check=False)
        assert refused.returncode == 7
        assert "this folder is a copy of" in refused.stderr
    (copied / ".labgen" / "state.json").unlink()
    refused = copy.run("labgen", "up", "--provider", "docker", check=False)
    assert "belongs to another lab; this folder is a copy of it" in refused.stderr
    assert containers(lab) == EVERYONE[:3]


def nothing_is_left(lab: LabUnderTest, namespace: str) -> None:
    assert not Path("/run/netns", namespace).exists()
    assert not Path("/run", namespace).exists()
    assert not (lab.path / ".labgen" / "docker").exists()
    assert not list(lab.path.glob(".vagrant/machines/*"))
    assert not any(namespace in mount for mount in Path("/proc/self/mounts").read_text().splitlines())


def test_down_of_a_moved_folder_takes_the_old_engine_down(lab: LabUnderTest) -> None:
    namespace = lab.state.namespace
    assert namespace is not None
    lab.path = lab.path.rename(lab.path.with_name("moved again"))
    # And nothing of what it was made with is what it was.
    (lab.path / "Vagrantfile").unlink()
    write(lab, "{workers: 0, name: another}")
    told = lab.run("labgen", "down")
    assert "The lab is removed." in told.stdout
    assert "swarm-worker2" in told.stderr
    nothing_is_left(lab, namespace)


def kill_engine_and_break_lab_file(lab: LabUnderTest) -> None:
    pid = int((lab.path / ".labgen" / "docker" / "namespaces.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    write(lab, "workers: [")


def remove_node_and_forget_labgen(lab: LabUnderTest) -> None:
    docker(lab, "rm", "--force", "labgen-swarm-manager")
    (lab.path / ".labgen" / "state.json").unlink()
    (lab.path / ".labgen" / "docker" / "namespaces.pid").unlink()


@pytest.mark.parametrize("accident", [kill_engine_and_break_lab_file, remove_node_and_forget_labgen])
def test_down_after(lab: LabUnderTest, accident: Callable[[LabUnderTest], None]) -> None:
    write(lab, "workers: 0")
    lab.run("labgen", "up", "--provider", "docker", "--no-bootstrap")
    namespace = lab.state.namespace
    assert namespace is not None
    accident(lab)
    assert "The lab is removed." in lab.run("labgen", "down").stdout
    nothing_is_left(lab, namespace)
