"""Images that labgen made in the place of Docker Hub's: what they have in them, as their labels say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

LABEL = "io.labgen.stand-in"
"""Label by which a stand-in is known: the program it has and its version, ``redis 6.2.5``. Containers inherit it."""

FOR = "io.labgen.stands-in-for"
"""Label that has the image's name."""


@dataclass(frozen=True)
class StandIn:
    """A stand-in for an image.

    :param image: as learners type it: ``redis:6.2.5-alpine``.
    :param content: the program it has and its version: ``redis 6.2.5``.
    """

    image: str
    content: str

    @property
    def is_named_for_its_version(self) -> bool:
        """Whether the version is of the series that the tag names.

        ``6.2.5-alpine`` names 6.2, ``latest`` names none; ``3`` of alpine is the version of no program.
        """
        series = re.match(r"\d+\.\d+", self.image.rpartition(":")[2])
        version = self.content.rpartition(" ")[2]
        return series is None or f"{version}.".startswith(f"{series[0]}.")

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels by which it is known."""
        return {LABEL: self.content, FOR: self.image}

    @classmethod
    def of(cls, labels: Mapping[str, object]) -> StandIn | None:
        """Read the labels of an image or a container; ``None`` where it is no stand-in or does not say of what."""
        image, content = labels.get(FOR), labels.get(LABEL)
        if not isinstance(image, str) or not isinstance(content, str):
            return None
        # An earlier labgen wrote "true".
        return cls(image, content) if re.fullmatch(r"[\w.+-]{1,40} [\w.+-]{1,40}", content) else None
