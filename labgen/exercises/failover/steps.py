"""Failure of a node carried out: its engine stops, its machine restarts, it is drained; each time its tasks move."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from labgen.core.errors import ExerciseError, LabgenError, NodeError
from labgen.core.i18n import Messages, Text
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

_ = Messages.beside(__file__)

MACHINE = (Capability.OWN_MACHINE,)

_LOST = "lost"
_DRAINED = "drained"
_RESTARTED = "restarted"
_SHOWN = {
    _LOST: _("The history of %(service)s already shows that tasks of a lost node came to run elsewhere."),
    _DRAINED: _("The history of %(service)s already shows that tasks of a drained node came to run elsewhere."),
}
"""Why a step is skipped, by what it brings about."""


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, first, second = lab.first_manager, lab.workers[0], lab.workers[1]
    return [
        services.create(
            lab,
            parameters.service,
            _(
                "Create %(service)s: %(replicas)s replicas, spread over the workers.",
                service=parameters.name,
                replicas=parameters.replicas,
            ),
        ),
        services.show(lab, parameters.name),
        Step(
            second,
            _("%(node)s fails: stop its engine. Every container there stops, too.", node=second.name),
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
            _("%(node)s comes back: start its engine again.", node=second.name),
            Command(parameters.start),
            skip_if=partial(_ready, node=second),
            until=partial(_back, node=second),
            quiet=True,
        ),
        services.show(
            lab,
            parameters.name,
            _("See that nothing moves back: %(node)s is Ready, and has no task.", node=second.name),
        ),
        _force(lab, parameters=parameters),
        Step(
            second,
            _("The machine of %(node)s loses its power for a moment: restart it.", node=second.name),
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
            _("Maintenance: drain %(node)s. Its tasks move at once, before any heartbeat is missed.", node=first.name),
            Command(f"{parameters.drain} {first.name}"),
            skip_if=partial(_shown, kind=drained, what=_DRAINED),
            before=partial(_has_tasks, node=first),
            until=partial(_now, what=_DRAINED, look=partial(_empty, node=first, availability="drain")),
            quiet=True,
        ),
        Step(
            manager,
            _("Let %(node)s take tasks again. No task moves back by itself.", node=first.name),
            Command(f"{parameters.activate} {first.name}"),
            skip_if=partial(_active, node=first),
            until=partial(_empty, node=first, availability="active"),
            quiet=True,
        ),
        _force(lab, parameters=parameters),
        services.show(
            lab, parameters.name, _("See the history: where each replica ran before, and where it runs now.")
        ),
    ]


def _force(lab: Lab, parameters: Parameters, needs: tuple[Capability, ...] = ()) -> Step:
    return Step(
        lab.first_manager,
        _("Spread the tasks again: each is replaced by a new one, on the node with the fewest tasks."),
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
            run.wait(
                _("%(node)s to be Ready", node=node.name),
                partial(_must_be_ready, run, node),
                within=parameters.down_within,
            )
        if member.availability != "active":
            run.say(f"[{run.lab.first_manager.name}]$ {parameters.activate} {node.name}")
            run.manager.run(f"{parameters.activate} {member.id}", what="docker node update")
    services.clear(run)


def _member(run: Run, node: Node) -> SwarmNode:
    members = [member for member in run.nodes() if member.name == node.name]
    # A node that has joined again is listed twice: the one that is lost, and the one that is ready.
    for member in sorted(members, key=lambda member: not member.ready):
        return member
    raise ExerciseError(_("%(node)s is not in the swarm.", node=node.name), _("Bring it back with: fab bootstrap"))


def _ready(run: Run, node: Node) -> Text | None:
    return _("%(node)s is Ready.", node=node.name) if _member(run, node).ready else None


def _active(run: Run, node: Node) -> Text | None:
    return _("%(node)s is active.", node=node.name) if _member(run, node).availability == "active" else None


def _must_be_ready(run: Run, node: Node) -> None:
    member = _member(run, node)
    if not member.ready:
        raise NotYet(_("it is %(state)s", state=member.state))


def _shown(run: Run, kind: Callable[..., bool], what: str) -> Text | None:
    parameters = run.parameters(Parameters)
    if not any(kind(turn) for turn in moves(run.lived(parameters.name))):
        return None
    run.notes[what] = "earlier"
    return replace(_SHOWN[what], values=(("service", parameters.name),))


def _now(run: Run, what: str, look: Callable[[Run], None]) -> None:
    """See to what a step brings about, where it is this run that does, and not an earlier one that did."""
    if what not in run.notes:
        look(run)


def _on(run: Run, node: Node) -> int:
    parameters = run.parameters(Parameters)
    return len(run.placed(run.service(parameters.name)).get(node.name, ()))


def _has_tasks(run: Run, node: Node) -> None:
    parameters = run.parameters(Parameters)
    for _try in range(parameters.tries if len(run.lab.workers) > parameters.replicas and not _on(run, node) else 0):
        run.remark(
            _(
                "No task runs on %(node)s, because there are more workers than replicas. The tasks are spread again.",
                node=node.name,
            )
        )
        run.say(f"[{run.lab.first_manager.name}]$ {parameters.force}")
        run.manager.run(parameters.force, within=300, what="docker service update --force")
        services.running(run, parameters.name)
        if _on(run, node):
            break

    def look() -> None:
        if not _on(run, node):
            raise NotYet(_("no task of %(service)s runs on %(node)s", service=parameters.name, node=node.name))

    run.wait(
        _("a task on %(node)s that can move", node=node.name),
        look,
        within=10,
        hint=_("Spread the tasks first: %(command)s", command=parameters.force),
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
            run.tell(
                _(
                    "its engine could not be started again (%(error)s). Start it there, or with: fab bootstrap",
                    error=why.words,
                )
            )
        raise


def _given_up(run: Run, node: Node) -> None:
    """Wait until the node is Down and every task runs elsewhere; print when."""
    parameters = run.parameters(Parameters)
    start, announced = time.monotonic(), False

    def look() -> Service:
        nonlocal announced
        state = _member(run, node).state
        if state == "ready":
            raise NotYet(_("%(node)s is %(state)s", node=node.name, state=state))
        if not announced:
            _tell_given_up(run, node, state, time.monotonic() - start)
            announced = True
        service = run.service(parameters.name)
        if len(service.running) != parameters.replicas or _on(run, node):
            raise NotYet(services.describe(service, parameters.replicas))
        return service

    service = run.look(_("the tasks of %(node)s to run elsewhere", node=node.name), look, within=parameters.down_within)
    run.tell(
        _(
            "after %(seconds).0f s all tasks run again: %(nodes)s",
            seconds=time.monotonic() - start,
            nodes=_where(run, service),
        )
    )


def _tell_given_up(run: Run, node: Node, state: str, seconds: float) -> None:
    run.tell(
        _(
            "after %(seconds).0f s the managers have given up on %(node)s: it is %(state)s",
            seconds=seconds,
            node=node.name,
            state=state,
        )
    )


def _back(run: Run, node: Node) -> None:
    parameters = run.parameters(Parameters)
    run.wait(
        _("%(node)s to be Ready", node=node.name), partial(_must_be_ready, run, node), within=parameters.down_within
    )
    services.running(run, parameters.name)


def _empty(run: Run, node: Node, availability: str) -> None:
    """Wait until all tasks run, none of them on a node of that availability."""

    parameters = run.parameters(Parameters)

    def look() -> Service:
        service, member = run.service(parameters.name), _member(run, node)
        if member.availability != availability:
            raise NotYet(_("%(node)s is %(availability)s", node=node.name, availability=member.availability))
        if (
            len(service.running) != parameters.replicas
            or not service.settled
            or (availability == "drain" and _on(run, node))
        ):
            raise NotYet(services.describe(service, parameters.replicas))
        return service

    service = run.look(
        _("the tasks to run while %(node)s is %(availability)s", node=node.name, availability=availability),
        look,
    )
    run.tell(
        _("%(replicas)s of %(replicas)s tasks run: %(nodes)s", replicas=parameters.replicas, nodes=_where(run, service))
    )


def _where(run: Run, service: Service) -> Text:
    placed = run.placed(service)
    return services.spread({node.name: len(placed.get(node.name, ())) for node in run.lab.workers})


def _spread(run: Run) -> Text | None:
    """Tell whether no worker has two tasks more than another."""
    parameters = run.parameters(Parameters)
    service = run.service(parameters.name)
    placed = run.placed(service)
    counts = [len(placed.get(node.name, ())) for node in run.lab.workers]
    even = sum(counts) == parameters.replicas and max(counts) - min(counts) <= 1
    return _("The tasks are spread already: %(nodes)s.", nodes=_where(run, service)) if even else None


def _is_spread(run: Run) -> None:
    parameters = run.parameters(Parameters)
    services.running(run, parameters.name)
    if not _spread(run):
        raise ExerciseError(
            _(
                "the tasks of %(service)s are not spread evenly: %(nodes)s.",
                service=parameters.name,
                nodes=_where(run, run.service(parameters.name)),
            ),
            _("Are all workers Ready and active (docker node ls)? Then run the exercise again."),
        )


# The machine itself.

_BOOTED = "cat /proc/sys/kernel/random/boot_id"


def _restarted(run: Run, node: Node) -> Text | None:
    """Tell whether the machine has booted since the service was created."""
    parameters = run.parameters(Parameters)
    created = run.service(parameters.name).created
    script = "date +%s; cut -d. -f1 /proc/uptime"
    now, uptime = (float(word) for word in run.shell(node).run(script).split())
    since = created is not None and now - uptime > created.timestamp()
    if not since:
        return None
    run.notes[_RESTARTED] = "earlier"
    return _("%(node)s was restarted after %(service)s was created.", node=node.name, service=parameters.name)


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
            _tell_given_up(run, node, state, given_up[0])
        shell = run.shell(node)
        # What was connected to the machine before is connected to nothing now, and may not know it yet.
        shell.forget()
        try:
            booted = shell.run(_BOOTED, within=10).strip()
        except NodeError as why:
            raise NotYet(why.words) from None
        if booted == run.notes[node.name]:
            raise NotYet(_("%(node)s has not shut down yet", node=node.name))
        if state != "ready":
            raise NotYet(_("%(node)s has booted, and its node is %(state)s", node=node.name, state=state))

    run.wait(_("%(node)s to be back", node=node.name), look, within=parameters.boot_within)
    run.tell(_("after %(seconds).0f s %(node)s is Ready again", seconds=time.monotonic() - start, node=node.name))
    services.running(run, parameters.name)
