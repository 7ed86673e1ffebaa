"""Owns the Environment provider: `Env:`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.providers.paths import PROVIDERS, not_found
from agent.lab.powershell.clr import ClrObject, prop

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


class EnvironmentEntry(ClrObject):
    """One variable."""

    TYPE = "System.Collections.DictionaryEntry"

    def __init__(self, name: str, text: str) -> None:
        """Name and value."""
        self.key_text, self.text = name, text

    @prop("PSPath")
    def ps_path(self) -> str:
        """Provider and name."""
        return f"Microsoft.PowerShell.Core\\Environment::{self.key_text}"

    @prop("Name")
    def name(self) -> str:
        """The variable."""
        return self.key_text

    @prop("Key")
    def key(self) -> str:
        """The variable."""
        return self.key_text

    @prop("Value")
    def value(self) -> str:
        """Its text."""
        return self.text


class EnvironmentProvider:
    """Variables of the session's process."""

    name = "Environment"

    def exists(self, engine: Engine, path: str) -> bool:
        """Whether the variable is set; the drive itself exists."""
        name = _name(path)
        return not name or name in engine.environment

    def is_container(self, engine: Engine, path: str) -> bool:
        """Only the drive."""
        return not _name(path)

    def item(self, engine: Engine, path: str, text: str | None = None) -> Any:
        """The variable; of the drive, all of them."""
        name = _name(path)
        if not name:
            return [EnvironmentEntry(key, value) for key, value in sorted(engine.environment.items())]
        return EnvironmentEntry(name, engine.environment[name])

    def children(self, engine: Engine, path: str) -> list[str]:
        """All variables."""
        return [f"Env:{name}" for name in sorted(engine.environment)] if not _name(path) else []

    def create(self, engine: Engine, path: str, kind: str, value: Any, force: bool) -> Any:
        """Set a variable of this session."""
        engine.environment[_name(path)] = engine.to_string(value)
        return self.item(engine, path)

    def remove(self, engine: Engine, path: str) -> None:
        """Unset it."""
        if _name(path) not in engine.environment:
            raise not_found(path)
        del engine.environment[_name(path)]


def _name(path: str) -> str:
    return path.partition(":")[2].strip("\\").upper()


PROVIDERS["Environment"] = EnvironmentProvider()
