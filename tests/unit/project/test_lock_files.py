"""The lock files, in requirements/ and that of kits: they fit pyproject.toml, and each other."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[3]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
DEV = PROJECT / "requirements" / "dev.txt"
CONSTRAINTS = PROJECT / "requirements" / "constraints.txt"
DOCS = PROJECT / "requirements" / "docs.txt"
KIT = PROJECT / "labgen" / "kit" / "requirements.txt"
RUNTIME = PYPROJECT["project"]["dependencies"]
DEVELOPMENT = [
    *RUNTIME,
    *PYPROJECT["project"]["optional-dependencies"]["dev"],
    *PYPROJECT["build-system"]["requires"],  # the project itself is installed with --no-build-isolation
]
DOCUMENTATION = [*RUNTIME, *PYPROJECT["project"]["optional-dependencies"]["docs"]]
LOCK_AGAIN = "run `make lock`"


def pins(path: Path) -> dict[str, list[Requirement]]:
    """Read a lock file: the pinned versions of each package, several where markers tell Pythons apart."""
    requirements: dict[str, list[Requirement]] = {}
    for line in re.findall(r"(?m)^[A-Za-z0-9][^\\\n]*", path.read_text(encoding="utf-8")):
        requirement = Requirement(line.strip())
        requirements.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return requirements


def version(pin: Requirement) -> str:
    """Give the version of ``NAME==VERSION``."""
    (specifier,) = pin.specifier
    assert specifier.operator == "=="
    return specifier.version


@pytest.mark.parametrize(
    ("path", "dependencies"),
    [(DEV, DEVELOPMENT), (DOCS, DOCUMENTATION), (CONSTRAINTS, RUNTIME), (KIT, RUNTIME)],
    ids=["dev", "docs", "wheel", "kit"],
)
def test_lock_file_satisfies_every_dependency_in_pyproject(path: Path, dependencies: list[str]) -> None:
    locked = pins(path)
    for dependency in map(Requirement, dependencies):
        name = canonicalize_name(dependency.name)
        assert name in locked, f"{path.name} lacks {name}: {LOCK_AGAIN}"
        for pin in locked[name]:
            assert dependency.specifier.contains(version(pin)), f"{path.name} has {pin}, not {dependency}: {LOCK_AGAIN}"


@pytest.mark.parametrize("path", [DEV, DOCS, CONSTRAINTS, KIT], ids=["dev", "docs", "wheel", "kit"])
def test_lock_file_has_what_its_packages_need(path: Path) -> None:
    locked = pins(path)
    installed = {canonicalize_name(distribution.name): distribution for distribution in metadata.distributions()}
    for name in locked.keys() & installed.keys():
        for need in map(Requirement, installed[name].requires or []):
            # An extra that pyproject.toml does not ask for is not in the lock file.
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                assert canonicalize_name(need.name) in locked, f"{name} needs {need}: {LOCK_AGAIN}"


@pytest.mark.parametrize("path", [DEV, DOCS, KIT], ids=["dev", "docs", "kit"])
def test_lock_file_names_a_hash_for_every_pin_and_no_index(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for block in re.split(r"(?m)^(?=[A-Za-z0-9])", text)[1:]:
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", block), block.partition("\n")[0]
    assert "://" not in text + CONSTRAINTS.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [DOCS, CONSTRAINTS], ids=["docs", "wheel"])
def test_lock_file_has_the_versions_that_development_uses(path: Path) -> None:
    development = pins(DEV)
    for name in pins(path).keys() & development.keys():
        assert list(map(str, pins(path)[name])) == list(map(str, development[name]))
    assert path == DOCS or pins(path).keys() <= development.keys()


def test_kits_have_the_versions_of_the_constraints() -> None:
    assert KIT.read_text(encoding="utf-8").count("--hash=") > len(pins(KIT))
    assert {name: list(map(str, versions)) for name, versions in pins(KIT).items()} == {
        name: list(map(str, constraints)) for name, constraints in pins(CONSTRAINTS).items()
    }
