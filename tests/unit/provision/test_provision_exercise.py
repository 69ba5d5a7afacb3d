"""Exercises: what is shown, what is left out, what is refused; no machine."""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from invoke import Exit
from scripted_shell import ScriptedShell, all_used, api, ok, refused

from labgen import config
from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet, Patience
from labgen.docker.swarm import PublishedPort, Service
from labgen.exercise.catalogue import exercises, find
from labgen.exercise.model import Exercise
from labgen.exercise.parameters import P
from labgen.exercise.services import differences
from labgen.exercises.loadbalance import steps as loadbalance
from labgen.exercises.loadbalance.exercise import EXERCISE, Parameters
from labgen.machines.inventory import Inventory
from labgen.model.capabilities import NO_IPVS, Capability, Lacks
from labgen.model.lab import Node
from labgen.model.lab_folder import LabFolder, State
from provision.exercise import rehearse, services
from provision.exercise.run import Run
from provision.exercise.steps import Chosen, Command, Step, play
from provision.tasks import refuse_unknown

SERVICE = Parameters().service

LAB = config.parse("")
MANAGER, WORKER1, WORKER2 = LAB.nodes

AS_ASKED = Service(
    id="s",
    name="web-alb",
    mode="replicated",
    replicas=2,
    image="nginx:latest@sha256:" + "0" * 64,
    constraints=("node.role==worker",),
    ports=(PublishedPort(8001, 80, "tcp", "ingress"),),
    update_state="",
    update_message="",
)


class FakeRun(Run):
    """A run whose nodes answer from scripts, and whose deadlines have passed already."""

    def __init__(self, *shells: ScriptedShell, lacks: Lacks | None = None, exercise: Exercise = EXERCISE) -> None:
        self.said: list[str] = []
        inventory = Inventory(LabFolder.at(Path()), LAB, State("libvirt", lacks=lacks or {}))
        inventory.__dict__["patience"] = Patience(0.0)
        super().__init__(inventory, exercise, self.said.append)
        self.shells = {shell.node.name: shell for shell in shells}

    def parameters(self, kind: type[P]) -> P:
        """Those of the exercise; the document's values where a test carries out a step of another."""
        parameters = self.exercise.parameters
        return parameters if isinstance(parameters, kind) else kind()

    def shell(self, node: Node) -> Any:
        return self.shells[node.name]


def test_exercise_service_as_asked_has_no_differences() -> None:
    assert differences(SERVICE, AS_ASKED) == []


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"image": "httpd:latest@sha256:0"}, "its image is httpd:latest"),
        ({"mode": "global", "replicas": None}, "it is global"),
        ({"replicas": 3}, "it has 3 replicas, not 2"),
        ({"constraints": ()}, "its constraints are none"),
        ({"constraints": ("node.role==manager",)}, "its constraints are node.role==manager"),
        ({"ports": ()}, "its published ports are none"),
        ({"ports": (PublishedPort(8002, 80, "tcp", "ingress"),)}, "its published ports are 8002:80"),
    ],
)
def test_exercise_each_difference_is_said(changed: dict[str, Any], message: str) -> None:
    (difference,) = differences(SERVICE, dataclasses.replace(AS_ASKED, **changed))
    assert message in str(difference)


def test_exercise_constraint_may_be_written_with_spaces() -> None:
    assert differences(SERVICE, dataclasses.replace(AS_ASKED, constraints=("node.role == worker",))) == []


def test_exercise_commands_are_the_documents() -> None:
    texts: list[str] = []
    rehearse("loadbalance", LAB, {}, say=texts.append)
    text = "\n".join(texts)
    assert "not applicable" not in text
    assert "CONTAINER-ADDRESS" not in text
    assert (
        "docker service create --name web-alb --constraint node.role==worker --replicas 2 --publish 8001:80 nginx"
        in text
    )
    assert text.index("[swarm-worker1]$ echo '<h1>Hi Docker Swarm 1</h1>'") < text.index("[swarm-worker2]$ echo")
    for node in LAB.nodes:
        assert f"curl -s {node.address}:8001" in text


NO_MESH = {Capability.ROUTING_MESH: NO_IPVS}


def test_exercise_without_the_mesh_the_rehearsal_says_so_and_shows_what_can_be_shown() -> None:
    texts: list[str] = []
    rehearse("loadbalance", LAB, NO_MESH, say=texts.append)
    text = "\n".join(texts)
    # Each step that needs it, the reason once.
    assert text.count("\n  not applicable here") == 2 * len(LAB.nodes)
    assert text.count(NO_IPVS) == 1
    assert "netstat" not in text
    assert ":8001; done" not in text
    # All the rest as everywhere, and each worker's page from inside.
    assert "--publish 8001:80 nginx" in text
    for worker in LAB.workers:
        copied = text.index(f"[{worker.name}]$ echo '<h1>")
        assert copied < text.index(f"[{worker.name}]$ curl -s CONTAINER-ADDRESS:80")


@pytest.mark.parametrize("lacks", [{}, {Capability.NETPLAN: "x"}])
def test_exercise_what_a_script_does_not_need_may_be_lacking(lacks: Lacks) -> None:
    chosen = Chosen(loadbalance.script(LAB, parameters=loadbalance.Parameters()), lacks)
    assert (chosen.left_out, str(chosen.summary)) == (0, "")
    assert len(chosen.steps) == 3 + 3 + 2 + 3


def test_exercise_step_that_is_not_applicable_is_told_and_not_run() -> None:
    needs = (Capability.ROUTING_MESH,)
    script = [
        Step(MANAGER, "Not here.", Command("x"), needs=needs, until=lambda _: pytest.fail("waited for")),
        Step(MANAGER, "Nor this.", Command("x"), needs=needs, before=lambda _: pytest.fail("waited for")),
        Step(MANAGER, "But this.", Command("y"), instead_of=needs),
    ]
    shell = ScriptedShell(MANAGER, [("y", ok("shown\n"))])
    run = FakeRun(shell, lacks=NO_MESH)
    play(run, script)
    assert run.said[1:] == [
        "\n# Not here.",
        f"  not applicable here: {NO_IPVS}",
        "\n# Nor this.",
        "  not applicable here, for the same reason",
        "\n# But this.",
        "[swarm-manager]$ y",
        "  shown",
        "\nloadbalance: done in 0 s; 2 of its 3 steps are not applicable here.",
    ]
    assert all_used([shell])


def test_exercise_unknown_exercise_names_the_nearest() -> None:
    with pytest.raises(ExerciseError, match="no exercise 'loadbalancing'") as caught:
        find("loadbalancing")
    assert "Did you mean loadbalance?" in caught.value.hint


def test_exercise_every_exercise_speaks_both_languages_and_has_steps() -> None:
    for exercise in exercises().values():
        assert exercise.brief("en").strip()
        assert any("가" <= char <= "힣" for char in exercise.brief("ko"))
        assert str(exercise.title) != exercise.title.in_("ko")


def test_exercise_step_shows_its_command_and_what_came_of_it() -> None:
    shell = ScriptedShell(MANAGER, [("^real command$", ok("one\ntwo\n"))])
    run = FakeRun(shell)
    play(run, [Step(MANAGER, "Because.", Command("as typed", "real command"))])
    assert run.said[1:5] == ["\n# Because.", "[swarm-manager]$ as typed", "  one", "  two"]


def test_exercise_step_that_is_done_is_left_out_and_said() -> None:
    run = FakeRun(ScriptedShell(MANAGER, []))
    play(run, [Step(MANAGER, "Because.", Command("x"), skip_if=lambda _run: "there already")])
    assert "  there already" in run.said


CONFLICT = refused("Error response from daemon: rpc error: code = Unknown desc = update out of sequence")


def test_play_repeats_a_command_that_swarm_refused_because_it_changed_the_service_itself() -> None:
    shell = ScriptedShell(MANAGER, [("rollback", CONFLICT), ("rollback", CONFLICT), ("rollback", ok("rolled back"))])
    run = FakeRun(shell)
    play(run, [Step(MANAGER, "Because.", Command("docker service rollback web"))])
    assert all_used([shell])
    assert run.said.count("[swarm-manager]$ docker service rollback web") == 3
    assert run.said[-2] == "  rolled back"


def test_play_gives_up_on_a_command_that_swarm_refuses_again_and_again() -> None:
    shell = ScriptedShell(MANAGER, [("rollback", CONFLICT)] * 5)
    with pytest.raises(ExerciseError, match="update out of sequence"):
        play(FakeRun(shell), [Step(MANAGER, "Because.", Command("docker service rollback web"))])
    assert all_used([shell])


BUSY = refused("Error response from daemon: context deadline exceeded")


def test_play_repeats_a_command_that_a_busy_engine_has_not_carried_out() -> None:
    shell = ScriptedShell(MANAGER, [("leave", BUSY), ("leave", ok("Node left the swarm."))])
    run = FakeRun(shell)
    play(run, [Step(MANAGER, "Because.", Command("docker swarm leave"), skip_if=lambda _run: None)])
    assert all_used([shell])
    assert run.said.count("[swarm-manager]$ docker swarm leave") == 2


def test_play_does_not_repeat_what_a_busy_engine_has_carried_out_all_the_same() -> None:
    answers = iter([None, "It has left already."])
    run = FakeRun(ScriptedShell(MANAGER, [("leave", BUSY)]))
    play(run, [Step(MANAGER, "Because.", Command("docker swarm leave"), skip_if=lambda _run: next(answers))])
    assert "  It has left already." in run.said


def test_play_does_not_repeat_for_a_busy_engine_what_may_be_done_twice() -> None:
    shell = ScriptedShell(MANAGER, [("rollback", BUSY)])
    with pytest.raises(ExerciseError, match="context deadline exceeded"):
        play(FakeRun(shell), [Step(MANAGER, "Because.", Command("docker service rollback web"))])
    assert all_used([shell])


def test_exercise_command_that_fails_says_what_it_said_and_how_to_begin_anew() -> None:
    message = (
        "Error response from daemon: rpc error: port '8001' is already in use by service 'mine' as an ingress port"
    )
    run = FakeRun(ScriptedShell(MANAGER, [("x", refused(message))]))
    with pytest.raises(ExerciseError, match="port '8001' is already in use by service 'mine'") as caught:
        play(run, [Step(MANAGER, "Because.", Command("x"))])
    assert "fab exercise.reset loadbalance" in caught.value.hint


def test_exercise_what_does_not_come_is_an_error_with_what_was_seen() -> None:
    def look() -> None:
        raise NotYet("1 of 2")

    with pytest.raises(ExerciseError, match="waited 0 s for tea; last seen: 1 of 2"):
        FakeRun().wait("tea", look)


def service_json(**spec: Any) -> str:
    return json.dumps(
        {
            "ID": "s",
            "Spec": {
                "Name": SERVICE.name,
                "TaskTemplate": {
                    "ContainerSpec": {"Image": "nginx:latest@sha256:0"},
                    "Placement": {"Constraints": ["node.role==worker"]},
                },
                "Mode": {"Replicated": {"Replicas": 2}},
                **spec,
            },
            "Endpoint": {"Ports": [{"Protocol": "tcp", "TargetPort": 80, "PublishedPort": 8001}]},
        }
    )


def test_exercise_learners_other_service_of_the_name_is_never_destroyed() -> None:
    another_service = service_json(Mode={"Replicated": {"Replicas": 5}})
    shell = ScriptedShell(MANAGER, [("/services/web-alb", api(another_service, "[]"))])
    with pytest.raises(ExerciseError, match="with other settings: it has 5 replicas, not 2") as caught:
        play(FakeRun(shell), loadbalance.script(LAB, parameters=loadbalance.Parameters())[:1])
    assert "fab exercise.reset" in caught.value.hint
    assert all_used([shell])


def test_reset_of_nothing_is_well() -> None:
    def gone(node: Node) -> ScriptedShell:
        return ScriptedShell(node, [("docker ps --all --quiet --filter label", ok())])

    manager = gone(MANAGER)
    manager.script[:0] = [("docker network ls", ok("network ingress\n")), ("/services'?$", api("[]"))]
    manager.script.append(("/nodes", api("[]")))
    shells = [manager, gone(WORKER1), gone(WORKER2)]
    run = FakeRun(*shells)
    services.clear(run)
    assert all_used(shells)
    assert run.said == []


class Serving(ScriptedShell):
    """A node whose requests are answered with the pages that its test says, in turn, by address."""

    def __init__(self, pages: dict[str, list[str]]) -> None:
        super().__init__(MANAGER, [])
        self.pages = pages

    def attempt(self, script: str, *, within: float = 60, secret: str | None = None) -> Any:
        (mark,) = set(re.findall(r"labgen-[0-9a-f]{16}", script))
        lines = []
        for address in re.findall(rf"{mark} address (\S+?)'", script):
            served = itertools.cycle(self.pages[address])
            lines.append(f"{mark} address {address}")
            for _ in range(script.count(f"http://{address}:8001/")):
                lines += [next(served), f"{mark} 200 1"]
            lines.append("")
        return ok("\n".join(lines) + "\n")


ONE, TWO = "<h1>Hi Docker Swarm 1</h1>", "<h1>Hi Docker Swarm 2</h1>"


def test_exercise_spread_is_counted_by_node() -> None:
    run = FakeRun(Serving({str(node.address): [ONE, TWO] for node in LAB.nodes}))
    loadbalance._spread(run)
    assert f"  swarm-manager    60 requests: 30 x {ONE}, 30 x {TWO}" in run.said
    assert run.said[-1] == "\n# In a browser on this computer: http://10.0.2.101:8001"


def test_exercise_page_that_never_comes_through_one_node_is_an_error() -> None:
    pages = {str(node.address): [ONE, TWO] for node in LAB.nodes} | {str(WORKER1.address): [ONE]}
    with pytest.raises(ExerciseError, match=f"swarm-worker1 gave only 60 requests: 60 x {ONE}"):
        loadbalance._spread(FakeRun(Serving(pages)))


LISTENS = "tcp6  0  0 :::8001  :::*  LISTEN  71/dockerd\n"


def test_exercise_port_that_another_program_has_is_an_error() -> None:
    shell = ScriptedShell(MANAGER, [("netstat", ok(LISTENS.replace("71/dockerd", "9/nginx: master")))])
    with pytest.raises(ExerciseError, match="port 8001 of swarm-manager is taken by another program: 9/nginx: master"):
        services.port_open(FakeRun(shell), MANAGER, 8001)


def test_exercise_port_is_waited_for_before_it_is_shown() -> None:
    shell = ScriptedShell(MANAGER, [("netstat", refused("")), ("netstat", ok(LISTENS)), ("netstat", ok(LISTENS))])
    run = FakeRun(shell)
    run.inventory.__dict__["patience"] = Patience(1.0)
    play(
        run,
        [
            step
            for step in loadbalance.script(LAB, parameters=loadbalance.Parameters())
            if step.node == MANAGER and step.before and step.needs
        ],
    )
    assert run.said[2:4] == ["[swarm-manager]$ sudo netstat -nlp | grep 8001", f"  {LISTENS.strip()}"]
    assert all_used([shell])


NODES = json.dumps([{"ID": "w1", "Description": {"Hostname": WORKER1.name}}])
TASKS = json.dumps(
    [
        {
            "Slot": slot,
            "NodeID": "w1",
            "DesiredState": "running",
            "Status": {"State": "running", "ContainerStatus": {"ContainerID": f"c{slot}"}},
        }
        for slot in (1, 2)
    ]
)
BRIDGE = json.dumps(
    {
        "Name": "docker_gwbridge",
        "Containers": {
            "c1": {"Name": "gateway_f1f83afb8423", "IPv4Address": "172.18.0.4/16"},
            "c2": {"Name": "gateway_9a10dc84096c", "IPv4Address": "172.18.0.3/16"},
            "ingress-sbox": {"Name": "gateway_ingress-sbox", "IPv4Address": "172.18.0.2/16"},
        },
    }
)


def inside(worker_says: list[tuple[str, Any]], rounds: int) -> tuple[FakeRun, Step, list[ScriptedShell]]:
    """The first worker's step without the mesh; both tasks of the service run there."""
    answers = [("/services/web-alb", api(service_json(), TASKS)), ("/nodes", api(NODES))]
    shells = [ScriptedShell(MANAGER, answers * rounds), ScriptedShell(WORKER1, worker_says)]
    step = next(
        step
        for step in loadbalance.script(LAB, parameters=loadbalance.Parameters())
        if step.instead_of and step.node == WORKER1
    )
    return FakeRun(*shells, lacks=NO_MESH), step, shells


def test_exercise_without_the_mesh_containers_are_asked_on_their_own_worker() -> None:
    page = "<h1>Hi Docker Swarm 1</h1>\n"
    asking = r"172\.18\.0\.4:80/.*172\.18\.0\.3:80/"
    bridge = ("/networks/docker_gwbridge", api(BRIDGE))
    run, step, shells = inside([bridge, (asking, ok(page * 2)), bridge, (asking, ok(page * 2))], 2)
    play(run, [step])
    assert run.said[2:5] == [
        "[swarm-worker1]$ curl -s 172.18.0.4:80; curl -s 172.18.0.3:80",
        f"  {page.strip()}",
        f"  {page.strip()}",
    ]
    assert all_used(shells)


def test_exercise_without_the_mesh_a_wrong_page_is_an_error() -> None:
    bridge = ("/networks/docker_gwbridge", api(BRIDGE))
    welcome_page = ("curl", ok("<h1>Welcome to nginx!</h1>\n"))
    run, step, _ = inside([bridge, welcome_page, bridge, welcome_page], 2)
    with pytest.raises(ExerciseError, match="the page of swarm-worker1; last seen: <h1>Welcome to nginx!</h1>"):
        play(run, [step])


def test_exercise_without_the_mesh_a_container_off_the_bridge_is_said() -> None:
    run, step, _ = inside([("/networks/docker_gwbridge", api(json.dumps({"Containers": {}})))], 1)
    with pytest.raises(ExerciseError, match="on swarm-worker1 has no address on docker_gwbridge"):
        play(run, [step])


def test_exercise_brief_says_what_to_do_without_the_mesh() -> None:
    instead = EXERCISE.instead[Capability.ROUTING_MESH]
    assert "docker network inspect docker_gwbridge" in str(instead)
    assert any("가" <= char <= "힣" for char in instead.in_("ko"))
    # Whatever an exercise's services need somewhere, its brief knows a way without.
    for exercise in exercises().values():
        assert {need for service in exercise.services for need in service.asking_needs} <= set(exercise.instead)


def test_fab_names_the_nearest_exercise() -> None:
    with pytest.raises(Exit, match="there is no exercise 'updat'") as caught:
        refuse_unknown(["exercise.updat", "--dry-run"])
    assert caught.value.code == ExerciseError.exit_status
    assert "Did you mean update" in str(caught.value)
    refuse_unknown(["exercise.update", "exercise.all", "exercise.reset", "loadbalance", "bootstrap.network"])
