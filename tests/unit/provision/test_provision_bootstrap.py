"""A node prepared: what is told of changes made, and of one that failed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scripted_shell import ScriptedShell
from test_provision_changes import LAB, WORKER, settled

from labgen.core.errors import NodeError, NoLeader
from labgen.core.polling import Patience
from labgen.transport.output import Output
from provision import bootstrap
from provision.changes import STEPS

# Recorded on a node from which docker.io had been purged, without a way to the internet.
NO_PACKAGES = """\
W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease  Temporary failure resolving 'deb.debian.org'
W: Some index files failed to download. They have been ignored, or old ones used instead.
E: Package 'docker.io' has no installation candidate
"""


def test_packages_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = settled(hostname="fresh", engine_installed=False, engine_answers=False)
    monkeypatch.setattr(bootstrap, "observe", lambda shell, lab: bare)
    shell = ScriptedShell(WORKER, [("hostname(?s:.*)apt-get", Output(1, "@@done\n", NO_PACKAGES))])
    lines: list[str] = []
    with pytest.raises(NodeError, match=r"swarm-worker1: engine installed \(docker.io\): failed") as caught:
        bootstrap._prepare(
            shell,  # type: ignore[arg-type]
            SimpleNamespace(lab=LAB, lacks={}),  # type: ignore[arg-type]
            tuple(STEPS),
            bootstrap.Account(lines.append),
        )
    assert "E: Package 'docker.io' has no installation candidate" in caught.value.message
    assert "Check on the node" in str(caught.value.hint)
    assert "it carries on" in str(caught.value.hint)
    # What came before was done, and is told.
    assert lines == ["  [swarm-worker1] host name swarm-worker1"]


@pytest.mark.parametrize(("accelerated", "processors", "lanes"), [(True, 2, 3), (False, 2, 1), (False, 8, 7)])
def test_emulated_machines_leave_a_processor_to_the_first_manager(
    monkeypatch: pytest.MonkeyPatch, accelerated: bool, processors: int, lanes: int
) -> None:
    monkeypatch.setattr(bootstrap.os, "cpu_count", lambda: processors)
    inventory = SimpleNamespace(lab=LAB, state=SimpleNamespace(accelerated=accelerated))
    assert bootstrap._lanes(inventory) == lanes  # type: ignore[arg-type]


NO_LEADER = '{"message":"rpc error: code = Unknown desc = The swarm does not have a leader."}\n\n500\n'
"""As a manager answers that has lost the others (moby ``daemon/cluster/errors.go``)."""


def test_bootstrap_waits_for_managers_to_choose_a_leader() -> None:
    answers = [Output(0, NO_LEADER, ""), Output(0, NO_LEADER, ""), Output(0, "[]\n\n200\n", "")]
    shell = SimpleNamespace(ask=lambda _question: answers.pop(0).out)
    assert bootstrap._members(shell, Patience()) == []  # type: ignore[arg-type]
    assert not answers


def test_bootstrap_without_a_leader_says_so_and_the_ways_out() -> None:
    shell = SimpleNamespace(ask=lambda _question: NO_LEADER)
    with pytest.raises(NoLeader, match="last seen: The swarm has no leader") as caught:
        bootstrap._members(shell, Patience(0.0))  # type: ignore[arg-type]
    assert "force-new-cluster" in str(caught.value.hint)


@pytest.mark.parametrize(("restarted", "settled_times"), [(False, 1), (True, 2)])
def test_bootstrap_waits_for_the_nodes_to_know_one_another_and_to_be_ready_after_restarts(
    monkeypatch: pytest.MonkeyPatch, restarted: bool, settled_times: int
) -> None:
    steps: list[str] = []
    begun = bootstrap._Begun(SimpleNamespace(), {}, {"worker": bootstrap.swarm.Token("SWMTKN")})  # type: ignore[arg-type]
    monkeypatch.setattr(bootstrap, "_begin", lambda *_arguments: begun)
    monkeypatch.setattr(bootstrap, "_prepare", lambda *_arguments: settled())
    monkeypatch.setattr(bootstrap.swarm, "join", lambda *_arguments: steps.append("join"))
    monkeypatch.setattr(bootstrap.swarm, "settle", lambda *_arguments: steps.append("settle") or [])
    monkeypatch.setattr(bootstrap.gossip, "await_all", lambda *_arguments: steps.append("gossip") or restarted)
    inventory = SimpleNamespace(lab=LAB, state=SimpleNamespace(accelerated=True), patience=Patience(), lacks={})
    monkeypatch.setattr(bootstrap, "Shell", lambda _inventory, node: SimpleNamespace(node=node))
    bootstrap.bootstrap(inventory, bootstrap.Account([].append))  # type: ignore[arg-type]
    assert steps == ["join", "join", "settle", "gossip", "settle"][: 3 + settled_times]


def test_bootstrap_restarts_an_engine_that_was_started_often_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    shell = ScriptedShell(WORKER, [("^systemctl reset-failed docker.*; systemctl restart docker$", Output(0, "", ""))])
    monkeypatch.setattr(bootstrap, "Shell", lambda _inventory, _node: shell)
    nodes = bootstrap._gossiping(SimpleNamespace(lab=LAB), bootstrap.Account(lines.append))  # type: ignore[arg-type]
    nodes.restart(WORKER)
    assert lines == ["  [swarm-worker1] engine restarted: it had started before a manager's, and found no other node"]
