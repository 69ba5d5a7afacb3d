"""Requests made again and again while something happens: how many were lost, and for how long nobody answered.

One shell on a node asks every address in turn, each request over a connection of its own, until it is told to
stop; what it prints is read afterwards.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_BATCH = 10
"""Requests that one curl makes: to start it costs an emulated node a tenth of a second."""


@dataclass(frozen=True)
class Sample:
    """One request.

    :param at: when it ended, in seconds by the clock of the node that asked.
    :param status: HTTP status, 0 where there was no answer.
    """

    at: float
    address: str
    status: int

    @property
    def answered(self) -> bool:
        """The page came."""
        return self.status == 200


@dataclass(frozen=True)
class Probed:
    """All requests of one probe, in the order in which they were made."""

    samples: tuple[Sample, ...]

    @property
    def lost(self) -> tuple[Sample, ...]:
        """Requests that were not answered."""
        return tuple(one for one in self.samples if not one.answered)

    @property
    def silence(self) -> float:
        """The longest time, in seconds, in which requests through one address were lost; 0 where none was."""
        longest = 0.0
        for address in {one.address for one in self.samples}:
            through = [one for one in self.samples if one.address == address]
            since: float | None = None
            for before, one in pairwise(through):
                if one.answered:
                    since = None
                    continue
                since = before.at if since is None else since
                longest = max(longest, one.at - since)
        return longest

    def __str__(self) -> str:
        """For people: ``1240 requests, 2 lost (0.16 %), none answered for 0.4 s at most``."""
        count, lost = len(self.samples), len(self.lost)
        if not count:
            return "no request was made"
        if not lost:
            return f"{count} requests, none lost"
        why = Counter(one.status for one in self.lost).most_common(2)
        told = ", ".join(f"{many} x {f'status {status}' if status else 'no answer'}" for status, many in why)
        return f"{count} requests, {lost} lost ({100 * lost / count:.2f} %: {told}), for {self.silence:.1f} s at most"


class Probe:
    """A probe: the script that makes the requests, the one that ends it, and the reading of what it printed.

    :param addresses: of nodes.
    :param within: seconds for each request.
    :param limit: seconds after which it ends by itself.
    """

    def __init__(self, addresses: Sequence[str], port: int, *, within: float = 2.0, limit: float = 600.0) -> None:
        # Not to be guessed, and of this probe alone.
        self._mark = f"labgen-{secrets.token_hex(8)}"
        self._stop = f"/tmp/{self._mark}"  # noqa: S108 - on a node, and not to be guessed
        self._urls = [f"http://{address}:{port}/?[1-{_BATCH}]" for address in addresses]
        self._within = within
        self._limit = limit

    @property
    def script(self) -> str:
        """Makes requests until it is stopped."""
        told = rf"{self._mark} %{{url_effective}} %{{http_code}} %{{time_total}}\n"
        asks = []
        for url in self._urls:
            curl = ["curl", "-s", "--noproxy", "*", "--max-time", f"{self._within:g}", "-H", "Connection: close"]
            curl += ["-o", "/dev/null", "-w", told, url]
            asks.append(f"date +'{self._mark} %s.%N'; {shlex.join(curl)}")
        return (
            "export LC_ALL=C.UTF-8\n"
            f"end=$(( $(date +%s) + {round(self._limit)} ))\n"
            f'while [ ! -e {self._stop} ] && [ "$(date +%s)" -lt "$end" ]; do\n' + "\n".join(asks) + "\ndone\n"
            f"rm -f {self._stop}\ntrue"
        )

    @property
    def stop(self) -> str:
        """Ends it after the requests it is at."""
        return f": > {self._stop}"

    def read(self, text: str) -> Probed:
        """What the script printed."""
        samples: list[Sample] = []
        now = 0.0
        for line in text.splitlines():
            if not line.startswith(self._mark):
                continue
            words = line.split()[1:]
            if len(words) == 1:
                now = float(words[0])
            elif len(words) == 3 and (address := re.match(r"http://([^:/]+)", words[0])):
                now += float(words[2])
                samples.append(Sample(now, address[1], int(words[1])))
        return Probed(tuple(samples))
