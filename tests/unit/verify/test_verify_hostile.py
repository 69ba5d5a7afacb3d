"""Whatever a learner writes into a name, a page or an error: nothing breaks, nothing runs, all is shown escaped."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_lab import FakeLab
from hypothesis import given, settings
from hypothesis import strategies as st
from test_verify_report_page import Page

from labgen import pages
from labgen.engine import ask, ask_command
from labgen.errors import LabgenError, NodeError
from labgen.swarm import Swarm, look
from labgen.waiting import Patience
from verify import bundle, facts
from verify.report import Seen

pytest_plugins = ["pytester"]

Grade = Callable[..., dict[str, Any]]

HOSTILE = {
    "quotes": "'; touch /tmp/labgen-was-here; echo \"$(touch /tmp/labgen-was-here)`",
    "escapes": "\x1b[2J\x1b]0;owned\x07\x00\x08\r\u202e\ufeff",
    "html": "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&amp;",
    "markdown": "| x | [click](javascript:alert(1)) ![](http://192.0.2.1/x.png) `code`\n# head",
    "templates": "{{7*7}}{% include '/etc/passwd' %}{node}{0}%s%(x)s${HOME}#{1}",
    "terminal markup": "[red]x[/red][link=http://192.0.2.1]y[/link] :warning:",
    "korean": "한글 이름 나라말",
    "odd letters": "🐳‍🔥 ÿ￿ \U0010fffe é ́",
    "long": "x" * 100_000,
}


def spread(fake: FakeLab, text: str) -> None:
    """Write a text wherever somebody other than labgen may."""
    fake.nodes["swarm-worker1"]["hostname"] = text
    fake.known[1]["Description"]["Hostname"] = text
    fake.known[2]["Spec"]["Labels"] = {text: text}
    assert fake.service is not None
    fake.service["Spec"]["Labels"] = {text: text}
    fake.service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = f"nginx:{text}"
    fake.service["Spec"]["TaskTemplate"]["Placement"]["Constraints"] = [text]
    fake.service["UpdateStatus"] = {"State": text, "Message": text}
    fake.tasks[0]["Status"] = {**fake.tasks[0]["Status"], "State": "failed", "Err": text}
    fake.networks[0]["Name"] = text
    for served in fake.pages.values():
        served[1] = text.replace("\r", " ")


@pytest.mark.parametrize("what", HOSTILE)
def test_a_grading_survives_it_and_shows_it_escaped(
    grade: Grade, fake: FakeLab, pytester: pytest.Pytester, what: str
) -> None:
    spread(fake, HOSTILE[what])
    report = grade("--evidence", "kept.jsonl")
    out = pytester.path / "out"
    assert (report["status"], report["verdict"], report["complete"]) == (11, "fail", True)
    assert not [one["seen"] for one in report["checks"] if one["verdict"] == "inconclusive"]
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert not page.tags & {"script", "img", "iframe"}
    assert len(ElementTree.parse(out / "junit.xml").getroot().findall(".//testcase")) == len(report["checks"])
    for name in ("report.txt", "report.md", "report.html", "report.json"):
        text = (out / name).read_text(encoding="utf-8")
        assert all(mark.isprintable() or mark == "\n" for mark in text), name
        assert len(text) < 300_000, name
    assert not re.search(r"(?<!\\)\]\(", (out / "report.md").read_text(encoding="utf-8"))
    # Of a name that nothing is wrong with nothing is lost.
    if what == "korean":
        assert HOSTILE[what] in (out / "report.txt").read_text(encoding="utf-8")
    again = grade("--from", "kept.jsonl", "-k", "host_name")
    assert again["evidence"] == report["evidence"]


@pytest.mark.parametrize("value", ['a"b', "a\\", "-----BEGIN RSA PRIVATE KEY-----\nMII", "a'b c;d&e"])
def test_grading_is_the_same_with_a_secret_in_the_environment(
    grade: Grade, fake: FakeLab, pytester: pytest.Pytester, value: str
) -> None:
    fake.patience = Patience()
    without = grade("--evidence", "kept.jsonl")
    assert fake.service is not None
    for spec in (fake.service["Spec"]["TaskTemplate"], *(task["Spec"] for task in fake.tasks)):
        spec["ContainerSpec"]["Env"] = [f"PASSWORD={value}", "MODE=x"]
    report = grade("--evidence", "kept.jsonl")
    assert (report["points"], report["status"]) == (without["points"], 0)
    kept = pytester.path / "kept.jsonl"
    assert kept.stat().st_mode & 0o077 == 0
    asked = "\n".join(one.out for one in bundle.load(kept).observations)
    assert "PASSWORD=(secret-" in asked
    assert json.dumps(value)[1:-1] not in asked
    assert grade("--from", "kept.jsonl")["points"] == report["points"]


def test_a_server_that_never_answers(grade: Grade, fake: FakeLab) -> None:
    fake.pages["10.0.2.102"] = []
    report = grade()
    told = {one["id"]: one for one in report["checks"]}
    silent = told["loadbalance.pages[swarm-worker1]"]
    assert (silent["verdict"], report["status"]) == ("fail", 11)
    assert "1 requests: 1 x curl: (28) Connection timed out" in silent["seen"]
    assert told["loadbalance.pages[swarm-worker2]"]["verdict"] == "pass"


def test_a_page_without_end(grade: Grade, fake: FakeLab) -> None:
    fake.pages["10.0.2.102"] = ["0" * 200_000, "x"]
    report = grade()
    told = {one["id"]: one for one in report["checks"]}
    assert told["loadbalance.pages[swarm-worker1]"]["verdict"] == "fail"
    assert all(len(one["seen"]) <= 600 for one in report["checks"])
    assert all(len(answer["body"]) <= 120 for one in report["seen"]["requests"] for answer in one["answers"])


def test_ten_thousand_tasks(grade: Grade, fake: FakeLab, pytester: pytest.Pytester) -> None:
    one = fake.tasks[0]
    fake.tasks = [{**one, "ID": f"task{slot}", "Slot": slot} for slot in range(1, 10_001)]
    assert fake.service is not None
    fake.service["Spec"]["Mode"]["Replicated"]["Replicas"] = 10_000
    fake.patience = Patience()
    start = time.process_time()
    report = grade("--evidence", "kept.jsonl")
    assert time.process_time() - start < 60
    assert report["complete"]
    (service,) = report["seen"]["services"]
    assert (service["running"], len(service["tasks"]), service["left_out"]) == (10_000, 200, 9_800)
    sizes = {path.name: path.stat().st_size for path in (pytester.path / "out").iterdir()}
    assert max(sizes.values()) < 500_000, sizes
    assert (pytester.path / "kept.jsonl").stat().st_size < 2_000_000
    again = grade("--from", "kept.jsonl")
    assert again["points"] == report["points"]


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS)
def test_no_answer_of_an_engine_breaks_more_than_itself(text: str) -> None:
    def run(_: str) -> str:
        return text

    for question in (lambda: ask(run, ["/nodes"]), lambda: look(run), lambda: facts.parse(text, "n")):
        with pytest.raises(NodeError):
            question()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from(["ID", "Spec", "Status", "Description", "Name"]), JSON), max_size=4))
def test_whatever_shape_an_engine_answers_in_is_read_or_refused(listed: list[Any]) -> None:
    def run(script: str) -> str:
        return f"{json.dumps(listed)}\n200\n" * script.count("http://engine/")

    try:
        seen = look(run)
    except LabgenError:
        return
    assert isinstance(seen, Swarm)
    Seen.of("", seen, [])


@given(TEXTS, TEXTS)
def test_no_page_passes_for_several_or_for_another_address(page: str, other: str) -> None:
    asked: list[str] = []

    def run(script: str) -> str:
        asked.append(script)
        mark = re.search(r"labgen-[0-9a-f]{16}", script)
        assert mark is not None
        # A page may say what an earlier answer looked like; it cannot know this one's mark.
        forged = f"{page}\nlabgen-0123456789abcdef 200 1\nlabgen-0123456789abcdef address 192.0.2.2\n{other}"
        return f"{mark[0]} address 192.0.2.1\n{forged}\n{mark[0]} 200 1\n\n"

    told = pages.ask(run, ["192.0.2.1"], 80, 1.0, requests=1)
    assert list(told) == ["192.0.2.1"]
    assert len(told["192.0.2.1"].responses) == 1


@given(TEXTS.filter(lambda text: "\0" not in text))
def test_names_reach_a_node_as_words(name: str) -> None:
    script = facts.script([name], 5)
    line = next(line for line in script.split("\n") if line.startswith("for name in "))
    if "\n" not in name:
        assert shlex.split(line.removeprefix("for name in ").removesuffix("; do")) == [name]
    assert shlex.split(ask_command([f"/services/{name}"]))[-1] == f"http://engine/services/{name}"


@pytest.mark.parametrize("what", ["quotes", "templates", "html"])
def test_a_name_in_a_script_is_not_run(what: str, tmp_path: Any) -> None:
    name = HOSTILE[what].replace("/tmp/labgen-was-here", str(tmp_path / "was-here"))
    script = facts.script([name], 5).split("section engine")[0]
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert not (tmp_path / "was-here").exists()
    assert name in done.stdout


@given(TEXTS)
def test_a_text_that_is_no_bundle_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(bundle.Damaged) as caught:
        bundle.read(text)
    assert "\n" not in str(caught.value)
