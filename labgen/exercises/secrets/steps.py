"""Secrets and configs carried out: a page behind a password that nobody sees, and the password changed."""

from __future__ import annotations

import base64
import functools
from collections.abc import Mapping
from urllib.parse import quote

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text, listed
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.docker.api import as_object, ask, part, text_of
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import MONITOR, VERIFY

from .exercise import Parameters

_ = Messages.beside(__file__)


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
            _("Create a secret: a user, and a password of random characters that nobody sees."),
            Command(parameters.create_first),
            skip_if=lambda run: (
                _("%(service)s uses %(secret)s already.", service=name, secret=parameters.second)
                if _current(run) == parameters.second
                else _exists(run, parameters.first)
            ),
            quiet=True,
        ),
        Step(
            manager,
            _("See what the swarm shows of it: name and dates, never the value."),
            _inspect,
            placeholder=f"docker secret inspect {parameters.first}",
            until=_tells_no_value,
        ),
        Step(
            manager,
            _("Create a config: the settings of nginx, and the path of the file with the users."),
            Command(parameters.create_config),
            skip_if=_config_there,
            quiet=True,
        ),
        Step(
            manager,
            _("See the config: the swarm shows all of it."),
            Command(f"docker config inspect --pretty {parameters.config}"),
        ),
        services.create(
            lab, parameters.service, _("Give both to a service, as files in its containers."), until=_see_mounts
        ),
        services.show(lab, name),
        *_looked_at(lab, functools.partial(_note, before=before), parameters),
        Step(
            manager,
            _("Try to remove the secret: the swarm refuses while a service uses it."),
            lambda run: (
                Command(f"docker secret rm {parameters.first}")
                if _current(run) == parameters.first
                else _("%(secret)s is not in use any more.", secret=parameters.first)
            ),
            placeholder=f"docker secret rm {parameters.first}",
            ends="error",
        ),
        Step(
            manager,
            _("Create another secret, with another password: a secret itself never changes."),
            Command(parameters.create_second),
            skip_if=functools.partial(_exists, secret=parameters.second),
            quiet=True,
        ),
        Step(
            manager,
            _("Replace the secret of the service: a new task starts, the file keeps its name."),
            Command(parameters.rotate),
            skip_if=lambda run: (
                _("%(service)s uses %(secret)s already.", service=name, secret=parameters.second)
                if _current(run) == parameters.second
                else None
            ),
            until=_see_mounts,
            quiet=True,
            within=300,
            timers=(MONITOR, VERIFY),
        ),
        *_looked_at(lab, functools.partial(_changed, before=before), parameters),
        Step(
            manager,
            _("Remove the old secret: now the swarm allows it."),
            Command(f"docker secret rm {parameters.first}"),
            skip_if=lambda run: (
                None if _exists(run, parameters.first) else _("%(secret)s is removed already.", secret=parameters.first)
            ),
        ),
        services.show(lab, name, _("See the history: the task with the old secret was replaced.")),
    ]


def _looked_at(lab: Lab, judge: functools.partial[None], parameters: Parameters) -> list[Step]:
    """Compose the steps that show the file in the container, and the page without and with a password."""
    inside = functools.partial(services.inside, lab, parameters.name)
    return [
        inside(_("See the file in the container: it is in memory, not on disk."), parameters.look),
        inside(_("See the hash of the file, which tells values apart."), parameters.hash, judge=judge),
        inside(
            _("Request the page without a password."), parameters.ask, judge=functools.partial(_status, expected="401")
        ),
        inside(
            _("Request the page with the password in the file. The command passes it to curl without showing it."),
            parameters.ask_as_user,
            judge=functools.partial(_status, expected="200"),
        ),
    ]


def _status(_run: Run, status: str, expected: str) -> None:
    if status.strip() != expected:
        raise NotYet(
            _("HTTP status %(status)s, not %(expected)s", status=status.strip() or _("none"), expected=expected)
        )


def _note(_run: Run, output: str, before: _Before) -> None:
    before.hash = output.split()[0] if output.split() else ""


def _changed(run: Run, output: str, before: _Before) -> None:
    parameters = run.parameters(Parameters)
    now = output.split()[0] if output.split() else ""
    history = {task.files.get(parameters.file) for task in run.service(parameters.name).tasks}
    # On a second run the first look has seen the new one already; the history still tells of the change.
    if not now or (now == before.hash and parameters.first not in history):
        raise NotYet(_("%(file)s has not changed", file=parameters.file))


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
        raise ExerciseError(
            _(
                "%(service)s has these files: %(files)s. It must have: %(expected)s.",
                service=parameters.name,
                files=_mounted(mounts) or _("none"),
                expected=_mounted({parameters.file: parameters.first, parameters.config_file: parameters.config}),
            ),
            run.correct_or_reset,
        )
    run.tell(_mounted({file: mounts[file] for file in (parameters.file, parameters.config_file)}))


def _mounted(files: Mapping[str, str]) -> Text:
    """List files in a container, each with the secret or config that it holds."""
    return listed(_("%(file)s is %(source)s", file=file, source=source) for file, source in files.items())


def _fetch(run: Run, path: str) -> dict[str, object] | None:
    answer = ask(run.manager.ask, [path])[path]
    return None if answer.status == 404 else dict(as_object(answer.value(path), path))


def _exists(run: Run, secret: str) -> Text | None:
    return _("secret %(secret)s exists already.", secret=secret) if _fetch(run, f"/secrets/{quote(secret)}") else None


def _inspect(run: Run) -> Command:
    return Command(f"docker secret inspect {_at_hand(run)}")


def _at_hand(run: Run) -> str:
    parameters = run.parameters(Parameters)
    return parameters.first if _exists(run, parameters.first) else parameters.second


def _tells_no_value(run: Run) -> None:
    secret = _fetch(run, f"/secrets/{_at_hand(run)}") or {}
    if part(secret, "Spec").get("Data"):
        raise ExerciseError(
            _("the engine shows the value of a secret."),
            _("An engine must never do that. Report its version: docker version"),
        )


def _config_there(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    config = _fetch(run, f"/configs/{quote(parameters.config)}")
    if config is None:
        return None
    text = base64.b64decode(text_of(part(config, "Spec"), "Data")).decode(errors="replace")
    # However it is indented.
    if text.split() != parameters.config_text.split():
        raise ExerciseError(
            _("config %(config)s exists already, with other content.", config=parameters.config),
            _(
                "Look with: docker config inspect --pretty %(config)s. Or remove everything that the "
                "exercise made: fab exercise.reset %(exercise)s",
                config=parameters.config,
                exercise=run.exercise.name,
            ),
        )
    return _("config %(config)s exists already.", config=parameters.config)
