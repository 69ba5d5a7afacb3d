"""Service discovery carried out: names asked from a container on the manager, where no task of the services runs."""

from __future__ import annotations

import functools
from ipaddress import IPv4Address

from labgen.core.errors import ExerciseError
from labgen.core.i18n import Messages, Text, listed
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

_ = Messages.beside(__file__)


def script(lab: Lab, parameters: Parameters) -> Script:
    """List the steps, in order."""
    manager = lab.first_manager

    def look_up(name: str, why: Text) -> Step:
        return Step(manager, why, Command(f"{parameters.ask} nslookup {name}"))

    def fetch(name: str, why: Text, *needs: Capability) -> Step:
        shown = f"{parameters.ask} wget -qO- http://{name}/"
        # The title of the page is enough to see.
        return Step(manager, why, Command(shown, f"{shown} | grep -i '<title>'"), needs=needs)

    return [
        Step(
            manager,
            _(
                "Create an overlay network: one network over all nodes. With --attachable, "
                "containers started by hand can use it, too."
            ),
            Command(parameters.create_network),
            skip_if=_network_there,
            quiet=True,
        ),
        services.create(lab, parameters.virtual, _("Create a service on this network, on workers only.")),
        Step(
            manager,
            _("Start a container on this network, on the manager, where no task runs. The next steps ask from it."),
            Command(parameters.start_asker),
            skip_if=_asker_there,
            quiet=True,
            within=180,
        ),
        look_up(
            parameters.virtual_name, _("Look up the service's name there: the answer is one address, its virtual IP.")
        ),
        look_up(parameters.tasks_name, _("Look up its tasks: the answer is the address of each task.")),
        _compare_with_swarm(lab, parameters.virtual),
        fetch(parameters.tasks_name, _("Fetch a page from one of the tasks, over the network between the nodes.")),
        fetch(
            parameters.virtual_name,
            _("Fetch a page from the virtual IP, which leads to one of the tasks."),
            Capability.ROUTING_MESH,
        ),
        services.create(
            lab, parameters.round_robin, _("Create the same service without a virtual IP: DNS round robin.")
        ),
        look_up(parameters.round_robin_name, _("Look up its name: now the answer is the address of each task.")),
        _compare_with_swarm(lab, parameters.round_robin),
        fetch(parameters.round_robin_name, _("Fetch a page from this service.")),
        Step(
            manager, _("Remove the container that the steps asked from."), Command(parameters.remove_asker), quiet=True
        ),
    ]


def reset(run: Run) -> None:
    """Remove what the exercise creates; the container that asks first, because it is on the network."""
    parameters = run.parameters(Parameters)
    if run.manager.run(f"docker ps --all --quiet --filter name=^{parameters.asker}$").strip():
        run.say(f"[{run.lab.first_manager.name}]$ {parameters.remove_asker}")
        run.manager.run(parameters.remove_asker)
    services.clear(run)


def _network_there(run: Run) -> Text | None:
    parameters = run.parameters(Parameters)
    network = next((network for network in swarm.networks(run.manager.ask) if network.name == parameters.network), None)
    if network is None:
        return None
    if network.driver != "overlay" or not network.attachable:
        kind = "attachable" if network.attachable else _("not attachable")
        raise ExerciseError(
            _(
                "network %(network)s exists already, with other settings: driver %(driver)s, %(kind)s.",
                network=parameters.network,
                driver=network.driver,
                kind=kind,
            ),
            _("Remove it with: fab exercise.reset %(exercise)s", exercise=run.exercise.name),
        )
    return _("network %(network)s exists already, with the right settings.", network=parameters.network)


def _asker_there(run: Run) -> Text | None:
    """Tell whether an interrupted run left the container; remove one that cannot ask."""
    parameters = run.parameters(Parameters)
    filters = f"--filter name=^{parameters.asker}$ --filter network={parameters.network} --filter status=running"
    if run.manager.run(f"docker ps --quiet {filters}").strip():
        return _("container %(container)s runs already.", container=parameters.asker)
    if run.manager.run(f"docker ps --all --quiet --filter name=^{parameters.asker}$").strip():
        run.tell(
            _(
                "container %(container)s exists, but does not run on %(network)s: it is removed first.",
                container=parameters.asker,
                network=parameters.network,
            )
        )
        run.manager.run(parameters.remove_asker, what=parameters.remove_asker)
    return None


def _compare_with_swarm(lab: Lab, spec: ServiceSpec) -> Step:
    """Compose the step that compares names with what the swarm itself knows of a service."""
    shown = f"docker service inspect --format '{{{{json .Endpoint.VirtualIPs}}}}' {spec.name}"
    return Step(
        lab.first_manager,
        _("Compare with what the swarm itself says about the service."),
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
        return run.manager.run(script, within=180, what="nslookup")

    def look() -> None:
        service = run.service(name)
        own = own_addresses(service)
        expected = {f"tasks.{name}": own, name: frozenset(service.virtual_ips) or own}
        answers = dns.ask(ask, parameters.ask, sorted(expected), sorted(own), within)
        wrong = [
            _(
                "%(dns_name)s is %(answer)s, not %(expected)s",
                dns_name=dns_name,
                answer=join_addresses(answers.addresses[dns_name]),
                expected=join_addresses(addresses),
            )
            for dns_name, addresses in expected.items()
            if answers.addresses[dns_name] != addresses
        ]
        if silent := own - answers.answered:
            wrong.append(_("no page from %(addresses)s", addresses=join_addresses(silent)))
        if wrong:
            raise NotYet(listed(wrong, "; "))
        at = join_addresses(frozenset(service.virtual_ips)) if service.virtual_ips else _("none")
        run.tell(
            _(
                "virtual IP: %(virtual_ip)s; addresses of its tasks: %(addresses)s; every task gave "
                "its page to %(container)s",
                virtual_ip=at,
                addresses=join_addresses(own),
                container=parameters.asker,
            )
        )

    run.wait(_("the names of %(service)s to lead to its addresses", service=name), look, within=60)
