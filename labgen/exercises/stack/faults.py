"""Faults in the stack of the exercise.

A service that is to be another is removed before its file is deployed: so it has no history, and no task of it was
replaced together with the cache's, whatever was changed shortly before.
"""

from __future__ import annotations

import shlex

from labgen.docker.swarm import Swarm
from labgen.exercise.services import same_image
from labgen.exercises.stack import exercise as stack
from labgen.model.capabilities import Capability
from tests.e2e.sabotage.acts import make, vanish
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage
from tests.e2e.sabotage.walls import drops, passes

WEB, COUNTER, CACHE = stack.SERVICES
_PORT = WEB.publish[0].published


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"stack.{name}" for name in names)


_PAGES = _of(*(f"page[{name}]" for name in (MANAGER, W1, W2)))
_FROM_THE_CACHE = _of("updated", "from_the_file", "history", "others_stay")


def _but(*changes: tuple[str, str], text: str = stack.CHANGED) -> str:
    """What the file says at the end of the exercise, with something changed."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def _deploy(text: str, *anew: str) -> Act:
    """Deploy a file, and wait until its tasks run.

    :param anew: services to remove before.
    """
    image = stack.NEW if stack.NEW in text else stack.OLD
    replicas = 1 if "replicas: 1" in text else 2

    def there(swarm: Swarm) -> bool:
        of_it = {spec.name: swarm.services.get(spec.name) for spec in stack.SERVICES}
        web, counter, cache = of_it[WEB.name], of_it[COUNTER.name], of_it[CACHE.name]
        if not (web and counter and cache):
            return False
        running = [len(one.running) for one in (web, counter, cache)] == [replicas, 1, 1]
        return (
            running
            and all(one.settled for one in (web, counter, cache))
            and all(same_image(task.image, image) for task in cache.running)
        )

    def act(stage: Stage) -> None:
        stage.remove(*anew)
        stage.manager(f"docker stack deploy --compose-file - {stack.STACK} <<'EOF'\n{text}EOF", within=180)
        stage.wait("the stack to run", there)

    return act


def _one_after_the_other(*acts: Act) -> Act:
    def act(stage: Stage) -> None:
        for one in acts:
            one(stage)

    return act


_RIGHT = _deploy(stack.CHANGED)
_OLD = _deploy(stack.TEXT)


def _alone(stage: Stage) -> None:
    """The web server made by itself, just as the file has it."""
    make(stage, WEB)


def _nobody_counts(stage: Stage) -> None:
    """The counter asks under another name than the cache has, and has done so from the beginning."""
    vanish(stage, COUNTER.name)  # It would count until its container has ended.
    _deploy(_but(("nc cache", "nc redis")))(stage)
    swarm = stage.swarm()
    (task,) = swarm.services[CACHE.name].running
    node = swarm.node(task.node_id)
    assert node is not None
    stage.on(node.name, f"docker exec {shlex.quote(task.container_id)} redis-cli DEL visits")


def _by_hand(stage: Stage) -> None:
    stage.manager(f"docker service update --image {stack.NEW} {CACHE.name} >/dev/null", within=180)


_MORE = _but(("sleep 1;", "sleep 2;"))
_FRONT = _but(("    image: nginx\n", "    image: nginx\n    networks: [front]\n")) + "\nnetworks:\n  front: {}\n"
_WALL = f"DOCKER-USER -p tcp --dport {_PORT}"
_WEB_ANEW, _COUNTER_ANEW, _CACHE_ANEW = (_deploy(stack.CHANGED, spec.name) for spec in stack.SERVICES)

FAULTS = (
    Fault(
        "a service of the stack made by itself",
        "stack",
        _alone,
        turned(
            fail=_of("deployed"),
            blocked=(*_of("running", "published", "network", "connected"), *_FROM_THE_CACHE, *_PAGES),
        ),
        _WEB_ANEW,
    ),
    Fault(
        "one web server short in the file",
        "stack",
        _deploy(_but(("replicas: 2", "replicas: 1"))),
        turned(fail=_of("running"), blocked=(*_of("connected"), *_FROM_THE_CACHE, *_PAGES)),
        _RIGHT,
    ),
    Fault(
        "another port in the file",
        "stack",
        _deploy(_but((f"{_PORT}:80", "8091:80")), WEB.name),
        turned(fail=_of("published"), blocked=_PAGES),
        _WEB_ANEW,
    ),
    Fault(
        "the web server on a network of its own",
        "stack",
        _deploy(_FRONT, WEB.name),
        turned(fail=_of("network"), blocked=_of("connected")),
        _WEB_ANEW,
    ),
    Fault("the counter asks under a wrong name", "stack", _nobody_counts, turned(fail=_of("connected")), _COUNTER_ANEW),
    Fault(
        "the file never changed",
        "stack",
        _OLD,
        turned(fail=_of("updated"), blocked=_of("from_the_file", "history", "others_stay")),
        _RIGHT,
    ),
    Fault(
        "the cache updated past the file",
        "stack",
        _one_after_the_other(_OLD, _by_hand),
        turned(fail=_of("from_the_file")),
        _RIGHT,
    ),
    Fault(
        "the cache removed and deployed anew",
        "stack",
        _CACHE_ANEW,
        turned(fail=_of("history"), blocked=_of("others_stay")),
        _one_after_the_other(_OLD, _RIGHT),
    ),
    Fault(
        "the counter changed together with the cache",
        "stack",
        _one_after_the_other(_OLD, _deploy(_MORE)),
        turned(fail=_of("others_stay")),
        _COUNTER_ANEW,
    ),
    Fault(
        "a firewall before the stack's port of a node",
        "stack",
        drops(W2, _WALL),
        turned(fail=_of(f"page[{W2}]")),
        passes(W2, _WALL),
        needs=(Capability.ROUTING_MESH,),
    ),
)
