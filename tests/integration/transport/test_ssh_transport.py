"""Nodes over real ssh: how many connections are made, and what a node that is gone costs."""

from __future__ import annotations

import getpass
import io
import json
import os
import re
import shutil
import socket
import socketserver
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from labgen import config
from labgen.core.errors import NodeError
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Runner
from labgen.docker import api, containers, service_changes
from labgen.docker.question import Page, Question
from labgen.machines import ssh_config
from labgen.machines.inventory import Inventory
from labgen.model.lab import Node
from labgen.model.lab_folder import LabFolder, State
from labgen.observation.commands import CommandFailed
from labgen.transport import engine_socket, remote
from labgen.transport.ssh import SshTransport
from verify.testinfra_host import host_of

NODE = Node("node", "manager", IPv4Address("127.0.0.1"), 512, 1)
GONE = Node("gone", "worker", IPv4Address("127.0.0.1"), 512, 1)


@dataclass
class Server:
    """An sshd of the test's own on the loopback, and an inventory's worth of how to reach it."""

    folder: LabFolder
    log: Path

    @property
    def connections(self) -> int:
        """How often someone has logged in."""
        return self.log.read_text(encoding="utf-8", errors="replace").count("Accepted publickey")


def transport_to(server: Server) -> SshTransport:
    """A transport to the nodes of the test."""
    lab = config.parse("")
    return SshTransport(Inventory(server.folder, replace(lab, nodes=(NODE, GONE)), State("libvirt")))


@pytest.fixture
def server(require_tool: Callable[[str], str]) -> Iterator[Server]:
    """A running sshd with a key of its own."""
    runner = Runner()
    sshd = require_tool("sshd")
    # Not pytest's own folder: a socket's path may have no more than about a hundred characters.
    with TemporaryDirectory(prefix="lg") as folder, socket.socket() as closed:
        at = Path(folder)
        folder_of_lab = LabFolder.at(at)
        folder_of_lab.own.mkdir()
        # A lab folder may have any name.
        user = at / """kim's "100%" %d lab~1 실습""" / "user"
        user.parent.mkdir()
        for key in (at / "host", user):
            runner.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key]).or_raise()
        (at / "user.pub").write_text(user.with_suffix(".pub").read_text())
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = _free()
        (at / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {at / 'host'}\nAuthorizedKeysFile {at / 'user.pub'}\n"
            f"StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
            f"SetEnv PATH={at}:{os.environ['PATH']} HOME={at}\n"
        )
        # Whoever runs the tests may lack sudo, or the right to use it; the nodes never do.
        (at / "sudo").write_text('#!/bin/sh\nshift; exec env "$@"\n')
        (at / "sudo").chmod(0o755)
        with suppress(OSError):
            Path("/run/sshd").mkdir(exist_ok=True)  # wanted by an sshd that root starts
        # -e with a file opened here: told a file's name (-E), a process of sshd that starts late makes that file
        # again while the folder is being removed.
        with (at / "log").open("wb") as log:
            daemon = subprocess.Popen([sshd, "-D", "-e", "-f", at / "sshd_config"], stderr=log)
        try:
            told = "".join(
                f"Host {name}\n  HostName 127.0.0.1\n  User {getpass.getuser()}\n  Port {number}\n"
                f'  IdentityFile "{user}"\n  IdentitiesOnly yes\n'
                "  UserKnownHostsFile /dev/null\n  StrictHostKeyChecking no\n  LogLevel FATAL\n"
                for name, number in (("node", port), ("gone", closed.getsockname()[1]))
            )
            folder_of_lab.ssh_config.write_text(ssh_config.compose(ssh_config.parse(told), {}))
            wait_until("sshd to listen", lambda: _listening(port), within=20)
            yield Server(folder_of_lab, at / "log")
        finally:
            daemon.terminate()
            daemon.wait(timeout=20)


def test_run_opens_one_connection_however_much_is_asked(server: Server) -> None:
    nodes = transport_to(server)
    answer = [nodes.run(NODE, "printf '%s' '한 $HOME \"q\"'") for _ in range(4)]
    nodes.close()
    assert answer == ['한 $HOME "q"'] * 4
    assert server.connections == 1


def test_run_serves_the_modules_of_testinfra(server: Server) -> None:
    nodes = transport_to(server)
    host = host_of(NODE, partial(nodes.run, NODE))
    assert host.file("/etc/passwd").contains("^root:")
    assert host.file("/no such 'file'").exists is False
    assert host.sysctl("kernel.ostype") == "Linux"
    assert any(spec.startswith("tcp://127.0.0.1:") for spec in host.socket.get_listening_sockets())
    with pytest.raises(CommandFailed, match=r"`cat -- /dev/zero` printed more than 4 MiB"):
        _ = host.file("/dev/zero").content
    nodes.close()
    assert server.connections == 1


def test_run_is_not_changed_by_what_a_login_prints_or_puts_into_the_path(server: Server) -> None:
    """A .bashrc that prints on both outputs, has an alias, and a folder of its own before the distribution's."""
    at = server.log.parent
    (at / "bin").mkdir()
    for name in ("date", "head"):
        (at / "bin" / name).write_text("#!/bin/sh\necho forged\n")
        (at / "bin" / name).chmod(0o755)
    (at / ".bashrc").write_text(
        f"echo Welcome; echo 'No \"mail\".' >&2; alias printf=false; export PATH={at}/bin:$PATH LC_ALL=ko_KR\n"
    )
    nodes = transport_to(server)
    answer = nodes.run(NODE, "date +%Y; printf '%s' end")
    with pytest.raises(NodeError, match=r"status 3\): what went wrong\n"):
        nodes.run(NODE, "echo what went wrong >&2; exit 3")
    nodes.close()
    assert re.fullmatch(r"20\d\d\nend", answer)


def test_run_tells_of_a_node_that_is_gone(server: Server) -> None:
    nodes = transport_to(server)
    with pytest.raises(NodeError, match=r"gone cannot be reached: .*(Connection refused|Unable to connect to port)"):
        nodes.run(GONE, "true")
    nodes.close()


def test_run_ends_at_its_deadline(server: Server) -> None:
    nodes = transport_to(server)
    nodes.run(NODE, "true")
    with pytest.raises(NodeError, match=r"node did not answer within 1 s\."):
        nodes.run(NODE, "exec sleep 60", within=1)
    nodes.close()


def test_run_tells_how_a_script_failed(server: Server) -> None:
    nodes = transport_to(server)
    with pytest.raises(NodeError, match=r"status 3\): no such thing"):
        nodes.run(NODE, "echo no such thing >&2; exit 3")


@pytest.mark.parametrize("output", ["", ">&2"], ids=["stdout", "stderr"])
def test_run_cuts_an_answer_without_end_off_on_the_node(server: Server, output: str) -> None:
    nodes = transport_to(server)
    with pytest.raises(NodeError) as caught:
        nodes.run(NODE, f"yes 0123456789 {output}")
    nodes.close()
    assert ("more than 32 MiB" in caught.value.message) is (output == "")
    assert len(caught.value.message) < 500


def piece(output: int, text: bytes) -> bytes:
    """A piece of the engine's stream of two outputs."""
    return bytes([output, 0, 0, 0]) + len(text).to_bytes(4, "big") + text


SERVICE = {
    "ID": "s1",
    "Version": {"Index": 7},
    "Spec": {"Name": "web", "Labels": {"a": "b"}, "Mode": {"Replicated": {"Replicas": 2}}, "TaskTemplate": {}},
}


class Engine(socketserver.ThreadingUnixStreamServer):
    """An engine that answers each path with it, in chunks, and hangs where it is asked to.

    :ivar requests: what it was to do: method, path and body.
    :ivar printed: by the program that is run in a container: the stream of its two outputs.
    :ivar refused: the status and the words with which it refuses what it is to do; none where it does it.
    """

    daemon_threads = True

    class RequestHandlerClass(BaseHTTPRequestHandler):  # type: ignore[assignment]
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None: ...

        def address_string(self) -> str:
            return "somebody"

        def do_GET(self) -> None:
            if self.path == "/hang":
                time.sleep(5)
            answer = {"path": self.path, "text": "한" * 40_000 if self.path == "/long" else ""}
            body = json.dumps(SERVICE if self.path == "/services/web" else answer).encode()
            self.send_response(404 if self.path == "/none" else 200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

        def act(self) -> None:
            engine: Any = self.server
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            engine.requests.append((self.command, self.path, content))
            if self.path.endswith("/start") and self.path.startswith("/exec/"):
                # As the engine does it: no length, and the end of the connection is that of the stream.
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n")
                self.close_connection = True
                with suppress(OSError):
                    while self.wfile.write(engine.printed) and engine.endless:
                        pass
                return
            status, words = engine.refused or (201, "")
            body = json.dumps({"message": words} if words else {"Id": "made"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = act  # noqa: N815

    def __init__(self, at: Path) -> None:
        super().__init__(str(at), self.RequestHandlerClass)
        self.requests: list[tuple[str, str, bytes]] = []
        self.printed = b""
        self.endless = False
        self.refused: tuple[int, str] | None = None
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture
def running(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """An engine of an engine on the node, on which docker and curl lie, and whose login prints."""
    at = server.log.parent
    for name in ("docker", "curl"):
        (at / name).write_text('#!/bin/sh\necho \'{"path": "forged"}\'; echo 200\n')
        (at / name).chmod(0o755)
    (at / ".bashrc").write_text("echo Welcome; echo 'No \"mail\".' >&2\n")
    monkeypatch.setattr(engine_socket, "SOCKET", str(at / "engine.sock"))
    monkeypatch.setattr(remote, "SYSTEM_PATH", f"{at}:/usr/bin:/bin")
    with Engine(at / "engine.sock") as running:
        yield running
        running.shutdown()


@pytest.fixture
def engine(running: Engine) -> Path:
    """The socket of that engine."""
    return Path(str(running.server_address))


@pytest.mark.parametrize("program", ["perl", "python3"])
def test_engine_is_asked_at_its_socket_whatever_docker_and_curl_say(
    server: Server, engine: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program == "python3":
        monkeypatch.setattr(engine_socket, "_PERL", "die")
        programs = engine.parent / "programs"
        programs.mkdir()
        (programs / "python3").symlink_to(Path(sys.base_prefix, "bin", "python3"))
        (programs / "sh").symlink_to(str(shutil.which("sh")))
        monkeypatch.setattr(remote, "SYSTEM_PATH", str(programs))
    nodes = transport_to(server)
    for _ in range(2):
        answers = api.ask(partial(nodes.ask, NODE), ["/info", "/none", "/long"])
        assert [(answer.status, answer.body["path"]) for answer in answers.values()] == [
            (200, "/info"),
            (404, "/none"),
            (200, "/long"),
        ]
    assert answers["/long"].body["text"] == "한" * 40_000
    nodes.close()
    assert server.connections == 1


FALSE_DOCKER = "docker exec c1 cat /page"


def test_execution_is_the_engines_whatever_docker_prints(server: Server, running: Engine) -> None:
    nodes = transport_to(server)
    running.printed = piece(1, b"caf\xe9, ") + piece(2, b"a warning") + piece(1, "한".encode())
    question = containers.execution(FALSE_DOCKER, "c1", ["cat", "/page"], lambda raw: raw.decode("utf-8", "replace"))
    assert nodes.run(NODE, FALSE_DOCKER) == '{"path": "forged"}\n200\n'
    assert nodes.ask(NODE, question) == "caf\ufffd, 한"
    assert [(method, path, json.loads(content)) for method, path, content in running.requests] == [
        ("POST", "/containers/c1/exec", {"AttachStdout": True, "AttachStderr": True, "Cmd": ["cat", "/page"]}),
        ("POST", "/exec/made/start", {"Detach": False, "Tty": False}),
    ]
    nodes.close()
    assert server.connections == 1


def test_execution_of_a_program_that_prints_without_end_is_cut_off(server: Server, running: Engine) -> None:
    nodes = transport_to(server)
    running.printed, running.endless = piece(1, b"x" * 1000), True
    question = containers.execution("", "c1", ["yes"], lambda raw: containers.text_from(raw, 100))
    assert nodes.ask(NODE, question) == "x" * 100
    nodes.close()


def test_execution_in_a_container_that_does_not_run_prints_nothing(server: Server, running: Engine) -> None:
    nodes = transport_to(server)
    running.refused = 409, "container c1 is not running"
    assert nodes.ask(NODE, containers.execution("", "c1", ["true"], bytes.decode)) == ""
    nodes.close()


def _replicas(body: Any) -> Any:
    return body["Mode"]["Replicated"]["Replicas"]


ACTS: dict[str, tuple[Question, str, str, Callable[[Any], Any], Any]] = {
    "scale": (
        service_changes.scaled("web", 5),
        *("POST", "/services/s1/update?version=7", _replicas, 5),
    ),
    "force": (
        service_changes.forced("web", "labgen.check", "m"),
        *("POST", "/services/s1/update?version=7", lambda body: (body["TaskTemplate"], body["Labels"])),
        ({"ForceUpdate": 1}, {"a": "b", "labgen.check": "m"}),
    ),
    "rollback": (
        service_changes.rolled_back("web"),
        *("POST", "/services/s1/update?version=7&rollback=previous", _replicas, 2),
    ),
    "remove": (containers.removal("c1"), "DELETE", "/containers/c1?force=1", str, "None"),
}


@pytest.mark.parametrize("name", ACTS)
def test_acts_are_the_engines_whatever_docker_does(server: Server, running: Engine, name: str) -> None:
    question, method, path, part, expected = ACTS[name]
    nodes = transport_to(server)
    assert nodes.ask(NODE, question) == ""
    ((*request, content),) = running.requests
    assert (*request, part(json.loads(content or b"null"))) == (method, path, expected)
    running.refused = 500, "context deadline exceeded"
    with pytest.raises(NodeError, match=r"the engine answered 500 to .*: context deadline exceeded") as caught:
        nodes.ask(NODE, question)
    assert not isinstance(caught.value, NotYet), "a poll would do it again"
    nodes.close()


def test_replacement_gives_a_container_the_file(server: Server, running: Engine) -> None:
    nodes = transport_to(server)
    nodes.ask(NODE, containers.replacement("", "c1", "/usr/share/index.html", b"page\0\xff"))
    ((method, path, content),) = running.requests
    assert (method, path) == ("PUT", "/containers/c1/archive?path=%2Fusr%2Fshare")
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        (entry,) = tar.getmembers()
        file = tar.extractfile(entry)
        assert file is not None
        assert (entry.name, entry.mode, file.read()) == ("index.html", 0o644, b"page\0\xff")
    nodes.close()


def test_throwaway_container_is_removed_whatever_its_program_does(server: Server, running: Engine) -> None:
    nodes = transport_to(server)
    running.printed = piece(1, b"Address: 10.20.1.3\n")
    question = containers.throwaway("", "alpine:3", "net", "check-1", ["nslookup", "web"])
    assert nodes.ask(NODE, question) == "Address: 10.20.1.3\n"
    assert [(method, path) for method, path, _ in running.requests] == [
        ("POST", "/containers/create"),
        ("POST", "/containers/made/start"),
        ("POST", "/containers/made/exec"),
        ("POST", "/exec/made/start"),
        ("DELETE", "/containers/made?force=1"),
    ]
    created = json.loads(running.requests[0][2])
    assert created["HostConfig"] == {"NetworkMode": "net", "AutoRemove": True}
    assert created["NetworkingConfig"] == {"EndpointsConfig": {"net": {"Aliases": ["check-1"]}}}
    nodes.close()


def test_engine_that_hangs_is_waited_for_until_the_deadline(server: Server, engine: Path) -> None:
    nodes = transport_to(server)
    start = time.monotonic()
    with pytest.raises(NodeError, match=r"node did not answer within 1 s\."):
        nodes.engine(NODE, ["/hang"], 1.0)
    assert time.monotonic() - start < 4
    assert nodes.engine(NODE, ["/info"], 20.0).endswith("\n200\n")
    nodes.close()


def test_engine_that_was_started_again_is_asked_over_a_new_connection(server: Server, engine: Path) -> None:
    nodes = transport_to(server)
    nodes.engine(NODE, ["/info"], 20.0)
    (idle,) = nodes._on(NODE).engines._idle
    # Its end is noticed by what asks next.
    idle._channel.shutdown_write()
    wait_until("the connection to end", lambda: _ended(idle._channel), within=20)
    assert nodes.engine(NODE, ["/info"], 20.0).endswith("\n200\n")
    nodes.close()


def test_engine_that_is_not_there_is_told(server: Server, engine: Path) -> None:
    engine.unlink()
    nodes = transport_to(server)
    with pytest.raises(NodeError, match=r"node: its engine does not answer: No such file or directory\."):
        nodes.engine(NODE, ["/info"], 20.0)
    nodes.close()


def test_engine_socket_leaves_no_program_behind(server: Server, engine: Path) -> None:
    nodes = transport_to(server)
    nodes.engine(NODE, ["/info"], 20.0)
    count = f"grep -lF {engine} /proc/[0-9]*/cmdline 2>/dev/null | grep -v -e /$$/ | wc -l"
    assert int(nodes.run(NODE, count)) > 1  # grep finds itself
    nodes._on(NODE).engines.close()

    def gone() -> None:
        if int(nodes.run(NODE, count)) > 1:
            raise NotYet("it runs")

    wait_until("the program to end", gone, within=20)
    nodes.close()


class Pages(ThreadingHTTPServer):
    """A server of pages on the loopback: each path's own, and one that never comes."""

    class RequestHandlerClass(BaseHTTPRequestHandler):  # type: ignore[assignment]
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            time.sleep(self.server.pause)  # type: ignore[attr-defined]
            self.send_response(200)
            self.end_headers()
            time.sleep(self.server.hesitation)  # type: ignore[attr-defined]
            with suppress(OSError):
                self.wfile.write(b"page" * 100)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)
        self.pause = 0.0
        self.hesitation = 0.0
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def pages() -> Iterator[Pages]:
    with Pages() as running:
        yield running
        running.shutdown()


def test_page_is_requested_by_the_ssh_server_of_the_node(server: Server, pages: Pages) -> None:
    nodes, port = transport_to(server), pages.server_port
    assert nodes.page(NODE, "127.0.0.1", port, 10, 1000) == Page(200, "page" * 100)
    assert nodes.page(NODE, "127.0.0.1", port, 10, 399) == Page(200, "", endless=True)
    assert nodes.page(NODE, "127.0.0.1", _free(), 10, 1000).status == 0
    pages.pause = 3.0
    start = time.monotonic()
    assert nodes.page(NODE, "127.0.0.1", port, 0.5, 1000) == Page(0, "no answer within 0 s")
    assert time.monotonic() - start < 2.5
    nodes.close()
    assert server.connections == 1


def test_page_is_read_whole_if_its_body_comes_after_its_headers(server: Server, pages: Pages) -> None:
    nodes = transport_to(server)
    pages.hesitation = 0.3
    assert nodes.page(NODE, "127.0.0.1", pages.server_port, 10, 1000) == Page(200, "page" * 100)
    nodes.close()


class Replies(socketserver.ThreadingTCPServer):
    """A server on the loopback that sends these parts again and again, some time between, until nobody reads."""

    daemon_threads = True

    class RequestHandlerClass(socketserver.BaseRequestHandler):  # type: ignore[assignment]
        def handle(self) -> None:
            self.request.recv(4096)
            first, again = self.server.parts  # type: ignore[attr-defined]
            with suppress(OSError):
                self.request.sendall(first)
                while not self.server.over.wait(0.02):  # type: ignore[attr-defined]
                    self.request.sendall(again)

    def __init__(self, first: bytes, again: bytes) -> None:
        super().__init__(("127.0.0.1", 0), self.RequestHandlerClass)
        self.parts = first, again
        self.over = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def server_close(self) -> None:
        self.over.set()
        self.shutdown()
        super().server_close()


@pytest.mark.parametrize(
    ("first", "again", "page"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x", Page(0, "no answer within 1 s")),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", Page(0, "no answer within 1 s")),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", b"x" * 65536, Page(200, "", endless=True)),
    ],
    ids=["body in drops", "no end of headers", "chunk without a size"],
)
def test_page_ends_at_its_deadline_and_its_limit(server: Server, first: bytes, again: bytes, page: Page) -> None:
    nodes = transport_to(server)
    with Replies(first, again) as replies:
        start = time.monotonic()
        assert nodes.page(NODE, "127.0.0.1", replies.server_address[1], 1.0, 1000) == page
        assert time.monotonic() - start < 5
    nodes.close()


def test_page_of_a_node_whose_ssh_server_opens_no_connections_is_no_answer(server: Server, pages: Pages) -> None:
    user = server.log.parent / "user.pub"
    user.write_text(f"no-port-forwarding {user.read_text()}")
    nodes = transport_to(server)
    with pytest.raises(NodeError, match="node: its ssh server opens no connections"):
        nodes.page(NODE, "127.0.0.1", pages.server_port, 10, 1000)
    nodes.close()


def _ended(channel: Any) -> None:
    if not channel.closed and not channel.exit_status_ready():
        raise NotYet("open")


def test_run_reads_any_encoding(server: Server) -> None:
    nodes = transport_to(server)
    assert nodes.run(NODE, r"printf 'caf\351 \000 \355\225\234'") == "caf� \x00 한"


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def _listening(port: int) -> None:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError as why:
        raise NotYet(str(why)) from None
