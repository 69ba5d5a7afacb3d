"""What Ruby makes of what was rendered: every value arrives as it was, and none of them is run."""

from __future__ import annotations

import os
import random
import string
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from labgen import config
from labgen.core.process import Runner
from labgen.machines import render
from labgen.model.lab import Box, Lab

GOLDEN = Path(__file__).parents[2] / "unit" / "golden"

FRAGMENTS = (
    *"'\"\\`#@$%{}()[]<>|;&\n\r\t\0\x07\x1b\x7f \u2028\ufeff한글é😀",
    *("#{", "#{exit 1}", "#@a", "#$0", "\\'", '\\"', "\\\\", "\\n", "\\u{41}", "\\x41", "\r\n", "%x(id)", "`id`"),
    *("{{ 7*7 }}", "{% raw %}", "end", "__END__", "=begin\n", "\n=begin\n", "e\u0301", "\U0010ffff", "\ue000"),
)
SEED = 20_240_229


def nasty_strings(count: int) -> list[str]:
    """Every fragment by itself, and ``count`` mixtures; the same ones in every run."""
    dice = random.Random(SEED)
    pieces = (*FRAGMENTS, *string.ascii_letters)
    anything = [chr(code) for code in (*range(0x300), *range(0xAC00, 0xAC40), *range(0x1F600, 0x1F640))]
    return [
        "",
        *FRAGMENTS,
        *("".join(dice.choices(pieces, k=dice.randint(1, 12))) for _ in range(count)),
        *("".join(dice.choices(anything, k=dice.randint(1, 40))) for _ in range(count)),
    ]


@pytest.mark.parametrize("locale", ["C.UTF-8", "C"])
def test_ruby_reads_back_every_string(ruby: str, locale: str, tmp_path: Path) -> None:
    wanted = nasty_strings(2000)
    program = tmp_path / "strings.rb"
    listed = "".join(f"  {render.ruby(value)},\n" for value in wanted)
    program.write_bytes(f'puts [\n{listed}].map {{ |text| text.encoding.name + text.unpack1("H*") }}\n'.encode())
    told = Runner(env={"LC_ALL": locale}).run([ruby, "-w", program]).or_raise()
    assert told.err == ""
    assert told.out.splitlines() == [f"UTF-8{value.encode().hex()}" for value in wanted]


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.Vagrantfile")), ids=lambda path: path.stem)
def test_ruby_finds_nothing_to_warn_of(golden: Path, ruby: str) -> None:
    checked = Runner().run([ruby, "-wc", golden])
    assert (checked.status, checked.out.strip(), checked.err) == (0, "Syntax OK", "")


def hostile(canary: Path) -> Lab:
    """A lab in which every string, checked or not, tries to make a file."""
    call = f"File.write({str(canary)!r}, '')"
    texts = [
        f"#{{{call}}}",
        f"'; {call}; '",
        f"\\'; {call}; #",
        f'"; {call}; "',
        f"'\n{call}\n'",
        f"\n{call} #",
        f"`touch {canary}`",
        f"{{{{ {call} }}}}",
    ]
    lab = config.parse("{managers: 1, workers: 7}")
    return replace(
        lab,
        name=" ".join(texts),
        provider=texts[4],
        box=Box(texts[0] + texts[1], texts[2] + texts[5], texts[3] + texts[6]),
        nodes=tuple(
            replace(node, name=text, address=IPv4Address(f"10.0.2.{index}"))
            for index, (node, text) in enumerate(zip(lab.nodes, texts, strict=True), 101)
        ),
        ports=tuple(replace(port, node=texts[2]) for port in lab.ports),
    )


def test_hostile_values_arrive_and_are_not_run(stage: Callable[..., Any], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    lab = hostile(canary)
    assert lab.box is not None
    for provider in ("virtualbox", "libvirt"):
        machines = stage(lab, provider)
        assert list(machines) == [node.name for node in lab.nodes]
        for machine in machines.values():
            seen = (machine["vm"]["box"], machine["vm"]["box_version"], machine["vm"]["box_url"])
            assert seen == (lab.box.name, lab.box.version, lab.box.url)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("windows", "account", "home"),
    [
        (False, None, "/shell"),
        (False, "nobody-here", "/shell"),
        (False, "root", Path("~root").expanduser()),
        (True, None, "/account"),
        (True, "root", "/account"),
    ],
)
def test_box_is_looked_for_where_labgen_puts_it(
    stage: Callable[..., Any], windows: bool, account: str | None, home: str | Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if account and os.geteuid() != 0:
        pytest.skip("sudo's variable counts for root alone")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("SUDO_USER", raising=False)
    # Git Bash gives HOME a folder of its own, which Python does not look at on Windows.
    monkeypatch.setenv("HOME", "/shell")
    monkeypatch.setenv("USERPROFILE", "/account")
    if account:
        monkeypatch.setenv("SUDO_USER", account)
    box_urls = [machine["vm"]["box_url"] for machine in stage(config.parse(""), windows=windows).values()]
    assert {Path(url).parent for url in box_urls} == {Path(home) / ".cache" / "labgen" / "boxes"}


def test_real_vagrant_loads_hostile_values_and_runs_none(require_tool: Callable[[str], str], tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    lab = hostile(canary)
    # Names that Vagrant accepts, so that it comes to the end of the file.
    lab = replace(
        lab,
        provider="auto",
        nodes=tuple(replace(node, name=f"node{index}") for index, node in enumerate(lab.nodes)),
    )
    render.write(render.render(lab), tmp_path / "Vagrantfile")
    told = validate(require_tool("vagrant"), tmp_path)
    # It has read the file, and refuses the version, which is none.
    assert told.status == 1
    assert "The format of box version provided" in told.err
    assert not canary.exists()


def test_real_vagrant_finds_a_lab_valid(require_tool: Callable[[str], str], tmp_path: Path) -> None:
    # The box with quotes, a backslash and Korean in its name, on more than one machine.
    source = (GOLDEN / "box.yml").read_text(encoding="utf-8").replace("workers: 0", "workers: 1")
    render.write(render.render(config.parse(source)), tmp_path / "Vagrantfile")
    told = validate(require_tool("vagrant"), tmp_path)
    assert (told.status, told.out.strip()) == (0, "Vagrantfile validated successfully."), told


def validate(vagrant: str, folder: Path) -> Any:
    env = {"VAGRANT_CHECKPOINT_DISABLE": "1", "VAGRANT_CWD": str(folder), "VAGRANT_NO_COLOR": "1"}
    assert "VAGRANT_VAGRANTFILE" not in os.environ
    return Runner(env=env).run([vagrant, "validate"], cwd=folder, timeout=300)
