"""A container's failure carried out: removed by force on its node, and what swarm does about it watched."""

from __future__ import annotations

import functools

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text
from labgen.core.polling import NotYet
from labgen.docker.swarm import Service, Task
from labgen.docker.timeline import Turn, turns
from labgen.model.lab import Lab, Node
from provision.exercise import services, watching
from provision.exercise.run import Run, look_with
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import RESTART_DELAY
from provision.exercise.watching import only_a_moment

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    node = (*lab.workers, lab.first_manager)[0]
    return [
        services.create(
            lab,
            parameters.service,
            _(
                "Create %(service)s: %(replicas)s replicas, on nodes that the swarm chooses.",
                service=parameters.name,
                replicas=parameters.replicas,
            ),
        ),
        services.show(lab, parameters.name),
        Step(
            node,
            _("See the container on one of the nodes."),
            lambda run: Command("docker ps", node=_victim(run)[0]),
            placeholder="docker ps",
            skip_if=_recovered,
        ),
        Step(
            node,
            _("Remove it by force, as if it had crashed. Swarm waits 5 s (--restart-delay), then starts another."),
            _remove,
            placeholder="docker rm -f CONTAINER",
            skip_if=_recovered,
            during=functools.partial(
                watching.requests, port=parameters.port, judge=only_a_moment(_LOST, parameters.losing)
            ),
            until=_replaced,
            quiet=True,
            timers=(RESTART_DELAY,),
        ),
        services.show(
            lab,
            parameters.name,
            _("See the history: below the running task is the one that failed, and its error."),
        ),
    ]


def _victim(run: Run) -> tuple[Node, Task]:
    """Choose a running task of the service, on a worker if one runs there; the same each time."""
    parameters = run.parameters(Parameters)
    placed = run.placed(run.service(parameters.name))
    for node in (*run.lab.workers, *run.lab.managers):
        if node.name in placed:
            return node, min(placed[node.name], key=lambda task: task.slot)
    raise ExerciseError(
        _("no task of %(service)s runs on a node of the lab.", service=parameters.name),
        look_with(f"docker service ps --no-trunc {parameters.name}"),
    )


def _remove(run: Run) -> Command:
    node, task = _victim(run)
    return Command(f"docker rm -f {task.container_id[:12]}", node=node)


def killed(service: Service) -> Turn | None:
    """Find the latest turn from a task that was killed to one that runs; ``None`` if there is none."""
    replacements = [turn for turn in turns(service) if turn.old.killed and turn.new.running]
    return replacements[-1] if replacements else None


def _recovered(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    turn = killed(service)
    if turn is None:
        return None
    return _(
        "Replica %(place)s has recovered already: one of its tasks was killed, and another runs in its place.",
        place=turn.place,
    )


def _replaced(run: Run) -> None:
    """Wait until another task runs in the slot of the one that was removed; print how long it took."""
    parameters = run.parameters(Parameters)
    turn: list[Turn] = []

    def look() -> None:
        service = run.service(parameters.name)
        replacement = killed(service)
        if replacement is None or len(service.running) != parameters.replicas:
            raise NotYet(services.describe(service, parameters.replicas))
        turn.append(replacement)

    run.wait(_("a replacement to run"), look, within=parameters.within)
    happened = turn[-1]
    gap = max(happened.gap or 0.0, 0.0)
    run.tell(
        _(
            "%(service)s.%(place)s failed (%(error)s); another task ran in its place %(gap).1f s later, on %(node)s",
            service=parameters.name,
            place=happened.place,
            error=happened.old.error,
            gap=gap,
            node=run.host(happened.new).name,
        )
    )


_LOST = _(
    "Two kinds of requests cannot be saved. Some were in the container, or on their way "
    "to it, when it ended. Some reached the new container before its server listened; a "
    "health check would hold these back. The other replicas answered the rest."
)
