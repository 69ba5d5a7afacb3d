"""Failed updates: paused and mended, gone on with and rolled back by hand, rolled back by the swarm (2-4, 2-8)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.swarm import Update
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.exercises.update.exercise import NEW, OLD

_ = Messages.beside(__file__)

MONITOR = 1.0
"""Seconds after each task in which its end counts as the update's failure. A container that does not start fails at
once, so it may be short."""

BAD = "alpine:3"
"""An image that cannot start: there is no redis-server in it."""

_COMMAND = "redis-server --appendonly yes"

QUEUE = ServiceSpec(name="my-queue", image=OLD, replicas=3, command=_COMMAND, update=Update(monitor=MONITOR))
MENDED = QUEUE.but(image=NEW)

STORE = ServiceSpec(
    name="my-store",
    image=OLD,
    replicas=3,
    command=_COMMAND,
    update=Update(monitor=MONITOR, failure_action="continue"),
    options=(f"--rollback-monitor {MONITOR:g}s",),
)
SAFE = STORE.but(update=Update(monitor=MONITOR, failure_action="rollback"))

BROKEN = tuple(spec.but(image=BAD) for spec in (QUEUE, STORE, SAFE))
"""As an update leaves them that has failed and was not yet mended."""

BREAK_QUEUE = f"docker service update --image {BAD} {QUEUE.name}"
MEND_QUEUE = f"docker service update --image {NEW} {QUEUE.name}"
BREAK_STORE = f"docker service update --detach --image {BAD} {STORE.name}"
ROLLBACK = f"docker service rollback {STORE.name}"
MAKE_SAFE = f"docker service update --detach --update-failure-action rollback {STORE.name}"
BREAK_SAFE = f"docker service update --image {BAD} {STORE.name}"

EXERCISE = Exercise(
    __name__,
    title=_("Failed updates and rollback"),
    section="2-4, 2-8",
    order=110,
    summary=_("an update that fails: pause, continue, rollback; and rolling back by hand"),
    services=(QUEUE, STORE),
    later=(MENDED, SAFE, *BROKEN),
)
