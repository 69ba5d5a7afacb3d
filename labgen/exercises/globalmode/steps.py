"""Global mode carried out: a task on every node; then a node leaves, joins again, and gets its task by itself."""

from __future__ import annotations

import functools
import shlex

from labgen.core.i18n import Messages, Text
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.docker.swarm import SwarmNode
from labgen.model.lab import Lab, Node
from provision import swarm as membership
from provision.exercise import services
from provision.exercise.ready import drop_ghosts
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import RESTART_DELAY

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager, last = lab.first_manager, lab.workers[-1]
    joined = functools.partial(_joined_later, node=last)
    before = _NodeBefore()
    return [
        services.create(
            lab,
            parameters.service,
            _(
                "Create %(service)s in global mode: one task on every node, without a number of replicas.",
                service=parameters.name,
            ),
        ),
        services.show(
            lab, parameters.name, _("See one task on each node. Its name ends in the node's id instead of a number.")
        ),
        Step(
            last,
            _("Let %(node)s leave the swarm. Its task ends.", node=last.name),
            Command("docker swarm leave"),
            before=functools.partial(before.remember, node=last),
            skip_if=lambda run: (
                joined(run) or (_("%(node)s has left already.", node=last.name) if _outside(run, last) else None)
            ),
        ),
        Step(
            manager,
            _(
                "Remove its lost membership. The command needs --force: for the managers, %(node)s "
                "stays Ready until 15 s without a heartbeat.",
                node=last.name,
            ),
            functools.partial(_forget, node=last),
            placeholder=f"docker node rm --force {last.name}",
            skip_if=joined,
            before=functools.partial(_without, node=last),
        ),
        Step(
            last,
            _(
                "Let %(node)s join again. On a manager, `docker swarm join-token worker` shows the token.",
                node=last.name,
            ),
            functools.partial(_join, node=last),
            placeholder=membership.join_shown(last, manager),
            skip_if=joined,
            until=functools.partial(_everywhere, lab=lab),
        ),
        Step(
            manager,
            _("Put the labels of %(node)s back: they were removed with its membership.", node=last.name),
            functools.partial(before.label, node=last),
            placeholder=f"docker node update --label-add KEY=VALUE {last.name}",
            quiet=True,
        ),
        Step(
            manager,
            _("See the other services: tasks that ran on %(node)s run elsewhere now, and stay there.", node=last.name),
            before.others,
            placeholder="docker service ls",
            until=before.wait_for_services,
            timers=(RESTART_DELAY,),
        ),
        Step(
            manager,
            _("See the nodes: the name is the same, the id has changed. For the swarm it is a new node."),
            Command("docker node ls"),
        ),
        services.show(
            lab,
            parameters.name,
            _("See that %(node)s has its task: the swarm has started it without a command.", node=last.name),
        ),
    ]


class _NodeBefore:
    """What a node had before it left: its labels, and tasks of other services."""

    def __init__(self) -> None:
        self.labels: dict[str, str] = {}
        self.services: list[str] = []

    def remember(self, run: Run, node: Node) -> None:
        """Note the node's labels and the other services with a task on it."""
        member = _current(run, node)
        if member is None:
            return
        self.labels = dict(member.labels)
        self.services = [
            name
            for name, service in swarm.look(run.manager.ask).services.items()
            if name != run.parameters(Parameters).name
            and len(service.running) == service.replicas
            and any(task.node_id == member.id for task in service.running)
        ]

    def label(self, run: Run, node: Node) -> Command | Text:
        """Compose the command that puts the labels back."""
        member = _current(run, node)
        if not self.labels or member is None:
            return _("the node had no labels.")
        flags = shlex.join(f"--label-add={key}={value}" for key, value in self.labels.items())
        return Command(f"docker node update {flags} {node.name}", f"docker node update {flags} {member.id}")

    def others(self, run: Run) -> Command | Text:
        """Compose the command that shows the other services."""
        del run
        return Command("docker service ls") if self.services else _("no other service had a task there.")

    def wait_for_services(self, run: Run) -> None:
        """Wait until the other services run as before: Swarm starts a lost task again after 5 s."""
        for name in self.services:
            run.say(f"  {name}:")
            services.running(run, name)


def _current(run: Run, node: Node) -> SwarmNode | None:
    """Find the node's membership; of several, the one that is Ready."""
    memberships = sorted(
        (member for member in run.nodes() if member.name == node.name),
        key=lambda member: (member.ready, str(member.created)),
    )
    return memberships[-1] if memberships else None


def _joined_later(run: Run, node: Node) -> Text | None:
    parameters = run.parameters(Parameters)
    member, service_created = _current(run, node), run.service(parameters.name).created
    if (
        member is None
        or not member.ready
        or member.created is None
        or service_created is None
        or member.created <= service_created
    ):
        return None
    if _outside(run, node):
        return None
    return _(
        "%(node)s has joined after %(service)s was created: nothing to do.", node=node.name, service=parameters.name
    )


def _outside(run: Run, node: Node) -> bool:
    return swarm.local(run.shell(node).ask).state == "inactive"


def _without(run: Run, node: Node) -> None:
    def look() -> None:
        if not _outside(run, node):
            raise NotYet(_("it is still in the swarm"))

    run.wait(_("%(node)s to be out of the swarm", node=node.name), look, within=60)


def _forget(run: Run, node: Node) -> Command | Text:
    memberships = [member for member in run.nodes() if member.name == node.name]
    if not memberships:
        return _("the swarm does not list %(node)s any more.", node=node.name)
    ids = shlex.join(member.id for member in memberships)
    return Command(
        f"docker node rm --force {node.name}", f"docker node rm --force {ids} >/dev/null && echo {node.name}"
    )


def _join(run: Run, node: Node) -> Command:
    token = membership.token(run.manager, node.role)
    manager = run.lab.first_manager
    return Command(
        membership.join_shown(node, manager),
        f"{membership.join_script(node, manager)} && echo 'This node joined a swarm as a worker.'",
        secret=token.value,
    )


def _everywhere(run: Run, lab: Lab) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        ready = {node.name for node in run.nodes() if node.ready}
        missing = [node.name for node in lab.nodes if node.name not in ready]
        if missing:
            raise NotYet(_("not Ready: %(nodes)s", nodes=", ".join(missing)))

    run.wait(_("every node to be Ready"), look, within=60)
    drop_ghosts(run)
    services.running(run, parameters.name, count=len(lab.nodes))
