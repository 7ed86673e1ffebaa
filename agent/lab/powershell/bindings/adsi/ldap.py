"""Owns the LDAP: provider of ADSI over the forest's directory, as far as a logon without second hop may see it.

A WinRM logon cannot log on to a domain controller: the bind answers "An operations error occurred.". domain 6.6
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings import hresult
from agent.lab.powershell.bindings.adsi.binding import PROVIDERS
from agent.lab.powershell.bindings.adsi.native import CLEARED, AdsObject
from agent.lab.powershell.bindings.refusal import as_com
from agent.lab.powershell.values import byte_array
from agent.lab.world.directory import DirectoryObject, parent_of, split_dn

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine
    from agent.lab.world.directory import Directory

# Attributes ADSI knows to be 32-bit integers or booleans; all else is text. [AD schema; domain 3.4, 7.1, 7.2]
_NUMBERS = ("versionnumber", "msexchaccesssslflags", "msexchauthenticationflags", "msexchserverrole",
            "msexchcurrentserverroles", "systemflags", "instancetype", "useraccountcontrol", "grouptype")  # fmt: skip


def readable(engine: Engine) -> Directory:
    """The directory, or what a bind without credentials of its own meets."""
    with as_com():
        if not engine.network_logon:
            return engine.machine.directory
        return engine.machine.bind_directory()


def shown(value: Any) -> Any:
    """An attribute's value as ADSI gives it."""
    return byte_array(value) if isinstance(value, bytes) else value


class LdapObject(AdsObject):
    """One object of the directory."""

    def __init__(self, engine: Engine, path: str, *, pending: str | None = None) -> None:
        """Binding asks the directory; a name that is not there fails here."""
        super().__init__(engine, path)
        self.server, self.dn = split_path(path)
        self.pending = pending
        if pending is None:
            self.held: DirectoryObject = self._find()
            self.dn = self.held.dn

    def _find(self) -> DirectoryObject:
        directory = readable(self.engine)
        with as_com():
            return directory.find(self.dn or directory.domain_dn)

    @property
    def name(self) -> str:
        """The relative name, such as CN=Microsoft Exchange."""
        return split_dn(self.dn)[0]

    @property
    def parent_path(self) -> str:
        """The container above."""
        return full_path(self.server, parent_of(self.dn))

    @property
    def class_name(self) -> str:
        """The last of the object's classes."""
        return self.pending or str(self.held.values("objectClass")[-1])

    @property
    def guid(self) -> str:
        """objectGUID in hexadecimal, as NativeGuid shows it."""
        return self.held.guid.bytes_le.hex()

    def load(self) -> dict[str, Any]:
        """Every attribute that is set."""
        if self.pending is not None:
            return {}
        self.held = self._find()
        found = {name.lower(): _variant(values) for name, values in self.held.attributes.items()}
        return {**found, "distinguishedname": self.dn, "objectguid": shown(self.held.guid.bytes_le)}

    def canonical(self, name: str) -> str:
        """LDAP takes any name and finds no value."""
        return name

    def absent(self, name: str) -> Any:
        """E_ADS_PROPERTY_NOT_FOUND."""
        raise hresult.com_error(hresult.PROPERTY_NOT_FOUND)

    def checked(self, name: str, value: Any) -> Any:
        """Numbers for the attributes that are numbers."""
        values = value if isinstance(value, list) else [value]
        if name.lower() in _NUMBERS:
            values = [int(self.engine.convert(each, "System.Int32")) for each in values]
        return values if len(values) > 1 else values[0] if values else CLEARED

    def write(self, changes: Sequence[tuple[str, Any]]) -> None:
        """Write attributes; an empty list clears."""
        directory = readable(self.engine)
        with as_com():
            if self.pending is not None:
                directory.add(self.dn, self.pending)
                self.pending = None
            for name, value in changes:
                values = [] if value is CLEARED else value if isinstance(value, list) else [value]
                directory.set(self.dn, name, *values)

    def child_paths(self) -> list[str]:
        """The objects directly below."""
        return [full_path(self.server, each.dn) for each in readable(self.engine).children(self.dn)]

    def child(self, class_name: str, name: str) -> AdsObject:
        """The object of that relative name."""
        return LdapObject(self.engine, full_path(self.server, f"{name},{self.dn}"))

    def create_child(self, class_name: str, name: str) -> AdsObject:
        """An object that SetInfo creates."""
        return LdapObject(self.engine, full_path(self.server, f"{name},{self.dn}"), pending=class_name)

    def delete_child(self, class_name: str, name: str) -> None:
        """Delete an object and all below it."""
        with as_com():
            readable(self.engine).delete(f"{name},{self.dn}")

    def special(self, name: str) -> Callable[..., Any] | None:
        """None beyond IADs and IADsContainer."""
        return None

    def listed(self) -> list[str]:
        """IADsPropertyList: the attributes that are set."""
        self.load()
        return list(self.held.attributes)


class RootDse(LdapObject):
    """`LDAP://RootDSE`: where the naming contexts are."""

    def __init__(self, engine: Engine, path: str) -> None:
        """Asks the directory too, as the serverless bind does."""
        AdsObject.__init__(self, engine, path)
        self.server, self.dn = "", ""
        self.pending = None
        self._directory = readable(engine)

    @property
    def name(self) -> str:
        """Fixed."""
        return "RootDSE"

    @property
    def parent_path(self) -> str:
        """Fixed."""
        return "LDAP:"

    @property
    def class_name(self) -> str:
        """RootDSE has none."""
        return ""

    @property
    def guid(self) -> str:
        """The provider's class."""
        return "{467F2E00-0000-0000-0000-000000000000}"

    def load(self) -> dict[str, Any]:
        """The operational attributes."""
        domain, configuration = self._directory.domain_dn, self._directory.configuration_dn
        return {
            "defaultnamingcontext": domain,
            "rootdomainnamingcontext": domain,
            "configurationnamingcontext": configuration,
            "schemanamingcontext": f"CN=Schema,{configuration}",
            "namingcontexts": [domain, configuration, f"CN=Schema,{configuration}"],
        }

    def write(self, changes: Sequence[tuple[str, Any]]) -> None:
        """Nothing here can be written."""
        raise hresult.com_error(hresult.UNWILLING)


def split_path(path: str) -> tuple[str, str]:
    """Server (or nothing) and distinguished name of `LDAP://[server/]dn`."""
    rest = path.partition("://")[2]
    server, slash, dn = rest.partition("/")
    if slash and "=" not in server:
        return server, dn
    return ("", rest) if "=" in rest or not rest else (rest, "")


def full_path(server: str, dn: str) -> str:
    """The ADsPath of a name."""
    return f"LDAP://{server}/{dn}" if server else f"LDAP://{dn}"


def _bind(engine: Engine, path: str) -> AdsObject:
    if path.lower().endswith("rootdse"):
        return RootDse(engine, path)
    return LdapObject(engine, path)


def _variant(values: tuple[Any, ...]) -> Any:
    items = [shown(each) for each in values]
    return items[0] if len(items) == 1 and not isinstance(items[0], list) else items


PROVIDERS["LDAP"] = _bind
