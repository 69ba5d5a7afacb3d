"""Service discovery, done wrong, and names that mean something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

from recorded import Recorded, fault

from labgen.docker import dns

NETWORK, VIP, RR = "course-net", "web-vip", "web-dnsrr"
Json = dict[str, Any]


def network(**changed: Any) -> Callable[[Recorded], None]:
    def change(networks: list[Json]) -> None:
        next(entry for entry in networks if entry["Name"] == NETWORK).update(changed)

    return lambda lab: lab.engine("/networks", change)


def no_network(lab: Recorded) -> None:
    lab.engine("/networks", lambda networks: [entry for entry in networks if entry["Name"] != NETWORK])


def image(name: str) -> Callable[[Recorded], None]:
    return lambda lab: lab.service(
        name, lambda service: service["Spec"]["TaskTemplate"]["ContainerSpec"].update(Image="redis:6.0-alpine")
    )


def endpoint_mode(name: str, mode: str) -> Callable[[Recorded], None]:
    return lambda lab: lab.service(name, lambda service: service["Spec"]["EndpointSpec"].update(Mode=mode))


def on_no_network(name: str) -> Callable[[Recorded], None]:
    def change(service: Json) -> None:
        service["Spec"]["TaskTemplate"].pop("Networks", None)
        service["Spec"].pop("Networks", None)

    return lambda lab: lab.service(name, change)


def another_address(lab: Recorded) -> None:
    """The name is the address of a container, not the virtual one."""
    lab.says("nslookup", lambda out: re.sub(rf"(Name:\t{VIP}\nAddress: )\S+", r"\g<1>10.20.3.99", out))


def one_address_less(name: str) -> Callable[[Recorded], None]:
    return lambda lab: lab.says("nslookup", lambda out: re.sub(rf"Name:\t{name}\nAddress: \S+\n", "", out, count=1))


def one_address_more(name: str) -> Callable[[Recorded], None]:
    """That of a task that is no more."""
    stale = f"Name:\t{name}\nAddress: 10.20.9.99\n"
    first = rf"(?m)^(?=Name:\t{re.escape(name)}$)"
    return lambda lab: lab.says("nslookup", lambda out: re.sub(first, stale, out, count=1))


def one_page_less(lab: Recorded) -> None:
    lab.says("nslookup", lambda out: re.sub(r"(?m)^labgen-\w+ page \S+\n", "", out, count=1))


def meshed(*, answers: bool) -> Callable[[Recorded], None]:
    """The nodes had the routing mesh; the virtual IP is asked as well."""

    def change(lab: Recorded) -> None:
        lab.meshed(8001)
        recorded_lookup = next(
            observation for observation in lab.evidence.observations if "nslookup" in observation.script
        )
        addresses: list[str] = []
        lab.service(
            VIP, lambda service: addresses.extend(address["Addr"] for address in service["Endpoint"]["VirtualIPs"])
        )
        virtual = addresses[0].partition("/")[0]
        within = float(re.findall(r"timeout (\d+)", recorded_lookup.script)[0])
        fetch = sorted({*re.findall(r"http://([\d.]+)/", recorded_lookup.script), virtual}, key=IPv4Address)
        scripts: list[str] = []

        def capture(script: str) -> str:
            scripts.append(script)
            return ""

        dns.ask(capture, dns.throwaway(NETWORK), [VIP, f"tasks.{VIP}", RR], list(map(IPv4Address, fetch)), within)
        mark = re.findall(r"labgen-\w{16}", scripts[0])[0]
        page = f"{mark} page {virtual}\n" if answers else ""
        lab.answers(lab.evidence.lab.first_manager, {scripts[0]: recorded_lookup.out.rstrip("\n") + "\n" + page})

    return change


FAULTS = {
    "no network": fault(no_network, "network"),
    "a network of one host": fault(network(Driver="bridge"), "network"),
    "not attachable": fault(network(Attachable=False), "network"),
    "another image": fault(image(VIP), "virtual"),
    "not with a virtual IP": fault(endpoint_mode(VIP, "dnsrr"), "virtual"),
    "not on the network": fault(on_no_network(VIP), "virtual"),
    "round robin from another image": fault(image(RR), "round_robin"),
    "not with round robin": fault(endpoint_mode(RR, "vip"), "round_robin"),
    "round robin not on the network": fault(on_no_network(RR), "round_robin"),
    "the name is another address": fault(another_address, "name_is_virtual_ip"),
    "one of the tasks is not told": fault(one_address_less(f"tasks.{VIP}"), "tasks_name"),
    "one of the round is not told": fault(one_address_less(RR), "round_robin_name"),
    "one of the tasks is gone and told still": fault(one_address_more(f"tasks.{VIP}"), "tasks_name"),
    "one of the round is gone and told still": fault(one_address_more(RR), "round_robin_name"),
    "one of the tasks does not answer": fault(one_page_less, "tasks_answer"),
    "no fault: the virtual IP answers": fault(meshed(answers=True)),
    "the virtual IP does not answer": fault(meshed(answers=False), "virtual_ip_answers"),
}
