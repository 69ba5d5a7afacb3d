"""Downloading a large file: from the first of several addresses that has it, resumed where it stopped, verified.

What has come so far stands beside the file, under a name that ends in ``.part``, and the next run continues it with
an HTTP range. The file gets its own name only after its checksum was found right.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit
from urllib.request import url2pathname

from labgen.boxes.cloud_images import Checksum
from labgen.core.atomic_files import give_to_user
from labgen.core.errors import BoxError
from labgen.core.i18n import NOTHING, Text, _, sentences, untranslated

_STALLED = 60.0
"""Seconds without a byte after which an address is given up."""

_BLOCK = 1 << 20
_SUMS_LIMIT = 1 << 20
"""Bytes of a sums file that are read at most."""

AGENT = "labgen"


class Unavailable(Exception):
    """An address does not give the file; says why.

    :ivar words: why, in every language.
    :ivar gone: the server has answered that it is not there (404 or 410).
    """

    def __init__(self, why: Text, *, gone: bool = False) -> None:
        super().__init__(str(why))
        self.words = why
        self.gone = gone


class Gone(BoxError):
    """Every server that decides has answered that it does not have the file (404 or 410)."""


def fetch(
    addresses: Sequence[str],
    target: Path,
    checksum: Checksum,
    *,
    mirror: str = "",
    on_progress: Callable[[Text], None] = lambda _text: None,
) -> Path:
    """Download a file to ``target`` unless it is there, and verify it.

    :param addresses: where it is: http, https or file URLs, or paths; tried in this order.
    :param mirror: the one of them whose silence says nothing of whether the file was removed elsewhere.
    :param on_progress: gets a line such as ``120 of 341 MiB from cloud.debian.org``.
    :raises Gone: every server but the mirror answers that it has no such file.
    :raises BoxError: no address gives the right file, or the disk is full. What has come of it is kept.
    """
    if target.is_file():
        if digest(target, checksum.algorithm) == checksum.digest:
            return target
        target.unlink()
    part = target.with_name(f"{target.name}.part")
    reasons: dict[str, Unavailable] = {}
    for address in addresses:
        try:
            _complete(address, part, checksum, on_progress)
        except Unavailable as why:
            reasons[address] = why
            continue
        except OSError as why:
            raise _disk_error(why, part) from None
        part.replace(target)
        give_to_user(target)
        return target
    decisive = [why for address, why in reasons.items() if address != mirror] or [*reasons.values()]
    gone = bool(decisive) and all(why.gone for why in decisive)
    raise (Gone if gone else BoxError)(*_refusal(target.name, reasons.values(), part, gone))


def digest(path: Path, algorithm: str) -> str:
    """Compute the checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def published_checksum(sums: str, file: str) -> Checksum:
    """Read the checksum of a file in a distribution's SHA256SUMS or SHA512SUMS file.

    :param sums: its address; only https is taken, because the answer is believed.
    :raises BoxError: it does not answer, or has no line for the file.
    """
    if urlsplit(sums).scheme != "https":
        raise BoxError(_("%(url)s is not an https address.", url=sums), _("A checksum is taken over https only."))
    try:
        with _open(sums) as response:
            if urlsplit(response.url).scheme != "https":
                raise Unavailable(_("it leads to %(url)s, which is not https", url=response.url))
            text = response.read(_SUMS_LIMIT).decode("utf-8", "replace")
    except (Unavailable, OSError, http.client.HTTPException) as why:
        reason = why.words if isinstance(why, Unavailable) else _reason(why)
        raise BoxError(_("%(path)s cannot be read: %(reason)s.", path=sums, reason=reason), _NETWORK_HINT) from None
    for line in text.splitlines():
        digits, _space, name = line.partition(" ")
        if name.strip().removeprefix("*") == file:
            return Checksum.parse(digits)
    raise BoxError(_("%(url)s has no checksum of %(file)s.", url=sums, file=file), _NETWORK_HINT)


_NETWORK_HINT = _(
    "Check the network (HTTPS_PROXY, if there is a proxy), then type the command again: it carries on. "
    "Or copy the image from another computer: labgen box make --image FILE"
)

_MAKE_ROOM = _(
    "Free some room (labgen box prune), or set XDG_CACHE_HOME to a folder on a larger disk; then type the command "
    "again."
)


def room(needed: int, free: int) -> Text:
    """Say how much room is missing on a disk.

    :param needed: bytes, as is ``free``.
    """
    return _("%(needed)s MiB are needed, and %(free)s are free", needed=needed >> 20, free=free >> 20)


def _complete(address: str, part: Path, checksum: Checksum, on_progress: Callable[[Text], None]) -> None:
    """Bring ``part`` to its end from an address, and verify it; what was damaged is downloaded once more."""
    resumed = part.is_file() and part.stat().st_size > 0
    if resumed and digest(part, checksum.algorithm) == checksum.digest:
        return  # everything had come before the last run was ended
    _receive(address, part, on_progress)
    actual = digest(part, checksum.algorithm)
    if actual == checksum.digest:
        return
    part.unlink()
    if resumed:  # the beginning may be of another file, or damaged
        _receive(address, part, on_progress)
        actual = digest(part, checksum.algorithm)
        if actual == checksum.digest:
            return
        part.unlink()
    raise Unavailable(
        _(
            "%(host)s: the file is cut off or changed (its %(algorithm)s is %(digest)s…)",
            host=_host(address),
            algorithm=checksum.algorithm,
            digest=actual[:16],
        )
    )


def _receive(address: str, part: Path, on_progress: Callable[[Text], None]) -> None:
    offset = part.stat().st_size if part.is_file() else 0
    try:
        with _open(address, offset) as response:
            start = _start(response, offset)
            length = response.headers.get("Content-Length", "")
            total = start + int(length) if length.isdigit() else None
            if total is not None:
                _need_room(part.parent, total - start)
            received = _write(response, part, start, total, _host(address), on_progress)
    except http.client.HTTPException as why:
        raise _broken(_host(address), why) from None
    if total is not None and received < total:
        raise Unavailable(
            _(
                "%(host)s: the connection ended after %(received)s of %(total)s bytes",
                host=_host(address),
                received=received,
                total=total,
            )
        )


def _write(
    response: IO[bytes], part: Path, start: int, total: int | None, host: str, on_progress: Callable[[Text], None]
) -> int:
    position = start
    with part.open("r+b" if start else "wb") as sink:
        sink.seek(start)
        for block in _blocks(response, host):
            sink.write(block)
            position += len(block)
            on_progress(_received(position, total, host))
        sink.truncate()
    return position


def _received(position: int, total: int | None, host: str) -> Text:
    if total is None:
        return _("%(received)s MiB from %(host)s", received=position >> 20, host=host)
    return _("%(received)s of %(total)s MiB from %(host)s", received=position >> 20, total=total >> 20, host=host)


def _blocks(response: IO[bytes], host: str) -> Iterator[bytes]:
    while True:
        try:
            block = response.read(_BLOCK)
        except OSError as why:  # of the network: the disk is not touched here
            raise _broken(host, why) from None
        if not block:
            return
        yield block


def _broken(host: str, why: Exception) -> Unavailable:
    return Unavailable(_("%(host)s: %(reason)s", host=host, reason=_reason(why)))


def _open(address: str, offset: int = 0) -> http.client.HTTPResponse:
    """Open an address, from an offset on.

    :raises Unavailable: it does not answer, or refuses.
    """
    try:
        url = address if "://" in address else Path(address).expanduser().resolve().as_uri()
        scheme = urlsplit(url).scheme
        path = Path(url2pathname(urlsplit(url).path)) if scheme == "file" else None
        is_file = path is None or path.is_file() or not path.exists()
    except (ValueError, RuntimeError) as why:
        raise Unavailable(_("%(url)s is no address: %(reason)s", url=address, reason=why)) from None
    if scheme not in ("http", "https", "file"):
        raise Unavailable(_("%(url)s: only http, https and file addresses can be read", url=address))
    if not is_file:  # a pipe would be waited for
        raise Unavailable(_("%(url)s is not a file", url=address))
    request = urllib.request.Request(url, headers={"User-Agent": AGENT})  # noqa: S310 - the scheme is checked
    if offset:
        request.add_header("Range", f"bytes={offset}-")
    try:
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=_STALLED)  # noqa: S310
    except urllib.error.HTTPError as why:
        with why:
            if why.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and offset:
                return _open(address)
            raise Unavailable(
                _("%(host)s answers %(code)s %(words)s", host=_host(address), code=why.code, words=why.reason),
                gone=why.code in (404, 410),
            ) from None
    except (OSError, http.client.HTTPException, ValueError) as why:
        raise Unavailable(_("%(host)s does not answer: %(reason)s", host=_host(address), reason=_reason(why))) from None
    return response


def _start(response: http.client.HTTPResponse, offset: int) -> int:
    """Give the byte at which an answer begins: 0 from a server that knows no ranges."""
    sent = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return offset if sent and int(sent[1]) == offset else 0


def _need_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size:
        raise full(folder, room(size, free))


def _disk_error(why: OSError, part: Path) -> BoxError:
    if why.errno == errno.ENOSPC:
        return full(part.parent, untranslated(why.strerror or str(why)))
    return BoxError(
        _("%(path)s cannot be written: %(reason)s.", path=part, reason=why.strerror or why),
        _("Check the folder's permissions and the disk."),
    )


def _refusal(name: str, reasons: Iterable[Unavailable], part: Path, gone: bool) -> tuple[Text, Text]:
    """Say why no address gives the file, and what to do."""
    listed = [reason.words.changed("  - {}".format) for reason in {reason.words: reason for reason in reasons}.values()]
    size = part.stat().st_size >> 20 if part.is_file() else 0
    so_far = _("%(size)s MiB of it are kept.", size=size) if size else NOTHING
    words = sentences(_("%(file)s cannot be downloaded:", file=name), *listed, separator="\n")
    hint = _("Check the address.") if gone else _NETWORK_HINT
    return words, sentences(so_far, hint)


def full(folder: Path, why: Text) -> BoxError:
    """Make the error of a disk without room."""
    return BoxError(_("The disk of %(path)s is full: %(reason)s.", path=folder, reason=why), _MAKE_ROOM)


def _host(address: str) -> str:
    with contextlib.suppress(ValueError):
        return urlsplit(address).netloc.rpartition("@")[2] or address
    return address


def _reason(why: BaseException) -> str:
    inner = getattr(why, "reason", why)
    text = str(getattr(inner, "strerror", None) or inner or type(inner).__name__)
    return " ".join(text.split())  # what a server sent in place of an answer may have line ends
