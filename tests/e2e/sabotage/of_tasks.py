"""Faults by which the tasks of a service do not run, for each the cause that is to be told."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from labgen.docker.swarm import Swarm
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.exercises.ports import exercise as ports
from labgen.exercises.update import exercise as update
from tests.e2e.sabotage.acts import make, vanish
from tests.e2e.sabotage.fault import Act, Fault, turned
from tests.e2e.sabotage.stage import MANAGER, W1, W2, Stage

WEB, DATABASE, HOST = loadbalance.SERVICE, update.SERVICE, ports.HOST
_NODES = (MANAGER, W1, W2)


def _changed(name: str, options: str, error: str) -> Act:
    """Change a service so that its tasks cannot run, and wait until their error says so."""

    def act(stage: Stage) -> None:
        stage.manager(f"docker service update --detach {options} {name} >/dev/null")
        _until_error(stage, name, error)

    return act


def _until_error(stage: Stage, name: str, error: str) -> None:
    """Wait until a task of a service has an error."""

    def failed(swarm: Swarm) -> bool:
        service = swarm.services.get(name)
        return service is not None and any(error in task.error for task in service.tasks)

    stage.wait(f"the tasks of {name} to fail", failed)


ALB = tuple(
    f"loadbalance.{name}"
    for name in (
        "replicated",
        "running",
        "constraint",
        "on_workers",
        "published",
        *(f"port_open[{node}]" for node in _NODES),
        *(f"pages[{node}]" for node in _NODES),
        *(f"pages_from_itself[{node}]" for node in (W1, W2)),
    )
)
_NONE_RUNS = turned(
    fail=("loadbalance.running",),
    blocked=tuple(check for check in ALB if check.partition(".")[2].startswith(("on_workers", "port_open", "pages"))),
)
_DATABASE = tuple(
    f"update.{name}" for name in ("running", "image", "server_version", "history", "one_at_a_time", "completed")
)


def balanced(stage: Stage) -> None:
    """As the exercise leaves it; pages are not put in again where no check could ask for them."""
    stage.remove("web-alb2", "registry-page")
    stage.must("labgen", "run", "loadbalance")


def _again(stage: Stage) -> None:
    stage.remove(WEB.name)
    balanced(stage)


def updated(stage: Stage) -> None:
    stage.manager("docker swarm update --task-history-limit 5 >/dev/null")
    stage.remove(DATABASE.name)
    stage.must("labgen", "run", "update")


def _all_of(*acts: Act) -> Act:
    """Several acts, one after the other."""

    def act(stage: Stage) -> None:
        for step in acts:
            step(stage)

    return act


def _on_workers(*lines: str) -> Act:
    """Lines of shell on both workers."""

    def act(stage: Stage) -> None:
        for worker in (W1, W2):
            stage.on(worker, *lines)

    return act


def _no_image(stage: Stage) -> None:
    """Create the service where no image arrives: neither from Docker Hub nor from its stand-in."""
    vanish(stage, WEB.name)
    _on_workers(
        "systemctl stop docker-registry",
        "echo 127.0.0.1 registry-1.docker.io >>/etc/hosts",
        f"docker image rm --force $(docker image ls --quiet {WEB.image}) >/dev/null",
    )(stage)
    stage.manager(WEB.create.replace("create ", "create --detach ", 1))
    _until_error(stage, WEB.name, "No such image")


_PROXY_FILE = "/etc/systemd/system/docker.service.d/proxy.conf"
_PROXY = _on_workers(
    f"mkdir -p {Path(_PROXY_FILE).parent}",
    f"printf '[Service]\\nEnvironment=HTTPS_PROXY=http://127.0.0.1:3128\\n' >{_PROXY_FILE}",
    "systemctl daemon-reload",
    "systemctl restart docker",
)


def _registry_again(stage: Stage) -> None:
    # Written in place: a container's /etc/hosts cannot be replaced.
    hosts = "grep -v registry-1.docker.io /etc/hosts >/tmp/hosts; cat /tmp/hosts >/etc/hosts; rm /tmp/hosts"
    _on_workers("systemctl start docker-registry", hosts)(stage)
    _again(stage)


def _no_proxy(stage: Stage) -> None:
    _on_workers(f"rm -f {_PROXY_FILE}", "systemctl daemon-reload", "systemctl restart docker")(stage)
    _registry_again(stage)


def _for_another_processor(stage: Stage) -> None:
    """Say of the service's image that it is for arm64 only, as `docker service create` does after asking a registry."""
    (service,) = json.loads(stage.manager(f"docker service inspect {WEB.name}"))
    spec = service["Spec"]
    spec["TaskTemplate"]["Placement"]["Platforms"] = [{"Architecture": "arm64", "OS": "linux"}]
    spec["UpdateConfig"] = {"Parallelism": 0}
    stage.manager(
        "curl --silent --show-error --fail --unix-socket /var/run/docker.sock -H 'Content-Type: application/json' "
        f"--data {shlex.quote(json.dumps(spec))} "
        f"'http://engine/services/{service['ID']}/update?version={service['Version']['Index']}' >/dev/null"
    )
    _until_error(stage, WEB.name, "unsupported platform")


def _squatted(stage: Stage) -> None:
    """Another service has the port on every node before the exercise's is created."""
    port = HOST.publish[0].published
    stage.remove(HOST.name)
    stage.serve("squatter", f"--mode global --publish mode=host,published={port},target=80 nginx", len(_NODES))
    stage.manager(ports.crowded(len(_NODES)).create.replace("create ", "create --detach ", 1))
    _until_error(stage, HOST.name, "host-mode port already in use")


def _unsquatted(stage: Stage) -> None:
    stage.remove("squatter", HOST.name)
    make(stage, ports.crowded(len(_NODES)), running=len(_NODES))


def _all_drained(stage: Stage) -> None:
    stage.manager(*(f"docker node update --availability drain {name} >/dev/null" for name in _NODES))
    _until_error(stage, DATABASE.name, "not available for new tasks")


def _all_active(stage: Stage) -> None:
    stage.manager(*(f"docker node update --availability active {name} >/dev/null" for name in _NODES))
    updated(stage)


def _update_paused(stage: Stage) -> None:
    """Update so that a replica ends at once (an option that redis does not have): Swarm stops after it."""
    stage.manager(f"docker service update --detach --args 'redis-server --nosuch yes' {DATABASE.name} >/dev/null")
    stage.wait("the update to be paused", lambda swarm: swarm.services[DATABASE.name].update_state == "paused")


FAULTS = (
    Fault(
        "a constraint that no node meets",
        "loadbalance",
        _changed(WEB.name, "--constraint-add node.labels.disk==ssd --update-parallelism 0", "scheduling constraints"),
        _NONE_RUNS,
        _again,
        cause="constraint",
    ),
    Fault(
        "more memory reserved than any node has",
        "loadbalance",
        _changed(WEB.name, "--reserve-memory 1TB --update-parallelism 0", "insufficient resources"),
        _NONE_RUNS,
        _again,
        cause="resources",
    ),
    Fault(
        "a program that the image does not have",
        "loadbalance",
        _changed(WEB.name, "--entrypoint /missing/nginx --update-parallelism 0 --restart-delay 0s", "/missing/nginx"),
        _NONE_RUNS,
        _again,
        cause="command-not-found",
    ),
    Fault(
        "updated to an image that is not there",
        "update",
        _changed(DATABASE.name, "--image redis:nosuch --update-parallelism 0", "No such image"),
        turned(fail=("update.running",), blocked=_DATABASE[1:]),
        updated,
        cause="image-missing",
    ),
    Fault(
        "no image arrives on the workers",
        "loadbalance",
        _no_image,
        _NONE_RUNS,
        _registry_again,
        cause="image-not-pulled",
    ),
    Fault(
        "a proxy that does not exist between the workers and the registry",
        "loadbalance",
        _all_of(_PROXY, _no_image),
        _NONE_RUNS,
        _no_proxy,
        cause="proxy",
    ),
    Fault(
        "an image for another kind of processor",
        "loadbalance",
        _for_another_processor,
        _NONE_RUNS,
        _again,
        cause="platform",
    ),
    Fault(
        "another service has the port on every node",
        "ports",
        _squatted,
        turned(fail=("ports.host",), blocked=("ports.host_answers", "ports.one_for_each_node")),
        _unsquatted,
        cause="host-port-taken",
    ),
    Fault(
        "every node is drained",
        "update",
        _all_drained,
        turned(fail=("update.running",), blocked=_DATABASE[1:]),
        _all_active,
        cause="no-node-available",
    ),
    Fault(
        "an update that was paused after its first replica",
        "update",
        _update_paused,
        turned(fail=("update.running",), blocked=_DATABASE[1:]),
        updated,
        cause="update-paused",
    ),
)
