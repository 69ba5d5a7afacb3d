"""The guest's file system tree: Debian packages, and files of ``files/`` over them."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Mapping
from pathlib import Path

from labgen.images import recipe
from labgen.images.build_context import Workshop
from labgen.images.build_host import Apt
from labgen.images.recipe import Form

MODES: Mapping[str, int] = {
    "etc/netplan/50-labgen-eth0.yaml": 0o600,  # netplan warns about anything wider
    "etc/sudoers.d/vagrant": 0o440,
    "usr/local/sbin/labgen-node": 0o755,
}
"""Files of the trees that are not 0644: a checkout does not keep modes."""

SOURCES = "etc/apt/sources.list"
"""Of the trees, the file that says which release the guest is."""

_HOOKS = Path("/usr/share/mmdebstrap/hooks/merged-usr")
"""Makes /bin, /lib and /sbin links into /usr before any package is there, as Debian's installer does."""

# Settings for the time of building, which mmdebstrap leaves behind.
_TIDY = 'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"; sed -i /force-unsafe-io/d "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap"'


def make(workshop: Workshop, apt: Apt, form: Form) -> Path:
    """Install the guest into a directory, and give it.

    :raises BoxError: a mirror does not answer, or a package does not install.
    """
    root = workshop.place / "root"
    early, overlay = workshop.place / "early.tar", workshop.place / "overlay.tar"
    if form.early:
        early.write_bytes(tree(form, only=form.early, suite=workshop.suite))
    overlay.write_bytes(tree(form, suite=workshop.suite))
    files = shlex.quote(str(recipe.FILES))
    workshop.run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--format=directory",
            f"--architectures={workshop.arch.name}",
            f"--keyring={recipe.KEYRING}",
            f"--include={','.join(form.packages)}",
            *(f"--aptopt={option}" for option in apt.options),
            '--aptopt=APT::Install-Recommends "false";',
            *(f"--dpkgopt={option}" for option in dpkg_options()),
            "--dpkgopt=force-unsafe-io",
            *([f"--hook-dir={_HOOKS}"] if _HOOKS.is_dir() else []),
            *([f"--extract-hook=tar-in {shlex.quote(str(early))} /"] if form.early else []),
            f"--customize-hook=tar-in {shlex.quote(str(overlay))} /",
            *(f'--customize-hook=sh {files}/{script} "$1" {files}' for script in form.scripts),
            f"--customize-hook={_TIDY}",
            workshop.suite,
            root,
            *apt.sources(workshop.suite, workshop.runner),
        ],
        failed="The packages of the lab's nodes cannot be installed",
        timeout=1200,
    )
    return root


def dpkg_options() -> tuple[str, ...]:
    """Lines of dpkg's configuration that leave out what the guest does without."""
    return (
        *(f"path-exclude={path}" for path in recipe.EXCLUDED),
        *(f"path-include={path}" for path in recipe.KEPT),
    )


def tree(form: Form, only: tuple[str, ...] = ("",), suite: str = recipe.SUITE) -> bytes:
    """Pack the files of a form into a tar archive: root's, with the modes of :data:`MODES`.

    :param only: paths to take; everything where left out.
    :param suite: the release of Debian that the guest is of.
    """
    paths = {
        path.relative_to(recipe.FILES / top).as_posix(): path
        for top in form.trees
        for path in (recipe.FILES / top).rglob("*")
    }
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, path in sorted(paths.items()):
            if not any(name.startswith(start) or start.startswith(f"{name}/") for start in only):
                continue
            entry = tarfile.TarInfo(f"./{name}")
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                content = _sources(suite) if name == SOURCES else recipe.text(path)
                entry.mode, entry.size = MODES.get(name, 0o644), len(content)
                archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def _sources(suite: str) -> bytes:
    """Give the guest's own list of where its packages come from."""
    main, security = recipe.MIRRORS[0], recipe.SECURITY_MIRRORS[0]
    lines = [f"deb {main} {suite} main"]
    if suite not in recipe.ROLLING:
        lines += [f"deb {main} {suite}-updates main", f"deb {security} {suite}-security main"]
    return "".join(f"{line}\n" for line in lines).encode()
