"""Debian's and Ubuntu's packages on a node: scripts for apt that stop at the first error."""

from __future__ import annotations

import shlex

from labgen.core.i18n import _

HINT = _(
    "Packages come from the internet. Check on the node: curl -I http://deb.debian.org. "
    "The box labgen/debian-12 needs no packages (labgen box build)."
)

APPARMOR = "/sys/module/apparmor/parameters/enabled"
"""Says Y where the kernel has AppArmor."""

_LOCK = 300
"""Seconds to wait for another apt: a machine that has just booted updates itself."""

# The lock of the package lists has no time-out of apt's own: it is tried again, and anything else that fails is told.
_FUNCTIONS = f"""\
export DEBIAN_FRONTEND=noninteractive
apt() {{ apt-get -q -o Acquire::Retries=3 -o DPkg::Lock::Timeout={_LOCK} "$@"; }}
update() {{
  try=0
  until output=$(apt update 2>&1); do
    case $output in *lists/lock*) ;; *) printf '%s\\n' "$output" >&2; return 1;; esac
    [ $((try += 1)) -le {_LOCK // 5} ] || {{ printf '%s\\n' "$output" >&2; return 1; }}
    sleep 5
  done
}}
there() {{ apt-cache show "$1" >/dev/null 2>&1; }}
"""


def install(*packages: str) -> str:
    """Compose a script that installs packages."""
    return f"{_FUNCTIONS}update || exit 1\napt install -y {shlex.join(packages)} || exit 1"


def install_engine(version: str | None) -> str:
    """Compose a script that installs the distribution's engine, its client and compose.

    :param version: of the engine; the newest where ``None``.
    """
    # Debian's docker.io from 13 on only recommends its client. Ubuntu's docker-compose is a version 1 that its Python
    # cannot run any more.
    lines = (
        f"{_FUNCTIONS}update || exit 1",
        f"set -- {shlex.quote(f'docker.io={version}' if version else 'docker.io')}",
        'if there docker-cli; then set -- "$@" docker-cli; fi',
        'if there docker-compose-v2; then set -- "$@" docker-compose-v2',
        'elif there docker-compose; then set -- "$@" docker-compose; fi',
        _apparmor(),
        'apt install -y "$@" || exit 1',
    )
    return "\n".join(lines)


def _apparmor() -> str:
    # The engine's packages only recommend it. Where the kernel has AppArmor, no container starts without its parser.
    return f'if grep -qs Y {APPARMOR}; then set -- "$@" apparmor; fi'


def install_docker_inc(os_id: str, version: str | None) -> str:
    """Compose a script that installs Docker's own packages, from Docker's own site.

    :param os_id: ``debian`` or ``ubuntu``.
    :param version: of docker-ce; the newest where ``None``.
    """
    site, key = f"https://download.docker.com/linux/{os_id}", "/etc/apt/keyrings/docker.asc"
    package = f"docker-ce={version}" if version else "docker-ce"
    return (
        f"{_FUNCTIONS}update || exit 1\n"
        "apt install -y ca-certificates curl || exit 1\n"
        "install -m 0755 -d /etc/apt/keyrings || exit 1\n"
        f"curl -fsSL {site}/gpg -o {key} || exit 1\n"
        ". /etc/os-release || exit 1\n"
        f'echo "deb [arch=$(dpkg --print-architecture) signed-by={key}] {site} $VERSION_CODENAME stable" '
        "> /etc/apt/sources.list.d/docker.list || exit 1\n"
        "update || exit 1\n"
        f"set -- {shlex.quote(package)} docker-compose-plugin\n"
        f"{_apparmor()}\n"
        'apt install -y "$@" || exit 1'
    )
