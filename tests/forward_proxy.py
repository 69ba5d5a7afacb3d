"""A forward proxy that wants a name and password, lets one host through, and writes down what it is asked.

    python forward_proxy.py PORT FOLDER HOST NAME:PASSWORD

It writes each request into FOLDER/log (``200 GET http://packages.test/Packages``). For HOST it answers with the files
of FOLDER, so that no network is needed; any other host it refuses with 403.
"""

from __future__ import annotations

import base64
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Answers one request."""

    folder: Path
    host: str
    credentials: str

    def do_CONNECT(self) -> None:
        self._answer(b"", self.path.rpartition(":")[0])

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        file = self.folder / Path(url.path).name
        self._answer(file.read_bytes() if file.is_file() else None, url.hostname or "")

    def _answer(self, body: bytes | None, host: str) -> None:
        expected = base64.b64encode(self.credentials.encode()).decode()
        status = 200 if body is not None else 404
        if host != self.host or self.command == "CONNECT":
            status = 403
        if self.headers.get("Proxy-Authorization") != f"Basic {expected}":
            status = 407
        with (self.folder / "log").open("a", encoding="utf-8") as log:
            log.write(f"{status} {self.command} {self.path}\n")
        content = body if status == 200 and body else b""
        self.send_response(status)
        if status == 407:
            self.send_header("Proxy-Authenticate", 'Basic realm="test"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *words: object) -> None:
        """Print nothing."""


def main(port: str, folder: str, host: str, credentials: str) -> None:
    Handler.folder, Handler.host, Handler.credentials = Path(folder), host, credentials
    ThreadingHTTPServer(("0.0.0.0", int(port)), Handler).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
