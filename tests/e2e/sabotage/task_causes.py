"""Faults by which the tasks of a service do not run, for each the cause that is to be told."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from labgen.docker.swarm import Swarm
from labgen.exercise import fault_acts as acts
from labgen.exercise.faults import MANAGER, WORKER1, WORKER2, Act, Fault, LiveLab
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.exercises.ports import exercise as ports
from labgen.exercises.update import exercise as update

CAUSE = "it shows a cause; tests/unit/observation/causes has the answers by which that is recognised"
"""Why these faults are brought about on nodes only."""

WEB, DATABASE, HOST = loadbalance.Parameters().service, update.Parameters().service, ports.Parameters().host
_NODES = (MANAGER, WORKER1, WORKER2)


def _changed(name: str, options: str, error: str) -> Act:
    """Change a service so that its tasks cannot run, and wait until their error says so."""

    def act(lab: LiveLab) -> None:
        lab.manager(f"docker service update --detach {options} {name} >/dev/null")
        _until_error(lab, name, error)

    return act


def _until_error(lab: LiveLab, name: str, error: str) -> None:
    """Wait until a task of a service has an error."""

    def failed(swarm: Swarm) -> bool:
        service = swarm.services.get(name)
        return service is not None and any(error in task.error for task in service.tasks)

    lab.wait(f"the tasks of {name} to fail", failed)


def balanced(lab: LiveLab) -> None:
    """As the exercise leaves it; pages are not put in again where no check could ask for them."""
    lab.remove("web-alb2", "registry-page")
    lab.labgen("run", "loadbalance")


def _again(lab: LiveLab) -> None:
    lab.remove(WEB.name)
    balanced(lab)


def updated(lab: LiveLab) -> None:
    lab.manager("docker swarm update --task-history-limit 5 >/dev/null")
    lab.remove(DATABASE.name)
    lab.labgen("run", "update")


def _all_of(*acts: Act) -> Act:
    """Several acts, one after the other."""

    def act(lab: LiveLab) -> None:
        for step in acts:
            step(lab)

    return act


def _on_workers(*lines: str) -> Act:
    """Lines of shell on both workers."""

    def act(lab: LiveLab) -> None:
        for worker in (WORKER1, WORKER2):
            lab.on(worker, *lines)

    return act


def _no_image(lab: LiveLab) -> None:
    """Create the service where no image arrives: neither from Docker Hub nor from its stand-in."""
    acts.vanish(lab, WEB.name)
    _on_workers(
        "systemctl stop docker-registry",
        "echo 127.0.0.1 registry-1.docker.io >>/etc/hosts",
        f"docker image rm --force $(docker image ls --quiet {WEB.image}) >/dev/null",
    )(lab)
    lab.manager(WEB.create.replace("create ", "create --detach ", 1))
    _until_error(lab, WEB.name, "No such image")


_PROXY_FILE = "/etc/systemd/system/docker.service.d/proxy.conf"
_PROXY = _on_workers(
    f"mkdir -p {Path(_PROXY_FILE).parent}",
    f"printf '[Service]\\nEnvironment=HTTPS_PROXY=http://127.0.0.1:3128\\n' >{_PROXY_FILE}",
    "systemctl daemon-reload",
    "systemctl restart docker",
)


def _registry_again(lab: LiveLab) -> None:
    # Written in place: a container's /etc/hosts cannot be replaced.
    hosts = "grep -v registry-1.docker.io /etc/hosts >/tmp/hosts; cat /tmp/hosts >/etc/hosts; rm /tmp/hosts"
    _on_workers("systemctl start docker-registry", hosts)(lab)
    _again(lab)


def _no_proxy(lab: LiveLab) -> None:
    _on_workers(f"rm -f {_PROXY_FILE}", "systemctl daemon-reload", "systemctl restart docker")(lab)
    _registry_again(lab)


def _for_another_processor(lab: LiveLab) -> None:
    """Say of the service's image that it is for arm64 only, as `docker service create` does after asking a registry."""
    (service,) = json.loads(lab.manager(f"docker service inspect {WEB.name}"))
    spec = service["Spec"]
    spec["TaskTemplate"]["Placement"]["Platforms"] = [{"Architecture": "arm64", "OS": "linux"}]
    spec["UpdateConfig"] = {"Parallelism": 0}
    lab.manager(
        "curl --silent --show-error --fail --unix-socket /var/run/docker.sock -H 'Content-Type: application/json' "
        f"--data {shlex.quote(json.dumps(spec))} "
        f"'http://engine/services/{service['ID']}/update?version={service['Version']['Index']}' >/dev/null"
    )
    _until_error(lab, WEB.name, "unsupported platform")


def _squatted(lab: LiveLab) -> None:
    """Another service has the port on every node before the exercise's is created."""
    port = HOST.publish[0].published
    lab.remove(HOST.name)
    lab.serve("squatter", f"--mode global --publish mode=host,published={port},target=80 nginx", len(_NODES))
    lab.manager(ports.Parameters().crowded(len(_NODES)).create.replace("create ", "create --detach ", 1))
    _until_error(lab, HOST.name, "host-mode port already in use")


def _unsquatted(lab: LiveLab) -> None:
    lab.remove("squatter", HOST.name)
    acts.make(lab, ports.Parameters().crowded(len(_NODES)), running=len(_NODES))


def _all_drained(lab: LiveLab) -> None:
    lab.manager(*(f"docker node update --availability drain {name} >/dev/null" for name in _NODES))
    _until_error(lab, DATABASE.name, "not available for new tasks")


def _all_active(lab: LiveLab) -> None:
    lab.manager(*(f"docker node update --availability active {name} >/dev/null" for name in _NODES))
    updated(lab)


def _update_paused(lab: LiveLab) -> None:
    """Update so that a replica ends at once (an option that redis does not have): Swarm stops after it."""
    lab.manager(f"docker service update --detach --args 'redis-server --nosuch yes' {DATABASE.name} >/dev/null")
    lab.wait("the update to be paused", lambda swarm: swarm.services[DATABASE.name].update_state == "paused")


FAULTS = (
    Fault(
        "a constraint that no node meets",
        exercise="loadbalance",
        fail=("running",),
        blocked=("on_workers", "pages", "pages_from_itself", "port_open"),
        on_nodes=_changed(
            WEB.name, "--constraint-add node.labels.disk==ssd --update-parallelism 0", "scheduling constraints"
        ),
        mend=_again,
        cause="constraint",
        only=CAUSE,
    ),
    Fault(
        "more memory reserved than any node has",
        exercise="loadbalance",
        fail=("running",),
        blocked=("on_workers", "pages", "pages_from_itself", "port_open"),
        on_nodes=_changed(WEB.name, "--reserve-memory 1TB --update-parallelism 0", "insufficient resources"),
        mend=_again,
        cause="resources",
        only=CAUSE,
    ),
    Fault(
        "a program that the image does not have",
        exercise="loadbalance",
        fail=("running",),
        blocked=("on_workers", "pages", "pages_from_itself", "port_open"),
        on_nodes=_changed(
            WEB.name, "--entrypoint /missing/nginx --update-parallelism 0 --restart-delay 0s", "/missing/nginx"
        ),
        mend=_again,
        cause="command-not-found",
        only=CAUSE,
    ),
    Fault(
        "updated to an image that is not there",
        exercise="update",
        fail=("running",),
        blocked=("completed", "history", "image", "one_at_a_time", "server_version"),
        on_nodes=_changed(DATABASE.name, "--image redis:nosuch --update-parallelism 0", "No such image"),
        mend=updated,
        cause="image-missing",
        only=CAUSE,
    ),
    Fault(
        "no image arrives on the workers",
        exercise="loadbalance",
        fail=("running",),
        blocked=("on_workers", "pages", "pages_from_itself", "port_open"),
        on_nodes=_no_image,
        mend=_registry_again,
        cause="image-not-pulled",
        only=CAUSE,
    ),
    Fault(
        "a proxy that does not exist between the workers and the registry",
        exercise="loadbalance",
        fail=("running",),
        blocked=("on_workers", "pages", "pages_from_itself", "port_open"),
        on_nodes=_all_of(_PROXY, _no_image),
        mend=_no_proxy,
        cause="proxy",
        only=CAUSE,
    ),
    Fault(
        "an image for another kind of processor",
        exercise="loadbalance",
        fail=("running",),
        blocked=("on_workers", "pages", "pages_from_itself", "port_open"),
        on_nodes=_for_another_processor,
        mend=_again,
        cause="platform",
        only=CAUSE,
    ),
    Fault(
        "another service has the port on every node",
        exercise="ports",
        fail=("host",),
        blocked=("host_answers", "one_for_each_node"),
        on_nodes=_squatted,
        mend=_unsquatted,
        cause="host-port-taken",
        only=CAUSE,
    ),
    Fault(
        "every node is drained",
        exercise="update",
        fail=("running",),
        blocked=("completed", "history", "image", "one_at_a_time", "server_version"),
        on_nodes=_all_drained,
        mend=_all_active,
        cause="no-node-available",
        only=CAUSE,
    ),
    Fault(
        "an update that was paused after its first replica",
        exercise="update",
        fail=("running",),
        blocked=("completed", "history", "image", "one_at_a_time", "server_version"),
        on_nodes=_update_paused,
        mend=updated,
        cause="update-paused",
        only=CAUSE,
    ),
)
