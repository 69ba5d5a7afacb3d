"""`labgen doctor`: can this computer run the lab?"""

from __future__ import annotations

import json

import click

from labgen import boxes, images
from labgen.cli.declare import option
from labgen.cli.folders import in_lab_folder, load
from labgen.cli.parameters import ProviderName
from labgen.core.console import say
from labgen.core.errors import HostError
from labgen.core.i18n import _, ui_language
from labgen.core.printable import printable
from labgen.core.progress import for_stream
from labgen.model.lab_folder import LabFolder
from labgen.providers import doctor


@click.command
@option("--json", "as_json", is_flag=True, help=_("print the findings as JSON"))
@option("--fix", is_flag=True, help=_("install the Debian packages that are missing"))
@option("--provider", type=ProviderName(), help=_("check one provider only"))
@in_lab_folder
def command(folder: LabFolder, *, as_json: bool, fix: bool, provider: str | None) -> int:
    """Examine this computer, and install what is missing if asked to; the status is 5 where no provider is usable."""
    lab = load(folder)
    only = [provider] if provider is not None else None
    doctor.refuse_unknown(only or ())
    host = doctor.Host(folder=folder.path, images=images, boxes=boxes)
    if fix:
        doctor.install(host, doctor.packages(lab, host, only), for_stream())
    diagnosis = doctor.examine(lab, host, only)
    if as_json:
        print(json.dumps({"version": 1, **doctor.as_json(diagnosis)}, indent=2, ensure_ascii=False))
    else:
        print(printable(doctor.report(diagnosis, ui_language())))
    try:
        choice = diagnosis.choose(lab)
    except HostError as error:
        if not as_json:
            print(printable(f"\n{error.words.in_(ui_language())}"))
        return error.exit_status
    if not as_json:
        print()
        say(_("labgen up will use %(choice)s", choice=choice.reason))
    return 0
