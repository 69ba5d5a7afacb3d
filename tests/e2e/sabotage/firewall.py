"""A published port that a node's firewall drops: what the routing mesh leads on goes through DOCKER-USER."""

from __future__ import annotations

from tests.e2e.sabotage.fault import Act
from tests.e2e.sabotage.stage import W2, Stage


def dropped(port: int) -> Act:
    """The second worker drops what comes for a published port."""
    return _rule("-I", port)


def let_through(port: int) -> Act:
    """It does not any more."""
    return _rule("-D", port)


def _rule(change: str, port: int) -> Act:
    def act(stage: Stage) -> None:
        stage.on(W2, f"iptables {change} DOCKER-USER -p tcp --dport {port} -j DROP")

    return act
