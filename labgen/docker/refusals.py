"""What a manager's engine answers that cannot do what it was asked for, and what to do about it.

The engine's words: moby ``daemon/cluster/errors.go``, swarmkit ``manager/controlapi``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

from labgen.core.hint import Hints, in_folder, on
from labgen.core.i18n import NOTHING, Text, _, sentences, untranslated

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
    words: Text
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
    """Tell whether an engine's message says that the swarm has no leader."""
    return any(phrase in message for phrase in _NO_LEADER)


def says_locked(message: str) -> bool:
    """Tell whether an engine's message says that its swarm is locked."""
    return any(phrase in message for phrase in _LOCKED)


def names_of(names: list[str]) -> Text:
    """List names: ``boss and worker1``."""
    texts = map(untranslated, names)
    return reduce(lambda first, name: _("%(first)s and %(name)s", first=first, name=name), texts) if names else NOTHING


def no_leader(silent: list[str], manager: str | None, address: str) -> Refusal:
    """Describe a swarm without a leader.

    :param silent: managers that do not answer; empty where they are not known.
    :param manager: one that runs; ``None`` where none is known.
    :param address: of that manager, or a placeholder for it.
    """
    lost = names_of(silent)
    detail = _("%(lost)s does not answer.", lost=lost) if silent else _("Managers are stopped or cannot be reached.")
    place = untranslated(manager) if manager else _("a manager that runs")
    return Refusal(
        "no-leader",
        sentences(
            _("The swarm has no leader: it takes more than half of its managers."),
            detail,
            _("Its services run on, but nothing can be changed."),
        ),
        (
            on(
                lost if silent else _("each manager that is stopped"),
                "sudo systemctl start docker",
                look=_("First start the other managers: nothing is lost."),
            ),
            on(
                place,
                f"docker swarm init --force-new-cluster --advertise-addr {address}",
                look=_(
                    "If they cannot come back, one manager can lead alone. Services, networks and secrets stay; the "
                    "other nodes join again with `labgen up`."
                ),
            ),
            in_folder(
                "labgen reset",
                note=_("Last of all, this makes a new swarm: all services, networks and secrets are lost."),
            ),
        ),
    )


def locked(managers: list[str]) -> Refusal:
    """Describe a locked swarm.

    :param managers: those whose engines are locked; empty where they are not known.
    """
    place = names_of(managers) if managers else _("the manager that is locked")
    return Refusal(
        "locked",
        _("The swarm is locked: the engine of this manager was restarted and waits for the unlock key.")
        if not managers
        else _("The swarm is locked on %(place)s: the engine was restarted and waits for the unlock key.", place=place),
        (
            on(
                place,
                "docker swarm unlock",
                look=_("Unlock it with the key that was printed when the lock was switched on. Nothing is lost."),
            ),
            on(
                _("a manager that is not locked"),
                "docker swarm unlock-key",
                look=_("Another manager shows the key."),
            ),
        ),
    )
