"""The lab of the end-to-end tests: one, on real nodes of the provider that is asked for, for the whole run."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.docker.swarm import Swarm, look
from labgen.machines import inventory as inventories
from labgen.model.lab_folder import LabFolder, State

CHECKOUT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
FOLDERS_OF_OTHER_LABS = frozenset({"arm64", "cloud_image", "engines", "virtualbox"})
"""Folders here whose labs are others than that of ``--provider``, and take long."""


class LabUnderTest:
    """A lab folder, and the commands a user would type in it.

    :param enter: put before every command, to run it where the lab is.
    :param env: added to the environment of every command.
    """

    def __init__(
        self, path: Path, provider: str, enter: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self.path = path
        self.provider = provider
        self._enter = enter
        self._env = env or {}

    @property
    def state(self) -> State:
        """What `labgen up` has written down."""
        state = LabFolder.at(self.path).state()
        assert state is not None, "the lab is not up"
        return state

    def run(self, *argv: str, within: float = 1800, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Type a command in the lab folder; what it said is shown where a test fails."""
        program = BIN / argv[0]
        done = subprocess.run(
            [*self._enter, str(program), *argv[1:]],
            cwd=self.path,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=within,
        )
        print(f"$ {' '.join(argv)}  -> {done.returncode}\n{done.stdout}{done.stderr}")
        if check:
            assert done.returncode == 0, f"`{' '.join(argv)}` ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start a command and hand it over, to be interrupted."""
        return subprocess.Popen(
            [*self._enter, str(BIN / argv[0]), *argv[1:]],
            cwd=self.path,
            env=self.environment() | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # Where these tests run in the background of a shell, children would ignore Ctrl-C from birth.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def environment(self) -> dict[str, str]:
        """As a user's shell has it: what pytest has set for itself does not belong to the commands."""
        theirs = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return {**theirs, **self._env}

    def close_shared_connections(self) -> None:
        """End the SSH connections that ssh keeps open for the next command."""
        inventories.close_shared(LabFolder.at(self.path), Runner())

    def wait_for(self, what: str, true_of: Callable[[Swarm], bool]) -> None:
        """Wait until something is true of the swarm, as its first manager tells it."""
        there = inventories.discover(self.path)
        manager = there.lab.first_manager.name

        def seen() -> None:
            swarm = look(lambda question: self.on(manager, question.script))
            if not true_of(swarm):
                raise NotYet(str(swarm))

        wait_until(what, seen, within=there.patience.seconds(60), every=2)

    def on(self, node: str, command: str) -> str:
        """What a command prints on a node, as root."""
        return self.run("labgen", "ssh", node, "--", f"sudo {command}").stdout


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--provider", default="docker", help="what the nodes run on: docker (default) or libvirt")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out a folder that has a make target of its own, unless it is named."""
    if collection_path.parent != Path(__file__).parent or collection_path.name not in FOLDERS_OF_OTHER_LABS:
        return None
    named_paths = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    return None if any(path.resolve().is_relative_to(collection_path) for path in named_paths) else True


@contextlib.contextmanager
def made_in(path: Path, lab_file: str = "", provider: str = "docker", *, up: bool = True) -> Iterator[LabUnderTest]:
    """Make a lab folder and bring its lab up; it is taken down at the end whatever happened.

    :param lab_file: text of its lab.yml; the one of `labgen init` stays where empty.
    :param up: whether the lab is brought up here.
    """
    path.mkdir(exist_ok=True)
    under_test = LabUnderTest(path, provider)
    under_test.run("labgen", "init", str(path))
    if lab_file:
        (path / "lab.yml").write_text(lab_file, encoding="utf-8")
    try:
        if up:
            under_test.run("labgen", "up", "--provider", provider)
        yield under_test
    finally:
        under_test.run("labgen", "down", check=False)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LabUnderTest]:
    """A lab folder made by `labgen init`, taken down at the end whatever happened."""
    with made_in(tmp_path_factory.mktemp("lab"), provider=pytestconfig.getoption("--provider"), up=False) as lab:
        yield lab


def tokens(text: str) -> list[str]:
    """Join tokens in a text."""
    return re.findall(r"SWMTKN-1-[0-9a-z]+-[0-9a-z]+", text)


def every_point(said: str) -> int:
    """The points of the table that a course ends with, all of them earned."""
    together = next(line for line in said.splitlines() if line.startswith("total")).split()
    got, of = map(int, together[-1].split("/"))
    assert got == of
    return of


@contextlib.contextmanager
def listening(runner: Runner, port: int, log: Path) -> Iterator[None]:
    """Something listens on a port of 127.0.0.1, where the runner starts programs."""
    serve = ["python3", "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    pid = runner.start(serve, log=log, cwd=log.parent)

    def answers() -> None:
        if not runner.run(["curl", "-s", "-o", "/dev/null", f"http://127.0.0.1:{port}"]).ok:
            raise NotYet(log.read_text(encoding="utf-8"))

    try:
        wait_until(f"a server on port {port}", answers, within=30, every=0.1, error=AssertionError)
        yield
    finally:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)
