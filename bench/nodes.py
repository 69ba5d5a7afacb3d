"""Labs of containers, from nothing to a grade, by size: `python bench/nodes.py [NODES ...]` (3, 10 and 20 without).

Of five nodes and more, three are managers. For each size: seconds of `labgen up` and of its parts, as it
tells them itself, of a second `labgen up`, of `pytest verify/`, and of `labgen down`. The image of the nodes
is built before and is not counted; loading it into an engine of the lab's own is, and is told apart.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BIN = Path(sys.executable).parent
PARTS = {
    "engine": "Starting a Docker engine",
    "image": "Loading the node image",
    "boot": "Booting",
    "ssh": "Asking how",
    "kernel": "Asking the kernel",
}
"""Column -> how the line of `labgen up` begins that tells its seconds."""


def timed(folder: Path, *words: str) -> tuple[float, str]:
    """Run a command in a lab's folder; seconds, and what it said."""
    start = time.monotonic()
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    said = done.stdout + done.stderr
    if done.returncode != 0:
        raise SystemExit(f"`{' '.join(words)}` ended with {done.returncode}:\n{said}")
    return time.monotonic() - start, said


def part(said: str, begins: str) -> float:
    """Seconds of one step of `labgen up`; 0 where it had nothing to do."""
    told = re.search(rf"^{re.escape(begins)}.*: done in ([\d.]+) s$", said, re.MULTILINE)
    return float(told[1]) if told else 0.0


def measure(size: int) -> dict[str, float]:
    """Seconds of each part, for a lab of this many nodes."""
    managers = 3 if size >= 5 else 1
    with tempfile.TemporaryDirectory(prefix="labgen-bench-") as place:
        folder = Path(place)
        timed(folder, "labgen", "init", str(folder))
        text = f"provider: docker\nmanagers: {managers}\nworkers: {size - managers}\nmemory: 512\n"
        (folder / "lab.yml").write_text(text, encoding="utf-8")
        try:
            up, said = timed(folder, "labgen", "up")
            told = {"up": up} | {name: part(said, begins) for name, begins in PARTS.items()}
            # Everything `labgen up` does but loading an image, as on a computer whose engine has it.
            told["up, image there"] = up - told["image"]
            told["up again"], _ = timed(folder, "labgen", "up")
            told["verify"], said = timed(folder, "pytest", "verify/", "--exercise", "cluster")
        finally:
            down, _ = timed(folder, "labgen", "down")
        return told | {"down": down}


def main() -> None:
    """Measure and print."""
    sizes = [int(word) for word in sys.argv[1:]] or [3, 10, 20]
    subprocess.run([str(BIN / "labgen"), "box", "build", "--provider", "docker"], check=True)
    for size in sizes:
        told = measure(size)
        print(f"{size:3} nodes: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in told.items()), flush=True)


if __name__ == "__main__":
    main()
