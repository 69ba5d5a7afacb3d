"""A report with something of everything: every verdict, a stranger, an update, a recovery, requests spread badly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from labgen.exercise.verdict import Verdict
from labgen.report import (
    Bundle,
    LabNode,
    Outcome,
    Report,
    Seen,
    SeenAnswer,
    SeenExchange,
    SeenNode,
    SeenProbe,
    SeenRequests,
    SeenService,
    SeenStretch,
    SeenTask,
)

NASTY = "<img src=x onerror=alert(1)> \"q\" 'a' {{7*7}} [red]한글 &amp;"
"""What a learner might have named something."""

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
OLD, NEW = "redis:6.0-alpine", "redis:6.2.5-alpine"


def at(seconds: float) -> str:
    """Some seconds after noon."""
    return (NOON + timedelta(seconds=seconds)).isoformat()


def task(
    slot: int, node: str, state: str, image: str, created: float, since: float, error: str = "", began: str = ""
) -> SeenTask:
    """A task of the past, or of now."""
    desired = "running" if state == "running" else "shutdown"
    return SeenTask(
        f"task{slot}{created:.0f}", slot, f"id-{node}", state, desired, image, error, at(created), at(since), began
    )


def outcome(check: str, verdict: Verdict, points: int, claim: str, message: str = "", hint: str = "") -> Outcome:
    """How one check came out."""
    name, _, part = check.partition("[")
    exercise, _, short = name.partition(".")
    node = part.removesuffix("]") or None
    got = points if verdict is Verdict.PASS else 0
    return Outcome(check, exercise, short, node, claim, points, got, verdict, message, hint, 0.25)


UPDATED = SeenService(
    "s2",
    "my-database",
    "replicated",
    3,
    NEW,
    (),
    "completed",
    3,
    (
        task(1, "worker1", "shutdown", OLD, -600, 2),
        task(1, "worker1", "running", NEW, 1, 4.5),
        task(2, "worker2", "shutdown", OLD, -600, 7),
        task(2, "worker2", "running", NEW, 6, 8.2),
        task(3, "manager", "shutdown", OLD, -600, 12),
        task(3, "manager", "failed", NEW, 11, 300, "task: non-zero exit (137)", at(12)),
        task(3, "worker1", "running", NEW, 301, 306.4),
    ),
)
WEB = SeenService(
    "s1",
    "web-alb",
    "replicated",
    2,
    "nginx:latest",
    ("8001:80/tcp (ingress)",),
    "",
    1,
    (task(1, "worker1", "running", "nginx:latest", -900, -897),),
)

REPORT = Report(
    lab="course",
    provider="libvirt",
    nodes=(
        LabNode("manager", "manager", "10.0.2.101"),
        LabNode("worker1", "worker", "10.0.2.102"),
        LabNode("worker2", "worker", "10.0.2.103"),
        LabNode("worker3", "worker", "10.0.2.104"),
    ),
    started=at(0),
    seconds=12.5,
    complete=True,
    checks=(
        outcome("cluster.engine_running[manager]", Verdict.PASS, 0, "The node's Docker engine runs, and answers."),
        outcome("cluster.engine_running[worker1]", Verdict.PASS, 0, "The node's Docker engine runs, and answers."),
        outcome(
            "cluster.swarm_active[worker3]",
            Verdict.FAIL,
            0,
            "The node is part of a swarm.",
            "its engine says inactive",
            "On manager: docker swarm join-token worker; then run on worker3 what it prints. Or: fab bootstrap",
        ),
        outcome(
            "cluster.gossip_port[worker3-tcp]",
            Verdict.BLOCKED,
            0,
            "Port 7946 is open, where the nodes tell one another how they are.",
            "cluster.swarm_active[worker3] has to pass first",
        ),
        outcome(
            "web.running",
            Verdict.FAIL,
            2,
            "As many tasks of the service run as the exercise asks for.",
            f"1 of 2 run; tasks: running, rejected ({NASTY})\nno suitable node",
            "On manager: docker service ps --no-trunc web-alb; docker service scale web-alb=2",
        ),
        outcome(
            "web.pages[worker2]",
            Verdict.INCONCLUSIVE,
            2,
            "The manager, asking at the node's address, gets every worker's own page.",
            "worker2 cannot be reached: Connection timed out.",
            "See whether the machines run: labgen status",
        ),
        outcome("web.mesh", Verdict.NOT_APPLICABLE, 4, "The published port is open.", "the kernel has no IPVS"),
    ),
    titles={"cluster": "The swarm itself", "web": "Load balancing"},
    network="10.0.2.0/24",
    not_begun=("stack",),
    seen=Seen(
        at=at(310),
        nodes=(
            SeenNode("id-manager", "manager", "manager", "ready", "active", True, "10.0.2.101", "27.3.1"),
            SeenNode("id-worker1", "worker1", "worker", "ready", "active", False, "10.0.2.102", "27.3.1"),
            SeenNode("id-worker2", "worker2", "worker", "ready", "drain", False, "10.0.2.103", "27.3.1"),
            SeenNode("id-x", "laptop", "worker", "down", "active", False, "192.168.1.7", "24.0.2"),
        ),
        services=(WEB, UPDATED),
        requests=(
            SeenRequests(
                "manager",
                "10.0.2.101",
                8001,
                (SeenAnswer(200, "<h1>Hi Docker Swarm 1</h1>", 7), SeenAnswer(200, "<h1>Hi Docker Swarm 2</h1>", 5)),
            ),
            SeenRequests("manager", "10.0.2.102", 8001, (SeenAnswer(200, "<h1>Hi Docker Swarm 1</h1>", 12),)),
            SeenRequests(
                "worker2",
                "10.0.2.103",
                8001,
                (
                    SeenAnswer(200, "<h1>Hi Docker Swarm 2</h1>", 6),
                    SeenAnswer(200, NASTY, 3),
                    SeenAnswer(0, "curl: (28) Connection timed out", 3),
                ),
            ),
        ),
        exchanges=(SeenExchange("web", "my-session", "2", 8.25),),
        probes=(
            SeenProbe(
                "web",
                "manager",
                8001,
                requests=1240,
                lost=3,
                longest=0.42,
                spell=1.3,
                seconds=14.2,
                stretches=(
                    SeenStretch("10.0.2.101", 200, 200, 0.0, 6.9),
                    SeenStretch("10.0.2.102", 200, 620, 0.01, 14.2),
                    SeenStretch("10.0.2.101", 0, 2, 6.9, 7.32),
                    SeenStretch("10.0.2.101", 200, 417, 7.32, 14.1),
                    SeenStretch("10.0.2.102", 503, 1, 8.1, 8.2),
                ),
            ),
        ),
    ),
    evidence=Bundle("5f" * 32, "class-7", 9),
    labgen="0.1.0",
)
