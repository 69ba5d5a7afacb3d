"""Making a box of a cloud image: download, verify, convert, pack, and put it into the cache by one rename."""

from __future__ import annotations

import contextlib
import errno
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from labgen import boxes
from labgen.boxes import cloud_images, download, package, store
from labgen.boxes.cloud_images import Checksum, CloudImage
from labgen.core.errors import BoxError
from labgen.core.i18n import _
from labgen.core.progress import Progress
from labgen.images import cache
from labgen.model.lab import CloudImageSource
from labgen.providers import PROVIDERS

_WORK = "making-"
_ROOM = 3
"""Times the size of the image that must be free while a box is made: disk, box, and some room."""


def make(
    source: CloudImageSource,
    provider: str,
    arch: str,
    *,
    progress: Progress,
    directory: Path | None = None,
    force: bool = False,
    file: Path | None = None,
) -> Path:
    """Make the box of a cloud image for a provider, or give the one that is there.

    Another command that makes one in the same cache is waited for. Nothing half-made stays, whatever happens; of a
    download that is interrupted, what has come is kept for the next run.

    :param directory: the cache; the user's if ``None``.
    :param force: make it again if it is there.
    :param file: the image on this computer, in place of a download.
    :raises BoxError: there is no such image, it cannot be had, is not what it should be, or the disk is full.
    """
    directory = directory or cache.default()
    image = cloud_images.of_source(source, arch)
    packer = package.PACKERS.get(PROVIDERS[provider].disk_format)
    if packer is None:
        raise BoxError(
            _("Nodes of %(provider)s start from no box.", provider=PROVIDERS[provider].title),
            _("They need none: labgen up"),
        )
    target = boxes.box_path(source, arch, provider, directory)
    if target.is_file() and not force:
        return target
    with store.making(directory, progress.note), _workplace(directory) as place:
        if target.is_file() and not force:  # another command has made it in the meantime
            return target
        disk, image = _image_file(image, file, directory, progress)
        _need_architecture(disk, image)
        instance = boxes.key(source, arch)
        step = _(
            "Making a box for %(provider)s of %(image)s", provider=PROVIDERS[provider].title, image=image.full_title
        )
        with progress.step(step):
            _need_room(directory, disk.stat().st_size * _ROOM)
            packed = packer(image, disk, instance, place, progress)
        note = {"provider": provider, "arch": arch, "image": str(image.full_title)}
        if image.is_own:
            note["own"] = "yes"
        # Before the box: one that is there without its note is taken for finished.
        store.write_note(target, {**note, "checksum": str(image.checksum)})
        cache.keep(packed, target)
        if file is None:
            disk.unlink()  # the box holds it
        _remove_older(target, source, arch, provider)
    return target


@contextlib.contextmanager
def _workplace(directory: Path) -> Iterator[Path]:
    for leftover in directory.glob(f"{_WORK}*"):  # of a command that was killed
        shutil.rmtree(leftover, ignore_errors=True)
    place = Path(tempfile.mkdtemp(prefix=_WORK, dir=directory))
    try:
        yield place
    except OSError as why:
        if why.errno == errno.ENOSPC:
            raise download.full(directory, _("it was filled while the box was made")) from None
        raise BoxError(
            _("The box cannot be made: %(reason)s.", reason=why),
            _("Check the permissions of %(path)s and the disk.", path=directory),
        ) from None
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _image_file(image: CloudImage, file: Path | None, directory: Path, progress: Progress) -> tuple[Path, CloudImage]:
    """Get the image's file, verified; another release of it if the pinned one was removed from the servers."""
    if file is not None:
        return _verified(file, image), image
    folder = store.images_folder(directory)
    cache.prepare(folder)
    step = _("Downloading the cloud image of %(image)s (once; some 350 to 650 MB)", image=image.full_title)
    with progress.step(step):
        try:
            target = folder / image.cached_name
            disk = download.fetch(
                image.addresses, target, image.checksum, mirror=image.mirror, on_progress=progress.detail
            )
            return disk, image
        except download.Gone:
            if not image.newest:
                raise
    progress.note(
        _(
            "note: %(image)s was removed from its servers. Its newest release is taken, with the checksum that "
            "%(sums)s gives.",
            image=image.full_title,
            sums=image.sums,
        )
    )
    newest = _newest(image)
    with progress.step(_("Downloading the newest cloud image of %(image)s", image=image.title)):
        disk = download.fetch(
            newest.addresses, folder / newest.cached_name, newest.checksum, on_progress=progress.detail
        )
    return disk, newest


def _newest(image: CloudImage) -> CloudImage:
    file = image.newest.rpartition("/")[2]
    checksum = download.published_checksum(image.sums, file)
    return replace(image, release="newest", file=file, addresses=(image.newest,), checksum=checksum)


def _verified(file: Path, image: CloudImage) -> Path:
    """Give a file that a person has named, if it is the image.

    :raises BoxError: it is not there, or is another file.
    """
    if file.exists() and not file.is_file():  # a pipe would be waited for
        raise BoxError(_("%(path)s is not a file.", path=file), _("Check the path."))
    try:
        digest = download.digest(file, image.checksum.algorithm)
    except OSError as why:
        raise BoxError(
            _("%(path)s cannot be read: %(reason)s.", path=file, reason=why.strerror or why), _("Check the path.")
        ) from None
    if digest == image.checksum.digest:
        return file
    for algorithm in ("sha256", "sha512"):
        pinned = cloud_images.by_checksum(Checksum(algorithm, download.digest(file, algorithm)))
        if pinned is not None:
            raise BoxError(
                _(
                    "%(path)s is the image %(name)s for %(arch)s; %(needed)s for %(needed_arch)s is needed.",
                    path=file,
                    name=pinned.name,
                    arch=pinned.arch,
                    needed=image.name,
                    needed_arch=image.arch,
                ),
                _("Get %(file)s:\n%(url)s", file=image.file, url=image.addresses[0]),
            )
    checksum = Checksum(image.checksum.algorithm, digest)
    if image.is_own:
        raise BoxError(
            _("%(path)s has another checksum than the one that is given:\n%(checksum)s", path=file, checksum=checksum),
            _("It is cut off, changed, or another file. Copy it again, or give the right checksum with --checksum."),
        )
    raise BoxError(
        _(
            "%(path)s is not %(file)s of %(image)s: its checksum is\n%(checksum)s",
            path=file,
            file=image.file,
            image=image.full_title,
            checksum=checksum,
        ),
        _(
            "It is cut off, changed, or of another release. Copy it again; or, if you know that it is right, give that "
            "checksum with --checksum."
        ),
    )


def _need_architecture(disk: Path, image: CloudImage) -> None:
    arch = package.boot_architecture(disk)
    if arch and arch != image.arch:
        raise BoxError(
            _(
                "The image %(file)s is for %(arch)s, and this computer needs %(needed_arch)s.",
                file=disk.name,
                arch=arch,
                needed_arch=image.arch,
            ),
            _("Take the image for %(arch)s: box.url in lab.yml, or --image FILE.", arch=image.arch),
        )


def _need_room(directory: Path, size: int) -> None:
    free = shutil.disk_usage(directory).free
    if free < size:
        raise download.full(directory, download.room(size, free))


def _remove_older(target: Path, source: CloudImageSource, arch: str, provider: str) -> None:
    """Remove boxes that were made of an earlier release of the same image; those of the user's own images stay."""
    for box in target.parent.glob(f"{source.name}-*-{arch}-{provider}.box"):
        if box != target and not boxes.is_current(box.name) and not store.own_checksum(store.read_note(box)):
            box.unlink(missing_ok=True)
            store.note_path(box).unlink(missing_ok=True)
