"""The one place that starts programs on this computer.

Programs run in the C locale (their output is read, and must not depend on the user's language), in an
environment that is chosen (:mod:`labgen.core.environment`), with a deadline, in a process group of their own
that is ended as a whole. A failure carries the command to paste.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from labgen.core import bounded, environment, signals, verbose
from labgen.core.errors import INTERRUPTED, HostError, LabgenError, ProgramFailed, ProgramMissing, ProgramTimeout
from labgen.core.i18n import _
from labgen.core.polling import NotYet, wait_until

_GRACE = 30.0
"""Seconds between asking a program to end and ending it."""

_MOMENT = 0.2
"""Seconds for which it is waited at a time where Ctrl-C must be noticed."""

_GRACE_OF_THE_REST = 5.0
"""The same for what it has started, once it has ended itself."""


@dataclass(frozen=True)
class Result:
    """What a program did: argument list, exit status, both outputs."""

    argv: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        """Exit status 0."""
        return self.status == 0

    @property
    def command(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.argv)

    def or_raise(self, hint: str = "") -> Result:
        """Return this result, or raise :class:`ProgramFailed` if the exit status is not 0."""
        if not self.ok:
            raise ProgramFailed(self.command, self.status, self.err.strip() or self.out, hint)
        return self


@dataclass(frozen=True)
class Captured:
    """What a program did: argument list, exit status, both outputs as they came."""

    argv: tuple[str, ...]
    status: int
    out: bytearray
    err: bytearray


@dataclass(frozen=True)
class Runner:
    """Starts programs.

    :param prefix: put before every command, for example ``nsenter --net=/run/netns/lab``.
    :param env: added to the environment of every program.
    """

    prefix: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)

    def which(self, program: str) -> str | None:
        """Full path of a program, or ``None`` where it is not installed."""
        program_path = shutil.which(program, path=environment.search_path() or None)
        if program_path is None and os.name == "posix":
            # Debian keeps these out of an ordinary user's PATH.
            program_path = shutil.which(program, path="/usr/local/sbin:/usr/sbin:/sbin")
        return program_path

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        timeout: float = 60.0,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: str | None = None,
        on_line: Callable[[str], None] | None = None,
        silence: float | None = None,
        hint: str = "",
    ) -> Result:
        """Run a program to its end.

        :param timeout: deadline in seconds.
        :param silence: seconds that may pass between two lines of output; with ``on_line`` only.
        :param stdin: text for its standard input; nothing (``/dev/null``) where ``None``.
        :param on_line: called with each line of output as it comes; both outputs are then one.
        :param hint: way out, for the error where the program is missing or late.
        :raises ProgramMissing: the program is not installed.
        :raises ProgramTimeout: it did not end in time; it and its children are ended.
        """
        line = (*self.prefix, *(str(part) for part in argv))
        with self._started(line, cwd, env, merged=on_line is not None, piped=stdin is not None, hint=hint) as child:
            if on_line is not None:
                if child.stdin is not None:
                    _feed(child.stdin, stdin or "")
                return self._follow(child, line, _Deadline(timeout, silence), on_line, hint)
            try:
                out, err = child.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired:
                raise self._late(child, line, _Deadline(timeout).as_a_whole, hint) from None
        return Result(line, child.returncode, out, err or "")

    def capture(self, argv: Sequence[str | Path], *, most: int, timeout: float = 60.0) -> Captured:
        """Run a program that may print without end, and give what it printed as it came.

        :param most: bytes that each of its outputs may have.
        :raises ProgramMissing: the program is not installed.
        :raises ProgramTimeout: it did not end in time; it and its children are ended.
        :raises bounded.TooMuch: it printed more; it and its children are ended.
        """
        line = (*self.prefix, *(str(part) for part in argv))
        with self._started(line, None, None, merged=False, piped=False, hint="") as child:
            try:
                out, err = bounded.outputs(child, most, timeout)
            except bounded.TooMuch:
                end(child, grace=1.0)
                raise
            except bounded.Late:
                raise self._late(child, line, _Deadline(timeout).as_a_whole, "") from None
        return Captured(line, child.returncode, out, err)

    def attend(self, argv: Sequence[str | Path], *, hint: str = "") -> int:
        """Run a program that talks with the user (a remote shell), and give its exit status.

        It shares this process's terminal, Ctrl-C included.
        """
        line = (*self.prefix, *(str(part) for part in argv))
        try:
            child = subprocess.Popen(line, env={**environment.handed_on(), **self.env})
        except OSError as why:
            raise _not_started(line[0], None, why, hint) from None
        with verbose.shown(line, child), child:
            try:
                return child.wait()
            except BaseException:
                # It has heard Ctrl-C as well; a moment for what it has to put away.
                with contextlib.suppress(subprocess.TimeoutExpired):
                    if child.wait(_GRACE_OF_THE_REST) == INTERRUPTED:
                        return INTERRUPTED  # which it has said
                child.kill()
                raise

    def start(self, argv: Sequence[str | Path], *, log: Path, cwd: Path | None = None) -> int:
        """Start a program that stays (a daemon), writing to ``log``; gives its process id."""
        line = (*self.prefix, *(str(part) for part in argv))
        verbose.show(line)
        with log.open("ab") as sink:
            child = subprocess.Popen(
                line,
                cwd=cwd,
                env=self._environment(None),
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child.returncode = 0  # it outlives this object, which would otherwise warn that nobody waited for it
        return child.pid

    def _environment(self, extra: Mapping[str, str] | None) -> dict[str, str]:
        return {**environment.handed_on(), **environment.plain_locale(), **self.env, **(extra or {})}

    @contextlib.contextmanager
    def _started(
        self,
        line: tuple[str, ...],
        cwd: Path | None,
        env: Mapping[str, str] | None,
        *,
        merged: bool,
        piped: bool,
        hint: str,
    ) -> Iterator[subprocess.Popen[str]]:
        held = signals.Held()
        try:
            child = subprocess.Popen(
                line,
                cwd=cwd,
                env=self._environment(env),
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merged else subprocess.PIPE,
                text=True,
                encoding="utf-8",
                errors="replace",
                start_new_session=os.name == "posix",
            )
        except OSError as why:
            held.deliver()
            raise _not_started(line[0], cwd, why, hint) from None
        except BaseException:
            held.deliver()
            raise
        with verbose.shown(line, child), child:
            try:
                held.deliver()
                yield child
            except BaseException:
                # Ctrl-C among them: a child in a group of its own does not see it.
                end(child)
                raise

    def _follow(
        self,
        child: subprocess.Popen[str],
        line: tuple[str, ...],
        deadline: _Deadline,
        on_line: Callable[[str], None],
        hint: str,
    ) -> Result:
        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert child.stdout is not None  # noqa: S101 - for the type checker: it was asked for above
        _read(child.stdout, lines)
        output: list[str] = []
        while not (passed := deadline.passed()):
            try:
                # For a moment at a time: on Windows nothing else would let Ctrl-C through.
                text = lines.get(timeout=_MOMENT)
            except queue.Empty:
                # What it leaves behind holds the pipe open, and has nothing more to say of it.
                if child.poll() is not None and deadline.quiet() > _GRACE_OF_THE_REST:
                    break
                continue
            if text is None:
                break
            deadline.heard()
            output.append(text)
            on_line(text.rstrip("\r\n"))
        with contextlib.suppress(subprocess.TimeoutExpired):
            if not passed:
                return Result(line, child.wait(deadline.remaining()), "".join(output), "")
        raise self._late(child, line, passed or deadline.as_a_whole, hint)

    def _late(self, child: subprocess.Popen[str], line: tuple[str, ...], passed: str, hint: str) -> ProgramTimeout:
        # On Windows nobody can ask it to end: there is nothing to wait for.
        end(child, _GRACE if os.name == "posix" else 0)
        return ProgramTimeout(_("`%(line)s` %(passed)s and was stopped.", line=shlex.join(line), passed=passed), hint)


class _Deadline:
    """When a program is late: as a whole, or with its next line.

    :ivar as_a_whole: that it was late as a whole, for people.
    """

    def __init__(self, timeout: float, silence: float | None = None) -> None:
        self.as_a_whole = f"did not end within {timeout:.0f} s"
        self._silence = silence
        self._last = time.monotonic()
        self._end = self._last + timeout

    def heard(self) -> None:
        """Say that the program has printed a line."""
        self._last = time.monotonic()

    def quiet(self) -> float:
        """Give the seconds for which it has printed nothing."""
        return time.monotonic() - self._last

    def remaining(self) -> float:
        """Give the seconds until it is late as a whole."""
        return max(self._end - time.monotonic(), 0.0)

    def passed(self) -> str:
        """Say which of the two it was late with, for people; empty where it is not."""
        if not self.remaining():
            return self.as_a_whole
        if self._silence is not None and self.quiet() >= self._silence:
            return f"printed nothing for {self._silence:.0f} s"
        return ""


def _read(pipe: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    """Read a program's output beside it: what it leaves behind may hold the pipe open for as long as it likes."""
    # An end of its own, so that the other can be closed while this one waits.
    end_of_pipe = os.dup(pipe.fileno())

    def read() -> None:
        with open(end_of_pipe, encoding="utf-8", errors="replace") as source:  # noqa: PTH123 - a descriptor
            for text in source:
                lines.put(text)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()


def _not_started(program: str, cwd: Path | None, why: OSError, hint: str) -> HostError:
    """Make the error of a program that the system does not start."""
    if cwd is not None and not cwd.is_dir():
        return HostError(
            _("%(program)s cannot be started in %(cwd)s: there is no such folder.", program=program, cwd=cwd), hint
        )
    if isinstance(why, FileNotFoundError | NotADirectoryError):
        return ProgramMissing(_("%(program)s is not installed, or not on PATH.", program=program), hint)
    reason = "permission denied" if isinstance(why, PermissionError) else why.strerror or str(why)
    return ProgramMissing(_("%(program)s cannot be started: %(reason)s.", program=program, reason=reason), hint)


def _feed(pipe: IO[str], text: str) -> None:
    """Write a program's standard input beside it: one that prints before it reads would wait for ever."""

    def write() -> None:
        # A program that does not want its input is not at fault. Windows answers EINVAL if nobody reads a pipe, and the
        # pipe is closed here if the program has ended meanwhile.
        with contextlib.suppress(OSError, ValueError), pipe:
            pipe.write(text)

    threading.Thread(target=write, daemon=True).start()


def end(child: subprocess.Popen[str], grace: float = _GRACE) -> None:
    """End a program and everything it started: asked first, then made to.

    :param grace: seconds between the one and the other.
    """
    if child.poll() is not None:
        return
    if os.name == "posix":
        _end_group(child, grace)
        _end_rest(child.pid)
    else:
        _end_tree(child, grace)


def _end_group(child: subprocess.Popen[str], grace: float) -> None:
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, sign)
        # Who presses Ctrl-C again does not want to wait.
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            child.wait(grace)
            break


def _end_tree(child: subprocess.Popen[str], grace: float) -> None:
    """End a program on Windows, where the console has told everything that runs in it of Ctrl-C.

    Vagrant is a launcher there, which waits for the Ruby that it has started: to end the launcher ends nothing else.
    """
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        child.wait(grace)
        return
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        command = ["taskkill", "/F", "/T", "/PID", str(child.pid)]
        subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=_GRACE_OF_THE_REST, check=False)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE_OF_THE_REST)
        return
    child.kill()
    child.wait()


def _end_rest(group: int) -> None:
    """End what a program that has ended leaves of its process group: asked with it, each has a moment of its own."""

    def gone() -> None:
        # Those that are dead count until somebody has taken leave of them.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, 0)
            raise NotYet("some of it is left")

    try:
        wait_until("what a program has started to end", gone, within=_GRACE_OF_THE_REST, every=0.02)
    except LabgenError:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def python() -> str:
    """Find the Python that runs labgen; what it starts in Python must use the same one."""
    return sys.executable
