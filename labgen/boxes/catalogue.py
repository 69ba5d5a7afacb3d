"""A static catalogue of boxes: files for a web server, a share or a release page, from which `vagrant box add` fetches.

A catalogue is a JSON file for each box, in the form in which Vagrant's own registry answers, and the box files beside
it. Vagrant takes whole addresses only, so the place that the files will have is written into the catalogue.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from labgen.boxes import download
from labgen.boxes.store import Entry
from labgen.core.atomic_files import make_folder, write_whole
from labgen.core.errors import BoxError, UsageError
from labgen.core.i18n import _
from labgen.model.lab import Box, CloudImageSource
from labgen.model.provider import BUILT_BOX

_SAFE = ":/?#[]@!$&'()*+,;=%~"
"""Characters that an address may have as they are; what is quoted already stays so."""


@dataclass(frozen=True)
class Published:
    """A box of a catalogue.

    :param name: as lab.yml names it.
    :param catalogue: address of its JSON file.
    :param file: address of the box's file.
    :param checksum: SHA-256 of that file.
    """

    name: str
    provider: str
    catalogue: str
    file: str
    checksum: str


def publish(entries: Sequence[Entry], folder: Path, base: str = "") -> list[Published]:
    """Write boxes and their catalogue into a folder; what is there of them already is replaced.

    :param base: address under which the folder will be reached; that of the folder itself if empty.
    :raises UsageError: the address is none that Vagrant fetches from.
    :raises BoxError: there is nothing to publish, or the folder cannot be written to.
    """
    if base and not re.match(r"(https?://[^/]|file:///)", base):
        raise UsageError(
            _("%(url)s is no address of a folder.", url=base),
            _("Write it with http://, https:// or file:/// in front: --url http://192.168.0.10:8000/boxes"),
        )
    if not entries:
        raise BoxError(_("There is no box to publish."), _("Make one first: labgen box make, or labgen box build."))
    if folder.is_file():
        raise BoxError(_("%(path)s is a file.", path=folder), _("Name a folder."))
    try:
        make_folder(folder)
        base = f"{(quote(base, safe=_SAFE) or folder.resolve().as_uri()).rstrip('/')}/"
        by_name: defaultdict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            by_name[box_name(entry)].append(entry)
        return [box for name, group in by_name.items() for box in _publish_box(name, group, folder, base)]
    except OSError as why:
        raise BoxError(
            _("%(path)s cannot be written: %(reason)s.", path=folder, reason=why.strerror or why),
            _("Check the folder's permissions and the disk."),
        ) from None


def _publish_box(name: str, entries: Sequence[Entry], folder: Path, base: str) -> list[Published]:
    published, providers = [], []
    catalogue = f"{re.sub(r'[^a-z0-9.-]+', '-', name)}.json"
    for entry in entries:
        file = folder / entry.path.name
        if file.resolve() != entry.path.resolve():
            shutil.copyfile(entry.path, file)
        checksum = download.digest(file, "sha256")
        published.append(Published(name, entry.provider, base + catalogue, base + file.name, checksum))
        providers.append(
            {
                "name": entry.provider,
                "url": base + file.name,
                "checksum_type": "sha256",
                "checksum": checksum,
                "architecture": entry.arch,
                "default_architecture": entry.arch == "amd64",
            }
        )
    # Vagrant compares versions as numbers between dots.
    made_at = max(time.time() - entry.age for entry in entries)
    version = {"version": time.strftime("%Y%m%d.%H%M", time.gmtime(made_at)), "providers": providers}
    content = {"name": name, "description": f"labgen: {entries[0].made_of}", "versions": [version]}
    write_whole(folder / catalogue, json.dumps(content, indent=1) + "\n")
    return published


def box_name(entry: Entry) -> str:
    """Give the name by which Vagrant knows a box of the cache."""
    image = re.match(r"(debian-\d+|ubuntu-\d+\.\d+)-[0-9a-f]{12}-\w+-", entry.path.name)
    return Box.of_image(CloudImageSource(image[1], checksum=entry.own_checksum)).name if image else BUILT_BOX
