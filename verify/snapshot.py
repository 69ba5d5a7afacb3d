"""What a report tells of the lab beside the verdicts, built of what the checks have asked for."""

from __future__ import annotations

from labgen.docker.api import UNREADABLE
from labgen.report import Bundle, Seen, SeenExchange, SeenProbe, SeenRequests
from verify import bundle
from verify.evidence import Evidence
from verify.exam import Exam


def snapshot(exam: Exam) -> Seen:
    """Build what was seen; the nodes are asked nothing for it."""
    requests = [
        SeenRequests.of(node, address, port, answers)
        for node, port, by_address in exam.pages.asked_for()
        for address, answers in by_address.items()
    ]
    requests.sort(key=lambda request: (request.port, request.to, request.by))
    try:
        return Seen.of(
            exam.looked_at,
            exam.asked_swarm(),
            requests,
            [SeenProbe.of(*probe) for probe in exam.probes],
            exam.waited,
            [SeenExchange.of(*exchange) for exchange in exam.exchanges],
        )
    except UNREADABLE:  # of a history that no swarm has: the verdicts count, and stand
        return Seen(exam.looked_at)


def bundle_of(evidence: Evidence) -> Bundle:
    """Build what a report says of the evidence that it goes with."""
    return Bundle(bundle.digest(evidence), evidence.nonce, len(evidence.observations))
