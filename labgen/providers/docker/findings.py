"""Findings of the doctor on Docker."""

from __future__ import annotations

from labgen.core.i18n import NOTHING, Text, untranslated
from labgen.host.findings import Finding, Level

DOCKER = untranslated("Docker")
"""Their usual subject."""


def docker_finding(name: str, level: Level, message: Text, fix: Text = NOTHING, subject: Text = DOCKER) -> Finding:
    """Make a finding: its id begins with ``docker.``."""
    return Finding(f"docker.{name}", level, subject, message, fix, "docker")
