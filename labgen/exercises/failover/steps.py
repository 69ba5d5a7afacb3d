"""Failure of a node carried out: its engine stops, its machine restarts, it is drained; each time its tasks move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from labgen.core.errors import ExerciseError, LabgenError, NodeError
from labgen.core.polling import NotYet
from labgen.core.process import Runner
from labgen.docker.swarm import Service, SwarmNode
from labgen.docker.timeline import drained, lost, moves
from labgen.machines.inventory import close_shared
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import HEARTBEAT, RESTART_DELAY, watched

from .exercise import Parameters

MACHINE = (Capability.OWN_MACHINE,)

_LOST = "a node was lost and its tasks came to run elsewhere"
_DRAINED = "a node was drained and its tasks came to run elsewhere"
_RESTARTED = "the machine was restarted"


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, first, second = lab.first_manager, lab.workers[0], lab.workers[1]
    return [
        services.create(
            lab,
            parameters.service,
            f"Create {parameters.name}: {parameters.replicas} replicas, spread over the workers.",
        ),
        services.show(lab, parameters.name),
        Step(
            second,
            f"{second.name} fails: stop its engine, and with it every container there.",
            Command(parameters.stop),
            skip_if=partial(_shown, kind=lost, what=_LOST),
            before=partial(_has_tasks, node=second),
            during=partial(_started_again, node=second),
            until=partial(_now, what=_LOST, look=partial(_given_up, node=second)),
            quiet=True,
            timers=(HEARTBEAT, RESTART_DELAY),
        ),
        Step(
            second,
            f"{second.name} comes back: start its engine again.",
            Command(parameters.start),
            skip_if=partial(_ready, node=second),
            until=partial(_back, node=second),
            quiet=True,
        ),
        services.show(lab, parameters.name, f"See that nothing moves back: {second.name} is Ready, and has no task."),
        _force(lab, parameters=parameters),
        Step(
            second,
            f"The whole machine of {second.name} fails: restart it as if its power had gone for a moment.",
            # A moment later, so that this command itself still ends.
            Command(
                parameters.restart,
                "systemd-run --quiet --on-active=1s --timer-property=AccuracySec=100ms "
                + parameters.restart.removeprefix("sudo "),
            ),
            skip_if=partial(_restarted, node=second),
            before=partial(_remember, node=second),
            until=partial(_now, what=_RESTARTED, look=partial(_machine_back, node=second)),
            quiet=True,
            needs=MACHINE,
            timers=(HEARTBEAT, RESTART_DELAY),
        ),
        _force(lab, needs=MACHINE, parameters=parameters),
        Step(
            manager,
            f"Maintenance on {first.name}: drain it. Its tasks leave at once, no heartbeat is waited for.",
            Command(f"{parameters.drain} {first.name}"),
            skip_if=partial(_shown, kind=drained, what=_DRAINED),
            before=partial(_has_tasks, node=first),
            until=partial(_now, what=_DRAINED, look=partial(_empty, node=first, availability="drain")),
            quiet=True,
        ),
        Step(
            manager,
            f"{first.name} may take tasks again. None moves there by itself.",
            Command(f"{parameters.activate} {first.name}"),
            skip_if=partial(_active, node=first),
            until=partial(_empty, node=first, availability="active"),
            quiet=True,
        ),
        _force(lab, parameters=parameters),
        services.show(lab, parameters.name, "See the history: where each replica ran before, and where it runs now."),
    ]


def _force(lab: Lab, parameters: Parameters, needs: tuple[Capability, ...] = ()) -> Step:
    return Step(
        lab.first_manager,
        "Spread the tasks again: replace each by a new one, which goes to the node that has the fewest.",
        Command(parameters.force),
        skip_if=_spread,
        until=_is_spread,
        quiet=True,
        within=300,
        timers=watched(parameters.monitor),
        needs=needs,
    )


def reset(run: Run) -> None:
    """Remove the service; first bring back a worker whose engine was left stopped, or that is drained."""
    parameters = run.parameters(Parameters)
    for node in run.lab.workers:
        member = _member(run, node)
        if not member.ready:
            run.say(f"[{node.name}]$ {parameters.start}")
            run.shell(node).run(parameters.start, what="systemctl start docker")
            run.wait(f"{node.name} to be Ready", partial(_must_be_ready, run, node), within=parameters.down_within)
        if member.availability != "active":
            run.say(f"[{run.lab.first_manager.name}]$ {parameters.activate} {node.name}")
            run.manager.run(f"{parameters.activate} {member.id}", what="docker node update")
    services.clear(run)


def _member(run: Run, node: Node) -> SwarmNode:
    members = [member for member in run.nodes() if member.name == node.name]
    # One that has joined anew is known twice: the one that is lost, and the one that is ready.
    for member in sorted(members, key=lambda member: not member.ready):
        return member
    raise ExerciseError(f"{node.name} is not in the swarm.", "Bring it back with: fab bootstrap")


def _ready(run: Run, node: Node) -> str | None:
    return f"{node.name} is Ready." if _member(run, node).ready else None


def _active(run: Run, node: Node) -> str | None:
    return f"{node.name} is active." if _member(run, node).availability == "active" else None


def _must_be_ready(run: Run, node: Node) -> None:
    member = _member(run, node)
    if not member.ready:
        raise NotYet(f"it is {member.state}")


def _shown(run: Run, kind: Callable[..., bool], what: str) -> str | None:
    parameters = run.parameters(Parameters)
    if not any(kind(turn) for turn in moves(run.lived(parameters.name))):
        return None
    run.notes[what] = "earlier"
    return f"The history of {parameters.name} shows already that {what}."


def _now(run: Run, what: str, look: Callable[[Run], None]) -> None:
    """See to what a step brings about, where it is this run that does, and not an earlier one that did."""
    if what not in run.notes:
        look(run)


def _on(run: Run, node: Node) -> int:
    parameters = run.parameters(Parameters)
    return len(run.placed(run.service(parameters.name)).get(node.name, ()))


def _has_tasks(run: Run, node: Node) -> None:
    parameters = run.parameters(Parameters)
    for _ in range(parameters.tries if len(run.lab.workers) > parameters.replicas and not _on(run, node) else 0):
        run.say(f"# No task runs on {node.name}: there are more workers than replicas. They are spread again.")
        run.say(f"[{run.lab.first_manager.name}]$ {parameters.force}")
        run.manager.run(parameters.force, within=300, what="docker service update --force")
        services.running(run, parameters.name)
        if _on(run, node):
            break

    def look() -> None:
        if not _on(run, node):
            raise NotYet(f"none of {parameters.name} runs on {node.name}")

    run.wait(
        f"a task on {node.name} that can move", look, within=10, hint=f"Spread the tasks first: {parameters.force}"
    )


@contextmanager
def _started_again(run: Run, node: Node) -> Iterator[None]:
    """Whatever goes wrong after its engine was stopped, a worker is not left without."""
    parameters = run.parameters(Parameters)
    try:
        yield
    except BaseException:
        run.say(f"[{node.name}]$ {parameters.start}")
        try:
            run.shell(node).run(parameters.start, what="systemctl start docker")
        except LabgenError as why:
            run.say(f"  its engine could not be started again ({why.message}); do it there, or with: fab bootstrap")
        raise


def _given_up(run: Run, node: Node) -> None:
    """Wait until the node is Down and every task runs elsewhere; print when."""
    parameters = run.parameters(Parameters)
    start, announced = time.monotonic(), False

    def look() -> Service:
        nonlocal announced
        state = _member(run, node).state
        if state == "ready":
            raise NotYet(f"{node.name} is {state}")
        if not announced:
            run.say(f"  after {time.monotonic() - start:.0f} s the managers have given {node.name} up: it is {state}")
            announced = True
        service = run.service(parameters.name)
        if len(service.running) != parameters.replicas or _on(run, node):
            raise NotYet(services.describe(service, parameters.replicas))
        return service

    service = run.look(f"the tasks of {node.name} to run elsewhere", look, within=parameters.down_within)
    run.say(f"  after {time.monotonic() - start:.0f} s all tasks run again: {_where(run, service)}")


def _back(run: Run, node: Node) -> None:
    parameters = run.parameters(Parameters)
    run.wait(f"{node.name} to be Ready", partial(_must_be_ready, run, node), within=parameters.down_within)
    services.running(run, parameters.name)


def _empty(run: Run, node: Node, availability: str) -> None:
    """Wait until all tasks run, none of them on a node of that availability."""

    parameters = run.parameters(Parameters)

    def look() -> Service:
        service, member = run.service(parameters.name), _member(run, node)
        if member.availability != availability:
            raise NotYet(f"{node.name} is {member.availability}")
        if (
            len(service.running) != parameters.replicas
            or not service.settled
            or (availability == "drain" and _on(run, node))
        ):
            raise NotYet(services.describe(service, parameters.replicas))
        return service

    service = run.look(f"the tasks to run while {node.name} has availability {availability}", look)
    run.say(f"  {parameters.replicas} of {parameters.replicas} tasks run: {_where(run, service)}")


def _where(run: Run, service: Service) -> str:
    placed = run.placed(service)
    return ", ".join(f"{len(placed.get(node.name, ()))} on {node.name}" for node in run.lab.workers)


def _spread(run: Run) -> str | None:
    """Tell whether no worker has two tasks more than another."""
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    placed = run.placed(service)
    counts = [len(placed.get(node.name, ())) for node in run.lab.workers]
    even = sum(counts) == parameters.replicas and max(counts) - min(counts) <= 1
    return f"They are spread: {_where(run, service)}." if even else None


def _is_spread(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name)
    if not _spread(run):
        raise ExerciseError(
            f"the tasks of {parameters.name} are not spread evenly: {_where(run, run.service(parameters.name))}.",
            "Are all workers Ready and active (docker node ls)? Then run the exercise again.",
        )


# The machine itself.

_BOOTED = "cat /proc/sys/kernel/random/boot_id"


def _restarted(run: Run, node: Node) -> str | None:
    """Tell whether the machine has booted since the service was created."""
    parameters = run.parameters(Parameters)
    created = run.service(parameters.name).created
    script = "date +%s; cut -d. -f1 /proc/uptime"
    now, uptime = (float(word) for word in run.shell(node).run(script).split())
    since = created is not None and now - uptime > created.timestamp()
    if not since:
        return None
    run.notes[_RESTARTED] = "earlier"
    return f"{node.name} was restarted since {parameters.name} was made."


def _remember(run: Run, node: Node) -> None:
    """Note which boot the machine is at, before it is restarted."""
    _has_tasks(run, node)
    run.notes[node.name] = run.shell(node).run(_BOOTED).strip()
    # Those of `labgen ssh` and of a grading, which would hang on a machine that is gone.
    close_shared(run.inventory.folder, Runner())


def _machine_back(run: Run, node: Node) -> None:
    """Wait until the machine has booted again, answers over a new connection, and its node is Ready."""
    parameters = run.parameters(Parameters)
    start = time.monotonic()
    given_up: list[float] = []

    def look() -> None:
        state = _member(run, node).state
        if state != "ready" and not given_up:
            given_up.append(time.monotonic() - start)
            run.say(f"  after {given_up[0]:.0f} s the managers have given {node.name} up: it is {state}")
        shell = run.shell(node)
        # What was connected to the machine before is connected to nothing now, and may not know it yet.
        shell.forget()
        try:
            booted = shell.run(_BOOTED, within=10).strip()
        except NodeError as why:
            raise NotYet(why.message) from None
        if booted == run.notes[node.name]:
            raise NotYet(f"{node.name} has not gone down yet")
        if state != "ready":
            raise NotYet(f"{node.name} has booted, its node is {state}")

    run.wait(f"{node.name} to be back", look, within=parameters.boot_within)
    run.say(f"  after {time.monotonic() - start:.0f} s {node.name} is back, and Ready")
    services.running(run, parameters.name)
