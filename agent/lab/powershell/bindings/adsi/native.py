"""Owns the COM side of an ADSI object: its property cache, as IADs and IDispatch show it.

IADs::Get fills the cache on first use and never looks again until GetInfo; Put changes the cache; SetInfo writes what
changed and nothing else. [ADSI documentation, "The ADSI Attribute Cache"]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

# ADS_PROPERTY_OPERATION_ENUM
CLEAR, UPDATE, APPEND, DELETE = 1, 2, 3, 4


class _Cleared:
    """A property that SetInfo will delete."""


CLEARED = _Cleared()


class AdsObject(ClrObject):
    """One bound directory object. A provider says what it holds (`load`), what it knows, and how to write."""

    TYPE = "System.__ComObject"

    def __init__(self, engine: Engine, path: str) -> None:
        """`path` is the ADsPath as the script gave it."""
        self.engine = engine
        self.path = path
        self.cache: dict[str, Any] | None = None
        self.changes: dict[str, tuple[str, Any]] = {}

    # What a provider answers for

    @property
    def name(self) -> str:
        """IADs::Name."""
        raise NotImplementedError

    @property
    def parent_path(self) -> str:
        """IADs::Parent."""
        raise NotImplementedError

    @property
    def class_name(self) -> str:
        """IADs::Class."""
        raise NotImplementedError

    @property
    def guid(self) -> str:
        """IADs::GUID."""
        raise NotImplementedError

    def load(self) -> dict[str, Any]:
        """Every property in force, by lower-case name; lists are multi-valued."""
        raise NotImplementedError

    def canonical(self, name: str) -> str:
        """The property's name in the schema; the COM error where the class has no such property."""
        raise NotImplementedError

    def absent(self, name: str) -> Any:
        """What Get gives for a known property without a value: a default, or the COM error."""
        raise NotImplementedError

    def checked(self, name: str, value: Any) -> Any:
        """The value as the cache keeps it; the COM error where it does not convert."""
        raise NotImplementedError

    def write(self, changes: Sequence[tuple[str, Any]]) -> None:
        """Write the changes; CLEARED deletes."""
        raise NotImplementedError

    def child_paths(self) -> list[str]:
        """The ADsPaths of the children."""
        raise NotImplementedError

    def create_child(self, class_name: str, name: str) -> AdsObject:
        """A child that exists once its SetInfo is called."""
        raise NotImplementedError

    def delete_child(self, class_name: str, name: str) -> None:
        """Delete a child at once."""
        raise NotImplementedError

    def child(self, class_name: str, name: str) -> AdsObject:
        """An existing child."""
        raise NotImplementedError

    def special(self, name: str) -> Callable[..., Any] | None:
        """A method of this class beyond IADs, or None."""
        raise NotImplementedError

    # The cache

    def get_info(self) -> None:
        """Read everything again; unsaved changes are lost."""
        self.changes.clear()
        self.cache = self.load()

    def set_info(self) -> None:
        """Write the changes; a failure leaves them in the cache."""
        changes = [(name, value) for name, value in self.changes.values()]
        self.write(changes)
        self.changes.clear()

    def get(self, name: str) -> Any:
        """IADs::Get: a scalar, or a list for a multi-valued property."""
        known = self.canonical(name)
        if self.cache is None:
            self.cache = self.load()
        value = self.cache.get(known.lower())
        if value is CLEARED:
            raise hresult.com_error(hresult.PROPERTY_NOT_FOUND)
        return self.absent(known) if value is None else value

    def get_ex(self, name: str) -> list[Any]:
        """IADs::GetEx: always a list."""
        value = self.get(name)
        return list(value) if isinstance(value, list) else [value]

    def put(self, name: str, value: Any) -> None:
        """IADs::Put: into the cache only."""
        known = self.canonical(name)
        self._keep(known, self.checked(known, value))

    def put_ex(self, operation: int, name: str, value: Any) -> None:
        """IADs::PutEx with the four operations."""
        known = self.canonical(name)
        values = list(value) if isinstance(value, list) else [] if value is None else [value]
        if operation == CLEAR:
            self._keep(known, CLEARED)
        elif operation == UPDATE:
            self._keep(known, self.checked(known, values))
        elif operation in (APPEND, DELETE):
            held = self._held(known)
            kept = [item for item in held if item not in values] if operation == DELETE else held + values
            self._keep(known, self.checked(known, kept))
        else:
            raise hresult.com_error(hresult.INVALID_PARAMETER)

    def _held(self, name: str) -> list[Any]:
        try:
            return self.get_ex(name)
        except ClrError:
            return []

    def _keep(self, name: str, value: Any) -> None:
        if self.cache is None:
            self.cache = self.load()
        self.cache[name.lower()] = value
        self.changes[name.lower()] = (name, value)

    # How COM callers reach it

    def invoke(self, name: str, arguments: Sequence[Any]) -> Any:
        """IDispatch::Invoke of a method; DISP_E_UNKNOWNNAME where there is none."""
        call = self._method(name)
        if call is None:
            raise hresult.com_error(
                hresult.UNKNOWN_NAME, "Unknown name. (Exception from HRESULT: 0x80020006 (DISP_E_UNKNOWNNAME))"
            )
        try:
            return call(*arguments)
        except TypeError as error:
            if "positional argument" not in str(error):
                raise
            raise hresult.com_error(
                hresult.BAD_PARAMETER_COUNT,
                "Invalid number of parameters. (Exception from HRESULT: 0x8002000E (DISP_E_BADPARAMCOUNT))",
            ) from error

    def invoke_get(self, name: str) -> Any:
        """IDispatch::Invoke of a property: the six of IADs, else the cache."""
        standard = self._standard(name)
        return self.get(name) if standard is None else standard

    def _standard(self, name: str) -> str | None:
        match name.lower():
            case "name":
                return self.name
            case "adspath":
                return self.path
            case "class":
                return self.class_name
            case "parent":
                return self.parent_path
            case "guid":
                return self.guid
            case "schema":
                return self.schema_path
        return None

    @property
    def schema_path(self) -> str:
        """IADs::Schema."""
        provider, _, rest = self.path.partition("://")
        return f"{provider}://{rest.partition('/')[0]}/schema/{self.class_name}"

    def _method(self, name: str) -> Callable[..., Any] | None:
        methods: dict[str, Callable[..., Any]] = {
            "get": self.get,
            "getex": self.get_ex,
            "put": self.put,
            "putex": self.put_ex,
            "getinfo": self.get_info,
            "getinfoex": lambda _names, _reserved=0: self.get_info(),
            "setinfo": self.set_info,
            "getobject": self.child,
            "create": self.create_child,
            "delete": self.delete_child,
        }
        return methods.get(name.lower()) or self.special(name)

    def ps_get(self, name: str) -> Any:
        """PowerShell's COM adapter sees only IADs' six properties, not the cache."""
        standard = self._standard(name)
        if standard is None:
            raise MissingMember(name)
        return standard

    def ps_call(self, name: str, arguments: Sequence[Any]) -> Any:
        """A COM method call."""
        if self._method(name) is None:
            raise MissingMember(name)
        return self.invoke(name, arguments)

    def ps_properties(self) -> list[str]:
        """The six properties of IADs."""
        return ["ADsPath", "Class", "GUID", "Name", "Parent", "Schema"]
