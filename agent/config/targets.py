"""The machines of the configuration, and how to log on to them."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from agent.config.section import Anchored, FilePath, Name, Port, Section
from agent.model import Auth, Way


class WinrmSection(Section):
    """The WinRM listeners, unless a server says otherwise."""

    scheme: Literal["http", "https"] = "http"
    """http is the normal way: messages are encrypted by Kerberos or NTLM. https needs a current TLS on the server."""

    port: Port | None = None
    """5985 for http and 5986 for https, unless given."""

    ca: Annotated[str, Anchored()] = ""
    """PEM file to verify an https listener with; the system's own list unless given."""


class WinrmOverride(Section):
    """What is different about the WinRM listener of one server."""

    scheme: Literal["http", "https"] | None = None
    """As winrm.scheme."""

    port: Port | None = None
    """As winrm.port."""

    ca: Annotated[str | None, Anchored()] = None
    """As winrm.ca."""

    auth: Auth | None = None
    """As auth of the credential set."""


class HttpSection(Section):
    """The web site of a back-end that the proxy talks to."""

    port: Port = 80
    """Port of the plain HTTP binding."""


class HttpsSection(Section):
    """The web site of a proxy that phones talk to."""

    port: Port = 443
    """Port of the HTTPS binding."""

    ca: FilePath = ""
    """PEM file to verify the proxy's certificate with; the system's own list unless given."""


class GuardOverrides(Section):
    """Guards that are different for one server; one that is not named is as under guards."""

    allow_front_end: bool | None = None
    """As guards.allow_front_end."""

    allow_client_certificates: bool | None = None
    """As guards.allow_client_certificates."""

    allow_directory_managed: bool | None = None
    """As guards.allow_directory_managed."""

    allow_old_service_pack: bool | None = None
    """As guards.allow_old_service_pack."""


class _Machine(Section):
    """What back-ends and proxies have in common; a bare string is a name."""

    name: Name
    """What the server is called here, on the command line and in records."""

    fqdn: str = ""
    """Name it goes by on the wire: HTTP Host header and Kerberos principal; the name unless given."""

    address: str = ""
    """Where to connect; the fqdn unless given."""

    winrm: WinrmOverride = WinrmOverride()
    """What is different about its WinRM listener."""

    transport: Way | None = None
    """As transport."""

    credentials: str = "default"
    """Name of the credential set to log on with."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class ServerEntry(_Machine):
    """One Exchange 2003 back-end."""

    http: HttpSection = HttpSection()
    """The web site that the proxy talks to."""

    proxies: tuple[Name, ...] | None = None
    """Names of the proxies that lead to it; all of them unless given."""

    priority: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Lower goes first; equal ones go by name."""

    guards: GuardOverrides = GuardOverrides()
    """Guards that are different for this server."""

    test_user: str = ""
    """Name of a credential set whose mailbox is on this server, for the proof from end to end."""


class ProxyEntry(_Machine):
    """One Client Access server, Exchange 2007 or 2010."""

    version: Literal["2007", "2010"] = "2010"
    """Its Exchange."""

    https: HttpsSection = HttpsSection()
    """The web site that phones talk to."""


class Credential(Section):
    """A credential set. The password is in one of four places, and never in this file."""

    username: str = ""
    """LAB\\name or name@lab.example; empty for the account that easfix runs as."""

    password_env: str = ""
    """Name of the environment variable that holds the password."""

    password_file: FilePath = ""
    """File that holds the password; on POSIX, readable by its owner only."""

    keyring: str = ""
    """Service name under which the operating system's keyring holds the password of username."""

    prompt: bool = False
    """Ask for the password, once a run, at a terminal."""

    auth: Auth = Auth.NEGOTIATE
    """How to log on over WinRM."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys that say where the password is."""
        return tuple(key for key in ("password_env", "password_file", "keyring", "prompt") if getattr(self, key))

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if len(self.sources) > 1:
            raise ValueError(f"says more than once where the password is: {', '.join(self.sources)}; keep one")
        if self.sources and not self.username:
            raise ValueError(f"says where the password is ({self.sources[0]}), but not whose: add username")
        if not self.sources and self.auth is Auth.NTLM:
            raise ValueError("needs a password for ntlm: add one of password_env, password_file, keyring, prompt")
        return self
