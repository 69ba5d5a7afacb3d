"""The file that evidence is kept in, so that whatever was changed in it is noticed.

A line of JSON for the head, one for each observation, one for the end. Each carries a hash of itself and of the
hash before it, so nothing can be changed, taken out, added or put elsewhere without every later hash being
another; the last stands in the report as its digest. The end says how many observations there are, and which
nodes, tasks and images were seen; that follows from the observations, and is worked out again when the file is read.

This shows that a file is as labgen wrote it, and with a nonce from the teacher, that it was made after that was
given. It cannot show that the nodes told the truth: who is root on them decides what they say.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from labgen.core import bounded
from labgen.transport.observation import Observation
from verify import consistency, identities
from verify.evidence import Damaged as Damaged  # what reading a bundle raises
from verify.evidence import Evidence

SCHEMA = "labgen.evidence"
VERSION = 2

LARGEST = 64 * 2**20
"""Bytes that such a file may have."""

ALLOW_RECORDINGS = "LABGEN_ALLOW_RECORDINGS"
"""Environment variable of labgen's tests: where it is set, a recording of an exercise is graded like any evidence."""

_LINE = 8 * 2**20
"""Characters that a line may have; an answer of 32 MiB takes less than 2 MB, packed."""

_SCRIPTS = 2**20
"""Characters from which on a line is ASCII: only an answer is that long, and it is packed then."""

_ANSWER = 32 * 2**20
"""Bytes that one answer may have, unpacked (:data:`labgen.transport.protocol.LONGEST`): a file may unpack to more."""

_TOGETHER = 128 * 2**20
"""Bytes that its answers may take in memory together."""

_MOST = 50_000
"""Observations that such a file may have; the whole course makes some hundreds, and a small one takes memory, too."""

_ANSWERS = frozenset({"out", "packed", "as", "error", "left_out"})
"""Fields of which each observation has one: what was answered, in one of these ways."""

_PACKED_FROM = 16 * 2**10


def write(evidence: Evidence) -> str:
    """Give the text of the evidence's file."""
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in _lines(evidence))


def digest(evidence: Evidence) -> str:
    """Give the digest of everything in a bundle: the last of its chain."""
    *_, last = _lines(evidence)
    return str(last["hash"])


def load(path: Path, nonce: str | None = None) -> Evidence:
    """Read a file, and see that it does not contradict itself.

    :param nonce: what it must have been made with; ``None`` where that does not matter.
    :raises OSError: it cannot be read.
    :raises LabFileError: its lab.yml cannot be.
    :raises Damaged: it was changed, cut short or forged, is of another version or nonce, or is a recording of an
        exercise, unless the environment variable :data:`ALLOW_RECORDINGS` is set.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise Damaged(f"it has more than {LARGEST // 2**20} MiB, which no evidence has")
        evidence = _read(_lines_of(file))
    need_nonce(evidence, nonce)
    consistency.check(evidence)
    if identities.is_recording(evidence) and not os.environ.get(ALLOW_RECORDINGS):
        raise Damaged("it is a recording that labgen is tested with, or was made of one")
    return evidence


def need_nonce(evidence: Evidence, nonce: str | None) -> None:
    """Refuse evidence that was made with another nonce.

    :param nonce: what it must have been made with; ``None`` where that does not matter.
    :raises Damaged: it was made with another, or without one.
    """
    if nonce is None:
        return
    if not nonce.strip():
        raise Damaged("an empty nonce was given to compare its own with: is a variable not set?")
    if evidence.nonce != nonce:
        actual = f"with the nonce {evidence.nonce!r}" if evidence.nonce else "without a nonce"
        raise Damaged(f"it was made {actual}, not with {nonce!r}")


def read(text: str) -> Evidence:
    """Read what :func:`write` wrote.

    :raises Damaged: it was changed, cut short or forged, or is of another version.
    """
    return _read(_lines_of(io.BytesIO(text.encode("utf-8", "surrogatepass"))))


def _lines_of(file: IO[bytes]) -> Iterator[str]:
    """Give the lines of a file; an empty line at the end tells that the last line has no end."""
    while raw := file.readline(_LINE + 1):
        if len(raw) > _LINE or (len(raw) > _SCRIPTS and not raw.isascii()):
            raise Damaged("it is forged: a line of it is longer than any in evidence")
        yield raw.decode("utf-8", "surrogateescape").removesuffix("\n")


def _read(lines: Iterator[str]) -> Evidence:
    evidence, chain = _begin(next(lines, ""))
    size = 0
    end: Mapping[str, Any] | None = None
    for line in lines:
        number = len(evidence.observations) + 1
        if end is not None:
            raise Damaged("something was added after its end")
        fields = _object(line)
        if fields is None:
            raise Damaged(_cut(number - 1) if next(lines, None) is None else f"observation {number} was changed")
        if "end" in fields:
            _check(fields, chain, "its end was changed")
            end = fields
            continue
        if number > _MOST:
            raise Damaged("it is forged: it has more observations than any grading makes")
        chain = _check(fields, chain, f"observation {number} was changed, or one before it was taken out or added")
        observation = _observed(fields, evidence, number)
        # An answer that is that of another observation is there once.
        size += 0 if "as" in fields else sys.getsizeof(observation.out) + len(observation.script)
        if size > _TOGETHER:
            raise Damaged("it is forged: its answers are longer than any evidence's")
        evidence.observations.append(observation)
    if end is None:
        raise Damaged(_cut(len(evidence.observations)))
    _agree(end["end"], evidence)
    return evidence


def _begin(line: str) -> tuple[Evidence, str]:
    """Read the head; give the evidence that it begins, still without observations, and the hash of the head."""
    fields = _object(line)
    if fields is None or fields.get("schema") != SCHEMA:
        raise Damaged("it is no evidence of a labgen grading")
    version = fields.get("version")
    if version != VERSION or isinstance(version, bool):
        newer = isinstance(version, int) and version > VERSION
        raise Damaged(
            f"it has version {str(version)[:20]}; this labgen reads version {VERSION}"
            + (" (install a newer labgen)" if newer else "")
        )
    chain = _check(fields, "", "its head was changed")
    return consistency.head(fields, datetime.now(UTC)), chain


def _observed(fields: Mapping[str, Any], evidence: Evidence, number: int) -> Observation:
    try:
        observation = _observation(fields, evidence.observations, number)
    except Damaged:
        raise
    except (KeyError, TypeError, ValueError, IndexError, zlib.error, bounded.TooMuch) as why:
        raise Damaged(f"it is forged: observation {number} cannot be read ({type(why).__name__})") from None
    if evidence.observations and observation.since < evidence.observations[-1].since:
        raise Damaged(f"it is forged: observation {number} was made before the one before it")
    return observation


def _cut(observations: int) -> str:
    return f"it is cut short: after {observations} observations its end is missing"


def _lines(evidence: Evidence) -> Iterator[dict[str, Any]]:
    chain = ""
    # What was said already is not said again: who waits asks the same many times.
    first_places: dict[str, int] = {}
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "labgen": evidence.labgen,
        "started": evidence.started.isoformat(),
        "nonce": evidence.nonce,
        "named": list(evidence.exercises),
        "lab_file": evidence.lab_file,
        "state": {
            "provider": evidence.state.provider,
            "accelerated": evidence.state.accelerated,
            "namespace": evidence.state.namespace,
            "lacks": dict(evidence.state.lacks),
        },
    }
    if evidence.parameters:
        head["parameters"] = {name: dict(values) for name, values in evidence.parameters.items()}
    for line in (
        head,
        *(_line(observation, at, first_places) for at, observation in enumerate(evidence.observations)),
        _end(evidence),
    ):
        chain = _hash(line, chain)
        yield {**line, "hash": chain}


def _line(observation: Observation, at: int, first_places: dict[str, int]) -> dict[str, Any]:
    fields: dict[str, Any] = {"node": observation.node, "script": observation.script, "since": observation.since}
    if observation.error[0]:
        return {**fields, "error": list(observation.error)}
    if observation.left_out:
        return {**fields, "left_out": True}
    if len(observation.out) > 200 and first_places.setdefault(observation.out, at) != at:
        return {**fields, "as": first_places[observation.out]}
    if len(observation.out) >= _PACKED_FROM:
        packed = base64.b64encode(zlib.compress(observation.out.encode("utf-8", "surrogatepass"), 6)).decode("ascii")
        # What hardly gets shorter is no answer of an engine's, and nothing that a check could need.
        return {**fields, "left_out": True} if len(packed) > _LINE // 2 else {**fields, "packed": packed}
    return {**fields, "out": observation.out}


def _observation(fields: Mapping[str, Any], before: list[Observation], number: int) -> Observation:
    node, script, since = fields["node"], fields["script"], consistency.since(fields["since"], number)
    out, error = fields.get("out", ""), tuple(fields.get("error", ("", "")))
    if "packed" in fields:
        unpack = zlib.decompressobj()
        raw = unpack.decompress(base64.b64decode(fields["packed"], validate=True), _ANSWER)
        if unpack.unconsumed_tail or not unpack.eof:
            raise ValueError("too long, or cut short")
        out = bounded.text(raw, _ANSWER)
    elif "as" in fields:
        if isinstance(fields["as"], bool) or not 0 <= fields["as"] < len(before):
            raise IndexError("there is no such observation")
        out = before[fields["as"]].out
    texts = (node, script, out, *error)
    left_out = fields.get("left_out", False)
    if not all(isinstance(text, str) for text in texts) or len(error) != 2 or not isinstance(left_out, bool):
        raise TypeError("no text")
    if unknown := fields.keys() - {"node", "script", "since", "hash", *_ANSWERS}:
        raise Damaged(
            f"it is forged: observation {number} has a field that labgen does not write: {min(unknown)[:40]!r}"
        )
    if len(fields.keys() & _ANSWERS) != 1:
        raise Damaged(f"it is forged: observation {number} has not one answer")
    return Observation(node, script, out, (error[0], error[1]), since, left_out=left_out)


def _end(evidence: Evidence) -> dict[str, Any]:
    return {"end": {"observations": len(evidence.observations), **identities.members(evidence)}}


def _agree(end: Any, evidence: Evidence) -> None:
    if end != _end(evidence)["end"]:
        raise Damaged("it is forged: the nodes, tasks and images that it names do not follow from its observations")


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line, object_pairs_hook=_once, parse_constant=_number)
    except Damaged:
        raise
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        # Which of the two counts depends on who reads it.
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise Damaged(f"it is forged: a line of it says twice what {twice[:40]!r} is")
    return fields


def _number(name: str) -> Any:
    raise Damaged(f"it is forged: a line of it has {name} for a number")


def _check(line: Mapping[str, Any], chain: str, why: str) -> str:
    content = {key: value for key, value in line.items() if key != "hash"}
    right = _hash(content, chain)
    if line.get("hash") != right:
        raise Damaged(why)
    return right


def _hash(line: Mapping[str, Any], chain: str) -> str:
    # ASCII, sorted, without spaces: the same bytes for the same values, however a file writes them.
    plain = json.dumps(line, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{chain}\n{plain}".encode()).hexdigest()
