"""Which ports of the other nodes a node can reach: tried from there, not told by who listens.

TCP ports are connected to. A datagram to the port of the gossip (7946/udp) is none that the engine there can decrypt;
it writes so into its journal, with the sender's address, and that is how its arrival is known. Packets of overlay
networks (4789/udp) are sent on the ingress network, from one node's end of it to another's: a connection that is
refused there has come back from the other node.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from labgen.core.errors import NodeError
from labgen.core.i18n import _

MANAGEMENT, GOSSIP, DATA_PATH = 2377, 7946, 4789
"""Ports of a swarm: on its managers, and two on every node."""

OPEN, REFUSED, SILENT = "open", "refused", "no answer"

UNHEARD = "their engines do not know each other"
"""Why two nodes do not reach each other's ends of the ingress network where neither knows the other's."""

REJOINING = 75.0
"""Seconds in which nodes find one another by gossip: an engine that started before the managers' could answer tries
again after 60 s (moby ``libnetwork/networkdb/cluster.go``, ``rejoinInterval``)."""

_DATAGRAMS = 3
"""Datagrams to each node: one may be lost on the way."""

_CLOSED = 9
"""A port on which nothing listens at a node's end of the ingress network: to be refused is an answer, too."""

_ENDS = (
    '{{range .Services}}{{range .Tasks}}{{.Name}} {{.EndpointIP}} {{index .Info "Host IP"}}{{println}}{{end}}{{end}}'
)
"""Of the ingress network, the nodes' ends: ``ingress-endpoint 10.20.0.3 10.0.2.103``."""


@dataclass(frozen=True)
class Attempts:
    """What one node tried.

    :param tcp: by address and port, what came of connecting: :data:`OPEN`, :data:`REFUSED` or :data:`SILENT`.
    :param overlay: by the address of a node, whether its end of the ingress network answered; nodes that the gossip
        has not told of are not in it.
    """

    tcp: Mapping[tuple[str, int], str]
    overlay: Mapping[str, bool]

    def since(self, earlier: Attempts | None) -> Attempts:
        """Add what was reached by earlier attempts: a busy computer answers late in one, a closed port in none."""
        if earlier is None:
            return self
        late = {at for at, outcome in self.tcp.items() if outcome == SILENT and earlier.tcp.get(at) == OPEN}
        return Attempts(
            tcp={**self.tcp, **dict.fromkeys(late, OPEN)},
            overlay={at: answered or earlier.overlay.get(at, False) for at, answered in self.overlay.items()},
        )


def script(addresses: Sequence[str], managers: Sequence[str], within: float) -> str:
    """Give the script that tries the connections, run as root on one node; takes as long as one connection may take.

    :param addresses: of every node; the node's own may be among them.
    :param managers: those of managers, of which a port more is tried.
    :param within: seconds in which a connection must come about.
    """
    tries = [(address, GOSSIP) for address in addresses] + [(address, MANAGEMENT) for address in managers]
    connects = "\n".join(f"{{ came $(connect {address} {port}) tcp {address} {port}; }} &" for address, port in tries)
    datagrams = "\n".join(
        f"bash -c 'for time in {' '.join(map(str, range(_DATAGRAMS)))}; do "
        f"echo labgen >/dev/udp/{address}/{GOSSIP}; sleep 0.1; done' 2>/dev/null &"
        for address in addresses
    )
    return _SCRIPT.format(
        seconds=f"{within:g}",
        connects=connects,
        datagrams=datagrams,
        closed=_CLOSED,
        hosts=" ".join(addresses),
        ends=shlex.quote(_ENDS),
    )


_SCRIPT = """\
export LC_ALL=C
connect() {{
  said=$(timeout {seconds} bash -c "exec 3<>/dev/tcp/$1/$2" 2>&1) && echo open && return
  case "$said" in *refused*) echo refused;; *) echo silent;; esac
}}
came() {{ echo "$2 $3 ${{4:-}} $1"; }}
inside() {{ nsenter --net=/run/docker/netns/ingress_sbox "$@"; }}
over() {{
  said=$(inside timeout {seconds} bash -c "exec 3<>/dev/tcp/$1/{closed}" 2>&1) && said=refused
  case "$said" in *refused*) echo "overlay $2 - open";; *) echo "overlay $2 - silent";; esac
}}
{datagrams}
{connects}
if [ -e /run/docker/netns/ingress_sbox ] && pidof dockerd >/dev/null; then
  docker network inspect --verbose --format {ends} ingress 2>/dev/null | while read -r name endpoint host; do
    case " {hosts} " in *" $host "*) [ "$name" != ingress-endpoint ] || over "$endpoint" "$host" & ;; esac
  done | cat
fi
wait
echo done
"""


def read(text: str) -> Attempts:
    """Read what :func:`script` printed.

    :raises NodeError: it was cut short.
    """
    lines = [line.split() for line in text.splitlines()]
    if ["done"] not in lines:
        raise NodeError(
            _("the answer about reachable addresses is incomplete: %(value)s", value=text.strip()[-200:] or "nothing")
        )
    words = {"open": OPEN, "refused": REFUSED, "silent": SILENT}
    outcomes = [line for line in lines if len(line) == 4 and line[3] in words]
    ends = [(at, outcome) for kind, at, _, outcome in outcomes if kind == "overlay"]
    return Attempts(
        tcp={
            (at, int(port)): words[outcome] for kind, at, port, outcome in outcomes if kind == "tcp" and port.isdigit()
        },
        # The gossip may still tell of the end that a node had before it was made again.
        overlay={at: (at, "open") in ends for at, _ in ends},
    )


def heard_script(since: int) -> str:
    """Give the script that asks a node's journal from where datagrams came that its engine could not decrypt.

    :param since: second by the node's clock from which on the journal is read.
    """
    # What others write into the journal has another _COMM: it is the journal's own word.
    journal = "journalctl --quiet --no-pager --output=cat _COMM=dockerd"
    return (
        f"{journal} --since=@{since} | grep -a 'memberlist: Decrypt packet failed' | "
        f"grep -ao 'from=[0-9.]*' | sort -u; "
        f"{journal} --lines=1 | grep -aq . && echo kept; true"
    )


def heard(text: str) -> frozenset[str]:
    """Read what :func:`heard_script` printed: the senders' addresses.

    :raises NodeError: the engine writes no journal there.
    """
    if "kept" not in text.split():
        raise NodeError(
            _("the engine's journal is empty, so labgen cannot check whether datagrams arrive."),
            _("Look at it there: sudo journalctl -u docker"),
        )
    return frozenset(re.findall(r"(?m)^from=([0-9.]+)$", text))


@dataclass(frozen=True)
class Failure:
    """A way between two nodes on which nothing comes through.

    :param why: what came of it, for people; empty where nothing more is known.
    """

    source: str
    target: str
    why: str = ""

    def __str__(self) -> str:
        """For people: ``swarm-worker1 does not reach swarm-manager (no answer)``."""
        return f"{self.source} does not reach {self.target}" + (f" ({self.why})" if self.why else "")


def blamed(node: str, failures: Collection[Failure]) -> list[Failure]:
    """Give the failures that are a node's: those it has part in, unless every other node in them fails more often.

    One node's firewall is in the way of all ways that lead there and, from the others, of one each.
    """
    partners: dict[str, set[str]] = {}
    for failure in failures:
        partners.setdefault(failure.source, set()).add(failure.target)
        partners.setdefault(failure.target, set()).add(failure.source)
    own = partners.get(node, set())
    if own and all(len(partners[partner]) > len(own) for partner in own):
        return []
    return [failure for failure in failures if node in (failure.source, failure.target)]
