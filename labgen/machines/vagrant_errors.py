"""Ways out of what Vagrant fails of: its own message says what is wrong, seldom what a learner can do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match

from labgen.core.i18n import NOTHING, Text, _, sentences
from labgen.host.findings import Version
from labgen.providers import PROVIDERS
from labgen.providers.virtualbox.versions import VIRTUALBOX_NEEDS_VAGRANT

_AGAIN = _("Then run `labgen up` again.")


def way_out(message: str) -> Text:
    """Say what to do about a failure; empty if no way out of it is known.

    :param message: what Vagrant, or the program it has started, said.

    >>> str(way_out("A VirtualBox machine with the name 'labgen a' already exists.")).splitlines()[0]
    'It belongs to another lab, or to a lab folder that was deleted.'
    """
    # Vagrant breaks its lines where they would get too long, and indents what others said.
    text = re.sub(r"\s+", " ", message)
    return next((hint(match) for pattern, hint in _KNOWN if (match := pattern.search(text))), NOTHING)


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def _machine_of_that_name(match: Match[str]) -> Text:
    return _(
        "It belongs to another lab, or to a lab folder that was deleted.\n"
        'If nothing needs it, remove it with its disk:  VBoxManage unregistervm "%(name)s" '
        "--delete\n"
        "Otherwise give this lab another name (`name: ...` in lab.yml). %(again)s",
        name=match[1],
        again=_AGAIN,
    )


def _no_build(match: Match[str]) -> Text:
    provider = PROVIDERS.get(match[2])
    box = provider.box if provider is not None else None
    version = f", version {box.version}" if box is not None and box.version else ""
    usual = f" (for {provider.title}: {box.name}{version})" if provider is not None and box is not None else ""
    return _(
        "The box %(name)s has no build for %(provider)s. Leave `box:` out of lab.yml, or name "
        "one that has%(usual)s. %(again)s",
        name=match[1],
        provider=match[2],
        usual=usual,
        again=_AGAIN,
    )


def _vagrant_too_old(_match: Match[str]) -> Text:
    pairs = ", ".join(
        f"VirtualBox {_dotted(series)} Vagrant {_dotted(oldest)}" for series, oldest in VIRTUALBOX_NEEDS_VAGRANT.items()
    )
    return _(
        "Install a newer Vagrant (https://developer.hashicorp.com/vagrant/install): at least, "
        "for %(pairs)s. `labgen doctor` says what is installed. %(again)s",
        pairs=pairs,
        again=_AGAIN,
    )


def _always(text: Text) -> Callable[[Match[str]], Text]:
    return lambda _match: sentences(text, _AGAIN)


def _without_again(text: Text) -> Callable[[Match[str]], Text]:
    return lambda _match: text


_KNOWN: tuple[tuple[re.Pattern[str], Callable[[Match[str]], Text]], ...] = (
    (re.compile(r"A VirtualBox machine with the name '([^']+)' already exists"), _machine_of_that_name),
    (
        re.compile(r"doesn't support the provider you requested.*?Name: (\S+).*?Requested provider: \[?:?\"?(\w+)"),
        _no_build,
    ),
    (re.compile(r"version of VirtualBox installed that is not supported by this version of Vagrant"), _vagrant_too_old),
    (
        re.compile(r"could not detect VirtualBox|VBoxManage.{0,60}(?:not found|could not be found)"),
        _without_again(_("Install VirtualBox, or put VBoxManage on PATH: `labgen doctor --provider virtualbox`.")),
    ),
    (
        re.compile(r"can't use the requested machine because it is locked"),
        _always(
            _(
                "Another Vagrant is at work on this machine: wait until it has ended (on Windows look "
                "for ruby.exe in the Task Manager), and end it if it hangs."
            )
        ),
    ),
    (
        re.compile(r"Vagrant will not operate outside the Windows Subsystem for Linux|WSLVagrantAccessError"),
        _without_again(
            _("The lab is on a Windows disk (/mnt/c). Make it in WSL's own home:  labgen init ~/lab  and go on there.")
        ),
    ),
    (
        re.compile(
            r"could not be found or could not be accessed in the remote catalog|box '[^']+' could not be found"
            r"|The requested URL returned error: (?:404|410)"
        ),
        _always(
            _(
                "The box is not where it is looked for: its registry may be closed. Name one that you "
                "have, or its file, in lab.yml:  box: {name: NAME, url: FILE_OR_URL}. Without any: "
                "`labgen up --provider docker` needs no box."
            )
        ),
    ),
    (
        re.compile(r"(?i)toomanyrequests|pull rate limit"),
        _always(
            _(
                "Docker Hub gives 100 images in 6 hours to everybody behind one address. Log in "
                "(`docker login`), use a mirror (`registry: {mirror: ...}` in lab.yml), or wait."
            )
        ),
    ),
    (
        re.compile(r"incompatible character encodings|UndefinedConversionError|invalid byte sequence in"),
        _without_again(
            _(
                "Vagrant cannot read a path with these letters. Make the lab in a folder whose path "
                "has plain letters only; on Windows, where the user's name has others:  setx "
                "VAGRANT_HOME C:\\vagrant"
            )
        ),
    ),
    (
        re.compile(r"Failed to attach the network LUN"),
        _always(
            _(
                "VirtualBox could not put the machine on its network. End every VirtualBox program and "
                "start it again; on macOS allow it in System Settings > Privacy & Security, or take "
                "VirtualBox 7.1."
            )
        ),
    ),
    (
        re.compile(r"WHvSetupPartition|VERR_NEM_\w+|WHvCapabilityCodeHypervisorPresent"),
        _always(
            _(
                "Windows' own hypervisor is in VirtualBox's way. Switch it off (as administrator, then "
                "restart):  bcdedit /set hypervisorlaunchtype off\n"
                "Or leave it on, and use Docker Desktop: `labgen up --provider docker`."
            )
        ),
    ),
    (
        re.compile(r"The VM session was (?:aborted|closed before)"),
        _always(
            _(
                "VirtualBox ended the machine as it started. Its log says why: `VBoxManage showvminfo "
                "NAME --log 0`. Often memory is short (`memory:` in lab.yml), or another hypervisor "
                "runs: `labgen doctor`."
            )
        ),
    ),
    (
        re.compile(r"Timed out while waiting for the machine to boot"),
        _always(
            _(
                "Look at the machine's screen (in VirtualBox: select it, Show). It ends in `login:`? "
                "Then something is between Vagrant and the machine: a firewall, a virus scanner, or on "
                "Windows an update that breaks VirtualBox's NAT. See the newest updates:  Get-HotFix | "
                "Sort-Object InstalledOn\n"
                "docs/troubleshooting.md names those that are known, and what else keeps a machine "
                "from booting."
            )
        ),
    ),
    (
        re.compile(r"VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE"),
        _always(
            _("KVM holds the processor's virtualization: `sudo modprobe -r kvm_intel kvm_amd`, or a newer VirtualBox.")
        ),
    ),
    (
        re.compile(r"VERR_VMX_NO_VMX|VERR_SVM_NO_SVM|VERR_VMX_MSR_\w+|VERR_SVM_DISABLED"),
        _always(
            _(
                "The processor's virtualization (VT-x, AMD-V) is switched off in the firmware, or "
                "another program has it. `labgen doctor` says which, and docs/troubleshooting.md what "
                "to do."
            )
        ),
    ),
    (
        re.compile(r"VERR_VM_DRIVER_NOT_INSTALLED|kernel module is not loaded|installation is incomplete"),
        _always(
            _(
                "VirtualBox's kernel module is missing: on Linux build it with `sudo /sbin/vboxconfig` "
                "(with Secure Boot it must be signed), elsewhere install VirtualBox again. `labgen up "
                "--provider docker` needs no such module."
            )
        ),
    ),
    (
        re.compile(r"is already locked by a session|VBOX_E_INVALID_OBJECT_STATE"),
        _always(_("VirtualBox is still releasing the machine, or its window has the machine open: close it.")),
    ),
    (
        re.compile(r"Failed to create the VirtualBox object|VBoxSVC|NS_ERROR_FACTORY_NOT_REGISTERED"),
        _always(
            _("VirtualBox's own server does not answer: close its window and end VBoxSVC, or restart the computer.")
        ),
    ),
    (
        re.compile(r"error while executing `VBoxManage`|error running VBoxManage"),
        _always(_("See whether VirtualBox answers (`VBoxManage list vms`); a restart of the computer often helps.")),
    ),
)
"""What is seen in a message -> what can be done; the first that fits."""
