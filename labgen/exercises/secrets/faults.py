"""Faults in the secrets, the config and the service of the exercise; each begins anew."""

from __future__ import annotations

import shlex

from labgen.exercises.secrets import exercise as secrets
from labgen.exercises.secrets.exercise import CONFIG, CONFIG_TEXT, FIRST, ROTATE, SECOND, SERVICE, TARGET
from tests.e2e.sabotage.acts import make
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import Stage

SITE = SERVICE.name
_SECRET, _CONFIG = SERVICE.options
_FAST = "--update-monitor 1s"
"""It is not looked at, and an update need not be watched for longer."""
_OLD_REMOVED = f"docker secret rm {FIRST}"


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"secrets.{name}" for name in names)


def _site(
    *later: str, options: tuple[str, ...] = (_SECRET, _CONFIG), second: str = "", config: str = CONFIG_TEXT
) -> Act:
    """Both secrets, the config and the service anew, and what comes later.

    :param options: of the service.
    :param second: what the second secret says, where it is none of a user and a password.
    :param config: what the config says.
    """
    said = f"echo {shlex.quote(second)} | docker secret create {SECOND} -" if second else secrets.create(SECOND)

    def act(stage: Stage) -> None:
        stage.remove(SITE)
        stage.manager(
            f"docker secret rm {FIRST} {SECOND} >/dev/null 2>&1 || true",
            f"docker config rm {CONFIG} >/dev/null 2>&1 || true",
            secrets.create(FIRST),
            said,
            f"docker config create {CONFIG} - <<'EOF'\n{config}EOF",
        )
        make(stage, SERVICE.but(options=(*options, _FAST)))
        for command in later:
            stage.manager(f"{command} >/dev/null", within=180)
        stage.settled(SITE, 1)

    return act


_CHANGED = (ROTATE, _OLD_REMOVED)
_BLOCKED = _of("in_the_container", "guarded", "rotated", "history", "old_one_removed")
_NO_SECRET = turned(fail=_of("secret_given"), blocked=_BLOCKED)

FAULTS = (
    Fault(
        "no site",
        "secrets",
        lambda stage: stage.remove(SITE),
        turned(fail=_of("service_runs"), blocked=(*_of("secret_given", "config_given"), *_BLOCKED)),
    ),
    Fault(
        "the password in an environment variable",
        "secrets",
        _site(options=("--env SITE_USERS=learner:password", _CONFIG)),
        _NO_SECRET,
    ),
    Fault(
        "the secret under its own name",
        "secrets",
        _site(options=(f"--secret {FIRST}", _CONFIG)),
        _NO_SECRET,
    ),
    Fault(
        "the users in a config",
        "secrets",
        _site(options=(f"--config source={CONFIG},target={secrets.FILE}", _CONFIG)),
        _NO_SECRET,
    ),
    Fault(
        "a password without a user",
        "secrets",
        _site(*_CHANGED, second="password"),
        turned(fail=_of("in_the_container"), blocked=_of("guarded")),
    ),
    Fault(
        "no config",
        "secrets",
        _site(*_CHANGED, options=(_SECRET,)),
        turned(fail=_of("config_given"), blocked=_of("guarded")),
    ),
    Fault(
        "a config that asks for no password",
        "secrets",
        _site(*_CHANGED, config=CONFIG_TEXT.replace('auth_basic "members only"', "auth_basic off")),
        turned(fail=_of("guarded")),
    ),
    Fault(
        "a password that nginx takes for a hash",
        "secrets",
        _site(*_CHANGED, second="learner:password"),
        turned(fail=_of("guarded")),
    ),
    Fault(
        "the password never changed",
        "secrets",
        _site(),
        turned(fail=_of("rotated"), blocked=_of("history", "old_one_removed")),
    ),
    Fault(
        "the site made anew with the second secret",
        "secrets",
        _site(_OLD_REMOVED, options=(f"--secret source={SECOND},target={TARGET}", _CONFIG)),
        turned(fail=_of("history")),
    ),
    Fault("the first secret kept", "secrets", _site(ROTATE), turned(fail=_of("old_one_removed"))),
)
