"""Causes of what does not exist under its name, or not where it should be: names, ports, networks, history."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Collection, Iterator

from labgen.core.i18n import NOTHING, Text, _, sentences
from labgen.docker.swarm import Network, Service
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import Hints, on_manager
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.observation.causes.model import Cause, Observations, RecognisedCause

_NEAR = 0.75
"""How alike a name must be (difflib): web-alb2 and web_alb are to web-alb, web is not."""

_CREATED: dict[str, Text] = {
    "service": _("service"),
    "network": _("network"),
    "secret": _("secret"),
    "config": _("config"),
}


def _nearest(name: str, existing: Collection[str], meant: Collection[str]) -> str:
    """Give the name most like a missing one, of those that nothing else of the course is called; empty for none."""
    candidates = {another.lower(): another for another in existing if another not in meant}
    close = difflib.get_close_matches(name.lower(), candidates, n=1, cutoff=_NEAR)
    if close:
        return candidates[close[0]]
    # With a word before or after it: my-web-alb, web-alb-1.
    longer = [another for lower, another in candidates.items() if name.lower() in lower]
    return min(longer, key=len, default="")


def _course_names() -> set[str]:
    return {spec.name for exercise in exercises().values() for spec in (*exercise.services, *exercise.later)}


def _near_name(observations: Observations) -> Iterator[RecognisedCause]:
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


def _near_files(observations: Observations, exercise: Exercise) -> Iterator[RecognisedCause]:
    """Secrets and configs of almost the right name, among those that the exercise's services are given."""
    for _spec, service in observations.services():
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


def _misnamed(kind: str, name: str, near: str, hints: Hints) -> RecognisedCause:
    what = _CREATED[kind]
    return RecognisedCause(
        "near-name",
        _(
            "There is no %(what)s %(name)s, but there is %(near)s: is it meant? Names cannot be changed.",
            what=what,
            name=name,
            near=near,
        ),
        hints,
    )


def _port_taken(observations: Observations) -> Iterator[RecognisedCause]:
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


def _port_finding(spec: ServiceSpec, own: Service | None, another: Service, port: int, target: int) -> RecognisedCause:
    add = (
        f"docker service update --publish-add {spec.publish[0].published}:{spec.publish[0].target} {spec.name}"
        if own
        else spec.create
    )
    return RecognisedCause(
        "port-taken",
        _(
            "Port %(port)s is published by the service %(owner)s: %(service)s cannot have it, too.",
            port=port,
            owner=another.name,
            service=spec.name,
        ),
        (
            on_manager(
                f"docker service update --publish-rm {target} {shlex.quote(another.name)}",
                add,
                look=_("Take the port from %(owner)s, which runs on without it.", owner=another.name),
            ),
        ),
    )


def _wrong_network(observations: Observations) -> Iterator[RecognisedCause]:
    if observations.swarm is None:
        return
    networks = {network.id: network for network in observations.swarm.networks}
    for spec, service in observations.services():
        expected = [network for network in networks.values() if network.name == spec.network]
        if not spec.network or not expected or expected[0].id in service.networks:
            continue
        on_them = [networks[place].name for place in service.networks if place in networks]
        yield RecognisedCause(
            "wrong-network",
            _(
                "%(service)s is not on the network %(network)s, but on %(networks)s: services find each other on a "
                "network that both are on.",
                service=spec.name,
                network=spec.network,
                networks=", ".join(on_them) or _("none of its own"),
            ),
            (on_manager(f"docker service update --network-add {spec.network} {spec.name}"),),
        )


def _history_cut(observations: Observations) -> Iterator[RecognisedCause]:
    limits = [
        node.swarm.history_limit for node in observations.nodes if node.swarm and node.swarm.history_limit is not None
    ]
    if not limits or not 0 <= limits[0] < 2:
        return
    yield RecognisedCause(
        "history-cut",
        _(
            "The swarm keeps %(limit)s tasks of the past for each replica (task history limit): what was "
            "replaced can no longer be seen.",
            limit=limits[0],
        ),
        (
            on_manager(
                "docker swarm update --task-history-limit 5",
                look=_("Let it keep five, as by default, and do the exercise's update again. No service is lost."),
            ),
        ),
    )


def _overlay_overlaps(observations: Observations) -> Iterator[RecognisedCause]:
    for network in observations.swarm.networks if observations.swarm else ():
        for subnet in network.subnets:
            for name, another in observations.lab_networks:
                if network.driver == "overlay" and not network.ingress and subnet.overlaps(another):
                    yield _overlaps(network, str(subnet), name, str(another), observations)


def _overlaps(network: Network, subnet: str, name: str, another: str, observations: Observations) -> RecognisedCause:
    services = observations.swarm.services.values() if observations.swarm else ()
    users = [service.name for service in services if network.id in service.networks]
    quoted = shlex.quote(network.name)
    leave = [f"docker service update --network-rm {quoted} {shlex.quote(user)}" for user in users]
    return RecognisedCause(
        "overlay-in-lab-network",
        _(
            "The overlay network %(network)s (%(subnet)s) was created inside %(place)s %(lab_network)s, which the "
            "machines themselves use. Only this network has to go.",
            network=network.name,
            subnet=subnet,
            place=name,
            lab_network=another,
        ),
        (
            on_manager(
                *leave,
                f"docker network rm {quoted}",
                f"docker network create --driver overlay {quoted}",
                look=sentences(
                    _("Create it again without --subnet: the swarm then chooses a free one."),
                    _("The services on it leave it first: %(users)s.", users=", ".join(users)) if users else NOTHING,
                ),
            ),
        ),
    )


CAUSES = (
    Cause(
        "near-name",
        frozenset({"names", "network"}),
        _("A service, network, secret or config is missing, and another has nearly its name."),
        "docker service create",
        _near_name,
    ),
    Cause(
        "port-taken",
        frozenset({"names", "requests"}),
        _("Another service publishes the port."),
        "docker service update --publish-rm",
        _port_taken,
    ),
    Cause(
        "wrong-network",
        frozenset({"network"}),
        _("A service is not on the exercise's network."),
        "docker service update --network-add",
        _wrong_network,
    ),
    Cause(
        "history-cut",
        frozenset({"history"}),
        _("The swarm's task history limit is 0 or 1."),
        "docker swarm update --task-history-limit 5",
        _history_cut,
    ),
    Cause(
        "overlay-in-lab-network",
        frozenset({"subnets", "network", "requests"}),
        _("An overlay network that somebody created overlaps the lab network or adapter 1."),
        "docker network rm",
        _overlay_overlaps,
    ),
)
