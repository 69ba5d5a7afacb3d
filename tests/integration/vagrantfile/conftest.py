"""A rendered Vagrantfile on Ruby, with and without Vagrant."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labgen.core.process import Runner
from labgen.machines import render
from labgen.model.lab import Lab

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def ruby(require_tool: Callable[[str], str]) -> str:
    return require_tool("ruby")


@pytest.fixture
def stage(ruby: str, tmp_path: Path) -> Callable[..., Any]:
    """Loads a lab's Vagrantfile, or plays a moment of it: see ``stage.rb``."""

    def run(lab: Lab, provider: str = "virtualbox", **play: Any) -> Any:
        vagrantfile = tmp_path / "Vagrantfile"
        render.write(render.render(lab), vagrantfile, force=True)
        if play:
            play["data"] = str(tmp_path / ".vagrant")
        asked = json.dumps({"vagrantfile": str(vagrantfile), "provider": provider, **play})
        return json.loads(Runner().run([ruby, HERE / "stage.rb"], stdin=asked).or_raise().out)

    return run
