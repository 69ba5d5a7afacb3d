"""A package index in memory, behind the one place that starts pip, and kits made from it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labgen.core.process import Result
from labgen.core.progress import Progress
from labgen.kit import own_wheel
from labgen.kit.make import Kit, make
from labgen.kit.platforms import platforms

NO_NETWORK = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'\n"
    "ERROR: Could not find a version that satisfies the requirement pure==1.0 (from versions: none)\n"
    "ERROR: No matching distribution found for pure==1.0\n"
)
LIMITED = ("fast-2.0-cp312-cp312-win_amd64.whl", "fast-2.0-cp312-cp312-manylinux_2_17_x86_64.whl")
"""A package with wheels for two platforms only."""


@dataclass
class Index:
    """A package index, and pip, which downloads from it.

    :ivar files: wheels by name.
    :ivar failure: what pip prints in place of downloading; empty if it does not fail.
    :ivar requests: names of files that were downloaded, in their order.
    :ivar runs: how often pip was started to download.
    """

    files: dict[str, bytes]
    failure: str = ""
    requests: list[str] = field(default_factory=list)
    runs: int = 0

    def lock(self, markers: dict[str, str]) -> str:
        """Write a lock file of the files, with the markers of some packages."""
        lines = []
        for package in sorted({tuple(name.split("-")[:2]) for name in self.files}):
            sums = [content for name, content in self.files.items() if tuple(name.split("-")[:2]) == package]
            hashes = "".join(
                f" \\\n    --hash=sha256:{hashlib.sha256(content).hexdigest()}" for content in [*sums, b"source"]
            )
            marker = markers.get(package[0], "")
            lines.append(f"{package[0]}=={package[1]}{marker}{hashes}\n")
        return "".join(lines)

    def run(self, argv: list[Any], **options: Any) -> Result:
        """Do what pip does."""
        words = [str(word) for word in argv]
        if "wheel" in words:
            (Path(words[words.index("--wheel-dir") + 1]) / own_wheel.NAME).write_bytes(b"labgen")
            return Result(tuple(words), 0, "", "")
        assert words[1:4] == ["-m", "pip", "download"], words
        self.runs += 1
        if self.failure:
            return Result(tuple(words), 1, self.failure, "")
        dest = Path(words[words.index("--dest") + 1])
        abi = words[words.index("--abi") + 1]
        takes = {"any", *(words[at + 1] for at, word in enumerate(words) if word == "--platform")}
        for line in Path(words[words.index("--requirement") + 1]).read_text(encoding="utf-8").splitlines():
            pin = line.split(" ")[0]
            fits = [
                name
                for name in self.files
                if name.startswith(pin.replace("==", "-") + "-")
                and name[:-4].split("-")[-1] in takes
                and name.split("-")[2] in ("py3", abi)
            ]
            if not fits:
                return Result(tuple(words), 1, f"ERROR: No matching distribution found for {pin}\n", "")
            self._save(max(fits, key=lambda name: "any" not in name), dest)
        return Result(tuple(words), 0, "", "")

    def _save(self, name: str, dest: Path) -> None:
        path = dest / name
        if not path.is_file() or path.read_bytes() != self.files[name]:
            self.requests.append(name)
            path.write_bytes(self.files[name])


def make_kit(folder: Path, names: str = "windows-amd64,macos-arm64,linux-amd64", **options: Any) -> Path:
    """Make a kit without nodes, for Python 3.12."""
    make(Kit(folder, platforms(names), **{"pythons": ("3.12",), "with_nodes": False, **options}), Progress())
    return folder
