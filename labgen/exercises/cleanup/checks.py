"""The exercise on clean-up: something of the course was there, and nothing of it is left on any node."""

from __future__ import annotations

from labgen.core.words import Words
from labgen.docker import events
from labgen.docker.swarm import Swarm
from labgen.exercise.hint import in_folder, on_manager, on_node
from labgen.exercise.services import repository
from labgen.model.lab import Lab, Node
from verify.checks import check
from verify.exam import Exam

from . import exercise as cleanup


@check(
    points=1,
    ko="이 스웜에서 과정의 서비스가 실행되었다가 사라졌다. 엔진이 아직 그 흔적을 기억한다.",
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    hint=on_manager(
        *(spec.create for spec in cleanup.REMOVED),
        cleanup.REMOVE,
        look=Words(
            "Nothing was removed yet. Create these services if they do not exist; the last command removes them. Grade "
            "their own exercises first.",
            "아직 지운 것이 없습니다. 서비스가 없으면 먼저 만드세요. 마지막 명령이 서비스를 지웁니다. 그 서비스의 "
            "실습을 먼저 채점하세요.",
        ),
    ),
)
def test_something_was_there(swarm: Swarm, exam: Exam, lab: Lab) -> None:
    """A service of the course, or a container of one, was in this swarm and is gone: an engine still tells of it."""
    began = min((node.created for node in swarm.nodes if node.created), default=None)
    assert began is not None, "the managers do not say when their nodes joined"
    forgotten = []
    for node in lab.nodes:
        history = events.read(exam.on(node, events.script(began)))
        if cleanup.of_the_course(history.services, cleanup.services()):
            return
        # An engine that was started anew has lost its events, but not the images of what ran there.
        if history.forgotten(began) and cleanup.images() & {repository(image) for image in exam.stored.images(node)}:
            return
        forgotten += [node.name] if history.forgotten(began) else []
    anew = f" ({', '.join(forgotten)}: the engine was started anew since, and has no image of the course)"
    raise AssertionError(f"no engine tells of a service of the course{anew if forgotten else ''}")


@check(
    points=2,
    ko="과정의 서비스가 하나도 남아 있지 않다. web-alb와 global_nginx뿐 아니라 다른 실습의 서비스도 없다.",
    needs=("cleanup.something_was_there",),
    hint=(
        on_manager(
            "docker service ls",
            "docker service rm SERVICE",
            look=Words(
                "This exercise is about removing: remove each service named above.",
                "지우는 실습입니다. 위에 나온 서비스를 지우세요.",
            ),
        ),
        in_folder("fab exercise.cleanup", look=Words("Or let labgen do it.", "또는 labgen이 하게 하세요.")),
    ),
)
def test_services_gone(swarm: Swarm) -> None:
    """No service of the course is left: not web-alb, not global_nginx, and none of any other exercise."""
    leftovers = cleanup.of_the_course(swarm.services, cleanup.services())
    assert not leftovers, f"still there: {', '.join(sorted(leftovers))}"


@check(
    points=1,
    ko="이 노드에 과정의 컨테이너가 남아 있지 않다. 멈춘 컨테이너도 없다.",
    needs=("cleanup.services_gone",),
    hint=on_node(
        "docker ps --all",
        "docker rm -f CONTAINER",
        look=Words(
            "A container of a service goes with the service. One that was made with docker run is removed by hand.",
            "서비스의 컨테이너는 서비스를 지우면 사라집니다. docker run으로 만든 것은 직접 지웁니다.",
        ),
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
    ko="과정의 오버레이 네트워크가 남아 있지 않다. 스웜의 ingress는 남는다.",
    needs=("cleanup.services_gone",),
    hint=on_manager(
        "docker network ls --filter driver=overlay",
        "docker network rm NETWORK",
        look=Words("Remove each network named above.", "위에 나온 네트워크를 지우세요."),
    ),
)
def test_networks_gone(swarm: Swarm) -> None:
    """No overlay network of the course is left; the swarm's own, ingress, stays."""
    overlays = [network.name for network in swarm.networks if network.driver == "overlay" and not network.ingress]
    leftovers = cleanup.of_the_course(overlays, cleanup.networks())
    assert not leftovers, f"still there: {', '.join(sorted(leftovers))}"
