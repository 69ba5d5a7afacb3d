"""A node's firewall, put in the way of something and taken away again."""

from __future__ import annotations

from tests.e2e.sabotage.fault import Act
from tests.e2e.sabotage.stage import Stage


def drops(name: str, rule: str) -> Act:
    """A node drops what a rule is about.

    :param rule: chain, and what it matches, as iptables takes them: ``INPUT -p udp --dport 4789``. What goes on to
        containers passes the chain DOCKER-USER.
    """
    return _iptables(name, f"-I {rule} -j DROP")


def passes(name: str, rule: str) -> Act:
    """It does so no more."""
    return _iptables(name, f"-D {rule} -j DROP")


def _iptables(name: str, words: str) -> Act:
    def act(stage: Stage) -> None:
        stage.on(name, f"iptables {words}")

    return act
