"""Causes of what does not exist under its name, or not where it should be: names, ports, networks, history."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterator

from labgen.core.words import Words
from labgen.docker.swarm import Network, Service
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import Hints, on_manager
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.observation.causes.model import Cause, Finding, Observations

_NEAR = 0.75
"""How alike a name must be (difflib): web-alb2 and web_alb are to web-alb, web is not."""

_CREATED: dict[str, Words] = {
    "service": Words("service", "서비스"),
    "network": Words("network", "네트워크"),
    "secret": Words("secret", "시크릿"),
    "config": Words("config", "컨피그"),
}


def _nearest(name: str, existing: Collection[str], meant: Collection[str]) -> str:
    """The name most like one that is missing, of those that nothing else of the course is called; empty for none."""
    candidates = {another.lower(): another for another in existing if another not in meant}
    close = difflib.get_close_matches(name.lower(), candidates, n=1, cutoff=_NEAR)
    if close:
        return candidates[close[0]]
    # With a word before or after it: my-web-alb, web-alb-1.
    longer = [another for lower, another in candidates.items() if name.lower() in lower]
    return min(longer, key=len, default="")


def _course_names() -> set[str]:
    return {spec.name for exercise in exercises().values() for spec in (*exercise.services, *exercise.later)}


def _near_name(observations: Observations) -> Iterator[Finding]:
    if observations.swarm is None or observations.exercise is None:
        return
    services = observations.swarm.services
    for spec in observations.specs:
        if spec.name not in services and (near := _nearest(spec.name, services, _course_names())):
            yield _misnamed("service", spec.name, near, (on_manager(spec.create),))
    networks = {network.name for network in observations.swarm.networks if network.driver == "overlay"}
    for name in observations.exercise.networks:
        if name not in networks and (near := _nearest(name, networks, {"ingress", *observations.exercise.networks})):
            command = f"docker network create --driver overlay --attachable {name}"
            yield _misnamed("network", name, near, (on_manager(command),))
    yield from _near_files(observations, observations.exercise)


def _near_files(observations: Observations, exercise: Exercise) -> Iterator[Finding]:
    """Secrets and configs of almost the right name, among those that the exercise's services are given."""
    for _, service in observations.services():
        for kind, expected, attached in (
            ("secret", exercise.secrets, service.secrets),
            ("config", exercise.configs, service.configs),
        ):
            for name in attached:
                if name not in expected and (near := difflib.get_close_matches(name, expected, n=1, cutoff=_NEAR)):
                    file = next((path for path, source in service.files.items() if source == name), "FILE")
                    swap = (
                        f"docker service update --{kind}-rm {shlex.quote(name)} "
                        f"--{kind}-add source={near[0]},target={shlex.quote(file)} {service.name}"
                    )
                    yield _misnamed(kind, near[0], name, (on_manager(f"docker {kind} ls", swap),))


def _misnamed(kind: str, name: str, near: str, hints: Hints) -> Finding:
    what = _CREATED[kind]
    return Finding(
        "near-name",
        Words(
            f"There is no {what.en} {name}, but there is {near}: is it meant? Names cannot be changed.",
            f"{name} {what.ko}가 없고 {near}가 있습니다. 이것을 {name} 대신 만들었습니까? 이름은 바꿀 수 없습니다.",
        ),
        hints,
    )


def _port_taken(observations: Observations) -> Iterator[Finding]:
    if observations.swarm is None:
        return
    for spec in observations.specs:
        own = observations.swarm.services.get(spec.name)
        for publish in spec.publish:
            if not publish.published or (own and any(publish.met_by(port) for port in own.ports)):
                continue
            for another in observations.swarm.services.values():
                ports = [port for port in another.ports if port.published == publish.published]
                if another.name != spec.name and ports:
                    yield _port_finding(spec, own, another, publish.published, ports[0].target)


def _port_finding(spec: ServiceSpec, own: Service | None, another: Service, port: int, target: int) -> Finding:
    add = (
        f"docker service update --publish-add {spec.publish[0].published}:{spec.publish[0].target} {spec.name}"
        if own
        else spec.create
    )
    return Finding(
        "port-taken",
        Words(
            f"Port {port} is published by the service {another.name}: {spec.name} cannot have it, too.",
            f"{port} 포트를 {another.name} 서비스가 이미 공개하고 있어 {spec.name}에 쓸 수 없습니다.",
        ),
        (
            on_manager(
                f"docker service update --publish-rm {target} {shlex.quote(another.name)}",
                add,
                look=Words(
                    f"Take the port from {another.name}, which runs on without it.",
                    f"{another.name}에서 포트를 거두세요. 서비스는 계속 실행됩니다.",
                ),
            ),
        ),
    )


def _wrong_network(observations: Observations) -> Iterator[Finding]:
    if observations.swarm is None:
        return
    networks = {network.id: network for network in observations.swarm.networks}
    for spec, service in observations.services():
        expected = [network for network in networks.values() if network.name == spec.network]
        if not spec.network or not expected or expected[0].id in service.networks:
            continue
        on_them = [networks[place].name for place in service.networks if place in networks]
        yield Finding(
            "wrong-network",
            Words(
                f"{spec.name} is not on the network {spec.network}, but on {', '.join(on_them) or 'none of its own'}: "
                "services find each other on a network that both are on.",
                f"{spec.name} 서비스가 {spec.network} 네트워크에 있지 않습니다(있는 곳: "
                f"{', '.join(on_them) or '없음'}). "
                "서비스는 같은 네트워크에 있어야 서로를 찾습니다.",
            ),
            (on_manager(f"docker service update --network-add {spec.network} {spec.name}"),),
        )


def _history_cut(observations: Observations) -> Iterator[Finding]:
    limits = [
        node.swarm.history_limit for node in observations.nodes if node.swarm and node.swarm.history_limit is not None
    ]
    if not limits or not 0 <= limits[0] < 2:
        return
    yield Finding(
        "history-cut",
        Words(
            f"The swarm keeps {limits[0]} tasks of the past for each replica (task history limit): what was replaced "
            "can no longer be seen.",
            f"스웜이 복제본마다 지난 태스크를 {limits[0]}개만 남깁니다(task history limit). 교체된 것을 더는 볼 수 "
            "없습니다.",
        ),
        (
            on_manager(
                "docker swarm update --task-history-limit 5",
                look=Words(
                    "Let it keep five, as by default, and do the exercise's update again. No service is lost.",
                    "기본값인 5개로 되돌리고 실습의 업데이트를 다시 하세요. 서비스는 그대로입니다.",
                ),
            ),
        ),
    )


def _overlay_overlaps(observations: Observations) -> Iterator[Finding]:
    for network in observations.swarm.networks if observations.swarm else ():
        for subnet in network.subnets:
            for name, another in observations.lab_networks:
                if network.driver == "overlay" and not network.ingress and subnet.overlaps(another):
                    yield _overlaps(network, str(subnet), name, str(another), observations)


def _overlaps(network: Network, subnet: str, name: str, another: str, observations: Observations) -> Finding:
    services = observations.swarm.services.values() if observations.swarm else ()
    users = [service.name for service in services if network.id in service.networks]
    quoted = shlex.quote(network.name)
    leave = [f"docker service update --network-rm {quoted} {shlex.quote(user)}" for user in users]
    return Finding(
        "overlay-in-lab-network",
        Words(
            f"The overlay network {network.name} ({subnet}) was created inside {name} {another}, which the machines "
            "themselves use. Only this network has to go.",
            f"오버레이 네트워크 {network.name}({subnet})이 머신이 쓰는 네트워크 {another} 안에 만들어졌습니다. 이 "
            "네트워크만 "
            "지우면 됩니다.",
        ),
        (
            on_manager(
                *leave,
                f"docker network rm {quoted}",
                f"docker network create --driver overlay {quoted}",
                look=Words(
                    "Create it again without --subnet: the swarm then chooses a free one."
                    + (f" The services on it leave it first: {', '.join(users)}." if users else ""),
                    "--subnet 없이 다시 만들면 스웜이 빈 주소를 고릅니다."
                    + (f" 그 네트워크의 서비스를 먼저 뺍니다: {', '.join(users)}." if users else ""),
                ),
            ),
        ),
    )


CAUSES = (
    Cause(
        "near-name",
        frozenset({"names", "network"}),
        Words(
            "A service, network, secret or config is missing, and another has nearly its name.",
            "서비스, 네트워크, 시크릿, 컨피그가 없고 이름이 거의 같은 것이 있다.",
        ),
        "docker service create",
        _near_name,
    ),
    Cause(
        "port-taken",
        frozenset({"names", "requests"}),
        Words("Another service publishes the port.", "다른 서비스가 그 포트를 공개하고 있다."),
        "docker service update --publish-rm",
        _port_taken,
    ),
    Cause(
        "wrong-network",
        frozenset({"network"}),
        Words("A service is not on the exercise's network.", "서비스가 실습의 네트워크에 있지 않다."),
        "docker service update --network-add",
        _wrong_network,
    ),
    Cause(
        "history-cut",
        frozenset({"history"}),
        Words("The swarm's task history limit is 0 or 1.", "스웜의 task history limit이 0이나 1이다."),
        "docker swarm update --task-history-limit 5",
        _history_cut,
    ),
    Cause(
        "overlay-in-lab-network",
        frozenset({"subnets", "network", "requests"}),
        Words(
            "An overlay network that somebody created overlaps the lab network or adapter 1.",
            "직접 만든 오버레이 네트워크가 실습 네트워크나 어댑터 1의 네트워크와 겹친다.",
        ),
        "docker network rm",
        _overlay_overlaps,
    ),
)
