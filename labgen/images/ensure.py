"""An engine and the node image: there already, loaded from the cache, or built in the way that works here."""

from __future__ import annotations

from pathlib import Path

from labgen import images
from labgen.core.errors import BoxBusy, BoxError, HostError, LabgenError, ProgramTimeout
from labgen.core.i18n import _
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.images import cache as store
from labgen.images import recipe
from labgen.model.provider import NODE_IMAGE
from labgen.providers.docker import PROVIDER as DOCKER

_LOAD = 300.0
"""Deadline for loading an archive, seconds. Measured: 10 s for 540 MiB on two busy cores."""

_PULL = 300.0
"""Deadline for the base image (30 MB), seconds. An engine that gets no answer gives up by itself earlier."""


def ensure(
    engine: Runner,
    *,
    progress: Progress,
    cache: Path | None = None,
    force: bool = False,
    suite: str = recipe.SUITE,
) -> str:
    """See that an engine has the node image of today's recipe, and give the image's name.

    In this order: it has it already; the archive is in the cache; the engine builds it, where it can
    pull the base image; this computer builds it from Debian packages. Node images of other recipes that
    no container uses are removed after that.

    :param engine: runs ``docker`` so that it reaches the engine: with ``DOCKER_HOST``, in a namespace.
    :param cache: where archives are kept; the user's cache where ``None``.
    :param force: build it anew.
    :param suite: the release of Debian that it is made of.
    :raises ProgramMissing: there is no ``docker``.
    :raises HostError: no engine answers.
    :raises BoxBusy: another command is making it.
    :raises BoxError: there is no way to make it here; the message has the reason of each.
    """
    name = images.node_image(suite)
    arch = architecture(engine)
    if not force and has(engine, name):
        return name
    reasons: list[str] = []
    archive = store.node(arch, cache, suite)
    if archive.is_file() and not force:
        _load(engine, archive, progress)
    elif not (
        _built_by(engine, arch, suite, progress, cache, reasons)
        or _from_packages(engine, arch, suite, progress, cache, force, reasons)
    ):
        listed = "".join(f"\n  - {reason}" for reason in reasons)
        raise BoxError(
            _(
                "The image of the nodes, %(name)s, is not in this Docker engine and cannot be made here:%(listed)s",
                name=name,
                listed=listed,
            ),
            _(
                "Connect to the internet and try again, once. Or build it on a Debian or Ubuntu "
                "computer with `sudo labgen box build --provider %(docker)s%(option)s`, bring the file "
                "(%(archive)s) here and load it: docker load --input %(archive)s",
                docker=DOCKER.name,
                option=_option(suite),
                archive=archive.name,
            ),
        )
    _tidy(engine, name, suite, progress)
    return name


def _option(suite: str) -> str:
    return "" if suite == recipe.SUITE else f" --suite {suite}"


def answers(engine: Runner) -> bool:
    """Tell whether an engine answers."""
    try:
        architecture(engine)
    except HostError:
        return False
    return True


def architecture(engine: Runner) -> str:
    """Give the engine's architecture, as Docker names it.

    :raises HostError: no engine answers, or it runs no containers that could be nodes.
    """
    hint = "Start Docker (on macOS and Windows: Docker Desktop); `docker info` says whether it answers."
    result = engine.run(["docker", "version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"], timeout=30, hint=hint)
    if not result.ok:
        errors = result.err.strip().splitlines() or ["no reason was given"]
        raise HostError(_("no Docker engine answers: %(errors)s", errors=errors[-1]), hint)
    system, _slash, arch = result.out.strip().partition("/")
    if system != "linux" or arch not in recipe.ARCHITECTURES:
        raise HostError(
            _(
                "this Docker engine runs containers for %(system)s/%(arch)s; nodes are there for %(architectures)s.",
                system=system,
                arch=arch,
                architectures=" and ".join(f"linux/{supported}" for supported in recipe.ARCHITECTURES),
            ),
            _("On Windows, Docker Desktop's menu has `Switch to Linux containers`."),
        )
    return arch


def has(engine: Runner, name: str) -> bool:
    """Tell whether an engine has an image."""
    return engine.run(["docker", "image", "inspect", "--format", "{{.Id}}", name], timeout=30).ok


def _load(engine: Runner, archive: Path, progress: Progress) -> None:
    with progress.step(_("Loading the node image into Docker")):
        engine.run(["docker", "load", "--quiet", "--input", archive], timeout=_LOAD).or_raise()


def _built_by(
    engine: Runner, arch: str, suite: str, progress: Progress, cache: Path | None, reasons: list[str]
) -> bool:
    from labgen.images import dockerfile

    base = dockerfile.base(suite)
    if not has(engine, base):
        with progress.step(_("Asking for %(base)s, to build the node image with Docker", base=base)):
            try:
                pulled = engine.run(["docker", "pull", "--quiet", base], timeout=_PULL)
            except ProgramTimeout as late:
                reasons.append(f"with docker build: {late.message}")
                return False
        if not pulled.ok:
            errors = pulled.err.strip().splitlines() or ["no reason was given"]
            reasons.append(f"with docker build: {base} cannot be pulled: {errors[-1]}")
            return False
    directory = cache or store.default()
    store.prepare(directory)
    log = directory / "docker-build.log"
    try:
        with progress.step(_("Building the node image with Docker")):
            dockerfile.build(engine, recipe.ARCHITECTURES[arch], progress=progress, log=log, suite=suite)
    except BoxError as error:
        reasons.append(f"with docker build: {error}")
        return False
    if not has(engine, images.node_image(suite)):
        # A builder of its own keeps what it makes (docker buildx, driver docker-container).
        reasons.append(
            "with docker build: the image was built, but not put into the engine. "
            "`docker buildx use default` chooses the builder that does."
        )
        return False
    return True


def _from_packages(
    engine: Runner, arch: str, suite: str, progress: Progress, cache: Path | None, force: bool, reasons: list[str]
) -> bool:
    from labgen.images import build_host

    here = Runner()
    try:
        build_host.check_node(cache or store.default(), here, arch)
        archives = images.build([DOCKER.name], runner=here, progress=progress, cache=cache, force=force, suite=suite)
    except BoxBusy:
        raise  # that is no reason why it cannot be made here
    except LabgenError as error:
        reasons.append(f"from Debian packages: {error}")
        return False
    _load(engine, archives[DOCKER.name], progress)
    return True


def _tidy(engine: Runner, name: str, suite: str, progress: Progress) -> None:
    """Remove a suite's images of other recipes; the engine itself refuses where a container uses one."""
    listed = engine.run(["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", NODE_IMAGE], timeout=30)
    removed = [
        image
        for image in listed.out.split()
        if image != name and _of(image) == suite and engine.run(["docker", "rmi", image], timeout=120).ok
    ]
    if removed:
        progress.note(_("Removed the node image of an earlier recipe: %(removed)s", removed=", ".join(removed)))


def _of(image: str) -> str:
    """Read the suite of a node image from its tag."""
    before, separator, _ = image.rpartition(":")[2].rpartition("-")
    return before if separator else recipe.SUITE
