"""Linux inside Windows (WSL 2), where the disks of Windows are folders below /mnt."""

from __future__ import annotations

from collections.abc import Iterator

from labgen.core.i18n import _, untranslated
from labgen.host.computer import Host
from labgen.host.findings import Finding
from labgen.model.lab import Lab


def is_wsl(kernel: str) -> bool:
    """Tell whether a kernel's release is one of WSL's.

    >>> is_wsl("5.15.153.1-microsoft-standard-WSL2")
    True
    """
    return "microsoft" in kernel.lower()


def folder(lab: Lab, host: Host) -> Iterator[Finding]:
    """Check that the lab's folder is on a disk of Linux.

    Vagrant refuses to work below /mnt (``WSLVagrantAccessError``, lib/vagrant/util/platform.rb), and a key there is
    readable by everybody, which OpenSSH refuses.
    """
    del lab
    if host.system() != "Linux" or not is_wsl(host.run("uname", "-r").out):
        return
    path = host.folder()
    if not str(path).lower().startswith("/mnt/"):
        yield Finding("wsl.folder", "ok", untranslated("WSL"), _("%(path)s is on a Linux disk.", path=path))
        return
    allowed = bool(host.env("VAGRANT_WSL_ENABLE_WINDOWS_ACCESS"))
    yield Finding(
        "wsl.folder",
        "warning" if allowed else "error",
        untranslated("WSL"),
        _("%(path)s is on a Windows disk: OpenSSH refuses the nodes' keys there.", path=path)
        if allowed
        else _(
            "%(path)s is on a Windows disk: Vagrant does not work there, and OpenSSH refuses the nodes' keys.",
            path=path,
        ),
        _("Make the lab in WSL's own home, and go on there:\nlabgen init ~/lab\ncd ~/lab"),
    )
