"""The doctor in Korean: no English sentence in any finding of the recorded computers."""

from __future__ import annotations

import re

import pytest
import recorded_docker
import recorded_host
from recorded_host import COURSE, RecordedHost

from labgen.providers.doctor import examine

PROGRAMS = ("VBoxManage", "virsh", "docker", "vagrant", "ssh", "qemu-img")
HOSTS = {
    name: host
    for module in (recorded_host, recorded_docker)
    for name, host in vars(module).items()
    if isinstance(host, RecordedHost)
}


@pytest.mark.parametrize("name", HOSTS)
def test_findings_in_korean(name: str) -> None:
    for host in (HOSTS[name], *(HOSTS[name].without(program) for program in PROGRAMS)):
        findings = examine(COURSE, host).findings
        assert findings
        # Versions, names and commands are the same in every language.
        texts = [text for finding in findings for text in (finding.words, finding.remedy) if text.messages]
        lines = [line for text in texts for line in text.in_("ko").splitlines()]
        assert [line for line in lines if re.match(r"[A-Z][a-z]+ [a-z]+ [a-z]+", line)] == []
        assert [text for text in texts if not re.search("[가-힣]", text.in_("ko"))] == []
