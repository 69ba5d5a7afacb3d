"""`labgen box`: the box that needs no internet."""

from __future__ import annotations

import argparse

from labgen import box
from labgen.errors import BoxError
from labgen.proc import Runner
from labgen.progress import for_stream
from labgen.providers import BUILT_BOX


def run(arguments: argparse.Namespace) -> int:
    """Build it, or say where it is."""
    if arguments.action == "path":
        path = box.built(arguments.provider)
        if path is None:
            raise BoxError(f"the box for {arguments.provider} is not built.", "Build it with `labgen box build`.")
        print(path)
        return 0
    wanted = box.PROVIDERS if arguments.provider == "all" else (arguments.provider,)
    for provider, path in box.build(wanted, runner=Runner(), progress=for_stream(), force=arguments.force).items():
        print(f"{provider}: {path}")
        print(f"  on another computer:  vagrant box add --name {BUILT_BOX} --provider {provider} {path.name}")
    return 0
