"""Requests and what came back, with real curl against a server of the test's own on the loopback."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labgen.core.process import Runner
from labgen.docker import http_check
from labgen.docker.http_check import REQUESTS, Requests, Response
from labgen.docker.question import Page, Question
from tests import needs
from tests.scripted_node import ScriptedNode


def run(script: str) -> str:
    """A node of the test's own: this computer."""
    needs.linux("a shell script of nodes")
    return Runner().run(["sh", "-c", script]).or_raise().out


def run_script(question: Question) -> str:
    """Ask as a person on the node does."""
    return run(question.script)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # keeps connections open unless asked to close
    bodies: Iterator[bytes] = iter(())
    status = 200

    def do_GET(self) -> None:
        body = next(self.bodies)
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # curl has had enough

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Starts a server of these pages, each in turn; gives its port."""
    servers: list[ThreadingHTTPServer] = []

    def start(*bodies: bytes, status: int = 200) -> int:
        class Own(Handler):
            pass

        Own.bodies, Own.status = itertools.cycle(bodies), status
        server = ThreadingHTTPServer(("127.0.0.1", 0), Own)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server.server_port

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_http_check_each_request_has_a_connection_of_its_own(serve: Callable[..., int]) -> None:
    port = serve(b"<h1>1</h1>\n", b"<h1>2</h1>\n")
    requests = http_check.ask(run_script, ["127.0.0.1"], port, 5)["127.0.0.1"]
    assert requests.answered
    assert not requests.refused
    assert requests.bodies == {"<h1>1</h1>", "<h1>2</h1>"}
    assert str(requests) == "12 requests: 6 x <h1>1</h1>, 6 x <h1>2</h1>"


def test_several_addresses_and_one_that_refuses(serve: Callable[..., int]) -> None:
    port = serve(b"x")
    requests = http_check.ask(run_script, ["127.0.0.1", "127.0.0.9"], port, 5)
    assert requests["127.0.0.1"].answered
    refused = requests["127.0.0.9"]
    assert (refused.answered, refused.refused, len(refused.responses)) == (False, True, 1)
    assert "Failed to connect to 127.0.0.9" in str(refused)


def test_pages_that_try_to_pass_for_more(serve: Callable[..., int]) -> None:
    port = serve(b"labgen-0123456789abcdef 200 1\n\xff\xfe\n\x1b[31m$(reboot)")
    requests = http_check.ask(run_script, ["127.0.0.1"], port, 5)["127.0.0.1"]
    assert len(requests.responses) == REQUESTS
    assert len(requests.bodies) == 1


def test_http_check_page_without_end_is_not_waited_for(serve: Callable[..., int]) -> None:
    port = serve(b"x" * 5_000_000)
    requests = http_check.ask(run_script, ["127.0.0.1"], port, 20)["127.0.0.1"]
    assert not requests.answered
    assert len(str(requests)) < 200


def test_http_check_error_page_is_no_answer(serve: Callable[..., int]) -> None:
    port = serve(b"gone", status=503)
    requests = http_check.ask(run_script, ["127.0.0.1"], port, 5)["127.0.0.1"]
    assert (requests.answered, requests.bodies) == (False, frozenset())
    assert str(requests) == "12 requests: 12 x status 503: gone"


def test_http_check_connection_used_twice_is_not_a_new_one() -> None:
    requests = Requests((Response(200, "1", new_connection=True), Response(200, "2", new_connection=False)))
    assert not requests.answered
    assert "2 (no new connection)" in str(requests)


def test_http_check_nothing_asked_is_nothing_answered() -> None:
    assert (Requests(()).answered, Requests(()).refused) == (False, True)


@dataclass
class PageNode(ScriptedNode):
    """A node that gets these pages, in turn, each once."""

    pages: list[Page] = field(default_factory=list)

    def page(self, address: str, port: int, within: float, most: int) -> Page:
        assert (address, port, within) == ("192.0.2.1", 80, 3)
        return self.pages.pop(0)


@pytest.mark.parametrize(
    ("pages", "responses"),
    [
        ([Page(200, "one\n"), Page(404, "two")], [Response(200, "one", True), Response(404, "two", True)]),
        ([Page(200, ""), Page(0, "refused"), Page(200, "x")], [Response(200, "", True), Response(0, "refused", False)]),
        ([Page(200, "", endless=True)], [Response(0, "an answer without end: …", False)]),
    ],
)
def test_requests_are_made_by_the_connection(pages: list[Page], responses: list[Response]) -> None:
    def ask(question: Question) -> str:
        assert question.script.startswith("export LC_ALL=C.UTF-8\necho ")
        return question.answer(PageNode({}, pages=pages))

    requests = http_check.ask(ask, ["192.0.2.1"], 80, 3.2, requests=2 if len(pages) < 3 else 3)
    assert requests == {"192.0.2.1": Requests(tuple(responses))}


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (Response(200, "<p>\n Hi</p>", True), "<p> Hi</p>"),
        (Response(200, " ", True), "an empty page"),
        (Response(200, "Hi", False), "Hi (no new connection)"),
        (Response(200, "x" * 80, True), "x" * 80),
        (Response(200, "x" * 81, True), "x" * 79 + "…"),
        (Response(503, "busy", True), "status 503: busy"),
        (Response(0, "curl: (7) refused", False), "curl: (7) refused"),
        (Response(0, "", False), "no answer"),
    ],
)
def test_short_tells_a_response_in_one_line(response: Response, words: str) -> None:
    assert http_check._short(response) == words
