"""Waiting, on a clock of the test's own."""

import pytest

from labgen.core.errors import LabgenError, NodeError
from labgen.core.polling import GRACE, Hopeless, NotYet, Patience, wait_until


class Clock:
    """Time that passes only while someone waits, or looks for ``look`` seconds."""

    def __init__(self, ready_at=None, look=0.0):
        self.now = 0.0
        self.ready_at = ready_at
        self.look_takes = look
        self.pauses = []
        self.looks = 0

    def look(self):
        self.looks += 1
        self.now += self.look_takes
        if self.ready_at is None or self.now < self.ready_at:
            raise NotYet(f"seen at {self.now:.0f}")
        return "there"

    def pause(self, seconds):
        self.pauses.append(seconds)
        self.now += seconds

    def wait(self, within=10.0, **options):
        return wait_until("the door", self.look, within=within, clock=lambda: self.now, pause=self.pause, **options)


def test_polling_what_is_there_is_not_waited_for():
    clock = Clock(ready_at=0)
    assert clock.wait() == "there"
    assert clock.pauses == []


def test_polling_it_hands_on_what_was_found():
    clock = Clock(ready_at=3)
    assert clock.wait() == "there"
    assert clock.now >= 3


def test_polling_wait_that_runs_out_says_what_was_seen_last():
    clock = Clock()
    with pytest.raises(NodeError) as why:
        clock.wait(within=10, error=NodeError, hint="Knock.")
    assert why.value.message == "waited 10 s for the door; last seen: seen at 10"
    assert why.value.hint == "Knock."


def test_polling_it_looks_once_more_at_the_deadline():
    assert Clock(ready_at=10).wait(within=10) == "there"


def test_polling_it_looks_at_least_once_however_slow_the_look():
    clock = Clock(look=60)
    with pytest.raises(LabgenError, match="waited 60 s"):
        clock.wait(within=10)
    assert clock.looks == 1


def test_pauses_grow_to_four_times_and_never_past_the_deadline():
    clock = Clock()
    with pytest.raises(LabgenError):
        clock.wait(within=30, every=0.5)
    assert clock.pauses[0] == 0.5
    assert max(clock.pauses) == 2.0
    assert sum(clock.pauses) == pytest.approx(30)


def test_other_errors_are_not_waited_out():
    def broken():
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        wait_until("anything", broken, within=10, pause=lambda _: pytest.fail("waited"))


def test_patience():
    assert Patience().seconds(30) == 30
    assert Patience(4).seconds(30) == 120


def test_wait_ends_soon_where_nothing_can_come_any_more():
    clock = Clock()

    def look():
        if clock.now < 2:
            raise NotYet("on its way")
        raise Hopeless("it was rejected")

    clock.look = look
    with pytest.raises(NodeError, match="for the door, which cannot come any more: it was rejected"):
        clock.wait(within=240.0, error=NodeError)
    assert 2 + GRACE <= clock.now < 2 + GRACE + 3


def test_wait_goes_on_where_hope_returns():
    clock = Clock()
    observations = iter([Hopeless("paused"), NotYet("updating"), Hopeless("paused"), NotYet("updating")])

    def look():
        clock.now += 2.0
        error = next(observations, None)
        if error is None:
            return "there"
        raise error

    clock.look = look
    assert clock.wait(within=240.0) == "there"
