"""One lock per lab folder: commands that change a lab, or act on it, do not run side by side.

The lock is the operating system's, on ``.labgen/lock``: it goes with the process that holds it, however that ends.
``.labgen/lock.json`` beside it only says who that is: for people, and for a command that the holder has started,
which finds the holder's token in its environment and goes on under the lock of its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from labgen.core.atomic_files import read, write_whole
from labgen.core.errors import FolderLocked, HostError
from labgen.core.i18n import Text, _, ui_language
from labgen.core.polling import NotYet, wait_until

HANDED_ON = "LABGEN_LOCK"
"""Environment variable in which a command hands the token of its lock on to the commands that it starts."""

GRADING_WAITS = 60.0
"""Seconds that a grading waits for another command to end."""

_HINT = _("Wait until it has ended, or end it, then run this command again.")


class Folder(Protocol):
    """A folder that one command at a time works on."""

    @property
    def path(self) -> Path:
        """The folder itself."""
        ...

    @property
    def own(self) -> Path:
        """labgen's own folder inside."""
        ...


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    :param command: what was typed, about.
    :param since: local time, ``2026-11-28 15:20:01``.
    :param token: random, and of this one holding only.
    """

    command: str
    pid: int
    since: str
    token: str

    @property
    def title(self) -> Text:
        """Name the holder for people."""
        return _(
            "`%(command)s` (process %(pid)s, since %(since)s)", command=self.command, pid=self.pid, since=self.since
        )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def folder_lock(
    folder: Folder, command: str, *, wait: float = 0.0, say: Callable[[str], None] = _tell
) -> Iterator[None]:
    """Hold a lab folder's lock; where a parent process holds it already, go on under that.

    :param command: who holds it, for the message that another command gets.
    :param wait: seconds to wait for another command to end; that it waits is told to ``say``.
    :raises FolderLocked: another command holds it; says which.
    :raises HostError: the folder cannot be written to.
    """
    with _own_folder(folder):
        lock = FileLock(folder.own / "lock")
        if not _try(lock, folder):
            holder = holder_of(folder)
            if holder is not None and holder.token == os.environ.get(HANDED_ON):
                yield
                return
            _wait(lock, folder, wait, say)
        try:
            with _written_down(folder, command):
                yield
        finally:
            lock.release()


def holder_of(folder: Folder) -> Holder | None:
    """Read who holds the lock, or held it last; ``None`` where that is not written down."""
    try:
        return Holder(**json.loads(read(_note(folder)) or ""))
    except (ValueError, TypeError, HostError):
        return None


def _note(folder: Folder) -> Path:
    return folder.own / "lock.json"


def _try(lock: FileLock, folder: Folder) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    except OSError as why:
        raise HostError(
            _("%(own)s cannot be locked: %(value)s.", own=folder.own / "lock", value=why.strerror or why),
            _("Check the folder's permissions."),
        ) from None
    return True


def _wait(lock: FileLock, folder: Folder, within: float, say: Callable[[str], None]) -> None:
    """Wait for the lock, if there is time for it."""

    def attempt() -> None:
        if not _try(lock, folder):
            raise NotYet("it has not ended")

    if not within:
        raise FolderLocked(_("this lab is in use by %(holder)s.", holder=_title(folder)), _HINT)
    waiting = _(
        "This lab is in use by %(holder)s. Waiting up to %(seconds)s s for it to end.",
        holder=_title(folder),
        seconds=f"{within:.0f}",
    )
    say(waiting.in_(ui_language()))
    try:
        wait_until("the other command to end", attempt, within=within, every=0.2, error=FolderLocked)
    except FolderLocked:
        still = _(
            "this lab is still in use by %(holder)s, after %(seconds)s s.",
            holder=_title(folder),
            seconds=f"{within:.0f}",
        )
        raise FolderLocked(still, _HINT) from None


def _title(folder: Folder) -> Text:
    """Name who holds a folder's lock, for people."""
    holder = holder_of(folder)
    return holder.title if holder else _("another command")


@contextlib.contextmanager
def _written_down(folder: Folder, command: str) -> Iterator[None]:
    """Write down who holds the lock, and hand its token on to what this process starts."""
    token, outer = secrets.token_hex(16), os.environ.get(HANDED_ON)
    since = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S")
    note = json.dumps(asdict(Holder(command, os.getpid(), since, token)))
    write_whole(_note(folder), note + "\n", mode=0o600)
    os.environ[HANDED_ON] = token
    try:
        yield
    finally:
        del os.environ[HANDED_ON]
        if outer is not None:
            os.environ[HANDED_ON] = outer
        _note(folder).unlink(missing_ok=True)


@contextlib.contextmanager
def _own_folder(folder: Folder) -> Iterator[None]:
    """Make labgen's own folder where it is missing; where nothing else has come into it, take it away again."""
    try:
        missing = [path for path in (folder.own, folder.path) if not path.exists()]
        folder.own.mkdir(parents=True, exist_ok=True)
    except OSError as why:
        raise HostError(
            _("%(own)s cannot be made: %(value)s.", own=folder.own, value=why.strerror or why),
            _("Check the folder's permissions."),
        ) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if missing and [path.name for path in folder.own.iterdir()] == ["lock"]:
                (folder.own / "lock").unlink()
            for path in missing:
                path.rmdir()
