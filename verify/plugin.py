"""Let pytest collect the checks: an entry point of ``pytest11``, so it is part of every run of this environment.

It does nothing unless the run names a ``verify/`` of labgen's: that of a clone, of the installed package or of a lab
folder. Then it registers what takes part in a grading (:mod:`verify.collection`, :mod:`verify.session`,
:mod:`verify.verdicts`, :mod:`verify.host_fixture`). Their options must be known before pytest reads the command line,
and their modules are slow to import: so this one is small, and looks only at the paths of the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Register what takes part in a grading, where this run is one."""
    if not any(_asks_for_checks(early_config, path) for path in _paths(early_config)):
        return
    from verify import collection

    collection.refuse_removed_files(_paths(early_config))
    collection.serve_old_folders()
    for module in parts():
        if not early_config.pluginmanager.is_registered(module):
            early_config.pluginmanager.register(module, module.__name__)


def parts() -> tuple[ModuleType, ...]:
    """Give the plugins that take part in a grading."""
    from verify import collection, host_fixture, session, verdicts

    return verdicts, session, collection, host_fixture


def is_checks_folder(path: Path) -> bool:
    """Tell whether a folder is a ``verify/`` of labgen's."""
    return path.name == "verify" and ((path / "grading.ini").is_file() or _is_of_a_lab(path))


def _is_of_a_lab(path: Path) -> bool:
    return path.is_dir() and any((path.parent / name).exists() for name in ("lab.yml", ".labgen"))


def lab_folder_of(config: pytest.Config) -> Path | None:
    """Find the lab folder whose ``verify/`` is run, ``None`` where it is none of a lab."""
    places = [place for path in _paths(config) for place in (path / "verify", path, *path.parents)]
    return next((place.parent for place in places if place.name == "verify" and _is_of_a_lab(place)), None)


def _asks_for_checks(config: pytest.Config, path: Path) -> bool:
    if config.known_args_namespace.pyargs and path.name.partition(".")[0] == "verify":
        return True
    # A lab folder asks for its checks, a clone for its unit tests.
    return any(map(is_checks_folder, (path, *path.parents))) or _is_of_a_lab(path / "verify")


def _paths(config: pytest.Config) -> Iterator[Path]:
    """Give the paths to collect: those typed, else those of the settings, else the working folder."""
    folder = config.invocation_params.dir
    names = config.known_args_namespace.file_or_dir
    if not names and folder == config.rootpath:
        names = config.getini("testpaths")
    for name in names or [""]:
        yield folder / str(name).partition("::")[0]
