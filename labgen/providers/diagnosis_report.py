"""The diagnosis as text for people and as data for programs."""

from __future__ import annotations

from typing import Any

from labgen.host.findings import Finding
from labgen.providers import PROVIDERS
from labgen.providers.diagnosis import Diagnosis

MARKS = {"ok": "✓", "warning": "!", "error": "✗"}
_INDENT = " " * 6


def report(diagnosis: Diagnosis) -> str:
    """Write the diagnosis as text: one block for this computer and one for each provider, fixes indented."""
    blocks = [_block("This computer", [finding for finding in diagnosis.findings if finding.provider is None])]
    usable = diagnosis.usable
    for provider in diagnosis.providers:
        if not usable[provider]:
            how = "cannot be used"
        else:
            how = "can be used"
            how += "" if diagnosis.accelerated[provider] else ", emulated"
            if ports := diagnosis.published_ports(provider):
                how += f", {ports}"
        title = f"{PROVIDERS[provider].title}: {how}"
        blocks.append(_block(title, [finding for finding in diagnosis.findings if finding.provider == provider]))
    return "\n\n".join(blocks) + "\n"


def _block(title: str, findings: list[Finding]) -> str:
    width = max((len(finding.subject) for finding in findings), default=0)
    lines = [title]
    for finding in findings:
        lines.append(f"  {MARKS[finding.level]} {finding.subject:<{width}}  {finding.message}")
        lines += [f"{_INDENT}{line}" for line in finding.fix.splitlines()]
    return "\n".join(lines)


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """Convert the diagnosis to plain data."""
    return {
        "usable": dict(diagnosis.usable),
        "accelerated": dict(diagnosis.accelerated),
        "own_daemon": dict(diagnosis.own_daemon),
        "lacks": {
            provider: {str(capability): why for capability, why in lacks.items()}
            for provider, lacks in diagnosis.lacks.items()
        },
        "existing": diagnosis.existing,
        "findings": [finding.as_json() for finding in diagnosis.findings],
    }
