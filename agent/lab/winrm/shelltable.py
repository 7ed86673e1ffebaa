"""Owns the shells of one service: who may have how many, and when they end by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.outbox import on_loop
from agent.lab.winrm.quotas import Quotas
from agent.lab.winrm.shell import Shell
from agent.lab.world.accounts import User

if TYPE_CHECKING:
    from agent.lab.clock import Timer
    from agent.lab.winrm.shell import Host


class ShellTable:
    """Shells by id. All methods but the idle timer run on the loop."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._shells: dict[str, Shell] = {}
        self._timers: dict[str, Timer] = {}

    @property
    def quotas(self) -> Quotas:
        """The limits in force."""
        return self._host.quotas

    def check_quota(self, user: User) -> None:
        """WsmanFault when the user has as many shells as allowed. domain 6.1"""
        limit = self.quotas.shells_per_user
        if sum(shell.user is user for shell in self._shells.values()) >= limit:
            raise faults.too_many_shells(limit)

    def add(self, shell: Shell) -> None:
        """Keep a shell and start its idle time."""
        self._shells[shell.id] = shell
        self._watch(shell.id, self.quotas.shell_idle_seconds)

    def find(self, shell_id: str | None, user: User) -> Shell:
        """The user's shell; WsmanFault when there is none of that id, or it is somebody else's."""
        if shell_id is None:
            raise faults.no_selector()
        shell = self._shells.get(shell_id)
        if shell is None or shell.closed or shell.user is not user:
            raise faults.no_shell(shell_id)
        return shell

    def remove(self, shell: Shell) -> None:
        """Close a shell and forget it."""
        if timer := self._timers.pop(shell.id, None):
            timer.cancel()
        self._shells.pop(shell.id, None)
        shell.close()

    def clear(self) -> None:
        """Close all: the service stops, or the machine goes down."""
        for shell in list(self._shells.values()):
            self.remove(shell)

    def __iter__(self) -> Iterator[Shell]:
        return iter(list(self._shells.values()))

    def __len__(self) -> int:
        return len(self._shells)

    def _watch(self, shell_id: str, seconds: float) -> None:
        # By id: a timer outlives its shell by minutes, and must not keep the shell's memory with it.
        clock, loop = self._host.machine.clock, self._host.loop
        self._timers[shell_id] = clock.call_later(seconds, lambda: on_loop(loop, lambda: self._look(shell_id)))

    def _look(self, shell_id: str) -> None:
        shell = self._shells.get(shell_id)
        if shell is None:
            return
        left = self.quotas.shell_idle_seconds - (self._host.machine.clock.monotonic() - shell.used)
        if shell.busy:
            self._watch(shell_id, self.quotas.shell_idle_seconds)
        elif left > 0:
            self._watch(shell_id, left)
        else:
            self.remove(shell)
