"""`labgen ssh`: a shell on a node, through the lab's own SSH configuration."""

from __future__ import annotations

import argparse

from labgen.cli.nodes import named
from labgen.core.process import Runner
from labgen.machines import inventory


def run(arguments: argparse.Namespace) -> int:
    """Log in, or run a command; gives its exit status."""
    lab = inventory.load(arguments.folder)
    (node,) = named(lab.lab, [arguments.node])
    words = arguments.words[1:] if arguments.words[:1] == ["--"] else arguments.words
    return Runner().attend(
        ["ssh", "-F", lab.ssh_config, node, *words], hint="Install an OpenSSH client (Windows has one)."
    )
