"""VirtualBox: installed, in a version that this Vagrant takes and that is known to work."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from labgen.core.i18n import NOTHING, Text, _, untranslated
from labgen.host import debian, downloads, network, resources
from labgen.host.computer import Host, find_vboxmanage
from labgen.host.findings import Finding, Level, Version, dotted, version_in
from labgen.host.programs import SLOW, ask_vagrant, no_version
from labgen.model.lab import Lab
from labgen.model.provider import ProviderFacts
from labgen.providers.base import Checks
from labgen.providers.virtualbox.conflicts import check_names
from labgen.providers.virtualbox.versions import (
    VIRTUALBOX_ARM64,
    VIRTUALBOX_BAD,
    VIRTUALBOX_BESIDE_KVM,
    VIRTUALBOX_NEEDS_VAGRANT,
    VIRTUALBOX_OLDEST,
)
from labgen.providers.virtualbox.virtualization import check_virtualization

VIRTUALBOX_PAGE = "https://www.virtualbox.org/wiki/Downloads"
_KVM_AT_LOAD = Path("/sys/module/kvm/parameters/enable_virt_at_load")


def checks(provider: ProviderFacts) -> Checks:
    """Give what the doctor looks at."""
    return Checks(
        missing,
        (
            check_version,
            check_virtualization,
            partial(network.clashes, provider=provider),
            check_names,
            partial(network.ports, provider=provider),
            partial(downloads.box, provider=provider),
            partial(resources.disk, provider=provider, room=_room(provider)),
            partial(resources.architecture, provider=provider),
            partial(debian.check, provider=provider, missing_packages=partial(_missing_packages, provider=provider)),
            partial(downloads.images, provider=provider),
        ),
        missing_packages=partial(_missing_packages, provider=provider),
    )


def _missing_packages(lab: Lab, host: Host, provider: ProviderFacts) -> list[str]:
    return debian.lacking(lab, host, provider, building=debian.box_packages(lab, host, provider))


def _room(provider: ProviderFacts) -> resources.Room:
    return resources.Room(
        lambda host: (host.home() / "VirtualBox VMs", downloads.vagrant_home(host)),
        lambda lab, host: downloads.on_disk(lab, host, provider) is not None,
        _(
            "%(make_room)s\nVirtualBox can keep machines elsewhere: VBoxManage setproperty machinefolder FOLDER",
            make_room=resources.MAKE_ROOM,
        ),
    )


def missing(lab: Lab, host: Host) -> Finding | None:
    """Report that VirtualBox is not installed at all: nothing else about it is then worth a look."""
    del lab
    if find_vboxmanage(host):
        return None
    return Finding(
        "virtualbox.missing",
        "error",
        untranslated("VirtualBox"),
        _("is not installed."),
        _("Install it from %(page)s (7.1, or 7.2.8 and later).", page=VIRTUALBOX_PAGE),
        "virtualbox",
    )


def check_version(lab: Lab, host: Host) -> Iterator[Finding]:
    """VirtualBox: its version, its kernel module, and whether this Vagrant takes it."""
    del lab
    program = find_vboxmanage(host)
    if program is None:
        return
    result = host.run(program, "--version", timeout=SLOW)
    if "WARNING" in result.out + result.err and "vboxdrv" in result.out + result.err:
        yield _no_module(result.out + result.err)
    version = version_in(result.out)
    if version is None:
        yield _virtualbox(
            "version",
            "warning",
            no_version(result),
            _("Reinstall it from %(virtualbox_page)s.", virtualbox_page=VIRTUALBOX_PAGE),
        )
        return
    wrong = [*_series(version, host), *_known_bad(version, host)]
    yield from wrong
    if not wrong:
        yield _virtualbox("version", "ok", untranslated(f"{dotted(version)}."))


def _series(version: Version, host: Host) -> Iterator[Finding]:
    series = version[:2]
    if series < VIRTUALBOX_OLDEST:
        yield _virtualbox(
            "version",
            "error",
            _(
                "%(version)s is too old; labgen needs %(virtualbox_oldest)s.",
                version=dotted(version),
                virtualbox_oldest=dotted(VIRTUALBOX_OLDEST),
            ),
            _("Install a newer one from %(virtualbox_page)s.", virtualbox_page=VIRTUALBOX_PAGE),
        )
        return
    needed = VIRTUALBOX_NEEDS_VAGRANT.get(series)
    if needed is None:
        newest = dotted(max(VIRTUALBOX_NEEDS_VAGRANT))
        yield _virtualbox(
            "vagrant",
            "warning",
            _(
                "%(version)s is newer than labgen knows (%(newest)s). "
                "Vagrant refuses a VirtualBox that it does not know.",
                version=dotted(version),
                newest=newest,
            ),
            _(
                "Install the newest Vagrant (%(vagrant_page)s). "
                "If Vagrant refuses this VirtualBox, install VirtualBox %(newest)s.",
                vagrant_page=debian.VAGRANT_PAGE,
                newest=newest,
            ),
        )
        return
    if host.which("vagrant") is None:
        return
    has = version_in(ask_vagrant(host, "--version").out)
    if has is not None and has < needed:
        yield _virtualbox(
            "vagrant",
            "error",
            _(
                "%(version)s is refused by Vagrant %(has)s: it needs %(needed)s.",
                version=dotted(version),
                has=dotted(has),
                needed=dotted(needed),
            ),
            _(
                "Install Vagrant %(needed)s or later from %(vagrant_page)s, or a VirtualBox that this "
                "Vagrant knows: %(known_to)s.",
                needed=dotted(needed),
                vagrant_page=debian.VAGRANT_PAGE,
                known_to=_known_to(has),
            ),
        )


def _known_to(has: Version) -> Text:
    usable = [series for series, needed in VIRTUALBOX_NEEDS_VAGRANT.items() if has >= needed]
    return untranslated(f"{dotted(max(usable))}.x") if usable else _("none that labgen can use")


def _known_bad(version: Version, host: Host) -> Iterator[Finding]:
    for bad in VIRTUALBOX_BAD:
        if bad.first <= version < bad.fixed:
            yield _virtualbox(
                "known-bad",
                "warning",
                _(
                    "%(version)s: %(reason)s (%(source)s).",
                    version=dotted(version),
                    reason=bad.reason,
                    source=bad.source,
                ),
                _(
                    "Take 7.1, or %(max)s and later: %(virtualbox_page)s.",
                    max=dotted(max(bad.fixed for bad in VIRTUALBOX_BAD)),
                    virtualbox_page=VIRTUALBOX_PAGE,
                ),
            )
    if host.machine() == "arm64" and version < VIRTUALBOX_ARM64:
        yield _virtualbox(
            "arm64",
            "error",
            _(
                "%(version)s cannot run machines on an arm64 processor; %(virtualbox_arm64)s can.",
                version=dotted(version),
                virtualbox_arm64=dotted(VIRTUALBOX_ARM64),
            ),
            _(
                "Install %(virtualbox_arm64)s or later from %(virtualbox_page)s.",
                virtualbox_arm64=dotted(VIRTUALBOX_ARM64),
                virtualbox_page=VIRTUALBOX_PAGE,
            ),
        )
    # Only kernels from 6.12 on have the parameter.
    holds = host.system() == "Linux" and (host.read(_KVM_AT_LOAD) or "").strip() in ("Y", "1")
    if holds and version < VIRTUALBOX_BESIDE_KVM:
        yield _virtualbox(
            "kvm",
            "warning",
            _(
                "KVM holds the processor's virtualization as long as its module is loaded; VirtualBox "
                "then cannot start a machine (VERR_VMX_IN_VMX_ROOT_MODE, VERR_SVM_IN_USE)."
            ),
            _(
                "Until the next boot: sudo modprobe -r kvm_intel kvm_amd\n"
                "For good: echo 'options kvm enable_virt_at_load=0' | sudo tee "
                "/etc/modprobe.d/virtualbox-kvm.conf"
            ),
        )


def _no_module(text: str) -> Finding:
    if "virtualbox-dkms" in text:
        fix = _('sudo apt-get install virtualbox-dkms "linux-headers-$(uname -r)" && sudo modprobe vboxdrv')
    elif "akmods" in text:
        fix = _("sudo akmods && sudo systemctl restart vboxdrv.service")
    else:
        fix = _(
            "sudo /sbin/vboxconfig\n"
            "(it needs the headers of the running kernel; with Secure Boot the module must be "
            "signed)"
        )
    return _virtualbox("module", "error", _("its kernel module is not loaded: no machine can start."), fix)


def _virtualbox(name: str, level: Level, message: Text, fix: Text = NOTHING) -> Finding:
    return Finding(f"virtualbox.{name}", level, untranslated("VirtualBox"), message, fix, "virtualbox")
