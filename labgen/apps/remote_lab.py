"""A lab of someone else's that is graded from one's own side: its files are read as data, and nothing of them runs.

A lab folder is a program: its ssh configuration may name commands, its Vagrantfile and fabfile are code. Of the ssh
configuration only names, addresses, ports, users and keys are taken; whatever else would do something is refused,
with its line. From these labgen writes a lab folder of its own, which goes when the grading has ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from labgen import config as labfile
from labgen.core.atomic_files import content_of, expanded, is_file, is_utf16, write_whole
from labgen.core.errors import HostError, LabgenError, MachineError
from labgen.core.i18n import _
from labgen.core.process import Runner
from labgen.machines import inventory, ssh_config
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.providers import PROVIDERS

_LARGEST = 256 * 2**10
"""Bytes that a configuration or a key may have."""

_IGNORED = frozenset(
    [
        "batchmode",
        "checkhostip",
        "compression",
        "connectionattempts",
        "connecttimeout",
        "controlmaster",
        "controlpath",
        "controlpersist",
        "forwardagent",
        "forwardx11",
        "identitiesonly",
        "kbdinteractiveauthentication",
        "loglevel",
        "passwordauthentication",
        "preferredauthentications",
        "pubkeyauthentication",
        "requesttty",
        "serveralivecountmax",
        "serveraliveinterval",
        "stricthostkeychecking",
        "tcpkeepalive",
        "userknownhostsfile",
    ]
)
"""Options that do nothing but tell how to connect: labgen has its own."""

_VALUES: dict[str, re.Pattern[str]] = {
    "hostname": re.compile(r"[0-9A-Za-z:][0-9A-Za-z.:_-]{0,252}"),
    "port": re.compile(r"[1-9][0-9]{0,4}"),
    "user": re.compile(r"[A-Za-z_][0-9A-Za-z_.-]{0,31}"),
}

_OURS = {
    "BatchMode": "yes",
    "ClearAllForwardings": "yes",
    "ForwardAgent": "no",
    "GlobalKnownHostsFile": os.devnull,
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "KbdInteractiveAuthentication": "no",
    "PasswordAuthentication": "no",
    "PermitLocalCommand": "no",
    "StrictHostKeyChecking": "no",
    "UpdateHostKeys": "no",
    "UserKnownHostsFile": os.devnull,
}
"""What is said of every node: its own key and nothing else of this computer's is used, and nothing is forwarded."""


@dataclass
class Reached:
    """How a node is reached.

    :ivar keys: paths of private keys, as they stand in the file.
    """

    name: str
    options: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)


@contextlib.contextmanager
def remote_lab(config: Path, lab_file: Path, *, emulated: bool = False) -> Iterator[LabFolder]:
    """Make a lab folder for a lab that runs elsewhere; it is gone afterwards.

    :param config: an ssh configuration, of which names, addresses, ports, users and keys are taken.
    :param lab_file: the lab.yml that the lab is to be judged by.
    :param emulated: whether its nodes are emulated machines, for which every deadline is longer.
    :raises MachineError: the configuration would do something, or lacks a node.
    :raises LabFileError: the lab file says something that cannot be.
    """
    lab = labfile.load(lab_file)
    nodes = {node.name: node for node in reversed(read(config))}  # the first that is said counts
    missing = [node.name for node in lab.nodes if node.name not in nodes]
    if missing:
        raise MachineError(
            _("%(config)s does not say how %(missing)s can be reached.", config=config, missing=", ".join(missing)),
            _("Each node of %(lab_file)s needs a block: Host, HostName, Port, User, IdentityFile.", lab_file=lab_file),
        )
    with TemporaryDirectory(prefix="labgen-") as place:
        folder = LabFolder.at(Path(place))
        shutil.copyfile(lab_file, folder.lab_file)
        hosts = [_host(nodes[node.name], config, folder) for node in lab.nodes]
        inventory.write_ssh_config(folder, ssh_config.compose(hosts, _OURS), proxy_command=None)
        # Where it is left open, the one whose nodes lack nothing: what would excuse a check must be said.
        provider = lab.provider if lab.provider in PROVIDERS else _lacking_nothing()
        state = State(provider, accelerated=not emulated, remote=True)
        folder.remember(state)
        try:
            folder.remember(_with_lacks(folder, lab, state))
            yield folder
        finally:
            inventory.close_shared(folder, Runner())


def _lacking_nothing() -> str:
    return next(name for name, provider in PROVIDERS.items() if not provider.lacks and not provider.shares_kernel)


def _with_lacks(folder: LabFolder, lab: Lab, state: State) -> State:
    return replace(state, lacks=inventory.find_lacks(folder, lab, state))


def read(config: Path) -> list[Reached]:
    """Read how nodes are reached; of an option, the first value counts.

    :raises MachineError: a line would do something else than say how a node is reached; says which line.
    :raises HostError: the file cannot be read.
    """
    content = content_of(config, "Check the path.", _LARGEST)
    if is_utf16(content):
        raise HostError(_("%(config)s is UTF-16.", config=config), _("Save it as UTF-8."))
    text = content.decode("utf-8-sig", errors="replace")
    nodes: list[Reached] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue

        def refused(why: str, number: int = number, line: str = line) -> MachineError:
            return MachineError(
                _(
                    "%(config)s, line %(number)s: `%(text)s`: %(why)s.",
                    config=config,
                    number=number,
                    text=line.strip()[:100],
                    why=why,
                ),
                _("For somebody else's lab, labgen reads only Host, HostName, Port, User and IdentityFile."),
            )

        option = ssh_config.option(line)
        if option is None:
            raise refused("it is no option with a value")
        _take(nodes, option[0].lower(), option[1], refused)
    return nodes


def _take(nodes: list[Reached], key: str, value: str, refused: Callable[[str], LabgenError]) -> None:
    """Take one line for the host that it belongs to."""
    if key == "host":
        name = ssh_config.unquoted(value)
        if not re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z.-]*", name):
            raise refused("one name of a node is wanted, not a pattern or several")
        nodes.append(Reached(name))
    elif key in _IGNORED:
        return
    elif key not in (*_VALUES, "identityfile"):
        raise refused("it would do more than say how a node is reached")
    elif not nodes:
        raise refused("it comes before the first Host")
    elif key == "identityfile":
        nodes[-1].keys.append(value)
    elif not _is_possible(key, ssh_config.unquoted(value)):
        raise refused(f"it is no {key}")
    else:
        nodes[-1].options.setdefault(key, ssh_config.unquoted(value))


def _is_possible(key: str, value: str) -> bool:
    return bool(_VALUES[key].fullmatch(value)) and (key != "port" or int(value) < 2**16)


def _host(reached: Reached, config: Path, folder: LabFolder) -> ssh_config.HostBlock:
    """Describe a node in labgen's own configuration, with a copy of its keys that only this user can read."""
    names = {"hostname": "HostName", "port": "Port", "user": "User"}
    options = [(names[key], value) for key, value in reached.options.items()]
    for number, value in enumerate(reached.keys):
        copy = folder.own / "keys" / f"{reached.name}-{number}"
        # A private key is text, and OpenSSH wants its last line end.
        text = content_of(_key(value, config), "Check the path.", _LARGEST).decode("ascii", errors="replace")
        write_whole(copy, text.replace("\r\n", "\n").rstrip("\n") + "\n", mode=0o600)
        options.append(("IdentityFile", str(copy)))
    return ssh_config.HostBlock(reached.name, tuple(options))


def _key(value: str, config: Path) -> Path:
    """Find a key: as labgen or as Vagrant writes its path, from the configuration's folder where it is relative."""
    for path in (ssh_config.path(value), ssh_config.unquoted(value)):
        place = config.absolute().parent / expanded(path)
        if is_file(place):
            return place
    raise HostError(
        _("%(config)s names a key that does not exist: %(value)s", config=config, value=value[:200]),
        _("Put the key beside it: IdentityFile KEY"),
    )
