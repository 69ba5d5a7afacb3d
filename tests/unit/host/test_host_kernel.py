"""The kernel under containers that are nodes: yes, no, or unknown, and never a no that cannot be known."""

from dataclasses import replace

import pytest
from recorded_docker import (
    ABSENT,
    DOCKER,
    GENL,
    HAS_IPVS,
    IMAGES,
    INSIDE,
    MAC_DESKTOP,
    MODULES,
    NO_IPVS,
    OWN,
    RELEASE,
    VERSION,
    WINDOWS_DESKTOP,
    desktop,
    version,
)
from recorded_host import COURSE, MAC, Said, bad, recorded

from labgen.model.capabilities import Capability
from labgen.providers.docker import kernel
from labgen.providers.docker.kernel import FEATURES, IPVS, Kernel

UNASKED = Said(err="genl is not installed, or not on PATH.", status=127)
BOOT_CONFIG = f"/boot/config-{RELEASE}"
CONFIG = recorded("kernel-config-no-ipvs.txt")
"""Of a kernel without modules and without IPVS."""
ALL_BUILT_IN = CONFIG + "CONFIG_IP_VS=y\nCONFIG_IP_VS_RR=y\nCONFIG_NETFILTER_XT_MATCH_IPVS=y\n"
FEATURE = {feature.id: feature for feature in FEATURES}


def asked(host):
    facts = kernel.of_nodes(host)
    return {feature.id: facts.has(feature) for feature in FEATURES}


def without_module(*names, host=DOCKER):
    """Debian's kernel without some of its modules."""
    text = recorded("modules.dep")
    lines = [line for line in text.splitlines() if not any(f"/{name}.ko:" in line for name in names)]
    return host.but(files={f"{MODULES}/modules.dep": "\n".join(lines)})


@pytest.mark.parametrize("host", [DOCKER, DOCKER.but(says={GENL: UNASKED}), DOCKER.but(says={VERSION: ABSENT})])
def test_debians_kernel_has_it_all(host):
    assert set(asked(host).values()) == {"yes"}
    assert bad(kernel.check(COURSE, host)) == {}
    assert kernel.lacks(host) == {}


def test_kernel_without_modules_and_ipvs():
    assert asked(OWN) == {**dict.fromkeys(FEATURE, "yes"), "ipvs": "no"}
    findings = [finding for finding in kernel.check(COURSE, OWN) if finding.level != "ok"]
    assert [(finding.id, finding.level) for finding in findings] == [("docker.ipvs", "warning")]
    assert "published ports do not answer" in findings[0].message
    assert "was built without it" in findings[0].fix
    assert "virtual machines" in findings[0].fix
    assert kernel.lacks(OWN) == {Capability.ROUTING_MESH: "the kernel has no IPVS"}
    # The configuration says so to whoever is not root, too.
    assert asked(OWN.but(root=False))["ipvs"] == "no"
    assert asked(OWN.but(says={GENL: UNASKED}))["ipvs"] == "no"


def test_kernel_own_answer_is_the_one_that_counts():
    assert asked(OWN.but(says={GENL: Said(HAS_IPVS)}))["ipvs"] == "no"  # no scheduler, no match
    built_in = OWN.but(files={"/proc/config.gz": ALL_BUILT_IN.replace("CONFIG_IP_VS=y\n", "")})
    assert asked(built_in.but(says={GENL: Said(HAS_IPVS)}))["ipvs"] == "yes"
    # Whoever is not root may be refused the module, and told that there is none.
    refused = DOCKER.but(says={GENL: NO_IPVS})
    assert asked(refused)["ipvs"] == "yes"
    assert asked(refused.but(root=True))["ipvs"] == "no"


def fix(host):
    (finding,) = [finding for finding in kernel.check(COURSE, host) if finding.level != "ok"]
    return finding.fix


def test_ways_out():
    host = DOCKER.but(root=True, says={GENL: NO_IPVS})
    assert fix(host).startswith("sudo modprobe -a ip_vs\n")
    lacking = without_module("ip_vs", "ip_vs_rr", "xt_ipvs", host=DOCKER.but(says={GENL: NO_IPVS}))
    assert fix(lacking).startswith(f"Install all modules of kernel {RELEASE}")
    ubuntu = lacking.but(files={"/etc/os-release": recorded("os-release-ubuntu-24.04.txt")})
    assert fix(ubuntu).splitlines()[0] == (
        f"sudo apt-get install --no-install-recommends linux-modules-extra-{RELEASE} && "
        "sudo modprobe -a ip_vs ip_vs_rr xt_ipvs"
    )


REPLACED = replace(DOCKER, paths=frozenset(), folders={"/lib/modules": ("6.1.0-38-amd64",), "/sys/module": ("ext4",)})
"""The kernel was updated, its old modules removed, and the computer not restarted."""


def test_kernel_update_without_a_restart():
    host = REPLACED.but(says={GENL: NO_IPVS}, files={"/proc/filesystems": "nodev\toverlay\n"})
    answers = asked(host)
    assert answers["overlay"] == "yes"
    assert answers["vxlan"] == answers["ipvs"] == "no"
    for finding in kernel.check(COURSE, host):
        assert finding.level == "ok" or finding.fix.startswith("Restart this computer")
    assert bad(kernel.check(COURSE, host))["docker.vxlan"] == "error"


@pytest.mark.parametrize("mark", ["/.dockerenv", "/run/.containerenv"])
def test_kernel_in_a_container_nothing_is_known_of_the_modules_outside(mark):
    host = REPLACED.but(says={GENL: UNASKED}, paths={mark})
    answers = asked(host)
    assert answers["vxlan"] == answers["ipvs"] == "unknown"
    assert bad(kernel.check(COURSE, host)) == {"docker.kernel": "warning"}
    assert "sudo genl ctrl get name IPVS" in fix(host)
    assert kernel.lacks(host) == {Capability.ROUTING_MESH: "it is not known whether the kernel has IPVS"}


def test_modules_without_a_list_are_unknown():
    host = DOCKER.but(says={GENL: UNASKED}, files={f"{MODULES}/modules.dep": None})
    assert asked(host)["vxlan"] == "unknown"
    modular = CONFIG.replace("CONFIG_VXLAN=y", "CONFIG_VXLAN=m")
    assert asked(host.but(files={BOOT_CONFIG: modular}))["vxlan"] == "unknown"
    assert asked(host.but(files={BOOT_CONFIG: CONFIG}))["vxlan"] == "yes"
    assert asked(host.but(files={BOOT_CONFIG: CONFIG}))["ipvs"] == "no"
    loaded = host.but(folders={"/sys/module": ("vxlan",)})
    assert asked(loaded)["vxlan"] == "yes"


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        (["vxlan"], {"docker.vxlan": "error"}),
        (["veth"], {"docker.bridge": "error"}),
        (["nft_compat"], {"docker.firewall": "error"}),
        (["br_netfilter"], {"docker.bridge-netfilter": "warning"}),
        (["ip_vs_rr"], {"docker.ipvs": "warning"}),
        (["xt_ipvs"], {"docker.ipvs": "warning"}),
        (["overlay"], {}),  # in /proc/filesystems: it is in use
    ],
)
def test_kernel_what_each_part_is_needed_for(modules, expected):
    assert bad(kernel.check(COURSE, without_module(*modules))) == expected


def test_kernel_no_overlay_file_system():
    host = without_module("overlay").but(files={"/proc/filesystems": "\text4\n"}, folders={"/sys/module": ("ext4",)})
    assert bad(kernel.check(COURSE, host)) == {"docker.overlay": "error"}


def test_either_kind_of_iptables_will_do():
    legacy = CONFIG.replace("CONFIG_NF_TABLES=y\n", "").replace("CONFIG_NFT_COMPAT=y\n", "")
    assert asked(OWN.but(files={"/proc/config.gz": legacy}))["firewall"] == "yes"
    modern = CONFIG.replace("CONFIG_IP_NF_IPTABLES=y\n", "").replace("CONFIG_IP_NF_NAT=y\n", "")
    assert asked(OWN.but(files={"/proc/config.gz": modern}))["firewall"] == "yes"
    assert Kernel("x", options={}).has(FEATURE["firewall"]) == "no"
    assert Kernel("x").has(FEATURE["firewall"]) == "unknown"


def test_kernel_of_linuxkit_is_known():
    (finding,) = kernel.check(COURSE, MAC_DESKTOP)
    assert finding.level == "ok"
    assert finding.message.startswith("6.10.0-linuxkit is built with all that a swarm needs")
    assert kernel.lacks(MAC_DESKTOP) == {}


@pytest.mark.parametrize("colima", [desktop(MAC, "6.8.0-50-generic"), WINDOWS_DESKTOP])
def test_kernel_of_another_virtual_machine_is_not_known_until_it_can_be_asked(colima):
    (finding,) = kernel.check(COURSE, colima)
    assert finding.level == "warning"
    assert finding.fix.startswith("labgen box build --provider docker")
    assert Capability.ROUTING_MESH in kernel.lacks(colima)


def answered(genl, options):
    return Said(f"6.8.0-50-generic\n{genl}==\n{recorded('proc-filesystems.txt')}==\n{options}")


@pytest.mark.parametrize(
    ("output", "ipvs"),
    [
        (answered(HAS_IPVS, ALL_BUILT_IN), "yes"),
        (answered(recorded("genl-no-ipvs.txt"), ALL_BUILT_IN), "no"),
        (answered(recorded("genl-no-ipvs.txt"), "zcat: /proc/config.gz: No such file or directory\n"), "no"),
        (answered("/bin/sh: 1: genl: not found\n", CONFIG), "no"),
        (answered("/bin/sh: 1: genl: not found\n", ""), "unknown"),
        (Said(err="docker: Error response from daemon", status=125), "unknown"),
    ],
)
def test_kernel_image_of_the_nodes_asks_the_kernel_in_dockers_virtual_machine(output, ipvs):
    host = desktop(MAC, "6.8.0-50-generic").but(says={IMAGES: Said("f1f4a5ae21d5\n"), INSIDE: output})
    assert kernel.of_nodes(host).has(IPVS) == ipvs
    assert bad(kernel.check(COURSE, host)).keys() <= {"docker.ipvs", "docker.kernel"}


def test_kernel_what_to_do_about_a_kernel_in_a_virtual_machine():
    output = answered(recorded("genl-no-ipvs.txt"), CONFIG)
    host = desktop(MAC, "6.8.0-50-generic").but(says={IMAGES: Said("f1f4a5ae21d5\n"), INSIDE: output})
    assert fix(host).startswith("Update what brings Docker's virtual machine.")


def test_docker_desktop_on_linux_has_a_kernel_of_its_own():
    host = DOCKER.but(says={VERSION: version("6.10.0-linuxkit"), IMAGES: Said()})
    answer = host.says["docker info --format {{json .}}"].out.replace(RELEASE, "6.10.0-linuxkit")
    host = host.but(says={"docker info --format {{json .}}": Said(answer)})
    assert kernel.of_nodes(host).source
    assert GENL not in host.commands


def test_kernel_without_an_engine_a_mac_has_no_kernel_to_ask():
    silent = MAC_DESKTOP.but(says={VERSION: ABSENT})
    assert list(kernel.check(COURSE, silent)) == []
    assert kernel.of_nodes(silent).has(IPVS) == "unknown"
