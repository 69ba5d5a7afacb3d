"""The doctor on this very computer, with its real programs; only the internet is left alone."""

import json
import sys

import pytest

from labgen.config import parse
from labgen.core.errors import HostError
from labgen.core.process import Runner
from labgen.host import network
from labgen.providers import doctor
from labgen.providers.libvirt import doctor as libvirt


class Offline(doctor.Host):
    """This computer, without a way out of it."""

    def reaches(self, name, port, within=2.0):
        return name == "127.0.0.1" and super().reaches(name, port, within)


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    return Offline(folder=tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def diagnosis(host):
    return doctor.examine(parse(""), host)


def by_id(diagnosis):
    return {one.id: one for one in diagnosis.findings}


def test_doctor_no_check_stumbles(diagnosis):
    assert not [one for one in diagnosis.findings if "could not be looked at" in one.message]
    assert all(one.fix or one.level == "ok" for one in diagnosis.findings)


def test_doctor_what_it_says_of_vagrant_is_so(diagnosis, host):
    found = by_id(diagnosis)
    if Runner().which("vagrant") is None:
        assert found["vagrant.missing"].level == "error"
    else:
        said = Runner().run(["vagrant", "--version"]).out
        assert found["vagrant.version"].message.rstrip(".") in said


def test_its_memory_and_routes_can_be_read(diagnosis, host):
    assert "is unknown" not in by_id(diagnosis)["memory"].message
    assert network.routes(host) is not None


@pytest.mark.skipif(sys.platform != "linux", reason="libvirt is for Linux")
def test_virsh_is_understood(host):
    if Runner().which("virsh") is None:
        pytest.skip("virsh is not installed")
    assert libvirt.daemon(host).state != "unknown"


def test_doctor_it_ends_in_a_choice_or_in_reasons(diagnosis):
    if any(diagnosis.usable.values()):
        choice = diagnosis.choose(parse(""))
        assert diagnosis.usable[choice.provider]
        assert choice.why.endswith(".")
    else:
        with pytest.raises(HostError, match="✗"):
            diagnosis.choose(parse(""))


def test_doctor_it_can_be_shown(diagnosis):
    assert doctor.report(diagnosis).startswith("This computer\n")
    assert json.loads(json.dumps(doctor.as_json(diagnosis)))["findings"]


@pytest.mark.skipif(Runner().which("dpkg-query") is None, reason="dpkg is Debian's")
def test_dpkg_is_understood(host):
    said = host.run("dpkg-query", "-W", "-f", r"${Package}\t${db:Status-Status}\n", "bash", "no-such-package-at-all")
    assert "bash\tinstalled" in said.out.splitlines()
