"""A service as an exercise wants it: the command that makes it, and how another differs from it.

``provision/`` creates by it, ``verify/`` judges by it, and the briefs show the same command.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labgen.core.i18n import Text, _
from labgen.docker.swarm import PublishedPort, Service, Update
from labgen.model.capabilities import Capability

PLAIN = Update()
"""How a service is updated where nothing is said."""


@dataclass(frozen=True)
class Publish:
    """A port to publish.

    :param published: on the nodes; 0 lets the swarm choose one between 30000 and 32767.
    :param target: of the container.
    :param mode: ``ingress`` (every node, through the routing mesh) or ``host`` (nodes with a task).
    """

    published: int
    target: int
    mode: str = "ingress"

    @property
    def flag(self) -> str:
        """As it is typed: ``--publish 8001:80``."""
        if self.mode == "ingress":
            return f"--publish {self.published}:{self.target}" if self.published else f"--publish {self.target}"
        return f"--publish mode={self.mode},published={self.published},target={self.target}"

    def met_by(self, port: PublishedPort) -> bool:
        """Say whether a service's port is the one of the specification."""
        fits = (port.target, port.mode, port.protocol) == (self.target, self.mode, "tcp")
        return fits and self.published in (0, port.published)


@dataclass(frozen=True)
class ServiceSpec:
    """A service as an exercise wants it.

    :param replicas: how many; ``None`` for a global service, which has one on every node.
    :param constraints: where its tasks may run.
    :param network: name of the overlay network it is on.
    :param reserve: memory that each task reserves, as typed: ``512MB``; empty for none.
    :param update: how it is updated.
    :param health: command of its health check, as typed; empty for none of its own.
    :param options: further options, as typed, with which it is made; not looked at afterwards.
    :param command: what its containers run, as typed; empty for the image's own.
    """

    name: str
    image: str
    replicas: int | None = 1
    constraints: tuple[str, ...] = ()
    publish: tuple[Publish, ...] = ()
    network: str = ""
    endpoint_mode: str = "vip"
    reserve: str = ""
    update: Update = PLAIN
    health: str = ""
    options: tuple[str, ...] = ()
    command: str = ""

    @property
    def create(self) -> str:
        """The command that makes it, as the course writes it."""
        words = ["docker service create", f"--name {self.name}", *self._flags(), self.image, self.command]
        return " ".join(word for word in words if word)

    def _flags(self) -> Iterator[str]:
        yield from (f"--constraint {constraint}" for constraint in self.constraints)
        if self.replicas is None:
            yield "--mode global"
        elif self.replicas != 1:
            yield f"--replicas {self.replicas}"
        yield from (publish.flag for publish in self.publish)
        if self.network:
            yield f"--network {self.network}"
        if self.endpoint_mode != "vip":
            yield f"--endpoint-mode {self.endpoint_mode}"
        if self.reserve:
            yield f"--reserve-memory {self.reserve}"
        yield from update_flags(self.update)
        if self.health:
            yield f"--health-cmd {shlex.quote(self.health)}"
        yield from self.options

    @property
    def repository(self) -> str:
        """Its image without the tag, as claims name it where every version is right."""
        return repository(self.image)

    @property
    def program(self) -> str:
        """What its image is there to run: ``redis-server`` of ``redis``; an unknown image runs what it is called by."""
        last = self.repository.rpartition("/")[2]
        return _PROGRAMS.get(last, (last,))[0]

    @property
    def constraint(self) -> str:
        """Its constraint, as typed, where it has one."""
        return self.constraints[0] if self.constraints else ""

    @property
    def asking_needs(self) -> tuple[Capability, ...]:
        """What nodes must be able to do before its published port can be asked for through any of them."""
        return (Capability.ROUTING_MESH,) if any(port.mode == "ingress" for port in self.publish) else ()

    def but(self, **changed: Any) -> ServiceSpec:
        """Give the same service with something changed: what a later step of an exercise makes of it."""
        return replace(self, **changed)


def update_flags(update: Update) -> Iterator[str]:
    """Give the options for what differs from the defaults: ``--update-parallelism 2``."""
    if update.parallelism != PLAIN.parallelism:
        yield f"--update-parallelism {update.parallelism}"
    if update.delay != PLAIN.delay:
        yield f"--update-delay {update.delay:g}s"
    if update.order != PLAIN.order:
        yield f"--update-order {update.order}"
    if update.failure_action != PLAIN.failure_action:
        yield f"--update-failure-action {update.failure_action}"
    if update.monitor != PLAIN.monitor:
        yield f"--update-monitor {update.monitor:g}s"


def repository(image: str) -> str:
    """Give an image's name without registry, tag and digest: ``docker.io/library/nginx:1.27@sha256:…`` is ``nginx``."""
    *path, last = image.partition("@")[0].split("/")
    if path[:1] in (["docker.io"], ["index.docker.io"]):
        path = path[1:]
    # Docker Hub's own images are under library, and only there.
    path = [] if path == ["library"] else path
    return "/".join([*path, last.partition(":")[0]])


_PROGRAMS = {"nginx": ("nginx", "nginx-debug"), "redis": ("redis-server",)}
"""Programs that images of the course are there to run."""

_SHELLS = ("sh", "ash", "bash", "dash")


def runs_its_program(service: Service) -> bool:
    """Say whether a service's containers run what its image is made for: nginx, not a shell that sleeps.

    That may be the image's own command, the same program with options, or a shell that starts it. Of an image that the
    course does not know every command is right.
    """
    # A mirror's nginx is nginx.
    programs = _PROGRAMS.get(repository(service.image).rpartition("/")[2], ())
    words = (*service.entrypoint, *service.args)
    if not programs or not words:
        return True
    if not service.entrypoint and words[0].startswith("-"):
        return True  # options for the image's own command
    first = words[0].rpartition("/")[2]
    if first in _SHELLS:
        spoken = re.findall(r"[\w./-]+", " ".join(words[1:]))
        return any(word.rpartition("/")[2] in programs for word in spoken)
    return first in programs


def command_of(service: Service) -> str:
    """Give what a service's containers run, for people: its command, or that the image's own is run."""
    return shlex.join((*service.entrypoint, *service.args)) or "the image’s own command"


def same_image(first: str, second: str) -> bool:
    """Say whether two references name the same image; no tag means ``latest``."""

    def tag(image: str) -> str:
        return image.partition("@")[0].rpartition("/")[2].partition(":")[2] or "latest"

    return (repository(first), tag(first)) == (repository(second), tag(second))


def differences(spec: ServiceSpec, service: Service) -> list[Text]:
    """Describe how a service differs from an exercise's specification; empty if it does not."""
    return list(_differences(spec, service))


def _differences(spec: ServiceSpec, service: Service) -> Iterator[Text]:
    own = _("the image’s own")
    if not same_image(service.image, spec.image):
        yield _("its image is %(actual)s, not %(expected)s", actual=service.plain_image, expected=spec.image)
    mode = "global" if spec.replicas is None else "replicated"
    if service.mode != mode:
        yield _("it is %(actual)s, not %(expected)s", actual=service.mode, expected=mode)
    elif service.replicas != spec.replicas:
        yield _("it has %(actual)s replicas, not %(expected)s", actual=service.replicas, expected=spec.replicas)
    if sorted(map(_plain, service.constraints)) != sorted(map(_plain, spec.constraints)):
        actual, expected = _listed(service.constraints), _listed(spec.constraints)
        yield _("its constraints are %(actual)s, not %(expected)s", actual=actual, expected=expected)
    met = len(service.ports) == len(spec.publish) and all(
        any(publish.met_by(port) for port in service.ports) for publish in spec.publish
    )
    if not met:
        actual, expected = published_ports(service), _listed_ports(spec.publish)
        yield _("its published ports are %(actual)s, not %(expected)s", actual=actual, expected=expected)
    if service.args != tuple(shlex.split(spec.command)):
        command = shlex.join(service.args) or own
        yield _("its command is %(actual)s, not %(expected)s", actual=command, expected=spec.command or own)
    if service.entrypoint:
        yield _("its entrypoint is %(actual)s, not the image’s own", actual=shlex.join(service.entrypoint))
    if service.endpoint_mode != spec.endpoint_mode:
        actual, expected = service.endpoint_mode, spec.endpoint_mode
        yield _("its endpoint mode is %(actual)s, not %(expected)s", actual=actual, expected=expected)
    if bool(service.networks) != bool(spec.network):
        yield _(
            "its overlay networks: %(actual)s, not %(expected)s",
            actual=len(service.networks),
            expected=spec.network or _("none"),
        )
    if service.reserved[0] != in_bytes(spec.reserve):
        yield _(
            "its tasks reserve %(actual)s bytes of memory, not %(expected)s",
            actual=service.reserved[0],
            expected=spec.reserve or _("any"),
        )
    health = service.health[1:] if service.health[:1] == ("CMD-SHELL",) else service.health
    if (shlex.join(health) if len(health) > 1 else "".join(health)) != spec.health:
        check, expected_check = " ".join(health) or _("none"), spec.health or _("none")
        yield _("its health check is %(actual)s, not %(expected)s", actual=check, expected=expected_check)
    if service.update != spec.update:
        flags = [" ".join(update_flags(update)) or _("the defaults") for update in (service.update, spec.update)]
        yield _("its update settings are %(actual)s, not %(expected)s", actual=flags[0], expected=flags[1])


def in_bytes(memory: str) -> int:
    """Convert memory as docker takes it to bytes: ``1TB``, ``1t`` are 2**40 (docker/go-units ``size.go``)."""
    written = memory.lower().removesuffix("b")
    scale = _SCALES.find(written[-1:]) if written[-1:].isalpha() else 0
    return int(float(written.rstrip(_SCALES) or 0) * pow(1024, scale))


_SCALES = " kmgtp"


def published_ports(service: Service) -> str:
    """List a service's published ports, for people: ``8001:80``."""
    return ", ".join(_port(port.published, port.target, port.mode) for port in service.ports) or "none"


def _listed_ports(publish: tuple[Publish, ...]) -> str:
    return ", ".join(_port(port.published, port.target, port.mode) for port in publish) or "none"


def _port(published: int, target: int, mode: str) -> str:
    return f"{published or 'any'}:{target}" + ("" if mode == "ingress" else f" ({mode})")


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) or "none"


def _plain(constraint: str) -> str:
    return "".join(constraint.split())
