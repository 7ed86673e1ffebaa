"""Owns the metabase schema: id, type, inheritance and default of each property, and the named bits."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from enum import StrEnum

from agent.lab.world.errors import ErrorKind, WorldError


class Kind(StrEnum):
    """The data type of a property."""

    DWORD = "DWORD"
    STRING = "STRING"
    MULTI_STRING = "MULTISZ"
    EXPAND_STRING = "EXPANDSZ"
    BOOLEAN = "BOOL"
    IP_SECURITY = "IPSEC"


@dataclass(frozen=True, slots=True)
class IpSecurity:
    """Who may connect, as "address, mask" strings; one list applies, by `grant_by_default`."""

    grant_by_default: bool = True
    granted: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


Value = int | str | bool | tuple[str, ...] | IpSecurity


@dataclass(frozen=True, slots=True)
class PropertyAttributes:
    """What the schema knows of one property; `volatile` ones live in memory only."""

    name: str
    id: int
    kind: Kind
    inheritable: bool
    default: Value
    volatile: bool = False


@dataclass(frozen=True, slots=True)
class Bit:
    """A boolean property that is one bit of a DWORD property, such as AccessSSL."""

    name: str
    of: str
    mask: int


_EMPTY: dict[Kind, Value] = {
    Kind.DWORD: 0,
    Kind.STRING: "",
    Kind.MULTI_STRING: (),
    Kind.EXPAND_STRING: "",
    Kind.BOOLEAN: False,
    Kind.IP_SECURITY: IpSecurity(),
}

# IIS 6 SDK, metabase property reference (ms524954 and siblings); ids from iiscnfg.h. domain 2.1, 2.8
_PROPERTIES: tuple[tuple[str, int, Kind, bool, Value | None], ...] = (
    ("KeyType", 1002, Kind.STRING, False, None),
    ("MajorIIsVersionNumber", 1101, Kind.DWORD, False, 6),
    ("MinorIIsVersionNumber", 1102, Kind.DWORD, False, None),
    ("ServerCommand", 1012, Kind.DWORD, False, None),
    ("ConnectionTimeout", 1013, Kind.DWORD, True, 120),
    ("ServerComment", 1015, Kind.STRING, False, None),
    ("ServerState", 1016, Kind.DWORD, False, 4),
    ("ServerAutoStart", 1017, Kind.BOOLEAN, True, True),
    ("ServerSize", 1018, Kind.DWORD, True, 1),
    ("ServerListenBacklog", 1019, Kind.DWORD, True, 40),
    ("MaxConnections", 1014, Kind.DWORD, True, 0xFFFFFFFF),
    ("Win32Error", 1099, Kind.DWORD, False, None),
    ("AppPoolCommand", 9026, Kind.DWORD, False, None),
    ("AppPoolState", 9027, Kind.DWORD, False, 4),
    ("AppPoolAutoStart", 9028, Kind.BOOLEAN, True, True),
    ("AppPoolIdentityType", 9021, Kind.DWORD, True, 2),
    ("AppPoolId", 9101, Kind.STRING, True, "DefaultAppPool"),
    ("PeriodicRestartTime", 9001, Kind.DWORD, True, 1740),
    ("IdleTimeout", 9002, Kind.DWORD, True, 20),
    ("MaxProcesses", 9003, Kind.DWORD, True, 1),
    ("PingingEnabled", 9004, Kind.BOOLEAN, True, True),
    ("RapidFailProtection", 9006, Kind.BOOLEAN, True, True),
    ("IIs5IsolationModeEnabled", 9203, Kind.BOOLEAN, False, None),
    ("ServerBindings", 1023, Kind.MULTI_STRING, True, None),
    ("SecureBindings", 2021, Kind.MULTI_STRING, True, None),
    ("AllowKeepAlive", 6038, Kind.BOOLEAN, True, True),
    ("DefaultLogonDomain", 6012, Kind.STRING, True, None),
    ("DefaultDoc", 6006, Kind.STRING, True, None),
    ("Path", 3001, Kind.STRING, False, None),
    ("AppRoot", 2103, Kind.STRING, True, None),
    ("AppFriendlyName", 2102, Kind.STRING, True, None),
    ("AppIsolated", 2104, Kind.DWORD, True, None),
    ("ScriptMaps", 6014, Kind.MULTI_STRING, True, None),
    ("HttpCustomHeaders", 6004, Kind.MULTI_STRING, True, None),
    ("HttpErrors", 6008, Kind.MULTI_STRING, True, None),
    ("HttpRedirect", 6011, Kind.STRING, True, None),
    ("AuthFlags", 6000, Kind.DWORD, True, 1),
    ("AuthPersistSingleRequest", 6031, Kind.BOOLEAN, True, None),
    ("NTAuthenticationProviders", 6032, Kind.STRING, True, "Negotiate,NTLM"),
    ("Realm", 6001, Kind.STRING, True, None),
    ("AnonymousUserName", 6020, Kind.STRING, True, None),
    ("AccessFlags", 6016, Kind.DWORD, True, None),
    ("AccessSSLFlags", 6030, Kind.DWORD, True, 0),
    ("IPSecurity", 6019, Kind.IP_SECURITY, True, None),
    ("SSLCertHash", 5506, Kind.STRING, False, None),
    ("LogFileDirectory", 4001, Kind.EXPAND_STRING, True, r"%windir%\system32\LogFiles"),
    ("LogType", 4000, Kind.DWORD, True, 1),
    ("LogExtFileFlags", 4013, Kind.DWORD, True, 0x0C1BCF),
    ("LogFilePeriod", 4007, Kind.DWORD, True, 1),
    ("LogFileTruncateSize", 4008, Kind.DWORD, True, 20971520),
    ("LogFileLocaltimeRollover", 4015, Kind.BOOLEAN, True, None),
    ("DontLog", 6023, Kind.BOOLEAN, True, None),
)

_VOLATILE = frozenset({"ServerState", "AppPoolState", "Win32Error", "ServerCommand", "AppPoolCommand"})

_BITS = (
    Bit("AccessSSL", "AccessSSLFlags", 0x8),
    Bit("AccessSSLNegotiateCert", "AccessSSLFlags", 0x20),
    Bit("AccessSSLRequireCert", "AccessSSLFlags", 0x40),
    Bit("AccessSSLMapCert", "AccessSSLFlags", 0x80),
    Bit("AccessSSL128", "AccessSSLFlags", 0x100),
    Bit("AuthAnonymous", "AuthFlags", 0x1),
    Bit("AuthBasic", "AuthFlags", 0x2),
    Bit("AuthNTLM", "AuthFlags", 0x4),
    Bit("AuthMD5", "AuthFlags", 0x10),
    Bit("AuthPassport", "AuthFlags", 0x40),
    Bit("AccessRead", "AccessFlags", 0x1),
    Bit("AccessWrite", "AccessFlags", 0x2),
    Bit("AccessExecute", "AccessFlags", 0x4),
    Bit("AccessSource", "AccessFlags", 0x10),
    Bit("AccessScript", "AccessFlags", 0x200),
)

PROPERTIES: dict[str, PropertyAttributes] = {
    name.lower(): PropertyAttributes(
        name, number, kind, inheritable, _EMPTY[kind] if default is None else default, name in _VOLATILE
    )
    for name, number, kind, inheritable, default in _PROPERTIES
}
VOLATILE = tuple(entry for entry in PROPERTIES.values() if entry.volatile)
BITS: dict[str, Bit] = {bit.name.lower(): bit for bit in _BITS}


@functools.lru_cache(maxsize=1024)
def attributes(name: str) -> PropertyAttributes:
    """The schema's entry, without regard to case; a bit's name gives the entry of its DWORD."""
    bit = BITS.get(name.lower())
    entry = PROPERTIES.get((bit.of if bit else name).lower())
    if entry is None:
        raise WorldError(ErrorKind.NO_SUCH_PROPERTY, name)
    return entry


def knows(name: str) -> bool:
    """True for a property or a named bit of one."""
    return name.lower() in PROPERTIES or name.lower() in BITS


def checked(entry: PropertyAttributes, value: Value) -> Value:
    """The value in the property's own type, or the error ADSI gives for a type mismatch."""
    match entry.kind, value:
        case Kind.DWORD, int() if -(2**31) <= value < 2**32:
            return int(value) & 0xFFFFFFFF
        case Kind.BOOLEAN, int():
            return bool(value)
        case ((Kind.STRING | Kind.EXPAND_STRING), str()):
            return value
        case Kind.MULTI_STRING, tuple():
            return tuple(str(item) for item in value)
        case Kind.MULTI_STRING, str():
            return (value,)
        case Kind.IP_SECURITY, IpSecurity():
            return value
    raise WorldError(ErrorKind.INVALID_ARGUMENT, f"{entry.name} = {value!r}")
