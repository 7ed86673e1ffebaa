"""Owns what IIS does with its services: loads and saves the metabase, runs sites, pools and worker processes."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.eventlog import EntryType
from agent.lab.world.metabase import int_of
from agent.lab.world.services import Service, ServiceState

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
    from agent.lab.world.processes import Process

POOLS = "W3SVC/AppPools"
RECYCLED_ON_REQUEST = 1079  # System log, source W3SVC: an administrator asked for it [bg]


class RunState(IntEnum):
    """The values of ServerState and AppPoolState: MD_SERVER_STATE_* of iiscnfg.h."""

    STARTING = 1
    STARTED = 2
    STOPPING = 3
    STOPPED = 4


class Iis:
    """A worker process exists per pool from its first request on; the web layer asks for it with `worker`."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._workers: dict[str, Process] = {}
        machine.services.on_transition(self._service_changed)
        machine.processes.on_death(self._worker_died)
        machine.metabase.watch(self._value_changed)

    # --- sites -------------------------------------------------------------------------------------------------

    def sites(self) -> list[str]:
        """The numbers of the web sites, as strings."""
        metabase = self._machine.metabase
        return [each for each in metabase.children("W3SVC") if metabase.kind(f"W3SVC/{each}") == "IIsWebServer"]

    def site_state(self, site: str) -> RunState:
        """Whether the site answers; stopped while IISADMIN or W3SVC is down."""
        if not self._machine.metabase.loaded:
            return RunState.STOPPED
        return self._state(f"W3SVC/{site}", "ServerState")

    def start_site(self, site: str) -> None:
        """What IIsWebServer.Start does."""
        self._need_service()
        self._set_state(f"W3SVC/{site}", "ServerState", RunState.STARTED)

    def stop_site(self, site: str) -> None:
        """What IIsWebServer.Stop does: the other sites go on."""
        self._set_state(f"W3SVC/{site}", "ServerState", RunState.STOPPED)

    # --- application pools -------------------------------------------------------------------------------------

    def pools(self) -> list[str]:
        """The application pools."""
        return self._machine.metabase.children(POOLS)

    def pool_of(self, path: str) -> str:
        """The pool that serves a metabase path."""
        return str(self._machine.metabase.get(path, "AppPoolId"))

    def pool_state(self, pool: str) -> RunState:
        """Whether the pool serves; a request to a stopped one gets 503."""
        if not self._machine.metabase.loaded:
            return RunState.STOPPED
        return self._state(f"{POOLS}/{pool}", "AppPoolState")

    def start_pool(self, pool: str) -> None:
        """What IIsApplicationPool.Start and AppPoolCommand = 1 do."""
        self._need_service()
        self._set_state(f"{POOLS}/{pool}", "AppPoolState", RunState.STARTED)

    def stop_pool(self, pool: str) -> None:
        """What IIsApplicationPool.Stop and AppPoolCommand = 2 do."""
        self._set_state(f"{POOLS}/{pool}", "AppPoolState", RunState.STOPPED)
        self._end_worker(pool)

    def recycle(self, pool: str) -> None:
        """What IIsApplicationPool.Recycle does: a new worker process, no service stops."""
        with self._machine.lock:
            self._need_service()
            if self.pool_state(pool) is not RunState.STARTED:
                raise WorldError(ErrorKind.SERVICE_NOT_STARTED, pool)
            self._end_worker(pool)
            self._machine.counters.count("recycles")
            message = f"An administrator has requested a recycle of all worker processes in application pool '{pool}'."
            self._machine.logs.write(
                "System", "W3SVC", RECYCLED_ON_REQUEST, EntryType.INFORMATION, message, strings=(pool,)
            )
            self._machine.changed()

    def worker(self, pool: str) -> Process | None:
        """The pool's worker process, started now where there is none; None when the pool does not serve."""
        with self._machine.lock:
            service = self._machine.services.get("W3SVC")
            if not service.is_running or self.pool_state(pool) is not RunState.STARTED:
                return None
            if (running := self._workers.get(pool.lower())) is None:
                program = rf"{self._machine.os.windows_directory}\system32\inetsrv\w3wp.exe"
                command_line = f'{program} -a \\\\.\\pipe\\iisipm{service.process_id} -t 20 -ap "{pool}"'
                running = self._machine.processes.spawn(
                    command_line, service.process, owner="NT AUTHORITY\\NETWORK SERVICE"
                )
                self._workers[pool.lower()] = running
            return running

    # --- following the services --------------------------------------------------------------------------------

    def before_stop(self, service: Service, *, clean: bool) -> None:
        """IISADMIN's last act is the save, unless it is killed. domain 2.5, 2.6"""
        if service.name == "IISADMIN":
            self._machine.metabase.unload(save=clean)

    def _service_changed(self, service: Service, _: ServiceState, new: ServiceState) -> None:
        if service.name == "IISADMIN" and new is ServiceState.RUNNING and not self._machine.metabase.loaded:
            self._machine.metabase.load()
            if self._machine.services.get("W3SVC").is_running:  # IIS 7, where W3SVC does not depend on IISADMIN
                self._start_all()
        elif service.name == "W3SVC" and new is ServiceState.RUNNING and self._machine.metabase.loaded:
            self._start_all()
        elif service.name == "W3SVC" and new is ServiceState.STOPPED:
            self._stop_all()

    def _start_all(self) -> None:
        metabase = self._machine.metabase
        for site in self.sites():
            if metabase.get(f"W3SVC/{site}", "ServerAutoStart"):
                metabase.set_volatile(f"W3SVC/{site}", "ServerState", RunState.STARTED)
        for pool in self.pools():
            if metabase.get(f"{POOLS}/{pool}", "AppPoolAutoStart"):
                metabase.set_volatile(f"{POOLS}/{pool}", "AppPoolState", RunState.STARTED)

    def _stop_all(self) -> None:
        metabase = self._machine.metabase
        if metabase.loaded:
            for site in self.sites():
                metabase.set_volatile(f"W3SVC/{site}", "ServerState", RunState.STOPPED)
            for pool in self.pools():
                metabase.set_volatile(f"{POOLS}/{pool}", "AppPoolState", RunState.STOPPED)
        for pool in list(self._workers):
            self._end_worker(pool)

    def _value_changed(self, path: str, name: str) -> None:
        """Some properties are commands: 1 starts, 2 stops."""
        if name not in ("AppPoolCommand", "ServerCommand"):
            return
        command, own = self._machine.metabase.get(path, name), path.rpartition("/")[2]
        match name, command:
            case "AppPoolCommand", 1:
                self.start_pool(own)
            case "AppPoolCommand", 2:
                self.stop_pool(own)
            case "ServerCommand", 1:
                self.start_site(own)
            case "ServerCommand", 2:
                self.stop_site(own)

    def _need_service(self) -> None:
        if not self._machine.services.get("W3SVC").is_running:
            raise WorldError(ErrorKind.SERVICE_NOT_STARTED, "W3SVC")

    def _state(self, path: str, name: str) -> RunState:
        return RunState(int_of(self._machine.metabase.get(path, name)))

    def _set_state(self, path: str, name: str, state: RunState) -> None:
        self._machine.metabase.set_volatile(path, name, int(state))
        self._machine.changed()

    def _end_worker(self, pool: str) -> None:
        if (worker := self._workers.pop(pool.lower(), None)) is not None:
            self._machine.processes.finish(worker)

    def _worker_died(self, process: Process) -> None:
        self._workers = {pool: worker for pool, worker in self._workers.items() if worker is not process}
