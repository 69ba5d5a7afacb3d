"""Whether tasks of services stay up: by their history, and by a look some seconds later where they have just begun."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from labgen.core.polling import NotYet
from labgen.docker.restarts import Restarts, restarting, young
from labgen.docker.swarm import Service
from verify.cached import Cached

if TYPE_CHECKING:
    from verify.exam import Exam

STEADY, SUSPICIOUS = 3.0, 10.0
"""Seconds that a task must have run to count as one that stays up; and where the one before it has ended by itself."""


class Staying:
    """What is known of that, of each service once."""

    def __init__(self, exam: Exam) -> None:
        self._exam = exam
        self._latest: dict[str, Cached[Service]] = {}

    def restarts(self, service: Service) -> Restarts | None:
        """Find the tasks that show that a service does not stay up, as it was seen first; ``None`` where it does."""
        return restarting(service, self._exam.looked) if self._exam.looked else None

    def latest(self, service: Service) -> Service:
        """Give a service once each of its tasks has run for some seconds, or one of them has ended.

        Where all have already it is the service as it was seen first, and nothing is asked.
        """
        if service.name not in self._latest:
            self._latest[service.name] = Cached(lambda: self._watch(service))
        return self._latest[service.name].get()

    def _watch(self, service: Service) -> Service:
        exam = self._exam
        if exam.looked is None or young(service, exam.looked, STEADY, SUSPICIOUS) <= 0:
            return service
        running = {task.id for task in service.running}
        last = [service]

        def look() -> None:
            latest, now = exam.dated_answer(lambda: exam.service(service.name))
            last.append(latest or replace(service, tasks=()))
            if running <= {task.id for task in last[-1].running} and young(last[-1], now, STEADY, SUSPICIOUS) > 0:
                raise NotYet("its tasks have just begun")

        exam.settle(f"{service.name} to stay up", look, within=2 * SUSPICIOUS)
        return last[-1]
