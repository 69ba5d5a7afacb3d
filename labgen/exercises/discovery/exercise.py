"""Service discovery: names on an overlay network, for one virtual address or for each task's own (2-4)."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker.dns import IMAGE
from labgen.exercise.model import Exercise
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability

_ = Messages.beside(__file__)

NETWORK = "course-net"

CREATE_NETWORK = f"docker network create --driver overlay --attachable {NETWORK}"

ASKER = "course-asker"
"""A container on the network that is no task, from which names are asked."""

START = f"docker run --detach --name {ASKER} --network {NETWORK} {IMAGE} sleep 1d"

VIRTUAL = ServiceSpec(name="web-vip", image="nginx", replicas=2, constraints=("node.role==worker",), network=NETWORK)
ROUND_ROBIN = VIRTUAL.but(name="web-dnsrr", endpoint_mode="dnsrr")

EXERCISE = Exercise(
    __name__,
    title=_("Service discovery"),
    section="2-4",
    order=140,
    acts=True,
    summary=_("names of services on an overlay network: virtual IP, `tasks.NAME`, round robin"),
    services=(VIRTUAL, ROUND_ROBIN),
    networks=(NETWORK,),
    workers=1,
    instead={
        Capability.ROUTING_MESH: _("""\
The name web-vip has its virtual address, but nothing answers there: leave out the last command of step 3. All
other names lead to the tasks' own addresses, and answer.
"""),
    },
)
