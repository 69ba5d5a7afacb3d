"""Recordings of labs that have other values than the course's: graded by those values, and by no others."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

import pytest
from recorded import Recorded

from labgen.apps.grading import grade
from labgen.core.errors import EvidenceError
from labgen.exercise.catalogue import Values, exercise_names, find
from labgen.report import Report
from verify import bundle
from verify.evidence import Evidence
from verify.session import lab_in

NGINX = "course/nginx:1.27"
OLD, NEW = {"old": "redis:5.0-alpine"}, {"new": "redis:6.2.7-alpine"}

OTHERS: dict[str, Values] = {
    "service": {"service": {"name": "talker", "image": "alpine:3.19", "line": "Hello there", "pause": 4}},
    "loadbalance": {"loadbalance": {"name": "front", "image": NGINX, "port": 18001, "greeting": "Moin Swarm"}},
    "scaling": {"scaling": {"name": "front", "image": NGINX, "port": 18001}},
    "globalmode": {"globalmode": {"name": "everywhere", "image": NGINX}},
    "cleanup": {
        **{name: {"name": "front", "port": 18001} for name in ("loadbalance", "scaling", "recovery")},
        "globalmode": {"name": "everywhere"},
    },
    "recovery": {"recovery": {"name": "front", "image": NGINX, "port": 18001}},
    "failover": {"failover": {"name": "front", "image": NGINX}},
    "update": {"update": {"name": "store", **OLD, **NEW}},
    "updateoptions": {"updateoptions": {"name": "store", **OLD, **NEW}},
    "rollback": {"rollback": {"queue_name": "line", "store_name": "store", **OLD, **NEW, "bad": "alpine:3.19"}},
    "placement": {
        "placement": {
            "off_managers_name": "below",
            "labelled_name": "fast",
            "spread_name": "wide",
            "too_big_name": "huge",
            "image": NGINX,
            "label": "storage",
            "value": "quick",
        }
    },
    "ports": {
        "ports": {
            "chosen_name": "mine",
            "automatic_name": "theirs",
            "host_name": "here",
            "image": NGINX,
            "port": 18003,
            "host_port": 18004,
        }
    },
    "discovery": {
        "discovery": {"network": "shared", "virtual_name": "one-address", "round_robin_name": "many", "image": NGINX}
    },
    "stack": {
        "stack": {"stack": "market", "port": 18090, "web_image": NGINX, "counter_image": "alpine:3.19", **OLD, **NEW}
    },
    "secrets": {
        "secrets": {
            "name": "page",
            "image": NGINX,
            "port": 18088,
            "first": "people-1",
            "second": "people-2",
            "target": "people",
            "config": "page-conf",
        }
    },
    "health": {
        "health": {
            "name": "sessions",
            **OLD,
            **NEW,
            "wrong_port": 6999,
            "web_name": "front",
            "web_image": NGINX,
            "port": 18005,
        }
    },
    "quorum": {"quorum": {"name": "front", "image": NGINX, "port": 18089}},
}
"""Of each exercise values that its recording can show."""

NO_OTHERS = {"cluster": "it has no parameters: Docker chooses its ports and networks"}
"""Exercises that can have no other values, and why."""

NOT_SHOWN = {
    "replicas": "a task more has containers and times of its own",
    "host_replicas": "as above",
    "spread_replicas": "as above",
    "web_replicas": "as above",
    "few": "as above",
    "many": "as above",
    "tasks": "as above; grading does not look at it",
    "parallelism": "the times of the tasks follow from it",
    "delay": "as above",
    "monitor": "as above",
    "interval": "as above",
    "retries": "as above",
    "reserve": "the reason for which the task waits follows from it",
    "within": "a limit for what is tried; a recording shows no limits",
    "losing": "as above",
    "down_within": "as above; only the steps use it",
    "boot_within": "as above; only the steps use it",
    "agree_within": "as above; only the steps use it",
    "per_thousand": "as above",
    "by_hand": "as above",
    "asker": "only the steps and the brief name this container",
    "project": "only the steps and the brief name this project",
    "user": "its line is a secret, which no recording has",
}
"""Parameters that no other value is tried of, and why."""


def renamed(name: str, others: Values) -> Evidence:
    """Give the recording of an exercise as it would be with other values: in commands and answers alike."""
    evidence = Recorded(name).evidence
    values = [
        (_pattern(getattr(find(exercise).parameters, parameter)), str(value))
        for exercise, changed in others.items()
        for parameter, value in changed.items()
    ]

    def change(text: str) -> str:
        for number, (pattern, _value) in enumerate(values):
            text = pattern.sub(f"\0{number}\0", text)
        return re.sub(r"\0(\d+)\0", lambda place: values[int(place[1])][1], text)

    evidence.observations[:] = [
        replace(observation, script=change(observation.script), out=change(observation.out))
        for observation in evidence.observations
    ]
    return evidence


def _pattern(default: object) -> re.Pattern[str]:
    """Find a default in what was recorded, and nothing that it is a part of."""
    if default == "nginx":
        return re.compile(r"(?<![\w/.-])nginx:latest(?![\w.-])")
    if isinstance(default, int) and default < 100:
        return re.compile(rf"(?<=sleep ){default}(?!\d)")
    # After the quotation mark of an address, too.
    before = r"(?:(?<![0-9A-Za-z-])|(?<=%22))"
    return re.compile(rf"{before}{re.escape(str(default))}(?![0-9A-Za-z-])")


def graded(name: str, evidence: Evidence, parameters: Values) -> Report:
    """Grade a recording by other values than the course's."""
    evidence = replace(evidence, parameters=parameters)
    return grade(lab_in(evidence), [name], evidence.replay(), evidence=evidence, language="en")


def wrong(name: str, report: Report) -> list[str]:
    """List the checks of an exercise that did not pass, with what they saw."""
    checks = [check for check in report.checks if check.exercise == name]
    assert checks
    right = ("pass", "not applicable")
    return [f"{check.id}: {check.verdict}: {check.seen}" for check in checks if check.verdict not in right]


@pytest.mark.parametrize("name", OTHERS)
def test_grade_of_a_lab_with_other_values_gives_every_point(name: str) -> None:
    report = graded(name, renamed(name, OTHERS[name]), OTHERS[name])
    assert wrong(name, report) == []
    usual = grade(lab_in(Recorded(name).evidence), [name], Recorded(name).evidence.replay(), language="en")
    assert report.points == usual.points


@pytest.mark.parametrize("name", OTHERS)
def test_grade_of_the_usual_lab_by_other_values_fails(name: str) -> None:
    assert wrong(name, graded(name, Recorded(name).evidence, OTHERS[name]))


def test_grade_refuses_evidence_that_was_made_with_other_parameters() -> None:
    evidence = replace(Recorded("stack").evidence, parameters={"stack": {"port": 18090}})
    lab = lab_in(evidence)
    with pytest.raises(EvidenceError) as refused:
        grade(lab, ["stack"], evidence.replay(), evidence=evidence, parameters={"recovery": {"port": 8101}})
    assert refused.value.message == "the evidence was made with stack.port=18090, and cannot be graded with others."
    usual = Recorded("stack").evidence
    with pytest.raises(EvidenceError, match="the evidence was made with the course's parameters, and cannot be"):
        grade(lab, ["stack"], usual.replay(), evidence=usual, parameters={"stack": {"port": 18090}})


def test_grade_takes_the_values_of_the_evidence_however_they_are_named() -> None:
    evidence = replace(renamed("stack", OTHERS["stack"]), parameters=OTHERS["stack"])
    values = {**OTHERS["stack"], "recovery": {"port": 8001}}
    report = grade(lab_in(evidence), ["stack"], evidence.replay(), evidence=evidence, language="en", parameters=values)
    assert wrong("stack", report) == []


def test_grade_keeps_the_parameters_in_the_evidence_that_it_records() -> None:
    played = renamed("globalmode", OTHERS["globalmode"])
    recorded = replace(played, observations=[])
    nodes = recorded.recording(played.replay())
    grade(lab_in(played), ["globalmode"], nodes, evidence=recorded, parameters=OTHERS["globalmode"])
    assert recorded.observations
    assert bundle.read(bundle.write(recorded)).parameters == OTHERS["globalmode"]


def test_parameters_every_parameter_has_another_value_or_a_reason() -> None:
    assert set(OTHERS) | set(NO_OTHERS) == set(exercise_names())
    for name, others in OTHERS.items():
        parameters = asdict(find(name).parameters)
        tried = set(others.get(name, {}))
        assert tried <= set(parameters)
        assert set(parameters) - tried <= set(NOT_SHOWN), name
    assert asdict(find("cluster").parameters) == {}
