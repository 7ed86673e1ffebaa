"""Owns System.DirectoryServices.DirectoryEntry as PowerShell 2.0 shows it: the adapted view and `psbase`.

The adapter of 2.0 looks a member up as a directory property first, then as a member of DirectoryEntry; calls go to the
COM object first. [PowerShell/PowerShell, engine/adapters: DirectoryEntryAdapter]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.adsi.binding import bind
from agent.lab.powershell.bindings.adsi.native import AdsObject
from agent.lab.powershell.bindings.adsi.properties import PropertyCollection, PropertyValueCollection
from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember, method, prop, setter
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

_NOT_MADE = frozenset(("begininvoke", "copyto", "moveto", "rename"))


class DirectoryBase(ClrObject):
    """`$entry.psbase`: the members .NET gives a DirectoryEntry; binding waits for the first that needs it."""

    TYPE = "System.DirectoryServices.DirectoryEntry"
    BASES = ("System.ComponentModel.Component", "System.MarshalByRefObject")

    def __init__(self, engine: Engine, path: str = "", native: AdsObject | None = None) -> None:
        """`native` is given where the object is bound already or not yet created."""
        self.engine = engine
        self.path_text = path
        self.native = native
        self.just_created = False
        self.read: dict[str, PropertyValueCollection] = {}

    def bound(self) -> AdsObject:
        """The COM object; the COMException of the provider where it cannot be had."""
        if self.native is None:
            self.native = bind(self.engine, self.path_text or "LDAP://" + _default_context(self.engine))
        return self.native

    @prop("AuthenticationType")
    def authentication_type(self) -> str:
        """The default since .NET 2.0."""
        return "Secure"

    @prop("Children")
    def children(self) -> DirectoryEntries:
        """The container; it is read when enumerated."""
        return DirectoryEntries(self)

    @prop("Guid")
    def guid(self) -> str:
        """The object's or its class's identifier."""
        return self.native_guid().strip("{}").lower()

    @prop("Name")
    def name(self) -> str:
        """IADs::Name."""
        return self.bound().name

    @prop("NativeGuid")
    def native_guid(self) -> str:
        """IADs::GUID."""
        return self.bound().guid

    @prop("NativeObject")
    def native_object(self) -> AdsObject:
        """The COM object."""
        return self.bound()

    @prop("Parent")
    def parent(self) -> DirectoryEntry:
        """The container this object lies in."""
        return DirectoryEntry(self.engine, self.bound().parent_path)

    @prop("Password")
    def password(self) -> None:
        """Write-only."""

    @prop("Path")
    def path(self) -> str:
        """As it was given."""
        return self.path_text

    @setter("Path")
    def set_path(self, value: Any) -> None:
        """Point at another object; it is bound anew."""
        self.path_text, self.native, self.read = self.engine.to_string(value), None, {}

    @prop("Properties")
    def properties(self) -> PropertyCollection:
        """The properties; kept until RefreshCache or CommitChanges."""
        return PropertyCollection(self.bound, self.read)

    @prop("SchemaClassName")
    def schema_class_name(self) -> str:
        """IADs::Class."""
        return self.bound().class_name

    @prop("SchemaEntry")
    def schema_entry(self) -> DirectoryEntry:
        """The entry of the class."""
        return DirectoryEntry(self.engine, self.bound().schema_path)

    @prop("UsePropertyCache")
    def use_property_cache(self) -> bool:
        """Changes wait for CommitChanges."""
        return True

    @prop("Username")
    def user_name(self) -> None:
        """The process's own user."""

    @method("Close")
    def close(self) -> None:
        """Let go of the COM object; the next access binds again."""
        self.native, self.read = None, {}

    @method("Dispose")
    def dispose(self) -> None:
        """The same."""
        self.close()

    @method("CommitChanges")
    def commit_changes(self) -> None:
        """SetInfo, where there is something bound."""
        if self.native is not None:
            self.native.set_info()
            self.just_created, self.read = False, {}

    @method("RefreshCache")
    def refresh_cache(self, names: Any = None) -> None:
        """GetInfo; unsaved changes are lost."""
        del names  # RefreshCache(names) reads them all here: the world has no part that is slow to read
        self.bound().get_info()
        self.read = {}

    @method("DeleteTree")
    def delete_tree(self) -> None:
        """Delete the object and all below it."""
        native = self.bound()
        bind(self.engine, native.parent_path).delete_child(native.class_name, native.name)

    @method("Invoke")
    def invoke(self, name: Any, *arguments: Any) -> Any:
        """Call a COM method; a single array is the argument list, as `params object[]` takes it."""
        given = list(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], list) else list(arguments)
        return self.bound().invoke(self.engine.to_string(name), given)

    @method("InvokeGet")
    def invoke_get(self, name: Any) -> Any:
        """Read a COM property."""
        return self.bound().invoke_get(self.engine.to_string(name))

    @method("InvokeSet")
    def invoke_set(self, name: Any, *arguments: Any) -> None:
        """Write a COM property into the cache."""
        given = list(arguments[0]) if len(arguments) == 1 and isinstance(arguments[0], list) else list(arguments)
        self.bound().put(self.engine.to_string(name), given[0] if len(given) == 1 else given)

    def ps_call(self, name: str, arguments: Sequence[Any]) -> Any:
        """Members that exist in .NET and not here are refused by name."""
        if name.lower() in _NOT_MADE:
            raise Refused(f"DirectoryEntry.{name}")
        return super().ps_call(name, arguments)


class DirectoryEntry(DirectoryBase):
    """`[ADSI]$path`: members are directory properties and COM methods first, .NET members second."""

    def ps_get(self, name: str) -> Any:
        """The property's collection, IADs' own property, the .NET member; any other name is taken for a COM method."""
        if name.lower() == "psbase":
            return self.base()
        found = self._adapted(name)
        if found is not None:
            return found
        try:
            return super().ps_get(name)
        except MissingMember:
            if name.lower() == "psobject":
                raise
            return UnboundMethod(name)

    def base(self) -> DirectoryBase:
        """The view without the adapter, on the same entry."""
        return _BaseView(self)

    def ps_set(self, name: str, value: Any) -> None:
        """`$entry.Name = value`: Clear, then Add each; a property that lives only in COM is InvokeSet."""
        found = self._adapted(name)
        if isinstance(found, PropertyValueCollection):
            found.set_value(value)
        elif found is not None:
            self.bound().put(name, value)
        else:
            super().ps_set(name, value)

    def ps_call(self, name: str, arguments: Sequence[Any]) -> Any:
        """The COM method; where that fails and .NET has a method of the name, that."""
        self._adapted(name)  # 2.0 looks the member up first, which is where a missing object shows
        try:
            return self.bound().invoke(name, list(arguments))
        except ClrError:
            if name.lower() not in self._methods and name.lower() not in _NOT_MADE:
                raise
        return super().ps_call(name, arguments)

    def ps_properties(self) -> list[str]:
        """What a provider can list; the IIS provider cannot, so nothing."""
        listed = getattr(self.bound(), "listed", None)
        return list(listed()) if listed else ["AuthenticationType", "Path", "SchemaClassName", "UsePropertyCache"]

    def ps_string(self) -> str:
        """The type, as types.ps1xml of 2.0 leaves it."""
        return self.TYPE

    def _adapted(self, name: str) -> Any:
        try:
            collection = self.properties().ps_index(name)
        except ClrError as error:
            raise _retrieval(name, error) from error
        try:
            value = self.bound().invoke_get(name)
        except ClrError:
            return None
        return collection if collection.items else value


class UnboundMethod(ClrObject):
    """What 2.0 gives for a name that is no property: a method it cannot look up, which is not $null."""

    TYPE = "System.Management.Automation.PSMethod"
    BASES = ("System.Management.Automation.PSMethodInfo", "System.Management.Automation.PSMemberInfo")

    def __init__(self, name: str) -> None:
        """The name that was asked for."""
        self.text = name

    @prop("Name")
    def name(self) -> str:
        """The name."""
        return self.text

    @prop("OverloadDefinitions")
    def overload_definitions(self) -> list[str]:
        """None: COM does not tell."""
        return []

    def ps_string(self) -> str:
        """Its definitions: none."""
        return ""


class _BaseView(DirectoryBase):
    """`psbase` shares everything with the adapted entry it belongs to."""

    def __init__(self, entry: DirectoryEntry) -> None:  # its own part would be thrown away
        self.__dict__ = entry.__dict__


class DirectoryEntries(ClrObject):
    """`$entry.psbase.Children`."""

    TYPE = "System.DirectoryServices.DirectoryEntries"
    BASES = ("System.Collections.IEnumerable",)

    def __init__(self, entry: DirectoryBase) -> None:
        """The children of `entry`."""
        self.entry = entry

    def ps_iterate(self) -> Iterator[Any] | None:
        """Each child, bound when looked at."""
        engine = self.entry.engine
        return iter([DirectoryEntry(engine, path) for path in self.entry.bound().child_paths()])

    @method("GetEnumerator")
    def enumerator(self) -> DirectoryEntries:
        """Itself: the pipeline enumerates it."""
        return self

    @method("Find")
    def find(self, name: Any, class_name: Any = None) -> DirectoryEntry:
        """The child of that name; COMException where there is none."""
        native = self.entry.bound().child(class_name or "", self.entry.engine.to_string(name))
        return DirectoryEntry(self.entry.engine, native.path, native)

    @method("Add")
    def add(self, name: Any, class_name: Any) -> DirectoryEntry:
        """A child that exists once its CommitChanges is called."""
        native = self.entry.bound().create_child(str(class_name), self.entry.engine.to_string(name))
        made = DirectoryEntry(self.entry.engine, native.path, native)
        made.just_created = True
        return made

    @method("Remove")
    def remove(self, entry: DirectoryEntry) -> None:
        """Delete a child."""
        self.entry.bound().delete_child(entry.bound().class_name, entry.bound().name)


def _retrieval(name: str, error: ClrError) -> ClrError:
    """Adapter.BaseGetMember: the failure to bind shows when a member is looked up."""
    return ClrError(
        f'The following exception occurred while retrieving member "{name}": "{error.message}"',
        "System.Management.Automation.ExtendedTypeSystemException",
        bases=("System.Management.Automation.RuntimeException",),
        inner=error,
        hresult=error.hresult,
    )


def _default_context(engine: Engine) -> str:
    value = bind(engine, "LDAP://RootDSE").get("defaultNamingContext")
    return str(value)
