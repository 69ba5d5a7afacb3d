"""Faults in the stack of the exercise.

A service that is to be another is removed before its file is deployed: so it has no history, and no task of it was
replaced together with the cache's, whatever was changed shortly before.
"""

from __future__ import annotations

import shlex
from typing import Any

from labgen.docker.swarm import Swarm
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import NO_FAULT, QUICK, SAME_ANSWERS, WORKER2, Act, Edit, Fault, LiveLab, RecordedLab
from labgen.exercise.services import same_image
from labgen.model.capabilities import Capability

from .exercise import Parameters

_PARAMETERS = Parameters()

WEB, COUNTER, CACHE = _PARAMETERS.services
_PORT = WEB.publish[0].published


def _but(*changes: tuple[str, str], text: str = _PARAMETERS.changed) -> str:
    """What the file says at the end of the exercise, with something changed."""
    for old, new in changes:
        if old not in text:
            raise ValueError(f"the file of the stack does not have {old!r}")
        text = text.replace(old, new)
    return text


def _deploy(text: str, *removed: str) -> Act:
    """Deploy a file, and wait until its tasks run.

    :param removed: services to remove before.
    """
    image = _PARAMETERS.new if _PARAMETERS.new in text else _PARAMETERS.old
    replicas = 1 if "replicas: 1" in text else 2

    def deployed(swarm: Swarm) -> bool:
        services = [swarm.services[spec.name] for spec in _PARAMETERS.services if spec.name in swarm.services]
        return (
            [len(service.running) for service in services] == [replicas, 1, 1]
            and all(service.settled for service in services)
            and all(same_image(task.image, image) for task in services[-1].running)
        )

    def act(lab: LiveLab) -> None:
        lab.remove(*removed)
        lab.manager(f"docker stack deploy --compose-file - {_PARAMETERS.stack} <<'EOF'\n{text}EOF", within=180)
        lab.wait("the stack to run", deployed)

    return act


_RIGHT = _deploy(_PARAMETERS.changed)
_OLD = _deploy(_PARAMETERS.text)


def _alone(lab: LiveLab) -> None:
    """The web server made by itself, just as the file has it."""
    acts.make(lab, WEB)


def _nobody_counts(lab: LiveLab) -> None:
    """The counter asks under another name than the cache has, and has done so from the beginning."""
    acts.vanish(lab, COUNTER.name)  # It would count until its container has ended.
    _deploy(_but(("nc cache", "nc redis")))(lab)
    swarm = lab.swarm()
    (task,) = swarm.services[CACHE.name].running
    (name,) = [node.name for node in swarm.nodes if node.id == task.node_id]
    lab.on(name, f"docker exec {shlex.quote(task.container_id)} redis-cli DEL visits")


def _by_hand(lab: LiveLab) -> None:
    lab.manager(f"docker service update --image {_PARAMETERS.new} {CACHE.name} >/dev/null", within=180)


_MORE = _but(("sleep 1;", "sleep 2;"))
_FRONT = _but(("    image: nginx\n", "    image: nginx\n    networks: [front]\n")) + "\nnetworks:\n  front: {}\n"
_WALL = f"DOCKER-USER -p tcp --dport {_PORT}"
_WEB_ANEW, _COUNTER_ANEW, _CACHE_ANEW = (_deploy(_PARAMETERS.changed, spec.name) for spec in _PARAMETERS.services)


def made_by_itself(lab: RecordedLab) -> None:
    """``docker service create --name shop_web`` instead of a stack."""
    lab.service(WEB.name, lambda service: service["Spec"].update(Labels={}))


def a_network_of_its_own(lab: RecordedLab) -> None:
    lab.service(CACHE.name, lambda service: service["Spec"]["TaskTemplate"].update(Networks=[{"Target": "elsewhere"}]))


def an_old_task_still(lab: RecordedLab) -> None:
    def back(tasks: list[dict[str, Any]]) -> None:
        for task in tasks:
            task["Spec"]["ContainerSpec"]["Image"] = _PARAMETERS.old

    lab.tasks(CACHE.name, back)


def updated_by_hand(lab: RecordedLab) -> None:
    """``docker service update --image``: the stack's file still says the old image."""
    lab.service(
        CACHE.name, lambda service: service["Spec"]["Labels"].update({"com.docker.stack.image": _PARAMETERS.old})
    )


def counter_changed(seconds: float) -> Edit:
    """A second change in the file: counter's task is replaced some seconds after the cache's."""

    def change(lab: RecordedLab) -> None:
        began: list[str] = []
        lab.tasks(CACHE.name, lambda tasks: began.append(max(task["CreatedAt"] for task in tasks)))

        def replaced(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
            (old,) = tasks
            new = {**old, "ID": "new", "CreatedAt": edits.later(began[0], seconds)}
            return [{**old, "DesiredState": "shutdown", "Status": {**old["Status"], "State": "shutdown"}}, new]

        lab.tasks(COUNTER.name, replaced)

    return change


_NEED_UPDATED = ("from_the_file", "history", "others_stay")
_NEED_RUNNING = ("connected", "from_the_file", "history", "others_stay", "updated")

FAULTS = (
    Fault(
        "made by itself",
        fail=("deployed",),
        blocked=(
            "connected",
            "from_the_file",
            "history",
            "network",
            "others_stay",
            "page",
            "published",
            "running",
            "updated",
        ),
        on_nodes=_alone,
        mend=_WEB_ANEW,
        on_recording=made_by_itself,
    ),
    Fault(
        "one web server",
        fail=("running",),
        blocked=("connected", "from_the_file", "history", "others_stay", "page", "updated"),
        on_nodes=_deploy(_but(("replicas: 2", "replicas: 1"))),
        mend=_RIGHT,
        on_recording=edits.replicas(WEB.name, 1),
    ),
    Fault(
        "another port",
        fail=("published",),
        blocked=("page",),
        on_nodes=_deploy(_but((f"{_PORT}:80", "8091:80")), WEB.name),
        mend=_WEB_ANEW,
        on_recording=edits.port(WEB.name, PublishedPort=8091),
    ),
    Fault(
        "a network of its own",
        fail=("network",),
        blocked=("connected",),
        on_nodes=_deploy(_FRONT, WEB.name),
        mend=_WEB_ANEW,
        on_recording=a_network_of_its_own,
    ),
    Fault(
        "nobody visits the cache",
        fail=("connected",),
        on_nodes=_nobody_counts,
        mend=_COUNTER_ANEW,
        on_recording=edits.printed("GET visits", "\n"),
    ),
    Fault(
        "not updated",
        fail=("updated",),
        blocked=_NEED_UPDATED,
        on_nodes=_OLD,
        mend=_RIGHT,
        on_recording=edits.image(CACHE.name, _PARAMETERS.old),
    ),
    Fault(
        "updated by hand",
        fail=("from_the_file",),
        on_nodes=acts.all_of(_OLD, _by_hand),
        mend=_RIGHT,
        on_recording=updated_by_hand,
    ),
    Fault(
        "deployed anew",
        fail=("history",),
        blocked=("others_stay",),
        on_nodes=_CACHE_ANEW,
        mend=acts.all_of(_OLD, _RIGHT),
        on_recording=edits.only_running(CACHE.name),
    ),
    Fault(
        "the counter changed too",
        fail=("others_stay",),
        on_nodes=acts.all_of(_OLD, _deploy(_MORE)),
        mend=_COUNTER_ANEW,
        on_recording=counter_changed(1),
    ),
    Fault(
        "a firewall before the stack's port of a node",
        fail=("page[swarm-worker2]",),
        on_nodes=acts.drops(WORKER2, _WALL),
        mend=acts.passes(WORKER2, _WALL),
        only=SAME_ANSWERS,
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        "no cache",
        fail=("deployed",),
        blocked=("connected", "from_the_file", "history", "network", "others_stay", "published", "running", "updated"),
        on_recording=edits.gone(CACHE.name),
        only=QUICK,
    ),
    Fault(
        "the web is no nginx",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.image(WEB.name, "httpd:latest"),
        only=QUICK,
    ),
    Fault(
        "a task that does not run",
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=lambda lab: lab.tasks(COUNTER.name, lambda _: []),
        only=QUICK,
    ),
    Fault(
        "a number of visits that was written by hand",
        fail=("connected",),
        on_recording=edits.printed("GET visits", "1\n"),
        only=QUICK,
    ),
    Fault(
        "no cache answers",
        fail=("connected",),
        on_recording=edits.printed("GET visits", "Could not connect to Redis"),
        only=QUICK,
    ),
    Fault(
        "a task of the old image",
        fail=("updated",),
        blocked=_NEED_UPDATED,
        on_recording=an_old_task_still,
        only=QUICK,
    ),
    Fault(
        "the counter changed in the same deploy, which was slow",
        fail=("others_stay",),
        on_recording=counter_changed(40),
        only=QUICK,
    ),
    Fault(
        "the counter changed in a later deploy",
        on_recording=counter_changed(50),
        only=NO_FAULT,
    ),
    Fault(
        "the port is not bound",
        fail=("page",),
        on_recording=lambda lab: lab.has(Capability.ROUTING_MESH),
        only=QUICK,
    ),
    Fault(
        edits.FLAPPING,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.flapping(WEB.name),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.no_containers(WEB.name),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("running",),
        blocked=_NEED_RUNNING,
        on_recording=edits.asleep(CACHE.name),
        only=QUICK,
    ),
    Fault(
        edits.ONE_IMAGE,
        fail=("updated",),
        blocked=_NEED_UPDATED,
        on_recording=edits.one_image(CACHE.name),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(WEB.name),
        only=NO_FAULT,
    ),
)
