"""Faults in the service of the exercise on load balancing."""

from __future__ import annotations

import shlex

from labgen.core.polling import NotYet, wait_until
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.model.capabilities import Capability
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage
from tests.e2e.sabotage.walls import drops, passes

WEB = loadbalance.SERVICE.name

_PAGES = tuple(f"loadbalance.pages[{node}]" for node in (MANAGER, W1, W2)) + tuple(
    f"loadbalance.pages_from_itself[{node}]" for node in (W1, W2)
)
_SHUT = (*(f"loadbalance.port_open[{node}]" for node in (MANAGER, W1, W2)), *_PAGES)
"""What cannot be judged where the service does not run, or is not published, as it should."""

_ALB = (*(f"loadbalance.{name}" for name in ("replicated", "running", "constraint", "on_workers", "published")), *_SHUT)


def _web(options: str, running: int = 2, image: str = "nginx") -> Act:
    return lambda stage: stage.serve(WEB, f"{options} {image}", running)


_PORT = "DOCKER-USER -p tcp --dport 8001"
_RIGHT = "--constraint node.role==worker --replicas 2 --publish 8001:80"


def _faked(stage: Stage) -> None:
    """Containers that only look like the service's."""
    stage.remove(WEB)
    for number, node in enumerate((W1, W2), 1):
        stage.on(node, f"docker run --detach --name {WEB}.{number}.faked --publish 8001:80 nginx")


def _unfaked(stage: Stage) -> None:
    for node in (W1, W2):
        stage.on(node, "docker rm --force $(docker ps --quiet --filter name=faked)")


def _never_runs(stage: Stage) -> None:
    """Its containers end as soon as they have begun."""
    stage.remove(WEB)
    # nginx looks at its settings, and ends.
    stage.manager(f"docker service create --detach --name {WEB} {_RIGHT} nginx nginx -t")
    stage.wait("a task to end", lambda swarm: any(task.failed for task in swarm.services[WEB].tasks))


def _does_not_stay_up(stage: Stage) -> None:
    """Its containers end after 4 s and are replaced at once: whenever one looks, as many run as are wanted."""
    stage.remove(WEB)
    options = f"{_RIGHT} --restart-delay 0s nginx sh -c 'nginx; sleep 4'"
    stage.manager(f"docker service create --detach --name {WEB} {options}")
    stage.wait("tasks to end", lambda swarm: sum(task.failed for task in swarm.services[WEB].tasks) >= 4)
    stage.settled(WEB, 2)


def _short(check: str, *more: str) -> dict[str, str]:
    """These checks fail; and the service was made anew, so nobody has given its containers their pages."""
    return turned(fail=(f"loadbalance.{check}", *(f"loadbalance.{name}" for name in more), *_PAGES))


_NOT_PUBLISHED = turned(fail=("loadbalance.published",), blocked=_SHUT)
_NOT_RUNNING = ("loadbalance.on_workers", *_SHUT)


def _one_page(stage: Stage) -> None:
    """The page of worker 1 only was copied; worker 2 serves nginx's own."""
    stage.serve(WEB, f"{_RIGHT} nginx", 2)
    page = loadbalance.page(1)
    written = shlex.quote(f"echo {shlex.quote(page)} >{loadbalance.PAGE_PATH}")
    stage.on(W1, f"docker exec $(docker ps --quiet --filter name={WEB}) sh -c {written}")


def _walled(stage: Stage) -> None:
    stage.must("labgen", "run", "loadbalance")
    drops(W2, _PORT)(stage)


_ON_W2 = tuple(f"loadbalance.{name}[{W2}]" for name in ("pages", "pages_from_itself"))


def _taken(stage: Stage) -> None:
    """Another program was first at the published port, on a worker; the swarm takes tasks there all the same."""
    stage.remove(WEB)
    # The swarm lets go of it a moment after the service has gone.
    _port_is(stage, "")
    stage.on(W2, "systemd-run --quiet --unit first-there python3 -m http.server 8001 --bind 127.0.0.1")
    _port_is(stage, "127.0.0.1:8001")
    stage.serve(WEB, f"{_RIGHT} nginx", 2)


def _port_is(stage: Stage, wanted: str) -> None:
    def seen() -> None:
        if (there := stage.on(W2, "ss -ltnH 'sport = :8001' | awk '{ print $4 }'").strip()) != wanted:
            raise NotYet(there or "nobody listens")

    wait_until(f"port 8001 of {W2} to be {wanted or 'free'}", seen, within=stage.there.patience.seconds(30), every=1)


def _let_go(stage: Stage) -> None:
    stage.remove(WEB)
    stage.on(W2, "systemctl stop first-there")


FAULTS = (
    Fault(
        "no service",
        "loadbalance",
        lambda stage: stage.remove(WEB),
        turned(fail=("loadbalance.service_exists",), blocked=_ALB),
    ),
    Fault(
        "containers that only look like the service",
        "loadbalance",
        _faked,
        turned(fail=("loadbalance.service_exists",), blocked=_ALB),
        _unfaked,
    ),
    Fault(
        "another image",
        "loadbalance",
        _web(_RIGHT, image="redis:6.0-alpine"),
        turned(fail=("loadbalance.service_exists",), blocked=_ALB),
    ),
    Fault(
        "global instead of replicated",
        "loadbalance",
        _web("--constraint node.role==worker --mode global --publish 8001:80"),
        _short("replicated"),
    ),
    Fault(
        "one replica short",
        "loadbalance",
        _web("--constraint node.role==worker --replicas 1 --publish 8001:80", 1),
        turned(fail=("loadbalance.replicated", "loadbalance.running"), blocked=_NOT_RUNNING),
    ),
    Fault(
        "one replica too many",
        "loadbalance",
        _web("--constraint node.role==worker --replicas 3 --publish 8001:80", 3),
        turned(fail=("loadbalance.replicated", "loadbalance.running"), blocked=_NOT_RUNNING),
    ),
    Fault(
        "a constraint missing",
        "loadbalance",
        _web(f"--constraint node.hostname!={MANAGER} --replicas 2 --publish 8001:80"),
        _short("constraint"),
    ),
    Fault(
        "constrained to managers",
        "loadbalance",
        _web("--constraint node.role==manager --replicas 2 --publish 8001:80"),
        _short("constraint", "on_workers"),
    ),
    Fault("a wrong published port", "loadbalance", _web(_RIGHT.replace("8001:80", "8080:80")), _NOT_PUBLISHED),
    Fault("a wrong target port", "loadbalance", _web(_RIGHT.replace("8001:80", "8001:8080")), _NOT_PUBLISHED),
    Fault(
        "published in host mode",
        "loadbalance",
        _web(_RIGHT.replace("8001:80", "mode=host,published=8001,target=80")),
        _NOT_PUBLISHED,
    ),
    Fault("not published", "loadbalance", _web(_RIGHT.replace("--publish 8001:80", "")), _NOT_PUBLISHED),
    Fault(
        "its containers end at once",
        "loadbalance",
        _never_runs,
        turned(fail=("loadbalance.running",), blocked=_NOT_RUNNING),
    ),
    Fault(
        "its containers end every 4 s",
        "loadbalance",
        _does_not_stay_up,
        turned(fail=("loadbalance.running",), blocked=_NOT_RUNNING),
        cause="flapping",
    ),
    Fault(
        "its containers sleep",
        "loadbalance",
        _web(_RIGHT, image="nginx sleep 10000"),
        turned(fail=("loadbalance.service_exists",), blocked=_ALB),
    ),
    Fault(
        "a page copied to one worker only",
        "loadbalance",
        _one_page,
        turned(fail=_PAGES),
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        "a firewall drops the published port on a worker",
        "loadbalance",
        _walled,
        turned(fail=(f"loadbalance.pages[{W2}]",)),
        passes(W2, _PORT),
        needs=(Capability.ROUTING_MESH,),
    ),
    Fault(
        "another program has the published port on a worker",
        "loadbalance",
        _taken,
        turned(
            fail=(f"loadbalance.port_open[{W2}]", *(name for name in _PAGES if name not in _ON_W2)),
            blocked=_ON_W2,
        ),
        _let_go,
        needs=(Capability.ROUTING_MESH,),
    ),
)
