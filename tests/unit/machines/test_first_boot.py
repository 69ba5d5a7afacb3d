"""What a node of a cloud image says of its first boot, and what `labgen up` prints of it."""

from __future__ import annotations

import json

import pytest

from labgen.core.errors import BoxError, NodeError
from labgen.machines import first_boot

DONE = json.dumps({"status": "done", "extended_status": "done", "errors": [], "datasource": "nocloud"})
DEGRADED = json.dumps({"status": "done", "extended_status": "degraded done", "errors": ["growpart failed"]})


def answer(status: str, netplan: str = "/usr/sbin/netplan", engine: str = "") -> str:
    return f"{status}\n\n---\n6.12.57-cloud-amd64\n{netplan}\n{engine}\n"


def boot(text: str, node: str = "m") -> first_boot.FirstBoot:
    return first_boot.look(node, lambda _: text)


def test_look_reads_status_kernel_and_engine() -> None:
    node = boot(answer(DONE, engine="Docker version 26.1.5, build a72d7cd"))
    assert node == first_boot.FirstBoot("m", "done", (), "6.12.57-cloud-amd64", "Docker version 26.1.5, build a72d7cd")
    assert node.is_well


@pytest.mark.parametrize("status", ["", "[]", "{", "null", '{"status": "running"}', '{"errors": 3}', DEGRADED])
def test_look_takes_anything_else_for_trouble(status: str) -> None:
    assert not boot(answer(status)).is_well


def test_look_refuses_an_image_without_netplan() -> None:
    with pytest.raises(BoxError, match="image of m has no netplan") as refused:
        boot(answer(DONE, netplan=""))
    assert "debian-13" in refused.value.hint


def test_report_names_the_image_and_each_trouble() -> None:
    report = first_boot.report(
        "Debian 13 1", [boot(answer(DONE)), boot(answer(DEGRADED), "w1"), boot(answer(""), "w2")]
    )
    assert list(map(str, report)) == [
        "Cloud image Debian 13 1: 3 nodes booted for the first time; kernel 6.12.57-cloud-amd64, netplan, "
        "no engine (bootstrap installs the distribution's).",
        "warning: cloud-init on w1: growpart failed. See: labgen ssh w1 -- sudo cloud-init status --long",
        "warning: cloud-init on w2: its status is unknown. See: labgen ssh w2 -- sudo cloud-init status --long",
    ]
    assert first_boot.report("Debian 13 1", []) == []


def test_look_at_all_leaves_out_nodes_that_do_not_answer() -> None:
    def ask(name: str, _: str) -> str:
        if name == "w1":
            raise NodeError("w1 does not answer.")
        return answer(DONE)

    assert [node.node for node in first_boot.look_at_all(["m", "w1", "w2"], ask)] == ["m", "w2"]
