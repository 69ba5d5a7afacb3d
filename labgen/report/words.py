"""A report's own words, in both languages."""

from __future__ import annotations

from labgen.core.words import Language, Words
from labgen.exercise.hint import in_folder
from labgen.exercise.verdict import Verdict
from labgen.report.episodes import Episode
from labgen.report.seen import SeenExchange, SeenProbe, SeenService

VERDICTS = {
    Verdict.PASS: Words("pass", "통과"),
    Verdict.FAIL: Words("FAIL", "실패"),
    Verdict.BLOCKED: Words("blocked", "막힘"),
    Verdict.INCONCLUSIVE: Words("UNCLEAR", "판정불가"),
    Verdict.NOT_APPLICABLE: Words("n/a", "해당없음"),
}
"""Of one check, short."""

COUNTED = {
    Verdict.PASS: Words("pass", "통과"),
    Verdict.FAIL: Words("fail", "실패"),
    Verdict.BLOCKED: Words("blocked", "막힘"),
    Verdict.INCONCLUSIVE: Words("inconclusive", "판정불가"),
    Verdict.NOT_APPLICABLE: Words("not applicable", "해당없음"),
}
"""In sums."""

MEANING = {
    Verdict.FAIL: Words("it is not so", "사실과 다릅니다"),
    Verdict.BLOCKED: Words("something it needs failed", "먼저 필요한 검사가 실패했습니다"),
    Verdict.INCONCLUSIVE: Words(
        "the lab could not be looked at; costs nothing", "실습 환경을 확인할 수 없었습니다. 감점은 없습니다"
    ),
    Verdict.NOT_APPLICABLE: Words("the nodes cannot do this here", "이 환경의 노드에서는 할 수 없습니다"),
}

OVERALL = {
    "pass": Words("Everything is right", "모두 맞습니다"),
    "fail": Words("Not everything is right yet", "아직 맞지 않는 것이 있습니다"),
    "inconclusive": Words("Some of it could not be judged", "판정하지 못한 것이 있습니다"),
    "ready": Words("The swarm is ready for the exercises", "스웜이 실습할 준비가 되었습니다"),
    "nothing": Words("Nothing was graded", "채점한 것이 없습니다"),
}

SWARM = Words("The swarm itself", "스웜 자체")
"""What the checks of the cluster are called."""

REPORT = Words("Report", "채점 결과")
EXERCISE = Words("Exercise", "실습")
POINTS = Words("Points", "점수")
CHECKS = Words("Checks", "검사")
VERDICT = Words("Verdict", "판정")
CLAIM = Words("What must be true", "참이어야 하는 것")
NODE = Words("Node", "노드")
TOTAL = Words("total", "합계")
SEEN = Words("seen", "관찰")
TRY = Words("try", "해 볼 것")
MUST_BE_TRUE = Words("must be true", "참이어야 함")
ON_NODE = Words("on {node}", "{node}에서")
NOT_APPLICABLE_HERE = Words("not applicable here", "여기에서는 해당 없음")
NEEDS_NOT_SO = Words("needs {check}, which is not so", "먼저 {check} 검사가 통과해야 합니다")
NEEDS_UNJUDGED = Words("needs {check}, which could not be judged", "먼저 필요한 {check} 검사를 판정할 수 없었습니다")
START_MACHINES = (
    in_folder("labgen status", look=Words("See whether the machines run.", "머신이 실행 중인지 확인하세요.")),
)

# Of the HTML page.
BEGIN_HERE = Words("Begin here", "여기부터 시작하세요")
CLUSTER = Words("The cluster", "클러스터")
SERVICE = Words("Service", "서비스")
SERVICES = Words("Services", "서비스")
TIMELINE = Words("Updates and recoveries", "업데이트와 복구")
REQUESTS = Words("Requests over replicas", "복제본별 요청 분포")
MEANWHILE = Words("Requests while checks acted", "채점이 개입하는 동안의 요청")
PROBED = Words(
    "One after the other through every node, each over a connection of its own, from before the act until after it.",
    "모든 노드를 차례로 거치며 요청마다 새 연결을 엽니다. 개입하기 전부터 끝난 뒤까지 계속됩니다.",
)
PROBE = Words(
    "{requests} requests in {seconds} s, {lost} lost ({share} %)",
    "{seconds}초 동안 요청 {requests}건, 잃은 요청 {lost}건({share} %)",
)
PROBE_LOST = Words(
    "lost in a row: sent within {spell} s; longest time without an answer at one address: {longest} s",
    "이어서 잃은 요청은 {spell}초 사이에 보낸 것; 한 주소에서 응답이 없던 시간은 길어야 {longest}초",
)
BY_SWARM = Words("What Swarm itself did", "스웜이 스스로 한 일")
EXCHANGE = Words(
    "{service}.{place} had no task for {seconds} s. When the new task of the update failed, Swarm made another in its "
    "place. Taking the update back, it kept that one and stopped the old one at once, whatever order was asked for. "
    "It costs no points.",
    "{service}.{place}에 {seconds}초 동안 태스크가 없었습니다. 업데이트의 새 태스크가 실패하자 스웜이 그 자리에 다른 "
    "태스크를 만들었고, 업데이트를 되돌릴 때 순서 설정과 상관없이 그 태스크를 남기고 이전 태스크를 바로 멈추었습니다. "
    "점수를 깎지 않습니다.",
)
TOOK = Words(
    "It took {seconds} s, of which {waited} s were waiting for what Swarm does in its own time.",
    "{seconds}초가 걸렸고, 그 가운데 {waited}초는 스웜이 제 시간에 하는 일을 기다린 시간입니다.",
)
ANSWERED = Words("answered", "응답함")
LOST = Words("lost", "잃음")
LAB_NETWORK = Words("lab network", "실습 네트워크")
MANAGER = Words("manager", "매니저")
WORKER = Words("worker", "워커")
LEADER = Words("leader", "리더")
STRANGER = Words("not of this lab", "이 실습의 노드가 아님")
NO_SWARM = Words("not in the swarm", "스웜에 없음")
NO_TASKS = Words("no task runs here", "실행 중인 태스크 없음")
MORE = Words("{count} more", "외 {count}개")
IMAGE = Words("Image", "이미지")
MODE = Words("Mode", "모드")
RUNNING = Words("Running", "실행 중")
PORTS = Words("Ports", "포트")
UPDATE = Words("Update", "업데이트")
REPLICA = Words("replica {number}", "복제본 {number}")
EPISODES = {
    "update": Words("Update of {service}", "{service} 업데이트"),
    "back": Words("{service} back to an earlier image", "{service}: 이전 이미지로 되돌림"),
    "recovery": Words("Recovery of {service}", "{service} 복구"),
    "replaced": Words("Tasks of {service} made anew", "{service} 태스크 다시 만듦"),
}
NEW_TASKS = Words("new tasks: {tasks}, within {seconds} s", "새 태스크 {tasks}개, {seconds}초 동안")
LONGEST_GAP = Words("longest gap {gap} s", "최대 공백 {gap}초")
SIDE_BY_SIDE = Words(
    "no gap: old and new tasks ran side by side for {seconds} s at least",
    "공백 없음: 기존 태스크와 새 태스크가 적어도 {seconds}초 동안 함께 실행됨",
)
MISSING = Words(
    "at most {missing} of {places} missing at once", "동시에 빠진 복제본은 많아야 {places}개 중 {missing}개"
)
NONE_MISSING = Words("no replica was missing", "빠진 복제본 없음")
UNDATED = Words("the start of {tasks} is not known", "{tasks}개는 시작한 시각을 알 수 없음")
GAP = Words("gap {seconds} s", "공백 {seconds}초")
STARTING = Words("starting", "시작하는 중")
ENDED_BADLY = Words("ended in an error", "오류로 끝남")
EMPTY = Words("no task ran", "실행 중인 태스크 없음")
BEFORE_AND_AFTER = Words(
    "Each row is a replica. The times come from the nodes' own clocks.",
    "한 줄이 복제본 하나입니다. 시각은 각 노드의 시계를 따릅니다.",
)
ASKED = Words("{by} asks {to}", "{by} → {to}")
NO_ANSWER = Words("no answer", "응답 없음")
EMPTY_PAGE = Words("an empty page", "빈 페이지")
EVIDENCE = Words("Evidence", "증거")
DIGEST = Words("digest", "다이제스트")
NONCE = Words("nonce", "논스")
AGAIN = Words("Recompute this result without the lab", "실습 환경 없이 같은 결과를 다시 계산하기")
NO_NETWORK = Words(
    "This page is one file: it loads nothing and runs no script.",
    "이 페이지는 파일 하나로 되어 있으며, 아무것도 내려받지 않고 스크립트도 실행하지 않습니다.",
)
PASSED_ON = Words("holds", "통과")


def points(got: int, of: int, language: Language) -> str:
    """``9 of 12 points``."""
    return f"{of}점 중 {got}점" if language == "ko" else f"{got} of {of} points"


def undecided(number: int, language: Language) -> str:
    """What is added for points that could not be judged; nothing for none."""
    if not number:
        return ""
    return f", {number}점은 판정하지 못함" if language == "ko" else f", {number} could not be judged"


def not_applicable(number: int, language: Language) -> str:
    """What is added for points that are not at stake; nothing for none."""
    if not number:
        return ""
    return f", {number}점은 여기에서 해당 없음" if language == "ko" else f", {number} not applicable here"


def checks(number: int, language: Language) -> str:
    """``1 check``, ``3 checks``."""
    return f"검사 {number}개" if language == "ko" else f"{number} check{'' if number == 1 else 's'}"


def worth(number: int, language: Language) -> str:
    """``1 point``, ``3 points``."""
    return f"{number}점" if language == "ko" else f"{number} point{'' if number == 1 else 's'}"


def running(service: SeenService, language: Language) -> str:
    """``3 / 3``; ``3 / 3, 1 more`` while a task of an update runs beside the one that it replaces."""
    if service.replicas is None:
        return str(service.running)
    counted = min(service.running, service.replicas)
    more = service.running - counted
    return f"{counted} / {service.replicas}" + (f", {MORE.in_(language).format(count=more)}" if more else "")


def probe(outcome: SeenProbe, language: Language) -> str:
    """``1240 requests in 9.2 s, 2 lost (0.16 %); lost in a row: sent within 0.4 s …``."""
    share = f"{max(100 * outcome.lost / outcome.requests, 0.01):.2f}"
    sentence = PROBE.in_(language).format(
        requests=outcome.requests,
        seconds=f"{outcome.seconds:.1f}",
        lost=outcome.lost,
        share=share if outcome.lost else "0",
    )
    if not outcome.lost:
        return sentence
    return f"{sentence}; " + PROBE_LOST.in_(language).format(
        spell=f"{outcome.spell:.1f}", longest=f"{outcome.longest:.1f}"
    )


def episode(happening: Episode, language: Language) -> str:
    """``new tasks: 3, within 11.0 s; longest gap 2.5 s; at most 1 of 3 missing at once``."""
    parts = [NEW_TASKS.in_(language).format(tasks=len(happening.turns), seconds=f"{happening.seconds:.1f}")]
    if happening.longest_gap is not None:
        parts.append(LONGEST_GAP.in_(language).format(gap=f"{happening.longest_gap:.1f}"))
    elif happening.overlap is not None:
        parts.append(SIDE_BY_SIDE.in_(language).format(seconds=f"{happening.overlap:.1f}"))
    if happening.missing == 0:
        parts.append(NONE_MISSING.in_(language))
    elif happening.missing is not None:
        parts.append(MISSING.in_(language).format(missing=happening.missing, places=happening.places))
    if happening.undated:
        parts.append(UNDATED.in_(language).format(tasks=happening.undated))
    return "; ".join(parts)


def exchange(outcome: SeenExchange, language: Language) -> str:
    """Say which replica Swarm itself left without a task, for how long, and why."""
    return EXCHANGE.in_(language).format(service=outcome.service, place=outcome.place, seconds=f"{outcome.seconds:.1f}")


CUT_SHORT = Words(
    "The run was cut short: not every check was judged.", "채점이 중단되어 판정하지 않은 검사가 있습니다."
)
NOT_BEGUN = Words("Not begun, and not graded: {names}.", "시작하지 않아 채점하지 않은 실습: {names}.")
NO_EXERCISE_BEGUN = Words("No exercise has been begun.", "아직 시작한 실습이 없습니다.")
NO_EXERCISE_GRADED = Words("No exercise was graded.", "실습은 채점하지 않았습니다.")
BEGIN_ONE = Words("Next: labgen run --list", "다음 명령: labgen run --list")
OF_NO_EXERCISE = Words(
    "There are services that belong to none: {names}. If one of them is meant to, name its exercise: "
    "labgen grade EXERCISE",
    "어느 실습에도 속하지 않는 서비스가 있습니다: {names}. 실습에서 만든 서비스라면 실습 이름을 적으세요: "
    "labgen grade EXERCISE",
)
PRECONDITION = Words("cluster: {passed} of {checks} checks", "cluster: 검사 {checks}개 중 {passed}개 통과")
"""The one line about the swarm itself."""
UNJUDGED = Words(", {count} could not be judged", ", {count}개는 판정하지 못함")
INAPPLICABLE = Words(", {count} not applicable here", ", {count}개는 여기에서 해당 없음")
NO_CHECK_RAN = Words("Nothing was graded: no check ran", "채점한 것이 없습니다: 실행된 검사가 없습니다")
NO_CHECK_APPLIES = Words(
    "Nothing was graded: no check applies here", "채점한 것이 없습니다: 여기에 해당하는 검사가 없습니다"
)
APART = Words(
    "not applicable here: {checks} ({points}): {reason}", "여기에서는 해당 없음: {checks} ({points}): {reason}"
)
