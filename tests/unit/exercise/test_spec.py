"""Images and commands of services, and what makes no difference in them."""

from __future__ import annotations

import dataclasses

import pytest

from labgen.docker.swarm import PublishedPort, Service
from labgen.exercise.catalogue import find
from labgen.exercise.services import (
    Publish,
    ServiceSpec,
    command_of,
    differences,
    repository,
    runs_its_program,
    same_image,
)
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.model.lab import MAX_NODES
from tests.past import service as service_of_tasks

NGINX = dataclasses.replace(service_of_tasks(), image="nginx:latest@sha256:" + "0" * 64)
REDIS = dataclasses.replace(NGINX, image="redis:6.2.5-alpine")


@pytest.mark.parametrize(
    "image", ["redis:6", "library/redis:6", "docker.io/library/redis:6", "docker.io/redis:6@sha256:0"]
)
def test_repository_is_the_name_on_docker_hub(image: str) -> None:
    assert repository(image) == "redis"


@pytest.mark.parametrize(
    "image", ["docker.iolibrary/redis:6", "libraryredis:6", "docker.io.evil/redis", "a/library/redis", "docker.ioredis"]
)
def test_repository_takes_no_part_of_a_name_for_the_whole(image: str) -> None:
    assert repository(image) != "redis"
    assert not same_image(image, "redis:6")


@pytest.mark.parametrize(
    ("args", "right"),
    [
        ((), True),
        (("nginx", "-g", "daemon off;"), True),
        (("/usr/sbin/nginx", "-g", "daemon off;"), True),
        (("sh", "-c", "hostname > index.html; exec nginx -g 'daemon off;'"), True),
        (("sleep", "10000"), False),
        (("sh", "-c", "sleep 4"), False),
        (("/bin/sleep", "nginx"), False),
    ],
)
def test_runs_its_program_is_nginx_however_it_is_started(args: tuple[str, ...], right: bool) -> None:
    assert runs_its_program(dataclasses.replace(NGINX, args=args)) is right
    # In place of the image's entrypoint it is the same.
    assert runs_its_program(dataclasses.replace(NGINX, entrypoint=args)) is right


@pytest.mark.parametrize(
    ("args", "right"),
    [(("--appendonly", "yes"), True), (("redis-server", "--port", "6380"), True), (("redis-cli", "monitor"), False)],
)
def test_runs_its_program_is_redis_with_whatever_options(args: tuple[str, ...], right: bool) -> None:
    assert runs_its_program(dataclasses.replace(REDIS, args=args)) is right


def test_runs_its_program_says_nothing_of_an_image_that_is_there_to_run_anything() -> None:
    assert runs_its_program(dataclasses.replace(NGINX, image="alpine:3", args=("sleep", "5")))


@pytest.mark.parametrize(
    ("image", "program"),
    [
        ("nginx", "nginx"),
        ("docker.io/library/redis:6.2.5-alpine", "redis-server"),
        ("registry.lab:5000/course/nginx:1.27", "nginx"),
        ("course/page:2", "page"),
    ],
)
def test_program_is_what_the_image_is_there_to_run(image: str, program: str) -> None:
    assert ServiceSpec("web", image).program == program


def test_command_of_is_for_people() -> None:
    assert command_of(dataclasses.replace(NGINX, entrypoint=("sh",), args=("-c", "sleep 4"))) == "sh -c 'sleep 4'"
    assert command_of(NGINX) == "the image’s own command"


def test_differences_tell_another_command_and_another_entrypoint() -> None:
    right = dataclasses.replace(
        NGINX, constraints=("node.role==worker",), ports=(PublishedPort(8001, 80, "tcp", "ingress"),)
    )
    assert differences(loadbalance.Parameters().service, right) == []
    (command,) = differences(loadbalance.Parameters().service, dataclasses.replace(right, args=("sleep", "10000")))
    assert str(command) == "its command is sleep 10000, not the image’s own"
    (entrypoint,) = differences(loadbalance.Parameters().service, dataclasses.replace(right, entrypoint=("sleep",)))
    assert str(entrypoint) == "its entrypoint is sleep, not the image’s own"


def test_entrypoint_is_read_from_the_engine() -> None:
    told = {"Spec": {"Name": "a", "TaskTemplate": {"ContainerSpec": {"Command": ["sleep"], "Args": ["9"]}}}}
    assert (Service.of(told).entrypoint, Service.of(told).args) == (("sleep",), ("9",))


@pytest.mark.parametrize("nodes", [2, 5, MAX_NODES])
def test_later_of_ports_has_one_replica_more_than_any_lab_has_nodes(nodes: int) -> None:
    (host,) = [spec for spec in find("ports").later if spec.replicas == nodes + 1]
    assert (host.name, host.publish) == ("web-host", (Publish(8004, 80, "host"),))
