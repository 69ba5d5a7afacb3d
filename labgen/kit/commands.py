"""What a learner types, in the kit's folder, from the first check to the lab: for the start page and for `check`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labgen.kit.nodes import NodeFile
from labgen.kit.platforms import Platform
from labgen.providers import PROVIDERS

PYTHON = "{python}"
"""Stands in commands for the version of Python."""


@dataclass(frozen=True)
class CommandStyle:
    """How commands are written on a system; PowerShell on Windows.

    :param python: starts Python.
    :param environment: folder of the environment of Python.
    :param activate: activates it.
    :param lab: the lab's folder.
    :param copy: copies a file.
    :param sum_of: prints the SHA-256 of a file.
    """

    python: str
    environment: str
    activate: str
    lab: str
    copy: str
    sum_of: str


_WINDOWS = CommandStyle(
    python=f"py -{PYTHON}",
    environment='"$HOME\\labgen-python"',
    activate='& "$HOME\\labgen-python\\Scripts\\Activate.ps1"',
    lab='"$HOME\\lab"',
    copy="Copy-Item",
    sum_of="Get-FileHash",
)
_MACOS = CommandStyle(
    python=f"python{PYTHON}",
    environment="~/labgen-python",
    activate="source ~/labgen-python/bin/activate",
    lab="~/lab",
    copy="cp",
    sum_of="shasum -a 256",
)
SHELLS: Mapping[str, CommandStyle] = {
    "windows": _WINDOWS,
    "macos": _MACOS,
    "linux": CommandStyle(**{**vars(_MACOS), "sum_of": "sha256sum"}),
}


def check(platform: Platform) -> list[str]:
    """Give the command that checks the kit before anything of it is installed.

    With ``-I``, Python imports nothing from the folder that it is started in.
    """
    return [f"{SHELLS[platform.system].python} -I check.py"]


def install(platform: Platform) -> list[str]:
    """Give the commands that install labgen."""
    shell = SHELLS[platform.system]
    return [
        f"{shell.python} -I -m venv {shell.environment}",
        shell.activate,
        "python -I -m pip install --no-index --find-links wheels labgen",
    ]


def use(platform: Platform, provider: str, nodes: Sequence[NodeFile], checksums: Mapping[str, str]) -> list[str]:
    """Give the commands from the installed labgen to the lab.

    :param nodes: what nodes of the provider are made of; empty if the kit does not have it.
    :param checksums: SHA-256 of the kit's files by their path.
    """
    shell = SHELLS[platform.system]
    return [
        *(_add(entry, checksums[entry.path]) for entry in nodes),
        f"labgen init {shell.lab}",
        f"{shell.copy} lab.yml {shell.lab}",
        f"cd {shell.lab}",
        f"labgen doctor --provider {provider}",
        f"labgen up --provider {provider}",
    ]


def _add(nodes: NodeFile, checksum: str) -> str:
    """Give the command that hands over a box or an image; it replaces the box of an earlier kit."""
    if PROVIDERS[nodes.provider].from_image:
        return f"docker load --input {nodes.path}"
    return (
        f"vagrant box add --force --name {nodes.name} --provider {nodes.provider} "
        f"--checksum-type sha256 --checksum {checksum} {nodes.path}"
    )
