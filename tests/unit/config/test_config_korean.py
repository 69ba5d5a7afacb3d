"""Mistakes in lab.yml as a Korean learner reads them."""

from __future__ import annotations

import re

import pytest

from labgen.config import parse
from labgen.core.errors import LabFileError
from labgen.core.i18n import Language


def mistakes(text: str, language: Language) -> list[str]:
    """List what is said of a lab file, a line for each mistake, without its heading."""
    with pytest.raises(LabFileError) as caught:
        parse(text)
    return caught.value.in_(language).splitlines()[1:]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("workers: two", "1번째 줄, workers = two: 정수가 아닙니다. 따옴표 없이 정수로 쓰십시오. 예: 2."),
        ("memory: 2", "1번째 줄, memory = 2: 범위를 벗어났습니다. MiB 단위로 512 이상이어야 합니다."),
        ("name: on", '텍스트가 아닙니다. YAML이 읽은 값의 종류: 참/거짓 값. 따옴표로 감싸십시오: name: "on".'),
        ("worker: 2", "1번째 줄, worker = 2: lab.yml에 없는 키입니다. workers를 쓰려고 했습니까?"),
        ("network: 10.0.2.0/30", "1번째 줄, network = 10.0.2.0/30: 실습망의 주소가 너무 적습니다."),
        ("ports: ['8080:80']", "키를 담은 섹션이 아닙니다. 키를 쓰십시오: {guest: 80, host: 8080}."),
        ("managers: 0", "1번째 줄, managers = 0: 스웜에는 매니저가 있어야 합니다."),
        ("a: [", "file: YAML이 아닙니다: "),
        ("registry: {mirror: 'localhost:5000'}", "1번째 줄, registry.mirror = localhost:5000: "),
        (
            "addresses: {docker0: 10.0.2.0/24}",
            "1번째 줄, addresses.docker0 = 10.0.2.0/24: docker0이 실습망(10.0.2.0/24)와 겹칩니다.",
        ),
    ],
)  # fmt: skip
def test_mistakes_in_korean(text: str, line: str) -> None:
    (mistake,) = mistakes(text, "ko")
    assert line in mistake
    assert mistakes(text, "en") != [mistake]


def test_every_mistake_of_a_file_is_in_korean() -> None:
    text = """
name: "-"
provider: vmware
nodes: [{name: A_b, role: worker}, {name: db, role: boss, address: 1.2.3}, {name: w1, role: worker, memory: 2GB}]
box: {version: 1, checksum: abc}
proxy: {http: "proxy:3128", https: "http://kim@proxy"}
ports: [{guest: 99999}, {guest: 80, node: who}]
memory:
"""
    lines = mistakes(text, "ko")
    assert len(lines) > 10
    assert [line for line in lines if not re.search("[가-힣]{2,}.*[.?]$", line)] == []
    english = mistakes(text, "en")
    assert [line for line in english if re.search("[가-힣]", line)] == []
    assert len(english) == len(lines)
