"""Causes that keep the managers from working: no leader, a locked swarm, no swarm at all."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.i18n import _
from labgen.docker import refusals
from labgen.docker.refusals import Refusal, says_locked, says_no_leader
from labgen.exercise.hint import in_folder
from labgen.observation.causes.model import Cause, NodeState, Observations, RecognisedCause


def _no_leader(observations: Observations) -> Iterator[RecognisedCause]:
    messages = [observations.refusal, *(node.swarm.error for node in observations.nodes if node.swarm)]
    if not any(map(says_no_leader, messages)):
        return
    silent = [node.name for node in observations.nodes if _silent_manager(node, observations)]
    alive = next((node for node in observations.nodes if node.swarm and node.swarm.is_manager), None)
    yield _finding(refusals.no_leader(silent, alive.name if alive else None, alive.address if alive else "ADDRESS"))


def _finding(refusal: Refusal) -> RecognisedCause:
    return RecognisedCause(refusal.cause, refusal.words, refusal.hints)


def _silent_manager(node: NodeState, observations: Observations) -> bool:
    """Tell whether the swarm knows a node as a manager, and it does not answer as one."""
    addresses = {
        address.rpartition(":")[0] for peer in observations.nodes if peer.swarm for address in peer.swarm.managers
    }
    manages = node.swarm is not None and node.swarm.is_manager and node.engine_running is not False
    return node.address in addresses and not manages


def _locked(observations: Observations) -> Iterator[RecognisedCause]:
    locked = [node.name for node in observations.nodes if node.swarm and node.swarm.state == "locked"]
    if locked or says_locked(observations.refusal):
        yield _finding(refusals.locked(locked))


def _no_swarm(observations: Observations) -> Iterator[RecognisedCause]:
    states = [node.swarm.state for node in observations.nodes if node.swarm and node.engine_running is not False]
    if not states or set(states) != {"inactive"} or len(states) < len(observations.nodes):
        return
    yield RecognisedCause(
        "no-swarm",
        _("No node is in a swarm."),
        (
            in_folder(
                "fab bootstrap",
                note=_("This makes one swarm of all nodes."),
            ),
        ),
    )


NO_LEADER = Cause(
    "no-leader",
    frozenset({"swarm", "node"}),
    _('A manager answers "The swarm does not have a leader".'),
    "sudo systemctl start docker",
    _no_leader,
)
LOCKED = Cause(
    "locked",
    frozenset({"swarm", "node"}),
    _("An engine's swarm state is `locked`."),
    "docker swarm unlock",
    _locked,
)
NO_SWARM = Cause(
    "no-swarm",
    frozenset({"swarm", "node"}),
    _("The swarm state of every engine is `inactive`."),
    "fab bootstrap",
    _no_swarm,
)
CAUSES = (NO_LEADER, LOCKED, NO_SWARM)
