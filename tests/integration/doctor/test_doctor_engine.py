"""The doctor and a real Docker engine, in a network namespace of its own; the kernel under its containers."""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from labgen.config import parse
from labgen.core.process import Runner
from labgen.providers import doctor
from labgen.providers.docker import PROVIDER, engine, kernel
from labgen.providers.docker import doctor as docker
from labgen.providers.docker.kernel import FEATURES, IPVS
from labgen.providers.docker.network import check_routes

COURSE = parse("")
NEEDS = ("docker", "dockerd", "ip", "nsenter", "unshare", "setpriv", "genl", "zcat")
IMAGE = "labgen/node:asks-the-kernel"

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are for Linux"),
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="an engine needs root"),
    pytest.mark.skipif(any(Runner().which(name) is None for name in NEEDS), reason=f"needs {', '.join(NEEDS)}"),
]


class Here(doctor.Host):
    """This computer, with an image of its own for the nodes, and without a way out."""

    def node_image(self):
        return IMAGE

    def reaches(self, name, port, within=2.0):
        return False


def said(*argv, **options):
    done = subprocess.run(argv, check=False, capture_output=True, text=True, timeout=60, **options)
    assert done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


def start(folder, namespace):
    """An engine with its bridge in a namespace; nothing of this computer's networks is touched."""
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [
                *("nsenter", f"--net=/run/netns/{namespace}", "dockerd", "--data-root", folder / "data"),
                *("--exec-root", folder / "exec", "--pidfile", folder / "pid", "-H", f"unix://{folder}/sock"),
            ],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    for _ in range(300):
        if engine.engine(Here(Runner(env={"DOCKER_HOST": f"unix://{folder}/sock"}))) or running.poll() is not None:
            break
        time.sleep(0.1)
    return running


@pytest.fixture(scope="module")
def address():
    # A socket's path must be short, and everyone may get as far as the socket.
    folder = Path(tempfile.mkdtemp(prefix="labgen-doctor-"))
    folder.chmod(0o755)
    namespace = folder.name
    said("ip", "netns", "add", namespace)
    said("ip", "-n", namespace, "link", "set", "lo", "up")
    running = start(folder, namespace)
    try:
        if running.poll() is not None:
            pytest.skip(f"no engine starts here: {(folder / 'log').read_text()[-500:]}")
        yield f"unix://{folder}/sock"
    finally:
        running.terminate()
        running.wait(60)
        said("ip", "netns", "delete", namespace)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def host(address):
    return Here(Runner(env={"DOCKER_HOST": address}))


def docker_said(address, *words, **options):
    return said("docker", *words, env={**os.environ, "DOCKER_HOST": address}, **options)


def test_doctor_engine_is_understood(host):
    found = engine.engine(host)
    assert found.kind == "Docker"
    assert found.kernel == os.uname().release
    assert found.arch == host.machine()
    assert found.cpus == os.cpu_count()
    assert found.api >= (1, 41)
    assert not [one for one in docker.check_engine(COURSE, host) if one.level == "error"]


def test_its_networks_are_understood(host, address):
    assert "bridge" in [one.name for one in engine.networks(host)]
    docker_said(address, "network", "create", "--subnet", str(COURSE.plan.lab), "someone-elses")
    try:
        host.forget()
        (found,) = check_routes(COURSE, host, PROVIDER)
        assert found.level == "error"
        # The command that it proposes is one.
        (command,) = [line for line in found.fix.splitlines() if line.startswith("docker ")]
        assert said(*command.split(), env={**os.environ, "DOCKER_HOST": address})
        host.forget()
        assert "overlaps Docker's network" not in next(check_routes(COURSE, host, PROVIDER)).message
    finally:
        subprocess.run(
            ["docker", "network", "rm", "someone-elses"],
            check=False,
            capture_output=True,
            env={**os.environ, "DOCKER_HOST": address},
        )


def test_doctor_engine_whoever_may_not_use_it_is_told_so(address):
    nobody = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    denied = Here(Runner(prefix=nobody, env={"DOCKER_HOST": address, "HOME": "/nonexistent"}))
    assert engine.daemon(denied).state == "denied"


def test_doctor_engine_where_none_answers_labgen_knows_whether_it_can_start_one():
    silent = Here(Runner(env={"DOCKER_HOST": "unix:///nonexistent/sock"}))
    assert engine.daemon(silent).state == "none"


def libraries(program):
    told = subprocess.run(["ldd", program], check=False, capture_output=True, text=True).stdout
    return {word for word in told.split() if word.startswith("/")}


def test_doctor_engine_container_asks_the_kernel_as_this_computer_does(host, address, tmp_path, monkeypatch):
    programs = {name: shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin") for name in ("genl", "gzip", "zcat")}
    programs.update({name: shutil.which(name) for name in ("sh", "uname", "cat")})
    with tarfile.open(tmp_path / "root.tar", "w", dereference=True) as root:
        for name, path in programs.items():
            root.add(path, f"bin/{name}")
        for library in set().union(*map(libraries, programs.values())):
            root.add(library, library.lstrip("/"))
    docker_said(address, "import", str(tmp_path / "root.tar"), IMAGE)
    assert engine.has_image(host, IMAGE)
    # As if the engine were in a virtual machine.
    found = engine.engine(host)
    monkeypatch.setattr(engine, "engine", lambda _: found.__class__(**{**vars(found), "kernel": "another"}))
    inside = kernel.of_nodes(host)
    assert inside.kernel is not None
    assert not inside.here
    assert inside.release == os.uname().release
    outside = kernel.here(host, os.uname().release)
    for feature in FEATURES:
        assert inside.has(feature) in (outside.has(feature), "unknown")
    assert inside.has(IPVS) != "unknown"
