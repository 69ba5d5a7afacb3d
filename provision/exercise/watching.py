"""What looks on while a step happens, and tells afterwards: requests, and the turns of a service's tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Text, _, recorded
from labgen.docker.availability import Probe, Probed, beside
from labgen.docker.swarm import Service
from labgen.docker.timeline import Turn, most_missing, places, turns
from labgen.model.capabilities import Capability
from labgen.model.lab import Node
from provision.exercise.run import Run


@contextmanager
def requests(
    run: Run,
    port: int,
    *,
    judge: Callable[[Run, Probed], None] | None = None,
    by: Node | None = None,
    to: Sequence[Node] = (),
) -> Iterator[None]:
    """Make requests to a published port through every node while a step happens; print how many were lost.

    The requests have begun before the step does, and end after what it waits for has been seen. Where nodes lack
    the routing mesh there are none, and that is told.

    :param judge: called with what came of it; tells or raises.
    :param by: who asks, where that is not the first manager.
    :param to: who is asked, where that is not every node: nodes that publish the port themselves (mode host).
    :raises LabgenError: the node that asks has failed meanwhile.
    """
    if not to and (why := run.inventory.lacks.get(Capability.ROUTING_MESH)):
        run.tell(_("no requests are made meanwhile: %(why)s", why=recorded(why)))
        yield
        return
    targets, asker = to or run.lab.nodes, by or run.lab.first_manager
    addresses = [str(node.address) for node in targets]
    probe = Probe(addresses, port, within=max(2.0, run.inventory.patience.seconds(1)))
    asking, also = run.another_shell(asker), run.another_shell(asker)
    # Both go through one connection, which two threads must not open at the same time.
    also.open()

    def ask(script: str) -> str:
        return asking.run(script, within=900, what="the requests")

    with beside(probe, ask, also.run, run.wait) as traffic:
        yield
    through = ", ".join(node.name for node in to) if to else _("every node")
    run.tell(_("meanwhile, through %(nodes)s in turn: %(requests)s", nodes=through, requests=traffic.probed.words))
    if judge:
        judge(run, traffic.probed)


def only_a_moment(why: str | Text, longest: float) -> Callable[[Run, Probed], None]:
    """Make a judge of requests that explains short losses, which Swarm itself causes, and refuses long ones.

    :param why: what is lost whatever one does, as sentences.
    :param longest: seconds for which some may be lost at a time, on an ordinary machine.
    """

    def judge(run: Run, probed: Probed) -> None:
        if not probed.lost:
            return
        run.tell(_("Some were lost, for %(seconds).1f s at most. %(why)s", seconds=probed.spell, why=why))
        if not probed.momentary(run.inventory.patience.seconds(longest)):
            raise ExerciseError(
                _(
                    "requests were lost for %(lost).1f s of %(seconds).1f s, longer than Swarm itself causes.",
                    lost=probed.spell,
                    seconds=probed.seconds,
                ),
                _("Check the nodes with: docker node ls. Ports 7946/tcp and 7946/udp must be open between them."),
            )

    return judge


def tell_turns(run: Run, service: Service, happened: list[Turn] | None = None) -> None:
    """Print, replica by replica, when the old task stopped and the new one ran."""
    happened = turns(service) if happened is None else happened
    moments = [moment for turn in happened for moment in (turn.stopped, turn.started) if moment]
    if not moments:
        return
    start = min(moments)
    for turn in happened:
        stopped, started = (
            _("%(seconds)5.1f s", seconds=(moment - start).total_seconds()) if moment else _("not yet")
            for moment in (turn.stopped, turn.started)
        )
        old, new = (side.image.partition("@")[0] for side in (turn.old, turn.new))
        change = f"{old} -> {new}" if old != new else new
        task = f"{service.name}.{turn.place}"
        run.tell(
            _(
                "%(task)s: %(change)s: old stopped at %(stopped)s, new runs at %(started)s",
                task=task,
                change=change,
                stopped=stopped,
                started=started,
            )
        )
    run.tell(
        _(
            "at most %(count)s of %(replicas)s replicas missing at any one time",
            count=most_missing(happened, service),
            replicas=len(places(service)),
        )
    )
