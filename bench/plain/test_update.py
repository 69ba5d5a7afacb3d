"""The rolling update, as its exercise judges it; asked of the manager, and each server on its own node."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

OLD, NEW = "redis:6.0-alpine", "redis:6.2.5-alpine"
REPLICAS = 3

on_manager = pytest.mark.only_on("swarm-manager")


@on_manager
def test_service_exists(host: Any) -> None:
    image = host.check_output(
        "docker service inspect my-database --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'"
    )
    assert image.partition("@")[0].rpartition("/")[2].partition(":")[0] == "redis"


@on_manager
def test_running(host: Any) -> None:
    mode = host.check_output("docker service inspect my-database --format '{{json .Spec.Mode}}'")
    assert json.loads(mode) == {"Replicated": {"Replicas": REPLICAS}}
    states = host.check_output(
        "docker service ps my-database --filter desired-state=running --format '{{.CurrentState}}'"
    ).splitlines()
    assert sum(state.startswith("Running") for state in states) == REPLICAS


@on_manager
def test_image(host: Any) -> None:
    image = host.check_output(
        "docker service inspect my-database --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'"
    )
    assert image.partition("@")[0] == NEW
    images = host.check_output("docker service ps my-database --filter desired-state=running --format '{{.Image}}'")
    assert set(images.splitlines()) == {NEW}


def test_server_version(host: Any) -> None:
    containers = host.check_output("docker ps --quiet --filter label=com.docker.swarm.service.name=my-database")
    for container in containers.split():
        told = host.check_output("docker exec %s redis-cli INFO server", container)
        (version,) = [line.partition(":")[2] for line in told.splitlines() if line.startswith("redis_version:")]
        assert tuple(map(int, version.split(".")[:2])) >= (6, 2)


@on_manager
def test_history(host: Any) -> None:
    replicas = defaultdict(list)
    told = host.check_output("docker service ps my-database --format '{{.Name}} {{.Image}}'")
    # Of each replica the newest task comes first.
    for name, image in map(str.split, told.splitlines()):
        replicas[name].append(image)
    assert len(replicas) == REPLICAS
    assert all(OLD in images[1:] for images in replicas.values())


@on_manager
def test_one_at_a_time(host: Any) -> None:
    told = host.check_output("docker inspect --type task $(docker service ps my-database --quiet --no-trunc)")
    replicas = defaultdict(list)
    for task in sorted(json.loads(told), key=lambda task: str(task["CreatedAt"])):
        replicas[task["Slot"]].append(datetime.fromisoformat(task["Status"]["Timestamp"]))
    # While one replica is missing, from the end of its old task to the start of its new one, no other is.
    gaps = sorted((moments[-2], moments[-1]) for moments in replicas.values())
    assert len(gaps) == REPLICAS
    assert all(end <= start for (_, end), (start, _) in pairwise(gaps))


@on_manager
def test_completed(host: Any) -> None:
    assert host.check_output("docker service inspect my-database --format '{{.UpdateStatus.State}}'") == "completed"
