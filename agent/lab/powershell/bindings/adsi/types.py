"""Owns how a script names ADSI: [ADSI], [ADSISearcher], New-Object, the static Exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.adsi.binding import exists
from agent.lab.powershell.bindings.adsi.entry import DirectoryBase, DirectoryEntry
from agent.lab.powershell.bindings.adsi.searcher import DirectorySearcher
from agent.lab.powershell.clr import ClrType, register
from agent.lab.powershell.conversion import CASTS
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine


def _entry(engine: Engine, *arguments: Any) -> DirectoryEntry:
    if len(arguments) > 1:  # user name and password: a bind of its own, which the lab does not keep
        raise Refused("DirectoryEntry with credentials")
    return DirectoryEntry(engine, engine.to_string(arguments[0]) if arguments else "")


def _cast(engine: Engine, value: Any) -> DirectoryEntry:
    return _entry(engine, value)


def _find(engine: Engine, value: Any) -> DirectorySearcher:
    return DirectorySearcher(engine, value)


register(
    ClrType(
        "System.DirectoryServices.DirectoryEntry",
        bases=DirectoryBase.BASES,
        construct=_entry,
        static={"Exists": exists},
    ),
    "adsi",
)
register(
    ClrType("System.DirectoryServices.DirectorySearcher", bases=DirectorySearcher.BASES, construct=DirectorySearcher),
    "adsisearcher",
)
CASTS["System.DirectoryServices.DirectoryEntry"] = _cast
CASTS["System.DirectoryServices.DirectorySearcher"] = _find
