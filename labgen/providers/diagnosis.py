"""Every finding together: which providers can be used, and which one to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from labgen.core.errors import HostError, LabgenError, UsageError
from labgen.core.i18n import NOTHING, Text, _, sentences, untranslated
from labgen.host import programs, resources, wsl
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.model.capabilities import UNKNOWN_KERNEL, Capability, Lacks
from labgen.model.lab import Lab
from labgen.providers import PROVIDERS
from labgen.providers.base import Check

GENERAL: tuple[Check, ...] = (
    programs.vagrant,
    programs.ssh,
    programs.folder,
    wsl.folder,
    resources.memory,
    resources.processors,
)


@dataclass(frozen=True)
class Choice:
    """The provider to use.

    :param reason: one sentence, for the user.
    :param accelerated: ``False`` where machines are emulated and everything takes many times as long.
    :param own_daemon: the lab has to start the provider's daemon itself.
    """

    provider: str
    reason: Text
    accelerated: bool
    own_daemon: bool

    @property
    def why(self) -> str:
        """Give the reason in English."""
        return str(self.reason)


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    :param accelerated: by provider, whether machines would run on the processor itself.
    :param own_daemon: by provider, whether it would need a daemon of the lab's own.
    :param lacks: by provider, what nodes would lack, and why.
    :param existing: the provider on which machines of the lab exist already.
    :param requested: whether the providers to look at were given by the caller.
    """

    findings: tuple[Finding, ...]
    providers: tuple[str, ...]
    accelerated: Mapping[str, bool]
    own_daemon: Mapping[str, bool]
    lacks: Mapping[str, Lacks] = field(default_factory=dict)
    existing: str | None = None
    requested: bool = False

    @property
    def usable(self) -> Mapping[str, bool]:
        """By provider that was looked at, whether the lab can come up with it."""
        return {provider: not self.errors(provider) for provider in self.providers}

    def errors(self, provider: str) -> list[Finding]:
        """Give what keeps the lab from coming up with this provider."""
        return [finding for finding in self.findings if finding.level == "error" and _concerns(finding, provider)]

    def warnings(self, provider: str) -> list[Finding]:
        """Give what will be slow or unreachable with this provider."""
        return [finding for finding in self.findings if finding.level == "warning" and _concerns(finding, provider)]

    def choose(self, lab: Lab) -> Choice:
        """Choose the provider to use: the lab's own, the one its machines run on, or the best usable.

        :raises HostError: none can be used, or the one that is asked for cannot; with every reason
            and its fix.
        """
        if self.requested and len(self.providers) == 1:
            return self._choice(self.providers[0], _("it is asked for"))
        if lab.provider != "auto":
            return self._choice(lab.provider, _("lab.yml asks for it"))
        if self.existing is not None and self.existing in self.providers:
            return self._choice(self.existing, _("the lab's machines are there already"))
        usable = [provider for provider in self.providers if self.usable[provider]]
        if not usable:
            raise HostError(
                sentences(
                    _("This lab cannot come up on this computer."),
                    *(self._reasons(provider) for provider in self.providers),
                    separator="\n",
                ),
                _("Fix one of them, then run `labgen doctor` again."),
            )
        best = min(usable, key=self._rank)
        return self._choice(best, self._beside(best))

    def _choice(self, provider: str, reason: Text) -> Choice:
        title = _title(provider)
        if provider not in self.providers or self.errors(provider):
            raise HostError(
                _(
                    "%(title)s cannot be used, although %(reason)s.\n%(problems)s",
                    title=title,
                    reason=reason,
                    problems=self._reasons(provider),
                ),
                _("Fix that, then run `labgen doctor` again."),
            )
        own = self.own_daemon[provider]
        daemon = PROVIDERS[provider].checks().daemon_title
        used = _("%(title)s, with the lab's own %(daemon)s", title=title, daemon=daemon) if own else untranslated(title)
        reasons = [reason]
        if not self.accelerated[provider]:
            reasons.append(_("machines are emulated, which is slow"))
        if ports := self.published_ports(provider):
            reasons.append(_("%(lacking)s, so %(ports)s", lacking=self._no_mesh(provider), ports=ports))
        listed = sentences(*reasons, separator="; ")
        sentence = _("%(provider)s: %(reasons)s.", provider=used, reasons=listed)
        return Choice(provider, sentence, self.accelerated[provider], own)

    def _no_mesh(self, provider: str) -> Text:
        # Facts of nodes are kept in English; the catalogue has those that labgen states.
        return _(self.lacks[provider][Capability.ROUTING_MESH])

    def published_ports(self, provider: str) -> Text:
        """Say that ports which a swarm publishes on this provider do not, or may not, answer; empty if they do."""
        why = self.lacks.get(provider, {}).get(Capability.ROUTING_MESH)
        if why is None:
            return NOTHING
        return _("published ports may not answer") if why == UNKNOWN_KERNEL else _("published ports do not answer")

    def _rank(self, provider: str) -> tuple[float, ...]:
        """Rank a provider: the lower, the better."""
        return (*(criterion.short(self, provider) for criterion in _CRITERIA), list(PROVIDERS).index(provider))

    def _beside(self, best: str) -> Text:
        """Say why this one and not the others; those that could not have been better are not mentioned."""
        order = list(PROVIDERS)
        reasons = []
        for provider in self.providers:
            at_best = (0, 0, len(PROVIDERS[provider].lacks), order.index(provider))
            if provider != best and (not self.errors(provider) or at_best < self._rank(best)):
                reasons.append(self._against(best, provider))
        return sentences(*reasons, separator="; ") or _("it can be used here")

    def _against(self, best: str, provider: str) -> Text:
        if wrong := self.errors(provider):
            first = min(wrong, key=lambda criterion: criterion.provider is None)
            values = {"title": _title(provider), "subject": first.topic, "message": first.words.changed(_without_stop)}
            if first.subject == _title(provider):
                return _("%(title)s %(message)s", **values)
            return _("%(title)s: %(subject)s: %(message)s", **values)
        for criterion in _CRITERIA:
            if criterion.short(self, best) < criterion.short(self, provider):
                return criterion.lost(self, provider)
        return _("it is preferred to %(title)s, which would do as well", title=_title(provider))

    def _reasons(self, provider: str) -> Text:
        lines = [untranslated(f"{_title(provider)}:")]
        for finding in self.errors(provider):
            lines.append(Text("  ✗ %(subject)s: %(message)s", (("subject", finding.topic), ("message", finding.words))))
            lines.append(finding.remedy.changed(_indented))
        return sentences(*lines, separator="\n")


def _without_stop(sentence: str) -> str:
    return sentence.rstrip(".")


def _indented(lines: str) -> str:
    return "\n".join(f"      {line}" for line in lines.splitlines())


@dataclass(frozen=True)
class Criterion:
    """One thing that providers are compared in.

    :param short: how far a provider falls short in it; 0 where it does not.
    :param lost: why one that falls short of the best was not taken.
    """

    short: Callable[[Diagnosis, str], int]
    lost: Callable[[Diagnosis, str], Text]


def _lost_mesh(diagnosis: Diagnosis, provider: str) -> Text:
    return _(
        "%(title)s: %(lacking)s, so %(ports)s (to use it anyway: `labgen up --provider %(provider)s`)",
        title=PROVIDERS[provider].title,
        lacking=_(diagnosis.lacks[provider][Capability.ROUTING_MESH]),
        ports=diagnosis.published_ports(provider),
        provider=provider,
    )


def _lost_completeness(diagnosis: Diagnosis, provider: str) -> Text:
    listed = sentences(
        *(
            _("%(capability)s (%(why)s)", capability=capability, why=_(why))
            for capability, why in diagnosis.lacks[provider].items()
        ),
        separator=", ",
    )
    return _("nodes of %(title)s would lack %(listed)s", title=_title(provider), listed=listed)


_CRITERIA: tuple[Criterion, ...] = (
    Criterion(lambda diagnosis, provider: Capability.ROUTING_MESH in diagnosis.lacks.get(provider, {}), _lost_mesh),
    Criterion(
        lambda diagnosis, provider: not diagnosis.accelerated[provider],
        lambda _diagnosis, provider: _(
            "it runs on the processor itself, while %(title)s would emulate", title=_title(provider)
        ),
    ),
    Criterion(lambda diagnosis, provider: len(diagnosis.lacks.get(provider, {})), _lost_completeness),
)
"""What makes a provider the better one, what counts most first: published ports answer, as half of the course needs
them to; it is fast; its nodes can do all that a machine can. Where all are equal, the order of PROVIDERS decides."""


def examine(lab: Lab, host: Host | None = None, providers: Sequence[str] | None = None) -> Diagnosis:
    """Look at everything the lab needs of this computer; nothing is changed or downloaded.

    :param providers: those to look at; where ``None`` the one that the lab names, or every one that
        there can be on this system.
    :raises HostError: one of them is none.
    """
    refuse_unknown(providers or ())
    here = host or Host()
    looked_at = tuple(providers) if providers is not None else _candidates(lab, here)
    gates: list[Finding] = []
    with_vagrant = any(PROVIDERS[provider].uses_vagrant for provider in looked_at)
    checks = [check for check in GENERAL if with_vagrant or check is not programs.vagrant]
    for provider in looked_at:
        shut = PROVIDERS[provider].checks().gate(lab, here)
        if shut is None:
            checks += PROVIDERS[provider].checks().rest
        else:
            gates.append(shut)
    with ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="doctor") as pool:
        # Most of them wait for programs and sockets, so each has a thread.
        findings_of_checks = [
            finding for findings in pool.map(partial(_run, lab, here), checks) for finding in findings
        ]
    open_ = [provider for provider in looked_at if not any(finding.provider == provider for finding in gates)]
    return Diagnosis(
        findings=(*findings_of_checks, *gates),
        providers=looked_at,
        accelerated={provider: PROVIDERS[provider].checks().accelerated(here) for provider in looked_at},
        own_daemon={provider: provider in open_ and _own_daemon(provider, here) for provider in looked_at},
        lacks={provider: _lacks(provider, here) for provider in open_},
        existing=resources.existing(lab, here),
        requested=providers is not None,
    )


def _concerns(finding: Finding, provider: str) -> bool:
    """Tell whether a finding is about a provider: what is said of Vagrant is only about those that use it."""
    if finding.id.startswith("vagrant.") and provider in PROVIDERS:
        return PROVIDERS[provider].uses_vagrant
    return finding.provider in (None, provider)


def refuse_unknown(providers: Iterable[str]) -> None:
    """:raises UsageError: one of these is not a provider."""
    for provider in providers:
        if provider not in PROVIDERS:
            raise UsageError(
                _("%(provider)r is not a provider.", provider=provider),
                _("Choose one of: %(providers)s.", providers=", ".join(PROVIDERS)),
            )


def _run(lab: Lab, host: Host, check: Check) -> list[Finding]:
    try:
        return list(check(lab, host))
    except (OSError, LabgenError) as why:
        reason, remedy = (why.words, why.advice) if isinstance(why, LabgenError) else (untranslated(str(why)), NOTHING)
        name = getattr(check, "func", check).__name__
        provider = getattr(check, "keywords", {}).get("provider")
        subject = name.removeprefix("check_").replace("_", " ")
        return [
            Finding(
                name,
                "warning",
                untranslated(subject),
                _("could not be checked: %(why)s.", why=reason.changed(lambda text: text.rstrip("."))),
                remedy or _("Check it by hand."),
                None if provider is None else provider.name,
            )
        ]


def _candidates(lab: Lab, host: Host) -> tuple[str, ...]:
    if lab.provider != "auto":
        return (lab.provider,)
    # A lab that names a box wants machines that start from it; containers do not.
    able = [provider for provider in PROVIDERS.values() if lab.box is None or not provider.from_image]
    return tuple(provider.name for provider in able if host.system() in provider.checks().systems)


def packages(lab: Lab, host: Host, providers: Sequence[str] | None = None) -> list[str]:
    """Give the Debian packages to install so that the lab can come up.

    :param providers: for these; where ``None`` for the one the lab names, or else the first that is installed or that
        Debian has packages of.
    """
    if providers is None:
        providers = [lab.provider if lab.provider != "auto" else _to_install(lab, host)]
    missing = [PROVIDERS[provider].checks().missing_packages(lab, host) for provider in providers]
    return list(dict.fromkeys(name for names in missing for name in names))


def _to_install(lab: Lab, host: Host) -> str:
    return next(
        provider.name
        for provider in PROVIDERS.values()
        if provider.installable or provider.checks().gate(lab, host) is None
    )


def _own_daemon(provider: str, host: Host) -> bool:
    ask = PROVIDERS[provider].checks().daemon
    return ask is not None and ask(host).state == "own"


def _lacks(provider: str, host: Host) -> Lacks:
    return {**PROVIDERS[provider].lacks, **PROVIDERS[provider].checks().lacks(host)}


def _title(provider: str) -> str:
    return PROVIDERS[provider].title.partition(" (")[0]
