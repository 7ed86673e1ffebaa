"""Where a request lands in the metabase: which site answers a port and host, which key its path reaches."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from agent.lab.world.metabase import Metabase
from agent.lab.world.schema import IpSecurity, Value
from agent.lab.world.tree import Tree

SERVICE = "W3SVC"
STARTED = 2  # MD_SERVER_STATE_STARTED, iiscnfg.h

# domain 2.1 and 2.8
SSL, REQUIRE_CERTIFICATE, SSL_128 = 0x8, 0x40, 0x100
ANONYMOUS, BASIC, INTEGRATED = 0x1, 0x2, 0x4


@dataclass(frozen=True, slots=True)
class Binding:
    """One entry of ServerBindings or SecureBindings: address, port, host header; empty means any."""

    site: int
    address: str
    port: int
    host: str
    secure: bool


@dataclass(frozen=True, slots=True)
class Place:
    """The deepest key along a request's path; `rest` is the part of the path that no key has."""

    tree: Tree
    site: int
    path: str
    rest: str

    def value(self, name: str) -> Value:
        """The value in force here."""
        return self.tree.get(self.path, name)

    def number(self, name: str) -> int:
        """A DWORD in force here."""
        value = self.value(name)
        return int(value) if isinstance(value, int) else 0

    def text(self, name: str) -> str:
        """A string in force here."""
        value = self.value(name)
        return value if isinstance(value, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings in force here."""
        value = self.value(name)
        return value if isinstance(value, tuple) else ()

    @property
    def ssl_flags(self) -> int:
        """AccessSSLFlags."""
        return self.number("AccessSSLFlags")

    @property
    def auth_flags(self) -> int:
        """AuthFlags."""
        return self.number("AuthFlags")

    @property
    def providers(self) -> tuple[str, ...]:
        """NTAuthenticationProviders, in order, in the case of the scheme."""
        names = [name.strip().lower() for name in self.text("NTAuthenticationProviders").split(",")]
        return tuple(
            {"negotiate": "Negotiate", "ntlm": "NTLM"}[name] for name in names if name in ("negotiate", "ntlm")
        )

    @property
    def directory(self) -> str:
        """The virtual directory just below the site's root, as the metabase spells it; empty at the root."""
        return self.path.removeprefix(f"{SERVICE}/{self.site}/ROOT").strip("/").partition("/")[0]

    def admits(self, address: str) -> bool:
        """True when IPSecurity lets this client address in."""
        value = self.value("IPSecurity")
        return not isinstance(value, IpSecurity) or admits(value, address)


def bindings(metabase: Metabase) -> list[Binding]:
    """Every binding of every started site; raises WorldError while IISADMIN is down."""
    tree = metabase.memory
    return [each for each in every_binding(tree) if metabase.get(f"{SERVICE}/{each.site}", "ServerState") == STARTED]


def every_binding(tree: Tree) -> list[Binding]:
    """Every binding of every site."""
    found = []
    for name in tree.children(SERVICE):
        for key, secure in (("ServerBindings", False), ("SecureBindings", True)) if name.isdigit() else ():
            value = tree.get(f"{SERVICE}/{name}", key)
            texts = value if isinstance(value, tuple) else ()
            found += [made for text in texts if (made := parse_binding(int(name), text, secure)) is not None]
    return found


def parse_binding(site: int, text: str, secure: bool) -> Binding | None:
    """ "address:port:host" as the metabase has it; None for what is not a binding."""
    address, _, rest = text.partition(":")
    port, _, host = rest.partition(":")
    return Binding(site, address, int(port), host.lower(), secure) if port.isdigit() else None


def site_for(found: list[Binding], port: int, host: str) -> int | None:
    """The site that answers; a host header that matches wins over a binding without one."""
    here = [binding for binding in found if binding.port == port]
    exact = next((binding.site for binding in here if binding.host and binding.host == host), None)
    return exact if exact is not None else next((binding.site for binding in here if not binding.host), None)


def place(tree: Tree, site: int, path: str) -> Place:
    """Follow the path below the site's root as far as there are keys."""
    reached = f"{SERVICE}/{site}/ROOT"
    segments = [segment for segment in path.split("/") if segment]
    while segments and tree.exists(f"{reached}/{segments[0]}"):
        reached = f"{reached}/{segments.pop(0)}"
    reached = tree.find(reached).path if tree.exists(reached) else f"{SERVICE}/{site}"
    return Place(tree, site, reached, "/".join(segments))


def admits(rules: IpSecurity, address: str) -> bool:
    """Whether the rules let the address in: the deny list where all are granted, the grant list otherwise."""
    if rules.grant_by_default:
        return not any(_covers(rule, address) for rule in rules.denied)
    return any(_covers(rule, address) for rule in rules.granted)


def _covers(rule: str, address: str) -> bool:
    network, _, mask = (part.strip() for part in rule.partition(","))
    try:
        return IPv4Address(address) in IPv4Network((network, mask or "255.255.255.255"), strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return False
