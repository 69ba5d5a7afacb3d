"""The checks themselves, against recordings of a right lab and of wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from expected_verdicts import ExpectedVerdicts
from fake_lab import FakeLab, id_of, recorded
from in_lab_folder import PYTEST

from labgen.core.errors import MachineError
from labgen.core.polling import Patience
from labgen.exercise.catalogue import exercise_names
from labgen.exercises.loadbalance import exercise as loadbalance
from labgen.model.capabilities import NO_IPVS, Capability
from verify import session
from verify.exam import Exam

pytest_plugins = ["pytester"]

W1, W2, MANAGER = "swarm-worker1", "swarm-worker2", "swarm-manager"
Grade = Callable[..., dict[str, Any]]


def came_out(report: dict[str, Any], verdict: str) -> set[str]:
    """Ids of the checks with that verdict."""
    return {check["id"] for check in report["checks"] if check["verdict"] == verdict}


def test_suite_right_lab_gets_every_point(grade: Grade, fake: FakeLab, expected_verdicts: ExpectedVerdicts) -> None:
    report = grade("--lang", "en")
    assert (report["verdict"], report["status"], report["complete"]) == ("pass", 0, True), report["printed"]
    assert report["points"]["got"] == report["points"]["of"] == 19
    assert (report["cluster"]["passed"], report["cluster"]["checks"]) == (48, 48)
    # Facts, networks, containers and requests of each node, what it reaches and whom it hears, and the swarm: few
    # commands is what makes it fast.
    assert sorted(fake.asked) == sorted([MANAGER] * 7 + [W1] * 6 + [W2] * 6)
    expected_verdicts.check_right("fake_lab", report, fake.now)


def _fresh(fake: FakeLab) -> None:
    """A lab as `labgen up` leaves it."""
    fake.service, fake.tasks = None, []


@pytest.mark.parametrize(("language", "words"), [("en", "No exercise was started."), ("ko", "시작한 실습이 없습니다")])
def test_suite_fresh_lab_is_green_and_earns_nothing(grade: Grade, fake: FakeLab, language: str, words: str) -> None:
    _fresh(fake)
    report = grade("--lang", language)
    assert (report["status"], report["verdict"]) == (0, "ready"), report["printed"]
    assert report["points"] == {"got": 0, "of": 0, "undecided": 0, "not_applicable": 0}
    assert (report["cluster"]["verdict"], report["exercises"]) == ("pass", [])
    assert words in report["printed"]
    assert "labgen run --list" in report["printed"]


# The fake lab has one manager, and no journal, which the checks of cleanup ask for.
BY_NAME = [name for name in exercise_names() if name not in ("cluster", "quorum", "cleanup")]


@pytest.mark.parametrize("name", BY_NAME)
def test_suite_named_exercise_that_was_not_begun_fails(grade: Grade, fake: FakeLab, name: str) -> None:
    _fresh(fake)
    report = grade("--exercise", name)
    assert (report["status"], report["verdict"]) == (11, "fail"), report["printed"]
    (exercise,) = report["exercises"]
    assert (exercise["name"], exercise["verdict"], exercise["points"]["got"]) == (name, "fail", 0)
    assert exercise["points"]["of"] > 0
    assert report["cluster"]["verdict"] == "pass"


def test_suite_swarm_itself_named_is_judged_by_its_checks(grade: Grade, fake: FakeLab) -> None:
    report = grade("--exercise", "cluster")
    assert (report["status"], report["verdict"], report["exercises"]) == (0, "ready", [])
    assert "begun" not in report["printed"]
    fake.leave(W1)
    assert grade("--exercise", "cluster")["status"] == 11
    fake.dead.add(W2)
    assert grade("--exercise", "cluster")["status"] == 12


def test_suite_swarm_that_is_not_right_is_no_pass_for_an_exercise_that_is(grade: Grade, fake: FakeLab) -> None:
    change(f"{W2}/hostname", "ubuntu")(fake)
    report = grade()
    assert (report["status"], report["verdict"]) == (11, "fail")
    (exercise,) = report["exercises"]
    assert (exercise["verdict"], exercise["points"]["got"], report["points"]["of"]) == ("pass", 19, 19)


def test_suite_where_no_swarm_is_seen_nobody_says_that_nothing_was_begun(grade: Grade, fake: FakeLab) -> None:
    fake.dead.add(MANAGER)
    report = grade()
    assert (report["status"], report["not_begun"]) == (12, [])
    assert "was started" not in report["printed"]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_does_not_matter(grade: Grade, fake: FakeLab, seed: int) -> None:
    fake.leave(W1)
    plain, shuffled = grade("-p", "no:randomly"), grade(f"--randomly-seed={seed}")
    assert [(entry["id"], entry["verdict"]) for entry in plain["checks"]] == [
        (entry["id"], entry["verdict"]) for entry in shuffled["checks"]
    ]


def test_suite_untouched_lab_gets_nothing_for_the_exercise(grade: Grade, fake: FakeLab) -> None:
    fake.untouch()
    report = grade("--exercise", "loadbalance")
    assert report["status"] == 11
    assert came_out(report, "fail") == {
        "cluster.swarm_begun",
        *(f"cluster.swarm_active[{n}]" for n in (MANAGER, W1, W2)),
    }
    points = {exercise["name"]: exercise["points"]["got"] for exercise in report["exercises"]}
    assert points["loadbalance"] == 0


def test_suite_worker_that_left(grade: Grade, fake: FakeLab) -> None:
    fake.leave(W1)
    report = grade()
    assert report["status"] == 11
    assert came_out(report, "fail") == {
        f"cluster.swarm_active[{W1}]",
        f"cluster.node_ready[{W1}]",
        # Its task began anew on the other worker, without the page that was copied into it.
        f"loadbalance.pages[{MANAGER}]",
        f"loadbalance.pages[{W2}]",
        f"loadbalance.pages_from_itself[{W2}]",
    }
    assert all(W1 in check for check in came_out(report, "blocked"))
    assert not came_out(report, "inconclusive")
    message = next(entry["seen"] for entry in report["checks"] if entry["id"] == f"loadbalance.pages[{W2}]")
    assert "6 x <h1>Welcome to nginx!</h1>, 6 x <h1>Hi Docker Swarm 2</h1>" in message


def test_suite_dead_worker_costs_and_earns_nothing(grade: Grade, fake: FakeLab) -> None:
    fake.leave(W2)  # as the manager sees it
    fake.dead.add(W2)
    report = grade()
    assert report["status"] == 12
    assert came_out(report, "fail") == set()
    unclear = came_out(report, "inconclusive")
    assert {check for check in unclear if W2 not in check} == {
        f"loadbalance.pages[{MANAGER}]",
        f"loadbalance.pages[{W1}]",
        f"loadbalance.pages_from_itself[{W1}]",
    }
    assert f"cluster.node_ready[{W2}]" in unclear
    # Asked once, though a dozen checks are about it.
    assert fake.asked.count(W2) == 1


def test_suite_dead_manager(grade: Grade, fake: FakeLab) -> None:
    fake.dead.add(MANAGER)
    report = grade()
    assert (report["status"], came_out(report, "fail")) == (12, set())
    assert f"cluster.swarm_active[{W1}]" in came_out(report, "pass")


MESH_CHECKS = {
    *(f"loadbalance.port_open[{node}]" for node in (MANAGER, W1, W2)),
    *(f"loadbalance.pages[{node}]" for node in (MANAGER, W1, W2)),
    *(f"loadbalance.pages_from_itself[{node}]" for node in (W1, W2)),
}


def test_containers_without_the_mesh_get_every_point_that_can_be_had(grade: Grade, fake: FakeLab) -> None:
    points = grade()["points"]
    fake.contain()
    fake.asked.clear()
    report = grade("-v")
    assert (report["verdict"], report["status"], report["complete"]) == ("pass", 0, True), report["printed"]
    assert came_out(report, "not applicable") == MESH_CHECKS
    assert came_out(report, "pass") == {check["id"] for check in report["checks"]} - MESH_CHECKS
    apart = points["of"] - report["points"]["of"]
    assert report["points"] == {"got": points["of"] - apart, "of": points["of"] - apart, "undecided": 0} | {
        "not_applicable": apart
    }
    assert report["not_applicable"] == [{"reason": NO_IPVS, "checks": 8, "points": apart}]
    # Told once, though it is the reason of eight.
    grade_of_it = report["printed"].partition("= grade =")[2]
    assert grade_of_it.count(NO_IPVS) == 1
    # No page is asked for.
    assert sorted(fake.asked) == sorted([MANAGER] * 6 + [W1, W2] * 5)


def test_suite_mesh_alone_makes_no_grade(grade: Grade, fake: FakeLab) -> None:
    fake.contain()
    report = grade("-k", "pages")
    assert (report["status"], report["verdict"]) == (13, "nothing")
    assert "Nothing was graded: no check applies here" in report["printed"]


def test_suite_without_the_mesh_a_wrong_service_stays_wrong(grade: Grade, fake: FakeLab) -> None:
    fake.contain()
    _ports(8080, "ingress")(fake)
    report = grade()
    assert (report["status"], came_out(report, "fail")) == (11, {"loadbalance.published"})
    # Not blocked: to publish the right port would not let them be judged.
    assert came_out(report, "not applicable") == MESH_CHECKS


def test_ports_that_are_shut_are_no_excuse_by_themselves(grade: Grade, fake: FakeLab) -> None:
    fake.contain()
    del fake.lacks[Capability.ROUTING_MESH]
    report = grade()
    assert report["status"] == 11
    assert came_out(report, "fail") == {f"loadbalance.port_open[{node}]" for node in (MANAGER, W1, W2)}
    assert came_out(report, "not applicable") == set()


def test_suite_address_that_is_given_must_be_there(grade: Grade, fake: FakeLab) -> None:
    fake.contain()
    _replace(W1, "links", "10.0.2.102", "10.0.2.15")(fake)
    report = grade()
    assert came_out(report, "fail") == {f"cluster.address[{W1}]"}
    message = next(entry["seen"] for entry in report["checks"] if entry["id"] == f"cluster.address[{W1}]")
    assert message == "the adapter 10.0.2.102: there is none"


def change(path: str, value: Any) -> Callable[[FakeLab], None]:
    """Set one field of one node's recording."""

    def made(fake: FakeLab) -> None:
        name, section = path.split("/")
        fake.nodes[name][section] = value

    return made


def _replace(name: str, section: str, old: str, new: str) -> Callable[[FakeLab], None]:
    def made(fake: FakeLab) -> None:
        assert old in fake.nodes[name][section]
        fake.nodes[name][section] = fake.nodes[name][section].replace(old, new)

    return made


def _sockets(name: str, protocol: str, port: int) -> Callable[[FakeLab], None]:
    """Let a port be open on the loopback only."""

    def made(fake: FakeLab) -> None:
        before = fake.nodes[name]["sockets"]
        fake.nodes[name]["sockets"] = re.sub(rf"(?m)^({protocol} .*)\*:{port}(?= )", rf"\g<1>127.0.0.1:{port}", before)
        assert fake.nodes[name]["sockets"] != before

    return made


def _advertises(fake: FakeLab) -> None:
    fake.nodes[W2]["info"]["Swarm"]["NodeAddr"] = "192.168.221.15"


def _manager_role(fake: FakeLab) -> None:
    fake.known[2]["Spec"]["Role"] = "manager"


def _stranger(fake: FakeLab) -> None:
    fake.known.append({**fake.known[2], "ID": "other", "Description": {"Hostname": "laptop"}})


def _twice(fake: FakeLab) -> None:
    fake.known.append({**fake.known[2], "ID": "other"})


def _no_ingress(fake: FakeLab) -> None:
    fake.networks = [network for network in fake.networks if not network["Ingress"]]


def _overlap(fake: FakeLab) -> None:
    fake.networks[0]["IPAM"]["Config"][0]["Subnet"] = "10.0.2.0/24"


def _overlap_of_adapter_1(fake: FakeLab) -> None:
    fake.networks[0]["IPAM"]["Config"][0]["Subnet"] = str(fake.lab.plan.adapter1)


def _service(*path: str, value: Any) -> Callable[[FakeLab], None]:
    def made(fake: FakeLab) -> None:
        place: Any = fake.service
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return made


def _one_task_less(fake: FakeLab) -> None:
    fake.tasks = fake.tasks[:1]


def _on_manager(fake: FakeLab) -> None:
    fake.tasks[0]["NodeID"] = id_of(MANAGER)


def _same_page(fake: FakeLab) -> None:
    fake.pages["10.0.2.101"] = ["<h1>Hi Docker Swarm 1</h1>"]


def _other_page(fake: FakeLab) -> None:
    fake.pages["10.0.2.103"][1] = "<h1>Hi</h1>"


def _global(fake: FakeLab) -> None:
    assert fake.service is not None
    fake.service["Spec"]["Mode"] = recorded("service-global.json")["Spec"]["Mode"]


def _ports(published: int, mode: str) -> Callable[[FakeLab], None]:
    port = {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": published, "PublishMode": mode}
    return _service("Endpoint", "Ports", value=[port])


_TEMPLATE = ("Spec", "TaskTemplate")


def _walled(port: str, *ways: tuple[str, str]) -> Callable[[FakeLab], None]:
    """A firewall drops what goes to a port, on these ways."""
    return lambda fake: fake.shut.update((source, target, port) for source, target in ways)


def _in_another_swarm(fake: FakeLab) -> None:
    """Its engine is in a swarm, which is not the manager's; the manager has not missed it yet."""
    fake.nodes[W2]["info"]["Swarm"]["NodeID"] = "id-elsewhere"


def _led_from_elsewhere(fake: FakeLab) -> None:
    fake.nodes[W2]["info"]["Swarm"]["RemoteManagers"] = [{"NodeID": "x", "Addr": "192.0.2.66:2377"}]


def _without_containers(fake: FakeLab) -> None:
    """The manager says that the tasks run; no node has a container of them."""
    fake.missing.update(task["ID"] for task in fake.tasks)


def _flapping(fake: FakeLab) -> None:
    """Each task ends after 20 s, and another takes its place: whenever one looks, as many run as are wanted."""
    for task in list(fake.tasks):
        began = [fake.now - timedelta(seconds=2 + 20 * back) for back in range(4)]
        for number, start in enumerate(began[1:], 1):
            end = start + timedelta(seconds=20)
            past = deepcopy(task)
            past.update(ID=f"{task['ID']}-{number}", DesiredState="shutdown")
            past.update(CreatedAt=start.isoformat(), UpdatedAt=end.isoformat())
            past["Status"].update(State="complete", Timestamp=end.isoformat())
            past["Status"]["ContainerStatus"]["ContainerID"] = f"{task['ID']}-{number}"
            fake.tasks.append(past)
        task["Status"] = {**task["Status"], "Timestamp": began[0].isoformat()}
        task.update(CreatedAt=began[0].isoformat(), UpdatedAt=began[0].isoformat())


SABOTAGE: dict[str, tuple[Callable[[FakeLab], None], set[str]]] = {
    "address on another adapter": (
        _replace(W1, "links", "08:00:27:00:02:66", "52:54:00:00:00:01"),
        {f"cluster.address[{W1}]"},
    ),
    "another address": (_replace(W1, "links", "10.0.2.102", "10.0.2.15"), {f"cluster.address[{W1}]"}),
    "adapter down": (
        _replace(W1, "links", '"MULTICAST", "UP", "LOWER_UP"]', '"MULTICAST"]'),
        {f"cluster.address[{W1}]"},
    ),
    "host name": (change(f"{W2}/hostname", "ubuntu"), {f"cluster.host_name[{W2}]"}),
    "127.0.1.1": (_replace(W1, "names", f"{W1} 10.0.2.102", f"{W1} 127.0.1.1 10.0.2.102"), {f"cluster.names[{W1}]"}),
    "name missing": (_replace(W1, "names", f"\n{W2} 10.0.2.103", f"\n{W2}"), {f"cluster.names[{W1}]"}),
    "engine stopped": (change(f"{W1}/engine", ""), {f"cluster.engine_running[{W1}]"}),
    "advertise address": (_advertises, {f"cluster.advertised_address[{W2}]"}),
    "gossip tcp": (_sockets(W1, "tcp", 7946), {f"cluster.gossip_port[{W1}-tcp]"}),
    "gossip udp": (_sockets(W1, "udp", 7946), {f"cluster.gossip_port[{W1}-udp]"}),
    "management port": (_sockets(MANAGER, "tcp", 2377), {f"cluster.management_port[{MANAGER}]"}),
    "port 2377 dropped on the manager": (
        _walled("2377/tcp", (W1, MANAGER), (W2, MANAGER)),
        {f"cluster.management_reached[{MANAGER}]"},
    ),
    "port 7946/tcp dropped on a worker": (
        _walled("7946/tcp", (MANAGER, W2), (W1, W2)),
        {f"cluster.gossip_reached[{W2}-tcp]"},
    ),
    "port 7946/udp dropped on a worker": (
        _walled("7946/udp", (MANAGER, W2), (W1, W2)),
        {f"cluster.gossip_reached[{W2}-udp]"},
    ),
    "port 7946 dropped by a worker on its way out": (
        _walled("7946/udp", (W1, MANAGER), (W1, W2)),
        {f"cluster.gossip_reached[{W1}-udp]"},
    ),
    "port 7946/tcp dropped between two workers": (
        _walled("7946/tcp", (W1, W2)),
        {f"cluster.gossip_reached[{W1}-tcp]", f"cluster.gossip_reached[{W2}-tcp]"},
    ),
    "port 4789 dropped on a worker": (
        _walled("4789/udp", (MANAGER, W2), (W1, W2)),
        {f"cluster.overlay_reached[{W2}]"},
    ),
    "a worker in another swarm": (_in_another_swarm, {f"cluster.node_ready[{W2}]"}),
    "a worker with its managers elsewhere": (_led_from_elsewhere, {f"cluster.node_ready[{W2}]"}),
    "another command": (
        _service(*_TEMPLATE, "ContainerSpec", "Args", value=["sleep", "10000"]),
        {"loadbalance.service_exists"},
    ),
    "another entrypoint": (
        _service(*_TEMPLATE, "ContainerSpec", "Command", value=["sleep", "10000"]),
        {"loadbalance.service_exists"},
    ),
    "tasks that end every 20 s": (_flapping, {"loadbalance.running"}),
    "tasks without containers": (_without_containers, {"loadbalance.running"}),
    "wrong role": (_manager_role, {f"cluster.node_role[{W2}]", "loadbalance.on_workers"}),
    "a stranger": (_stranger, {"cluster.no_strangers"}),
    "a node twice": (_twice, {"cluster.no_strangers"}),
    "no ingress": (_no_ingress, {"cluster.ingress_network"}),
    "no bridge": (lambda fake: fake.bridgeless.add(W1), {f"cluster.gateway_bridge[{W1}]"}),
    "overlap": (_overlap, {"cluster.overlay_subnets"}),
    "overlap of adapter 1": (_overlap_of_adapter_1, {"cluster.overlay_subnets"}),
    "no service": (lambda fake: setattr(fake, "service", None), {"loadbalance.service_exists"}),
    "another image": (_service(*_TEMPLATE, "ContainerSpec", "Image", value="httpd"), {"loadbalance.service_exists"}),
    "global": (_global, {"loadbalance.replicated"}),
    "three replicas": (_service("Spec", "Mode", "Replicated", "Replicas", value=3), {"loadbalance.replicated"}),
    "a task short": (_one_task_less, {"loadbalance.running"}),
    "no constraint": (_service(*_TEMPLATE, "Placement", value={}), {"loadbalance.constraint"}),
    "task on the manager": (_on_manager, {"loadbalance.on_workers"}),
    "other port": (_ports(8080, "ingress"), {"loadbalance.published"}),
    "host mode": (_ports(8001, "host"), {"loadbalance.published"}),
    "port shut": (_sockets(W1, "tcp", 8001), {f"loadbalance.port_open[{W1}]"}),
    "one page only": (_same_page, {f"loadbalance.pages[{MANAGER}]"}),
    "another page": (_other_page, {f"loadbalance.pages[{W2}]", f"loadbalance.pages_from_itself[{W2}]"}),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_suite_each_fault_turns_its_own_check(
    grade: Grade, fake: FakeLab, expected_verdicts: ExpectedVerdicts, name: str
) -> None:
    sabotage, expected = SABOTAGE[name]
    sabotage(fake)
    report = grade("--exercise", "loadbalance", "--lang", "en")
    assert came_out(report, "fail") == expected
    assert came_out(report, "inconclusive") == set()
    expected_verdicts.check_fault("fake_lab", name, report, fake.now)


def test_running_says_how_often_tasks_ended(grade: Grade, fake: FakeLab) -> None:
    _flapping(fake)
    (message,) = (entry["seen"] for entry in grade()["checks"] if entry["id"] == "loadbalance.running")
    words = (
        r"web-alb does not stay up: 2 of 2 run now, and 6 tasks ended by themselves in the last \d\d s \(exit code 0\)"
    )
    assert re.search(words, message)


def test_gossip_reached_says_who_does_not_reach_whom(grade: Grade, fake: FakeLab) -> None:
    _walled("7946/tcp", (MANAGER, W2), (W1, W2))(fake)
    (check,) = (entry for entry in grade()["checks"] if entry["id"] == f"cluster.gossip_reached[{W2}-tcp]")
    assert check["seen"] == (
        f"port 7946/tcp: {MANAGER} does not reach {W2} (no answer); {W1} does not reach {W2} (no answer)"
    )


def test_suite_manager_that_was_demoted_is_not_asked() -> None:
    """It is in the swarm still, and knows as a worker that it is none of its managers."""
    lab = FakeLab("managers: 3")
    first, second, _ = lab.lab.managers
    lab.nodes[first.name]["info"]["Swarm"]["ControlAvailable"] = False
    assert Exam(lab.lab, lab, lab.patience).manager == second


def test_suite_surplus_costs_nothing(grade: Grade, fake: FakeLab) -> None:
    """More than the exercise asks for, and nothing that contradicts it: a port, labels, a network, what is set."""
    assert fake.service is not None
    fake.service["Endpoint"]["Ports"].append(
        {"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8002, "PublishMode": "ingress"}
    )
    fake.service["Spec"]["Labels"] = {"team": "a"}
    template = fake.service["Spec"]["TaskTemplate"]
    template["Networks"] = [{"Target": "some-other-network"}]
    template["Placement"]["Constraints"] += ["node.platform.os==linux"]
    template["ContainerSpec"].update(Env=["A=b"], Labels={"c": "d"})
    report = grade()
    assert (report["verdict"], report["status"]) == ("pass", 0), report["printed"]


@pytest.mark.parametrize("size", ["workers: 1", "managers: 3", "managers: 3\nworkers: 1", "workers: 5"])
def test_suite_lab_of_another_size_gets_every_point(grade: Grade, size: str) -> None:
    report = grade(lab=FakeLab(size))
    assert (report["verdict"], report["status"], report["complete"]) == ("pass", 0, True), report["printed"]
    assert came_out(report, "not applicable") == set()


def test_pages_of_one_worker_may_not_be_missing_where_there_are_more_workers_than_replicas(grade: Grade) -> None:
    lab = FakeLab("workers: 5")
    lab.pages["10.0.2.101"] = [loadbalance.Parameters().page(4)]
    assert came_out(grade(lab=lab), "fail") == {f"loadbalance.pages[{MANAGER}]"}


def test_suite_lab_without_workers_is_told_what_the_exercise_takes(grade: Grade) -> None:
    report = grade("--exercise", "loadbalance", lab=FakeLab("workers: 0"))
    assert {check["verdict"] for check in report["checks"] if check["exercise"] == "loadbalance"} == {"not applicable"}
    assert "loadbalance needs 1 worker, and the lab has 0 workers" in report["printed"]


def test_suite_every_check_has_a_fault_that_turns_it() -> None:
    turned = {check.partition("[")[0] for _, checks in SABOTAGE.values() for check in checks}
    # Turned by other tests here: a lab that nobody touched, a worker that left.
    turned |= {"cluster.swarm_begun", "cluster.swarm_active", "cluster.node_ready"}
    checks = {
        f"{exercise}.{name.removeprefix('test_')}"
        for exercise in ("cluster", "loadbalance")
        for name in vars(import_module(f"labgen.exercises.{exercise}.checks"))
        if name.startswith("test_")
    }
    assert checks == turned


@pytest.mark.parametrize("written", ["node.role == worker", "node.role!=manager"])
def test_suite_constraint_may_be_written_otherwise(grade: Grade, fake: FakeLab, written: str) -> None:
    _service("Spec", "TaskTemplate", "Placement", value={"Constraints": [written]})(fake)
    assert grade()["verdict"] == "pass"


def test_suite_engine_that_does_not_answer_is_not_the_learners(
    grade: Grade, fake: FakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts_of = fake._facts
    monkeypatch.setattr(
        fake,
        "_facts",
        lambda name, script: facts_of(name, script).replace("\n200", "\n000" if name == W1 else "\n200"),
    )
    report = grade()
    assert (report["status"], came_out(report, "fail")) == (12, set())
    assert f"cluster.engine_running[{W1}]" in came_out(report, "inconclusive")
    # What the node says without its engine counts.
    assert f"cluster.host_name[{W1}]" in came_out(report, "pass")


def test_suite_only_the_nodes_of_the_chosen_checks_are_asked(grade: Grade, fake: FakeLab) -> None:
    report = grade("-k", f"host_name and {W1}")
    assert (fake.asked, len(report["checks"])) == ([W1], 1)


@pytest.mark.parametrize(
    ("words", "times"),
    [
        (["--exercise", "loadbalance"], 1),
        ([], 1),
        (["-k", "loadbalance"], 0),
        (["--deselect", "verify/update"], 0),
        (["--ignore", "verify/cluster"], 0),
    ],
)
def test_nodes_are_asked_ahead_only_where_all_of_them_will_be(
    grade: Grade, monkeypatch: pytest.MonkeyPatch, words: list[str], times: int
) -> None:
    begun: list[Exam] = []
    monkeypatch.setattr(Exam, "begin", lambda exam: begun.append(exam))
    grade(*words)
    assert len(begun) == times


def test_suite_what_was_asked_ahead_is_not_asked_again(fake: FakeLab) -> None:
    fake.dead.add(W2)
    exam = Exam(fake.lab, fake, fake.patience)
    exam.begin()
    assert exam.manager.name == MANAGER
    assert exam.unreachable() == f"This says nothing while {W2} cannot be asked."
    assert sorted(fake.asked) == [MANAGER, W1, W2]


def test_suite_empty_run_is_an_error(grade: Grade) -> None:
    report = grade("-k", "no_such_check")
    assert (report["status"], report["verdict"]) == (13, "nothing")


def test_suite_no_lab_is_said_in_one_line(
    grade: Grade, fake: FakeLab, monkeypatch: pytest.MonkeyPatch, pytester: pytest.Pytester
) -> None:
    def load(_path: object) -> Any:
        raise MachineError("there is no lab here.", "Bring it up with `labgen up`.")

    monkeypatch.setattr(session.inventory, "discover", load)
    result = pytester.runpytest_inprocess(*PYTEST)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no lab here.", "*labgen up*"])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def same(report: dict[str, Any]) -> dict[str, Any]:
    """What of a report must be the same when its evidence is graded."""
    content = {
        key: report[key] for key in ("lab", "started", "verdict", "points", "not_begun", "seen", "evidence", "status")
    }
    return content | {"checks": [{**entry, "seconds": 0} for entry in report["checks"]]}


@pytest.mark.parametrize("what", ["right", "left", "dead", "contained", "other page", "untouched"])
def test_evidence_graded_again_gives_the_same(grade: Grade, fake: FakeLab, what: str) -> None:
    {
        "right": lambda: None,
        "left": lambda: fake.leave(W1),
        "dead": lambda: fake.dead.add(W2),
        "contained": fake.contain,
        "other page": lambda: _other_page(fake),
        "untouched": fake.untouch,
    }[what]()
    fake.patience = Patience()  # which questions to nodes tell, and which is that of the lab when graded again
    # Whichever order the checks are in.
    first = grade("--evidence", "kept.jsonl", "--nonce", "n1", "--randomly-seed=1")
    fake.asked.clear()
    again = grade("--from", "kept.jsonl", "--nonce", "n1", "--randomly-seed=2")
    assert same(again) == same(first)
    assert (again["evidence"]["nonce"], fake.asked) == ("n1", [])


def test_evidence_of_named_exercises_is_graded_for_the_same_ones(grade: Grade, fake: FakeLab) -> None:
    fake.patience = Patience()
    first = grade("--evidence", "kept.jsonl", "--exercise", "update")
    again = grade("--from", "kept.jsonl")
    assert {entry["exercise"] for entry in again["checks"]} == {"cluster", "update"}
    assert same(again) == same(first)


def test_evidence_that_cannot_be_graded_is_said_in_one_sentence(
    grade: Grade, fake: FakeLab, pytester: pytest.Pytester
) -> None:
    grade("--evidence", "kept.jsonl")
    evidence_file = pytester.path / "kept.jsonl"
    evidence_file.write_text(evidence_file.read_text(encoding="utf-8")[:-300], encoding="utf-8")
    for file, why in (("kept.jsonl", "it is cut short*"), ("none.jsonl", "No such file or directory.")):
        result = pytester.runpytest_inprocess(*PYTEST, "--from", file)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
        result.stderr.fnmatch_lines([f"ERROR: {file} cannot be graded: {why}"])
        assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_suite_what_was_asked_stands_in_the_report(grade: Grade, fake: FakeLab) -> None:
    _same_page(fake)
    snapshot = grade()["seen"]
    assert [service["name"] for service in snapshot["services"]] == ["web-alb"]
    assert len(snapshot["services"][0]["tasks"]) == 2
    assert {(requests["by"], requests["to"]) for requests in snapshot["requests"]} == {
        (MANAGER, "10.0.2.101"),
        (MANAGER, "10.0.2.102"),
        (MANAGER, "10.0.2.103"),
        (W1, "10.0.2.102"),
        (W2, "10.0.2.103"),
    }
    first = next(requests for requests in snapshot["requests"] if requests["to"] == "10.0.2.101")
    assert first["answers"] == [{"status": 200, "body": "<h1>Hi Docker Swarm 1</h1>", "times": 12}]


def test_suite_report_in_korean(grade: Grade, fake: FakeLab) -> None:
    fake.leave(W1)
    report = grade("--lang", "ko", "--exercise", "update", "-v")
    assert report["language"] == "ko"
    checks = {entry["id"]: entry for entry in report["checks"]}
    assert (
        checks["update.service_exists"]["claim"]
        == "my-database 서비스가 redis 이미지로 만들어져 있고 redis-server 프로그램을 실행한다."
    )
    assert checks["update.service_exists"]["hint"].startswith(
        "서비스가 아직 없으면 만드세요.\nswarm-manager에서:\n  docker service create"
    )
    assert checks["update.running"]["seen"] == "먼저 update.service_exists 검사가 통과해야 합니다"
    assert re.search("확인 내용: +my-database", report["printed"])


@pytest.mark.parametrize(("name", "language"), [("ko_KR.UTF-8", "ko"), ("de_DE.UTF-8", "en"), ("C", "en")])
def test_suite_without_a_word_the_report_speaks_as_the_computer_does(
    grade: Grade, fake: FakeLab, monkeypatch: pytest.MonkeyPatch, name: str, language: str
) -> None:
    monkeypatch.setenv("LC_ALL", name)
    assert grade("-k", "host_name")["language"] == language
