"""Owns the methods of the IIS ADSI objects beyond IADs: data paths, attributes, backups, sites and pools.

[IIS 6.0 SDK, "IIS ADSI Objects" and the page of each method]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.bindings.adsi.iis import METHODS, IisObject
from agent.lab.powershell.bindings.refusal import as_com, is_administrator
from agent.lab.powershell.clr import ClrObject, prop
from agent.lab.world import schema
from agent.lab.world.backups import HIGHEST_VERSION, SAVE_FIRST

_ANY_PROPERTY, _INHERITABLE_ONLY = 0, 1  # IIS SDK, "GetDataPaths"
_INHERIT, _INSERT_PATH, _IS_INHERITED, _VOLATILE = 0x1, 0x40, 0x20, 0x10  # METADATA_* of iiscnfg.h
_UNSIGNED = 2**32


class PropertyAttribute(ClrObject):
    """What GetPropertyAttribObj gives: the attributes of one property at one key. [IISPropertyAttribute, ms524823]"""

    TYPE = "System.__ComObject"

    def __init__(self, entry: schema.PropertyAttributes, inherited: bool) -> None:
        """`inherited`: the value in force is set further up."""
        self.entry, self.inherited = entry, inherited

    @prop("PropName")
    def name(self) -> str:
        """The property."""
        return self.entry.name

    @prop("MetaId")
    def meta_id(self) -> int:
        """Its number in the metabase."""
        return self.entry.id

    @prop("AllAttributes")
    def all_attributes(self) -> int:
        """METADATA_* flags together."""
        flags = _INHERIT if self.entry.inheritable else 0
        flags |= _VOLATILE if self.entry.volatile else 0
        return flags | (_IS_INHERITED if self.inherited else 0)

    @prop("Inherit")
    def inherit(self) -> bool:
        """Whether keys below take the value."""
        return self.entry.inheritable

    @prop("IsInherit")
    def is_inherit(self) -> bool:
        """Whether the value comes from further up. domain 2.3"""
        return self.inherited

    @prop("PartialPath")
    def partial_path(self) -> bool:
        """Not used here."""
        return False

    @prop("Secure")
    def secure(self) -> bool:
        """Passwords only."""
        return False

    @prop("Reference")
    def reference(self) -> bool:
        """Not used here."""
        return False

    @prop("Volatile")
    def volatile(self) -> bool:
        """Whether the value lives in memory only."""
        return self.entry.volatile

    @prop("InsertPath")
    def insert_path(self) -> bool:
        """Not used here."""
        return False


def data_paths(at: IisObject) -> Callable[..., Any]:
    """GetDataPaths(name, 0 any | 1 inheritable only): the keys at or below that hold their own value."""

    def call(name: Any, kind: Any) -> list[str]:
        entry = _entry(str(name))
        if int(kind) not in (_ANY_PROPERTY, _INHERITABLE_ONLY):
            raise hresult.com_error(hresult.INVALID_PARAMETER)
        if int(kind) == _INHERITABLE_ONLY and not entry.inheritable:
            raise hresult.com_error(hresult.DATA_NOT_FOUND, "Exception from HRESULT: 0x800CC801")
        with as_com():
            return [at.full_path(path) for path in at.metabase.data_paths(entry.name, at.key)]

    return call


def attribute_object(at: IisObject) -> Callable[..., Any]:
    """GetPropertyAttribObj(name); an error where no key on the way up sets it, as adsutil.vbs expects."""

    def call(name: Any) -> PropertyAttribute:
        entry = _entry(at.canonical(str(name)))
        with as_com():
            if at.metabase.holder(at.key, entry.name) is None:
                raise hresult.com_error(hresult.DATA_NOT_FOUND, "Exception from HRESULT: 0x800CC801")
            return PropertyAttribute(entry, at.metabase.is_inherited(at.key, entry.name))

    return call


def _entry(name: str) -> schema.PropertyAttributes:
    if not schema.knows(name):
        raise hresult.com_error(hresult.PROPERTY_NOT_SUPPORTED)
    return schema.attributes(name)


def _save(at: IisObject) -> Callable[..., Any]:
    """SaveData: memory to disk now. domain 2.5"""

    def call() -> None:
        with as_com():
            at.metabase.save()

    return call


def _backup(at: IisObject) -> Callable[..., Any]:
    """Backup(location, version, flags); without flags the metabase is saved first. [ms525753, aa711269]"""

    def call(location: Any, version: Any, flags: Any) -> None:
        if not at.metabase.loaded:
            raise hresult.com_error(hresult.RPC_UNAVAILABLE)
        with as_com():
            at.engine.machine.backups.create(
                str(location) or "MDBackUp", int(version) % _UNSIGNED, int(flags) or SAVE_FIRST
            )

    return call


def _delete_backup(at: IisObject) -> Callable[..., Any]:
    def call(location: Any, version: Any = HIGHEST_VERSION) -> None:
        _administrators_only(at)
        with as_com():
            at.engine.machine.backups.delete(str(location) or "MDBackUp", int(version) % _UNSIGNED)

    return call


def _enumerate_backups(at: IisObject) -> Callable[..., Any]:
    """EnumBackups(location, index, ...): the out parameters do not come back through DirectoryEntry.Invoke.

    .NET passes them by value to a late-bound COM method; a script learns only whether there is one at the index.
    """

    def call(location: Any, index: Any, *_out: Any) -> None:
        _administrators_only(at)
        with as_com():
            kept = at.engine.machine.backups.list()
        found = [each for each in kept if not location or each.location.lower() == str(location).lower()]
        if int(index) >= len(found):
            raise hresult.com_error(hresult.NO_MORE_ITEMS)

    return call


def _restore(at: IisObject) -> Callable[..., Any]:
    def call(location: Any, version: Any = HIGHEST_VERSION, _flags: Any = 0) -> None:
        _administrators_only(at)
        with as_com():
            at.engine.machine.backups.restore(
                str(location) or "MDBackUp", int(version) % _UNSIGNED, woken=at.engine.process.killed.is_set
            )
        at.engine.check()

    return call


def _administrators_only(at: IisObject) -> None:
    if not is_administrator(at.engine):
        raise hresult.com_error(hresult.ACCESS_DENIED)


def _site(act: str) -> Callable[[IisObject], Callable[..., Any]]:
    return _own(lambda at: getattr(at.engine.machine.iis, act)(at.name))


def _own(act: Callable[[IisObject], None]) -> Callable[[IisObject], Callable[..., Any]]:
    def make(at: IisObject) -> Callable[..., Any]:
        def call() -> None:
            _administrators_only(at)
            with as_com():
                act(at)

        return call

    return make


def _state(name: str) -> Callable[[IisObject], Callable[..., Any]]:
    def make(at: IisObject) -> Callable[..., Any]:
        def call() -> int:
            with as_com():
                return int(at.engine.convert(at.metabase.get(at.key, name), "System.Int32"))

        return call

    return make


METHODS[""] = {"GetDataPaths": data_paths, "GetPropertyAttribObj": attribute_object}
METHODS["IIsComputer"] = {
    "SaveData": _save,
    "Backup": _backup,
    "DeleteBackup": _delete_backup,
    "EnumBackups": _enumerate_backups,
    "Restore": _restore,
}
METHODS["IIsWebServer"] = {"Start": _site("start_site"), "Stop": _site("stop_site"), "Status": _state("ServerState")}
METHODS["IIsApplicationPool"] = {
    "Start": _site("start_pool"),
    "Stop": _site("stop_pool"),
    "Recycle": _site("recycle"),
}
