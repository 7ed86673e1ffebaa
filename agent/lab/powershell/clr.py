"""Owns how .NET and COM objects look to a script: members, static members, constructors, exceptions.

The evaluator knows no class by name. A binding declares what a script may touch; all else is refused aloud.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, TypeVar

T = TypeVar("T", bound=Callable[..., Any])


class ClrError(Exception):
    """A .NET exception as a script sees it: `catch [Type]` matches `type_name` and `bases`."""

    def __init__(
        self,
        message: str,
        type_name: str = "System.Exception",
        *,
        bases: Sequence[str] = (),
        hresult: int = 0,
        inner: ClrError | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.type_name = type_name
        self.bases = (*bases, "System.SystemException", "System.Exception", "System.Object")
        self.hresult = hresult
        self.inner = inner


class MissingMember(Exception):  # noqa: N818 - it becomes ClrError or $null as the language rules say
    """The object has no such member; the evaluator decides between `$null` (read) and an error (call, write)."""


def prop(name: str) -> Callable[[T], T]:
    """Mark a method `(self) -> value` as the getter of the property `name`."""

    def mark(function: T) -> T:
        function.ps_getter = name  # type: ignore[attr-defined] # a mark on a plain function
        return function

    return mark


def setter(name: str) -> Callable[[T], T]:
    """Mark a method `(self, value)` as the setter of the property `name`."""

    def mark(function: T) -> T:
        function.ps_setter = name  # type: ignore[attr-defined] # a mark on a plain function
        return function

    return mark


def method(name: str) -> Callable[[T], T]:
    """Mark a method `(self, *arguments) -> value` as callable from a script under `name`."""

    def mark(function: T) -> T:
        function.ps_method = name  # type: ignore[attr-defined] # a mark on a plain function
        return function

    return mark


class ClrObject:
    """One .NET or COM object. Names of members are compared without case, as PowerShell does."""

    TYPE: ClassVar[str] = "System.Object"
    BASES: ClassVar[tuple[str, ...]] = ()
    _getters: ClassVar[dict[str, tuple[str, Callable[..., Any]]]] = {}
    _setters: ClassVar[dict[str, Callable[..., Any]]] = {}
    _methods: ClassVar[dict[str, tuple[str, Callable[..., Any]]]] = {}

    def __init_subclass__(cls) -> None:
        """Collect the marked functions of the class and of those it inherits from."""
        super().__init_subclass__()
        cls._getters, cls._setters, cls._methods = dict(cls._getters), dict(cls._setters), dict(cls._methods)
        for function in vars(cls).values():
            if name := getattr(function, "ps_getter", None):
                cls._getters[name.lower()] = (name, function)
            if name := getattr(function, "ps_setter", None):
                cls._setters[name.lower()] = function
            if name := getattr(function, "ps_method", None):
                cls._methods[name.lower()] = (name, function)

    def ps_type_names(self) -> tuple[str, ...]:
        """The type and its ancestors, nearest first; ends with System.Object."""
        return tuple(dict.fromkeys((self.TYPE, *self.BASES, "System.Object")))

    def ps_get(self, name: str) -> Any:
        """The property's value; MissingMember where there is none."""
        try:
            return self._getters[name.lower()][1](self)
        except KeyError:
            raise MissingMember(name) from None

    def ps_set(self, name: str, value: Any) -> None:
        """Set a property; MissingMember where there is none or it is read-only."""
        if name.lower() not in self._setters:
            raise MissingMember(name)
        self._setters[name.lower()](self, value)

    def ps_call(self, name: str, arguments: Sequence[Any]) -> Any:
        """Call a method; MissingMember where there is none; ClrError is the exception the method throws."""
        if name.lower() not in self._methods:
            raise MissingMember(name)
        return self._methods[name.lower()][1](self, *arguments)

    def ps_properties(self) -> list[str]:
        """The property names, in the order Get-Member and the serializer list them."""
        return [name for name, _ in self._getters.values()]

    def ps_methods(self) -> list[str]:
        """The method names."""
        return [name for name, _ in self._methods.values()]

    def ps_string(self) -> str:
        """What `"$object"` and ToString() give."""
        return self.TYPE

    def ps_iterate(self) -> Iterator[Any] | None:
        """The items the pipeline and foreach see, or None where the object is a scalar."""
        return None

    def ps_index(self, key: Any) -> Any:
        """`$object[key]`."""
        raise MissingMember("Item")

    def ps_set_index(self, key: Any, value: Any) -> None:
        """`$object[key] = value`."""
        raise MissingMember("Item")

    def ps_truth(self) -> bool:
        """What `if ($object)` sees."""
        return True


class ClrType:
    """A type literal `[Name]`: its constructors and static members. `context` is the running Engine."""

    def __init__(
        self,
        name: str,
        *,
        bases: Sequence[str] = (),
        construct: Callable[..., Any] | None = None,
        static: dict[str, Callable[..., Any]] | None = None,
        constants: dict[str, Callable[..., Any]] | None = None,
    ) -> None:
        """`construct(engine, *args)`, `static[name](engine, *args)`, `constants[name](engine)` give the values."""
        self.name = name
        self.bases = tuple(bases)
        self.construct = construct
        self.static = {key.lower(): value for key, value in (static or {}).items()}
        self.constants = {key.lower(): value for key, value in (constants or {}).items()}


TYPES: dict[str, ClrType] = {}
COM_CLASSES: dict[str, Callable[..., Any]] = {}


def register(kind: ClrType, *aliases: str) -> ClrType:
    """Make a type known under its full name, the name without `System.`, and the aliases."""
    for name in (kind.name, kind.name.removeprefix("System."), *aliases):
        TYPES[name.lower()] = kind
    return kind


def register_com(prog_id: str, construct: Callable[..., Any]) -> None:
    """Make `New-Object -ComObject prog_id` known; `construct(engine)` gives the object."""
    COM_CLASSES[prog_id.lower()] = construct
