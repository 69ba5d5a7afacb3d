"""The exercise on clean-up: something of the course was there, and nothing of it is left on any node."""

from __future__ import annotations

from labgen.course import Words, cleanup
from labgen.course.spec import repository
from labgen.lab import Lab, Node
from labgen.swarm import Swarm, traces
from verify.checks import check
from verify.exam import Exam

_FIRST = "; ".join(spec.create for spec in cleanup.REMOVED)


@check(
    points=1,
    ko="이 스웜에서 과정의 서비스가 실행되었다가 사라졌다. 엔진이 아직 그 흔적을 기억한다.",
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    hint=Words(
        f"Nothing was removed yet. On {{manager}}, where there is nothing to remove: {_FIRST}; then: {cleanup.REMOVE}",
        f"아직 지운 것이 없습니다. {{manager}}에서, 지울 것이 없으면 먼저: {_FIRST}. 그다음: {cleanup.REMOVE}",
    ),
)
def test_something_was_there(swarm: Swarm, exam: Exam, lab: Lab) -> None:
    """A service of the course, or a container of one, was in this swarm and is gone: an engine still tells of it."""
    began = min((node.created for node in swarm.nodes if node.created), default=None)
    assert began is not None, "the managers do not say when their nodes joined"
    forgotten = []
    for node in lab.nodes:
        kept = traces.read(exam.on(node, traces.script(began)))
        if cleanup.of_the_course(kept.services, cleanup.services()):
            return
        # An engine that was started anew has lost its events, but not the images of what ran there.
        if kept.forgotten(began) and cleanup.images() & {repository(image) for image in exam.images(node)}:
            return
        forgotten += [node.name] if kept.forgotten(began) else []
    anew = f" ({', '.join(forgotten)}: the engine was started anew since, and has no image of the course)"
    raise AssertionError(f"no engine tells of a service of the course{anew if forgotten else ''}")


@check(
    points=2,
    ko="과정의 서비스가 하나도 남아 있지 않다. web-alb와 global_nginx뿐 아니라 다른 실습의 서비스도 없다.",
    needs=("cleanup.something_was_there",),
    hint=Words(
        "On {manager}: docker service ls; then docker service rm and the names above. Or: fab exercise.cleanup",
        "{manager}에서: docker service ls. 그다음 docker service rm 뒤에 위의 이름들. 또는: fab exercise.cleanup",
    ),
)
def test_services_gone(swarm: Swarm) -> None:
    """No service of the course is left: not web-alb, not global_nginx, and none of any other exercise."""
    left = cleanup.of_the_course(swarm.services, cleanup.services())
    assert not left, f"still there: {', '.join(sorted(left))}"


@check(
    points=1,
    ko="이 노드에 과정의 컨테이너가 남아 있지 않다. 멈춘 컨테이너도 없다.",
    needs=("cleanup.services_gone",),
    hint=Words(
        "On {node}: docker ps --all. A container of a service goes with the service; one made with docker run goes "
        "with docker rm -f.",
        "{node}에서: docker ps --all. 서비스의 컨테이너는 서비스를 지우면 사라지고, docker run으로 만든 것은 "
        "docker rm -f로 지웁니다.",
    ),
)
def test_containers_gone(node: Node, exam: Exam) -> None:
    """No container of the course is left on the node, running or stopped."""
    left = [
        name
        for name, labels in exam.containers(node).items()
        if cleanup.of_the_course([labels.get("com.docker.swarm.service.name", name)], cleanup.services())
    ]
    assert not left, f"still there: {', '.join(sorted(left))}"


@check(
    points=1,
    ko="과정의 오버레이 네트워크가 남아 있지 않다. 스웜의 ingress는 남는다.",
    needs=("cleanup.services_gone",),
    hint=Words(
        "On {manager}: docker network ls --filter driver=overlay; docker network rm and the names above.",
        "{manager}에서: docker network ls --filter driver=overlay. 그다음 docker network rm 뒤에 위의 이름들.",
    ),
)
def test_networks_gone(swarm: Swarm) -> None:
    """No overlay network of the course is left; the swarm's own, ingress, stays."""
    overlays = [one.name for one in swarm.networks if one.driver == "overlay" and not one.ingress]
    left = cleanup.of_the_course(overlays, cleanup.networks())
    assert not left, f"still there: {', '.join(sorted(left))}"
