"""Stack: a whole application in one file, for one host with compose and for the swarm (part 2, section 2)."""

from __future__ import annotations

from pathlib import Path

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

STACK = "shop"
FILE = "shop.yml"
"""Name of the file on the manager, in the home of whoever logs in there."""

OLD = "redis:6.0-alpine"
NEW = "redis:6.2.5-alpine"

TEXT = Path(__file__).with_name(FILE).read_text(encoding="utf-8")
"""What the file says at first."""

CHANGED = TEXT.replace(OLD, NEW)
"""What it says once the cache's image is changed."""

PROJECT = "onehost"
"""Name under which compose runs the same file: another than the stack's, so that the two are told apart."""

NETWORK = f"{STACK}_default"

WEB = ServiceSpec(name=f"{STACK}_web", image="nginx", replicas=2, publish=(Publish(8090, 80),), network=NETWORK)
COUNTER = ServiceSpec(
    name=f"{STACK}_counter",
    image="alpine:3",
    network=NETWORK,
    command='/bin/ash -c "while true; do (echo INCR visits; echo QUIT) | nc cache 6379; sleep 1; done"',
)
CACHE = ServiceSpec(name=f"{STACK}_cache", image=OLD, network=NETWORK, endpoint_mode="dnsrr")
UPDATED = CACHE.but(image=NEW)

SERVICES = (WEB, COUNTER, CACHE)

DEPLOY = f"docker stack deploy --compose-file {FILE} {STACK}"
REMOVE = f"docker stack rm {STACK}"
CHANGE = f"sed -i s/{OLD}/{NEW}/ {FILE}"

VISITS = "redis-cli GET visits"
"""Asks the cache how often the counter has reached it."""

EXERCISE = Exercise(
    __name__,
    title=_("Stack"),
    section="2-2",
    order=150,
    summary=_("several services from one file: on the swarm, and with Compose on one host"),
    services=SERVICES,
    later=(UPDATED,),
    stacks=(STACK,),
    instead={
        Capability.ROUTING_MESH: _("""\
The stack is deployed and its tasks run, but port 8090 opens on no node: leave out the curl of step 7. With
compose (step 2) the port does answer, on the one host. That services of the stack find each other is seen
in step 5, which needs no published port.
"""),
    },
)
