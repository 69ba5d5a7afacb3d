"""What an exercise has left that did not come to its end: it makes way for the next run.

While an exercise is carried out, a file in the lab's folder says since when, by the first manager's clock, and until
when at most it can have made anything. It is taken back when the exercise has come to its end. So a service that an
unfinished run has made is known by its time, whatever has become of its settings; one that a learner has made before
or since is not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from labgen.core.atomic_files import read, write_whole
from labgen.docker import swarm
from labgen.docker.swarm import Service
from labgen.exercise.catalogue import exercises
from labgen.exercise.services import differences
from labgen.model.lab_folder import LabFolder
from provision.exercise.run import Run

LATEST = 60.0
"""Seconds, on an ordinary machine, within which a step has made what it makes, counted from its beginning."""


@dataclass(frozen=True)
class Unfinished:
    """A run of an exercise that has not come to its end.

    :param began: when, in seconds since 1970 by the first manager's clock.
    :param until: when at the latest it can have made something.
    """

    began: float
    until: float

    def has_made(self, service: Service) -> bool:
        """Tell whether a service was created while it ran."""
        return service.created is not None and self.began <= service.created.timestamp() <= self.until


def unfinished(folder: LabFolder) -> dict[str, Unfinished]:
    """Read the runs that have not ended, by exercise; none if the file cannot be read."""
    text = read(folder.unfinished)
    try:
        runs = json.loads(text) if text else {}
        return {str(name): Unfinished(float(run["began"]), float(run["until"])) for name, run in runs.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return {}


def _write(folder: LabFolder, runs: Mapping[str, Unfinished]) -> None:
    if runs:
        write_whole(folder.unfinished, json.dumps({name: asdict(run) for name, run in runs.items()}, indent=2) + "\n")
    else:
        folder.unfinished.unlink(missing_ok=True)


def forget(folder: LabFolder, exercise: str) -> None:
    """Remove the note that an exercise has not ended: nothing of it is left, or all of it is as it should be."""
    runs = unfinished(folder)
    if runs.pop(exercise, None):
        _write(folder, runs)


@contextmanager
def noted(run: Run) -> Iterator[Callable[[], None]]:
    """Note in the lab's folder that an exercise is being carried out, until it has ended.

    Gives what is to be called at the beginning of each step.
    """
    began, start = float(run.manager.run("date +%s.%N").strip()), time.monotonic()
    folder, name = run.inventory.folder, run.exercise.name

    def note(seconds: float = 0.0) -> None:
        until = began + time.monotonic() - start + seconds
        _write(folder, {**unfinished(folder), name: Unfinished(began, until)})

    def step() -> None:
        note(run.inventory.patience.seconds(LATEST))

    step()
    try:
        yield step
    except BaseException:
        # It has ended, and makes nothing any more: what comes later is the learner's.
        note()
        raise
    forget(folder, name)


def made_by(service: Service) -> str:
    """Name the exercise whose specification a service matches exactly; empty if there is none."""
    for exercise in exercises().values():
        specs = (spec for spec in (*exercise.services, *exercise.later) if spec.name == service.name)
        if any(not differences(spec, service) for spec in specs):
            return exercise.name
    return ""


def left_by(run: Run, service: Service) -> str:
    """Name the exercise that created a service and did not end; empty if there is none."""
    for name, earlier in unfinished(run.inventory.folder).items():
        exercise = exercises().get(name)
        names = {spec.name for spec in exercise.services} if exercise else set()
        of_stack = exercise is not None and service.stack in exercise.stacks
        if (service.name in names or of_stack) and earlier.has_made(service):
            return name
    return ""


def of_earlier_run(run: Run) -> list[str]:
    """List the services that an earlier, unfinished run of this exercise has left.

    Also those that were there before it, where they are as some exercise leaves them: it may have failed because of
    their history.
    """
    if run.exercise.name not in unfinished(run.inventory.folder):
        return []
    names = {spec.name for spec in run.exercise.services}
    return [
        service.name
        for service in swarm.services(run.manager.ask)
        if service.name in names and (made_by(service) or left_by(run, service))
    ]
