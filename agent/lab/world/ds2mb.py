"""Owns DS2MB, the part of System Attendant that copies Exchange's web settings from AD to the metabase. domain 3"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.lab.clock import Timer
from agent.lab.world.directory import DirectoryObject, parent_of, split_dn
from agent.lab.world.metabase import int_of
from agent.lab.world.schema import Value
from agent.lab.world.services import Service, ServiceState

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

NOTICE_SECONDS = 15.0  # a change in AD is noticed within this. domain 3.1
SYNC_SECONDS = 900.0  # a differing metabase is put right within this. domain 3.1
AUTH, SSL = "AuthFlags", "AccessSSLFlags"
_SOURCES = {AUTH: "msExchAuthenticationFlags", SSL: "msExchAccessSSLFlags"}  # domain 3.2, 3.4


class Ds2mb:
    """One way, and by difference: nothing happens where both sides agree.

    Authentication always belongs to AD (3.2). SSL belongs to AD on virtual servers other than 1 and on clustered
    servers, where it is copied when System Attendant starts (reboot, failover) and when AD changes (3.3). With
    `revert_after` set, a changed AccessSSLFlags comes back from AD after so many seconds wherever it is.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.notice_seconds = NOTICE_SECONDS
        self.sync_seconds = SYNC_SECONDS
        self.revert_after: float | None = None
        self.writes = 0
        self._timers: dict[tuple[str, str], Timer] = {}
        if machine.role.is_2003:
            machine.services.on_transition(self._service_changed)
            machine.metabase.watch(self._metabase_changed)
            machine.directory.watch(self._http_dn, self._directory_changed)

    def sync(self) -> None:
        """Copy everything that belongs to AD and differs; what a start of System Attendant does."""
        for found in self._directories():
            self._copy(found, AUTH)
            if self.owns_ssl(self._path(found)):
                self._copy(found, SSL)

    def settle(self) -> None:
        """Take what memory and AD say now as an old story: nothing is on its way. For whoever sets up a machine."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def owns_ssl(self, path: str) -> bool:
        """True when AD owns the SSL setting of the virtual server this metabase path belongs to. domain 3.3"""
        return self._machine.exchange.clustered or path.split("/")[1:2] != ["1"]

    @property
    def _http_dn(self) -> str:
        return f"CN=HTTP,CN=Protocols,{self._machine.forest.server_dn(self._machine.name)}"

    def _directories(self) -> list[DirectoryObject]:
        directory = self._machine.directory
        if not directory.exists(self._http_dn):
            return []
        return [each for server in directory.children(self._http_dn) for each in directory.children(server.dn)]

    def _path(self, found: DirectoryObject) -> str:
        number = split_dn(found.dn)[1].partition("=")[2]
        return f"W3SVC/{number}/ROOT/{found.get('cn')!s}"

    def _source(self, path: str) -> DirectoryObject | None:
        return next((each for each in self._directories() if self._path(each).lower() == path.lower()), None)

    def _copy(self, found: DirectoryObject, name: str) -> None:
        machine, wanted = self._machine, found.get(_SOURCES[name])
        path = self._path(found)
        with machine.lock:
            can = machine.services.get("MSExchangeSA").is_running and machine.metabase.loaded
            if not can or wanted is None or not machine.metabase.exists(path):
                return
            if machine.metabase.get(path, name) != wanted:
                self.writes += 1
                machine.metabase.set(path, name, _flags(wanted))

    def _service_changed(self, service: Service, _: ServiceState, new: ServiceState) -> None:
        if new is not ServiceState.RUNNING or service.name not in ("MSExchangeSA", "IISADMIN"):
            return
        if service.name == "MSExchangeSA":
            self._soon("", "", 0.0)
        if self._machine.metabase.loaded:
            for found in self._directories():
                for name in _SOURCES:
                    self._metabase_changed(self._path(found), name)

    def _directory_changed(self, dn: str) -> None:
        if not self._machine.directory.exists(dn) or parent_of(parent_of(dn)).lower() != self._http_dn.lower():
            return
        path = self._path(self._machine.directory.find(dn))
        self._soon(path, AUTH, self.notice_seconds)
        if self.owns_ssl(path):
            self._soon(path, SSL, self.notice_seconds)

    def _metabase_changed(self, path: str, name: str) -> None:
        if name not in _SOURCES or (source := self._source(path)) is None:
            return
        metabase, wanted = self._machine.metabase, source.get(_SOURCES[name])
        if wanted is None or not metabase.exists(path) or metabase.get(path, name) == wanted:
            return
        if name == AUTH:
            self._soon(path, name, self.sync_seconds)
        elif self.revert_after is not None:
            self._soon(path, name, self.revert_after)

    def _soon(self, path: str, name: str, seconds: float) -> None:
        """Copy after so many seconds; a full sync where no path is named."""

        def act() -> None:
            if self._timers.get(key) is timer:
                del self._timers[key]
            if not path:
                self.sync()
            elif (found := self._source(path)) is not None:
                self._copy(found, name)

        key = (path.lower(), name)
        if (waiting := self._timers.get(key)) is not None:
            if waiting.due <= self._machine.clock.monotonic() + seconds:
                return
            waiting.cancel()
        timer = self._timers[key] = self._machine.clock.call_later(seconds, act)


def _flags(value: Value | bytes) -> int:
    return int_of(value) if not isinstance(value, bytes) else int.from_bytes(value, "little")
