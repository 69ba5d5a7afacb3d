"""Service discovery carried out: names asked from a container on the manager, where no task of the services runs."""

from __future__ import annotations

import functools
from ipaddress import IPv4Address

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet
from labgen.docker import dns, swarm
from labgen.docker.dns import join_addresses
from labgen.docker.swarm import Service
from labgen.exercise.services import ServiceSpec
from labgen.model.capabilities import Capability
from labgen.model.lab import Lab
from provision.exercise import services
from provision.exercise.run import Run
from provision.exercise.steps import Command, Script, Step

from .exercise import Parameters


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager

    def look_up(name: str, why: str) -> Step:
        return Step(manager, why, Command(f"{parameters.ask} nslookup {name}"))

    def fetch(name: str, why: str, *needs: Capability) -> Step:
        shown = f"{parameters.ask} wget -qO- http://{name}/"
        # The title of the page is enough to see.
        return Step(manager, why, Command(shown, f"{shown} | grep -i '<title>'"), needs=needs)

    return [
        Step(
            manager,
            "Create an overlay network: one network over all nodes. Attachable: also for containers started by hand.",
            Command(parameters.create_network),
            skip_if=_network_there,
            quiet=True,
        ),
        services.create(lab, parameters.virtual, "Create a service on it, on workers only."),
        Step(
            manager,
            "On the manager, where no task runs, start a container on the network, to ask from.",
            Command(parameters.start_asker),
            skip_if=_asker_there,
            quiet=True,
            within=180,
        ),
        look_up(parameters.virtual_name, "Ask there for the service's name: that is one address, its virtual IP."),
        look_up(parameters.tasks_name, "Ask for its tasks: that is the address of each."),
        _compare_with_swarm(lab, parameters.virtual),
        fetch(parameters.tasks_name, "Fetch a page from one of them, over the network between the nodes."),
        fetch(
            parameters.virtual_name,
            "Fetch one from the virtual IP, which leads to one of them.",
            Capability.ROUTING_MESH,
        ),
        services.create(lab, parameters.round_robin, "Create the same without a virtual IP: DNS round robin."),
        look_up(parameters.round_robin_name, "Ask for its name: now that is the address of each task."),
        _compare_with_swarm(lab, parameters.round_robin),
        fetch(parameters.round_robin_name, "Fetch a page from it."),
        Step(manager, "Remove the container that asked.", Command(parameters.remove_asker), quiet=True),
    ]


def reset(run: Run) -> None:
    """Remove what the exercise creates; the container that asks first, because it is on the network."""
    parameters = run.parameters(Parameters)
    if run.manager.run(f"docker ps --all --quiet --filter name=^{parameters.asker}$").strip():
        run.say(f"[{run.lab.first_manager.name}]$ {parameters.remove_asker}")
        run.manager.run(parameters.remove_asker)
    services.clear(run)


def _network_there(run: Run) -> str | None:
    parameters = run.parameters(Parameters)
    network = next((network for network in swarm.networks(run.manager.ask) if network.name == parameters.network), None)
    if network is None:
        return None
    if network.driver != "overlay" or not network.attachable:
        kind = "attachable" if network.attachable else "not attachable"
        raise ExerciseError(
            f"there is a network {parameters.network} already, made with other settings: driver {network.driver}, "
            f"{kind}.",
            f"Remove it with: fab exercise.reset {run.exercise.name}",
        )
    return f"{parameters.network} is there already, as it should be."


def _asker_there(run: Run) -> str | None:
    """Tell whether an interrupted run left the container; remove one that cannot ask."""
    parameters = run.parameters(Parameters)
    filters = f"--filter name=^{parameters.asker}$ --filter network={parameters.network} --filter status=running"
    if run.manager.run(f"docker ps --quiet {filters}").strip():
        return f"{parameters.asker} runs already."
    if run.manager.run(f"docker ps --all --quiet --filter name=^{parameters.asker}$").strip():
        run.say(f"  {parameters.asker} is there, but does not run on {parameters.network}: it is removed first.")
        run.manager.run(parameters.remove_asker, what=parameters.remove_asker)
    return None


def _compare_with_swarm(lab: Lab, spec: ServiceSpec) -> Step:
    """Compose the step that compares names with what the swarm itself knows of a service."""
    shown = f"docker service inspect --format '{{{{json .Endpoint.VirtualIPs}}}}' {spec.name}"
    return Step(
        lab.first_manager,
        "Compare with what the swarm itself says of it.",
        Command(shown),
        until=functools.partial(_as_the_swarm_says, name=spec.name),
    )


def own_addresses(service: Service) -> frozenset[IPv4Address]:
    """Collect the addresses of a service's running tasks."""
    return frozenset(address for task in service.running for address in task.addresses)


def _as_the_swarm_says(run: Run, name: str) -> None:
    """Wait until names resolve to what the swarm knows, and every task's own address gives a page."""
    parameters = run.parameters(Parameters)
    within = run.inventory.patience.seconds(5)

    def ask(script: str) -> str:
        return run.manager.run(script, within=180, what="a container that asks")

    def look() -> None:
        service = run.service(name)
        own = own_addresses(service)
        expected = {f"tasks.{name}": own, name: frozenset(service.virtual_ips) or own}
        answers = dns.ask(ask, parameters.ask, sorted(expected), sorted(own), within)
        wrong = [
            f"{dns_name} is {join_addresses(answers.addresses[dns_name])}, not {join_addresses(addresses)}"
            for dns_name, addresses in expected.items()
            if answers.addresses[dns_name] != addresses
        ]
        if silent := own - answers.answered:
            wrong.append(f"no page from {join_addresses(silent)}")
        if wrong:
            raise NotYet("; ".join(wrong))
        at = join_addresses(frozenset(service.virtual_ips)) if service.virtual_ips else "none"
        run.say(f"  virtual IP: {at}; its tasks: {join_addresses(own)}; every task gave its page to {parameters.asker}")

    run.wait(f"the names of {name} to mean what they should", look, within=60)
