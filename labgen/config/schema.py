"""The keys of ``lab.yml``, as a pydantic model: their shapes, ranges and descriptions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from labgen.config import address_plan as addresses
from labgen.config.hostname import HOST_NAME, MACHINE_ID, RESERVED, host_name
from labgen.config.mirror import registry_url
from labgen.config.proxy import direct_host, in_full, proxy_url
from labgen.config.wrong import Wrong
from labgen.core.i18n import NOTHING, _, sentences
from labgen.core.i18n import Text as Words
from labgen.model import provider_names
from labgen.model.lab import MAX_NODES, CloudImageName, EngineSource, Role, Suite


def nearest(word: str, choices: Sequence[str]) -> Words:
    close = difflib.get_close_matches(word, choices, n=1)
    meant = _("Did you mean %(choice)s?", choice=close[0]) if close else NOTHING
    return sentences(meant, _("Known are: %(choices)s.", choices=", ".join(choices)))


MIN_MEMORY, MAX_MEMORY = 512, 262144
"""Of one machine, in MiB."""
_DOTTED = r"[0-9]{1,3}(\.[0-9]{1,3}){3}"
_LAB_NAME = re.compile(r"\w[\w .-]{0,39}")


def _lab_name(value: str) -> str:
    if not _LAB_NAME.fullmatch(value):
        raise Wrong(
            _("cannot name a lab."),
            _(
                "Use letters (Korean too), digits, spaces, '.', '_' and '-', beginning with a letter or digit, at "
                "most 40."
            ),
        )
    return value


def _provider_names() -> list[str]:
    return ["auto", *provider_names.packages()]


def _provider(value: str) -> str:
    if value != "auto" and provider_names.package_of(value) is None:
        raise Wrong(_("is not a provider."), nearest(value, _provider_names()))
    return value


def _no_control(value: str) -> str:
    if not value or not value.isprintable():
        raise Wrong(_("is empty or holds a character that cannot be printed."), _("Remove it."))
    return value


def _checksum(value: str) -> str:
    digits = re.sub(r"^sha(256|512):", "", value.lower())
    if not re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{128}", digits):
        raise Wrong(
            _("is not a SHA-256 checksum."),
            _("Write its 64 hexadecimal digits in quotes, as `labgen box build` and `sha256sum FILE` print them."),
        )
    return digits


def _strict_network(value: Any) -> Any:
    # ipaddress would take the integer 10 for 0.0.0.10/32.
    if not isinstance(value, str):
        raise Wrong(_("is not a subnet."), _("Write it as in 10.0.2.0/24."))
    try:
        return IPv4Network(value)
    except ValueError as why:
        raise Wrong(_("is not a subnet (%(why)s).", why=why), _subnet_near(value)) from None


def _subnet_near(text: str) -> Words:
    try:
        return _("Write %(subnet)s.", subnet=IPv4Network(text, strict=False))
    except ValueError:
        return _("Write it as in 10.0.2.0/24.")


def _strict_address(value: Any) -> Any:
    try:
        if isinstance(value, str):
            return IPv4Address(value)
    except ValueError:
        pass
    raise Wrong(_("is not an IPv4 address."), _("Write it as in 10.0.2.101."))


Network = Annotated[
    IPv4Network,
    BeforeValidator(_strict_network),
    Field(json_schema_extra={"examples": ["10.0.2.0/24"], "pattern": rf"^{_DOTTED}/[0-9]{{1,2}}$"}),
]
Address = Annotated[
    IPv4Address,
    BeforeValidator(_strict_address),
    Field(json_schema_extra={"examples": ["10.0.2.101"], "pattern": f"^{_DOTTED}$"}),
]
HostName = Annotated[
    str,
    AfterValidator(host_name),
    Field(json_schema_extra={"pattern": f"^(?!(?:{MACHINE_ID.pattern}|{RESERVED.pattern})$){HOST_NAME.pattern}$"}),
]
Text = Annotated[str, AfterValidator(_no_control)]
Checksum = Annotated[
    str,
    AfterValidator(_checksum),
    Field(json_schema_extra={"pattern": "^([sS][hH][aA](256|512):)?([0-9a-fA-F]{64}|[0-9a-fA-F]{128})$"}),
]
PortNumber = Annotated[int, Field(ge=1, le=65535)]
Memory = Annotated[int, Field(ge=MIN_MEMORY, le=MAX_MEMORY, description=str(_("Memory of a machine, in MiB.")))]
Cpus = Annotated[int, Field(ge=1, le=64, description=str(_("Virtual CPUs of a machine.")))]


class _Strict(BaseModel):
    # Deferred: an entry is only ever validated as part of LabFile, whose own build takes it in.
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)


class NodeEntry(_Strict):
    """One machine, named by hand."""

    name: HostName = Field(description=str(_("Host name of the machine.")))
    role: Role = Field(description=str(_("Role in the swarm: manager or worker.")))
    address: Address | None = Field(
        None, description=str(_("Address on the lab network (default: labgen chooses one)."))
    )
    memory: Memory | None = None
    cpus: Cpus | None = None


class BoxEntry(_Strict):
    """The Vagrant box every machine starts from."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": ["name"]}, {"required": ["image"]}, {"required": ["url"]}]}
    )

    name: Text | None = Field(
        None,
        description=str(_("Name of the box, as `vagrant box list` shows it. Required without image and url.")),
    )
    image: CloudImageName | None = Field(
        None, description=str(_("Cloud image of a distribution. labgen makes the box from it, on any computer."))
    )
    version: Text | None = Field(None, description=str(_("Version of the box (default: the newest).")))
    url: Text | None = Field(
        None,
        description=str(
            _(
                "Where to download the box: a URL, or the path of a .box file. With image: the file of the image, or "
                "the folder with that file, which ends in /."
            )
        ),
    )
    checksum: Checksum | None = Field(
        None,
        description=str(
            _("SHA-256 of the .box file; Vagrant refuses another file. With image: SHA-256 or SHA-512 of the image.")
        ),
    )


class EngineEntry(_Strict):
    """Where a node's Docker engine comes from when the box has none."""

    source: EngineSource = Field(
        "distribution",
        description=str(
            _("distribution: the package docker.io; docker: Docker's own packages; none: the box has an engine.")
        ),
    )
    version: Text | None = Field(None, description=str(_("Version, as the package manager knows it.")))
    suite: Suite = Field(
        "bookworm",
        description=str(
            _(
                "With Docker as provider: the Debian release of the nodes and their engine. "
                "bookworm: engine 20.10; trixie: 26.1; sid: the newest."
            )
        ),
    )


class RegistryEntry(_Strict):
    """Where images come from."""

    mirror: Annotated[str, AfterValidator(registry_url)] | None = Field(
        None, description=str(_("A registry that mirrors Docker Hub, for a classroom with one slow line."))
    )


ProxyUrl = Annotated[str, AfterValidator(proxy_url)]


class ProxyEntry(_Strict):
    """The proxy by which nodes reach package servers and registries; a URL alone is for http and https addresses."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["http"]}, {"required": ["https"]}]})

    http: ProxyUrl | None = Field(None, description=str(_("URL of the proxy for http addresses.")))
    https: ProxyUrl | None = Field(None, description=str(_("URL of the proxy for https addresses.")))
    no_proxy: list[Annotated[str, AfterValidator(direct_host)]] | None = Field(
        None,
        description=str(
            _(
                "Hosts, domains (.example) and subnets that are reached without the proxy. The lab's nodes and "
                "network, localhost and registry.mirror are always reached without it."
            )
        ),
    )


def _or_url(schema: dict[str, Any]) -> None:
    """Add the short form to the JSON Schema."""
    schema["anyOf"].insert(0, {"type": "string"})


class AddressesEntry(_Strict):
    """Subnets other than the lab network. Each left out is chosen so that none overlap."""

    adapter1: Network | None = Field(
        None, description=str(_("VirtualBox's NAT of adapter 1, libvirt's management network."))
    )
    overlay_pool: Network | None = Field(None, description=str(_("Pool of the swarm's overlay networks.")))
    overlay_mask: int = Field(
        addresses.OVERLAY_MASK, ge=8, le=29, description=str(_("Length of the mask of each overlay network."))
    )
    docker0: Network | None = Field(None, description=str(_("The engine's default bridge.")))
    docker_gwbridge: Network | None = Field(None, description=str(_("The bridge from overlay networks to the node.")))


class PortEntry(_Strict):
    """A port of a node, to be reached at 127.0.0.1 of this computer (VirtualBox)."""

    guest: PortNumber = Field(description=str(_("Port on the node.")))
    host: PortNumber | None = Field(None, description=str(_("Port on this computer (default: the same).")))
    node: HostName | None = Field(None, description=str(_("Name of the node (default: the first manager).")))


class LabFile(_Strict):
    """A Docker Swarm lab. Every key may be left out; without any the lab is the course's."""

    name: Annotated[str, AfterValidator(_lab_name)] = Field(
        "labgen", description=str(_("Name of the lab, and of its network in VirtualBox and libvirt."))
    )
    provider: Annotated[str, AfterValidator(_provider)] = Field(
        "auto",
        description=str(_("What runs the machines; auto chooses the best that works on this computer.")),
        json_schema_extra=lambda schema: schema.update(enum=[*_provider_names()]),
    )
    managers: int | None = Field(None, ge=0, le=MAX_NODES, description=str(_("Number of managers (default: 1).")))
    workers: int | None = Field(None, ge=0, le=MAX_NODES, description=str(_("Number of workers (default: 2).")))
    nodes: list[NodeEntry] | None = Field(
        None, description=str(_("The machines by name, instead of managers and workers."))
    )
    network: Network = Field(IPv4Network("10.0.2.0/24"), description=str(_("The lab network.")), validate_default=False)
    memory: Memory = 1024
    cpus: Cpus = 1
    box: BoxEntry | None = Field(
        None, description=str(_("The Vagrant box of every machine (default: the provider's usual box)."))
    )
    engine: EngineEntry = Field(EngineEntry(), description=str(_("The nodes' Docker engine, if the box has none.")))
    registry: RegistryEntry = Field(RegistryEntry(), description=str(_("Where the nodes pull images from.")))
    proxy: Annotated[ProxyEntry, BeforeValidator(in_full)] | None = Field(
        None,
        description=str(
            _("The proxy through which nodes reach package servers and registries: its URL, or http, https, no_proxy.")
        ),
        json_schema_extra=_or_url,
    )
    addresses: AddressesEntry = Field(
        AddressesEntry(), description=str(_("Subnets other than the lab network. labgen chooses those you leave out."))
    )
    ports: list[PortEntry] | None = Field(
        None, description=str(_("Ports forwarded to 127.0.0.1 of this computer (default: those of the exercises)."))
    )
