"""Failed updates, handled wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from recorded import Recorded, fault

QUEUE, STORE = "my-queue", "my-store"
BAD = "alpine:3"

Task = dict[str, Any]


def image(name: str, replacement: str) -> Callable[[Recorded], None]:
    """Another image from the beginning."""
    return lambda lab: lab.service(
        name, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image=replacement)
    )


def action(name: str, failure_action: str) -> Callable[[Recorded], None]:
    return lambda lab: lab.service(
        name, lambda service: service["Spec"]["UpdateConfig"].update(FailureAction=failure_action)
    )


def state(name: str, update_state: str) -> Callable[[Recorded], None]:
    return lambda lab: lab.service(name, lambda service: service["UpdateStatus"].update(State=update_state))


def never_failed(name: str) -> Callable[[Recorded], None]:
    """Only good images ever ran."""
    return lambda lab: lab.tasks(
        name, lambda tasks: [task for task in tasks if not task["Spec"]["ContainerSpec"]["Image"].startswith(BAD)]
    )


def down(lab: Recorded) -> None:
    """One replica is down."""

    def fall(tasks: list[Task]) -> None:
        task = next(task for task in tasks if task["Status"]["State"] == "running")
        task["Status"]["State"] = "failed"

    lab.tasks(STORE, fall)


def left_broken(lab: Recorded) -> None:
    """The queue as the failed update leaves it: one replica is down, the others go on."""

    def fall(tasks: list[Task]) -> None:
        task = next(task for task in tasks if task["Status"]["State"] == "running")
        task["Status"]["State"] = "failed"
        task["Spec"]["ContainerSpec"]["Image"] = BAD

    lab.tasks(QUEUE, fall)
    image(QUEUE, BAD)(lab)
    state(QUEUE, "paused")(lab)


def never_redis(lab: Recorded) -> None:
    """The queue was made of the bad image."""
    image(QUEUE, BAD)(lab)
    lab.tasks(QUEUE, lambda tasks: [task["Spec"]["ContainerSpec"].update(Image=BAD) for task in tasks] and None)


def came_to_all(lab: Recorded) -> None:
    """A task of the bad image failed in every replica of the queue, as with `continue`."""

    def spread(tasks: list[Task]) -> list[Task]:
        bad = next(task for task in tasks if task["Status"]["State"] == "failed")
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        return [*tasks, *({**bad, "ID": f"bad{task['Slot']}", "Slot": task["Slot"]} for task in running)]

    lab.tasks(QUEUE, spread)


def old_queue(lab: Recorded) -> None:
    """The queue went back to its old version instead of on to the new one."""

    def back(tasks: list[Task]) -> None:
        for task in tasks:
            if task["Status"]["State"] == "running":
                task["Spec"]["ContainerSpec"]["Image"] = "redis:6.0-alpine"

    lab.tasks(QUEUE, back)


def by_hand(lab: Recorded) -> None:
    """The way back began half a minute after the failure, and no failure action says rollback."""

    def wait(tasks: list[Task]) -> None:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        last = max(running, key=lambda task: str(task["CreatedAt"]))
        last["CreatedAt"] = (datetime.fromisoformat(last["CreatedAt"]) + timedelta(seconds=30)).isoformat()

    lab.tasks(STORE, wait)
    action(STORE, "pause")(lab)


def by_hand_after_tries(lab: Recorded) -> None:
    """The same, but what had failed was tried again meanwhile, and had just failed once more."""
    by_hand(lab)

    def tried(tasks: list[Task]) -> list[Task]:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        last = max(running, key=lambda task: str(task["CreatedAt"]))
        bad = [task for task in tasks if task["Slot"] == last["Slot"] and task["Status"]["State"] == "failed"][-1]
        at = (datetime.fromisoformat(last["CreatedAt"]) - timedelta(seconds=1)).isoformat()
        return [*tasks, {**bad, "ID": "again", "CreatedAt": at, "Status": {**bad["Status"], "Timestamp": at}}]

    lab.tasks(STORE, tried)


def only_once(lab: Recorded) -> None:
    """The store failed as a whole and was rolled back by hand, and that was all."""

    def first(tasks: list[Task]) -> list[Task]:
        running = [task for task in tasks if task["Status"]["State"] == "running"]
        last = max(running, key=lambda task: str(task["CreatedAt"]))
        others = [task for task in tasks if task["Slot"] != last["Slot"]]
        slot = next(task["Slot"] for task in running if task is not last)
        return [
            *others,
            *({**task, "ID": f"x{task['ID']}", "Slot": last["Slot"]} for task in others if task["Slot"] == slot),
        ]

    lab.tasks(STORE, first)
    action(STORE, "continue")(lab)


FAULTS = {
    "no queue": fault(lambda lab: lab.gone(QUEUE), "services_exist"),
    "a store of nginx": fault(image(STORE, "nginx:latest"), "services_exist"),
    "a queue that never was redis": fault(never_redis, "services_exist"),
    "one replica down": fault(down, "running"),
    "the queue's update left as it failed": fault(left_broken, "running"),
    "the queue never failed": fault(never_failed(QUEUE), "paused"),
    "the queue failed as a whole": fault(came_to_all, "paused"),
    "the queue goes on with failures": fault(action(QUEUE, "continue"), "paused"),
    "the queue still paused": fault(state(QUEUE, "paused"), "mended"),
    "the queue back in its old version": fault(old_queue, "mended"),
    "the store never failed": fault(never_failed(STORE), "continued"),
    "the store mended by an update": fault(state(STORE, "completed"), "rolled_back"),
    "the store of another version": fault(image(STORE, "redis:6.2.5-alpine"), "rolled_back"),
    "made safe, and not tried": fault(state(STORE, ""), "by_itself"),
    "paused and rolled back by hand": fault(by_hand, "by_itself"),
    "rolled back by hand just after another try": fault(by_hand_after_tries, "by_itself"),
    "rolled back by hand only": fault(only_once, "by_itself"),
}
