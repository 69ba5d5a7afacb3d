"""What Vagrant says and leaves on Windows, for the walk: machines on VirtualBox that are nowhere."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

FOLDER = Path(os.environ.get("VAGRANT_CWD", "."))
MACHINES = Path(os.environ.get("VAGRANT_DOTFILE_PATH", str(FOLDER / ".vagrant"))) / "machines"
PORT = os.environ.get("STAND_IN_PORT", "2222")


def names() -> list[str]:
    text = (FOLDER / os.environ.get("VAGRANT_VAGRANTFILE", "Vagrantfile")).read_text(encoding="utf-8")
    return re.findall(r"\{ name: '([^']+)', address:", text)


def ssh_config(name: str) -> str:
    key = MACHINES / name / "virtualbox" / "private_key"
    return "\r\n".join(
        [
            f"Host {name}",
            "  HostName 127.0.0.1",
            "  User vagrant",
            f"  Port {PORT}",
            "  StrictHostKeyChecking no",
            f'  IdentityFile "{key}"' if " " in str(key) else f"  IdentityFile {key}",
            "  IdentitiesOnly yes",
            "",
        ]
    )


def up() -> None:
    for number, name in enumerate(names()):
        place = MACHINES / name / "virtualbox"
        place.mkdir(parents=True, exist_ok=True)
        (place / "id").write_text(f"0000000{number}-aaaa-bbbb-cccc-000000000000", encoding="utf-8")
        (place / "private_key").write_text("no key\r\n", encoding="utf-8")
        known = {"version": 1, "ssh_config": ssh_config(name), "ports": [{"guest": 8001, "host": 8001}]}
        (place / "labgen.json").write_text(json.dumps(known), encoding="utf-8")
        print(f"==> {name}: Machine booted and ready! 머신이 준비되었습니다", flush=True)


def destroy() -> None:
    for place in MACHINES.glob("*/virtualbox"):
        for file in place.iterdir():
            file.unlink()


def status() -> None:
    for name in names():
        made = (MACHINES / name / "virtualbox" / "id").exists()
        state = "running" if made else "not_created"
        print(f"1,{name},provider-name,virtualbox\r\n1,{name},state,{state}")


def main() -> None:
    words = sys.argv[1:]
    if words[:1] == ["--version"]:
        print("Vagrant 2.4.9")
    elif words[:1] == ["up"]:
        up()
    elif words[:1] == ["destroy"]:
        destroy()
    elif words[:1] == ["status"]:
        status()
    elif words[:1] == ["ssh-config"]:
        print("\n".join(map(ssh_config, names())))
    elif words[:2] == ["box", "list"]:
        print("1,,box-name,bento/ubuntu-24.04\r\n1,,box-provider,virtualbox\r\n1,,box-version,202502.21.0")


main()
