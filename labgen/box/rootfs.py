"""The guest's file system tree: Debian packages, and the files of ``files/guest`` over them."""

from __future__ import annotations

import io
import shlex
import tarfile
from collections.abc import Mapping
from pathlib import Path

from labgen.box import recipe
from labgen.box.host import Apt
from labgen.box.workshop import Workshop

MODES: Mapping[str, int] = {
    "etc/netplan/50-labgen-eth0.yaml": 0o600,  # netplan warns about anything wider
    "etc/sudoers.d/vagrant": 0o440,
}
"""Files of ``files/guest`` that are not 0644: a checkout does not keep modes."""

_EARLY = ("etc/initramfs-tools", "usr/share/initramfs-tools")
"""Read while packages are installed: the kernel's package makes its initramfs then."""


def make(workshop: Workshop, apt: Apt) -> Path:
    """Install the guest into a directory, and give it.

    :raises BoxError: a mirror does not answer, or a package does not install.
    """
    root = workshop.place / "root"
    early, overlay = workshop.place / "early.tar", workshop.place / "overlay.tar"
    early.write_bytes(tree(recipe.FILES / "guest", only=_EARLY))
    overlay.write_bytes(tree(recipe.FILES / "guest"))
    files = shlex.quote(str(recipe.FILES))
    workshop.run(
        [
            "mmdebstrap",
            "--mode=root",
            "--variant=minbase",
            "--format=directory",
            f"--architectures={recipe.ARCH}",
            f"--keyring={recipe.KEYRING}",
            f"--include={','.join(recipe.GUEST_PACKAGES)}",
            *(f"--aptopt={option}" for option in apt.options),
            '--aptopt=APT::Install-Recommends "false";',
            *(f"--dpkgopt=path-exclude={path}" for path in recipe.EXCLUDED),
            *(f"--dpkgopt=path-include={path}" for path in recipe.KEPT),
            "--dpkgopt=force-unsafe-io",
            f"--extract-hook=tar-in {shlex.quote(str(early))} /",
            f"--customize-hook=tar-in {shlex.quote(str(overlay))} /",
            f'--customize-hook=sh {files}/setup.sh "$1" {files}',
            recipe.SUITE,
            root,
            *apt.sources(recipe.SUITE, workshop.runner),
        ],
        failed="The packages of the box cannot be installed",
        timeout=1200,
    )
    return root


def tree(top: Path, only: tuple[str, ...] = ("",)) -> bytes:
    """The files under a directory as a tar archive: root's, with the modes of :data:`MODES`.

    :param only: paths under ``top`` to take; everything where left out.
    """
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(top.rglob("*")):
            name = path.relative_to(top).as_posix()
            if not any(name.startswith(start) or start.startswith(f"{name}/") for start in only):
                continue
            entry = tarfile.TarInfo(f"./{name}")
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                content = path.read_bytes()
                entry.mode, entry.size = MODES.get(name, 0o644), len(content)
                archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()
