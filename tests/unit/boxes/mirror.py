"""A web server on 127.0.0.1 that serves files, whole or in part, or refuses, or lies."""

from __future__ import annotations

import contextlib
import http.client
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labgen.boxes import download


@dataclass
class Mirror:
    """What the server holds, and what it was asked for.

    :param files: content by path, without the leading slash.
    :param status: what it answers in place of a file.
    :param ranges: whether it knows HTTP ranges.
    :param drop_after: bytes after which it closes the connection, the first time.
    :param requests: path and range of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    ranges: bool = True
    drop_after: int | None = None
    requests: list[tuple[str, str]] = field(default_factory=list)
    url: str = ""


def _handler(mirror: Mirror) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name, requested = self.path.lstrip("/"), self.headers.get("Range", "")
            mirror.requests.append((name, requested))
            status = mirror.status.get(name, 200 if name in mirror.files else 404)
            if status != 200:
                self.send_error(status)
                return
            content, start = mirror.files[name], 0
            if mirror.ranges and (match := re.match(r"bytes=(\d+)-", requested)):
                start = int(match[1])
                if start >= len(content):
                    self.send_error(416)
                    return
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            end, mirror.drop_after = mirror.drop_after, None
            with contextlib.suppress(OSError):
                self.wfile.write(content[start : len(content) if end is None else end])

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextlib.contextmanager
def serve() -> Iterator[Mirror]:
    mirror = Mirror()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(mirror))
    mirror.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve_https(monkeypatch: pytest.MonkeyPatch, *, redirects: bool = False) -> None:
    """Have https addresses read over http.

    :param redirects: whether the answer says that it came over http, as after a redirect.
    """
    open_address = download._open

    def open_over_http(url: str, offset: int = 0) -> http.client.HTTPResponse:
        response = open_address(url.replace("https:", "http:"), offset)
        response.url = response.url if redirects else url
        return response

    monkeypatch.setattr(download, "_open", open_over_http)
