"""`labgen schema`: the JSON Schema of lab.yml."""

from __future__ import annotations

import argparse
import json

from labgen import config


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    del arguments
    print(json.dumps(config.schema(), indent=2, ensure_ascii=False))
    return 0
