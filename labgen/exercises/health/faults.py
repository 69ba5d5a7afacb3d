"""Faults in the services of the exercise on health checks."""

from __future__ import annotations

from labgen.docker.availability import Stretch
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import BY_CHANCE, NO_FAULT, QUICK, SAME_ANSWERS, WORKER2, Act, Fault, LiveLab

from . import breaking
from .exercise import Parameters

_PARAMETERS = Parameters()

SESSION, WEB = _PARAMETERS.service, _PARAMETERS.web

_PORT = f"DOCKER-USER -p tcp --dport {WEB.publish[0].published}"


def _changed(name: str, flag: str) -> Act:
    def act(lab: LiveLab) -> None:
        lab.manager(f"docker service update --detach=false --quiet {flag} {name} >/dev/null", within=180)
        lab.settled(name, 3)

    return act


def _typed(create: str) -> str:
    """What comes after the name in the command that makes a service."""
    return create.partition("--name ")[2].partition(" ")[2]


def _web_made(lab: LiveLab) -> None:
    lab.serve(WEB.name, _typed(WEB.create), 3)


def _session(*commands: str, create: str = SESSION.create) -> Act:
    """Create the session store again, then do something else than the exercise says."""

    def act(lab: LiveLab) -> None:
        lab.serve(SESSION.name, _typed(create), 3)
        for command in commands:
            # An update that is rolled back ends in an error.
            lab.manager(f"{command} >/dev/null 2>&1 || true", within=180)
            lab.settled(SESSION.name, 3)

    return act


_NEED_WEB = ("answers_meanwhile", "replaced_unnoticed")
_NEED_SERVICE_EXISTS = ("healthy", "none_missing", "running", "stopped_by_the_check", "updated")
_NEED_HEALTHY = ("none_missing", "stopped_by_the_check", "updated")
_NEED_STOPPED_BY_THE_CHECK = ("none_missing", "updated")

FAULTS = (
    Fault(
        "a page without a health check",
        fail=("web",),
        blocked=_NEED_WEB,
        on_nodes=_changed(WEB.name, "--no-healthcheck"),
        mend=_web_made,
        on_recording=breaking.unchecked(WEB.name),
    ),
    Fault(
        "a page at another port",
        fail=("web",),
        blocked=_NEED_WEB,
        on_nodes=_changed(WEB.name, "--publish-rm 80 --publish-add 8006:80"),
        mend=_web_made,
        on_recording=edits.port(WEB.name, PublishedPort=8006),
    ),
    Fault(
        "a page whose tasks are stopped first",
        fail=("replaced_unnoticed",),
        blocked=("answers_meanwhile",),
        on_nodes=_changed(WEB.name, "--update-order stop-first"),
        mend=_changed(WEB.name, "--update-order start-first"),
        on_recording=breaking.page_stops_first,
    ),
    Fault(
        "the page is rolled back stop-first",
        fail=("replaced_unnoticed",),
        blocked=("answers_meanwhile",),
        on_nodes=_changed(WEB.name, "--rollback-order stop-first"),
        mend=_changed(WEB.name, "--rollback-order start-first"),
        only=SAME_ANSWERS,
    ),
    Fault(
        "a firewall drops the page's port on a worker",
        fail=("answers_meanwhile",),
        on_nodes=acts.drops(WORKER2, _PORT),
        mend=acts.passes(WORKER2, _PORT),
        only=SAME_ANSWERS,
        needs=WEB.asking_needs,
    ),
    Fault(
        "no service",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_nodes=lambda lab: lab.remove(SESSION.name),
        on_recording=edits.gone(SESSION.name),
    ),
    Fault(
        "two replicas",
        fail=("running",),
        blocked=("healthy", "none_missing", "stopped_by_the_check", "updated"),
        on_nodes=lambda lab: lab.serve(SESSION.name, _typed(SESSION.create).replace("--replicas 3 ", ""), 1),
        on_recording=edits.replicas(SESSION.name, 2),
    ),
    Fault(
        "no health check",
        fail=("healthy",),
        blocked=_NEED_HEALTHY,
        on_nodes=_session(create=f"docker service create --name {SESSION.name} --replicas 3 {_PARAMETERS.new}"),
        on_recording=breaking.unchecked(SESSION.name),
    ),
    Fault(
        "what failed was made as what runs now",
        fail=("stopped_by_the_check",),
        blocked=_NEED_STOPPED_BY_THE_CHECK,
        on_nodes=_session(create=SESSION.create.replace(SESSION.image, _PARAMETERS.new)),
        on_recording=breaking.same_settings,
    ),
    Fault(
        "not updated",
        fail=("updated",),
        on_nodes=_session(_PARAMETERS.update_wrong),
        on_recording=breaking.running_image(SESSION.image),
    ),
    Fault(
        "stop-first",
        fail=("none_missing",),
        on_nodes=_session(
            _PARAMETERS.update_wrong,
            _PARAMETERS.update_right,
            create=SESSION.create.replace("--update-order start-first", "--update-order stop-first"),
        ),
        on_recording=breaking.stop_first,
    ),
    Fault(
        "from nginx",
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_recording=edits.image(SESSION.name, "nginx:latest"),
        only=QUICK,
    ),
    Fault(
        "health check switched off",
        fail=("healthy",),
        blocked=_NEED_HEALTHY,
        on_recording=edits.containers_have(SESSION.name, Healthcheck={"Test": ["NONE"]}),
        only=QUICK,
    ),
    Fault(
        "a health check that asks nobody",
        fail=("healthy",),
        blocked=_NEED_HEALTHY,
        on_recording=breaking.asks_nobody(SESSION.name),
        only=QUICK,
    ),
    Fault(
        "a page whose health check asks nobody",
        fail=("web",),
        blocked=("replaced_unnoticed",),
        on_recording=breaking.asks_nobody(WEB.name),
        only=QUICK,
    ),
    Fault(
        "a health check that always fails",
        fail=("stopped_by_the_check",),
        blocked=_NEED_STOPPED_BY_THE_CHECK,
        on_recording=breaking.fails_always,
        only=QUICK,
    ),
    Fault(
        "not healthy",
        fail=("healthy", "web"),
        blocked=("none_missing", "replaced_unnoticed", "stopped_by_the_check", "updated"),
        on_recording=breaking.sick,
        only=BY_CHANCE,
    ),
    Fault(
        "no check ever failed",
        fail=("stopped_by_the_check",),
        blocked=_NEED_STOPPED_BY_THE_CHECK,
        on_recording=breaking.always_well,
        only=QUICK,
    ),
    Fault(
        "old containers pruned",
        fail=("stopped_by_the_check",),
        blocked=_NEED_STOPPED_BY_THE_CHECK,
        on_recording=edits.pruned(),
        only=QUICK,
    ),
    Fault(
        "no fault: Swarm itself kept another task than the old one",
        on_recording=breaking.exchanged,
        only=NO_FAULT,
    ),
    Fault(
        "new from the beginning",
        fail=("updated",),
        on_recording=breaking.new_from_the_beginning,
        only=QUICK,
    ),
    Fault(
        "paused",
        fail=("updated",),
        on_recording=edits.update_state(SESSION.name, "paused"),
        only=QUICK,
    ),
    Fault(
        "no page",
        fail=("web",),
        blocked=("replaced_unnoticed",),
        on_recording=edits.gone(WEB.name),
        only=QUICK,
    ),
    Fault(
        "a page of which one task is never replaced",
        fail=("replaced_unnoticed",),
        on_recording=breaking.one_is_kept,
        only=QUICK,
    ),
    Fault(
        "no fault: one request in two thousand is lost",
        on_recording=breaking.answers(Stretch("10.0.2.101", 0, 1, 1003.0, 1003.1, 0.1)),
        only=NO_FAULT,
    ),
    Fault(
        "three requests are lost",
        fail=("answers_meanwhile",),
        on_recording=breaking.answers(Stretch("10.0.2.101", 0, 3, 1003.0, 1003.1, 0.1)),
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("web",),
        blocked=("replaced_unnoticed",),
        on_recording=edits.flapping(WEB.name),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("web",),
        blocked=("replaced_unnoticed",),
        on_recording=edits.no_containers(WEB.name),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_exists",),
        blocked=_NEED_SERVICE_EXISTS,
        on_recording=edits.asleep(SESSION.name),
        only=QUICK,
    ),
    Fault(
        edits.ONE_IMAGE,
        fail=("updated",),
        on_recording=edits.one_image(SESSION.name),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(WEB.name),
        only=NO_FAULT,
    ),
)
