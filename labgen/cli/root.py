"""The `labgen` command line. Only argparse is imported here; each command imports what it needs."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from labgen import __version__
from labgen.core.atomic_files import need_folder
from labgen.core.console import guarded
from labgen.core.environment import import_nothing_from_the_working_folder
from labgen.core.nonce import nonce

_EPILOG = """\
In a lab folder:
  labgen up                  the whole lab: Vagrantfile, machines, swarm
  labgen run loadbalance     an exercise
  labgen grade               check and grade, with a report
  labgen down                remove the machines again
or step by step:
  labgen render && vagrant up && fab bootstrap && fab exercise.loadbalance && pytest verify/
"""


def _path(text: str) -> Path:
    # Path("") is the working folder, which nobody means who types "$LAB".
    if not text:
        raise argparse.ArgumentTypeError("the path is empty. Is a variable not set?")
    return Path(text)


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    root = argparse.ArgumentParser(
        prog="labgen",
        description="A Docker Swarm lab: generated, brought up, exercised and graded.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    root.add_argument("--version", action="version", version=f"labgen {__version__}")
    root.add_argument(
        "-C",
        "--folder",
        type=_path,
        default=None,
        metavar="DIR",
        help="the lab folder (default: the working directory)",
    )
    commands = root.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, words: str, module: str | None = None) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
        made.set_defaults(module=module or name)
        return made

    made = command("init", "make a lab folder: lab.yml, fabfile.py and verify/")
    made.add_argument("target", type=_path, metavar="DIR")

    made = command("render", "write the Vagrantfile")
    made.add_argument("--force", action="store_true", help="overwrite a file that was edited by hand")
    made.add_argument("--diff", action="store_true", help="show what would change, and write nothing")
    made.add_argument("--stdout", action="store_true", help="print it, and write nothing")

    made = command("doctor", "look whether this computer can run the lab")
    made.add_argument("--json", action="store_true", help="print the findings as JSON")
    made.add_argument("--fix", action="store_true", help="install the Debian packages that are missing")
    made.add_argument("--provider", help="look at one provider only")

    made = command("up", "bring the lab up: render, start the machines, bootstrap the swarm")
    made.add_argument("--provider", help="virtualbox, libvirt or docker (default: the best that works here)")
    made.add_argument("--no-bootstrap", action="store_true", help="stop when the machines run")
    made.add_argument("--force", action="store_true", help="overwrite a Vagrantfile that was edited by hand")
    made.add_argument("--dry-run", action="store_true", help="print what would be done, and do nothing")
    made.add_argument("--prune", action="store_true", help="remove machines that lab.yml does not name any more")
    made.add_argument("--reload", action="store_true", help="apply changed memory, cpus and ports, machine by machine")

    made = command("status", "show machines, nodes and services")
    made.add_argument("--json", action="store_true", help="print it as JSON")

    made = command("run", "carry out exercises")
    made.add_argument("exercise", nargs="*", metavar="EXERCISE", help="these, in this order")
    made.add_argument("--all", action="store_true", help="every exercise of the course, in order")
    made.add_argument("--list", action="store_true", help="list the exercises")
    made.add_argument("--dry-run", action="store_true", help="print the commands, and run none")
    made.add_argument("--grade", action="store_true", help="grade each exercise right after it")
    made.add_argument("--shuffle", type=int, metavar="SEED", help="with --all: in another order, chosen by a number")

    made = command("brief", "print an exercise's brief, to follow by hand")
    made.add_argument("exercise", metavar="EXERCISE")
    made.add_argument("--lang", choices=("en", "ko"), default=None, help="language (default: that of this computer)")

    made = command("grade", "check the lab and leave a report")
    made.add_argument("exercise", nargs="*", metavar="EXERCISE", help="these (default: those the lab shows)")
    made.add_argument("--all", action="store_true", help="every exercise, also those that nothing is there of")
    made.add_argument("--json", action="store_true", help="print the report as JSON")
    made.add_argument("--lang", choices=("en", "ko"), default=None, help="language (default: that of this computer)")
    made.add_argument("--report", type=_path, metavar="DIR", help="leave the report in DIR")
    either = made.add_mutually_exclusive_group()
    either.add_argument("--evidence", type=_path, metavar="FILE", help="keep what was seen in FILE, not by the report")
    either.add_argument(
        "--from",
        type=_path,
        nargs="+",
        metavar="FILE",
        dest="evidence_from",
        help="grade what each FILE has kept, without the lab; several are compared with one another",
    )
    made.add_argument(
        "--nonce", metavar="TEXT", type=nonce, help="put TEXT into the evidence; with --from, it must be there"
    )
    made.add_argument(
        "--nonces", type=_path, metavar="TABLE", help="with --from: the nonce that each name's file must have"
    )
    made.add_argument(
        "--ssh-config", type=_path, metavar="FILE", help="grade a lab of someone else's: how its nodes are reached"
    )
    made.add_argument(
        "--lab-file",
        type=_path,
        metavar="FILE",
        help="the lab.yml that it is judged by; with --from, that it is compared with",
    )
    made.add_argument(
        "--emulated", action="store_true", help="with --ssh-config: its nodes are emulated, and take longer"
    )

    made = command("nonce", "print a nonce for each learner, as a table")
    made.add_argument("name", nargs="+", metavar="NAME", help="of the learners; their files are to bear them")
    made.add_argument("--secret", type=_path, required=True, metavar="FILE", help="the teacher's, 16 bytes or more")
    made.add_argument(
        "--date",
        type=date.fromisoformat,
        default=date.today(),
        metavar="YYYY-MM-DD",
        help="of the day (default: today)",
    )

    made = command("explain", "show what a check asked of which node, and what that answered")
    made.add_argument("check", metavar="CHECK", help="as the report names it: update.history")
    made.add_argument("--lang", choices=("en", "ko"), default=None, help="language (default: that of this computer)")
    made.add_argument("--full", action="store_true", help="do not shorten what nodes answered")
    made.add_argument("--from", type=_path, metavar="FILE", dest="evidence_from", help="look in this evidence")

    made = command("ssh", "log in to a node, or run a command there")
    made.add_argument("node", metavar="NODE")
    made.add_argument("words", nargs=argparse.REMAINDER, metavar="COMMAND")

    command("reset", "a fresh swarm in seconds: whatever was made in the engines is removed, the machines stay")

    made = command("snapshot", "keep the state of the machines, and go back to it")
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    for action, words in (
        ("save", "keep it under a name"),
        ("restore", "go back to it"),
        ("delete", "forget it"),
    ):
        actions.add_parser(action, help=words).add_argument("name", metavar="NAME")
    actions.add_parser("list", help="list what is kept")

    made = command("halt", "shut the machines down, to start them again with `labgen up`")
    made.add_argument("node", nargs="*", metavar="NODE", help="these only (default: all)")
    made.add_argument("--force", action="store_true", help="cut their power, as when a machine fails")

    made = command("down", "remove the machines, and everything made for them")
    made.add_argument("node", nargs="*", metavar="NODE", help="these only (default: all)")

    made = command("box", "build the box, or the node image, that needs no internet")
    actions = made.add_subparsers(dest="action", metavar="ACTION", required=True)
    build = actions.add_parser("build", help="build it from Debian packages")
    build.add_argument("--provider", choices=("virtualbox", "libvirt", "docker", "all"), default="all")
    build.add_argument("--force", action="store_true", help="build anew what is there already")
    where = actions.add_parser("path", help="print where the built box is")
    where.add_argument("--provider", choices=("virtualbox", "libvirt", "docker"), default="libvirt")
    for parser in (build, where):
        parser.add_argument(
            "--suite",
            choices=("bookworm", "trixie", "sid"),
            default="bookworm",
            help="of the node image: the release of Debian, and with it of Docker's engine (default: %(default)s)",
        )

    command("schema", "print the JSON Schema of lab.yml, for editors")
    return root


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; gives the exit status (see :mod:`labgen.core.errors`)."""

    def command() -> int:
        arguments = parser().parse_args(argv)
        import_nothing_from_the_working_folder()
        if arguments.folder and arguments.command != "init":
            need_folder(arguments.folder)
        module = importlib.import_module(f"labgen.cli.{arguments.module}")
        status: int = module.run(arguments)
        return status

    return guarded(command)
