"""Progress: silent, plain lines, a terminal."""

import io
import re
import sys

import pytest

from labgen.core import progress
from labgen.core.i18n import _


def steps(shown):
    """A step that goes well and one that does not."""
    with shown.step("Booting"):
        shown.detail("swarm-manager: [x] = 50%")
        shown.note("a choice")
    with pytest.raises(ValueError, match="no"), shown.step("Joining"):
        raise ValueError("no")


def test_silence(capsys):
    steps(progress.Progress())
    assert capsys.readouterr() == ("", "")


def test_lines():
    stream = io.StringIO()
    steps(progress.Lines(stream))
    assert re.sub(r"\d+\.\d s", "N s", stream.getvalue()).splitlines() == [
        "Booting ...",
        "a choice",
        "Booting: done in N s",
        "Joining ...",
        "Joining: failed after N s",
    ]


def test_lines_go_to_standard_error(capsys):
    steps(progress.Lines())
    out, err = capsys.readouterr()
    assert out == ""
    assert "Booting ..." in err


def test_terminal(capsys):
    shown = progress.Terminal()
    steps(shown)
    with shown.step("Outer"), shown.step("Inner"):
        pass
    out, err = capsys.readouterr()
    assert out == ""
    text = re.sub(r"\d+\.\d s", "N s", err)
    for line in ("✓ Booting N s", "a choice", "✗ Joining N s", "✓ Outer N s", "✓ Inner N s"):
        assert line in text


@pytest.mark.parametrize(("terminal", "kind"), [(True, progress.Terminal), (False, progress.Lines)])
def test_progress_kind_that_suits_standard_error(monkeypatch, terminal, kind):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    assert type(progress.for_stream()) is kind


def test_lines_are_in_the_users_language(monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    stream = io.StringIO()
    shown = progress.Lines(stream)
    with shown.step(_("Copying boxes to %(path)s", path="/srv")):
        shown.note(_("There is no box to publish."))
    lines = re.sub(r"\d+\.\d", "N", stream.getvalue()).splitlines()
    assert lines == ["박스를 /srv에 복사하기 ...", "내놓을 박스가 없습니다.", "박스를 /srv에 복사하기: 끝(N초)"]
