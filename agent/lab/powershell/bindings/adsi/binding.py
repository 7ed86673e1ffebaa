"""Owns how an ADsPath finds its provider and its object."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.bindings.adsi.native import AdsObject
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

Bind = Callable[["Engine", str], AdsObject]
PROVIDERS: dict[str, Bind] = {}

_MISSING = tuple(map(hresult.signed, (hresult.NO_SUCH_OBJECT, hresult.PATH_NOT_FOUND, 0x800708AC)))
_REAL_ELSEWHERE = ("WinNT", "GC", "NDS", "NWCOMPAT")  # Windows has them, the lab has not


def bind(engine: Engine, path: str) -> AdsObject:
    """ADsOpenObject: find the provider by its case-sensitive name, then the object."""
    provider, separator, _ = path.partition("://")
    if provider in _REAL_ELSEWHERE:
        raise Refused(f"the ADSI provider {provider}:")
    if not separator or provider not in PROVIDERS:
        raise hresult.com_error(hresult.BAD_PATHNAME)
    return PROVIDERS[provider](engine, path)


def exists(engine: Engine, path: Any) -> bool:
    """[DirectoryEntry]::Exists: false only for "no such object"; every other failure is thrown."""
    try:
        bind(engine, engine.to_string(path))
    except ClrError as error:
        if error.hresult in _MISSING:
            return False
        raise
    return True
