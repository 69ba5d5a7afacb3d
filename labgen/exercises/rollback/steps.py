"""Failed updates carried out: paused and mended, gone on with and rolled back by hand, rolled back by the swarm."""

from __future__ import annotations

from functools import partial

from labgen.core.errors import ExerciseError
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


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager
    return [
        services.create(
            lab,
            parameters.queue,
            "pause: create a queue that pauses where an update fails.",
            also=(parameters.mended, *parameters.broken),
            shows=partial(_shows, name=parameters.queue_name),
            may_pause=True,
            until=partial(_see_running, name=parameters.queue_name),
        ),
        Step(
            manager,
            "Update it to an image without redis: its container cannot start, the update is paused, the command fails.",
            Command(parameters.break_queue),
            skip_if=partial(_happened, name=parameters.queue_name),
            until=_paused,
            quiet=True,
            within=120,
            ends="either",
        ),
        services.show(
            lab, parameters.queue_name, "See which replica was lost, and that the others go on in the old version."
        ),
        Step(
            manager,
            "Mend it: with a good image the update goes on.",
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
            "continue: create a store that goes on with an update that fails.",
            also=(parameters.safe, *parameters.broken),
            shows=partial(_shows, name=parameters.store_name),
            may_pause=True,
            until=partial(_see_running, name=parameters.store_name),
        ),
        Step(
            manager,
            "Make the same mistake: one replica after the other goes down. The command must not wait for them.",
            Command(parameters.break_store),
            skip_if=_breaking,
            until=_all_down,
            quiet=True,
        ),
        Step(
            manager,
            "Take the update back by hand: every replica goes back to what it ran before.",
            Command(parameters.rollback),
            skip_if=partial(_happened, name=parameters.store_name),
            until=partial(_well, spec=parameters.store),
            quiet=True,
            within=300,
            timers=watched(parameters.monitor),
        ),
        Step(
            manager,
            "rollback: let the swarm do that by itself from now on. No task changes by this.",
            Command(parameters.make_safe),
            skip_if=_safe,
            quiet=True,
        ),
        Step(
            manager,
            "Make the mistake once more: the first replica fails, and the swarm goes back. The command ends well.",
            Command(parameters.break_safe),
            skip_if=_back,
            until=_rolled_back,
            quiet=True,
            within=300,
            ends="either",
            timers=watched(parameters.monitor),
        ),
        services.show(lab, parameters.store_name, "See the history: what failed, and what came back."),
    ]


def _get_service(run: Run, name: str) -> Service:
    service = swarm.service(run.manager.ask, name)
    if service is None:
        raise ExerciseError(f"the service {name} is gone.", f"Start over: fab exercise.reset {run.exercise.name}")
    return service


def _see_running(run: Run, name: str) -> None:
    parameters = run.parameters(Parameters)
    if same_image(_get_service(run, name).image, parameters.bad):
        run.say(f"  an update of it has failed, and is not mended yet: {name} is taken up from there.")
    else:
        services.running(run, name)


def _shows(run: Run, name: str) -> bool:
    """Tell whether the history shows the failures that the service has been through, or one still goes on."""
    parameters = run.parameters(Parameters)
    service = _get_service(run, name)
    # The store failed as a whole, the queue in part.
    least = len(places(service)) if name == parameters.store_name else 1
    return same_image(service.image, parameters.bad) or len(failing(service)) >= least


def _happened(run: Run, name: str) -> str | None:
    """Tell whether an update has failed already, and is paused or was repaired."""
    service = _get_service(run, name)
    if service.update_state == "paused":
        return f"An update of {name} is paused already."
    return f"The history of {name} shows a failed update already." if failing(service) else None


def _breaking(run: Run) -> str | None:
    """Tell whether the store's update has failed or still fails: a second one would leave nothing to go back to."""
    parameters = run.parameters(Parameters)
    if same_image(_get_service(run, parameters.store_name).image, parameters.bad):
        return f"{parameters.store_name} is being updated to {parameters.bad} already."
    return _happened(run, parameters.store_name)


def _mended(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    service = _get_service(run, parameters.queue_name)
    well = same_image(service.image, parameters.new) and service.update_state == "completed"
    return f"{parameters.queue_name} is at {parameters.new} already." if well else None


def _safe(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    action = _get_service(run, parameters.store_name).update.failure_action
    return "The failure action is rollback already." if action == "rollback" else None


def _back(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    service = _get_service(run, parameters.store_name)
    # By hand it would have taken the failure action back, too.
    shown = service.update_state == "rollback_completed" and service.update.failure_action == "rollback"
    return f"An update of {parameters.store_name} was rolled back by the swarm already." if shown else None


def _paused(run: Run) -> None:
    parameters = run.parameters(Parameters)
    if failing(_get_service(run, parameters.queue_name)):
        return  # and mended since

    def look() -> Service:
        service = run.service(parameters.queue_name)
        if service.update_state != "paused":
            raise NotYet(services.describe(service, parameters.replicas))
        return service

    service = run.look("the update to be paused", look)
    old = [task for task in service.running if same_image(task.image, parameters.old)]
    tell_failures(run, service)
    run.say(f"  update {service.update_state}; {len(old)} of {service.replicas} tasks go on with {parameters.old}")
    if not old:
        raise ExerciseError(
            f"no task of {parameters.queue_name} goes on with {parameters.old}.",
            f"Start the exercise over: fab exercise.reset {run.exercise.name}",
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

    service = run.look("every replica to be down", look)
    tell_failures(run, service)
    run.say(f"  none of {service.replicas} tasks runs")


def tell_failures(run: Run, service: Service) -> None:
    """Print the latest failed task of each replica, and why it failed."""
    for place, tasks in places(service).items():
        bad = [task for task in tasks if task.failed]
        if bad:
            image = bad[-1].image.partition("@")[0]
            run.say(
                f"  {service.name}.{place}: {image} {bad[-1].state}: {bad[-1].error[-120:] or 'it ended by itself'}"
            )


def _well(run: Run, spec: ServiceSpec) -> None:
    services.running(run, spec.name)
    service = run.service(spec.name)
    images = {task.image.partition("@")[0] for task in service.running}
    if not all(same_image(image, spec.image) for image in images):
        raise ExerciseError(
            f"tasks of {spec.name} run {', '.join(sorted(images))}, not {spec.image}.",
            f"Start the exercise over: fab exercise.reset {run.exercise.name}",
        )


def _rolled_back(run: Run) -> None:
    parameters = run.parameters(Parameters)

    def look() -> None:
        service = run.service(parameters.store_name)
        if service.update_state != "rollback_completed":
            raise NotYet(services.describe(service, parameters.replicas))

    run.wait("the update to be rolled back", look)
    _well(run, parameters.safe)
    service = run.service(parameters.store_name)
    back = taken_back(service)
    run.say(f"  update {service.update_state}" + (f": replica {', '.join(back)} failed and went back" if back else ""))
