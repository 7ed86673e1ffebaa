"""A back-end on paper: what a run can change on it, as values, with its own time; no PowerShell, no thread, no wire.

It knows the facts that the scripts of the playbook rest on, and none of easfix's intentions. `test_paper.py` puts the
same questions to it and to the real scripts on a machine of the lab.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
CHILD = f"{EAS}/Devices"
EXCHANGE = "W3SVC/1/ROOT/Exchange"
OMA = "W3SVC/1/ROOT/exchange-oma"
SITE = "W3SVC/1"
BLOCKING = 8 | 64 | 256
DEFAULT = 0  # of AccessSSLFlags: the schema's, where nobody holds a value (domain 2.1)
BOOT_SECONDS = 90.0


@dataclass(frozen=True)
class Case:
    """How a server is, and what will happen to it; seconds count from the beginning of the play."""

    name: str
    word: int | None = 8  # of the directory; None: nobody holds one
    is_inherited: bool = False  # the word is the site's, and the directory holds none
    child: int | None = None  # a key below the directory with a word of its own
    restart_seconds: float = 12.0
    loses_change: bool = False  # iisreset kills IISADMIN before it has saved (domain 2.6)
    cannot_save: bool = False  # from the first write on, the metabase cannot be saved
    stays_down: str = ""  # a service that iisreset does not bring back (domain 5.2)
    is_disabled: bool = False  # ... and that cannot be started either
    reverts_after: float | None = None  # seconds after a write, DS2MB puts the old word back (domain 3)
    reboots_at: float | None = None  # the power fails
    away: tuple[tuple[float, float], ...] = ()  # nobody can reach it from, until
    is_denied: bool = False  # the logon is refused
    is_front_end: bool = False  # a guard speaks against it
    is_basic_only: bool = False  # the path stays broken whatever the flags say (domain 4.2)


@dataclass
class Service:
    """A service that a restart of IIS stops."""

    name: str
    display_name: str
    shares_inetinfo: bool
    start_mode: str = "Auto"
    state: str = "Running"


@dataclass
class Marker:
    """The files of one restart."""

    claimed_at: float
    ran_before: tuple[str, ...]
    start_before: float
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class Deed:
    """Something that was done to the server, for whoever judges afterwards."""

    at: float
    what: str  # "clear", "restore", "iisreset", "backup", "start", "close", "ds2mb", "reboot", "script <id>"
    run: str = ""
    path: str = ""


@dataclass(frozen=True)
class Settings:
    """What a rollback must bring back: who holds which word, in memory and in the file."""

    memory: Mapping[str, int]
    saved: Mapping[str, int]


def _services() -> dict[str, Service]:
    found = (
        Service("IISADMIN", "IIS Admin Service", True),
        Service("W3SVC", "World Wide Web Publishing Service", False),
        Service("SMTPSVC", "Simple Mail Transfer Protocol (SMTP)", True),
        Service("NntpSvc", "Network News Transfer Protocol (NNTP)", True, "Disabled", "Stopped"),
        Service("RESvc", "Microsoft Exchange Routing Engine", True),
        Service("POP3Svc", "Microsoft Exchange POP3", True),
        Service("IMAP4Svc", "Microsoft Exchange IMAP4", True),
    )
    return {each.name: each for each in found}


@dataclass
class PaperServer:
    """One back-end; `now` is its own clock, in seconds from the beginning of the play."""

    case: Case
    now: Callable[[], float]
    memory: dict[str, int] = field(default_factory=dict)  # path -> word, for each key that holds its own
    saved: dict[str, int] = field(default_factory=dict)
    services: dict[str, Service] = field(default_factory=_services)
    markers: dict[str, Marker] = field(default_factory=dict)
    backups: dict[str, float] = field(default_factory=dict)
    deeds: list[Deed] = field(default_factory=list)
    saved_at: float = 0.0
    down_until: float = -1.0
    visitor: str = ""  # the run whose script is running
    _coming: list[tuple[float, int, Callable[[float], None]]] = field(default_factory=list)
    _order: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        case = self.case
        if case.word is not None:
            self.memory[SITE if case.is_inherited else EAS] = case.word
        if case.is_inherited:
            self.memory[OMA] = 0  # exempt, or FolderSync would fail too (domain 4.1)
        if case.child is not None:
            self.memory[CHILD] = case.child
        self.saved = dict(self.memory)
        if case.is_disabled:
            self.services[case.stays_down].start_mode = "Disabled"
        if case.reboots_at is not None:
            self.later(case.reboots_at, self.reboot)

    # --- its time ------------------------------------------------------------------------------------------------

    def later(self, at: float, what: Callable[[float], None]) -> None:
        """Something will happen then."""
        heapq.heappush(self._coming, (at, next(self._order), what))

    def catch_up(self) -> None:
        """Let everything happen whose time has come."""
        while self._coming and self._coming[0][0] <= self.now():
            at, _, what = heapq.heappop(self._coming)
            what(at)

    @property
    def is_up(self) -> bool:
        """It answers whoever connects."""
        now = self.now()
        return now >= self.down_until and not any(start <= now < end for start, end in self.case.away)

    def heal(self) -> None:
        """From now on nothing new happens to it, and everybody can reach it."""
        self.case = replace(self.case, away=(), cannot_save=False, is_denied=False, reverts_after=None)
        self.down_until = min(self.down_until, self.now())
        if self.case.stays_down:
            self.services[self.case.stays_down].start_mode = "Auto"

    # --- what can be seen ----------------------------------------------------------------------------------------

    @property
    def keys(self) -> tuple[str, ...]:
        """The directories that exist, and what holds a word below them."""
        return (EAS, *([CHILD] if self.case.child is not None else []), EXCHANGE, *([OMA] if self.has_oma else []))

    @property
    def has_oma(self) -> bool:
        """ActiveSync reads mailboxes through a directory of its own, because the site requires SSL (domain 4.1)."""
        return self.case.is_inherited

    def holder(self, path: str) -> str:
        """The nearest key, from this one upwards, that holds a word; empty where none does."""
        while path:
            if path in self.memory:
                return path
            path = path.rpartition("/")[0]
        return ""

    def word(self, path: str) -> int:
        """The word in force."""
        return self.memory.get(self.holder(path), DEFAULT)

    @property
    def is_running(self) -> bool:
        """IIS answers."""
        return self.services["IISADMIN"].state == "Running"

    @property
    def running(self) -> frozenset[str]:
        """The services that run."""
        return frozenset(each.name for each in self.services.values() if each.state == "Running")

    @property
    def is_right(self) -> bool:
        """A proxy gets through: no word on the way blocks it, and the web service answers."""
        self.catch_up()
        is_free = not any(self.word(path) & BLOCKING for path in (EAS, CHILD) if path in self.keys)
        return is_free and "W3SVC" in self.running

    @property
    def settings(self) -> Settings:
        """As they are now."""
        self.catch_up()
        return Settings(dict(self.memory), dict(self.saved))

    def done(self, what: str, run: str) -> int:
        """How often a run did something to it."""
        return sum(each.what == what and each.run == run for each in self.deeds)

    # --- what can be done to it ----------------------------------------------------------------------------------

    def did(self, what: str, run: str = "", path: str = "", at: float | None = None) -> None:
        """Keep in mind that it was done."""
        self.deeds.append(Deed(self.now() if at is None else at, what, run or self.visitor, path))

    def write(self, path: str, word: int | None) -> None:
        """Give the key a word of its own, or take its own away; DS2MB may be told."""
        before = self.case.word or 0
        if word is None:
            del self.memory[path]
        else:
            self.memory[path] = word
        if self.case.reverts_after is not None and path == EAS and word is not None and not word & BLOCKING:
            self.later(self.now() + self.case.reverts_after, lambda at: self._revert(at, before))

    def save(self) -> str:
        """Write the file; why not, where that fails."""
        if self.case.cannot_save:
            return "There is not enough space on the disk.\r\n"
        self.saved, self.saved_at = dict(self.memory), self.now()
        return ""

    def reset(self, run: str) -> None:
        """The worker runs iisreset: everything stops, and comes back after a while."""
        now, marker = self.now(), self.markers[run]
        marker.started_at = now
        self.did("iisreset", run)
        if not (self.case.loses_change or self.case.cannot_save):
            self.saved = dict(self.memory)
        for each in self.services.values():
            each.state = "Stopped"
        boot = self.down_until
        self.later(now + self.case.restart_seconds, lambda at: self._reset_ended(at, run, boot))

    def reboot(self, at: float) -> None:
        """The power fails: what was not in the file is lost, and every process with it."""
        self.did("reboot", at=at)
        self.down_until = at + BOOT_SECONDS
        self.memory = dict(self.saved)
        self._start_all()

    def _reset_ended(self, at: float, run: str, boot: float) -> None:
        if self.down_until != boot:
            return  # the worker did not live to see it
        self.memory = dict(self.saved)
        self._start_all()
        if marker := self.markers.get(run):
            marker.ended_at, marker.exit_code = at, 0

    def _start_all(self) -> None:
        for each in self.services.values():
            is_back = each.start_mode == "Auto" and each.name != self.case.stays_down
            each.state = "Running" if is_back else "Stopped"

    def _revert(self, at: float, word: int) -> None:
        if EAS in self.memory and not self.memory[EAS] & BLOCKING and self.case.reverts_after is not None:
            self.memory[EAS] = word
            self.did("ds2mb", at=at)
