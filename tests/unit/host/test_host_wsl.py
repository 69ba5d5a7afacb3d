"""The doctor on Linux inside Windows: which disk the lab's folder is on."""

from __future__ import annotations

import pytest
from recorded_host import COURSE, LINUX, MAC, WINDOWS, WSL, WSL_ON_WINDOWS_DISK, RecordedHost, bad

from labgen.host import wsl
from labgen.providers.diagnosis import examine


@pytest.mark.parametrize("host", [LINUX, MAC, WINDOWS, LINUX.but(lab_folder="/mnt/c/lab"), WSL])
def test_folder_is_well_outside_of_wsl_and_on_a_disk_of_linux(host: RecordedHost) -> None:
    assert bad(wsl.folder(COURSE, host)) == {}


@pytest.mark.parametrize("path", ["/mnt/c/Users/me/lab", "/mnt/D/lab"])
def test_folder_on_a_disk_of_windows_is_an_error(path: str) -> None:
    (finding,) = wsl.folder(COURSE, WSL.but(lab_folder=path))
    assert (finding.id, finding.level) == ("wsl.folder", "error")
    assert path in finding.message
    assert "labgen init ~/lab" in finding.fix.splitlines()


def test_folder_on_a_disk_of_windows_is_a_warning_where_vagrant_is_allowed_to_use_it() -> None:
    allowed = WSL_ON_WINDOWS_DISK.but(variables={"VAGRANT_WSL_ENABLE_WINDOWS_ACCESS": "1"})
    (finding,) = wsl.folder(COURSE, allowed)
    assert finding.level == "warning"
    assert "Vagrant does not work" not in finding.message


def test_examine_finds_no_provider_usable_on_a_disk_of_windows() -> None:
    assert not any(examine(COURSE, WSL_ON_WINDOWS_DISK).usable.values())
