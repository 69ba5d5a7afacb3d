"""The table of causes: what each is recognised by, what is said of it, and what is advised."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from samples import (
    DATABASE,
    LEADERLESS,
    LOCKED,
    MANAGER,
    SAMPLES,
    W1,
    W2,
    WEB,
    lab,
    member,
    network,
    nodes,
    service,
    swarm,
    task,
)

from labgen import config
from labgen.core.errors import NodeError, SwarmError
from labgen.docker.api import Answer
from labgen.docker.question import Page
from labgen.docker.refusals import of_refusal
from labgen.docker.swarm import Swarm
from labgen.exercise.catalogue import exercises
from labgen.exercise.hint import Stage, text_of
from labgen.model.lab import Node
from labgen.observation.causes import CAUSES, diagnose, findings
from labgen.observation.causes.ask import observe, of_services
from labgen.observation.causes.symptoms import PORTS, SCRIPT, Disk, FirewallRule, Symptoms, read
from labgen.observation.causes.table import table
from labgen.observation.causes.tasks import lacking
from tests import needs

NAMES = {"node": W2, "address": "10.0.2.103", "manager": MANAGER}

TOLD = {
    "no-leader": ("The swarm has no leader", "리더가 없습니다", "sudo systemctl start docker"),
    "locked": ("The swarm is locked on swarm-manager", "스웜이 잠겨 있습니다", "docker swarm unlock"),
    "no-swarm": ("No node is in a swarm", "스웜에 들어 있는 노드가 없습니다", "fab bootstrap"),
    "near-name": (
        "There is no service web-alb, but there is web-alb2: is it meant?",
        "web-alb 서비스가 없고 web-alb2가 있습니다",
        WEB.create,
    ),
    "port-taken": (
        "Port 8001 is published by the service mine",
        "8001 포트를 mine 서비스가",
        "docker service update --publish-rm 80 mine",
    ),
    "wrong-network": (
        "web-vip is not on the network course-net",
        "course-net 네트워크에 있지 않습니다",
        "docker service update --network-add course-net web-vip",
    ),
    "history-cut": (
        "The swarm keeps 0 tasks of the past",
        "지난 태스크를 0개만",
        "docker swarm update --task-history-limit 5",
    ),
    "overlay-in-lab-network": (
        "The overlay network clash (10.0.2.0/24) was created inside the lab network 10.0.2.0/24",
        "오버레이 네트워크 clash(10.0.2.0/24)",
        "docker service update --network-rm clash mine",
    ),
    "image-missing": (
        "The tasks of my-database cannot run: No such image: redis:nosuch",
        "my-database의 태스크가 실행되지 않습니다: No such image: redis:nosuch",
        "docker service update --image redis:6.0-alpine my-database",
    ),
    "proxy": (
        "The tasks of web-alb cannot run: No such image: nginx:latest The engine of swarm-worker1 pulls images by the "
        "proxy http://192.0.2.1:3128",
        "http://192.0.2.1:3128 프록시",
        "docker pull nginx",
    ),
    "image-not-pulled": ("The tasks of web-alb cannot run: No such image", "실행되지 않습니다", "docker pull nginx"),
    "command-not-found": (
        "The tasks of web-alb cannot run: starting container failed",
        "이미지에 없는 명령입니다",
        'docker service update --args "" web-alb',
    ),
    "platform": (
        "unsupported platform on 3 nodes",
        "다른 종류의 프로세서용",
        "docker service update --image nginx web-alb",
    ),
    "resources": (
        "Each task reserves 1e+03 GiB of memory",
        "메모리 1e+03 GiB",
        "docker service update --reserve-memory 0 web-alb",
    ),
    "constraint": (
        "scheduling constraints not satisfied on 3 nodes) Its constraints: node.role==worker, node.labels.disk == ssd",
        "제약 조건: node.role==worker",
        "docker node update --label-add disk=ssd NODE",
    ),
    "host-port-taken": ("mine has port 8089", "8089 포트는 mine", "docker service update --publish-rm 80 mine"),
    "no-node-available": (
        "2 nodes not available for new tasks",
        "실행되지 않습니다",
        "docker node update --availability active swarm-worker1",
    ),
    "update-paused": (
        "The update of my-database is paused: update paused due to failure of task x",
        "업데이트가 멈춰 있습니다",
        "docker service ps --no-trunc my-database",
    ),
    "flapping": (
        "The tasks of web-alb do not stay up: 4 tasks ended by themselves",
        "계속 끝나고 다시 시작됩니다",
        "docker service logs --tail 20 web-alb",
    ),
    "still-starting": (
        "Tasks of web-alb are still on their way to run (preparing)",
        "아직 실행되는 중입니다(preparing)",
        "docker service ps --no-trunc web-alb",
    ),
    "node-off": ("swarm-worker1 cannot be reached", "swarm-worker1에 닿지 않습니다", "labgen status"),
    "disk-full": ("The disk of swarm-worker1 is full", "swarm-worker1의 디스크가 가득", "df -h /var/lib/docker"),
    "engine-stopped": (
        "The Docker engine of swarm-worker2 does not run",
        "swarm-worker2의 Docker 엔진이 실행되지",
        "sudo systemctl start docker",
    ),
    "node-left": (
        "swarm-worker2 is in no swarm",
        "swarm-worker2 노드가 스웜에 없습니다",
        "docker swarm join-token worker",
    ),
    "clock-off": ("The clock of swarm-worker1 is 3600 s behind", "시계가 다른 노드보다 3600초 느립니다", "timedatectl"),
    "vxlan-dropped": (
        "The firewall of swarm-worker1 drops UDP port 4789",
        "swarm-worker1의 방화벽이 UDP 4789 포트를",
        "sudo iptables -D INPUT -p udp -m udp --dport 4789 -j DROP",
    ),
    "firewall": (
        "The firewall of swarm-manager drops what the swarm sends (ports 2377, 7946, 4789): -A INPUT -s 10.0.2.103/32",
        "swarm-manager의 방화벽이 스웜의 통신",
        "sudo iptables -S",
    ),
    "node-down": (
        "The managers see swarm-worker2 Down, though its engine runs",
        "매니저에게는 Down입니다",
        "sudo iptables -S",
    ),
    "node-drained": (
        "swarm-worker2 is drained",
        "drain 상태",
        "docker node update --availability active swarm-worker2",
    ),
    "node-paused": ("swarm-worker2 is paused", "pause 상태", "docker node update --availability active swarm-worker2"),
}


@pytest.mark.parametrize("name", [cause.name for cause in CAUSES])
def test_cause_is_recognised_told_in_both_languages_and_advised(name: str) -> None:
    topic, observe = SAMPLES[name]
    finding = diagnose(observe(), {topic})
    assert finding is not None
    assert finding.cause == name
    english, korean, command = TOLD[name]
    assert english in str(finding.words)
    assert korean in finding.words.in_("ko")
    assert finding.hints[0].in_("en", NAMES).commands[0] == command


@pytest.mark.parametrize("name", [cause.name for cause in CAUSES])
def test_cause_advises_the_command_of_the_table(name: str) -> None:
    (cause,) = (cause for cause in CAUSES if cause.name == name)
    finding = next(iter(cause.recognise(SAMPLES[name][1]())))
    fixed = re.split(r" [A-Z]{2,}| \d", cause.remedy)[0]
    commands = [command for hint in finding.hints for command in hint.commands]
    assert any(command.startswith(fixed) for command in commands), commands


@pytest.mark.parametrize("name", [cause.name for cause in CAUSES])
def test_cause_advice_destroys_nothing_without_saying_so(name: str) -> None:
    destroying = re.compile(
        r"docker (service|stack|volume|secret|config) rm|swarm leave|labgen (reset|down)|swarm init"
    )
    for finding in next(cause for cause in CAUSES if cause.name == name).recognise(SAMPLES[name][1]()):
        for hint in finding.hints:
            for command in hint.commands:
                if destroying.search(command):
                    assert re.search("lost|stay", f"{hint.look} {hint.note}"), command
            assert hint.commands


@pytest.mark.parametrize("name", [cause.name for cause in CAUSES])
def test_cause_advice_has_short_sentences_and_keeps_the_command_for_the_last_stage(name: str) -> None:
    (cause,) = (cause for cause in CAUSES if cause.name == name)
    for finding in cause.recognise(SAMPLES[name][1]()):
        for advice in (hint.in_("en", NAMES) for hint in finding.hints):
            for text in (advice.words, advice.look, advice.note):
                assert max(len(sentence.split()) for sentence in re.split(r"(?<=[.?!])\s+", text)) <= 30, text
            first = str(advice.up_to(Stage.LOOK))
            assert not [command for command in advice.commands if " ".join(command.split()[:3]) in first]


@pytest.mark.parametrize("name", [cause.name for cause in CAUSES])
def test_cause_is_not_seen_where_all_is_well(name: str) -> None:
    well = lab("loadbalance", service(WEB))
    (cause,) = (cause for cause in CAUSES if cause.name == name)
    assert list(cause.recognise(well)) == []


def test_causes_have_each_one_name_and_one_sample() -> None:
    assert len({cause.name for cause in CAUSES}) == len(CAUSES)
    assert set(SAMPLES) == set(TOLD) == {cause.name for cause in CAUSES}


def test_causes_no_leader_ways_out_come_in_order_and_say_what_is_lost() -> None:
    finding = diagnose(SAMPLES["no-leader"][1](), {"swarm"})
    assert finding is not None
    advice = [hint.in_("en", NAMES) for hint in finding.hints]
    assert [each.commands[0] for each in advice] == [
        "sudo systemctl start docker",
        "docker swarm init --force-new-cluster --advertise-addr 10.0.2.101",
        "labgen reset",
    ]
    assert [each.where for each in advice][:2] == ["On swarm-worker1:", "On swarm-manager:"]
    assert "lost" in advice[2].note


@pytest.mark.parametrize(
    ("status", "said", "begins"), [(500, LEADERLESS, "The swarm has no leader"), (503, LOCKED, "The swarm is locked")]
)
def test_answer_of_an_engine_that_refuses_is_the_cause(status: int, said: str, begins: str) -> None:
    with pytest.raises(SwarmError, match=begins) as caught:
        Answer(status, {"message": said}).value("/nodes")
    assert caught.value.words.in_("ko") != str(caught.value.words)
    # Whoever prints it knows no names of a lab.
    assert "{" not in caught.value.hint
    assert of_refusal(said) is not None
    assert "docker swarm init --advertise" not in caught.value.hint


def test_answer_of_an_engine_that_is_no_manager_stays_what_it_was() -> None:
    with pytest.raises(SwarmError, match="no manager of a swarm"):
        Answer(503, {"message": "This node is not a swarm manager."}).value("/nodes")
    with pytest.raises(NodeError, match="answered 500"):
        Answer(500, {"message": "something else"}).value("/nodes")


def test_locked_advises_nothing_that_ends_the_swarm() -> None:
    finding = diagnose(SAMPLES["locked"][1](), {"swarm"})
    assert finding is not None
    text = text_of([hint.in_("en", NAMES) for hint in finding.hints])
    assert not re.search("init|leave|reset|join-token", text)


@pytest.mark.parametrize(
    ("missing", "existing", "near"),
    [
        ("web-alb", "web-alb2", True),
        ("web-alb", "web_alb", True),
        ("web-alb", "Web-Alb", True),
        ("web-alb", "my-web-alb-service", True),
        ("web-alb", "webalb", True),
        ("web-alb", "registry", False),
        # Another of the course's own.
        ("web-alb", "web-ha", False),
    ],
)
def test_near_name_is_told_where_it_is_near(missing: str, existing: str, near: bool) -> None:
    assert missing == WEB.name
    observations = lab("loadbalance", service(replace(WEB, name=existing, publish=())))
    assert [finding.cause for finding in findings(observations, ())] == (["near-name"] if near else [])


def test_near_name_of_a_network_and_a_secret() -> None:
    observations = lab("discovery", swarm=swarm(networks=(network("course_net", "10.20.1.0/24"),)))
    assert "no network course-net, but there is course_net" in str(next(findings(observations, ())).words)
    (site,) = exercises()["secrets"].services
    wrong = service(site, secrets=("site-user-1",), files={"/run/secrets/site-users": "site-user-1"})
    finding = next(findings(lab("secrets", wrong), ()))
    assert "no secret site-users-1, but there is site-user-1" in str(finding.words)
    assert finding.hints[0].commands[1] == (
        "docker service update --secret-rm site-user-1 --secret-add "
        "source=site-users-1,target=/run/secrets/site-users site"
    )


def replace_network(name: str):
    from samples import network

    return network(name, "10.20.1.0/24")


def test_image_that_is_missing_names_the_one_that_is_meant() -> None:
    misspelt = service(
        DATABASE,
        task(1, "reddis:6.0-alpine", "rejected", "No such image: reddis:6.0-alpine"),
        image="reddis:6.0-alpine",
    )
    finding = diagnose(lab("update", misspelt), {"tasks"})
    assert finding is not None
    assert str(finding.words).endswith("The image is reddis:6.0-alpine: is redis:6.0-alpine meant?")


def test_tasks_of_a_service_that_runs_explain_nothing() -> None:
    past = task(1, WEB.image, "rejected", "No such image: nginx:latest", desired="shutdown")
    assert diagnose(lab("loadbalance", service(WEB, past, task(1, WEB.image), task(2, WEB.image))), {"tasks"}) is None


def test_reservation_that_an_exercise_asks_for_is_no_cause() -> None:
    from labgen.exercises.placement.exercise import Parameters

    too_big = Parameters().too_big
    waiting = task(1, too_big.image, "pending", "no suitable node (insufficient resources on 3 nodes)", node_id="")
    assert diagnose(lab("placement", service(too_big, waiting)), {"tasks"}) is None


def test_replicas_beyond_the_nodes_are_no_port_that_is_taken() -> None:
    from labgen.exercises.ports.exercise import Parameters

    host = Parameters().host
    error = "no suitable node (host-mode port already in use on 3 nodes)"
    crowd = service(host, task(1, host.image), task(2, host.image), task(3, host.image, "pending", error), replicas=3)
    assert diagnose(lab("ports", crowd), {"tasks"}) is None


def test_history_cut_explains_histories_only() -> None:
    observations = SAMPLES["history-cut"][1]()
    assert diagnose(observations, {"requests"}) is None


def test_overlay_network_that_nobody_uses_just_goes() -> None:
    observations = SAMPLES["overlay-in-lab-network"][1]()
    assert observations.swarm is not None
    finding = diagnose(replace(observations, swarm=replace(observations.swarm, services={})), {"subnets"})
    assert finding is not None
    assert finding.hints[0].commands[0] == "docker network rm clash"


def test_names_that_somebody_gave_are_quoted_in_commands() -> None:
    evil = replace(member(W2, availability="drain"), name="x; rm -rf /")
    state = replace(nodes()[2], name="x; rm -rf /")
    finding = diagnose(lab("loadbalance", swarm=swarm(members=(evil,)), nodes=(state,)), {"tasks"})
    assert finding is not None
    assert finding.hints[0].commands == ("docker node update --availability active 'x; rm -rf /'",)


NODE = """
@@clock
1767268800.500000000

@@disk
overlay 25638908 23 1024 99% /var/lib/docker
overlay 1638400 11 1638389 1% /var/lib/docker

@@firewall
:INPUT DROP [0:0]
-A INPUT -s 10.0.2.103/32 -j DROP
-A INPUT -p udp -m udp --dport 4789 -j DROP
-A INPUT -p tcp -m multiport --dports 7940:7950,80 -j REJECT --reject-with icmp-port-unreachable
-A INPUT -p tcp -m tcp --dport 22 -j DROP
-A INPUT -p udp -m policy --dir in --pol none -m udp --dport 4789 -m u32 --u32 "0x0" -j DROP
-A INPUT -p tcp -m tcp --dport 2377 -j ACCEPT

@@proxy
HTTP_PROXY=http://kim:secret@192.0.2.1:3128
NO_PROXY=localhost

@@end
"""


def test_symptoms_are_read() -> None:
    symptoms = read(NODE, asked_at=1767268800.0)
    assert symptoms.ahead == pytest.approx(0.5)
    assert symptoms.disk == Disk(1024, 1638389)
    assert symptoms.disk.full
    assert symptoms.proxy == "http://192.0.2.1:3128"
    assert symptoms.rules == (
        FirewallRule("-P INPUT DROP", (7946, 4789)),
        FirewallRule("-A INPUT -s 10.0.2.103/32 -j DROP", PORTS),
        FirewallRule("-A INPUT -p udp -m udp --dport 4789 -j DROP", (4789,)),
        FirewallRule(
            "-A INPUT -p tcp -m multiport --dports 7940:7950,80 -j REJECT --reject-with icmp-port-unreachable", (7946,)
        ),
    )
    assert [rule.removal for rule in symptoms.rules[:2]] == [
        "sudo iptables -P INPUT ACCEPT",
        "sudo iptables -D INPUT -s 10.0.2.103/32 -j DROP",
    ]


def test_symptoms_of_a_node_without_any_are_none() -> None:
    assert read("\n@@clock\nx\n@@disk\n\n@@firewall\n\n@@proxy\n\n@@end\n", 0.0) == Symptoms()
    # btrfs counts no inodes.
    assert read("@@disk\nb 10 5 900000 1% /\nb 0 0 0 - /\n@@end", 0.0).disk == Disk(900000)


def test_symptoms_cut_short_are_an_error() -> None:
    with pytest.raises(NodeError, match="cut short"):
        read("@@clock\n1", 0.0)


def test_symptoms_script_is_a_shell_script(tmp_path) -> None:
    needs.linux("a shell script of nodes")
    import subprocess

    completed = subprocess.run(["sh", "-c", SCRIPT], capture_output=True, text=True, timeout=20, check=True)
    assert read(completed.stdout, 0.0).ahead is not None


def test_causes_table_in_the_documentation_is_in_step() -> None:
    docs = Path(__file__).parents[3] / "docs"
    assert table() in (docs / "troubleshooting.md").read_text(encoding="utf-8")
    assert table("ko") in (docs / "ko" / "troubleshooting.md").read_text(encoding="utf-8")
    assert all(cause.sign.in_("ko") in table("ko") for cause in CAUSES)


def test_observe_asks_every_node_once_and_says_which_does_not_answer() -> None:
    course = config.parse("")
    local = {"LocalNodeState": "active", "ControlAvailable": True, "NodeID": "x"}

    class Access:
        def __init__(self, node: Node) -> None:
            self.name = node.name

        def run(self, _script: str) -> str:
            if self.name == W2:
                raise NodeError(f"{W2} cannot be reached")
            return "@@clock\n5.5\n@@end\n" + ("@@engine\n" if self.name == MANAGER else "")

        def engine(self, paths: Sequence[str], within: float = 0) -> str:
            assert self.name == MANAGER, "an engine that does not run was asked"
            return f"{json.dumps({'Swarm': local})}\n200\n" if paths == ["/info"] else "[]\n200\n" * len(paths)

        def page(self, *_: object) -> Page:
            raise AssertionError("no page is asked for")

    observations = observe(course, lambda node: lambda question: question.answer(Access(node)))
    assert [(node.name, node.reached, node.engine_running) for node in observations.nodes] == [
        (MANAGER, True, True),
        (W1, True, False),
        (W2, False, None),
    ]
    assert observations.swarm == Swarm((), (), {})
    assert [finding.cause for finding in findings(observations, {"node"})] == ["node-off", "engine-stopped"]


def test_observe_takes_services_for_what_they_are_where_no_exercise_is_named() -> None:
    waiting = task(1, "mine", "pending", "no suitable node (insufficient resources on 3 nodes)", node_id="")
    mine = service(replace(WEB, name="mine", image="mine"), waiting, reserved=(2**40, 0.0))
    observations = lab("cluster", mine)
    assert observations.swarm is not None
    text = findings(replace(observations, exercise=of_services(observations.swarm.services)), {"tasks"})
    assert [finding.cause for finding in text] == ["resources"]


@pytest.mark.parametrize(
    ("rule", "concerns"),
    [
        ("-A INPUT -s 10.0.2.103/32 -j DROP", True),
        ("-A INPUT -s 10.0.2.0/24 -j DROP", True),
        ("-A OUTPUT -d 10.0.2.101/32 -p udp -m udp --dport 7946 -j REJECT", True),
        ("-A INPUT -p tcp -m tcp --dport 7946 -j DROP", True),
        # Of somebody who has no part in the lab.
        ("-A INPUT -s 203.0.113.7/32 -j DROP", False),
        ("-A INPUT ! -s 10.0.2.0/24 -j DROP", False),
    ],
)
def test_firewall_rule_is_a_cause_where_it_concerns_a_node_of_the_lab(rule: str, concerns: bool) -> None:
    state = nodes()[0]
    rules = replace(state, symptoms=Symptoms(rules=(FirewallRule(rule, (7946,)),)))
    observations = lab("cluster", nodes=(rules, *nodes()[1:]))
    assert (diagnose(observations, {"node"}) is not None) is concerns


def test_drained_node_explains_tasks_that_are_lacking_and_no_image() -> None:
    members = (member(MANAGER), member(W1), member(W2, availability="drain"))
    well = lab("loadbalance", swarm=swarm(service(WEB), members=members))
    assert diagnose(well, {"tasks"}) is None
    assert diagnose(well, {"node"}) is not None
    halved = lab("loadbalance", swarm=swarm(service(WEB, task(1, WEB.image)), members=members))
    finding = diagnose(halved, {"tasks"})
    assert finding is not None
    assert finding.cause == "node-drained"


@pytest.mark.parametrize(
    ("constraints", "running", "lacks"),
    [
        ((), 3, False),
        ((), 2, True),
        (("node.role==worker",), 2, False),
        (("node.role != manager",), 1, True),
        (("node.labels.disk==ssd",), 1, False),
    ],
)
def test_global_service_lacks_a_task_where_a_node_that_it_may_use_has_none(
    constraints: tuple[str, ...], running: int, lacks: bool
) -> None:
    members = [member(name) for name in (MANAGER, W1, W2)]
    tasks = [task(0, "nginx", node_id=f"id-{number}") for number in range(running)]
    assert lacking(service(replace(WEB, replicas=None), *tasks, constraints=constraints), members) is lacks
