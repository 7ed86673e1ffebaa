"""The documentation cannot drift: commands, options, exit codes and states in it are those of the program."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from agent.cli.main import COMMANDS, cli
from agent.exits import MEANING
from agent.model import ServerState

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def commands(group: click.Group = cli, path: str = "easfix") -> Iterator[tuple[str, click.Command]]:
    """Every command with its whole name, groups included."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        yield f"{path} {name}", found
        if isinstance(found, click.Group):
            yield from commands(found, f"{path} {name}")


EVERY = dict(commands())


def examples(text: str) -> list[str]:
    """The command lines in a text that call easfix."""
    found = re.findall(r"^\s*(?:\$ )?(easfix [^\n#]*)", text, re.MULTILINE)
    return [line.strip() for line in found]


def refuse_unknown(line: str) -> None:
    """Fail where a command line uses a command or an option that does not exist."""
    for part in re.split(r"&&|\||>", line):
        words = shlex.split(part.strip())
        if words[:1] != ["easfix"]:
            continue
        names = [word for word in words[1:] if not word.startswith("-")]
        if "--config" in words:
            names.remove(words[words.index("--config") + 1])
        whole = " ".join(["easfix", *names[:2]])
        command = EVERY.get(whole) or EVERY.get(" ".join(["easfix", *names[:1]]))
        assert command is not None, f"{line!r}: there is no such command"
        known = {opt for each in (*command.params, *cli.params) for opt in (*each.opts, *each.secondary_opts)}
        known |= {"--help", "-h", "--version"}
        for word in words[1:]:
            option = word.partition("=")[0]
            assert not option.startswith("-") or option in known, f"{line!r}: there is no option {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_command_line_of_a_page_exists(page: Path) -> None:
    blocks = re.findall(r"```[a-z]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)

    for line in (each for block in blocks for each in examples(block)):
        refuse_unknown(line)


@pytest.mark.parametrize("name", EVERY)
def test_the_help_of_every_command_has_an_example_that_exists(name: str) -> None:
    text = EVERY[name].help or ""
    shown = examples(text)

    assert shown, f"{name} --help shows no example"
    for line in shown:
        refuse_unknown(line)


@pytest.mark.parametrize("name", EVERY)
def test_every_option_says_what_it_is_for(name: str) -> None:
    for option in EVERY[name].params:
        if isinstance(option, click.Option):
            assert option.help, f"{name} {option.opts[0]} has no help"


def test_the_readme_lists_every_command() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Commands")[1].split("##")[0]

    assert [name for name in COMMANDS if f"easfix {name}" not in table] == []


def test_the_readme_has_the_exit_codes_of_the_program() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Exit codes")[1].split("##")[0]
    rows = dict(re.findall(r"^\| (\d+) \| (.+) \|$", table, re.MULTILINE))

    assert rows == {str(int(code)): meaning for code, meaning in MEANING.items()}


def test_the_readme_has_every_state() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## States")[1].split("##")[0]

    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == {str(state) for state in ServerState}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("name", EVERY)
def test_no_example_goes_on_only_after_a_plan_that_has_nothing_to_do(name: str) -> None:
    """`plan` ends with 2 where changes are pending, so what stands behind && would never run."""
    assert not re.search(r"easfix plan[^\n]*&&", EVERY[name].help or "")
