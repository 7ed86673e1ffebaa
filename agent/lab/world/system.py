"""Owns what a machine is: its role, its Windows, its Exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Role(StrEnum):
    """What the machine does in the Exchange organisation."""

    BACK_END = "back-end"
    FRONT_END = "front-end"
    CAS2007 = "cas2007"
    CAS2010 = "cas2010"

    @property
    def is_2003(self) -> bool:
        """True for the servers whose directories the product changes."""
        return self in (Role.BACK_END, Role.FRONT_END)


@dataclass(slots=True)
class OperatingSystem:
    """Windows as Win32_OperatingSystem shows it."""

    version: str
    service_pack: int
    caption: str
    windows_directory: str
    last_boot: datetime
    culture: str = "en-US"
    time_zone: str = "GMT Standard Time"
    memory_bytes: int = 4 * 1024**3

    @property
    def build(self) -> int:
        """The last number of the version, such as 3790."""
        return int(self.version.rpartition(".")[2])

    @property
    def boot_words(self) -> str:
        """The version as event 6009 has it, such as "5.02. 3790 Service Pack 2"."""
        major, minor, build = self.version.split(".")
        return f"{major}.{int(minor):02}. {build} Service Pack {self.service_pack}"


@dataclass(slots=True)
class ExchangeInfo:
    """Exchange as its AD object shows it. domain 7.1"""

    version: str
    build: int
    service_pack: int
    organization: str
    admin_group: str
    version_number: int  # the attribute versionNumber
    minor: int = 0  # "Build 7638.2": 2
    clustered: bool = False

    @property
    def serial_number(self) -> str:
        """The attribute serialNumber."""
        pack = f": Service Pack {self.service_pack}" if self.service_pack else ""
        return f"Version {self.version} (Build {self.build}.{self.minor}{pack})"
