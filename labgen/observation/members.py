"""The nodes of a lab's swarm, for commands that change its machines."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from labgen.core.errors import LabgenError
from labgen.docker.swarm import SwarmNode, nodes
from labgen.machines import inventory
from labgen.transport.ssh import SshTransport


def members(folder: Path) -> Sequence[SwarmNode]:
    """Ask the first manager for the swarm's nodes; none if there is no swarm, or no manager that answers.

    :param folder: the lab folder.
    """
    with contextlib.suppress(LabgenError):
        lab = inventory.discover(folder)
        with contextlib.closing(SshTransport(lab)) as transport:
            return nodes(partial(transport.ask, lab.lab.first_manager))
    return ()
