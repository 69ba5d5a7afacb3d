"""The node image as an engine builds it, with everything Docker Hub gives played by this computer.

It takes two minutes and downloads Debian twice, so it runs only when asked for::

    LABGEN_TEST_DOCKER_BUILD=1 pytest tests/integration/box/test_node_dockerfile.py

The engine here has no bridge and no firewall rules: the build's containers use this computer's network,
to reach Debian's mirrors and a registry on the loopback, and nothing is changed in it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import running_engine

from labgen import images
from labgen.core.process import Runner
from labgen.core.progress import Lines, Progress
from labgen.images import build_host, dockerfile, node, oci, recipe, registry
from labgen.images.build_context import Workshop
from labgen.images.container_images import IMAGES

pytestmark = pytest.mark.skipif(
    not os.environ.get("LABGEN_TEST_DOCKER_BUILD"), reason="two minutes: set LABGEN_TEST_DOCKER_BUILD to run it"
)


@pytest.fixture
def workshop(tmp_path: Path, require_tool: Callable[[str], str]) -> Workshop:
    for tool in ("dockerd", "docker", "docker-registry", *recipe.TREE_PROGRAMS):
        require_tool(tool)
    if os.geteuid() != 0:
        pytest.skip("an engine needs root")
    return Workshop(Runner(), Progress(), tmp_path, tmp_path / "log")


@pytest.fixture
def hub(workshop: Workshop) -> Iterator[str]:
    """A registry with small images of the right names."""
    storage, config = workshop.place / "hub", workshop.place / "hub.yml"
    storage.mkdir()
    with registry.running(workshop, str(storage), config, ["docker-registry", "serve", config]) as serving:
        for number, image in enumerate(IMAGES):
            root = workshop.place / f"root{number}"
            root.mkdir()
            (root / "name").write_text(image.reference)
            oci.write(root, workshop.place / f"oci{number}", settings={}, made_by="a test")
            registry.store(workshop, f"oci:{workshop.place}/oci{number}", serving.target(image))
        yield serving.address


@pytest.fixture
def base(workshop: Workshop) -> Path:
    """What Debian's image on Docker Hub is made of, nearly: essential packages, and no service starts."""
    apt = build_host.apt(workshop.runner)
    settings = "\\n".join(option.replace('"', '\\"') for option in apt.options)
    finish = (
        f'printf "{settings}\\n" > "$1/etc/apt/apt.conf.d/docker-test"; '
        'printf "#!/bin/sh\\nexit 101\\n" > "$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"; '
        'rm "$1/etc/hostname" "$1/etc/resolv.conf"'
    )
    archive = workshop.place / "base.tar"
    workshop.run(
        [
            *("mmdebstrap", "--mode=root", "--variant=minbase", f"--keyring={recipe.KEYRING}"),
            *("--include=usr-is-merged", "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr"),
            *(f"--aptopt={option}" for option in apt.options),
            f"--customize-hook={finish}",
            *(recipe.SUITE, archive, *apt.sources(recipe.SUITE, workshop.runner)),
        ],
        failed="The base image cannot be made",
        timeout=300,
    )
    return archive


def test_node_dockerfile_engine_builds_it(workshop: Workshop, hub: str, base: Path) -> None:
    here = recipe.here()
    assert here is not None
    place = workshop.place / "engine"
    place.mkdir()
    with running_engine(place, Runner(), "--bridge=none", "--iptables=false", "--ip6tables=false") as engine:
        engine.run(["docker", "import", base, dockerfile.base()], timeout=120).or_raise()
        dockerfile.build(engine, here, progress=Lines(), log=workshop.log, hub=hub, network="host")
        told = engine.run(["docker", "image", "inspect", images.node_image()]).or_raise().out
        config = json.loads(told)[0]["Config"]
        for part in ("Cmd", "StopSignal", "Volumes", "Labels"):
            assert config[part] == node.settings()[part]
        look = (
            "cd /var/lib/docker-registry/docker/registry/v2/repositories/library; "
            "for link in redis/_manifests/tags/*/current/link; do cat $link; echo; done; "
            "id -un vagrant; stat -c %a /usr/local/sbin/labgen-node /etc/sudoers.d/vagrant; "
            "systemctl is-enabled docker ssh docker-registry systemd-sysctl || true; "
            "test ! -e /labgen && test ! -e /usr/sbin/policy-rc.d && echo tidy"
        )
        said = engine.run(
            ["docker", "run", "--rm", "--network", "none", images.node_image(), "sh", "-c", look]
        ).or_raise()
        lines = said.out.split()
        assert [line.partition(":")[0] for line in lines[:2]] == ["sha256", "sha256"]
        assert lines[2:] == ["vagrant", "755", "440", "enabled", "enabled", "enabled", "masked", "tidy"]
