"""The whole error tree; whether to ask again, and whether anything can have changed, are facts on the class.

    EasfixError                   message, where, next_step
    |-- UsageError                the command line asks for something that cannot be
    |   |-- UnknownName           a server, run or step that nobody knows; says what was perhaps meant
    |   `-- EmptySelection        no server is left after --limit and --skip
    |-- ConfigError               the configuration, or something it names, cannot be used
    |   |-- SecretMissing         a password is not where the configuration says it is
    |   `-- PlaybookError         a playbook or one of its scripts is not fit to be sent
    |-- JournalError              the record of runs cannot be opened, read or written
    |   |-- NoJournal             nothing has been run from here yet, so there is no record to read
    |   |-- OldJournal            the record is of an older easfix, and who only reads does not bring it up to date
    |   `-- ImpossibleMove        a step was to enter a state that its life does not allow
    |-- Refused                   all is understood, and the answer is no
    |   |-- StalePlan             the server is no longer in the state that the plan was made from
    |   |-- Locked                another run holds the server
    |   |-- NoTerminal            a question must be asked and there is nobody to ask
    |   |-- Capped                more servers than max_servers allows
    |   |-- Guarded               a guard speaks against the change on this server
    |   |-- WindowClosed          outside the change window, or too little of it is left
    |   |-- NotApproved           an approval is required and there is none that fits
    |   |-- Stopped               the run was asked to stop, so it begins with no other server
    |   |-- ThresholdReached      so many servers of the run have failed that it begins with no other
    |   `-- Fenced                this process was silent for too long, or the run was taken over: it sends nothing
    |-- Interrupted               the operator stopped the run
    `-- ServerError               server, message, next_step                       retryable   untouched
        |-- Unreachable           no connection came about                         yes         yes
        |   `-- Lapsed            the session had ended before a write was sent      yes         yes
        |-- Denied                logon or rights refused; asking again may lock   no          yes
        |-- Unsupported           the server lacks this way in, e.g. no PSRP       no          yes
        |-- WriteRefused          a write script met a read-only transport         no          yes
        |-- Busy                  the server refused for a quota, before starting  yes         yes
        |-- TimedOut              sent, and no answer within the time              yes         no
        |-- BrokenOff             sent, and the connection broke                   yes         no
        |-- BadAnswer             an answer came that makes no sense               no          no
        |   `-- Astray            easfix itself stumbled over it: a defect         no          no
        `-- ScriptFailed          the script ran and reported an error (record)    no          no

`retryable` means that the same *question* may be put again; a write is never sent twice without looking.
`untouched` means that certainly nothing changed on the server; everything else is settled by looking again.
"""

# ruff: noqa: N818 - the names are the words an operator reads: "Locked", not "LockedError".

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar


class EasfixError(Exception):
    """Anything that easfix itself says went wrong: what, where, and what to do next."""

    def __init__(self, message: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.next_step = next_step
        self.run_ended = ""  # name of the run that this error put an end to, where there is one


class UsageError(EasfixError):
    """The command line asks for something that cannot be."""


class UnknownName(UsageError):
    """A name that nobody knows; `meant` are the known names nearest to it."""

    def __init__(self, message: str, *, meant: tuple[str, ...] = (), where: str = "", next_step: str = "") -> None:
        super().__init__(message, where=where, next_step=next_step)
        self.meant = meant


class EmptySelection(UsageError):
    """No server is left to work on; empty never means all."""


class ConfigError(EasfixError):
    """The configuration, or something it names, cannot be used."""


class SecretMissing(ConfigError):
    """A password is not where the configuration says it is."""


class PlaybookError(ConfigError):
    """A playbook or one of its scripts is not fit to be sent."""


class JournalError(EasfixError):
    """The record of runs cannot be opened, read or written."""


class NoJournal(JournalError):
    """Nothing has been run from here yet, so there is no record to read."""


class OldJournal(JournalError):
    """The record is of an older easfix, and who only reads does not bring it up to date."""


class ImpossibleMove(JournalError):
    """A step was to enter a state that its life does not allow."""


class Refused(EasfixError):
    """All is understood, and the answer is no."""


class StalePlan(Refused):
    """The server is no longer in the state that the plan was made from."""


class Locked(Refused):
    """Another run holds the server; says which, whose, and since when."""

    def __init__(
        self, server: str, message: str, *, run: str, holder: str, since: datetime, next_step: str = ""
    ) -> None:
        super().__init__(message, where=server, next_step=next_step)
        self.server = server
        self.run = run
        self.holder = holder
        self.since = since


class NoTerminal(Refused):
    """A question must be asked and there is nobody to ask."""


class Capped(Refused):
    """More servers than max_servers allows without being told so."""


class Guarded(Refused):
    """A guard speaks against the change on this server."""


class WindowClosed(Refused):
    """Outside the change window, or too little of it is left."""


class NotApproved(Refused):
    """An approval is required and there is none that fits this plan."""


class Stopped(Refused):
    """The run was asked to stop, so it begins with no other server."""


class ThresholdReached(Refused):
    """So many servers of the run have failed that it begins with no other."""


class Fenced(Refused):
    """This process was silent for too long, or another one has taken the run over: it sends nothing any more."""


class Interrupted(EasfixError):
    """The operator stopped the run."""


class ServerError(EasfixError):
    """Something went wrong with one server; the others go on."""

    retryable: ClassVar[bool] = False
    untouched: ClassVar[bool] = False
    longest: ClassVar[int] = 2000
    """Letters of a message: it may have a server's words in it, which may be as many as that likes."""

    def __init__(self, server: str, message: str, next_step: str = "") -> None:
        cut = f"{message[: self.longest]} …" if len(message) > self.longest else message
        super().__init__(cut, where=server, next_step=next_step)
        self.server = server


class Unreachable(ServerError):
    """No connection came about, so nothing was sent."""

    retryable = True
    untouched = True


class Lapsed(Unreachable):
    """The server had ended the session since it was last used, so a write was not sent."""


class Denied(ServerError):
    """The logon or the rights were refused; asking again may lock the account."""

    untouched = True


class Unsupported(ServerError):
    """The server lacks this way in, for example PowerShell remoting is not enabled."""

    untouched = True


class WriteRefused(ServerError):
    """A script with effect: write met a transport that can only read; it was not sent."""

    untouched = True


class Busy(ServerError):
    """The server refused for a quota before starting anything."""

    retryable = True
    untouched = True


class TimedOut(ServerError):
    """It was sent, and no answer came within the time: the server may have done some or all of it."""

    retryable = True


class BrokenOff(ServerError):
    """It was sent, and the connection broke: the server may have done some or all of it."""

    retryable = True


class BadAnswer(ServerError):
    """An answer came that makes no sense."""


class Astray(BadAnswer):
    """What a server said led easfix into an error of its own: a defect, but nothing that ends a run over many."""


@contextmanager
def told_by(server: str) -> Iterator[None]:
    """Around the reading of what a server said: whatever is raised in here is that server's failure."""
    try:
        yield
    except EasfixError:
        raise
    except Exception as error:
        raise Astray(
            server,
            f"easfix could not make sense of what the server said ({type(error).__name__}{_place(error)}), "
            "which is a defect of easfix",
            "Report it with the log.",
        ) from error


def _place(error: Exception) -> str:
    import traceback  # needed by no run that goes well

    found = traceback.extract_tb(error.__traceback__)
    return f", {Path(found[-1].filename).name} line {found[-1].lineno}" if found else ""


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """What PowerShell says about a terminating error, as text."""

    exception: str = ""  # type name, e.g. "System.Runtime.InteropServices.COMException"
    error_id: str = ""  # FullyQualifiedErrorId
    category: str = ""
    target: str = ""
    position: str = ""  # line and column within the script, as PowerShell words it


class ScriptFailed(ServerError):
    """The script ran and reported an error; what it did before that is unknown until looked at."""

    def __init__(self, server: str, message: str, next_step: str = "", record: ErrorRecord | None = None) -> None:
        super().__init__(server, message, next_step)
        self.record = record or ErrorRecord()
