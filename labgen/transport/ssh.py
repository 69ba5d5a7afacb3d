"""The nodes of a lab that is up, over SSH: one connection for each node, opened when it is first needed.

The connection is Fabric's, which works wherever Python does. Scripts go through root's shell on the node
(:mod:`labgen.transport.root_shell`), questions to the engine to its socket (:mod:`labgen.transport.engine_socket`);
both are kept open, and what is asked at the same time has one of its own.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from labgen.core.bounded import TooMuch
from labgen.core.errors import LabgenError, NodeError
from labgen.core.i18n import NOTHING, Text, _, sentences
from labgen.core.redaction import redact
from labgen.docker.question import Page, Question, Reply
from labgen.machines.inventory import Inventory
from labgen.machines.unreachable import unreached
from labgen.model.lab import Node
from labgen.transport import page_request
from labgen.transport.engine_socket import EngineSilent, EngineSocket
from labgen.transport.output import Output
from labgen.transport.page_request import Prohibited
from labgen.transport.protocol import LONGEST, Transport
from labgen.transport.root_shell import LOST, Ended, RootShell

if TYPE_CHECKING:
    from paramiko import Transport as Connection


class _Closable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closable)


class _Pool(Generic[T]):
    """What is open on a node and not in use."""

    def __init__(self, open_one: Callable[[float], T]) -> None:
        self._open = open_one
        self._idle: list[T] = []

    @contextmanager
    def lent(self, deadline: float) -> Iterator[T]:
        """Lend what is open, or open another; what fails while it is lent is closed."""
        try:
            resource = self._idle.pop()
        except IndexError:
            resource = self._open(deadline)
        try:
            yield resource
        except BaseException:
            # Whatever it was: what comes next belongs to this question. Ctrl-C ends what the connection goes through
            # as well, and must stay a Ctrl-C.
            with contextlib.suppress(Exception):
                resource.close()
            raise
        self._idle.append(resource)

    def close(self) -> None:
        while self._idle:
            with contextlib.suppress(Exception):
                self._idle.pop().close()


class _OnNode:
    """What is open on one node."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.shells = _Pool(lambda _deadline: RootShell(connect()))
        self.engines = _Pool(lambda deadline: EngineSocket(connect(), deadline))

    def close(self) -> None:
        self.shells.close()
        self.engines.close()


class SshTransport(Transport):
    """The nodes of a lab, over SSH.

    :param advice: what to do once a node that failed answers again, as a sentence.
    """

    def __init__(self, inventory: Inventory, advice: Text = NOTHING) -> None:
        self._inventory = inventory
        self._advice = advice
        self._nodes: dict[str, _OnNode] = {}

    def run(self, node: Node, script: str, *, within: float = 30.0) -> str:
        """Run a POSIX shell script as root, and return what it printed.

        :param within: deadline in seconds on an ordinary machine.
        :raises NodeError: the node cannot be reached, does not answer in time, or the script failed.
        """
        output = self._output(node, _bounded(script), within, "answer")
        if not output.ok:
            message = output.err.strip() or output.out.strip()
            raise NodeError(
                _(
                    "%(node)s did not answer as it should (status %(status)s): %(message)s",
                    node=node.name,
                    status=output.status,
                    message=message[-300:],
                ),
                _("Look at it there: labgen ssh %(node)s", node=node.name),
            )
        return output.out

    def output(self, node: Node, script: str, *, within: float = 60.0, secret: str | None = None) -> Output:
        """Run a script as root, and return its output and its exit status.

        :param within: deadline in seconds on an ordinary machine.
        :param secret: one line for the script's standard input, which is empty otherwise.
        :raises NodeError: the node cannot be reached, or stopped answering.
        """
        return self._output(node, script, within, "finish", secret)

    def _output(self, node: Node, script: str, within: float, verb: str, secret: str | None = None) -> Output:
        seconds = self._inventory.patience.seconds(within)
        first_line = redact((script.strip().splitlines() or [""])[0])
        late = f"{verb} within {seconds:.0f} s" + (f": {first_line}" if verb == "finish" else ".")
        with self._failures(node, late):
            try:
                with self._on(node).shells.lent(time.monotonic() + seconds) as shell:
                    return shell.run(script, within=seconds, secret=secret)
            except Ended as ended:
                if ended.output.status != LOST:
                    return ended.output
                raise self._unwell(node, "stopped answering in the middle of a command.") from None

    def ask(self, node: Node, question: Question, *, within: float = 30.0) -> str:
        """Ask a node something, and return the answer.

        :param within: deadline in seconds of each part, on an ordinary machine.
        :raises NodeError: the node cannot be reached, or does not answer.
        """
        return question.answer(_Access(self, node, within, self._inventory.patience.seconds(within)))

    def engine(self, node: Node, paths: Sequence[str], seconds: float) -> str:
        """Ask a node's engine, and return a line for the body of each answer and one for its HTTP status.

        :param paths: of the Docker Engine API, quoted as in a URL.
        :param seconds: deadline of all answers together, not stretched.
        :raises NodeError: the node cannot be reached, or its engine gives no answer.
        """
        deadline = time.monotonic() + seconds
        with self._failures(node, f"answer within {seconds:.0f} s."):
            with contextlib.suppress(EngineSilent):
                return self._from_engine(node, paths, deadline)
            # The engine was restarted since, and has closed its connections: ask once more, over a new one.
            self._on(node).engines.close()
            try:
                return self._from_engine(node, paths, deadline)
            except EngineSilent as why:
                raise _silent(node, why) from None

    def request(self, node: Node, method: str, path: str, content: bytes, seconds: float) -> Reply:
        """Have a node's engine do something, and return its reply.

        It is sent once, over a connection of its own: nobody knows what an engine has done that gave no reply.

        :param path: of the Docker Engine API, quoted as in a URL.
        :param content: the body of the request: JSON, or a tar archive for PUT.
        :param seconds: deadline, not stretched.
        :raises NodeError: the node cannot be reached, or its engine gives no reply.
        """
        deadline = time.monotonic() + seconds
        with self._failures(node, f"answer within {seconds:.0f} s."):
            try:
                engine = EngineSocket(_connect(self._inventory, node, self._advice), deadline)
                with contextlib.closing(engine):
                    return engine.send(method, path, content, deadline)
            except EngineSilent as why:
                raise _silent(node, why) from None

    def _from_engine(self, node: Node, paths: Sequence[str], deadline: float) -> str:
        with self._on(node).engines.lent(deadline) as engine:
            return engine.get(paths, deadline)

    def page(self, node: Node, address: str, port: int, seconds: float, most: int) -> Page:
        """Request the page ``/`` of an address from a node, over a connection of its own.

        :param seconds: deadline, not stretched.
        :param most: bytes that are read of it.
        :raises NodeError: the node cannot be reached, or its SSH server opens no connections.
        """
        with self._failures(node, f"answer within {seconds:.0f} s."):
            try:
                return page_request.get(_connect(self._inventory, node, self._advice), address, port, seconds, most)
            except Prohibited:
                raise NodeError(
                    _(
                        "%(node)s: its ssh server opens no connections, so no page can be requested from there.",
                        node=node.name,
                    ),
                    _(
                        "labgen ssh %(node)s\n"
                        "Take AllowTcpForwarding and DisableForwarding out of /etc/ssh/sshd_config and "
                        "sshd_config.d, then: sudo systemctl reload ssh",
                        node=node.name,
                    ),
                ) from None

    def open(self, node: Node) -> None:
        """Open root's shell on a node now, so that the first script need not wait for it.

        :raises NodeError: the node cannot be reached.
        """
        self.output(node, "")

    def forget(self, node: Node) -> None:
        """Close what is open on a node, and its connection, before the node restarts."""
        if opened := self._nodes.pop(node.name, None):
            opened.close()
        self._inventory.forget(node)

    def close(self) -> None:
        """Close the connections."""
        # A thread may still be connecting, and add to them.
        while self._nodes:
            _name, opened = self._nodes.popitem()
            opened.close()
        self._inventory.close()

    def _on(self, node: Node) -> _OnNode:
        # It does not refer to this transport: both go, with the channels, as soon as nobody uses the transport. An SSH
        # server opens ten at a time.
        connect = partial(_connect, self._inventory, node, self._advice)
        return self._nodes.setdefault(node.name, _OnNode(connect))

    @contextmanager
    def _failures(self, node: Node, late: str) -> Iterator[None]:
        """Turn what goes wrong on the way into an error of the node.

        :param late: what it did not do where its deadline passed.
        """
        try:
            yield
        except LabgenError:
            raise
        except TimeoutError:
            raise self._unwell(node, f"did not {late}") from None
        except TooMuch:
            raise _too_much(node) from None
        except (OSError, EOFError) as why:
            raise _unreached(node, why, self._advice, remote=self._inventory.state.remote) from None
        except Exception as why:
            # paramiko's errors; it is imported by what connects only.
            from paramiko import SSHException

            if isinstance(why, SSHException):
                raise _unreached(node, why, self._advice, remote=self._inventory.state.remote) from None
            raise

    def _unwell(self, node: Node, what: str) -> NodeError:
        start = _("Check with `labgen status` whether the machine runs; start it with `labgen up`.")
        if self._inventory.state.remote:
            start = _("Check whether the machine runs, and whether it is busy.")
        return NodeError(_("%(node)s %(problem)s", node=node.name, problem=what), sentences(start, self._advice))


class _Access:
    """One node, for a question."""

    def __init__(self, transport: SshTransport, node: Node, within: float, seconds: float) -> None:
        self._transport = transport
        self._node = node
        self._within = within
        self._seconds = seconds

    def run(self, script: str) -> str:
        return self._transport.run(self._node, script, within=self._within)

    def engine(self, paths: Sequence[str], within: float = 0) -> str:
        return self._transport.engine(self._node, paths, within or self._seconds)

    def request(self, method: str, path: str, content: bytes = b"", within: float = 0) -> Reply:
        return self._transport.request(self._node, method, path, content, within or self._seconds)

    def page(self, address: str, port: int, within: float, most: int) -> Page:
        return self._transport.page(self._node, address, port, within, most)


def _connect(inventory: Inventory, node: Node, advice: Text) -> Connection:
    try:
        return inventory.opened(node).transport
    except TimeoutError as why:
        # Not a deadline of ours.
        raise _unreached(node, why, advice, remote=inventory.state.remote) from None


def _unreached(node: Node, why: Exception, advice: Text, *, remote: bool) -> NodeError:
    reason = str(why)
    if isinstance(why, OSError) and why.strerror:  # else `[Errno 111]` stands before it
        reason = f"{why.filename}: {why.strerror}" if why.filename else why.strerror
    return unreached(node.name, redact(reason).rstrip(".") or type(why).__name__, advice, remote=remote)


def _silent(node: Node, why: EngineSilent) -> NodeError:
    return NodeError(
        _("%(node)s: its engine does not answer: %(reason)s.", node=node.name, reason=redact(str(why))),
        _("Look at it there: sudo journalctl -u docker"),
    )


def _too_much(node: Node) -> NodeError:
    return NodeError(
        _(
            "%(node)s answered with more than %(longest)s MiB: the answer was not read.",
            node=node.name,
            longest=LONGEST // 2**20,
        ),
        _("Something there prints without end: a page, a log, a container's output."),
    )


def _bounded(script: str) -> str:
    """Put an end to what the script prints, whatever that is: what is cut off never leaves the node.

    Its status goes around the pipes that its two outputs go through.
    """
    return f"""exec 3>&1 6>&2
status=$({{ {{ {{ ({script}
); echo $? >&4; }} 2>&1 >&5 5>&- | head -c 65536 >&6; }} 5>&1 | head -c {LONGEST + 1} >&3; }} 4>&1)
exit "${{status:-1}}"
"""
