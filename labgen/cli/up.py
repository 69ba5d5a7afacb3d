"""`labgen up`: the whole lab, from nothing to a swarm, and after lab.yml was changed; carries on where it stopped."""

from __future__ import annotations

import contextlib
import dataclasses
import sys

import click

from labgen import boxes, images
from labgen.cli.declare import option
from labgen.cli.folders import in_lab_folder, load
from labgen.cli.parameters import ProviderName
from labgen.cli.run import fab
from labgen.core.console import say
from labgen.core.errors import MachineError
from labgen.core.i18n import _, ngettext, ui_language
from labgen.core.lock import folder_lock
from labgen.core.progress import Progress, for_stream
from labgen.machines import reconcile, render
from labgen.machines.lifecycle import Machines
from labgen.machines.plan import Plan
from labgen.machines.reconcile import Reconciler
from labgen.machines.removal import refuse_copy
from labgen.machines.ssh_config import quoted
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder
from labgen.observation.members import members
from labgen.providers import doctor, of_lab
from labgen.providers.doctor import Choice


@dataclasses.dataclass(frozen=True)
class UpOptions:
    """What is asked of `labgen up`: each is the option of its name."""

    provider: str | None
    bootstrap: bool
    force: bool
    dry_run: bool
    prune: bool
    reload: bool


@click.command
@option("--provider", type=ProviderName(), help=_("virtualbox, libvirt or docker (default: the best here)"))
@option("--no-bootstrap", is_flag=True, help=_("stop when the machines run"))
@option("--force", is_flag=True, help=_("overwrite a Vagrantfile that was edited by hand"))
@option("--dry-run", is_flag=True, help=_("print what would be done, and do nothing"))
@option("--prune", is_flag=True, help=_("remove machines that lab.yml does not name any more"))
@option("--reload", is_flag=True, help=_("apply changed memory, cpus and ports, machine by machine"))
@in_lab_folder
def command(
    folder: LabFolder,
    *,
    provider: str | None,
    no_bootstrap: bool,
    force: bool,
    dry_run: bool,
    prune: bool,
    reload: bool,
) -> int:
    """Render, choose a provider, compare with what was made, boot, bootstrap."""
    doctor.refuse_unknown([provider] if provider is not None else [])
    options = UpOptions(provider, not no_bootstrap, force, dry_run, prune, reload)
    # A dry run changes nothing, and needs no lock.
    with contextlib.nullcontext() if dry_run else folder_lock(folder, "labgen up"):
        return _up(folder, options)


def _up(folder: LabFolder, options: UpOptions) -> int:
    quoted(str(folder.path))  # refused before anything is made: ssh could not use the keys in there
    lab = load(folder)
    refuse_copy(folder)
    text = render.render(lab)
    progress = for_stream()
    choice = _choice(folder, lab, options.provider, progress)
    machines = Machines(folder, lab, progress)
    plan = reconcile.plan(folder, lab, choice.provider, machines)
    for difference in plan.texts():
        print(difference.in_(ui_language()), flush=True)
    if options.dry_run:
        _preview(plan, options)
        return 0
    prune = options.prune or _agreed(plan)
    if refusal := plan.refusal(prune=prune):
        raise refusal
    progress.note(str(render.write(text, folder.vagrantfile, force=options.force)))
    status = Reconciler(machines, choice, plan, fab, members).run(
        prune=prune, reload=options.reload, bootstrap=options.bootstrap
    )
    if status == 0:
        _conclude(plan, options)
    return status


def _preview(plan: Plan, options: UpOptions) -> None:
    """Print what would be done, and do nothing."""
    if refusal := plan.refusal(prune=options.prune):
        say(_("labgen up would refuse this: %(refusal)s", refusal=refusal))
        return
    for number, step in enumerate(
        plan.steps(prune=options.prune, reload=options.reload, bootstrap=options.bootstrap), 1
    ):
        print(f"{number}. {step.text.in_(ui_language())}")
    _tell_differing(plan, options)


def _conclude(plan: Plan, options: UpOptions) -> None:
    _tell_differing(plan, options)
    if options.bootstrap:
        say(_("The lab is up. Next:  labgen run --list   and   labgen grade"))
    else:
        say(_("The machines run. Next:  fab bootstrap"))


def _tell_differing(plan: Plan, options: UpOptions) -> None:
    if plan.restarted and not options.reload:
        nodes = ", ".join(plan.restarted)
        say(_("%(nodes)s: lab.yml has other settings. To apply them:  labgen up --reload", nodes=nodes))


def _agreed(plan: Plan) -> bool:
    """Ask, where someone can answer, whether the surplus machines are to be removed."""
    if not plan.surplus or plan.refusal(prune=True) or not sys.stdin.isatty():
        return False
    names = ", ".join(node.name for node in plan.surplus)
    try:
        question = ngettext(
            "Take %(names)s out of the swarm and remove the machine? [y/N] ",
            "Take %(names)s out of the swarm and remove the machines? [y/N] ",
            len(plan.surplus),
            names=names,
        )
        answer = input(question.in_(ui_language()))
    except EOFError:
        return False
    return answer.strip().lower() in ("y", "yes")


def _choice(folder: LabFolder, lab: Lab, provider: str | None, progress: Progress) -> Choice:
    """Give the provider to use: the one the machines are on already, the one asked for, or the doctor's choice."""
    try:
        state = folder.state()
    except MachineError as damaged:
        # Asked again: which provider has machines of this folder, Vagrant has written down.
        progress.note(_("note: %(message)s labgen does not use that file.", message=damaged.words))
        folder.set_state_aside()
        state = None
    if state is not None:
        if provider and provider != state.provider:
            raise MachineError(
                _("the lab already runs on %(provider)s.", provider=state.provider),
                _("Remove it first with `labgen down`, then use %(provider)s.", provider=provider),
            )
        of_lab(state.provider)
        return Choice(state.provider, _("the lab is on it already"), state.accelerated, state.namespace is not None)
    lab = dataclasses.replace(lab, provider=provider) if provider else lab
    with progress.step(_("Checking what this computer can do")):
        host = doctor.Host(folder=folder.path, images=images, boxes=boxes)
        diagnosis = doctor.examine(lab, host, [provider] if provider else None)
    choice = diagnosis.choose(lab)
    progress.note(_("Provider: %(choice)s", choice=choice.reason))
    for finding in diagnosis.warnings(choice.provider):
        progress.note(_("warning: %(message)s %(fix)s", message=finding.words, fix=finding.remedy))
    return choice
