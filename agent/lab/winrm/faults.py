"""Owns the wire faults of one machine: what an operator can break, and when it shows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class WireFaults:
    """Mutable, thread-safe: `set(name=value)` takes effect at the next request, `unreachable` at once."""

    slow_seconds: float = 0.0  # every answer waits this long on the machine's clock
    unreachable: bool = False  # connections are refused, open ones are reset
    reset_mid_answer: bool = False  # the answer that carries a command's output is cut in the middle
    auth_denied: bool = False  # every logon is refused, right password or not
    not_admin: bool = False  # logon works, opening a shell is Access is denied
    psrp_disabled: bool = False  # no session configuration Microsoft.PowerShell; the cmd shell works
    garbage_answer: bool = False  # authenticated requests are answered with bytes that are no SOAP
    oversized_answer: bool = False  # the answer with a command's output is far larger than any envelope
    clock_skew_seconds: float = 0.0  # how far this machine's clock is off; Kerberos allows 300
    _callbacks: list[Callable[[], None]] = field(default_factory=list, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def set(self, **values: float | bool) -> None:
        """Change faults by name and tell the listeners; an unknown name raises AttributeError."""
        with self._lock:
            for name, value in values.items():
                if name.startswith("_") or name not in self.names():
                    raise AttributeError(name)
                setattr(self, name, value)
            callbacks = list(self._callbacks)
        for callback in callbacks:
            callback()

    def on_change(self, callback: Callable[[], None]) -> None:
        """Call back, from any thread, after each `set`."""
        with self._lock:
            self._callbacks.append(callback)

    @classmethod
    def names(cls) -> list[str]:
        """The names `set` takes."""
        return [name for name in cls.__dataclass_fields__ if not name.startswith("_")]

    def active(self) -> dict[str, Any]:
        """The faults that are on."""
        return {name: value for name in self.names() if (value := getattr(self, name))}
