"""Node images of several releases of Debian: none is taken for another."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import get_args

import click
import pytest

from labgen import config, images
from labgen.cli.box import build_boxes
from labgen.images import cache, dockerfile, ensure, node, recipe, rootfs
from labgen.model.lab import Suite


def test_suite_every_place_knows_the_same_suites() -> None:
    assert set(recipe.SUITES) == set(get_args(Suite)) == set(_offered())


def _offered() -> list[str]:
    option = next(parameter for parameter in build_boxes.params if parameter.name == "suite")
    assert isinstance(option.type, click.Choice)
    return list(option.type.choices)


def test_their_images_and_files_are_told_apart(tmp_path: Path) -> None:
    assert len({images.node_image(suite) for suite in recipe.SUITES}) == len(recipe.SUITES)
    assert len({cache.node("amd64", tmp_path, suite) for suite in recipe.SUITES}) == len(recipe.SUITES)
    assert images.node_image("trixie") == f"labgen/node:trixie-{recipe.key('trixie')}"
    assert images.node_image() == f"labgen/node:{recipe.key()}"


@pytest.mark.parametrize("suite", recipe.SUITES)
def test_suite_image_tells_its_suite(suite: str) -> None:
    assert ensure._of(images.node_image(suite)) == suite


def test_suite_client_is_a_package_of_its_own_from_trixie_on() -> None:
    assert "docker-cli" not in recipe.node_form().packages
    for suite in ("trixie", "sid"):
        assert "docker-cli" in recipe.node_form(suite).packages
        assert f"FROM debian:{suite}-slim" in dockerfile.text(suite)
        assert "docker-cli" in dockerfile.text(suite)
        assert node.settings(suite)["Labels"] == {node.LABEL: recipe.key(suite)}


def sources(suite: str) -> str:
    with tarfile.open(fileobj=io.BytesIO(rootfs.tree(recipe.NODE, suite=suite))) as archive:
        member = archive.extractfile(f"./{rootfs.SOURCES}")
        assert member is not None
        return member.read().decode()


def test_suite_guests_own_sources_are_of_its_suite() -> None:
    assert sources("bookworm").encode() == recipe.text(recipe.FILES / "guest" / rootfs.SOURCES)
    assert "trixie-security" in sources("trixie")
    assert sources("sid") == "deb http://deb.debian.org/debian sid main\n"


def test_suite_lab_says_which() -> None:
    assert config.parse("").engine.suite == recipe.SUITE
    assert config.parse("engine: {suite: trixie}").engine.suite == "trixie"
