"""When engines did not run, as nodes' journals tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from labgen.docker import journal
from labgen.docker.journal import FOREVER, Outage

START = datetime(2026, 11, 24, 10, 58, 37, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def line(seconds: float, **more: str) -> str:
    return json.dumps({"__REALTIME_TIMESTAMP": str(int(at(seconds).timestamp() * 1e6)), **more})


STOPPED = {"MESSAGE_ID": "9d1aaa27d60140bd96365438aad20286"}
STARTED = {"MESSAGE_ID": "39f53479d3a045ac8e11786248231fbf"}
LEADS = {"MESSAGE": 'level=info msg="4a9591b43728c3a1 became leader at term 6" module=raft'}


def test_journal_is_read_in_order_of_time() -> None:
    text = "\n".join([line(30, **LEADS), line(9, **STARTED), line(0, **STOPPED), "-- no entry --", line(40, **STOPPED)])
    read_back = journal.read(text)
    assert read_back.outages == (Outage(at(0), at(9)), Outage(at(40), FOREVER))
    assert read_back.led == (at(30),)


def test_script_believes_only_what_the_journal_itself_has_noted() -> None:
    queries = [line for line in journal.script(START).splitlines() if line.startswith("told MESSAGE")]
    systemd, engine = (line.partition("|")[0].split("told MESSAGE", 1)[1].split() for line in queries)
    alternatives = " ".join(systemd[1:]).split(" + ")
    assert len(alternatives) == 2
    assert all("_PID=1" in alternative.split() for alternative in alternatives)
    assert {"_SYSTEMD_UNIT=docker.service", "_COMM=dockerd"} <= set(engine)


def test_journal_start_without_a_stop_before_it_is_none() -> None:
    assert journal.read(line(0, **STARTED)).outages == ()


def test_those_that_were_down_together() -> None:
    first, second, third = [Outage(at(0), at(60))], [Outage(at(20), at(50))], [Outage(at(70), at(80))]
    assert journal.together([first, second, third], 2) == Outage(at(20), at(50))
    assert journal.together([first, second, third], 3) is None
    assert journal.together([first, third], 2) is None
    assert journal.together([[], [], []], 1) is None


def test_journal_moment_is_not_enough() -> None:
    assert journal.together([[Outage(at(0), at(10))], [Outage(at(9.5), at(30))]], 2) is None


def test_journal_one_that_is_still_down() -> None:
    assert journal.together([[Outage(at(0), FOREVER)], [Outage(at(5), FOREVER)]], 2) == Outage(at(5), FOREVER)


def test_journal_script_asks_for_nothing_before() -> None:
    assert f"--since=@{int(START.timestamp())}" in journal.script(START)
