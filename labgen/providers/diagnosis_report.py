"""The diagnosis as text for people and as data for programs."""

from __future__ import annotations

from typing import Any

from labgen.core.columns import columns, padded
from labgen.core.i18n import Language, Text, _
from labgen.host.findings import Finding
from labgen.providers import PROVIDERS
from labgen.providers.diagnosis import Diagnosis

MARKS = {"ok": "✓", "warning": "!", "error": "✗"}
_INDENT = " " * 6


def report(diagnosis: Diagnosis, language: Language = "en") -> str:
    """Write the diagnosis as text: one block for this computer and one for each provider, fixes indented."""
    general = [finding for finding in diagnosis.findings if finding.provider is None]
    blocks = [_block(_("This computer").in_(language), general, language)]
    for provider in diagnosis.providers:
        title = f"{PROVIDERS[provider].title}: " + ", ".join(text.in_(language) for text in _uses(diagnosis, provider))
        findings = [finding for finding in diagnosis.findings if finding.provider == provider]
        blocks.append(_block(title, findings, language))
    return "\n\n".join(blocks) + "\n"


def _uses(diagnosis: Diagnosis, provider: str) -> list[Text]:
    """Say whether a provider can be used, and how."""
    if not diagnosis.usable[provider]:
        return [_("cannot be used")]
    uses = [_("can be used")]
    if not diagnosis.accelerated[provider]:
        uses.append(_("emulated"))
    if ports := diagnosis.published_ports(provider):
        uses.append(ports)
    return uses


def _block(title: str, findings: list[Finding], language: Language) -> str:
    subjects = [finding.topic.in_(language) for finding in findings]
    width = max(map(columns, subjects), default=0)
    lines = [title]
    for finding, subject in zip(findings, subjects, strict=True):
        lines.append(f"  {MARKS[finding.level]} {padded(subject, width)}  {finding.words.in_(language)}")
        lines += [f"{_INDENT}{line}" for line in finding.remedy.in_(language).splitlines()]
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
