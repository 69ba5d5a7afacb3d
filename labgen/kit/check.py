#!/usr/bin/env python3
"""Check a classroom kit: that every file of it is there and unchanged, and that this computer can use it.

This file needs Python and nothing else; it runs on an old one, too, to say so. It lies in every kit, and
`labgen kit check` does the same. Nothing else in the kit is executed or imported, and what Python would import in place
of a module of its own is a fault: without ``-I`` it looks into the kit's folder first.
"""

from __future__ import annotations

import sys

if __name__ == "__main__" and not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
    sys.path.pop(0)  # the kit's folder: a json.py in it would be imported below

import argparse
import hashlib
import json
import locale
import os
import platform
import re
import shutil
import struct
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST = "manifest.json"
TRANSLATIONS = "check.ko.json"
FORMAT = 1
WELL, UNSUITABLE, DAMAGED = 0, 5, 6
"""Exit statuses: all is well; this computer cannot use the kit; the kit is damaged, or there is none."""

OWN_FOLDERS = ("wheels", "boxes", "images")
"""Folders that make writes. In the first, a file that the kit does not have is a fault: pip takes what is in it."""

_MODULES = (".py", ".pyc", ".pyw", ".so", ".pyd")
"""Endings of files that Python imports."""

_OF_THE_SYSTEM = (".DS_Store", "System Volume Information", "$RECYCLE.BIN", "Thumbs.db", "desktop.ini", "lost+found")
"""What systems leave on a stick, beside names that begin with a dot."""

_VERSION = re.compile(r"[0-9.]{1,20}\Z")
_GIB = 1 << 30

WINDOWS = os.name == "nt"


class Message(NamedTuple):
    """A text in English, and the values of its placeholders."""

    msgid: str
    values: dict[str, object]


def _(msgid: str, **values: object) -> Message:
    return Message(msgid, values)


class KitProblem(Exception):
    """The kit cannot be checked; says why."""

    def __init__(self, text: Message) -> None:
        super().__init__(text)
        self.text = text


class Computer(NamedTuple):
    """This computer and its Python.

    :param platform: as kits name it; its own name where no kit is for it.
    :param python: ``3.12``.
    :param bits: of Python.
    :param kind: of Python: ``cpython``, or ``free-threaded`` and others, which take other packages.
    :param glibc: version of the C library of Linux, empty elsewhere.
    :param macos: version of macOS, empty elsewhere.
    """

    platform: str
    python: str
    bits: int
    kind: str
    glibc: str
    macos: str


def this_computer() -> Computer:
    """Look at this computer and the Python that runs here."""
    systems = {"Windows": "windows", "Darwin": "macos", "Linux": "linux"}
    machines = {"AMD64": "amd64", "x86_64": "amd64", "ARM64": "arm64", "arm64": "arm64", "aarch64": "arm64"}
    machine = platform.machine()
    if WINDOWS:  # where Python is for another processor than Windows, its packages are, too
        machine = {"win-amd64": "AMD64", "win-arm64": "ARM64"}.get(sysconfig.get_platform(), machine)
    system = systems.get(platform.system(), platform.system().lower())
    library, version = platform.libc_ver() if system == "linux" else ("glibc", "")
    kind = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else sys.implementation.name
    return Computer(
        f"{system}-{machines.get(machine, machine.lower())}",
        f"{sys.version_info[0]}.{sys.version_info[1]}",
        struct.calcsize("P") * 8,
        kind,
        (version if library == "glibc" else "0") if system == "linux" else "",
        platform.mac_ver()[0] if system == "macos" else "",
    )


def read_manifest(kit: Path) -> dict[str, Any]:
    """Read the manifest of a kit.

    :raises Problem: there is none, or it was not written by labgen.
    """
    try:
        content = json.loads((kit / MANIFEST).read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise KitProblem(_("There is no kit in %(folder)s: it has no %(name)s.", folder=kit, name=MANIFEST)) from None
    except NotADirectoryError:
        raise KitProblem(_("%(folder)s is not a folder.", folder=kit)) from None
    except OSError as why:
        raise KitProblem(_("%(name)s cannot be read: %(reason)s.", name=MANIFEST, reason=why.strerror or why)) from None
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or not is_manifest(content):
        raise KitProblem(_("%(name)s was changed: it is not as labgen writes it.", name=MANIFEST))
    if content["format"] != FORMAT:
        raise KitProblem(_("This kit was made by another version of labgen. Use the check.py that lies in it."))
    if not content["complete"]:
        raise KitProblem(_("This kit is not complete: making it was interrupted. Make it again; that carries on."))
    return content


def is_manifest(content: Any) -> bool:
    """Tell whether a value that was read has the shape of a manifest."""
    shapes = {"format": int, "complete": bool, "platforms": dict, "pythons": list, "files": list}
    return (
        isinstance(content, dict)
        and all(isinstance(content.get(key), shape) for key, shape in shapes.items())
        and all(isinstance(entry, dict) and _is_file(entry) for entry in content["files"])
        and all(isinstance(entry, dict) and _is_platform(entry) for entry in content["platforms"].values())
    )


def _is_file(entry: dict[str, Any]) -> bool:
    path = entry.get("path")
    return (
        isinstance(path, str)
        and path.isprintable()
        and "\\" not in path
        and ":" not in path
        and all(part not in ("", ".", "..") for part in path.split("/"))
        and _is_size(entry.get("size"))
        and isinstance(entry.get("sha256"), str)
    )


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and 0 <= value < 1 << 63


def _is_platform(entry: dict[str, Any]) -> bool:
    commands = entry.get("commands")
    return (
        isinstance(entry.get("oldest"), dict)
        and all(isinstance(version, str) and _VERSION.match(version) for version in entry["oldest"].values())
        and _is_size(entry.get("room"))
        and isinstance(commands, dict)
        and all(
            isinstance(commands.get(key), list) and all(isinstance(line, str) for line in commands[key])
            for key in ("install", "use")
        )
    )


def problems_of_files(kit: Path, manifest: dict[str, Any]) -> Iterator[Message]:
    """Compare every file of a kit with the manifest, and name those that differ, are missing, or are too many."""
    for name in linked_folders(kit):
        yield _("changed: %(path)s is a link to another folder", path=name)
    for entry in manifest["files"]:
        path = kit.joinpath(*entry["path"].split("/"))
        try:
            size = path.stat().st_size
            if size != entry["size"]:
                yield _(
                    "changed: %(path)s has %(size)s bytes, and had %(expected)s",
                    path=entry["path"],
                    size=size,
                    expected=entry["size"],
                )
            elif digest(path) != entry["sha256"]:
                yield _("changed: %(path)s has another content (SHA-256)", path=entry["path"])
        except FileNotFoundError:
            yield _("missing: %(path)s", path=entry["path"])
        except OSError as why:
            yield _("unreadable: %(path)s: %(reason)s", path=entry["path"], reason=why.strerror or why)
    in_wheels = [name for name in surplus(kit, manifest) if name.split("/")[0] == OWN_FOLDERS[0]]
    for name in [*in_wheels, *modules(kit, manifest)]:
        yield _("surplus: %(path)s is not of this kit: remove it", path=name)


def linked_folders(kit: Path) -> list[str]:
    """List the kit's own folders that are links or junctions: what is read and written in them is elsewhere."""
    # Not is_junction: older versions of Python do not have it. Not resolve: links in a circle stop it.
    own = Path(os.path.realpath(str(kit)))
    return [name for name in OWN_FOLDERS if Path(os.path.realpath(str(kit / name))) != own / name]


def surplus(kit: Path, manifest: dict[str, Any]) -> list[str]:
    """List the files in a kit that the manifest does not name; what systems leave on a stick is left out."""
    listed = {entry["path"] for entry in manifest["files"]} | {MANIFEST}
    names = []
    for folder, folders, files in os.walk(str(kit)):
        # An environment of Python in the kit's folder has thousands of files.
        folders[:] = sorted(name for name in folders if not of_the_system(name) and not _is_environment(folder, name))
        names += [Path(folder, name).relative_to(kit).as_posix() for name in sorted(files) if not of_the_system(name)]
    return [name for name in names if name not in listed]


def modules(kit: Path, manifest: dict[str, Any]) -> list[str]:
    """List the modules and packages beside those of a kit: Python imports them where the kit's folder comes first."""
    listed = {entry["path"] for entry in manifest["files"]}
    return [
        path.name
        for path in sorted(kit.glob("*"))
        if path.name not in listed and (path.suffix.lower() in _MODULES or any(path.glob("__init__.*")))
    ]


def _is_environment(folder: str, name: str) -> bool:
    return name not in OWN_FOLDERS and Path(folder, name, "pyvenv.cfg").is_file()


def of_the_system(name: str) -> bool:
    """Tell whether a name is that of something that systems, or Python, leave in a folder."""
    return name.startswith(".") or name in _OF_THE_SYSTEM or name == "__pycache__"


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file in hexadecimal digits."""
    sum_so_far = hashlib.sha256()
    with path.open("rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            sum_so_far.update(block)
    return sum_so_far.hexdigest()


def problems_of_computer(manifest: dict[str, Any], computer: Computer) -> Iterator[Message]:
    """Say why labgen cannot be installed from the kit on this computer."""
    served = manifest["platforms"].get(computer.platform)
    if served is None:
        yield _(
            "The kit is not for this computer, which is %(platform)s. It is for: %(platforms)s.",
            platform=computer.platform,
            platforms=", ".join(manifest["platforms"]),
        )
        return
    pythons = ", ".join(map(str, manifest["pythons"]))
    if computer.python not in manifest["pythons"]:
        yield _(
            "The kit is not for Python %(python)s, which runs here. Start check.py with Python %(pythons)s.",
            python=computer.python,
            pythons=pythons,
        )
    if computer.bits != 64 or computer.kind != "cpython":
        yield _(
            "This Python (%(kind)s, %(bits)s bits) takes other packages. Install the usual one, of 64 bits, from "
            "python.org.",
            kind=computer.kind,
            bits=computer.bits,
        )
    for name, version in (("glibc", computer.glibc), ("macos", computer.macos)):
        oldest = served["oldest"].get(name, "")
        if version and oldest and _numbers(version) < _numbers(oldest):
            yield _(
                "This computer is too old: it has %(name)s %(version)s, and the packages need %(oldest)s.",
                name=name,
                version=version,
                oldest=oldest,
            )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def problems_of_room(manifest: dict[str, Any], computer: Computer, home: Path) -> Iterator[Message]:
    """Say where the disk with the user's folder is too full for the lab."""
    served = manifest["platforms"].get(computer.platform)
    try:
        free = shutil.disk_usage(str(home)).free
    except OSError:
        return
    if served is not None and free < served["room"]:
        yield _(
            "The disk of %(folder)s has %(free)s GiB free; the lab takes %(room)s GiB.",
            folder=home,
            free="%.1f" % (free / _GIB),
            room="%.0f" % (served["room"] / _GIB),
        )


def check(kit: Path, say: Callable[[Message], None], installed: bool, computer: Computer | None = None) -> int:
    """Check a kit, say what was found and what to type next, and give the exit status.

    :param installed: whether labgen is installed on this computer already.
    """
    computer = computer or this_computer()
    try:
        manifest = read_manifest(kit)
    except KitProblem as problem:
        say(problem.text)
        say(_("Type the command in the kit's folder, or name that folder behind it."))
        return DAMAGED
    total = sum(entry["size"] for entry in manifest["files"])
    say(_("Checking %(count)s files, %(size)s MiB ...", count=len(manifest["files"]), size=total >> 20))
    damaged = list(problems_of_files(kit, manifest))
    for text in damaged:
        say(text)
    faulty = (OWN_FOLDERS[0], *modules(kit, manifest))
    extra = [name for name in surplus(kit, manifest) if name.split("/")[0] not in faulty]
    if extra:
        say(_("Beside the kit, and not checked: %(files)s", files=", ".join(extra[:20])))
    if damaged:
        say(_("The kit is damaged: copy it again, whole, from where you have it."))
        return DAMAGED
    say(_("All files are as they were made. SHA-256 of the manifest: %(sum)s", sum=digest(kit / MANIFEST)))
    unsuitable = [*problems_of_computer(manifest, computer), *problems_of_room(manifest, computer, Path.home())]
    for text in unsuitable:
        say(text)
    if unsuitable:
        return UNSUITABLE
    say(
        _(
            "The kit is for this computer: %(name)s, Python %(version)s.",
            name=computer.platform,
            version=computer.python,
        )
    )
    say(_("Type next, in the kit's folder (start.html says what each command does):"))
    commands = manifest["platforms"][computer.platform]["commands"]
    for line in commands["use"] if installed else commands["install"] + commands["use"]:
        say(Message("  %(command)s", {"command": line.replace("{python}", computer.python)}))
    return WELL


def speaker(translations: dict[str, str]) -> Callable[[Message], None]:
    """Give a function that prints texts, translated where they can be."""

    def say(text: Message) -> None:
        try:
            line = translations.get(text.msgid, text.msgid) % text.values
        except (KeyError, TypeError, ValueError, ArithmeticError, MemoryError):
            line = text.msgid % text.values
        print("".join(letter if letter.isprintable() else "?" for letter in line), flush=True)

    return say


def _translations(kit: Path) -> dict[str, str]:
    try:
        content = json.loads((kit / TRANSLATIONS).read_bytes().decode("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    pairs = content.items() if isinstance(content, dict) else ()
    return {key: value for key, value in pairs if isinstance(value, str)}


def _language() -> str:
    name = next((os.environ[key] for key in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(key)), "")
    name = name or locale.setlocale(locale.LC_CTYPE, "") or ""
    return "ko" if name.lower().startswith(("ko", "korean")) else "en"


def main(words: list[str] | None = None) -> int:
    """Check the kit that this file lies in, or another one."""
    here = Path(__file__).resolve().parent
    parser = argparse.ArgumentParser(description="Check a classroom kit of labgen.")
    parser.add_argument(
        "kit", nargs="?", metavar="DIR", default=str(here), help="the kit (default: this file's folder)"
    )
    parser.add_argument("--lang", choices=("en", "ko"), help="language (default: that of this computer)")
    options = parser.parse_args(words)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    kit = Path(options.kit)
    try:
        language = options.lang or _language()
    except locale.Error:
        language = "en"
    return check(kit, speaker(_translations(kit) if language == "ko" else {}), installed=False)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
