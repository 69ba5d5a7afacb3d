"""Faults in the service of the exercise on the rolling update."""

from __future__ import annotations

from labgen.exercises.update import exercise as update
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import Stage

DATABASE = update.SERVICE.name

_OLD = f"--replicas 3 {update.OLD}"
_TO_NEW = f"docker service update --detach=false --image {update.NEW}"


def _of(*names: str) -> tuple[str, ...]:
    return tuple(f"update.{name}" for name in names)


_ALL = _of("running", "image", "server_version", "history", "one_at_a_time", "completed")
_NOT_NEW = turned(fail=_of("image"), blocked=_of("server_version", "history", "one_at_a_time", "completed"))


def _then(*commands: str, create: str = _OLD, running: int = 3) -> Act:
    """The service as the exercise makes it, and then something else than it says."""

    def act(stage: Stage) -> None:
        stage.serve(DATABASE, create, 3)
        for command in commands:
            stage.manager(f"{command} {DATABASE} >/dev/null 2>&1 || true", within=180)
        stage.settled(DATABASE, running)

    return act


_KEPT = "/root/image.right"


def _renamed(stage: Stage) -> None:
    """The old image is called as the new one, and then the service is updated to that name.

    A node that reaches a registry would fetch the right one; none does meanwhile.
    """
    for node in stage.lab.nodes:
        stage.on(
            node.name,
            f"docker pull -q {update.NEW} >/dev/null",
            f"docker image inspect --format '{{{{.Id}}}}' {update.NEW} >{_KEPT}",
            f"docker pull -q {update.OLD} >/dev/null",
            f"docker tag {update.OLD} {update.NEW}",
            "systemctl stop docker-registry",
        )
    stage.serve(DATABASE, _OLD, 3)
    stage.manager(
        f"docker service update --detach=false --no-resolve-image --image {update.NEW} {DATABASE}", within=180
    )
    stage.settled(DATABASE, 3)


def _named_again(stage: Stage) -> None:
    stage.remove(DATABASE)
    for node in stage.lab.nodes:
        stage.on(node.name, "systemctl start docker-registry", f"docker tag $(cat {_KEPT}) {update.NEW}")


FAULTS = (
    Fault(
        "the old image under the new one's name",
        "update",
        _renamed,
        turned(fail=_of("image"), blocked=_of("server_version", "history", "one_at_a_time", "completed")),
        _named_again,
    ),
    Fault(
        "no database", "update", lambda stage: stage.remove(DATABASE), turned(fail=_of("service_exists"), blocked=_ALL)
    ),
    Fault("made and never updated", "update", _then(), _NOT_NEW),
    Fault(
        "the update done by remove-and-create",
        "update",
        _then(create=f"--replicas 3 {update.NEW}"),
        turned(fail=_of("history", "completed"), blocked=_of("one_at_a_time")),
    ),
    Fault(
        "all tasks updated at once",
        "update",
        _then(f"{_TO_NEW} --update-parallelism 0"),
        turned(fail=_of("one_at_a_time")),
    ),
    Fault("updated and rolled back", "update", _then(_TO_NEW, "docker service rollback --detach=false"), _NOT_NEW),
    Fault(
        "updated and scaled down",
        "update",
        _then(_TO_NEW, "docker service update --detach=false --replicas 2", running=2),
        turned(fail=_of("running"), blocked=_of("image", "server_version", "history", "one_at_a_time", "completed")),
    ),
    Fault(
        "a server that is none",
        "update",
        _then(_TO_NEW, create=f"{_OLD} sh -c 'trap exit TERM; while :; do sleep 1; done; redis-server'"),
        turned(fail=_of("server_version")),
    ),
    Fault(
        "updated to another program",
        "update",
        _then("docker service update --detach=false --image nginx --args ''"),
        turned(fail=_of("service_exists"), blocked=_ALL),
    ),
)
