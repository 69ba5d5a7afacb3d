"""What unit tests need of a computer: left out elsewhere with a reason, and said by every test that uses it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import needs

UNIT = Path(__file__).parents[1]
OF_POSIX = re.compile(
    r"\[\"(?:sh|bash|make)\"|\.symlink_to\(|os\.mkfifo\(|signal\.SIGKILL|signal\.pause|AF_UNIX|^import pwd"
)
"""What Windows, or any system but Linux, does not have."""

MODULES = [
    path
    for path in sorted(UNIT.rglob("*.py"))
    if path != Path(__file__)
    and OF_POSIX.search(re.sub(r"files=\{[^}]*\}|says=\{[^}]*\}", "", path.read_text("utf-8")))
]


@pytest.mark.parametrize("need", [needs.linux, needs.posix])
def test_needs_leave_nothing_out_on_linux(need: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "name", "posix")
    need("sh")


def test_needs_leave_out_on_windows_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(pytest.skip.Exception, match="needs Linux: /proc"):
        needs.linux("/proc")
    monkeypatch.setattr(needs.os, "name", "nt")
    with pytest.raises(pytest.skip.Exception, match="needs a POSIX system: sh"):
        needs.posix("sh")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_unit_tests_say_what_they_need_of_the_computer(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(r"needs\.(linux|posix)\(|skipif\(os\.name|skipif\(shutil\.which", text), OF_POSIX.findall(text)
