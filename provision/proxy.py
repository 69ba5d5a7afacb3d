"""The proxy of lab.yml on a node: for apt, for the engine and what it pulls, and what a refusal of it means."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

from labgen.core.i18n import NOTHING, Text, _
from labgen.model.lab import Lab
from labgen.observation.commands import CommandAnswer
from labgen.observation.node_facts import APT_PROXY_FILE, ENGINE_PROXY_FILE, HUB, NodeFacts
from provision.shell import Shell, write_file

_HEAD = "Written by labgen: the proxy of lab.yml."


def missing(lab: Lab, apt_file: str, engine_file: str, *, engine_running: bool) -> dict[Text, str]:
    """List what must change so that apt and the engine use the proxy of lab.yml, or none: titles and their scripts.

    :param apt_file: text of :data:`APT_PROXY_FILE` on the node; empty where it has none.
    :param engine_file: of :data:`ENGINE_PROXY_FILE`.
    """
    scripts = {}
    proxy = lab.proxy.shown if lab.proxy else ""
    if apt_file.strip() != apt_settings(lab).strip():
        title = _("apt: proxy %(proxy)s", proxy=proxy) if proxy else _("apt: proxy removed")
        scripts[title] = _write(APT_PROXY_FILE, apt_settings(lab), lab)
    if engine_file.strip() != engine_settings(lab).strip():
        act = " && systemctl restart docker" if engine_running else ""
        title = _("engine: proxy %(proxy)s", proxy=proxy) if proxy else _("engine: proxy removed")
        script = f"{_write(ENGINE_PROXY_FILE, engine_settings(lab), lab)} && systemctl daemon-reload{act}"
        scripts[title] = script
    return scripts


def _write(path: str, text: str, lab: Lab) -> str:
    if not text:
        return f"rm -f {path}"
    # A password is for root only. apt then tells an ordinary user that it cannot read the file, and goes on.
    return (
        f"mkdir -p {path.rpartition('/')[0]} && {write_file(path, text, '0600' if lab.proxy.has_password else '0644')}"
    )


def apt_settings(lab: Lab) -> str:
    """Compose apt's settings; empty without a proxy."""
    if not lab.proxy:
        return ""
    lines = [f"// {_HEAD}"]
    for scheme, url in (("http", lab.proxy.http), ("https", lab.proxy.https)):
        # apt takes the proxy for http where there is none for https.
        lines.append(f'Acquire::{scheme}::Proxy "{url or "DIRECT"}";')
        lines += [f'Acquire::{scheme}::Proxy::{host} "DIRECT";' for host in _hosts(lab)]
    return "\n".join(lines) + "\n"


def _hosts(lab: Lab) -> list[str]:
    """List what apt can leave out: hosts, but neither domains nor subnets."""
    return [host for host in lab.no_proxy if re.fullmatch(r"[a-z0-9][a-z0-9.-]*", host)]


def engine_settings(lab: Lab) -> str:
    """Compose the drop-in for the engine's unit; empty without a proxy."""
    if not lab.proxy:
        return ""
    # In a unit, % begins a specifier.
    variables = " ".join(f'"{name}={value}"' for name, value in _variables(lab).items()).replace("%", "%%")
    return f"# {_HEAD}\n[Service]\nEnvironment={variables}\n"


def _variables(lab: Lab) -> dict[str, str]:
    proxies = {"HTTP_PROXY": lab.proxy.http, "HTTPS_PROXY": lab.proxy.https}
    return {name: url for name, url in proxies.items() if url} | {"NO_PROXY": ",".join(lab.no_proxy)}


def exports(lab: Lab) -> str:
    """Compose a line of a script by which the programs after it use the proxy, such as curl; empty without one."""
    if not lab.proxy:
        return ""
    # curl reads http_proxy in lower case only.
    words = (f"{name.lower()}={shlex.quote(value)}" for name, value in _variables(lab).items())
    return f"export {' '.join(words)}\n"


def ask_hub(shell: Shell, lab: Lab, facts: NodeFacts) -> NodeFacts:
    """Ask Docker Hub by the proxy, from a node that has curl; gives the facts with the answer in them."""
    answer = shell.attempt(f"{exports(lab)}{HUB} || true", within=30).out
    return replace(facts, answers={**facts.answers, HUB: CommandAnswer(0, answer)})


def refusal(lab: Lab, output: str) -> Text:
    """Say what the proxy did where it is why a download failed; empty where it is not.

    :param output: what apt, curl or the engine printed.
    """
    if not lab.proxy:
        return NOTHING
    proxy = lab.proxy.shown
    if re.search(r"\b407\b|Proxy Authentication Required", output):
        if lab.proxy.has_password:
            return _("the proxy %(proxy)s of lab.yml does not accept the name and password in its URL", proxy=proxy)
        return _("the proxy %(proxy)s of lab.yml wants a name and password", proxy=proxy)
    if re.search(r"from proxy|CONNECT tunnel failed", output) or re.search(
        rf"\b40[35]\b.*\[IP: [^]]* ({'|'.join(_ports(lab))})\]", output
    ):
        return _("the proxy %(proxy)s of lab.yml refuses it", proxy=proxy)
    authorities = "|".join(map(re.escape, lab.proxy.authorities))
    hosts = "|".join(re.escape(authority.partition(":")[0]) for authority in lab.proxy.authorities)
    if re.search(
        rf"(onnect\w* to|dial tcp) ({authorities})|proxyconnect|resolve proxy|(esolving|lookup) '?({hosts})\b", output
    ):
        return _("the proxy %(proxy)s of lab.yml does not answer", proxy=proxy)
    return NOTHING


def _ports(lab: Lab) -> list[str]:
    return [authority.partition(":")[2] or "80" for authority in lab.proxy.authorities]


HINT = _("Correct the proxy in lab.yml, or have the proxy allow it.")
