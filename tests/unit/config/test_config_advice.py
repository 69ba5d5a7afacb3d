"""What a mistake in lab.yml advises: a value as it was written, and a text that is right when it is followed."""

import pytest

from labgen.config import parse
from labgen.core.errors import LabFileError


def problem(text):
    with pytest.raises(LabFileError) as why:
        parse(text)
    (single,) = why.value.problems
    return single


@pytest.mark.parametrize(
    ("written", "value", "fix"),
    [
        # Numbers that YAML 1.1 reads otherwise than they are meant.
        ("memory: 01024", "01024", "Write it in MiB: 1024."),
        ("cpus: 02", "02", "Write a whole number, without quotes: 2."),
        ("workers: 010", "010", "Write a whole number, without quotes: 10."),
        ("workers: 08", "08", "Write a whole number, without quotes: 8."),
        ("memory: 17:04", "17:04", "Write it in MiB, as in 1024."),
        ("memory: 0x400", "0x400", "Write it in MiB: 1024."),
        ("memory: 0o2000", "0o2000", "Write it in MiB: 1024."),
        ("memory: 1_024", "1_024", "Write it in MiB: 1024."),
        ("memory: '1,024'", "1,024", "Write it in MiB: 1024."),
        ("memory: +1024", "+1024", "Write it in MiB: 1024."),
        ("workers: 2.0", "2.0", "Write a whole number, without quotes: 2."),
        ("workers: 1e1", "1e1", "Write a whole number, without quotes, as in 2."),
        ("workers: .inf", ".inf", "Write a whole number, without quotes, as in 2."),
        ("workers: yes", "yes", "Write a whole number, without quotes, as in 2."),
        ("workers: two", "two", "Write a whole number, without quotes, as in 2."),
        ('workers: "3"', "3", "Write a whole number, without quotes: 3."),
        ("workers: 99999999999999999999", "99999999999999999999", "Write a whole number, without quotes, as in 2."),
        # Units and fractions.
        ("memory: 2GB", "2GB", "Write it in MiB: 2048."),
        ("memory: 256 mib", "256 mib", "Write it in MiB: 512."),
        ("memory: 1.5 GiB", "1.5 GiB", "Write it in MiB: 1536."),
        ("memory: 1,5g", "1,5g", "Write it in MiB: 1536."),
        ("memory: 2.5", "2.5", "Write it in MiB: 2560."),
        ('memory: "1024"', "1024", "Write it in MiB: 1024."),
        ("memory: 2048M", "2048M", "Write it in MiB: 2048."),
        ("memory: 999T", "999T", "Write it in MiB: 262144."),
        ("cpus: 0.5", "0.5", "Write a whole number, without quotes: 1."),
        ("memory: 2", "2", "It must be at least 512, in MiB: 2 GiB are 2048."),
        ("memory: 100", "100", "It must be at least 512 (MiB)."),
        ("memory: -5", "-5", "It must be at least 512 (MiB)."),
        ("memory:", "", "Write one, or take the line out."),
        ("ports: [{guest: 08080}]", "08080", "Write a whole number, without quotes: 8080."),
        # Words that YAML 1.1 takes for something else.
        ("name: on", "on", 'Put it in quotes: name: "on".'),
        ("name: No", "No", 'Put it in quotes: name: "No".'),
        ("name: 2024-03-04", "2024-03-04", 'Put it in quotes: name: "2024-03-04".'),
        ("name: 20.10", "20.10", 'Put it in quotes: name: "20.10".'),
        ("name: 42", "42", 'Put it in quotes: name: "42".'),
        ("name: 012", "012", 'Put it in quotes: name: "012".'),
        ("name: 12:30", "12:30", 'Put it in quotes: name: "12:30".'),
        ("engine: {version: 20.10}", "20.10", 'Put it in quotes: version: "20.10".'),
        ("box: {name: a/b, version: 2024-03-04}", "2024-03-04", 'Put it in quotes: version: "2024-03-04".'),
        ("provider: off", "off", 'Put it in quotes: provider: "off".'),
        # A value where keys belong, in Docker's own short forms too.
        ("ports: [80:8080]", "80:8080", "Write its keys: {guest: 8080, host: 80}."),
        ("ports: ['127.0.0.1:8080:80']", "127.0.0.1:8080:80", "Write its keys: {guest: 80, host: 8080}."),
        ("ports: [8001]", "8001", "Write its keys: {guest: 8001}."),
        ("ports: 8001", "8001", "Write a list: ports: [{guest: 8001}]."),
        ("nodes: [boss]", "boss", "Write its keys: {name: boss, role: worker}."),
        ("box: bento/ubuntu-24.04", "bento/ubuntu-24.04", "Write its keys: box: {name: bento/ubuntu-24.04}."),
        ("engine: docker", "docker", "Write its keys: engine: {source: docker}."),
        ("registry: 10.9.0.1:5000", "10.9.0.1:5000", 'Write its keys: registry: {mirror: "http://10.9.0.1:5000"}.'),
        # Registries.
        ("registry: {mirror: 10.9.0.1:5000}", "10.9.0.1:5000", "Write http://10.9.0.1:5000."),
        ("registry: {mirror: 'http://localhost:5000'}", "http://localhost:5000", "as in http://192.168.0.10:5000."),
        ("registry: {mirror: 'http://127.0.0.1'}", "http://127.0.0.1", "as in http://192.168.0.10:5000."),
        ("registry: {mirror: 'https://127.1:443'}", "https://127.1:443", "as in https://192.168.0.10:443."),
        ("registry: {mirror: 'http://0.0.0.0:5000'}", "http://0.0.0.0:5000", "as in http://192.168.0.10:5000."),
        ("registry: {mirror: 'http://ip6-localhost'}", "http://ip6-localhost", "as in http://192.168.0.10:5000."),
        ("registry: {mirror: 'http://LOCALHOST.:1'}", "http://LOCALHOST.:1", "is not the address of a registry."),
        ("registry: {mirror: \"http://a:5000\\n\"}", "'http://a:5000\\n'", "Remove it"),
        ("registry: {mirror: \"http://a\\t:5000\"}", "'http://a\\t:5000'", "Remove it"),
        # Subnets and names.
        ("network: 10.0.2.5/24", "10.0.2.5/24", "Write 10.0.2.0/24."),
        ("nodes: [{name: Swarm_Boss, role: manager}]", "Swarm_Boss", "(RFC 1123): swarm-boss."),
        ("nodes: [{name: 보스, role: manager}]", "보스", "(RFC 1123): swarm-worker1."),
        ("nodes: [{name: localhost, role: manager}]", "localhost", "Choose another: node-localhost."),
        ("nodes: [{name: localhost4, role: manager}]", "localhost4", "Choose another: node-localhost4."),
        ("nodes: [{name: ip6-allnodes, role: manager}]", "ip6-allnodes", "Choose another: node-ip6-allnodes."),
        ("nodes: [{name: broadcasthost, role: manager}]", "broadcasthost", "Choose another: node-broadcasthost."),
    ],
)  # fmt: skip
def test_advice_mistake_shows_what_was_written_and_what_to_write(written, value, fix):
    mistake = problem(written)
    assert (mistake.value, mistake.line) == (value, 1)
    assert fix in f"{mistake.reason} {mistake.fix}"


@pytest.mark.parametrize(
    ("wrong", "advised", "right"),
    [
        ("memory: 2GB", "2048", "memory: 2048"),
        ("memory: 256 mib", "512", "memory: 512"),
        ("cpus: 0.5", "1", "cpus: 1"),
        ("workers: 010", "10", "workers: 10"),
        ("name: on", 'name: "on"', 'name: "on"'),
        ("network: 10.0.2.5/24", "10.0.2.0/24", "network: 10.0.2.0/24"),
        ("registry: {mirror: 10.9.0.1:5000}", "http://10.9.0.1:5000", "registry: {mirror: http://10.9.0.1:5000}"),
        ("box: bento/ubuntu-24.04", "box: {name: bento/ubuntu-24.04}", "box: {name: bento/ubuntu-24.04}"),
        ("engine: docker", "engine: {source: docker}", "engine: {source: docker}"),
        ("ports: 8001", "ports: [{guest: 8001}]", "ports: [{guest: 8001}]"),
    ],
)  # fmt: skip
def test_advice_mistake_is_right_when_its_fix_is_followed(wrong, advised, right):
    assert problem(wrong).fix.endswith(f" {advised}.")
    parse(right)


def test_advice_registry_is_written_in_one_form():
    mirror = parse("registry: {mirror: 'HTTP://Mirror:5000/'}").registry_mirror
    assert mirror == "http://mirror:5000"


@pytest.mark.parametrize("text", ["memory: 1024", "memory: 1024 # MiB", "workers: 0", "cpus: 64", "managers: ~"])
def test_plain_numbers_are_read(text):
    parse(text)
