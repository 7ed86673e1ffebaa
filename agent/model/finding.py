"""A finding: everything one look at a server saw."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from agent.model.flags import AuthFlags, SslFlags
from agent.model.server import Guard


class VdirRole(StrEnum):
    """Which part a directory plays for ActiveSync."""

    EAS = "eas"  # Microsoft-Server-ActiveSync: the one that the cure changes
    EXCHANGE = "exchange"  # /Exchange: how ActiveSync itself reads the mailbox (domain 4.1)
    EXCHANGE_VDIR = "exchange-vdir"  # the directory that ExchangeVDir names instead (domain 4.1)


@dataclass(frozen=True, slots=True)
class ChildKey:
    """A key below a directory that holds SSL flags of its own, which the directory's value does not reach."""

    path: str
    parent: str
    flags: SslFlags


@dataclass(frozen=True, slots=True)
class Vdir:
    """One directory as the metabase shows it; `path` like "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"."""

    path: str
    role: VdirRole
    site: int
    site_comment: str
    flags: SslFlags
    is_explicit: bool  # holds its own value; otherwise `inherited_from` holds it, empty for the schema's default
    inherited_from: str
    auth_flags: AuthFlags
    auth_is_explicit: bool
    providers: str  # NTAuthenticationProviders, e.g. "Negotiate,NTLM"; empty where unset
    app_pool: str
    redirect: str  # HttpRedirect; empty where unset
    is_site_running: bool = True
    bindings: str = ""  # ServerBindings of the web site, e.g. ":80:"
    ssl_error_page: str = ""  # HttpErrors entry for 403.4 where it is a custom one
    is_forms_based: bool = False  # the web site asks for a logon in a form (domain 4.1)
    children: tuple[ChildKey, ...] = ()

    @property
    def words(self) -> tuple[tuple[str, SslFlags], ...]:
        """The path and the flag word of the directory, and of every key below it that holds its own."""
        return ((self.path, self.flags), *((child.path, child.flags) for child in self.children))


@dataclass(frozen=True, slots=True)
class Service:
    """A Windows service, as far as a restart of IIS touches it (domain 5.1, 5.2)."""

    name: str
    display_name: str
    state: str  # "Running", "Stopped", "StartPending" ...
    start_mode: str  # "Auto", "Manual", "Disabled"
    shares_inetinfo: bool
    depends_on_iisadmin: bool

    @property
    def is_running(self) -> bool:
        """The service answers."""
        return self.state == "Running"


@dataclass(frozen=True, slots=True)
class AdObject:
    """The directory's twin in Active Directory, which DS2MB may copy over the metabase (domain 3)."""

    dn: str
    virtual_server: int
    ssl_flags: SslFlags | None
    auth_flags: AuthFlags | None
    is_readable: bool
    message: str = ""  # why it could not be read


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """What kind of machine this is and whether the playbook can work on it."""

    computer: str
    fqdn: str
    os_version: str
    os_service_pack: int
    powershell: str
    winrm: str
    exchange_build: int
    exchange_service_pack: int
    is_front_end: bool | None  # None: Exchange did not say, and nothing is taken for granted
    is_clustered: bool
    is_iisreset_disabled: bool
    exchange_vdir: str  # value of ExchangeVDir; empty where unset
    is_administrator: bool
    free_megabytes: int
    culture: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A guard that speaks against the change, why, and what to do instead."""

    guard: Guard
    reason: str
    instead: str
    is_overridden: bool = False


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another fault that looks like the one we cure, or adds to it (domain 4): said before anything is changed."""

    name: str  # stable identifier, e.g. "exchange-needs-ssl"
    evidence: str
    next_step: str
    article: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Everything one look at a server saw."""

    server: str
    at: datetime
    facts: ServerFacts
    vdirs: tuple[Vdir, ...]
    services: tuple[Service, ...]
    ad_objects: tuple[AdObject, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    endpoint: str = ""  # whom the look asked, as the configuration says: its fqdn, and where it connected

    @property
    def eas(self) -> tuple[Vdir, ...]:
        """The ActiveSync directories, over all web sites."""
        return tuple(vdir for vdir in self.vdirs if vdir.role is VdirRole.EAS)
