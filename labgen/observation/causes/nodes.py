"""Causes on a node: its engine, its disk, its clock, its firewall, its availability."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from labgen.core.words import Words
from labgen.docker.refusals import names_of
from labgen.docker.swarm import SwarmNode
from labgen.exercise.hint import in_folder, on, on_manager
from labgen.observation.causes.model import Cause, Finding, NodeState, Observations
from labgen.observation.causes.symptoms import Rule

_CLOCKS = 30.0
"""Seconds by which the clocks of two nodes may differ: certificates allow an hour, histories need less."""


def _place(name: str) -> Words:
    return Words(name, name)


def _unreached(observations: Observations) -> Iterator[Finding]:
    away = [node.name for node in observations.concerned if not node.reached]
    if away:
        yield Finding(
            "node-off",
            names_of(away)
            + Words(
                " cannot be reached: its machine is off, or its SSH does not answer.",
                "에 닿지 않습니다. 머신이 꺼져 있거나 SSH가 응답하지 않습니다.",
            ),
            (
                in_folder("labgen status", look=Words("See whether the machines run.", "머신이 실행 중인지 보세요.")),
                in_folder("labgen up", look=Words("This starts what is off.", "꺼진 것을 시작합니다.")),
            ),
        )


def _disk_full(observations: Observations) -> Iterator[Finding]:
    full = [
        node.name for node in observations.nodes if node.symptoms and node.symptoms.disk and node.symptoms.disk.full
    ]
    full += [
        observations.node_name(task.node_id)
        for _, service in observations.services()
        for task in service.tasks
        if "no space left on device" in task.error and not task.running
    ]
    for name in dict.fromkeys(filter(None, full)):
        yield Finding(
            "disk-full",
            Words(
                f"The disk of {name} is full: its engine can neither unpack an image nor start a container.",
                f"{name}의 디스크가 가득 찼습니다. 엔진이 이미지를 풀거나 컨테이너를 시작하지 못합니다.",
            ),
            (
                on(
                    _place(name),
                    "df -h /var/lib/docker",
                    "sudo du -xh --max-depth 2 / | sort -h | tail",
                    look=Words("See what takes the space.", "무엇이 자리를 차지하는지 보세요."),
                ),
                on(
                    _place(name),
                    "docker image prune",
                    "sudo journalctl --vacuum-size=50M",
                    look=Words(
                        "These free some: images that no tag names, and old logs.",
                        "태그 없는 이미지와 오래된 로그를 지워 자리를 냅니다.",
                    ),
                ),
            ),
        )


def _engine_stopped(observations: Observations) -> Iterator[Finding]:
    for node in observations.concerned:
        if node.engine_running is False:
            yield Finding(
                "engine-stopped",
                Words(
                    f"The Docker engine of {node.name} does not run.", f"{node.name}의 도커 엔진이 실행되지 않습니다."
                ),
                (
                    on(_place(node.name), "sudo systemctl start docker"),
                    on(
                        _place(node.name),
                        "sudo journalctl -u docker --no-pager --lines 50",
                        look=Words(
                            "If it does not start, its log says why.", "시작되지 않으면 로그에 이유가 나옵니다."
                        ),
                    ),
                ),
            )


def _clock_off(observations: Observations) -> Iterator[Finding]:
    clocks = {
        node.name: node.symptoms.ahead
        for node in observations.nodes
        if node.symptoms and node.symptoms.ahead is not None
    }
    if len(clocks) < 2:
        return
    # Of three clocks the one in the middle is right; of two nobody knows.
    middle = sorted(clocks.values())[len(clocks) // 2]
    for name, ahead in clocks.items():
        if abs(ahead - middle) > _CLOCKS:
            seconds = abs(ahead - middle)
            fast = ahead > middle
            yield Finding(
                "clock-off",
                Words(
                    f"The clock of {name} is {seconds:.0f} s {'ahead of' if fast else 'behind'} the other nodes'.",
                    f"{name}의 시계가 다른 노드보다 {seconds:.0f}초 {'빠릅니다' if fast else '느립니다'}.",
                ),
                (
                    on(
                        _place(name),
                        "timedatectl",
                        "sudo timedatectl set-ntp true",
                        "sudo systemctl restart systemd-timesyncd",
                        look=Words(
                            "Let the node set its clock by the network.", "노드가 네트워크로 시계를 맞추게 하세요."
                        ),
                    ),
                ),
            )


def _rules(observations: Observations) -> Iterator[tuple[NodeState, Rule]]:
    """The rules of the nodes' firewalls that concern a node of the lab."""
    addresses = [node.address for node in observations.nodes]
    for node in observations.nodes:
        for rule in node.symptoms.rules if node.symptoms else ():
            if rule.concerns(addresses):
                yield node, rule


def _vxlan(observations: Observations) -> Iterator[Finding]:
    for node, rule in _rules(observations):
        if rule.ports == (4789,):
            yield Finding(
                "vxlan-dropped",
                Words(
                    f"The firewall of {node.name} drops UDP port 4789 ({rule.text}): over it the overlay networks and "
                    "the routing mesh reach the tasks of other nodes.",
                    f"{node.name}의 방화벽이 UDP 4789 포트를 버립니다({rule.text}). 오버레이 네트워크와 라우팅 "
                    "메시가 다른 "
                    "노드의 태스크에 닿는 포트입니다.",
                ),
                (on(_place(node.name), rule.removal),),
            )


def _firewall(observations: Observations) -> Iterator[Finding]:
    for node, rule in _rules(observations):
        if rule.ports != (4789,):
            ports = ", ".join(map(str, rule.ports))
            yield Finding(
                "firewall",
                Words(
                    f"The firewall of {node.name} drops what the swarm sends (ports {ports}): {rule.text}",
                    f"{node.name}의 방화벽이 스웜의 통신({ports} 포트)을 버립니다: {rule.text}",
                ),
                (
                    on(
                        _place(node.name),
                        "sudo iptables -S",
                        rule.removal,
                        look=Words(
                            "Take the rule away, or let ports 2377/tcp, 7946/tcp, 7946/udp and 4789/udp through.",
                            "규칙을 지우거나 2377/tcp, 7946/tcp, 7946/udp, 4789/udp 포트를 여세요.",
                        ),
                    ),
                ),
            )


def _members(observations: Observations) -> Iterator[tuple[NodeState, SwarmNode]]:
    """The nodes that a failure is about with what the managers know of them."""
    for node in observations.concerned:
        entries = [
            member for member in (observations.swarm.nodes if observations.swarm else ()) if member.name == node.name
        ]
        # Of two memberships the one that is Ready is the node's.
        for member in sorted(entries, key=lambda entry: not entry.ready)[:1]:
            yield node, member


def _node_down(observations: Observations) -> Iterator[Finding]:
    for node, member in _members(observations):
        if member.ready or node.engine_running is False:
            continue
        if node.swarm is not None and node.swarm.state in ("inactive", "locked"):
            continue
        if not node.reached:
            continue
        yield Finding(
            "node-down",
            Words(
                f"The managers see {node.name} {member.state.capitalize()}, though its engine runs: what the nodes "
                "send each other does not arrive.",
                f"{node.name}의 엔진은 실행 중이지만 매니저에게는 {member.state.capitalize()}입니다. 노드끼리 보내는 "
                "것이 "
                "도착하지 않습니다.",
            ),
            (
                on(
                    _place(node.name),
                    "sudo iptables -S",
                    "ip -brief address",
                    look=Words(
                        f"Does it have its address {node.address}, and does a firewall drop port 2377 or 7946? Look on "
                        "the manager, too.",
                        f"{node.address} 주소가 있습니까? 방화벽이 2377, 7946 포트를 막습니까? 매니저에서도 "
                        "확인하세요.",
                    ),
                ),
            ),
        )


def _node_left(observations: Observations) -> Iterator[Finding]:
    if not any(node.swarm and node.swarm.active for node in observations.nodes):
        return
    for node in observations.concerned:
        if node.engine_running and node.swarm is not None and node.swarm.state == "inactive":
            yield Finding(
                "node-left",
                Words(
                    f"{node.name} is in no swarm: it has left, or never joined.",
                    f"{node.name} 노드가 스웜에 없습니다. 떠났거나 들어온 적이 없습니다.",
                ),
                (
                    on_manager(
                        f"docker swarm join-token {node.role}",
                        look=Words(
                            f"This prints another command. Run that one on {node.name}.",
                            f"다른 명령이 출력됩니다. 그 명령을 {node.name}에서 실행하세요.",
                        ),
                    ),
                    in_folder(
                        "fab bootstrap", look=Words("Or let labgen join the node.", "또는 labgen이 노드를 넣게 하세요.")
                    ),
                ),
            )


def _availability(word: str, cause: str, meaning: Words) -> Cause:
    """Make the cause of a node that takes no new tasks because somebody said so."""

    def recognise(observations: Observations) -> Iterator[Finding]:
        for _, member in _members(observations):
            if member.availability == word:
                yield Finding(
                    cause,
                    Words(member.name, member.name) + meaning,
                    (on_manager(f"docker node update --availability active {shlex.quote(member.name)}"),),
                )

    return Cause(
        cause,
        frozenset({"tasks", "node"}),
        Words(f"A node's availability is `{word}`.", f"노드의 availability가 `{word}`이다."),
        "docker node update --availability active NODE",
        recognise,
    )


DISK_FULL = Cause(
    "disk-full",
    frozenset({"node", "tasks"}),
    Words(
        "Less than 50 MiB or no inode is free where the engine keeps its data, or a task's error says so.",
        "엔진의 데이터가 있는 곳에 50 MiB도, inode도 남지 않았다. 또는 태스크의 오류가 그렇게 말한다.",
    ),
    "df -h /var/lib/docker",
    _disk_full,
)
CAUSES = (
    Cause(
        "node-off",
        frozenset({"node", "tasks"}),
        Words("A node does not answer over SSH.", "노드가 SSH로 응답하지 않는다."),
        "labgen status",
        _unreached,
    ),
    DISK_FULL,
    Cause(
        "engine-stopped",
        frozenset({"node", "tasks", "requests"}),
        Words("A node has no process `dockerd`.", "노드에 `dockerd` 프로세스가 없다."),
        "sudo systemctl start docker",
        _engine_stopped,
    ),
    Cause(
        "node-left",
        frozenset({"node", "tasks"}),
        Words("A node's engine is in no swarm, while others are.", "다른 노드와 달리 엔진이 스웜에 없다."),
        "docker swarm join-token",
        _node_left,
    ),
    Cause(
        "clock-off",
        frozenset({"node", "history"}),
        Words(
            "A node's clock differs from the others' by more than 30 s.", "노드의 시계가 다른 노드와 30초 넘게 다르다."
        ),
        "timedatectl",
        _clock_off,
    ),
    Cause(
        "vxlan-dropped",
        frozenset({"requests", "network", "node"}),
        Words("A rule of a node's firewall drops port 4789.", "노드의 방화벽 규칙이 4789 포트를 버린다."),
        "sudo iptables -D",
        _vxlan,
    ),
    Cause(
        "firewall",
        frozenset({"node", "requests", "network"}),
        Words(
            "A rule of a node's firewall drops port 2377 or 7946, or all that another node sends.",
            "노드의 방화벽 규칙이 2377이나 7946 포트, 또는 다른 노드가 보내는 모든 것을 버린다.",
        ),
        "sudo iptables -S",
        _firewall,
    ),
    Cause(
        "node-down",
        frozenset({"node", "tasks"}),
        Words("The managers see a node Down whose engine runs.", "엔진이 실행 중인 노드를 매니저가 Down으로 본다."),
        "sudo iptables -S",
        _node_down,
    ),
    _availability(
        "drain",
        "node-drained",
        Words(
            " is drained: it takes no tasks until it is active again.",
            " 노드가 drain 상태입니다. 다시 active가 될 때까지 태스크를 받지 않습니다.",
        ),
    ),
    _availability(
        "pause",
        "node-paused",
        Words(
            " is paused: it takes no new tasks until it is active again.",
            " 노드가 pause 상태입니다. 다시 active가 될 때까지 새 태스크를 받지 않습니다.",
        ),
    ),
)
