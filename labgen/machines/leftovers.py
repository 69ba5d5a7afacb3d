"""What a provider still has of a lab: looked for by ids and marks, so that nothing of anyone else's is taken for it."""

from __future__ import annotations

from labgen.core.errors import LabgenError, MachineError, ProgramMissing
from labgen.core.i18n import _, sentences
from labgen.core.process import Runner
from labgen.providers import PROVIDERS
from labgen.providers.leftovers import LabIdentity, Leftover

__all__ = ["LabIdentity", "Leftover", "look"]


def look(provider_name: str, runner: Runner, traces: LabIdentity) -> list[Leftover]:
    """Ask the provider for everything that it still has of a lab; nothing of a provider that labgen does not know.

    :raises MachineError: it does not answer, so nobody knows.
    """
    provider = PROVIDERS.get(provider_name)
    if provider is None or not (traces.ids or traces.networks or (provider.marks and traces.mark)):
        return []
    try:
        return list(provider.leftovers(runner, traces))
    except ProgramMissing as why:
        if not traces.ids and not traces.networks:
            return []  # nothing was ever made with a program that is not there
        raise _unknown(traces, why) from None
    except LabgenError as why:
        raise _unknown(traces, why) from None


def _unknown(traces: LabIdentity, why: LabgenError) -> MachineError:
    machines = f" ({', '.join(sorted(traces.ids))})" if traces.ids else ""
    return MachineError(
        _(
            "labgen cannot find out whether anything of the lab is left%(machines)s: %(message)s",
            machines=machines,
            message=why.words,
        ),
        sentences(_("Start the program that runs the machines, then: labgen down"), why.advice, separator="\n"),
    )
