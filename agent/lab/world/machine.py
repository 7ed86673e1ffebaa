"""Owns one simulated machine: its parts, its lock, and how it goes down and comes back."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from functools import cached_property, partial
from zlib import crc32

from agent.lab.world.accounts import Accounts
from agent.lab.world.backups import Backups
from agent.lab.world.counters import Counters
from agent.lab.world.directory import Directory
from agent.lab.world.ds2mb import Ds2mb
from agent.lab.world.environment import environment
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.eventlog import EntryType, EventLogs
from agent.lab.world.files import FileSystem
from agent.lab.world.forest import Forest
from agent.lab.world.iis import Iis
from agent.lab.world.iisreset import IisReset
from agent.lab.world.image import Image
from agent.lab.world.metabase import Metabase
from agent.lab.world.metabase_file import render, size_of
from agent.lab.world.network import Endpoint, Network
from agent.lab.world.processes import Process, ProcessTable, Program
from agent.lab.world.programs import PROGRAMS
from agent.lab.world.registry import Registry
from agent.lab.world.services import Services
from agent.lab.world.system import ExchangeInfo, OperatingSystem, Role
from agent.lab.world.tree import Tree

# The Exchange services a cluster group holds; the IIS services of a node stay. domain 3.3 [bg]
_CLUSTER_RESOURCES = ("MSExchangeMTA", "MSExchangeIS", "MSExchangeSA")


class Machine:
    """A Windows server in the lab. `agent.lab.world.build` makes them.

    Every public operation of its parts takes `lock` itself and never holds it while waiting.
    """

    def __init__(
        self,
        name: str,
        role: Role,
        forest: Forest,
        image: Image,
        os: OperatingSystem,
        exchange: ExchangeInfo,
        *,
        address: str = "127.0.0.1",
        seed: int | None = None,
    ) -> None:
        self.name = name.upper()
        self.fqdn = f"{name.lower()}.{forest.dns}"
        self.role = role
        self.forest = forest
        self.clock = forest.clock
        self.os = os
        self.exchange = exchange
        self.address = address
        self._seed = f"{seed}/{self.name}"
        self.lock = threading.RLock()
        self.is_up = False
        self._is_connected = True
        self.directory_readable = False  # a WinRM logon has no second hop. domain 6.6
        self.reboot_seconds = 180.0  # what a restart asked for by a program takes
        self._listeners: list[Callable[[], None]] = []
        self._assemble(image)
        forest.network.register(address, self.name, self.fqdn)
        self._power_on()
        self.ds2mb = Ds2mb(self)  # after the first boot: metabase and AD agree on a fresh machine

    def _assemble(self, image: Image) -> None:
        """The parts, each after those it listens to."""
        self.programs: dict[str, Program] = dict(PROGRAMS)
        self.registry = Registry(image.registry, self.lock)
        self.files = FileSystem(image.files, image.disk_bytes, self.clock, self.lock)
        self.logs = EventLogs(self.name, self.clock, self.lock)
        self.counters = Counters(self.clock, self.lock)
        self.metabase = Metabase(image.metabase, self.clock, self.lock, self._store_metabase)
        self.metabase.unload(save=False)
        self.backups = Backups(self)
        self.processes = ProcessTable(self, 300 + crc32(self._seed.encode()) % 600)
        self.service_controller: Process | None = None
        self.services = Services(self, image.services)
        self.iis = Iis(self)
        self.iisreset = IisReset(self, ("IISADMIN",) if self.role.is_2003 else ("IISADMIN", "WAS"))
        self.services.on_transition(self.counters.service_changed)

    # --- shared things -----------------------------------------------------------------------------------------

    @property
    def directory(self) -> Directory:
        """The forest's directory, without asking who may read it; scripts go through `bind_directory`."""
        return self.forest.directory

    @property
    def accounts(self) -> Accounts:
        """The forest's users."""
        return self.forest.accounts

    @property
    def network(self) -> Network:
        """The fleet's name map."""
        return self.forest.network

    @cached_property
    def rng(self) -> random.Random:
        """Chance, the same for the same seed and name. (Made on first use: it is big, machines are many.)"""
        return random.Random(self._seed)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a process of the system."""
        return environment(self)

    def bind_directory(self) -> Directory:
        """What a script's LDAP bind meets; "An operations error occurred." without a second hop. domain 6.6"""
        if not self.directory_readable:
            raise WorldError(ErrorKind.OPERATIONS_ERROR, self.name)
        return self.forest.directory

    def resolve(self, host: str, port: int) -> Endpoint | None:
        """The endpoint a connection from this machine meets; localhost is the machine itself."""
        is_self = host.lower() in ("localhost", "127.0.0.1", "::1", ".")
        return self.network.resolve(self.fqdn if is_self else host, port)

    def is_administrator(self, user: str) -> bool:
        """True for the system's own accounts and for users marked so."""
        found = self.accounts.find(user)
        return user.upper().startswith("NT AUTHORITY\\") or (found is not None and found.is_admin)

    # --- up and down -------------------------------------------------------------------------------------------

    @property
    def online(self) -> bool:
        """True while Windows is up and the network cable is in."""
        return self.is_up and self._is_connected

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call the listener after each change of a service's state, of `online`, or of a web site or pool.

        It is called in the changing thread, with the lock held: it may only look, and post to its own thread.
        """
        self._listeners.append(listener)

    def changed(self) -> None:
        """Tell the listeners."""
        for listener in self._listeners:
            listener()

    def reboot(self, seconds: float, *, graceful: bool = True) -> None:
        """Go down now, come back `seconds` later; without `graceful` the power fails and nothing is saved."""
        with self.lock:
            if not self.is_up:
                return
            self.counters.count("reboots")
            if graceful:
                self._log(6006, "The Event log service was stopped.")
            self.is_up = False
            self.services.controller.logs_transitions = False
            self.services.end_all([each.name for each in self.services.list()], clean=graceful)
            self.services.controller.logs_transitions = True
            self.processes.clear()
            self.changed()
        self.clock.call_later(seconds, partial(self._come_back, graceful=graceful))

    def fail_over(self, seconds: float) -> None:
        """The cluster moves the Exchange virtual server: Exchange stops here now, and starts again later. domain 3.3"""
        if not self.exchange.clustered:
            raise WorldError(ErrorKind.INVALID_ARGUMENT, self.name)
        moved = [each.name for each in self.services.list() if each.is_running and each.name in _CLUSTER_RESOURCES]
        self.services.end_all(moved, clean=True)
        self.clock.call_later(seconds, partial(self.services.begin_all, moved))

    def set_online(self, online: bool) -> None:
        """Pull the network cable, or put it back; everything else goes on."""
        self._is_connected = online
        self.changed()

    def _power_on(self) -> None:
        """The first boot: no events, no history."""
        self.is_up = True
        self._spawn_system()
        self.services.boot()
        self.services.controller.logs_transitions = True
        self.counters.begin([each.name for each in self.services.list() if each.is_running])

    def _come_back(self, *, graceful: bool) -> None:
        with self.lock:
            self.os.last_boot = self.clock.now()
            if not graceful:
                self._log(6008, "The previous system shutdown was unexpected.", EntryType.ERROR)
            self._log(6009, f"Microsoft (R) Windows (R) {self.os.boot_words} Multiprocessor Free.")
            self._log(6005, "The Event log service was started.")
            self.is_up = True
            self._spawn_system()
            self.services.boot()
            self.changed()

    def _spawn_system(self) -> None:
        system32 = rf"{self.os.windows_directory}\system32"
        self.service_controller = self.processes.spawn(rf"{system32}\services.exe")
        self.processes.spawn(rf"{system32}\wbem\wmiprvse.exe", self.service_controller)

    def _log(self, event_id: int, message: str, entry_type: EntryType = EntryType.INFORMATION) -> None:
        self.logs.write("System", "EventLog", event_id, entry_type, message)

    def _store_metabase(self, tree: Tree) -> None:
        size = size_of(tree)
        path = rf"{self.os.windows_directory}\system32\inetsrv\MetaBase.xml"
        if size > self.files.free_bytes:  # the new file is written beside the old one, then renamed
            raise WorldError(ErrorKind.DISK_FULL, path)
        self.files.write(path, partial(render, tree), size)
