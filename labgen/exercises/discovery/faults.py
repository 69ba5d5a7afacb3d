"""Faults in the network and the services of the exercise on service discovery, and in what names mean there."""

from __future__ import annotations

from labgen.core.errors import NodeError
from labgen.core.polling import NotYet, wait_until
from labgen.docker.dns import IMAGE
from labgen.exercise.services import ServiceSpec
from labgen.exercises.discovery import exercise as discovery
from tests.e2e.sabotage.acts import made, make, vanish
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import MANAGER, Stage
from tests.e2e.sabotage.walls import drops, passes

VIRTUAL, ROUND_ROBIN, NETWORK = discovery.VIRTUAL, discovery.ROUND_ROBIN, discovery.NETWORK
_VXLAN = "INPUT -p udp --dport 4789"


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"discovery.{name}" for name in names)


_NOT_VIRTUAL = turned(
    fail=_of("virtual"), blocked=_of("name_is_virtual_ip", "tasks_name", "tasks_answer", "virtual_ip_answers")
)


def _network(command: str) -> Act:
    """The network made anew, and the services on it."""

    def act(stage: Stage) -> None:
        stage.remove(VIRTUAL.name, ROUND_ROBIN.name)

        def gone() -> None:
            try:
                stage.manager(f"! docker network inspect {NETWORK} >/dev/null 2>&1 || docker network rm {NETWORK}")
            except NodeError as error:
                raise NotYet(error.message) from None

        wait_until("the network to be in use no more", gone, within=stage.there.patience.seconds(60), every=1)
        stage.manager(command)
        make(stage, VIRTUAL)
        make(stage, ROUND_ROBIN)

    return act


def _virtual(name: str, spec: ServiceSpec) -> Fault:
    """Another web-vip than it should be."""
    return Fault(name, "discovery", made(spec), _NOT_VIRTUAL, made(VIRTUAL))


def _answers_to(name: str, check: str, *blocked: str) -> Fault:
    """A container, started by hand, that has a name which is a service's."""
    container = "sabotaged"

    def begun(stage: Stage) -> None:
        stage.manager(
            f"docker run --detach --name {container} --network {NETWORK} --network-alias {name} {IMAGE} sleep 1d"
        )

    def ended(stage: Stage) -> None:
        stage.manager(f"docker rm --force {container}")

    return Fault(
        f"a container by hand answers to {name}",
        "discovery",
        begun,
        turned(fail=_of(check), blocked=_of(*blocked)),
        ended,
    )


def _virtual_again(stage: Stage) -> None:
    """The web-vip that is right, once nothing has its name any more that takes its time to end."""
    vanish(stage, VIRTUAL.name)
    make(stage, VIRTUAL)


FAULTS = (
    _virtual("web-vip on no network", VIRTUAL.but(network="")),
    _virtual("web-vip by round robin", VIRTUAL.but(endpoint_mode="dnsrr")),
    _virtual("one replica of web-vip short", VIRTUAL.but(replicas=1)),
    Fault(
        "web-dnsrr with a virtual IP",
        "discovery",
        made(ROUND_ROBIN.but(endpoint_mode="vip")),
        turned(fail=_of("round_robin"), blocked=_of("round_robin_name", "tasks_answer")),
        made(ROUND_ROBIN),
    ),
    _answers_to(VIRTUAL.name, "name_is_virtual_ip", "virtual_ip_answers"),
    _answers_to(f"tasks.{VIRTUAL.name}", "tasks_name", "tasks_answer"),
    _answers_to(ROUND_ROBIN.name, "round_robin_name", "tasks_answer"),
    Fault(
        "containers that serve nothing",
        "discovery",
        made(VIRTUAL.but(command="sh -c 'exec sleep 1d; nginx'", options=("--stop-grace-period 1s",))),
        turned(fail=_of("tasks_answer", "virtual_ip_answers")),
        _virtual_again,
    ),
    Fault(
        "a firewall before the overlay network",
        "discovery",
        drops(MANAGER, _VXLAN),
        turned(fail=(*_of("tasks_answer", "virtual_ip_answers"), f"cluster.overlay_reached[{MANAGER}]")),
        passes(MANAGER, _VXLAN),
        cause="vxlan-dropped",
    ),
    Fault(
        "a network that takes no containers by hand",
        "discovery",
        _network(discovery.CREATE_NETWORK.replace("--attachable ", "")),
        turned(
            fail=_of("network"),
            blocked=_of(
                "virtual",
                "round_robin",
                "name_is_virtual_ip",
                "tasks_name",
                "round_robin_name",
                "tasks_answer",
                "virtual_ip_answers",
            ),
        ),
        _network(discovery.CREATE_NETWORK),
    ),
)
