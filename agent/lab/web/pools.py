"""How long a request waits for its application pool: a new worker process has to load Exchange first."""

from __future__ import annotations

from agent.lab.web.waiting import pause
from agent.lab.world.machine import Machine
from agent.lab.world.processes import Process

WARM_UP_SECONDS = 2.0  # from the start of a worker process to its first answer [bg]


class Pools:
    """The warm-up of each pool's worker process; those of a machine that has been up for long are warm."""

    def __init__(self, machine: Machine, seconds: float) -> None:
        self.seconds = seconds
        self._machine = machine
        self._service = machine.services.get("W3SVC").process
        self._ready: dict[str, tuple[Process, float]] = {}

    async def enter(self, pool: str) -> bool:
        """Wait until the pool's worker can answer; False when the pool does not serve."""
        worker = self._machine.iis.worker(pool)
        if worker is None:
            return False
        known, ready = self._ready.get(pool.lower(), (None, 0.0))
        now = self._machine.clock.monotonic()
        if known is not worker:
            is_first = known is None and self._machine.services.get("W3SVC").process is self._service
            ready = now if is_first else now + self.seconds
            self._ready[pool.lower()] = (worker, ready)
        await pause(self._machine.clock, ready - now)
        return worker.is_alive
