"""Owns the heartbeat for a supervisor such as systemd: ready, alive, stopping; says nothing where nobody listens."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

SHORTEST = 0.05
"""Nobody is told oftener than this many seconds, whatever the supervisor asks for."""


class Supervisor:
    """The one who started this process and watches over it (sd_notify of systemd; a datagram is one state)."""

    def __init__(self, address: str = "", watchdog: float | None = None) -> None:
        """`address` is the path of a socket, or its name after an @; `watchdog` is the time limit in seconds."""
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog = watchdog if self._address else None

    @classmethod
    def of(cls, environment: Mapping[str, str], process: int) -> Self:
        """As the environment says; its watchdog may be meant for another process."""
        microseconds = environment.get("WATCHDOG_USEC", "")
        is_ours = environment.get("WATCHDOG_PID", str(process)) == str(process)
        limit = int(microseconds) / 1_000_000 if microseconds.isdigit() and is_ours else 0.0
        return cls(environment.get("NOTIFY_SOCKET", ""), limit or None)

    def ready(self) -> None:
        """What is to run, runs."""
        self._say("READY=1")

    def status(self, words: str) -> None:
        """One line for whoever asks how it stands."""
        self._say(f"STATUS={' '.join(words.split())}")

    def alive(self) -> None:
        """The watchdog may begin anew."""
        self._say("WATCHDOG=1")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    def _say(self, state: str) -> None:
        family = getattr(socket, "AF_UNIX", None)
        if not self._address or family is None:
            return
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as end:  # it may have gone
            end.settimeout(1)
            end.sendto(state.encode(), self._address)


class Heart:
    """Says that the process is alive, for as long as there are signs of life; `with Heart(...) as heart:`.

    A thread that beats by itself would prove nothing. This one beats only while somebody has called `sign` of late:
    who waits does so with each pulse, and who works with each notice.
    """

    def __init__(self, supervisor: Supervisor, clock: Callable[[], float], patience: float) -> None:
        """`patience` is how many seconds of honest work may pass without a notice."""
        self._supervisor = supervisor
        self._clock = clock
        self._patience = patience
        self._last = clock()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def sign(self) -> None:
        """Something was done."""
        self._last = self._clock()

    def beat(self) -> None:
        """Say that the process is alive, where there was a sign of life of late."""
        if self._clock() - self._last <= self._patience:
            self._supervisor.alive()

    def __enter__(self) -> Self:
        """Begin to beat, where a supervisor asks for it."""
        if self._supervisor.watchdog is not None:
            pause = max(self._supervisor.watchdog / 3, SHORTEST)
            self._thread = threading.Thread(target=self._go_on, args=(pause,), name="heart", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """No more."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _go_on(self, pause: float) -> None:
        while not self._is_over.wait(pause):
            self.beat()


def of_environment() -> Supervisor:
    """The supervisor of this process."""
    return Supervisor.of(os.environ, os.getpid())
