"""The report for programs. ``docs/report.md`` says what its fields mean, ``schema.json`` here what they look like.

Version 1 had no verdict "not applicable". Version 2 has; such checks have points, but none of these is at
stake: sums leave them out and tell them apart. Version 3 adds what was seen (``seen``), titles and language,
the lab network, labgen's version and the evidence it goes with. Version 4 adds the requests made while checks acted
(``seen.probes``) and how long was waited (``seen.waited``). Version 5 has the swarm itself apart (``cluster``): its
checks earn no points, and the exercises have verdicts of their own; hints are data (``hints``). Older
versions are read as well, the points of their checks of the swarm as none.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from labgen.exercise.catalogue import prerequisite
from labgen.exercise.hint import Advice
from labgen.exercise.verdict import Verdict
from labgen.report.model import Bundle, LabNode, Outcome, Points, Report, overall
from labgen.report.seen import (
    Seen,
    SeenAnswer,
    SeenExchange,
    SeenNode,
    SeenProbe,
    SeenRequests,
    SeenService,
    SeenStretch,
    SeenTask,
)

SCHEMA = "labgen.report"
VERSION = 5


def to_json(report: Report) -> str:
    """Write the report for programs."""
    return json.dumps(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "labgen": report.labgen,
            "language": report.language,
            "lab": {
                "name": report.lab,
                "provider": report.provider,
                "network": report.network,
                "nodes": [asdict(node) for node in report.nodes],
            },
            "started": report.started,
            "seconds": round(report.seconds, 3),
            "complete": report.complete,
            "verdict": report.verdict,
            "points": asdict(report.points),
            "cluster": _cluster(report),
            "not_begun": list(report.not_begun),
            "not_applicable": [asdict(item) for item in report.not_applicable],
            "exercises": [
                {
                    "name": name,
                    "title": report.title(name),
                    "verdict": overall(outcomes),
                    "checks": len(outcomes),
                    "points": asdict(Points.sum(outcomes)),
                }
                for name, outcomes in report.exercises()
            ],
            "checks": [{**asdict(item), "seconds": round(item.seconds, 3)} for item in report.checks],
            "seen": asdict(report.seen),
            "evidence": asdict(report.evidence) if report.evidence else None,
        },
        ensure_ascii=False,
        indent=2,
    )


def _cluster(report: Report) -> dict[str, Any] | None:
    return {"title": report.title(prerequisite()), **asdict(report.precondition)} if report.precondition else None


def from_json(text: str) -> Report:
    """Read a report that :func:`to_json` wrote, of this version or an older one.

    :raises ValueError: it is something else, or of a version that is not known here.
    """
    try:
        fields: Any = json.loads(text)
    except RecursionError:
        raise ValueError("this is no labgen report") from None
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        raise ValueError("this is no labgen report")
    version = fields.get("version")
    if version not in range(1, VERSION + 1):
        raise ValueError(f"this report has version {version}; known here are 1 to {VERSION}")
    try:
        exercises = [*fields.get("exercises", ())]
        if cluster := fields.get("cluster"):
            exercises.append({"name": prerequisite(), **cluster})
        return Report(
            lab=fields["lab"]["name"],
            provider=fields["lab"]["provider"],
            nodes=tuple(LabNode(**node) for node in fields["lab"]["nodes"]),
            started=fields["started"],
            seconds=fields["seconds"],
            complete=fields["complete"],
            checks=tuple(_outcome(check) for check in fields["checks"]),
            not_begun=tuple(fields.get("not_begun", ())),
            language="ko" if fields.get("language") == "ko" else "en",
            titles={
                exercise["name"]: exercise["title"]
                for exercise in exercises
                if exercise.get("title", exercise["name"]) != exercise["name"]
            },
            network=fields["lab"].get("network", ""),
            seen=_snapshot(fields.get("seen") or {}),
            evidence=Bundle(**fields["evidence"]) if fields.get("evidence") else None,
            labgen=fields.get("labgen", ""),
        )
    except (KeyError, TypeError, AttributeError) as why:
        raise ValueError(f"this report is damaged: {why}") from None


def _outcome(check: dict[str, Any]) -> Outcome:
    # Before version 5 checks of the swarm itself had points.
    points = {"points": 0, "got": 0} if check["exercise"] == prerequisite() else {}
    hints = tuple(Advice(**{**hint, "commands": tuple(hint["commands"])}) for hint in check.get("hints", ()))
    return Outcome(**{**check, "verdict": Verdict(check["verdict"]), "hints": hints, **points})


def _snapshot(fields: dict[str, Any]) -> Seen:
    return Seen(
        at=fields.get("at", ""),
        nodes=tuple(SeenNode(**item) for item in fields.get("nodes", ())),
        services=tuple(
            SeenService(
                **{
                    **item,
                    "ports": tuple(item["ports"]),
                    "tasks": tuple(SeenTask(**task) for task in item["tasks"]),
                }
            )
            for item in fields.get("services", ())
        ),
        requests=tuple(
            SeenRequests(**{**item, "answers": tuple(SeenAnswer(**answer) for answer in item["answers"])})
            for item in fields.get("requests", ())
        ),
        probes=tuple(
            SeenProbe(**{**item, "stretches": tuple(SeenStretch(**stretch) for stretch in item["stretches"])})
            for item in fields.get("probes", ())
        ),
        waited=fields.get("waited", 0.0),
        exchanges=tuple(SeenExchange(**exchange) for exchange in fields.get("exchanges", ())),
    )
