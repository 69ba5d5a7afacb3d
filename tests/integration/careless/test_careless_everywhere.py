"""Every careless input on every command it fits, in this process and as processes."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.careless import inside, outside
from tests.careless.attempt import faults
from tests.careless.trial import Outcome, Trial, complaints

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its shells, limits and devices are Linux's")

CHECKOUT = Path(__file__).parents[3]
INSIDE = list(inside.trials())
OUTSIDE = list(outside.trials())
PATIENCE = 90
"""Seconds after which a process hangs, on a computer that does other things as well."""


def kinds(trials: list[Trial]) -> list[str]:
    return list(dict.fromkeys(trial.kind for trial in trials))


@pytest.mark.parametrize("kind", kinds(INSIDE))
def test_careless_every_command_ends_in_one_sentence(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = faults([trial for trial in INSIDE if trial.kind == kind], tmp_path, monkeypatch)
    assert not wrong, f"{len(wrong)} of {kind}:\n\n" + "\n\n".join(wrong[:40])


# Trials in this process have no programs: there subprocess.Popen is another.
_POPEN = subprocess.Popen


@pytest.fixture(scope="module", autouse=True)
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[Trial, Path, Future[Outcome]]]]:
    """What comes of each trial in a process of its own, a few at a time, beside the trials in this process."""
    place = tmp_path_factory.mktemp("careless")
    # Also for a user without rights to look at: only the folders themselves must be writable or not.
    for folder in (place, *place.parents[:2]):
        folder.chmod(0o755)
    with ThreadPoolExecutor(max_workers=(os.cpu_count() or 1) + 1) as pool:
        running = []
        for number, trial in enumerate(OUTSIDE):
            folder = place / str(number)
            folder.mkdir()
            trial.prepare(folder)
            running.append((trial, folder, pool.submit(carried_out, trial, folder)))
        yield running
        pool.shutdown(cancel_futures=True)


def carried_out(trial: Trial, folder: Path) -> Outcome:
    """Type a trial's command in a shell."""
    program = shlex.join([sys.executable, "-m", "labgen", *trial.words])
    changed = {"PYTHONPATH": str(CHECKOUT), "VAGRANT_HOME": str(folder / "vagrant.d"), **trial.environment}
    environment = {name: value for name, value in {**os.environ, **changed}.items() if value is not None}
    for name in ("LABGEN_LOCK", "PYTHONUTF8"):
        if name not in trial.environment:
            environment.pop(name, None)
    child = _POPEN(
        ["/bin/sh", "-c", trial.shell.replace("{}", program)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with child:
        try:
            out, err = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, 9)
            return Outcome(None, "", "")
    return Outcome(child.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


@pytest.mark.parametrize("kind", kinds(OUTSIDE))
def test_careless_every_process_ends_in_one_sentence(
    kind: str, outcomes: list[tuple[Trial, Path, Future[Outcome]]]
) -> None:
    wrong = []
    for trial, folder, future in outcomes:
        if trial.kind != kind:
            continue
        outcome = future.result()
        for complaint in complaints(trial, outcome, folder):
            end = "\n".join(f"{outcome.out}\n{outcome.err}".strip().splitlines()[-6:])
            wrong.append(f"{trial} ({trial.shell})\n  {complaint}\n{end}")
    assert not wrong, f"{len(wrong)} of {kind}:\n\n" + "\n\n".join(wrong[:40])


def test_careless_there_are_enough_of_them() -> None:
    assert len(INSIDE) + len(OUTSIDE) >= 300
    assert len({*kinds(INSIDE), *kinds(OUTSIDE)}) >= 20
