"""A failing check begins with the cause that was seen, in both languages, and advises what mends that."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from fake_lab import FakeLab, id_of

from labgen.model.lab import Node

pytest_plugins = ["pytester"]

MANAGER, W1, W2 = "swarm-manager", "swarm-worker1", "swarm-worker2"
Grade = Callable[..., dict[str, Any]]
LEADERLESS = "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few managers"
NO_IMAGE = "No such image: nginx:nosuch"


def _leaderless(fake: FakeLab) -> None:
    local = fake.nodes[MANAGER]["info"]["Swarm"]
    local.update(Error=LEADERLESS, RemoteManagers=[{"Addr": "10.0.2.101:2377"}, {"Addr": "10.0.2.102:2377"}])
    fake.nodes[W1]["engine"] = ""
    fake.nodes[W1]["sockets"] = ""
    _refuse(fake, 500, LEADERLESS)


def _locked(fake: FakeLab) -> None:
    fake.nodes[MANAGER]["info"]["Swarm"] = {"LocalNodeState": "locked", "Error": "Swarm is encrypted"}
    _refuse(fake, 503, "Swarm is encrypted and needs to be unlocked before it can be used.")


def _refuse(fake: FakeLab, status: int, message: str) -> None:
    def engine(name: str, script: str) -> str:
        del name
        return f"{json.dumps({'message': message})}\n\n{status}\n" * script.count("http://engine/")

    fake._engine = engine  # type: ignore[method-assign]


def _renamed(fake: FakeLab) -> None:
    assert fake.service is not None
    fake.service["Spec"]["Name"] = "web-alb2"


def _image(fake: FakeLab) -> None:
    assert fake.service is not None
    fake.service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = "nginx:nosuch"
    for task in fake.tasks:
        task["Spec"] = {"ContainerSpec": {"Image": "nginx:nosuch"}}
        task.update(DesiredState="shutdown", Status={"State": "rejected", "Err": NO_IMAGE})


def _pending(fake: FakeLab) -> None:
    assert fake.service is not None
    fake.service["Spec"]["TaskTemplate"]["Placement"]["Constraints"].append("node.labels.disk==ssd")
    error = "no suitable node (scheduling constraints not satisfied on 3 nodes)"
    for task in fake.tasks:
        task.update(NodeID="", Status={"State": "pending", "Err": error})


def _drained(fake: FakeLab) -> None:
    next(node for node in fake.known if node["ID"] == id_of(W2))["Spec"]["Availability"] = "drain"
    fake.tasks = [task for task in fake.tasks if task["NodeID"] != id_of(W2)]


def _symptom(section: str, text: str, name: str = W1) -> Callable[[FakeLab], None]:
    def happen(fake: FakeLab) -> None:
        run = fake.run

        def told(node: Node, script: str, *, within: float = 30.0) -> str:
            if "section firewall" in script:
                return f"@@clock\n1.5\n@@{section}\n{text if node.name == name else ''}\n@@end\n"
            return run(node, script, within=within)

        fake.run = told  # type: ignore[method-assign]

    return happen


def _vxlan(fake: FakeLab) -> None:
    _symptom("firewall", "-A INPUT -p udp -m udp --dport 4789 -j DROP")(fake)
    for pages in fake.pages.values():
        pages.clear()


def _full(fake: FakeLab) -> None:
    _symptom("disk", "overlay 100 96 4 96% /var/lib/docker", W2)(fake)
    fake.nodes[W2]["engine"] = ""
    fake.nodes[W2]["sockets"] = ""


CASES: dict[str, tuple[Callable[[FakeLab], None], str, str, str, str]] = {
    "no-leader": (
        _leaderless,
        "cluster.swarm_begun",
        "The swarm has no leader: it takes more than half of its managers. swarm-worker1 does not answer.",
        "스웜에 리더가 없습니다.",
        "sudo systemctl start docker",
    ),
    "locked": (
        _locked,
        "cluster.swarm_begun",
        "The swarm is locked on swarm-manager",
        "swarm-manager에서 스웜이 잠겨",
        "docker swarm unlock",
    ),
    "near-name": (
        _renamed,
        "loadbalance.service_exists",
        "There is no service web-alb, but there is web-alb2: is it meant?",
        "web-alb 서비스가 없고 web-alb2가 있습니다.",
        "docker service create --name web-alb --constraint node.role==worker --replicas 2 --publish 8001:80 nginx",
    ),
    "image-missing": (
        _image,
        "loadbalance.running",
        f"The tasks of web-alb cannot run: {NO_IMAGE}",
        f"web-alb의 태스크가 실행되지 않습니다: {NO_IMAGE}",
        "docker service update --image nginx web-alb",
    ),
    "constraint": (
        _pending,
        "loadbalance.running",
        "The tasks of web-alb cannot run: no suitable node (scheduling constraints not satisfied on 3 nodes)",
        "web-alb의 태스크가 실행되지 않습니다: no suitable node",
        "docker node update --label-add disk=ssd NODE",
    ),
    "node-drained": (
        _drained,
        "loadbalance.running",
        "swarm-worker2 is drained",
        "swarm-worker2 노드가 drain 상태입니다.",
        "docker node update --availability active swarm-worker2",
    ),
    "vxlan-dropped": (
        _vxlan,
        f"loadbalance.pages[{MANAGER}]",
        "The firewall of swarm-worker1 drops UDP port 4789",
        "swarm-worker1의 방화벽이 UDP 4789 포트를",
        "sudo iptables -D INPUT -p udp -m udp --dport 4789 -j DROP",
    ),
    "disk-full": (
        _full,
        f"cluster.engine_running[{W2}]",
        "The disk of swarm-worker2 is full",
        "swarm-worker2의 디스크가 가득 찼습니다.",
        "df -h /var/lib/docker",
    ),
}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("cause", CASES)
def test_causes_verdict_begins_with_its_cause(grade: Grade, fake: FakeLab, cause: str, language: str) -> None:
    happen, check, english, korean, command = CASES[cause]
    happen(fake)
    report = grade("--exercise", "loadbalance", f"--lang={language}", "--hints=3")
    check_report = {entry["id"]: entry for entry in report["checks"]}[check]
    assert (check_report["verdict"], check_report["cause"]) == ("fail", cause)
    assert check_report["seen"].startswith(english if language == "en" else korean)
    assert check_report["hints"][0]["commands"][0] == command
    # The command stands whole on a line of the terminal's report.
    assert re.search(rf"(?m)^ +{re.escape(command)}$", report["printed"])


@pytest.mark.parametrize(("options", "printed"), [((), False), (("--hints=2",), False), (("--hints=3",), True)])
def test_causes_cause_is_told_at_once_and_its_command_where_it_is_asked_for(
    grade: Grade, fake: FakeLab, options: tuple[str, ...], printed: bool
) -> None:
    happen, check, english, _korean, command = CASES["node-drained"]
    happen(fake)
    report = grade("--exercise", "loadbalance", "--lang=en", *options)
    assert {entry["id"]: entry for entry in report["checks"]}[check]["hints"][0]["commands"][0] == command
    assert english in report["printed"]
    assert (command in report["printed"]) is printed


def test_causes_cause_is_no_part_of_a_report_without_hints(grade: Grade, fake: FakeLab) -> None:
    happen, check, english, _korean, command = CASES["node-drained"]
    happen(fake)
    report = grade("--exercise", "loadbalance", "--lang=en", "--hints=none")
    entry = {entry["id"]: entry for entry in report["checks"]}[check]
    assert (entry["verdict"], entry["cause"], entry["hint"], entry["hints"]) == ("fail", "", "", [])
    assert entry["seen"]
    assert not [text for text in (english, command) if text in json.dumps(report)]


def test_causes_what_has_nothing_to_do_with_the_swarm_keeps_its_own_words_where_nobody_leads(
    grade: Grade, fake: FakeLab
) -> None:
    _leaderless(fake)
    fake.nodes[W2]["hostname"] = "ubuntu"
    checks = {entry["id"]: entry for entry in grade("--exercise", "loadbalance", "--lang=en")["checks"]}
    assert (checks[f"cluster.host_name[{W2}]"]["seen"], checks[f"cluster.host_name[{W2}]"]["cause"]) == (
        "its host name is ubuntu",
        "",
    )
    # The cause once, not again in the error's own words.
    assert checks["cluster.swarm_begun"]["seen"].count("The swarm has no leader") == 1


def test_causes_verdict_without_a_known_cause_keeps_its_own_words(grade: Grade, fake: FakeLab) -> None:
    fake.nodes[W1]["hostname"] = "ubuntu"
    report = grade("-k", "host_name")
    check_report = {entry["id"]: entry for entry in report["checks"]}[f"cluster.host_name[{W1}]"]
    assert (check_report["seen"], check_report["cause"]) == ("its host name is ubuntu", "")
    assert check_report["hints"][0]["commands"] == [f"sudo hostnamectl set-hostname {W1}"]


def test_causes_cause_that_cannot_be_looked_for_costs_no_verdict(grade: Grade, fake: FakeLab) -> None:
    _image(fake)
    for broken in ("\n@@disk\n9 9 x\n@@end", "\x00", "@@firewall\n-A INPUT --dport 9:x -j DROP\n@@end"):
        _symptom("proxy", broken)(fake)
        report = grade("--exercise", "loadbalance")
        checks = {entry["id"]: entry for entry in report["checks"]}
        assert checks["loadbalance.running"]["verdict"] == "fail"
