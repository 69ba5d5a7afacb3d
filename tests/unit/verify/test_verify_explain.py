"""A check explained: from a recording, by the program that `labgen explain` starts."""

from __future__ import annotations

import io
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from recorded import Recorded

from labgen import cli
from labgen.apps import explaining
from labgen.core.i18n import Text
from labgen.exercise.verdict import Verdict
from labgen.observation.commands import CommandAnswer, Commands
from labgen.report.model import Outcome
from labgen.transport import tracing
from labgen.transport.observation import Observation
from tests.scripted_node import answered
from verify import bundle
from verify.checks import Check
from verify.explain import Explainer
from verify.explaining import Explained, explanation_of

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def explain(folder: Path, check: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Explain a check in this process, as the program does that `labgen explain` starts."""
    request = {"folder": str(folder), "check": check, "language": "en", **options}
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr("sys.stdin", io.StringIO(json.dumps(request)))
        status = explaining.main()
    return subprocess.CompletedProcess(check, status, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lab folder with the evidence of a grading, and no lab."""
    folder = tmp_path_factory.mktemp("lab")
    evidence_file = folder / ".labgen" / "report" / "evidence.jsonl"
    evidence_file.parent.mkdir(parents=True)
    recorded = Recorded("update")
    recorded.says("redis-cli INFO", lambda _: "redis_version:6.0.16\x1b[2J")
    evidence_file.write_text(bundle.write(recorded.evidence), encoding="utf-8")
    return folder


def test_explain_check_is_explained_by_what_it_asked(graded: Path) -> None:
    run = explain(graded, "update.server_version", hints=3)
    assert (run.returncode, run.stderr) == (0, "")
    first, claim, *rest = run.stdout.splitlines()
    assert first == "update.server_version  (2 points)"
    assert claim == "Every running server reports the version of the new image."
    text = "\n".join(rest)
    assert "needs: update.image: The service and every running task use the new image" in text
    assert "Verdict: FAIL" in text
    assert "says: redis_version:6.0.16" in text
    assert (
        "  try: Ask the server in each container for its version.\n      On a node with a task of my-database:\n"
        "        docker ps\n"
        "        docker exec CONTAINER redis-server --version\n" in text
    )
    # Each of the three servers was asked, where it runs.
    questions = [line for line in rest if line.startswith("    $ docker exec")]
    assert len(questions) == 3
    assert "    redis_version:6.0.16\\x1b[2J" in rest
    assert "\x1b" not in run.stdout
    # And the swarm, which was read once for all checks.
    assert '"Spec.Name": "my-database"' in text
    assert "web-alb" not in text


def test_explain_in_korean(graded: Path) -> None:
    run = explain(graded, "server_version", language="ko", hints=3)
    assert "실행 중인 모든 서버의 버전이 새 이미지의 버전이다." in run.stdout
    assert "판정: 실패" in run.stdout
    assert "해 볼 것: 컨테이너마다 서버의 버전을 확인하세요.\n" in run.stdout
    assert "      my-database의 태스크가 있는 노드에서:\n        docker ps\n" in run.stdout


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"hints": 0}, []),
        ({}, ["Ask the server", "--hints 2"]),
        ({"hints": 2}, ["Ask the server", "On a node", "--hints 3"]),
        ({"hints": 3}, ["Ask the server", "On a node", "docker exec CONTAINER"]),
    ],
)
def test_explanation_shows_hints_up_to_a_stage(graded: Path, options: dict[str, int], shown: list[str]) -> None:
    text = explain(graded, "update.server_version", **options).stdout
    phrases = ["Ask the server", "On a node", "docker exec CONTAINER", "--hints 2", "--hints 3"]
    expected = [*shown, "--hints 3"] if "--hints 2" in shown else shown
    assert [phrase for phrase in phrases if phrase in text] == sorted(expected, key=phrases.index)


def test_explain_one_of_a_node_and_one_of_every_node(graded: Path) -> None:
    every = explain(graded, "cluster.host_name").stdout
    single = explain(graded, "cluster.host_name[swarm-worker1]").stdout
    assert [name for name in ("swarm-manager", "swarm-worker1", "swarm-worker2") if f"{name}, asked at" in every] == [
        "swarm-manager",
        "swarm-worker1",
        "swarm-worker2",
    ]
    assert "swarm-manager, asked at" not in single
    assert "@@hostname\n    swarm-worker1\n" in single


def test_explain_all_of_it_where_that_is_wanted(graded: Path) -> None:
    short, full = (explain(graded, "cluster.host_name[swarm-worker1]", full=full).stdout for full in (False, True))
    assert "--full)" in short
    assert "--full)" not in full
    assert len(full) > 2 * len(short)


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("update.histroy", "update.history"),
        ("histroy", "update.history"),
        ("'; rm -rf /", "cluster."),
        ("", "cluster."),
    ],
)
def test_explain_unknown_check_names_the_nearest(graded: Path, typed: str, near: str) -> None:
    run = explain(graded, typed)
    assert run.returncode == 10
    assert run.stderr.startswith(f"error: there is no check '{typed}'.\n  Did you mean: ")
    assert near in run.stderr
    assert run.stderr.count(",") <= 2
    assert "Traceback" not in run.stderr


def test_explain_what_was_not_looked_at_is_said(graded: Path) -> None:
    run = explain(graded, "loadbalance.published")
    assert run.returncode == 0
    assert "The service publishes port 8001" in run.stdout


def test_explain_before_anything_was_graded_the_claim_is_told(tmp_path: Path) -> None:
    run = explain(tmp_path, "update.history")
    assert (run.returncode, run.stderr) == (0, "")
    assert "The history shows both versions" in run.stdout
    assert run.stdout.rstrip().endswith("Nothing was graded yet: after `labgen grade` its evidence stands here.")
    assert "Verdict" not in run.stdout


def test_evidence_that_was_changed_is_not_explained(graded: Path, tmp_path: Path) -> None:
    text = (graded / ".labgen" / "report" / "evidence.jsonl").read_text(encoding="utf-8")
    (tmp_path / "it.jsonl").write_text(text.replace("6.0.16", "6.2.16"), encoding="utf-8")
    run = explain(tmp_path, "update.history", evidence=str(tmp_path / "it.jsonl"))
    assert run.returncode == 14
    assert "was changed" in run.stderr


def test_explain_command_line_starts_it(graded: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["-C", str(graded), "explain", "update.history", "--lang", "en"]) == 0
    assert "The history shows both versions" in capfd.readouterr().out


ABOUT = Check("update", "it", Text("It is so."), 2, (), (), "all", False)
OUTCOME = Outcome("update.it", "update", "it", None, "It is so.", 2, 2, Verdict.PASS, "", "", 0.0)


@pytest.mark.parametrize(
    "out",
    ["\x1b]0;owned\x07", "x" * 100_000, "line\n" * 10_000, "[" * 100_000, '[{"Spec": 3}]\n200', "\udcff\u202e"],
)
def test_explain_whatever_a_node_says_is_told_in_short_and_harmlessly(out: str) -> None:
    observations = [
        Observation("n", script, out, ("", ""), 1.0)
        for script in ("cat it", "curl 'http://engine/tasks'", "curl http://engine/x")
    ]
    lines = explanation_of([Explained(ABOUT, OUTCOME, (), tuple(observations))], NOON, "en")
    text = "\n".join(lines)
    assert all(mark.isprintable() or mark == "\n" for mark in text)
    assert len(text) < 30_000


def test_explain_what_a_check_looks_at_is_noted_across_threads() -> None:
    first, second, third = (Observation(name, "", "", ("", ""), 0.0) for name in "abc")
    with tracing.gather(outer=True) as check:
        tracing.looked_at([first])
        with tracing.gather() as inner:
            tracing.looked_at([second])
        with ThreadPoolExecutor(1) as pool:
            pool.submit(tracing.looked_at, [third]).result()
    tracing.looked_at([second])
    assert (check, inner) == ([first, third], [second])


@pytest.mark.parametrize("requires", [(), ("routing-mesh",), ("routing-mesh", "clock")])
def test_explanation_names_what_nodes_must_have_for_a_check(requires: tuple[str, ...]) -> None:
    about = replace(ABOUT, requires=requires)  # type: ignore[arg-type]
    lines = explanation_of([Explained(about, OUTCOME, (), ())], NOON, "en")
    assert [line for line in lines if "nodes must have" in line] == (
        [f"  nodes must have: {', '.join(requires)}"] if requires else []
    )


def test_explanation_shows_of_an_engines_answer_about_itself_what_is_about_the_swarm() -> None:
    info = {"ServerVersion": "27.3.1", "Swarm": {"LocalNodeState": "active"}, "Warnings": ["IPv6 is off"]}
    sections = f"@@hostname\nm\n@@info\n{json.dumps(info)}\n\n200\n@@end\n"
    observation = Observation("m", "cat facts", sections, ("", ""), 1.0)
    lines = explanation_of([Explained(ABOUT, OUTCOME, (), (observation,))], NOON, "en")
    place = lines.index("    @@info")
    assert json.loads(lines[place + 1]) == {"ServerVersion": "27.3.1", "Swarm.LocalNodeState": "active"}
    assert lines[place + 2] == "    200"
    assert lines[lines.index("    @@hostname") + 1] == "    m"
    (full,) = (
        line
        for line in explanation_of([Explained(ABOUT, OUTCOME, (), (observation,))], NOON, "en", full=True)
        if "IPv6" in line
    )
    assert json.loads(full) == info


def test_explanation_shows_the_commands_of_testinfra_with_their_status() -> None:
    commands = Commands(["cat -- /etc/hosts", "stat -Lc %a /x"], 20, "labgen-" + "0" * 16)
    answers = {"cat -- /etc/hosts": CommandAnswer(0, "a\nb\n"), "stat -Lc %a /x": CommandAnswer(1, "", "no /x")}
    text = answered(commands.script, answers)
    expected = ["$ cat -- /etc/hosts  -> 0", "a", "b", "$ stat -Lc %a /x  -> 1", "no /x"]
    alone = Observation("m", commands.script, text, ("", ""), 1.0)
    lines = explanation_of([Explained(ABOUT, OUTCOME, (), (alone,))], NOON, "en")
    assert [line.strip() for line in lines[-5:]] == expected
    facts = Observation(
        "m", f"hostname\n{commands.script}", f"\n@@hostname\nm\n@@answers\n{text}\n@@end\n", ("", ""), 1.0
    )
    lines = explanation_of([Explained(ABOUT, OUTCOME, (), (facts,))], NOON, "en")
    assert [line.strip() for line in lines[-7:]] == ["@@hostname", "m", *expected]


def explained(services: list[dict[str, Any]], tasks: list[dict[str, Any]]) -> list[str]:
    """What an explanation shows of the services and tasks that an engine listed."""
    script = "curl 'http://engine/services'\ncurl 'http://engine/tasks'\n"
    out = f"{json.dumps(services)}\n200\n{json.dumps(tasks)}\n200\n"
    behind = (Observation("m", script, out, ("", ""), 1.0),)
    lines = explanation_of([Explained(ABOUT, OUTCOME, (), behind)], NOON, "en")
    return [line.strip() for line in lines[lines.index("    $ its engine: /services  -> 200") :]]


MINE, ANOTHER = ({"ID": f"id-{name}", "Spec": {"Name": name}} for name in ("my-database", "another"))


def test_explanation_shows_the_services_of_the_exercise_and_their_tasks() -> None:
    tasks = [{"ID": f"t{number}", "ServiceID": f"id-{name}"} for number, name in enumerate(["my-database", "another"])]
    assert explained([ANOTHER, MINE], [*tasks, {"ID": "t2", "ServiceID": "id-my-database"}]) == [
        "$ its engine: /services  -> 200",
        "1 of 2 concern it:",
        '{"Spec.Name": "my-database"}',
        "$ its engine: /tasks  -> 200",
        "2 of 3 concern it:",
        '{"ID": "t0"}',
        '{"ID": "t2"}',
    ]


@pytest.mark.parametrize("entry", [MINE, ANOTHER])
def test_explanation_shows_all_where_all_or_none_is_of_the_exercise(entry: dict[str, Any]) -> None:
    tasks = [{"ID": name, "ServiceID": entry["ID"]} for name in ("t0", "t1")]
    assert explained([entry], tasks) == [
        "$ its engine: /services  -> 200",
        json.dumps({"Spec.Name": entry["Spec"]["Name"]}),
        "$ its engine: /tasks  -> 200",
        '{"ID": "t0"}',
        '{"ID": "t1"}',
    ]


def test_explainer_leaves_what_came_of_a_check_to_pytest(request: pytest.FixtureRequest) -> None:
    explainer = Explainer("update.it")
    protocol = explainer.pytest_runtest_protocol(request.node)
    next(protocol)
    with pytest.raises(StopIteration) as ended:
        protocol.send(True)
    assert ended.value.value is True
