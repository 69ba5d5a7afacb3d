"""`labgen schema`: the JSON Schema of lab.yml."""

from __future__ import annotations

import json

import click

from labgen import config


@click.command
def command() -> int:
    """Print the schema."""
    print(json.dumps(config.schema(), indent=2, ensure_ascii=False))
    return 0
