"""Parameters of exercises: what they may be, what is refused, and that every text follows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from importlib import import_module
from typing import Any, ClassVar

import pytest

from labgen import config
from labgen.core.errors import ExerciseError
from labgen.core.i18n import LANGUAGES, untranslated
from labgen.exercise import parameters
from labgen.exercise.catalogue import exercises, find, using
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec, repository
from provision.exercise import rehearse

LAB = config.parse("managers: 3\nworkers: 2")


@dataclass(frozen=True)
class Toy(parameters.Parameters):
    name: parameters.Name = "toy"
    image: parameters.Image = "nginx"
    port: parameters.Port = 8001
    replicas: parameters.Several = 2
    within: parameters.Seconds = 30.0
    line: parameters.Text = "Hello"
    reserve: parameters.Memory = "1TB"
    label: parameters.Label = "disk"
    tasks: parameters.Count = 1

    look: ClassVar[str] = "docker ps"

    @property
    def service(self) -> ServiceSpec:
        return ServiceSpec(self.name, self.image, self.replicas, publish=(Publish(self.port, 80),))

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)

    def mistakes(self) -> Iterator[str]:
        if self.tasks > self.replicas:
            yield "tasks must not be more than replicas"


def toy() -> Exercise:
    return Exercise("toys.toy.exercise", untranslated("A toy"), "", parameters=Toy())


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("port", 0, "toy: port must be a port from 1 to 65535, but not 22, 2377 or 7946; it is 0."),
        ("port", 65536, "toy: port must be a port from 1 to 65535, but not 22, 2377 or 7946; it is 65536."),
        ("port", "8101", "toy: port must be a port from 1 to 65535, but not 22, 2377 or 7946; it is '8101'."),
        ("port", True, "toy: port must be a port from 1 to 65535, but not 22, 2377 or 7946; it is True."),
        ("port", 2377, "toy: port must be a port from 1 to 65535, but not 22, 2377 or 7946; it is"),
        ("name", "a" * 62 + "!", "toy: name must be a name that Docker takes: "),
        ("name", "web alb", "toy: name must be a name that Docker takes: "),
        ("name", "-web", "toy: name must be a name that Docker takes: "),
        ("name", "web;reboot", "toy: name must be a name that Docker takes: "),
        ("name", "w" * 64, "toy: name must be a name that Docker takes: "),
        ("name", "", "toy: name must be a name that Docker takes: "),
        ("replicas", 0, "toy: replicas must be a whole number from 2 to 100; it is 0."),
        ("replicas", 1, "toy: replicas must be a whole number from 2 to 100; it is 1."),
        ("tasks", 0, "toy: tasks must be a whole number from 1 to 100; it is 0."),
        ("tasks", 2.5, "toy: tasks must be a whole number from 1 to 100; it is 2.5."),
        ("tasks", 3, "toy: tasks must not be more than replicas."),
        ("within", 0, "toy: within must be a number of seconds from 0.1 to 3600; it is 0."),
        ("within", float("nan"), "toy: within must be a number of seconds from 0.1 to 3600; it is nan."),
        ("image", "NGINX", "toy: image must be an image as docker pull takes it"),
        ("image", "nginx; id", "toy: image must be an image as docker pull takes it"),
        ("image", "nginx:é", "toy: image must be an image as docker pull takes it"),
        ("image", "--x/nginx", "toy: image must be an image as docker pull takes it"),
        ("line", " hi", "toy: line must be one line of text without quotes"),
        ("line", "-n", "toy: line must be one line of text without quotes"),
        ("line", "it's", "toy: line must be one line of text without quotes"),
        ("line", "a" * 201, "toy: line must be one line of text without quotes"),
        ("line", "a\nb", "toy: line must be one line of text without quotes"),
        ("reserve", "much", "toy: reserve must be memory as docker takes it"),
        ("label", "a=b", "toy: label must be letters, digits"),
        ("prot", 8101, "toy: there is no parameter 'prot'."),
    ],
)
def test_parameters_with_parameters_refuses_a_bad_value_in_one_sentence(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(ExerciseError) as caught:
        toy().with_parameters(**{name: value})
    assert caught.value.message.startswith(sentence)
    assert "\n" not in caught.value.message
    assert caught.value.hint


A_NAME = "a name that Docker takes: "
TWO_VERSIONS = "must be two versions of one image, as an update keeps the program and its data; they are"


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        (
            "discovery",
            {"network": "host"},
            "network must be a name that Docker does not use itself, and so not bridge, ",
        ),
        ("discovery", {"network": "ingress"}, "network must be a name that Docker does not use itself"),
        ("discovery", {"network": "course-"}, f"network must be {A_NAME}"),
        ("discovery", {"asker": "a"}, "asker must be a name of 2 characters or more"),
        ("discovery", {"asker": "web-vip"}, "virtual_name and asker must be two names; both are web-vip"),
        (
            "discovery",
            {"virtual_name": "WEB-DNSRR"},
            "virtual_name and round_robin_name must be two names; both are web-",
        ),
        ("discovery", {"replicas": 1}, "replicas must be a whole number from 2 to 100; it is 1"),
        (
            "failover",
            {"down_within": 15},
            "down_within must be more than 15, as Swarm gives a node up after 15 s; it is",
        ),
        ("health", {"wrong_port": 6379}, "wrong_port must be another port than redis's own, 6379; it is 6379"),
        ("health", {"wrong_port": 8005}, "wrong_port and port must be two ports; both are 8005"),
        ("health", {"new": "redis:6.0-alpine"}, "old and new must be two images; both are redis:6.0-alpine"),
        ("health", {"old": "nginx"}, f"old and new {TWO_VERSIONS} nginx and redis:6.2.5-alpine"),
        ("health", {"web_name": "my-session"}, "name and web_name must be two names; both are my-session"),
        ("health", {"within": 12}, "within must be more than 12, as the replicas are checked and watched one after"),
        ("loadbalance", {"port": 7946}, "port must be a port from 1 to 65535, but not 22, 2377 or 7946; it is 7946"),
        ("placement", {"reserve": "512MB"}, "reserve must be more memory than any node has, from 1TB to 1000TB; it is"),
        (
            "placement",
            {"reserve": "9999TB"},
            "reserve must be more memory than any node has, from 1TB to 1000TB; it is",
        ),
        ("placement", {"spread_name": "on-ssd"}, "labelled_name and spread_name must be two names; both are on-ssd"),
        ("ports", {"host_name": "web-auto"}, "automatic_name and host_name must be two names; both are web-auto"),
        (
            "recovery",
            {"within": 5},
            "within must be more than 5, as Swarm waits for 5 s before it replaces a task; it is 5",
        ),
        ("rollback", {"bad": "docker.io/library/redis:7"}, "bad must be no version of the image of old, redis, as an "),
        ("rollback", {"new": "redis:6.0-alpine"}, "old and new must be two images; both are redis:6.0-alpine"),
        ("rollback", {"new": "valkey:8"}, f"old and new {TWO_VERSIONS} redis:6.0-alpine and valkey:8"),
        ("rollback", {"queue_name": "my-store"}, "queue_name and store_name must be two names; both are my-store"),
        ("scaling", {"few": 4}, "many must be more than few; they are 3 and 4"),
        ("secrets", {"second": "site-users-1"}, "first and second must be two names; both are site-users-1"),
        ("stack", {"project": "OneHost"}, "project must be a name that Compose takes: small letters, "),
        ("stack", {"project": "shop"}, "stack and project must be two names; both are shop"),
        (
            "stack",
            {"stack": "s" * 60},
            "stack must have at most 55 characters, as the names of its services begin with",
        ),
        ("stack", {"old": "redis:6.2.5-alpine"}, "old and new must be two images; both are redis:6.2.5-alpine"),
        ("stack", {"web_image": "redis:6.0-alpine"}, "old and web_image must be two images; both are redis:6.0-alpine"),
        ("stack", {"counter_image": "redis:6.2.5-alpine"}, "new and counter_image must be two images; both are redis:"),
        ("update", {"new": "redis:6.0-alpine"}, "old and new must be two images; both are redis:6.0-alpine"),
        ("update", {"old": "docker.io/library/redis:6.2.5-alpine"}, "old and new must be two images; both are redis:"),
        ("update", {"new": "registry.lab:5000/redis:7"}, f"old and new {TWO_VERSIONS} redis:6.0-alpine and registry."),
        ("updateoptions", {"delay": 0.5}, "delay must be a number of seconds from 1 to 3600, as the time that a task "),
        ("updateoptions", {"replicas": 2}, "replicas must be more than parallelism; they are 2 and 2"),
    ],
)
def test_parameters_with_parameters_refuses_what_no_lab_can_have(
    name: str, values: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ExerciseError) as caught:
        find(name).with_parameters(**values)
    assert caught.value.message.startswith(f"{name}: {sentence}")
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    "image", ["nginx", "redis:6.2.5-alpine", "registry.lab:5000/course/nginx:1.27", "docker.io/library/nginx"]
)
def test_parameters_with_parameters_takes_images_from_anywhere(image: str) -> None:
    assert toy().with_parameters(image=image).services[0].image == image


def test_parameters_with_parameters_names_the_nearest_parameter() -> None:
    with pytest.raises(ExerciseError) as caught:
        toy().with_parameters(prot=8101)
    assert caught.value.hint.startswith("Did you mean port? There are: name, image, port,")


def test_parameters_with_parameters_changes_the_services_and_leaves_the_exercise_as_it_was() -> None:
    exercise = toy()
    changed = exercise.with_parameters(port=8101, name="front", within=12)
    assert changed.services == (ServiceSpec("front", "nginx", 2, publish=(Publish(8101, 80),)),)
    assert exercise.services == (ServiceSpec("toy", "nginx", 2, publish=(Publish(8001, 80),)),)
    assert changed.with_parameters() == changed
    assert changed.with_parameters(port=8001).services[0].name == "front"


def test_fill_puts_values_in_and_leaves_other_braces() -> None:
    text = (
        "{service.create} {port} {within} {look} {node} {{json .Port}} ${port} %{http_code} {PLAIN} {but} {services.x}"
    )
    assert Toy().fill(text) == (
        "docker service create --name toy --replicas 2 --publish 8001:80 nginx 8001 30 docker ps "
        "{node} {{json .Port}} ${port} %{http_code} {PLAIN} {but} {services.x}"
    )


def test_using_is_for_one_block_and_any_reader() -> None:
    before = find("recovery").services
    with using({"recovery": {"port": 8101}}):
        assert find("recovery").services[0].publish[0].published == 8101
        assert exercises()["recovery"].parameters.fill("{port}") == "8101"
        assert find("loadbalance").services[0].publish[0].published == 8001
    assert find("recovery").services == before


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"recovery": {"port": 8003}}, "recovery: port 8003 is that of web-chosen, which the exercise ports makes."),
        ({"failover": {"name": "site"}}, "failover: the exercise secrets makes a service called site, too."),
        ({"service": {"name": "Shop_Web"}}, "service: the exercise stack makes a service called Shop_Web, too."),
        (
            {"failover": {"name": "front"}, "quorum": {"name": "front"}},
            "failover: the exercise quorum makes a service called front, too.",
        ),
        ({"ports": {"port": 8004}}, "ports: port and host_port must be two ports; both are 8004."),
        ({"recovery": {"name": "web_"}}, "recovery: name must be a name that Docker takes"),
        ({"loadbalance": {"replicas": 0}}, "loadbalance: replicas must be a whole number from 2 to 100; it is 0."),
        ({"scaling": {"many": 2}}, "scaling: many must be more than few; they are 2 and 2."),
        ({"recovry": {"port": 8101}}, "there is no exercise 'recovry'."),
    ],
)
def test_using_refuses_what_the_course_cannot_be(values: dict[str, dict[str, object]], sentence: str) -> None:
    with pytest.raises(ExerciseError, match=f"^{re.escape(sentence)}"), using(values):
        pass


def checks_of(name: str) -> list[Any]:
    module = import_module(f"labgen.exercises.{name}.checks")
    marks = [mark for value in vars(module).values() for mark in getattr(value, "pytestmark", ())]
    return [mark.args[0].filled(find(name).parameters) for mark in marks if mark.name == "check"]


def texts_of(name: str) -> str:
    """Everything that an exercise shows a learner."""
    exercise, lines = find(name), list[str]()
    rehearse(name, LAB, {}, say=lines.append)
    texts = [*map(exercise.instead_of, exercise.instead)]
    for about in checks_of(name):
        texts.append(about.claim)
        for hint in about.hints:
            texts += [hint.words, hint.look, hint.where]
            lines += hint.commands
    for language in LANGUAGES:
        lines += [exercise.brief(language), *(text.in_(language) for text in texts)]
    return "\n".join(lines)


@pytest.mark.parametrize("name", exercises())
def test_parameters_every_text_of_an_exercise_is_filled(name: str) -> None:
    remaining = set(re.findall(r"(?<![$%{])\{[a-z][\w.]*\}", texts_of(name)))
    assert remaining <= {"{node}", "{address}", "{manager}"}


@pytest.mark.parametrize("name", exercises())
def test_defaults_of_an_exercise_are_allowed(name: str) -> None:
    exercise = find(name)
    assert exercise.with_parameters(**asdict(exercise.parameters)) == exercise


def another(value: object) -> object:
    """Another value of the same kind: no port, name or image of the course.

    Images of one repository stay so.
    """
    if isinstance(value, str):
        if ":" in value or value in ("nginx",):
            return f"registry.lab:5000/zz{repository(value)}:9.9.{len(value)}"
        return {"1TB": "3TB"}.get(value, f"zz{value[::-1].replace('_', '0').replace(' ', 'x')}")
    return value + 4321 if isinstance(value, int) and value > 1000 else value + 2  # type: ignore[operator]


@pytest.mark.parametrize("name", exercises())
def test_parameters_no_text_of_an_exercise_keeps_a_default(name: str) -> None:
    defaults = asdict(find(name).parameters)
    values = {parameter: another(value) for parameter, value in defaults.items()}
    with using({name: values}):
        text = texts_of(name)
    for parameter, value in defaults.items():
        # Words that are names as well, and small numbers, stand in sentences.
        if (isinstance(value, str) and re.search(r"[-_:]", value)) or (isinstance(value, int) and value > 1000):
            assert not re.search(rf"(?<![\w.-]){re.escape(str(value))}(?![\w-])", text), parameter
    changed = find(name).with_parameters(**values)
    one_line = re.sub(r"\s+", " ", text.replace("\\\n", " "))
    for spec in changed.services:
        # What a stack has stands in its file.
        assert spec.create in one_line or spec.name.startswith(tuple(f"{stack}_" for stack in changed.stacks))


def test_fields_of_parameters_are_data_with_a_rule() -> None:
    for exercise in exercises().values():
        for parameter in fields(exercise.parameters):
            assert isinstance(getattr(exercise.parameters, parameter.name), (str, int, float))
            assert str(parameter.type).startswith("parameters."), f"{exercise.name}.{parameter.name}"
