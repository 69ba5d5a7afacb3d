"""The proxy of lab.yml on a node: written for apt and the engine, removed again, and what a refusal of it means."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from labgen import config
from labgen.core.i18n import Text
from provision import proxy
from provision.changes import STEPS
from tests import needs

PLAIN = config.parse("")
LAB = config.parse(
    "workers: 0\nproxy: {http: 'http://10.0.3.1:3128', https: 'http://tls.example:3129', no_proxy: [.d]}"
)
SECRET = config.parse("proxy: 'http://kim:p%40ss$word@proxy:3128'")

APT = """\
// Written by labgen: the proxy of lab.yml.
Acquire::http::Proxy "http://10.0.3.1:3128";
Acquire::http::Proxy::localhost "DIRECT";
Acquire::http::Proxy::swarm-manager "DIRECT";
Acquire::http::Proxy::10.0.2.101 "DIRECT";
Acquire::https::Proxy "http://tls.example:3129";
Acquire::https::Proxy::localhost "DIRECT";
Acquire::https::Proxy::swarm-manager "DIRECT";
Acquire::https::Proxy::10.0.2.101 "DIRECT";
"""

ENGINE = """\
# Written by labgen: the proxy of lab.yml.
[Service]
Environment="HTTP_PROXY=http://10.0.3.1:3128" "HTTPS_PROXY=http://tls.example:3129" \
"NO_PROXY=localhost,127.0.0.0/8,::1,10.0.2.0/24,swarm-manager,10.0.2.101,.d"
"""


def test_settings_are_those_of_lab_yml() -> None:
    assert (proxy.apt_settings(LAB), proxy.engine_settings(LAB)) == (APT, ENGINE)
    assert (proxy.apt_settings(PLAIN), proxy.engine_settings(PLAIN), proxy.exports(PLAIN)) == ("", "", "")


def test_apt_has_no_proxy_for_the_scheme_that_has_none() -> None:
    lab = config.parse("proxy: {http: 'http://proxy:3128'}")
    assert 'Acquire::https::Proxy "DIRECT";' in proxy.apt_settings(lab)
    assert "HTTPS_PROXY" not in proxy.engine_settings(lab)


def by_title(scripts: dict[Text, str]) -> dict[str, str]:
    """Map the titles in English to the scripts."""
    return {str(title): script for title, script in scripts.items()}


def test_missing_is_both_once() -> None:
    scripts = by_title(proxy.missing(LAB, "", "", engine_running=True))
    shown = "http://10.0.3.1:3128, http://tls.example:3129"
    assert list(scripts) == [f"apt: proxy {shown}", f"engine: proxy {shown}"]
    assert scripts[f"engine: proxy {shown}"].endswith("systemctl daemon-reload && systemctl restart docker")
    assert proxy.missing(LAB, APT, ENGINE, engine_running=True) == {}
    # As `show` gives it back.
    assert proxy.missing(LAB, APT.strip(), ENGINE.strip(), engine_running=True) == {}


def test_missing_does_not_start_an_engine_that_does_not_run() -> None:
    assert all("restart" not in script for script in proxy.missing(LAB, "", "", engine_running=False).values())


def test_missing_removes_what_has_left_lab_yml() -> None:
    scripts = by_title(proxy.missing(PLAIN, APT, ENGINE, engine_running=True))
    assert scripts == {
        "apt: proxy removed": f"rm -f {proxy.APT_PROXY_FILE}",
        "engine: proxy removed": (
            f"rm -f {proxy.ENGINE_PROXY_FILE} && systemctl daemon-reload && systemctl restart docker"
        ),
    }
    assert proxy.missing(PLAIN, "", "", engine_running=True) == {}


def test_missing_tells_no_password_and_gives_it_to_root_only() -> None:
    scripts = by_title(proxy.missing(SECRET, "", "", engine_running=False))
    assert list(scripts) == ["apt: proxy http://proxy:3128", "engine: proxy http://proxy:3128"]
    # write_file's umask for 0600
    assert all("umask 0066" in script for script in scripts.values())
    assert all("umask 0022" in script for script in proxy.missing(LAB, "", "", engine_running=False).values())


def test_scripts_write_the_settings_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs.posix("a POSIX shell")
    monkeypatch.setattr(proxy, "APT_PROXY_FILE", str(tmp_path / "apt/00labgen-proxy"))
    monkeypatch.setattr(proxy, "ENGINE_PROXY_FILE", str(tmp_path / "unit/00-labgen-proxy.conf"))
    for script in proxy.missing(SECRET, "", "", engine_running=False).values():
        subprocess.run(["sh", "-euc", f"systemctl() {{ :; }}\n{script}"], check=True)
    assert (tmp_path / "apt/00labgen-proxy").read_text() == proxy.apt_settings(SECRET)
    unit = (tmp_path / "unit/00-labgen-proxy.conf").read_text()
    assert '"HTTP_PROXY=http://kim:p%%40ss$word@proxy:3128"' in unit
    printed = subprocess.run(
        ["sh", "-euc", f'{proxy.exports(SECRET)}printf "%s|%s" "$https_proxy" "$no_proxy"'],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == f"http://kim:p%40ss$word@proxy:3128|{','.join(SECRET.no_proxy)}"


def test_bootstrap_sets_the_proxy_before_it_installs_anything() -> None:
    assert list(STEPS).index("proxy") < list(STEPS).index("engine")


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (
            "E: Failed to fetch http://deb.debian.org/dists/sid/InRelease  403  Forbidden [IP: 10.0.3.1 3128]",
            "refuses it",
        ),
        ("Err:1 https://x bookworm InRelease\n  Invalid response from proxy: HTTP/1.1 403 Forbidden", "refuses it"),
        ("curl: (56) CONNECT tunnel failed, response 403", "refuses it"),
        ("curl: (56) Received HTTP code 403 from proxy after CONNECT", "refuses it"),
        (
            "E: Failed to fetch http://x/InRelease  407  Proxy Authentication Required [IP: 10.0.3.1 3128]",
            "wants a name and password",
        ),
        (
            "Could not connect to 10.0.3.1:3128 (10.0.3.1). - connect (111: Connection refused)",
            "does not answer",
        ),
        ("Temporary failure resolving 'tls.example'", "does not answer"),
        ("curl: (5) Could not resolve proxy: tls.example", "does not answer"),
        ("proxyconnect tcp: dial tcp 10.0.3.1:3128: connect: connection refused", "does not answer"),
    ],
)
def test_refusal_names_the_proxy(output: str, sentence: str) -> None:
    named = "the proxy http://10.0.3.1:3128, http://tls.example:3129 of lab.yml"
    assert str(proxy.refusal(LAB, output)) == f"{named} {sentence}"
    assert not proxy.refusal(PLAIN, output)


def test_refusal_of_a_password() -> None:
    said = proxy.refusal(SECRET, "407  Proxy Authentication Required")
    assert str(said) == "the proxy http://proxy:3128 of lab.yml does not accept the name and password in its URL"


@pytest.mark.parametrize(
    "output",
    [
        "E: Unable to locate package docker.io",
        "E: Failed to fetch http://x/InRelease  403  Forbidden [IP: 151.101.2.132 80]",
        "Temporary failure resolving 'deb.debian.org'",
        "E: Could not get lock /var/lib/dpkg/lock-frontend",
    ],
)
def test_refusal_of_anything_else_is_not_the_proxys(output: str) -> None:
    assert not proxy.refusal(LAB, output)
