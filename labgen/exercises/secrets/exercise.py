"""Secrets and configs: a page behind a password, which is changed while it is in use (beyond the document)."""

from __future__ import annotations

from pathlib import Path

from labgen.core.i18n import Messages
from labgen.exercise.model import Exercise
from labgen.exercise.services import Publish, ServiceSpec

_ = Messages.beside(__file__)

FIRST, SECOND = "site-users-1", "site-users-2"
"""The secrets: who may see the page, before and after the password is changed."""

FILE = "/run/secrets/site-users"
"""Where a container finds the one it is given: the same place, whichever it is."""

CONFIG = "site-conf"
CONFIG_FILE = "/etc/nginx/conf.d/default.conf"
CONFIG_TEXT = Path(__file__).with_name("site.conf").read_text(encoding="utf-8")

TARGET = FILE.rpartition("/")[2]
PORT = 8088

SERVICE = ServiceSpec(
    name="site",
    image="nginx",
    publish=(Publish(PORT, 80, "host"),),
    options=(f"--secret source={FIRST},target={TARGET}", f"--config source={CONFIG},target={CONFIG_FILE}"),
)

ROTATE = f"docker service update --secret-rm {FIRST} --secret-add source={SECOND},target={TARGET} {SERVICE.name}"


def create(secret: str) -> str:
    """Compose the command that creates a secret: a user and a random password, which nobody sees."""
    return f'echo "learner:{{PLAIN}}$(head -c 9 /dev/urandom | base64)" | docker secret create {secret} -'


CREATE_CONFIG = f"docker config create {CONFIG} - <<'EOF'\n{CONFIG_TEXT}EOF"

HASH = f"docker exec CONTAINER sha256sum {FILE}"
LOOK = f"docker exec CONTAINER ls -l {FILE.rpartition('/')[0]}"
ASK = f"curl -s -o /dev/null -w '%{{http_code}}\\n' localhost:{PORT}"
"""Asks for the page without a password; prints the HTTP status."""

ASK_AS_USER = (
    f"docker exec CONTAINER sed 's/{{PLAIN}}//; s/.*/user = \"&\"/' {FILE} | "
    f"curl -K - -s -o /dev/null -w '%{{http_code}}\\n' localhost:{PORT}"
)
"""Asks with the password of the file; curl reads it from its standard input, so nobody sees it."""

EXERCISE = Exercise(
    __name__,
    title=_("Secrets and configs"),
    section="beyond the document",
    order=160,
    summary=_("secrets and configs given to a service, and rotated"),
    services=(SERVICE,),
    secrets=(FIRST, SECOND),
    configs=(CONFIG,),
)
