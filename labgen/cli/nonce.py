"""`labgen nonce`: one for each learner, made of a secret of the teacher's, a name and the day."""

from __future__ import annotations

import argparse
import sys

from labgen.apps.handins import table
from labgen.core.errors import HostError, LabgenError

_SHORTEST = 16
"""Bytes that a secret must have: with a shorter one, learners could find each other's nonces by trying."""


def run(arguments: argparse.Namespace) -> int:
    """Print the table, as CSV."""
    try:
        secret = arguments.secret.read_bytes().strip()
    except OSError as why:
        raise HostError(
            f"{arguments.secret} cannot be read: {why.strerror or why}.",
            f"Make a secret, and keep it to yourself: openssl rand -hex 32 > {arguments.secret}",
        ) from None
    if len(secret) < _SHORTEST:
        raise LabgenError(
            f"the secret in {arguments.secret} is too short: {len(secret)} of at least {_SHORTEST} bytes.",
            f"Make another: openssl rand -hex 32 > {arguments.secret}",
        )
    sys.stdout.write(table(secret, arguments.name, arguments.date.isoformat()))
    return 0
