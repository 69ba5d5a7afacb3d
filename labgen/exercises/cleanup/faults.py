"""Faults in a clean-up: what was left, and a lab in which nothing was."""

from __future__ import annotations

from typing import Any

from labgen.exercise import fault_acts as acts
from labgen.exercise.faults import (
    BY_CHANCE,
    MANAGER,
    MANY_ANSWERS,
    QUICK,
    SAME_ANSWERS,
    WORKER1,
    WORKER2,
    Fault,
    LiveLab,
    RecordedLab,
)
from labgen.exercises.globalmode import exercise as globalmode
from labgen.exercises.loadbalance import exercise as loadbalance

from . import exercise as cleanup

OWN = "of-my-own"
_BY_HAND = loadbalance.Parameters.name
_NETWORK = cleanup.networks()[0]
_OF_STACK = f"{cleanup.stacks()[0]}_web"


def _only_ones_own(lab: LiveLab) -> None:
    """What was removed in this swarm is no part of the course."""
    lab.labgen("reset")
    lab.serve(OWN, "--replicas 2 nginx", 2)
    acts.vanish(lab, OWN)


def _removed_again(lab: LiveLab) -> None:
    lab.labgen("run", "cleanup")


def _other_nodes(lab: RecordedLab, change: str) -> None:
    """Let no engine tell of a removal: the recorded run stopped asking at the first that did."""
    lab.says("docker events", lambda out: change.replace("SINCE", out.partition("\n")[0].rpartition(" ")[2]))
    lab.repeated("docker events", WORKER1, WORKER2)


def nothing_was_there(lab: RecordedLab) -> None:
    _other_nodes(lab, "engine runs since SINCE\n")


def only_others(lab: RecordedLab) -> None:
    """What was removed was the learner's own."""
    event = '{"Type":"service","Action":"remove","Actor":{"Attributes":{"name":"mine"}}}'
    _other_nodes(lab, f"engine runs since SINCE\n{event}\n")


def started_again_with_nothing(lab: RecordedLab) -> None:
    """The engines were restarted, and no image of the course is there."""
    _other_nodes(lab, "engine runs since 4102444800\n")
    lab.engine("/images/json", lambda _: [])


def a_service_left(lab: RecordedLab) -> None:
    def keep(services: list[dict[str, Any]]) -> list[dict[str, Any]]:
        leftover = {"ID": "left", "Spec": {"Name": "my-database", "Mode": {"Replicated": {"Replicas": 1}}}}
        return [*services, leftover]

    lab.engine("/services", keep)


def a_container_left(lab: RecordedLab) -> None:
    labels = {"com.docker.swarm.service.name": "web-alb"}
    lab.engine(
        r"/containers/json\?all=1", lambda containers: [*containers, {"Names": ["/web-alb.1.x"], "Labels": labels}]
    )


def a_network_left(lab: RecordedLab) -> None:
    network = {"Name": _NETWORK, "Driver": "overlay", "Scope": "swarm"}
    lab.engine("/networks", lambda networks: [*networks, network])


_NEED_SERVICES_GONE = ("containers_gone", "networks_gone")
_NEED_SOMETHING_WAS_THERE = ("containers_gone", "networks_gone", "services_gone")

FAULTS = (
    Fault(
        "a service left",
        fail=("services_gone",),
        blocked=_NEED_SERVICES_GONE,
        on_nodes=lambda lab: acts.make(lab, globalmode.Parameters().service),
        mend=lambda lab: acts.vanish(lab, globalmode.Parameters().service.name),
        on_recording=a_service_left,
    ),
    Fault(
        "a service of a stack left",
        fail=("services_gone",),
        blocked=_NEED_SERVICES_GONE,
        on_nodes=lambda lab: lab.serve(_OF_STACK, "nginx", 1),
        mend=lambda lab: acts.vanish(lab, _OF_STACK),
        only=SAME_ANSWERS,
    ),
    Fault(
        "a container made by hand left, stopped",
        fail=("containers_gone[swarm-worker1]",),
        on_nodes=acts.on(WORKER1, WORKER2, f"docker create --name {_BY_HAND} nginx"),
        mend=acts.on(WORKER1, WORKER2, f"docker rm {_BY_HAND}"),
        only=MANY_ANSWERS,
    ),
    Fault(
        "a network left",
        fail=("networks_gone",),
        on_nodes=acts.on(MANAGER, f"docker network create --driver overlay {_NETWORK}"),
        mend=acts.on(MANAGER, f"docker network rm {_NETWORK}"),
        on_recording=a_network_left,
    ),
    Fault(
        "only the learner's own",
        fail=("something_was_there",),
        blocked=_NEED_SOMETHING_WAS_THERE,
        on_nodes=_only_ones_own,
        mend=_removed_again,
        on_recording=only_others,
    ),
    Fault(
        "nothing was there",
        fail=("something_was_there",),
        blocked=_NEED_SOMETHING_WAS_THERE,
        on_recording=nothing_was_there,
        only=QUICK,
    ),
    Fault(
        "started anew, and nothing",
        fail=("something_was_there",),
        blocked=_NEED_SOMETHING_WAS_THERE,
        on_recording=started_again_with_nothing,
        only=QUICK,
    ),
    Fault(
        "a container left",
        fail=("containers_gone",),
        on_recording=a_container_left,
        only=BY_CHANCE,
    ),
)
