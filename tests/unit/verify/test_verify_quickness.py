"""A grading that fails is as quick as one that passes: what cannot come true any more is not waited for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fake_lab import FakeLab

from labgen.core.errors import NodeError
from labgen.core.polling import NotYet, Patience
from verify.exam import Exam

FACTOR = 8.0
"""Of an emulated machine."""


class Slow(FakeLab):
    """A lab of emulated machines; time passes only while someone waits."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0
        self.patience = Patience(FACTOR)

    def clock(self) -> float:
        return self.elapsed

    def pause(self, seconds: float) -> None:
        self.elapsed += seconds

    def fail(self, state: str, error: str, attempts: int = 3, **changed: Any) -> None:
        """Every task is tried again and again, and fails in the same way."""
        running = dict(self.tasks[0])
        self.tasks = [
            {
                **running,
                "ID": f"t{slot}{attempt}",
                "Slot": slot,
                "DesiredState": "running" if attempt == attempts else "shutdown",
                "CreatedAt": (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=5 * attempt)).isoformat(),
                "Status": {"State": "preparing"} if attempt == attempts else {"State": state, "Err": error},
                **changed,
            }
            for slot in (1, 2)
            for attempt in range(attempts + 1)
        ]


def spent(lab: Slow) -> float:
    """Seconds that go by until the swarm was looked at."""
    exam = Exam(lab.lab, lab, lab.patience, [node.name for node in lab.lab.nodes])
    _ = exam.swarm
    return lab.elapsed


def update_of(lab: Slow, state: str) -> None:
    assert lab.service is not None
    lab.service["UpdateStatus"] = {"State": state, "Message": "update paused due to failure of task x"}


CASES: dict[str, Any] = {
    "image missing": lambda lab: lab.fail("rejected", "No such image: nginx:nosuch"),
    "command not found": lambda lab: lab.fail("failed", 'exec: "ngnix": executable file not found'),
    "ends again and again": lambda lab: lab.fail("failed", "task: non-zero exit (1)"),
    "no node suits": lambda lab: lab.fail(
        "", "", 0, Status={"State": "pending", "Err": "no suitable node (insufficient resources on 3 nodes)"}
    ),
    "no node suits an update": lambda lab: (
        lab.fail("", "", 0, Status={"State": "pending", "Err": "no suitable node (unsupported platform on 3 nodes)"}),
        update_of(lab, "updating"),
    ),
    "update paused": lambda lab: (lab.fail("rejected", "No such image: x", 1), update_of(lab, "paused")),
}


@pytest.mark.parametrize("name", [name for name in CASES if name != "update paused"])
def test_exam_does_not_wait_for_what_cannot_run(name: str) -> None:
    lab = Slow()
    CASES[name](lab)
    assert spent(lab) == 0.0


def test_exam_waits_for_what_is_on_its_way() -> None:
    lab = Slow()
    lab.fail("", "", 0, Status={"State": "preparing"})
    assert spent(lab) == pytest.approx(30.0 * FACTOR, abs=3)


@pytest.mark.parametrize("name", ["image missing", "command not found", "ends again and again", "update paused"])
def test_exam_gives_up_what_a_check_waits_for(name: str) -> None:
    lab = Slow()
    exam = Exam(lab.lab, lab, lab.patience, [node.name for node in lab.lab.nodes])
    _ = exam.swarm
    CASES[name](lab)
    _single_service(lab)
    began = lab.elapsed

    def look() -> None:
        service = exam.service("web-alb")
        assert service is not None
        raise NotYet(f"{len(service.running)} run")

    with pytest.raises(AssertionError, match="cannot come any more: 0 run; web-alb: "):
        exam.wait("its tasks", look, within=90.0)
    assert lab.elapsed - began < 6.0


def _single_service(lab: Slow) -> None:
    """Let the engine answer of one service, too."""
    engine = lab._engine

    def answer(name: str, script: str) -> str:
        if "/services/web-alb" not in script:
            return engine(name, script)
        import json

        return f"{json.dumps(lab.service)}\n\n200\n{json.dumps(lab.tasks)}\n\n200\n"

    lab._engine = answer  # type: ignore[method-assign]


def test_exam_asks_once_for_a_page_of_tasks_that_have_run_for_long() -> None:
    lab = Slow()
    for pages in lab.pages.values():
        pages.clear()
    exam = Exam(lab.lab, lab, lab.patience, [node.name for node in lab.lab.nodes])
    _ = exam.swarm
    assert exam.pages.through(lab.lab.first_manager, 8001).refused
    assert lab.elapsed == 0.0


def test_exam_asks_again_for_a_page_of_a_task_that_has_just_begun() -> None:
    lab = Slow()
    for pages in lab.pages.values():
        pages.clear()
    now = datetime.now(UTC).isoformat()
    for task in lab.tasks:
        task.update(UpdatedAt=now, Status={**task["Status"], "Timestamp": now})
    exam = Exam(lab.lab, lab, lab.patience, [node.name for node in lab.lab.nodes])
    _ = exam.swarm
    assert exam.pages.through(lab.lab.first_manager, 8001).refused
    assert lab.elapsed >= 10.0 * FACTOR


def test_exam_without_a_manager_waits_for_none() -> None:
    lab = Slow()
    lab.dead = {node.name for node in lab.lab.nodes}
    exam = Exam(lab.lab, lab, lab.patience, [node.name for node in lab.lab.nodes])
    with pytest.raises(NodeError):
        _ = exam.swarm
    assert lab.elapsed == 0.0
