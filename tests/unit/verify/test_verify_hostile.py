"""Whatever a learner writes into a name, a page or an error: nothing breaks, nothing runs, all is shown escaped."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any
from xml.etree import ElementTree

import pytest
from fake_lab import RECORDED, FakeLab, Raw, recorded
from hypothesis import given, settings
from hypothesis import strategies as st
from test_verify_report_page import Page

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import Patience
from labgen.docker import container_times, events, http_check, journal
from labgen.docker.api import ask, ask_command
from labgen.docker.question import Question
from labgen.docker.swarm import Swarm, look
from labgen.observation import facts, older_facts
from labgen.observation.commands import Commands
from labgen.observation.node_facts import PREFETCHED
from tests import needs
from verify import bundle

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
def test_hostile_grading_survives_it_and_shows_it_escaped(
    grade: Grade, fake: FakeLab, pytester: pytest.Pytester, what: str
) -> None:
    spread(fake, HOSTILE[what])
    report = grade("--evidence", "kept.jsonl")
    out = pytester.path / "out"
    assert (report["status"], report["verdict"], report["complete"]) == (11, "fail", True)
    assert not [entry["seen"] for entry in report["checks"] if entry["verdict"] == "inconclusive"]
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
    evidence_file = pytester.path / "kept.jsonl"
    assert evidence_file.stat().st_mode & 0o077 == 0
    answers = "\n".join(observation.out for observation in bundle.load(evidence_file).observations)
    assert "PASSWORD=(secret-" in answers
    assert json.dumps(value)[1:-1] not in answers
    assert grade("--from", "kept.jsonl")["points"] == report["points"]


def test_hostile_server_that_never_answers(grade: Grade, fake: FakeLab) -> None:
    fake.pages["10.0.2.102"] = []
    report = grade()
    checks = {entry["id"]: entry for entry in report["checks"]}
    silent = checks["loadbalance.pages[swarm-worker1]"]
    assert (silent["verdict"], report["status"]) == ("fail", 11)
    assert "1 requests: 1 x curl: (28) Connection timed out" in silent["seen"]
    assert checks["loadbalance.pages[swarm-worker2]"]["verdict"] == "pass"


def test_hostile_page_without_end(grade: Grade, fake: FakeLab) -> None:
    fake.pages["10.0.2.102"] = ["0" * 200_000, "x"]
    report = grade()
    checks = {entry["id"]: entry for entry in report["checks"]}
    assert checks["loadbalance.pages[swarm-worker1]"]["verdict"] == "fail"
    assert all(len(entry["seen"]) <= 600 for entry in report["checks"])
    assert all(len(answer["body"]) <= 120 for requests in report["seen"]["requests"] for answer in requests["answers"])


def test_ten_thousand_tasks(grade: Grade, fake: FakeLab, pytester: pytest.Pytester) -> None:
    task = fake.tasks[0]
    fake.tasks = [{**task, "ID": f"task{slot}", "Slot": slot} for slot in range(1, 10_001)]
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
def test_hostile_no_answer_of_an_engine_breaks_more_than_itself(text: str) -> None:
    def run(_: str) -> str:
        return text

    for question in (lambda: ask(run, ["/nodes"]), lambda: look(run), lambda: facts.parse(text, "n", COMMANDS)):
        with pytest.raises(NodeError):
            question()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


ANSWERS: dict[str, list[Any]] = {
    "/nodes": recorded("nodes.json"),
    "/networks": recorded("networks.json"),
    "/services": [recorded(f"service{which}.json") for which in ("", "-global", "-updating")],
    "/tasks": recorded("tasks.json") + recorded("tasks-pending.json"),
}
"""What engines really answered: every key that is read is in it, and those that will be."""

INFO = recorded("info.json")

_ODD_TEXTS = ("x", "1.2", "\u00b2", "-1", "1.2.3.4/33", "::1/0", "a" * 5000)
_ODD_DATES = ("2026-01-01T00:00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z")
_ODD_VALUES = (-1, 1e300, 10**30, True, [7], [{"Addr": 7}], [["1.2"]], {"": {}}, [None], {"Labels": [1]})
ODD = JSON | st.sampled_from([*_ODD_TEXTS, *_ODD_DATES, *_ODD_VALUES])


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """A JSON value with another one in one place."""
    if not path:
        return odd
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = changed(copied[path[0]], path[1:], odd)
    return copied


PLACES = [path for path in places(ANSWERS) if path]


@settings(max_examples=400)
@given(st.sampled_from(PLACES), ODD, st.sampled_from(PLACES), ODD)
def test_look_reads_or_refuses_an_odd_value_in_any_place(
    path: tuple[Any, ...], odd: Any, second_path: tuple[Any, ...], more: Any
) -> None:
    answers = changed(ANSWERS, path, odd)
    with suppress(LookupError, TypeError):  # where the first was put into the way to the second
        answers = changed(answers, second_path, more)

    def put(question: Question) -> str:
        paths = re.findall(r"http://engine(\S+)", question.script)
        return "".join(f"{json.dumps(answers[engine_path])}\n200\n" for engine_path in paths)

    try:
        seen_swarm = look(put)
    except LabgenError:
        return
    assert isinstance(seen_swarm, Swarm)


@settings(max_examples=200)
@given(st.sampled_from(list(places(INFO))), ODD)
def test_facts_read_or_refuse_an_odd_value_in_any_place(path: tuple[Any, ...], odd: Any) -> None:
    sections = (RECORDED / "node.txt").read_text(encoding="utf-8").split("@@info")[0]
    try:
        read = facts.parse(f"{sections}@@info\n{json.dumps(changed(INFO, path, odd))}\n200\n@@end\n", "n", COMMANDS)
    except LabgenError:
        return
    assert isinstance(read.local_swarm.active, bool)


CONTAINER = '{{"id":"x","state":{{"Health":{{"Log":{}}},"StartedAt":7}}}}'
ENTRY = '{{"__REALTIME_TIMESTAMP":{},"MESSAGE_ID":7}}'
ODD_LINES = ("1764000000.5", "inf", "nan", "1e300", "9" * 25, "engine runs since x", "[" * 100_000, "\u00b2")
LINES = st.lists(
    TEXTS
    | st.builds(json.dumps, JSON)
    | st.sampled_from(ODD_LINES)
    | st.builds(CONTAINER.format, st.builds(json.dumps, JSON))
    | st.builds(ENTRY.format, st.builds(json.dumps, ODD)),
    max_size=5,
)


@settings(max_examples=300)
@given(LINES)
def test_readers_of_nodes_read_or_refuse_any_lines(lines: list[str]) -> None:
    text = "\n".join(lines)
    readers: list[Callable[[str], Any]] = [
        lambda text: container_times.read(text, (0.0, 1.0)),
        journal.read,
        events.read,
        lambda text: facts.parse(text, "n", COMMANDS),
        lambda text: facts.parse("".join(f"@@{name}\n{text}\n" for name in SECTIONS), "n", COMMANDS),
        lambda text: facts.parse(f"\n@@hostname\n{text}\n@@answers\n{text}\n@@end\n", "n", COMMANDS),
        lambda text: ask(lambda _: text, ["/nodes"]),
    ]
    for reader in readers:
        with suppress(NodeError):
            reader(text)


COMMANDS = Commands.of(PREFETCHED, 5)
SECTIONS = ("hostname", "links", "sockets", "names", "engine", "info", "end")


ODD_ANSWERS: dict[str, Callable[[FakeLab], Any]] = {
    "subnet": lambda fake: fake.networks[0]["IPAM"].update(Config=[{"Subnet": "x"}]),
    "slot": lambda fake: fake.tasks[0].update(Slot="x"),
    "addresses": lambda fake: fake.tasks[0].update(NetworksAttachments=[{"Addresses": ["1.2"]}]),
    "virtual addresses": lambda fake: fake.service["Endpoint"].update(VirtualIPs=[["x"]]),  # type: ignore[index]
    "ports": lambda fake: fake.service["Endpoint"].update(Ports=[7]),  # type: ignore[index]
    "replicas": lambda fake: fake.service["Spec"]["Mode"]["Replicated"].update(Replicas="two"),  # type: ignore[index]
    "exit code": lambda fake: fake.tasks[0]["Status"].update(ContainerStatus={"ExitCode": "x"}),
    "infinite": lambda fake: fake.tasks[0].update(Slot=float("inf")),
    "no time zone": lambda fake: fake.tasks[0].update(CreatedAt="2026-01-01T00:00:00", UpdatedAt="2026-01-01"),
    "the end of time": lambda fake: fake.tasks[0].update(CreatedAt="9999-12-31T23:59:59Z"),
    "managers": lambda fake: fake.nodes["swarm-worker1"]["info"]["Swarm"].update(RemoteManagers=7),
}


@pytest.mark.parametrize("what", ODD_ANSWERS)
def test_grading_goes_on_with_an_odd_answer(grade: Grade, fake: FakeLab, what: str) -> None:
    """No stack trace, a whole report, and the checks that need nothing of the answer as before."""
    fake.tasks = deepcopy(fake.tasks)
    ODD_ANSWERS[what](fake)
    report = grade()
    assert report["status"] in (0, 11, 12)
    assert report["complete"]
    assert "INTERNALERROR" not in report["printed"]
    verdicts = {entry["id"]: entry["verdict"] for entry in report["checks"]}
    assert {verdicts[f"cluster.host_name[{name}]"] for name in ("swarm-manager", "swarm-worker2")} == {"pass"}
    assert verdicts["cluster.host_name[swarm-worker1]"] == ("inconclusive" if what == "managers" else "pass")


@pytest.mark.parametrize("answer", ["[" * 200_000, '{"a":' * 200_000, "[],[]," * 2_000_000, "\0" * 1000, "9" * 10_000])
def test_grading_of_other_nodes_is_the_same_when_one_answers_nonsense(grade: Grade, fake: FakeLab, answer: str) -> None:
    before = {entry["id"]: entry["verdict"] for entry in grade("--exercise=cluster")["checks"]}
    fake.nodes["swarm-worker1"]["info"] = Raw(answer)
    after = {entry["id"]: entry["verdict"] for entry in grade("--exercise=cluster")["checks"]}
    differing = {id_ for id_, verdict in after.items() if verdict != before[id_]}
    assert differing
    assert all("swarm-worker1" in id_ or after[id_] == "inconclusive" for id_ in differing)
    assert not any("swarm-worker2" in id_ or "swarm-manager" in id_ for id_ in differing)


@given(TEXTS, TEXTS)
def test_hostile_no_page_passes_for_several_or_for_another_address(page: str, next_page: str) -> None:
    scripts: list[str] = []

    def ask(question: Question) -> str:
        scripts.append(question.script)
        mark = re.search(r"labgen-[0-9a-f]{16}", question.script)
        assert mark is not None
        # A page may say what an earlier answer looked like; it cannot know this one's mark.
        forged = f"{page}\nlabgen-0123456789abcdef 200 1\nlabgen-0123456789abcdef address 192.0.2.2\n{next_page}"
        return f"{mark[0]} address 192.0.2.1\n{forged}\n{mark[0]} 200 1\n\n"

    requests = http_check.ask(ask, ["192.0.2.1"], 80, 1.0, requests=1)
    assert list(requests) == ["192.0.2.1"]
    assert len(requests["192.0.2.1"].responses) == 1


@given(TEXTS.filter(lambda text: "\0" not in text))
def test_names_reach_a_node_as_words(name: str) -> None:
    script = older_facts.question([name], 5).script
    line = next(line for line in script.split("\n") if line.startswith("for name in "))
    if "\n" not in name:
        assert shlex.split(line.removeprefix("for name in ").removesuffix("; do")) == [name]
    assert shlex.split(ask_command([f"/services/{name}"]))[-1] == f"http://engine/services/{name}"


@pytest.mark.parametrize("what", ["quotes", "templates", "html"])
def test_hostile_name_in_a_script_is_not_run(what: str, tmp_path: Any) -> None:
    needs.linux("a shell script of nodes")
    name = HOSTILE[what].replace("/tmp/labgen-was-here", str(tmp_path / "was-here"))
    script = Commands.of([f"echo {shlex.quote(name)}"], 5).script
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60)
    assert not (tmp_path / "was-here").exists()
    assert name in result.stdout


@given(TEXTS)
def test_hostile_text_that_is_no_bundle_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(bundle.Damaged) as caught:
        bundle.read(text)
    assert "\n" not in str(caught.value)
