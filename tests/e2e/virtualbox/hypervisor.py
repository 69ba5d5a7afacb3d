#!/usr/bin/python3 -ISB
"""VBoxManage whose machines run: VirtualBox is asked and told everything as ever, and QEMU is the processor.

VirtualBox needs a kernel module to start a machine, and a computer that emulates cannot have it. So ``startvm`` reads
from VirtualBox itself what the machine is made of (its disk, memory, network adapters, forwarded ports) and gives
exactly that to QEMU; as long as QEMU runs, VirtualBox's answers call the machine running. NAT networks are bridges
with the addresses that VirtualBox has for them. Everything else goes through to VirtualBox.

It runs where VirtualBox is installed, with the standard library alone. What it does not know it refuses.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

REAL = "/usr/local/bin/VBoxManage"

SLOTS = (3, 8, 9, 10)
"""Where VirtualBox puts its first four network adapters on the PCI bus."""

CARDS = {"virtio": "virtio-net-pci,disable-modern=on", "82540EM": "e1000", "82545EM": "e1000-82545em"}
"""VirtualBox's network cards, and QEMU's name for each. VirtualBox's virtio is that of before version 1.0."""

DISK = "disk.qcow2"
"""What a machine has written since it was cloned, beside it."""

MONITOR = "monitor"
"""The socket at which QEMU takes orders, beside a machine's disk."""

_END_WITHIN = 20.0
"""Seconds for QEMU to end when it is told to."""

_KEEP_WITHIN = 300.0
"""Seconds for QEMU to write a machine's memory into its disk."""


def command(told: Mapping[str, str], overlay: Path, place: Path) -> list[str]:
    """QEMU's command line for a machine.

    :param told: what VirtualBox says of the machine.
    :param overlay: its disk.
    :param place: where the process id and what the machine prints go.
    """
    return [
        *("qemu-system-x86_64", "-name", told["name"], "-machine", "pc", "-accel", "tcg", "-nodefaults"),
        *("-smp", told["cpus"], "-m", told["memory"], "-display", "none"),
        # On the first channel of an IDE controller, as the box describes it.
        *("-drive", f"file={escaped(overlay)},format=qcow2,if=ide,index=0,cache=unsafe"),
        *adapters(told),
        *("-serial", f"file:{escaped(place / 'console')}", "-pidfile", str(place / "pid"), "-daemonize"),
        # In its working directory: the path of a socket has room for 108 characters.
        *("-qmp", f"unix:{MONITOR},server=on,wait=off"),
    ]


def adapters(told: Mapping[str, str]) -> list[str]:
    """The part of it that is about network adapters.

    >>> told = {"nic1": "nat", "natnet1": "192.0.2.0/24", "Forwarding(0)": "ssh,tcp,127.0.0.1,2222,,22",
    ...         "macaddress1": "080027C0DE12", "nictype1": "virtio", "cableconnected1": "on"}
    >>> adapters(told)[1]
    'user,id=adapter1,net=192.0.2.0/24,hostfwd=tcp:127.0.0.1:2222-:22'
    """
    options: list[str] = []
    for number, slot in enumerate(SLOTS, 1):
        kind = told.get(f"nic{number}", "none")
        if kind == "none":
            continue
        if kind == "nat":
            subnet = told[f"natnet{number}"]
            options += ["-netdev", f"user,id=adapter{number},net={'10.0.2.0/24' if subnet == 'nat' else subnet}"]
            options[-1] += "".join(f",hostfwd={rule}" for rule in forwarded(told))
        elif kind == "natnetwork":
            tap = f"{bridge(told[f'nat-network{number}'])}-{told[f'macaddress{number}'][-4:].lower()}"
            options += ["-netdev", f"tap,id=adapter{number},ifname={tap},script=no,downscript=no"]
        else:
            refuse(f"adapter {number} is {kind}")
        if told[f"cableconnected{number}"] != "on":
            refuse(f"the cable of adapter {number} is not connected")
        mac = ":".join(re.findall("..", told[f"macaddress{number}"]))
        card = CARDS[told[f"nictype{number}"]]
        options += ["-device", f"{card},netdev=adapter{number},mac={mac},addr={slot:#x}"]
    return options


def forwarded(told: Mapping[str, str]) -> list[str]:
    """Forwarded ports as QEMU wants them; VirtualBox has "ssh,tcp,127.0.0.1,2222,,22"."""
    rules = [value.split(",") for key, value in sorted(told.items()) if key.startswith("Forwarding(")]
    return [f"{kind}:{host}:{port}-{guest}:{inside}" for _, kind, host, port, guest, inside in rules]


def bridge(network: str) -> str:
    """Name of the bridge that is a NAT network; Linux takes 15 characters, with a dash and four of a MAC address."""
    return f"n{zlib.crc32(network.encode()):08x}"


def escaped(path: Path) -> str:
    """A path within an option of QEMU's, where a comma begins the next one."""
    return str(path).replace(",", ",,")


def main() -> None:
    """Do what VBoxManage is asked for.

    One at a time: to tell of a machine that does not run, VirtualBox 7.2 locks it, and two that ask at once are in each
    other's way ("The session is not locked"), until nobody gets an answer any more. Vagrant asks so of what runs, which
    to VirtualBox these machines do not.
    """
    words = sys.argv[1:]
    with (Path(__file__).parent / "one-at-a-time").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        do(words)


def do(words: list[str]) -> None:
    """Do it."""
    match words:
        case ["startvm", machine, *_]:
            start(machine)
        case ["controlvm", machine, "poweroff", *_]:
            stop(machine)
        case ["controlvm", *_]:
            refuse(" ".join(words))
        case ["showvminfo", machine, *_] if pid(machine):
            print(real(*words).replace('VMState="poweroff"', 'VMState="running"'), end="")
        case ["showvminfo", machine, *_] if kept(machine).exists():
            print(real(*words).replace('VMState="poweroff"', 'VMState="saved"'), end="")
        case ["snapshot", machine, "take" | "restore" | "delete" as what, name]:
            print(real(*words), end="")
            snapshot(machine, what, name)
        case ["snapshot", _, what, *_] if what != "list":
            refuse(" ".join(words))
        case ["unregistervm", machine, *_]:
            if pid(machine):
                refuse(f"{machine} runs")
            print(real(*words), end="")
            for left in sorted(there(machine).glob("*")):
                left.unlink()
        case _:
            # Not in this one's place: what it leaves running would keep the turn.
            sys.exit(subprocess.call([REAL, *words]))


def start(machine: str) -> None:
    """Start a machine as VirtualBox has it."""
    said = real("showvminfo", machine, "--machinereadable").splitlines()
    told = {key.strip('"'): value.strip('"') for key, sign, value in (line.partition("=") for line in said) if sign}
    place = there(machine)
    place.mkdir(parents=True, exist_ok=True)
    overlay = place / DISK
    if not overlay.exists():
        base = readable(bottom(told["IDE-ImageUUID-0-0"]))
        run("qemu-img", "create", "-q", "-f", "qcow2", "-b", str(base), "-F", "qcow2", str(overlay))
    for number in range(1, 5):
        if told.get(f"nic{number}") == "natnetwork":
            join(told[f"nat-network{number}"], told[f"macaddress{number}"])
    state = kept(machine)
    run(*command(told, overlay, place), *(["-loadvm", state.read_text()] if state.exists() else []), cwd=place)
    state.unlink(missing_ok=True)
    print(f'VM "{machine}" has been successfully started.')


def bottom(disk: str) -> str:
    """The file that a linked clone's disk is based on, which came with the box; what lies over it is still empty."""
    while True:
        said = real("showmediuminfo", disk)
        parent = re.search(r"^Parent UUID:\s+(\S+)", said, re.MULTILINE)
        if parent is None:
            refuse(f"the disk {disk} has no parent: {said}")
        if parent[1] == "base":
            return re.search(r"^Location:\s+(.+)$", said, re.MULTILINE)[1]  # type: ignore[index]
        disk = parent[1]


def readable(base: str) -> Path:
    """The same disk in QEMU's own format: over a VMDK it keeps no snapshots. Made once, for all clones of it."""
    copy = Path(__file__).parent / "machines" / f"{zlib.crc32(base.encode()):08x}.qcow2"
    if not copy.exists():
        unfinished = copy.with_suffix(".new")
        run("qemu-img", "convert", "-f", "vmdk", "-O", "qcow2", base, str(unfinished))
        unfinished.rename(copy)
    return copy


def join(network: str, mac: str) -> None:
    """Give a machine its end of a NAT network, which begins with the first one."""
    name = bridge(network)
    if run("ip", "link", "show", name, check=False) != 0:
        facts = next(
            dict(re.findall(r"^(\S[^:\n]*):\s+(\S.*)$", part, re.MULTILINE))
            for part in re.split(r"\n\s*\n", real("list", "--long", "natnets"))
            if re.search(rf"^Name:\s+{re.escape(network)}$", part, re.MULTILINE)
        )
        if (facts["Enabled"], facts["DHCP Server"]) != ("Yes", "No"):
            refuse(f"a NAT network with {facts}")
        run("ip", "link", "add", name, "type", "bridge")
        length = facts["Network"].partition("/")[2]
        run("ip", "address", "add", f"{facts['Gateway']}/{length}", "dev", name)
        run("ip", "link", "set", name, "up")
    tap = f"{name}-{mac[-4:].lower()}"
    run("ip", "tuntap", "add", tap, "mode", "tap", check=False)
    run("ip", "link", "set", tap, "master", name, "up")


def stop(machine: str) -> None:
    """Switch a machine off."""
    running = pid(machine)
    if running is None:
        refuse(f"{machine} does not run")
    process = os.pidfd_open(running)
    signal.pidfd_send_signal(process, signal.SIGKILL)
    if not select.select([process], [], [], _END_WITHIN)[0]:
        refuse(f"process {running} does not end")


def snapshot(machine: str, what: str, name: str) -> None:
    """Do with QEMU's disk and memory what VirtualBox has been told to do with a machine's.

    QEMU keeps both in the disk. Going back to them ends, as VirtualBox's does, in a machine whose state is saved: its
    next start goes on from there.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        refuse(f"a snapshot named {name}")
    running = pid(machine) is not None
    if what == "restore":
        if running:
            refuse(f"{machine} runs")
        kept(machine).write_text(name)
    elif running:
        order(there(machine), f"{'savevm' if what == 'take' else 'delvm'} {name}")
    elif (there(machine) / DISK).exists():
        # One that has never run, as those that others are cloned from, has nothing that QEMU would keep.
        refuse(f"to {what} a snapshot of a machine that does not run")


def kept(machine: str) -> Path:
    """Of a machine whose state is saved, the file with the name of what it goes on from."""
    return there(machine) / "saved"


def order(place: Path, words: str) -> None:
    """Give QEMU's monitor an order, which must succeed."""
    with socket.socket(socket.AF_UNIX) as monitor, contextlib.chdir(place):
        monitor.settimeout(_KEEP_WITHIN)
        monitor.connect(MONITOR)
        with monitor.makefile("rw", encoding="utf-8") as lines:
            for what, given in (
                ("qmp_capabilities", {}),
                ("human-monitor-command", {"command-line": words}),
            ):
                print(json.dumps({"execute": what, "arguments": given}), file=lines, flush=True)
                answer = next(told for line in lines if not {"QMP", "event"} & (told := json.loads(line)).keys())
                # A command for people says what is wrong, and otherwise nothing.
                if said := answer.get("error") or answer["return"]:
                    refuse(f"QEMU says to {words}: {said}")


def pid(machine: str) -> int | None:
    """Process id of a machine that runs."""
    try:
        number = int((there(machine) / "pid").read_text())
        same = str(there(machine)).encode() in Path(f"/proc/{number}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return number if same else None


def there(machine: str) -> Path:
    """Where a machine's files are."""
    if not re.fullmatch(r"[0-9a-f-]{36}", machine):
        refuse(f"a machine by its name: {machine}")
    return Path(__file__).parent / "machines" / machine


def real(*words: str) -> str:
    """What VirtualBox says; its own error, and the end, where it fails."""
    done = subprocess.run([REAL, *words], capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stderr)
        sys.exit(done.returncode)
    return done.stdout


def run(*words: str, check: bool = True, cwd: Path | None = None) -> int:
    """Run a program, which must succeed unless not to be checked."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd)
    if check and done.returncode:
        refuse(f"{words} ended with {done.returncode}: {done.stderr}")
    return done.returncode


def refuse(why: str) -> NoReturn:
    """End with an error as VBoxManage's are."""
    sys.exit(f"VBoxManage: error: not in this stand-in: {why}")


if __name__ == "__main__":
    main()
