"""What a hostile node or bundle may cost the computer that grades: memory, measured in a process of its own."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from test_verify_bundle import made

from tests import needs
from verify import bundle

MOST = 300
"""MiB that a process may take, whatever it is answered."""

PEAK = """
def peak():
    # MiB of this process alone. What getrusage tells is at least what the process had that started it.
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM:"))
"""

GRADING = """
import sys
from functools import partial
sys.path.insert(0, {here!r})
from fake_lab import FakeLab
from labgen import config
from labgen.docker import swarm
from labgen.core import bounded
from labgen.core.errors import LabgenError
from labgen.observation import facts
from verify import bundle
from verify.evidence import Evidence
from verify.exam import Exam
from labgen.model.lab_folder import State
from labgen.transport.protocol import LONGEST, Transport
import pytest, testinfra.host, jinja2

raw = bytearray(eval({answer!r}))
def told():
    try:
        return bounded.text(raw[:LONGEST], LONGEST)
    except bounded.TooMuch:
        raise LabgenError("too much")
class Hosts(Transport):
    def run(self, node, script, *, within=30.0):
        return told() + "\\n200\\n" + "[]\\n200\\n" * 3
    def close(self):
        pass
lab = config.load(None)
evidence = Evidence("", State("docker"))
hosts = evidence.recording(Hosts())
for ask in (
    lambda: swarm.look(partial(hosts.ask, lab.nodes[0])),
    lambda: facts.read(partial(hosts.ask, lab.nodes[1]), "n", ["n"]),
):
    try:
        ask()
    except LabgenError as why:
        print(type(why).__name__, str(why)[:80])
del raw
bundle.digest(evidence)
print("PEAK", peak())
"""

ANSWERS = {
    "texts": "b'[' + b'\"ab\",' * (31 * 2**20 // 5) + b'1]'",
    "values just few enough": "b'[' + b'\"abc\",' * 1_699_000 + b'1]'",
    "passwords": "b'{' + b'\"password\":\"x\",' * (31 * 2**20 // 15) + b'\"a\":1}'",
    "an emoji": "b'x' * (31 * 2**20) + '\\U0001f433'.encode()",
}


@pytest.mark.parametrize("what", ANSWERS)
def test_grading_takes_little_memory_whatever_a_node_answers(what: str) -> None:
    needs.linux("/proc")
    program = PEAK + GRADING.format(here=str(Path(__file__).parent), answer=ANSWERS[what])
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert int(result.stdout.split("PEAK")[1]) < MOST


READING = """
import sys, base64, zlib, json
sys.path.insert(0, {here!r})
from verify import bundle
from test_verify_bundle import TEXT, forged
import pytest
from pathlib import Path
try:
    bundle.load(Path({path!r}))
except bundle.Damaged as why:
    print(why)
print("PEAK", peak())
"""


@pytest.mark.parametrize(
    ("answer", "script"),
    [(b"[]," * (10 * 2**20), "http://engine/tasks"), (b"x" * (32 * 2**20 - 8) + "\U0001f433".encode(), "cat")],
)
def test_loading_a_bundle_that_bursts_takes_little_memory(answer: bytes, script: str, tmp_path: Path) -> None:
    needs.linux("/proc")
    packed = base64.b64encode(zlib.compress(answer)).decode()
    head = json.loads(bundle.write(made()).split("\n")[0])
    lines = [head] + [
        {"node": "swarm-manager", "script": f"{script} {at}", "since": at, "packed": packed} for at in range(6)
    ]
    chain = ""
    texts = []
    for line in lines:
        line.pop("hash", None)
        chain = bundle._hash(line, chain)
        texts.append(json.dumps({**line, "hash": chain}))
    file = tmp_path / "evidence.jsonl"
    file.write_text("\n".join(texts) + "\n", encoding="utf-8")
    program = PEAK + READING.format(here=str(Path(__file__).parent), path=str(file))
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert int(result.stdout.split("PEAK")[1]) < MOST
