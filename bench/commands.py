"""Whole processes of `labgen`: `python bench/commands.py [ROUNDS]`; milliseconds, minimum, median, maximum."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

LABGEN = Path(sys.executable).with_name("labgen")


def measure(words: Sequence[str], rounds: int) -> list[float]:
    """Milliseconds of each run, after one that warms the caches up."""
    spent = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        subprocess.run([str(LABGEN), *words], check=True, stdout=subprocess.DEVNULL)
        spent.append((time.perf_counter() - start) * 1000)
    return spent[1:]


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as place:
        large = Path(place) / "large"
        large.mkdir()
        (large / "lab.yml").write_text("workers: 99\n", encoding="utf-8")
        for name, words in {
            "labgen --help": ["--help"],
            "labgen render": ["-C", place, "render"],
            "labgen render, 100 nodes": ["-C", str(large), "render"],
        }.items():
            spent = measure(words, rounds)
            print(f"{name:26} {min(spent):6.0f} {statistics.median(spent):6.0f} {max(spent):6.0f}")


if __name__ == "__main__":
    main()
