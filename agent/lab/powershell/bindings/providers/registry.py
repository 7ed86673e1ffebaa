"""Owns the Registry provider and Microsoft.Win32.RegistryKey over HKEY_LOCAL_MACHINE."""

from __future__ import annotations

import ntpath
import re
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.dotnet.encoding import bytes_of
from agent.lab.powershell.bindings.providers.paths import PROVIDERS, not_found
from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind, EnumValue, Long, byte_array
from agent.lab.world.errors import WorldError
from agent.lab.world.registry import RegistryKind, RegistryValue

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

HIVE = "HKEY_LOCAL_MACHINE"
_PROVIDER = "Microsoft.PowerShell.Core\\Registry"
VALUE_KIND = register_enum(
    EnumKind(
        "Microsoft.Win32.RegistryValueKind",
        {"Unknown": 0, "String": 1, "ExpandString": 2, "Binary": 3, "DWord": 4, "MultiString": 7, "QWord": 11},
    )
)
_KINDS = {
    "String": RegistryKind.STRING,
    "ExpandString": RegistryKind.EXPAND_STRING,
    "Binary": RegistryKind.BINARY,
    "DWord": RegistryKind.DWORD,
    "MultiString": RegistryKind.MULTI_STRING,
    "QWord": RegistryKind.QWORD,
}
_LABELS = {kind: label for label, kind in _KINDS.items()}
_VARIABLE = re.compile(r"%([^%]+)%")


def shown(engine: Engine, value: RegistryValue) -> Any:
    """The data as .NET gives it: numbers signed, %NAMES% expanded."""
    match value.data:
        case bytes() as content:
            return byte_array(content)
        case tuple() as lines:
            return list(lines)
        case int() as number if value.kind is RegistryKind.QWORD:
            return Long(number)
        case int() as number:
            return number - 2**32 if number >= 2**31 else number
        case str() as text if value.kind is RegistryKind.EXPAND_STRING:
            return _VARIABLE.sub(lambda match: _expanded(engine, match), text)
    return value.data


def _expanded(engine: Engine, match: re.Match[str]) -> str:
    for name, text in engine.machine.environment.items():
        if name.lower() == match.group(1).lower():
            return text
    return match.group(0)


def kind_for(value: Any) -> RegistryKind:
    """The kind .NET chooses for a value."""
    if isinstance(value, bool) or not isinstance(value, (int, list, bytes)):
        return RegistryKind.STRING
    if isinstance(value, int):
        return RegistryKind.QWORD if isinstance(value, Long) else RegistryKind.DWORD
    if isinstance(value, bytes) or all(isinstance(each, int) for each in value):
        return RegistryKind.BINARY
    return RegistryKind.MULTI_STRING


def stored(engine: Engine, value: Any, kind: RegistryKind) -> str | int | bytes | tuple[str, ...]:
    """The value as the registry keeps it."""
    match kind:
        case RegistryKind.DWORD:
            return int(engine.convert(value, "System.Int64")) & 0xFFFFFFFF
        case RegistryKind.QWORD:
            return int(engine.convert(value, "System.Int64"))
        case RegistryKind.BINARY:
            return bytes_of(value)
        case RegistryKind.MULTI_STRING:
            given = value if isinstance(value, list) else [value]
            return tuple(engine.to_string(each) for each in given)
    return engine.to_string(value)


def write_allowed(engine: Engine) -> None:
    """HKEY_LOCAL_MACHINE is an administrator's to write."""
    if not is_administrator(engine):
        raise ClrError("Requested registry access is not allowed.", "System.Security.SecurityException")


def below_hive(path: str) -> str:
    """`HKLM:\\SOFTWARE\\X` as `SOFTWARE\\X`."""
    return path.partition(":")[2].strip("\\")


class RegistryKeyObject(ClrObject):
    """Microsoft.Win32.RegistryKey."""

    TYPE = "Microsoft.Win32.RegistryKey"
    BASES = ("System.MarshalByRefObject",)

    def __init__(self, engine: Engine, key: str, *, writable: bool = True) -> None:
        """`key` is the path below the hive; `writable` as OpenSubKey was asked."""
        self.engine, self.key, self.writable = engine, key, writable

    @prop("PSPath")
    def ps_path(self) -> str:
        """Provider and path."""
        return f"{_PROVIDER}::{self.name()}"

    @prop("PSParentPath")
    def ps_parent_path(self) -> str:
        """Provider and the key above."""
        return f"{_PROVIDER}::{ntpath.dirname(self.name())}"

    @prop("PSChildName")
    def ps_child_name(self) -> str:
        """The last part."""
        return ntpath.basename(self.name())

    @prop("PSIsContainer")
    def is_container(self) -> bool:
        """A key always is."""
        return True

    @prop("Property")
    def value_names(self) -> list[str]:
        """The names of the values; the provider adds it."""
        return [each.name or "(default)" for each in self._values()]

    @prop("SubKeyCount")
    def sub_key_count(self) -> int:
        """How many keys below."""
        return len(self.sub_key_names())

    @prop("ValueCount")
    def value_count(self) -> int:
        """How many values."""
        return len(self._values())

    @prop("Name")
    def name(self) -> str:
        """The whole path."""
        return f"{HIVE}\\{self.key}" if self.key else HIVE

    @method("GetValue")
    def get_value(self, name: Any = "", default: Any = None, *_options: Any) -> Any:
        """The data, or the default."""
        found = self.engine.machine.registry.value(self.key, self.engine.to_string(name))
        return default if found is None else shown(self.engine, found)

    @method("GetValueKind")
    def get_value_kind(self, name: Any) -> EnumValue:
        """The kind of a value."""
        found = self.engine.machine.registry.value(self.key, self.engine.to_string(name))
        if found is None:
            raise ClrError("The specified registry key does not exist.", "System.IO.IOException")
        return VALUE_KIND(_LABELS[found.kind])

    @method("GetValueNames")
    def get_value_names(self) -> list[str]:
        """The names of the values."""
        return [each.name for each in self._values()]

    @method("GetSubKeyNames")
    def sub_key_names(self) -> list[str]:
        """The names of the keys below."""
        return sorted(self.engine.machine.registry.children(self.key), key=str.lower)

    @method("OpenSubKey")
    def open_sub_key(self, name: Any, writable: Any = False) -> RegistryKeyObject | None:
        """A key below, $null where there is none."""
        below = f"{self.key}\\{self.engine.to_string(name)}".strip("\\")
        if not self.engine.machine.registry.exists(below):
            return None
        if writable:
            write_allowed(self.engine)
        return RegistryKeyObject(self.engine, below, writable=bool(writable))

    @method("CreateSubKey")
    def create_sub_key(self, name: Any, *_options: Any) -> RegistryKeyObject:
        """A key below, made where it is not there."""
        self._need_write()
        below = f"{self.key}\\{self.engine.to_string(name)}".strip("\\")
        self.engine.machine.registry.create(below)
        return RegistryKeyObject(self.engine, below)

    @method("SetValue")
    def set_value(self, name: Any, value: Any, kind: Any = None) -> None:
        """Set a value."""
        self._need_write()
        chosen = kind_for(value) if kind is None else _KINDS[self.engine.convert(kind, VALUE_KIND.name).label]
        data = stored(self.engine, value, chosen)
        self.engine.machine.registry.set(self.key, self.engine.to_string(name), data, chosen)

    @method("DeleteValue")
    def delete_value(self, name: Any, throw: Any = True) -> None:
        """Delete a value."""
        self._need_write()
        try:
            self.engine.machine.registry.delete_value(self.key, self.engine.to_string(name))
        except WorldError as error:
            if throw:
                raise ClrError("No value exists with that name.", "System.ArgumentException") from error

    @method("Close")
    def close(self) -> None:
        """Nothing to let go."""

    def ps_string(self) -> str:
        """The whole path."""
        return self.name()

    def _need_write(self) -> None:
        write_allowed(self.engine)
        if not self.writable:
            raise ClrError("Cannot write to the registry key.", "System.UnauthorizedAccessException")

    def _values(self) -> list[RegistryValue]:
        return self.engine.machine.registry.values(self.key)


class RegistryProvider:
    """Drive HKLM."""

    name = "Registry"

    def exists(self, engine: Engine, path: str) -> bool:
        """Whether there is a key."""
        return engine.machine.registry.exists(below_hive(path))

    def is_container(self, engine: Engine, path: str) -> bool:
        """A key always is."""
        return self.exists(engine, path)

    def item(self, engine: Engine, path: str, text: str | None = None) -> Any:
        """The key; PowerShell opens it read-only."""
        return RegistryKeyObject(engine, below_hive(path), writable=False)

    def children(self, engine: Engine, path: str) -> list[str]:
        """The keys below."""
        return [f"{path}\\{name}" for name in sorted(engine.machine.registry.children(below_hive(path)), key=str.lower)]

    def create(self, engine: Engine, path: str, kind: str, value: Any, force: bool) -> Any:
        """A key; the one above must exist unless -Force."""
        write_allowed(engine)
        registry, key = engine.machine.registry, below_hive(path)
        if registry.exists(key):
            if not force:
                raise ClrError("A key in this path already exists.", "System.IO.IOException")
            registry.delete(key)  # -Force replaces the key, values and all
        if not force and not registry.exists(ntpath.dirname(key)):
            raise ClrError("The registry key at the specified path does not exist.", "System.ArgumentException")
        registry.create(key)
        if value is not None:
            registry.set(key, "", engine.to_string(value))
        return self.item(engine, path)

    def remove(self, engine: Engine, path: str) -> None:
        """With all below it."""
        write_allowed(engine)
        if not self.exists(engine, path):
            raise not_found(path)
        engine.machine.registry.delete(below_hive(path))


PROVIDERS["Registry"] = RegistryProvider()


def _split(path: Any) -> tuple[str, str]:
    hive, _, key = str(path).partition("\\")
    if hive.upper() != HIVE:
        raise Refused(f"the registry hive {hive}")
    return hive, key


def _static_get(engine: Engine, path: Any, name: Any, default: Any) -> Any:
    key = _split(path)[1]
    if not engine.machine.registry.exists(key):
        return None
    return RegistryKeyObject(engine, key).get_value(name, default)


def _static_set(engine: Engine, path: Any, name: Any, value: Any, kind: Any = None) -> None:
    key = _split(path)[1]
    write_allowed(engine)
    engine.machine.registry.create(key)
    RegistryKeyObject(engine, key).set_value(name, value, kind)


register(
    ClrType(
        "Microsoft.Win32.Registry",
        static={"GetValue": _static_get, "SetValue": _static_set},
        constants={"LocalMachine": lambda engine: RegistryKeyObject(engine, "")},
    )
)
register(ClrType("Microsoft.Win32.RegistryKey", bases=RegistryKeyObject.BASES))
