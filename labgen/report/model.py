"""The model of a report: what was judged, how it came out, what it is worth, and what was seen beside.

The swarm itself (``cluster``) is what every exercise needs first: its checks are counted apart, as checks, and earn
no points.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from labgen.core.i18n import Language
from labgen.exercise.catalogue import prerequisite
from labgen.exercise.hint import Advice
from labgen.exercise.verdict import Verdict
from labgen.report import words
from labgen.report.seen import Seen


@dataclass(frozen=True)
class Outcome:
    """How one check came out.

    :param id: unique in a report: ``cluster.swarm_active[swarm-worker1]``.
    :param node: the node it is about, ``None`` where it is about the whole.
    :param points: what it is worth; ``got`` is what was earned of that.
    :param seen: the evidence; empty where it passed, the reason where it is not applicable.
    :param hint: what to try next as text; empty where it passed.
    :param hints: the same as data.
    :param cause: name of the cause in the table (:mod:`labgen.observation.causes`); empty where none was recognised.
    """

    id: str
    exercise: str
    name: str
    node: str | None
    claim: str
    points: int
    got: int
    verdict: Verdict
    seen: str
    hint: str
    seconds: float
    hints: tuple[Advice, ...] = ()
    cause: str = ""

    @property
    def advice(self) -> tuple[Advice, ...]:
        """What to try next, as data; of a report that has only the text, a stage for each line."""
        return self.hints or tuple(Advice(words=line) for line in self.hint.splitlines())

    @property
    def part(self) -> str:
        """Which of the checks of its claim it is: ``swarm-worker1-tcp``; empty where there is one only."""
        return self.id.partition("[")[2].removesuffix("]")

    @property
    def applicable(self) -> bool:
        """It is about something that the nodes can do where they run."""
        return self.verdict is not Verdict.NOT_APPLICABLE


@dataclass(frozen=True)
class Points:
    """Points of several checks.

    :param got: earned.
    :param of: at stake.
    :param undecided: at stake, of checks that could not be judged.
    :param not_applicable: not at stake, of checks that are not applicable.
    """

    got: int
    of: int
    undecided: int
    not_applicable: int

    @classmethod
    def sum(cls, outcomes: Iterable[Outcome]) -> Points:
        """Add the points of some checks up."""
        checks = list(outcomes)
        at_stake = [outcome for outcome in checks if outcome.applicable]
        return cls(
            got=sum(outcome.got for outcome in checks),
            of=sum(outcome.points for outcome in at_stake),
            undecided=sum(outcome.points for outcome in checks if outcome.verdict is Verdict.INCONCLUSIVE),
            not_applicable=sum(outcome.points for outcome in checks if not outcome.applicable),
        )


@dataclass(frozen=True)
class Precondition:
    """How the checks of the swarm itself came out, which every exercise needs.

    :param checks: how many there are of what the nodes can do where they run.
    :param passed: how many of these passed.
    :param inconclusive: how many of these could not be judged.
    :param not_applicable: how many others there are.
    :param verdict: of them together, as :func:`overall` gives it.
    """

    checks: int
    passed: int
    inconclusive: int
    not_applicable: int
    verdict: str

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Precondition:
        """Count the checks that are not applicable, and their points."""
        checks = list(outcomes)
        applicable = [outcome.verdict for outcome in checks if outcome.applicable]
        return cls(
            checks=len(applicable),
            passed=applicable.count(Verdict.PASS),
            inconclusive=applicable.count(Verdict.INCONCLUSIVE),
            not_applicable=len(checks) - len(applicable),
            verdict=overall(checks),
        )


@dataclass(frozen=True)
class NotApplicable:
    """Checks that are not applicable for the same reason: how many, and what they would be worth."""

    reason: str
    checks: int
    points: int


@dataclass(frozen=True)
class LabNode:
    """A node, as a report names it."""

    name: str
    role: str
    address: str


@dataclass(frozen=True)
class Bundle:
    """The evidence that a report goes with.

    :param digest: of everything in it, the last of its chain.
    :param nonce: what the teacher gave; empty where nothing was given.
    :param observations: how many answers of nodes are in it.
    """

    digest: str
    nonce: str
    observations: int


@dataclass(frozen=True)
class Report:
    """A whole run.

    :param lab: the lab's name.
    :param started: when, ISO 8601 in UTC.
    :param seconds: how long it took.
    :param complete: every check that was chosen has a verdict; ``False`` after an interruption.
    :param not_begun: exercises that were not graded, because nothing of them was there and nobody had named them.
    :param language: of the claims and hints, and of the report's own words.
    :param titles: what the exercises are called, in that language.
    :param network: the lab network.
    :param seen: what was seen of the swarm.
    :param evidence: the bundle that was kept of the run; ``None`` where none was.
    :param labgen: version of labgen that graded.
    """

    lab: str
    provider: str
    nodes: tuple[LabNode, ...]
    started: str
    seconds: float
    complete: bool
    checks: tuple[Outcome, ...]
    not_begun: tuple[str, ...] = ()
    language: Language = "en"
    titles: Mapping[str, str] = field(default_factory=dict)
    network: str = ""
    seen: Seen = field(default_factory=Seen)
    evidence: Bundle | None = None
    labgen: str = ""

    def hints(self) -> tuple[Advice, ...]:
        """Give the hints of all checks."""
        return tuple(advice for outcome in self.checks for advice in outcome.advice)

    @property
    def verdict(self) -> str:
        """``pass``, ``fail``, ``inconclusive`` (some could not be judged), ``ready`` or ``nothing``.

        ``ready``: the swarm is as it should be, and no exercise was graded. ``nothing``: no check was judged, or none
        of an exercise that was to be; a check that is not applicable was not judged.
        """
        together = overall(self.checks)
        if together != "pass":
            return together
        graded = [outcome for outcome in self.checks if outcome.exercise != prerequisite()]
        return overall(graded) if graded else "ready"

    @property
    def cluster(self) -> list[Outcome]:
        """The checks of the swarm itself."""
        return [outcome for outcome in self.checks if outcome.exercise == prerequisite()]

    @property
    def precondition(self) -> Precondition | None:
        """What the checks of the swarm itself come to; ``None`` where none was chosen."""
        return Precondition.of(self.cluster) if self.cluster else None

    @property
    def not_applicable(self) -> list[NotApplicable]:
        """What the nodes cannot do where they run: the checks of exercises that ask for it, by reason."""
        reasons: dict[str, list[Outcome]] = {}
        for _, outcomes in self.exercises():
            for outcome in outcomes:
                if not outcome.applicable:
                    reasons.setdefault(outcome.seen, []).append(outcome)
        return [
            NotApplicable(reason, len(outcomes), sum(outcome.points for outcome in outcomes))
            for reason, outcomes in reasons.items()
        ]

    @property
    def points(self) -> Points:
        """Of all exercises together."""
        return Points.sum(outcome for _, outcomes in self.exercises() for outcome in outcomes)

    def exercises(self) -> list[tuple[str, list[Outcome]]]:
        """Give the checks by exercise, in the order in which they stand; without those of the swarm itself."""
        names = dict.fromkeys(outcome.exercise for outcome in self.checks if outcome.exercise != prerequisite())
        return [(name, [outcome for outcome in self.checks if outcome.exercise == name]) for name in names]

    def title(self, exercise: str) -> str:
        """Give what an exercise is called; its name where nothing else is known."""
        return self.titles.get(exercise) or exercise

    @property
    def closing(self) -> str:
        """What the exercises come to, in one sentence or two."""
        speak = self.language
        judged = [outcome for _, outcomes in self.exercises() for outcome in outcomes if outcome.applicable]
        apart = [
            words.APART.in_(
                speak,
                checks=words.checks(check.checks, speak),
                points=words.worth(check.points, speak),
                reason=check.reason,
            )
            for check in self.not_applicable
        ]
        if not self.exercises() and self.cluster:
            return self._without_exercise
        if not judged:
            none = words.NO_CHECK_APPLIES if apart else words.NO_CHECK_RAN
            return "; ".join([none.in_(speak), *apart]) + "."
        counts = {verdict: sum(check.verdict is verdict for check in judged) for verdict in Verdict}
        counted = ", ".join(
            f"{count} {words.COUNTED[verdict].in_(speak)}" for verdict, count in counts.items() if count
        )
        # What is not applicable is told last, with its reason.
        points = tally(replace(self.points, not_applicable=0), speak)
        rest = "" if self.complete else f" {words.CUT_SHORT.in_(speak)}"
        if self.not_begun:
            rest += " " + words.NOT_BEGUN.in_(speak, names=", ".join(self.not_begun))
        return "; ".join([points, f"{words.checks(len(judged), speak)}: {counted}", *apart]) + f".{rest}"

    @property
    def _without_exercise(self) -> str:
        """What is said where only the swarm itself was judged."""
        speak, others = self.language, [service.name for service in self.seen.services]
        sentences = [] if self.complete else [words.CUT_SHORT.in_(speak)]
        if not self.not_begun:
            return " ".join([words.NO_EXERCISE_GRADED.in_(speak), *sentences])
        if others:
            sentences.append(words.OF_NO_EXERCISE.in_(speak, names=", ".join(others)))
        elif self.verdict == "ready":
            sentences.append(words.BEGIN_ONE.in_(speak))
        return " ".join([words.NO_EXERCISE_BEGUN.in_(speak), *sentences])

    @property
    def lasted(self) -> float:
        """Seconds that it took; a report of an earlier version may tell those of a later grading from evidence."""
        return max(self.seconds, self.seen.waited)

    @property
    def took(self) -> str:
        """How long it took, as a sentence, where some of that was Swarm's time; else empty."""
        if round(self.seen.waited) < 1:
            return ""
        return words.TOOK.in_(self.language, seconds=f"{self.lasted:.0f}", waited=f"{self.seen.waited:.0f}")


def overall(outcomes: Iterable[Outcome]) -> str:
    """``pass``, ``fail``, ``inconclusive`` (some could not be judged), or ``nothing`` (none was) for checks together.

    A check that is not applicable was not judged: nothing else is no full mark.
    """
    verdicts = {outcome.verdict for outcome in outcomes if outcome.applicable}
    if not verdicts:
        return "nothing"
    if Verdict.INCONCLUSIVE in verdicts:
        return "inconclusive"
    return "pass" if verdicts == {Verdict.PASS} else "fail"


def precondition_line(precondition: Precondition, language: Language) -> str:
    """Say how the checks of the swarm itself came out: ``cluster: 36 of 38 checks, 2 could not be judged``."""
    line = words.PRECONDITION.in_(language, passed=precondition.passed, checks=precondition.checks)
    if precondition.inconclusive:
        line += words.UNJUDGED.in_(language, count=precondition.inconclusive)
    if precondition.not_applicable:
        line += words.INAPPLICABLE.in_(language, count=precondition.not_applicable)
    return line


def tally(points: Points, language: Language) -> str:
    """Points in words: ``9 of 12 points, 2 could not be judged``."""
    plain = words.points(points.got, points.of, language)
    unclear = words.undecided(points.undecided, language)
    return plain + unclear + words.not_applicable(points.not_applicable, language)


def by_claim(outcomes: Iterable[Outcome]) -> list[list[Outcome]]:
    """Give the checks of one exercise by claim: one that is made for each node has several."""
    checks = list(outcomes)
    names = dict.fromkeys(outcome.name for outcome in checks)
    return [[outcome for outcome in checks if outcome.name == name] for name in names]


def worst(outcomes: Iterable[Outcome]) -> Verdict:
    """Give the verdict that several checks of a claim have together."""
    verdicts = {outcome.verdict for outcome in outcomes}
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.BLOCKED, Verdict.PASS)
    return next((verdict for verdict in order if verdict in verdicts), Verdict.NOT_APPLICABLE)
