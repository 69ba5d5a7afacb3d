"""A command's streams and its end: no stack trace, whatever became of them.

Used by every command line of the project: ``labgen``, ``python -m provision``, ``python -m labgen.apps.grading``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from labgen.core import signals
from labgen.core.errors import INTERRUPTED, HostError, LabgenError
from labgen.core.i18n import Text, _, ui_language
from labgen.core.printable import printable

TRACEBACK = "LABGEN_TRACEBACK"
"""Environment variable: set, an error that labgen did not expect is raised, with its stack trace."""

_READER_HAS_LEFT = 1


@dataclass
class RunningCommand:
    """A command that runs.

    :param status: its exit status; :func:`guarded` sets it where the command raises an error.
    """

    status: int = 0


@contextlib.contextmanager
def guarded() -> Iterator[RunningCommand]:
    """Have the block end with an exit status, also where it fails, is interrupted, or cannot print.

    The block sets ``status``, or raises an error (see :mod:`labgen.core.errors`).

    :raises SystemExit: the block did, as the parser of a command line does.
    """
    command = RunningCommand()
    open_streams()
    try:
        with signals.as_interrupts():
            yield command
            sys.stdout.flush()
        status = command.status
    except KeyboardInterrupt:
        status = _print_error(
            _("\nInterrupted. Run the same command again: it carries on.").in_(ui_language()), INTERRUPTED
        )
    except LabgenError as error:
        status = _print_error(_error(error).in_(ui_language()), error.exit_status)
    except SystemExit as end:
        raise SystemExit(_flush(end.code) if isinstance(end.code, int) else end.code) from None
    except BrokenPipeError:
        # `labgen status | head`: not an error, and nothing is to be said to a reader who has left.
        status = _READER_HAS_LEFT
    except OSError as error:
        if not _is_of_output(error) and os.environ.get(TRACEBACK):
            raise
        status = _not_written(error) if _is_of_output(error) else _unexpected(error)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        status = _unexpected(error)
    command.status = _flush(status)


def _error(error: LabgenError) -> Text:
    return _("error: %(text)s", text=error.in_(ui_language()))


def need_working_folder() -> None:
    """Refuse a working folder that was removed meanwhile.

    :raises HostError: it was.
    """
    try:
        Path.cwd()
    except OSError:
        raise HostError(_("the working folder no longer exists."), _("Change to a folder that exists: cd")) from None


def _is_of_output(error: OSError) -> bool:
    # Writing to a stream names no file. What labgen writes to files is told by those who write it.
    return error.filename is None and error.errno in (errno.ENOSPC, errno.EFBIG, errno.EIO, errno.EBADF)


def _not_written(error: OSError) -> int:
    _silence(sys.stdout)
    text = _(
        "error: the output cannot be written: %(reason)s.\n  Write it to another file, or make room on that disk.",
        reason=error.strerror,
    )
    return _print_error(text.in_(ui_language()), HostError.exit_status)


def _unexpected(error: Exception) -> int:
    """Print an error that is none of labgen's own."""
    if isinstance(error, OSError):
        file = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
        return _print_error(
            _(
                "error: %(reason)s.\n  Check that file, its folder's permissions and the disk.",
                reason=f"{file}{error.strerror or error}",
            ).in_(ui_language()),
            HostError.exit_status,
        )
    if isinstance(error, MemoryError):
        return _print_error(
            _("error: this computer has not enough memory for it.").in_(ui_language()), HostError.exit_status
        )
    return _print_error(
        _(
            "error: labgen itself failed: %(error)s\n"
            "  Please report it: set %(variable)s=1, run the same command again, and add what `labgen support` writes.",
            error=f"{type(error).__name__}: {error}",
            variable=TRACEBACK,
        ).in_(ui_language()),
        LabgenError.exit_status,
    )


def _print_error(text: str, status: int) -> int:
    # What the command has printed so far comes first.
    with contextlib.suppress(OSError):
        sys.stdout.flush()
    with contextlib.suppress(OSError):
        print(printable(text), file=sys.stderr, flush=True)
    return status


def _flush(status: int) -> int:
    """Write out what is still to be printed, so that Python does not fail to do so when it ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            _silence(stream)
            status = status or _READER_HAS_LEFT
        except OSError as why:
            _silence(stream)
            failed = _not_written(why) if stream is sys.stdout else HostError.exit_status
            status = status or failed
    return status


def _silence(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def say(text: Text, stream: TextIO | None = None) -> None:
    """Print a text in the user's language.

    :param stream: standard output where left out.
    """
    print(text.in_(ui_language()), file=stream, flush=True)


def warn(text: Text) -> None:
    """Print a warning in the user's language, on standard error."""
    say(_("warning: %(text)s", text=text), sys.stderr)


def open_streams() -> None:
    """Give this process three standard streams that speak UTF-8, also where it was started without (``>&-``).

    A file that is opened would otherwise take the number of a stream that is closed, and programs that are started
    would print into it.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                _fill(number)
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - for good
    speak_utf8()


def _fill(number: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != number:
        os.dup2(nowhere, number)
        os.close(nowhere)
    os.set_inheritable(number, True)


def speak_utf8() -> None:
    """Print UTF-8 whatever the code page of a Windows console or pipe is, and whatever a path holds.

    Bytes of a path that are not UTF-8 come out as they are, so that `labgen box path` can be used.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace" if os.name == "nt" else "surrogateescape")
