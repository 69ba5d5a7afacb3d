"""Causes that keep the managers from working: no leader, a locked swarm, no swarm at all."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.words import Words
from labgen.exercise.hint import in_folder, on
from labgen.observation.causes.model import Cause, Finding, NodeState, Observations

_NO_LEADER = ("does not have a leader", "no elected primary", "too few managers are online", "The swarm has no leader")
"""How a manager says it (moby ``daemon/cluster/errors.go``, swarmkit ``manager/controlapi``), and an error of ours."""

_LOCKED = ("encrypted and needs to be unlocked", "The swarm is locked")

UP = "labgen up"


def named(names: list[str]) -> Words:
    """Give names as a list, in both languages."""
    return Words(" and ".join(names), ", ".join(names))


def of_refusal(message: str) -> Finding | None:
    """Recognise what a manager's engine answered that could not do what it was asked for.

    >>> of_refusal("This node is not a swarm manager.") is None
    True
    """
    refused = Observations(refusal=message)
    return next((finding for cause in (NO_LEADER, LOCKED) for finding in cause.recognise(refused)), None)


def _no_leader(observations: Observations) -> Iterator[Finding]:
    messages = [observations.refusal, *(node.swarm.error for node in observations.nodes if node.swarm)]
    if not any(phrase in text for text in messages for phrase in _NO_LEADER):
        return
    silent = [node.name for node in observations.nodes if _silent_manager(node, observations)]
    alive = next((node for node in observations.nodes if node.swarm and node.swarm.is_manager), None)
    lost = named(silent)
    detail = (
        Words(f" {lost.en} does not answer.", f" 응답하지 않는 노드: {lost.ko}.")
        if silent
        else Words(" Managers are stopped or cannot be reached.", " 멈췄거나 닿지 않는 매니저가 있습니다.")
    )
    place = Words(alive.name, alive.name) if alive else Words("a manager that runs", "실행 중인 매니저")
    address = alive.address if alive else "ADDRESS"
    yield Finding(
        "no-leader",
        Words(
            "The swarm has no leader: it takes more than half of its managers.",
            "스웜에 리더가 없습니다. 매니저의 과반수가 있어야 합니다.",
        )
        + detail
        + Words(
            " Its services run on, but nothing can be changed.", " 서비스는 계속 실행되지만 아무것도 바꿀 수 없습니다."
        ),
        (
            on(
                lost if silent else Words("each manager that is stopped", "멈춘 매니저마다"),
                "sudo systemctl start docker",
                look=Words(
                    "First start the other managers: nothing is lost.",
                    "먼저 다른 매니저를 시작하세요. 잃는 것이 없습니다.",
                ),
            ),
            on(
                place,
                f"docker swarm init --force-new-cluster --advertise-addr {address}",
                look=Words(
                    "If they cannot come back, this manager leads alone. Services, networks and secrets stay; the "
                    "other "
                    f"nodes join again with `{UP}`.",
                    "돌아올 수 없으면 이 매니저가 혼자 이끌게 합니다. 서비스, 네트워크, 시크릿은 남고, 다른 노드는 "
                    f"`{UP}`으로 다시 들어옵니다.",
                ),
            ),
            in_folder(
                "labgen reset",
                look=Words(
                    "Last of all, this makes a new swarm: all services, networks and secrets are lost.",
                    "마지막 방법은 스웜을 새로 만드는 것입니다. 서비스, 네트워크, 시크릿이 모두 사라집니다.",
                ),
            ),
        ),
    )


def _silent_manager(node: NodeState, observations: Observations) -> bool:
    """Whether the swarm knows a node as a manager, and it does not answer as one."""
    addresses = {
        address.rpartition(":")[0] for other in observations.nodes if other.swarm for address in other.swarm.managers
    }
    manages = node.swarm is not None and node.swarm.is_manager and node.engine_running is not False
    return node.address in addresses and not manages


def _locked(observations: Observations) -> Iterator[Finding]:
    locked = [node.name for node in observations.nodes if node.swarm and node.swarm.state == "locked"]
    if not locked and not any(phrase in observations.refusal for phrase in _LOCKED):
        return
    place = named(locked) if locked else Words("the manager that is locked", "잠긴 매니저")
    yield Finding(
        "locked",
        Words(
            "The swarm is locked: the engine of this manager was restarted and waits for the unlock key.",
            "스웜이 잠겨 있습니다. 이 매니저의 엔진이 다시 시작된 뒤 잠금 해제 키를 기다리고 있습니다.",
        )
        if not locked
        else Words(
            f"The swarm is locked on {place.en}: the engine was restarted and waits for the unlock key.",
            f"{place.ko}에서 스웜이 잠겨 있습니다. 엔진이 다시 시작된 뒤 잠금 해제 키를 기다리고 있습니다.",
        ),
        (
            on(
                place,
                "docker swarm unlock",
                look=Words(
                    "It asks for the key that was printed when the lock was switched on. Nothing is lost.",
                    "잠금을 켤 때 출력된 키를 물어봅니다. 잃는 것은 없습니다.",
                ),
            ),
            on(
                Words("a manager that is not locked", "잠기지 않은 다른 매니저"),
                "docker swarm unlock-key",
                look=Words("Another manager shows the key.", "다른 매니저에서 키를 볼 수 있습니다."),
            ),
        ),
    )


def _no_swarm(observations: Observations) -> Iterator[Finding]:
    states = [node.swarm.state for node in observations.nodes if node.swarm and node.engine_running is not False]
    if not states or set(states) != {"inactive"} or len(states) < len(observations.nodes):
        return
    yield Finding(
        "no-swarm",
        Words("No node is in a swarm.", "스웜에 들어 있는 노드가 없습니다."),
        (
            in_folder(
                "fab bootstrap",
                look=Words("This makes one swarm of all nodes.", "모든 노드를 스웜 하나로 묶습니다."),
            ),
        ),
    )


NO_LEADER = Cause(
    "no-leader",
    frozenset({"swarm", "node"}),
    Words(
        'A manager answers "The swarm does not have a leader".',
        '매니저가 "The swarm does not have a leader"라고 답한다.',
    ),
    "sudo systemctl start docker",
    _no_leader,
)
LOCKED = Cause(
    "locked",
    frozenset({"swarm", "node"}),
    Words("An engine's swarm state is `locked`.", "엔진의 스웜 상태가 `locked`이다."),
    "docker swarm unlock",
    _locked,
)
NO_SWARM = Cause(
    "no-swarm",
    frozenset({"swarm", "node"}),
    Words("The swarm state of every engine is `inactive`.", "모든 엔진의 스웜 상태가 `inactive`이다."),
    "fab bootstrap",
    _no_swarm,
)
CAUSES = (NO_LEADER, LOCKED, NO_SWARM)
