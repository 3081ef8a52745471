"""The documentation holds what is there: links, commands, options."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.core import TyperCommand
from typer.main import get_command

from notekin import cli

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
GROUPS: dict[str, Any] = get_command(cli.app).commands  # type: ignore[attr-defined]  # a group
COMMANDS: dict[str, TyperCommand] = {
    f"{name} {inner}".strip(): command
    for name, one in GROUPS.items()
    for inner, command in getattr(one, "commands", {"": one}).items()
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_every_path_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    rooms = "docs|indexer|search|storage|notekin|tests|benchmarks"
    named = re.findall(rf"`((?:{rooms})/[\w./-]+)`", text)
    named += re.findall(r"\b(docs/[\w/-]+\.md)\b", text)
    missing += [path for path in named if not (ROOT / path).exists()]
    assert missing == []


def test_every_page_and_file_that_the_code_names_is_there() -> None:
    rooms = "docs|indexer|search|storage|notekin|tests|benchmarks"
    files = [path for room in rooms.split("|") for path in (ROOT / room).rglob("*.py")]
    named = re.compile(rf"\b((?:{rooms})/[\w./-]+\.(?:md|py|txt|yaml))\b")
    missing = {
        path
        for file in files
        for path in named.findall(file.read_text())
        if not (ROOT / path).exists()
    }
    assert missing == set()


@pytest.mark.parametrize("page", ["README.md", "docs/commands.md"])
def test_every_command_is_in_the_docs(page: str) -> None:
    text = (ROOT / page).read_text()
    named = {name for name in COMMANDS if f"notekin {name}" in text}
    for group, inner in re.findall(r"`notekin (\w+) \.\.\.` \|(.*)\|", text):
        named |= {f"{group} {name}" for name in re.findall(r"`(\w+)`", inner)}
    assert sorted(COMMANDS.keys() - named) == []


def test_every_option_of_every_command_is_in_the_docs() -> None:
    text = (ROOT / "docs/commands.md").read_text()
    options = {name for command in COMMANDS.values() for one in command.params for name in one.opts}
    assert [name for name in options if name.startswith("-") and name not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_that_a_page_shows_exists(page: Path) -> None:
    for line in re.findall(r"^(?:\$ )?(?:\.venv/bin/)?(notekin .*)$", page.read_text(), re.M):
        words = shlex.split(re.sub(r"[\[\]]|#.*|\.\.\.", " ", line))
        name = " ".join(words[1:3]) if words[1] not in COMMANDS else words[1]
        if name not in COMMANDS:
            assert words[1].startswith("-"), line
            continue
        options = {name for option in COMMANDS[name].params for name in option.opts}
        assert {word for word in words[2:] if word.startswith("-")} <= options | {"--help"}, line


def test_every_public_name_is_there() -> None:
    import notekin

    assert all(getattr(notekin, name) is not None for name in notekin.__all__)
    assert set(notekin.__all__) <= set(dir(notekin))
