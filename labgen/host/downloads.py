"""What has to be fetched: the box, and the images of the exercises. Is it here, or can it be had?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from labgen.core.atomic_files import expanded
from labgen.core.i18n import NOTHING, Text, _, sentences
from labgen.host import debian
from labgen.host.computer import Host
from labgen.host.daemon_status import DaemonStatus
from labgen.host.findings import Finding, Level
from labgen.model.lab import Box, CloudImageSource, Lab
from labgen.model.provider import BUILT_BOX, ProviderFacts

DOCKER_HUB = ("registry-1.docker.io", 443)
REGISTRY = "https://vagrantcloud.com"
"""Where Vagrant looks boxes up, unless VAGRANT_SERVER_URL says otherwise."""


def vagrant_home(host: Host) -> Path:
    """Find the folder where Vagrant keeps boxes.

    :raises HostError: ``VAGRANT_HOME`` begins with the home folder of no user.
    """
    set_by_hand = host.env("VAGRANT_HOME")
    return expanded(set_by_hand) if set_by_hand else host.home() / ".vagrant.d"


def on_disk(lab: Lab, host: Host, provider: ProviderFacts) -> str | None:
    """Find the version of the box that Vagrant has for this provider, or ``None``."""
    box = provider.box_for(lab)
    # Vagrant's own spelling of names that a file system would not take (box_collection.rb).
    folder = box.name.replace(":", "-VAGRANTCOLON-").replace("/", "-VAGRANTSLASH-")
    top = vagrant_home(host) / "boxes" / folder
    for version in sorted(host.names(top), key=_in_order, reverse=True):
        if not _suits(box, version):
            continue
        inside = host.names(top / version)
        # Since 2.4.0 there is a folder for the architecture in between.
        if provider.name in inside or any(provider.name in host.names(top / version / between) for between in inside):
            return version
    return None


def _in_order(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


def _suits(box: Box, version: str) -> bool:
    if not version[:1].isdigit():
        return False
    constraint = (box.version or "").removeprefix("=").strip()
    # A range such as "~> 1.2" is for Vagrant to judge.
    return not constraint or not constraint[0].isdigit() or constraint == version


def box(lab: Lab, host: Host, provider: ProviderFacts) -> Iterator[Finding]:
    """Check the box: that it is here, or can be downloaded."""
    image = provider.box_for(lab)
    name = image.name + (f" {image.version}" if image.version else "")
    here = on_disk(lab, host, provider)
    if here is not None:
        yield _box(provider, "ok", _("%(box)s is here.", box=f"{image.name} {here}".removesuffix(" 0")))
    elif image.image:
        yield _of_cloud_image(image, image.image, host, provider)
    elif image.url:
        yield _from_url(image.url, name, image.checksum, host, provider)
    elif image.name == BUILT_BOX:
        yield _built(name, host, provider)
    else:
        yield _from_registry(image.name, name, host, provider)


_MAKE = _(
    "Let labgen make the box from a cloud image. In lab.yml:\n"
    "box: {image: debian-13}\n"
    "Or copy the .box file here and set box.url to it."
)
_CHECK_NETWORK = _("Or check the network (HTTPS_PROXY, if there is a proxy).")


def _from_registry(box: str, name: str, host: Host, provider: ProviderFacts) -> Finding:
    server = (host.env("VAGRANT_SERVER_URL") or REGISTRY).rstrip("/")
    trouble = _trouble(host, f"{server}/{box}")
    if not trouble:
        return _box(
            provider, "ok", _("%(name)s can be fetched from %(hostname)s.", name=name, hostname=_split(server).hostname)
        )
    return _box(
        provider,
        "error",
        _(
            "%(name)s is not here, and %(hostname)s %(trouble)s.",
            name=name,
            hostname=_split(server).hostname,
            trouble=trouble,
        ),
        sentences(_MAKE, _CHECK_NETWORK) if trouble == _SILENT else _MAKE,
    )


def _of_cloud_image(box: Box, source: CloudImageSource, host: Host, provider: ProviderFacts) -> Finding:
    if host.cloud_box(source, provider.name):
        return _box(provider, "ok", _("%(box)s has been made.", box=box.name))
    troubles = {}
    for address in host.cloud_image_addresses(source):
        where = _split(address)
        if where.scheme not in ("http", "https"):
            continue  # a file, which is looked for when the box is made
        troubles[where.hostname] = _trouble(host, address)
        if not troubles[where.hostname]:
            return _box(
                provider,
                "ok",
                _(
                    "%(box)s is not made yet; labgen up makes it of a cloud image from %(hostname)s (once).",
                    box=box.name,
                    hostname=where.hostname,
                ),
            )
    listed = sentences(
        *(_("%(hostname)s %(trouble)s", hostname=hostname, trouble=trouble) for hostname, trouble in troubles.items()),
        separator=", ",
    )
    removed = troubles and all(trouble.msgid == _GONE for trouble in troubles.values())
    if removed and not source.checksum:
        return _box(
            provider,
            "warning",
            _("%(box)s is not made yet, and %(listed)s.", box=box.name, listed=listed),
            _(
                "labgen up then takes the distribution's newest image. Or take the image from another "
                "computer: labgen box make --image FILE"
            ),
        )
    return _box(
        provider,
        "error" if troubles else "ok",
        _("%(box)s is not made yet, and %(listed)s.", box=box.name, listed=listed)
        if troubles
        else _("%(box)s is not made yet; labgen up makes it.", box=box.name),
        _(
            "Check the network (HTTPS_PROXY, if there is a proxy). Or take the image from another "
            "computer: labgen box make --image FILE"
        )
        if troubles
        else NOTHING,
    )


_SILENT = _("does not answer")
_GONE = _("answers %(status)s: it no longer has the file").msgid


def _trouble(host: Host, url: str) -> Text:
    """Say why a file cannot be fetched: ``answers 404: it has no such file``; empty if it can."""
    if not _reaches(host, url):
        return _SILENT
    status = host.http_status(url)
    if status is None:
        return _SILENT
    if status in (404, 410):
        return _(_GONE, status=status)
    # A server may refuse to be asked without being given the file's content.
    return _("answers %(status)s", status=status) if status >= 400 and status != 405 else NOTHING


def _from_url(url: str, name: str, checksum: str | None, host: Host, provider: ProviderFacts) -> Finding:
    parts = _split(url)
    if parts.scheme in ("http", "https"):
        trouble = _trouble(host, url)
        if not trouble:
            return _box(
                provider, "ok", _("%(name)s can be fetched from %(hostname)s.", name=name, hostname=parts.hostname)
            )
        return _box(
            provider,
            "error",
            _(
                "%(name)s is not here, and %(hostname)s (box.url) %(trouble)s.",
                name=name,
                hostname=parts.hostname,
                trouble=trouble,
            ),
            _("Check box.url in lab.yml and the network."),
        )
    path = Path(re.sub(r"^/([A-Za-z]:)", r"\1", unquote(parts.path))) if parts.scheme == "file" else Path(url)
    path = host.home() / path.relative_to("~") if path.parts[:1] == ("~",) else host.folder() / path
    if host.exists(path):
        if checksum and path.suffix != ".json" and (actual := host.sha256(path)) != checksum:
            return _box(
                provider,
                "error",
                _(
                    "the checksum of %(path)s differs: it is %(value)s, and lab.yml has %(checksum)s.",
                    path=path,
                    value=actual or "unreadable",
                    checksum=checksum,
                ),
                _("Copy the file again. If it still differs, do not use it, ask who made it."),
            )
        return _box(provider, "ok", _("%(name)s is in %(path)s.", name=name, path=path))
    return _box(
        provider,
        "error",
        _("%(name)s is not here, and there is no file %(path)s (box.url).", name=name, path=path),
        _("Check box.url in lab.yml; a path counts from the lab's folder."),
    )


def _built(name: str, host: Host, provider: ProviderFacts) -> Finding:
    if host.built_box(provider.name):
        return _box(provider, "ok", _("%(name)s has been built.", name=name))
    if debian.release(host) is None:
        return _box(
            provider,
            "error",
            _("%(name)s has not been built, and only Debian and Ubuntu can build it.", name=name),
            _(
                "Containers need no box: labgen up --provider docker\n"
                "Or build it on Debian or Ubuntu (labgen box build), copy the .box file here, and name "
                "it in lab.yml:\n"
                "box: {name: %(built_box)s, url: FILE}\n"
                "Or have labgen make one of a cloud image, on any computer, in lab.yml:\n"
                "box: {image: debian-13}",
                built_box=BUILT_BOX,
            ),
        )
    if not host.is_root():
        return _box(
            provider,
            "warning",
            _("%(name)s has not been built yet, which takes root.", name=name),
            _("sudo labgen box build"),
        )
    return _box(provider, "ok", _("%(name)s has not been built yet; labgen up builds it.", name=name))


def images(
    lab: Lab, host: Host, provider: ProviderFacts, daemon: Callable[[Host], DaemonStatus] | None = None
) -> Iterator[Finding]:
    """Check that the nodes can pull the images of the exercises.

    :param daemon: how the provider's daemon can be had; one of the lab's own is in a network without a way out.
    """
    box = provider.box_for(lab)
    if lab.registry_mirror:
        where = _split(lab.registry_mirror)
        if _knock(host, lab.registry_mirror):
            yield _images(provider, "ok", _("the mirror %(netloc)s answers.", netloc=where.netloc))
        else:
            yield _images(
                provider,
                "warning",
                _("the mirror %(netloc)s does not answer from here.", netloc=where.netloc),
                _("Check registry.mirror in lab.yml, and that the mirror runs; the nodes have to reach it."),
            )
    elif box.name == BUILT_BOX:
        yield _images(provider, "ok", _("in the box."))
    elif provider.from_image:
        yield _images(provider, "ok", _("in the image of the nodes."))
    elif daemon is not None and daemon(host).state == "own":
        yield _images(
            provider,
            "warning",
            _("the lab's own network has no way out, so the nodes cannot pull any."),
            _("Leave `box` out of lab.yml: %(built_box)s has them in it.", built_box=BUILT_BOX),
        )
    elif host.reaches(*DOCKER_HUB):
        yield _images(provider, "ok", _("Docker Hub answers."))
    else:
        yield _images(
            provider,
            "warning",
            _("Docker Hub does not answer from here, and the nodes pull from it."),
            _(
                "Check the network; or set registry.mirror in lab.yml; or box to {name: "
                "%(built_box)s}, which has them in it.",
                built_box=BUILT_BOX,
            ),
        )


def _reaches(host: Host, url: str) -> bool:
    """Tell whether Vagrant will reach a URL: through the proxy where one is set, as Vagrant does."""
    scheme = _split(url).scheme
    proxy = host.env(f"{scheme}_proxy") or host.env(f"{scheme.upper()}_PROXY")
    return _knock(host, proxy if "://" in proxy else f"http://{proxy}") if proxy else _knock(host, url)


def _knock(host: Host, url: str) -> bool:
    parts = _split(url)
    return parts.hostname is not None and host.reaches(
        parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    )


def _split(url: str) -> SplitResult:
    """Give the parts of a URL; of a wrong one, none but the path."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # is only looked at when it is asked for
    except ValueError:
        return SplitResult("", "", url, "", "")
    return parts


def _box(provider: ProviderFacts, level: Level, message: Text, fix: Text = NOTHING) -> Finding:
    return Finding(f"{provider.name}.box", level, _("box"), message, fix, provider.name)


def _images(provider: ProviderFacts, level: Level, message: Text, fix: Text = NOTHING) -> Finding:
    return Finding(f"{provider.name}.images", level, _("images"), message, fix, provider.name)
