"""Asking a web server whether it has a file."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request


def status(url: str, within: float) -> int | None:
    """Ask for a file without its content, and give the status of the answer; ``None`` if there is none.

    :param url: http or https.
    :param within: seconds for each step of the connection.
    """
    try:
        request = urllib.request.Request(url, method="HEAD", headers={"User-Agent": "labgen"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=within) as response:  # noqa: S310 - callers check the scheme
            code: int = response.status
            return code
    except urllib.error.HTTPError as why:
        why.close()
        return why.code
    except (OSError, http.client.HTTPException, ValueError):
        return None
