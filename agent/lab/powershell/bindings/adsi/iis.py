"""Owns the IIS: provider of ADSI over the metabase: what an object of each class holds and lets one change.

[IIS 6.0 SDK, "IIS ADSI Objects"; property locations from the metabase property reference, ms524954 and siblings]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.bindings.adsi.binding import PROVIDERS
from agent.lab.powershell.bindings.adsi.ipsecurity import AddressLimits
from agent.lab.powershell.bindings.adsi.native import CLEARED, AdsObject
from agent.lab.powershell.bindings.refusal import as_com, is_administrator
from agent.lab.powershell.errors import Refused
from agent.lab.world import schema
from agent.lab.world.errors import WorldError
from agent.lab.world.schema import BITS, IpSecurity, Kind

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.world.metabase import Metabase

GUID = "{8B645280-7BA4-11CF-B03D-00AA006E0975}"  # every IIS object's class; IIS SDK "ADSI Object Properties"
WEB = frozenset({"IIsWebService", "IIsWebServer", "IIsWebVirtualDir", "IIsWebDirectory", "IIsWebFile"})
_SITES = frozenset({"IIsWebService", "IIsWebServer", "IIsFtpService", "IIsFtpServer", "IIsSmtpServer", "IIsNntpServer"})
_POOLS = frozenset({"IIsApplicationPool", "IIsApplicationPools"})
_PLACES = {
    "Path": frozenset({"IIsWebVirtualDir", "IIsFtpVirtualDir"}),
    "IIs5IsolationModeEnabled": frozenset({"IIsWebService"}),
    "MajorIIsVersionNumber": frozenset({"IIsWebInfo"}),
    "MinorIIsVersionNumber": frozenset({"IIsWebInfo"}),
}
_ON_SITES = ("Server", "SecureBindings", "MaxConnections", "ConnectionTimeout", "SSLCertHash", "Log", "Win32Error")
_ON_POOLS = ("AppPoolCommand", "AppPoolState", "AppPoolAutoStart", "AppPoolIdentityType", "PeriodicRestartTime",
             "IdleTimeout", "MaxProcesses", "PingingEnabled", "RapidFailProtection")  # fmt: skip

Special = Callable[["IisObject"], Callable[..., Any]]
METHODS: dict[str, dict[str, Special]] = {}  # class (or "" for every class) -> method -> maker


def holds(class_name: str, property_name: str) -> bool:
    """Whether objects of the class have the property at all."""
    if property_name == "KeyType":
        return True
    if property_name in _PLACES:
        return class_name in _PLACES[property_name]
    if property_name.startswith(_ON_SITES):
        return class_name in _SITES
    if property_name in _ON_POOLS:
        return class_name in _POOLS
    return class_name in WEB


class IisObject(AdsObject):
    """One metabase key; `pending` is the class of a key that SetInfo will create."""

    def __init__(self, engine: Engine, path: str, *, pending: str | None = None) -> None:
        """Binding looks the key up: a path that is not there, or a user without rights, fails here."""
        super().__init__(engine, path)
        self.server, _, key = path.partition("://")[2].strip("/").partition("/")
        self.key = key.strip("/")
        self.pending = pending
        if not _is_here(engine, self.server):
            raise hresult.com_error(hresult.RPC_UNAVAILABLE)
        if self.key.lower().split("/")[0] == "schema":
            raise Refused("the schema of the IIS: provider")
        if pending is None:
            with as_com():
                self.key = self.metabase.memory.find(self.key).path

    @property
    def metabase(self) -> Metabase:
        """The metabase, for an administrator, while IISADMIN lets it be had."""
        if not is_administrator(self.engine):
            raise hresult.com_error(hresult.ACCESS_DENIED)
        return self.engine.machine.metabase

    @property
    def name(self) -> str:
        """The last part of the key; of the computer, its name as given."""
        return self.key.rpartition("/")[2] or self.server

    @property
    def parent_path(self) -> str:
        """The key above; above the computer stands the provider."""
        if not self.key:
            return "IIS:"
        above = self.key.rpartition("/")[0]
        return f"IIS://{self.server}/{above}" if above else f"IIS://{self.server}"

    @property
    def class_name(self) -> str:
        """KeyType; keys without one are IIsObject."""
        if self.pending is not None:
            return self.pending
        if not self.key:
            return "IIsComputer"
        with as_com():
            return self.metabase.kind(self.key) or "IIsObject"

    @property
    def guid(self) -> str:
        """The same for every object of the provider."""
        return GUID

    def load(self) -> dict[str, Any]:
        """Every property in force that is set somewhere on the way up, or lives in memory only."""
        if self.pending is not None:
            return {}
        with as_com():
            return {name.lower(): _shown(value) for name, value in self.metabase.in_force(self.key).items()}

    def canonical(self, name: str) -> str:
        """The schema's spelling; E_ADS_PROPERTY_NOT_SUPPORTED for what the class does not have."""
        try:
            entry = schema.attributes(name)
        except WorldError:
            raise hresult.com_error(hresult.PROPERTY_NOT_SUPPORTED) from None
        if not holds(self.class_name, entry.name):
            raise hresult.com_error(hresult.PROPERTY_NOT_SUPPORTED)
        bit = BITS.get(name.lower())
        return bit.name if bit else entry.name

    def get(self, name: str) -> Any:
        """A named bit reads its DWORD."""
        bit = BITS.get(name.lower())
        if bit is None:
            return super().get(name)
        self.canonical(name)
        return bool(super().get(bit.of) & bit.mask)

    def _keep(self, name: str, value: Any) -> None:
        bit = BITS.get(name.lower())
        if bit is None:
            return super()._keep(name, value)
        if value is CLEARED:  # what the adapter does before each assignment: a bit has no own value to delete [bg]
            return None
        old = super().get(bit.of)
        return super()._keep(bit.of, old | bit.mask if value else old & ~bit.mask)

    def absent(self, name: str) -> Any:
        """The schema's default; KeyType is the class."""
        if name == "KeyType":
            return self.class_name
        return _shown(schema.attributes(name).default)

    def checked(self, name: str, value: Any) -> Any:
        """The value in the property's type; E_ADS_CANT_CONVERT_DATATYPE where it is another."""
        kind = Kind.BOOLEAN if name.lower() in BITS else schema.attributes(name).kind
        if kind is Kind.MULTI_STRING:
            return [str(item) for item in value] if isinstance(value, list) else [str(value)]
        if isinstance(value, list):
            if len(value) != 1:
                raise hresult.com_error(hresult.CANT_CONVERT)
            value = value[0]
        return _converted(kind, value)

    def write(self, changes: Sequence[tuple[str, Any]]) -> None:
        """Create a pending key, then write what changed; each acts at once. domain 2.5"""
        with as_com():
            if self.pending is not None:
                self.metabase.create(self.key, self.pending)
                self.pending = None
            for name, value in changes:
                if value is CLEARED:
                    self.metabase.delete_value(self.key, name)
                else:
                    self.metabase.set(self.key, name, _stored(value))

    def child_paths(self) -> list[str]:
        """The keys below."""
        with as_com():
            return [self._below(name) for name in self.metabase.children(self.key)]

    def child(self, class_name: str, name: str) -> IisObject:
        """A key below; the class must be right where it is given."""
        found = IisObject(self.engine, self._below(name))
        if class_name and found.class_name.lower() != class_name.lower():
            raise hresult.com_error(hresult.BAD_PATHNAME)
        return found

    def create_child(self, class_name: str, name: str) -> AdsObject:
        """A key that SetInfo creates."""
        if self.metabase.exists(f"{self.key}/{name}"):
            raise hresult.com_error(hresult.ALREADY_EXISTS)
        return IisObject(self.engine, self._below(name), pending=class_name)

    def delete_child(self, class_name: str, name: str) -> None:
        """Delete a key and all below it."""
        found = self.child(class_name, name)
        with as_com():
            self.metabase.delete(found.key)

    def special(self, name: str) -> Callable[..., Any] | None:
        """The methods of every IIS object, and those of its class."""
        for group in (METHODS.get("", {}), METHODS.get(self.class_name, {})):
            for known, make in group.items():
                if known.lower() == name.lower():
                    return make(self)
        return None

    def full_path(self, key: str) -> str:
        """The ADsPath of a key on the same server."""
        return f"IIS://{self.server}/{key}" if key else f"IIS://{self.server}"

    def _below(self, name: str) -> str:
        return self.full_path(f"{self.key}/{name}" if self.key else name)


def _is_here(engine: Engine, server: str) -> bool:
    """A remote IIS: path needs a second hop, which a network logon has not. domain 6.6"""
    lower = server.lower()
    return lower in ("localhost", ".", "") or lower in (engine.machine.name.lower(), engine.machine.fqdn.lower())


def _shown(value: Any) -> Any:
    """A metabase value as a VARIANT: DWORDs are signed, lists are arrays."""
    match value:
        case bool():
            return value
        case int():
            return value - 2**32 if value >= 2**31 else value
        case tuple():
            return list(value)
        case IpSecurity():
            return AddressLimits(value)
    return value


def _stored(value: Any) -> Any:
    match value:
        case list():
            return tuple(value)
        case AddressLimits():
            return value.limits()
    return value


def _converted(kind: Kind, value: Any) -> Any:
    match kind, value:
        case Kind.DWORD, (bool() | int()) if -(2**31) <= int(value) < 2**32:
            return _shown(int(value))
        case Kind.DWORD, str() if value.strip().lstrip("-").isdigit():
            return _shown(int(value))
        case Kind.BOOLEAN, (bool() | int()):
            return bool(value)
        case ((Kind.STRING | Kind.EXPAND_STRING), (str() | int())):
            return str(value)
        case Kind.IP_SECURITY, AddressLimits():
            return value
    raise hresult.com_error(hresult.CANT_CONVERT)


PROVIDERS["IIS"] = IisObject
