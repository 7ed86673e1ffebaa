"""Owns playbooks: `playbooks/<id>/playbook.yaml` and its .ps1 files become one frozen Playbook, or a PlaybookError."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from agent import released
from agent.errors import PlaybookError
from agent.model import Effect, Role, Script

DEFAULT = "eas-require-ssl"
"""The cure that easfix exists for."""

REFUSAL = "refused:"
"""An error of a script that begins so says that the script found a reason not to act, and certainly changed nothing."""

SUMS = "SHA256SUMS"
"""Beside the scripts: the SHA-256 of each as it was released, in the format of sha256sum.

Anybody can make such a file, so it vouches for a script only where it is the one that `released` knows.
"""

_PAGE = "playbook.yaml"
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
    where: str


class Checked(Mapping[str, Script]):
    """Scripts by their id, each checked to be PowerShell 2.0 and honest about its effect before it is given away.

    `released` are those known to have been checked already. Checking takes longer than reading, and who only looks at
    servers sends one script of many. For many threads.
    """

    def __init__(self, entries: Mapping[str, Entry], released: Collection[str] = ()) -> None:
        self._entries = entries
        self._fit = {name: entries[name].script for name in released}
        self._lock = Lock()

    def __getitem__(self, name: str) -> Script:
        """The script; PlaybookError with every objection to it, KeyError where there is none of this id."""
        with self._lock:
            if name not in self._fit:
                entry = self._entries[name]
                _check(entry)
                self._fit[name] = entry.script
            return self._fit[name]

    def __iter__(self) -> Iterator[str]:
        """The ids, in the order of the playbook."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)


@dataclass(frozen=True, slots=True)
class Playbook:
    """A cure: its scripts by id. Nobody gets one that is not checked."""

    id: str
    title: str
    summary: str
    entries: Mapping[str, Entry]
    one_by_one: Checked
    """The scripts for those who need few: the others are not checked. Who changes a server takes `scripts`."""
    altered: str = ""
    """Which scripts are not as they were released, in a sentence without its full stop; empty where all are."""

    def script(self, name: str) -> Script:
        """The script of this id. PlaybookError where there is none, or where it must not be sent."""
        try:
            return self.one_by_one[name]
        except KeyError:
            raise PlaybookError(f"playbook {self.id} has no script named {name}", where=self.id) from None

    @property
    def scripts(self) -> dict[str, Script]:
        """Every script by its id. PlaybookError where one of them must not be sent."""
        return dict(self.one_by_one)

    @property
    def hashes(self) -> tuple[tuple[str, str], ...]:
        """(id, SHA-256) of every script, sorted: what a plan holds on to. PlaybookError as for `scripts`."""
        return tuple(sorted((name, script.sha256) for name, script in self.scripts.items()))


def load(name: str = DEFAULT, home: Path | None = None) -> Playbook:
    """The playbook of this name, from `home` or from where easfix is installed, with every script checked."""
    found = _open(name, home, trusts_release=False)
    _ = found.scripts
    return found


def read(name: str = DEFAULT, home: Path | None = None) -> Playbook:
    """The same, but a script is checked when it is first asked for, and not again where it is as it was released.

    A release is made of scripts that are checked: `sums`. One that somebody has edited since is checked here.
    """
    return _open(name, home, trusts_release=True)


def sums(name: str = DEFAULT, home: Path | None = None) -> str:
    """The text of SHA256SUMS for this playbook. PlaybookError where one of its scripts must not be sent."""
    found = load(name, home)
    hashes = {f"{word}.ps1": entry.script.sha256 for word, entry in found.entries.items()}
    hashes[_PAGE] = _sha256(_text(_folder(name, home).joinpath(_PAGE)))
    return "".join(f"{hashes[file]}  {file}\n" for file in sorted(hashes))


def seal(name: str = DEFAULT, home: Path | None = None) -> str:
    """The text of agent/released.py for this playbook. PlaybookError as for `sums`."""
    return f'''"""Owns which {SUMS} is the one of this release: its own SHA-256, as `make sums` wrote it."""

SUMS = "{_sha256(sums(name, home))}"
'''


def _open(name: str, home: Path | None, *, trusts_release: bool) -> Playbook:
    folder = _folder(name, home)
    source = folder.joinpath(_PAGE)
    if not source.is_file():
        raise PlaybookError(f"there is no playbook named {name}", where=str(folder), next_step=_install_hint())
    text = _text(source)
    page = _page(source, text, name)
    entries = {word: _entry(folder, word, line) for word, line in page.scripts.items()}
    known = _released(folder, text, entries)
    checked = Checked(entries, known if trusts_release else ())
    return Playbook(page.id, page.title, page.summary, MappingProxyType(entries), checked, _altered(entries, known))


def _folder(name: str, home: Path | None) -> Traversable:
    return (home if home is not None else shelf()).joinpath(name)


def _released(folder: Traversable, page: str, entries: Mapping[str, Entry]) -> frozenset[str]:
    """The scripts that are, byte for byte, as they were checked at the release, and the page that declares them too."""
    source = folder.joinpath(SUMS)
    if not source.is_file():
        return frozenset()
    text = _text(source)
    if _sha256(text) != released.SUMS:
        return frozenset()
    lines = [line.split() for line in text.split("\n")]
    known = {line[1]: line[0] for line in lines if len(line) == 2}
    if known.get(_PAGE) != _sha256(page):
        return frozenset()
    return frozenset(name for name, entry in entries.items() if known.get(f"{name}.ps1") == entry.script.sha256)


def _altered(entries: Collection[str], known: Collection[str]) -> str:
    if not known:
        return f"no script is known to be as it was released: {SUMS} or {_PAGE} is missing, or was written anew"
    others = sorted(set(entries) - set(known))
    return f"not as released: {', '.join(f'{name}.ps1' for name in others)}" if others else ""


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


def _page(source: Traversable, text: str, name: str) -> _Page:
    try:
        page = _Page.model_validate(yaml.load(text, _LOADER))
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
    undo = Undo(line.undo.script, line.undo.none) if line.undo else None
    script = Script(name, text, line.effect, _sha256(text), line.timeout)
    runs_on = None if line.runs_on == "either" else line.runs_on
    return Entry(script, line.purpose, runs_on, line.arguments, undo, str(source))


def _check(entry: Entry) -> None:
    """PlaybookError with every objection, so that they are mended in one go."""
    from agent.lint import lint, parameters  # a parser and its grammar, which most commands never need

    script, text = entry.script, entry.script.text
    found = [str(objection) for objection in lint(text, reads=script.effect is Effect.READ)]
    if not text.isascii():
        found.append("not plain ASCII, which a Server 2003 would read in its own code page")
    if parameters(text) != entry.arguments:
        found.append(f"takes {list(parameters(text))}, the playbook says {list(entry.arguments)}")
    if found:
        hint = f"Mend the script, or take the released one. {_install_hint()}"
        raise PlaybookError(f"{script.id}.ps1 must not be sent: {'; '.join(found)}", where=entry.where, next_step=hint)


def _text(source: Traversable) -> str:
    try:
        return source.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        message = f"{source.name} cannot be read: {why}"
        raise PlaybookError(message, where=str(source), next_step=_install_hint()) from error


def _sha256(text: str) -> str:
    """Of a text, which has one line ending everywhere: the hash of a plan is the same on every machine."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _install_hint() -> str:
    return "Install easfix again, or run it from a complete checkout."
