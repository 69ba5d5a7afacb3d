"""Three managers carried out: the leader's engine stops, then a second one's, and both are started again.

Facts come from a manager whose engine runs, whichever that is. Whatever fails in the middle, every manager's engine
is started at the end (:func:`restore`).
"""

from __future__ import annotations

import functools
import time

from labgen.core.errors import ExerciseError, LabgenError
from labgen.core.i18n import NOTHING, Messages, listed
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

_ = Messages.beside(__file__)


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
        Step(
            manager, _("See the managers: one leads, each of the others can take over."), Command(parameters.list_nodes)
        ),
        services.create(
            lab,
            parameters.service,
            _("Create a service on the workers. Requests to it go on, whatever happens to the managers."),
            until=functools.partial(services.running, name=parameters.name, count=len(lab.workers)),
        ),
        Step(
            manager,
            _("Stop the engine of the manager that leads."),
            functools.partial(_stop_leader, progress=progress),
            placeholder=_("%(command)s    (on the manager that leads)", command=parameters.stop),
            during=functools.partial(requests, port=parameters.port, judge=_check_none_lost, **request_options),  # type: ignore[arg-type]
            until=functools.partial(_wait_for_another_leader, progress=progress),
            timers=(ELECTION,),
        ),
        Step(
            manager,
            _("See the nodes from another manager. Unknown: the new leader has not heard from that node yet."),
            on_one_left(parameters.list_nodes),
            placeholder=parameters.list_nodes,
        ),
        Step(
            manager,
            _("Stop the engine of the new leader: one manager of three runs, which is no majority."),
            functools.partial(_stop_leader, progress=progress),
            placeholder=_("%(command)s    (on the manager that leads now)", command=parameters.stop),
            during=functools.partial(requests, port=parameters.port, judge=_check_none_lost, **request_options),  # type: ignore[arg-type]
            until=functools.partial(_wait_for_no_leader, progress=progress),
            timers=(ELECTION,),
        ),
        Step(
            manager,
            _("Ask the remaining manager: it refuses, because it cannot decide alone."),
            on_one_left(parameters.list_nodes),
            placeholder=parameters.list_nodes,
            ends="error",
        ),
        Step(worker, _("See that the containers still run."), Command("docker ps")),
        Step(
            worker,
            _("See that the service still answers."),
            Command(f"curl -s localhost:{parameters.port} | grep title"),
        ),
        Step(
            manager,
            _("If the other managers never come back, you can make the remaining one continue alone."),
            lambda _run: _(
                "left out, because the others come back: %(command)s ADDRESS. It keeps services and "
                "workers, and drops the other managers.",
                command=parameters.force,
            ),
            placeholder=_("%(command)s ADDRESS    (left out: the others come back)", command=parameters.force),
        ),
        Step(
            manager,
            _("Start the engine that was stopped last: two managers of three are a majority."),
            functools.partial(_start_last, progress=progress),
            placeholder=_("%(command)s    (on the manager that was stopped last)", command=parameters.start),
            until=functools.partial(_wait_for_leader, progress=progress),
            timers=(ELECTION,),
        ),
        Step(
            manager, _("See the managers again."), on_one_left(parameters.list_nodes), placeholder=parameters.list_nodes
        ),
        Step(
            manager,
            _("Start the other engine, too: that manager catches up with what it has missed."),
            functools.partial(_start_last, progress=progress),
            placeholder=_("%(command)s    (on the manager that was stopped first)", command=parameters.start),
            until=functools.partial(_wait_for_all, progress=progress),
        ),
        Step(manager, _("See three managers again."), Command(parameters.list_nodes)),
    ]


def restore(run: Run) -> None:
    """Start every manager's engine that does not run, and wait until all managers are back."""
    started = [node.name for node in run.lab.managers if _start_engine(run, node)]
    if started:
        run.remark(_("Started again: the engines of %(nodes)s.", nodes=", ".join(started)))
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
        run.tell(_("The engine of %(node)s could not be started again: %(error)s", node=node.name, error=error.words))
        run.tell(_("Start it there: %(command)s", command=parameters.start))
        return False


def _ask_members(run: Run, managers: list[Node]) -> list[SwarmNode]:
    """Ask the managers in turn for the swarm's nodes; return the first answer.

    :raises NotYet: none can; says what they say.
    """
    reason = NOTHING
    for node in managers:
        try:
            return swarm.nodes(run.shell(node).ask)
        except LabgenError as error:
            reason = listed((node.name, error.words), ": ")
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
    raise NotYet(_("the managers still name as their leader: %(leader)s", leader=name or _("none")))


def _stop_leader(run: Run, progress: _Progress) -> Command:
    parameters = run.parameters(Parameters)
    leaders: list[Node] = []
    run.wait(
        _("a manager to lead"), lambda: leaders.append(_find_leader(run, progress)), within=parameters.agree_within
    )
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
        _("another manager to lead"),
        lambda: leaders.append(_find_leader(run, progress)),
        within=parameters.agree_within,
    )
    took = time.monotonic() - progress.since
    run.tell(
        _(
            "%(leader)s leads, %(seconds).0f s after the engine of %(node)s was stopped.",
            leader=leaders[0].name,
            seconds=took,
            node=progress.stopped[-1].name,
        )
    )


def _wait_for_leader(run: Run, progress: _Progress) -> None:
    parameters = run.parameters(Parameters)
    leaders: list[Node] = []
    run.wait(
        _("a manager to lead"), lambda: leaders.append(_find_leader(run, progress)), within=parameters.agree_within
    )
    run.tell(
        _(
            "%(leader)s leads, %(seconds).0f s after the engine was started.",
            leader=leaders[0].name,
            seconds=time.monotonic() - progress.since,
        )
    )


def _wait_for_no_leader(run: Run, progress: _Progress) -> None:
    parameters = run.parameters(Parameters)
    node = progress.running(run.lab)[0]

    def look() -> None:
        output = run.shell(node).attempt(f"timeout 5 {parameters.list_nodes}", within=30)
        if output.ok:
            raise NotYet(_("%(node)s still lists the nodes", node=node.name))
        if parameters.no_leader not in output.said:
            raise NotYet(output.said or _("no answer yet"))

    run.wait(
        _("%(node)s to lose the majority", node=node.name),
        look,
        within=parameters.agree_within,
        hint=_("Look on %(node)s with: %(command)s", node=node.name, command=parameters.list_nodes),
    )
    run.tell(
        _(
            "%(node)s has no leader, %(seconds).0f s after that engine was stopped.",
            node=node.name,
            seconds=time.monotonic() - progress.since,
        )
    )


def _wait_for_all(run: Run, progress: _Progress) -> None:
    parameters = run.parameters(Parameters)
    expected = {node.name for node in run.lab.managers}

    def look() -> None:
        members = _ask_members(run, progress.running(run.lab))
        reachable = {node.name for node in members if node.ready and node.reachable}
        if not expected <= reachable:
            raise NotYet(_("not reachable yet: %(nodes)s", nodes=", ".join(sorted(expected - reachable))))
        if not any(node.leader for node in members):
            raise NotYet(_("no manager leads"))
        if late := [node.name for node in members if not node.ready]:
            raise NotYet(_("not Ready yet: %(nodes)s", nodes=", ".join(late)))

    run.wait(_("every manager to be reachable"), look, within=parameters.agree_within)
    run.tell(_("%(count)s of %(count)s managers are reachable.", count=len(expected)))


def _check_none_lost(run: Run, probed: Probed) -> None:
    if probed.lost:
        raise ExerciseError(
            _("requests to the workers were lost while managers were stopped: %(requests)s", requests=probed),
            _(
                "A service needs no manager to answer. Look on the workers: docker ps, sudo "
                "journalctl -u docker. %(start_over)s",
                start_over=run.start_over,
            ),
        )
