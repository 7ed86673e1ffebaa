"""Owns System.Security.Principal: who the session is, and whether that is an administrator."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bindings.refusal import is_administrator
from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register
from agent.lab.powershell.conversion import CASTS
from agent.lab.powershell.types import register_enum
from agent.lab.powershell.values import EnumKind

if TYPE_CHECKING:
    from agent.lab.powershell.engine import Engine

ROLE = register_enum(
    EnumKind(
        "System.Security.Principal.WindowsBuiltInRole",
        {
            "Administrator": 544,
            "User": 545,
            "Guest": 546,
            "PowerUser": 547,
            "AccountOperator": 548,
            "SystemOperator": 549,
            "PrintOperator": 550,
            "BackupOperator": 551,
            "Replicator": 552,
        },
    )
)
_ADMINISTRATORS = ("builtin\\administrators", "administrators", "s-1-5-32-544")
_USERS = ("builtin\\users", "users", "s-1-5-32-545", "nt authority\\authenticated users")


class WindowsIdentity(ClrObject):
    """The session's user."""

    TYPE = "System.Security.Principal.WindowsIdentity"

    def __init__(self, engine: Engine) -> None:
        """As the logon left it."""
        self.engine = engine

    @prop("AuthenticationType")
    def authentication_type(self) -> str:
        """How the user logged on."""
        return "NTLM" if self.engine.network_logon else "Negotiate"

    @prop("ImpersonationLevel")
    def impersonation_level(self) -> str:
        """A WinRM session has its own token, good for this machine only."""
        return "Impersonation" if self.engine.network_logon else "None"

    @prop("IsAuthenticated")
    def is_authenticated(self) -> bool:
        """Always."""
        return True

    @prop("IsGuest")
    def is_guest(self) -> bool:
        """Never."""
        return False

    @prop("IsSystem")
    def is_system(self) -> bool:
        """Whether it is the machine itself."""
        return self.engine.user.upper() == "NT AUTHORITY\\SYSTEM"

    @prop("IsAnonymous")
    def is_anonymous(self) -> bool:
        """Never."""
        return False

    @prop("Name")
    def name(self) -> str:
        """DOMAIN\\name, as the directory spells it."""
        user = self.engine.machine.accounts.find(self.engine.user)
        return user.qualified if user is not None else self.engine.user

    @prop("User")
    def user(self) -> Sid:
        """The security identifier."""
        return Sid(f"S-1-5-21-1004336348-1177238915-682003330-{1000 + zlib.crc32(self.name().lower().encode()) % 9000}")

    @method("Dispose")
    def dispose(self) -> None:
        """Nothing to let go."""


class Sid(ClrObject):
    """System.Security.Principal.SecurityIdentifier."""

    TYPE = "System.Security.Principal.SecurityIdentifier"
    BASES = ("System.Security.Principal.IdentityReference",)

    def __init__(self, text: str) -> None:
        """The text form."""
        self.text = text

    @prop("Value")
    def value(self) -> str:
        """The text form."""
        return self.text

    def ps_string(self) -> str:
        """The text form."""
        return self.text


class WindowsPrincipal(ClrObject):
    """What the user may do."""

    TYPE = "System.Security.Principal.WindowsPrincipal"

    def __init__(self, engine: Engine, identity: Any) -> None:
        """The principal of an identity."""
        if not isinstance(identity, WindowsIdentity):
            raise ClrError(
                "Value cannot be null.\r\nParameter name: ntIdentity",
                "System.ArgumentNullException",
                bases=("System.ArgumentException",),
            )
        self.engine, self.held = engine, identity

    @prop("Identity")
    def identity(self) -> WindowsIdentity:
        """Who."""
        return self.held

    @method("IsInRole")
    def is_in_role(self, role: Any) -> bool:
        """Whether the user is in a built-in role or a group of that name."""
        if isinstance(role, int):
            return self._has(ROLE(int(role)).label.lower())
        text = self.engine.to_string(role)
        known = ROLE.find(text)
        return self._has(known.label.lower() if known is not None else text.lower())

    def _has(self, role: str) -> bool:
        if role in ("administrator", *_ADMINISTRATORS) or role.endswith("\\domain admins"):
            return is_administrator(self.engine)
        return role in ("user", *_USERS)


def _cast(engine: Engine, value: Any) -> WindowsPrincipal:
    return WindowsPrincipal(engine, value)


register(
    ClrType(
        "System.Security.Principal.WindowsIdentity",
        static={"GetCurrent": lambda engine, *_access: WindowsIdentity(engine)},
    )
)
register(ClrType("System.Security.Principal.WindowsPrincipal", construct=WindowsPrincipal))
CASTS["System.Security.Principal.WindowsPrincipal"] = _cast
