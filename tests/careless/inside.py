"""Trials that run in this process: whatever a command asks for first is odd."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.careless import objects
from tests.careless.labfiles import MISTAKES, WELCOME
from tests.careless.trial import MISTAKE_IN_LAB_FILE, Trial

READING = (
    ("render",),
    ("render", "--stdout"),
    ("render", "--diff"),
    ("doctor",),
    ("up",),
    ("up", "--dry-run"),
    ("status",),
    ("status", "--json"),
    ("brief", "loadbalance"),
    ("run", "loadbalance"),
    ("grade",),
    ("ssh", "swarm-manager"),
    ("halt",),
)
"""Commands that read lab.yml."""

ACTING = (*READING, ("snapshot", "list"), ("down",), ("reset",), ("run", "--all"), ("explain", "update.history"))
"""Commands of a lab folder."""

REPORTING = (("grade", "update"), ("grade", "--all", "--json"))


def trials() -> Iterator[Trial]:
    """Every trial, each in a lab folder of its own."""
    yield from _lab_files()
    yield from _lab_file_places()
    yield from _folders()
    yield from _init()
    yield from _own_files()
    yield from _options()
    yield from _words()


def sample(among: Iterable[Trial], every: int = 7) -> list[Trial]:
    """Choose about one of ``every`` trials of a kind: each case with some command, the next case with the next."""
    cases: dict[str, list[Trial]] = {}
    for trial in among:
        cases.setdefault(trial.case, []).append(trial)
    return [
        trial
        for number, of_case in enumerate(cases.values())
        for trial in of_case[number % min(every, len(of_case)) :: every]
    ]


def _lab_files() -> Iterator[Trial]:
    for case, content in MISTAKES.items():
        for words in READING:
            yield Trial("lab.yml", case, words, _writes("lab.yml", content), MISTAKE_IN_LAB_FILE)
    for case, content in WELCOME.items():
        for words in (("render",), ("brief", "update"), ("status",)):
            statuses = frozenset({7}) if words == ("status",) else frozenset({0})
            yield Trial("lab.yml", case, words, _writes("lab.yml", content), statuses)


def _lab_file_places() -> Iterator[Trial]:
    for words in READING:
        for case, make in objects.NO_FILE.items():
            yield Trial("the place of lab.yml", case, words, _makes("lab.yml", make), MISTAKE_IN_LAB_FILE)
        for name in ("lab.yaml", "Lab.yml", "lab.yml.txt"):
            yield Trial("the name of lab.yml", name, words, _writes(name, b"workers: 1\n"), MISTAKE_IN_LAB_FILE)


def _folders() -> Iterator[Trial]:
    for case, path in objects.PATHS.items():
        for words in ACTING:
            yield Trial("the lab folder", case, ("-C", path, *words), objects.lie_about, frozenset({5}))


def _init() -> Iterator[Trial]:
    for case, path in objects.PATHS.items():
        welcome = case in ("missing", "with a line end", "with a control character", "not UTF-8", "a space", "a star")
        welcome |= case in ("a variable", "somebody's home", "a Windows path")
        statuses = frozenset({0} if welcome else {5})
        yield Trial("init", case, ("init", path), objects.lie_about, statuses)
        yield Trial("init below a folder", case, ("-C", path, "init", "lab"), objects.lie_about, statuses)
    for name in ("lab.yml", "fabfile.py", "verify/README.md"):
        for case, make in objects.NO_FILE.items():
            yield Trial(f"init onto {name}", case, ("init", "."), _makes(name, make), frozenset({5}))
    for case, make in objects.NO_FOLDER.items():
        yield Trial("init onto verify", case, ("init", "."), _makes("verify", make), frozenset({5}))


_OWN = ("Vagrantfile", ".labgen/state.json", ".labgen/ssh_config")
DAMAGED = {
    "empty": b"",
    "half": b'{"version": 1, "provider": "dock',
    "a list": b"[1, 2]",
    "a number": b"7",
    "nothing": b"null",
    "another version": b'{"version": 99}',
    "other types": b'{"version": 1, "provider": ["docker"], "accelerated": "maybe", "namespace": 7, "lacks": []}',
    "unknown provider": b'{"version": 1, "provider": "x", "accelerated": true, "namespace": null, "lacks": {}}',
    "unknown lack": b'{"version": 1, "provider": "docker", "accelerated": true, "namespace": null, "lacks": {"x": 1}}',
    "deep": b"[" * 100_000,
    "binary": bytes(range(256)),
    "5 MB": b"x" * 5_000_000,
    "UTF-16": "{}".encode("utf-16"),
    "lone surrogates": b'{"version": 1, "provider": "\\ud800", "accelerated": true, "namespace": null, "lacks": {}}',
    "a number without end": b'{"version": ' + b"9" * 6000 + b"}",
    "infinite": b'{"version": Infinity}',
}


def _own_files() -> Iterator[Trial]:
    for words in ACTING:
        for name in _OWN:
            for case, make in objects.NO_FILE.items():
                yield Trial(f"the place of {name}", case, words, _makes(name, make))
        for case, content in DAMAGED.items():
            yield Trial("state.json", case, words, _writes(".labgen/state.json", content))
            yield Trial("ssh_config", case, words, _in_a_lab(_writes(".labgen/ssh_config", content)))
        for folder in (".labgen", ".vagrant", ".vagrant/machines", ".labgen/logs", ".labgen/report"):
            for case, make in objects.NO_FOLDER.items():
                yield Trial(f"the place of {folder}", case, words, _makes(folder, make))


def _options() -> Iterator[Trial]:
    for case, path in objects.PATHS.items():
        for words in REPORTING:
            yield Trial("--report", case, (*words, "--report", path), objects.lie_about)
            yield Trial("--evidence", case, (*words, "--evidence", path), objects.lie_about)
            yield Trial("--from", case, (*words, "--from", path), objects.lie_about)
        yield Trial("--from", case, ("explain", "update.history", "--from", path), objects.lie_about)
        secret = ("nonce", "--secret", path, "kim")
        yield Trial("--secret", case, secret, objects.lie_about, frozenset({2, 5}))
        yield Trial("--nonces", case, ("grade", "--from", "file", "--nonces", path), objects.lie_about, frozenset({14}))
        # A name that is free is a fine one.
        yield Trial("support", case, ("support", path), objects.lie_about, statuses=frozenset({0, 5}))
    for path in (".", "..", "/"):
        yield Trial("support", path, ("support", path), statuses=frozenset({5}))
        for words in (*REPORTING, ("explain", "update.history")):
            yield Trial("--from", path, (*words, "--from", path), statuses=frozenset({2, 5, 14}))


_ODD = {
    "empty": "",
    "a space": " ",
    "a line end": "a\nb",
    "a control character": "\x1b[31m",
    "not UTF-8": "a\udcffb",
    "300 characters": "x" * 300,
    "Korean": "실습",
    "a path": "../../etc/passwd",
    "a command": "$(id)",
    "a star": "*",
}


def _words() -> Iterator[Trial]:
    for case, word in _ODD.items():
        for words in ((word,), ("completion", word), ("box", word), ("schema", word), ("render", f"--{word}x")):
            yield Trial("a word that is none", case, words, statuses=frozenset({2}))
        for words, statuses in (
            (("brief", word), {10}),
            (("run", word), {10}),
            (("run", word, "--dry-run"), {10}),
            (("grade", word), {7, 10}),
            (("ssh", word), {7}),
            (("halt", word), {2, 7}),
            (("down", word), {2, 7}),
            (("doctor", "--provider", word), {2}),
            (("up", "--provider", word), {2}),
            (("snapshot", "save", word), {7}),
            (("box", "path", "--provider", word), {2}),
            (("brief", "update", "--lang", word), {2}),
            (("run", "--all", "--shuffle", word), {2}),
            (("run", "--shuffle", "3"), {2}),
            (("grade", "--nonces", word), {2}),
            (("grade", "--lab-file", f"./{word}"), {2}),
            ((word,), {2}),
        ):
            yield Trial("a word", case, words, statuses=frozenset(statuses))


def _writes(name: str, content: bytes) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return prepare


def _makes(name: str, make: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: make(folder / name)


def _in_a_lab(prepare: Callable[[Path], None]) -> Callable[[Path], None]:
    state = b'{"version": 1, "provider": "docker", "accelerated": true, "namespace": null, "lacks": {}}'

    def both(folder: Path) -> None:
        _writes(".labgen/state.json", state)(folder)
        prepare(folder)

    return both
