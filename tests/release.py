"""Make a release: ``python -m tests.release`` checks the project, builds and tests the wheel, and tags the commit.

It pushes and uploads nothing; it prints the commands that do.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


class ReleaseError(Exception):
    """The project cannot be released as it is: a sentence that says why and what to do."""


@dataclass(frozen=True)
class Release:
    """A version about to be released from a clone.

    :param project: the clone's folder.
    :param version: as ``pyproject.toml`` says it.
    """

    project: Path
    version: str

    @classmethod
    def of(cls, project: Path) -> Release:
        """Read the version that a clone would release."""
        pyproject = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
        return cls(project, pyproject["project"]["version"])

    @property
    def tag(self) -> str:
        """Name of the tag."""
        return f"v{self.version}"

    @property
    def dist(self) -> Path:
        """Folder of the built files."""
        return self.project / "dist"

    def git(self, *words: str) -> str:
        """Run git in the clone and give what it prints."""
        result = subprocess.run(["git", *words], cwd=self.project, capture_output=True, text=True)
        if result.returncode:
            raise ReleaseError(f"git {words[0]} failed: {result.stderr.strip()}")
        return result.stdout.strip()

    def check_tree(self) -> None:
        """Refuse a clone with changes that are not committed, or whose version has a tag."""
        if changes := self.git("status", "--porcelain"):
            raise ReleaseError(f"commit or remove these changes first:\n{changes}")
        if self.git("tag", "--list", self.tag):
            raise ReleaseError(f"{self.tag} exists already: change `version` in pyproject.toml.")

    def check_changelog(self) -> None:
        """Refuse a changelog that lacks the version, or still has entries under *Unreleased*."""
        changelog = (self.project / "CHANGELOG.md").read_text(encoding="utf-8")
        sections = dict(re.findall(r"(?ms)^## \[([^]]+)\][^\n]*\n(.*?)(?=^## \[|\Z)", changelog))
        if sections.get("Unreleased", "").strip():
            raise ReleaseError(f"CHANGELOG.md has entries under Unreleased: move them into a section [{self.version}].")
        if not re.search(rf"(?m)^## \[{re.escape(self.version)}\] - \d{{4}}-\d\d-\d\d$", changelog):
            raise ReleaseError(f"CHANGELOG.md has no line `## [{self.version}] - YYYY-MM-DD`.")

    def build(self) -> None:
        """Build the wheel and the source archive into ``dist/``, and nothing else is there."""
        shutil.rmtree(self.dist, ignore_errors=True)
        self._python("hatchling", "build", "--target", "sdist", "--target", "wheel")

    def test(self) -> None:
        """Test the wheel that was built, installed away from the clone."""
        (wheel,) = self.dist.glob("*.whl")
        self._python("pytest", "-q", "tests/integration/package", LABGEN_WHEEL=str(wheel))

    def add_tag(self) -> None:
        """Tag the commit."""
        self.git("tag", "--annotate", self.tag, "--message", f"labgen {self.version}")

    def _python(self, *words: str, **variables: str) -> None:
        command = [sys.executable, "-m", *words]
        if subprocess.run(command, cwd=self.project, env={**os.environ, **variables}).returncode:
            raise ReleaseError(f"{' '.join(words)} failed: see above.")


STEPS: tuple[Callable[[Release], None], ...] = (
    Release.check_tree,
    Release.check_changelog,
    Release.build,
    Release.test,
    Release.add_tag,
)
"""What a release takes, in order. The tag comes last: it stands for all that was checked."""


def main(project: Path = Path(__file__).parents[1]) -> int:
    """Release the version in ``pyproject.toml``; give the exit status."""
    release = Release.of(project)
    try:
        for step in STEPS:
            step(release)
    except ReleaseError as error:
        print(f"make release: {error}", file=sys.stderr)
        return 1
    files = " ".join(sorted(path.relative_to(project).as_posix() for path in release.dist.iterdir()))
    print(f"Tagged {release.tag}. To publish it:\n  git push origin main {release.tag}\n  twine upload {files}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
