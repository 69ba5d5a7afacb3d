"""`labgen nonce`: one for each learner, made of a secret of the teacher's, a name and the day."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from labgen.apps.handins import table
from labgen.cli.declare import argument, option
from labgen.cli.parameters import Day, FilePath
from labgen.core.atomic_files import content_of
from labgen.core.errors import UsageError
from labgen.core.i18n import _

_SHORTEST = 16
"""Bytes that a secret must have: with a shorter one, learners could find each other's nonces by trying."""

_LONGEST = 64 * 2**10
"""Bytes that a secret may have: what is longer is another file."""

_MAKE = "Make a secret, keep it to yourself, and name its file:\nopenssl rand -hex 32 > new-secret"
"""Names a file of its own: what was named may be a file of something else."""


@click.command
@argument("names", nargs=-1, required=True, metavar="NAME...", help=_("the learners, as their files are named"))
@option("--secret", "file", type=FilePath(), required=True, metavar="FILE", help=_("your secret: 16 bytes or more"))
@option("--date", "day", type=Day(), metavar="YYYY-MM-DD", help=_("the day they are for (default: today)"))
def command(names: tuple[str, ...], file: Path, day: date | None) -> int:
    """Print the table, as CSV."""
    secret = content_of(file, _MAKE, _LONGEST).strip()
    if len(secret) < _SHORTEST:
        raise UsageError(
            _(
                "the secret in %(file)s is too short: %(size)s of at least %(shortest)s bytes.",
                file=file,
                size=len(secret),
                shortest=_SHORTEST,
            ),
            _MAKE,
        )
    sys.stdout.write(table(secret, list(names), (day or date.today()).isoformat()))
    return 0
