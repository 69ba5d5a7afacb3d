"""Requests made while something happens, with real curl against servers of the test's own on the loopback."""

from __future__ import annotations

import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.docker.availability import Probe, Probed, Stretch, beside
from tests import needs

ANSWERED = Stretch("10.0.2.101", 200, 10, 0.0, 1.0, 0.1)


class Page(BaseHTTPRequestHandler):
    """Answers 200, or what its server's ``statuses`` say for the next request."""

    statuses: Iterator[int]
    connections: list[str]

    def do_GET(self) -> None:
        type(self).connections.append(self.headers["Connection"])
        status = next(self.statuses)
        if status != 200:
            time.sleep(0.005)  # the times that are told have three digits
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"x\n")

    def log_message(self, *args: object) -> None:
        pass


class Silent(socketserver.BaseRequestHandler):
    """Takes the connection and says nothing until the other end has had enough."""

    def handle(self) -> None:
        while self.request.recv(4096):
            pass


class Threading(socketserver.ThreadingTCPServer):
    daemon_threads = True


Serve = Callable[[socketserver.BaseServer], int]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server; gives its port."""
    needs.linux("a shell script of nodes")
    started: list[socketserver.BaseServer] = []

    def start(server: socketserver.BaseServer) -> int:
        started.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        port: int = server.server_address[1]
        return port

    yield start
    for server in started:
        server.shutdown()
        server.server_close()


def page(statuses: Iterator[int] | None = None, port: int = 0) -> tuple[ThreadingHTTPServer, type[Page]]:
    class Own(Page):
        connections: list[str] = []  # noqa: RUF012 - the class is made anew for each server

    Own.statuses = statuses if statuses is not None else (200 for _ in count())
    return ThreadingHTTPServer(("127.0.0.1", port), Own), Own


def run(script: str) -> str:
    """A node of the test's own: this computer."""
    needs.linux("a shell script of nodes")
    return Runner().run(["sh", "-c", script]).or_raise().out


class Going:
    """A probe at work on this computer."""

    def __init__(self, probe: Probe) -> None:
        needs.linux("a shell script of nodes")
        self.probe = probe
        self._process = subprocess.Popen(["sh", "-c", probe.script], stdout=subprocess.PIPE, text=True)

    def until(self, what: Callable[[], bool]) -> None:
        def look() -> None:
            if not what():
                raise NotYet("not so")

        wait_until("it", look, within=20, every=0.02)

    def end(self, *, stop: bool = True) -> Probed:
        if stop:
            run(self.probe.stop)
        out, _ = self._process.communicate(timeout=20)
        assert self._process.returncode == 0
        assert len(out) < 2000
        return self.probe.read(out)


def test_availability_what_is_answered_is_counted_each_over_a_connection_of_its_own(serve: Serve) -> None:
    server, served = page()
    going = Going(Probe(["127.0.0.1"], serve(server)))
    going.until(lambda: len(served.connections) > 100)
    probed = going.end()
    # The request that it was at when it was ended is not counted.
    assert 100 <= probed.requests <= len(served.connections)
    assert probed.requests >= len(served.connections) - 1
    assert (probed.lost, probed.silence, set(served.connections)) == (0, 0.0, {"close"})
    (stretch,) = probed.stretches
    assert stretch.address == "127.0.0.1"
    assert stretch.end > stretch.start > 1_600_000_000
    assert str(probed) == f"{probed.requests} requests, none lost"


def test_errors_are_lost_where_they_come_and_told(serve: Serve) -> None:
    server, served = page(503 if 50 <= number < 53 else 200 for number in count())
    going = Going(Probe(["127.0.0.1"], serve(server)))
    going.until(lambda: len(served.connections) > 80)
    probed = going.end()
    assert [(stretch.status, stretch.count) for stretch in probed.stretches[:2]] == [(200, 50), (503, 3)]
    assert (probed.stretches[2].status, probed.lost) == (200, 3)
    assert 0 < probed.silence < 2
    assert f"{probed.requests} requests, 3 lost (" in str(probed)
    assert "%: 3 x status 503), for 0." in str(probed)


def test_availability_address_where_nobody_listens_is_lost_and_the_others_are_not(serve: Serve) -> None:
    server, served = page()
    going = Going(Probe(["127.0.0.1", "127.0.0.9"], serve(server)))
    going.until(lambda: len(served.connections) > 50)
    probed = going.end()
    by_address = {stretch.address: stretch for stretch in probed.stretches}
    assert by_address["127.0.0.1"].answered
    assert by_address["127.0.0.9"].status == 0
    # In turn, so each as often as the other.
    assert abs(by_address["127.0.0.1"].count - by_address["127.0.0.9"].count) <= 1
    assert probed.lost == by_address["127.0.0.9"].count


def test_silence_is_bounded_and_a_stop_does_not_wait_for_it(serve: Serve) -> None:
    handlers: list[object] = []

    class Counted(Silent):
        def handle(self) -> None:
            handlers.append(self)
            super().handle()

    going = Going(Probe(["127.0.0.1"], serve(Threading(("127.0.0.1", 0), Counted)), within=0.2))
    going.until(lambda: len(handlers) >= 4)
    probed = going.end()  # 17 more of this curl's 20 would take more than three seconds
    assert probed.requests in (3, 4)
    assert probed.lost == probed.requests
    assert probed.silence == pytest.approx(0.2 * probed.requests, abs=0.2)
    assert "x no answer" in str(probed)


def test_availability_it_ends_by_itself(serve: Serve) -> None:
    server, _ = page()
    probed = Going(Probe(["127.0.0.1"], serve(server), limit=1)).end(stop=False)
    assert probed.requests > 0


def test_availability_stop_before_it_has_begun_ends_it_at_once(serve: Serve) -> None:
    server, _ = page()
    probe = Probe(["127.0.0.1"], serve(server))
    run(probe.stop)
    assert Going(probe).end(stop=False).requests == 0


def test_whether_it_has_begun_can_be_asked(serve: Serve) -> None:
    server, _ = page()
    going = Going(Probe(["127.0.0.1"], serve(server)))

    def begun() -> bool:
        return run(going.probe.begun) == "begun\n"

    going.until(begun)
    going.end()
    assert not begun()


def test_availability_what_others_print_is_not_read() -> None:
    probe = Probe(["10.0.2.101"], 8001)
    mark = probe._mark
    probed = probe.read(
        f"\nWelcome\n{mark}\n{mark} 10.0.2.101 200 7 1.0 2.0 0.25\n{mark} cut\nlabgen-0 10.0.2.101 0 1 1 2 1\n"
    )
    assert probed.stretches == (Stretch("10.0.2.101", 200, 7, 1.0, 2.0, 0.25),)


@pytest.mark.parametrize(
    "numbers",
    [
        "200 7 1.0 2.0 nan",
        "200 7 1.0 inf 0.1",
        "200 7 -1.0 2.0 0.1",
        "200 7 1e300 1e301 0.1",
        "200 0 1.0 2.0 0.1",
        "200 -7 1.0 2.0 0.1",
        "1000 7 1.0 2.0 0.1",
        "-1 7 1.0 2.0 0.1",
        "200 7.5 1.0 2.0 0.1",
        "ok 7 1.0 2.0 0.1",
        "200 7 1.0 2.0 -0.1",
    ],
)
def test_probe_reads_no_impossible_numbers(numbers: str) -> None:
    probe = Probe(["10.0.2.101"], 8001)
    assert probe.read(f"{probe._mark} 10.0.2.101 {numbers}\n") == Probed(())


@pytest.mark.parametrize(
    "stretch",
    [
        Stretch("10.0.2.101", 200, 1, 1.0, 2.0, 0.1),
        Stretch("10.0.2.101", 0, 1, 0.0, 0.0, 0.0),
        Stretch("10.0.2.101", 999, 99_999_999_999, 99_999_999_999.0, 99_999_999_999.0, 99_999_999_999.0),
    ],
)
def test_probe_reads_the_smallest_and_the_largest_numbers(stretch: Stretch) -> None:
    probe = Probe(["10.0.2.101"], 8001)
    numbers = f"{stretch.status} {stretch.count} {stretch.start} {stretch.end} {stretch.slowest}"
    assert probe.read(f"{probe._mark} 10.0.2.101 {numbers}\n").stretches == (stretch,)


def test_probe_takes_a_clock_that_was_put_back_for_no_time() -> None:
    probe = Probe(["10.0.2.101"], 8001)
    probed = probe.read(f"{probe._mark} 10.0.2.101 0 7 5.0 2.0 0.1\n")
    assert (probed.seconds, probed.silence, probed.spell) == (0.0, 0.0, 0.0)


def test_availability_no_request_is_told_as_none() -> None:
    assert (str(Probed(())), Probed(()).silence, Probed(()).spell) == ("no request was made", 0.0, 0.0)


@pytest.mark.parametrize(
    ("lost", "spell"),
    [
        ([(1.0, 1.0)], 0.0),
        ([(1.0, 1.2), (2.1, 2.2)], 1.1),
        # A container is killed; much later another begins in its place.
        ([(1.0, 1.1), (1.2, 2.2), (20.0, 20.1)], 0.2),
        ([(1.0, 1.1), (7.0, 9.0), (9.5, 9.6)], 2.5),
        # Who asks waited long for an answer that never came; the next request was answered.
        ([(1.0, 1.1), (1.5, 9.5)], 0.5),
        # One of several lasts all the while, some others end earlier.
        ([(1.0, 9.0), (2.0, 2.1), (9.5, 9.6)], 8.5),
        # A server that never answers is met again and again.
        ([(float(at), at + 0.5) for at in range(10)], 9.0),
    ],
)
def test_availability_spell_is_what_was_lost_of_one_cause(lost: list[tuple[float, float]], spell: float) -> None:
    probed = Probed((ANSWERED, *(Stretch("10.0.2.102", 0, 1, start, end, end - start) for start, end in lost)))
    assert probed.spell == pytest.approx(spell)


def test_availability_what_several_waited_in_a_row_is_no_patience() -> None:
    several = Stretch("10.0.2.102", 0, 20, 1.0, 12.0, 8.0)
    assert Probed((ANSWERED, several)).spell == pytest.approx(11.0)


@pytest.mark.parametrize(("end", "momentary"), [(3.9, True), (4.1, False)])
def test_availability_what_is_lost_half_of_the_time_is_no_moment(end: float, momentary: bool) -> None:
    answered = Stretch("10.0.2.101", 200, 90, 0.0, 6.0, 0.1)
    probed = Probed((answered, Stretch("10.0.2.102", 0, 9, 1.0, end, 0.1)))
    assert (probed.seconds, probed.momentary(30.0)) == (6.0, momentary)
    assert not probed.momentary(2.0)


def test_silence_is_of_one_address_and_over_different_errors() -> None:
    probed = Probed(
        (
            ANSWERED,
            Stretch("10.0.2.101", 0, 1, 1.0, 3.0, 2.0),
            Stretch("10.0.2.101", 503, 2, 3.1, 3.5, 0.2),
            Stretch("10.0.2.102", 0, 1, 3.0, 4.0, 1.0),
            Stretch("10.0.2.101", 200, 5, 3.6, 9.0, 1.1),
        )
    )
    assert (probed.requests, probed.lost, probed.silence, probed.spell, probed.slowest) == (19, 4, 2.5, 2.5, 1.1)
    assert str(probed) == (
        "19 requests, 4 lost (21.05 %: 2 x no answer, 2 x status 503), for 2.5 s at most; the slowest answer took 1.1 s"
    )


def test_availability_slow_answer_is_told_though_none_was_lost() -> None:
    assert str(Probed((Stretch("a", 200, 3, 0, 4, 3.04),))) == "3 requests, none lost; the slowest answer took 3.0 s"


def wait(what: str, look: Callable[[], None]) -> None:
    wait_until(what, look, within=20, every=0.02)


def test_requests_go_on_beside_something_else(serve: Serve) -> None:
    server, served = page()
    probe = Probe(["127.0.0.1"], serve(server))
    with beside(probe, run, run, wait) as requests:
        # They have begun already.
        wait("more", lambda: more(served, 30))
        assert requests.probed.requests == 0
    assert requests.probed.requests >= 30
    assert requests.probed.lost == 0


def more(served: type[Page], least: int) -> None:
    if len(served.connections) < least:
        raise NotYet(f"{len(served.connections)}")


def test_requests_end_also_where_what_they_are_beside_fails(serve: Serve) -> None:
    server, served = page()
    probe = Probe(["127.0.0.1"], serve(server))
    with pytest.raises(ValueError, match="the step"), beside(probe, run, run, wait):
        raise ValueError("the step")
    assert not run(probe.begun)

    def over() -> None:
        # The last one may still be on its way into the server.
        before = len(served.connections)
        time.sleep(0.2)
        if len(served.connections) != before:
            raise NotYet(f"{len(served.connections)} requests")

    wait_until("the requests to be over", over, within=10)


def test_availability_node_that_fails_before_the_first_request_is_told() -> None:
    def gone(_script: str) -> str:
        raise NodeError("swarm-manager cannot be reached")

    def never(_script: str) -> str:
        return ""

    with (
        pytest.raises(LabgenError, match="cannot be reached"),
        beside(Probe(["127.0.0.1"], 9), gone, never, wait),
    ):
        pytest.fail("nothing asks")


def test_availability_node_that_cannot_be_told_to_end_is_not_waited_for(serve: Serve) -> None:
    server, _ = page()
    probe = Probe(["127.0.0.1"], serve(server), limit=1)

    def lost(script: str) -> str:
        if script == probe.stop:
            raise NodeError("swarm-manager stopped answering")
        return run(script)

    with pytest.raises(NodeError, match="stopped answering"), beside(probe, run, lost, wait):
        pass
