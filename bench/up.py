"""`labgen up` against bare `vagrant up`: `python bench/up.py LAB_FOLDER [ROUNDS]`, on a lab that `labgen up` has made.

Each round makes the lab's machines twice from nothing, once with `vagrant up` and once with `labgen up
--no-bootstrap`, the one or the other first in turns: the same Vagrantfile, and the box or image, the daemon and
the computer as they are. `labgen up` also looks what the computer can do, as it does the first time.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.machines import inventory
from labgen.machines.lifecycle import Machines
from labgen.model.lab_folder import LabFolder, State
from labgen.providers import PROVIDERS

LABGEN = Path(sys.executable).with_name("labgen")
WITHIN = 3600.0


def clock(started: float) -> float:
    """Seconds since."""
    return time.monotonic() - started


class Lab:
    """A lab's machines, made and removed."""

    def __init__(self, folder: LabFolder, state: State) -> None:
        self._folder, self._state = folder, state
        machines = Machines(folder, inventory.lab_of(folder.path), Progress())
        self._driver = machines.driver(state)
        self._runner: Runner = machines.runner(state)

    def gone(self) -> None:
        """No machine is there."""
        inventory.close_shared(self._folder, Runner())
        self._driver.destroy(on_line=lambda _line: None)

    def bare(self) -> float:
        """Seconds of `vagrant up`."""
        started = time.monotonic()
        command = ["vagrant", "up", f"--provider={self._state.provider}"]
        self._runner.run(command, cwd=self._folder.path, timeout=WITHIN).or_raise()
        return clock(started)

    def labgen(self) -> float:
        """Seconds of `labgen up`."""
        self._folder.forget()
        started = time.monotonic()
        command = [str(LABGEN), "up", "--no-bootstrap", "--provider", self._state.provider]
        subprocess.run(command, cwd=self._folder.path, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return clock(started)


def main() -> None:
    """Measure and print."""
    folder = LabFolder.at(Path(sys.argv[1]))
    state = folder.state()
    if state is None:
        raise SystemExit(f"no lab is up in {folder.path}")
    if not PROVIDERS[state.provider].uses_vagrant:
        raise SystemExit("Vagrant does not make these machines: see bench/containers.py")
    lab = Lab(folder, state)
    ratios = []
    for number in range(int(sys.argv[2]) if len(sys.argv) > 2 else 5):
        spent = {}
        for what in ("bare", "labgen") if number % 2 == 0 else ("labgen", "bare"):
            lab.gone()
            spent[what] = getattr(lab, what)()
        ratios.append(spent["labgen"] / spent["bare"])
        load = f"load {os.getloadavg()[0]:.1f}"
        print(
            f"vagrant up {spent['bare']:.2f} s; labgen up {spent['labgen']:.2f} s; ratio {ratios[-1]:.3f}; {load}",
            flush=True,
        )
    print(f"ratio: min {min(ratios):.3f}, median {statistics.median(ratios):.3f}, max {max(ratios):.3f}")


if __name__ == "__main__":
    main()
