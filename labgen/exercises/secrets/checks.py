"""The exercise on secrets and configs: a page behind a password that was changed while in use.

No value of a secret is ever asked for: its file is counted and compared in the container, and passwords go from
there straight into the request.
"""

from __future__ import annotations

import shlex
from functools import partial
from urllib.parse import quote

from labgen.core.i18n import Messages
from labgen.core.polling import NotYet
from labgen.docker.containers import execution, text_from
from labgen.docker.question import Question
from labgen.docker.swarm import Service, Swarm
from labgen.docker.timeline import places
from labgen.exercise.hint import on, on_manager
from labgen.model.lab import Node
from verify.checks import check
from verify.exam import Exam
from verify.hinting import see_tasks
from verify.services import made_from, runs, service_of

from .exercise import Parameters

_ = Messages.beside(__file__)

service = service_of("service")

_TASK_NODE = _("the node of the task")


@check(
    points=1,
    needs=("cluster.swarm_begun",),
    whole_lab=True,
    topics=("tasks",),
    hint=(
        on_manager(
            "{create_first}",
            "docker config create {config} FILE",
            "{service.create}",
            look=_("If the service does not exist yet, create the secret, the config and the service."),
        ),
        see_tasks("{name}"),
    ),
)
def test_service_runs(swarm: Swarm, exam: Exam, parameters: Parameters) -> None:
    """There is a service {name}. It uses the image {service.repository}, runs {service.program}, and its task stays
    up."""
    service = made_from(swarm, parameters.service)
    assert service.running, "; ".join(f"{task.state} {task.error}".strip() for task in service.tasks[-2:]) or "no task"
    runs(exam, service)


@check(
    points=2,
    needs=("secrets.service_runs",),
    hint=on_manager(
        "docker service update --secret-add source={first},target={target} {name}",
        look=_("See which secrets the service has, and as which files."),
    ),
)
def test_secret_given(service: Service, parameters: Parameters) -> None:
    """The service gets a secret as the file {file}."""
    source = service.files.get(parameters.file)
    assert source in service.secrets, f"it has {_describe(service)}"


@check(
    points=2,
    needs=("secrets.secret_given",),
    whole_lab=True,
    hint=on(
        _TASK_NODE,
        "docker ps",
        "{look}",
        look=_("The file's line must read USER:{PLAIN}PASSWORD."),
    ),
)
def test_in_the_container(service: Service, exam: Exam, parameters: Parameters) -> None:
    """Each running container has the file, in memory, and the file names a user."""
    for node, container in _containers(service, exam):
        fields = exam.ask_node(node, _counting(container, parameters)).split()
        assert len(fields) == 2, f"on {node.name} there is no {parameters.file} in the container"
        users, kind = fields
        assert kind == "tmpfs", f"on {node.name} {parameters.file} is on {kind}, not in memory"
        assert int(users), f"on {node.name} {parameters.file} names no user"


@check(
    points=1,
    needs=("secrets.service_runs",),
    hint=on_manager(
        "docker config ls",
        "docker service update --config-add source={config},target={config_file} {name}",
        look=_("See which configs the swarm has, and which of them the service has."),
    ),
)
def test_config_given(service: Service, parameters: Parameters) -> None:
    """The service gets a config as nginx's site file, {config_file}."""
    source = service.files.get(parameters.config_file)
    assert source in service.configs, f"it has {_describe(service)}"


@check(
    points=2,
    needs=("secrets.in_the_container", "secrets.config_given"),
    whole_lab=True,
    topics=("tasks",),
    hint=on_manager(
        "docker config inspect --pretty {config}",
        "docker service logs {name}",
        look=_(
            "The config must have auth_basic_user_file {file}, and the secret's line must read USER:{PLAIN}PASSWORD."
        ),
    ),
)
def test_guarded(service: Service, exam: Exam, parameters: Parameters) -> None:
    """nginx refuses a request without a password (401) and answers a user of the file (200)."""

    def look() -> None:
        for node, container in _containers(service, exam):
            statuses = exam.on(node, _asking(container, parameters)).split()
            if statuses != ["401", "200"]:
                raise NotYet(f"on {node.name}, without and with the password: {' and '.join(statuses) or 'no answer'}")

    exam.wait("nginx to ask for the password", look, within=10)


@check(
    points=2,
    needs=("secrets.secret_given",),
    topics=("tasks",),
    hint=on_manager(
        "{create_second}",
        "{rotate}",
        look=_("Create a second secret. Then update the service: it gets the second one in the place of the first."),
    ),
)
def test_rotated(service: Service, parameters: Parameters) -> None:
    """The password was changed: the service and every running task now use {second}."""
    mounts = [service.files, *(task.files for task in service.running)]
    sources = {mount.get(parameters.file, "nothing") for mount in mounts}
    assert sources == {parameters.second}, f"{parameters.file} is {', '.join(sorted(sources))}"


@check(
    points=2,
    needs=("secrets.rotated",),
    topics=("history",),
    hint=on_manager(
        "{create_first}",
        "docker service update --secret-rm {second} --secret-add source={first},target={target} {name}",
        "{rotate}",
        "docker secret rm {first}",
        words=_("The history shows no task that had {first}. Give the service that secret again, then rotate."),
    ),
)
def test_history(service: Service, parameters: Parameters) -> None:
    """The history shows a task with the earlier secret, {first}: the service was updated, not created again."""
    earlier = [task.files.get(parameters.file) for tasks in places(service).values() for task in tasks[:-1]]
    had_first = parameters.first in earlier
    assert had_first, (
        f"earlier tasks had {', '.join(secret or 'nothing' for secret in earlier) or 'nothing: there are none'}"
    )


@check(
    points=1,
    needs=("secrets.rotated",),
    hint=on_manager("docker secret ls", "docker secret rm {first}", look=_("See which secrets the swarm still has.")),
)
def test_old_one_removed(exam: Exam, parameters: Parameters) -> None:
    """The earlier secret, {first}, was removed from the swarm."""
    path = f"/secrets/{quote(parameters.first)}"
    assert exam.ask(path)[path].status == 404, f"{parameters.first} still exists"


def _containers(service: Service, exam: Exam) -> list[tuple[Node, str]]:
    containers = []
    for task in service.running:
        node = exam.host(task)
        assert node is not None, f"a task runs on a node that is not part of the lab: {task.node_id}"
        containers.append((node, task.container_id))
    return containers


def _counting(container: str, parameters: Parameters) -> Question:
    """Make the question for how many users the file names, and the file system that it is on."""
    inside = f"grep -c : {parameters.file}; grep ' {parameters.file} ' /proc/mounts | cut -d ' ' -f 3"
    script = f"docker exec {shlex.quote(container)} sh -c {shlex.quote(inside)} | head -c 100 || true"
    return execution(script, container, ["sh", "-c", inside], partial(text_from, most=100))


def _asking(container: str, parameters: Parameters) -> str:
    """Compose a script that prints nginx's status without a password and with the file's, published or not."""
    ask = (
        "nsenter --net --target \"$(docker inspect --format '{{.State.Pid}}' " + shlex.quote(container) + ')" '
        "curl -s -o /dev/null --max-time 5 -w '%{http_code}\\n'"
    )
    # From the container into curl's standard input: it stands in no command line, and is not printed.
    line = r'1{s/{PLAIN}//; s/[\\"]/\\&/g; s/.*/user = "&"/; p;}'
    user = f"docker exec {shlex.quote(container)} sed -n {shlex.quote(line)} {parameters.file}"
    return f"{{ {ask} http://127.0.0.1/; {user} | {ask} -K - http://127.0.0.1/; }} 2>/dev/null || true"


def _describe(service: Service) -> str:
    return ", ".join(f"{source} as {file}" for file, source in service.files.items()) or "no secret and no config"
