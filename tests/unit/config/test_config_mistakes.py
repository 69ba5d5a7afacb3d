"""lab.yml: what it may say, and what it gets when it says something that cannot be."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from labgen.config import load, of_folder, parse
from labgen.core.errors import LabFileError
from labgen.model.lab import Box, EngineSettings, ForwardedPort

NINE = "address: 10.0.2.9"
SECOND = "nodes[1].address"


def mistakes(text):
    """Place and line of every mistake in a text."""
    with pytest.raises(LabFileError) as why:
        parse(text)
    return {(problem.place, problem.line) for problem in why.value.problems}


def message(text):
    with pytest.raises(LabFileError) as why:
        parse(text)
    return str(why.value)


def test_mistakes_without_a_file_the_lab_is_the_courses(tmp_path):
    lab = of_folder(tmp_path)
    assert [(node.name, node.role, str(node.address)) for node in lab.nodes] == [
        ("swarm-manager", "manager", "10.0.2.101"),
        ("swarm-worker1", "worker", "10.0.2.102"),
        ("swarm-worker2", "worker", "10.0.2.103"),
    ]
    assert {(node.memory, node.cpus) for node in lab.nodes} == {(1024, 1)}
    assert lab.plan.lab == IPv4Network("10.0.2.0/24")
    assert lab.ports == (ForwardedPort(8001, 8001, "swarm-manager"),)
    assert (lab.provider, lab.box, lab.warnings) == ("auto", None, ())
    assert load() == parse("") == parse("# nothing\n") == parse("---\n") == lab


def test_everything_can_be_set():
    lab = parse("""
name: 스웜 실습
provider: libvirt
nodes:
  - {name: boss, role: manager, address: 192.168.77.10, memory: 2048, cpus: 2}
  - {name: hand, role: worker}
network: 192.168.77.0/24
memory: 512
cpus: 3
box: {name: someone/box, version: "1.2", url: ./some.box}
engine: {source: docker, version: "28.0"}
registry: {mirror: "http://192.168.0.10:5000/"}
addresses:
  {adapter1: 10.1.0.0/24, overlay_pool: 10.2.0.0/16, overlay_mask: 25,
   docker0: 10.3.0.0/24, docker_gwbridge: 10.4.0.0/24}
ports: [{guest: 80, host: 8080, node: hand}, {guest: 81}]
""")
    boss, hand = lab.nodes
    assert (boss.address, boss.memory, boss.cpus) == (IPv4Address("192.168.77.10"), 2048, 2)
    assert (hand.address, hand.memory, hand.cpus) == (IPv4Address("192.168.77.101"), 512, 3)
    assert lab.box == Box("someone/box", "1.2", "./some.box")
    assert lab.engine == EngineSettings("docker", "28.0")
    assert lab.registry_mirror == "http://192.168.0.10:5000"
    assert lab.plan.overlay_mask == 25
    assert [str(subnet) for _, subnet in lab.plan.named_subnets()] == [
        "192.168.77.0/24",
        "10.1.0.0/24",
        "10.2.0.0/16",
        "10.3.0.0/24",
        "10.4.0.0/24",
    ]
    assert lab.ports == (ForwardedPort(80, 8080, "hand"), ForwardedPort(81, 81, "boss"))


def test_numbers_of_nodes():
    lab = parse("managers: 3\nworkers: 0")
    assert [node.name for node in lab.nodes] == ["swarm-manager1", "swarm-manager2", "swarm-manager3"]
    assert len(parse("workers: 149").nodes) == 150


def test_mistakes_small_network_gives_out_what_it_has():
    addresses = [str(node.address) for node in parse("network: 10.0.2.0/28\nworkers: 10").nodes]
    assert addresses == [f"10.0.2.{last}" for last in range(4, 15)]


def test_mistakes_wide_network_is_not_written_out():
    lab = parse("network: 10.0.0.0/8")
    assert str(lab.nodes[0].address) == "10.0.0.101"


@pytest.mark.parametrize(
    ("text", "places"),
    [
        # addresses
        (f"nodes:\n- {{name: m, role: manager, {NINE}}}\n- {{name: w, role: worker, {NINE}}}", {(SECOND, 3)}),
        ("nodes: [{name: m, role: manager, address: 10.0.3.9}]", {("nodes[0].address", 1)}),
        ("nodes: [{name: m, role: manager, address: 10.0.2.1}]", {("nodes[0].address", 1)}),
        ("nodes: [{name: m, role: manager, address: 10.0.2.3}]", {("nodes[0].address", 1)}),
        ("nodes: [{name: m, role: manager, address: 10.0.2.0}]", {("nodes[0].address", 1)}),
        ("nodes: [{name: m, role: manager, address: 10.0.2.255}]", {("nodes[0].address", 1)}),
        ("nodes: [{name: m, role: manager, address: ten}]", {("nodes[0].address", 1)}),
        ("nodes: [{name: m, role: manager, address: 10}]", {("nodes[0].address", 1)}),
        # names and roles
        ("nodes:\n- {name: m, role: manager}\n- {name: m, role: worker}", {("nodes[1].name", 3)}),
        ("nodes: [{name: 'a\"#{exit}', role: manager}]", {("nodes[0].name", 1)}),
        ("nodes: [{name: A_b, role: manager}]", {("nodes[0].name", 1)}),
        ("nodes: [{name: m, role: boss}]", {("nodes[0].role", 1)}),
        ("nodes: [{name: m, role: worker}]", {("nodes", 1)}),
        ("nodes: []", {("nodes", 1)}),
        ("nodes: [{role: manager}]", {("nodes[0].name", 1)}),
        ("managers: 0", {("managers", 1)}),
        ("managers: -1", {("managers", 1)}),
        ("workers: 150", {("workers", 1)}),
        ("name: '#{`id`}'", {("name", 1)}),
        ("name: \"a\\nb\"", {("name", 1)}),
        ("workers: 1\nnodes: [{name: m, role: manager}]", {("workers", 1)}),
        # networks
        ("network: 0.0.0.0/0", {("network", 1)}),
        ("network: 10.0.2.0/32", {("network", 1)}),
        ("network: 10.0.2.0/29", {("network", 1)}),
        ("network: 10.0.2.0/32\nnodes: [{name: m, role: manager, address: 10.0.2.0}]", {("network", 1)}),
        ("network: 10.0.0.0/7", {("network", 1)}),
        ("network: 10.0.2.5/24", {("network", 1)}),
        ("network: 10", {("network", 1)}),
        ("network: 127.0.0.0/24", {("network", 1)}),
        ("network: 10.0.2.0/28\nworkers: 11", {("network", 1)}),
        ("addresses: {docker0: 10.0.2.0/24}", {("addresses.docker0", 1)}),
        ("addresses: {docker0: 10.9.0.0/24, docker_gwbridge: 10.9.0.0/16}", {("addresses.docker_gwbridge", 1)}),
        ("addresses: {overlay_pool: 10.9.0.0/26}", {("addresses.overlay_pool", 1)}),
        ("addresses: {adapter1: 10.9.0.0/28}", {("addresses.adapter1", 1)}),
        # the rest
        ("provider: vmware", {("provider", 1)}),
        ("colour: red", {("colour", 1)}),
        ("box: {version: '1'}", {("box.name", 1)}),
        ("box: {name: a, url: b.box, checksum: abc}", {("box.checksum", 1)}),
        (f"box: {{name: a, checksum: '{64 * 'a'}'}}", {("box.checksum", 1)}),
        (f"box: {{name: a, url: b.box, checksum: '{128 * 'a'}'}}", {("box.checksum", 1)}),
        (f"box: {{image: debian-13, checksum: '{65 * 'a'}'}}", {("box.checksum", 1)}),
        ("box: {image: debian-9}", {("box.image", 1)}),
        ("box: {image: debian-13, name: a}", {("box.name", 1)}),
        ("box: {image: debian-13, version: '1'}", {("box.version", 1)}),
        ("box: {name: \"a\\u0007\"}", {("box.name", 1)}),
        ("box: bento/ubuntu", {("box", 1)}),
        ("memory: 1 GiB", {("memory", 1)}),
        ("memory: 100", {("memory", 1)}),
        ("cpus: 1.5", {("cpus", 1)}),
        ("engine: {source: snap}", {("engine.source", 1)}),
        ("registry: {mirror: 192.168.0.10:5000}", {("registry.mirror", 1)}),
        ("registry: {mirror: 'http://a:b'}", {("registry.mirror", 1)}),
        ("registry: {mirror: 'http://a:99999'}", {("registry.mirror", 1)}),
        ("registry: {mirror: 'http://user:secret@a:5000'}", {("registry.mirror", 1)}),
        ("registry: {mirror: \"http://a/'; reboot\"}", {("registry.mirror", 1)}),
        ("ports: [{guest: 70000}]", {("ports[0].guest", 1)}),
        ("ports:\n- {guest: 80}\n- {guest: 81, host: 80}", {("ports[1].host", 3)}),
        ("ports: [{guest: 80, node: nobody}]", {("ports[0].node", 1)}),
        # YAML itself
        ("a: b: c", {("file", 1)}),
        ("workers: 1\n\tmanagers: 1", {("file", 2)}),
        ("[1, 2]", {("file", 1)}),
        ("workers: 1\nworkers: 2", {("workers", 2)}),
        ("box:\n  name: a\n  name: b", {("box.name", 3)}),
        ("workers: 1\n1: 2", {("1", 2)}),
        ("box: {name: a, yes: 2}", {("box.yes", 1)}),
        ("null: 1", {("null", 1)}),
        ("x: &a [*a]", {("x[0]", 1)}),
        ("workers: 1\nbox: &b\n  name: *b", {("box.name", 3)}),
        ("memory: !!int x", {("memory", 1)}),
        ("memory: !!timestamp x", {("memory", 1)}),
        ("memory: !!binary x", {("file", 1)}),
        ("memory: !!python/object:os.system x", {("file", 1)}),
        ("name: \x07", {("file", None)}),
        ("[" * 1000, {("file", None)}),
    ],
)  # fmt: skip
def test_mistakes_mistake_is_found_at_its_place(text, places):
    assert mistakes(text) == places


def test_mistakes_every_mistake_at_once():
    text = """
provider: vmware
memory: 12
1: 2
workers: 2
workers: 3
network: 10.0.2.0/33
nodes:
  - {name: m, role: manager, address: 10.0.2.9, colour: red}
  - {name: m, role: worker}
  - {name: w, role: worker, address: nowhere}
"""
    places = {place for place, _ in mistakes(text)}
    assert places >= {
        "provider",
        "memory",
        "1",
        "workers",
        "network",
        "nodes[0].colour",
        "nodes[1].name",
        "nodes[2].address",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("provider: virtualbix", "Did you mean virtualbox? Known are: auto, virtualbox, libvirt, docker."),
        ("wokers: 3", "Did you mean workers?"),
        ("1: 2", "line 1, 1: is a key that is not a word but a number."),
        ("x: &a [*a]", "is inside itself: its alias (*) leads back to an anchor (&) around it."),
        ("network: 0.0.0.0/0", "too wide. Choose a mask from /8 to /28"),
        ("network: 10.0.2.0/32", "too few addresses. Choose a mask from /8 to /28"),
        ("network: '10. 2'", "is not a subnet ("),
        ("nodes: [{name: m, role: manager, address: 10.0.2.1}]", "is the gateway of the lab network."),
        (
            "nodes: [{name: cafe1, role: manager}]",
            "takes for the beginning of a machine's id. Add another letter or a hyphen, so that no other machine is "
            "meant: node-cafe1.",
        ),
        ("managers: 150\nworkers: 150", "a lab has at most 150 nodes"),
    ],
)  # fmt: skip
def test_mistakes_mistake_is_explained(text, words):
    assert words in message(text)


def test_mistakes_even_number_of_managers_is_a_warning():
    lab = parse("managers: 2")
    assert len(lab.warnings) == 1
    assert "Better 1 or 3." in str(lab.warnings[0])
    assert parse("managers: 3").warnings == ()


def test_aliases_that_do_not_loop_are_welcome():
    lab = parse("nodes:\n- &n {name: m, role: manager, memory: 600}\n- {<<: *n, name: w, role: worker}")
    assert [(node.name, node.memory) for node in lab.nodes] == [("m", 600), ("w", 600)]


def test_aliases_of_aliases_cost_nothing():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    assert len(mistakes("\n".join(lines))) == 30


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 60_000, "is nested too deeply"),
        ("x: " + "{a: " * 15_000, "is nested too deeply"),
        ("".join(f"k{number}: 1\n" for number in range(6000)), "holds 6000 keys"),
        ("".join(f"k{number}: 1\n" for number in range(60)), "and 40 more"),
    ],
)
def test_mistakes_file_of_thousands_is_refused_at_once(text, words):
    assert words in message(text)
