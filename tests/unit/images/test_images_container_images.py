"""The four images of the course, and what their stand-ins promise."""

from __future__ import annotations

import pytest

from labgen.core.errors import BoxError
from labgen.images import recipe, substitutes
from labgen.images.container_images import IMAGES, Image


def test_they_are_the_courses_four() -> None:
    assert [image.reference for image in IMAGES] == [
        "nginx:latest",
        "alpine:3",
        "redis:6.0-alpine",
        "redis:6.2.5-alpine",
    ]
    assert IMAGES[0].repository == "library/nginx"


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.reference)
def test_container_images_every_file_laid_over_an_image_is_there(image: Image) -> None:
    for name in image.stand_in.files.values():
        assert (recipe.FILES / "images" / name).is_file()


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.reference)
def test_container_images_stand_in_says_that_it_is_one(image: Image) -> None:
    settings = substitutes.settings(image, "1.2.3", "Debian bookworm")
    labels = settings["Labels"]
    assert isinstance(labels, dict)
    assert labels["io.labgen.stand-in"] == f"{image.stand_in.program} 1.2.3"
    assert labels["io.labgen.stands-in-for"] == image.reference
    assert labels["org.opencontainers.image.version"] == "1.2.3"
    described = labels["org.opencontainers.image.description"]
    assert described == f"{image.stand_in.program} 1.2.3 of Debian bookworm; not the official image of that name"


def test_container_images_version_reaches_the_environment() -> None:
    assert "NGINX_VERSION=1.22.1" in substitutes.settings(IMAGES[0], "1.22.1", "Debian bookworm")["Env"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("nginx version: nginx/1.22.1\n", "1.22.1"),
        ("Redis server v=6.0.16 sha=00000000:0 malloc=jemalloc-5.2.1 bits=64 build=6d95e1af3a2c082a\n", "6.0.16"),
        ("BusyBox v1.35.0 (Debian 1:1.35.0-4+b9) multi-call binary.\n", "1.35.0"),
    ],
)
def test_versions_as_programs_tell_them(said: str, version: str) -> None:
    assert substitutes.version_in(said) == version


def test_container_images_program_that_tells_no_version() -> None:
    with pytest.raises(BoxError, match="no version"):
        substitutes.version_in("not found")
