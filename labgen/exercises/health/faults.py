"""Faults in the services of the exercise on health checks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from labgen.docker.availability import Stretch
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    BY_CHANCE,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    WORKER2,
    Act,
    Edit,
    Fault,
    LiveLab,
    RecordedLab,
)
from labgen.exercises.update.exercise import NEW

from . import exercise as health

SESSION, WEB = health.SERVICE, health.WEB

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
    """The session store made anew, and then something else than the exercise says."""

    def act(lab: LiveLab) -> None:
        lab.serve(SESSION.name, _typed(create), 3)
        for command in commands:
            # An update that is rolled back ends in an error.
            lab.manager(f"{command} >/dev/null 2>&1 || true", within=180)
            lab.settled(SESSION.name, 3)

    return act


Task = dict[str, Any]


def _unchecked(name: str) -> Edit:
    """Take a service's health check away."""
    return lambda lab: lab.service(name, lambda service: edits.container(service).pop("Healthcheck") and None)


def asks_nobody(name: str) -> Edit:
    """``--health-cmd true``: healthy whatever the server does."""
    return lambda lab: lab.service(
        name, lambda service: edits.container(service)["Healthcheck"].update(Test=["CMD-SHELL", "true"])
    )


def fails_always(lab: RecordedLab) -> None:
    """The update failed of ``--health-cmd false``."""

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] != "running":
                task["Spec"]["ContainerSpec"]["Healthcheck"] = {"Test": ["CMD-SHELL", "false"]}

    lab.tasks(SESSION.name, change)


def sick(lab: RecordedLab) -> None:
    """Every container that runs is not healthy any more."""

    def fall_ill(record: dict[str, Any]) -> None:
        if record["state"]["Running"]:
            for check in record["state"]["Health"]["Log"]:
                check.update(ExitCode=1, Output="Could not connect to Redis")

    lab.containers(fall_ill)


def always_well(lab: RecordedLab) -> None:
    """The update that failed did so of something else: all checks ever made were good."""

    def heal(record: dict[str, Any]) -> None:
        for check in record["state"]["Health"]["Log"]:
            check.update(ExitCode=0)

    lab.containers(heal)


def same_settings(lab: RecordedLab) -> None:
    """What failed was made in the same way as what runs now: no update failed, a container did."""

    def change(tasks: list[Task]) -> None:
        now = next(task["Spec"] for task in tasks if task["Status"]["State"] == "running")
        for task in tasks:
            task["Spec"] = now

    lab.tasks(SESSION.name, change)


def stop_first(lab: RecordedLab) -> None:
    """The old containers ended before their successors were made."""
    created: dict[int, str] = {}
    ended: dict[str, str] = {}

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                created[task["Slot"]] = task["CreatedAt"]
        for task in tasks:
            if task["Spec"]["ContainerSpec"]["Image"].startswith(SESSION.image):
                ended[task["Status"]["ContainerStatus"]["ContainerID"]] = created[task["Slot"]]

    def end(record: dict[str, Any]) -> None:
        if record["id"] in ended:
            record["state"]["FinishedAt"] = ended[record["id"]]

    lab.tasks(SESSION.name, change)
    lab.containers(end)


def exchanged(lab: RecordedLab) -> None:
    """Swarm took the failed update back in its own way: it kept the task that it had made in place of the failed one.

    That was made when the new task failed; half a second later the old one was stopped, and 0.7 s later the other ran.
    """
    first: dict[str, Any] = {}

    def later(moment: str, seconds: float) -> str:
        return (datetime.fromisoformat(moment) + timedelta(seconds=seconds)).isoformat()

    def take_back(tasks: list[Task]) -> None:
        failed = next(task for task in tasks if task["Status"]["State"] in ("failed", "complete"))
        old = next(
            task for task in tasks if task["Slot"] == failed["Slot"] and image_of(task).startswith(SESSION.image)
        )
        created = later(failed["Status"]["Timestamp"], 0.1)
        status = {**old["Status"], "ContainerStatus": {"ContainerID": "exchanged"}}
        tasks.append({**old, "ID": "exchanged", "CreatedAt": created, "Status": status})
        first.update(id=old["Status"]["ContainerStatus"]["ContainerID"], made=created)

    def stop(out: str) -> str:
        now, engine, *lines, end = out.splitlines()
        for line in lines:
            container = json.loads(line)
            if container["id"] == first["id"]:
                state, created = container["state"], first["made"]
                again = {**container, "id": "exchanged", "state": {**state, "StartedAt": later(created, 1.2)}}
                ended = {**container, "state": {**state, "FinishedAt": later(created, 0.5)}}
                lines = [other_line for other_line in lines if other_line != line] + [
                    json.dumps(again),
                    json.dumps(ended),
                ]
        return "\n".join([now, engine, *lines, end]) + "\n"

    lab.tasks(SESSION.name, take_back)
    lab.says("docker inspect --type container", stop)


def image_of(task: Task) -> str:
    image: str = task["Spec"]["ContainerSpec"]["Image"]
    return image


def _running_image(image: str) -> Edit:
    """Give the tasks that run another image."""

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                task["Spec"]["ContainerSpec"]["Image"] = image

    return lambda lab: lab.tasks(SESSION.name, change)


def new_from_the_beginning(lab: RecordedLab) -> None:
    def change(tasks: list[Task]) -> None:
        new = next(task["Spec"]["ContainerSpec"]["Image"] for task in tasks if task["Status"]["State"] == "running")
        for task in tasks:
            task["Spec"]["ContainerSpec"]["Image"] = new

    lab.tasks(SESSION.name, change)


def page_stops_first(lab: RecordedLab) -> None:
    """The page's old containers ended as soon as they had begun."""
    pages: set[str] = set()

    def look(tasks: list[Task]) -> None:
        pages.update(task["Status"].get("ContainerStatus", {}).get("ContainerID", "") for task in tasks)

    def end(record: dict[str, Any]) -> None:
        if record["id"] in pages and not record["state"]["Running"]:
            record["state"]["FinishedAt"] = record["state"]["StartedAt"]

    lab.tasks(WEB.name, look)
    lab.containers(end)


def one_is_kept(lab: RecordedLab) -> None:
    """Whatever is done, the task of replica 1 stays the one it was."""
    first: list[str] = []

    def change(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Slot"] == 1 and task["Status"]["State"] == task["DesiredState"] == "running":
                first.append(task["ID"])
                task["ID"] = first[0]

    lab.tasks(WEB.name, change)


def answers(*losses: Stretch) -> Edit:
    """The nodes had the routing mesh; of two thousand requests these were lost."""
    answered = [Stretch(f"10.0.2.10{at}", 200, 666, 1000.0, 1030.0, 0.02) for at in (1, 2, 3)]
    return lambda lab: lab.meshed(8005, *answered, *losses)


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
        on_recording=_unchecked(WEB.name),
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
        on_recording=page_stops_first,
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
        on_nodes=_session(create=f"docker service create --name {SESSION.name} --replicas 3 {NEW}"),
        on_recording=_unchecked(SESSION.name),
    ),
    Fault(
        "what failed was made as what runs now",
        fail=("stopped_by_the_check",),
        blocked=_NEED_STOPPED_BY_THE_CHECK,
        on_nodes=_session(create=SESSION.create.replace(SESSION.image, NEW)),
        on_recording=same_settings,
    ),
    Fault(
        "not updated",
        fail=("updated",),
        on_nodes=_session(health.WRONG_PORT),
        on_recording=_running_image(SESSION.image),
    ),
    Fault(
        "stop-first",
        fail=("none_missing",),
        on_nodes=_session(
            health.WRONG_PORT,
            health.RIGHT,
            create=SESSION.create.replace("--update-order start-first", "--update-order stop-first"),
        ),
        on_recording=stop_first,
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
        on_recording=asks_nobody(SESSION.name),
        only=QUICK,
    ),
    Fault(
        "a page whose health check asks nobody",
        fail=("web",),
        blocked=("replaced_unnoticed",),
        on_recording=asks_nobody(WEB.name),
        only=QUICK,
    ),
    Fault(
        "a health check that always fails",
        fail=("stopped_by_the_check",),
        blocked=_NEED_STOPPED_BY_THE_CHECK,
        on_recording=fails_always,
        only=QUICK,
    ),
    Fault(
        "not healthy",
        fail=("healthy", "web"),
        blocked=("none_missing", "replaced_unnoticed", "stopped_by_the_check", "updated"),
        on_recording=sick,
        only=BY_CHANCE,
    ),
    Fault(
        "no check ever failed",
        fail=("stopped_by_the_check",),
        blocked=_NEED_STOPPED_BY_THE_CHECK,
        on_recording=always_well,
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
        on_recording=exchanged,
        only=NO_FAULT,
    ),
    Fault(
        "new from the beginning",
        fail=("updated",),
        on_recording=new_from_the_beginning,
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
        on_recording=one_is_kept,
        only=QUICK,
    ),
    Fault(
        "no fault: one request in two thousand is lost",
        on_recording=answers(Stretch("10.0.2.101", 0, 1, 1003.0, 1003.1, 0.1)),
        only=NO_FAULT,
    ),
    Fault(
        "three requests are lost",
        fail=("answers_meanwhile",),
        on_recording=answers(Stretch("10.0.2.101", 0, 3, 1003.0, 1003.1, 0.1)),
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
