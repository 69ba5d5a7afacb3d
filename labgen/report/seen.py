"""What a run has seen of the lab, as a report tells it beside the verdicts: nodes, services with their tasks, requests.

Everything here is short and clean: it may have been written by a learner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from labgen.docker.availability import Probed
from labgen.docker.http_check import Requests
from labgen.docker.swarm import Service, Swarm, SwarmNode, Task
from labgen.docker.timeline import Vacancy, began, places, undated
from labgen.report.cleaning import line

TASKS = 200
"""Tasks that a report tells of one service; of more, the newest."""

SERVICES = 60
NODES = 100
ANSWERS = 12
"""Different answers that are told of one address."""

STRETCHES = 300
"""Stretches that are told of one probe; of more, the first."""


@dataclass(frozen=True)
class SeenNode:
    """A node as the managers know it.

    :param state: ``ready``, ``down``, ``unknown`` or ``disconnected``.
    :param availability: ``active``, ``pause`` or ``drain``.
    :param engine: version of its engine.
    """

    id: str
    name: str
    role: str
    state: str
    availability: str
    leader: bool
    address: str
    engine: str

    @classmethod
    def of(cls, node: SwarmNode) -> SeenNode:
        """Build from a node as a manager lists it."""
        return cls(
            id=line(node.id),
            name=line(node.name),
            role=line(node.role),
            state=line(node.state),
            availability=line(node.availability),
            leader=node.leader,
            address=line(node.address),
            engine=line(node.engine_version),
        )


@dataclass(frozen=True)
class SeenTask:
    """A task, of now or of the past.

    :param slot: which replica it is, from 1; 0 in a global service.
    :param node: id of its node.
    :param image: with its digest where that was resolved.
    :param error: why it is not running, empty where nothing is wrong.
    :param created: when it was made, ISO 8601; empty where it is not known.
    :param since: when it came into its state.
    :param began: when it began to run; empty where that is not known, ``None`` where it never did.
    :param ended: when its container ended; empty where that is not known.
    """

    id: str
    slot: int
    node: str
    state: str
    desired: str
    image: str
    error: str
    created: str
    since: str
    began: str | None = ""
    ended: str = ""

    @property
    def running(self) -> bool:
        """Running, and meant to."""
        return self.state == "running" and self.desired == "running"

    @classmethod
    def of(cls, task: Task) -> SeenTask:
        """Build from a task as a manager lists it."""
        return cls(
            id=line(task.id),
            slot=task.slot,
            node=line(task.node_id),
            state=line(task.state),
            desired=line(task.desired),
            image=line(task.image),
            error=line(task.error),
            created=task.created.isoformat() if task.created else "",
            since=task.since.isoformat() if task.since else "",
            began=start.isoformat() if (start := began(task)) else "" if undated(task) else None,
            ended=task.ended.isoformat() if task.ended else "",
        )


@dataclass(frozen=True)
class SeenService:
    """A service and its tasks.

    :param replicas: how many are wanted, ``None`` unless it is replicated.
    :param running: how many of its tasks run.
    :param ports: published ones: ``8001:80/tcp (ingress)``.
    :param left_out: tasks that are not told, because there are too many.
    """

    id: str
    name: str
    mode: str
    replicas: int | None
    image: str
    ports: tuple[str, ...]
    update_state: str
    running: int
    tasks: tuple[SeenTask, ...]
    left_out: int = 0

    @classmethod
    def of(cls, service: Service) -> SeenService:
        """Build from a service as a manager lists it."""
        # Those that run before those of the past, of each the newest: what is cut off is what matters least.
        newest = sorted(service.tasks, key=lambda task: (task.running, str(task.created)), reverse=True)[:TASKS]
        ordered = [task for tasks in places(_with(service, newest)).values() for task in tasks]
        return cls(
            id=line(service.id),
            name=line(service.name),
            mode=line(service.mode),
            replicas=service.replicas,
            image=line(service.image),
            ports=tuple(
                f"{port.published}:{port.target}/{line(port.protocol)} ({line(port.mode)})" for port in service.ports
            )[:20],
            update_state=line(service.update_state),
            running=len(service.running),
            tasks=tuple(map(SeenTask.of, ordered)),
            left_out=len(service.tasks) - len(newest),
        )


@dataclass(frozen=True)
class SeenAnswer:
    """How often the same answer came.

    :param status: HTTP status; 0 where there was none, and ``body`` says why.
    """

    status: int
    body: str
    times: int


@dataclass(frozen=True)
class SeenRequests:
    """Requests that one node made to one address.

    :param by: name of the node that asked; ``to`` the address, as it was asked for.
    """

    by: str
    to: str
    port: int
    answers: tuple[SeenAnswer, ...]

    @classmethod
    def of(cls, by: str, to: str, port: int, outcome: Requests) -> SeenRequests:
        """Build from the answers to requests."""
        counted = Counter((response.status, line(response.body, 120)) for response in outcome.responses)
        answers = tuple(SeenAnswer(status, body, times) for (status, body), times in counted.most_common(ANSWERS))
        return cls(line(by), line(to), port, tuple(sorted(answers, key=lambda answer: (answer.status, answer.body))))


@dataclass(frozen=True)
class SeenStretch:
    """Requests of a probe through one address, one after the other, that came out the same.

    :param status: HTTP status of each; 0 where there was no answer.
    :param start: seconds from the probe's first request to the first of these; ``end``: to the end of the last.
    """

    to: str
    status: int
    count: int
    start: float
    end: float


@dataclass(frozen=True)
class SeenProbe:
    """Requests made without a pause, through every node in turn, while a check acted.

    :param exercise: whose check it was.
    :param by: name of the node that asked.
    :param lost: how many were not answered.
    :param longest: the longest time in seconds in which no request through one address was answered.
    :param spell: the longest time in seconds in which requests were lost, through whichever address, from when the
        first was made to when the last was, without a pause of more than 3 s between one and the next.
    :param seconds: for which requests were made.
    :param left_out: stretches that are not told, because there are too many.
    """

    exercise: str
    by: str
    port: int
    requests: int
    lost: int
    longest: float
    spell: float
    seconds: float
    stretches: tuple[SeenStretch, ...]
    left_out: int = 0

    @classmethod
    def of(cls, exercise: str, by: str, port: int, outcome: Probed) -> SeenProbe:
        """Build from a finished probe of at least one request."""
        first = min(stretch.start for stretch in outcome.stretches)
        return cls(
            exercise=exercise,
            by=line(by),
            port=port,
            requests=outcome.requests,
            lost=outcome.lost,
            longest=round(outcome.silence, 3),
            spell=round(outcome.spell, 3),
            seconds=round(outcome.seconds, 3),
            stretches=tuple(
                SeenStretch(
                    line(stretch.address),
                    stretch.status,
                    stretch.count,
                    round(stretch.start - first, 3),
                    round(stretch.end - first, 3),
                )
                for stretch in outcome.stretches[:STRETCHES]
            ),
            left_out=max(0, len(outcome.stretches) - STRETCHES),
        )


@dataclass(frozen=True)
class SeenExchange:
    """A replica that Swarm itself left without a task when it took a failed update back.

    :param seconds: for how long.
    """

    exercise: str
    service: str
    place: str
    seconds: float

    @classmethod
    def of(cls, exercise: str, service: str, vacancy: Vacancy) -> SeenExchange:
        """Build from the time for which a service's place was empty."""
        seconds = (vacancy.end - vacancy.start).total_seconds() if vacancy.end else 0.0
        return cls(exercise, line(service), line(vacancy.place), round(seconds, 3))


@dataclass(frozen=True)
class Seen:
    """Everything.

    :param at: when, ISO 8601 in UTC; empty where nothing was seen of a swarm.
    :param waited: seconds of the run in which a check waited for what the swarm does in its own time.
    """

    at: str = ""
    nodes: tuple[SeenNode, ...] = ()
    services: tuple[SeenService, ...] = ()
    requests: tuple[SeenRequests, ...] = ()
    probes: tuple[SeenProbe, ...] = ()
    waited: float = 0.0
    exchanges: tuple[SeenExchange, ...] = ()

    @classmethod
    def of(
        cls,
        at: str,
        swarm: Swarm | None,
        requests: Iterable[SeenRequests],
        probes: Iterable[SeenProbe] = (),
        waited: float = 0.0,
        exchanges: Iterable[SeenExchange] = (),
    ) -> Seen:
        """Build from what a run has looked at.

        :param swarm: ``None`` where it was not looked at, or could not be.
        """
        requests_made, probed = tuple(requests), tuple(probes)
        if swarm is None:
            return cls(requests=requests_made, probes=probed, waited=round(waited, 3), exchanges=tuple(exchanges))
        return cls(
            at=at,
            nodes=tuple(SeenNode.of(node) for node in swarm.nodes[:NODES]),
            services=tuple(SeenService.of(service) for service in list(swarm.services.values())[:SERVICES]),
            requests=requests_made,
            probes=probed,
            waited=round(waited, 3),
            exchanges=tuple(exchanges),
        )

    def node_name(self, node_id: str) -> str:
        """Give the name of the node of that id; the id where it is not known."""
        return next((node.name for node in self.nodes if node.id == node_id and node.name), node_id)


def _with(service: Service, tasks: Iterable[Task]) -> Service:
    return replace(service, tasks=tuple(tasks))
