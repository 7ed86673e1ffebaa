"""Owns playbooks: `playbooks/<id>/playbook.yaml` and its .ps1 files become one frozen Playbook, or a PlaybookError."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent.errors import PlaybookError
from agent.lint import lint, parameters
from agent.model import Effect, Role, Script

DEFAULT = "eas-require-ssl"
"""The cure that easfix exists for."""

REFUSAL = "refused:"
"""An error of a script that begins so says that the script found a reason not to act, and certainly changed nothing."""

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
Sentence = Annotated[str, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Undo:
    """How a write is taken back: the id of the script that does, or the reason why there is none."""

    script: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One script of a playbook, what it is for, what it takes; `undo` is None for one that reads.

    `runs_on` is None where the script may be sent to either kind of server.
    """

    script: Script
    purpose: str
    runs_on: Role | None
    arguments: tuple[str, ...]
    undo: Undo | None


@dataclass(frozen=True, slots=True)
class Playbook:
    """A cure: its scripts by id, each checked to be PowerShell 2.0 and honest about its effect."""

    id: str
    title: str
    summary: str
    entries: Mapping[str, Entry]

    def script(self, name: str) -> Script:
        """The script of this id. PlaybookError where there is none."""
        try:
            return self.entries[name].script
        except KeyError:
            raise PlaybookError(f"playbook {self.id} has no script named {name}", where=self.id) from None

    @property
    def scripts(self) -> dict[str, Script]:
        """Every script by its id."""
        return {name: entry.script for name, entry in self.entries.items()}

    @property
    def hashes(self) -> tuple[tuple[str, str], ...]:
        """(id, SHA-256) of every script, sorted: what a plan holds on to."""
        return tuple(sorted((name, entry.script.sha256) for name, entry in self.entries.items()))


def load(name: str = DEFAULT, home: Path | None = None) -> Playbook:
    """The playbook of this name, from `home` or from where easfix is installed."""
    folder = (home if home is not None else shelf()).joinpath(name)
    if not folder.joinpath("playbook.yaml").is_file():
        raise PlaybookError(f"there is no playbook named {name}", where=str(folder), next_step=_install_hint())
    page = _page(folder, name)
    entries = {word: _entry(folder, word, line) for word, line in page.scripts.items()}
    return Playbook(page.id, page.title, page.summary, MappingProxyType(entries))


def shelf() -> Traversable:
    """Where the playbooks lie: inside the installed package, or beside it in a checkout."""
    package = resources.files("agent")
    installed = package.joinpath("_playbooks")
    return installed if installed.is_dir() else Path(str(package)).parent / "playbooks"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Undo(_Part):
    script: Word = ""
    none: str = ""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if bool(self.script) == bool(self.none):
            raise ValueError("say either `script`, or `none` with the reason")
        return self


class _Line(_Part):
    purpose: Sentence
    effect: Annotated[Effect, Field(strict=False)]
    runs_on: Annotated[Role, Field(strict=False)] | Literal["either"]
    timeout: Annotated[float, Field(gt=0, strict=False)]
    arguments: Annotated[tuple[str, ...], Field(strict=False)]
    undo: _Undo | None = None

    @model_validator(mode="after")
    def _undoes_a_write(self) -> Self:
        if (self.effect is Effect.WRITE) != (self.undo is not None):
            raise ValueError("a script that writes says its `undo`; one that reads has none")
        return self


class _Page(_Part):
    id: Word
    title: Sentence
    summary: Sentence
    scripts: Annotated[dict[Word, _Line], Field(min_length=1)]

    @model_validator(mode="after")
    def _knows_its_undos(self) -> Self:
        for name, line in self.scripts.items():
            other = line.undo.script if line.undo else ""
            if other and (other not in self.scripts or self.scripts[other].effect is not Effect.WRITE):
                raise ValueError(f"{name} is to be undone by {other}, which is not a script that writes")
        return self


def _page(folder: Traversable, name: str) -> _Page:
    source = folder.joinpath("playbook.yaml")
    try:
        page = _Page.model_validate(yaml.load(_text(source), _LOADER))
    except yaml.YAMLError as error:
        raise PlaybookError(f"{source} is not YAML: {error}", where=str(source)) from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise PlaybookError(f"{source}: {problems}", where=str(source)) from error
    if page.id != name:
        raise PlaybookError(f"{source} calls itself {page.id}", where=str(source))
    return page


def _entry(folder: Traversable, name: str, line: _Line) -> Entry:
    source = folder.joinpath(f"{name}.ps1")
    text = _text(source)
    _check(source, text, line)
    # The text has one line ending everywhere, so that the hash of a plan is the same on every machine.
    sha256 = hashlib.sha256(text.encode("ascii")).hexdigest()
    undo = Undo(line.undo.script, line.undo.none) if line.undo else None
    script = Script(name, text, line.effect, sha256, line.timeout)
    runs_on = None if line.runs_on == "either" else line.runs_on
    return Entry(script, line.purpose, runs_on, line.arguments, undo)


def _check(source: Traversable, text: str, line: _Line) -> None:
    """PlaybookError with every objection, so that they are mended in one go."""
    found = [str(objection) for objection in lint(text, reads=line.effect is Effect.READ)]
    if not text.isascii():
        found.append("not plain ASCII, which a Server 2003 would read in its own code page")
    if parameters(text) != line.arguments:
        found.append(f"takes {list(parameters(text))}, the playbook says {list(line.arguments)}")
    if found:
        raise PlaybookError(f"{source.name} must not be sent: {'; '.join(found)}", where=str(source))


def _text(source: Traversable) -> str:
    try:
        return source.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise PlaybookError(f"{source} cannot be read: {error}", where=str(source)) from error


def _install_hint() -> str:
    return "Install easfix again, or run it from a complete checkout."
