"""Docker: client, engine of the right kind, image, limits, networks; recorded outputs, good and bad."""

import hashlib
import json
from dataclasses import replace

import pytest
from recorded_docker import (
    ABSENT,
    DENIED,
    DOCKER,
    ENDPOINT,
    IMAGES,
    INFO,
    INSPECT,
    MAC_DESKTOP,
    NETWORKS,
    OLD_WSL_DESKTOP,
    OWN,
    VERSION,
    WINDOWS_DESKTOP,
    info,
    version,
)
from recorded_host import COURSE, LINUX, MAC, WINDOWS, Debian, Said, bad, check, lab, recorded

from labgen.host import debian, resources
from labgen.host.computer import LATE
from labgen.images import recipe
from labgen.providers.docker import control_groups, doctor, engine
from labgen.providers.docker.limits import check_limits
from labgen.providers.doctor import packages

SYSTEMS = [DOCKER, MAC_DESKTOP, WINDOWS_DESKTOP]
NO_DOCKER_HUB = {"registry-1.docker.io:443": False}


def changed(host=DOCKER, **changes):
    """A host whose engine says otherwise in these fields of `docker info`."""
    answer = json.loads(host.says[INFO].out)
    return host.but(says={INFO: info(**{**answer, **changes})})


@pytest.mark.parametrize("host", SYSTEMS)
def test_docker_ordinary_engine(host):
    assert doctor.missing(COURSE, host) is None
    assert bad(doctor.check_engine(COURSE, host)) == {}
    assert bad(check_limits(COURSE, host)) == {}
    assert engine.daemon(host).state == "system"


def test_docker_what_an_engine_says_of_itself():
    facts = engine.engine(DOCKER)
    assert (facts.version, facts.api, facts.kind, facts.os) == ("20.10.24+dfsg1", (1, 41), "Docker", "linux")
    assert (facts.arch, facts.cpus, facts.memory, facts.root) == ("amd64", 2, 24105, "/var/lib/docker")
    assert facts.security == {"seccomp"}
    assert not facts.desktop
    assert engine.engine(MAC_DESKTOP).desktop
    assert engine.engine(MAC_DESKTOP).arch == "arm64"
    (finding,) = doctor.check_engine(COURSE, DOCKER)
    assert finding.message == "its engine 20.10.24+dfsg1 answers (Debian GNU/Linux 12 (bookworm))."


@pytest.mark.parametrize(
    ("host", "fix"),
    [
        (LINUX, "sudo apt-get install --no-install-recommends docker.io"),
        (LINUX.without("apt-get"), "Install Docker Engine: https://docs.docker.com/engine/install/"),
        (MAC, "Install Docker Desktop"),
        (WINDOWS, "Install Docker Desktop"),
    ],
)
def test_docker_no_docker_at_all(host, fix):
    world = host.but(variables={"LACKS": "docker.io"}) if host is LINUX else host
    finding = doctor.missing(COURSE, world)
    assert (finding.id, finding.level) == ("docker.missing", "error")
    assert finding.fix.startswith(fix)


def test_podman_by_the_name_of_docker():
    finding = doctor.missing(COURSE, DOCKER.but(says={"docker --version": Said("podman version 4.3.1\n")}))
    assert (finding.id, finding.level) == ("docker.podman", "error")
    answers = version(Components=[{"Name": "Podman Engine", "Version": "4.3.1"}], ApiVersion="1.41")
    assert bad(doctor.check_engine(COURSE, DOCKER.but(says={VERSION: answers}))) == {"docker.podman": "error"}


@pytest.mark.parametrize(
    ("err", "state"),
    [
        (recorded("docker-absent.txt"), "none"),
        (
            "failed to connect to the docker API at unix:///var/run/docker.sock; check if the path is correct and if "
            "the daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory\n",
            "none",
        ),
        (
            "error during connect: this error may indicate that the docker daemon is not running: Get "
            '"http://%2F%2F.%2Fpipe%2Fdocker_engine/v1.24/version": open //./pipe/docker_engine: '
            "The system cannot find the file specified.\n",
            "none",
        ),
        ("Cannot connect to the Docker daemon at tcp://127.0.0.1:2375. Is the docker daemon running?\n", "none"),
        (recorded("docker-denied.txt"), "denied"),
        ("permission denied while trying to connect to the docker API at unix:///var/run/docker.sock\n", "denied"),
        (
            "error during connect: this error may indicate that the docker daemon is not running: Get "
            '"http://%2F%2F.%2Fpipe%2FdockerDesktopLinuxEngine/v1.47/version": open '
            "//./pipe/dockerDesktopLinuxEngine: 지정된 파일을 찾을 수 없습니다.\n",
            "none",
        ),
        ("open //./pipe/docker_engine: Access is denied.\n", "denied"),
        ("open //./pipe/docker_engine: 액세스가 거부되었습니다.\n", "denied"),
        ("Error response from daemon: Docker Desktop is paused\n", "unknown"),
        ("", "unknown"),
    ],
)
def test_docker_engine_that_does_not_answer(err, state):
    for host in SYSTEMS:
        silent = host.but(says={VERSION: Said(ABSENT.out, err, 1), INFO: Said("{}", err, 1)})
        assert engine.daemon(silent).state == state
        assert bad(doctor.check_engine(COURSE, silent)) == {"docker.engine": "error"}
        assert bad(check_limits(COURSE, silent)) == {}


def test_docker_engine_that_does_not_answer_in_time_is_not_replaced():
    late = OWN.but(says={VERSION: Said(err="`docker version` did not end within 20 s", status=LATE)})
    assert engine.daemon(late).state == "unknown"


def fix(host):
    (finding,) = [finding for finding in doctor.check_engine(COURSE, host) if finding.level == "error"]
    return finding.fix


def test_docker_what_to_do_where_no_engine_answers():
    silent = DOCKER.but(says={VERSION: ABSENT})
    assert fix(silent) == "sudo systemctl start docker"
    assert fix(silent.but(root=True).without("unshare")) == "systemctl start docker"
    bare = silent.but(files={"/proc/1/comm": "init\n"})
    assert fix(bare).startswith("Run labgen as root (sudo)")
    assert fix(bare.but(root=True).without("unshare")).startswith(
        "Install the packages that contain unshare: the lab then starts"
    )
    assert fix(silent.without("dockerd").but(variables={"LACKS": "docker.io"})).startswith(
        "sudo apt-get install --no-install-recommends docker.io"
    )
    assert fix(silent.but(says={ENDPOINT: Said("unix:///home/me/.docker/desktop/docker.sock\n")})).startswith(
        "Start the engine of unix:///home/me/.docker/desktop/docker.sock, or use this computer's own"
    )
    assert "Start Docker Desktop" in fix(MAC_DESKTOP.but(says={VERSION: ABSENT}))


def test_docker_what_to_do_where_it_may_not_be_used():
    assert fix(DOCKER.but(says={VERSION: DENIED})).startswith("sudo usermod -aG docker $USER\nthen log out")
    assert "docker-users" in fix(WINDOWS_DESKTOP.but(says={VERSION: DENIED}))


def test_docker_engine_of_the_labs_own():
    assert engine.daemon(OWN).state == "own"
    (finding,) = doctor.check_engine(COURSE, OWN)
    assert finding.message == "no engine runs here; the lab starts its own, in a network namespace of its own."
    old = OWN.but(says={"dockerd --version": Said("Docker version 19.03.15, build 99e3ed8919\n")})
    assert bad(doctor.check_engine(COURSE, old)) == {"docker.too-old": "error"}
    assert engine.daemon(OWN.but(root=False)).state == "none"
    assert engine.daemon(OWN.without("nsenter")).state == "none"
    assert engine.daemon(OWN.without("dockerd")).state == "none"
    confined = OWN.but(says={"unshare --net --mount true": Said(err="Operation not permitted", status=1)})
    assert engine.daemon(confined).state == "confined"
    assert "CAP_SYS_ADMIN" in fix(confined)


def test_docker_engine_that_was_asked_for_by_name_is_not_replaced_by_one_of_the_labs_own():
    assert engine.daemon(OWN.but(says={ENDPOINT: Said("tcp://10.1.2.3:2375\n")})).state == "none"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless", "name=cgroupns"]}, "docker.rootless"),
        ({"SecurityOptions": ["name=apparmor", "name=seccomp,profile=default", "name=userns"]}, "docker.userns-remap"),
        ({"OSType": "windows"}, "docker.windows-containers"),
        ({"CpuCfsQuota": False}, "docker.cpu-quota"),
        ({"CpuCfsPeriod": False}, "docker.cpu-quota"),
    ],
)
def test_engines_of_the_wrong_kind(changes, expected):
    assert bad(doctor.check_engine(COURSE, changed(**changes))) == {expected: "error"}


def test_engines_that_may_do():
    ordinary = ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"]
    assert bad(doctor.check_engine(COURSE, changed(SecurityOptions=ordinary))) == {}
    assert bad(doctor.check_engine(COURSE, changed(SecurityOptions=None))) == {}
    confined = changed(SecurityOptions=["name=selinux", "name=seccomp,profile=builtin"])
    assert bad(doctor.check_engine(COURSE, confined)) == {"docker.selinux": "warning"}
    emulated = changed(MAC_DESKTOP, Architecture="x86_64")
    assert bad(doctor.check_engine(COURSE, emulated)) == {"docker.architecture-of-engine": "warning"}


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (OLD_WSL_DESKTOP, {"docker.wsl-too-old": "warning"}),
        (changed(OLD_WSL_DESKTOP, CgroupVersion="2"), {}),
        (changed(OLD_WSL_DESKTOP, CgroupVersion=None), {}),
        (changed(OLD_WSL_DESKTOP, KernelVersion="4.19.0-27-amd64"), {}),
    ],
)
def test_check_engine_warns_of_a_wsl_whose_control_groups_systemd_does_not_start_in(host, expected):
    findings = list(doctor.check_engine(COURSE, host))
    assert bad(findings) == expected
    assert all("wsl --update" in finding.fix for finding in findings if finding.level != "ok")


@pytest.mark.parametrize(
    ("suite", "host", "is_refused"),
    [
        ("sid", changed(CgroupVersion="1"), True),
        ("sid", changed(CgroupVersion="2"), False),
        ("sid", changed(CgroupVersion=None), False),
        ("trixie", changed(CgroupVersion="1"), False),
        ("bookworm", changed(CgroupVersion="1"), False),
        ("sid", OWN, True),
        ("sid", OWN.but(paths=OWN.paths | {"/sys/fs/cgroup/cgroup.controllers"}), False),
        ("trixie", OWN, False),
    ],
)
def test_control_groups_of_version_1_are_refused_for_a_systemd_that_needs_2(suite, host, is_refused):
    findings = list(control_groups.check(lab(f"engine: {{suite: {suite}}}"), host))
    assert bad(findings) == ({"docker.control-groups": "error"} if is_refused else {})
    assert all("engine: {suite: trixie}" in finding.fix for finding in findings)


def test_control_groups_are_known_of_every_release_that_a_node_image_is_made_of():
    assert recipe.SUITES.keys() - debian.CONTROL_GROUPS_V1 == {"sid"}


@pytest.mark.parametrize(("api", "expected"), [("1.40", {"docker.too-old": "error"}), ("1.41", {}), ("1.50", {})])
def test_docker_engine_has_to_know_cgroup_namespaces(api, expected):
    assert bad(doctor.check_engine(COURSE, DOCKER.but(says={VERSION: version(ApiVersion=api)}))) == expected


@pytest.mark.parametrize(
    ("address", "computer"),
    [
        ("unix:///var/run/docker.sock", None),
        ("npipe:////./pipe/dockerDesktopLinuxEngine", None),
        ("tcp://127.0.0.1:2375", None),
        ("tcp://localhost:2375", None),
        ("tcp://[::1]:2375", None),
        ("tcp://docker:2375", "docker"),
        ("tcp://192.168.1.9:2376", "192.168.1.9"),
        ("ssh://me@server", "server"),
        ("", None),
    ],
)
def test_docker_engine_on_another_computer(address, computer):
    assert engine.elsewhere(address) == computer
    levels = bad(doctor.check_engine(COURSE, DOCKER.but(says={ENDPOINT: Said(f"{address}\n")})))
    through_ssh = address.startswith("ssh://")
    assert levels == ({"docker.elsewhere": "error"} if computer and not through_ssh else {})


def test_docker_of_an_engine_on_another_computer_this_ones_ports_disk_and_routes_say_nothing():
    there = DOCKER.but(says={ENDPOINT: Said("ssh://me@server\n")}, ports={8001: "taken"})
    (finding,) = [message for message in doctor.check_engine(COURSE, there) if message.id == "docker.elsewhere"]
    assert "on another computer, server: nodes are reached through ssh" in finding.message
    assert list(check("docker", "ports", COURSE, there)) == []
    assert doctor._data(there) == there.home()


@pytest.mark.parametrize(("workers", "limit", "levels"), [(24, "128", {}), (25, "128", "error"), (39, "1024", {})])
def test_limits_names_inotify_instances_where_they_are_too_few(workers, limit, levels):
    path = "/proc/sys/fs/inotify/max_user_instances"
    host = DOCKER.but(paths={path}, files={path: f"{limit}\n"})
    everything = check("docker", "check_limits", lab(f"workers: {workers}"), host)
    findings = [finding for finding in everything if "inotify" in finding.id]
    assert bad(findings) == ({"docker.inotify": levels} if levels else {})
    assert all("enough for 25 nodes; the lab has 26" in finding.message for finding in findings)


def test_answers_that_are_no_answers():
    for nonsense in ("", "what", "[1]", "{", '{"Server": 1}', '{"Server": {}}'):
        assert engine.engine(DOCKER.but(says={VERSION: Said(nonsense)})) is None
    with_warning = Said("WARNING: something\n" + version().out)
    assert engine.engine(DOCKER.but(says={VERSION: with_warning})).api == (1, 41)
    meagre = engine.engine(DOCKER.but(says={INFO: Said("")}))
    assert (meagre.arch, meagre.os, meagre.memory) == ("amd64", "linux", 0)


def image(host, text=""):
    findings = list(doctor.image(lab(text), host))
    return findings[-1] if findings else None


def test_docker_image_of_the_nodes():
    without = DOCKER.but(says={IMAGES: Said()})
    assert image(DOCKER).message == "labgen/node:0123456789ab is here."
    assert image(without.but(built={"docker"})).message == "labgen/node:0123456789ab has been built."
    assert "on an image of Docker Hub" in image(without).message
    offline = without.but(internet=NO_DOCKER_HUB)
    assert image(offline).level == "warning"
    assert image(offline).fix == "sudo labgen box build --provider docker"
    assert image(offline.but(root=True)).message.endswith("labgen up builds it.")
    assert image(offline.without("apt-get")).level == "error"
    assert "docker load" in image(offline.without("apt-get")).fix
    assert "on an image of Docker Hub" in image(MAC_DESKTOP).message
    assert image(OWN).message.endswith("labgen up builds it.")
    assert image(DOCKER.but(says={VERSION: DENIED})) is None
    assert image(replace(DOCKER, node=None)) is None


def test_docker_box_of_the_lab_is_not_what_containers_start_from():
    findings = list(doctor.image(lab("box: {name: a/b}"), DOCKER))
    assert bad(findings) == {"docker.box-unused": "warning"}
    assert bad(check("docker", "architecture", lab("box: {name: a/b}"), DOCKER)) == {}
    (images,) = check("docker", "images", lab("box: {name: a/b}"), DOCKER)
    assert images.message == "in the image of the nodes."


def test_limits_of_the_engine():
    assert bad(check_limits(COURSE, changed(MAC_DESKTOP, MemTotal=2_000_000_000))) == {"docker.memory": "warning"}
    findings = next(check_limits(COURSE, changed(MAC_DESKTOP, MemTotal=2_000_000_000)))
    assert "Docker Desktop > Settings > Resources" in findings.fix
    # The engine refuses a container that asks for more processors than there are.
    assert bad(check_limits(lab("cpus: 3"), DOCKER)) == {"docker.cpus": "error"}
    assert bad(check_limits(lab("cpus: 2"), DOCKER)) == {}
    assert list(check_limits(COURSE, OWN)) == []
    assert bad(check_limits(lab("cpus: 5"), OWN)) == {"docker.cpus": "error"}
    assert list(check_limits(lab("cpus: 5"), DOCKER.but(says={VERSION: DENIED}))) == []


def test_networks_of_the_engine():
    assert bad(check("docker", "check_routes", COURSE, DOCKER)) == {}
    clash = DOCKER.but(says={INSPECT: Said(recorded("docker-networks.json"))})
    (finding,) = check("docker", "check_routes", COURSE, clash)
    assert finding.level == "error"
    assert finding.message == "the lab network 10.0.2.0/24 overlaps Docker's network clash (10.0.2.0/24)."
    assert finding.fix.splitlines() == [
        "If nothing needs it, remove it, then try again:",
        "docker network rm clash",
        "Else: Write in lab.yml: network: 10.30.2.0/24",
    ]
    assert bad(check("docker", "check_routes", lab("network: 10.30.2.0/24"), clash)) == {}
    (default,) = check("docker", "check_routes", lab("network: 172.17.0.0/24"), DOCKER)
    assert default.fix == "Write in lab.yml: network: 10.30.2.0/24"


def test_docker_labs_own_networks_are_no_clash():
    networks = json.loads(recorded("docker-networks.json"))
    mark = "0123456789ab"
    networks[1] = {**networks[1], "Name": "labgen-lab", "Labels": {"labgen.lab": "labgen", "labgen.folder": mark}}
    file = "/home/learner/lab/.vagrant/labgen-mark"
    host = DOCKER.but(says={INSPECT: Said(json.dumps(networks))})
    own = host.but(paths={file}, files={file: f"{mark}\n"})
    assert bad(check("docker", "check_routes", COURSE, own)) == {}
    assert len(list(check("docker", "check_routes", lab("name: other"), host))) == 1
    # Of the same name, and another folder's: `up` would stop at it.
    for stranger in (host, own.but(files={file: "ffffffffffff\n"})):
        (finding,) = check("docker", "check_routes", COURSE, stranger)
        assert finding.level == "error"
        assert "Docker already has a network labgen-lab" in finding.message
        assert finding.fix.splitlines()[1:3] == [
            f"docker rm --force --volumes $(docker ps --all --quiet --filter label=labgen.folder={mark})",
            "docker network rm labgen-lab",
        ]


def test_networks_of_a_lab_of_an_earlier_version_are_its_own():
    networks = json.loads(recorded("docker-networks.json"))
    digest = hashlib.sha256(b"/home/learner/lab").hexdigest()[:12]
    networks[1] = {
        **networks[1],
        "Name": "labgen-lab",
        "Labels": {"labgen.lab": "labgen", "labgen.folder": digest},
    }
    machines = {"/home/learner/lab/.vagrant/machines/swarm-manager/docker/id"}
    host = DOCKER.but(says={INSPECT: Said(json.dumps(networks))}, paths=machines)
    assert bad(check("docker", "check_routes", COURSE, host)) == {}


@pytest.mark.parametrize("output", [Said("", "no", 1), Said("what"), Said("[1"), Said('[{"Id": "a"}]'), Said("{}")])
def test_networks_that_cannot_be_listed(output):
    assert not engine.networks(DOCKER.but(says={INSPECT: output}))
    assert bad(check("docker", "check_routes", COURSE, DOCKER.but(says={NETWORKS: Said("", "no", 1)}))) == {
        "docker.network": "warning"
    }


def test_routes_of_the_computer():
    inside = {"ip -j route": Said(recorded("linux-inside-virtualbox.json"))}
    assert bad(check("docker", "check_routes", COURSE, DOCKER.but(says=inside))) == {"docker.network": "error"}
    # In a namespace of its own, and in a virtual machine, the lab is in nobody's way.
    (own,) = check("docker", "check_routes", COURSE, OWN)
    assert own.message == "the lab has a network namespace to itself."
    assert bad(check("docker", "check_routes", COURSE, MAC_DESKTOP)) == {}
    old = MAC_DESKTOP.but(says={"netstat -rn": Said(recorded("netstat-macos-old.txt"))})
    assert bad(check("docker", "check_routes", COURSE, old)) == {"docker.network": "warning"}


def test_ports():
    ports = {8001: "taken"}
    assert bad(check("docker", "ports", COURSE, DOCKER.but(ports=ports))) == {"docker.ports": "warning"}
    assert list(check("docker", "ports", COURSE, OWN.but(ports=ports))) == []
    running = {"/home/learner/lab/.vagrant/machines/swarm-manager/docker/id"}
    assert list(check("docker", "ports", COURSE, DOCKER.but(ports=ports, paths=running))) == []


@pytest.mark.parametrize(
    ("host", "place"),
    [(DOCKER, "/var/lib/docker"), (OWN, "/home/learner/lab"), (MAC_DESKTOP, "/home/learner")],
)
def test_disk(host, place):
    (finding,) = check("docker", "disk", COURSE, host)
    assert finding.message.endswith(f"free at {place}.")
    (full,) = check("docker", "disk", COURSE, host.but(free_disk=100))
    assert full.level == "error"
    assert "docker system prune" in full.fix


def test_disk_needs_no_room_for_an_image_that_is_there():
    nearly = {"free_disk": 3 * resources.DISK_PER_NODE + 100}
    assert bad(check("docker", "disk", COURSE, DOCKER.but(**nearly))) == {}
    assert bad(check("docker", "disk", COURSE, OWN.but(**nearly))) == {"docker.disk": "warning"}


EVERYTHING = (
    "vagrant openssh-client docker.io docker-cli dnsmasq-base iptables netcat-openbsd iproute2 util-linux mmdebstrap "
    "syslinux-common"
)


def fresh(**changes):
    """A fresh Debian 12: none of the programs, none of the packages."""
    return replace(LINUX, programs=frozenset({"apt-get"}), commands=[], followed=[]).but(
        variables={"LACKS": EVERYTHING}, **changes
    )


def test_packages_of_a_fresh_debian():
    build = ["mmdebstrap"]
    # systemd starts the engine as soon as it is installed.
    assert packages(COURSE, fresh(), ["docker"]) == ["openssh-client", "docker.io", *build]
    assert packages(COURSE, fresh(files={"/proc/1/comm": "init\n"}), ["docker"]) == [
        *("openssh-client", "docker.io", "dnsmasq-base", "iptables", "netcat-openbsd", "iproute2"),
        *("util-linux", *build),
    ]
    assert "mmdebstrap" not in packages(COURSE, fresh(built={"docker"}), ["docker"])


@pytest.mark.parametrize(
    ("release", "split"),
    [
        ('ID=debian\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian 12"', False),
        ('ID=debian\nVERSION_CODENAME=trixie\nPRETTY_NAME="Debian 13"', True),
        ("ID=debian\nVERSION_CODENAME=forky", True),
        ("ID=linuxmint\nID_LIKE=debian\nVERSION_CODENAME=faye\nDEBIAN_CODENAME=bookworm", False),
        ("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\nUBUNTU_CODENAME=noble", False),
    ],
)
def test_docker_where_the_client_is_a_package_of_its_own(release, split):
    host = fresh(files={"/etc/os-release": release})
    assert debian.release(host).has_docker_cli is split
    names = packages(COURSE, host, ["docker"])
    assert "docker.io" in names
    assert ("docker-cli" in names) is split
    assert "docker-cli" not in packages(COURSE, host.but(programs={"docker"}, **own()), ["docker"])


def own():
    return {"says": {VERSION: ABSENT, ENDPOINT: Said("unix:///var/run/docker.sock\n")}}


def test_debians_docker_is_never_put_beside_docker_incs():
    host = fresh(programs={"docker"}, **own()).but(variables={"HAS": "docker-ce-cli"})
    names = packages(COURSE, host, ["docker"])
    assert "docker-ce" in names
    assert not {"docker.io", "docker-cli", "docker-ce-cli"} & set(names)


def test_docker_where_an_engine_answers_nothing_of_it_is_installed():
    desktop = DOCKER.without("dockerd", "ip", "nc", "dnsmasq", "iptables", "nsenter", "unshare")
    everything = desktop.but(variables={"LACKS": EVERYTHING})
    assert packages(COURSE, everything, ["docker"]) == []
    assert packages(COURSE, everything.but(says={VERSION: DENIED}), ["docker"]) == []
    # Without Docker Hub the image is built from Debian's packages.
    without = everything.but(says={IMAGES: Said()})
    assert packages(COURSE, without, ["docker"]) == []
    assert "mmdebstrap" in packages(COURSE, without.but(internet=NO_DOCKER_HUB), ["docker"])
    assert isinstance(everything, Debian)


def test_docker_what_has_to_be_built():
    assert not doctor.to_build(COURSE, DOCKER)
    assert doctor.to_build(COURSE, DOCKER.but(says={IMAGES: Said()}))
    assert doctor.to_build(COURSE, OWN)
    assert not doctor.to_build(COURSE, OWN.but(built={"docker"}))
    assert not doctor.to_build(COURSE, DOCKER.but(says={VERSION: DENIED}))
