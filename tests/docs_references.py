"""Write the references of commands and of lab.yml, in both languages: ``python -m tests.docs_references``.

``docs/commands.md`` is made of the command line's declarations, ``docs/lab-yml.md`` of the JSON Schema of lab.yml. The
Korean pages take their texts from the catalogue. A test compares the pages with what this writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from labgen import config
from labgen.cli import click_messages, root
from labgen.cli.declare import LANGUAGE_OPTION
from labgen.cli.language import spoken
from labgen.cli.root import VERBOSE_OPTION
from labgen.core.i18n import Language, _
from tests.docs_tables import table

PROJECT = Path(__file__).parents[1]
FOLDERS: Mapping[Language, str] = {"en": "docs", "ko": "docs/ko"}

Say = Callable[[str, str], str]
"""Chooses between an English text and a Korean one."""


def say(language: Language) -> Say:
    """Give what chooses the texts of a language."""
    return lambda english, korean: korean if language == "ko" else english


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Have the command line speak a language."""
    with spoken(language):
        click_messages.translate()
        yield


def commands(language: Language) -> str:
    """Lay out the reference of commands."""
    choose = say(language)
    with speaking(language):
        context = click.Context(root.program, info_name=root.PROGRAM, **root.program.context_settings)
        sections = [_command(root.program, context, choose)]
        for name in root.SUMMARIES:
            command = root.program.get_command(context, name)
            assert command is not None
            inner = click.Context(command, info_name=name, parent=context)
            sections.append(_command(command, inner, choose))
            if isinstance(command, click.Group):
                for action, below in sorted(command.commands.items()):
                    sections.append(_command(below, click.Context(below, info_name=action, parent=inner), choose))
    introduction = choose(
        "`make references` writes this page from the command line itself. `labgen COMMAND --help` prints the same.",
        "`make references`가 명령줄 자체에서 만든 문서입니다. `labgen COMMAND --help`도 같은 내용을 출력합니다.",
    )
    return "\n".join([f"# {choose('Commands', '명령')}\n", f"{introduction}\n", *sections])


def _command(command: click.Command, context: click.Context, choose: Say) -> str:
    """Lay out one command: what it does, how it is typed, its arguments and options."""
    path = context.command_path
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"{'##' if path.count(' ') < 2 else '###'} {path}", "", _sentence(command.help or ""), ""]
    lines += ["```", usage, "```", ""]
    shared = () if command is root.program else (VERBOSE_OPTION, LANGUAGE_OPTION)
    for parameter in command.get_params(context):
        is_help = isinstance(parameter, click.Option) and "--help" in parameter.opts
        if parameter not in shared and not (is_help and shared):
            lines.append(_parameter(parameter, context))
    if lines[-1]:
        lines.append("")
    if shared and not isinstance(command, click.Group):
        lines += [choose("Also: `--verbose`, `--lang`, `--help`.", "그 밖에: `--verbose`, `--lang`, `--help`."), ""]
    if command.epilog and shared:
        lines += ["```", command.epilog.removeprefix("\b\n").rstrip("\n"), "```", ""]
    return "\n".join(lines)


def _parameter(parameter: click.Parameter, context: click.Context) -> str:
    """Lay out an argument or an option as an item of a list."""
    if isinstance(parameter, click.Option):
        record = parameter.get_help_record(context)
        assert record is not None
        names, text = record
    else:
        names, text = parameter.make_metavar(context), str(getattr(parameter, "help", "") or "")
    return f"- `{names}`" + (f": {text}" if text else "")


def _sentence(text: str) -> str:
    """Write a text as a sentence."""
    text = " ".join(text.split())
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith(".") else ".") if text else ""


SECTIONS: Mapping[str, str] = {
    "nodes": "NodeEntry",
    "box": "BoxEntry",
    "engine": "EngineEntry",
    "registry": "RegistryEntry",
    "proxy": "ProxyEntry",
    "addresses": "AddressesEntry",
    "ports": "PortEntry",
}
"""Keys of lab.yml whose values have keys of their own, and their names in the schema."""


def lab_yml(language: Language) -> str:
    """Lay out the reference of lab.yml."""
    choose = say(language)
    schema = config.schema()
    introduction = choose(
        "`make references` writes this page from the schema, which `labgen schema` prints for editors. You may leave\n"
        "out every key: without any, you get the course's lab.",
        "`make references`가 스키마에서 만든 문서입니다. `labgen schema`는 편집기용으로 이 스키마를 출력합니다.\n"
        "어느 키든 뺄 수 있습니다. 모두 빼면 교재와 같은 실습 환경이 됩니다.",
    )
    parts = ["# lab.yml\n", f"{introduction}\n", f"## {choose('The keys', '키')}\n", _keys(schema, language)]
    for key, definition in SECTIONS.items():
        parts += [f"## {key}\n", _keys(schema["$defs"][definition], language)]
    return "\n".join(parts)


def _keys(definition: Mapping[str, Any], language: Language) -> str:
    """Lay out the keys of one part of the schema as a table."""
    choose = say(language)
    required = definition.get("required", ())
    rows = []
    for key, entry in definition["properties"].items():
        default = choose("required", "필수") if key in required else _default(entry)
        rows.append([f"`{key}`", _values(key, entry, choose), default, _description(entry, language)])
    return table(
        [choose("key", "키"), choose("value", "값"), choose("default", "기본값"), choose("meaning", "뜻")], rows
    )


def _description(entry: Mapping[str, Any], language: Language) -> str:
    """Give what the schema says of a key, or of the first form of its value."""
    (description, *_rest) = (part["description"] for part in (entry, *entry.get("anyOf", ())) if "description" in part)
    return _(description).in_(language)


def _default(entry: Mapping[str, Any]) -> str:
    """Give the default of a key; empty if it has none, or keys of its own."""
    value = entry.get("default")
    return "" if value is None or isinstance(value, dict) else f"`{value}`"


def _values(key: str, entry: Mapping[str, Any], choose: Say) -> str:
    """Say which values a key takes."""
    if key in SECTIONS:
        return choose(f"[{key}](#{key}), below", f"아래 [{key}](#{key})")
    shapes = [shape for shape in entry.get("anyOf", [entry]) if shape.get("type") != "null"]
    return choose(" or ", " 또는 ").join(_shape(shape, choose) for shape in shapes)


def _shape(shape: Mapping[str, Any], choose: Say) -> str:
    """Say what one form of a value is."""
    if "enum" in shape or "const" in shape:
        return ", ".join(f"`{value}`" for value in shape.get("enum", [shape.get("const")]))
    if shape.get("format") == "ipv4network":
        return choose("subnet", "서브넷")
    if shape.get("format") == "ipv4":
        return choose("address", "주소")
    if shape.get("type") == "integer":
        return choose("number", "수") + f" {shape['minimum']}–{shape['maximum']}"
    if shape.get("type") == "array":
        return choose("list", "목록")
    return choose("text", "문자열")


PAGES: Mapping[str, Callable[[Language], str]] = {"commands.md": commands, "lab-yml.md": lab_yml}
"""What makes each page."""


def main() -> None:
    """Write every page in every language."""
    for language, folder in FOLDERS.items():
        for name, make in PAGES.items():
            (PROJECT / folder / name).write_text(make(language), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
