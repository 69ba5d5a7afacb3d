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
    """The report for programs."""
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
            "not_applicable": [asdict(one) for one in report.not_applicable],
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
            "checks": [{**asdict(one), "seconds": round(one.seconds, 3)} for one in report.checks],
            "seen": asdict(report.seen),
            "evidence": asdict(report.evidence) if report.evidence else None,
        },
        ensure_ascii=False,
        indent=2,
    )


def _cluster(report: Report) -> dict[str, Any] | None:
    return {"title": report.title(prerequisite()), **asdict(report.precondition)} if report.precondition else None


def from_json(text: str) -> Report:
    """A report that :func:`to_json` wrote, of this version or an older one.

    :raises ValueError: it is something else, or of a version that is not known here.
    """
    try:
        told: Any = json.loads(text)
    except RecursionError:
        raise ValueError("this is no labgen report") from None
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        raise ValueError("this is no labgen report")
    version = told.get("version")
    if version not in range(1, VERSION + 1):
        raise ValueError(f"this report has version {version}; known here are 1 to {VERSION}")
    try:
        exercises = [*told.get("exercises", ())]
        if cluster := told.get("cluster"):
            exercises.append({"name": prerequisite(), **cluster})
        return Report(
            lab=told["lab"]["name"],
            provider=told["lab"]["provider"],
            nodes=tuple(LabNode(**node) for node in told["lab"]["nodes"]),
            started=told["started"],
            seconds=told["seconds"],
            complete=told["complete"],
            checks=tuple(_outcome(check) for check in told["checks"]),
            not_begun=tuple(told.get("not_begun", ())),
            language="ko" if told.get("language") == "ko" else "en",
            titles={one["name"]: one["title"] for one in exercises if one.get("title", one["name"]) != one["name"]},
            network=told["lab"].get("network", ""),
            seen=_seen(told.get("seen") or {}),
            evidence=Bundle(**told["evidence"]) if told.get("evidence") else None,
            labgen=told.get("labgen", ""),
        )
    except (KeyError, TypeError, AttributeError) as why:
        raise ValueError(f"this report is damaged: {why}") from None


def _outcome(check: dict[str, Any]) -> Outcome:
    # Before version 5 checks of the swarm itself had points.
    points = {"points": 0, "got": 0} if check["exercise"] == prerequisite() else {}
    hints = tuple(Advice(**{**hint, "commands": tuple(hint["commands"])}) for hint in check.get("hints", ()))
    return Outcome(**{**check, "verdict": Verdict(check["verdict"]), "hints": hints, **points})


def _seen(told: dict[str, Any]) -> Seen:
    return Seen(
        at=told.get("at", ""),
        nodes=tuple(SeenNode(**one) for one in told.get("nodes", ())),
        services=tuple(
            SeenService(
                **{
                    **one,
                    "ports": tuple(one["ports"]),
                    "tasks": tuple(SeenTask(**task) for task in one["tasks"]),
                }
            )
            for one in told.get("services", ())
        ),
        requests=tuple(
            SeenRequests(**{**one, "answers": tuple(SeenAnswer(**answer) for answer in one["answers"])})
            for one in told.get("requests", ())
        ),
        probes=tuple(
            SeenProbe(**{**one, "stretches": tuple(SeenStretch(**stretch) for stretch in one["stretches"])})
            for one in told.get("probes", ())
        ),
        waited=told.get("waited", 0.0),
        exchanges=tuple(SeenExchange(**exchange) for exchange in told.get("exchanges", ())),
    )
