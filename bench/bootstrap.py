"""Bootstrap against its floor: `python bench/bootstrap.py LAB_FOLDER [ROUNDS]`, on a lab whose machines run.

The floor is what cannot be avoided on the critical path: `docker swarm init`, the slowest `docker swarm
join`, and the time until every node is Ready, each typed over a connection that is already open: one SSH
command with sudo, as a person would, whatever way the bootstrap has found to be quicker than that. The swarm
is left before each round, and every node is put back to what it was after its first boot, so that the
bootstrap does all its steps.
"""

from __future__ import annotations

import io
import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

from labgen.core.polling import NotYet, wait_until
from labgen.docker.swarm import nodes
from labgen.machines import inventory
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.observation.node_facts import NETPLAN_FILE
from provision import swarm
from provision.bootstrap import Account, everywhere, leave
from provision.shell import Shell

_PRISTINE = f"""
rm -f {NETPLAN_FILE}
hostnamectl set-hostname fresh
printf '127.0.0.1 localhost\\n' > /etc/hosts
netplan generate; networkctl reload
"""


def clock(started: float) -> float:
    """Seconds since."""
    return time.monotonic() - started


def typed(lab: Inventory, node: Node, script: str, secret: str = "") -> str:
    """What a command prints that is typed over the connection: one SSH command, one sudo."""
    stdin = io.StringIO(f"{secret}\n") if secret else False
    done = lab.opened(node).run(f"sudo -n LC_ALL=C.UTF-8 sh -c {shlex.quote(script)}", hide=True, in_stream=stdin)
    return str(done.stdout)


def floor(lab: Inventory) -> dict[str, float]:
    """Seconds of each unavoidable command."""
    manager, *others = lab.lab.nodes
    everywhere(lab.lab.nodes, lambda node: typed(lab, node, "true"))
    start = time.monotonic()
    typed(lab, manager, f"{shlex.join(swarm.init_command(lab.lab))} >/dev/null")
    init = clock(start)
    token = typed(lab, manager, "docker swarm join-token -q worker").strip()
    start = time.monotonic()
    join = f'IFS= read -r token; docker swarm join --token "$token" {manager.address}:2377 --advertise-addr '
    everywhere(others, lambda node: typed(lab, node, f"{join}{node.address}", token))
    joined = clock(start)
    start = time.monotonic()

    def ready() -> None:
        seen = nodes(lambda question: typed(lab, manager, question.script))
        if sum(node.ready for node in seen) != len(lab.lab.nodes):
            raise NotYet(str(seen))

    wait_until("Ready", ready, within=lab.patience.seconds(60))
    return {"init": init, "join": joined, "ready": clock(start)}


def bootstrap(folder: Path) -> float:
    """Seconds of `fab bootstrap`, as a whole process."""
    start = time.monotonic()
    subprocess.run([sys.executable, "-m", "provision", "bootstrap"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return clock(start)


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1])
    ratios = []
    leave(inventory.discover(folder), Account(lambda _line: None))
    bootstrap(folder)  # the floor needs the lab's addresses
    for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
        lab = inventory.discover(folder)
        leave(lab, Account(lambda _line: None))
        parts = floor(lab)
        leave(lab, Account(lambda _line: None))
        everywhere(lab.lab.nodes, lambda node, lab=lab: Shell(lab, node).run(_PRISTINE))  # type: ignore[misc]
        lab.close()
        total = bootstrap(folder)
        least = sum(parts.values())
        ratios.append(total / least)
        told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in parts.items())
        # What others do on this computer lengthens both, but not by the same: a figure needs its load.
        load = f"load {os.getloadavg()[0]:.1f}"
        print(f"bootstrap {total:.1f} s; floor {least:.1f} s ({told}); ratio {ratios[-1]:.2f}; {load}", flush=True)
    print(f"ratio: min {min(ratios):.2f}, median {statistics.median(ratios):.2f}, max {max(ratios):.2f}")


if __name__ == "__main__":
    main()
