"""Faults in the network and the services of the exercise on service discovery, and in what names mean there."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Any

from labgen.core.errors import NodeError
from labgen.core.polling import NotYet
from labgen.docker import dns
from labgen.exercise import fault_acts as acts
from labgen.exercise import fault_edits as edits
from labgen.exercise.faults import (
    BY_CHANCE,
    MANAGER,
    MANY_ANSWERS,
    NO_FAULT,
    QUICK,
    SAME_ANSWERS,
    Act,
    Edit,
    Fault,
    LiveLab,
    RecordedLab,
)

from .exercise import Parameters

_PARAMETERS = Parameters()

VIRTUAL, ROUND_ROBIN, NETWORK = _PARAMETERS.virtual, _PARAMETERS.round_robin, _PARAMETERS.network
VIP, RR = VIRTUAL.name, ROUND_ROBIN.name
_VXLAN = "INPUT -p udp --dport 4789"


def _network(command: str) -> Act:
    """Create the network again, and the services on it."""

    def act(lab: LiveLab) -> None:
        lab.remove(VIRTUAL.name, ROUND_ROBIN.name)

        def gone() -> None:
            try:
                lab.manager(f"! docker network inspect {NETWORK} >/dev/null 2>&1 || docker network rm {NETWORK}")
            except NodeError as error:
                raise NotYet(error.message) from None

        lab.wait_until("the network to be in use no more", gone, within=60)
        lab.manager(command)
        acts.make(lab, VIRTUAL)
        acts.make(lab, ROUND_ROBIN)

    return act


_CONTAINER = "sabotaged"


def _answers_to(name: str) -> Act:
    """Start a container by hand that has a name which is a service's."""
    options = f"--network {NETWORK} --network-alias {name}"
    return acts.on_manager(f"docker run --detach --name {_CONTAINER} {options} {dns.IMAGE} sleep 1d")


_ended = acts.on_manager(f"docker rm --force {_CONTAINER}")


def _virtual_again(lab: LiveLab) -> None:
    """The web-vip that is right, once nothing has its name any more that takes its time to end."""
    acts.vanish(lab, VIRTUAL.name)
    acts.make(lab, VIRTUAL)


Json = dict[str, Any]


def network(**changed: Any) -> Edit:
    """Change the network of the exercise."""
    return edits.networks(lambda listed: next(entry for entry in listed if entry["Name"] == NETWORK).update(changed))


def no_network(lab: RecordedLab) -> None:
    lab.engine("/networks", lambda networks: [entry for entry in networks if entry["Name"] != NETWORK])


def endpoint_mode(name: str, mode: str) -> Edit:
    return lambda lab: lab.service(name, lambda service: service["Spec"]["EndpointSpec"].update(Mode=mode))


def on_no_network(name: str) -> Edit:
    def change(service: Json) -> None:
        service["Spec"]["TaskTemplate"].pop("Networks", None)
        service["Spec"].pop("Networks", None)

    return lambda lab: lab.service(name, change)


def another_address(lab: RecordedLab) -> None:
    """The name is the address of a container, not the virtual one."""
    lab.says("nslookup", lambda out: re.sub(rf"(Name:\t{VIP}\nAddress: )\S+", r"\g<1>10.20.3.99", out))


def one_address_less(name: str) -> Edit:
    return lambda lab: lab.says("nslookup", lambda out: re.sub(rf"Name:\t{name}\nAddress: \S+\n", "", out, count=1))


def one_address_more(name: str) -> Edit:
    """That of a task that is no more."""
    stale = f"Name:\t{name}\nAddress: 10.20.9.99\n"
    first = rf"(?m)^(?=Name:\t{re.escape(name)}$)"
    return lambda lab: lab.says("nslookup", lambda out: re.sub(first, stale, out, count=1))


def one_page_less(lab: RecordedLab) -> None:
    lab.says("nslookup", lambda out: re.sub(r"(?m)^labgen-\w+ page \S+\n", "", out, count=1))


def meshed(*, answers: bool) -> Edit:
    """The nodes had the routing mesh; the virtual IP is asked as well."""

    def change(lab: RecordedLab) -> None:
        lab.meshed(8001)
        lookup, out = lab.script("nslookup")
        addresses: list[str] = []
        lab.service(
            VIP, lambda service: addresses.extend(address["Addr"] for address in service["Endpoint"]["VirtualIPs"])
        )
        virtual = addresses[0].partition("/")[0]
        within = float(re.findall(r"timeout (\d+)", lookup)[0])
        fetch = sorted({*re.findall(r"http://([\d.]+)/", lookup), virtual}, key=IPv4Address)
        scripts: list[str] = []

        def capture(script: str) -> str:
            scripts.append(script)
            return ""

        dns.ask(capture, dns.throwaway(NETWORK), [VIP, f"tasks.{VIP}", RR], list(map(IPv4Address, fetch)), within)
        recorded_mark, mark = (re.findall(r"labgen-\w{16}", script)[0] for script in (lookup, scripts[0]))
        page = f"{mark} page {virtual}\n" if answers else ""
        lab.answers(lab.lab.first_manager, {scripts[0]: out.replace(recorded_mark, mark).rstrip("\n") + "\n" + page})

    return change


_NEED_VIRTUAL = ("name_is_virtual_ip", "tasks_answer", "tasks_name", "virtual_ip_answers")
_NEED_ROUND_ROBIN = ("round_robin_name", "tasks_answer")
_NEED_NETWORK = ("name_is_virtual_ip", "round_robin", "round_robin_name", "tasks_answer", "tasks_name", "virtual")
_NEED_VIRTUAL_ = ("name_is_virtual_ip", "tasks_answer", "tasks_name")

FAULTS = (
    Fault(
        "not on the network",
        fail=("virtual",),
        blocked=_NEED_VIRTUAL,
        on_nodes=acts.made(VIRTUAL.but(network="")),
        mend=acts.made(VIRTUAL),
        on_recording=on_no_network(VIP),
    ),
    Fault(
        "not with a virtual IP",
        fail=("virtual",),
        blocked=_NEED_VIRTUAL,
        on_nodes=acts.made(VIRTUAL.but(endpoint_mode="dnsrr")),
        mend=acts.made(VIRTUAL),
        on_recording=endpoint_mode(VIP, "dnsrr"),
    ),
    Fault(
        "one replica of web-vip short",
        fail=("virtual",),
        blocked=_NEED_VIRTUAL,
        on_nodes=acts.made(VIRTUAL.but(replicas=1)),
        mend=acts.made(VIRTUAL),
        only=SAME_ANSWERS,
    ),
    Fault(
        "not with round robin",
        fail=("round_robin",),
        blocked=_NEED_ROUND_ROBIN,
        on_nodes=acts.made(ROUND_ROBIN.but(endpoint_mode="vip")),
        mend=acts.made(ROUND_ROBIN),
        on_recording=endpoint_mode(RR, "vip"),
    ),
    Fault(
        "the name is another address",
        fail=("name_is_virtual_ip",),
        blocked=("virtual_ip_answers",),
        on_nodes=_answers_to(VIRTUAL.name),
        mend=_ended,
        on_recording=another_address,
    ),
    Fault(
        "one of the tasks is gone and told still",
        fail=("tasks_name",),
        blocked=("tasks_answer",),
        on_nodes=_answers_to(f"tasks.{VIRTUAL.name}"),
        mend=_ended,
        on_recording=one_address_more(f"tasks.{VIP}"),
    ),
    Fault(
        "one of the round is gone and told still",
        fail=("round_robin_name",),
        blocked=("tasks_answer",),
        on_nodes=_answers_to(ROUND_ROBIN.name),
        mend=_ended,
        on_recording=one_address_more(RR),
    ),
    Fault(
        "containers that serve nothing",
        fail=("tasks_answer", "virtual_ip_answers"),
        on_nodes=acts.made(VIRTUAL.but(command="sh -c 'exec sleep 1d; nginx'", options=("--stop-grace-period 1s",))),
        mend=_virtual_again,
        only=SAME_ANSWERS,
    ),
    Fault(
        "a firewall before the overlay network",
        fail=("cluster.overlay_reached[swarm-manager]", "tasks_answer", "virtual_ip_answers"),
        on_nodes=acts.drops(MANAGER, _VXLAN),
        mend=acts.passes(MANAGER, _VXLAN),
        only=MANY_ANSWERS,
        cause="vxlan-dropped",
    ),
    Fault(
        "not attachable",
        fail=("network",),
        blocked=(
            "name_is_virtual_ip",
            "round_robin",
            "round_robin_name",
            "tasks_answer",
            "tasks_name",
            "virtual",
            "virtual_ip_answers",
        ),
        on_nodes=_network(_PARAMETERS.create_network.replace("--attachable ", "")),
        mend=_network(_PARAMETERS.create_network),
        on_recording=network(Attachable=False),
    ),
    Fault(
        "no network",
        fail=("network",),
        blocked=_NEED_NETWORK,
        on_recording=no_network,
        only=QUICK,
    ),
    Fault(
        "a network of one host",
        fail=("network",),
        blocked=_NEED_NETWORK,
        on_recording=network(Driver="bridge"),
        only=QUICK,
    ),
    Fault(
        "another image",
        fail=("virtual",),
        blocked=_NEED_VIRTUAL_,
        on_recording=edits.image(VIP, "redis:6.0-alpine"),
        only=QUICK,
    ),
    Fault(
        "round robin from another image",
        fail=("round_robin",),
        blocked=_NEED_ROUND_ROBIN,
        on_recording=edits.image(RR, "redis:6.0-alpine"),
        only=QUICK,
    ),
    Fault(
        "round robin not on the network",
        fail=("round_robin",),
        blocked=_NEED_ROUND_ROBIN,
        on_recording=on_no_network(RR),
        only=QUICK,
    ),
    Fault(
        "one of the tasks is not told",
        fail=("tasks_name",),
        blocked=("tasks_answer",),
        on_recording=one_address_less(f"tasks.{VIP}"),
        only=QUICK,
    ),
    Fault(
        "one of the round is not told",
        fail=("round_robin_name",),
        blocked=("tasks_answer",),
        on_recording=one_address_less(RR),
        only=QUICK,
    ),
    Fault(
        "one of the tasks does not answer",
        fail=("tasks_answer",),
        on_recording=one_page_less,
        only=QUICK,
    ),
    Fault(
        "no fault: the virtual IP answers",
        on_recording=meshed(answers=True),
        only=NO_FAULT,
    ),
    Fault(
        "the virtual IP does not answer",
        fail=("virtual_ip_answers",),
        on_recording=meshed(answers=False),
        only=BY_CHANCE,
    ),
    Fault(
        edits.FLAPPING,
        fail=("virtual",),
        blocked=_NEED_VIRTUAL_,
        on_recording=edits.flapping(VIP),
        only=QUICK,
    ),
    Fault(
        edits.NO_CONTAINERS,
        fail=("virtual",),
        blocked=_NEED_VIRTUAL_,
        on_recording=edits.no_containers(VIP),
        only=QUICK,
    ),
    Fault(
        edits.ASLEEP,
        fail=("round_robin",),
        blocked=_NEED_ROUND_ROBIN,
        on_recording=edits.asleep(RR),
        only=QUICK,
    ),
    Fault(
        edits.SURPLUS,
        on_recording=edits.surplus(VIP),
        only=NO_FAULT,
    ),
)
