"""Owns where variables and functions live: nested scopes, looked up dynamically; and what a statement runs in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.conversion import convert

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.powershell.errors import ErrorRecord
    from agent.lab.powershell.scriptblock import Function

MISSING: Any = type("Missing", (), {"__repr__": lambda self: "MISSING"})()


class Scope:
    """One scope: global, script or local."""

    __slots__ = ("functions", "is_script", "options", "parent", "strict", "types", "values")

    def __init__(self, parent: Scope | None, *, is_script: bool = False) -> None:
        """`parent` is the caller's scope; the global scope has none."""
        self.parent = parent
        self.is_script = is_script or parent is None
        self.values: dict[str, Any] = {}
        self.functions: dict[str, Function] = {}
        self.types: dict[str, str] = {}
        self.options: dict[str, str] = {}
        self.strict: str | None = None if parent is None else parent.strict

    def find(self, name: str) -> Any:
        """The value of the nearest variable of that (lower-case) name, MISSING where there is none."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            scope = scope.parent
        return MISSING

    def holder(self, name: str) -> Scope | None:
        """The nearest scope that has the variable."""
        scope: Scope | None = self
        while scope is not None and name not in scope.values:
            scope = scope.parent
        return scope

    def root(self) -> Scope:
        """The global scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def script(self) -> Scope:
        """The nearest script scope, or the global one."""
        scope = self
        while not scope.is_script and scope.parent is not None:
            scope = scope.parent
        return scope

    def assign(self, name: str, value: Any, engine: Engine) -> None:
        """Set a variable of this scope, by its type where it was declared with one."""
        kind = self.types.get(name)
        if kind is not None:
            value = convert(engine, value, kind)
        option = self.options.get(name)
        if option is not None:
            raise ClrError(
                f"Cannot overwrite variable {name} because it is read-only or constant.",
                "System.Management.Automation.SessionStateUnauthorizedAccessException",
            )
        self.values[name] = value

    def function(self, name: str) -> Function | None:
        """The nearest function of that (lower-case) name."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.functions:
                return scope.functions[name]
            scope = scope.parent
        return None


class Context:
    """What a statement runs in: the engine, the scope, where errors go, and the function it belongs to."""

    __slots__ = ("call", "engine", "errors", "scope", "source")

    def __init__(
        self,
        engine: Engine,
        scope: Scope,
        errors: Callable[[ErrorRecord], None],
        call: Any = None,
        source: Any = None,
    ) -> None:
        """`call` is the running advanced function's stage; `source` the text the statement stands in."""
        self.engine = engine
        self.scope = scope
        self.errors = errors
        self.call = call
        self.source = source

    def with_errors(self, errors: Callable[[ErrorRecord], None]) -> Context:
        """The same with errors going elsewhere."""
        return Context(self.engine, self.scope, errors, self.call, self.source)

    def inside(self, scope: Scope) -> Context:
        """The same in another scope."""
        return Context(self.engine, scope, self.errors, self.call, self.source)
