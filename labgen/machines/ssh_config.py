"""OpenSSH configurations: written so that OpenSSH takes every path for what it is, and read without running any of it.

A path may hold spaces, quotes, ``%`` or ``~``; OpenSSH splits a line at spaces, takes quotes away and replaces
``%d`` and its like. Vagrant writes a path as it is, in double quotes where it holds a space. paramiko replaces
``~`` as well, wherever it stands, and knows no ``%%``: keys are handed to it past its configuration.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labgen.core.errors import HostError
from labgen.core.i18n import _
from labgen.core.quoting import fits_ssh

_KEY = "identityfile"
_LINE = re.compile(r"\s*(?P<key>[A-Za-z]\w*)(?:\s*=\s*|\s+)(?P<value>.*?)\s*")


@dataclass(frozen=True)
class HostBlock:
    """What is said of one host, in order: names of options, and their values as they stand there."""

    name: str
    options: tuple[tuple[str, str], ...]

    def value(self, key: str) -> str:
        """Give the first value of an option, which is the one that counts; empty if there is none."""
        return next((value for name, value in self.options if name.lower() == key.lower()), "")


def parse(text: str) -> list[HostBlock]:
    """Read a configuration, as Vagrant or labgen writes it: a block of options for each host.

    Lines before the first host are left out; Vagrant prints warnings there.
    """
    hosts: list[HostBlock] = []
    for line in text.splitlines():
        match option(line):
            case (key, value) if key.lower() == "host":
                hosts.append(HostBlock(unquoted(value), ()))
            case (key, value) if hosts:
                host = hosts.pop()
                hosts.append(HostBlock(host.name, (*host.options, (key, value))))
    return hosts


def option(line: str) -> tuple[str, str] | None:
    """Split a line into an option's name and its value, as it stands there; ``None`` where it is no such line."""
    match = _LINE.fullmatch(line)
    return (match["key"], match["value"]) if match else None


def compose(hosts: Iterable[HostBlock], options: Mapping[str, Any]) -> str:
    """Write a configuration.

    :param hosts: with their keys' paths as they are, in double quotes or not.
    :param options: of every host, in place of its own.
    :raises HostError: a path cannot be written so that OpenSSH takes it for what it is.

    >>> block = HostBlock("a", (("Port", "22"), ("IdentityFile", "/home/kim's 100%/key")))
    >>> print(compose([block], {"User": "x"}), end="")
    Host a
      Port 22
      IdentityFile "/home/kim's 100%%/key"
      User x
    """
    replaced = {name.lower() for name in options}
    lines: list[str] = []
    for host in hosts:
        lines.append(f"Host {host.name}")
        for name, value in host.options:
            if name.lower() not in replaced:
                lines.append(f"  {name} {quoted(unquoted(value)) if name.lower() == _KEY else value}")
        lines += [f"  {name} {value}" for name, value in options.items()]
    return "\n".join(lines) + "\n"


def quoted(path: str) -> str:
    """Write a path so that OpenSSH takes it for what it is.

    :raises HostError: there is no way to write it.
    """
    if not fits_ssh(path):
        raise HostError(
            _("ssh cannot use a key in %(path)r: it reads special characters of the name in another way.", path=path),
            _("Rename the folder, or move the lab to another, so that it holds neither `${` nor control characters."),
        )
    # Older versions of OpenSSH know no escapes, and take a backslash for what it is: none that is not needed.
    escaped = re.sub(r'\\(?=[\\"\']|$)', r"\\\\", path).replace('"', r"\"").replace("%", "%%")
    return f'"{escaped}"'


def unquoted(value: str) -> str:
    """Take away the double quotes around a value, as Vagrant writes it."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def keys(text: str, name: str) -> list[str]:
    """Give the paths of a host's keys, from a configuration that :func:`compose` has written."""
    return [path(value) for host in parse(text) if host.name == name for value in _keys(host)]


def without_keys(text: str) -> str:
    """Take the keys out of a configuration, for paramiko, which would not take their paths for what they are."""
    return "\n".join(line for line in text.splitlines() if not line.strip().lower().startswith(_KEY)) + "\n"


def _keys(host: HostBlock) -> Iterator[str]:
    return (value for name, value in host.options if name.lower() == _KEY)


def path(value: str) -> str:
    """Read a path as :func:`quoted` has written it; one without double quotes is taken for what it is."""
    inner = unquoted(value)
    return re.sub(r"\\([\\\"'])", r"\1", inner).replace("%%", "%") if inner != value else value
