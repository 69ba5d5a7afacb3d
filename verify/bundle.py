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
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from labgen.capabilities import Capability
from labgen.folder import State
from verify.evidence import Evidence
from verify.observation import Observation
from verify.report.model import Bundle

SCHEMA = "labgen.evidence"
VERSION = 2

LARGEST = 64 * 2**20
"""Bytes that such a file may have."""

_UNPACKED = 256 * 2**20
"""Characters that its answers may have together: what is packed may have been made to burst."""

_PACKED_FROM = 16 * 2**10
_TOLD = 2000
"""Tasks, nodes and images that the end names; of more, how many there are."""


class Damaged(ValueError):
    """The file is not what it should be; the message says in which way."""


def write(evidence: Evidence) -> str:
    """The file's text."""
    return "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in _lines(evidence))


def bundle(evidence: Evidence) -> Bundle:
    """What a report says of it."""
    *_, last = _lines(evidence)
    return Bundle(last["hash"], evidence.nonce, len(evidence.observations))


def load(path: Path, nonce: str | None = None) -> Evidence:
    """Read a file.

    :param nonce: what it must have been made with; ``None`` where that does not matter.
    :raises OSError: it cannot be read.
    :raises Damaged: it was changed, cut short or forged, or is of another version or nonce.
    """
    if path.stat().st_size > LARGEST:
        raise Damaged(f"it has more than {LARGEST // 2**20} MiB, which no evidence has")
    evidence = read(path.read_text(encoding="utf-8", errors="surrogateescape"))
    if nonce is not None and evidence.nonce != nonce:
        there = f"with the nonce {evidence.nonce!r}" if evidence.nonce else "without a nonce"
        raise Damaged(f"it was made {there}, not with {nonce!r}")
    return evidence


def read(text: str) -> Evidence:
    """What :func:`write` wrote.

    :raises Damaged: it was changed, cut short or forged, or is of another version.
    """
    first, *lines = text.split("\n")
    head = _object(first)
    if head is None or head.get("schema") != SCHEMA:
        raise Damaged("it is no evidence of a labgen grading")
    if head.get("version") != VERSION:
        newer = isinstance(head.get("version"), int) and head["version"] > VERSION
        raise Damaged(
            f"it has version {head.get('version')}; this labgen reads version {VERSION}"
            + (" (install a newer labgen)" if newer else "")
        )
    chain = _check(head, "", "its head was changed")
    evidence = _evidence(head)
    unpacked = 0
    last = lines.pop() if lines else ""
    if last:
        lines.append(last)  # cut off in the middle of a line, or without its last line end
    for at, line in enumerate(lines):
        told = _object(line)
        number = len(evidence.observations) + 1
        if told is None:
            raise Damaged(_cut(number - 1) if at == len(lines) - 1 else f"observation {number} was changed")
        if "end" in told:
            if at != len(lines) - 1:
                raise Damaged("something was added after its end")
            _check(told, chain, "its end was changed")
            _agree(told["end"], evidence)
            return evidence
        chain = _check(told, chain, f"observation {number} was changed, or one before it was taken out or added")
        try:
            one = _observation(told, evidence.observations)
        except (KeyError, TypeError, ValueError, IndexError, zlib.error) as why:
            raise Damaged(f"it is forged: observation {number} cannot be read ({type(why).__name__})") from None
        unpacked += len(one.out)
        if unpacked > _UNPACKED:
            raise Damaged("it is forged: its answers are longer than any evidence's")
        if evidence.observations and one.since < evidence.observations[-1].since:
            raise Damaged(f"it is forged: observation {number} was made before the one before it")
        evidence.observations.append(one)
    raise Damaged(_cut(len(evidence.observations)))


def _cut(observations: int) -> str:
    return f"it is cut short: after {observations} observations its end is missing"


def _lines(evidence: Evidence) -> Iterator[dict[str, Any]]:
    chain = ""
    # What was said already is not said again: who waits asks the same many times.
    said: dict[str, int] = {}
    head: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "labgen": evidence.labgen,
        "started": evidence.started.isoformat(),
        "nonce": evidence.nonce,
        "named": list(evidence.named),
        "lab_file": evidence.lab_file,
        "state": asdict(evidence.state),
    }
    for line in (head, *(_line(one, at, said) for at, one in enumerate(evidence.observations)), _end(evidence)):
        chain = _hash(line, chain)
        yield {**line, "hash": chain}


def _line(one: Observation, at: int, said: dict[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {"node": one.node, "script": one.script, "since": one.since}
    if one.error[0]:
        return {**told, "error": list(one.error)}
    if one.left_out:
        return {**told, "left_out": True}
    if len(one.out) > 200 and said.setdefault(one.out, at) != at:
        return {**told, "as": said[one.out]}
    if len(one.out) >= _PACKED_FROM:
        packed = zlib.compress(one.out.encode("utf-8", "surrogatepass"), 6)
        return {**told, "packed": base64.b64encode(packed).decode("ascii")}
    return {**told, "out": one.out}


def _observation(told: Mapping[str, Any], before: list[Observation]) -> Observation:
    node, script, since = told["node"], told["script"], told["since"]
    out, error = told.get("out", ""), tuple(told.get("error", ("", "")))
    if "packed" in told:
        unpack = zlib.decompressobj()
        raw = unpack.decompress(base64.b64decode(told["packed"], validate=True), _UNPACKED)
        if unpack.unconsumed_tail:
            raise ValueError("too long")
        out = raw.decode("utf-8", "surrogatepass")
    elif "as" in told:
        if not 0 <= told["as"] < len(before):
            raise IndexError("there is no such observation")
        out = before[told["as"]].out
    texts = (node, script, out, *error)
    if not all(isinstance(text, str) for text in texts) or len(error) != 2 or isinstance(since, bool):
        raise TypeError("no text")
    return Observation(node, script, out, (error[0], error[1]), float(since), left_out=bool(told.get("left_out")))


def _evidence(head: Mapping[str, Any]) -> Evidence:
    try:
        state = head["state"]
        lacks = {Capability(name): str(why) for name, why in state["lacks"].items()}
        return Evidence(
            lab_file=str(head["lab_file"]),
            state=State(**{**state, "lacks": lacks}),
            nonce=str(head["nonce"]),
            started=datetime.fromisoformat(head["started"]),
            labgen=str(head["labgen"]),
            named=tuple(map(str, head["named"])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as why:
        raise Damaged(f"it is forged: its head cannot be read ({type(why).__name__})") from None


def _end(evidence: Evidence) -> dict[str, Any]:
    return {"end": {"observations": len(evidence.observations), **identities(evidence)}}


def _agree(end: Any, evidence: Evidence) -> None:
    if end != _end(evidence)["end"]:
        raise Damaged("it is forged: the nodes, tasks and images that it names do not follow from its observations")


def identities(evidence: Evidence) -> dict[str, Any]:
    """Which nodes, tasks and images were seen, with their ids and digests, as the engines told them last."""
    answers = {(one.node, one.script): one.out for one in evidence.observations if "http://engine/" in one.script}
    nodes: dict[str, str] = {}
    tasks: dict[str, list[str]] = {}
    images: set[str] = set()
    for out in dict.fromkeys(answers.values()):
        for told in _told(out):
            spec = told.get("Spec") if isinstance(told.get("Spec"), dict) else {}
            image = _at(spec, "ContainerSpec", "Image") or _at(spec, "TaskTemplate", "ContainerSpec", "Image")
            name = _at(told, "Description", "Hostname")
            key = told.get("ID")
            if isinstance(image, str):
                images.add(image)
            if isinstance(key, str) and isinstance(name, str):
                nodes[key] = name
            elif isinstance(key, str) and "ServiceID" in told:
                tasks[key] = [str(told.get("ServiceID")), str(told.get("NodeID")), str(image or "")]
    return {
        "nodes": dict(sorted(nodes.items())[:_TOLD]),
        "tasks": dict(sorted(tasks.items())[:_TOLD]),
        "images": sorted(images)[:_TOLD],
        "counted": {"nodes": len(nodes), "tasks": len(tasks), "images": len(images)},
    }


def _told(out: str) -> Iterator[dict[str, Any]]:
    for line in out.split("\n"):
        if line[:1] in ("[", "{"):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _check(line: Mapping[str, Any], chain: str, why: str) -> str:
    told = {key: value for key, value in line.items() if key != "hash"}
    right = _hash(told, chain)
    if line.get("hash") != right:
        raise Damaged(why)
    return right


def _hash(line: Mapping[str, Any], chain: str) -> str:
    # ASCII, sorted, without spaces: the same bytes for the same values, however a file writes them.
    plain = json.dumps(line, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{chain}\n{plain}".encode()).hexdigest()
