"""What looks on while a step happens; requests are real, to servers of the test's own on the loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_shell import ok

from labgen.core.errors import ExerciseError
from labgen.core.polling import NotYet, Patience, wait_until
from labgen.core.process import Runner
from labgen.docker.availability import Probed, Stretch
from labgen.model.capabilities import NO_IPVS, Capability
from labgen.model.lab import Node
from labgen.transport.output import Output
from provision.exercise import watching
from tests import needs


class Here:
    """A node's shell that is this computer's."""

    def open(self) -> None:
        pass

    def attempt(self, script: str, **_: Any) -> Output:
        return ok(self.run(script))

    def run(self, script: str, **_: Any) -> str:
        return Runner().run(["sh", "-c", script]).or_raise().out


class Page(BaseHTTPRequestHandler):
    requests = 0

    def do_GET(self) -> None:
        type(self).requests += 1
        self.send_response(200 if self.path == "/" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    needs.linux("a shell script of nodes")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def run_on(*addresses: str) -> Any:
    """A run whose nodes are these addresses of this computer."""
    nodes = tuple(Node(f"node{at}", "manager", IPv4Address(address), 512, 1) for at, address in enumerate(addresses))
    lines: list[str] = []

    def wait(what: str, look: Callable[[], None], *, within: float = 60.0) -> None:
        wait_until(what, look, within=within, every=0.02, error=ExerciseError)

    return SimpleNamespace(
        lab=SimpleNamespace(nodes=nodes, first_manager=nodes[0]),
        inventory=SimpleNamespace(patience=Patience(0.0), lacks={}),
        another_shell=lambda _node: Here(),
        said=lines,
        say=lines.append,
        tell=lambda text: lines.append(f"  {text}"),
        wait=wait,
    )


def asked(run: Any, least: int) -> None:
    def look() -> None:
        if Page.requests < least:
            raise NotYet(f"{Page.requests}")

    Page.requests = 0
    run.wait("requests", look)


def test_requests_through_every_node_are_told_and_judged(port: int) -> None:
    run, judged = run_on("127.0.0.1", "127.0.0.9"), []

    def judge(_run: Any, probed: Probed) -> None:
        judged.append(probed)

    with watching.requests(run, port, judge=judge):
        asked(run, 20)
    (probed,) = judged
    assert {stretch.address: stretch.answered for stretch in probed.stretches} == {
        "127.0.0.1": True,
        "127.0.0.9": False,
    }
    assert run.said == [f"  meanwhile, through every node in turn: {probed}"]


def test_watching_step_that_fails_ends_the_requests_and_tells_nothing_of_them(port: int) -> None:
    run = run_on("127.0.0.1")
    with pytest.raises(ExerciseError, match="it failed"), watching.requests(run, port):
        raise ExerciseError("it failed")
    assert run.said == []


def test_nodes_that_publish_the_port_themselves_are_asked_without_the_mesh(port: int) -> None:
    run = run_on("127.0.0.9", "127.0.0.1")
    run.inventory.lacks = {Capability.ROUTING_MESH: NO_IPVS}
    with watching.requests(run, port, to=run.lab.nodes[1:]):
        asked(run, 20)
    (line,) = run.said
    assert line.startswith("  meanwhile, through node1 in turn: ")
    assert "none lost" in line


def test_watching_without_the_mesh_nothing_is_asked_and_that_is_told() -> None:
    run = run_on("127.0.0.1")
    run.inventory.lacks = {Capability.ROUTING_MESH: NO_IPVS}
    with watching.requests(run, 9, judge=lambda *_: pytest.fail("judged")):
        run.say("  the step")
    assert run.said == [f"  no requests are made meanwhile: {NO_IPVS}", "  the step"]


def test_watching_what_judges_may_refuse(port: int) -> None:
    def judge(_run: Any, probed: Probed) -> None:
        raise ExerciseError(f"too many lost: {probed.lost}")

    with (
        pytest.raises(ExerciseError, match="too many lost: 0"),
        watching.requests(run_on("127.0.0.1"), port, judge=judge),
    ):
        pass


def lost(*moments: float) -> Probed:
    answered = Stretch("10.0.2.102", 200, 90, 0.0, 20.0, 0.1)
    return Probed((answered, *(Stretch("10.0.2.101", 0, 1, moment, moment + 0.1, 0.1) for moment in moments)))


def test_watching_what_swarm_itself_loses_is_explained_and_more_is_an_error() -> None:
    lines: list[str] = []
    judge = watching.only_a_moment("These are Swarm's own.", 4.0)
    run: Any = SimpleNamespace(
        tell=lambda text: lines.append(f"  {text}"), inventory=SimpleNamespace(patience=Patience())
    )
    judge(run, Probed(()))
    assert lines == []
    judge(run, lost(1.0, 1.5))
    assert lines == ["  Some were lost, for 0.5 s at most. These are Swarm's own."]
    with pytest.raises(ExerciseError, match=r"were lost for 5\.5 s of 20\.0 s"):
        judge(run, lost(1.0, 3.5, 6.5))
