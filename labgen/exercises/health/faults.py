"""Faults in the services of the exercise on health checks."""

from __future__ import annotations

from labgen.exercises.health import exercise as health
from labgen.exercises.update.exercise import NEW
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import W2, Stage
from tests.e2e.sabotage.walls import drops, passes

SESSION, WEB = health.SERVICE, health.WEB

_PORT = f"DOCKER-USER -p tcp --dport {WEB.publish[0].published}"


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"health.{name}" for name in names)


_AFTER = _of("stopped_by_the_check", "none_missing", "updated")
_TRIED = _of("replaced_unnoticed", "answers_meanwhile")


def _changed(name: str, flag: str) -> Act:
    def act(stage: Stage) -> None:
        stage.manager(f"docker service update --detach=false --quiet {flag} {name} >/dev/null", within=180)
        stage.settled(name, 3)

    return act


def _typed(create: str) -> str:
    """What comes after the name in the command that makes a service."""
    return create.partition("--name ")[2].partition(" ")[2]


def _web_made(stage: Stage) -> None:
    stage.serve(WEB.name, _typed(WEB.create), 3)


def _session(*commands: str, create: str = SESSION.create) -> Act:
    """The session store made anew, and then something else than the exercise says."""

    def act(stage: Stage) -> None:
        stage.serve(SESSION.name, _typed(create), 3)
        for command in commands:
            # An update that is rolled back ends in an error.
            stage.manager(f"{command} >/dev/null 2>&1 || true", within=180)
            stage.settled(SESSION.name, 3)

    return act


FAULTS = (
    Fault(
        "the page has no health check",
        "health",
        _changed(WEB.name, "--no-healthcheck"),
        turned(fail=_of("web"), blocked=_TRIED),
        _web_made,
    ),
    Fault(
        "the page is published at another port",
        "health",
        _changed(WEB.name, "--publish-rm 80 --publish-add 8006:80"),
        turned(fail=_of("web"), blocked=_TRIED),
        _web_made,
    ),
    Fault(
        "the page is updated stop-first",
        "health",
        _changed(WEB.name, "--update-order stop-first"),
        turned(fail=_TRIED[:1], blocked=_TRIED[1:]),
        _changed(WEB.name, "--update-order start-first"),
    ),
    Fault(
        "the page is rolled back stop-first",
        "health",
        _changed(WEB.name, "--rollback-order stop-first"),
        turned(fail=_TRIED[:1], blocked=_TRIED[1:]),
        _changed(WEB.name, "--rollback-order start-first"),
    ),
    Fault(
        "a firewall drops the page's port on a worker",
        "health",
        drops(W2, _PORT),
        turned(fail=_of("answers_meanwhile")),
        passes(W2, _PORT),
        needs=WEB.asking_needs,
    ),
    Fault(
        "the session store was removed",
        "health",
        lambda stage: stage.remove(SESSION.name),
        turned(fail=_of("service_exists"), blocked=(*_of("running", "healthy"), *_AFTER)),
    ),
    Fault(
        "a session store with one replica",
        "health",
        lambda stage: stage.serve(SESSION.name, _typed(SESSION.create).replace("--replicas 3 ", ""), 1),
        turned(fail=_of("running"), blocked=(*_of("healthy"), *_AFTER)),
    ),
    Fault(
        "a session store without a health check",
        "health",
        _session(create=f"docker service create --name {SESSION.name} --replicas 3 {NEW}"),
        turned(fail=_of("healthy"), blocked=_AFTER),
    ),
    Fault(
        "made in the new version, and never updated",
        "health",
        _session(create=SESSION.create.replace(SESSION.image, NEW)),
        turned(fail=_of("stopped_by_the_check"), blocked=_of("none_missing", "updated")),
    ),
    Fault(
        "stopped by the health check, and not updated after that",
        "health",
        _session(health.WRONG_PORT),
        turned(fail=_of("updated")),
    ),
    Fault(
        "the old session store is stopped before the new one runs",
        "health",
        _session(
            health.WRONG_PORT,
            health.RIGHT,
            create=SESSION.create.replace("--update-order start-first", "--update-order stop-first"),
        ),
        turned(fail=_of("none_missing")),
    ),
)
