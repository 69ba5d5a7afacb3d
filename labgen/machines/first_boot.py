"""The first boot of a node that was made of a cloud image: what cloud-init says of it, and what the image brings.

labgen is developed where no distribution's image can be downloaded, so `labgen up` checks and reports each first boot.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from labgen.core.errors import BoxError, NodeError
from labgen.core.i18n import Text, _, ngettext

SCRIPT = (
    "cloud-init status --wait --format json 2>/dev/null; echo; echo ---; "
    "uname -r; command -v netplan || echo; docker --version 2>/dev/null || echo"
)
"""Waits for cloud-init's end; then kernel, netplan and engine, a line each."""


@dataclass(frozen=True)
class FirstBoot:
    """A node after its first boot.

    :param status: cloud-init's word: ``done``, ``error``, ``degraded done``; empty if it says nothing.
    :param errors: cloud-init's errors.
    :param kernel: its release.
    :param engine: version of the engine that the image brings; empty if bootstrap is to install one.
    """

    node: str
    status: str
    errors: tuple[str, ...]
    kernel: str
    engine: str

    @property
    def is_well(self) -> bool:
        """Whether cloud-init came to its end without an error."""
        return self.status == "done" and not self.errors


def look(node: str, ask: Callable[[str], str]) -> FirstBoot:
    """Ask a node how its first boot went.

    :param ask: runs a command line as root on the node and gives its output.
    :raises NodeError: the node does not answer.
    :raises BoxError: the image has no netplan, with which labgen sets the addresses of the lab.
    """
    answer, _separator, rest = ask(f"sh -c {shlex.quote(SCRIPT)}").partition("\n---\n")
    kernel, netplan, engine = (*rest.splitlines(), "", "", "")[:3]
    try:
        status = json.loads(answer)
    except ValueError:
        status = {}
    if not isinstance(status, dict):
        status = {}
    if not netplan.strip():
        raise BoxError(
            _("The image of %(node)s has no netplan, with which labgen sets the lab's addresses.", node=node),
            _("Take an image that has it, in lab.yml: box: {image: debian-13}. Then: labgen down, labgen up"),
        )
    errors = status.get("errors", [])
    return FirstBoot(
        node=node,
        status=str(status.get("extended_status") or status.get("status") or ""),
        errors=tuple(map(str, errors)) if isinstance(errors, list) else (),
        kernel=kernel.strip(),
        engine=engine.strip(),
    )


def report(image: str, boots: list[FirstBoot]) -> list[Text]:
    """Compose the lines that `labgen up` prints.

    :param image: what the nodes were made of: ``Debian 13 20260712-2537``.
    """
    if not boots:
        return []
    lines = [
        ngettext(
            "Cloud image %(image)s: %(count)s node booted for the first time; kernel %(kernel)s, netplan, %(engine)s.",
            "Cloud image %(image)s: %(count)s nodes booted for the first time; kernel %(kernel)s, netplan, %(engine)s.",
            len(boots),
            image=image,
            kernel=boots[0].kernel,
            engine=boots[0].engine or _("no engine (bootstrap installs the distribution's)"),
        )
    ]
    for boot in boots:
        if not boot.is_well:
            reason = "; ".join(boot.errors) or _("its status is %(status)s", status=boot.status or _("unknown"))
            lines.append(
                _(
                    "warning: cloud-init on %(node)s: %(reason)s. See: "
                    "labgen ssh %(node)s -- sudo cloud-init status --long",
                    node=boot.node,
                    reason=reason,
                )
            )
    return lines


def look_at_all(names: list[str], ask: Callable[[str, str], str]) -> list[FirstBoot]:
    """Ask several nodes; those that do not answer are left out, since bootstrap says why.

    :param ask: runs a command line on a node: its name, the command.
    """
    boots = []
    for name in names:
        try:
            boots.append(look(name, partial(ask, name)))
        except NodeError:
            continue
    return boots
