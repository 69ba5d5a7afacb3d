"""How the steps of a build start programs: logged, in a mount namespace of their own, failures with the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from labgen.core.errors import BoxError, ProgramTimeout
from labgen.core.i18n import _
from labgen.core.process import Result, Runner
from labgen.core.progress import Progress
from labgen.images.recipe import AMD64, SUITE, Architecture

_ALONE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"),
    # The first process of a process namespace takes no Ctrl-C; so that is a shell, which waits.
    *("sh", "-c", '"$@"; exit $?', "sh"),
)
"""What a program mounts is seen by it and its children only and is gone with the last of them, loop
devices included; and none of them outlives labgen, not even one that was killed on the spot. So
nothing has to be undone after an error or Ctrl-C."""


@dataclass(frozen=True)
class Workshop:
    """Everything a step of the build needs.

    :param place: an empty directory of the build's own, removed at its end.
    :param log: where the programs' output is collected; outlives the build.
    :param arch: what is built for.
    :param suite: the release of Debian that it is built of.
    """

    runner: Runner
    progress: Progress
    place: Path
    log: Path
    arch: Architecture = AMD64
    suite: str = SUITE

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        failed: str,
        timeout: float = 120.0,
        hint: str = "",
    ) -> Result:
        """Run a program to its end.

        :param failed: what could not be done, for the error: "The disk cannot be formatted".
        :raises BoxError: it ended in an error, or not within ``timeout`` seconds.
        """
        with self.log.open("a", encoding="utf-8") as log:

            def line(text: str) -> None:
                log.write(text + "\n")
                log.flush()
                self.progress.detail(text.strip())

            line(f"$ {' '.join(str(part) for part in argv)}")
            try:
                result = self.runner.run([*_ALONE, *argv], timeout=timeout, on_line=line)
            except ProgramTimeout as late:
                raise BoxError(f"{failed}: {late.message}", self._hint(hint)) from late
        if not result.ok:
            tail = "\n".join(f"    {text}" for text in result.out.strip().splitlines()[-8:])
            raise BoxError(
                _(
                    "%(failed)s: `%(argv)s` ended with status %(status)s.\n%(tail)s",
                    failed=failed,
                    argv=argv[0],
                    status=result.status,
                    tail=tail,
                ),
                self._hint(hint),
            )
        return result

    def _hint(self, hint: str) -> str:
        return f"{hint} Everything it said is in {self.log}.".strip()
