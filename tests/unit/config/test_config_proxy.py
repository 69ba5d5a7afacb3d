"""``proxy`` in lab.yml: one message for a mistake, and no password in any."""

from __future__ import annotations

import pytest

from labgen import config
from labgen.core.errors import LabFileError


def refused(text: str) -> str:
    with pytest.raises(LabFileError) as error:
        config.parse(text)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    ["proxy: HTTP://Proxy:3128/", "proxy: {http: 'http://proxy:3128', https: 'http://proxy:3128'}"],
)
def test_proxy_is_for_both_schemes(text: str) -> None:
    proxy = config.parse(text).proxy
    assert (proxy.http, proxy.https) == ("http://proxy:3128", "http://proxy:3128")
    assert (proxy.shown, proxy.authorities, proxy.has_password) == ("http://proxy:3128", ("proxy:3128",), False)


def test_proxy_left_out_is_none() -> None:
    assert not config.parse("").proxy
    assert not config.parse("proxy:").proxy


def test_proxy_of_one_scheme_leaves_the_other_without() -> None:
    proxy = config.parse("proxy: {https: 'https://proxy'}").proxy
    assert (proxy.http, proxy.https, bool(proxy)) == ("", "https://proxy", True)


def test_proxy_no_proxy_has_the_lab_and_its_mirror_and_what_is_added() -> None:
    lab = config.parse(
        "workers: 1\nnetwork: 10.9.0.0/24\nregistry: {mirror: 'http://mirror:5000'}\n"
        "proxy: {http: 'http://p:1', no_proxy: [Intern.example, .example, 192.168.0.0/16]}"
    )
    assert lab.no_proxy == (
        *("localhost", "127.0.0.0/8", "::1", "10.9.0.0/24", "swarm-manager", "10.9.0.101"),
        *("swarm-worker1", "10.9.0.102", "mirror", "intern.example", ".example", "192.168.0.0/16"),
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("proxy:3128", "proxy = proxy:3128: is not the URL of a proxy: http:// is missing. Write http://proxy:3128."),
        ("socks5://proxy:1080", "is not the URL of a proxy. Write http:// or https://"),
        ("http://proxy:port", "is not the URL of a proxy"),
        ("http://proxy:0", "is not the URL of a proxy"),
        ("http://proxy:3128/path", "is not the URL of a proxy"),
        ("http://", "is not the URL of a proxy"),
        ("http://127.0.0.1:3128", "would lead each node to itself"),
        ("http://localhost:3128", "would lead each node to itself"),
        ("http://127.1:3128", "as in http://192.168.0.10:3128."),
        ("http://kim@proxy:3128", "has a name without a password"),
        ("{}", "proxy: names no proxy."),
        ("{no_proxy: [a]}", "proxy: names no proxy."),
        ("{htp: 'http://a'}", "Did you mean http?"),
        ("3", "Write its URL, as in proxy: http://proxy.example:3128"),
        ("{http: 'http://a', no_proxy: '*'}", "proxy.no_proxy = *: is not a list."),
        ("{http: 'http://a', no_proxy: ['a b']}", "proxy.no_proxy[0] = a b: is not a host, a domain or a subnet."),
        ("{http: 'http://a', no_proxy: ['*']}", "is not a host, a domain or a subnet."),
    ],
)
def test_proxy_mistake_has_one_message(value: str, words: str) -> None:
    message = refused(f"proxy: {value}")
    assert words in message
    assert message.startswith("lab.yml: 1 mistake\n  - line 1, proxy")


@pytest.mark.parametrize(
    "value",
    [
        "kim:hunter2@proxy:3128",
        "ftp://kim:hunter2@proxy:3128",
        "http://kim:hunter2@proxy:3128/path",
        "http://kim:hunter2 @proxy:3128",
        "http://kim:hunter2'@proxy:3128",
        "http://kim:hun\\\\ter2@proxy:3128",
        "http://kim:hunter2#@proxy:3128",
        "http://kim:hun/ter2@proxy:3128",
        "http://kim:hunter2@127.0.0.1:3128",
        "http://kim:hunter2@proxy:port",
        "http://kim:p@hunter2@proxy:3128",
        "http://hunter2@proxy:3128",
    ],
)
@pytest.mark.parametrize(
    "text", ['proxy: "{}"', 'proxy: {{http: "{}"}}', 'proxy: ["{}"]', 'proxy: {{htp: "{}"}}', '"{}": 3']
)
def test_proxy_mistake_shows_no_password(text: str, value: str) -> None:
    message = refused(text.format(value))
    assert "hunter2" not in message
    assert "ter2" not in message


def test_proxy_password_is_in_no_repr() -> None:
    lab = config.parse("proxy: http://kim:hunter2%40@proxy:3128")
    assert lab.proxy.http == "http://kim:hunter2%40@proxy:3128"
    assert "hunter2" not in repr(lab)
    assert (lab.proxy.shown, lab.proxy.has_password) == ("http://proxy:3128", True)


def test_lab_is_the_same_by_whichever_proxy() -> None:
    assert config.parse("proxy: http://kim:hunter2@proxy:3128") == config.parse("")
