"""A server: where it is, how to get in, and what the operator allows on it."""

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    """What a server is to the proxy path."""

    BACK_END = "back-end"  # Exchange 2003, the target of the cure
    PROXY = "proxy"  # Client Access server, Exchange 2007 or 2010


class Auth(StrEnum):
    """How to log on over WinRM; messages are encrypted with each of them."""

    KERBEROS = "kerberos"
    NEGOTIATE = "negotiate"
    NTLM = "ntlm"


class Way(StrEnum):
    """Which transport to use."""

    AUTO = "auto"  # PSRP, and the WinRM shell where PSRP is not enabled
    PSRP = "psrp"
    WINRM = "winrm"


class Guard(StrEnum):
    """What speaks against a change, each overridable by the setting of the same name."""

    FRONT_END = "allow_front_end"
    CLIENT_CERTIFICATES = "allow_client_certificates"
    DIRECTORY_MANAGED = "allow_directory_managed"
    OLD_SERVICE_PACK = "allow_old_service_pack"


@dataclass(frozen=True, slots=True)
class Winrm:
    """The WinRM listener of a server; `ca` is a PEM file, empty for the system's own list."""

    port: int = 5985
    scheme: str = "http"
    ca: str = ""
    auth: Auth = Auth.NEGOTIATE
    way: Way = Way.AUTO


@dataclass(frozen=True, slots=True)
class Https:
    """The HTTPS listener of a proxy that phones talk to; `ca` is a PEM file, empty for the system's own list."""

    port: int = 443
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of a run. `address` is where to connect, `fqdn` the name it goes by on the wire (Host, SPN)."""

    name: str
    address: str
    fqdn: str
    role: Role = Role.BACK_END
    winrm: Winrm = Winrm()
    http_port: int = 80
    https: Https | None = None  # proxies only
    credentials: str = "default"  # name of a credential set of the configuration
    test_user: str = ""  # name of a credential set whose mailbox is on this server
    proxies: tuple[str, ...] = ()  # names of the proxies that lead to this server
    allowed: frozenset[Guard] = field(default_factory=frozenset)  # guards the operator has overridden here
    priority: int = 100  # lower goes first
    version: str = ""  # of a proxy: "2007" or "2010"
