"""Owns what doctor.ps1 answers: records become typed facts here, or a BadAnswer that says what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from agent.answers import Fields
from agent.errors import BadAnswer
from agent.model import Record, Role


@dataclass(frozen=True, slots=True)
class Session:
    """How the script was run, by whom, and what time it was there."""

    utc: datetime
    host: str  # "ServerRemoteHost" over PowerShell remoting, "ConsoleHost" in powershell.exe
    powershell: str
    winrm: str
    windows: str
    is_administrator: bool
    authentication: str


@dataclass(frozen=True, slots=True)
class Name:
    """What the server calls itself. `message`, here and below: why the fact could not be had; else empty."""

    computer: str
    fqdn: str
    message: str


@dataclass(frozen=True, slots=True)
class Quota:
    """The limits of WinRM shells; None where one is not told."""

    shells: int | None
    processes: int | None
    megabytes: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Iis:
    """IISADMIN, and the web sites that the ADSI provider shows."""

    state: str
    sites: int
    message: str


@dataclass(frozen=True, slots=True)
class Reset:
    """What `iisreset /status` said."""

    is_good: bool
    said: str
    message: str


@dataclass(frozen=True, slots=True)
class Disk:
    """Room on the system drive, and the size of what a metabase backup copies."""

    free_megabytes: int
    metabase_kilobytes: int
    message: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """The build of Exchange; 0 where the registry has none."""

    build: int
    message: str


@dataclass(frozen=True, slots=True)
class BackEnd:
    """What is asked of an Exchange 2003 server only."""

    iis: Iis
    reset: Reset
    disk: Disk
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that one visit brought; `back_end` is None for a proxy."""

    session: Session
    name: Name
    quota: Quota
    back_end: BackEnd | None


def read(server: str, role: Role, records: Sequence[Record]) -> Answers:
    """The facts of the records. BadAnswer where one is missing, twice there, or makes no sense."""
    found = _Records(server, records)
    return Answers(
        _session(found.one("session")),
        _name(found.one("name")),
        _quota(found.one("quota")),
        _back_end(found) if role is Role.BACK_END else None,
    )


class _Records:
    """The records by their kind."""

    def __init__(self, server: str, records: Sequence[Record]) -> None:
        self._server = server
        self._records = records

    def one(self, kind: str) -> Fields:
        found = [record for record in self._records if record.get("Kind") == kind]
        if len(found) != 1:
            raise BadAnswer(self._server, f"doctor answered {len(found)} times about {kind} instead of once")
        return Fields(self._server, "doctor", found[0])


def _session(found: Fields) -> Session:
    return Session(
        utc=found.moment("Utc"),
        host=found.text("HostName"),
        powershell=found.text("PowerShell"),
        winrm=found.text("WinRm"),
        windows=found.text("Windows"),
        is_administrator=found.truth("Administrator"),
        authentication=found.text("Authentication"),
    )


def _name(found: Fields) -> Name:
    return Name(found.text("Computer"), found.text("Fqdn"), found.text("Message"))


def _quota(found: Fields) -> Quota:
    return Quota(
        found.count("MaxShellsPerUser"),
        found.count("MaxProcessesPerShell"),
        found.count("MaxMemoryPerShellMB"),
        found.text("Message"),
    )


def _back_end(found: _Records) -> BackEnd:
    iis, reset, disk, exchange = (found.one(kind) for kind in ("iis", "iisreset", "disk", "exchange"))
    return BackEnd(
        Iis(iis.text("State"), iis.number("Sites"), iis.text("Message")),
        Reset(reset.truth("IsGood"), reset.text("Said"), reset.text("Message")),
        Disk(disk.number("FreeMegabytes"), disk.number("MetabaseKilobytes"), disk.text("Message")),
        Exchange(exchange.number("Build"), exchange.text("Message")),
    )
