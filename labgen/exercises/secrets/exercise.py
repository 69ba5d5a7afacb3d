"""Secrets and configs: a page behind a password, which is changed while it is in use (beyond the document)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from labgen.core.i18n import Messages
from labgen.exercise import parameters
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec

_ = Messages.beside(__file__)


@dataclass(frozen=True)
class Parameters(parameters.Parameters):
    """What a lab may set.

    :param first: the secret that says who may see the page; ``second`` says it after the password is changed.
    :param target: name of the file by which a container finds the one it is given: the same, whichever it is.
    :param user: who may see the page.
    """

    name: parameters.Name = "site"
    image: parameters.Image = "nginx"
    port: parameters.Port = 8088
    first: parameters.Name = "site-users-1"
    second: parameters.Name = "site-users-2"
    target: parameters.Name = "site-users"
    config: parameters.Name = "site-conf"
    user: parameters.Name = "learner"

    target_port: ClassVar[int] = 80
    """Port of the container, as the config says."""

    config_file: ClassVar[str] = "/etc/nginx/conf.d/default.conf"
    folder: ClassVar[str] = "/run/secrets"

    @property
    def file(self) -> str:
        """Where a container finds the secret it is given."""
        return f"{self.folder}/{self.target}"

    @property
    def config_text(self) -> str:
        """What the config says."""
        return self.shipped("site.conf")

    @property
    def service(self) -> ServiceSpec:
        """The service that is given both."""
        return ServiceSpec(
            self.name,
            self.image,
            publish=(Publish(self.port, self.target_port, "host"),),
            options=(
                f"--secret source={self.first},target={self.target}",
                f"--config source={self.config},target={self.config_file}",
            ),
        )

    @property
    def rotate(self) -> str:
        """The command that gives the service the second secret instead of the first."""
        return (
            f"docker service update --secret-rm {self.first} --secret-add source={self.second},target={self.target} "
            f"{self.name}"
        )

    def create(self, secret: str) -> str:
        """Compose the command that creates a secret: a user and a random password, which nobody sees."""
        return f'echo "{self.user}:{{PLAIN}}$(head -c 9 /dev/urandom | base64)" | docker secret create {secret} -'

    @property
    def create_first(self) -> str:
        """The command that creates the first secret."""
        return self.create(self.first)

    @property
    def create_second(self) -> str:
        """The command that creates the second secret."""
        return self.create(self.second)

    @property
    def create_config(self) -> str:
        """The command that creates the config."""
        return f"docker config create {self.config} - <<'EOF'\n{self.config_text}EOF"

    @property
    def hash(self) -> str:
        """Prints the hash of the secret's file."""
        return f"docker exec CONTAINER sha256sum {self.file}"

    @property
    def look(self) -> str:
        """Lists the files of secrets."""
        return f"docker exec CONTAINER ls -l {self.folder}"

    @property
    def ask(self) -> str:
        """Asks for the page without a password; prints the HTTP status."""
        return f"curl -s -o /dev/null -w '%{{http_code}}\\n' localhost:{self.port}"

    @property
    def ask_as_user(self) -> str:
        """Asks with the password of the file; curl reads it from its standard input, so nobody sees it."""
        return (
            f"docker exec CONTAINER sed 's/{{PLAIN}}//; s/.*/user = \"&\"/' {self.file} | "
            f"curl -K - -s -o /dev/null -w '%{{http_code}}\\n' localhost:{self.port}"
        )

    @property
    def services(self) -> tuple[ServiceSpec, ...]:
        return (self.service,)

    @property
    def secrets(self) -> tuple[str, ...]:
        return (self.first, self.second)

    @property
    def configs(self) -> tuple[str, ...]:
        return (self.config,)

    def mistakes(self) -> Iterator[str]:
        yield from self.alike("names", "first", "second")


EXERCISE = Exercise(
    __name__,
    title=_("Secrets and configs"),
    section="beyond the document",
    order=160,
    summary=_("secrets and configs given to a service, and rotated"),
    parameters=Parameters(),
)
