"""The bundle of evidence: whole it gives the same again, and whatever is done to it is noticed in one sentence."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fake_lab import FakeLab
from hypothesis import given
from hypothesis import strategies as st
from recorded import Recorded

from labgen.core.errors import EvidenceError, NodeError
from labgen.core.redaction import redact
from labgen.docker.swarm import Task
from labgen.exercise.catalogue import exercise_names
from labgen.model.capabilities import Capability
from labgen.model.lab import Node
from labgen.model.lab_folder import State
from labgen.transport import recording
from labgen.transport.observation import Observation
from labgen.transport.protocol import Transport
from verify import bundle
from verify.bundle import Damaged
from verify.evidence import Evidence
from verify.session import load_evidence

TOKEN = "SWMTKN-1-3pu6hszjas19xyp7ghgosyx9k8atbfcr8p2is99znpy26u2lkl-1awxwuwd3z9j1z3puu7rcgdbx"
NODE = FakeLab().lab.nodes[0]


def made(*outs: str, nonce: str = "class-7") -> Evidence:
    """Evidence of one node that answers these."""
    observations = [Observation("swarm-manager", "uname", out, ("", ""), at / 4) for at, out in enumerate(outs)]
    state = State("docker", lacks={Capability.ROUTING_MESH: "no IPVS"})
    return Evidence(
        "workers: 2\n", state, observations, nonce, datetime(2026, 11, 24, 12, tzinfo=UTC), "0.1.0", ("update",)
    )


def relined(text: str, at: int, change: Callable[[dict[str, Any]], Any]) -> str:
    """The file with one line changed."""
    lines = text.removesuffix("\n").split("\n")
    fields = json.loads(lines[at])
    change(fields)
    lines[at] = json.dumps(fields, ensure_ascii=False)
    return "\n".join(lines) + "\n"


def forged(text: str, at: int, change: Callable[[dict[str, Any]], Any]) -> str:
    """The same by someone who works the hashes out again."""
    chain, lines = "", []
    for line in relined(text, at, change).removesuffix("\n").split("\n"):
        fields = {key: value for key, value in json.loads(line).items() if key != "hash"}
        chain = bundle._hash(fields, chain)
        lines.append(json.dumps({**fields, "hash": chain}))
    return "\n".join(lines) + "\n"


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(
    st.lists(
        st.builds(
            Observation,
            st.sampled_from(["a", "나"]),
            TEXTS,
            TEXTS,
            st.tuples(st.just(""), st.just("")),
            st.just(1.5),
        )
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20).filter(str.isprintable),
)
def test_bundle_what_was_written_is_read(observations: list[Observation], nonce: str) -> None:
    evidence_of_one = dataclasses.replace(made(nonce=nonce), observations=observations)
    again = bundle.read(bundle.write(evidence_of_one))
    assert again == evidence_of_one
    assert bundle.digest(again) == bundle.digest(evidence_of_one)


def test_errors_long_answers_and_repeated_ones_are_read() -> None:
    long = "x" * 300
    recorded = made(long, long, json.dumps([{"n": at} for at in range(5000)]))
    recorded.observations.append(Observation("gone", "uname", "", ("it is gone", "labgen up"), 9.0))
    recorded.observations.append(Observation("b", "cat", "", ("", ""), 9.5, left_out=True))
    text = bundle.write(recorded)
    assert bundle.read(text) == recorded
    assert text.count(long) == 1
    assert len(text) < 20_000


RECORDED = bundle.write(Recorded("update").evidence)


@given(st.integers(min_value=0, max_value=len(RECORDED) - 2))
def test_bundle_file_cut_anywhere_is_noticed(at: int) -> None:
    with pytest.raises(Damaged):
        bundle.read(RECORDED[:at])


@given(st.integers(min_value=0, max_value=len(RECORDED) - 2), st.characters())
def test_bundle_character_changed_anywhere_is_noticed(at: int, mark: str) -> None:
    changed = RECORDED[:at] + mark + RECORDED[at + 1 :]
    try:
        again = bundle.read(changed)
    except Damaged:
        return
    # A space for another between two values says the same.
    assert again == bundle.read(RECORDED)


TEXT = bundle.write(made("one", "two", "three"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no evidence of a labgen grading"),
        ("[]", "it is no evidence of a labgen grading"),
        ("[" * 100_000, "it is no evidence of a labgen grading"),
        ('{"schema": "labgen.report", "version": 2}', "it is no evidence of a labgen grading"),
        (
            '{"schema": "labgen.evidence", "version": 3}',
            "it has version 3; this labgen reads version 2 (install a newer",
        ),
        ('{"schema": "labgen.evidence", "version": 1}', "it has version 1; this labgen reads version 2"),
        (relined(TEXT, 0, lambda line: line.update(nonce="class-8")), "its head was changed"),
        (relined(TEXT, 2, lambda line: line.update(out="2")), "observation 2 was changed, or one before it"),
        (relined(TEXT, 2, lambda line: line.pop("hash")), "observation 2 was changed, or one before it"),
        ("\n".join(TEXT.splitlines()[:2] + TEXT.splitlines()[3:]), "observation 2 was changed, or one before it"),
        ("\n".join([*TEXT.splitlines()[:2], "{", *TEXT.splitlines()[3:]]), "observation 2 was changed"),
        ("\n".join(TEXT.splitlines()[:3]), "it is cut short: after 2 observations its end is missing"),
        (TEXT[: TEXT.index("three")], "it is cut short: after 2 observations its end is missing"),
        (relined(TEXT, 4, lambda line: line["end"].update(observations=2)), "its end was changed"),
        (TEXT + TEXT.splitlines()[1] + "\n", "something was added after its end"),
        (forged(TEXT, 4, lambda line: line["end"].update(observations=2)), "it is forged: the nodes, tasks and images"),
        (forged(TEXT, 4, lambda line: line["end"]["nodes"].update(x="y")), "it is forged: the nodes, tasks and images"),
        (forged(TEXT, 3, lambda line: line.update(since=0.1)), "it is forged: observation 3 was made before"),
        (
            forged(TEXT, 3, lambda line: line.update(since="x")),
            "it is forged: when observation 3 was made is no number",
        ),
        (forged(TEXT, 3, lambda line: line.update({"as": 7})), "it is forged: observation 3 cannot be read"),
        (forged(TEXT, 3, lambda line: line.update(packed="!")), "it is forged: observation 3 cannot be read"),
        (forged(TEXT, 0, lambda line: line.update(state={})), "it is forged: its head does not say where the lab ran"),
    ],
)
def test_bundle_what_is_wrong_with_a_file_is_said(text: str, why: str) -> None:
    with pytest.raises(Damaged) as caught:
        bundle.read(text)
    assert str(caught.value).startswith(why)
    assert "\n" not in str(caught.value)


def test_read_does_not_unpack_what_is_made_to_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_ANSWER", 1000)
    packed = base64.b64encode(zlib.compress(b"0" * 100_000)).decode()
    with pytest.raises(Damaged, match="observation 1 cannot be read"):
        bundle.read(forged(TEXT, 1, lambda line: line.update(packed=packed)))


def test_read_refuses_answers_that_are_too_long_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_TOGETHER", 1000)
    with pytest.raises(Damaged, match="longer than any evidence's"):
        bundle.read(bundle.write(made("x" * 400, "y" * 700)))


def test_read_refuses_more_observations_than_a_grading_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_MOST", 2)
    assert len(bundle.read(bundle.write(made("x", "y"))).observations) == 2
    with pytest.raises(Damaged, match="it has more observations than any grading makes"):
        bundle.read(bundle.write(made("x", "y", "z")))


def head(**fields: Any) -> str:
    """The file with other fields in its head, its hashes worked out again."""
    return forged(TEXT, 0, lambda line: line.update(fields))


def state(**fields: Any) -> str:
    """The file with other fields in what its head says of the lab."""
    return forged(TEXT, 0, lambda line: line["state"].update(fields))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (head(labgen="99.0"), "it was made by labgen '99.0', and this is labgen 0.1.0: grade it with that version"),
        (head(labgen=1), "it is forged: labgen in its head is no text"),
        (head(nonce=["a"]), "it is forged: nonce in its head is no text"),
        (head(nonce="a\x1b[2J"), "it is forged: its nonce has characters that cannot be printed"),
        (head(nonce="\ud800"), "it is forged: its nonce has characters that cannot be printed"),
        (head(lab_file=None), "it is forged: lab_file in its head is no text"),
        (head(named="all"), "it is forged: the exercises that it names are no list of texts"),
        (head(named=[1]), "it is forged: the exercises that it names are no list of texts"),
        (head(named=["update", "bogus"]), "it names an exercise that is not installed here: 'bogus'"),
        (head(started="9999-12-31T00:00:00+00:00"), "it began in the future, on 9999-12-31 at 00:00"),
        (head(started="2026-11-24T12:00:00"), "it is forged: when it began has no time zone: '2026-11-24T12:00:00'"),
        (head(started="0001-01-01T00:00:00+14:00"), "it is forged: it began before there was labgen"),
        (head(started="yesterday"), "it is forged: it began at no time: 'yesterday'"),
        (head(started=1764000000), "it is forged: started in its head is no text"),
        (head(parameters=["stack"]), "it is forged: the parameters in its head are no list of values by exercise"),
        (head(parameters={"stack": 1}), "it is forged: the parameters in its head are no list of values by exercise"),
        (head(parameters={"bo\x1bgus": {"port": 1}}), "it has parameters of an exercise that is not installed here: "),
        (head(parameters={"stack": {"po\x1brt": 1}}), "it is forged: the exercise stack has no parameter 'po\\x1brt'"),
        (
            head(parameters={"stack": {"port": "x" * 999}}),
            "it is forged: a parameter of the exercise stack is no text or",
        ),
        (head(parameters={"stack": {"port": 70000}}), "it is forged: stack: port must be a port from 1 to 65535, but"),
        (head(parameters={"stack": {"port": True}}), "it is forged: stack: port must be a port from 1 to 65535, but"),
        (head(parameters={"stack": {"port": [1]}}), "it is forged: a parameter of the exercise stack is no text"),
        (head(parameters={"stack": {"port": 8088}}), "it is forged: stack: port 8088 is that of site, which the"),
        (head(state=[]), "it is forged: its head does not say where the lab ran"),
        (state(more=1), "it is forged: its head does not say where the lab ran"),
        (
            state(provider="vmware"),
            "it was made on the provider 'vmware', which this labgen does not know; it knows virtualbox,",
        ),
        (state(provider=["docker"]), "it is forged: the provider in its head is no name"),
        (state(accelerated="maybe"), "it is forged: whether its machines were emulated is neither true nor false"),
        (state(accelerated=1), "it is forged: whether its machines were emulated is neither true nor false"),
        (state(namespace=7), "it is forged: the network namespace in its head is no text"),
        (state(lacks=["netplan"]), "it is forged: what its nodes lacked is no list of reasons"),
        (state(lacks={"netplan": 1}), "it is forged: what its nodes lacked is no list of reasons"),
        (
            state(lacks={"netplan": 1, "routing mesh": "no IPVS"}),
            "it is forged: what its nodes lacked is no list of reasons",
        ),
        (state(lacks={"patience": "x"}), "it is forged: nodes of docker do not lack this: 'patience'"),
        (
            state(provider="virtualbox", lacks={"routing mesh": "no IPVS"}),
            "it is forged: nodes of virtualbox do not lack this: 'routing mesh'",
        ),
        (forged(TEXT, 3, lambda line: line.update(since=1e300)), "it is forged: observation 3 was made later than"),
        (forged(TEXT, 3, lambda line: line.update(since=86401)), "it is forged: observation 3 was made later than"),
        (forged(TEXT, 1, lambda line: line.update(since=-1)), "it is forged: observation 1 was made later than"),
        (
            forged(TEXT, 3, lambda line: line.update(since=True)),
            "it is forged: when observation 3 was made is no number",
        ),
        (forged(TEXT, 3, lambda line: line.update(left_out="no")), "it is forged: observation 3 cannot be read"),
        (forged(TEXT, 3, lambda line: line.update(left_out=True)), "it is forged: observation 3 has not one answer"),
        (
            forged(TEXT, 3, lambda line: line.update(error=["NodeError", "x"])),
            "it is forged: observation 3 has not one",
        ),
        (forged(TEXT, 3, lambda line: line.pop("out")), "it is forged: observation 3 has not one answer"),
        (forged(TEXT, 3, lambda line: line.update(note="x")), "it is forged: observation 3 has a field that labgen"),
        (forged(TEXT, 3, lambda line: line.update(node=7)), "it is forged: observation 3 cannot be read"),
        (relined(TEXT, 3, lambda line: line.update(since=float("inf"))), "it is forged: a line of it has Infinity for"),
        (relined(TEXT, 0, lambda line: line.update(nonce=float("nan"))), "it is forged: a line of it has NaN for"),
        (
            TEXT.replace('{"schema"', '{"nonce": "other", "schema"'),
            "it is forged: a line of it says twice what 'nonce'",
        ),
        (TEXT.replace('{"node"', '{"out": "other", "node"', 1), "it is forged: a line of it says twice what 'out' is"),
        ('{"schema": "labgen.evidence", "version": true}', "it has version True; this labgen reads version 2"),
        (TEXT.replace('"one"', '"' + "x" * 2**23 + '"'), "it is forged: a line of it is longer than any in evidence"),
        (TEXT.replace('"one"', '"' + "가" * 2**19 + '"'), "it is forged: a line of it is longer than any in evidence"),
    ],
)
def test_read_refuses_what_cannot_be(text: str, why: str) -> None:
    with pytest.raises(Damaged) as caught:
        bundle.read(text)
    assert str(caught.value).startswith(why)
    assert "\n" not in str(caught.value)


def refusal(text: str) -> str:
    """Why a file is refused; empty if it is read."""
    try:
        bundle.read(text)
    except Damaged as why:
        return str(why)
    return ""


@given(st.sampled_from(["labgen", "started", "nonce", "named", "lab_file", "state"]), JSON)
def test_read_of_any_head_gives_evidence_or_one_sentence(field: str, value: Any) -> None:
    assert "\n" not in refusal(head(**{field: value}))


@given(st.sampled_from(["provider", "accelerated", "namespace", "lacks"]), JSON)
def test_read_of_any_state_gives_evidence_or_one_sentence(field: str, value: Any) -> None:
    assert "\n" not in refusal(state(**{field: value}))


@pytest.mark.parametrize(
    ("nonce", "why"),
    [
        ("class-8", "it was made with the nonce 'class-7', not with 'class-8'"),
        ("", "an empty nonce was given"),
        (" ", "an empty nonce was given"),
        ("class-7", ""),
        (None, ""),
    ],
)
def test_bundle_nonce_must_be_the_one_that_was_given(tmp_path: Any, nonce: str | None, why: str) -> None:
    (tmp_path / "it").write_text(TEXT, encoding="utf-8")
    if why:
        with pytest.raises(Damaged, match=why):
            bundle.load(tmp_path / "it", nonce)
    else:
        assert bundle.load(tmp_path / "it", nonce).nonce == "class-7"


def test_bundle_file_that_is_no_text_is_refused(tmp_path: Any) -> None:
    (tmp_path / "it").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(Damaged, match="no evidence"):
        bundle.load(tmp_path / "it")


def test_bundle_file_too_large_to_be_one_is_not_read(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "it").write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(bundle, "LARGEST", 100)
    with pytest.raises(Damaged, match="which no evidence has"):
        bundle.load(tmp_path / "it")


class Says(Transport):
    """Nodes that all say the same."""

    def __init__(self, out: str = "", error: NodeError | None = None) -> None:
        self.out, self.error = out, error

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        if self.error:
            raise self.error
        return self.out

    def close(self) -> None:
        pass


def test_bundle_no_secret_enters_and_what_is_judged_is_what_is_kept() -> None:
    kept_evidence = made()
    answer = json.dumps({"JoinTokens": {"Worker": TOKEN}, "Env": ["PASSWORD=hunter2"], "n": 1})
    out = kept_evidence.recording(Says(answer)).run(NODE, "ask")
    assert re.fullmatch(
        r'\{"JoinTokens": \{"Worker": "\(secret-\w{8}\)"\}, "Env": \["PASSWORD=\(secret-\w{8}\)"\], "n": 1\}', out
    )
    with pytest.raises(NodeError):
        kept_evidence.recording(Says(error=NodeError(f"join {TOKEN}", "x"))).run(NODE, f"echo {TOKEN}")
    text = bundle.write(kept_evidence)
    assert "SWMTKN" not in text
    assert "hunter2" not in text
    # It is asked for with the same words as then, and found.
    with pytest.raises(NodeError, match="join "):
        kept_evidence.replay().run(NODE, f"echo {TOKEN}")


def test_recording_keeps_specs_apart_that_differ_in_a_secret_only() -> None:
    hosts = made().recording(nodes := Says())
    answers = []
    for password in ("hunter2", "hunter3", "hunter2"):
        nodes.out = json.dumps([{"Spec": {"ContainerSpec": {"Env": [f"PASSWORD={password}"]}}}])
        answers.append(Task.of(json.loads(hosts.run(NODE, "ask"))[0]).spec)
    assert answers[0] == answers[2] != answers[1]


def test_recording_of_another_run_has_other_stand_ins() -> None:
    first, second = (made().recording(Says("PASSWORD=hunter2")).run(NODE, "ask") for _ in range(2))
    assert first != second


@pytest.mark.parametrize("name", exercise_names())
def test_redact_leaves_recordings_as_they_are(name: str) -> None:
    for observation in Recorded(name).evidence.observations:
        assert redact(observation.out, b"key") == observation.out
        assert redact(observation.script) == observation.script


def test_more_than_can_be_kept_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_AT_MOST", 1000)
    kept_evidence = made()
    hosts = kept_evidence.recording(Says("x" * 600))
    assert [len(hosts.run(NODE, script)) for script in "ab"] == [600, 600]
    again = bundle.read(bundle.write(kept_evidence)).replay()
    assert again.run(NODE, "a") == "x" * 600
    with pytest.raises(NodeError, match="it was too long"):
        again.run(NODE, "b")


def test_ten_thousand_tasks_are_kept_in_little() -> None:
    (observation,) = [
        observation for observation in Recorded("update").evidence.observations if "tasks" in observation.script
    ][:1]
    line = next(line for line in observation.out.split("\n") if '"ServiceID"' in line)
    task = json.loads(line)[0]
    many = json.dumps([{**task, "ID": f"{at:025}", "Slot": at} for at in range(10_000)])
    text = bundle.write(made(many, many))
    large = dataclasses.replace(
        made(), observations=[Observation("m", "http://engine/tasks", many, ("", ""), at) for at in (1.0, 2.0)]
    )
    text = bundle.write(large)
    assert len(many) > 8_000_000
    assert len(text) < 2_000_000
    end = json.loads(text.splitlines()[-1])["end"]
    assert (len(end["tasks"]), end["counted"]["tasks"]) == (2000, 10_000)
    assert bundle.read(text) == large


def test_bundle_end_names_nodes_tasks_and_digests() -> None:
    end = json.loads(RECORDED.splitlines()[-1])["end"]
    assert set(end["nodes"].values()) == {"swarm-manager", "swarm-worker1", "swarm-worker2"}
    assert len(end["tasks"]) == 6
    assert all("@sha256:" in image for image in end["images"])


@pytest.mark.parametrize(
    ("line", "holds"),
    [
        (b"x" * 8 * 2**20, True),
        (b"x" * (8 * 2**20 + 1), False),
        ("é".encode() * 2**19, True),
        ("é".encode() * 2**19 + b"x", False),
    ],
    ids=["ASCII, 8 MiB", "longer", "UTF-8, 1 MiB", "longer"],
)
def test_lines_of_a_file_are_8_mib_long_at_most_and_ascii_from_1_mib_on(line: bytes, holds: bool) -> None:
    if holds:
        assert [len(text.encode()) for text in bundle._lines_of(io.BytesIO(line))] == [len(line)]
        return
    with pytest.raises(Damaged, match="a line of it is longer than any in evidence"):
        list(bundle._lines_of(io.BytesIO(line)))


@pytest.mark.parametrize(("more", "why"), [(0, "a line of it is longer"), (1, "it has more than 64 MiB")])
def test_load_reads_64_mib_at_most(tmp_path: Path, more: int, why: str) -> None:
    with (tmp_path / "evidence.jsonl").open("wb") as file:
        file.truncate(64 * 2**20 + more)
    with pytest.raises(Damaged, match=why):
        bundle.load(tmp_path / "evidence.jsonl")


def test_load_evidence_ends_its_sentence_once(tmp_path: Path) -> None:
    (tmp_path / "kim.jsonl").write_text(head(lab_file="workers: two"), encoding="utf-8")
    with pytest.raises(EvidenceError, match=r"as in 2\.\n  Pass an evidence\.jsonl written by `labgen grade`\.$"):
        load_evidence(tmp_path / "kim.jsonl")
