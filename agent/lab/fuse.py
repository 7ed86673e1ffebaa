"""Owns the power failure that waits for a change of the flag."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.lab.clock import Timer
    from agent.lab.world.machine import Machine

FLAGS = "AccessSSLFlags"
REBOOT_SECONDS = 5.0


class Fuse:
    """Armed, it blows once: so many seconds after the next change of the flag the power of the machine fails."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.seconds_down = REBOOT_SECONDS
        self._after: float | None = None
        self._burning: Timer | None = None
        machine.metabase.watch(self._changed)

    @property
    def is_armed(self) -> bool:
        """True while it waits for a change."""
        return self._after is not None

    def arm(self, after: float) -> None:
        """Wait for the next change."""
        self.disarm()
        self._after = after

    def disarm(self) -> None:
        """Nothing happens any more."""
        self._after = None
        if self._burning is not None:
            self._burning.cancel()

    def _changed(self, _: str, name: str) -> None:
        after = self._after
        if name == FLAGS and after is not None:
            self._after = None
            self._burning = self._machine.clock.call_later(after, self._blow)

    def _blow(self) -> None:
        self._machine.reboot(self.seconds_down, graceful=False)
