"""What looks on while a step happens, and tells afterwards: requests, and the turns of a service's tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from labgen.core.errors import ExerciseError
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
        run.say(f"  no requests are made meanwhile: {why}")
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
    through = ", ".join(node.name for node in to) if to else "every node"
    run.say(f"  meanwhile, through {through} in turn: {traffic.probed}")
    if judge:
        judge(run, traffic.probed)


def only_a_moment(why: str, longest: float) -> Callable[[Run, Probed], None]:
    """Make a judge of requests that explains short losses, which Swarm itself causes, and refuses long ones.

    :param why: what is lost whatever one does, as sentences.
    :param longest: seconds for which some may be lost at a time, on an ordinary machine.
    """

    def judge(run: Run, probed: Probed) -> None:
        if not probed.lost:
            return
        run.say(f"  Some were lost for {probed.spell:.1f} s at most. {why}")
        if not probed.momentary(run.inventory.patience.seconds(longest)):
            raise ExerciseError(
                f"requests were lost for {probed.spell:.1f} s of {probed.seconds:.1f} s, longer than Swarm loses any "
                "by itself.",
                "Do the nodes hear of each other? See docker node ls; ports 7946/tcp and 7946/udp must be open.",
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
            f"{(moment - start).total_seconds():5.1f} s" if moment else "not yet"
            for moment in (turn.stopped, turn.started)
        )
        old, new = (task.image.partition("@")[0] for task in (turn.old, turn.new))
        change = f"{old} -> {new}" if old != new else new
        run.say(f"  {service.name}.{turn.place}: {change}: old stopped at {stopped}, new runs at {started}")
    run.say(f"  at most {most_missing(happened, service)} of {len(places(service))} missing at any one time")
