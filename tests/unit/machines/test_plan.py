"""What `labgen up` would do, from lab.yml and the record of what was made."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labgen import config
from labgen.machines.plan import Plan, compare
from labgen.model import record
from labgen.model.lab import Lab
from labgen.model.lab_folder import LabFolder, State
from labgen.model.record import Record, after_up

MARK = "0123456789ab"


def recorded(lab: Lab) -> Record:
    return Record("/labs/a", MARK, lab, {node.name: f"id-{node.name}" for node in lab.nodes})


def plan(after: str, before: str = "", provider: str = "virtualbox") -> Plan:
    lab_record = recorded(config.parse(before))
    return compare(config.parse(after), lab_record, provider, lab_record.ids)


def verbs(planned: Plan, *, prune: bool = False, reload: bool = False) -> list[str]:
    return [str(step.verb) for step in planned.steps(prune=prune, reload=reload)]


def test_compare_same_lab_differs_in_nothing() -> None:
    planned = plan("")
    assert planned.lines() == []
    assert planned.refusal(prune=False) is None
    assert verbs(planned, prune=True, reload=True) == ["start", "bootstrap"]


def test_compare_lab_without_machines_is_all_new() -> None:
    planned = compare(config.parse(""), None, "docker", {})
    assert [node.name for node in planned.new] == ["swarm-manager", "swarm-worker1", "swarm-worker2"]
    assert planned.lines()[1] == "+ swarm-worker1: new (worker, 10.0.2.102, 1024 MiB, 1 CPU)"


def test_plan_surplus_is_refused_without_prune_and_nothing_else_is_done() -> None:
    planned = plan("workers: 1")
    refusal = planned.refusal(prune=False)
    assert refusal is not None
    assert refusal.exit_status == 7
    assert "lab.yml does not name swarm-worker2 any more. Nothing was done." in refusal.message
    assert "\nlabgen up --prune\n" in refusal.hint
    assert planned.refusal(prune=True) is None
    assert verbs(planned, prune=True) == ["retire", "remove", "start", "bootstrap"]


def test_plan_surplus_managers_go_after_workers() -> None:
    others = "{name: m2, role: manager}, {name: m3, role: manager}, {name: w1, role: worker}"
    before = f"nodes: [{{name: m1, role: manager}}, {others}]"
    planned = plan("nodes: [{name: m1, role: manager}]", before)
    assert [node.name for node in planned.surplus] == ["w1", "m2", "m3"]
    assert planned.refusal(prune=True) is None


@pytest.mark.parametrize(
    "after",
    [
        # The only manager goes; one of today's workers is to be it.
        "nodes: [{name: swarm-worker1, role: manager, address: 10.0.2.102}]",
        # Managers by another name, as their number gives it.
        "{managers: 3, workers: 0}",
    ],
)
def test_plan_never_removes_the_last_manager(after: str) -> None:
    refusal = plan(after).refusal(prune=True)
    assert refusal is not None
    assert "labgen down" in refusal.hint


@pytest.mark.parametrize(
    ("after", "key"),
    [
        ("network: 10.9.8.0/24", "network 10.0.2.0/24 -> 10.9.8.0/24"),
        ("name: other", "name labgen -> other"),
        ("provider: libvirt", "provider virtualbox -> libvirt"),
        ("box: {name: cloud-image/ubuntu-24.04}", "box the provider's own -> cloud-image/ubuntu-24.04"),
        ("addresses: {adapter1: 192.168.7.0/24}", "addresses.adapter1 192.168.221.0/24 -> 192.168.7.0/24"),
    ],
)
def test_plan_what_only_new_machines_have_is_refused(after: str, key: str) -> None:
    planned = plan(after)
    refusal = planned.refusal(prune=True)
    assert refusal is not None
    assert key in refusal.message
    assert refusal.hint.startswith("Make the machines again. Their swarm and services are lost:\nlabgen down\n")
    assert [line for line in planned.lines() if line.startswith("!")] == [f"! {key}: only new machines have that"]


def test_plan_address_of_a_worker_asks_for_that_machine_only() -> None:
    nodes = "{{name: m, role: manager}}, {{name: w, role: worker, address: 10.0.2.{}}}"
    refusal = plan(f"nodes: [{nodes.format(150)}]", f"nodes: [{nodes.format(140)}]").refusal(prune=False)
    assert refusal is not None
    assert "w: address 10.0.2.140 -> 10.0.2.150" in refusal.message
    assert "\nlabgen down w\nlabgen up\n" in refusal.hint


def test_plan_memory_and_cpus_are_for_a_restart_workers_first() -> None:
    planned = plan("{memory: 2048, cpus: 2}")
    assert planned.restarted == ("swarm-worker1", "swarm-worker2", "swarm-manager")
    assert "~ swarm-worker1: memory 1024 MiB -> 2048 MiB" in planned.lines()
    assert "~ swarm-worker1: cpus 1 -> 2" in planned.lines()
    assert planned.refusal(prune=False) is None
    assert verbs(planned) == ["start", "bootstrap"]
    assert verbs(planned, reload=True) == ["start", "restart", "bootstrap"]


def test_plan_containers_are_changed_in_place() -> None:
    assert verbs(plan("memory: 2048", provider="docker"), reload=True) == ["start", "resize", "bootstrap"]


@pytest.mark.parametrize(
    ("provider", "differing", "advised"), [("virtualbox", 1, 0), ("docker", 0, 1), ("libvirt", 0, 0)]
)
def test_plan_forwarded_ports(provider: str, differing: int, advised: int) -> None:
    planned = plan("ports: [{guest: 80, host: 8080, node: swarm-worker1}]", "ports: []", provider)
    assert len(planned.differing) == differing
    # A container does as well with the ports it has: that is told, and all else is done.
    assert len([line for line in planned.lines() if "labgen down swarm-worker1, then labgen up" in line]) == advised
    assert planned.refusal(prune=False) is None


def test_plan_provider_that_was_asked_for_by_name_is_no_difference() -> None:
    lab_record = recorded(config.parse("provider: virtualbox"))
    assert compare(config.parse("provider: virtualbox"), lab_record, "docker", lab_record.ids).lines() == []
    assert compare(config.parse(""), lab_record, "docker", lab_record.ids).lines() == []
    assert (
        compare(config.parse("provider: libvirt"), lab_record, "docker", lab_record.ids).refusal(prune=False)
        is not None
    )


def test_plan_two_ports_of_one_guest_port_are_told_apart() -> None:
    before = "ports: [{guest: 80, host: 8080}]"
    planned = plan("ports: [{guest: 80, host: 8080}, {guest: 80, host: 8081}]", before)
    assert str(planned.differing[0]) == "ports 8080:80 -> 8080:80, 8081:80"


def test_plan_role_is_the_bootstraps() -> None:
    nodes = "nodes: [{{name: m, role: manager}}, {{name: n, role: {}}}]"
    planned = plan(nodes.format("manager"), nodes.format("worker"))
    assert planned.lines() == ["~ n: role worker -> manager: changed by the bootstrap"]
    assert planned.refusal(prune=False) is None


def test_plan_address_pool_is_a_new_swarms() -> None:
    planned = plan("addresses: {overlay_pool: 10.66.0.0/16}")
    assert planned.refusal(prune=False) is None
    assert "labgen reset" in planned.lines()[0]


def test_plan_machines_that_do_not_run_need_no_restart() -> None:
    planned = plan("memory: 2048").with_stopped({"swarm-worker1", "swarm-worker2"})
    assert planned.restarted == ("swarm-manager",)
    assert "~ swarm-worker1: memory 1024 MiB -> 2048 MiB: changed when it starts" in planned.lines()


def test_compare_finds_surplus_machines_that_an_earlier_version_made() -> None:
    planned = compare(config.parse("workers: 0"), None, "docker", {"swarm-manager": "a", "swarm-worker1": "b"})
    assert [node.name for node in planned.surplus] == ["swarm-worker1"]
    assert planned.differing == planned.lab_wide == ()


@given(st.integers(1, 3), st.integers(0, 3), st.sampled_from([512, 1024, 2048]))
def test_record_comes_back_as_it_was_written(managers: int, workers: int, memory: int) -> None:
    lab = config.parse(f"{{managers: {managers}, workers: {workers}, memory: {memory}}}")
    lab_record = recorded(dataclasses.replace(lab, warnings=()))
    assert record.parse(record.dump(lab_record)) == lab_record


@pytest.mark.parametrize("name", ["--force", "a b", "../x", "A", ""])
def test_record_refuses_names_that_cannot_be(name: str) -> None:
    data = record.dump(recorded(config.parse("")))
    data["lab"]["nodes"][1]["name"] = name
    with pytest.raises(ValueError, match="cannot be"):
        record.parse(data)


def test_record_keeps_what_a_machine_was_made_with() -> None:
    before = recorded(config.parse(""))
    lab = config.parse("{workers: 3, memory: 2048, ports: [{guest: 80, host: 8080}]}")
    ids = {**before.ids, "swarm-worker2": "another", "swarm-worker3": "new"}
    renewed = after_up(lab, before, folder="/labs/a", mark=MARK, earlier=before.ids, ids=ids, renewed={"swarm-worker1"})
    memory = {node.name: node.memory for node in renewed.lab.nodes}
    # One was there all the time; one restarted, one made anew, one new.
    assert memory == {"swarm-manager": 1024, "swarm-worker1": 2048, "swarm-worker2": 2048, "swarm-worker3": 2048}
    assert [(port.guest, port.host) for port in renewed.lab.ports] == [(8001, 8001)]
    assert renewed.ids == ids


def test_record_keeps_machines_that_lab_yml_does_not_name() -> None:
    before = recorded(config.parse(""))
    lab_record = after_up(
        config.parse("workers: 1"), before, folder="/labs/a", mark=MARK, earlier=before.ids, ids=before.ids
    )
    assert [node.name for node in lab_record.lab.nodes] == ["swarm-manager", "swarm-worker1", "swarm-worker2"]
    assert [node.name for node in lab_record.without("swarm-worker2").lab.nodes] == ["swarm-manager", "swarm-worker1"]


def test_state_of_version_1_is_read(tmp_path: Path) -> None:
    folder = LabFolder.at(tmp_path)
    folder.own.mkdir()
    (folder.own / "state.json").write_text(
        '{"version": 1, "provider": "docker", "accelerated": true, "namespace": "labgen-0a1b2c3d", "lacks": {}}'
    )
    assert folder.state() == State("docker", namespace="labgen-0a1b2c3d")
    assert folder.record() is None
    assert folder.moved_from() is None
    folder.remember(State("docker"), recorded(config.parse("")))
    folder.remember(State("docker", accelerated=False))
    assert folder.record() == recorded(config.parse(""))
