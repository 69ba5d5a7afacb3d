"""Every finding together: which providers can be used, and which one to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from labgen.doctor import debian, libvirt, network, programs, resources, supply, virtualization
from labgen.doctor.findings import Finding
from labgen.doctor.host import Host
from labgen.errors import HostError, LabgenError
from labgen.lab import Lab
from labgen.providers import PROVIDERS

Check = Callable[[Lab, Host], Iterable[Finding]]


@dataclass(frozen=True)
class Checks:
    """What is looked at for a provider.

    :param gate: an error where the provider is not there at all; nothing else is then looked at.
    :param rest: everything else.
    """

    gate: Callable[[Lab, Host], Finding | None]
    rest: tuple[Check, ...]


def _supplies(provider: str) -> tuple[Check, ...]:
    each = (resources.disk, resources.architecture, debian.check, supply.box, supply.images)
    return tuple(partial(check, provider=provider) for check in each)


GENERAL: tuple[Check, ...] = (programs.vagrant, programs.ssh, resources.memory, resources.processors)
BY_PROVIDER: Mapping[str, Checks] = {
    "virtualbox": Checks(
        programs.no_virtualbox,
        (
            programs.virtualbox,
            virtualization.virtualbox,
            network.virtualbox_routes,
            network.ports,
            *_supplies("virtualbox"),
        ),
    ),
    "libvirt": Checks(
        libvirt.missing,
        (
            libvirt.check_daemon,
            libvirt.check_plugin,
            virtualization.libvirt,
            network.libvirt_routes,
            *_supplies("libvirt"),
        ),
    ),
    "docker": Checks(lambda _lab, _host: None, ()),
}


@dataclass(frozen=True)
class Choice:
    """The provider to use.

    :param why: one sentence, for the user.
    :param accelerated: ``False`` where machines are emulated and everything takes many times as long.
    :param own_daemon: the lab has to start a libvirtd of its own.
    """

    provider: str
    why: str
    accelerated: bool
    own_daemon: bool


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found.

    :param accelerated: by provider, whether machines would run on the processor itself.
    :param own_daemon: whether libvirt would need a daemon of the lab's own.
    :param existing: the provider on which machines of the lab exist already.
    :param asked: whether the providers to look at were given by the caller.
    """

    findings: tuple[Finding, ...]
    providers: tuple[str, ...]
    accelerated: Mapping[str, bool]
    own_daemon: bool
    existing: str | None = None
    asked: bool = False

    @property
    def usable(self) -> Mapping[str, bool]:
        """By provider that was looked at, whether the lab can come up with it."""
        return {provider: not self.errors(provider) for provider in self.providers}

    def errors(self, provider: str) -> list[Finding]:
        """What keeps the lab from coming up with this provider."""
        return [one for one in self.findings if one.level == "error" and one.provider in (None, provider)]

    def choose(self, lab: Lab) -> Choice:
        """The provider to use: the lab's own, the one its machines run on, or the best usable.

        :raises HostError: none can be used, or the one that is asked for cannot; with every reason
            and its fix.
        """
        if self.asked and len(self.providers) == 1:
            return self._choice(self.providers[0], "it is asked for")
        if lab.provider != "auto":
            return self._choice(lab.provider, "lab.yml asks for it")
        if self.existing is not None and self.existing in self.providers:
            return self._choice(self.existing, "the lab's machines are there already")
        usable = [provider for provider in self.providers if self.usable[provider]]
        if not usable:
            raise HostError(
                "This lab cannot come up on this computer.\n"
                + "\n".join(self._reasons(provider) for provider in self.providers),
                "Put one of them right, then see `labgen doctor`.",
            )
        best = min(usable, key=lambda provider: (not self.accelerated[provider], list(PROVIDERS).index(provider)))
        return self._choice(best, self._beside(best))

    def _choice(self, provider: str, reason: str) -> Choice:
        title = _title(provider)
        if provider not in self.providers or self.errors(provider):
            raise HostError(
                f"{title} cannot be used, although {reason}.\n{self._reasons(provider)}",
                "Put that right, then see `labgen doctor`.",
            )
        how = "" if self.accelerated[provider] else "; machines are emulated, which is slow"
        own = provider == "libvirt" and self.own_daemon
        daemon = ", with a libvirtd of the lab's own" if own else ""
        return Choice(provider, f"{title}{daemon}: {reason}{how}.", self.accelerated[provider], own)

    def _beside(self, best: str) -> str:
        """Why this one and not the others."""
        reasons = []
        for other in self.providers:
            if other == best:
                continue
            wrong = self.errors(other)
            if wrong:
                first = min(wrong, key=lambda one: one.provider is None)
                about = _title(other) if first.subject == _title(other) else f"{_title(other)}: {first.subject}:"
                reasons.append(f"{about} {first.message.rstrip('.')}")
            elif self.accelerated[best] and not self.accelerated[other]:
                reasons.append(f"it runs on the processor itself, while {_title(other)} would emulate")
            else:
                reasons.append(f"it is preferred to {_title(other)}, which would do as well")
        return "; ".join(reasons) or "it can be used here"

    def _reasons(self, provider: str) -> str:
        lines = [f"{_title(provider)}:"]
        for one in self.errors(provider):
            lines.append(f"  ✗ {one.subject}: {one.message}")
            lines += [f"      {line}" for line in one.fix.splitlines()]
        return "\n".join(lines)


def examine(lab: Lab, host: Host | None = None, providers: Sequence[str] | None = None) -> Diagnosis:
    """Look at everything the lab needs of this computer; nothing is changed or downloaded.

    :param providers: those to look at; where ``None`` the one that the lab names, or every one that
        there can be on this system.
    """
    here = host or Host()
    looked_at = tuple(providers) if providers is not None else _candidates(lab, here)
    gates: list[Finding] = []
    checks: list[Check] = [*GENERAL]
    for provider in looked_at:
        shut = BY_PROVIDER[provider].gate(lab, here)
        if shut is None:
            checks += BY_PROVIDER[provider].rest
        else:
            gates.append(shut)
    with ThreadPoolExecutor(max_workers=len(checks), thread_name_prefix="doctor") as pool:
        # Most of them wait for programs and sockets, so each has a thread.
        found = [one for findings in pool.map(partial(_run, lab, here), checks) for one in findings]
    return Diagnosis(
        findings=(*found, *gates),
        providers=looked_at,
        accelerated={provider: provider != "libvirt" or virtualization.kvm(here).usable for provider in looked_at},
        own_daemon="libvirt" in looked_at and _own_daemon(here),
        existing=resources.existing(lab, here),
        asked=providers is not None,
    )


def _run(lab: Lab, host: Host, check: Check) -> list[Finding]:
    try:
        return list(check(lab, host))
    except (OSError, LabgenError) as why:
        name = getattr(check, "func", check).__name__
        provider = getattr(check, "keywords", {}).get("provider")
        return [
            Finding(
                name,
                "warning",
                name.replace("_", " "),
                f"could not be looked at: {why}.",
                "Look at it by hand.",
                provider,
            )
        ]


def _candidates(lab: Lab, host: Host) -> tuple[str, ...]:
    if lab.provider != "auto":
        return (lab.provider,)
    return tuple(PROVIDERS) if host.system() == "Linux" else ("virtualbox",)


def _own_daemon(host: Host) -> bool:
    return host.system() == "Linux" and host.which("virsh") is not None and libvirt.daemon(host).state == "own"


def _title(provider: str) -> str:
    return PROVIDERS[provider].title.partition(" (")[0]
