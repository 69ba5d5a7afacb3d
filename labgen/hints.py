"""Ways out of what Vagrant fails of: its own message says what is wrong, seldom what a learner can do about it."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import Match

from labgen.providers import VIRTUALBOX, VIRTUALBOX_NEEDS_VAGRANT, Version

_AGAIN = "Then `labgen up` carries on."


def way_out(message: str) -> str:
    """What to do about a failure, ``""`` where nothing is known of it.

    :param message: what Vagrant, or the program it has started, said.

    >>> way_out("A VirtualBox machine with the name 'labgen a' already exists.").splitlines()[0]
    'It is of another lab, or left of a folder that was deleted.'
    """
    # Vagrant breaks its lines where they would get too long, and indents what others said.
    text = re.sub(r"\s+", " ", message)
    return next((hint(found) for pattern, hint in _KNOWN if (found := pattern.search(text))), "")


def _named(version: Version) -> str:
    return ".".join(map(str, version))


def _machine_of_that_name(found: Match[str]) -> str:
    return (
        "It is of another lab, or left of a folder that was deleted.\n"
        f'If nothing needs it, remove it with its disk:  VBoxManage unregistervm "{found[1]}" --delete\n'
        f"Otherwise give this lab another name (`name: ...` in lab.yml). {_AGAIN}"
    )


def _no_build(found: Match[str]) -> str:
    box = VIRTUALBOX.box
    return (
        f"The box {found[1]} has no build for {found[2]}. Leave `box:` out of lab.yml, or name one that has "
        f"(for VirtualBox: {box.name}, version {box.version}). {_AGAIN}"
    )


def _vagrant_too_old(_: Match[str]) -> str:
    pairs = ", ".join(
        f"VirtualBox {_named(series)} Vagrant {_named(oldest)}" for series, oldest in VIRTUALBOX_NEEDS_VAGRANT.items()
    )
    return (
        f"Install a newer Vagrant (https://developer.hashicorp.com/vagrant/install): at least, for {pairs}. "
        f"`labgen doctor` says what is installed. {_AGAIN}"
    )


def _always(text: str) -> Callable[[Match[str]], str]:
    return lambda _: f"{text} {_AGAIN}"


_KNOWN: tuple[tuple[re.Pattern[str], Callable[[Match[str]], str]], ...] = (
    (re.compile(r"A VirtualBox machine with the name '([^']+)' already exists"), _machine_of_that_name),
    (
        re.compile(r"doesn't support the provider you requested.*?Name: (\S+).*?Requested provider: \[?:?\"?(\w+)"),
        _no_build,
    ),
    (re.compile(r"version of VirtualBox installed that is not supported by this version of Vagrant"), _vagrant_too_old),
    (
        re.compile(r"VERR_VMX_IN_VMX_ROOT_MODE|VERR_SVM_IN_USE"),
        _always(
            "KVM holds the processor's virtualization: `sudo modprobe -r kvm_intel kvm_amd`, or a newer VirtualBox."
        ),
    ),
    (
        re.compile(r"VERR_VMX_NO_VMX|VERR_SVM_NO_SVM|VERR_VMX_MSR_\w+|VERR_SVM_DISABLED"),
        _always(
            "The processor's virtualization (VT-x, AMD-V) is switched off in the firmware, or another program has it."
            " `labgen doctor` says which, and docs/troubleshooting.md what to do."
        ),
    ),
    (
        re.compile(r"VERR_VM_DRIVER_NOT_INSTALLED|kernel module is not loaded|installation is incomplete"),
        _always(
            "VirtualBox's kernel module is missing: on Linux build it with `sudo /sbin/vboxconfig` (with Secure Boot it"
            " must be signed), elsewhere install VirtualBox again. `labgen up --provider docker` needs no such module."
        ),
    ),
    (
        re.compile(r"is already locked by a session|VBOX_E_INVALID_OBJECT_STATE"),
        _always("VirtualBox has not yet put away what ran before, or its window has the machine open: close it."),
    ),
    (
        re.compile(r"Failed to create the VirtualBox object|VBoxSVC|NS_ERROR_FACTORY_NOT_REGISTERED"),
        _always("VirtualBox's own server does not answer: close its window and end VBoxSVC, or restart the computer."),
    ),
    (
        re.compile(r"error while executing `VBoxManage`|error running VBoxManage"),
        _always("See whether VirtualBox answers (`VBoxManage list vms`); a restart of the computer often helps."),
    ),
    (
        re.compile(r'never left the "stopped" state'),
        _always(
            "The nodes ended as soon as they began. Where many containers with systemd run, the kernel's limit of"
            " inotify instances is reached: `sudo sysctl fs.inotify.max_user_instances=1024`."
        ),
    ),
    (
        re.compile(
            r"(?:Bind for|address) \S*?:(\d+)\S* failed: port is already allocated|:(\d+): bind: address already"
        ),
        _always(
            "A port that was forwarded when the node was made is taken now. End what uses it, or make the lab anew, "
            "which takes another port: `labgen down`."
        ),
    ),
)
"""What is seen in a message -> what can be done; the first that fits."""
