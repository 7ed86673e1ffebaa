"""Owns what really happened to one machine: the lab's own account, against which claims are checked."""

from __future__ import annotations

import hashlib
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from agent.lab.clock import Clock
from agent.lab.world.services import ServiceState

if TYPE_CHECKING:
    from agent.lab.world.services import Service

# The services through which mail moves or is read; one of them down is time without mail. domain 5.1
MAIL_SERVICES = frozenset(
    name.lower()
    for name in (
        "SMTPSVC",
        "RESvc",
        "POP3Svc",
        "IMAP4Svc",
        "W3SVC",
        "MSExchangeIS",
        "MSExchangeSA",
        "MSExchangeMTA",
        "MSExchangeTransport",
    )
)


@dataclass(frozen=True, slots=True)
class ScriptRun:
    """One script that arrived: when, its SHA-256, its length in characters, who sent it."""

    time: datetime
    sha256: str
    length: int
    user: str


class Counters:
    """Plain counts are attributes; add with `count`."""

    def __init__(self, clock: Clock, lock: threading.RLock) -> None:
        self._clock = clock
        self._lock = lock
        self._counts: Counter[str] = Counter()
        self.scripts: list[ScriptRun] = []
        self._ran: dict[str, str] = {}  # lower-case name -> name, of each service that ever ran
        self._down: set[str] = set()  # lower-case names of those that do not run now
        self._since = 0.0
        self._seconds = 0.0

    @property
    def iisresets(self) -> int:
        """Stops of the internet services asked for through iisreset (/STOP, /RESTART or none)."""
        return self._counts["iisresets"]

    @property
    def iisreset_kills(self) -> int:
        """Times iisreset killed a process."""
        return self._counts["iisreset_kills"]

    @property
    def recycles(self) -> int:
        """Application pools recycled on request."""
        return self._counts["recycles"]

    @property
    def backups(self) -> int:
        """Metabase backups made."""
        return self._counts["backups"]

    @property
    def restores(self) -> int:
        """Metabase backups restored."""
        return self._counts["restores"]

    @property
    def reboots(self) -> int:
        """Restarts of Windows."""
        return self._counts["reboots"]

    @property
    def logons(self) -> int:
        """Logons granted."""
        return self._counts["logons"]

    @property
    def logon_failures(self) -> int:
        """Logons refused."""
        return self._counts["logon_failures"]

    @property
    def requests_served(self) -> int:
        """Web requests answered."""
        return self._counts["requests_served"]

    @property
    def scripts_run(self) -> int:
        """Scripts executed."""
        return len(self.scripts)

    def count(self, what: str, by: int = 1) -> None:
        """Add to a count: one of the names above, or a new one that `all_counts` then shows."""
        with self._lock:
            self._counts[what] += by

    def all_counts(self) -> dict[str, int]:
        """Every count that is not zero."""
        with self._lock:
            return dict(self._counts)

    def logon(self, *, granted: bool) -> None:
        """Count a logon."""
        self.count("logons" if granted else "logon_failures")

    def script(self, text: str, user: str = "") -> None:
        """Note a script that is about to run."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        with self._lock:
            self.scripts.append(ScriptRun(self._clock.now(), digest, len(text), user))

    # --- services ----------------------------------------------------------------------------------------------

    def service_changed(self, service: Service, _: ServiceState, new: ServiceState) -> None:
        """A service entered a state; a listener of Services."""
        low = sys.intern(service.name.lower())
        with self._lock:
            was_out = self._is_mail_out()
            if new is ServiceState.RUNNING:
                self._ran[low] = service.name
                self._down.discard(low)
            elif low in self._ran:
                self._down.add(low)
            self._note_outage(was_out)

    def begin(self, running: list[str]) -> None:
        """Forget the past: from now on these services are the ones that ran before."""
        with self._lock:
            self._ran = {sys.intern(name.lower()): name for name in running}
            self._down.clear()
            self._seconds = 0.0

    def seconds_without_mail(self) -> float:
        """The union of all times in which a mail service that ran before was not running."""
        with self._lock:
            return self._seconds + (self._clock.monotonic() - self._since if self._is_mail_out() else 0.0)

    def services_down_that_ran_before(self) -> list[str]:
        """The services that ran at some time since `begin` and do not run now."""
        with self._lock:
            return sorted((self._ran[low] for low in self._down), key=str.lower)

    def _is_mail_out(self) -> bool:
        return not self._down.isdisjoint(MAIL_SERVICES)

    def _note_outage(self, was_out: bool) -> None:
        if self._is_mail_out() and not was_out:
            self._since = self._clock.monotonic()
        elif was_out and not self._is_mail_out():
            self._seconds += self._clock.monotonic() - self._since
