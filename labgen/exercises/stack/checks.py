"""The exercise on stacks: three services from one file, of which one was changed in the file and deployed again."""

from __future__ import annotations

import shlex
from datetime import timedelta
from functools import partial

from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker.containers import execution, text_from
from labgen.docker.swarm import Service, Swarm
from labgen.docker.timeline import places, turns
from labgen.exercise.hint import in_folder, on_manager
from labgen.exercise.services import same_image
from labgen.model.capabilities import Capability
from labgen.model.lab import Node
from verify.checks import check
from verify.exam import Exam
from verify.services import changed_image, made_from, published, runs, service_of

from .exercise import Parameters

_ = Messages.beside(__file__)

web = service_of("web")
counter = service_of("counter")
cache = service_of("cache")

_AGAIN = ("{change_back}", "{deploy}", "{change}", "{deploy}")
_TOGETHER = timedelta(seconds=45)
"""Tasks that begin within this time of each other were replaced by the same deploy."""


@check(
    points=2,
    needs=("cluster.swarm_begun",),
    hint=(
        in_folder(
            "labgen brief stack",
            look=_("The stack is deployed from the file {file}."),
            note=_("This shows the file."),
        ),
        on_manager("{deploy}", note=_("With that file:")),
    ),
)
def test_deployed(swarm: Swarm, parameters: Parameters) -> None:
    """There is a stack {stack} with the services web, counter and cache."""
    services = {spec.name: swarm.services.get(spec.name) for spec in parameters.services}
    missing = [name for name, service in services.items() if service is None]
    assert not missing, f"there is no service {', '.join(missing)}"
    alone = [name for name, service in services.items() if service and service.stack != parameters.stack]
    assert not alone, f"created without the stack {parameters.stack}: {', '.join(alone)}"


@check(
    points=1,
    needs=("stack.deployed",),
    whole_lab=True,
    topics=("tasks",),
    hint=(
        on_manager(
            "docker stack ps --no-trunc {stack}",
            look=_("See the errors of the stack's tasks: they say why a task does not run."),
        ),
        in_folder(
            "labgen brief stack",
            look=_("Compare {file} with the file in the exercise."),
        ),
    ),
)
def test_running(
    swarm: Swarm, web: Service, counter: Service, cache: Service, exam: Exam, parameters: Parameters
) -> None:
    """web has {web_replicas} replicas of {web.repository}, counter has one of {counter.repository}, and cache has one
    of {cache.repository}. All of them run and stay up."""
    for spec, service in zip(parameters.services, (web, counter, cache), strict=True):
        made_from(swarm, spec)
        assert service.replicas == spec.replicas, f"{service.name} has {service.replicas} replicas"
        runs(exam, service, spec.replicas)


@check(
    points=1,
    needs=("stack.deployed",),
    topics=("requests",),
    hint=on_manager(
        "{deploy}",
        look=_("See which port {file} publishes for web."),
        note=_('Under web, {file} needs: ports: ["{port}:{target}"]. Then deploy it again.'),
    ),
)
def test_published(web: Service, parameters: Parameters) -> None:
    """web publishes port {port} for its port {target}, through the routing mesh."""
    published(web, parameters.publish)


@check(
    points=1,
    needs=("stack.deployed",),
    topics=("network",),
    hint=on_manager(
        "docker network ls --filter driver=overlay",
        "{deploy}",
        words=_("Leave networks out of {file}: then all services are on one network of the stack's own."),
    ),
)
def test_network(web: Service, counter: Service, cache: Service, swarm: Swarm) -> None:
    """The three services are on one overlay network."""
    overlays = {network.id for network in swarm.networks if network.driver == "overlay"}
    shared = overlays & set(web.networks) & set(counter.networks) & set(cache.networks)
    assert shared, "there is no overlay network that has all three"


@check(
    points=2,
    needs=("stack.running", "stack.network"),
    whole_lab=True,
    topics=(
        "tasks",
        "network",
    ),
    hint=on_manager(
        "docker service logs --tail 5 {counter.name}",
        look=_("Its command must reach the name cache, port 6379."),
    ),
)
def test_connected(cache: Service, exam: Exam, parameters: Parameters) -> None:
    """counter reaches the cache by its name: the cache's number of visits grows during the check."""
    (task,) = cache.running
    node = exam.host(task)
    assert node is not None, f"the cache runs on a node that is not part of the lab: {task.node_id}"

    script = f"docker exec {shlex.quote(task.container_id)} {parameters.visits} | head -c 100 || true"
    visits = execution(script, task.container_id, shlex.split(parameters.visits), partial(text_from, most=100))
    counted: list[int] = []

    def look() -> None:
        answer = exam.ask_node(node, visits).strip()
        counted.append(int(answer) if answer.isdigit() else 0)
        if not counted[-1] > counted[0]:
            report = f"{answer} visits, and no more" if counted[-1] else answer or "nothing"
            raise NotYet(f"the cache on {node.name} counted {report}")

    exam.wait("a visit to the cache", look, within=10)


@check(
    points=2,
    needs=("stack.running",),
    topics=("tasks",),
    hint=on_manager("{change}", "{deploy}", look=_("Change the cache's image in {file}. Then deploy the file again.")),
)
def test_updated(cache: Service, exam: Exam, parameters: Parameters) -> None:
    """The service cache and its running task use the new image, {new}."""
    images = {cache.plain_image, *(task.image.partition("@")[0] for task in cache.running)}
    assert all(same_image(image, parameters.new) for image in images), f"images in use: {', '.join(sorted(images))}"
    changed_image(exam, cache)


@check(
    points=1,
    needs=("stack.updated",),
    hint=on_manager(
        "{change}",
        "{deploy}",
        words=_("`docker service update` does not change the file: the next deploy would put the old image back."),
    ),
)
def test_from_the_file(cache: Service, parameters: Parameters) -> None:
    """The new image came from the file, which was changed and deployed again."""
    # `docker stack deploy` notes what the file said (docker/cli cli/compose/convert/service.go).
    image = cache.labels.get("com.docker.stack.image", "")
    assert same_image(image, parameters.new), f"the file that was deployed last has the image {image or 'none'}"


@check(
    points=2,
    needs=("stack.updated",),
    topics=("history",),
    hint=on_manager(
        *_AGAIN,
        words=_("The history shows no update of the cache. Deploy the file with the old image, then with the new one."),
    ),
)
def test_history(cache: Service, parameters: Parameters) -> None:
    """The cache's history shows a task of the old image, {old}: the service was updated, not created again."""
    earlier = [task.image.partition("@")[0] for tasks in places(cache).values() for task in tasks[:-1]]
    had_old = any(same_image(image, parameters.old) for image in earlier)
    assert had_old, f"earlier tasks: {', '.join(earlier) or 'none'}"


@check(
    points=2,
    needs=("stack.history",),
    topics=("history",),
    hint=on_manager(
        *_AGAIN,
        words=_("Change only the cache's image in {file}. Then do it again."),
    ),
)
def test_others_stay(web: Service, counter: Service, cache: Service) -> None:
    """When the cache was replaced, the tasks of web and counter kept running."""
    change = next(turn.new.created for turn in turns(cache) if turn.new.created)
    replaced = [
        f"{service.name}.{turn.place}"
        for service in (web, counter)
        for turn in turns(service)
        # One that failed by itself at that time is none that was replaced.
        if turn.old.state == "shutdown" and turn.new.created and abs(turn.new.created - change) < _TOGETHER
    ]
    assert not replaced, f"replaced at the same time: {', '.join(replaced)}"


@check(
    points=1,
    needs=("stack.published", "stack.running"),
    requires=(Capability.ROUTING_MESH,),
    whole_lab=True,
    topics=("requests",),
    hint=on_manager(
        "curl {address}:{port}",
        "docker stack ps {stack}",
        look=_("See what the port answers, and whether the task of web runs."),
    ),
)
def test_page(node: Node, exam: Exam, parameters: Parameters) -> None:
    """web answers requests to port {port} of the node."""
    answer = exam.pages.through(node, parameters.port)
    assert answer.answered, str(answer)
