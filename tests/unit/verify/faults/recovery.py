"""A container's failure, done wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from recorded import Recorded, fault

from faults.update import later
from labgen.docker.availability import Stretch

NAME = "web-alb"
Tasks = list[dict[str, Any]]


def constrained(lab: Recorded) -> None:
    """The service is the one of the exercise on load balancing, scaled up."""
    lab.service(
        NAME, lambda service: service["Spec"]["TaskTemplate"].update(Placement={"Constraints": ["node.role==worker"]})
    )


def not_published(lab: Recorded) -> None:
    def change(service: dict[str, Any]) -> None:
        service["Endpoint"].pop("Ports", None)
        service["Spec"].pop("EndpointSpec", None)

    lab.service(NAME, change)


def nothing_killed(lab: Recorded) -> None:
    lab.tasks(NAME, lambda tasks: [task for task in tasks if task["Status"]["State"] != "failed"])


def a_while_ago(tasks: Tasks) -> None:
    """It happened a while ago: whether what runs now will end as well need not be waited for."""
    for task in tasks:
        if task["Status"]["State"] == "running":
            task["UpdatedAt"] = later(task["UpdatedAt"], -20)


def stopped_gently(lab: Recorded) -> None:
    """``docker stop``: nginx ended by itself, and well."""

    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Status"]["State"] == "failed":
                task["Status"].update(State="complete", Err="")
                task["Status"]["ContainerStatus"]["ExitCode"] = 0
        a_while_ago(tasks)

    lab.tasks(NAME, change)


def an_image_that_does_not_start(lab: Recorded) -> None:
    """A task failed, but by itself."""

    def change(tasks: Tasks) -> None:
        for task in tasks:
            if task["Status"]["State"] == "failed":
                task["Status"].update(Err="task: non-zero exit (1)")
                task["Status"]["ContainerStatus"]["ExitCode"] = 1
        a_while_ago(tasks)

    lab.tasks(NAME, change)


def not_replaced(lab: Recorded) -> None:
    """No other task runs in the place of the one that failed."""

    def change(tasks: Tasks) -> Tasks:
        failed = {task["Slot"] for task in tasks if task["Status"]["State"] == "failed"}
        return [task for task in tasks if task["Slot"] not in failed or task["Status"]["State"] == "failed"]

    lab.tasks(NAME, change)


def never_again(lab: Recorded) -> None:
    """It has recovered once; of what the check kills it does not."""
    lab.tasks(NAME, since(lambda tasks, first: [task for task in tasks if task["ID"] in first]))


def since(change: Callable[[Tasks, set[str]], Tasks]) -> Callable[[Tasks], Tasks]:
    """A change that knows which tasks there were at first."""
    first: set[str] = set()

    def changed(tasks: Tasks) -> Tasks:
        if not first:
            first.update(task["ID"] for task in tasks)
        return change(tasks, first)

    return changed


def answers(*losses: Stretch) -> Callable[[Recorded], None]:
    """The nodes had the routing mesh; of a thousand requests these were lost."""
    answered = [Stretch(f"10.0.2.10{at}", 200, 333, 1000.0, 1010.0, 0.02) for at in (1, 2, 3)]
    return lambda lab: lab.meshed(8001, *answered, *losses)


FAULTS = {
    "no service": fault(lambda lab: lab.gone(NAME), "service_made"),
    "another image": fault(
        lambda lab: lab.service(
            NAME, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image="httpd:2.4")
        ),
        "service_made",
    ),
    "two replicas": fault(
        lambda lab: lab.service(NAME, lambda service: service["Spec"]["Mode"]["Replicated"].update(Replicas=2)),
        "service_made",
    ),
    "on workers only": fault(constrained, "service_made"),
    "not published": fault(not_published, "published"),
    "nothing was killed": fault(nothing_killed, "replaced"),
    "stopped, not killed": fault(stopped_gently, "replaced"),
    "it failed by itself": fault(an_image_that_does_not_start, "replaced"),
    "not replaced": fault(not_replaced, "running", "replaced"),
    "not replaced again": fault(never_again, "recovers"),
    "no fault: the mesh loses some for a moment": fault(
        answers(Stretch("10.0.2.101", 0, 2, 1003.0, 1003.1, 0.1), Stretch("10.0.2.103", 0, 1, 1003.2, 1005.2, 2.0))
    ),
    "no fault: some are lost at the end of one container, and at the beginning of the next": fault(
        answers(Stretch("10.0.2.101", 0, 4, 1002.0, 1003.5, 0.1), Stretch("10.0.2.102", 0, 1, 1009.0, 1009.1, 0.1))
    ),
    "the dead container stays in the mesh": fault(
        answers(*(Stretch("10.0.2.101", 0, 1, 1001.0 + at, 1002.0 + at, 1.0) for at in range(0, 8, 2))),
        "answers_meanwhile",
    ),
    "some are lost all the while, on a machine that is quick about it": fault(
        lambda lab: lab.meshed(
            8001, Stretch("10.0.2.101", 200, 90, 1000.0, 1003.0, 0.1), Stretch("10.0.2.102", 0, 30, 1000.2, 1002.9, 0.1)
        ),
        "answers_meanwhile",
    ),
    "nobody could ask": fault(lambda lab: lab.meshed(8001), "answers_meanwhile"),
}
