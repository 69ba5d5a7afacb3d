"""`labgen completion`: the script that completes labgen's words in a shell."""

from __future__ import annotations

import sys

import click
from click.shell_completion import ShellComplete, get_completion_class

from labgen.cli.declare import LocalizedCommand, argument
from labgen.core.i18n import _

SHELLS = ("bash", "zsh", "fish", "powershell")


@click.command(
    cls=LocalizedCommand,
    epilog=_("""\
Add a line to the file that your shell reads when it starts:
  ~/.bashrc (bash 4.4 or later)   eval "$(labgen completion bash)"
  ~/.zshrc (after compinit)       eval "$(labgen completion zsh)"
  ~/.config/fish/config.fish      labgen completion fish | source
  $PROFILE (PowerShell)           labgen completion powershell | Out-String | Invoke-Expression
"""),
)
@argument("shell", type=click.Choice(SHELLS), metavar="SHELL", help=", ".join(SHELLS))
def command(shell: str) -> int:
    """Print the script."""
    from labgen.cli.root import COMPLETE, PROGRAM, program

    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 - for the type checker: click has these four
    # Not the method of a subclass: bash's starts a bash to ask for its version.
    sys.stdout.write(ShellComplete.source(completion(program, {}, PROGRAM, COMPLETE)).rstrip() + "\n")
    return 0
