"""What Vagrant and labgen have written down in the lab's folder."""

from __future__ import annotations

import hashlib
import re

from labgen.host import resources
from labgen.host.computer import Host
from labgen.model.lab import Lab


def mark(lab: Lab, host: Host) -> str | None:
    """Give the mark that everything made for this folder bears; ``None`` where nothing has been made."""
    text = written(host, "labgen-mark")
    if re.fullmatch(r"[0-9a-f]{12}", text):
        return text
    # Labs of earlier versions of labgen: their mark was the path's.
    exists = resources.existing(lab, host) is not None
    return hashlib.sha256(str(host.folder()).encode()).hexdigest()[:12] if exists else None


def written(host: Host, *names: str) -> str:
    """Give what Vagrant's data of this folder has in a file; empty if there is none."""
    path = host.folder().joinpath(".vagrant", *names)
    return (host.read(path) or "").strip() if host.exists(path) else ""
