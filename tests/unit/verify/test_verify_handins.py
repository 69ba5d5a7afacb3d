"""Several hand-ins: whose they are, which nonce each must have, and which come from one lab."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import replace
from pathlib import Path

import pytest
from recorded import Recorded

from labgen import config
from labgen.apps.handins import name_of, read_table, table
from labgen.cli import main
from labgen.core.errors import EvidenceError, UsageError
from labgen.core.nonce import derive
from tests import needs
from verify import bundle, handins, identities

HOSTILE = "<i>[see](http://a.example/)</i>"

SECRET = b"0123456789abcdef0123456789abcdef"


def hand_in(file: Path, exercise: str, nonce: str = "") -> Path:
    """A recording as a learner hands it in."""
    evidence = Recorded(exercise).evidence
    evidence.nonce, evidence.exercises = nonce, (exercise,)
    file.parent.mkdir(exist_ok=True)
    file.write_text(bundle.write(evidence), encoding="utf-8")
    return file


def test_name_of_is_the_file_or_its_folder(tmp_path: Path) -> None:
    assert name_of(tmp_path / "kim.jsonl") == "kim"
    assert name_of(tmp_path / "lee" / "evidence.jsonl") == "lee"
    assert name_of(tmp_path / f"{unicodedata.normalize('NFD', '김민수')}.jsonl") == "김민수"


def test_table_is_read_as_it_was_made(tmp_path: Path) -> None:
    names = ["kim", "이, 영희", '"x"']
    file = tmp_path / "nonces.csv"
    file.write_text(table(SECRET, names, "2026-11-28"), encoding="utf-8-sig")
    assert read_table(file) == {name: derive(SECRET, name, "2026-11-28") for name in names}


def test_derive_depends_on_secret_name_and_day() -> None:
    assert (
        len(
            {
                derive(SECRET, "kim", "1"),
                derive(SECRET, "lee", "1"),
                derive(SECRET, "kim", "2"),
                derive(b"x", "kim", "1"),
            }
        )
        == 4
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "has no names"),
        ("name,nonce\n", "has no names"),
        ("kim\n", "line 1: this is no name and nonce"),
        ("kim,a\nkim,b\n", "line 2: kim is there twice"),
        ("kim,\n", "line 1: this is no name and nonce"),
        ("lee,a\nkim," + "x" * 200_000, "line 2: this is no CSV: field larger than field limit"),
        ("kim,a\n" * 700_000, "is larger than 4 MiB"),
        ("name,nonce\n".encode("utf-16"), r"is UTF-16\.\n  Save it as CSV UTF-8"),
        (None, r"is not a file\.\n  Make it: labgen nonce"),
    ],
)
def test_read_table_says_what_is_wrong(text: str | bytes | None, why: str, tmp_path: Path) -> None:
    file = tmp_path / "nonces.csv"
    if text is None:
        file.mkdir()
    else:
        file.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    with pytest.raises(EvidenceError, match=why):
        read_table(file)


def test_nonce_command_refuses_a_short_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret").write_text("short\n")
    assert main(["nonce", "--secret", str(tmp_path / "secret"), "kim"]) == 2
    error = capsys.readouterr().err
    assert "too short: 5 of at least 16 bytes" in error
    assert f"> {tmp_path / 'secret'}" not in error  # which may be another file of theirs
    assert main(["nonce", "--secret", str(tmp_path / "none"), "kim"]) == 5
    (tmp_path / "secret").write_bytes(SECRET + b"\n")
    capsys.readouterr()
    assert main(["nonce", "--secret", str(tmp_path / "secret"), "--date", "2026-11-28", "kim"]) == 0
    assert capsys.readouterr().out == f"name,nonce\nkim,{derive(SECRET, 'kim', '2026-11-28')}\n"


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["", "kim"], "'' cannot be a learner's name"),
        ([" "], "'' cannot be a learner's name"),
        (["a\nb"], r"'a\\nb' cannot be a learner's name"),
        (["kim", "lee", "kim "], "kim is there twice"),
        (["\uac00", "\u1100\u1161"], "\uac00 is there twice"),
    ],
)
def test_table_refuses_names_that_read_table_would_refuse(names: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        table(SECRET, names, "2026-11-28")


def test_nonce_command_refuses_a_secret_that_is_no_file_or_too_long(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / "long"
    long.write_bytes(b"x" * (64 * 2**10 + 1))
    assert main(["nonce", "--secret", str(long), "kim"]) == 5
    assert "long is larger than 64 KiB" in capsys.readouterr().err
    assert main(["nonce", "--secret", os.devnull, "kim"]) == 5
    assert "is not a file" in capsys.readouterr().err
    long.write_bytes(b"x" * (64 * 2**10))
    assert main(["nonce", "--secret", str(long), "kim"]) == 0


def test_shared_names_bundles_of_one_lab_whatever_their_heads_say(tmp_path: Path) -> None:
    first = hand_in(tmp_path / "kim.jsonl", "update", "a")
    second = hand_in(tmp_path / "lee.jsonl", "update", "b")
    third = hand_in(tmp_path / "park.jsonl", "placement", "c")
    (pair,) = handins.shared([identities.ids(bundle.load(file)) for file in (first, second, third)])
    assert (pair.first, pair.second) == (0, 1)
    assert pair.counts["nodes"] == 3
    assert pair.counts["tasks"] > 0
    assert pair.counts["containers"] > 0


def test_grade_of_several_tells_a_refused_nonce_and_a_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nonces = tmp_path / "nonces.csv"
    nonces.write_text(table(SECRET, ["kim", "lee"], "2026-11-28"), encoding="utf-8")
    right = derive(SECRET, "kim", "2026-11-28")
    files = [
        hand_in(tmp_path / "kim.jsonl", "ports", right),
        hand_in(tmp_path / "lee" / "evidence.jsonl", "ports", right),
    ]
    lab = tmp_path / "lab.yml"
    lab.write_text("workers: 3\n")
    status = main(["grade", "--from", *map(str, files), "--nonces", str(nonces), "--lab-file", str(lab)])
    out = capsys.readouterr().out
    assert status == EvidenceError.exit_status
    assert "lee   refused" in out
    assert f"lee: refused: it was made with the nonce '{right}', not with " in out
    assert "kim and lee were made on one lab: 3 nodes," in out
    assert "exercises named: ports" in out
    assert "its lab.yml describes another lab than --lab-file" in out
    assert (tmp_path / "kim-report" / "report.html").exists()


NAME = "kim\x1b[2J\nlee: passed"


@pytest.mark.parametrize("more", [[], ["park.jsonl"]])
def test_grade_prints_no_name_of_a_file_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: list[str]
) -> None:
    needs.posix("any character in a file's name")
    monkeypatch.chdir(tmp_path)
    for name in (f"{NAME}.jsonl", *more):
        hand_in(tmp_path / name, "ports")
    main(["grade", "--from", f"{NAME}.jsonl", *more])
    out = capsys.readouterr().out
    assert r"kim\x1b[2J\nlee: passed" in out
    assert not [line for line in out.split("\n") if line.startswith("lee") or not line.isprintable()]


def test_render_support_and_init_print_no_name_of_a_folder_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    needs.posix("any character in a file's name")
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir()
    for words in (["init", NAME], ["-C", NAME, "render"], ["-C", NAME, "render", "--diff"]):
        assert main(words) == 0
        out = capsys.readouterr().out
        assert r"kim\x1b[2J\nlee: passed" in out
        assert "\x1b" not in out


def test_grade_refuses_a_name_that_the_table_does_not_have(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nonces = tmp_path / "nonces.csv"
    nonces.write_text("kim,a\n", encoding="utf-8")
    file = hand_in(tmp_path / "lee.jsonl", "ports")
    assert main(["grade", "--from", str(file), "--nonces", str(nonces)]) == EvidenceError.exit_status
    assert f"{nonces} has no such name" in capsys.readouterr().err


def test_grade_of_one_file_says_what_no_check_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = hand_in(tmp_path / "kim.jsonl", "ports", "spring")
    main(["grade", "--from", str(file), "--nonce", "spring"])
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("The evidence: made ")]
    assert "on docker; exercises named: ports; nonce: spring; its nodes lacked: netplan" in line
    assert "parameters" not in line


def test_grade_of_one_file_takes_its_parameters_and_names_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evidence = replace(Recorded("service").evidence, parameters={"service": {"line": HOSTILE}})
    (tmp_path / "kim.jsonl").write_text(bundle.write(evidence), encoding="utf-8")
    main(["grade", "service", "--from", str(tmp_path / "kim.jsonl"), "--report", str(tmp_path / "out")])
    assert f"; parameters: service.line={HOSTILE}" in capsys.readouterr().out
    page, markdown = [(tmp_path / "out" / f"report.{form}").read_text(encoding="utf-8") for form in ("html", "md")]
    assert "&lt;i&gt;[see]" in page
    assert "<i>" not in page
    assert r"prints '&lt;i&gt;\[see\]\(" in markdown


@pytest.mark.parametrize("accelerated", [True, False])
def test_describe_tells_what_a_bundle_says_of_where_it_was_made(accelerated: bool) -> None:
    evidence = Recorded("update").evidence
    evidence.state = replace(evidence.state, accelerated=accelerated)
    description = handins.describe(evidence, None)
    assert description.emulated is not accelerated
    assert description.provider == evidence.state.provider
    assert description.other_lab is False
    assert handins.describe(evidence, config.parse("workers: 7")).other_lab
