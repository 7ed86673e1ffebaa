"""Owns System.DirectoryServices.DirectorySearcher and what it finds.

[.NET Framework 2.0 documentation, DirectorySearcher, SearchResult, ResultPropertyCollection]
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.bindings.adsi.entry import DirectoryBase, DirectoryEntry
from agent.lab.powershell.bindings.adsi.ldap import LdapObject, RootDse, full_path, readable, shown
from agent.lab.powershell.bindings.refusal import as_com
from agent.lab.powershell.clr import ClrError, ClrObject, method, prop, setter
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind, EnumValue
from agent.lab.world.directory import DirectoryObject, Scope
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

SEARCH_SCOPE = register_enum(EnumKind("System.DirectoryServices.SearchScope", {"Base": 0, "OneLevel": 1, "Subtree": 2}))
_SCOPES = {0: Scope.BASE, 1: Scope.ONE_LEVEL, 2: Scope.SUBTREE}


class ResultValues(ClrObject):
    """The values of one attribute; read-only."""

    TYPE = "System.DirectoryServices.ResultPropertyValueCollection"
    BASES = ("System.Collections.ReadOnlyCollectionBase",)

    def __init__(self, values: list[Any]) -> None:
        """`values` as ADSI shows them."""
        self.values = values

    @prop("Count")
    def count(self) -> int:
        """How many."""
        return len(self.values)

    @prop("Item")
    def item(self) -> Any:
        """Reached by index."""
        return self.values

    def ps_index(self, key: Any) -> Any:
        """The value at a position."""
        position = int(key)
        if not 0 <= position < len(self.values):
            raise ClrError(
                "Index was out of range. Must be non-negative and less than the size of the collection.\r\n"
                "Parameter name: index",
                "System.ArgumentOutOfRangeException",
                bases=("System.ArgumentException",),
            )
        return self.values[position]

    def ps_iterate(self) -> Iterator[Any] | None:
        """The values."""
        return iter(self.values)


class ResultProperties(ClrObject):
    """The attributes of one found object; names are lower case."""

    TYPE = "System.DirectoryServices.ResultPropertyCollection"
    BASES = ("System.Collections.DictionaryBase", "System.Collections.IDictionary")

    def __init__(self, values: dict[str, list[Any]]) -> None:
        """`values` by lower-case name."""
        self.values = values

    def ps_get(self, name: str) -> Any:
        """A dictionary: `$result.Properties.name` is an entry."""
        if name.lower() in self.values:
            return ResultValues(self.values[name.lower()])
        return super().ps_get(name)

    def ps_index(self, key: Any) -> Any:
        """The values; an empty collection where the attribute is not there."""
        return ResultValues(self.values.get(str(key).lower(), []))

    @method("Item")
    def item(self, name: Any) -> ResultValues:
        """The same."""
        return ResultValues(self.values.get(str(name).lower(), []))

    @method("Contains")
    def contains(self, name: Any) -> bool:
        """Whether the attribute is there."""
        return str(name).lower() in self.values

    @prop("PropertyNames")
    def names(self) -> list[str]:
        """The attributes."""
        return list(self.values)

    @prop("Count")
    def count(self) -> int:
        """How many attributes."""
        return len(self.values)


class SearchResult(ClrObject):
    """One found object."""

    TYPE = "System.DirectoryServices.SearchResult"

    def __init__(self, engine: Engine, path: str, values: dict[str, list[Any]]) -> None:
        """What was found at `path`."""
        self.engine, self.where, self.values = engine, path, values

    @prop("Path")
    def path(self) -> str:
        """The ADsPath."""
        return self.where

    @prop("Properties")
    def properties(self) -> ResultProperties:
        """The attributes that were loaded."""
        return ResultProperties(self.values)

    @method("GetDirectoryEntry")
    def entry(self) -> DirectoryEntry:
        """The object itself."""
        return DirectoryEntry(self.engine, self.where)


class ResultCollection(ClrObject):
    """Everything found."""

    TYPE = "System.DirectoryServices.SearchResultCollection"

    def __init__(self, results: list[SearchResult]) -> None:
        """`results` in the directory's order."""
        self.results = results

    @prop("Count")
    def count(self) -> int:
        """How many."""
        return len(self.results)

    def ps_index(self, key: Any) -> Any:
        """The one at a position."""
        return self.results[int(key)]

    def ps_iterate(self) -> Iterator[Any] | None:
        """Each."""
        return iter(self.results)

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""


class DirectorySearcher(ClrObject):
    """`New-Object DirectoryServices.DirectorySearcher` and `[adsisearcher]'(filter)'`."""

    TYPE = "System.DirectoryServices.DirectorySearcher"
    BASES = ("System.ComponentModel.Component",)

    def __init__(self, engine: Engine, *arguments: Any) -> None:
        """(), (filter), (root), (root, filter[, properties[, scope]])."""
        self.engine = engine
        given = list(arguments)
        self.root: Any = given.pop(0) if given and isinstance(given[0], DirectoryBase) else None
        self.text = engine.to_string(given[0]) if given else "(objectClass=*)"
        self.wanted: list[str] = [str(name) for name in given[1]] if len(given) > 1 else []
        self.breadth: EnumValue = SEARCH_SCOPE(
            int(engine.convert(given[2], SEARCH_SCOPE.name)) if len(given) > 2 else 2
        )
        self.limits = {"pagesize": 0, "sizelimit": 0}

    @prop("Filter")
    def filter(self) -> str:
        """The LDAP filter."""
        return self.text

    @setter("Filter")
    def set_filter(self, value: Any) -> None:
        """Change it; an empty one finds everything."""
        self.text = self.engine.to_string(value) or "(objectClass=*)"

    @prop("SearchRoot")
    def search_root(self) -> DirectoryEntry:
        """Where the search begins; the domain unless set."""
        if self.root is None:
            context = RootDse(self.engine, "LDAP://RootDSE").get("defaultNamingContext")
            self.root = DirectoryEntry(self.engine, f"LDAP://{context}")
        return self.root  # type: ignore[no-any-return] # whatever entry the script gave

    @setter("SearchRoot")
    def set_search_root(self, value: Any) -> None:
        """Begin elsewhere: an entry, or its path."""
        self.root = value if isinstance(value, DirectoryBase) else DirectoryEntry(self.engine, str(value))

    @prop("SearchScope")
    def scope(self) -> EnumValue:
        """How deep."""
        return self.breadth

    @setter("SearchScope")
    def set_scope(self, value: Any) -> None:
        """Base, OneLevel or Subtree."""
        self.breadth = SEARCH_SCOPE(int(self.engine.convert(value, SEARCH_SCOPE.name)))

    @prop("PageSize")
    def page_size(self) -> int:
        """Kept; the lab's directory has no limit a page would get round."""
        return self.limits["pagesize"]

    @setter("PageSize")
    def set_page_size(self, value: Any) -> None:
        """Kept."""
        self.limits["pagesize"] = int(self.engine.convert(value, "System.Int32"))

    @prop("SizeLimit")
    def size_limit(self) -> int:
        """The most results; 0 is no limit of ours."""
        return self.limits["sizelimit"]

    @setter("SizeLimit")
    def set_size_limit(self, value: Any) -> None:
        """Change it."""
        self.limits["sizelimit"] = int(self.engine.convert(value, "System.Int32"))

    @prop("PropertiesToLoad")
    def properties_to_load(self) -> NameList:
        """Names to load; none is all."""
        return NameList(self.wanted)

    @method("FindAll")
    def find_all(self) -> ResultCollection:
        """Every match."""
        results = self._search()
        limit = self.limits["sizelimit"]
        return ResultCollection(results[:limit] if limit else results)

    @method("FindOne")
    def find_one(self) -> SearchResult | None:
        """The first match, or $null."""
        results = self._search()
        return results[0] if results else None

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""

    def _search(self) -> list[SearchResult]:
        native = self.search_root().bound()
        if not isinstance(native, LdapObject):
            raise ClrError(
                "The provider does not support searching and cannot search .", "System.NotSupportedException"
            )
        directory = readable(self.engine)
        try:
            with as_com():
                found = directory.search(native.dn or directory.domain_dn, self.text, _SCOPES[int(self.breadth)])
        except ClrError as error:
            raise self._bad_filter(error) from error
        return [SearchResult(self.engine, full_path(native.server, each.dn), self._values(each)) for each in found]

    def _bad_filter(self, error: ClrError) -> ClrError:
        if error.hresult != hresult.signed(WorldError(ErrorKind.BAD_FILTER).hresult):
            return error
        return ClrError(f"The {self.text} search filter is invalid.", "System.ArgumentException")

    def _values(self, found: DirectoryObject) -> dict[str, list[Any]]:
        wanted = {name.lower() for name in self.wanted}
        every = {**found.attributes, "distinguishedName": (found.dn,), "objectGUID": (found.guid.bytes_le,)}
        kept = {
            name.lower(): [shown(each) for each in values]
            for name, values in every.items()
            if not wanted or name.lower() in wanted
        }
        return {"adspath": [full_path("", found.dn)], **kept}


class NameList(ClrObject):
    """PropertiesToLoad."""

    TYPE = "System.Collections.Specialized.StringCollection"

    def __init__(self, names: list[str]) -> None:
        """The searcher's own list."""
        self.names = names

    @method("Add")
    def add(self, name: Any) -> int:
        """Load it too; its position."""
        self.names.append(str(name))
        return len(self.names) - 1

    @method("AddRange")
    def add_range(self, names: Any) -> None:
        """Load these too."""
        self.names.extend(str(name) for name in names)

    @method("Clear")
    def clear(self) -> None:
        """Load all."""
        self.names.clear()

    @prop("Count")
    def count(self) -> int:
        """How many names."""
        return len(self.names)

    def ps_iterate(self) -> Iterator[Any] | None:
        """The names."""
        return iter(self.names)
