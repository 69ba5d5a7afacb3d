"""Memory, disk, architecture, box, images."""

from dataclasses import replace

import pytest
from recorded_host import BOTH, CI, COURSE, LINUX, MAC, WINDOWS, bad, check, lab, recorded

from labgen.boxes import cloud_images
from labgen.core.errors import HostError
from labgen.host import downloads, resources
from labgen.providers import PROVIDERS

BOXES = "/home/learner/.vagrant.d/boxes"
BENTO = f"{BOXES}/bento-VAGRANTSLASH-ubuntu-24.04"
VERSION = "202502.21.0"
PINNED = f"box: {{name: bento/ubuntu-24.04, version: {VERSION}}}"
CLOUD = f"{BOXES}/labgen-VAGRANTSLASH-debian-13-cloud"


@pytest.mark.parametrize(
    ("host", "level", "words"),
    [
        (LINUX, "ok", "3.4 GiB for the machines, 11.7 GiB free"),
        (LINUX.but(mib=(4096, 3000)), "warning", "only 2.9 GiB of 4.0 GiB"),
        (LINUX.but(mib=(3000, 2500)), "error", "has 2.9 GiB in all"),
        (LINUX.but(mib=None), "warning", "is unknown"),
        (MAC, "ok", "7.1 GiB free"),
        (WINDOWS, "ok", "8.8 GiB free"),
    ],
)
def test_memory(host, level, words):
    (finding,) = resources.memory(COURSE, host)
    assert finding.level == level
    assert words in finding.message


def test_downloads_lab_that_runs_has_taken_its_memory_already():
    running = LINUX.but(mib=(8192, 1000), paths={"/home/learner/lab/.vagrant/machines/swarm-worker1/libvirt/id"})
    assert resources.existing(COURSE, running) == "libvirt"
    assert bad(resources.memory(COURSE, running)) == {}


def test_downloads_memory_it_proposes_fits():
    big = lab("memory: 8192")
    (finding,) = resources.memory(big, LINUX)
    assert finding.level == "error"
    proposed = int(finding.fix.split("memory: ")[1].split(" ")[0])
    assert bad(resources.memory(lab(f"memory: {proposed}"), LINUX)) == {}


def test_processors():
    assert bad(resources.processors(COURSE, LINUX)) == {}
    (finding,) = resources.processors(lab("cpus: 8"), LINUX)
    assert finding.level == "warning"
    assert "cpus: 4" in finding.fix


@pytest.mark.parametrize(
    ("free", "level"),
    [(50_000, "ok"), (9216, "ok"), (9215, "warning"), (4608, "warning"), (4607, "error"), (None, "warning")],
)
def test_disk(free, level):
    # Three machines of 2048 MiB, and 3072 MiB for the box.
    (finding,) = check("virtualbox", "disk", COURSE, BOTH.but(free_disk=free))
    assert finding.level == level


def test_disk_where_the_box_is_here_or_the_machines_are():
    with_box = BOTH.but(folders={CLOUD: ("0",), f"{CLOUD}/0": ("virtualbox",)}, free_disk=6144)
    assert bad(check("virtualbox", "disk", COURSE, with_box)) == {}
    running = BOTH.but(free_disk=10, paths={"/home/learner/lab/.vagrant/machines/swarm-manager/virtualbox/id"})
    assert bad(check("virtualbox", "disk", COURSE, running)) == {}


def test_disk_of_a_daemon_of_the_labs_own_is_the_labs_folder():
    (finding,) = check("libvirt", "disk", COURSE, CI)
    assert finding.message.endswith("/home/learner/lab.")


@pytest.mark.parametrize(
    ("text", "host", "provider", "level"),
    [
        ("", BOTH, "virtualbox", "ok"),
        ("", MAC, "virtualbox", "error"),
        (PINNED, MAC, "virtualbox", "ok"),
        ("", LINUX, "libvirt", "ok"),
        ("", LINUX.but(arch="arm64"), "libvirt", "error"),
        ("", LINUX.but(arch="riscv64"), "libvirt", "error"),
        ("box: {image: debian-13}", LINUX.but(arch="arm64"), "libvirt", "ok"),
        ("box: {image: debian-13}", LINUX.but(arch="riscv64"), "libvirt", "error"),
        ("box: {image: debian-13}", MAC, "virtualbox", "error"),
        ("box: {name: someone/box}", BOTH, "virtualbox", "ok"),
        ("box: {name: someone/box}", MAC, "virtualbox", "warning"),
    ],
)
def test_architecture(text, host, provider, level):
    (finding,) = check(provider, "architecture", lab(text), host)
    assert finding.level == level


def test_architecture_names_an_image_that_there_is_a_box_of():
    (finding,) = check("libvirt", "architecture", COURSE, LINUX.but(arch="arm64"))
    assert finding.fix.endswith("Or name a box for arm64 in lab.yml: box: {image: debian-13}")
    (finding,) = check("virtualbox", "architecture", COURSE, MAC)
    assert finding.fix.endswith("Or name a box for arm64 in lab.yml: box: {name: ..., url: ...}")


def on_disk(text, *inside, version="202502.21.0", name=BENTO, host=BOTH):
    folders = {name: ("metadata_url", version), f"{name}/{version}": inside}
    folders |= {f"{name}/{version}/{between}": ("virtualbox",) for between in ("amd64", "arm64") if between in inside}
    return downloads.on_disk(lab(text), host.but(folders=folders), PROVIDERS["virtualbox"])


def test_downloads_box_on_disk():
    assert on_disk(PINNED, "virtualbox") == VERSION
    assert on_disk(PINNED, "amd64") == VERSION
    assert on_disk(PINNED, "libvirt") is None
    assert on_disk(PINNED, "virtualbox", version="202401.01.0") is None
    assert on_disk("", "virtualbox", version="0", name=CLOUD) == "0"
    assert on_disk("box: {name: bento/ubuntu-24.04}", "virtualbox", version="202401.01.0") == "202401.01.0"
    assert on_disk("box: {name: bento/ubuntu-24.04, version: '~> 2024'}", "virtualbox", version="202401.01.0")
    assert downloads.on_disk(COURSE, BOTH, PROVIDERS["virtualbox"]) is None


def test_downloads_of_several_versions_of_a_box_the_newest_counts():
    top = f"{BOXES}/a-VAGRANTSLASH-b"
    host = BOTH.but(folders={top: ("1.10.0", "1.9.0"), f"{top}/1.10.0": ("libvirt",), f"{top}/1.9.0": ("libvirt",)})
    assert downloads.on_disk(lab("box: {name: a/b}"), host, PROVIDERS["libvirt"]) == "1.10.0"


def test_vagrant_home_is_respected():
    elsewhere = BOTH.but(
        variables={"VAGRANT_HOME": "/big/vagrant"},
    )
    name = "/big/vagrant/boxes/bento-VAGRANTSLASH-ubuntu-24.04"
    assert on_disk(PINNED, "virtualbox", name=name, host=elsewhere) == VERSION
    assert on_disk(PINNED, "virtualbox", name=name) is None


def test_vagrant_home_of_nobody_is_refused():
    with pytest.raises(HostError, match=r"^~nobody-here is the home folder of no user"):
        downloads.vagrant_home(BOTH.but(variables={"VAGRANT_HOME": "~nobody-here/x"}))


MIRROR = "registry: {mirror: 'http://192.168.0.10:5000'}"
OFFLINE = dict.fromkeys(
    ("vagrantcloud.com:443", "cloud.debian.org:443", "cdimage.debian.org:443", "registry-1.docker.io:443"), False
)


@pytest.mark.parametrize(
    ("text", "host", "provider", "level", "words"),
    [
        ("", BOTH, "virtualbox", "ok", "labgen up makes it of a cloud image from cloud.debian.org"),
        ("", BOTH.but(internet=OFFLINE), "virtualbox", "error", "labgen box make --image FILE"),
        (PINNED, BOTH, "virtualbox", "ok", "can be fetched from vagrantcloud.com"),
        (PINNED, BOTH.but(internet=OFFLINE), "virtualbox", "error", "image: debian-13"),
        ("", LINUX, "libvirt", "ok", "has been built"),
        (
            "box: {name: a/b, url: 'https://example.org/b.box'}",
            BOTH.but(internet={"example.org:443": True}),
            "virtualbox",
            "ok",
            "",
        ),
        (
            "box: {name: a/b, url: 'http://example.org:81/b.box'}",
            BOTH.but(internet={"example.org:81": False}),
            "virtualbox",
            "error",
            "box.url",
        ),
        ("box: {name: a/b, url: b.box}", BOTH.but(paths={"/home/learner/lab/b.box"}), "virtualbox", "ok", ""),
        ("box: {name: a/b, url: ~/b.box}", BOTH.but(paths={"/home/learner/b.box"}), "virtualbox", "ok", ""),
        ("box: {name: a/b, url: 'file:///x/b%20c.box'}", BOTH.but(paths={"/x/b c.box"}), "virtualbox", "ok", ""),
        ("box: {name: a/b, url: /nowhere/b.box}", BOTH, "virtualbox", "error", "/nowhere/b.box"),
        ("box: {name: a/b, url: 'https://[half'}", BOTH, "virtualbox", "error", "no file"),
        ("box: {name: a/b, url: 'https://example.org:99999/b'}", BOTH, "virtualbox", "error", "no file"),
        ("box: {name: labgen/debian-12}", BOTH, "virtualbox", "ok", "has been built"),
    ],
)
def test_box(text, host, provider, level, words):
    (finding,) = check(provider, "box", lab(text), host)
    assert (finding.level, finding.provider) == (level, provider)
    assert words in finding.message + finding.fix


REGISTRY = "https://vagrantcloud.com/someone/box"
ADDRESSES = cloud_images.find("debian-13", "amd64").addresses
DEBIAN = BOTH.but(internet={"cloud.debian.org:443": True, "cdimage.debian.org:443": True})
SILENT = BOTH.but(internet={"cloud.debian.org:443": False, "cdimage.debian.org:443": False})
SUM = "a" * 64
BY_FILE = f"box: {{name: a/b, url: b.box, checksum: {SUM}}}"
WITH_FILE = BOTH.but(paths={"/home/learner/lab/b.box"})


@pytest.mark.parametrize(
    ("text", "host", "level", "words"),
    [
        ("box: {name: someone/box}", BOTH, "ok", "can be fetched from vagrantcloud.com"),
        ("box: {name: someone/box}", BOTH.but(internet=OFFLINE), "error", "vagrantcloud.com does not answer"),
        (
            "box: {name: someone/box}",
            BOTH.but(statuses={REGISTRY: 404}),
            "error",
            "answers 404: it no longer has the file",
        ),
        (
            "box: {name: someone/box}",
            BOTH.but(statuses={REGISTRY: 410}),
            "error",
            "answers 410: it no longer has the file",
        ),
        ("box: {name: someone/box}", BOTH.but(statuses={REGISTRY: 503}), "error", "answers 503."),
        ("box: {name: someone/box}", BOTH.but(statuses={REGISTRY: 405}), "ok", "can be fetched"),
        (BY_FILE, WITH_FILE.but(checksums={"/home/learner/lab/b.box": SUM}), "ok", "is in /home/learner/lab/b.box"),
        (BY_FILE, WITH_FILE.but(checksums={"/home/learner/lab/b.box": "b" * 64}), "error", "b.box differs: it is bbbb"),
        ("box: {image: debian-13}", DEBIAN, "ok", "labgen up makes it of a cloud image from cloud.debian.org"),
        ("box: {image: debian-13}", DEBIAN.but(built={"debian-13"}), "ok", "labgen/debian-13-cloud has been made"),
        ("box: {image: debian-13}", SILENT, "error", "cloud.debian.org does not answer, cdimage.debian.org does not"),
        (
            "box: {image: debian-13}",
            DEBIAN.but(statuses=dict.fromkeys(ADDRESSES, 404)),
            "warning",
            "cloud.debian.org answers 404",
        ),
        (
            "box: {image: debian-13}",
            DEBIAN.but(statuses=dict.fromkeys(ADDRESSES, 403)),
            "error",
            "cloud.debian.org answers 403",
        ),
        ("box: {image: debian-13}", DEBIAN.but(statuses={ADDRESSES[0]: 404}), "ok", "from cdimage.debian.org"),
        (
            f"box: {{image: debian-13, url: '{ADDRESSES[0]}', checksum: {SUM}}}",
            DEBIAN.but(statuses={ADDRESSES[0]: 404}),
            "error",
            "answers 404",
        ),
        (f"box: {{image: debian-13, url: /x.img, checksum: {SUM}}}", BOTH, "ok", "labgen up makes it"),
    ],
)
def test_box_tells_silence_a_missing_file_and_a_changed_one_apart(text, host, level, words):
    (finding,) = check("virtualbox", "box", lab(text), host)
    assert finding.level == level
    assert words in finding.message
    assert bool(finding.fix) == (level != "ok")


def test_downloads_box_that_can_be_built_by_root_a_warning_or_an_error():
    (finding,) = check("libvirt", "box", COURSE, replace(LINUX, built=frozenset(), root=True))
    assert (finding.level, finding.fix) == ("ok", "")
    (finding,) = check("libvirt", "box", COURSE, replace(LINUX, built=frozenset(), root=False))
    assert (finding.level, finding.fix) == ("warning", "sudo labgen box build")
    (finding,) = check("virtualbox", "box", lab("box: {name: labgen/debian-12}"), replace(MAC, built=frozenset()))
    assert finding.level == "error"


def test_box_names_ways_that_work_where_it_cannot_be_built():
    fedora = LINUX.without("apt-get").but(files={"/etc/os-release": recorded("os-release-fedora.txt")})
    fedora = replace(fedora, built=frozenset())
    (finding,) = check("libvirt", "box", COURSE, fedora)
    assert (finding.id, finding.level) == ("libvirt.box", "error")
    containers, *_ = finding.fix.splitlines()
    assert containers.endswith("labgen up --provider docker")
    by_file, of_image = (lab(line) for line in finding.fix.splitlines() if line.startswith("box: "))
    assert bad(check("libvirt", "box", by_file, fedora.but(paths={"/home/learner/lab/FILE"}))) == {}
    online = fedora.but(internet={"cloud.debian.org:443": True})
    assert bad(check("libvirt", "box", of_image, online)) == {}
    assert bad(check("libvirt", "architecture", of_image, online)) == {}


def test_downloads_box_is_fetched_through_the_proxy():
    behind = BOTH.but(internet={**OFFLINE, "proxy.example:3128": True}, variables={"HTTPS_PROXY": "proxy.example:3128"})
    assert bad(check("virtualbox", "box", COURSE, behind)) == {}
    assert bad(check("virtualbox", "box", lab(PINNED), behind)) == {}
    mirror = BOTH.but(internet={"boxes.example:443": True}, variables={"VAGRANT_SERVER_URL": "https://boxes.example"})
    assert bad(check("virtualbox", "box", lab(PINNED), mirror)) == {}


@pytest.mark.parametrize(
    ("text", "host", "provider", "level", "words"),
    [
        ("", BOTH, "virtualbox", "ok", "Docker Hub answers"),
        ("", BOTH.but(internet=OFFLINE), "virtualbox", "warning", "registry.mirror"),
        ("", LINUX.but(internet=OFFLINE), "libvirt", "ok", "in the box"),
        (MIRROR, BOTH.but(internet={"192.168.0.10:5000": True}), "virtualbox", "ok", ""),
        (MIRROR, BOTH.but(internet={"192.168.0.10:5000": False}), "virtualbox", "warning", "registry.mirror"),
        ("box: {name: cloud-image/ubuntu-24.04}", CI, "libvirt", "warning", "no way out"),
        ("box: {name: cloud-image/ubuntu-24.04}", LINUX, "libvirt", "ok", "Docker Hub answers"),
    ],
)
def test_images(text, host, provider, level, words):
    (finding,) = check(provider, "images", lab(text), host)
    assert finding.level == level
    assert words in finding.message + finding.fix
