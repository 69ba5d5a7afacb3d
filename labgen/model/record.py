"""The lab as it was made: written down by ``labgen up``, and what lab.yml is compared with afterwards."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from labgen.model.lab import Lab, Node

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_ID = re.compile(r"[0-9A-Za-z-]+")
_MARK = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class Record:
    """The machines of a lab folder, as they are.

    :param folder: path of the folder when they were made, or last brought up; another one now where it was moved.
    :param mark: twelve hexadecimal digits that everything made for this folder bears.
    :param lab: the lab, each node with the settings its machine was made with or last restarted with.
    :param ids: by node, what the provider calls its machine.
    :param drained: nodes that were drained for a restart which did not come to its end.
    """

    folder: str
    mark: str
    lab: Lab
    ids: Mapping[str, str] = field(default_factory=dict)
    drained: tuple[str, ...] = ()

    def node(self, name: str) -> Node | None:
        """Give the node of that name, as it was made."""
        return next((node for node in self.lab.nodes if node.name == name), None)

    def without(self, name: str) -> Record:
        """Give the record without a node whose machine was removed."""
        nodes = tuple(node for node in self.lab.nodes if node.name != name)
        ports = tuple(port for port in self.lab.ports if port.node != name)
        ids = {node: identity for node, identity in self.ids.items() if node != name}
        return replace(self, lab=replace(self.lab, nodes=nodes, ports=ports), ids=ids)


@cache
def _adapter() -> TypeAdapter[Record]:
    # 50 ms, which only commands that read or write a record pay.
    from pydantic import TypeAdapter

    return TypeAdapter(Record)


def dump(record: Record) -> dict[str, Any]:
    """Convert a record to JSON data."""
    data: dict[str, Any] = _adapter().dump_python(record, mode="json")
    return data


def parse(data: Any) -> Record:
    """Read a record from JSON data.

    :raises ValueError: it is not one, or holds a name, an id or a mark that cannot be.
    """
    # JSON has strings where a record has addresses, and lists where it has tuples.
    record = _adapter().validate_python(data)
    names = [node.name for node in record.lab.nodes] + [*record.ids]
    if not all(map(_NAME.fullmatch, names)):
        raise ValueError("a machine has a name that cannot be")
    if not all(map(_ID.fullmatch, record.ids.values())) or not _MARK.fullmatch(record.mark):
        raise ValueError("an id that cannot be")
    return record


def after_up(
    lab: Lab,
    before: Record | None,
    *,
    folder: str,
    mark: str,
    earlier: Mapping[str, str],
    ids: Mapping[str, str],
    renewed: Collection[str] = (),
) -> Record:
    """Compose the record of a lab that is brought up.

    A machine that was there before, and has not been restarted, keeps the settings it was made with.

    :param before: the record until now.
    :param earlier: by node, what the provider called its machine before.
    :param ids: by node, what it calls it now.
    :param renewed: nodes whose machines have what lab.yml says, although they were there before.
    """
    if before is None:
        return Record(folder, mark, replace(lab, warnings=()), dict(ids))
    unchanged = {name for name in ids if earlier.get(name) == ids[name] and name not in renewed}
    older = {node.name: node for node in before.lab.nodes if node.name in unchanged}
    nodes = [
        replace(node, memory=older[node.name].memory, cpus=older[node.name].cpus) if node.name in older else node
        for node in lab.nodes
    ]
    names = {node.name for node in lab.nodes}
    nodes += [node for node in before.lab.nodes if node.name not in names and node.name in ids]
    ports = [port for port in lab.ports if port.node not in unchanged]
    ports += [port for port in before.lab.ports if port.node in unchanged]
    # The swarm on them keeps the address pool that it began with.
    plan = before.lab.plan if unchanged else lab.plan
    recorded = replace(lab, nodes=tuple(nodes), ports=tuple(ports), plan=plan, warnings=())
    return Record(folder, mark, recorded, dict(ids), before.drained)
