"""The kernel under containers that are nodes: can it carry a swarm?

Virtual machines bring a kernel along; containers make do with this computer's, or with that of Docker's own
virtual machine (Docker Desktop). What a source cannot know it does not deny: every answer is yes, no or unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from labgen.core.i18n import Text, _, sentences, untranslated
from labgen.host import debian
from labgen.host.computer import Host
from labgen.host.findings import Finding, Level
from labgen.model.capabilities import ASK_IPVS, NO_IPVS, UNKNOWN_KERNEL, Capability, Lacks
from labgen.model.lab import Lab
from labgen.providers.docker import engine
from labgen.providers.docker.findings import docker_finding

_finding = partial(docker_finding, subject=_("kernel"))

Answer = Literal["yes", "no", "unknown"]

_MODULES = Path("/lib/modules")
_CONTAINER = (Path("/.dockerenv"), Path("/run/.containerenv"))
_ASK_INSIDE = f"uname -r; {ASK_IPVS} 2>&1; echo ==; cat /proc/filesystems; echo ==; zcat /proc/config.gz"
"""Three texts, parted by lines of ``==``: release and IPVS, file systems, options."""
_RUN_WITHIN = 60.0
"""Deadline in seconds for one short container in Docker's virtual machine, which may have to wake up."""

_KNOWN: Mapping[str, str] = {
    "-linuxkit": "LinuxKit, kernel/6.6.x/config-*",
}
"""Ends of the releases of kernels that are known to have all of :data:`FEATURES` built in, and where that can be read.

LinuxKit's, which Docker Desktop starts on macOS and Linux, has had IPVS on purpose, for swarms, since linuxkit#178.
WSL 2's had it built in, too (microsoft/WSL2-Linux-Kernel, Microsoft/config-wsl of 4.19), but from 6.6.36 on much of
what Docker needs is in modules (microsoft/WSL#11742): that one has to be asked."""


@dataclass(frozen=True)
class Part:
    """A part of the kernel, by the names it goes by.

    :param module: as a module.
    :param option: as an option of the kernel's configuration, without ``CONFIG_``.
    :param filesystem: as a file system; empty where it is none.
    """

    module: str
    option: str
    filesystem: str = ""


@dataclass(frozen=True)
class Feature:
    """Something a swarm needs of the kernel.

    :param id: end of the finding's id.
    :param name: for people.
    :param ways: any of these will do; each is the parts that it takes.
    :param level: how bad it is if there is none.
    :param without: what does not work then; ends the sentence.
    """

    id: str
    name: Text
    ways: tuple[tuple[Part, ...], ...]
    level: Level
    without: Text


IPVS = Feature(
    "ipvs",
    untranslated("IPVS"),
    # The scheduler, and the match in the engine's rules for the ingress network.
    ((Part("ip_vs", "IP_VS"), Part("ip_vs_rr", "IP_VS_RR"), Part("xt_ipvs", "NETFILTER_XT_MATCH_IPVS")),),
    "warning",
    _("published ports do not answer (routing mesh), and the checks that need them do not apply"),
)

FEATURES: tuple[Feature, ...] = (
    Feature(
        "overlay",
        _("overlay file system"),
        ((Part("overlay", "OVERLAY_FS", "overlay"),),),
        "error",
        _("no engine in a node could keep images"),
    ),
    Feature("vxlan", untranslated("VXLAN"), ((Part("vxlan", "VXLAN"),),), "error", _("no overlay network could work")),
    Feature(
        "bridge",
        _("bridges and veth pairs"),
        ((Part("bridge", "BRIDGE"), Part("veth", "VETH")),),
        "error",
        _("no container could have a network"),
    ),
    Feature(
        "firewall",
        untranslated("iptables"),
        (
            (Part("nf_tables", "NF_TABLES"), Part("nft_compat", "NFT_COMPAT")),
            (Part("ip_tables", "IP_NF_IPTABLES"), Part("iptable_nat", "IP_NF_NAT")),
        ),
        "error",
        _("no engine in a node could start"),
    ),
    Feature(
        "bridge-netfilter",
        untranslated("br_netfilter"),
        ((Part("br_netfilter", "BRIDGE_NETFILTER"),),),
        "warning",
        _("containers in a node are not kept apart as they should be"),
    ),
    IPVS,
)


@dataclass(frozen=True)
class Kernel:
    """What is known of a kernel.

    :param options: its configuration; ``None`` where that cannot be read.
    :param loaded: modules that are in it now, built in or not.
    :param installed: modules that it could load; ``None`` where that cannot be known, as in a container.
    :param stale: the modules of the running kernel are gone: it has been replaced by another, and this
        computer was not restarted.
    :param ipvs: its own answer to the question for IPVS.
    """

    release: str
    filesystems: frozenset[str] = frozenset()
    options: Mapping[str, str] | None = None
    loaded: frozenset[str] = frozenset()
    installed: frozenset[str] | None = None
    stale: bool = False
    ipvs: Answer = "unknown"

    def has(self, feature: Feature) -> Answer:
        """Tell whether the kernel has this; ``None`` where it is not known."""
        return _any(_all(self._part(part) for part in way) for way in feature.ways)

    def missing(self, feature: Feature) -> list[Part]:
        """Give what is known to be missing for it."""
        return [part for way in feature.ways for part in way if self._part(part) == "no"]

    def built_without(self, part: Part) -> bool:
        """Tell whether the kernel was built without this, so that nothing but another kernel helps."""
        return self.options is not None and part.option not in self.options

    def _part(self, part: Part) -> Answer:
        if part.module == "ip_vs" and self.ipvs != "unknown":
            return self.ipvs
        if part.module in self.loaded or (part.filesystem and part.filesystem in self.filesystems):
            return "yes"
        if self.options is not None:
            if self.options.get(part.option) == "y":
                return "yes"
            if part.option not in self.options:
                return "no"
        if self.stale:
            return "no"
        if self.installed is None:
            return "unknown"
        return "yes" if part.module in self.installed else "no"


def _all(answers: Iterable[Answer]) -> Answer:
    distinct = set(answers)
    return "no" if "no" in distinct else "unknown" if "unknown" in distinct else "yes"


def _any(answers: Iterable[Answer]) -> Answer:
    distinct = set(answers)
    return "yes" if "yes" in distinct else "unknown" if "unknown" in distinct else "no"


@dataclass(frozen=True)
class NodeKernel:
    """The kernel the nodes would run on.

    :param kernel: what is known of it; ``None`` where it is in a virtual machine and cannot be asked yet.
    :param here: it is this computer's own.
    :param release: its release, as far as that is known.
    :param source: where it can be read that this kernel has everything; else empty.
    """

    kernel: Kernel | None
    here: bool = True
    release: str = ""
    source: str = ""

    def has(self, feature: Feature) -> Answer:
        """Tell whether the kernel has this; ``None`` where it is not known."""
        if self.kernel is not None:
            return self.kernel.has(feature)
        return "yes" if self.source else "unknown"


def of_nodes(host: Host) -> NodeKernel:
    """Find the kernel that nodes in containers would run on here."""
    answers = engine.engine(host)
    release = host.run("uname", "-r").out.strip() if host.system() == "Linux" else ""
    if host.system() == "Linux" and (answers is None or answers.kernel in ("", release)):
        return NodeKernel(here(host, release), True, release)
    if answers is None:
        return NodeKernel(None, False)
    image = host.node_image()
    if image is not None and engine.has_image(host, image):
        result = host.run(
            *("docker", "run", "--rm", "--network", "none", "--entrypoint", "/bin/sh", image, "-c", _ASK_INSIDE),
            timeout=_RUN_WITHIN,
        )
        if (answers_inside := inside(result.out)) is not None:
            return NodeKernel(answers_inside, False, answers_inside.release)
    source_of = next((source for end, source in _KNOWN.items() if answers.kernel.endswith(end)), "")
    return NodeKernel(None, False, answers.kernel, source_of)


def here(host: Host, release: str) -> Kernel:
    """Find what this computer's kernel has; root gets the exact answer for IPVS."""
    folder = _MODULES / release
    in_container = any(host.exists(mark) for mark in _CONTAINER)
    has_modules = host.exists(folder)
    installed = None
    if has_modules:
        listed = [host.read(folder / name) for name in ("modules.dep", "modules.builtin")]
        if listed[0] is not None:
            installed = frozenset(name for text in listed for name in _modules(text or ""))
    result = host.run(*ASK_IPVS.split())
    ipvs = _ipvs(result.out + result.err)
    options = host.read(Path("/proc/config.gz")) or host.read(Path("/boot") / f"config-{release}")
    return Kernel(
        release,
        _filesystems(host.read(Path("/proc/filesystems")) or ""),
        _options(options) if options else None,
        frozenset(host.names(Path("/sys/module"))),
        installed,
        # A container sees its own files, and says nothing of what the kernel outside could load.
        stale=not has_modules and not in_container and bool(host.names(_MODULES)),
        # A kernel may refuse to load a module for someone who is not root, and then says the same.
        ipvs=ipvs if ipvs == "yes" or host.is_root() else "unknown",
    )


def inside(text: str) -> Kernel | None:
    """Read what a container of the node image said of the kernel under it; ``None`` if it did not run."""
    parts = re.split(r"^==$", text, flags=re.MULTILINE)
    if len(parts) != 3 or not parts[0].strip():
        return None
    return Kernel(
        parts[0].split()[0],
        _filesystems(parts[1]),
        _options(parts[2]) if "CONFIG_" in parts[2] else None,
        ipvs=_ipvs(parts[0]),
    )


def _ipvs(output: str) -> Answer:
    """
    ::

        Name: IPVS
                ID: 0x23  Version: 0x1  header size: 0  max attribs: 7

        RTNETLINK answers: No such file or directory
        Error talking to the kernel
    """
    if "Name: IPVS" in output:
        return "yes"
    return "no" if "RTNETLINK answers: No such file" in output else "unknown"


def _filesystems(text: str) -> frozenset[str]:
    return frozenset(line.split()[-1] for line in text.splitlines() if line.strip())


def _options(text: str) -> Mapping[str, str]:
    return dict(re.findall(r"^CONFIG_(\w+)=(\S*)", text, re.MULTILINE))


def _modules(text: str) -> Iterator[str]:
    """List the modules in ``modules.dep`` or ``modules.builtin``: ``kernel/net/ip_vs.ko.xz: …``."""
    for match in re.finditer(r"^\S*/([\w-]+)\.ko", text, re.MULTILINE):
        yield match[1].replace("-", "_")


NO = _("the kernel has no IPVS").msgid
"""Why nodes lack the routing mesh, or may lack it."""


def lacks(host: Host) -> Lacks:
    """Say what nodes in containers would lack here because their kernel lacks it, and why."""
    answer = of_nodes(host).has(IPVS)
    if answer == "yes":
        return {}
    return {Capability.ROUTING_MESH: NO if answer == "no" else UNKNOWN_KERNEL}


def check(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check the kernel: what a swarm needs, and what its routing mesh needs."""
    del lab
    answers = of_nodes(host)
    if answers.kernel is None:
        yield from _not_asked(answers)
        return
    kernel = answers.kernel
    unknown: list[Text] = []
    fine: list[Text] = []
    for feature in FEATURES:
        answer = kernel.has(feature)
        if answer == "yes":
            fine.append(feature.name)
        elif answer == "unknown":
            unknown.append(feature.name)
        else:
            lacking = _(NO_IPVS) if feature is IPVS else _("the nodes' kernel has no %(feature)s", feature=feature.name)
            message = _("%(lacking)s: %(effect)s.", lacking=lacking, effect=feature.without)
            yield _finding(feature.id, feature.level, message, _fix(host, answers, feature))
    if unknown:
        yield _finding(
            "kernel",
            "warning",
            _(
                "whether %(release)s has %(unknown)s cannot be told from here.",
                release=kernel.release,
                unknown=sentences(*unknown, separator=", "),
            ),
            _(
                "Ask the kernel itself, as root: sudo %(ask_ipvs)s\n(package iproute2; 'Name: IPVS' means yes)",
                ask_ipvs=ASK_IPVS,
            ),
        )
    if fine:
        yield _finding(
            "kernel-has",
            "ok",
            _("%(release)s has %(fine)s.", release=kernel.release, fine=sentences(*fine, separator=", ")),
        )


def _not_asked(answers: NodeKernel) -> Iterator[Finding]:
    if answers.source:
        yield _finding(
            "kernel",
            "ok",
            _(
                "%(release)s is built with all that a swarm needs (%(source)s).",
                release=answers.release,
                source=answers.source,
            ),
        )
    elif answers.release:
        yield _finding(
            "kernel",
            "warning",
            _(
                "whether %(release)s, under Docker's virtual machine, has all a swarm needs (IPVS) is "
                "not known until the image of the nodes is there to ask it.",
                release=answers.release,
            ),
            _("labgen box build --provider docker\nthen: labgen doctor --provider docker"),
        )


def _fix(host: Host, answers: NodeKernel, feature: Feature) -> Text:
    kernel = answers.kernel
    machines = _("Or use virtual machines, which have a kernel of their own: VirtualBox, or libvirt on Linux.")
    if kernel is None or not answers.here:
        return _("Update what brings Docker's virtual machine. %(machines)s", machines=machines)
    if kernel.stale:
        return _(
            "Restart this computer: the modules of its running kernel %(release)s are gone, as after an update.",
            release=kernel.release,
        )
    missing = kernel.missing(feature)
    if any(kernel.built_without(part) for part in missing):
        return _(
            "This kernel (%(release)s) was built without it; another kernel would have it. %(machines)s",
            release=kernel.release,
            machines=machines,
        )
    names = " ".join(part.module for part in missing)
    load = f"sudo modprobe -a {names}"
    if kernel.installed is not None and all(part.module in kernel.installed for part in missing):
        return sentences(untranslated(load), machines, separator="\n")
    here = debian.release(host)
    if here is not None and here.is_ubuntu:
        install = debian.apt_line(host, [f"linux-modules-extra-{kernel.release}"])
        return sentences(untranslated(f"{install} && {load}"), machines, separator="\n")
    return _(
        "Install all modules of kernel %(release)s with your package manager, then: %(load)s\n%(machines)s",
        release=kernel.release,
        load=load,
        machines=machines,
    )
