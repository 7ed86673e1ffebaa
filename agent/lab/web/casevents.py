"""The events a Client Access server writes about its ActiveSync proxy, under the conditions they are documented for."""

from __future__ import annotations

from agent.lab.world.eventlog import EntryType
from agent.lab.world.machine import Machine

SOURCE = "MSExchange ActiveSync"  # domain 1.4
CATEGORY = "Configuration"
TIMED_OUT, NOT_TRUSTED, NOT_LOGGED_ON, USER_LOCKED, BLOCKED, TOO_OLD = 1034, 1035, 1036, 1037, 1030, 1028
THROTTLE_SECONDS = 900.0  # 1034: at most once a host in this time. KB2607574, domain 1.5

# Ids and meaning: domain 1.4 and 1.6. The wording is ours [bg]: nothing may depend on it.
_TEXTS = {
    TIMED_OUT: "The proxy request to %1 has timed out.",
    NOT_TRUSTED: "The certificate of the server %1 is not trusted. The request was not proxied.",
    NOT_LOGGED_ON: (
        "Authentication with the server %1 failed. Make sure that Integrated Windows authentication (Negotiate) is "
        "enabled on its Microsoft-Server-ActiveSync virtual directory. The server offered: %2."
    ),
    USER_LOCKED: "The server %1 redirected the request of user %2. The user is treated as locked.",
    BLOCKED: "The request of user %2 was blocked: BlockLegacyMailboxes is set in web.config (mailbox server %1).",
    TOO_OLD: "The mailbox of user %2 is on server %1, which runs a version of Exchange older than 6.5.",
}


class CasEvents:
    """Writes to the machine's Application log."""

    def __init__(self, machine: Machine, throttle_seconds: float = THROTTLE_SECONDS) -> None:
        self._machine = machine
        self._throttle = throttle_seconds
        self._last: dict[str, float] = {}

    def write(self, event_id: int, host: str, detail: str = "") -> bool:
        """Write the event about this target host; False where the throttle keeps it silent."""
        if event_id == TIMED_OUT and not self._is_due(host):
            return False
        strings = (host,) if event_id == TIMED_OUT else (host, detail)
        message = _TEXTS[event_id].replace("%1", host).replace("%2", detail or "nothing")
        logs = self._machine.logs
        logs.write("Application", SOURCE, event_id, EntryType.WARNING, message, category=CATEGORY, strings=strings)
        return True

    def _is_due(self, host: str) -> bool:
        now = self._machine.clock.monotonic()
        last = self._last.get(host.lower())
        if last is not None and now - last < self._throttle:
            return False
        self._last[host.lower()] = now
        return True
