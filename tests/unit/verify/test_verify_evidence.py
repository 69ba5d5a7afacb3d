"""The recording of a run: which answers it keeps, and which it hands on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from answering import Answering

from labgen import config
from labgen.core.errors import NodeError
from labgen.core.redaction import TooManySecrets
from labgen.machines.inventory import Inventory
from labgen.model.lab_folder import LabFolder, State
from labgen.transport import recording as recordings
from labgen.transport.observation import Observation
from labgen.transport.recording import Recording
from verify.evidence import Evidence

NODE = config.load(None).first_manager


def recording(answers: dict[str, str]) -> tuple[Recording, Evidence]:
    """Return a recording of hosts that answer so to each script, and the evidence that it fills."""
    empty = Evidence("", State("docker"))
    return empty.recording(Answering(lambda _node, script: answers[script])), empty


def test_recording_hands_on_no_answer_with_more_secrets_than_can_be_cut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def redact(text: str, _key: bytes = b"") -> str:
        if text.startswith("PASSWORD"):
            raise TooManySecrets
        return text

    hosts, filled = recording({"env": "PASSWORD=x", "true": ""})
    assert "PASSWORD=x" not in hosts.run(NODE, "env")
    monkeypatch.setattr(recordings, "redact", redact)
    with pytest.raises(NodeError, match="more secrets than labgen can remove"):
        hosts.run(NODE, "env")
    assert (filled.observations[-1].out, filled.observations[-1].error[0] != "") == ("", True)
    # A script that prints nothing is not one of which everything was cut out.
    assert hosts.run(NODE, "true") == ""


def test_recording_hands_on_an_answer_that_stand_ins_make_no_longer_than_twice_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hosts, _ = recording({"env": "x"})
    limit = 500
    monkeypatch.setattr(recordings, "LONGEST", limit)
    empty = sys.getsizeof("")
    for length, handed_on in ((2 * limit - empty, True), (2 * limit - empty + 1, False)):
        monkeypatch.setattr(recordings, "redact", lambda _text, _key=b"", length=length: "x" * length)
        if handed_on:
            assert len(hosts.run(NODE, "env")) == length
            continue
        with pytest.raises(NodeError, match="more secrets than labgen can remove"):
            hosts.run(NODE, "env")


def test_recording_keeps_answers_up_to_the_limit_and_what_is_left_out_takes_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small, large = "x" * 100, "x" * 1000
    size = sys.getsizeof(small) + len("a")
    monkeypatch.setattr(recordings, "_AT_MOST", 2 * size)
    hosts, filled = recording({"a": small, "b": large})
    for script in "abbbaa":
        hosts.run(NODE, script)
    assert [(observation.script, observation.left_out) for observation in filled.observations] == [
        ("a", False),
        ("b", True),
        ("b", True),
        ("b", True),
        ("a", False),
        ("a", True),
    ]
    assert [len(observation.out) for observation in filled.observations] == [100, 0, 0, 0, 100, 0]


def test_replay_has_the_times_of_the_recording() -> None:
    observations = [Observation(NODE.name, script, "", ("", ""), since) for script, since in (("a", 0.25), ("b", 7.5))]
    replay = Evidence("", State("docker"), observations).replay()
    assert replay.clock() == 0.0
    times = []
    for script in "aba":
        replay.run(NODE, script)
        times.append(replay.clock())
    replay.pause(2.0)
    assert [*times, replay.clock()] == [0.25, 7.5, 7.5, 9.5]


def test_evidence_has_the_lab_file_without_the_password_of_its_proxy(tmp_path: Path) -> None:
    folder = LabFolder.at(tmp_path)
    folder.lab_file.write_text("# http://kim:hunter2@a\nproxy: {http: 'http://kim:hunter2@p:1'}\n", encoding="utf-8")
    lab = config.parse(folder.lab_file.read_text(encoding="utf-8"))
    evidence = Evidence.of(Inventory(folder, lab, State("docker")))
    assert "hunter2" not in evidence.lab_file
    assert evidence.lab.proxy.http == "http://p:1"
    assert evidence.lab == lab
