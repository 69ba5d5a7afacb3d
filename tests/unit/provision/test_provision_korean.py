"""What a Korean learner reads while exercises are carried out: no sentence in English, and plain English for others."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_shell import ScriptedShell
from test_provision_changes import LAB, WORKER, settled

from labgen import config
from labgen.core.errors import ExerciseError, NodeError
from labgen.core.i18n import _
from labgen.core.polling import Hopeless, NotYet, wait_until
from labgen.exercise.catalogue import exercise_names, find
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import NO_IPVS, Capability, Lacks
from labgen.model.lab_folder import LabFolder, State
from labgen.transport.output import Output
from provision import bootstrap, tasks
from provision.bootstrap import Account
from provision.changes import STEPS
from provision.exercise import rehearse
from provision.exercise.run import Run
from tests.messages import PROJECT, Target, extracted

MODULES = sorted(
    [*PROJECT.glob("labgen/exercises/*/steps.py"), *PROJECT.glob("provision/**/*.py")],
    key=lambda path: path.as_posix(),
)
LACKS: Lacks = {
    Capability.ROUTING_MESH: NO_IPVS,
    Capability.OWN_MACHINE: "a node is a container, and one that has ended is not started again by itself",
}
_SMALL_WORDS = re.compile(
    r"\b(?:the|an?|of|is|are|was|were|and|or|to|it|its|that|which|with|by|has|have|had|not|no|from|at|on|in|there)\b"
)
_PRINTING = {
    "say",
    "tell",
    "remark",
    "NotYet",
    "Hopeless",
    "wait",
    "look",
    "Step",
    "create",
    "show",
    "inside",
    "print",
    "changed",
    "Change",
}
LONGEST = 30
"""Words of a sentence."""


def english(text: str) -> str:
    """Find English in a text: three Latin words in a row, one of which no command has; empty if there is none."""
    text = re.sub(r"`[^`]*`|'[^']*'|%\([a-z_]\w*\)[-.\d]*[a-z]", "·", text)
    runs = re.findall(r"[A-Za-z][\w'-]*(?: [A-Za-z][\w'-]*){2,}", text)
    return next((words for words in runs if _SMALL_WORDS.search(words)), "")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("See where its tasks run.", "See where its tasks run"),
        ("서비스를 봅니다: docker service ps --no-trunc web", ""),
        ("서비스를 봅니다. The old one is gone.", "The old one is gone"),
        ("토큰은 `docker swarm join-token worker` 명령으로 봅니다.", ""),
    ],
)
def test_english_is_found(text: str, sentence: str) -> None:
    assert english(text) == sentence


@pytest.mark.parametrize("lacks", [{}, LACKS], ids=["all", "lacking"])
@pytest.mark.parametrize("name", exercise_names())
def test_korean_each_step_of_an_exercise_is_korean(name: str, lacks: Lacks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    exercise, printed = find(name), []
    lab = config.parse(f"managers: {max(exercise.managers, 1)}\nworkers: {max(exercise.workers, 2)}")
    rehearse(name, lab, lacks, say=printed.append)
    whys = [line for text in printed[1:] for line in text.splitlines() if line.startswith("# ")]
    remarks = [line for text in printed[1:] for line in text.splitlines() if line.startswith("  ") and "# " in text]
    assert len(whys) > 3
    assert [line for line in whys if not re.search("[가-힣]", line)] == []
    assert [line for line in (*whys, *remarks) if english(line)] == []


def literals(module: Path) -> Iterator[str]:
    """Yield what a module prints or raises that stands in no catalogue."""
    for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name in _PRINTING or (name.endswith("Error") and name != "TypeError"):
            arguments = [*call.args, *(word.value for word in call.keywords if word.arg in (None, "hint", "why"))]
            for argument in arguments:
                if isinstance(argument, ast.Constant | ast.JoinedStr):
                    yield ast.unparse(argument).strip("f'\"")


def test_literals_are_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('run.say(f"the port of {node} is open")\nrun.say(_("the port is open"))\nraise NodeError("x y")')
    assert list(literals(module)) == ["the port of {node} is open", "x y"]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_korean_what_is_printed_or_raised_stands_in_a_catalogue(module: Path) -> None:
    sentences = [text for text in literals(module) if not text.startswith("[")]
    assert [text for text in sentences if english(re.sub(r"\{[^}]*\}", "X", text))] == []


def sentences(text: str) -> list[str]:
    """Split a text at the ends of its sentences."""
    return re.split(r"[.:;?!](?:\s|$)", text)


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_sentences_are_short(module: Path) -> None:
    messages = [str(message.id) for message in extracted(Target(module, (module,))) if message.id]
    assert [text for text in messages for part in sentences(text) if len(part.split()) > LONGEST] == []


def test_korean_wait_that_ends_is_told_in_korean() -> None:
    def look() -> None:
        raise NotYet(_("there is no service %(service)s", service="web"))

    with pytest.raises(ExerciseError) as caught:
        wait_until(_("the tasks of %(service)s to run", service="web"), look, within=0, error=ExerciseError)
    assert str(caught.value) == "waited 0 s for the tasks of web to run; last seen: there is no service web"
    assert caught.value.in_("ko") == (
        "web 서비스의 태스크 실행: 0초 동안 기다렸지만 이루어지지 않았습니다. 마지막 상태: web 서비스가 없음"
    )


def test_korean_wait_for_what_cannot_come_is_told_in_korean() -> None:
    def look() -> None:
        raise Hopeless("No such image: web:0")

    clock = iter(range(0, 100, 2))
    with pytest.raises(ExerciseError) as caught:
        wait_until(
            "web", look, within=60, error=ExerciseError, clock=lambda: float(next(clock)), pause=lambda _seconds: None
        )
    assert re.search("더는 이루어질 수 없습니다.* No such image: web:0", caught.value.in_("ko"))


BARE = settled(hostname="fresh", engine_installed=False, engine_answers=False, curl=False, groups=("vagrant",))


def test_korean_each_change_of_the_bootstrap_is_korean() -> None:
    changes = [change for step in STEPS.values() for change in step.changes(BARE, LAB, WORKER, {})]
    titles = [change.what.in_("ko") for change in changes]
    assert len(titles) > 4
    assert [title for title in titles if not re.search("[가-힣]", title)] == []


def test_korean_account_of_the_bootstrap_is_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    lines: list[str] = []
    account = Account(lines.append)
    assert account.summary.in_("ko") == "바뀐 것이 없습니다. 모든 노드가 이미 설정되어 있습니다."
    account.changed(WORKER, _("left the swarm"))
    assert lines == ["  [swarm-worker1] 스웜을 떠남"]
    assert account.changes == ["swarm-worker1: left the swarm"]
    assert account.summary.in_("ko") == "변경 1건."


def test_korean_step_of_the_bootstrap_that_fails_is_told_in_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "observe", lambda shell, lab: BARE)
    shell = ScriptedShell(WORKER, [("hostname", Output(1, "@@done\n", "E: no network"))])
    with pytest.raises(NodeError) as caught:
        bootstrap._prepare(
            shell,  # type: ignore[arg-type]
            SimpleNamespace(lab=LAB, lacks={}),  # type: ignore[arg-type]
            tuple(STEPS),
            Account(lambda _line: None),
        )
    message, *hint = caught.value.in_("ko").splitlines()
    assert message == "swarm-worker1: curl 설치: 실패(종료 상태 1): E: no network"
    assert not english(re.sub("fab bootstrap|labgen box build|curl -I [^ ]*", "", "\n".join(hint)))


def test_korean_run_says_each_line_in_the_learners_language(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    run = Run(Inventory(LabFolder.at(Path()), LAB, State("libvirt")), find("update"), lines.append)
    for language in ("ko_KR.UTF-8", "en_US.UTF-8"):
        monkeypatch.setenv("LC_ALL", language)
        run.say("[swarm-manager]$ docker ps")
        run.tell(_("no output"))
        run.remark(_("left out"))
    assert lines[:3] == ["[swarm-manager]$ docker ps", "  출력 없음", "# 건너뜀"]
    assert lines[3:] == ["[swarm-manager]$ docker ps", "  no output", "# left out"]


def test_korean_each_task_is_listed_in_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    listed = {name: task.__doc__ or "" for name, task in _tasks(tasks._namespace()).items()}
    assert len(listed) > 30
    assert [name for name, words in listed.items() if not re.search("[가-힣]", words)] == []
    assert [words for name, words in listed.items() if name not in exercise_names() and english(words)] == []


def _tasks(collection: Any) -> dict[str, Any]:
    inner = [task for part in collection.collections.values() for task in _tasks(part).items()]
    return dict([*collection.tasks.items(), *inner])
