"""Ways out of what Vagrant fails of. The messages are Vagrant's own (2.3.4, 2.3.8) and VirtualBox's."""

from __future__ import annotations

import pytest

from labgen.machines.vagrant_errors import way_out

VBOXMANAGE = """\
There was an error while executing `VBoxManage`, a CLI used by Vagrant
for controlling VirtualBox. The command and stderr is shown below.

Command: ["startvm", "8fb3f49d-532e-45dd-be9a-6c532864aa61", "--type", "headless"]

Stderr: VBoxManage: error: """

SAME_NAME = """\
Vagrant failed (last heard of: swarm-manager):
A VirtualBox machine with the name 'labgen swarm-manager' already exists.
Please use another name or delete the machine with the existing
name, and try again."""

NO_BUILD = """\
The box you're attempting to add doesn't support the provider
you requested. Please find an alternate box or use an alternate
provider. Double-check your requested provider to verify you didn't
simply misspell it.

If you're adding a box from HashiCorp's Vagrant Cloud, make sure the box is
released.

Name: someone/libvirt-only
Address: /tmp/box.json
Requested provider: [:virtualbox]"""

TOO_OLD = """\
The provider 'virtualbox' that was requested to back the machine
'swarm-manager' is reporting that it isn't usable on this system. The
reason is shown below:

Vagrant has detected that you have a version of VirtualBox installed
that is not supported by this version of Vagrant. Please install one of
the supported versions listed below to use Vagrant:

4.0, 4.1, 4.2, 4.3, 5.0, 5.1, 5.2, 6.0, 6.1, 7.0"""

NO_ANSWER = """\
Timed out while waiting for the machine to boot. This means that
Vagrant was unable to communicate with the guest machine within
the configured ("config.vm.boot_timeout" value) time period."""


@pytest.mark.parametrize(
    ("message", "way"),
    [
        (SAME_NAME, 'VBoxManage unregistervm "labgen swarm-manager" --delete'),
        (SAME_NAME, "`name: ...` in lab.yml"),
        (NO_BUILD, "The box someone/libvirt-only has no build for virtualbox."),
        (NO_BUILD, "labgen/debian-13-cloud"),
        (TOO_OLD, "VirtualBox 7.2 Vagrant 2.4.9"),
        (VBOXMANAGE + "VT-x is being used by another hypervisor (VERR_VMX_IN_VMX_ROOT_MODE).", "modprobe -r kvm_intel"),
        (VBOXMANAGE + "VT-x is disabled in the BIOS for all CPU modes (VERR_VMX_MSR_ALL_VMX_DISABLED)", "firmware"),
        (VBOXMANAGE + "The virtual machine is not supported (VERR_VM_DRIVER_NOT_INSTALLED)", "/sbin/vboxconfig"),
        ("VirtualBox is complaining that the installation is incomplete. Please\nrun `VBoxManage", "/sbin/vboxconfig"),
        (VBOXMANAGE + "The machine 'a' is already locked by a session (or being locked or unlocked)", "close it"),
        (VBOXMANAGE + "Failed to create the VirtualBox object!", "end VBoxSVC"),
        (VBOXMANAGE + "Something that nobody has seen yet", "`VBoxManage list vms`"),
        (NO_ANSWER, "Get-HotFix | Sort-Object InstalledOn"),
        ("Vagrant can't use the requested machine because it is locked! This\nmeans that another", "ruby.exe"),
        ("Vagrant will not operate outside the Windows Subsystem for Linux unless explicitly\ninstructed.", "~/lab"),
        ("The box 'bento/ubuntu-24.04' could not be found or\ncould not be accessed in the remote catalog.", "url:"),
        ("An error occurred while downloading the remote file.\nThe requested URL returned error: 404", "box: {name"),
        ("toomanyrequests: You have reached your pull rate limit.", "docker login"),
        ("incompatible character encodings: UTF-8 and CP949 (Encoding::CompatibilityError)", "setx VAGRANT_HOME"),
        (VBOXMANAGE + "Failed to attach the network LUN (VERR_INTNET_FLT_IF_NOT_FOUND)", "Privacy & Security"),
        (VBOXMANAGE + "Call to WHvSetupPartition failed: ERROR_SUCCESS (Last=0xc000000d/87)", "bcdedit"),
        (VBOXMANAGE + "(VERR_NEM_VM_CREATE_FAILED)", "Docker Desktop"),
        (VBOXMANAGE + "The VM session was aborted", "showvminfo NAME --log 0"),
    ],
)
def test_vagrant_errors_what_can_be_done_is_said(message: str, way: str) -> None:
    assert way in str(way_out(message))


def test_vagrant_errors_nothing_is_made_up() -> None:
    assert not way_out("Something that nobody has seen yet.")


def test_vagrant_errors_box_is_not_blamed_for_what_another_message_names() -> None:
    assert "no build" not in str(way_out(SAME_NAME + TOO_OLD))
