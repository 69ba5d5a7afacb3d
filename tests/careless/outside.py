"""Trials that take a process of their own: what it is started with is odd, or it is ended on its way."""

from __future__ import annotations

import gzip
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.careless import objects
from tests.careless.trial import DOCUMENTED, Trial, nothing

QUICK = (("render",), ("brief", "update"), ("status",))
CHILDREN = (("run", "loadbalance", "--dry-run"), ("grade", "--from", "missing.jsonl"), ("explain", "update.history"))
"""Commands that start a Python of their own."""

_FINE = frozenset({0, 6, 7, 14})
"""What the commands here end with where nothing is wrong but that no lab is up."""

_WITHOUT_RIGHTS = "setpriv --bounding-set=-all --inh-caps=-all"
"""Root that may no more than any user: its own files are still there to be read."""

_NO_HOME = "env -u HOME -u XDG_CACHE_HOME"
_NOT_IN_PASSWD = (
    "import pwd, runpy; pwd.getpwuid = lambda uid: dict()[uid]; runpy.run_module('labgen', run_name='__main__')"
)
"""As for a user id that a container was started with."""


def trials() -> Iterator[Trial]:
    """Every trial, each in a lab folder of its own."""
    yield from _streams()
    yield from _locales()
    yield from _terminals()
    yield from _variables()
    yield from _limits()
    yield from _interrupts()
    yield from _evidence()
    yield from _modules()
    if os.geteuid() == 0:
        yield from _rights()


def _streams() -> Iterator[Trial]:
    for words in (("schema",), ("render", "--stdout"), *CHILDREN):
        yield Trial("a full output", "standard output", words, shell="{} > /dev/full", statuses=frozenset({1, 5, 14}))
    for case, shell in {
        "standard output": "{} >&-",
        "standard error": "{} 2>&-",
        "standard input": "{} <&-",
        "all": "{} <&- >&- 2>&-",
        "standard output to a folder's file": "{} > out.txt",
    }.items():
        for words in (("render",), ("status",), CHILDREN[0]):
            statuses = frozenset({0, 7}) if case != "all" else DOCUMENTED
            yield Trial("a closed stream", case, words, shell=shell, statuses=statuses)
    for case, shell in {"a reader of one byte": "{} | head -c1", "no reader": "{} | true"}.items():
        for words in (("schema",), ("run", "--list"), CHILDREN[0], CHILDREN[2]):
            yield Trial("a reader who leaves", case, words, shell=shell, statuses=frozenset({0}))
    for words in (("render",), ("status",), CHILDREN[0]):
        yield Trial(
            "the working folder",
            "deleted",
            words,
            shell='mkdir -p "$PWD/x"; cd x; rmdir ../x; {}',
            statuses=frozenset({5}),
        )


def _locales() -> Iterator[Trial]:
    for case, variables in {
        "a locale that is not there": {"LC_ALL": "xx_YY.UTF-8"},
        "Korean, not in UTF-8": {"LC_ALL": "ko_KR.EUC-KR"},
        "plain C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        "ASCII": {"PYTHONIOENCODING": "ascii"},
        "ASCII, strictly": {"PYTHONIOENCODING": "ascii:strict"},
        "the code page of Korea": {"PYTHONIOENCODING": "cp949"},
        "a language that is none": {"LANGUAGE": "\x1b", "LANG": "ko"},
    }.items():
        for words in (("brief", "update", "--lang", "ko"), ("run", "--list"), CHILDREN[0]):
            yield Trial("a locale", case, words, statuses=frozenset({0}), environment=variables)
    korean = _in_folder("실습")
    yield Trial("a locale", "a Korean folder in C", ("-C", "실습", "render"), korean, environment={"LC_ALL": "C"})


def _terminals() -> Iterator[Trial]:
    for case, variables in {
        "none": {"TERM": None},
        "empty": {"TERM": ""},
        "unknown": {"TERM": "nonsense"},
        "no columns": {"COLUMNS": "0"},
        "columns of words": {"COLUMNS": "x", "LINES": "-1"},
        "no colour": {"NO_COLOR": "1", "FORCE_COLOR": "1"},
    }.items():
        for words in (("render",), ("--help",), CHILDREN[0]):
            yield Trial("a terminal", case, words, statuses=frozenset({0}), environment=variables)


def _variables() -> Iterator[Trial]:
    for case, path in {"empty": "", "a file": "/etc/passwd", "missing": "/nowhere", "odd": ":::."}.items():
        for words, statuses in ((("render",), {0}), (("doctor",), {0, 5}), (("up",), {5}), (CHILDREN[0], {0})):
            yield Trial("PATH", case, words, statuses=frozenset(statuses), environment={"PATH": path})
    for name, place in {"TMPDIR": "/nowhere", "XDG_CACHE_HOME": "/dev/null", "HOME": "/dev/null"}.items():
        for words in (("render",), ("box", "path"), CHILDREN[2]):
            yield Trial("a variable", f"{name}={place}", words, statuses=_FINE, environment={name: place})
    nobody = {"VAGRANT_HOME": "~nobody-here/x"}
    # Where the box is in labgen's cache, `render` need not look into Vagrant's.
    for words, statuses in ((("render",), {0, 5}), (("up", "--provider", "libvirt"), {5})):
        yield Trial("a variable", "VAGRANT_HOME of nobody", words, statuses=frozenset(statuses), environment=nobody)
    for name in ("HOME", "XDG_CACHE_HOME", "TMPDIR", "LANG"):
        yield Trial("a variable", f"{name} empty", ("box", "path"), statuses=_FINE, environment={name: ""})


def _limits() -> Iterator[Trial]:
    for words in (("render",), ("status",), CHILDREN[0]):
        yield Trial("a limit", "16 open files", words, shell="ulimit -n 16; {}")
        yield Trial("a limit", "no files longer than 0", words, shell="ulimit -f 0; trap '' XFSZ; {}")
    yield Trial("a limit", "200 MB of memory", ("render",), shell="ulimit -v 200000; {}")
    yield Trial("a limit", "no more processes", CHILDREN[0], shell="ulimit -u 1; {}")


def _interrupts() -> Iterator[Trial]:
    # Long enough for Python itself to have started: what it does before is not labgen's.
    for seconds in (0.4, 0.7, 1.0, 1.5):
        for words in (CHILDREN[0], CHILDREN[2]):
            yield Trial(
                "an interrupt",
                f"after {seconds} s",
                words,
                shell=f"timeout --preserve-status --signal INT {seconds} {{}}",
                statuses=frozenset({0, 130}),
            )


def _evidence() -> Iterator[Trial]:
    contents: Mapping[str, bytes] = {
        "empty": b"",
        "binary": bytes(range(256)),
        "a word": b"hello\n",
        "a list": b"[]\n",
        "deep": b"[" * 100_000,
        "half": b'{"labgen": "0.1',
        "compressed": gzip.compress(b"{}\n"),
        "UTF-16": "{}\n".encode("utf-16"),
        "a page": b"<!DOCTYPE html><p>Sign in</p>",
    }
    for case, content in contents.items():
        prepare = _writes("kim.jsonl", content)
        yield Trial("evidence", case, ("grade", "--from", "kim.jsonl"), prepare, frozenset({14}))
    for case in ("empty", "deep", "UTF-16"):
        prepare = _writes("kim.jsonl", contents[case])
        yield Trial("evidence", case, ("explain", "update.history", "--from", "kim.jsonl"), prepare, frozenset({14}))


def _modules() -> Iterator[Trial]:
    mistake = _writes("lab.yml", b"workers: two\n")
    python = shlex.quote(sys.executable)
    for case, prepare in {
        "a mistake in lab.yml": mistake,
        "a pipe for lab.yml": _makes("lab.yml", objects.pipe),
    }.items():
        for module in ("provision exercise.update --dry-run", "provision bootstrap", "labgen explain update.history"):
            statuses = {3} if module.startswith("provision") else {0, 3, 5}
            yield Trial("a module", case, (), prepare, frozenset(statuses), shell=f"{python} -m {module}")
    for words in (
        "provision",
        "provision nothing",
        "provision exercise.update --nothing",
        "labgen.apps.explaining",
        "labgen.apps.grading",
    ):
        yield Trial("a module", words, (), nothing, shell=f"{python} -m {words}")


def _rights() -> Iterator[Trial]:
    for words, statuses in (
        (("render",), {5}),
        (("init", "new"), {5}),
        (("up",), {5}),
        (("status",), {7}),
        (("down",), {5}),
        (("run", "update"), {5}),
        (("grade",), {7}),
        (CHILDREN[0], {0}),
        (CHILDREN[2], {0}),
    ):
        shell = f"chmod 555 .; {_WITHOUT_RIGHTS} {{}}"
        yield Trial("a read-only folder", "the lab's", words, statuses=frozenset(statuses), shell=shell)
    for words, statuses in (
        (("render",), {3, 5}),
        (("up",), {3, 5}),
        (("status",), {3, 5}),
        (("grade",), {3, 5}),
        (("grade", "--from", "x.jsonl"), {14}),
        (("explain", "update.history"), {0, 5}),
        (("down",), {3, 5}),
    ):
        shell = f"chmod 0 .; {_WITHOUT_RIGHTS} {{}}"
        yield Trial("a closed folder", "the lab's", words, statuses=frozenset(statuses), shell=shell)
    for name in ("lab.yml", ".labgen/state.json", ".labgen/ssh_config", "Vagrantfile"):
        for words in (("render",), ("status",), ("grade",), ("down",), ("grade", "--from", name)):
            shell = f"chmod 0 {name}; {_WITHOUT_RIGHTS} {{}}"
            yield Trial("an unreadable file", name, words, _writes(name, b"workers: 1\n"), shell=shell)
    for words, statuses in (
        (("box", "path"), {5}),
        (("box", "build", "--provider", "docker"), {5}),
        (("doctor",), {0, 5}),
        (("render", "--stdout"), {0}),
    ):
        shell = f"{_NO_HOME} {shlex.join([sys.executable, '-c', _NOT_IN_PASSWD, *words])}"
        yield Trial("no home", "no entry in passwd", words, statuses=frozenset(statuses), shell=shell)
    full = "unshare --mount sh -c 'mount -t tmpfs -o size=8k none . && cd \"$PWD\" && exec {}'"
    for words in (("init", "."), ("render",), ("up",)):
        yield Trial("a full disk", "8 KiB", words, statuses=frozenset({5}), shell=full)


def _writes(name: str, content: bytes) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)

    return prepare


def _makes(name: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: make(folder / name)


def _in_folder(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).mkdir()
