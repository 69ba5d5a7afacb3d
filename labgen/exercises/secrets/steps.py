"""Secrets and configs carried out: a page behind a password that nobody sees, and the password changed."""

from __future__ import annotations

import base64
import functools
from urllib.parse import quote

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.docker.api import as_object, ask, part, text_of
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import MONITOR, VERIFY

from .exercise import Parameters


class _Before:
    """What one run of the exercise remembers: the hash of the file before the secret was changed."""

    def __init__(self) -> None:
        self.hash = ""


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, name, before = lab.first_manager, parameters.name, _Before()
    return [
        Step(
            manager,
            "Make a secret: a user, and a password of random characters that nobody sees.",
            Command(parameters.create_first),
            skip_if=lambda run: (
                f"{name} is at {parameters.second} already."
                if _current(run) == parameters.second
                else _exists(run, parameters.first)
            ),
            quiet=True,
        ),
        Step(
            manager,
            "See what swarm tells of it: name and dates, never the value.",
            _inspect,
            placeholder=f"docker secret inspect {parameters.first}",
            until=_tells_no_value,
        ),
        Step(
            manager,
            "Make a config: what nginx is to do, and where it finds the users.",
            Command(parameters.create_config),
            skip_if=_config_there,
            quiet=True,
        ),
        Step(
            manager, "Of a config everything is told.", Command(f"docker config inspect --pretty {parameters.config}")
        ),
        services.create(
            lab, parameters.service, "Give both to a service, as files in its containers.", until=_see_mounts
        ),
        services.show(lab, name),
        *_looked_at(lab, functools.partial(_note, before=before), parameters),
        Step(
            manager,
            "The secret cannot be removed while a service uses it.",
            lambda run: (
                Command(f"docker secret rm {parameters.first}")
                if _current(run) == parameters.first
                else f"{parameters.first} is in use no more."
            ),
            placeholder=f"docker secret rm {parameters.first}",
            ends="error",
        ),
        Step(
            manager,
            "A secret is never changed. Make another, with another password.",
            Command(parameters.create_second),
            skip_if=functools.partial(_exists, secret=parameters.second),
            quiet=True,
        ),
        Step(
            manager,
            "Change it in the service: the task is replaced, the file keeps its name.",
            Command(parameters.rotate),
            skip_if=lambda run: (
                f"{name} is at {parameters.second} already." if _current(run) == parameters.second else None
            ),
            until=_see_mounts,
            quiet=True,
            within=300,
            timers=(MONITOR, VERIFY),
        ),
        *_looked_at(lab, functools.partial(_changed, before=before), parameters),
        Step(
            manager,
            "Now the old one can be removed.",
            Command(f"docker secret rm {parameters.first}"),
            skip_if=lambda run: None if _exists(run, parameters.first) else f"{parameters.first} is gone already.",
        ),
        services.show(lab, name, "See the history: the task with the old secret was replaced."),
    ]


def _looked_at(lab: Lab, judge: functools.partial[None], parameters: Parameters) -> list[Step]:
    """Compose the steps that show the file in the container, and the page without and with a password."""
    inside = functools.partial(services.inside, lab, parameters.name)
    return [
        inside("See the file in the container: it lies in memory.", parameters.look),
        inside("The hash of what it says, by which values can be told apart.", parameters.hash, judge=judge),
        inside(
            "Ask for the page without a password.", parameters.ask, judge=functools.partial(_status, expected="401")
        ),
        inside(
            "Ask with the password of the file; it goes from there into curl, and is not seen on the way.",
            parameters.ask_as_user,
            judge=functools.partial(_status, expected="200"),
        ),
    ]


def _status(_: Run, status: str, expected: str) -> None:
    if status.strip() != expected:
        raise NotYet(f"HTTP status {status.strip() or 'none'}, not {expected}")


def _note(_: Run, output: str, before: _Before) -> None:
    before.hash = output.split()[0] if output.split() else ""


def _changed(run: Run, output: str, before: _Before) -> None:
    parameters = run.parameters(Parameters)
    now = output.split()[0] if output.split() else ""
    history = {task.files.get(parameters.file) for task in run.service(parameters.name).tasks}
    # On a second run the first look has seen the new one already; the history still tells of the change.
    if not now or (now == before.hash and parameters.first not in history):
        raise NotYet(f"{parameters.file} is as before")


def _current(run: Run) -> str:
    """Name the secret that the service is given; empty if there is no service, or it has none."""
    parameters = run.parameters(Parameters)
    service = swarm.service(run.manager.ask, parameters.name)
    return service.files.get(parameters.file, "") if service else ""


def _see_mounts(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name)
    mounts = run.service(parameters.name).files
    if (
        mounts.get(parameters.file) not in (parameters.first, parameters.second)
        or mounts.get(parameters.config_file) != parameters.config
    ):
        listed = ", ".join(f"{source} as {file}" for file, source in mounts.items()) or "nothing"
        raise ExerciseError(
            f"{parameters.name} is given {listed}, not {parameters.first} as {parameters.file} "
            f"and {parameters.config} as {parameters.config_file}.",
            f"Mend it by hand, or remove it with: fab exercise.reset {run.exercise.name}",
        )
    run.say("  " + ", ".join(f"{file} is {mounts[file]}" for file in (parameters.file, parameters.config_file)))


def _fetch(run: Run, path: str) -> dict[str, object] | None:
    answer = ask(run.manager.ask, [path])[path]
    return None if answer.status == 404 else dict(as_object(answer.value(path), path))


def _exists(run: Run, secret: str) -> str | None:
    return f"the secret {secret} is there already." if _fetch(run, f"/secrets/{quote(secret)}") else None


def _inspect(run: Run) -> Command:
    return Command(f"docker secret inspect {_at_hand(run)}")


def _at_hand(run: Run) -> str:
    parameters = run.parameters(Parameters)
    return parameters.first if _exists(run, parameters.first) else parameters.second


def _tells_no_value(run: Run) -> None:
    secret = _fetch(run, f"/secrets/{_at_hand(run)}") or {}
    if part(secret, "Spec").get("Data"):
        raise ExerciseError("the engine tells a secret's value.", "That must never be: which engine is it?")


def _config_there(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    config = _fetch(run, f"/configs/{quote(parameters.config)}")
    if config is None:
        return None
    text = base64.b64decode(text_of(part(config, "Spec"), "Data")).decode(errors="replace")
    # However it is indented.
    if text.split() != parameters.config_text.split():
        raise ExerciseError(
            f"there is a config {parameters.config} already, and it says something else than the exercise's.",
            f"Look at it: docker config inspect --pretty {parameters.config}. "
            f"Or remove everything of the exercise with: fab exercise.reset {run.exercise.name}",
        )
    return f"the config {parameters.config} is there already."
