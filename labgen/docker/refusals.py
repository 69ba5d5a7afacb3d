"""What a manager's engine answers that cannot do what it was asked for, and what to do about it.

The engine's words: moby ``daemon/cluster/errors.go``, swarmkit ``manager/controlapi``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labgen.core.hint import Hints, in_folder, on
from labgen.core.words import Words

_NO_LEADER = ("does not have a leader", "no elected primary", "too few managers are online", "The swarm has no leader")
"""How a manager says it, and an error of ours."""

_LOCKED = ("encrypted and needs to be unlocked", "The swarm is locked")


@dataclass(frozen=True)
class Refusal:
    """Why an engine refused, and what to do.

    :param cause: ``no-leader`` or ``locked``: its name in the table of causes.
    :param words: what is wrong.
    :param hints: what to do about it.
    """

    cause: str
    words: Words
    hints: Hints


def of_refusal(message: str) -> Refusal | None:
    """Recognise an engine's answer by its words; ``None`` for any other.

    >>> of_refusal("This node is not a swarm manager.") is None
    True
    """
    if says_no_leader(message):
        return no_leader([], None, "ADDRESS")
    return locked([]) if says_locked(message) else None


def says_no_leader(message: str) -> bool:
    """Whether an engine's message says that the swarm has no leader."""
    return any(phrase in message for phrase in _NO_LEADER)


def says_locked(message: str) -> bool:
    """Whether an engine's message says that its swarm is locked."""
    return any(phrase in message for phrase in _LOCKED)


def names_of(names: list[str]) -> Words:
    """Give names as a list, in both languages."""
    return Words(" and ".join(names), ", ".join(names))


def no_leader(silent: list[str], manager: str | None, address: str) -> Refusal:
    """Describe a swarm without a leader.

    :param silent: managers that do not answer; empty where they are not known.
    :param manager: one that runs; ``None`` where none is known.
    :param address: of that manager, or a placeholder for it.
    """
    lost = names_of(silent)
    detail = (
        Words(f" {lost.en} does not answer.", f" 응답하지 않는 노드: {lost.ko}.")
        if silent
        else Words(" Managers are stopped or cannot be reached.", " 멈췄거나 닿지 않는 매니저가 있습니다.")
    )
    place = Words(manager, manager) if manager else Words("a manager that runs", "실행 중인 매니저")
    return Refusal(
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
                    "nodes join again with `labgen up`.",
                    "돌아올 수 없으면 이 매니저가 혼자 이끌게 합니다. 서비스, 네트워크, 시크릿은 남고, 다른 노드는 "
                    "`labgen up`으로 다시 들어옵니다.",
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


def locked(managers: list[str]) -> Refusal:
    """Describe a locked swarm.

    :param managers: those whose engines are locked; empty where they are not known.
    """
    place = names_of(managers) if managers else Words("the manager that is locked", "잠긴 매니저")
    return Refusal(
        "locked",
        Words(
            "The swarm is locked: the engine of this manager was restarted and waits for the unlock key.",
            "스웜이 잠겨 있습니다. 이 매니저의 엔진이 다시 시작된 뒤 잠금 해제 키를 기다리고 있습니다.",
        )
        if not managers
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
