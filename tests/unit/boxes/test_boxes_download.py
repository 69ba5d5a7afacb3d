"""Downloading an image: from several addresses, resumed, verified, and what is said where none gives it."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from collections import namedtuple
from pathlib import Path

import pytest
from mirror import Mirror, serve_https

from labgen.boxes import download
from labgen.boxes.cloud_images import Checksum
from labgen.core.errors import BoxError
from labgen.core.i18n import Text

IMAGE = random.Random(1).randbytes(3_000_000)
CHECKSUM = Checksum("sha512", hashlib.sha512(IMAGE).hexdigest())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "image.qcow2"


def part(target: Path) -> Path:
    return target.with_name("image.qcow2.part")


def test_fetch_gives_the_file_and_leaves_no_part(mirror: Mirror, target: Path) -> None:
    mirror.files["a"] = IMAGE
    lines: list[Text] = []
    assert download.fetch([mirror.url + "a"], target, CHECKSUM, on_progress=lines.append) == target
    assert target.read_bytes() == IMAGE
    assert not part(target).exists()
    assert str(lines[-1]).startswith("2 of 2 MiB from 127.0.0.1:")


def test_fetch_of_a_file_that_is_there_asks_nobody(mirror: Mirror, target: Path) -> None:
    target.write_bytes(IMAGE)
    download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert mirror.requests == []


def test_fetch_replaces_a_damaged_file(mirror: Mirror, target: Path) -> None:
    mirror.files["a"] = IMAGE
    target.write_bytes(IMAGE[:-1])
    download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert target.read_bytes() == IMAGE


@pytest.mark.parametrize("ranges", [True, False])
def test_fetch_continues_after_a_lost_connection(mirror: Mirror, target: Path, ranges: bool) -> None:
    mirror.files["a"], mirror.drop_after, mirror.ranges = IMAGE, 2_000_000, ranges
    with pytest.raises(BoxError, match="the connection ended after 2000000 of 3000000 bytes") as refused:
        download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert refused.value.hint.startswith("1 MiB of it are kept. Check the network")
    assert not target.exists()
    assert part(target).stat().st_size == 2_000_000
    download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert target.read_bytes() == IMAGE
    assert mirror.requests[-1] == ("a", "bytes=2000000-")


def test_fetch_continues_from_the_next_address(mirror: Mirror, target: Path) -> None:
    mirror.files.update(a=IMAGE, b=IMAGE)
    mirror.drop_after = 1_000_000
    download.fetch([mirror.url + "a", mirror.url + "b"], target, CHECKSUM)
    assert target.read_bytes() == IMAGE
    assert mirror.requests == [("a", ""), ("b", "bytes=1000000-")]


@pytest.mark.parametrize("content", [IMAGE[:-100], IMAGE[:-1] + b"?", b"<html>sign in first</html>", b""])
def test_fetch_refuses_another_file_and_keeps_nothing(mirror: Mirror, target: Path, content: bytes) -> None:
    mirror.files["a"] = content
    with pytest.raises(BoxError, match=r"127\.0\.0\.1:\d+: the file is cut off or changed"):
        download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert list(target.parent.iterdir()) == []


def test_fetch_takes_the_right_file_after_a_wrong_one(mirror: Mirror, target: Path) -> None:
    mirror.files.update(a=b"wrong", b=IMAGE)
    download.fetch([mirror.url + "a", mirror.url + "b"], target, CHECKSUM)
    assert target.read_bytes() == IMAGE


@pytest.mark.parametrize("damage", [IMAGE[:1000][::-1], IMAGE + b"more", b"?" * 3_000_000])
def test_fetch_starts_again_after_a_damaged_part(mirror: Mirror, target: Path, damage: bytes) -> None:
    mirror.files["a"] = IMAGE
    part(target).write_bytes(damage)
    download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert target.read_bytes() == IMAGE


def test_fetch_of_a_complete_part_asks_nobody(mirror: Mirror, target: Path) -> None:
    part(target).write_bytes(IMAGE)
    download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert target.read_bytes() == IMAGE
    assert mirror.requests == []


def test_fetch_names_every_address_and_its_reason(mirror: Mirror, target: Path) -> None:
    mirror.status["a"] = 403
    addresses = [mirror.url + "a", mirror.url + "b", "ftp://example.org/c", "http://127.0.0.1:1/d"]
    with pytest.raises(BoxError) as refused:
        download.fetch(addresses, target, CHECKSUM)
    assert "answers 403 Forbidden" in refused.value.message
    assert "answers 404 Not Found" in refused.value.message
    assert "ftp://example.org/c: only http, https and file" in refused.value.message
    assert "127.0.0.1:1 does not answer: Connection refused" in refused.value.message
    assert "labgen box make --image FILE" in refused.value.hint
    assert not isinstance(refused.value, download.Gone)


def test_fetch_says_in_one_line_what_a_server_answers_that_speaks_no_http(target: Path) -> None:
    def answer() -> None:
        connection, _address = listener.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(b"SSH-2.0-OpenSSH_10.0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(BoxError) as refused:
            download.fetch([f"http://127.0.0.1:{listener.getsockname()[1]}/a"], target, CHECKSUM)
        thread.join()
    assert refused.value.message.endswith("does not answer: SSH-2.0-OpenSSH_10.0")
    assert "are kept" not in refused.value.hint


@pytest.mark.parametrize("status", [404, 410])
def test_fetch_tells_a_removed_file_apart(mirror: Mirror, target: Path, status: int) -> None:
    mirror.status["a"] = status
    with pytest.raises(download.Gone):
        download.fetch([mirror.url + "a", mirror.url + "b"], target, CHECKSUM)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/d", "not-there"])
def test_fetch_of_a_mirror_alone_tells_no_removed_file_unless_it_says_so(
    mirror: Mirror, target: Path, address: str
) -> None:
    with pytest.raises(BoxError) as refused:
        download.fetch([address], target, CHECKSUM, mirror=address)
    assert not isinstance(refused.value, download.Gone)
    with pytest.raises(download.Gone):
        download.fetch([mirror.url + "b"], target, CHECKSUM, mirror=mirror.url + "b")


def test_fetch_takes_a_path(tmp_path: Path, target: Path) -> None:
    stick = tmp_path / "스틱 #1"
    stick.write_bytes(IMAGE)
    download.fetch([str(stick)], target, CHECKSUM)
    assert target.read_bytes() == IMAGE


def test_fetch_says_that_the_disk_is_full(mirror: Mirror, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: usage(9, 9, 1 << 20))
    mirror.files["a"] = IMAGE
    with pytest.raises(BoxError, match="is full: 2 MiB are needed, and 1 are free") as refused:
        download.fetch([mirror.url + "a"], target, CHECKSUM)
    assert "labgen box prune" in refused.value.hint
    assert list(target.parent.iterdir()) == []


def test_published_checksum_is_taken_over_https_only(mirror: Mirror) -> None:
    mirror.files["SHA512SUMS"] = f"{CHECKSUM.digest}  image.qcow2\n".encode()
    with pytest.raises(BoxError, match="not an https address"):
        download.published_checksum(mirror.url + "SHA512SUMS", "image.qcow2")
    assert mirror.requests == []


@pytest.mark.parametrize(
    ("text", "has_line"),
    [
        (f"{'0' * 128}  other.qcow2\n{CHECKSUM.digest}  image.qcow2\n", True),
        (f"{CHECKSUM.digest} *image.qcow2\n", True),
        (f"{CHECKSUM.digest}  image.qcow2.zsync\n", False),
        ("<html>", False),
    ],
)
def test_published_checksum_reads_the_line_of_the_file(
    mirror: Mirror, text: str, has_line: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.files["sums"] = text.encode()
    serve_https(monkeypatch)
    url = mirror.url.replace("http", "https") + "sums"
    if has_line:
        assert download.published_checksum(url, "image.qcow2") == CHECKSUM
    else:
        with pytest.raises(BoxError, match=r"has no checksum of image\.qcow2"):
            download.published_checksum(url, "image.qcow2")


def test_published_checksum_is_not_taken_from_a_redirect_to_http(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror.files["sums"] = f"{CHECKSUM.digest}  image.qcow2\n".encode()
    serve_https(monkeypatch, redirects=True)
    with pytest.raises(BoxError, match=r"it leads to http://.*sums, which is not https"):
        download.published_checksum(mirror.url.replace("http", "https") + "sums", "image.qcow2")


@pytest.mark.parametrize("address", ["http://[x", "~nobody-of-this-name/image"])
def test_fetch_refuses_what_is_no_address(address: str, target: Path) -> None:
    with pytest.raises(BoxError, match="is no address"):
        download.fetch([address], target, CHECKSUM)
