"""Causes that keep a service's tasks from running, told by the tasks' own errors."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from labgen.core.i18n import NOTHING, Text, _, sentences, untranslated
from labgen.docker.swarm import Service, SwarmNode, Task
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import Hint, on, on_manager
from labgen.exercise.services import ServiceSpec, same_image
from labgen.observation.causes.model import Cause, Observations, RecognisedCause, Topic

_NO_IMAGE = re.compile(
    r"(?i)no such image|manifest (?:for \S+ )?(?:not found|unknown)|pull access denied|invalid reference"
)
_NO_PROGRAM = re.compile(r"(?i)executable file not found|exec format error|exec: .*no such file or directory")
TOPICS: frozenset[Topic] = frozenset({"tasks"})


def errors(service: Service) -> list[tuple[Task, str]]:
    """Give the tasks that are meant to run what the service says now and do not, newest first, with their errors."""
    failed = [task for task in service.tasks if task.error and not task.running and _of_now(task, service)]
    return [(task, task.error) for task in sorted(failed, key=lambda task: str(task.created), reverse=True)]


def _of_now(task: Task, service: Service) -> bool:
    return task.desired in ("running", "ready") or (task.failed and same_image(task.image, service.image))


def lacking(service: Service, nodes: Collection[SwarmNode]) -> bool:
    """Tell whether fewer tasks of a service run than are wanted.

    :param nodes: those of the swarm: a global service wants a task on each that its constraints allow.
    """
    expected = service.replicas
    if expected is None:
        written = {"".join(constraint.split()) for constraint in service.constraints}
        workers = [node for node in nodes if node.role == "worker"]
        expected = len(workers if written & {"node.role==worker", "node.role!=manager"} else nodes)
        if len(written) > 1 or (written and expected == len(nodes)):
            # Which nodes other constraints allow is not known here.
            expected = sum(task.desired in ("running", "ready") for task in service.tasks)
    return len(service.running) < expected or service.update_state in ("paused", "rollback_paused")


def without_tasks(observations: Observations) -> Iterator[tuple[ServiceSpec, Service]]:
    """Give the exercise's services of which tasks do not run that should."""
    nodes = observations.swarm.nodes if observations.swarm else ()
    for spec, service in observations.services():
        # One that the exercise has wait on purpose.
        if not spec.reserve and lacking(service, nodes):
            yield spec, service


@dataclass(frozen=True)
class Case:
    """A task of an exercise's service that does not run, and its error."""

    observations: Observations
    spec: ServiceSpec
    service: Service
    task: Task
    error: str


def lacking_any(observations: Observations) -> bool:
    """Tell whether any of the exercise's services lacks tasks, or does not exist."""
    existing = [spec.name for spec, _ in observations.services()]
    return any(True for _ in without_tasks(observations)) or len(existing) < len(observations.specs)


Judge = Callable[[Case], RecognisedCause | None]


def _by_error(cause: str, judge: Judge) -> Callable[[Observations], Iterator[RecognisedCause]]:
    """Recognise a cause by the errors of tasks: for each service by the newest that it is seen in."""

    def recognise(observations: Observations) -> Iterator[RecognisedCause]:
        for spec, service in without_tasks(observations):
            for task, error in errors(service)[:20]:
                finding = judge(Case(observations, spec, service, task, error))
                if finding and finding.cause == cause:
                    yield finding
                    break

    return recognise


def see(name: str, *, look: Text = NOTHING) -> Hint:
    """Make the hint that shows a service's tasks with their whole errors."""
    return on_manager(f"docker service ps --no-trunc {shlex.quote(name)}", look=look)


def says(service: Service, error: str) -> Text:
    return _("The tasks of %(service)s cannot run: %(error)s", service=service.name, error=error)


def _image(case: Case) -> RecognisedCause | None:
    observations, spec, service, task, error = case.observations, case.spec, case.service, case.task, case.error
    if not _NO_IMAGE.search(error):
        return None
    images = sorted(
        {
            service_spec.image
            for exercise in exercises().values()
            for service_spec in (*exercise.services, *exercise.later)
        }
    )
    image = service.plain_image
    if any(same_image(image, candidate) for candidate in images):
        return _not_pulled(observations, service, task, error)
    near = difflib.get_close_matches(image, images, n=1, cutoff=0.5)
    right = near[0] if near else spec.image
    return RecognisedCause(
        "image-missing",
        sentences(says(service, error), _("The image is %(image)s: is %(right)s meant?", image=image, right=right)),
        (
            on_manager(
                f"docker service update --image {right} {service.name}",
                look=_("Name the image rightly; the service stays."),
            ),
            see(service.name),
        ),
    )


def _not_pulled(observations: Observations, service: Service, task: Task, error: str) -> RecognisedCause:
    name = observations.node_name(task.node_id)
    proxy = next((node.symptoms.proxy for node in observations.nodes if node.name == name and node.symptoms), "")
    where = untranslated(name) if name else _("the node of the task")
    pull = on(
        where,
        f"docker pull {shlex.quote(service.plain_image)}",
        look=_("The image's name is right, but the image does not arrive."),
        note=_("This shows why it does not arrive."),
    )
    if not proxy:
        return RecognisedCause("image-not-pulled", says(service, error), (pull, see(service.name)))
    return RecognisedCause(
        "proxy",
        sentences(
            says(service, error),
            _("The engine of %(name)s pulls images by the proxy %(proxy)s.", name=name, proxy=proxy),
        ),
        (
            pull,
            on(
                where,
                "docker info --format '{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}'",
                "sudo grep -rli proxy /etc/systemd/system/docker.service.d /etc/default/docker /etc/docker/daemon.json",
                "sudo systemctl daemon-reload",
                "sudo systemctl restart docker",
                look=_("Correct the proxy where it is written, then restart the engine."),
            ),
        ),
    )


def _program(case: Case) -> RecognisedCause | None:
    spec, service, error = case.spec, case.service, case.error
    if not _NO_PROGRAM.search(error):
        return None
    args = spec.command.replace('"', '\\"')
    return RecognisedCause(
        "command-not-found",
        sentences(says(service, error), _("Its command is not in the image.")),
        (on_manager(f'docker service update --args "{args}" {service.name}'), see(service.name)),
    )


def of_tasks(name: str, sign: Text, remedy: str, judge: Judge) -> Cause:
    return Cause(name, TOPICS, sign, remedy, _by_error(name, judge))


CAUSES = (
    of_tasks(
        "image-missing",
        _('A task\'s error is "No such image" or like it, and the course has no such image.'),
        "docker service update --image IMAGE SERVICE",
        _image,
    ),
    of_tasks(
        "proxy",
        _("An image of the course does not arrive, and the node's engine pulls by a proxy."),
        "docker pull IMAGE",
        _image,
    ),
    of_tasks(
        "image-not-pulled",
        _("An image of the course does not arrive."),
        "docker pull IMAGE",
        _image,
    ),
    of_tasks(
        "command-not-found",
        _('A task\'s error is "executable file not found".'),
        "docker service update --args COMMAND SERVICE",
        _program,
    ),
)
