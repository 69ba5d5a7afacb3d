"""Making a kit: what is there already is not fetched again, and the same inputs give the same bytes."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import labgen
from labgen import config
from labgen.config.reading import text_of
from labgen.core.errors import HostError, LabFileError, UsageError
from labgen.core.i18n import LANGUAGES, _
from labgen.core.process import Runner
from labgen.core.progress import Progress
from labgen.kit import check, commands, manifest, nodes, own_wheel, page, programs, wheels
from labgen.kit.files import FAT32_LIMIT, digest, write_text
from labgen.kit.nodes import NodeFile
from labgen.kit.platforms import Platform, Target
from labgen.model.lab import Lab
from labgen.model.provider import BUILT_BOX
from labgen.providers import PROVIDERS

WHEELS = "wheels"
_ROOM = 10 << 30
"""Bytes that a lab of three nodes takes on a learner's disk, with a box and what grows in it."""

_OF_A_KIT = re.compile(
    r"(wheels/.+\.whl|boxes/(debian|ubuntu)-[\w.-]*[0-9a-f]{12}-[\w-]+\.box|images/debian-\w+-[0-9a-f]{12}-[\w-]+\.tar)"
    r"(\.part)?"
)
"""Names that make gives to files below the kit."""

_PURPOSES = {
    "check.py": "checks the kit; needs Python only",
    check.TRANSLATIONS: "translations of what check.py says",
    "lab.yml": "the lab; goes into the lab's folder",
    **dict.fromkeys(page.FILES.values(), "start page"),
}


@dataclass(frozen=True)
class Kit:
    """A kit that is to be made.

    :param providers: that nodes are carried for; that of each platform if empty.
    :param with_nodes: whether boxes and node images are carried.
    :param wheel: labgen's wheel, where it is not to be built.
    :param lab: the lab file that the kit carries; that of `labgen init` if ``None``.
    """

    folder: Path
    platforms: Sequence[Platform]
    pythons: Sequence[str]
    providers: Sequence[str] = ()
    with_nodes: bool = True
    wheel: Path | None = None
    lab: Path | None = None
    _digests: dict[Path, str] = field(default_factory=dict)

    @property
    def targets(self) -> list[Target]:
        """Each platform with each Python."""
        return [Target(platform, python) for platform in self.platforms for python in self.pythons]

    def providers_of(self, platform: Platform) -> Sequence[str]:
        """Give the providers that a kit is for on a platform.

        :raises UsageError: it does not have those that were named.
        """
        return nodes.possible(platform, self.providers or (platform.provider,))

    def digest(self, path: Path) -> str:
        """Compute the SHA-256 of a file, once for as long as it is not written to."""
        status = path.stat()
        key = path.with_name(f"{path.name}:{status.st_size}:{status.st_mtime_ns}")
        if key not in self._digests:
            self._digests[key] = digest(path)
        return self._digests[key]


def make(kit: Kit, progress: Progress) -> list[manifest.File]:
    """Make a kit, and give its files.

    :raises UsageError: a platform does not have a provider, or the lab file takes no line with the box.
    :raises BoxError: a box or a node image is not there.
    :raises LabFileError: the lab file has mistakes.
    :raises HostError: the folder is something else, the network or the disk fails, or a platform lacks a wheel.
    """
    pairs = [(platform, provider) for platform in kit.platforms for provider in kit.providers_of(platform)]
    # Before anything is downloaded: what could not be finished.
    kinds = dict.fromkeys((provider, platform.arch) for platform, provider in pairs) if kit.with_nodes else {}
    lab = config.load(kit.lab)
    box = lab.box.name if lab.box else BUILT_BOX
    carried = [nodes.find(provider, arch, box) for provider, arch in kinds]
    lab_text = _lab_text(kit.lab, lab, carried)
    if kit.wheel:
        own_wheel.check(kit.wheel)
    purposes = _wheels(kit, progress)
    for entry in carried:
        nodes.put(entry, kit.folder, progress, kit.digest)
        purposes[entry.path] = f"{PROVIDERS[entry.provider].title}, {entry.arch}: {entry.name}"
    checksums = {entry.path: kit.digest(kit.folder / entry.path) for entry in carried}
    sections = [_section(kit, platform, provider, carried, checksums) for platform, provider in pairs]
    _texts(kit, sections, lab_text)
    _tidy(kit, {*purposes}, progress)
    files = [_file(kit, path, purpose) for path, purpose in {**purposes, **_PURPOSES}.items()]
    manifest.write(kit.folder, files, _about(kit, sections))
    for file in files:
        if file.size >= FAT32_LIMIT:
            progress.note(f"{file.path} is too large for a FAT32 stick (4 GiB): format it as exFAT.")
    for entry in carried:
        if lab.box and entry.is_box and entry.name != box:
            progress.note(
                f"lab.yml takes the box {box}: no lab takes {entry.name}, which the kit carries. Leave `box` out of "
                "lab.yml, or leave the box out of the kit: --without-nodes"
            )
        if entry.needs_network:
            progress.note(
                f"{entry.name} for {PROVIDERS[entry.provider].title} brings no engine: its nodes fetch it. A box that "
                f"needs no network: labgen box build --provider {entry.provider}, on Debian or Ubuntu."
            )
    return files


def _wheels(kit: Kit, progress: Progress) -> dict[str, str]:
    """Download the wheels of every target, and say what each is for."""
    lock = digest(wheels.LOCK)
    finished = manifest.begin(kit.folder, lock)
    manifest.go_on(kit.folder, lock, finished)
    folder = kit.folder / WHEELS
    with progress.step("Packing labgen"):
        own = own_wheel.put(folder, Runner(), kit.wheel)
    users: defaultdict[Path, list[str]] = defaultdict(list)
    for target in kit.targets:
        chosen = wheels.select(target, folder.glob("*.whl"), kit.digest)
        if target.name not in finished or wheels.lacking(target, chosen):
            with progress.step(f"Downloading the packages for {target}"):
                wheels.download(target, folder, Runner(), progress.detail, kit.digest)
            chosen = wheels.select(target, folder.glob("*.whl"), kit.digest)
        if lacking := wheels.lacking(target, chosen):
            raise HostError(f"pip has not brought {', '.join(lacking)} for {target}.", "Type the command again.")
        finished |= {target.name}
        manifest.go_on(kit.folder, lock, finished)
        for path in chosen.values():
            users[path].append(target.name)
    everywhere = len(kit.targets)
    used = {path: "all" if len(names) == everywhere else " ".join(names) for path, names in users.items()}
    return {f"{WHEELS}/{path.name}": purpose for path, purpose in {**used, own: "all"}.items()}


def _section(
    kit: Kit, platform: Platform, provider: str, carried: Sequence[NodeFile], checksums: Mapping[str, str]
) -> page.Section:
    own = [entry for entry in carried if (entry.provider, entry.arch) == (provider, platform.arch)]
    return page.Section(
        platform=platform,
        provider=provider,
        title=f"{platform.title}, {PROVIDERS[provider].title}",
        programs=programs.needed(platform, provider, kit.pythons),
        check=commands.check(platform),
        install=commands.install(platform),
        use=commands.use(platform, provider, own, checksums),
        nodes=own,
    )


def _texts(kit: Kit, sections: Sequence[page.Section], lab_text: str) -> None:
    """Write the start pages, lab.yml, and the program that checks the kit with its translations."""
    usual = programs.usual_python(kit.pythons)
    for language in LANGUAGES:
        text = page.render(language, sections, kit.pythons, usual, labgen.__version__)
        write_text(kit.folder / page.FILES[language], text)
    write_text(kit.folder / "check.py", Path(check.__file__).read_text(encoding="utf-8"))
    translations = json.dumps(korean(), indent=1, ensure_ascii=False, sort_keys=True)
    write_text(kit.folder / check.TRANSLATIONS, f"{translations}\n")
    write_text(kit.folder / "lab.yml", lab_text)


def _lab_text(path: Path | None, lab: Lab, carried: Sequence[NodeFile]) -> str:
    """Give the text of the kit's lab.yml: it takes the box of the kit where it names none.

    :param path: the teacher's; that of `labgen init` if ``None``.
    :param lab: what it describes.
    :raises UsageError: a line at its end is not read as part of it.
    """
    source = path or Path(labgen.__file__).parent / "skeleton" / "lab.yml"
    text = text_of(source, str(source)).rstrip("\n")
    lines = [] if lab.box else list(dict.fromkeys(line for entry in carried for line in entry.lab_lines()))
    if not lines:
        return f"{text}\n"
    if len(lines) > 1:  # of several providers, each of which takes its own where none is named
        lines = [f"# {line}" for line in lines]
    text_with_box = "\n".join([text, "", "# Of the kit: what `vagrant box add` has added.", *lines, ""])
    try:
        is_read = len(lines) > 1 or config.parse(text_with_box).box is not None
    except LabFileError:
        is_read = False
    if not is_read:
        raise UsageError(f"{source} takes no line at its end.", f"Write the box of the kit into it: {lines[0]}")
    return text_with_box


def korean() -> dict[str, str]:
    """Give the translations of what check.py says."""
    return {msgid: _.translation(msgid, "ko") for msgid in _msgids(Path(check.__file__).read_text(encoding="utf-8"))}


def _msgids(source: str) -> Iterator[str]:
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "_":
            text = call.args[0]
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value


def _tidy(kit: Kit, paths: set[str], progress: Progress) -> None:
    """Remove from the kit's own folders what a kit does not hold any more; what people have put there stays."""
    for name in check.OWN_FOLDERS:
        for path in sorted((kit.folder / name).glob("*")):
            place = f"{name}/{path.name}"
            if place in paths or check.of_the_system(path.name):
                continue
            if _OF_A_KIT.fullmatch(place) and (path.is_file() or path.is_symlink()):
                progress.note(f"Removing {place}: it is not of this kit.")
                path.unlink()
            elif name == WHEELS:
                progress.note(f"{place} is not of this kit, so that check.py calls the kit damaged: move it away.")
            else:
                progress.note(f"{place} is not of this kit, and stays there.")


def _file(kit: Kit, path: str, purpose: str) -> manifest.File:
    place = kit.folder / path
    return manifest.File(path, place.stat().st_size, kit.digest(place), purpose)


def _about(kit: Kit, sections: Sequence[page.Section]) -> dict[str, object]:
    return {
        "labgen": labgen.__version__,
        "lock": digest(wheels.LOCK),
        "targets": sorted(target.name for target in kit.targets),
        "pythons": list(kit.pythons),
        "platforms": {
            # Of several providers on a platform, the first; the start page has all.
            section.platform.name: {
                "provider": section.provider,
                "oldest": dict(section.platform.oldest),
                "room": _ROOM,
                "commands": {"install": list(section.install), "use": list(section.use)},
            }
            for section in reversed(sections)
        },
    }
