"""Faults in a service whose container was killed, and in what was killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labgen.docker.availability import Stretch
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import BY_CHANCE, NO_FAULT, QUICK, Act, Edit, Fault, LiveLab, RecordedLab
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

from .exercise import Parameters

_PARAMETERS = Parameters()

SERVICE = _PARAMETERS.service
WEB, ALL = SERVICE.name, SERVICE.replicas or 0


def _ended(spec: ServiceSpec, how: str = "docker rm --force", running: int = ALL) -> Act:
    """Made, and the container of replica 1 ended on its node.

    :param running: how many tasks run afterwards, when the swarm has done what it does about it.
    """

    def act(lab: LiveLab) -> None:
        acts.make(lab, spec)
        where = f"docker service ps --filter desired-state=running --filter name={WEB}.1 --format '{{{{.Node}}}}' {WEB}"
        lab.on(lab.manager(where).strip(), f"{how} $(docker ps --quiet --filter name={WEB}.1.)")
        lab.wait(
            "the replica to be seen to",
            lambda swarm: (
                any(task.slot == 1 and task.failed for task in swarm.services[WEB].tasks)
                and len(swarm.services[WEB].running) == running
            ),
        )

    return act


_SILENT = SERVICE.but(
    options=("--env 'SLOT={{.Task.Slot}}'", "--stop-grace-period 1s"),
    command="""sh -c 'test "$SLOT" != 3 || exec sleep 86400; exec nginx -g "daemon off;"'""",
)
"""Where replica 3 should answer, nothing listens."""


Tasks = list[dict[str, Any]]


def not_published(lab: RecordedLab) -> None:
    def change(service: dict[str, Any]) -> None:
        service["Endpoint"].pop("Ports", None)
        service["Spec"].pop("EndpointSpec", None)

    lab.service(WEB, change)


def nothing_killed(lab: RecordedLab) -> None:
    lab.tasks(WEB, lambda tasks: [task for task in tasks if task["Status"]["State"] != "failed"])


def a_while_ago(tasks: Tasks) -> None:
    """It happened a while ago: whether what runs now will end as well need not be waited for."""
    for task in tasks:
        if task["Status"]["State"] == "running":
            task["UpdatedAt"] = edits.later(task["UpdatedAt"], -20)


def stopped_gently(lab: RecordedLab) -> None:
    """``docker stop``: nginx ended by itself, and well."""

    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Status"]["State"] == "failed":
                task["Status"].update(State="complete", Err="")
                task["Status"]["ContainerStatus"]["ExitCode"] = 0
        a_while_ago(tasks)

    lab.tasks(WEB, change)


def an_image_that_does_not_start(lab: RecordedLab) -> None:
    """A task failed, but by itself."""

    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Status"]["State"] == "failed":
                task["Status"].update(Err="task: non-zero exit (1)")
                task["Status"]["ContainerStatus"]["ExitCode"] = 1
        a_while_ago(tasks)

    lab.tasks(WEB, change)


def not_replaced(lab: RecordedLab) -> None:
    """No other task runs in the place of the one that failed."""

    def change(tasks: Tasks) -> Tasks:
        failed = {task["Slot"] for task in tasks if task["Status"]["State"] == "failed"}
        return [task for task in tasks if task["Slot"] not in failed or task["Status"]["State"] == "failed"]

    lab.tasks(WEB, change)


def never_again(lab: RecordedLab) -> None:
    """It has recovered once; of what the check kills it does not."""
    lab.tasks(WEB, since(lambda tasks, first: [task for task in tasks if task["ID"] in first]))


def since(change: Callable[[Tasks, set[str]], Tasks]) -> Callable[[Tasks], Tasks]:
    """A change that knows which tasks there were at first."""
    first: set[str] = set()

    def changed(tasks: Tasks) -> Tasks:
        if not first:
            first.update(task["ID"] for task in tasks)
        return change(tasks, first)

    return changed


def answers(*losses: Stretch) -> Edit:
    """The nodes had the routing mesh; of a thousand requests these were lost."""
    answered = [Stretch(f"10.0.2.10{at}", 200, 333, 1000.0, 1010.0, 0.02) for at in (1, 2, 3)]
    return lambda lab: lab.meshed(8001, *answered, *losses)


_NEED_SERVICE_MADE = ("answers_meanwhile", "published", "recovers", "replaced", "running")
_NEED_REPLACED = ("answers_meanwhile", "recovers")
_NEED_SERVICE_MADE_ = ("published", "recovers", "replaced", "running")

FAULTS = (
    Fault(
        "no service",
        fail=("service_made",),
        blocked=_NEED_SERVICE_MADE,
        on_nodes=lambda lab: lab.remove(WEB),
        on_recording=edits.gone(WEB),
    ),
    Fault(
        "on workers only",
        fail=("service_made",),
        blocked=_NEED_SERVICE_MADE,
        on_nodes=acts.made(SERVICE.but(constraints=("node.role==worker",))),
        on_recording=edits.constraints(WEB, "node.role==worker"),
    ),
    Fault(
        "nothing was killed",
        fail=("replaced",),
        blocked=_NEED_REPLACED,
        on_nodes=acts.made(SERVICE),
        on_recording=nothing_killed,
    ),
    Fault(
        "stopped, not killed",
        fail=("replaced",),
        blocked=_NEED_REPLACED,
        on_nodes=_ended(SERVICE, "docker stop"),
        on_recording=stopped_gently,
    ),
    Fault(
        "not published",
        fail=("published",),
        blocked=_NEED_REPLACED,
        on_nodes=_ended(SERVICE.but(publish=(Publish(8080, 80),))),
        on_recording=not_published,
    ),
    Fault(
        "not replaced",
        fail=("replaced", "running"),
        blocked=_NEED_REPLACED,
        on_nodes=_ended(SERVICE.but(options=("--restart-condition none",)), running=ALL - 1),
        on_recording=not_replaced,
    ),
    Fault(
        "not replaced again",
        fail=("recovers",),
        blocked=("answers_meanwhile",),
        on_nodes=_ended(SERVICE.but(options=("--restart-max-attempts 1",))),
        on_recording=never_again,
    ),
    Fault(
        "the dead container stays in the mesh",
        fail=("answers_meanwhile",),
        on_nodes=_ended(_SILENT),
        on_recording=answers(*(Stretch("10.0.2.101", 0, 1, 1001.0 + at, 1002.0 + at, 1.0) for at in range(0, 8, 2))),
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        "another image",
        fail=("service_made",),
        blocked=_NEED_SERVICE_MADE_,
        on_recording=edits.image(WEB, "httpd:2.4"),
        only=QUICK,
    ),
    Fault(
        "two replicas",
        fail=("service_made",),
        blocked=_NEED_SERVICE_MADE_,
        on_recording=edits.replicas(WEB, 2),
        only=QUICK,
    ),
    Fault(
        "it failed by itself",
        fail=("replaced",),
        blocked=("recovers",),
        on_recording=an_image_that_does_not_start,
        only=QUICK,
    ),
    Fault(
        "no fault: the mesh loses some for a moment",
        on_recording=answers(
            Stretch("10.0.2.101", 0, 2, 1003.0, 1003.1, 0.1), Stretch("10.0.2.103", 0, 1, 1003.2, 1005.2, 2.0)
        ),
        only=NO_FAULT,
    ),
    Fault(
        "no fault: some are lost at the end of one container, and at the beginning of the next",
        on_recording=answers(
            Stretch("10.0.2.101", 0, 4, 1002.0, 1003.5, 0.1), Stretch("10.0.2.102", 0, 1, 1009.0, 1009.1, 0.1)
        ),
        only=NO_FAULT,
    ),
    Fault(
        "some are lost all the while, on a machine that is quick about it",
        fail=("answers_meanwhile",),
        on_recording=lambda lab: lab.meshed(
            8001, Stretch("10.0.2.101", 200, 90, 1000.0, 1003.0, 0.1), Stretch("10.0.2.102", 0, 30, 1000.2, 1002.9, 0.1)
        ),
        only=QUICK,
    ),
    Fault(
        "nobody could ask",
        fail=("answers_meanwhile",),
        on_recording=lambda lab: lab.meshed(8001),
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("replaced", "running"),
        blocked=("recovers",),
        on_recording=edits.flapping(WEB),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=("recovers",),
        on_recording=edits.no_containers(WEB),
        only=BY_CHANCE,
    ),
    Fault(
        edits.ASLEEP,
        fail=("service_made",),
        blocked=_NEED_SERVICE_MADE_,
        on_recording=edits.asleep(WEB),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(WEB),
        only=NO_FAULT,
    ),
)
