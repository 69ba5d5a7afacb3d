"""Requests made while a check acts: a service scaled, a container killed, a version replaced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from labgen.docker import availability
from labgen.docker.availability import Beside, Probe, Probed
from labgen.model.capabilities import Capability, Lacks
from verify.exam import Exam


def lost_for_a_moment(exam: Exam, probed: Probed, longest: float) -> None:
    """See that requests were lost for no more than a moment at a time.

    :param longest: seconds that it may last, on an ordinary machine.
    :raises AssertionError: none was made, or it was longer.
    """
    assert probed.requests, "no request was made"
    assert probed.momentary(exam.seconds(longest)), (
        f"{probed}; some were lost for {probed.spell:.1f} s of {probed.seconds:.1f} s"
    )


@contextmanager
def requests(exam: Exam, lacks: Lacks, exercise: str, port: int) -> Iterator[Beside]:
    """Ask for a published port through every node, without a pause, while a check of an exercise does something.

    What came of it is there at the end, and in the report. Where nodes lack the routing mesh none are made.

    :raises NodeError: the manager, which asks, has failed.
    :raises AssertionError: it did not come to a first request.
    """
    if Capability.ROUTING_MESH in lacks:
        yield Beside()
        return
    asking = exam.manager
    addresses = [str(node.address) for node in exam.lab.nodes]
    probe = Probe(addresses, port, within=max(2.0, exam.seconds(1)))
    ask, also = partial(exam.beside, asking, within=900), partial(exam.on, asking)
    with availability.beside(probe, ask, also, partial(exam.wait, within=30.0)) as beside:
        yield beside
    exam.probed(exercise, port, beside.probed)
