"""The one place that starts programs: with small programs of this Python's own."""

import contextlib
import errno
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from labgen.core import bounded, process
from labgen.core.errors import ProgramFailed, ProgramMissing, ProgramTimeout
from labgen.core.polling import NotYet, wait_until
from labgen.core.process import Result, Runner, end, python
from tests import needs

RUNNER = Runner()


def py(code, *args):
    return [sys.executable, "-c", code, *args]


def test_both_outputs_and_the_status():
    result = RUNNER.run(py("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"))
    assert (result.out, result.err, result.status, result.ok) == ("out\n", "err\n", 3, False)


def test_run_leaves_the_signals_as_they_were_if_a_program_cannot_be_named():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="null byte"):
        RUNNER.run(["a\0b"])
    assert signal.getsignal(signal.SIGINT) is before


def test_arguments_arrive_as_they_are():
    nasty = ["a b", "'", '"', "#{x}", "$(id)", "한글", "*", "\n"]
    result = RUNNER.run(py("import sys; print(repr(sys.argv[1:]))", *nasty))
    assert result.out.strip() == repr(nasty)


def test_process_command_can_be_pasted():
    assert Result(("echo", "a b", "it's"), 0, "", "").command == """echo 'a b' 'it'"'"'s'"""


def test_programs_speak_english_whatever_the_user_speaks(monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    monkeypatch.setenv("LANGUAGE", "ko")
    shown = "import os; print(os.environ['LC_ALL'], os.environ['LANGUAGE'], os.environ.get('A'), os.environ.get('B'))"
    assert Runner(env={"A": "1"}).run(py(shown), env={"B": "2"}).out.split() == ["C.UTF-8", "C", "1", "2"]


def test_standard_input():
    read = "import sys; print(len(sys.stdin.read()))"
    assert RUNNER.run(py(read)).out == "0\n"
    assert RUNNER.run(py(read), stdin="12345").out == "5\n"


def test_process_folder(tmp_path):
    assert RUNNER.run(py("import os; print(os.getcwd())"), cwd=tmp_path).out.strip() == str(tmp_path)


def test_process_what_is_not_utf8_does_not_stop_it():
    result = RUNNER.run(py("import sys; sys.stdout.buffer.write(b'a\\xffb')"))
    assert result.out == "a\ufffdb"


def test_process_prefix_stands_before_every_command():
    prefixed = Runner(prefix=(sys.executable, "-c", "import sys; print(sys.argv[1:])"))
    assert prefixed.run(["virsh", "list"]).out.strip() == "['virsh', 'list']"


@pytest.mark.parametrize("program", ["no-such-program-anywhere", "/etc/passwd/x", "/etc/passwd"])
def test_process_missing_program_has_the_way_out(program):
    with pytest.raises(ProgramMissing) as why:
        RUNNER.run([program], hint="Install it.")
    assert program in why.value.message
    assert why.value.hint == "Install it."


def test_process_failure_carries_the_command_and_the_end_of_what_was_said():
    result = RUNNER.run(py("import sys; [print(n, file=sys.stderr) for n in range(100)]; sys.exit(7)"))
    with pytest.raises(ProgramFailed) as why:
        result.or_raise("Try again.")
    assert why.value.status == 7
    assert result.command in why.value.message
    assert why.value.message.endswith("98\n99")
    assert "\n84\n" not in why.value.message
    assert why.value.hint == "Try again."
    assert RUNNER.run(py("")).or_raise().ok


def test_process_late_program_is_ended_with_all_it_started(tmp_path):
    needs.linux("/proc")
    mark = tmp_path / "pid"
    code = (
        "import subprocess, sys, signal, pathlib\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        f"pathlib.Path({str(mark)!r}).write_text(str(child.pid))\n"
        "signal.pause()\n"
    )
    with pytest.raises(ProgramTimeout, match="did not end within 2 s"):
        RUNNER.run(py(code), timeout=2)
    still(int(mark.read_text()))


def test_process_what_a_program_leaves_behind_is_made_to_end(tmp_path, monkeypatch):
    needs.linux("/proc")
    monkeypatch.setattr(process, "_GRACE_OF_THE_REST", 0.1)
    mark = tmp_path / "pid"
    stubborn = "import os, pathlib, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
    stubborn += f"pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); signal.pause()"
    code = f"import subprocess, sys, signal\nsubprocess.Popen([sys.executable, '-c', {stubborn!r}])\nsignal.pause()"
    with pytest.raises(ProgramTimeout):
        RUNNER.run(py(code), timeout=2)
    pid = int(mark.read_text())
    wait_until("it to end", lambda: still(pid), within=10)


def still(pid):
    """Ends where a process is gone, or dead and not yet collected."""
    with contextlib.suppress(FileNotFoundError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state != "Z":
            raise NotYet(f"its state is {state}")


def test_lines_are_handed_on_as_they_come_and_kept():
    lines = []
    go = threading.Event()

    def on_line(text):
        lines.append(text)
        go.set()

    code = "import sys; print('one', flush=True); print('two', file=sys.stderr, flush=True); sys.exit(1)"
    result = RUNNER.run(py(code), on_line=on_line)
    assert lines == ["one", "two"]
    assert (result.out, result.status) == ("one\ntwo\n", 1)
    assert go.is_set()


def test_process_late_program_whose_lines_are_followed():
    needs.posix("signals")
    lines = []
    with pytest.raises(ProgramTimeout):
        RUNNER.run(py("import signal; print('hello', flush=True); signal.pause()"), timeout=2, on_line=lines.append)
    assert lines[0] == "hello"


def test_process_interruption_ends_the_program(monkeypatch):
    needs.posix("signals")
    started = []

    def interrupt(text):
        started.append(int(text))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        RUNNER.run(py("import os, signal; print(os.getpid(), flush=True); signal.pause()"), on_line=interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_process_daemon_stays_and_writes_to_its_log(tmp_path):
    needs.posix("to wait for a process by its id")
    log = tmp_path / "log"
    pid = RUNNER.start(py("print('up', flush=True)"), log=log)
    os.waitpid(pid, 0)
    assert log.read_text() == "up\n"


def test_ending_what_has_ended_is_nothing():
    class Ended:
        def poll(self):
            return 0

    end(Ended())


def test_which_and_python():
    needs.posix("sh")
    assert RUNNER.which("sh")
    assert RUNNER.which("no-such-program-anywhere") is None
    assert python() == sys.executable


def test_programs_of_root_are_found_by_others(monkeypatch):
    needs.linux("ldconfig")
    monkeypatch.setenv("PATH", "/nowhere")
    assert RUNNER.which("ldconfig") in ("/usr/sbin/ldconfig", "/sbin/ldconfig")


def test_standard_input_of_a_program_whose_lines_are_followed():
    lines = []
    # Prints more than a pipe holds before it reads.
    code = "import sys; print('x' * 200_000); print(len(sys.stdin.read()))"
    RUNNER.run(py(code), stdin="y" * 200_000, on_line=lines.append, timeout=30)
    assert lines == ["x" * 200_000, "200000"]


def test_process_listener_that_fails_ends_the_program(tmp_path):
    needs.posix("signals")
    mark = tmp_path / "ended"
    code = (
        "import pathlib, signal, sys, time\n"
        "def ended(*_):\n    pathlib.Path(sys.argv[1]).touch(); sys.exit()\n"
        "signal.signal(signal.SIGINT, ended)\nprint('up', flush=True)\ntime.sleep(600)"
    )

    def fail(_line):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        RUNNER.run(py(code, str(mark)), on_line=fail, timeout=120)
    assert mark.exists()


def test_run_deadline_begins_anew_with_each_line() -> None:
    talks = "import time\nfor n in range(8): print(n, flush=True); time.sleep(0.25)"
    lines: list[str] = []
    assert Runner().run([sys.executable, "-c", talks], timeout=60, silence=1.5, on_line=lines.append).ok
    assert len(lines) == 8


def test_run_program_that_prints_nothing_more_is_ended() -> None:
    silent = "import time\nprint('a', flush=True); time.sleep(60)"
    start = time.monotonic()
    with pytest.raises(ProgramTimeout, match="printed nothing for 1 s and was stopped"):
        Runner().run([sys.executable, "-c", silent], timeout=60, silence=0.6, on_line=lambda _line: None)
    # A Python that is asked to end while it starts may go on until it is made to.
    assert time.monotonic() - start < 55


def test_run_program_that_prints_for_ever_is_ended() -> None:
    talks = "import time\nwhile True: print('a', flush=True); time.sleep(0.1)"
    with pytest.raises(ProgramTimeout, match="did not end within 1 s and was stopped"):
        Runner().run([sys.executable, "-c", talks], timeout=1, silence=30, on_line=lambda _line: None)


def test_run_does_not_wait_for_what_holds_the_output_of_a_program_that_has_ended(monkeypatch):
    needs.posix("signals")
    monkeypatch.setattr(process, "_GRACE_OF_THE_REST", 0.3)
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)\n"
        "print(child.pid, flush=True)"
    )
    result = RUNNER.run(py(code), timeout=30, on_line=lambda _line: None)
    os.kill(int(result.out), signal.SIGKILL)
    assert result.status == 0


def test_capture_ends_a_program_that_prints_without_end() -> None:
    needs.posix("sh")
    start = time.monotonic()
    with pytest.raises(bounded.TooMuch):
        Runner().capture(["sh", "-c", "yes 0123456789; sleep 60"], most=100_000, timeout=60)
    with pytest.raises(bounded.TooMuch):
        Runner().capture(["sh", "-c", "yes 0123456789 >&2"], most=100_000, timeout=60)
    assert time.monotonic() - start < 30


def test_capture_gives_bytes_and_status_as_they_came() -> None:
    needs.posix("sh")
    result = Runner().capture(["sh", "-c", r"printf 'a\377'; echo b >&2; exit 3"], most=2)
    assert (result.status, bytes(result.out), bytes(result.err)) == (3, b"a\xff", b"b\n")


def test_capture_is_late_where_the_program_is() -> None:
    needs.posix("sleep")
    with pytest.raises(ProgramTimeout):
        Runner().capture(["sleep", "60"], most=10, timeout=0.2)


class ClosedPipe:
    """A program's output that was closed while a thread waited for more of it."""

    closed = True

    @property
    def buffer(self):
        return SimpleNamespace(raw=self)

    def read(self, _most):
        raise OSError(errno.EBADF, "Bad file descriptor")


def test_outputs_that_are_closed_under_their_readers_end_there(monkeypatch):
    raised = []
    monkeypatch.setattr(threading, "excepthook", raised.append)
    child = SimpleNamespace(stdout=ClosedPipe(), stderr=ClosedPipe(), wait=lambda _timeout: 0)
    assert bounded.outputs(child, 100, 5.0) == (b"", b"")
    for thread in threading.enumerate():
        if thread.name.endswith("(keep)"):
            thread.join(10)
    assert raised == []
