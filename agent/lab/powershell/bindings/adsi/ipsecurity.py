"""Owns the IISIPSecurity COM object: who may connect to a directory.

[IIS 6.0 SDK, "IIsIPSecurity Object (ADSI)"]
"""

from __future__ import annotations

from typing import Any

from agent.lab.powershell.clr import ClrObject, prop, setter
from agent.lab.world.schema import IpSecurity


class AddressLimits(ClrObject):
    """A copy: changes count once the object is Put back and SetInfo is called."""

    TYPE = "System.__ComObject"

    def __init__(self, held: IpSecurity) -> None:
        """`held` is the value in force."""
        self._grants = held.grant_by_default
        self._granted = list(held.granted)
        self._denied = list(held.denied)

    def limits(self) -> IpSecurity:
        """The value as the metabase keeps it."""
        return IpSecurity(self._grants, tuple(self._granted), tuple(self._denied))

    @prop("GrantByDefault")
    def grant_by_default(self) -> bool:
        """Whether who is not named may connect."""
        return self._grants

    @setter("GrantByDefault")
    def set_grant_by_default(self, value: Any) -> None:
        """Switch between the two lists."""
        self._grants = bool(value)

    @prop("IPGrant")
    def ip_grant(self) -> list[str]:
        """ "address, mask" strings that may connect where the default denies."""
        return list(self._granted)

    @setter("IPGrant")
    def set_ip_grant(self, value: Any) -> None:
        """Replace the list."""
        self._granted = _texts(value)

    @prop("IPDeny")
    def ip_deny(self) -> list[str]:
        """ "address, mask" strings that may not connect where the default grants."""
        return list(self._denied)

    @setter("IPDeny")
    def set_ip_deny(self, value: Any) -> None:
        """Replace the list."""
        self._denied = _texts(value)

    @prop("DomainGrant")
    def domain_grant(self) -> list[str]:
        """Names are not used in this lab: always empty."""
        return []

    @prop("DomainDeny")
    def domain_deny(self) -> list[str]:
        """Names are not used in this lab: always empty."""
        return []


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
