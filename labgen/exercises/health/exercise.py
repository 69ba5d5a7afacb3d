"""Health checks that gate an update: a version that runs but does not answer never replaces one that does."""

from __future__ import annotations

import re
from collections.abc import Sequence

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.exercises.update.exercise import NEW, OLD
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

MONITOR = 1.0
"""Seconds for which each task is watched once it is healthy; its end counts as the update's failure until then."""

INTERVAL = 3.0
"""Seconds between two checks of a container. Each is a process more on its node: where machines are slow, six
containers that are asked every second leave little for anything else."""

RETRIES = 3
"""Checks that fail one after the other until a container is given up. On an emulated node beside a busy program a
server may take the time of two until it answers."""

_UPDATE = Update(order="start-first", failure_action="rollback", monitor=MONITOR)
# A way back is an update too, with an order of its own.
_OPTIONS = (
    "--rollback-order start-first",
    f"--rollback-monitor {MONITOR:g}s",
    f"--health-interval {INTERVAL:g}s",
    f"--health-retries {RETRIES}",
)

SERVICE = ServiceSpec(
    name="my-session", image=OLD, replicas=3, update=_UPDATE, health="redis-cli ping", options=_OPTIONS
)
UPDATED = SERVICE.but(image=NEW)

ASKING = frozenset({"redis-cli", "curl", "wget", "nc", "telnet", "python", "python3", "perl", "bash"})
"""Programs of which a health check that asks its server uses one; `true` and `false` ask nobody."""


def asks(test: Sequence[str]) -> bool:
    """Tell whether a health check, as the engine keeps it (``CMD-SHELL``, ``curl …``), asks a server anything."""
    words = re.findall(r"[\w./-]+", " ".join(test[1:]))
    return any(word.rpartition("/")[2] in ASKING for word in words)


WRONG_PORT = f'docker service update --image {NEW} --args "redis-server --port 6380" {SERVICE.name}'
"""The new version, set up wrong: it runs, and nobody finds it where it is asked for."""

BROKEN = UPDATED.but(command="redis-server --port 6380")
"""As that update leaves the service where it is neither finished nor taken back."""

RIGHT = f"docker service update --image {NEW} {SERVICE.name}"

WEB = ServiceSpec(
    name="web-checked",
    image="nginx",
    replicas=3,
    publish=(Publish(8005, 80),),
    update=_UPDATE,
    # The official image has curl, others of nginx have wget.
    health="curl -fso /dev/null 127.0.0.1 || wget -qO /dev/null 127.0.0.1",
    options=_OPTIONS,
)
FORCE = f"docker service update --force {WEB.name}"

WITHIN = 90.0
"""Seconds in which all its tasks are replaced, on an ordinary machine, one after the other, each watched until it has
answered."""

PER_THOUSAND = 1
"""Requests of a thousand that may be lost while tasks are replaced."""

EXERCISE = Exercise(
    __name__,
    title=_("Health checks that gate an update"),
    section="beyond the document",
    order=170,
    acts=True,
    summary=_("health checks that an update has to pass"),
    services=(SERVICE, WEB),
    later=(UPDATED, BROKEN),
    instead={
        Capability.ROUTING_MESH: _("""\
In step 5 leave out the requests: port 8005 opens on no node. That no replica is ever missing can be seen from the
tasks alone.
"""),
    },
)
