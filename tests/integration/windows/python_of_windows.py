"""A Python as on Windows, as far as that can be had elsewhere: started in the place of the real one, by a script.

`os` and `signal` have no more than there, modules that are only on POSIX are missing, files are read and written in a
code page with CRLF, and `platform` says Windows. What others have written is imported first: what it does on Windows is
theirs to know. A Python that this one starts is such a one again.
"""

from __future__ import annotations

import builtins
import io
import os
import pathlib
import platform
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from typing import Any

# By others, and before anything is taken away.
import fabric.main  # noqa: F401
import filelock  # noqa: F401
import invoke  # noqa: F401
import jinja2  # noqa: F401
import paramiko  # noqa: F401
import psutil  # noqa: F401
import pydantic  # noqa: F401
import pytest  # noqa: F401
import rich.console  # noqa: F401
import testinfra  # noqa: F401
import vagrant  # noqa: F401
import yaml  # noqa: F401

CODE_PAGE = os.environ.get("STAND_IN_CODE_PAGE", "cp949")
WRAPPER = os.environ["STAND_IN_PYTHON"]

_OF_POSIX = {
    os: (
        "chown chroot ctermid fchmod fchown fork forkpty getegid geteuid getgid getgroups getloadavg getpgid getpgrp "
        "getpriority getresuid getsid getuid initgroups killpg lchown mkfifo mknod nice openpty posix_spawn pread "
        "preadv pwrite register_at_fork sched_getaffinity sched_yield sendfile setegid seteuid setgid setgroups "
        "setpgid setpriority setregid setresuid setreuid setsid setuid statvfs sync sysconf tcgetpgrp ttyname uname "
        "wait wait3 wait4 waitid WEXITSTATUS WIFEXITED"
    ),
    signal: "SIGKILL SIGALRM SIGHUP SIGQUIT SIGUSR1 SIGUSR2 SIGCHLD SIGPIPE SIGXFSZ alarm setitimer pause pthread_kill "
    "pthread_sigmask sigwait",
    socket: "AF_UNIX socketpair",
    time: "tzset clock_gettime",
}
_MODULES_OF_POSIX = ("fcntl", "grp", "pwd", "pty", "resource", "termios", "tty", "syslog", "posix", "spwd", "crypt")


def be_windows() -> None:
    """Take away what is not there, and put in what is."""
    disk_usage(os.statvfs)
    shutil._USE_CP_SENDFILE = False  # type: ignore[attr-defined]
    code_page()
    for module, names in _OF_POSIX.items():
        for name in names.split():
            if hasattr(module, name):
                delattr(module, name)
    for name in _MODULES_OF_POSIX:
        sys.modules[name] = None  # type: ignore[assignment]
    os.name = "nt"
    # Those of POSIX, which the files here are on.
    pathlib.WindowsPath, pathlib.PureWindowsPath_ = pathlib.PosixPath, pathlib.PureWindowsPath  # type: ignore[misc, assignment, attr-defined]
    platform.system = lambda: "Windows"
    sys.executable = WRAPPER
    tempfile.tempdir = os.environ.get("TEMP", tempfile.gettempdir())


def disk_usage(statvfs: Any) -> None:
    """`shutil` knows another way there."""

    def usage(path: Any) -> Any:
        status = statvfs(path)
        total, free = status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize
        return shutil._ntuple_diskusage(total, total - free, free)  # type: ignore[attr-defined]

    shutil.disk_usage = usage


def code_page() -> None:
    """Have text files be in the code page, with CRLF, where nobody says otherwise and UTF-8 is not asked for."""
    if sys.flags.utf8_mode:
        return
    plain = io.open

    def opened(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: Any = None,
        errors: Any = None,
        newline: Any = None,
        *rest: Any,
        **named: Any,
    ) -> Any:
        if "b" not in mode:
            # "locale" is what pathlib makes of none.
            encoding = CODE_PAGE if encoding in (None, "locale") else encoding
            newline = "\r\n" if newline is None and set(mode) & set("wax") else newline
        return plain(file, mode, buffering, encoding, errors, newline, *rest, **named)

    io.open = builtins.open = opened
    wrapper = io.TextIOWrapper

    class Text(wrapper):  # type: ignore[misc, valid-type]
        def __init__(self, buffer: Any, encoding: Any = None, *rest: Any, **named: Any) -> None:
            super().__init__(buffer, CODE_PAGE if encoding in (None, "locale") else encoding, *rest, **named)

    subprocess.io = type("io", (), {"TextIOWrapper": Text, "open": opened, "text_encoding": lambda *_: CODE_PAGE})  # type: ignore[attr-defined, assignment]
    for name in ("stdout", "stderr"):
        getattr(sys, name).reconfigure(encoding=CODE_PAGE, errors="strict", newline="\r\n")


def main() -> None:
    """What the real Python does with its words: `-m MODULE`, `-c CODE`, options before that."""
    words = sys.argv[1:]
    while words and words[0] in ("-P", "-u", "-I", "-s", "-E"):
        words.pop(0)
    be_windows()
    if words[:1] == ["-m"]:
        sys.argv = words[1:]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[:1] == ["-c"]:
        sys.argv = ["-c", *words[2:]]
        exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")


if __name__ == "__main__":
    del sys.path[0]
    main()
