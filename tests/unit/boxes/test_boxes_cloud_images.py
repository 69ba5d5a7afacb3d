"""The pinned cloud images: which there are, and which one lab.yml means."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from labgen.boxes import cloud_images
from labgen.boxes.cloud_images import Checksum
from labgen.core.errors import BoxError
from labgen.model.lab import CloudImageSource

ALL = [(name, arch) for name in cloud_images.names() for arch in ("amd64", "arm64")]


@pytest.mark.parametrize(("name", "arch"), ALL)
def test_record_is_pinned_and_has_several_https_addresses(name: str, arch: str) -> None:
    image = cloud_images.find(name, arch)
    assert re.fullmatch(r"[0-9a-f]{64}|[0-9a-f]{128}", image.checksum.digest)
    assert Checksum.parse(image.checksum.digest) == image.checksum
    assert len(set(image.addresses)) >= 2
    for address in (*image.addresses, image.newest, image.sums):
        parts = urlsplit(address)
        assert parts.scheme == "https"
        assert parts.hostname in ("cloud.debian.org", "cdimage.debian.org", "cloud-images.ubuntu.com")
    assert all(arch in address.rpartition("/")[2] for address in (*image.addresses, image.newest))
    assert cloud_images.by_checksum(image.checksum) == image


def test_records_share_no_checksum() -> None:
    assert len({cloud_images.find(name, arch).cached_name for name, arch in ALL}) == len(ALL)
    assert len({cloud_images.find(name, arch).checksum for name, arch in ALL}) == len(ALL)


def test_find_names_what_there_is() -> None:
    with pytest.raises(BoxError, match="no cloud image fedora") as refused:
        cloud_images.find("fedora", "amd64")
    assert "debian-13" in refused.value.hint
    with pytest.raises(BoxError, match="for riscv64"):
        cloud_images.find("debian-13", "riscv64")


def test_cloud_images_of_source_asks_a_mirror_first() -> None:
    pinned = cloud_images.find("debian-13", "amd64")
    image = cloud_images.of_source(CloudImageSource("debian-13", "http://teacher:8000/images/"), "amd64")
    assert image.addresses == (f"http://teacher:8000/images/{pinned.file}", *pinned.addresses)
    assert image.checksum == pinned.checksum


def test_cloud_images_of_source_takes_an_own_image_by_its_checksum() -> None:
    source = CloudImageSource("debian-13", "http://teacher/own.qcow2", "a" * 64)
    image = cloud_images.of_source(source, "amd64")
    assert image.addresses == ("http://teacher/own.qcow2",)
    assert image.checksum == Checksum("sha256", "a" * 64)
    assert (image.newest, image.sums) == ("", "")
    assert image.cached_name != cloud_images.find("debian-13", "amd64").cached_name


@pytest.mark.parametrize("text", ["", "abc", "g" * 64, "md5:" + "0" * 32, "sha512:" + "0" * 64, "0" * 63])
def test_checksum_refuses_what_is_none(text: str) -> None:
    with pytest.raises(BoxError, match="is not a SHA-256 or SHA-512 checksum"):
        Checksum.parse(text)
