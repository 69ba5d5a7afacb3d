"""Faults in a service whose container was killed, and in what was killed."""

from __future__ import annotations

from labgen.exercise.services import Publish, ServiceSpec
from labgen.exercises.recovery import exercise as recovery
from labgen.model.capabilities import Capability
from tests.e2e.sabotage.acts import made, make
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import Stage

SERVICE = recovery.SERVICE
WEB, ALL = SERVICE.name, SERVICE.replicas or 0


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"recovery.{name}" for name in names)


_TRIED = _of("recovers", "answers_meanwhile")
_NOT_MADE = turned(fail=_of("service_made"), blocked=(*_of("published", "running", "replaced"), *_TRIED))


def _ended(spec: ServiceSpec, how: str = "docker rm --force", running: int = ALL) -> Act:
    """Made, and the container of replica 1 ended on its node.

    :param running: how many tasks run afterwards, when the swarm has done what it does about it.
    """

    def act(stage: Stage) -> None:
        make(stage, spec)
        where = f"docker service ps --filter desired-state=running --filter name={WEB}.1 --format '{{{{.Node}}}}' {WEB}"
        stage.on(stage.manager(where).strip(), f"{how} $(docker ps --quiet --filter name={WEB}.1.)")
        stage.wait(
            "the replica to be seen to",
            lambda swarm: (
                any(task.slot == 1 and task.failed for task in swarm.services[WEB].tasks)
                and len(swarm.services[WEB].running) == running
            ),
        )

    return act


_SILENT = SERVICE.but(
    options=("--env 'SLOT={{.Task.Slot}}'", "--stop-grace-period 1s"),
    command="""sh -c 'test "$SLOT" != 3 || exec sleep 86400; exec nginx -g "daemon off;"'""",
)
"""Where replica 3 should answer, nothing listens."""

FAULTS = (
    Fault("the service removed, and not made again", "recovery", lambda stage: stage.remove(WEB), _NOT_MADE),
    Fault(
        "still the service of load balancing, with one replica more",
        "recovery",
        made(SERVICE.but(constraints=("node.role==worker",))),
        _NOT_MADE,
    ),
    Fault("nothing was killed", "recovery", made(SERVICE), turned(fail=_of("replaced"), blocked=_TRIED)),
    Fault(
        "a container stopped instead of killed",
        "recovery",
        _ended(SERVICE, "docker stop"),
        turned(fail=_of("replaced"), blocked=_TRIED),
    ),
    Fault(
        "a container killed behind another port",
        "recovery",
        _ended(SERVICE.but(publish=(Publish(8080, 80),))),
        turned(fail=_of("published"), blocked=_TRIED),
    ),
    Fault(
        "a service that does not restart its tasks",
        "recovery",
        _ended(SERVICE.but(options=("--restart-condition none",)), running=ALL - 1),
        turned(fail=_of("running", "replaced"), blocked=_TRIED),
    ),
    Fault(
        "a service that restarts each task once",
        "recovery",
        _ended(SERVICE.but(options=("--restart-max-attempts 1",))),
        turned(fail=_of("recovers"), blocked=_of("answers_meanwhile")),
    ),
    Fault(
        "one replica left does not answer",
        "recovery",
        _ended(_SILENT),
        turned(fail=_of("answers_meanwhile")),
        needs=(Capability.ROUTING_MESH,),
    ),
)
