"""The exercise on clean-up: something of the course was there, and nothing of it is left on any node."""

from __future__ import annotations

from labgen.core.i18n import Messages
from labgen.docker import events
from labgen.docker.swarm import Swarm
from labgen.exercise.hint import in_folder, on_manager, on_node
from labgen.exercise.services import repository
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam

from . import exercise as cleanup

_ = Messages.beside(__file__)


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    hint=on_manager(
        "{balanced.create}",
        "{everywhere.create}",
        "{remove}",
        look=_(
            "Nothing was removed yet. The services have to exist before you remove them. Grade their own exercises "
            "first."
        ),
        note=_("Create the services that do not exist; the last command removes them."),
    ),
)
def test_something_was_there(swarm: Swarm, exam: Exam, lab: Lab) -> None:
    """A service of the course ran here and was removed: an engine's event log still shows it."""
    began = min((node.created for node in swarm.nodes if node.created), default=None)
    assert began is not None, "the managers do not say when their nodes joined"
    forgotten = []
    for node in lab.nodes:
        history = events.read(exam.ask_node(node, events.question(began)))
        if cleanup.of_the_course(history.services, cleanup.services()):
            return
        # An engine that was restarted has lost its events, but not the images of what ran there.
        if history.forgotten(began) and cleanup.images() & {repository(image) for image in exam.stored.images(node)}:
            return
        forgotten += [node.name] if history.forgotten(began) else []
    restarted = f" ({', '.join(forgotten)}: the engine was restarted since and has no image of the course)"
    raise AssertionError(f"no engine's event log shows a service of the course{restarted if forgotten else ''}")


@check(
    points=2,
    needs=("cleanup.something_was_there",),
    hint=(
        on_manager(
            "docker service ls",
            "docker service rm SERVICE",
            look=_("This exercise is about removing: remove each service named above."),
        ),
        in_folder("fab exercise.cleanup", note=_("Or let labgen do it.")),
    ),
)
def test_services_gone(swarm: Swarm) -> None:
    """No service of the course is left: neither {balanced.name} nor {everywhere.name}, nor one of another exercise."""
    leftovers = cleanup.of_the_course(swarm.services, cleanup.services())
    assert not leftovers, f"still there: {', '.join(sorted(leftovers))}"


@check(
    points=1,
    needs=("cleanup.services_gone",),
    hint=on_node(
        "docker ps --all",
        "docker rm -f CONTAINER",
        look=_("A container of a service goes with the service. One that was made with docker run is removed by hand."),
    ),
)
def test_containers_gone(node: Node, exam: Exam) -> None:
    """No container of the course is left on the node, running or stopped."""
    leftovers = [
        name
        for name, container in exam.containers(node).items()
        if cleanup.of_the_course([container.labels.get("com.docker.swarm.service.name", name)], cleanup.services())
    ]
    assert not leftovers, f"still there: {', '.join(sorted(leftovers))}"


@check(
    points=1,
    needs=("cleanup.services_gone",),
    hint=on_manager(
        "docker network ls --filter driver=overlay",
        "docker network rm NETWORK",
        look=_("Remove each network named above."),
    ),
)
def test_networks_gone(swarm: Swarm) -> None:
    """No overlay network of the course is left. The swarm's own network, ingress, stays."""
    overlays = [network.name for network in swarm.networks if network.driver == "overlay" and not network.ingress]
    leftovers = cleanup.of_the_course(overlays, cleanup.networks())
    assert not leftovers, f"still there: {', '.join(sorted(leftovers))}"
