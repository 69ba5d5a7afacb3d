"""A report's own words, in both languages."""

from __future__ import annotations

from collections.abc import Sequence

from labgen.core.i18n import Language, _, ngettext
from labgen.exercise.hint import Advice, Stage, in_folder, up_to
from labgen.exercise.verdict import Verdict
from labgen.report.episodes import Episode
from labgen.report.seen import SeenExchange, SeenProbe, SeenService

VERDICTS = {
    Verdict.PASS: _("pass"),
    Verdict.FAIL: _("FAIL"),
    Verdict.BLOCKED: _("blocked"),
    Verdict.INCONCLUSIVE: _("UNCLEAR"),
    Verdict.NOT_APPLICABLE: _("n/a"),
}
"""Of one check, short."""

COUNTED = {
    Verdict.PASS: _("pass"),
    Verdict.FAIL: _("fail"),
    Verdict.BLOCKED: _("blocked"),
    Verdict.INCONCLUSIVE: _("inconclusive"),
    Verdict.NOT_APPLICABLE: _("not applicable"),
}
"""In sums."""

MEANING = {
    Verdict.FAIL: _("not met"),
    Verdict.BLOCKED: _("something it needs failed"),
    Verdict.INCONCLUSIVE: _("the lab could not be examined; costs nothing"),
    Verdict.NOT_APPLICABLE: _("the nodes cannot do this here"),
}

OVERALL = {
    "pass": _("Everything is right"),
    "fail": _("Not everything is right yet"),
    "inconclusive": _("Some of it could not be judged"),
    "ready": _("The swarm is ready for the exercises"),
    "nothing": _("Nothing was graded"),
}

SWARM = _("The swarm itself")
"""What the checks of the cluster are called."""

REPORT = _("Report")
EXERCISE = _("Exercise")
POINTS = _("Points")
CHECKS = _("Checks")
VERDICT = _("Verdict")
CLAIM = _("What must be true")
NODE = _("Node")
TOTAL = _("total")
SEEN = _("seen")
TRY = _("try")
MUST_BE_TRUE = _("must be true")
ON_NODE = _("on %(node)s")
NOT_APPLICABLE_HERE = _("not applicable here")
NEEDS_NOT_SO = _("%(check)s has to pass first")
NEEDS_UNJUDGED = _("needs %(check)s, which could not be judged")
START_MACHINES = (in_folder("labgen status", look=_("See whether the machines run.")),)

COMPARE = _("Compare what was seen with what must be true.")
"""The first stage of a hint that has commands only."""
MORE_HINTS = {
    Stage.LOOK: _("More help: labgen grade --hints 2 adds where to look, --hints 3 adds the commands."),
    Stage.PLACE: _("More help: labgen grade --hints 3 adds the commands."),
}

# Of the HTML page.
WHERE = _("where")
COMMANDS = _("commands")
BEGIN_HERE = _("Begin here")
CLUSTER = _("The cluster")
SERVICE = _("Service")
SERVICES = _("Services")
TIMELINE = _("Updates and recoveries")
REQUESTS = _("Requests over replicas")
MEANWHILE = _("Requests during live tests")
PROBED = _(
    "One after another through every node, each over a new connection, from before the check's action until after it."
)
PROBE = _("%(requests)s requests in %(seconds)s s, %(lost)s lost (%(share)s %%)")
PROBE_LOST = _("lost in a row: sent within %(spell)s s; longest time without an answer at one address: %(longest)s s")
BY_SWARM = _("What Swarm itself did")
EXCHANGE = _(
    "%(service)s.%(place)s had no task for %(seconds)s s. When the new task of the update failed, Swarm created "
    "another one. In the rollback it kept that one and stopped the old one at once, in any update order. This costs no "
    "points."
)
TOOK = _("It took %(seconds)s s. %(waited)s s of that were Swarm's own delays.")
ANSWERED = _("answered")
LOST = _("lost")
LAB_NETWORK = _("lab network")
MANAGER = _("manager")
WORKER = _("worker")
LEADER = _("leader")
STRANGER = _("not of this lab")
NO_SWARM = _("not in the swarm")
NO_TASKS = _("no task runs here")
MORE = _("%(count)s more")
IMAGE = _("Image")
MODE = _("Mode")
RUNNING = _("Running")
PORTS = _("Ports")
UPDATE = _("Update")
REPLICA = _("replica %(number)s")
EPISODES = {
    "update": _("Update of %(service)s"),
    "back": _("%(service)s back to an earlier image"),
    "recovery": _("Recovery of %(service)s"),
    "replaced": _("Tasks of %(service)s replaced"),
}
NEW_TASKS = _("new tasks: %(tasks)s, within %(seconds)s s")
LONGEST_GAP = _("longest gap %(gap)s s")
SIDE_BY_SIDE = _("no gap: old and new tasks ran side by side for %(seconds)s s at least")
MISSING = _("at most %(missing)s of %(places)s missing at once")
NONE_MISSING = _("no replica was missing")
UNDATED = _("the start of %(tasks)s is not known")
GAP = _("gap %(seconds)s s")
STARTING = _("starting")
ENDED_BADLY = _("ended in an error")
EMPTY = _("no task ran")
BEFORE_AND_AFTER = _("Each row is a replica. The times come from the nodes' own clocks.")
ASKED = _("%(by)s asks %(to)s")
NO_ANSWER = _("no answer")
EMPTY_PAGE = _("an empty page")
EVIDENCE = _("Evidence")
DIGEST = _("digest")
NONCE = _("nonce")
AGAIN = _("Recompute this result without the lab")
NO_NETWORK = _("This page is one file: it loads nothing and runs no script.")
PASSED_ON = _("holds")


def points(got: int, of: int, language: Language) -> str:
    """``9 of 12 points``."""
    return _("%(got)s of %(of)s points", got=got, of=of).in_(language)


def undecided(number: int, language: Language) -> str:
    """What is added for points that could not be judged; nothing for none."""
    return _(", %(points)s could not be judged", points=number).in_(language) if number else ""


def not_applicable(number: int, language: Language) -> str:
    """What is added for points that are not at stake; nothing for none."""
    return _(", %(points)s not applicable here", points=number).in_(language) if number else ""


def checks(number: int, language: Language) -> str:
    """``1 check``, ``3 checks``."""
    return ngettext("%(count)s check", "%(count)s checks", number).in_(language)


def worth(number: int, language: Language) -> str:
    """``1 point``, ``3 points``."""
    return ngettext("%(count)s point", "%(count)s points", number).in_(language)


def more_hints(stage: Stage, hints: Sequence[Advice], language: Language) -> str:
    """Say how to see more of some hints; empty where a stage shows all of them, or they are switched off."""
    more = stage in MORE_HINTS and up_to(stage, hints) != tuple(hints)
    return MORE_HINTS[stage].in_(language) if more else ""


def running(service: SeenService, language: Language) -> str:
    """``3 / 3``; ``3 / 3, 1 more`` while a task of an update runs beside the one that it replaces."""
    if service.replicas is None:
        return str(service.running)
    counted = min(service.running, service.replicas)
    more = service.running - counted
    return f"{counted} / {service.replicas}" + (f", {MORE.in_(language, count=more)}" if more else "")


def probe(outcome: SeenProbe, language: Language) -> str:
    """``1240 requests in 9.2 s, 2 lost (0.16 %); lost in a row: sent within 0.4 s …``."""
    share = f"{max(100 * outcome.lost / outcome.requests, 0.01):.2f}"
    sentence = PROBE.in_(
        language,
        requests=outcome.requests,
        seconds=f"{outcome.seconds:.1f}",
        lost=outcome.lost,
        share=share if outcome.lost else "0",
    )
    if not outcome.lost:
        return sentence
    return f"{sentence}; " + PROBE_LOST.in_(language, spell=f"{outcome.spell:.1f}", longest=f"{outcome.longest:.1f}")


def episode(happening: Episode, language: Language) -> str:
    """``new tasks: 3, within 11.0 s; longest gap 2.5 s; at most 1 of 3 missing at once``."""
    parts = [NEW_TASKS.in_(language, tasks=len(happening.turns), seconds=f"{happening.seconds:.1f}")]
    if happening.longest_gap is not None:
        parts.append(LONGEST_GAP.in_(language, gap=f"{happening.longest_gap:.1f}"))
    elif happening.overlap is not None:
        parts.append(SIDE_BY_SIDE.in_(language, seconds=f"{happening.overlap:.1f}"))
    if happening.missing == 0:
        parts.append(NONE_MISSING.in_(language))
    elif happening.missing is not None:
        parts.append(MISSING.in_(language, missing=happening.missing, places=happening.places))
    if happening.undated:
        parts.append(UNDATED.in_(language, tasks=happening.undated))
    return "; ".join(parts)


def exchange(outcome: SeenExchange, language: Language) -> str:
    """Say which replica Swarm itself left without a task, for how long, and why."""
    return EXCHANGE.in_(language, service=outcome.service, place=outcome.place, seconds=f"{outcome.seconds:.1f}")


CUT_SHORT = _("The run was cut short: not every check was judged.")
NOT_BEGUN = _("Not started, and not graded: %(names)s.")
NO_EXERCISE_BEGUN = _("No exercise was started.")
NO_EXERCISE_GRADED = _("No exercise was graded.")
BEGIN_ONE = _("Next: labgen run --list")
OF_NO_EXERCISE = _(
    "There are services that belong to none: %(names)s. If one of them is meant to, name its exercise: "
    "labgen grade EXERCISE"
)
PRECONDITION = _("cluster: %(passed)s of %(checks)s checks")
"""The one line about the swarm itself."""
UNJUDGED = _(", %(count)s could not be judged")
INAPPLICABLE = _(", %(count)s not applicable here")
NO_CHECK_RAN = _("Nothing was graded: no check ran")
NO_CHECK_APPLIES = _("Nothing was graded: no check applies here")
APART = _("not applicable here: %(checks)s (%(points)s): %(reason)s")
