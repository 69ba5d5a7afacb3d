"""Failed updates carried out: paused and mended, gone on with and rolled back by hand, rolled back by the swarm."""

from __future__ import annotations

from functools import partial

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text, listed
from labgen.core.polling import NotYet
from labgen.docker import swarm
from labgen.docker.swarm import Service
from labgen.docker.timeline import failing, places, taken_back
from labgen.exercise.services import ServiceSpec, same_image
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step
from provision.exercise.timing import watched

from .exercise import Parameters

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    return [
        services.create(
            lab,
            parameters.queue,
            _("pause: create a queue whose update pauses when it fails."),
            also=(parameters.mended, *parameters.broken),
            shows=partial(_shows, name=parameters.queue_name),
            may_pause=True,
            until=partial(_see_running, name=parameters.queue_name),
        ),
        Step(
            manager,
            _("Update it to an image without redis: its container cannot start, the update pauses, the command fails."),
            Command(parameters.break_queue),
            skip_if=partial(_happened, name=parameters.queue_name),
            until=_paused,
            quiet=True,
            within=120,
            ends="either",
        ),
        services.show(
            lab, parameters.queue_name, _("See which replica has failed. The others run on in the old version.")
        ),
        Step(
            manager,
            _("Correct it: with a good image, the update continues."),
            Command(parameters.mend_queue),
            skip_if=_mended,
            until=partial(_well, spec=parameters.mended),
            quiet=True,
            within=300,
            timers=watched(parameters.monitor),
        ),
        services.create(
            lab,
            parameters.store,
            _("continue: create a store whose update continues when it fails."),
            also=(parameters.safe, *parameters.broken),
            shows=partial(_shows, name=parameters.store_name),
            may_pause=True,
            until=partial(_see_running, name=parameters.store_name),
        ),
        Step(
            manager,
            _(
                "Make the same mistake: one replica after the other fails. With --detach, because "
                "the command would wait for them."
            ),
            Command(parameters.break_store),
            skip_if=_breaking,
            until=_all_down,
            quiet=True,
        ),
        Step(
            manager,
            _("Roll the update back by hand: every replica returns to what it ran before."),
            Command(parameters.rollback),
            skip_if=partial(_happened, name=parameters.store_name),
            until=partial(_well, spec=parameters.store),
            quiet=True,
            within=300,
            timers=watched(parameters.monitor),
        ),
        Step(
            manager,
            _("rollback: from now on, the swarm does that by itself. This changes no task."),
            Command(parameters.make_safe),
            skip_if=_safe,
            quiet=True,
        ),
        Step(
            manager,
            _("Make the mistake once more: the first replica fails, and the swarm rolls back. The command succeeds."),
            Command(parameters.break_safe),
            skip_if=_back,
            until=_rolled_back,
            quiet=True,
            within=300,
            ends="either",
            timers=watched(parameters.monitor),
        ),
        services.show(lab, parameters.store_name, _("See the history: which tasks failed, and which came back.")),
    ]


def _get_service(run: Run, name: str) -> Service:
    service = swarm.service(run.manager.ask, name)
    if service is None:
        raise ExerciseError(_("service %(service)s is gone.", service=name), run.start_over)
    return service


def _see_running(run: Run, name: str) -> None:
    parameters = run.parameters(Parameters)
    if same_image(_get_service(run, name).image, parameters.bad):
        run.tell(
            _(
                "an update of %(service)s has failed, and is not corrected yet. The exercise continues from there.",
                service=name,
            )
        )
    else:
        services.running(run, name)


def _shows(run: Run, name: str) -> bool:
    """Tell whether the history shows the failures that the service has been through, or one still goes on."""
    parameters = run.parameters(Parameters)
    service = _get_service(run, name)
    # The store failed as a whole, the queue in part.
    least = len(places(service)) if name == parameters.store_name else 1
    return same_image(service.image, parameters.bad) or len(failing(service)) >= least


def _happened(run: Run, name: str) -> Text | None:
    """Tell whether an update has failed already, and is paused or was repaired."""
    service = _get_service(run, name)
    if service.update_state == "paused":
        return _("An update of %(service)s is paused already.", service=name)
    return _("The history of %(service)s already shows a failed update.", service=name) if failing(service) else None


def _breaking(run: Run) -> Text | None:
    """Tell whether the store's update has failed or still fails: a second one would leave nothing to go back to."""
    parameters = run.parameters(Parameters)
    if same_image(_get_service(run, parameters.store_name).image, parameters.bad):
        return _("%(service)s is already updating to %(image)s.", service=parameters.store_name, image=parameters.bad)
    return _happened(run, parameters.store_name)


def _mended(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    service = _get_service(run, parameters.queue_name)
    well = same_image(service.image, parameters.new) and service.update_state == "completed"
    return (
        _("%(service)s runs %(image)s already.", service=parameters.queue_name, image=parameters.new) if well else None
    )


def _safe(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    action = _get_service(run, parameters.store_name).update.failure_action
    return _("The failure action is rollback already.") if action == "rollback" else None


def _back(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    service = _get_service(run, parameters.store_name)
    # By hand it would have taken the failure action back, too.
    shown = service.update_state == "rollback_completed" and service.update.failure_action == "rollback"
    return (
        _("The swarm has rolled back an update of %(service)s already.", service=parameters.store_name)
        if shown
        else None
    )


def _paused(run: Run) -> None:
    parameters = run.parameters(Parameters)
    if failing(_get_service(run, parameters.queue_name)):
        return  # and mended since

    def look() -> Service:
        service = run.service(parameters.queue_name)
        if service.update_state != "paused":
            raise NotYet(services.describe(service, parameters.replicas))
        return service

    service = run.look(_("the update to be paused"), look)
    old = [task for task in service.running if same_image(task.image, parameters.old)]
    tell_failures(run, service)
    run.tell(
        _(
            "update %(state)s; %(count)s of %(replicas)s tasks run on with %(image)s",
            state=service.update_state,
            count=len(old),
            replicas=service.replicas,
            image=parameters.old,
        )
    )
    if not old:
        raise ExerciseError(
            _("no task of %(service)s runs on with %(image)s.", service=parameters.queue_name, image=parameters.old),
            run.start_over,
        )


def _all_down(run: Run) -> None:
    parameters = run.parameters(Parameters)
    if failing(_get_service(run, parameters.store_name)):
        return  # and mended since

    def look() -> Service:
        service = run.service(parameters.store_name)
        if service.running or any(not any(task.failed for task in tasks) for tasks in places(service).values()):
            raise NotYet(services.describe(service, 0))
        return service

    service = run.look(_("every replica to be down"), look)
    tell_failures(run, service)
    run.tell(_("none of %(replicas)s tasks runs", replicas=service.replicas))


def tell_failures(run: Run, service: Service) -> None:
    """Print the latest failed task of each replica, and why it failed."""
    for place, tasks in places(service).items():
        bad = [task for task in tasks if task.failed]
        if bad:
            image = bad[-1].image.partition("@")[0]
            error = bad[-1].error[-120:] or _("it ended by itself")
            run.tell(listed((f"{service.name}.{place}", f"{image} {bad[-1].state}", error), ": "))


def _well(run: Run, spec: ServiceSpec) -> None:
    services.running(run, spec.name)
    service = run.service(spec.name)
    images = {task.image.partition("@")[0] for task in service.running}
    if not all(same_image(image, spec.image) for image in images):
        raise ExerciseError(
            _(
                "tasks of %(service)s run %(images)s, not %(image)s.",
                service=spec.name,
                images=", ".join(sorted(images)),
                image=spec.image,
            ),
            run.start_over,
        )


def _rolled_back(run: Run) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        service = run.service(parameters.store_name)
        if service.update_state != "rollback_completed":
            raise NotYet(services.describe(service, parameters.replicas))

    run.wait(_("the update to be rolled back"), look)
    _well(run, parameters.safe)
    service = run.service(parameters.store_name)
    back = taken_back(service)
    if back:
        run.tell(_("replicas that failed and were rolled back: %(replicas)s", replicas=", ".join(back)))
    run.tell(f"update {service.update_state}")
