"""The tasks that `fab` lists: the bootstrap as a whole and step by step, and the exercises."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from typing import Any

from invoke import Collection, Context, Exit, task

from labgen.core.console import speak_utf8
from labgen.core.errors import INTERRUPTED, LabgenError, UsageError
from labgen.core.i18n import NOTHING, Text, _, recorded, sentences, shown, ui_language, untranslated
from labgen.core.lock import folder_lock
from labgen.core.printable import printable
from labgen.exercise.catalogue import exercises, find, mount
from labgen.machines import inventory as inventories
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import Lacks
from labgen.model.lab_folder import LabFolder
from provision import bootstrap as boot
from provision import membership
from provision.changes import STEPS, not_applicable
from provision.exercise import carry_out, rehearse, reset
from provision.fresh import fresh


def _with_lab(body: Callable[..., None], load: Callable[[], Inventory] | None = None) -> Callable[..., None]:
    """Make a task that is given the lab of the working directory, and prints errors without a stack trace."""

    @functools.wraps(body)
    def run(_context: Context, *args: Any, **options: Any) -> None:
        # A dry run changes nothing, and needs no lock.
        lock = nullcontext() if options.get("dry_run") else folder_lock(LabFolder.at(), _command())

        def with_lab() -> None:
            with lock:
                inventory = (load or inventories.discover)()
                try:
                    body(inventory, *args, **options)
                finally:
                    # Also what ends, after Ctrl-C, the commands that still run.
                    inventory.close()

        _report_errors(with_lab)

    # invoke reads a task's options from the signature that functools.wraps has left here.
    return run


def _say(text: str | Text) -> None:
    """Print what may come from a node, in the learner's language."""
    print(printable(shown(text)))


def _command() -> str:
    """Compose the command line as it was typed."""
    return " ".join(["fab", *sys.argv[1:]])


def _report_errors(do: Callable[[], object]) -> None:
    """Run an action; turn its errors into one message and their exit status."""
    try:
        do()
    except LabgenError as error:
        raise Exit(printable(shown(_error(error))), code=error.exit_status) from None
    except KeyboardInterrupt:
        raise Exit(shown(_("Interrupted. Run the same command again: it carries on.")), code=INTERRUPTED) from None
    except BrokenPipeError:
        # `fab exercise.loadbalance | head`: whoever read has left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise Exit(code=1) from None


def _error(error: LabgenError) -> Text:
    return _("error: %(text)s", text=error.in_(ui_language()))


def _task(body: Callable[..., None], words: Text, **options: Text) -> Any:
    """Make a task of a function; `fab -l` lists it in the user's language.

    :param options: what each of its options does.
    """
    body.__doc__ = shown(words)
    return task(body, help={name.replace("_", "-"): shown(text) for name, text in options.items()})


_PREVIEW = _("Show what would change, and change nothing.")


def _steps_task(name: str, steps: tuple[str, ...], words: Text) -> Any:
    def body(inventory: Inventory, dry_run: bool = False) -> None:
        if dry_run:
            _preview(inventory, steps)
            return
        _say_not_applicable(inventory, steps)
        account = boot.Account(_say)
        boot.prepare(inventory, steps, account)
        _summarise(name, account)

    body.__name__ = name
    return _task(_with_lab(body), words, dry_run=_PREVIEW)


def _summarise(task: str, account: boot.Account) -> None:
    _say(f"{task}: {shown(account.summary)}")


def _say_not_applicable(inventory: Inventory, steps: Iterable[str]) -> None:
    """Say once which steps the nodes cannot do here; what those would have made is looked for all the same."""
    for name, why in not_applicable(steps, inventory.lacks).items():
        _say(_("%(name)s: not applicable: %(why)s", name=name, why=recorded(why)))


def _preview(inventory: Inventory, steps: tuple[str, ...]) -> None:
    _say_not_applicable(inventory, steps)
    for node, changes in boot.preview(inventory, steps).items():
        _say(_("%(node)s: nothing to change", node=node) if not changes else f"{node}:")
        for what in changes:
            _say(f"  {shown(what)}")


def _bootstrap(inventory: Inventory, dry_run: bool = False) -> None:
    """From booted machines to a swarm with every node Ready; a second run changes nothing."""
    if dry_run:
        _preview(inventory, tuple(STEPS))
        return
    _say(_("Setting up %(count)s nodes", count=len(inventory.lab.nodes)))
    _say_not_applicable(inventory, STEPS)
    account = boot.Account(_say)
    boot.bootstrap(inventory, account)
    _say(
        _("bootstrap: %(summary)s %(count)s nodes are Ready.", summary=account.summary, count=len(inventory.lab.nodes))
    )


def _leave(inventory: Inventory) -> None:
    """Take every node out of the swarm; its services are lost."""
    account = boot.Account(_say)
    boot.leave(inventory, account)
    _summarise("leave", account)


def _of_nodes(do: Callable[[Inventory, Sequence[str], boot.Account], None], name: str, words: Text) -> Any:
    """A task for some nodes, of the lab as it was made: lab.yml need not name them any more."""

    def body(inventory: Inventory, nodes: str) -> None:
        names = [word for word in nodes.split(",") if word]
        for word in names:
            if word not in {node.name for node in inventory.lab.nodes}:
                raise UsageError(_("there is no node %(node)s.", node=word), _("List the nodes: labgen status"))
        account = boot.Account(_say)
        do(inventory, names, account)
        _summarise(name, account)

    body.__name__ = name
    return _task(_with_lab(body, inventories.discover_as_made), words, nodes=_("Names, with commas between."))


def _fresh(inventory: Inventory) -> None:
    """A fresh swarm: services, containers, volumes and networks of every node are lost, images stay."""
    _say(_("Emptying %(count)s nodes, and creating a new swarm", count=len(inventory.lab.nodes)))
    account = boot.Account(_say)
    fresh(inventory, account)
    _say(_("fresh: %(summary)s %(count)s nodes are Ready.", summary=account.summary, count=len(inventory.lab.nodes)))


def _exercise_task(name: str, title: str) -> Any:
    def body(inventory: Inventory) -> None:
        carry_out(name, inventory, say=_say)

    carried = _with_lab(body)

    undone = _with_lab(functools.partial(_reset, name=name))

    def choose(context: Context, dry_run: bool = False, reset: bool = False) -> None:
        if dry_run:
            _report_errors(lambda: rehearse(name, inventories.lab_of(), _lacks(), say=_say))
        elif reset:
            undone(context)
        else:
            carried(context)

    choose.__name__ = name
    return _task(choose, untranslated(f"{title}."), dry_run=_DRY, reset=_("Remove what the exercise has made."))


_DRY = _("Print the commands in order, and run none.")


def _lacks() -> Lacks:
    """What is remembered that the nodes of the lab here lack; nothing of a lab that is not up."""
    state = LabFolder.at().state()
    return state.lacks if state else {}


def _reset(inventory: Inventory, name: str) -> None:
    """Remove what an exercise has made: fab exercise.reset loadbalance."""
    reset(name, inventory, say=_say)


def _all(inventory: Inventory) -> None:
    """The whole course, in order; an exercise that fails does not stop the rest."""
    failed: dict[str, LabgenError] = {}
    left_out: list[str] = []
    for name, exercise in exercises().items():
        if lacking := exercise.lacking(inventory.lab):
            _say("")
            _say(_("== %(name)s: left out: %(why)s", name=name, why=lacking))
            left_out.append(name)
            continue
        try:
            carry_out(name, inventory, say=_say)
        except LabgenError as error:
            _say(f"\n{shown(_error(error))}")
            failed[name] = error
    succeeded = len(exercises()) - len(failed) - len(left_out)
    carried_out = _("%(count)s of %(exercises)s exercises done", count=succeeded, exercises=len(exercises()))
    skipped = _("left out: %(exercises)s", exercises=", ".join(left_out)) if left_out else NOTHING
    broken = _("failed: %(exercises)s", exercises=", ".join(failed)) if failed else NOTHING
    _say(f"\n{shown(sentences(carried_out, skipped, broken, separator='; '))}.")
    if failed:
        raise Exit(code=next(iter(failed.values())).exit_status)


def refuse_unknown(words: Iterable[str]) -> None:
    """Say which exercises are near to one that does not exist: invoke itself would only say that it has no idea.

    :param words: of the command line.
    """
    for word in words:
        name = word.removeprefix("exercise.")
        if name != word and name not in (*exercises(), *_NO_EXERCISE):
            _report_errors(functools.partial(find, name))


_NO_EXERCISE = ("all", "reset")
"""Tasks beside the exercises."""


def _namespace() -> Collection:
    root = Collection()
    steps = Collection("bootstrap")
    bootstrapping = _("From booted machines to a swarm with every node Ready; a second run changes nothing.")
    steps.add_task(_task(_with_lab(_bootstrap), bootstrapping, dry_run=_PREVIEW), name="all", default=True)
    for name, step in STEPS.items():
        steps.add_task(_steps_task(name, (name,), step.words), name=name)
    leaving = _("Take every node out of the swarm; this removes its services.")
    steps.add_task(_task(_with_lab(_leave), leaving), name="leave")
    emptying = _("Make a fresh swarm: remove services, containers, volumes and networks; images stay.")
    steps.add_task(_task(_with_lab(_fresh), emptying), name="fresh")
    for name, do, words in (
        ("drain", membership.drain, _("Move the tasks of some nodes to other nodes.")),
        ("activate", membership.activate, _("Let tasks run again on drained nodes.")),
        ("retire", membership.retire, _("Take nodes out of the swarm, before they are removed.")),
    ):
        steps.add_task(_of_nodes(do, name, words), name=name)
    root.add_collection(steps)
    course = Collection("exercise")
    for name, exercise in exercises().items():
        course.add_task(_exercise_task(name, f"{exercise.title} ({exercise.title.in_('ko')})"), name=name)
    every = _("Carry out the whole course, in order; an exercise that fails does not stop the rest.")
    course.add_task(_task(_with_lab(_all), every), name="all")
    removing = _("Remove what an exercise has made: fab exercise.reset loadbalance.")
    course.add_task(_task(_with_lab(_reset), removing, name=_("The exercise.")), name="reset")
    root.add_collection(course)
    return root


# Also where a person has typed `fab`, on a Windows whose pipes have another encoding.
speak_utf8()
# The exercises of the lab folder are its own code, as its fabfile is.
with suppress(OSError):
    mount(LabFolder.at().path)
refuse_unknown(sys.argv[1:])
namespace = _namespace()
"""What `fab -l` lists."""
