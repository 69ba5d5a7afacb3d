"""Vagrant, the usual driver of machines: the only module that starts it.

python-vagrant's public calls are used wherever it has one; the rest is a command line of our own. Its methods that
start a process start it with labgen's runner, which has what the library has not: a deadline, the lab's network
namespace, and the output of what failed (docs/decisions.md, 36).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import vagrant as python_vagrant

from labgen.core.errors import BoxError, MachineError, ProgramTimeout
from labgen.core.i18n import _, sentences
from labgen.core.process import Result, Runner
from labgen.host.computer import Host
from labgen.host.downloads import vagrant_home
from labgen.machines.vagrant_errors import way_out
from labgen.model.lab import Box
from labgen.providers.base import Machine

HINT_MISSING = "Install it from https://developer.hashicorp.com/vagrant/install, then run `labgen doctor`."
HINT_LATE = (
    "Something it waits for hangs: see whether the provider itself answers (VirtualBox: `VBoxManage list vms`), and "
    "restart the computer if it does not. Then run the same command again: it carries on."
)
HINT_SLOW = (
    "The network is slow, or does not let the box through. Run the same command again: Vagrant goes on with what it "
    "has. Or get the file elsewhere, and name it in lab.yml: box: {name: NAME, url: FILE}."
)
_ASK = 120.0
"""Deadline, in seconds, of a question: status, ssh-config, box list."""
_FETCH = 4 * 3600.0
_FETCH_SILENCE = 600.0
"""Deadlines, in seconds, of fetching a box: hundreds of megabytes, through whatever network there is."""


class _Cli(python_vagrant.Vagrant):  # type: ignore[misc]
    """python-vagrant, speaking through a runner."""

    def __init__(self, root: Path, runner: Runner, log: Path, vagrantfile: Path) -> None:
        super().__init__(root=str(root), quiet_stdout=True, quiet_stderr=True)
        self._runner = runner
        self._log = log
        self._vagrantfile = vagrantfile
        self.timeout = _ASK
        self.silence: float | None = None
        self.on_line: Callable[[str], None] = lambda _line: None

    def command(self, *words: str) -> None:
        """Run a command that python-vagrant has no call for."""
        self._call_vagrant_command(words)

    def question(self, *words: str) -> str:
        """Give what a command prints that python-vagrant has no call for."""
        return self._run_vagrant_command(words)

    def _make_vagrant_command(self, args: Any) -> list[str]:
        return ["vagrant", *(str(arg) for arg in args if arg is not None)]

    def _run_vagrant_command(self, args: Any) -> str:
        return self._result(args).out

    def _call_vagrant_command(self, args: Any) -> None:
        command = self._make_vagrant_command(args)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as sink:
            sink.write(f"$ {' '.join(command)}\n")

            machine = ""

            def log_line(line: str) -> None:
                nonlocal machine
                if heading := _NAMED.match(line):
                    machine = f" (last heard of: {heading[1]}: {line[heading.end() :].strip()})"
                sink.write(line + "\n")
                sink.flush()
                self.on_line(line)

            try:
                result = self._run(command, on_line=log_line)
            except ProgramTimeout as late:
                raise ProgramTimeout(late.message.removesuffix(".") + machine + ".", late.hint) from None
        if not result.ok:
            all_of_it = _("The whole output of Vagrant is in %(log)s.", log=self._log)
            why = explain(result.out)
            raise MachineError(why, sentences(way_out(why), all_of_it, separator="\n"))

    def _stream_vagrant_command(self, args: Any) -> Iterator[str]:
        raise NotImplementedError("streaming goes through on_line")

    def _result(self, args: Any) -> Result:
        result = self._run(self._make_vagrant_command(args))
        if not result.ok:
            why = _error_exit(result.out) or explain(result.err or result.out)
            raise MachineError(
                _(
                    "`%(command)s` ended with status %(status)s: %(why)s",
                    command=result.command,
                    status=result.status,
                    why=why,
                ),
                way_out(why),
            )
        return result

    def _run(self, command: list[str], on_line: Callable[[str], None] | None = None) -> Result:
        folder = Path(self.root)
        # Without one Vagrant would take that of a folder further up, and with it another lab's machines.
        if command[1:2] != ["box"] and not (folder / self._vagrantfile).is_file():
            raise MachineError(
                _("there is no %(vagrantfile)s in %(folder)s.", vagrantfile=self._vagrantfile, folder=folder),
                _("Write it with `labgen render`."),
            )
        try:
            return self._runner.run(
                command,
                cwd=folder,
                env=only(folder, self._vagrantfile),
                timeout=self.timeout,
                on_line=on_line,
                silence=self.silence if on_line is not None else None,
                hint=HINT_MISSING,
            )
        except ProgramTimeout as late:
            # It is there: only what to do about a missing one would be said.
            raise ProgramTimeout(late.message, HINT_SLOW if command[1:2] == ["box"] else HINT_LATE) from None


def only(folder: Path, vagrantfile: Path = Path("Vagrantfile")) -> dict[str, str]:
    """Give the variables that make Vagrant work for one folder, by one Vagrantfile, and keep its data there.

    Also where the user has others set, or aliases that give Vagrant's commands another meaning.

    :param vagrantfile: relative to the folder.
    """
    return {
        "VAGRANT_CWD": str(folder),
        "VAGRANT_VAGRANTFILE": str(vagrantfile),
        "VAGRANT_DOTFILE_PATH": str(folder / ".vagrant"),
        "VAGRANT_ALIAS_FILE": os.devnull,
    }


class Vagrant:
    """Machines of the Vagrantfile in a folder.

    :param log: file that ``up``, ``halt`` and ``destroy`` write all they say to.
    :param vagrantfile: the Vagrantfile, relative to the folder.
    """

    def __init__(self, folder: Path, runner: Runner, log: Path, vagrantfile: Path = Path("Vagrantfile")) -> None:
        self._cli = _Cli(folder, runner, log, vagrantfile)

    def up(
        self,
        provider: str,
        *,
        within: float,
        on_line: Callable[[str], None],
        machines: int = 1,
        name: str | None = None,
    ) -> None:
        """Create and start the machines, or one of them.

        :param within: deadline in seconds for one machine; it starts again with each line that Vagrant prints.
        :param machines: how many may boot, one after the other.
        :raises MachineError: one does not come up; says which and why, as far as Vagrant says.
        """
        with self._saying(on_line, within * max(machines, 1), silence=within):
            self._cli.up(vm_name=name, provider=provider)

    def halt(self, names: Iterable[str] = (), *, on_line: Callable[[str], None], force: bool = False) -> None:
        """Shut machines down; all, where none is named.

        :param force: cut their power, without a word to what runs there.
        """
        few = [*names]
        with self._saying(on_line, 900):
            if len(few) > 1:
                # python-vagrant halts one machine or all; one after the other, each would start Vagrant again.
                self._cli.command("halt", *(["--force"] if force else []), *few)
            else:
                self._cli.halt(vm_name=next(iter(few), None), force=force)

    def destroy(self, names: Iterable[str] = (), *, on_line: Callable[[str], None], parallel: bool = False) -> None:
        """Remove machines with their disks and networks; all, where none is named.

        :param parallel: side by side rather than one after the other.
        """
        few = [*names]
        with self._saying(on_line, 900):
            if parallel or len(few) > 1:
                # python-vagrant destroys one machine or all, and has no word for --parallel.
                self._cli.command("destroy", "--force", *(["--parallel"] if parallel else []), *few)
            else:
                self._cli.destroy(vm_name=next(iter(few), None))

    def reload(self, name: str, *, within: float, on_line: Callable[[str], None]) -> None:
        """Restart a machine, with what the Vagrantfile says of it by now.

        :param within: deadline in seconds.
        """
        with self._saying(on_line, within):
            self._cli.reload(vm_name=name)

    def status(self) -> Mapping[str, Machine]:
        """State of every machine, by name."""
        # The library's reading of it fails on lines that are not its own, as plugins print them.
        return parse_status(self._cli.question("status", "--machine-readable"))

    def ssh_config(self) -> str:
        """Give the OpenSSH configuration by which every running machine is reached."""
        return str(self._cli.ssh_config())

    def save_snapshot(self, name: str, *, on_line: Callable[[str], None]) -> None:
        """Keep the state of every machine, disk and memory, under a name."""
        with self._saying(on_line, 1800):
            self._cli.snapshot_save(name)

    def restore_snapshot(self, name: str, machine: str, *, on_line: Callable[[str], None]) -> None:
        """Put a machine back to a state of it that was kept, and start it where it does not run."""
        with self._saying(on_line, 1800):
            # python-vagrant restores all machines, and has Vagrant provision them.
            self._cli.command("snapshot", "restore", "--no-provision", machine, name)

    def delete_snapshot(self, name: str, *, on_line: Callable[[str], None]) -> None:
        """Forget a state that was kept."""
        with self._saying(on_line, 1800):
            self._cli.snapshot_delete(name)

    def snapshots(self) -> Mapping[str, tuple[str, ...]]:
        """List the names of the states that are kept, by machine."""
        return parse_snapshots(self._cli.question("snapshot", "list", "--machine-readable"))

    def add_box(self, name: str, file: Path, provider: str, *, on_line: Callable[[str], None]) -> None:
        """Install a box from a file, in place of one of the same name.

        :raises BoxError: Vagrant does not take it.
        """
        try:
            with self._saying(on_line, 900):
                self._cli.box_add(name, str(file), provider=provider, force=True)
        except MachineError as why:
            raise BoxError(
                _("the box %(file)s cannot be added: %(message)s", file=file, message=why.words), why.advice
            ) from None

    def fetch_box(self, box: Box, provider: str, *, on_line: Callable[[str], None]) -> None:
        """Fetch a box that is not installed yet, from where lab.yml or Vagrant's catalogue has it.

        :raises BoxError: it cannot be fetched.
        """
        words = ["--name", box.name, box.url] if box.url else [box.name]
        version = ["--box-version", box.version] if box.version else []
        checksum = ["--checksum-type", "sha256", "--checksum", box.checksum] if box.url and box.checksum else []
        command = ["box", "add", "--provider", provider, *version, *checksum, *words]  # the library knows neither
        file = box.url or box.name

        def listen(line: str) -> None:
            nonlocal file
            if download := _DOWNLOADS.search(line):
                file = download[1]
            on_line(line)

        try:
            with self._saying(listen, _FETCH, silence=_FETCH_SILENCE):
                self._cli.command(*command)
        except MachineError as why:
            # It keeps its boxes elsewhere than where labgen has looked for this one.
            if _HAS_BOX.search(why.message):
                return
            if _OTHER_CHECKSUM.search(why.message):
                raise BoxError(
                    _(
                        "%(file)s was refused: its checksum differs from the recorded one.",
                        file=file,
                    ),
                    _(
                        "The file is incomplete or was changed. Download it again. "
                        "If the checksum still differs, do not use the file, and ask its provider. "
                        "The checksum is in lab.yml (box.checksum) or in the catalogue."
                    ),
                ) from None
            raise BoxError(
                _("the box %(box)s cannot be fetched: %(message)s", box=box.name, message=why.words), why.advice
            ) from None

    def _saying(self, on_line: Callable[[str], None], within: float, silence: float | None = None) -> _Saying:
        return _Saying(self._cli, on_line, within, silence)


class _Saying:
    """One call's listener and deadline, put back afterwards."""

    def __init__(self, cli: _Cli, on_line: Callable[[str], None], within: float, silence: float | None = None) -> None:
        self._cli, self._on_line, self._within, self._silence = cli, on_line, within, silence

    def __enter__(self) -> None:
        self._cli.on_line, self._cli.timeout, self._cli.silence = self._on_line, self._within, self._silence

    def __exit__(self, *_: object) -> None:
        self._cli.on_line, self._cli.timeout, self._cli.silence = (lambda _line: None), _ASK, None


def _error_exit(output: str) -> str:
    """Find the error in machine-readable output, as a person reads it; empty if there is none."""
    for line in output.splitlines():
        fields = line.split(",", 4)
        if len(fields) == 5 and fields[2] == "error-exit":
            return f"Vagrant says: {_plain(fields[4])}"
    return ""


def parse_status(output: str) -> Mapping[str, Machine]:
    """Read ``vagrant status --machine-readable``.

    Lines look like ``1424098924,web,state,running``; any other line is left alone.

    :raises MachineError: Vagrant reports an error in it, or it holds no machine.
    """
    facts_by_name: dict[str, dict[str, str]] = {}
    for line in output.splitlines():
        fields = line.split(",", 3)
        if len(fields) < 4 or not fields[0].isdigit():
            continue
        _time, name, kind, data = fields
        if kind == "error-exit":
            raise MachineError(_("Vagrant says: %(message)s", message=_plain(data)))
        if name:
            facts_by_name.setdefault(name, {})[kind] = data
    machines = {
        name: Machine(name, facts["state"], facts.get("provider-name", ""))
        for name, facts in facts_by_name.items()
        if "state" in facts
    }
    if not machines:
        raise MachineError(_("`vagrant status` named no machine."), _("Render the lab again with `labgen render`."))
    return machines


def parse_snapshots(output: str) -> Mapping[str, tuple[str, ...]]:
    """Read ``vagrant snapshot list --machine-readable``.

    A machine's name stands in a line ``1790000000,,ui,output,==> swarm-manager: ``, each of its snapshots in one after
    it, ``1790000000,,ui,detail,fresh``; a machine without any has a sentence in the line with its name.
    """
    snapshots: dict[str, tuple[str, ...]] = {}
    name = ""
    for line in output.splitlines():
        fields = line.split(",", 4)
        if len(fields) < 5 or fields[2] != "ui":
            continue
        line_text = _plain(fields[4])
        if heading := re.match(r"==> ([^:\s]+):", line_text):
            name = heading[1]
            snapshots.setdefault(name, ())
        elif name and line_text and " " not in line_text:
            snapshots[name] = (*snapshots[name], line_text)
    return snapshots


def _plain(data: str) -> str:
    return data.replace("%!(VAGRANT_COMMA)", ",").replace("\\n", "\n").strip()


_DOWNLOADS = re.compile(r"Downloading: (\S+)")
_OTHER_CHECKSUM = re.compile(r"checksum of the downloaded box did not match")
_HAS_BOX = re.compile(r"box you're attempting to add already exists")
_NAMED = re.compile(r"^==> ([^:\s]+): ")


def explain(output: str) -> str:
    """Find the part of Vagrant's output that says why it failed.

    After its progress, in lines that begin with ``==>`` or four spaces, Vagrant prints the error as
    plain paragraphs at the end.
    """
    lines = [line.rstrip() for line in output.strip().splitlines()]
    tail: list[str] = []
    for line in reversed(lines):
        if _NAMED.match(line) or re.match(r"^ {4}\S+:", line):
            break
        tail.append(line)
    text = "\n".join(reversed(tail)).strip() or "\n".join(lines[-5:])
    text = _each_once(text)
    last = next((match[1] for line in reversed(lines) if (match := _NAMED.match(line))), None)
    where = f" (last heard of: {last})" if last else ""
    return f"Vagrant failed{where}:\n{text}"


_OF_A_MACHINE = re.compile(
    r"^An (?:unexpected )?error occurred wh\w+ executing the action on the\s+'([^']+)'\s+machine\. [^:]*:\n",
    re.MULTILINE,
)


def _each_once(text: str) -> str:
    """Merge equal errors of machines that come up at the same time: said once, with all their names."""
    _, *parts = _OF_A_MACHINE.split(text)
    failed: dict[str, list[str]] = {}
    for name, why in zip(parts[::2], parts[1::2], strict=True):
        failed.setdefault(why.strip(), []).append(f"on the '{name}' machine")
    return "\n\n".join(f"{', '.join(names)}:\n\n{why}" for why, names in failed.items()) or text


def box_mark(name: str, provider: str) -> Path:
    """Give a file beside an installed box, where labgen notes which file it came from; its folder need not exist.

    Vagrant keeps a box in ``boxes/NAME/VERSION/PROVIDER`` of its home, with ``/`` written out.
    """
    return vagrant_home(Host()) / "boxes" / name.replace("/", "-VAGRANTSLASH-") / f"labgen-{provider}"
