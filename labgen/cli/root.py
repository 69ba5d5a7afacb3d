"""The program `labgen` itself: its commands, the options before them, and what becomes of a mistyped word."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from labgen import __version__
from labgen.cli import click_messages
from labgen.cli.declare import LANGUAGE_OPTION, Group, Option, option
from labgen.cli.parameters import FolderPath
from labgen.core.errors import UsageError
from labgen.core.i18n import Text, _, ui_language
from labgen.core.verbose import VERBOSE

PROGRAM = "labgen"

COMPLETE = "_LABGEN_COMPLETE"
"""Environment variable in which a shell asks what a word on the command line could become."""

SUMMARIES: dict[str, Text] = {
    "init": _("make a lab folder: lab.yml, fabfile.py and verify/"),
    "render": _("write the Vagrantfile"),
    "doctor": _("check whether this computer can run the lab"),
    "up": _("start the lab: write the Vagrantfile, start the machines, set up the swarm"),
    "status": _("show machines, nodes and services"),
    "run": _("carry out exercises"),
    "brief": _("print what an exercise asks for, to follow it by hand"),
    "grade": _("check the lab and write a report"),
    "nonce": _("print a nonce for each learner, as a table"),
    "explain": _("show the commands behind a check, and what the nodes answered"),
    "ssh": _("log in to a node, or run a command there"),
    "reset": _("set up a new swarm in seconds: remove everything in the engines, keep the machines"),
    "snapshot": _("save the state of the machines, and return to it"),
    "halt": _("shut the machines down; `labgen up` starts them again"),
    "down": _("remove the machines, and everything made for them"),
    "box": _("build the box, or the node image, that needs no internet"),
    "kit": _("make and check a folder that a class installs labgen from, without internet"),
    "schema": _("print the JSON Schema of lab.yml, for editors"),
    "support": _("write a bundle for bug reports: versions, findings, logs, without secrets"),
    "completion": _("print the script that completes labgen's words in a shell"),
}
"""What each command does, in the order of the help. Each is a module of this package, with its options."""

_HELP = _("show this help")

_EPILOG = _("""\
In a lab folder:
  labgen up                  the whole lab: Vagrantfile, machines, swarm
  labgen run loadbalance     an exercise
  labgen grade               check and grade, with a report
  labgen down                remove the machines again
or step by step:
  labgen render && vagrant up && fab bootstrap && fab exercise.loadbalance && pytest verify/
""")


def _be_verbose(ctx: click.Context, _option: click.Parameter, verbose: bool) -> None:
    """Have each program shown that this process and its children start, until the command has ended."""
    if verbose and not ctx.resilient_parsing:
        os.environ[VERBOSE] = "1"
        ctx.call_on_close(lambda: os.environ.pop(VERBOSE, None))


VERBOSE_OPTION = Option(
    ["--verbose"],
    is_flag=True,
    expose_value=False,
    callback=_be_verbose,
    help=_("show each program that is started, and how long it took"),
)
"""Stands before the command or after it."""


class LazyGroup(Group):
    """A group that imports a command's module when that command is given, and none for its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands."""
        del ctx
        return list(SUMMARIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of a name; ``None`` if there is none.

        :raises TypeError: its module has no ``command``.
        """
        if cmd_name not in SUMMARIES:
            return None
        command = importlib.import_module(f"{__package__}.{cmd_name}").command
        if not isinstance(command, click.Command):
            raise TypeError(f"{cmd_name}.command is no command")
        summary = SUMMARIES[cmd_name].in_(ui_language())
        command.help = f"{summary[0].upper()}{summary[1:]}."
        for part in (command, *(command.commands.values() if isinstance(command, click.Group) else ())):
            part.params += [shared for shared in (VERBOSE_OPTION, LANGUAGE_OPTION) if shared not in part.params]
            if help_option := part.get_help_option(ctx):
                help_option.help = _HELP.in_(ui_language())
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command that the first word names.

        :raises click.exceptions.NoSuchCommand: there is none; says which is near.
        """
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands into the help."""
        del ctx
        with formatter.section(_("Commands").in_(ui_language())):
            formatter.write_dl([(name, text.in_(ui_language())) for name, text in SUMMARIES.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """List what a word could become: a command, or an option before it."""
        commands = [
            CompletionItem(name, help=text.in_(ui_language()))
            for name, text in SUMMARIES.items()
            if name.startswith(incomplete)
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]


@click.group(
    cls=LazyGroup,
    name=PROGRAM,
    help=_("A Docker Swarm lab: generate it, start it, carry out exercises in it and grade them."),
    epilog=_EPILOG,
    subcommand_metavar="COMMAND ...",
    no_args_is_help=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[VERBOSE_OPTION, LANGUAGE_OPTION],
)
@option("-C", "--folder", type=FolderPath(), metavar="DIR", help=_("the lab folder (default: the working directory)"))
@click.help_option("-h", "--help", cls=Option, help=_HELP)
@click.version_option(
    __version__, prog_name=PROGRAM, message="%(prog)s %(version)s", cls=Option, help=_("print the version")
)
def program(folder: Path | None) -> None:
    """Take the options that stand before the command (see :func:`labgen.cli.folders.in_lab_folder`)."""
    del folder


def run(words: Sequence[str]) -> int:
    """Run the command that some words give and return its exit status.

    :raises UsageError: the words are not those of a command.
    """
    click_messages.translate()
    if instruction := os.environ.get(COMPLETE):
        return _complete(instruction)
    try:
        with program.make_context(PROGRAM, list(words)) as context:
            status: int = program.invoke(context)
            return status
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.UsageError as error:
        sentence = error.format_message()
        if ui_language() == "ko":
            from labgen.core.josa import with_particles

            sentence = with_particles(sentence)
        raise UsageError(f"{sentence[:1].lower()}{sentence[1:]}", _way_out(error)) from None


def _complete(instruction: str) -> int:
    """Print what a shell asks for; nothing where that cannot be found out, so that no error appears in the line."""
    from click.shell_completion import shell_complete

    try:
        return shell_complete(program, {}, PROGRAM, COMPLETE, instruction)
    except Exception:
        return 1


def _way_out(error: click.UsageError) -> Text:
    """Give the hint for a mistake on the command line."""
    command = error.ctx.command_path if error.ctx else PROGRAM
    if isinstance(error, click.exceptions.NoSuchOption) and command != PROGRAM:
        before = {name for parameter in program.params for name in parameter.opts}
        if error.option_name in before:
            name = command.removeprefix(PROGRAM).strip()
            correct = f"{PROGRAM} {error.option_name} ... {name}"
            return _("Write it before the command: %(correct)s", correct=correct)
    return _("See `%(command)s --help`.", command=command)
