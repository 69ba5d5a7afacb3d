"""The same tree is the same image, byte for byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

from labgen.images import oci
from tests import needs


def tree(place: Path, when: int) -> Path:
    needs.posix("links and permission bits")
    (place / "bin").mkdir(parents=True)
    (place / "bin" / "sh").symlink_to("busybox")
    (place / "bin" / "busybox").write_bytes(b"program")
    (place / "bin" / "busybox").chmod(0o755)
    for path in place.rglob("*"):
        os.utime(path, (when, when), follow_symlinks=False)
    return place


def blob(layout: Path, digest: str) -> bytes:
    return (layout / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_bytes()


def test_oci_digest_does_not_depend_on_when(tmp_path: Path) -> None:
    digests = {
        oci.write(tree(tmp_path / f"t{when}", when), tmp_path / f"l{when}", settings={"Cmd": ["sh"]}, made_by="x")
        for when in (1, 1_700_000_000)
    }
    assert len(digests) == 1


def test_oci_every_name_of_a_blob_is_its_digest_and_the_layer_is_the_tree(tmp_path: Path) -> None:
    layout = tmp_path / "layout"
    digest = oci.write(tree(tmp_path / "tree", 5), layout, settings={"Cmd": ["sh"]}, made_by="x")
    for path in (layout / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    manifest = json.loads(blob(layout, digest))
    config = json.loads(blob(layout, manifest["config"]["digest"]))
    plain = gzip.decompress(blob(layout, manifest["layers"][0]["digest"]))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(plain).hexdigest()}"]
    assert config["config"] == {"Cmd": ["sh"]}
    with tarfile.open(fileobj=io.BytesIO(plain)) as layer:
        entries = {entry.name: (entry.mode, entry.mtime) for entry in layer if entry.isreg()}
        assert layer.getmember("bin/sh").linkname == "busybox"
    assert entries == {"bin/busybox": (0o755, oci.EPOCH)}
