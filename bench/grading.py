"""Grading against the same checks written plainly: `python bench/grading.py LAB_FOLDER [ROUNDS] [--course]`.

On a lab of the course's three nodes that is up; the exercises that are compared (the swarm itself, loadbalance,
update) are carried out first where they are not. Compared are whole processes, in turns: `pytest verify/` with
those exercises, and the tests in bench/plain, which ask the same claims as one writes them with testinfra as it is:
its `host` fixture, its default connection (paramiko), a question for each claim. Both must judge the same checks, by
id, and every one must pass; else there is nothing to compare. Before each run the SSH connections that ssh keeps open
are ended, and each node's own count of logins is taken before and after it.

Then `labgen grade --all`, once, on the lab as it stands. No moment of a lab is right for every exercise, so with
`--course` each exercise is carried out (not counted) and graded right after it, as `labgen run --all --grade` does.
Of either's seconds those are told apart, as the report has them, in which a check waited for what the swarm does in its
own time (a container killed, a service scaled).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labgen.core.process import Runner
from labgen.exercise.catalogue import exercises, prerequisite
from labgen.machines import inventory
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import Capability
from labgen.transport.ssh import SshTransport

LABGEN = Path(sys.executable).with_name("labgen")
PLAIN = Path(__file__).with_name("plain")
COMPARED = (prerequisite(), "loadbalance", "update")

# On both sides as where labgen is installed by itself: without the plugins that the project's own tests have, and with
# modules that Python has compiled once.
LEFT_OUT = ("no:cacheprovider", "no:randomly", "no:hypothesispytest")
PYTEST = (sys.executable, "-m", "pytest", "--quiet", *(word for name in LEFT_OUT for word in ("-p", name)))
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@dataclass(frozen=True)
class Graded:
    """One run of one side.

    :param seconds: of the whole process.
    :param checks: seconds of each check, by its id.
    :param missed: ids of checks that were judged and did not pass.
    :param logins: how many each node has counted.
    """

    seconds: float
    checks: Mapping[str, float]
    missed: Collection[str]
    logins: Mapping[str, int]


class Sides:
    """The two ways to ask one lab."""

    def __init__(self, there: Inventory, place: Path) -> None:
        self._there, self._told = there, place / "told"
        self._ids: set[str] = set()

    def grader(self) -> Graded:
        """`pytest verify/`, with the exercises that are compared."""
        exercises_compared = f"--exercise={','.join(COMPARED)}"
        seconds, logins = self._timed([*PYTEST, "verify/", exercises_compared, "--lang=en", f"--json={self._told}"])
        told = json.loads(self._told.read_text(encoding="utf-8"))["checks"]
        judged = [one for one in told if one["verdict"] != "not applicable"]
        self._ids = {one["id"] for one in judged}
        missed = {one["id"] for one in judged if one["verdict"] != "pass"}
        return Graded(seconds, {one["id"]: one["seconds"] for one in judged}, missed, logins)

    def plain(self) -> Graded:
        """The same claims with testinfra as it is."""
        names = [node.name for node in self._there.lab.nodes]
        hosts = ",".join(f"paramiko://{name}" for name in names)
        how = [f"--hosts={hosts}", f"--ssh-config={self._there.ssh_config}", "--sudo", f"--junitxml={self._told}"]
        files = [PLAIN / f"test_{name}.py" for name in COMPARED]
        mesh = ["-m", "not mesh"] if Capability.ROUTING_MESH in self._there.lacks else []
        seconds, logins = self._timed([*PYTEST, "-c", PLAIN / "pytest.ini", *how, *mesh, *files])
        checks: dict[str, float] = {}
        missed = set()
        for case in ElementTree.parse(self._told).iter("testcase"):  # noqa: S314 - written by our own pytest
            name = check_id(case.attrib["classname"], case.attrib["name"], names, self._ids)
            # A claim about the swarm that takes a test on each node is all of them.
            checks[name] = checks.get(name, 0.0) + float(case.attrib["time"])
            if len(case):
                missed.add(name)
        return Graded(seconds, checks, missed, logins)

    def _timed(self, command: Sequence[str | Path]) -> tuple[float, dict[str, int]]:
        self._told.unlink(missing_ok=True)
        inventory.close_shared(self._there.folder, Runner())
        before = self._logins()
        start = time.monotonic()
        done = subprocess.run(command, cwd=self._there.folder.path, capture_output=True, text=True)
        seconds = time.monotonic() - start
        if not self._told.exists():
            raise SystemExit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
        after = self._logins()
        return seconds, {name: after[name] - before[name] for name in after}

    def _logins(self) -> dict[str, int]:
        # Over a connection that stays open, so that the question is no login.
        ask = "journalctl --boot --unit ssh --output cat --no-pager"
        transport = SshTransport(self._there)
        answers = {node.name: transport.run(node, ask) for node in self._there.lab.nodes}
        return {name: answer.count("Accepted publickey") for name, answer in answers.items()}


def check_id(module: str, test: str, hosts: Collection[str], known: Collection[str]) -> str:
    """The check that a plain test is: ``test_node_ready[paramiko://swarm-manager-swarm-worker1]`` is
    ``cluster.node_ready[swarm-worker1]``, and its name as it is where it is none of those known.

    A test is made for the host it asks; that is a part of the check's id only where the host is what is judged.
    """
    exercise = module.rpartition(".")[2].removeprefix("test_")
    name, _, told = test.removeprefix("test_").removesuffix("]").partition("[")
    host = next((one for one in sorted(hosts, key=len, reverse=True) if f"://{one}" in told), "")
    other = told.replace(f"paramiko://{host}", "").strip("-")
    params = ("-".join(filter(None, (host, other))), other)
    wanted = [*(f"{exercise}.{name}[{one}]" for one in params if one), f"{exercise}.{name}"]
    return next((one for one in wanted if one in known), f"{exercise}.{test}")


def compare(there: Inventory, rounds: int) -> None:
    """Both sides in turns; tells what each took.

    :raises SystemExit: they do not judge the same checks, or some check does not pass.
    """
    sides: dict[str, list[Graded]] = {"grader": [], "plain": []}
    with tempfile.TemporaryDirectory() as place:
        two = Sides(there, Path(place))
        two.grader(), two.plain()  # What they import is in the system's memory after that.
        for _ in range(rounds):
            for name, side in sides.items():
                side.append(two.grader() if name == "grader" else two.plain())
            grader, plain = (side[-1] for side in sides.values())
            _same(grader, plain)
            load = f"load {os.getloadavg()[0]:.1f}"
            told = "; ".join(f"{name} {side[-1].seconds:.2f} s" for name, side in sides.items())
            print(f"{told}; ratio {plain.seconds / grader.seconds:.2f}; {load}", flush=True)
    print(f"\n{'SECONDS':42} {'grader':>8} {'plain':>8}")
    for check in sides["grader"][0].checks:
        spent = [statistics.median(one.checks[check] for one in side) for side in sides.values()]
        print(f"{check:42} {spent[0]:8.3f} {spent[1]:8.3f}")
    alone = [statistics.median(sum(one.checks.values()) for one in side) for side in sides.values()]
    print(f"{'sum of the checks':42} {alone[0]:8.3f} {alone[1]:8.3f}")
    besides = [statistics.median(one.seconds - sum(one.checks.values()) for one in side) for side in sides.values()]
    print(f"{'besides: start, end, reports':42} {besides[0]:8.3f} {besides[1]:8.3f}\n")
    for name, side in sides.items():
        spent = [one.seconds for one in side]
        most = {node: max(one.logins[node] for one in side) for node in side[0].logins}
        print(
            f"{name:8} {len(side[0].checks)} checks; seconds: min {min(spent):.2f}, median "
            f"{statistics.median(spent):.2f}, max {max(spent):.2f}; SSH logins, the most of any run: "
            + ", ".join(f"{node} {count}" for node, count in most.items())
        )
    medians = [statistics.median(one.seconds for one in side) for side in sides.values()]
    told = f"{medians[1] / medians[0]:.2f}; of the checks alone, without start and end: {alone[1] / alone[0]:.2f}"
    print(f"ratio of medians: {told}", flush=True)


def _same(grader: Graded, plain: Graded) -> None:
    if apart := set(grader.checks) ^ set(plain.checks):
        raise SystemExit(f"not the same checks; one side alone has: {', '.join(sorted(apart))}")
    if grader.missed or plain.missed:
        missed = {name: ", ".join(sorted(one.missed)) for name, one in (("grader", grader), ("plain", plain))}
        raise SystemExit("these do not pass: " + "; ".join(f"{name}: {ids or 'none'}" for name, ids in missed.items()))


@dataclass(frozen=True)
class Grade:
    """What `labgen grade` came to.

    :param seconds: of the whole process.
    :param waited: the part of ``seconds`` that the checks waited for Swarm.
    """

    seconds: float
    waited: float
    got: int
    of: int

    def __str__(self) -> str:
        return (
            f"{self.seconds:.1f} s, including {self.waited:.1f} s of waiting for Swarm; without that "
            f"{self.seconds - self.waited:.1f} s; {self.got} of {self.of} points"
        )


def grade(folder: Path, *words: str) -> Grade:
    """`labgen grade`, as a whole process."""
    start = time.monotonic()
    command: list[str | Path] = [LABGEN, "-C", folder, "grade", "--json", "--lang=en", *words]
    # Where something does not pass its status says so; what matters here is that there is a report.
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.monotonic() - start
    try:
        told: Mapping[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise SystemExit(f"labgen grade {' '.join(words)}:\n{done.stdout}{done.stderr}") from None
    return Grade(seconds, told["seen"]["waited"], told["points"]["got"], told["points"]["of"])


def carry_out(folder: Path, name: str) -> None:
    """`labgen run`; what is there already is left as it is."""
    done = subprocess.run([LABGEN, "-C", folder, "run", name], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"labgen run {name}:\n{done.stdout}{done.stderr}")


def course(there: Inventory) -> None:
    """Every exercise carried out, and graded right after it."""
    grades = []
    for name, exercise in exercises().items():
        if exercise.lacking(there.lab):
            continue
        carry_out(there.folder.path, name)
        grades.append(grade(there.folder.path, name))
        print(f"labgen grade {name:14} {grades[-1]}", flush=True)
    whole = Grade(*(sum(getattr(one, field) for one in grades) for field in Grade.__dataclass_fields__))
    print(f"the course, exercise by exercise: {whole}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--course", action="store_true")
    arguments = parser.parse_args()
    there = inventory.discover(arguments.folder)
    for name in COMPARED:
        if name != prerequisite():
            carry_out(there.folder.path, name)
    compare(there, arguments.rounds)
    inventory.close_shared(there.folder, Runner())
    print(f"labgen grade --all: {grade(there.folder.path, '--all')}", flush=True)
    if arguments.course:
        course(there)
    there.close()


if __name__ == "__main__":
    main()
