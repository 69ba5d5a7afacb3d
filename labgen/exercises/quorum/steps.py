"""Three managers carried out: the leader's engine stops, then a second one's, and both are started again.

Facts come from a manager whose engine runs, whichever that is. Whatever fails in the middle, every manager's engine
is started at the end (:func:`restore`).
"""

from __future__ import annotations

import functools
import time

from labgen.core.errors import ExerciseError, LabgenError
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.docker.availability import Probed
from labgen.docker.swarm import SwarmNode
from labgen.model.lab import Lab, Node
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import ELECTION
from provision.exercise.watching import requests

from .exercise import Parameters


class _Progress:
    """What one run of the exercise remembers.

    :ivar stopped: managers whose engine it has stopped, in that order.
    :ivar since: when the last of them was, or was started again.
    """

    def __init__(self) -> None:
        self.stopped: list[Node] = []
        self.since = 0.0

    def running(self, lab: Lab) -> list[Node]:
        """List the managers whose engine runs."""
        return [node for node in lab.managers if node not in self.stopped]


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, worker, progress = lab.first_manager, lab.workers[0], _Progress()
    request_options = {"by": worker, "to": lab.workers}

    def on_one_left(words: str) -> functools.partial[Command]:
        return functools.partial(_on_one_left, words=words, progress=progress)

    return [
        Step(manager, "See the managers: one leads, the others could.", Command(parameters.list_nodes)),
        services.create(
            lab,
            parameters.service,
            "A service on the workers: it is asked all the time, whatever the managers do.",
            until=functools.partial(services.running, name=parameters.name, count=len(lab.workers)),
        ),
        Step(
            manager,
            "Stop the engine of the manager that leads.",
            functools.partial(_stop_leader, progress=progress),
            placeholder=f"{parameters.stop}    (on the manager that leads)",
            during=functools.partial(requests, port=parameters.port, judge=_check_none_lost, **request_options),  # type: ignore[arg-type]
            until=functools.partial(_wait_for_another_leader, progress=progress),
            timers=(ELECTION,),
        ),
        Step(
            manager,
            "See it from a manager that is left. Unknown: the new leader has not heard from that node yet.",
            on_one_left(parameters.list_nodes),
            placeholder=parameters.list_nodes,
        ),
        Step(
            manager,
            "Stop the engine of the one that leads now: one of three is left, which is no majority.",
            functools.partial(_stop_leader, progress=progress),
            placeholder=f"{parameters.stop}    (on the manager that leads now)",
            during=functools.partial(requests, port=parameters.port, judge=_check_none_lost, **request_options),  # type: ignore[arg-type]
            until=functools.partial(_wait_for_no_leader, progress=progress),
            timers=(ELECTION,),
        ),
        Step(
            manager,
            "Ask the one that is left: it knows, but may not answer alone.",
            on_one_left(parameters.list_nodes),
            placeholder=parameters.list_nodes,
            ends="error",
        ),
        Step(worker, "What runs, runs on.", Command("docker ps")),
        Step(worker, "And it serves.", Command(f"curl -s localhost:{parameters.port} | grep title")),
        Step(
            manager,
            "Where the others never come back, the one that is left can be told to go on alone.",
            lambda _: (
                f"left out, because they do come back: {parameters.force} ADDRESS. It keeps services and workers, and "
                "forgets the other managers."
            ),
            placeholder=f"{parameters.force} ADDRESS    (left out: the others do come back)",
        ),
        Step(
            manager,
            "Start the engine again that was stopped last: two of three are a majority.",
            functools.partial(_start_last, progress=progress),
            placeholder=f"{parameters.start}    (on the manager that was stopped last)",
            until=functools.partial(_wait_for_leader, progress=progress),
            timers=(ELECTION,),
        ),
        Step(manager, "See the managers again.", on_one_left(parameters.list_nodes), placeholder=parameters.list_nodes),
        Step(
            manager,
            "Start the other one, too: it catches up with what it has missed.",
            functools.partial(_start_last, progress=progress),
            placeholder=f"{parameters.start}    (on the manager that was stopped first)",
            until=functools.partial(_wait_for_all, progress=progress),
        ),
        Step(manager, "Three managers again.", Command(parameters.list_nodes)),
    ]


def restore(run: Run) -> None:
    """Start every manager's engine that does not run, and wait until all managers are back."""
    started = [node.name for node in run.lab.managers if _start_engine(run, node)]
    if started:
        run.say(f"# Started again: the engine of {', '.join(started)}.")
        _wait_for_all(run, _Progress())


def reset(run: Run) -> None:
    """Remove the service, with every manager's engine running."""
    restore(run)
    services.clear(run)


def _start_engine(run: Run, node: Node) -> bool:
    """Start an engine if it does not run; tell whether it was started."""
    parameters = run.parameters(Parameters)
    script = "systemctl is-active --quiet docker || { systemctl start docker && echo started; }"
    try:
        return bool(run.shell(node).attempt(script, within=120).out.strip())
    except LabgenError:
        # Ctrl-C has ended the connections as well.
        run.inventory.close()
    try:
        return bool(run.another_shell(node).attempt(script, within=120).out.strip())
    except LabgenError as error:
        run.say(f"  The engine of {node.name} could not be started again: {error.message}")
        run.say(f"  Start it there: {parameters.start}")
        return False


def _ask_members(run: Run, managers: list[Node]) -> list[SwarmNode]:
    """Ask the managers in turn for the swarm's nodes; return the first answer.

    :raises NotYet: none can; says what they say.
    """
    reason = ""
    for node in managers:
        try:
            return swarm.nodes(run.shell(node).ask)
        except LabgenError as error:
            reason = f"{node.name}: {error.message}"
    raise NotYet(reason)


def _find_leader(run: Run, progress: _Progress) -> Node:
    """Find the manager that leads.

    :raises NotYet: none does.
    """
    running = progress.running(run.lab)
    name = next((node.name for node in _ask_members(run, running) if node.leader), "")
    for node in running:
        if node.name == name:
            return node
    raise NotYet(f"the managers still hold {name or 'nobody'} to be their leader")


def _stop_leader(run: Run, progress: _Progress) -> Command:
    parameters = run.parameters(Parameters)
    leaders: list[Node] = []
    run.wait("a manager to lead", lambda: leaders.append(_find_leader(run, progress)), within=parameters.agree_within)
    progress.stopped.append(leaders[0])
    progress.since = time.monotonic()
    return Command(parameters.stop, node=leaders[0])


def _start_last(run: Run, progress: _Progress) -> Command:
    parameters = run.parameters(Parameters)
    del run
    progress.since = time.monotonic()
    return Command(parameters.start, node=progress.stopped.pop())


def _on_one_left(run: Run, words: str, progress: _Progress) -> Command:
    return Command(words, node=progress.running(run.lab)[0])


def _wait_for_another_leader(run: Run, progress: _Progress) -> None:
    parameters = run.parameters(Parameters)
    leaders: list[Node] = []
    run.wait(
        "another manager to lead", lambda: leaders.append(_find_leader(run, progress)), within=parameters.agree_within
    )
    took = time.monotonic() - progress.since
    run.say(f"  {leaders[0].name} leads, {took:.0f} s after the engine of {progress.stopped[-1].name} was stopped.")


def _wait_for_leader(run: Run, progress: _Progress) -> None:
    parameters = run.parameters(Parameters)
    leaders: list[Node] = []
    run.wait("a manager to lead", lambda: leaders.append(_find_leader(run, progress)), within=parameters.agree_within)
    run.say(f"  {leaders[0].name} leads, {time.monotonic() - progress.since:.0f} s after the engine was started.")


def _wait_for_no_leader(run: Run, progress: _Progress) -> None:
    parameters = run.parameters(Parameters)
    node = progress.running(run.lab)[0]

    def look() -> None:
        output = run.shell(node).attempt(f"timeout 5 {parameters.list_nodes}", within=30)
        if output.ok:
            raise NotYet(f"{node.name} lists the nodes")
        if parameters.no_leader not in output.said:
            raise NotYet(output.said or "no answer yet")

    run.wait(
        f"{node.name} to miss the majority",
        look,
        within=parameters.agree_within,
        hint=f"Look on {node.name} with: {parameters.list_nodes}",
    )
    run.say(f"  {node.name} has no leader, {time.monotonic() - progress.since:.0f} s after that engine was stopped.")


def _wait_for_all(run: Run, progress: _Progress) -> None:
    parameters = run.parameters(Parameters)
    expected = {node.name for node in run.lab.managers}

    def look() -> None:
        members = _ask_members(run, progress.running(run.lab))
        reachable = {node.name for node in members if node.ready and node.reachable}
        if not expected <= reachable:
            raise NotYet(f"{', '.join(sorted(expected - reachable))} not yet")
        if not any(node.leader for node in members):
            raise NotYet("nobody leads")
        if late := [node.name for node in members if not node.ready]:
            raise NotYet(f"{', '.join(late)} not yet Ready")

    run.wait("every manager to be reachable", look, within=parameters.agree_within)
    run.say(f"  {len(expected)} of {len(expected)} managers are reachable.")


def _check_none_lost(run: Run, probed: Probed) -> None:
    if probed.lost:
        raise ExerciseError(
            f"requests to the workers were lost while managers were: {probed}",
            f"A service needs no manager to serve. Look on the workers: docker ps, sudo journalctl -u docker. Start "
            f"over: fab exercise.reset {run.exercise.name}",
        )
