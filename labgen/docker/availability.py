"""Requests made again and again while something happens: how many were lost, and for how long nobody answered.

One shell on a node asks every address in turn, each request over a connection of its own, until it is told to
stop. It prints no line for each request, but one for each stretch of requests through one address that came out
the same: a probe that lost nothing is three lines, however long it ran.
"""

from __future__ import annotations

import secrets
import shlex
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby

from labgen.core.errors import LabgenError
from labgen.core.i18n import NOTHING, Text, _, listed, sentences
from labgen.core.polling import NotYet
from labgen.docker.api import Run

_ROUNDS = 20
"""Requests to each address that one curl makes: to start it, and to ask for the time before, costs an emulated
node a third of a second."""

_APART = 3.0
"""Seconds between two lost requests from which on something else has happened: between the end of a container and the
start of the one in its place Swarm waits 5 s, and a cause that lasts loses some all the while."""

_MANY = 1e11
"""More requests, or seconds since 1970, than any probe tells."""

_SLOW = 0.5
"""Seconds from which on it is told how long the slowest answer took: much longer than any takes where nothing
was in its way, shorter than the second after which a lost packet is sent again."""


@dataclass(frozen=True)
class Stretch:
    """Requests through one address, one after the other, that came out the same.

    :param status: HTTP status of each, 0 where there was no answer.
    :param start: when the first began, in seconds by the clock of the node that asked; ``end``: when the last ended.
    :param slowest: seconds that the slowest of them took.
    """

    address: str
    status: int
    count: int
    start: float
    end: float
    slowest: float

    @property
    def answered(self) -> bool:
        """The page came."""
        return self.status == 200

    @property
    def last_made(self) -> float:
        """When the last of them began; of several, which are not told one by one, when it ended."""
        return self.start if self.count == 1 else self.end


@dataclass(frozen=True)
class Probed:
    """All requests of one probe, in the order in which their stretches began."""

    stretches: tuple[Stretch, ...]

    @property
    def requests(self) -> int:
        """Number of requests that were made."""
        return sum(stretch.count for stretch in self.stretches)

    @property
    def losses(self) -> tuple[Stretch, ...]:
        """The stretches that were not answered."""
        return tuple(stretch for stretch in self.stretches if not stretch.answered)

    @property
    def lost(self) -> int:
        """Number of requests that were not answered."""
        return sum(stretch.count for stretch in self.losses)

    @property
    def silence(self) -> float:
        """The longest time, in seconds, in which no request through one address was answered; 0 where none was lost."""
        longest = 0.0
        for address in {stretch.address for stretch in self.losses}:
            through = (stretch for stretch in self.stretches if stretch.address == address)
            for answered, some in groupby(through, key=lambda stretch: stretch.answered):
                if not answered:
                    several = list(some)
                    longest = max(longest, several[-1].end - several[0].start)
        return longest

    @property
    def spell(self) -> float:
        """The longest time, in seconds, in which requests were lost, through whichever address: from when the first was
        made to when the last was, of those with no more than 3 s between one and the next; 0 where none was.

        How long the last waited in vain does not count: that is the patience of who asks.
        """
        longest = 0.0
        first = last = float("-inf")
        for stretch in sorted(self.losses, key=lambda stretch: stretch.start):
            if stretch.start - last > _APART:
                first = stretch.start
            last = max(last, stretch.end)
            longest = max(longest, stretch.last_made - first)
        return longest

    @property
    def seconds(self) -> float:
        """From the beginning of the first request to the end of the last; 0 where none was made."""
        return max((stretch.end for stretch in self.stretches), default=0.0) - min(
            (stretch.start for stretch in self.stretches), default=0.0
        )

    def momentary(self, longest: float) -> bool:
        """Tell whether requests were lost for no more than a moment at a time.

        :param longest: seconds that it may last; never half of the time in which requests were made: what is lost all
            the while is lost of something that lasts.
        """
        return self.spell <= min(longest, self.seconds / 2)

    @property
    def slowest(self) -> float:
        """Seconds that the slowest answer took."""
        return max((stretch.slowest for stretch in self.stretches if stretch.answered), default=0.0)

    def __str__(self) -> str:
        return str(self.words)

    @property
    def words(self) -> Text:
        """Describe it for people: ``1240 requests, 2 lost (0.16 %: 2 x no answer), for 0.4 s at most``."""
        if not self.requests:
            return _("no request was made")
        slow = _("the slowest answer took %(seconds).1f s", seconds=self.slowest) if self.slowest >= _SLOW else NOTHING
        if not self.lost:
            return sentences(_("%(requests)s requests, none lost", requests=self.requests), slow, separator="; ")
        why: Counter[int] = Counter()
        for stretch in self.losses:
            why[stretch.status] += stretch.count
        causes = listed(
            _("%(number)s x status %(status)s", number=number, status=status)
            if status
            else _("%(number)s x no answer", number=number)
            for status, number in why.most_common(2)
        )
        lost = _(
            "%(requests)s requests, %(lost)s lost (%(share).2f %%: %(causes)s), for %(seconds).1f s at most",
            requests=self.requests,
            lost=self.lost,
            share=100 * self.lost / self.requests,
            causes=causes,
            seconds=self.silence,
        )
        return sentences(lost, slow, separator="; ")


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
        self._asking = f"{self._stop}.asking"
        self._urls = [f"http://{address}:{port}/" for address in addresses]
        self._within = within
        self._limit = limit

    @property
    def script(self) -> str:
        """Script that makes requests until it is stopped."""
        curl = ["curl", "-s", "-g", "--noproxy", "*", "--max-time", f"{self._within:g}", "-H", "Connection: close"]
        # On its standard error, which nothing holds back: what it has asked is told also where it is ended.
        curl += ["-w", r"%{stderr}%{http_code} %{time_total} %{url_effective}\n"]
        # In turn within one curl too, so that no address waits long while another does not answer.
        curl += [word for url in self._urls for word in ("-o", "/dev/null", url)] * _ROUNDS
        return f"""\
export LC_ALL=C.UTF-8
end=$(( $(date +%s) + {max(1, round(self._limit))} ))
while [ ! -e {self._stop} ]; do
  now=$(date +%s.%N)
  [ "${{now%.*}}" -lt "$end" ] || break
  echo "$now"
  {shlex.join(curl)} 2>&1 &
  asking=$!
  echo "$asking" > {self._asking}
  [ ! -e {self._stop} ] || kill "$asking"
  wait "$asking"
  [ $? -ne 127 ] || break
done 2>/dev/null | awk -v mark={self._mark} {shlex.quote(_STRETCHES)}
rm -f {self._stop} {self._asking}
true"""

    @property
    def begun(self) -> str:
        """Script that prints a line if requests are being made, and nothing before the first one."""
        return f"[ ! -s {self._asking} ] || echo begun"

    @property
    def stop(self) -> str:
        """Script that ends the requests. The current one is not counted: it was neither answered nor lost."""
        return f': > {self._stop}; kill "$(cat {self._asking} 2>/dev/null)" 2>/dev/null; true'

    def read(self, text: str) -> Probed:
        """Read what the script printed."""
        lines = (line.split() for line in text.splitlines())
        stretches = [_stretch(words[1:]) for words in lines if len(words) == 7 and words[0] == self._mark]
        return Probed(tuple(sorted(filter(None, stretches), key=lambda stretch: stretch.start)))


def _stretch(words: Sequence[str]) -> Stretch | None:
    """Read one line of a probe's; ``None`` where no probe can have printed it."""
    address, *numbers = words
    try:
        status, count = map(int, numbers[:2])
        start, end, slowest = map(float, numbers[2:])
    except ValueError:
        return None
    if not (0 <= status < 1000 and 0 < count < _MANY and 0 <= start < _MANY and 0 <= slowest < _MANY and end < _MANY):
        return None
    # A clock that was put back meanwhile: it lasted no less than nothing.
    return Stretch(address, status, count, start, max(start, end), slowest)


@dataclass
class Beside:
    """A probe at work beside something else.

    :ivar probed: what came of it, once it has ended.
    """

    probed: Probed = field(default_factory=lambda: Probed(()))


@contextmanager
def beside(probe: Probe, ask: Run, also: Run, wait: Callable[[Text, Callable[[], None]], object]) -> Iterator[Beside]:
    """Make a probe's requests while something happens: they begin before it, and end after it, also where it fails.

    :param ask: runs the script that makes them; is called in a thread of its own.
    :param also: runs a script on the same node meanwhile.
    :param wait: waits for something, told in words, to be seen.
    :raises LabgenError: the node that asks has failed.
    """
    printed: list[str] = []
    failed: list[LabgenError] = []

    def attempt(run: Run, script: str) -> str:
        try:
            return run(script)
        except LabgenError as error:
            failed.append(error)
            return ""

    thread = threading.Thread(target=lambda: printed.append(attempt(ask, probe.script)), daemon=True)
    thread.start()

    def begun() -> None:
        if failed:
            raise failed[0]
        if not also(probe.begun).strip():
            raise NotYet(_("no request was made"))

    outcome = Beside()
    try:
        wait(_("the first requests"), begun)
        yield outcome
    finally:
        before = len(failed)
        attempt(also, probe.stop)
        # A node that cannot be told to end them ends them with its connection, whenever that is.
        if len(failed) == before:
            thread.join()
    if failed:
        raise failed[0]
    outcome.probed = probe.read(printed[0])


_STRETCHES = """\
BEGIN { OFMT = "%.3f" }
function tell(at) {
  if (count[at]) print mark, at, status[at], count[at], first[at], last[at], slowest[at]
  count[at] = slowest[at] = 0
}
NF == 1 { now = $1 }
NF == 3 {
  split($3, parts, "/"); sub(/:[0-9]+$/, "", parts[3]); at = parts[3]
  if (status[at] != $1) tell(at)
  if (!count[at]) { status[at] = $1; first[at] = now }
  now += $2; count[at]++; last[at] = now
  if ($2 + 0 > slowest[at] + 0) slowest[at] = $2
}
END { for (at in count) tell(at) }
"""
"""Of lines with a time, and lines of curl's (status, seconds, URL), the stretches."""
