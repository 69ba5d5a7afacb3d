"""`labgen ssh`: a shell on a node, through the lab's own SSH configuration."""

from __future__ import annotations

import click

from labgen.cli.declare import argument
from labgen.cli.folders import in_lab_folder
from labgen.cli.nodes import distinct_nodes
from labgen.cli.parameters import NodeName
from labgen.core.process import Runner
from labgen.machines import inventory
from labgen.model.lab_folder import LabFolder


# What stands after the node is the remote command's, options too.
@click.command(context_settings={"allow_interspersed_args": False})
@argument("node", type=NodeName(), metavar="NODE")
@argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND]...")
@in_lab_folder
def command(folder: LabFolder, node: str, words: tuple[str, ...]) -> int:
    """Log in, or run a command and return its exit status."""
    lab = inventory.discover(folder.path)
    (node,) = distinct_nodes(lab.lab, [node])
    words = words[1:] if words[:1] == ("--",) else words
    return Runner().attend(
        ["ssh", "-F", lab.ssh_config, node, *words], hint="Install an OpenSSH client (Windows has one)."
    )
