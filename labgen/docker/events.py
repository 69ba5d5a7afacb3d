"""What an engine still knows of services that are gone: the last of its events, which it keeps until it ends.

Docker keeps its last 256 events in memory (moby ``daemon/events``). A manager's tell of services that were removed,
every node's of containers that were.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import quote

from labgen.docker.api import load_json, part, reading, text_of, unreadable
from labgen.docker.question import NodeAccess, Question

_STARTED = "engine runs since"

_BEGIN = f"""\
now=$(date +%s)
echo "{_STARTED} $((now - $(ps -o etimes= -p "$(pidof -s dockerd)")))"
"""

_SCRIPT = f"""{_BEGIN}\
docker events --since SINCE --until "$now" --filter type=service --filter type=container \\
  --filter event=remove --filter event=destroy --format '{{{{json .}}}}'
"""


@dataclass(frozen=True)
class Traces:
    """What one engine has kept.

    :param services: names of services that were removed, or of which a container was, since the moment asked for.
    :param started: when the engine was started: what was before, it does not know.
    """

    services: frozenset[str]
    started: datetime

    def forgotten(self, since: datetime) -> bool:
        """Tell whether the engine was started so late that it has lost what was between then and a moment."""
        # Its swarm begins some seconds after an engine does, never before it.
        return self.started > since + timedelta(seconds=2)


def script(since: datetime) -> str:
    """Compose the script with which a person on the node asks for events.

    :param since: nothing before is told: what was in an earlier swarm, for example.
    """
    return _SCRIPT.replace("SINCE", str(int(since.timestamp())))


def question(since: datetime) -> Question:
    """Make the question for events since a moment."""
    return Question(script(since), partial(_answer, int(since.timestamp())))


def of_services() -> Question:
    """Make the question for everything that a manager's engine has kept of services: an event in JSON on each line."""
    script = "docker events --since 0 --until \"$(date +%s)\" --filter type=service --format '{{json .}}'"
    return Question(script, lambda node: "".join(_events(node, 0, node.run("date +%s").strip(), {"type": ["service"]})))


def _answer(since: int, node: NodeAccess) -> str:
    started, _, until = node.run(f'{_BEGIN}echo "$now"').strip().partition("\n")
    filters = {"type": ["service", "container"], "event": ["remove", "destroy"]}
    return "".join([f"{started}\n", *_events(node, since, until, filters)])


def _events(node: NodeAccess, since: int, until: str, filters: Mapping[str, list[str]]) -> list[str]:
    """Ask for events, and return a line of JSON for each.

    :param until: the node's clock: it would wait for the events of a moment to come.
    """
    path = f"/events?since={since}&until={quote(until, safe='')}&filters={quote(json.dumps(filters), safe='')}"
    # At line ends only: what JSON leaves as it is (U+0085) ends a line, too, for splitlines.
    *events, status = node.engine([path]).rstrip("\n").split("\n")
    if status != "200":
        raise unreadable("the engine", "\n".join(events))
    return [f"{event}\n" for event in events if event]


def read(text: str) -> Traces:
    """Read what the script printed.

    :raises NodeError: it cannot be read.
    """
    names, started = set(), datetime.fromtimestamp(0, UTC)
    with reading("docker events"):
        for line in text.split("\n"):
            if line.startswith(_STARTED):
                started = datetime.fromtimestamp(int(line.removeprefix(_STARTED)), UTC)
            elif line.startswith("{"):
                names.add(_name(line))
    return Traces(frozenset(names - {""}), started)


def _name(line: str) -> str:
    """Give the name of the service that an event is about."""
    try:
        event = load_json(line)
    except ValueError:
        return ""
    about = part(part(event, "Actor"), "Attributes")
    key = "name" if text_of(event, "Type") == "service" else "com.docker.swarm.service.name"
    return text_of(about, key)
