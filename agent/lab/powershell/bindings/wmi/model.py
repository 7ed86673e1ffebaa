"""Owns what a WMI class is to this lab: its properties, its rows, its methods. What is not declared is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.bindings.wmi.wql import wmi_error
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.errors import Refused

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

CIMV2 = r"root\cimv2"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One method call: the instance's row (empty for a static method), the arguments by name."""

    engine: Engine
    row: Mapping[str, Any]
    arguments: Mapping[str, Any]

    def argument(self, name: str) -> Any:
        """The argument, None when it was not given."""
        return self.arguments.get(name.lower())


@dataclass(frozen=True, slots=True)
class WmiMethod:
    """`run` gives the out parameters, ReturnValue among them where the method has one."""

    name: str
    run: Callable[[Call], Row]
    inputs: tuple[str, ...] = ()
    static: bool = False


@dataclass(frozen=True, slots=True)
class WmiClass:
    """`rows` gives every instance; `put` writes changed properties of one."""

    name: str
    keys: tuple[str, ...]
    rows: Callable[[Engine], Iterable[Row]]
    methods: tuple[WmiMethod, ...] = ()
    put: Callable[[Engine, Mapping[str, Any], Mapping[str, Any]], None] | None = None
    namespace: str = CIMV2
    superclass: str = "CIM_ManagedSystemElement"

    def method(self, name: str) -> WmiMethod | None:
        """The method of that name."""
        return next((each for each in self.methods if each.name.lower() == name.lower()), None)


@dataclass(slots=True)
class _Repository:
    classes: dict[tuple[str, str], WmiClass] = field(default_factory=dict)
    present: dict[str, Callable[[Engine], bool]] = field(default_factory=dict)


_REPOSITORY = _Repository()


def declare(*classes: WmiClass) -> None:
    """Make classes known."""
    for each in classes:
        _REPOSITORY.classes[(each.namespace.lower(), each.name.lower())] = each


def declare_namespace(name: str, present: Callable[[Engine], bool]) -> None:
    """Make a namespace known; `present` says on which machines it is there."""
    _REPOSITORY.present[name.lower()] = present


def normal_namespace(name: str) -> str:
    """`root/cimv2`, `\\\\.\\root\\cimv2` and `ROOT\\CIMV2` are one."""
    text = name.replace("/", "\\").lower()
    if text.startswith("\\\\"):
        text = text[2:].partition("\\")[2]
    return text


def find_class(engine: Engine, namespace: str, name: str) -> WmiClass:
    """The class; WMI's errors for a namespace not there, refused where only the lab lacks it."""
    wanted = normal_namespace(namespace)
    if not is_administrator(engine):
        raise ClrError(
            "Access is denied. (Exception from HRESULT: 0x80070005 (E_ACCESSDENIED))",
            "System.UnauthorizedAccessException",
            hresult=-2147024891,
        )
    if wanted not in _REPOSITORY.present:
        raise Refused(f"WMI namespace {namespace}")
    if not _REPOSITORY.present[wanted](engine):
        raise wmi_error("InvalidNamespace", "Invalid namespace ", -2147217394)
    found = _REPOSITORY.classes.get((wanted, name.lower()))
    if found is None:
        raise Refused(f"WMI class {namespace}:{name}")
    return found


def class_names(namespace: str) -> list[str]:
    """The classes of a namespace."""
    wanted = normal_namespace(namespace)
    return [each.name for (space, _), each in _REPOSITORY.classes.items() if space == wanted]


def cim_time(when: datetime) -> str:
    """A CIM_DATETIME; the lab's machines live in UTC."""
    return when.astimezone(UTC).strftime("%Y%m%d%H%M%S.%f+000")


def from_cim_time(text: str) -> datetime:
    """The instant a CIM_DATETIME names."""
    return datetime.strptime(text[:21], "%Y%m%d%H%M%S.%f").replace(tzinfo=UTC)


def returned(code: int, **out: Any) -> Row:
    """Out parameters with a ReturnValue."""
    return {**out, "ReturnValue": code}


declare_namespace(CIMV2, lambda _engine: True)
