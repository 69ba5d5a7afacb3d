"""Faults in the secrets, the config and the service of the exercise; each creates them again."""

from __future__ import annotations

import json
import shlex
from typing import Any

from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import BY_CHANCE, NO_FAULT, QUICK, Act, Fault, LiveLab, RecordedLab

from .exercise import Parameters

_PARAMETERS = Parameters()

SITE = _PARAMETERS.service.name
_SECRET, _CONFIG = _PARAMETERS.service.options
_FAST = "--update-monitor 1s"
"""It is not looked at, and an update need not be watched for longer."""
_OLD_REMOVED = f"docker secret rm {_PARAMETERS.first}"


def _site(
    *later: str, options: tuple[str, ...] = (_SECRET, _CONFIG), second: str = "", config: str = _PARAMETERS.config_text
) -> Act:
    """Create both secrets, the config and the service again, and what comes later.

    :param options: of the service.
    :param second: what the second secret says, where it is none of a user and a password.
    :param config: what the config says.
    """
    second_secret = (
        f"echo {shlex.quote(second)} | docker secret create {_PARAMETERS.second} -"
        if second
        else _PARAMETERS.create(_PARAMETERS.second)
    )

    def act(lab: LiveLab) -> None:
        lab.remove(SITE)
        lab.manager(
            f"docker secret rm {_PARAMETERS.first} {_PARAMETERS.second} >/dev/null 2>&1 || true",
            f"docker config rm {_PARAMETERS.config} >/dev/null 2>&1 || true",
            _PARAMETERS.create(_PARAMETERS.first),
            second_secret,
            f"docker config create {_PARAMETERS.config} - <<'EOF'\n{config}EOF",
        )
        acts.make(lab, _PARAMETERS.service.but(options=(*options, _FAST)))
        for command in later:
            lab.manager(f"{command} >/dev/null", within=180)
        lab.settled(SITE, 1)

    return act


_CHANGED = (_PARAMETERS.rotate, _OLD_REMOVED)


def given_by_its_own_name(lab: RecordedLab) -> None:
    """``--secret site-users-1``, without a target."""
    secret = {"File": {"Name": _PARAMETERS.first}, "SecretName": _PARAMETERS.first}
    edits.containers_have(SITE, Secrets=[secret])(lab)


def a_file_from_a_config(lab: RecordedLab) -> None:
    """The users are in a config, where everyone can read them."""
    config = {"File": {"Name": "/etc/nginx/conf.d/default.conf"}, "ConfigName": "site-conf"}
    users = {"File": {"Name": "/run/secrets/site-users"}, "ConfigName": "site-users"}
    edits.containers_have(SITE, Secrets=None, Configs=[config, users])(lab)


def not_rotated(lab: RecordedLab) -> None:
    """As it was before the update."""

    def first(container: dict[str, Any]) -> None:
        container["Secrets"][0]["SecretName"] = _PARAMETERS.first

    def first_in_all(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            first(task["Spec"]["ContainerSpec"])

    lab.service(SITE, lambda service: first(edits.container(service)))
    lab.tasks(SITE, first_in_all)


def old_one_kept(lab: RecordedLab) -> None:
    answer = json.dumps({"ID": "x", "Spec": {"Name": _PARAMETERS.first}})
    lab.says(f"/secrets/{_PARAMETERS.first}", lambda _: f"{answer}\n\n200\n")


_NEED_SERVICE_RUNS = (
    "config_given",
    "guarded",
    "history",
    "in_the_container",
    "old_one_removed",
    "rotated",
    "secret_given",
)
_NEED_SECRET_GIVEN = ("guarded", "history", "in_the_container", "old_one_removed", "rotated")

FAULTS = (
    Fault(
        "no service",
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_nodes=lambda lab: lab.remove(SITE),
        on_recording=edits.gone(SITE),
    ),
    Fault(
        "no secret",
        fail=("secret_given",),
        blocked=_NEED_SECRET_GIVEN,
        on_nodes=_site(options=("--env SITE_USERS=learner:password", _CONFIG)),
        on_recording=edits.containers_have(SITE, Secrets=None),
    ),
    Fault(
        "no target",
        fail=("secret_given",),
        blocked=_NEED_SECRET_GIVEN,
        on_nodes=_site(options=(f"--secret {_PARAMETERS.first}", _CONFIG)),
        on_recording=given_by_its_own_name,
    ),
    Fault(
        "the users in a config",
        fail=("secret_given",),
        blocked=_NEED_SECRET_GIVEN,
        on_nodes=_site(options=(f"--config source={_PARAMETERS.config},target={_PARAMETERS.file}", _CONFIG)),
        on_recording=a_file_from_a_config,
    ),
    Fault(
        "an empty file",
        fail=("in_the_container",),
        blocked=("guarded",),
        on_nodes=_site(*_CHANGED, second="password"),
        on_recording=edits.printed("grep -c : ", "0\ntmpfs\n"),
    ),
    Fault(
        "no config",
        fail=("config_given",),
        blocked=("guarded",),
        on_nodes=_site(*_CHANGED, options=(_SECRET,)),
        on_recording=edits.containers_have(SITE, Configs=None),
    ),
    Fault(
        "nobody asks for a password",
        fail=("guarded",),
        on_nodes=_site(
            *_CHANGED, config=_PARAMETERS.config_text.replace('auth_basic "members only"', "auth_basic off")
        ),
        on_recording=edits.printed("nsenter.*curl", "200\n200\n"),
    ),
    Fault(
        "nobody is let in",
        fail=("guarded",),
        on_nodes=_site(*_CHANGED, second="learner:password"),
        on_recording=edits.printed("nsenter.*curl", "401\n401\n"),
    ),
    Fault(
        "not rotated",
        fail=("rotated",),
        blocked=("history", "old_one_removed"),
        on_nodes=_site(),
        on_recording=not_rotated,
    ),
    Fault(
        "made anew",
        fail=("history",),
        on_nodes=_site(
            _OLD_REMOVED, options=(f"--secret source={_PARAMETERS.second},target={_PARAMETERS.target}", _CONFIG)
        ),
        on_recording=edits.only_running(SITE),
    ),
    Fault(
        "the old one kept",
        fail=("old_one_removed",),
        on_nodes=_site(_PARAMETERS.rotate),
        on_recording=old_one_kept,
    ),
    Fault(
        "nothing runs",
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=lambda lab: lab.tasks(
            SITE, lambda tasks: [task for task in tasks if task["Status"]["State"] != "running"]
        ),
        only=QUICK,
    ),
    Fault(
        "another image",
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.image(SITE, "httpd:latest"),
        only=QUICK,
    ),
    Fault(
        "no file",
        fail=("in_the_container",),
        blocked=("guarded",),
        on_recording=edits.printed("grep -c : ", "\n"),
        only=QUICK,
    ),
    Fault(
        "a file on disk",
        fail=("in_the_container",),
        blocked=("guarded",),
        on_recording=edits.printed("grep -c : ", "1\noverlay\n"),
        only=QUICK,
    ),
    Fault(
        "nothing answers",
        fail=("guarded",),
        on_recording=edits.printed("nsenter.*curl", ""),
        only=BY_CHANCE,
    ),
    Fault(
        edits.FLAPPING,
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.flapping(SITE),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.no_containers(SITE),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_runs",),
        blocked=_NEED_SERVICE_RUNS,
        on_recording=edits.asleep(SITE),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(SITE),
        only=NO_FAULT,
    ),
)
