"""`labgen doctor`: can this computer run the lab?"""

from __future__ import annotations

import argparse
import json

from labgen import host as doctor
from labgen.cli.render import load
from labgen.core.errors import HostError
from labgen.core.progress import for_stream
from labgen.core.workspace import LabFolder


def run(arguments: argparse.Namespace) -> int:
    """Look, install what is missing if asked to, and tell; the status is 5 where no provider is usable."""
    folder = LabFolder.at(arguments.folder)
    lab = load(folder)
    only = [arguments.provider] if arguments.provider else None
    doctor.known(only or ())
    host = doctor.Host(folder=folder.path)
    if arguments.fix:
        doctor.install(host, doctor.packages(lab, host, only), for_stream())
    diagnosis = doctor.examine(lab, host, only)
    if arguments.json:
        print(json.dumps(doctor.as_json(diagnosis), indent=2, ensure_ascii=False))
    else:
        print(doctor.report(diagnosis))
    try:
        choice = diagnosis.choose(lab)
    except HostError as error:
        if not arguments.json:
            print(f"\n{error.message}")
        return error.exit_status
    if not arguments.json:
        print(f"\nlabgen up will use {choice.why}")
    return 0
