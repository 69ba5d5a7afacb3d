"""Hints that the checks of several exercises give."""

from __future__ import annotations

from labgen.core.i18n import Text, _
from labgen.exercise.hint import Hint, on_manager


def see_tasks(name: str) -> Hint:
    """Make the hint that shows why a service's tasks do not run.

    :param name: the service's, or the place of a parameter: ``{name}``.
    """
    return on_manager(
        f"docker service ps --no-trunc {name}",
        look=_("See the errors of the service's tasks: they say why a task does not run."),
    )


def scale(command: str = "docker service scale {name}={replicas}") -> Hint:
    """Make the hint that gives a service its number of replicas.

    :param command: the whole command.
    """
    return on_manager(
        command, look=_("Compare the service's number of replicas with the number that the exercise asks for.")
    )


def publish(name: str = "{name}") -> Hint:
    """Make the hint that publishes a port of a service.

    :param name: the service's, or the place of a parameter.
    """
    return on_manager(
        f"docker service update --publish-add {{port}}:{{target}} {name}",
        look=_("See which port the service publishes, and for which port of the container."),
    )


def create(*services: str) -> Hint:
    """Make the hint that creates services which are missing.

    :param services: the attributes of the exercise's parameters that specify them.
    """
    return on_manager(
        *(f"{{{service}.create}}" for service in services),
        look=_("If the service does not exist yet, create it."),
    )


def repeat(name: str, *commands: str, why: Text) -> Hint:
    """Make the hint that does an exercise again from a new service; says what is lost with the old one.

    :param why: why nothing less will do.
    """
    return on_manager(
        f"docker service rm {name}",
        *commands,
        words=why,
        note=_("This removes %(name)s with its containers and its history, and nothing else.", name=name),
    )


def asked_often(port: str = "{port}") -> Hint:
    """Make the hint that asks for a page again and again through the routing mesh.

    :param port: the place of the parameter that is the published port.
    """
    return on_manager(
        f"curl {{manager}}:{port}",
        look=_(
            "Do all replicas answer, time after time? Do the nodes reach each other on ports 7946/tcp and 7946/udp?"
        ),
    )
